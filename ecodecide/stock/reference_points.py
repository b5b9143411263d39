"""Reference points: where a stock settles, where it tips, and what it yields.

All are of the growth law without noise. Two B_MSY are in use, and both are given: the biomass before harvest
(`b_msy`, what a survey sees in this package's order of events) and after it (`escapement_msy`, K/2 for
logistic growth, what surplus-production software calls B_MSY).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar

from ecodecide.stock.growth import Allen, Array, BevertonHolt, GrowthLaw, Logistic, PellaTomlinson, Ricker

_FINE = np.concatenate([np.geomspace(1e-6, 0.01, 200, endpoint=False), np.linspace(0.01, 3.0, 1200)])
"""Trial escapements in units of the law's scale: relative accuracy at the low end, where thresholds hide."""


@dataclass(frozen=True)
class ReferencePoints:
    """What a stock yields at best and where.

    Attributes
    ----------
    msy
        Maximum sustainable yield per year, max over s of f(s) - s.
    escapement_msy
        S_MSY, the biomass after harvest at MSY.
    b_msy
        B_MSY = f(S_MSY), the biomass before harvest at MSY.
    f_msy
        F_MSY = MSY / B_MSY, the harvest as a fraction of the biomass before harvest.
    carrying_capacity
        The largest stable unfished equilibrium (0 when every start dies out).
    allee_threshold
        The largest unstable equilibrium below it; None where there is none.
    """

    msy: float
    escapement_msy: float
    b_msy: float
    f_msy: float
    carrying_capacity: float
    allee_threshold: float | None


def equilibria(f: Callable[[Array], Array], scale: float) -> tuple[float, float | None]:
    """Return the carrying capacity and the Allee threshold of a law.

    The carrying capacity is the largest biomass at which f(s) - s turns from gain to loss; under growth so
    steep that the stock overshoots and cycles (Ricker with r > 2) it is the center of the cycle. The
    threshold is the largest biomass below it at which loss turns to gain.

    Parameters
    ----------
    f
        The growth law.
    scale
        A biomass of the order of the carrying capacity.

    Returns
    -------
    tuple of float and (float or None)
    """
    s = _FINE * scale
    gain = f(s) - s
    # an equilibrium on a node is given to the side above it
    sign = np.where(gain > 0.0, 1, -1)
    downs = np.flatnonzero((sign[:-1] > 0) & (sign[1:] < 0))
    if downs.size == 0:
        return 0.0, None
    top = downs[-1]
    capacity = _root(f, s[top], s[top + 1])
    ups = np.flatnonzero((sign[:top] < 0) & (sign[1 : top + 1] > 0))
    # a gain at the origin too small to be seen beside s is rounding, not the far side of a threshold
    ups = ups[[bool(np.any(gain[: up + 1] < -1e-13 * s[: up + 1])) for up in ups]] if ups.size else ups
    return capacity, (_root(f, s[ups[-1]], s[ups[-1] + 1]) if ups.size else None)


def _root(f: Callable[[Array], Array], low: float, high: float) -> float:
    def gain(s: float) -> float:
        return float(f(np.asarray(s))) - s

    if gain(low) == 0.0:
        return float(low)
    if gain(high) == 0.0:
        return float(high)
    return float(brentq(gain, low, high, xtol=1e-14 * high, rtol=1e-13))


def best_escapement(mean: Callable[[Array], Array], discount: float, scale: float) -> float:
    """Return the escapement that maximizes discount * mean(s) - s, zero included.

    With the noise's own mean this is Reed's optimal constant escapement S* under a perfect survey and a price
    without cost (Reed 1979, doi:10.1016/0095-0696(79)90014-7); with a discount of 1 it is S_MSY. The
    maximum is global: trial escapements bracket it, Brent's method refines it.

    Parameters
    ----------
    mean
        Expected next biomass of an escapement.
    discount
        Factor in (0, 1].
    scale
        A biomass of the order of the carrying capacity.

    Returns
    -------
    float
        0 when liquidating the stock pays most.

    Examples
    --------
    >>> round(best_escapement(Logistic(r=0.75, K=1.0), 0.95, 1.0), 4)
    0.4649
    """
    s = np.concatenate([[0.0], _FINE * scale])
    value = discount * mean(s) - s
    best = int(np.argmax(value))
    if best == 0:
        return 0.0
    low, high = s[best - 1], s[min(best + 1, len(s) - 1)]
    found = minimize_scalar(
        lambda x: x - discount * float(mean(np.asarray(x))),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-12 * scale},
    )
    return float(found.x) if -found.fun >= value[best] else float(s[best])


def numerical_reference_points(f: Callable[[Array], Array], scale: float) -> ReferencePoints:
    """Return the reference points of any law, to about nine digits.

    Parameters
    ----------
    f
        The growth law without noise.
    scale
        A biomass of the order of the carrying capacity.

    Returns
    -------
    ReferencePoints
    """
    capacity, threshold = equilibria(f, scale)
    escapement = best_escapement(f, 1.0, scale) if capacity > 0.0 else 0.0
    return _collect(f, escapement, capacity, threshold)


def _collect(
    f: Callable[[Array], Array], escapement: float, capacity: float, threshold: float | None
) -> ReferencePoints:
    before = float(f(np.asarray(escapement)))
    msy = before - escapement
    f_msy = msy / before if before > 0.0 else 0.0
    return ReferencePoints(msy, escapement, before, f_msy, capacity, threshold)


def law_reference_points(law: GrowthLaw) -> ReferencePoints:
    """Return the reference points of a growth law with scalar parameters, in closed form where one is known.

    Parameters
    ----------
    law
        Logistic, Pella-Tomlinson and Beverton-Holt have closed forms; Ricker's and Allen's equilibria do;
        every other law is searched numerically.

    Returns
    -------
    ReferencePoints

    Examples
    --------
    >>> points = law_reference_points(Logistic(r=0.75, K=1.0))
    >>> points.msy, points.escapement_msy, points.b_msy
    (0.1875, 0.5, 0.6875)
    """
    match law:
        case Logistic(r=r, K=K) if r <= 2.0:
            return _collect(law, K / 2.0, float(K), None)
        case PellaTomlinson(r=_, p=p, K=K) if law.r <= 1.0:
            # (1/(p+1))^(1/p), which loses its digits as p -> 0 unless it is written so
            share = np.exp(-1.0 if p == 0.0 else -np.log1p(p) / p)
            return _collect(law, float(K * share), float(K), None)
        case BevertonHolt(A=A, B=B):
            if A <= 1.0:
                return _collect(law, 0.0, 0.0, None)
            return _collect(law, float((np.sqrt(A) - 1.0) / B), float((A - 1.0) / B), None)
        case Ricker(r=r, K=K):
            return _collect(law, best_escapement(law, 1.0, float(K)), float(K), None)
        case Allen(r=r, K=K, C=C) if C != K:
            threshold = float(min(K, C)) if C > 0.0 else None
            return _collect(law, best_escapement(law, 1.0, float(max(K, C))), float(max(K, C)), threshold)
        case _:
            return numerical_reference_points(law, float(law.scale))


def is_persistent(f: Callable[[ArrayLike], Array], capacity: float) -> bool:
    """Return whether a stock without fishing has somewhere to settle."""
    return capacity > 0.0 and float(f(capacity)) > 0.0
