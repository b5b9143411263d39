"""The stock that a Gaussian process makes: its predictive for planning, its sample paths as fixed worlds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr
from threadpoolctl import ThreadpoolController

from ecodecide.errors import StockError
from ecodecide.stock.growth import Array
from ecodecide.stock.reference_points import ReferencePoints, numerical_reference_points

_JITTER = 1e-9
_PATH_UPPER, _PATH_POINTS = 3.0, 151
_BLOCK = 64


@dataclass(frozen=True, eq=False)
class GaussianProcessStock:
    """A stock that grows as a Gaussian process says; made by `fit_gaussian_process`.

    Attributes
    ----------
    unit
        The unit of biomass.
    scale
        The biomass that is 1 inside; lengths, noises and `signal_sd` below are in units of it.
    escapement, next_biomass
        Shape (pairs,): what the process learned from, in `unit`, without the added point (0, 0).
    length_scale, noise_sd, weight
        Shape (nodes,): the hyperparameters at each quadrature node, and the node's posterior probability.
    signal_sd
        Prior standard deviation of f.
    border_weight
        Posterior probability at the border of the quadrature: near 0 where the grid was wide enough.
    """

    unit: str
    scale: float
    escapement: Array
    next_biomass: Array
    length_scale: Array
    noise_sd: Array
    weight: Array
    signal_sd: float
    border_weight: float
    _inputs: Array = field(repr=False)
    _alpha: Array = field(repr=False)
    _whiten: Array = field(repr=False)

    def posterior(self, escapement: ArrayLike) -> tuple[Array, Array]:
        """Return mean and variance of f at each quadrature node, without noise.

        Parameters
        ----------
        escapement
            Shape (s,), in `unit`.

        Returns
        -------
        mean, variance
            Shape (nodes, s), in `unit` and its square: k' alpha and a^2 - |L^-1 k|^2, with L the Cholesky
            factor of the data's covariance (Rasmussen & Williams 2006, algorithm 2.1).
        """
        at = np.atleast_1d(np.asarray(escapement, dtype=float)) / self.scale
        parts = [self._scaled_posterior(at[i : i + 256]) for i in range(0, len(at), 256)]
        mean = np.concatenate([m for m, _ in parts], axis=1)
        variance = np.concatenate([v for _, v in parts], axis=1)
        return mean * self.scale, variance * self.scale**2

    def _covariance(self, a: Array, b: Array, length: Array) -> Array:
        gap = (a[:, None] - b[None, :]) / length[:, None, None]
        return np.asarray(self.signal_sd**2 * np.exp(-0.5 * gap**2))

    def _scaled_posterior(self, at: Array) -> tuple[Array, Array]:
        cross = self._covariance(at, self._inputs, self.length_scale)
        with _one_blas_thread():
            mean = (cross @ self._alpha[:, :, None])[:, :, 0]
            seen = cross @ self._whiten.transpose(0, 2, 1)
        return mean, np.maximum(self.signal_sd**2 - np.sum(seen**2, axis=2), 0.0)

    def _mix(self, values: Array) -> Array:
        """Average over the quadrature nodes, the first axis."""
        with _one_blas_thread():
            return np.asarray(self.weight @ values)

    def growth(self, escapement: ArrayLike) -> Array:
        """Return the posterior mean of f, clipped at zero: growth without noise."""
        s = np.asarray(escapement, dtype=float)
        mean, _ = self.posterior(s.ravel())
        return np.where(s > 0.0, np.maximum(self._mix(mean), 0.0).reshape(s.shape), 0.0)

    def mean(self, escapement: ArrayLike) -> Array:
        """Return E[next biomass | escapement], with noise and with what falls below zero counted as zero."""
        s = np.asarray(escapement, dtype=float)
        mean, sd = self._predictive(s.ravel())
        u = mean / sd
        censored = mean * ndtr(u) + sd * np.exp(-0.5 * u**2) / np.sqrt(2.0 * np.pi)
        return np.where(s > 0.0, self._mix(censored).reshape(s.shape), 0.0)

    def _predictive(self, escapement: Array) -> tuple[Array, Array]:
        mean, variance = self.posterior(escapement)
        return mean, np.sqrt(variance + (self.noise_sd[:, None] * self.scale) ** 2)

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Return P(next biomass in (edges[j], edges[j+1]] | escapements[i]), the posterior predictive.

        A mixture over the quadrature nodes of normals whose variance is that of f at the escapement plus the
        noise's, censored at zero: what falls below zero is extinct.
        """
        escapements, edges = np.asarray(escapements, dtype=float), np.asarray(edges, dtype=float)
        mean, sd = self._predictive(escapements)
        below = np.zeros((len(escapements), len(edges)))
        for weight, m, d in zip(self.weight, mean, sd, strict=True):
            below += weight * ndtr((edges[None, :] - m[:, None]) / d[:, None])
        below = np.where(escapements[:, None] > 0.0, below, 1.0)
        return np.diff(np.where(edges[None, :] >= 0.0, below, 0.0), axis=1)

    @cached_property
    def carrying_capacity(self) -> float:
        """The largest stable unfished equilibrium of the posterior mean; 0 where it always shrinks."""
        return self.reference_points().carrying_capacity

    def reference_points(self) -> ReferencePoints:
        """Return the reference points of the posterior mean of f, found numerically."""
        return self._points

    @cached_property
    def _points(self) -> ReferencePoints:
        return numerical_reference_points(self.growth, self.scale)

    @property
    def worlds(self) -> tuple[ReferencePoints, ...]:
        """The reference points of the one best estimate."""
        return (self.reference_points(),)

    def draw(self, replicates: int, rng: np.random.Generator) -> GaussianProcessWorlds:
        """Return one sample path of f per replicate, each of a quadrature node drawn by its weight.

        A path is drawn jointly on a fixed grid of escapements from 0 to 3 scales and is linear in between.
        World r is the same, bit for bit, however many are drawn after it.
        """
        grid = np.linspace(0.0, _PATH_UPPER, _PATH_POINTS)
        z = rng.standard_normal((replicates, _PATH_POINTS + 1))
        cumulative = np.cumsum(self.weight)
        node = np.minimum(np.searchsorted(cumulative, ndtr(z[:, 0]) * cumulative[-1]), len(self.weight) - 1)
        paths = np.empty((replicates, _PATH_POINTS))
        for k in np.unique(node):
            rows = np.flatnonzero(node == k)
            mean, factor = self._path_law(int(k), grid)
            for start in range(0, len(rows), _BLOCK):
                block = rows[start : start + _BLOCK]
                # blocks of one size, so that a row meets the same arithmetic whoever stands beside it
                padded = np.zeros((_BLOCK, _PATH_POINTS))
                padded[: len(block)] = z[block, 1:]
                with _one_blas_thread():
                    paths[block] = mean + (padded @ factor.T)[: len(block)]
        paths[:, 0] = 0.0
        noise_sd = self.noise_sd[node] * self.scale
        return GaussianProcessWorlds(self.unit, grid * self.scale, paths * self.scale, noise_sd)

    def _path_law(self, node: int, grid: Array) -> tuple[Array, Array]:
        """Mean and a Cholesky factor of the joint posterior of f on the grid, at one node."""
        length = self.length_scale[node : node + 1]
        cross = self._covariance(grid, self._inputs, length)[0]
        prior = self._covariance(grid, grid, length)[0]
        with _one_blas_thread():
            seen = cross @ self._whiten[node].T
            covariance = prior - seen @ seen.T
            mean = cross @ self._alpha[node]
            jitter = _JITTER * self.signal_sd**2
            while True:
                try:
                    return mean, np.linalg.cholesky(covariance + jitter * np.eye(len(grid)))
                except np.linalg.LinAlgError:
                    jitter *= 10.0

    def step(self, escapement: Array, z: Array) -> Array:
        """Return the Phi(z) quantile of the predictive: a world redrawn each year, unlike those of `draw`."""
        s, z = np.asarray(escapement, dtype=float), np.asarray(z, dtype=float)
        mean, sd = self._predictive(s)
        low, high = np.min(mean - 9.0 * sd, axis=0), np.max(mean + 9.0 * sd, axis=0)
        chance = ndtr(z)
        for _ in range(60):
            middle = 0.5 * (low + high)
            under = self._mix(ndtr((middle - mean) / sd)) < chance
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.where(s > 0.0, np.maximum(high, 0.0), 0.0)


@dataclass(frozen=True, eq=False)
class GaussianProcessWorlds:
    """Sample paths of a Gaussian-process stock, one fixed world per replicate.

    Attributes
    ----------
    unit
        The unit of biomass.
    escapement
        Shape (points,): where the paths were drawn, from 0 up.
    paths
        Shape (replicates, points): f there; linear in between, the last value above. A path may dip below
        zero, where only luck saves the stock: next = max(f(s) + noise, 0), which is what `kernel` of the
        stock says of any one year.
    noise_sd
        Shape (replicates,): the sd of each world's noise, in `unit`.
    """

    unit: str
    escapement: Array
    paths: Array
    noise_sd: Array

    def growth(self, escapement: ArrayLike) -> Array:
        """Return f of each replicate's own world; shape (replicates,) or (replicates, k) in and out."""
        s = np.asarray(escapement, dtype=float)
        s = np.broadcast_to(s, (len(self.paths),)) if s.ndim == 0 else s
        step = self.escapement[1]
        place = np.clip(s / step, 0.0, len(self.escapement) - 1.0)
        left = np.minimum(place.astype(np.intp), len(self.escapement) - 2)
        share = place - left
        row = np.arange(len(self.paths)).reshape((-1,) + (1,) * (s.ndim - 1))
        return np.asarray((1.0 - share) * self.paths[row, left] + share * self.paths[row, left + 1])

    def mean(self, escapement: ArrayLike) -> Array:
        """Return E[next biomass | escapement] in each replicate's own world."""
        f = self.growth(escapement)
        s = np.broadcast_to(np.asarray(escapement, dtype=float), f.shape)
        sd = self.noise_sd.reshape((-1,) + (1,) * (f.ndim - 1))
        censored = f * ndtr(f / sd) + sd * np.exp(-0.5 * (f / sd) ** 2) / np.sqrt(2.0 * np.pi)
        return np.where(s > 0.0, censored, 0.0)

    def step(self, escapement: Array, z: Array) -> Array:
        """Return max(f(s) + sd z, 0) of each replicate, and 0 where nothing was left."""
        s = np.asarray(escapement, dtype=float)
        return np.where(s > 0.0, np.maximum(self.growth(s) + self.noise_sd * np.asarray(z), 0.0), 0.0)

    def draw(self, replicates: int, rng: np.random.Generator) -> GaussianProcessWorlds:
        """Return itself: these are worlds already."""
        if replicates != len(self.paths):
            raise StockError(f"these are {len(self.paths)} worlds, drawn already; asked for {replicates}")
        return self

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Raise: a batch of worlds has no one kernel; the stock that they were drawn from has."""
        raise StockError("a batch of worlds has no one kernel: use the stock that they were drawn from")

    def reference_points(self) -> ReferencePoints:
        """Raise: a batch of worlds has one set of reference points per world."""
        raise StockError("reference points are of one world; see `worlds` of a batch")

    @cached_property
    def worlds(self) -> tuple[ReferencePoints, ...]:
        """The reference points of each path, exact for what is linear between points."""
        return tuple(_path_points(self.escapement, np.maximum(path, 0.0)) for path in self.paths)

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
    if up[-1]:  # f keeps its last value above the grid, so it meets the diagonal there
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


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _one_blas_thread() -> Any:
    """Hold matrix products to one thread: with more, their rounding depends on how many there are."""
    return _blas().limit(limits=1, user_api="blas")
