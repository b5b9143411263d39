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
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.lesson import require_enough
from ecodecide.stock.growth import Array

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
