"""The growth laws that rival a Gaussian process: bounds, log growth and slopes, and their least squares.

    log x' = log f(s) + sigma z,    z standard normal,

so f(s) is the median of the next biomass x'. Laws and bounds are those of the flat priors of Boettiger, Mangel &
Munch 2015, doi:10.1098/rspb.2014.1631: Ricker r on [.01, 20], K on [.01, 40]; Allen r on [.01, 6], K and C on
[.01, 20]; Myers r and theta on [1e-4, 10], K on [1e-4, 40]; sigma on [1e-6, 100]. They are in that paper's unit,
in which the largest biomass is about 9: data in other units are searched in theirs, with the largest biomass
made 9, so that a change of unit changes no fit.

Numbers are searched on the whole line, u = log((x - low)/(high - x)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from ecodecide.errors import FitError
from ecodecide.stock.growth import Allen, Array, GrowthLaw, Myers, Ricker

LARGEST = 9.0
"""The largest biomass of the paper's training data, roughly: what data are scaled to."""

SIGMA = (1e-6, 100.0)
"""The bounds of sigma."""

Curve: TypeAlias = Callable[[Array, Array], Array]
"""Takes numbers, shape (..., k), and escapements, shape (n,)."""


def _ricker(x: Array, s: Array) -> Array:
    r, K = x[..., 0, None], x[..., 1, None]
    return np.asarray(np.log(s) + r * (1.0 - s / K))


def _ricker_slope(x: Array, s: Array) -> Array:
    r, K = x[..., 0, None], x[..., 1, None]
    return np.stack([1.0 - s / K, r * s / K**2], axis=-1)


def _allen(x: Array, s: Array) -> Array:
    r, K, C = x[..., 0, None], x[..., 1, None], x[..., 2, None]
    return np.asarray(np.log(s) + r * (1.0 - s / K) * (s - C) / K)


def _allen_slope(x: Array, s: Array) -> Array:
    r, K, C = x[..., 0, None], x[..., 1, None], x[..., 2, None]
    by_K = r * (s - C) * (2.0 * s / K - 1.0) / K**2
    return np.stack([(1.0 - s / K) * (s - C) / K, by_K, -r * (1.0 - s / K) / K], axis=-1)


def _myers(x: Array, s: Array) -> Array:
    r, theta, K = x[..., 0, None], x[..., 1, None], x[..., 2, None]
    power = theta * np.log(s) - np.log(K)
    return np.asarray(np.log(r * K) + power - np.logaddexp(0.0, power))


def _myers_slope(x: Array, s: Array) -> Array:
    r, theta, K = x[..., 0, None], x[..., 1, None], x[..., 2, None]
    full = expit(theta * np.log(s) - np.log(K))  # 0 where growth is a power of s, 1 at the asymptote
    return np.stack([1.0 / r + 0.0 * s, np.log(s) * (1.0 - full), full / K], axis=-1)


@dataclass(frozen=True, eq=False)
class Family:
    """A law as the search sees it.

    Attributes
    ----------
    law
        The growth law.
    names, bounds
        Its numbers and the bounds of each, in the unit of the bounds.
    curve
        Log f, shape (..., n), of numbers and escapements.
    slope
        Its slopes along the numbers, shape (..., n, k).
    starts
        Where a search starts.
    rescale
        Takes the numbers and the biomass that is 1 in the unit of the bounds; returns them in the data's unit.
    anchored
        Whether the first number multiplies f.
    """

    law: type[Any]
    names: tuple[str, ...]
    bounds: tuple[tuple[float, float], ...]
    curve: Curve
    slope: Curve
    starts: Sequence[tuple[float, ...]]
    rescale: Callable[..., tuple[Any, ...]]
    anchored: bool = False

    def place(self, u: Array) -> Array:
        """Return the numbers inside their bounds."""
        low, high = np.array(self.bounds).T
        # 1e-12 of the width away from the bounds: the numbers stay positive and the way back finite
        return np.asarray(low + (high - low) * np.clip(expit(u), 1e-12, 1.0 - 1e-12))

    def search(self, x: ArrayLike) -> Array:
        """Return the numbers on the whole line."""
        low, high = np.array(self.bounds).T
        share = np.clip((np.asarray(x) - low) / (high - low), 1e-12, 1.0 - 1e-12)
        return np.asarray(np.log(share) - np.log1p(-share))

    def growth(self, x: Array, scale: float) -> GrowthLaw:
        """Return the law in units of the data; x has the numbers in its last axis."""
        values = self.rescale(*np.moveaxis(x, -1, 0), scale)
        whole = [float(v) if np.ndim(v) == 0 else v for v in values]
        made: GrowthLaw = self.law(**dict(zip(self.names, whole, strict=True)))
        return made


FAMILIES: dict[str, Family] = {
    "ricker": Family(
        Ricker,
        ("r", "K"),
        ((0.01, 20.0), (0.01, 40.0)),
        _ricker,
        _ricker_slope,
        tuple(product((0.3, 1.5), (6.0, 12.0))),
        lambda r, K, c: (r, K * c),
    ),
    "allen": Family(
        Allen,
        ("r", "K", "C"),
        ((0.01, 6.0), (0.01, 20.0), (0.01, 20.0)),
        _allen,
        _allen_slope,
        tuple(product((0.5, 2.0), (6.0, 9.0, 14.0), (0.5, 4.0))),
        lambda r, K, C, c: (r, K * c, C * c),
    ),
    "myers": Family(
        Myers,
        ("r", "theta", "K"),
        ((1e-4, 10.0), (1e-4, 10.0), (1e-4, 40.0)),
        _myers,
        _myers_slope,
        # the asymptote r K is about the largest biomass
        tuple((10.0 / K, theta, K) for K, theta in product((2.0, 10.0, 30.0), (1.0, 2.5, 5.0))),
        lambda r, theta, K, c: (r * c ** (1.0 - theta), theta, K * c**theta),
        anchored=True,
    ),
}
"""The laws by name."""

LAWS = tuple(FAMILIES)
"""The laws that can be candidates."""


# --- the data and the likelihood, in the unit of the bounds ---


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs in the unit of the bounds; a biomass of 1 there is `scale` of the data's unit."""

    escapement: Array
    log_next: Array
    scale: float

    @property
    def count(self) -> int:
        """How many pairs there are."""
        return len(self.escapement)

    @classmethod
    def of(cls, escapement: ArrayLike, next_biomass: ArrayLike, scale: float | None) -> Pairs:
        """Return the pairs in the unit of the bounds, which is `scale` or else a ninth of the largest biomass."""
        s, x = np.asarray(escapement, dtype=float), np.asarray(next_biomass, dtype=float)
        if s.ndim != 1 or s.shape != x.shape:
            raise FitError(
                f"escapement and next biomass must be one pair per year, got shapes {s.shape} and {x.shape}"
            )
        if not np.all(np.isfinite(s + x) & (np.minimum(s, x) > 0.0)):
            raise FitError(
                "a growth law with lognormal noise is fitted to pairs of positive finite biomass, got others; "
                "leave out the years in which one of the two is missing or zero"
            )
        largest = float(max(s.max(initial=0.0), x.max(initial=0.0)))
        unit = largest / LARGEST if scale is None else float(scale)
        if not (np.isfinite(unit) and unit > 0.0):
            raise FitError(f"scale must be a positive biomass, got {unit}; is there any pair?")
        return cls(s / unit, np.log(x / unit), unit)


def family_named(law: str, pairs: int) -> Family:
    """Return a law by its name, if there are enough pairs to fit it."""
    if law not in FAMILIES:
        raise FitError(f"unknown candidate {law!r}: expected some of {', '.join(LAWS)}")
    family = FAMILIES[law]
    least = len(family.names) + 2
    if pairs < least:
        raise FitError(f"{law}: needs at least {least} pairs for its numbers and sigma, got {pairs}")
    return family


def log_density(family: Family, x: Array, sigma: Array | float, data: Pairs) -> Array:
    """Return the log density of each next biomass, in the unit of the data: shape (..., pairs)."""
    z = (data.log_next - family.curve(x, data.escapement)) / sigma
    # per unit of the data, not of the bounds
    logs = data.log_next + np.log(data.scale) + np.log(sigma)
    return np.asarray(-0.5 * z**2 - logs - 0.5 * np.log(2.0 * np.pi))


def ordered(law: str, x: Array) -> Array:
    """Return Allen's numbers with the larger equilibrium as K, where the bound of r allows it."""
    if law != "allen":
        return x
    r, K, C = np.moveaxis(x, -1, 0)
    swapped = np.stack([r * (C / K) ** 2, C, K], axis=-1)
    allowed = (C > K) & (swapped[..., 0] <= FAMILIES["allen"].bounds[0][1])
    return np.where(allowed[..., None], swapped, x)


# --- least squares: Levenberg-Marquardt on all starts at once ---

_ROUNDS = 100


def least_squares(family: Family, data: Pairs, weight: Array) -> tuple[Array, Array]:
    """Fit log x' for several weightings of the pairs at once.

    Parameters
    ----------
    weight
        Shape (fits, pairs): 1 for a pair that counts, 0 for one that does not.

    Returns
    -------
    u
        Shape (fits, k): of each the best of all starts, on the whole line.
    mean_square
        Shape (fits,): the mean square of the residuals that count.
    """
    fits, starts = len(weight), len(family.starts)
    u = np.tile(family.search(np.array(family.starts)), (fits, 1))
    counts = np.repeat(weight, starts, axis=0)
    damping = np.full(len(u), 1e-2)
    residual, slope = residuals(family, u, data, counts)
    cost = np.sum(residual**2, axis=1)
    for _ in range(_ROUNDS):
        normal = np.einsum("bni,bnj->bij", slope, slope)
        diagonal = np.einsum("bii->bi", normal)
        diagonal *= 1.0 + damping[:, None]
        diagonal += 1e-12
        move = np.linalg.solve(normal, np.einsum("bni,bn->bi", slope, residual)[..., None])[..., 0]
        trial = np.clip(u + np.clip(move, -3.0, 3.0), -30.0, 30.0)
        tried, steeper = residuals(family, trial, data, counts)
        lower = np.sum(tried**2, axis=1)
        better = lower < cost
        gain = np.where(better, cost - lower, 0.0)
        u, cost = np.where(better[:, None], trial, u), np.where(better, lower, cost)
        residual = np.where(better[:, None], tried, residual)
        slope = np.where(better[:, None, None], steeper, slope)
        damping = np.clip(np.where(better, damping / 5.0, damping * 4.0), 1e-9, 1e6)
        # at rest: a small gain on a long step, or no gain however short the step
        if np.all(np.where(better, (gain < 1e-12 * cost) & (damping < 1.0), damping > 1e5) | (cost < 1e-20)):
            break
    best = np.argmin(cost.reshape(fits, starts), axis=1) + starts * np.arange(fits)
    return u[best], cost[best] / weight.sum(axis=1)


def residuals(family: Family, u: Array, data: Pairs, weight: Array) -> tuple[Array, Array]:
    """Return log x' - log f and the slope of log f along u."""
    x = family.place(u)
    fitted, slope = family.curve(x, data.escapement), family.slope(x, data.escapement)
    low, high = np.array(family.bounds).T
    along = (x - low) * (high - x) / (high - low)
    return weight * (data.log_next - fitted), weight[..., None] * slope * along[:, None, :]
