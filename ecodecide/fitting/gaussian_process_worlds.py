"""Sample paths of a Gaussian-process stock: worlds that stay what they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import StockError
from ecodecide.fitting.growth_prior import coordinate
from ecodecide.stock.growth import Array
from ecodecide.stock.reference_points import ReferencePoints

PATH_UPPER, PATH_POINTS = 3.0, 151
"""How far paths reach, in scales, and on how many points, evenly spaced in the coordinate of the process."""

_FINE = 2001


@dataclass(frozen=True, eq=False)
class GaussianProcessWorlds:
    """Sample paths of a Gaussian-process stock, one fixed world per replicate.

    Attributes
    ----------
    unit
        The unit of biomass.
    scale
        The biomass at which the coordinate is 2; paths reach from 0 to 3 scales.
    paths
        Shape (replicates, points): the log growth g on points that are evenly spaced in the coordinate
        2 sqrt(s / scale); linear in between, the last value above.
    noise_sd
        Shape (replicates,): the log-sd of each world's noise.
    """

    unit: str
    scale: float
    paths: Array
    noise_sd: Array

    def growth(self, escapement: ArrayLike) -> Array:
        """Return f(s) = s exp(g(s)) of each replicate's own world; shape (replicates,) or (replicates, k)."""
        s = np.asarray(escapement, dtype=float)
        s = np.broadcast_to(s, (len(self.paths),)) if s.ndim == 0 else s
        points = self.paths.shape[1]
        place = coordinate(np.maximum(s, 0.0), self.scale) / coordinate(PATH_UPPER, 1.0) * (points - 1)
        place = np.clip(place, 0.0, points - 1.0)
        left = np.minimum(place.astype(np.intp), points - 2)
        share = place - left
        row = np.arange(len(self.paths)).reshape((-1,) + (1,) * (s.ndim - 1))
        rate = (1.0 - share) * self.paths[row, left] + share * self.paths[row, left + 1]
        return np.asarray(s * np.exp(rate))

    def mean(self, escapement: ArrayLike) -> Array:
        """Return E[next biomass | escapement] in each replicate's own world."""
        f = self.growth(escapement)
        sd = self.noise_sd.reshape((-1,) + (1,) * (f.ndim - 1))
        return np.asarray(f * np.exp(0.5 * sd**2))

    def step(self, escapement: Array, z: Array) -> Array:
        """Return f(s) exp(sigma z) of each replicate; what is extinct stays so."""
        return np.asarray(self.growth(escapement) * np.exp(self.noise_sd * np.asarray(z)))

    def draw(self, replicates: int, rng: np.random.Generator) -> GaussianProcessWorlds:
        """Return itself: these are worlds already."""
        if replicates != len(self.paths):
            raise StockError(f"these are {len(self.paths)} worlds, drawn already; asked for {replicates}")
        return self

    def take(self, places: Any) -> GaussianProcessWorlds:
        """Return the worlds at some places, which may repeat."""
        return GaussianProcessWorlds(self.unit, self.scale, self.paths[places], self.noise_sd[places])

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Raise: a batch of worlds has no one kernel; the stock that they were drawn from has."""
        raise StockError("a batch of worlds has no one kernel: use the stock that they were drawn from")

    def reference_points(self) -> ReferencePoints:
        """Raise: a batch of worlds has one set of reference points per world."""
        raise StockError("reference points are of one world; see `worlds` of a batch")

    @cached_property
    def worlds(self) -> tuple[ReferencePoints, ...]:
        """The reference points of each path, to a two-thousandth of its range."""
        s = np.linspace(0.0, PATH_UPPER * self.scale, _FINE)
        curves = self.growth(np.broadcast_to(s, (len(self.paths), _FINE)))
        return tuple(_path_points(s, f) for f in curves)

    @cached_property
    def carrying_capacity(self) -> Array:
        """Shape (replicates,): the largest stable unfished equilibrium; 0 where a path has none."""
        return np.array([world.carrying_capacity for world in self.worlds])


def _path_points(s: Array, f: Array) -> ReferencePoints:
    gain = f - s
    up = gain > 0.0

    def crossing(i: int) -> float:
        return float(s[i] + (s[i + 1] - s[i]) * gain[i] / (gain[i] - gain[i + 1]))

    downs = np.flatnonzero(up[:-1] & ~up[1:])
    if up[-1]:  # still growing where the path ends: as good as what it grows to from there
        top, capacity = len(s) - 1, float(f[-1])
    elif downs.size:
        top, capacity = int(downs[-1]), crossing(int(downs[-1]))
    else:
        return ReferencePoints(0.0, 0.0, 0.0, 0.0, 0.0, None)
    ups = np.flatnonzero(~up[1:top] & up[2 : top + 1]) + 1  # from s = 0 on, where f is 0, is no threshold
    best = int(np.argmax(gain))
    threshold = crossing(int(ups[-1])) if ups.size else None
    return ReferencePoints(
        float(gain[best]), float(s[best]), float(f[best]), float(gain[best] / f[best]), capacity, threshold
    )
