"""The stock that a Gaussian process makes: its predictive for planning, its sample paths as fixed worlds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr
from threadpoolctl import ThreadpoolController

from ecodecide.errors import StockError
from ecodecide.fitting.gaussian_process_worlds import PATH_POINTS, PATH_UPPER, GaussianProcessWorlds
from ecodecide.fitting.growth_prior import GrowthPrior, coordinate
from ecodecide.fitting.second_input import SecondInput
from ecodecide.stock.growth import Array
from ecodecide.stock.reference_points import ReferencePoints, numerical_reference_points

_JITTER = 1e-9
_BLOCK = 64
_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class GaussianProcessStock:
    """A stock that grows as a Gaussian process says; made by `fit_gaussian_process`.

    The next biomass is s exp(g(s) + sigma z), and g a mixture of Gaussian processes: one per quadrature node of
    the hyperparameters, and per draw where the biomass learned from is uncertain. See `GrowthPrior`.

    Attributes
    ----------
    unit
        The unit of biomass.
    scale
        The biomass at which the coordinate of the process is 2, about the largest.
    prior
        What was believed before the data.
    escapement, next_biomass
        Shape (draws, pairs): what the process learned from, in `unit`.
    signal_sd, noise_sd, weight
        Shape (nodes,): the hyperparameters at each node, and the node's posterior probability.
    length_scale
        Shape (nodes, inputs): in the coordinate of the process.
    border_weight
        Posterior probability at the border of the quadrature: near 0 where the grid was wide enough.
    second
        The second input, if growth has one; see `at`.
    """

    unit: str
    scale: float
    prior: GrowthPrior
    escapement: Array
    next_biomass: Array
    signal_sd: Array
    length_scale: Array
    noise_sd: Array
    weight: Array
    border_weight: float
    second: SecondInput | None
    _draw: np.ndarray[Any, np.dtype[np.intp]] = field(repr=False)
    _known: np.ndarray[Any, np.dtype[np.bool_]] = field(repr=False)
    _inputs: Array = field(repr=False)
    _alpha: Array = field(repr=False)
    _whiten: Array = field(repr=False)
    _second_at: float | None = field(default=None, repr=False)

    @property
    def pairs(self) -> int:
        """The number of pairs that were learned from: those of which the second input is known, if there is one."""
        return int(self._known.any(axis=0).sum())

    def at(self, second: float) -> GaussianProcessStock:
        """Return the stock at one value of its second input, which then is a stock like any other.

        Raises
        ------
        StockError
            When it has no second input, or the value is none.
        """
        if self.second is None:
            raise StockError("this stock has one input, its escapement: use it as it is")
        if not np.isfinite(second) or (self.second.kind == "lag" and second < 0.0):
            raise StockError(f"a {self.second.kind} must be a known number, got {second}")
        return replace(self, _second_at=float(second))

    # --- the process ---

    def posterior(self, escapement: ArrayLike) -> tuple[Array, Array]:
        """Return mean and variance of the log growth at each node, without noise.

        Parameters
        ----------
        escapement
            Shape (s,), in `unit`.

        Returns
        -------
        mean, variance
            Shape (nodes, s): mu - v/2 and v, with mu = m(s) + k' alpha and v = a^2 - |L^-1 k|^2, and L the
            Cholesky factor of the data's covariance (Rasmussen & Williams 2006, algorithm 2.1). See `GrowthPrior`
            for the v/2, and for v above the largest escapement.
        """
        at = self._points_at(np.atleast_1d(np.asarray(escapement, dtype=float)))
        size = max(1, _AT_ONCE // (len(self.weight) * self._alpha.shape[1]))
        parts = [self._posterior(at[i : i + size]) for i in range(0, max(len(at), 1), size)]
        return tuple(np.concatenate(part, axis=1) for part in zip(*parts, strict=True))  # type: ignore[return-value]

    def _points_at(self, escapement: Array) -> Array:
        """Return the inputs of the process, shape (s, inputs)."""
        first = coordinate(np.maximum(escapement, 0.0), self.scale)
        if self.second is None:
            return first[:, None]
        if self._second_at is None:
            raise StockError(
                f"growth depends on a {self.second.kind} as well: say which, with stock.at(value)"
            )
        second = self.second.scaled(self._second_at, self.scale)
        return np.stack([first, np.broadcast_to(second, first.shape)], axis=1)

    def _covariance(self, a: Array, b: Array, node: Any) -> Array:
        """Prior covariance of g between points a, (..., p, inputs), and b, (..., q, inputs), at each node."""
        length = self.length_scale[node][:, None, None, :]
        squared = np.sum(((a[..., :, None, :] - b[..., None, :, :]) / length) ** 2, axis=-1)
        if self.prior.kernel == "squared-exponential":
            correlation = np.exp(-0.5 * squared)
        else:
            root = np.sqrt(5.0 * squared)
            correlation = (1.0 + root + root**2 / 3.0) * np.exp(-root)
        return np.asarray(self.signal_sd[node][:, None, None] ** 2 * correlation)

    def _posterior(self, at: Array) -> tuple[Array, Array]:
        cross = self._covariance(at[None], self._inputs[self._draw], slice(None))
        with _one_blas_thread():
            mean = (cross @ self._alpha[:, :, None])[:, :, 0]
            seen = cross @ self._whiten.transpose(0, 2, 1)
        variance = np.maximum(self.signal_sd[:, None] ** 2 - np.sum(seen**2, axis=2), 0.0)
        room = self._room(at[:, 0], self._draw)
        held = variance * room**4
        return np.log(room) - self.prior.decline + mean - 0.5 * held, held

    def _room(self, coordinates: Array, draw: Any) -> Array:
        """Return min(1, S / s), S the largest escapement of each draw: what crowds out growth, and luck, above it."""
        largest = coordinate(np.nanmax(self.escapement, axis=1), self.scale)[draw, None]
        return np.asarray((largest / np.maximum(coordinates, largest)) ** 2)

    def _mix(self, values: Array) -> Array:
        """Average over the nodes, the first axis."""
        with _one_blas_thread():
            return np.asarray(self.weight @ values)

    def _predictive(self, escapement: Array) -> tuple[Array, Array]:
        """Mean and sd of the log of the next biomass at each node, noise included."""
        mean, variance = self.posterior(escapement)
        with np.errstate(divide="ignore"):
            center = np.log(np.maximum(escapement, 0.0)) + mean
        return center, np.sqrt(variance + self.noise_sd[:, None] ** 2)

    def ignorance(self, escapement: ArrayLike) -> Array:
        """Return the share of the prior variance of g that the data left: 0 where all is known, 1 where nothing.

        Parameters
        ----------
        escapement
            Shape (s,), in `unit`.
        """
        at = self._points_at(np.atleast_1d(np.asarray(escapement, dtype=float)))
        _, variance = self.posterior(escapement)
        return self._mix(variance / (self.signal_sd[:, None] * self._room(at[:, 0], self._draw) ** 2) ** 2)

    def spread(self, escapement: ArrayLike) -> Array:
        """Return the posterior sd of the log growth, without noise, over all nodes.

        Parameters
        ----------
        escapement
            Shape (s,), in `unit`.
        """
        mean, variance = self.posterior(escapement)
        center = self._mix(mean)
        return np.sqrt(self._mix(variance + (mean - center) ** 2))

    # --- the stock ---

    def growth(self, escapement: ArrayLike) -> Array:
        """Return the posterior mean of f(s) = s exp(g(s)), the growth without noise."""
        s = np.asarray(escapement, dtype=float)
        mean, variance = self.posterior(s.ravel())
        return s * self._mix(np.exp(mean + 0.5 * variance)).reshape(s.shape)

    def mean(self, escapement: ArrayLike) -> Array:
        """Return E[next biomass | escapement], with the noise's own mean."""
        s = np.asarray(escapement, dtype=float)
        mean, variance = self.posterior(s.ravel())
        noise = self.noise_sd[:, None] ** 2
        return s * self._mix(np.exp(mean + 0.5 * (variance + noise))).reshape(s.shape)

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Return P(next biomass in (edges[j], edges[j+1]] | escapements[i]), the posterior predictive.

        A mixture over the nodes of lognormals whose log-variance is that of g at the escapement plus the noise's.
        """
        escapements, edges = np.asarray(escapements, dtype=float), np.asarray(edges, dtype=float)
        alive = escapements > 0.0
        below = np.ones((len(escapements), len(edges)))
        below[alive] = self._below(escapements[alive], edges)
        return np.diff(np.where(edges[None, :] >= 0.0, below, 0.0), axis=1)

    def _below(self, escapements: Array, biomass: Array) -> Array:
        """P(next biomass <= biomass[j] | escapements[i]), escapements above 0."""
        center, sd = self._predictive(escapements)
        with np.errstate(divide="ignore", invalid="ignore"):
            level = np.where(biomass > 0.0, np.log(biomass), -np.inf)
        total = np.zeros((len(escapements), len(biomass)))
        for weight, m, d in zip(self.weight, center, sd, strict=True):
            total += weight * ndtr((level[None, :] - m[:, None]) / d[:, None])
        return total

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
        """Return one sample path of g per replicate, each of a node drawn by its weight.

        A path is drawn jointly on a fixed grid of escapements from 0 to 3 scales and is linear in between, in the
        coordinate of the process. World r is the same, bit for bit, however many are drawn after it.

        Raises
        ------
        StockError
            When growth has a second input: a world of one number has no place for the other.
        """
        if self.second is not None and self._second_at is None:
            raise StockError(
                f"worlds of a stock with a {self.second.kind} have a second state: use stock.at(value)"
            )
        grid = np.linspace(0.0, coordinate(PATH_UPPER, 1.0).item(), PATH_POINTS)
        escapement = self.scale * (grid / 2.0) ** 2
        z = rng.standard_normal((replicates, PATH_POINTS + 1))
        cumulative = np.cumsum(self.weight)
        node = np.minimum(np.searchsorted(cumulative, ndtr(z[:, 0]) * cumulative[-1]), len(self.weight) - 1)
        paths = np.empty((replicates, PATH_POINTS))
        for k in np.unique(node):
            rows = np.flatnonzero(node == k)
            mean, factor = self._path_law(int(k), escapement)
            for start in range(0, len(rows), _BLOCK):
                block = rows[start : start + _BLOCK]
                # blocks of one size, so that a row meets the same arithmetic whoever stands beside it
                padded = np.zeros((_BLOCK, PATH_POINTS))
                padded[: len(block)] = z[block, 1:]
                with _one_blas_thread():
                    paths[block] = mean + (padded @ factor.T)[: len(block)]
        return GaussianProcessWorlds(self.unit, self.scale, paths, self.noise_sd[node])

    def _path_law(self, node: int, escapement: Array) -> tuple[Array, Array]:
        """Mean and a Cholesky factor of the joint posterior of g at the escapements, at one node."""
        at, only = self._points_at(escapement)[None], slice(node, node + 1)
        cross = self._covariance(at, self._inputs[self._draw[only]], only)[0]
        prior = self._covariance(at, at, only)[0]
        with _one_blas_thread():
            seen = cross @ self._whiten[node].T
            room = self._room(at[0, :, 0], self._draw[only])[0]
            covariance = np.outer(room**2, room**2) * (prior - seen @ seen.T)
            mean = np.log(room) - self.prior.decline + cross @ self._alpha[node] - 0.5 * np.diag(covariance)
            jitter = _JITTER * self.signal_sd[node] ** 2
            while True:
                try:
                    return mean, np.linalg.cholesky(covariance + jitter * np.eye(len(escapement)))
                except np.linalg.LinAlgError:
                    jitter *= 10.0

    def step(self, escapement: Array, z: Array) -> Array:
        """Return the Phi(z) quantile of the predictive: a world redrawn each year, unlike those of `draw`."""
        s, z = np.asarray(escapement, dtype=float), np.asarray(z, dtype=float)
        return self._quantile(s, ndtr(z))

    def quantiles(self, escapement: ArrayLike, probabilities: ArrayLike) -> Array:
        """Return quantiles of the next biomass.

        Parameters
        ----------
        escapement
            Shape (s,), in `unit`.
        probabilities
            Shape (p,), each in (0, 1).

        Returns
        -------
        ndarray, shape (p, s)
        """
        s = np.atleast_1d(np.asarray(escapement, dtype=float))
        rows = [self._quantile(s, np.full(s.shape, p)) for p in np.atleast_1d(probabilities)]
        return np.asarray(rows)

    def _quantile(self, s: Array, chance: Array) -> Array:
        center, sd = self._predictive(np.where(s > 0.0, s, self.scale))
        low, high = np.min(center - 9.0 * sd, axis=0), np.max(center + 9.0 * sd, axis=0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            under = self._mix(ndtr((middle - center) / sd)) < chance
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.where(s > 0.0, np.exp(high), 0.0)

    # --- how well it predicts ---

    def leave_one_out(self) -> tuple[Array, Array]:
        """Return how each pair is predicted by all others, in closed form.

        At one node the prediction of y_i has mean y_i - [K^-1 (y - m)]_i / [K^-1]_ii and variance 1 / [K^-1]_ii
        (Rasmussen & Williams 2006, section 5.4.2). Leaving out y_i divides a node's weight by the density that it
        gives to y_i, so the mixture of the nodes has the density 1 / sum_k w_k / p_k(y_i), exactly.
        This is of g itself: the v/2 that planning takes off (see `GrowthPrior`) is left in, and S is that of all.

        Returns
        -------
        log_density
            Shape (pairs,): of the next biomass, in 1 / `unit`; NaN where no draw has the pair, or it vanished.
        rank
            Shape (pairs,): the probability below the next biomass; uniform where the fit is calibrated.
        """
        inverse = np.sum(self._whiten**2, axis=1)
        z = self._alpha / np.sqrt(inverse)
        with np.errstate(under="ignore"):
            density = np.exp(-0.5 * z**2) * np.sqrt(inverse / (2.0 * np.pi))
        pairs = self._known.shape[1]
        log_density, rank = (
            np.full((len(self._known), pairs), np.nan),
            np.full((len(self._known), pairs), np.nan),
        )
        for draw, known in enumerate(self._known):
            mine = self._draw == draw
            without = self.weight[mine, None] / np.maximum(density[mine], 1e-300)
            share = without / without.sum(axis=0)
            log_density[draw] = np.log(self.weight[mine].sum()) - np.log(without.sum(axis=0))
            with np.errstate(divide="ignore", invalid="ignore"):
                log_density[draw] -= np.log(self.next_biomass[draw])
            rank[draw] = np.sum(share * ndtr(z[mine]), axis=0)
            # what vanished has a probability, its rank, and no density
            log_density[draw, ~known | ~(self.next_biomass[draw] > 0.0)] = rank[draw, ~known] = np.nan
        total = np.full((2, pairs), np.nan)
        for row, values in zip(total, (np.exp(log_density), rank), strict=True):
            some = ~np.isnan(values).all(axis=0)
            row[some] = np.nanmean(values[:, some], axis=0)
        return np.log(total[0]), total[1]


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _one_blas_thread() -> Any:
    """Hold matrix products to one thread: with more, their rounding depends on how many there are."""
    return _blas().limit(limits=1, user_api="blas")
