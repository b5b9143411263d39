"""What a state-space fit leaves behind besides the stock: its draws, year by year and observation by observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecodecide.fitting.chains import CHAINS, Chains
from ecodecide.fitting.state_space_model import StateSpaceModel
from ecodecide.stock.growth import Array

_FEWEST = 10 * CHAINS
"""Draws that are kept at least: with fewer, leave-one-out has no tail to smooth."""


@dataclass(frozen=True, eq=False)
class FitRecord:
    """The draws of a posterior, chain by chain.

    Attributes
    ----------
    model
        Whose posterior it is.
    best
        Shape (k,): the searched numbers at the maximum of the posterior.
    chains
        All that the chains visited.
    evidence_error
        Standard error of the log marginal likelihood.
    points
        Shape (chains, draws, k): the searched numbers of the draws kept.
    log_posterior, log_likelihood
        Shape (chains, draws): the former up to a constant.
    biomass
        Shape (chains, draws, years): of each year before harvest, in units of the history.
    terminal
        Shape (chains, draws): after the last catch and growth.
    terminal_mass
        Shape (n,): the average belief about it, on the model's cells.
    left_out
        Shape (chains, draws, observations): log density of each observation given all others.
    ranks
        Shape (observations,): P(a value below the one seen | the years before), averaged over the draws.
    order
        Shape (members,): which of the draws, all chains in one row, each member of the posterior is.
    series, year
        Shape (observations,): which series each is of, and its year.
    """

    model: StateSpaceModel
    best: Array
    chains: Chains
    evidence_error: float
    points: Array
    log_posterior: Array
    log_likelihood: Array
    biomass: Array
    terminal: Array
    terminal_mass: Array
    left_out: Array
    ranks: Array
    order: NDArray[np.intp]
    series: tuple[str, ...]
    year: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of draws."""
        return self.log_posterior.size

    def numbers(self, place: int) -> Array:
        """Return the draws of one of the searched numbers itself, in units of the history, shape (all draws,)."""
        prior, natural = self.model.priors[place], self.model.natural_priors[place]
        values = prior.value(self.points[..., place].ravel())
        return np.asarray(values * natural.center / prior.center if prior.positive else values, dtype=float)


def record(
    model: StateSpaceModel,
    best: Array,
    chains: Chains,
    evidence_error: float,
    members: int,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> FitRecord:
    """Draw what happened, given each of some points of the chains: as many as the members, or a few more."""
    count = max(-(-members // CHAINS) * CHAINS, _FEWEST)
    points, log_posterior = chains.thinned(count)
    flat = points.reshape(count, -1)
    places = [(one.name, int(year)) for one in model.series for year in model.history.year[one.judged]]
    biomass, terminal = np.empty((count, len(model.catch))), np.empty(count)
    left_out, ranks = np.empty((count, len(places))), np.zeros(len(places))
    log_likelihood, mass = np.empty(count), np.zeros(len(model.points))
    for i, point in enumerate(flat):
        run = model.run(point)
        biomass[i], terminal[i] = run.draw(rng.random(len(model.catch) + 1))
        log_likelihood[i] = run.log_likelihood
        left_out[i] = np.concatenate(model.left_out(run, point))
        ranks += np.concatenate(model.ranks(run, point)) / count
        mass += run.terminal
        progress(i / count)
    each = (CHAINS, count // CHAINS)
    return FitRecord(
        model=model,
        best=best,
        chains=chains,
        evidence_error=evidence_error,
        points=points,
        log_posterior=log_posterior,
        log_likelihood=log_likelihood.reshape(each),
        biomass=biomass.reshape(*each, -1) * model.scale,
        terminal=terminal.reshape(each) * model.scale,
        terminal_mass=mass / mass.sum(),
        left_out=left_out.reshape(*each, -1),
        ranks=ranks,
        # in no order, so that the first replicates of a run are as good a sample as any
        order=rng.permutation(count)[:members],
        series=tuple(name for name, _ in places),
        year=tuple(year for _, year in places),
    )
