"""The marginal likelihood, by bridge sampling between the posterior and a proposal in its shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from ecodecide.fitting.chains import Chains, diagnose
from ecodecide.fitting.kernel_proposal import KernelProposal
from ecodecide.stock.growth import Array

_MOST, _TOLERANCE, _ITERATIONS = 1000, 1e-10, 1000
"""Posterior points that are used at most; when the estimate has settled, and the most rounds until it has."""


@dataclass(frozen=True)
class Evidence:
    """The integral of a density known up to a constant.

    Attributes
    ----------
    log_mass
        Its log.
    error
        The standard error of that.
    """

    log_mass: float
    error: float


def bridge(
    log_density: Callable[[Array], float],
    chains: Chains,
    count: int,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> Evidence:
    """Integrate a density from chains of it.

    Parameters
    ----------
    log_density
        Of a point, shape (k,).
    chains
        Of this density: half of them shape the proposal, the other half are set against it, so that neither has seen
        the other.
    count
        Points of the proposal at which the density is asked for.
    rng
        Random numbers.
    progress
        Called with the share of the work done.

    References
    ----------
    Meng & Wong 1996, Statistica Sinica 6:831, with the optimal bridge; the error by Fruhwirth-Schnatter 2004,
    doi:10.1111/j.1368-423X.2004.00125.x.
    """
    half, k = len(chains.points) // 2, chains.points.shape[-1]
    proposal = KernelProposal.of(chains.points[:half].reshape(-1, k))
    other = chains.points[half:]
    each = min(other.shape[1], _MOST // len(other))
    places = np.linspace(0, other.shape[1] - 1, each).round().astype(int)
    posterior, log_posterior = (
        other[:, places].reshape(-1, k),
        chains.log_density[half:][:, places].reshape(-1),
    )
    drawn = proposal.draw(count, rng)
    log_drawn = np.empty(count)
    for i, point in enumerate(drawn):
        log_drawn[i] = log_density(point)
        progress(i / count)
    # l = log(target / proposal) at the points of each
    at_posterior = log_posterior - proposal.log_density(posterior)
    at_drawn = log_drawn - proposal.log_density(drawn)
    worth = float(np.clip(diagnose(other[:, places])[1], 2.0, len(posterior)))
    share = worth / (worth + count)
    log_share, log_rest = np.log(share), np.log(1.0 - share)
    middle = float(np.median(at_posterior))
    log_mass = middle
    for _ in range(_ITERATIONS):
        below = np.logaddexp(log_share + at_drawn, log_rest + log_mass)
        above = np.logaddexp(log_share + at_posterior, log_rest + log_mass)
        new = float(logsumexp(at_drawn - below) - np.log(count) - logsumexp(-above) + np.log(len(posterior)))
        settled, log_mass = abs(new - log_mass) < _TOLERANCE, new
        if settled:
            break
    # target / mixture at the drawn, proposal / mixture at the posterior's, the target being normalized
    first = np.exp(at_drawn - log_mass - np.logaddexp(log_share + at_drawn - log_mass, log_rest))
    second = np.exp(-np.logaddexp(log_share + at_posterior - log_mass, log_rest))
    variance = _relative(first) / count + _relative(second) / worth
    return Evidence(log_mass, float(np.sqrt(variance)))


def _relative(values: Array) -> float:
    """Return the variance over the squared mean."""
    return float(values.var() / values.mean() ** 2)
