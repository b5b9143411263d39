"""A stock whose growth is learned and not assumed: a Gaussian process over the log growth rate.

    next biomass = s exp(g(s) + sigma z),   g ~ GP(prior mean, prior covariance),   z standard normal

for an escapement s > 0; what is extinct stays extinct, by construction. The prior is that of
`ecodecide.fitting.growth_prior`. Signal sd, length scale and noise are integrated on a grid, each node weighted by
its exact marginal likelihood times its prior; nothing is sampled, so a fit repeats to the last bit. After
Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631, whose own process is of the biomass itself
(`ecodecide.solvers.boettiger2015`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.gaussian_process_worlds import PATH_UPPER
from ecodecide.fitting.growth_prior import GrowthPrior, coordinate
from ecodecide.fitting.lesson import require_enough, require_variety
from ecodecide.fitting.second_input import SecondInput
from ecodecide.stock.growth import Array

_REACH = 4.5
"""How many prior log-sds the quadrature looks to either side."""

_COARSE, _FINER = 12, (8, 10)
_COARSE_OF_TWO, _FINER_OF_TWO = 8, (6, 7)
"""Nodes of each axis of the quadrature: over the prior, then twice over what the posterior leaves of it.

Data narrow the noise sd to a tenth of its prior; the last grid has steps of about one posterior sd, where the
trapezoidal rule gives the mean growth to a thousandth where growth was seen, and to three beyond. With two inputs
there are four axes and fewer nodes on each.
"""

_NEGLIGIBLE = 3e-4
"""Nodes of less weight than this share of the heaviest are left out; of several draws each may be that much coarser."""

_MISSING = 1e12
"""The noise variance of a pair that is missing from a draw: as good as not there."""

_BATCH = 4_000_000
"""The most numbers in a batch of covariance matrices."""


def fit_gaussian_process(
    escapement: ArrayLike,
    next_biomass: ArrayLike,
    *,
    scale: float | None = None,
    unit: str = "K = 1",
    prior: GrowthPrior | None = None,
    second: SecondInput | None = None,
) -> GaussianProcessStock:
    """Fit a Gaussian process to pairs of escapement and next biomass.

    Parameters
    ----------
    escapement, next_biomass
        Shape (pairs,): biomass after harvest, and the biomass before harvest of the year after. Or shape
        (draws, pairs): equally likely histories, such as draws of a posterior, over which the fit averages: that
        is how error in the biomass gets into inputs and outputs. NaN where a draw has no such pair.
    scale
        The biomass about which the prior is stated; the largest in the pairs by default.
    unit
        The unit of biomass.
    prior
        What is believed before any data; ``GrowthPrior()`` by default.
    second
        A second input of growth: a covariate of the year of the escapement, or the escapement of the year before.

    Returns
    -------
    GaussianProcessStock
        With a second input, what it is at one value of it is its ``at(value)``.

    Raises
    ------
    FitError
        With fewer than 5 pairs, with values that are negative or not finite, or that never change.

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
    prior = GrowthPrior() if prior is None else prior
    s, x = _checked(escapement, next_biomass)
    scale = float(np.nanmax([s, x])) if scale is None else float(scale)
    inputs, outputs, known = _data(s, x, scale, second)
    least = _NEGLIGIBLE * len(s)
    fits = [_integrate(*data, prior, least) for data in zip(inputs, outputs, known, strict=True)]
    border = float(np.mean([fit.border for fit in fits]))
    if border > 0.03:
        warnings.warn(
            f"{border:.0%} of the posterior of the Gaussian process lies at the border of its quadrature: "
            "noise or length scale is far from its prior (data without scatter do this); check the history, "
            "or give another GrowthPrior",
            ConvergenceWarning,
            stacklevel=2,
        )
    nodes = [fit.nodes for fit in fits]
    return GaussianProcessStock(
        unit,
        scale,
        prior,
        s,
        x,
        signal_sd=np.concatenate([node.signal for node in nodes]),
        length_scale=np.concatenate([node.length for node in nodes]),
        noise_sd=np.concatenate([node.noise for node in nodes]),
        weight=np.concatenate([fit.weight for fit in fits]) / len(fits),
        border_weight=border,
        second=second,
        _draw=np.repeat(np.arange(len(fits)), [len(fit.weight) for fit in fits]),
        _known=known,
        _inputs=inputs,
        _alpha=np.concatenate([fit.alpha for fit in fits]),
        _whiten=np.concatenate([fit.whiten for fit in fits]),
    )


def _checked(escapement: ArrayLike, next_biomass: ArrayLike) -> tuple[Array, Array]:
    """Return both with an axis of draws; NaN is let through in draws alone."""
    s, x = np.asarray(escapement, dtype=float), np.asarray(next_biomass, dtype=float)
    paired = s.ndim in (1, 2) and s.shape == x.shape
    finite = s.ndim == 2 or not paired or bool(np.all(np.isfinite(s + x)))
    if not paired or not finite or np.any(np.isinf(s + x)) or np.any(np.minimum(s, x) < 0.0):
        raise FitError(
            "escapement and next biomass must be pairs of finite numbers of at least 0, got shapes "
            f"{s.shape} and {x.shape}{' with values that are not' if paired else ''}; "
            "leave out years in which one of them is missing"
        )
    return np.atleast_2d(s), np.atleast_2d(x)


def _data(
    s: Array, x: Array, scale: float, second: SecondInput | None
) -> tuple[Array, Array, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return inputs, shape (draws, pairs, inputs), outputs, and which pairs there are; refuse what teaches nothing."""
    known = np.isfinite(s + x) & (s > 0.0)
    require_enough(int(known.any(axis=0).sum()))
    require_variety(np.where(known, s, np.nan), np.where(known, x, np.nan))
    largest = float(np.nanmax(s))
    if not (np.isfinite(scale) and scale > 0.0):
        raise FitError(f"scale must be a positive biomass, got {scale:g}")
    if scale < largest / PATH_UPPER:
        raise FitError(f"scale must be of the size of the largest escapement, {largest:g}, got {scale:g}")
    if not np.any(x[known] > 0.0):
        raise FitError("the next biomass is 0 in every pair: there is no growth to learn")
    inputs = coordinate(np.where(known, s, 0.0), scale)[:, :, None]
    if second is not None:
        if np.shape(second.values) != s.shape:
            raise FitError(
                f"the {second.kind} must have one value per pair, shape {s.shape}, got {np.shape(second.values)}"
            )
        known &= np.isfinite(second.values)
        require_enough(int(known.any(axis=0).sum()))
        inputs = np.concatenate([inputs, second.scaled(second.values, scale)[:, :, None]], axis=2)
    if not known.any(axis=1).all():
        raise FitError("a draw has no pair of escapement and next biomass at all; leave it out")
    # a stock that vanished shrank to something too small to be seen
    vanished = 0.5 * float(np.min(x[known & (x > 0.0)]))
    rates = np.log(np.maximum(np.where(known, x, 1.0), vanished) / np.where(known, s, 1.0))
    return inputs, np.where(known, rates, 0.0), known


# --- the quadrature over signal sd, noise sd and length scales ---


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Hyperparameters: signal and noise sd, shape (nodes,), and a length scale per input, (nodes, inputs)."""

    signal: Array
    noise: Array
    length: Array

    def take(self, which: Any) -> _Nodes:
        return _Nodes(self.signal[which], self.noise[which], self.length[which])


@dataclass(frozen=True, eq=False)
class _Fit:
    """The nodes that count for one history, their weights, and the data conditioned on at each."""

    nodes: _Nodes
    weight: Array
    alpha: Array
    whiten: Array
    border: float


def _integrate(inputs: Array, outputs: Array, known: Array, prior: GrowthPrior, least: float) -> _Fit:
    """Find where the posterior of the hyperparameters lies, and condition on the data at its nodes."""
    priors = [prior.signal_sd, prior.noise_sd, prior.length_scale]
    priors += [prior.second_length] * (inputs.shape[1] - 1)
    coarse, finer = (_COARSE, _FINER) if inputs.shape[1] == 1 else (_COARSE_OF_TWO, _FINER_OF_TWO)
    axes = [_axis(median, log_sd, coarse) for median, log_sd in priors]
    data = (inputs, outputs, known, prior)
    nodes, weight = _weigh(*data, axes, priors)
    for count in finer:
        axes = [_zoom(axis, weight, i, count) for i, axis in enumerate(axes)]
        nodes, weight = _weigh(*data, axes, priors)
    inner = tuple(slice(1, -1) if len(axis) > 1 else slice(None) for axis in axes)
    border = float(weight.sum() - weight[inner].sum())
    kept = np.flatnonzero(weight.ravel() >= least * weight.max())
    chosen = weight.ravel()[kept]
    alpha, whiten = _condition(inputs, outputs, known, prior, nodes.take(kept))
    return _Fit(nodes.take(kept), chosen / chosen.sum(), alpha, whiten, border)


def _axis(median: float, log_sd: float, count: int) -> Array:
    """Log-spaced nodes over a lognormal prior; the median alone where it is certain."""
    steps = np.linspace(-_REACH, _REACH, count) if log_sd > 0.0 else np.zeros(1)
    return np.asarray(median * np.exp(steps * log_sd))


def _zoom(axis: Array, weight: Array, place: int, count: int) -> Array:
    """A finer axis over the part of this one that holds nearly all the weight, and a node to either side."""
    if len(axis) == 1:
        return axis
    marginal = weight.sum(axis=tuple(i for i in range(weight.ndim) if i != place))
    held = np.flatnonzero(marginal > 1e-4 * marginal.sum())
    low, high = axis[max(held[0] - 1, 0)], axis[min(held[-1] + 1, len(axis) - 1)]
    return np.asarray(np.geomspace(low, high, count))


def _weigh(
    inputs: Array, outputs: Array, known: Array, prior: GrowthPrior, axes: list[Array], priors: list[Any]
) -> tuple[_Nodes, Array]:
    """Return all nodes, flat, and the posterior weight of each, on its grid.

    The axes are log-spaced, so a lognormal prior is a normal density in the log, and steps have one size.
    """
    mesh = np.meshgrid(*axes, indexing="ij")
    flat = [values.ravel() for values in mesh]
    nodes = _Nodes(flat[0], flat[1], np.stack(flat[2:], axis=1))
    size = max(1, _BATCH // len(outputs) ** 2)
    log_weight = np.concatenate(
        [
            log_marginal_likelihood(inputs, outputs, known, prior, nodes.take(slice(start, start + size)))
            for start in range(0, len(flat[0]), size)
        ]
    )
    for values, (median, log_sd) in zip(flat, priors, strict=True):
        if log_sd > 0.0:
            log_weight = log_weight - 0.5 * (np.log(values / median) / log_sd) ** 2
    weight = np.exp(log_weight - log_weight.max())
    return nodes, (weight / weight.sum()).reshape(mesh[0].shape)


# --- gpytorch: the exact Gaussian process, one batch element per quadrature node ---


def log_marginal_likelihood(
    inputs: Array, outputs: Array, known: Array, prior: GrowthPrior, nodes: _Nodes
) -> Array:
    """Return the exact log marginal likelihood of data at each node.

    Parameters
    ----------
    inputs
        Shape (n, 1) or (n, 2): coordinates.
    outputs
        Shape (n,): log growth.
    known
        Shape (n,): False for pairs that are not there.
    prior
        Whose mean and kernel to use.
    nodes
        The hyperparameters.

    Returns
    -------
    ndarray, shape (nodes,)
        Up to a constant that the missing pairs add, the same for all nodes.
    """
    with _gaussian_process(inputs, outputs, known, prior, nodes) as (model, likelihood):
        model.train()
        data = likelihood(model(*model.train_inputs))
        return np.array(data.log_prob(model.train_targets).numpy())


def _condition(
    inputs: Array, outputs: Array, known: Array, prior: GrowthPrior, nodes: _Nodes
) -> tuple[Array, Array]:
    """Return K^-1 (y - mean) and the inverse Cholesky factor of K at each node, as gpytorch holds them."""
    import torch

    with _gaussian_process(inputs, outputs, known, prior, nodes) as (model, _):
        model.eval()
        model(model.train_inputs[0][:, :1])  # predicting once makes gpytorch condition on the data
        conditioned = model.prediction_strategy
        factor = conditioned.lik_train_train_covar.cholesky().to_dense()
        eye = torch.eye(len(inputs), dtype=torch.float64).expand_as(factor)
        whiten = torch.linalg.solve_triangular(factor, eye, upper=False)
        return np.array(conditioned.mean_cache.numpy()), np.array(whiten.numpy())


@contextmanager
def _gaussian_process(
    inputs: Array, outputs: Array, known: Array, prior: GrowthPrior, nodes: _Nodes
) -> Iterator[tuple[Any, Any]]:
    """Yield a batched exact Gaussian process of gpytorch and its likelihood, on one thread, in float64."""
    import gpytorch
    import torch

    count, (n, dims) = len(nodes.signal), inputs.shape
    batch = torch.Size([count])
    kernels = gpytorch.kernels
    kind = kernels.RBFKernel if prior.kernel == "squared-exponential" else kernels.MaternKernel

    class ExactGaussianProcess(gpytorch.models.ExactGP):  # type: ignore[misc]
        def __init__(self, x: Any, y: Any, likelihood: Any) -> None:
            super().__init__(x, y, likelihood)
            self.mean_module = gpytorch.means.ConstantMean(batch_shape=batch)
            self.covar_module = kernels.ScaleKernel(
                kind(batch_shape=batch, ard_num_dims=dims), batch_shape=batch
            )

        def forward(self, x: Any) -> Any:
            return gpytorch.distributions.MultivariateNormal(self.mean_module(x), self.covar_module(x))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            torch.no_grad(),
            gpytorch.settings.max_cholesky_size(100_000),
            # gpytorch rounds a noise sd below 0.001 up to that, and its node would be weighed as another
            gpytorch.settings.min_fixed_noise(double_value=1e-30),
            gpytorch.settings.fast_computations(False, False, False),
        ):
            x = torch.as_tensor(inputs)[None].expand(count, n, dims).contiguous()
            y = torch.as_tensor(outputs)[None].expand(count, n).contiguous()
            missing = torch.as_tensor(np.where(known, 0.0, _MISSING))
            variance = torch.as_tensor(nodes.noise)[:, None].square() + missing
            likelihood = gpytorch.likelihoods.FixedNoiseGaussianLikelihood(noise=variance, batch_shape=batch)
            model = ExactGaussianProcess(x, y, likelihood).double()
            model.mean_module.initialize(constant=torch.full((count,), -prior.decline, dtype=torch.float64))
            model.covar_module.base_kernel.lengthscale = torch.as_tensor(nodes.length)[:, None, :]
            model.covar_module.outputscale = torch.as_tensor(nodes.signal**2)
            yield model, likelihood
    finally:
        torch.set_num_threads(threads)
