"""Draws from a posterior by importance sampling, from what is known of it at its maximum.

Proposals come from a Student t around the maximum, wider than the posterior's curvature there suggests; what
they find moves and reshapes a second Student t, and both together are weighed by the posterior itself
(adaptive multiple importance sampling with the balance heuristic: Veach & Guibas 1995; Cornuet et al. 2012,
Scandinavian Journal of Statistics 39:798). So skewed posteriors are met as they are, as far as the effective
sample size, which is reported, bears it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_t

from ecodecide.stock.growth import Array

_FREEDOM = 5.0
_WIDER = 1.6, 1.3
"""By how much the covariance of the first and of the second proposal exceeds what is known."""


@dataclass(frozen=True, eq=False)
class WeightedDraws:
    """Weighted draws.

    Attributes
    ----------
    points
        Shape (count, k).
    weights
        Shape (count,), with sum 1; all zero when no point has any density.
    log_mass
        The log of the integral of the density, as it was given; its standard error is about the inverse root of
        `effective_size`.
    """

    points: Array
    weights: Array
    log_mass: float = float("nan")

    @property
    def effective_size(self) -> float:
        """How many independent draws these are worth: 1 / sum of squared weights (Kong 1992)."""
        squared = float(np.sum(self.weights**2))
        return 1.0 / squared if squared > 0.0 else 0.0

    def resample(self, count: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Return the places of draws of equal weight, ascending, by systematic resampling."""
        ticks = (rng.random() + np.arange(count)) / count
        return np.minimum(np.searchsorted(np.cumsum(self.weights), ticks), len(self.weights) - 1)


def importance_sample(
    log_density: Callable[[Array], float],
    center: Array,
    covariance: Array,
    count: int,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> WeightedDraws:
    """Draw from a density known up to a constant.

    Parameters
    ----------
    log_density
        Of a point, shape (k,).
    center, covariance
        Where the density is highest, and the inverse of its curvature there.
    count
        Number of draws, in two halves.
    rng
        Random numbers.
    progress
        Called with the share of the work done.

    Returns
    -------
    WeightedDraws
    """
    k, half = len(center), count // 2
    first = multivariate_t(center, _WIDER[0] * covariance, df=_FREEDOM, allow_singular=True)
    points = first.rvs(half, random_state=rng).reshape(half, k)
    log_target = np.array([_told(log_density, x, i / count, progress) for i, x in enumerate(points)])
    weights = _normalized(log_target - first.logpdf(points))
    size = WeightedDraws(points, weights).effective_size
    mean = weights @ points if size > 0.0 else center
    spread = (points - mean).T @ ((points - mean) * weights[:, None])
    # a small effective sample knows little of the shape: then the curvature's has the say
    shape = (size * spread + 2.0 * k * covariance) / (size + 2.0 * k)
    second = multivariate_t(mean, _WIDER[1] * shape, df=_FREEDOM, allow_singular=True)
    more = second.rvs(count - half, random_state=rng).reshape(count - half, k)
    log_more = np.array([_told(log_density, x, (half + i) / count, progress) for i, x in enumerate(more)])
    points, log_target = np.concatenate([points, more]), np.concatenate([log_target, log_more])
    shares = np.log([[half / count], [1.0 - half / count]])
    log_proposal = logsumexp(shares + np.array([first.logpdf(points), second.logpdf(points)]), axis=0)
    log_weights = log_target - log_proposal
    return WeightedDraws(
        points, _normalized(log_weights), float(logsumexp(log_weights)) - float(np.log(count))
    )


def _told(
    log_density: Callable[[Array], float], point: Array, share: float, progress: Callable[[float], None]
) -> float:
    progress(share)
    return log_density(point)


def _normalized(log_weights: Array) -> Array:
    top = float(log_weights.max())
    # so low everywhere is a density of zero, see StateSpaceModel.log_posterior
    weights = np.exp(log_weights - top) if top > -1e8 else np.zeros_like(log_weights)
    total = float(weights.sum())
    return np.asarray(weights / total if total > 0.0 else weights, dtype=float)
