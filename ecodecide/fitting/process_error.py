"""The fit of a logistic stock in Memarzadeh & Boettiger 2019: no observation error, growth before the catch.

    x[t+1] = N(f(x[t]) - h[t], sigma)           f logistic, sigma an absolute standard deviation

Biomass is in units of its largest value, the first year is given, years whose catch exceeds the biomass are
dropped and the rest taken for consecutive; r and K ~ U(0, 2), sigma ~ U(0, 1). It stands beside the state-space fit
for comparison with that paper (doi:10.1086/702704), and for nothing else: a survey error that is taken for growth makes
the stock look more variable than it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

from ecodecide.errors import FitError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Array

_LARGEST = {"r": 2.0, "K": 2.0, "sigma": 1.0}
"""The ends of the uniform priors, which begin at 0; K and sigma in units of the largest biomass."""
_CELLS = {"r": 300, "K": 300, "sigma": 400}
"""Midpoints of each, over which the posterior is summed."""
_FEWEST = 4


@dataclass(frozen=True, eq=False)
class ProcessErrorFit:
    """A logistic stock fitted with process error alone.

    Attributes
    ----------
    marginals
        For ``r``, ``K`` and ``sigma``, values and their probabilities; K and sigma in units of `scale`.
    scale
        The largest biomass, in units of the history.
    years, dropped
        How many years were used, and how many left out because the catch exceeds the biomass.
    """

    marginals: Mapping[str, tuple[Array, Array]]
    scale: float
    years: int
    dropped: int

    def mean(self, name: str) -> float:
        """Return the posterior mean."""
        values, mass = self.marginals[name]
        return float(values @ mass)

    def deviation(self, name: str) -> float:
        """Return the posterior standard deviation."""
        values, mass = self.marginals[name]
        return float(np.sqrt(values**2 @ mass - self.mean(name) ** 2))

    def quantile(self, name: str, share: float) -> float:
        """Return a posterior quantile."""
        values, mass = self.marginals[name]
        return float(np.interp(share, np.cumsum(mass) - 0.5 * mass, values))


def fit_process_error(history: CatchHistory) -> ProcessErrorFit:
    """Fit logistic growth to a biomass that is taken for exact.

    Parameters
    ----------
    history
        With a biomass (or a spawning biomass) that is known in every year that is used.

    Raises
    ------
    FitError
        When there is no biomass, or fewer than four years whose catch does not exceed it.

    Notes
    -----
    The posterior is summed over a grid of midpoints, so that no draw and no chain is needed.
    """
    series = history.biomass_like()
    if series is None:
        raise FitError(
            f"{history.id}: there is no biomass, expected one: an index will not do, for this fit has no error of it"
        )
    biomass, catch = np.asarray(series[1], dtype=float), np.nan_to_num(history.catch)
    known = np.isfinite(biomass) & (biomass > 0.0)
    # the paper drops equality too, which its series has only since it was snapped to a grid
    kept = known & (catch <= biomass)
    if kept.sum() < _FEWEST:
        few = f"{int(kept.sum())} years whose catch does not exceed the biomass"
        raise FitError(f"{history.id}: {few}, expected at least {_FEWEST}")
    scale = float(biomass[known].max())
    x, h = biomass[kept] / scale, catch[kept] / scale
    r, K, sigma = (
        (np.arange(count) + 0.5) / count * end
        for end, count in zip(_LARGEST.values(), _CELLS.values(), strict=True)
    )
    squares = np.zeros((r.size, K.size))
    for before, caught, after in zip(x[:-1], h[:-1], x[1:], strict=True):
        grown = before + r[:, None] * before * (1.0 - before / K)
        squares += (after - (grown - caught)) ** 2
    count = x.size - 1
    # one sigma after the other: all at once is a gigabyte
    log_sigma = np.array([logsumexp(-0.5 * squares / s**2) - count * np.log(s) for s in sigma])
    weight = np.exp(log_sigma - logsumexp(log_sigma))
    joint = np.zeros_like(squares)
    for s, share in zip(sigma, weight, strict=True):
        if share > 1e-12:
            log = -0.5 * squares / s**2
            joint += share * np.exp(log - logsumexp(log))
    marginals = {"r": (r, joint.sum(axis=1)), "K": (K, joint.sum(axis=0)), "sigma": (sigma, weight)}
    return ProcessErrorFit(marginals, scale, int(kept.sum()), int((known & ~kept).sum()))


def to_dict(history: CatchHistory, fitted: ProcessErrorFit) -> dict[str, Any]:
    """Return the fit as plain values that JSON can hold; K in units of the history."""
    factor = {"r": 1.0, "K": fitted.scale, "sigma": fitted.scale}
    parameters = {
        name: {
            "mean": fitted.mean(name) * factor[name],
            "sd": fitted.deviation(name) * factor[name],
            "low": fitted.quantile(name, 0.05) * factor[name],
            "median": fitted.quantile(name, 0.5) * factor[name],
            "high": fitted.quantile(name, 0.95) * factor[name],
        }
        for name in fitted.marginals
    }
    said = ", ".join(f"{n} {fitted.mean(n):.3g} +- {fitted.deviation(n):.2g}" for n in fitted.marginals)
    return {
        "stock": history.id,
        "laws": {
            "logistic": {
                "parameters": parameters,
                "diagnostics": {
                    "status": f"process error only, recruit-first, {fitted.years} years ({fitted.dropped} dropped); "
                    f"posterior means in units of the largest biomass, {fitted.scale:.6g}: {said}",
                },
                "assumptions": [
                    "logistic growth before the catch, normal process error, biomass taken for exact: for comparison "
                    "with Memarzadeh & Boettiger 2019, doi:10.1086/702704, not for a decision",
                    "r and K ~ U(0, 2), sigma ~ U(0, 1), in units of the largest biomass",
                ],
            }
        },
    }
