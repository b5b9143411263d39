"""A stock whose growth is learned and not assumed: a Gaussian process over the escapement.

The next biomass is x' = max(f(s) + e, 0), with e normal of an absolute standard deviation and f a Gaussian
process of the escapement s with mean zero and squared-exponential covariance

    cov(f(s), f(t)) = a^2 exp(-(s - t)^2 / (2 l^2)).

Nothing grows from nothing, so the point f(0) = 0 is added to the data. The length scale l and the noise are
integrated on a grid, each pair weighted by its exact marginal likelihood times its prior; nothing is sampled,
so a fit repeats to the last bit. After Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr
from threadpoolctl import ThreadpoolController

from ecodecide.errors import ConvergenceWarning, FitError, StockError
from ecodecide.stock.growth import Array
from ecodecide.stock.reference_points import ReferencePoints, numerical_reference_points

MINIMUM_PAIRS = 5
"""Fewer pairs of escapement and next biomass than this cannot tell noise from growth."""

SIGNAL_SD = 0.5
"""Prior standard deviation of f, in units of the largest biomass.

Away from data f falls back to its prior mean, zero: that is the caution of the method, and this number sets
its price. The paper's unit variance with a carrying capacity of 8 is 1/8 in these units. So strong a pull
serves the paper's example best (99.8 % of the optimum, against 94 % with 1/2 and 89 % with 1; the threshold
is crossed in 0, 3 and 23 of 2,000 runs), but it makes slow stocks look doomed, and a manager who maximizes
profit empties a doomed stock. Over 108 simulated histories of 40 years or fewer (27 stocks: Allen and Myers
truths as in the paper, fished logistic ones with r of 0.1 to 0.6; discounts of 0.99 and 0.95) the values
1/8, 1/4, 1/2 and 1 earned 92, 93, 93 and 94 % of the optimum and collapsed more often than it by 4.8, 5.1,
3.9 and 3.8 % of runs; with 1, up to 3 % of the probability falls off a grid of 2.7 times the largest
biomass.
"""

LENGTH_PRIOR = (0.7, 0.5)
"""Median and log-sd of the lognormal prior of the length scale, in units of the largest biomass.

A growth curve bends once or twice between no stock and the largest stock seen, rarely more often.
"""

NOISE_PRIOR = (0.1, 0.8)
"""Median and log-sd of the lognormal prior of the noise sd, in units of the largest biomass.

Recruitment scatters most stocks by 2 to 50 % a year; the prior spans that in two log-sds and avoids zero.
"""

_PSEUDO_VARIANCE = 1e-12
"""Noise variance of the added point (0, 0), in scaled units: as good as none."""

_REACH = 4.0
"""How many prior log-sds the quadrature looks to either side."""

_COARSE, _FINE = 28, 24
_NEGLIGIBLE = 1e-4
_JITTER = 1e-9
_PATH_UPPER, _PATH_POINTS = 3.0, 151
_BLOCK = 64


class _History(Protocol):
    """What is needed of a catch history: arrays with one value per year, NaN where missing, or None."""

    @property
    def catch(self) -> Any: ...

    @property
    def biomass(self) -> Any: ...

    @property
    def ssb(self) -> Any: ...


def pair_up(biomass: ArrayLike, catch: ArrayLike) -> tuple[Array, Array, int]:
    """Return the escapement of each year and the biomass that it grew to.

    Parameters
    ----------
    biomass
        Shape (years,) or (years + 1,): biomass before harvest, NaN where missing.
    catch
        Shape (years,), in the unit of the biomass, NaN where missing.

    Returns
    -------
    escapement, next_biomass
        Shape (pairs,): biomass - catch of a year, and the biomass of the year after.
    left_out
        The years that are no pair because the catch exceeds the biomass.

    Examples
    --------
    >>> pair_up([5.0, 6.0, 4.0], [1.0, 2.0, 1.0])
    (array([4., 4.]), array([6., 4.]), 0)
    """
    biomass, catch = np.asarray(biomass, dtype=float), np.asarray(catch, dtype=float)
    following = biomass[1:]
    years = min(len(following), len(catch))
    left, following = biomass[:years] - catch[:years], following[:years]
    known = np.isfinite(left) & np.isfinite(following)
    bearable = known & (left >= 0.0)
    return left[bearable], following[bearable], int(np.sum(known & ~bearable))


def training_pairs(history: _History) -> tuple[Array, Array]:
    """Return what a Gaussian process learns from: escapements and the biomass that each grew to.

    Spawning biomass stands in where there is no biomass. Years in which the catch exceeds it are left out.

    Parameters
    ----------
    history
        A catch history with catch, and biomass or spawning biomass.

    Returns
    -------
    escapement, next_biomass
        Shape (pairs,), in the history's unit.

    Raises
    ------
    FitError
        When there is no biomass or there are fewer than 5 pairs.
    """
    biomass = history.ssb if history.biomass is None else history.biomass
    if biomass is None:
        raise FitError(
            "a Gaussian process learns from biomass, and this history has none: "
            "give a biomass column, or fit a growth law first and let the process learn from that fit"
        )
    escapement, following, left_out = pair_up(biomass, history.catch)
    require_enough(len(escapement), left_out)
    return escapement, following


def require_enough(pairs: int, left_out: int = 0) -> None:
    """Raise a FitError when there are too few pairs to learn from."""
    if pairs < MINIMUM_PAIRS:
        beyond = f" ({left_out} more years have a catch above their biomass)" if left_out else ""
        raise FitError(
            f"a Gaussian process needs at least {MINIMUM_PAIRS} pairs of successive years with catch and "
            f"biomass, found {pairs}{beyond}; give a longer history, or assume a growth law and fit that"
        )


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


def fit_gaussian_process(
    escapement: ArrayLike,
    next_biomass: ArrayLike,
    *,
    scale: float | None = None,
    unit: str = "K = 1",
    signal_sd: float = SIGNAL_SD,
    length_prior: tuple[float, float] = LENGTH_PRIOR,
    noise_prior: tuple[float, float] = NOISE_PRIOR,
) -> GaussianProcessStock:
    """Fit a Gaussian process to pairs of escapement and next biomass.

    Parameters
    ----------
    escapement, next_biomass
        Shape (pairs,): biomass after harvest, and the biomass before harvest of the year after.
    scale
        The biomass that is 1 inside, about the largest one known; the largest in the pairs by default.
    unit
        The unit of biomass.
    signal_sd
        Prior standard deviation of f, in units of `scale`.
    length_prior, noise_prior
        Median and log-sd of the lognormal priors of length scale and noise sd, in units of `scale`.

    Returns
    -------
    GaussianProcessStock

    Raises
    ------
    FitError
        With fewer than 5 pairs, or with values that are negative or not finite.

    Warns
    -----
    ConvergenceWarning
        When more than 3 % of the posterior lies at the border of the quadrature.

    References
    ----------
    Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631; Rasmussen & Williams 2006, Gaussian Processes
    for Machine Learning, chapters 2 and 5.

    Examples
    --------
    >>> s = np.linspace(0.3, 1.0, 12)
    >>> scatter = np.tile([0.97, 1.03], 6)
    >>> stock = fit_gaussian_process(s, (s + 0.5 * s * (1.0 - s)) * scatter)
    >>> bool(abs(stock.mean(0.5) - 0.625) < 0.02)
    True
    """
    s, x = np.asarray(escapement, dtype=float), np.asarray(next_biomass, dtype=float)
    paired = s.ndim == 1 and s.shape == x.shape
    if not paired or not np.all(np.isfinite(s + x) & (np.minimum(s, x) >= 0.0)):
        raise FitError(
            "escapement and next biomass must be pairs of finite numbers of at least 0, got shapes "
            f"{s.shape} and {x.shape}{'' if not paired else ' with values that are not'}; "
            "leave out years in which one of them is missing"
        )
    require_enough(len(s))
    scale = float(max(s.max(), x.max())) if scale is None else float(scale)
    if not (np.isfinite(scale) and scale > 0.0):
        raise FitError(f"scale must be a positive biomass, got {scale}; a history of zeros teaches nothing")
    inputs, outputs = np.append(0.0, s / scale), np.append(0.0, x / scale)
    priors = (length_prior, noise_prior)

    axes = tuple(median * np.exp(np.linspace(-_REACH, _REACH, _COARSE) * sd) for median, sd in priors)
    _, coarse = _weigh(inputs, outputs, signal_sd, axes, priors)
    axes = tuple(_zoom(axis, coarse.sum(axis=1 - i), _FINE) for i, axis in enumerate(axes))
    nodes, weight = _weigh(inputs, outputs, signal_sd, axes, priors)
    border = float(weight.sum() - weight[1:-1, 1:-1].sum())
    if border > 0.03:
        warnings.warn(
            f"{border:.0%} of the posterior of the Gaussian process lies at the border of its quadrature: "
            "length scale or noise is far from its prior (data without scatter do this); check the history, "
            "or give length_prior and noise_prior",
            ConvergenceWarning,
            stacklevel=2,
        )
    kept = np.flatnonzero(weight.ravel() >= _NEGLIGIBLE)
    chosen = weight.ravel()[kept] / weight.ravel()[kept].sum()
    length, noise, alpha, whiten = _factorize(inputs, outputs, signal_sd, nodes[0][kept], nodes[1][kept])
    return GaussianProcessStock(
        unit, scale, s, x, length, noise, chosen, signal_sd, border, inputs, alpha, whiten
    )


def _zoom(axis: Array, weight: Array, count: int) -> Array:
    """A finer axis over the part of this one that holds nearly all the weight, and a node to either side."""
    held = np.flatnonzero(weight > 1e-6 * weight.sum())
    low, high = axis[max(held[0] - 1, 0)], axis[min(held[-1] + 1, len(axis) - 1)]
    return np.asarray(np.geomspace(low, high, count))


def _weigh(
    inputs: Array,
    outputs: Array,
    signal_sd: float,
    axes: tuple[Array, ...],
    priors: tuple[tuple[float, float], tuple[float, float]],
) -> tuple[tuple[Array, Array], Array]:
    """Return the nodes, length scale and noise sd, flat, and the posterior weight of each, on its grid.

    The axes are log-spaced, so a lognormal prior is a normal density in the log, and steps have one size.
    """
    length, noise = (a.ravel() for a in np.meshgrid(axes[0], axes[1], indexing="ij"))
    log_weight = log_marginal_likelihood(inputs, outputs, signal_sd, length, noise)
    for value, (median, sd) in zip((length, noise), priors, strict=True):
        log_weight = log_weight - 0.5 * (np.log(value / median) / sd) ** 2
    weight = np.exp(log_weight - log_weight.max())
    return (length, noise), (weight / weight.sum()).reshape(len(axes[0]), len(axes[1]))


# --- gpytorch: the exact Gaussian process, one batch element per quadrature node ---


def log_marginal_likelihood(
    inputs: Array, outputs: Array, signal_sd: float, length_scale: Array, noise_sd: Array
) -> Array:
    """Return the exact log marginal likelihood of data at each pair of hyperparameters.

    Parameters
    ----------
    inputs, outputs
        Shape (n,): the data in scaled units; the first is the point (0, 0), known almost without noise.
    signal_sd
        Prior standard deviation of f.
    length_scale, noise_sd
        Shape (nodes,).

    Returns
    -------
    ndarray, shape (nodes,)
    """
    with _gaussian_process(inputs, outputs, signal_sd, length_scale, noise_sd) as (model, likelihood):
        model.train()
        data = likelihood(model(*model.train_inputs))
        return np.array(data.log_prob(model.train_targets).numpy())


def _factorize(
    inputs: Array, outputs: Array, signal_sd: float, length_scale: Array, noise_sd: Array
) -> tuple[Array, Array, Array, Array]:
    """Return length scale, noise sd, K^-1 y and the inverse Cholesky factor of K, as gpytorch holds them."""
    import torch

    with _gaussian_process(inputs, outputs, signal_sd, length_scale, noise_sd) as (model, _):
        model.eval()
        model(model.train_inputs[0][:, :1])  # predicting once makes gpytorch condition on the data
        conditioned = model.prediction_strategy
        factor = conditioned.lik_train_train_covar.cholesky().to_dense()
        eye = torch.eye(len(inputs), dtype=torch.float64).expand_as(factor)
        whiten = torch.linalg.solve_triangular(factor, eye, upper=False)
        length = model.covar_module.base_kernel.lengthscale.reshape(-1)
        alpha = conditioned.mean_cache
        return np.array(length.numpy()), noise_sd, np.array(alpha.numpy()), np.array(whiten.numpy())


@contextmanager
def _gaussian_process(
    inputs: Array, outputs: Array, signal_sd: float, length_scale: Array, noise_sd: Array
) -> Iterator[tuple[Any, Any]]:
    """Yield a batched exact Gaussian process of gpytorch and its likelihood, on one thread, in float64."""
    import gpytorch
    import torch

    nodes, n = len(length_scale), len(inputs)
    batch = torch.Size([nodes])

    class ExactGaussianProcess(gpytorch.models.ExactGP):  # type: ignore[misc]
        def __init__(self, x: Any, y: Any, likelihood: Any) -> None:
            super().__init__(x, y, likelihood)
            self.mean_module = gpytorch.means.ZeroMean(batch_shape=batch)
            self.covar_module = gpytorch.kernels.ScaleKernel(
                gpytorch.kernels.RBFKernel(batch_shape=batch), batch_shape=batch
            )

        def forward(self, x: Any) -> Any:
            return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            torch.no_grad(),
            gpytorch.settings.min_fixed_noise(double_value=_PSEUDO_VARIANCE),
            gpytorch.settings.max_cholesky_size(100_000),
            gpytorch.settings.fast_computations(False, False, False),
        ):
            x = torch.as_tensor(inputs)[None, :, None].expand(nodes, n, 1).contiguous()
            y = torch.as_tensor(outputs)[None, :].expand(nodes, n).contiguous()
            variance = torch.as_tensor(noise_sd)[:, None].square().repeat(1, n)
            variance[:, 0] = _PSEUDO_VARIANCE
            likelihood = gpytorch.likelihoods.FixedNoiseGaussianLikelihood(noise=variance, batch_shape=batch)
            model = ExactGaussianProcess(x, y, likelihood).double()
            model.covar_module.base_kernel.lengthscale = torch.as_tensor(length_scale)[:, None, None]
            model.covar_module.outputscale = torch.full((nodes,), signal_sd**2, dtype=torch.float64)
            yield model, likelihood
    finally:
        torch.set_num_threads(threads)


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _one_blas_thread() -> Any:
    """Hold matrix products to one thread: with more, their rounding depends on how many there are."""
    return _blas().limit(limits=1, user_api="blas")
