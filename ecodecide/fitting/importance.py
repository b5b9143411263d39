"""Draws from a posterior by importance sampling, from what is known of it at its maximum.

Proposals come from a Student t around the maximum, wider than the posterior's curvature there suggests; what they find
moves and reshapes a second Student t, and what both find is the shape of a third, a mixture of kernels. All together
are weighed by the posterior itself (adaptive multiple importance sampling with the balance heuristic: Veach & Guibas
1995; Cornuet et al. 2012, Scandinavian Journal of Statistics 39:798). So skewed posteriors are met as they are, as far
as the effective sample size, which is reported, bears it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_t

from ecodecide.fitting.kernel_proposal import KernelProposal
from ecodecide.stock.growth import Array

_FREEDOM = 5.0
_WIDER = 1.6, 1.3
"""By how much the covariance of the first and of the second proposal exceeds what is known."""
_KERNELS = 1000
"""Kernels of the third."""


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

    @property
    def covariance(self) -> Array:
        """The covariance of the density, shape (k, k)."""
        centered = self.points - self.weights @ self.points
        return np.asarray(centered.T @ (centered * self.weights[:, None]), dtype=float)

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
        Number of draws: a quarter, a quarter and a half.
    rng
        Random numbers.
    progress
        Called with the share of the work done.

    Returns
    -------
    WeightedDraws
    """
    k = len(center)
    sizes = np.diff(np.round(np.linspace(0, count, 5)).astype(int))
    sizes = np.array([sizes[0], sizes[1], sizes[2] + sizes[3]])
    proposals: list[Any] = [multivariate_t(center, _WIDER[0] * covariance, df=_FREEDOM, allow_singular=True)]
    points, log_target, log_weights, weights = np.empty((0, k)), np.empty(0), np.empty(0), np.empty(0)
    for number, size in enumerate(sizes):
        if number == 1:
            so_far = WeightedDraws(points, weights)
            effective = so_far.effective_size
            mean = weights @ points if effective > 0.0 else center
            # a small effective sample knows little of the shape: then the curvature's has the say
            shape = (effective * so_far.covariance + 2.0 * k * covariance) / (effective + 2.0 * k)
            proposals.append(multivariate_t(mean, _WIDER[1] * shape, df=_FREEDOM, allow_singular=True))
        if number == 2:
            if not weights.any():
                sizes = sizes[:2]
                break
            proposals.append(KernelProposal.of(points[rng.choice(len(weights), _KERNELS, p=weights)]))
        new = _drawn(proposals[number], int(size), k, rng)
        told = [_told(log_density, x, (len(points) + i) / count, progress) for i, x in enumerate(new)]
        points, log_target = np.vstack([points, new]), np.concatenate([log_target, told])
        share = np.log(sizes[: number + 1] / sizes[: number + 1].sum())
        each = np.array([_log_density(proposal, points) for proposal in proposals])
        log_weights = log_target - logsumexp(each + share[:, None], axis=0)
        weights = _normalized(log_weights)
    return WeightedDraws(points, weights, float(logsumexp(log_weights)) - float(np.log(len(points))))


def _drawn(proposal: Any, size: int, k: int, rng: np.random.Generator) -> Array:
    if isinstance(proposal, KernelProposal):
        return proposal.draw(size, rng)
    return np.asarray(proposal.rvs(size, random_state=rng), dtype=float).reshape(size, k)


def _log_density(proposal: Any, points: Array) -> Array:
    found = proposal.log_density(points) if isinstance(proposal, KernelProposal) else proposal.logpdf(points)
    return np.atleast_1d(np.asarray(found, dtype=float))


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
