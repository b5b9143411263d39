"""Markov chains of a posterior, run until they agree.

Each chain is a Metropolis-Hastings chain of its own: most steps propose afresh, from a density in the shape of what is
known of the posterior; the others make a small move from where the chain stands, for where that knowledge is poor.
What a round of chains has found shapes the proposals of the next, and the last round alone counts. emcee runs them: it
wants no gradient, which a grid filter with a user's own growth law does not have. Its ensemble moves are not used,
because they tie the chains together, and R-hat is about chains that know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.fitting.importance import WeightedDraws
from ecodecide.fitting.kernel_proposal import KernelProposal
from ecodecide.stock.growth import Array

CHAINS = 4
ENOUGH = 400
"""The effective sample size that is aimed at (Vehtari et al. 2021, doi:10.1214/20-BA1221); less for fewer draws."""
_LOCAL, _MOST_LOCAL, _SMALLER = 0.06, 0.5, 3.0
"""The share of small moves for each number, and at most; their spread lies between the best for a normal density and a
ninth of it."""
_BURN_IN, _ROUNDS, _LONGEST = 50, 2, 4000
"""Steps of a round that are forgotten, rounds that may be given up to learn from them, and the longest last one."""
_FEW = 6
"""Numbers for which these lengths are enough; with more of them rounds are longer in proportion."""


@dataclass(frozen=True, eq=False)
class Chains:
    """What the chains visited after they had forgotten their beginnings.

    Attributes
    ----------
    points
        Shape (chains, steps, k).
    log_density
        Shape (chains, steps).
    rhat
        The largest of the k rank-normalized split R-hat.
    effective
        The smallest of the k effective sample sizes, of the bulk and of the tails.
    converged
        Whether both are as good as was asked for.
    """

    points: Array
    log_density: Array
    rhat: float
    effective: float
    converged: bool

    def thinned(self, count: int) -> tuple[Array, Array]:
        """Return `count` points and their log densities, shapes (chains, count / chains, k) and without k."""
        each = count // len(self.points)
        places = np.linspace(0, self.points.shape[1] - 1, each).round().astype(int)
        return self.points[:, places], self.log_density[:, places]


def run_chains(
    log_density: Callable[[Array], float],
    known: WeightedDraws,
    enough: float,
    seed: int,
    progress: Callable[[float], None],
) -> Chains:
    """Run chains until their R-hat and effective sample sizes are good, or the last round is long enough.

    Parameters
    ----------
    log_density
        Of a point, shape (k,), up to a constant.
    known
        What an importance sampler made of it: proposals come from there.
    enough
        The effective sample size that is wanted; R-hat must then be below 1 + 4 / enough, which is 1.01 for 400: four
        chains of so many independent draws differ by half of that.
    seed
        Of the random numbers.
    progress
        Called with the share of the work done.

    Returns
    -------
    Chains

    References
    ----------
    Tierney 1994, Annals of Statistics 22:1701 (independence and hybrid chains); Foreman-Mackey et al. 2013,
    doi:10.1086/670067 (emcee); Vehtari et al. 2021, doi:10.1214/20-BA1221 (R-hat, effective sample sizes).
    """
    import emcee

    random = np.random.RandomState(seed)
    shape = known.points[random.choice(len(known.weights), 1000, p=known.weights)]
    # from anywhere that is possible, wider than the posterior: chains that agree have found it
    possible = np.flatnonzero(known.weights > 0.0)
    start = known.points[random.choice(possible, CHAINS, replace=len(possible) < CHAINS)]
    target = min(enough, ENOUGH)
    longer = max(1.0, known.points.shape[1] / _FEW)
    steps, done = _BURN_IN + int(longer * max(2.0 * target / CHAINS, 25.0)), 0
    for number in range(_ROUNDS + 1):
        moves = _moves(KernelProposal.of(shape))
        sampler = emcee.EnsembleSampler(CHAINS, shape.shape[1], log_density, moves=moves)
        state = emcee.State(start, random_state=random.get_state())
        while True:
            for now in sampler.sample(state, iterations=steps, skip_initial_state_check=True):
                state, done = now, done + 1
                # an even chance of every further doubling is as good a guess as any
                progress(1.0 - 0.5 ** (done / (2.0 * target)))
            points = np.swapaxes(sampler.get_chain(discard=_BURN_IN), 0, 1)
            rhat, effective = diagnose(points)
            converged = rhat <= 1.0 + 4.0 / target and effective >= target
            if converged or number < _ROUNDS or sampler.iteration + steps > longer * _LONGEST:
                break
        if converged:
            break
        random.set_state(state.random_state)
        shape = points.reshape(-1, points.shape[-1])
        steps *= 1 + (number == 0)
    log = np.swapaxes(sampler.get_log_prob(discard=_BURN_IN), 0, 1)
    return Chains(points, log, rhat, effective, converged)


def _moves(proposal: KernelProposal) -> list[tuple[Any, float]]:
    import emcee

    def afresh(points: Array, random: np.random.RandomState) -> tuple[Array, Array]:
        new = proposal.draw(len(points), random)
        return new, proposal.log_density(points) - proposal.log_density(new)

    covariance = proposal.root @ proposal.root.T
    # 2.38^2 / k: Roberts & Rosenthal 2001, Statistical Science 16:351; smaller ones lead out of a narrow place, where
    # few proposals made afresh would be taken
    largest = 2.38**2 / len(covariance) * covariance
    near = emcee.moves.GaussianMove(largest / _SMALLER**2, factor=_SMALLER)
    local = min(_LOCAL * len(covariance), _MOST_LOCAL)
    return [(emcee.moves.MHMove(afresh), 1.0 - local), (near, local)]


def diagnose(points: Array) -> tuple[float, float]:
    """Return the largest R-hat and the smallest effective sample size of chains, shape (chains, steps, k)."""
    from arviz_stats.base.array import array_stats

    each = np.moveaxis(points, -1, 0)
    rhat = np.atleast_1d(array_stats.rhat(each))
    sizes = [array_stats.ess(each, method="bulk"), array_stats.ess(each, method="tail", prob=(0.05, 0.95))]
    return float(np.nanmax(rhat)) if np.isfinite(rhat).any() else float("inf"), float(np.nanmin(sizes))
