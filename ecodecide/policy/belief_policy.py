"""A quota for each belief about the biomass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from ecodecide.decision.belief import condition, harvest
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.decision.grid import Grid
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class BeliefPolicy:
    """Alpha vectors over the belief: the quota of the vector that promises most.

    Each year the belief is harvested by what was caught, grown, and confronted with the survey, which is
    heard to the nearest cell. A catch is evidence: what was taken was there, and a catch short of its quota
    means that the stock ran out, or, with implementation error, that the fleet fell short; both are weighed.
    No survey leaves the belief as growth made it. Evidence that the belief holds for impossible starts it
    again: from the survey alone, or from every biomass that could have borne the catch.

    Parameters
    ----------
    arrays
        The discrete problem that the vectors solve.
    vectors
        Shape (k, n): value of each state under each vector, in units of profit.
    actions
        Shape (k,): the index of the quota of each vector.

    Notes
    -----
    The value of the belief b is at least max_i alpha_i . b (Smallwood & Sondik 1973, Operations Research
    21:1071), and acting by the maximizing vector attains that.
    """

    arrays: DiscreteProblem
    vectors: Array
    actions: np.ndarray[Any, np.dtype[np.intp]]

    def start(self, replicates: int) -> Array:
        """Return the memory before the first year: the initial belief, and no quota yet."""
        row = np.append(self.arrays.initial, np.nan)
        return np.tile(row, (replicates, 1))

    def belief(self, memory: Any) -> Array:
        """Return the belief on which the last quota was set, shape (replicates, n)."""
        return np.asarray(memory)[:, :-1]

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year; see `ecodecide.policy.protocol.Policy`."""
        belief = self.belief(memory)
        if caught is not None:
            belief = self._after_catch(belief, memory[:, -1], caught) @ self.arrays.kernel
        belief = self._after_survey(belief, observed)
        best = np.argmax(belief @ self.vectors.T, axis=1)
        quota = self.arrays.grid.quotas[self.actions[best]]
        return quota, np.column_stack([belief, quota])

    def _after_survey(self, belief: Array, observed: Array) -> Array:
        made = ~np.isnan(observed)
        heard = self.arrays.grid.locate(np.where(made, observed, 0.0))
        likelihood = np.where(made[:, None], self.arrays.observation.T[heard], 1.0)
        posterior, evidence = condition(belief, likelihood)
        restart = evidence <= 0.0
        if restart.any():
            alone = likelihood[restart]
            total = alone.sum(axis=1, keepdims=True)
            alone = np.where(total > 0.0, alone, np.eye(belief.shape[1])[heard[restart]])
            posterior[restart] = alone / alone.sum(axis=1, keepdims=True)
        return posterior

    def _after_catch(self, belief: Array, quota: Array, caught: Array) -> Array:
        grid, cv = self.arrays.grid, self.arrays.implementation_cv
        escaped, possible = _harvest(belief, caught, grid)
        impossible = possible <= 0.0
        if impossible.any():
            belief = np.where(impossible[:, None], 1.0 / belief.shape[1], belief)
            escaped, possible = _harvest(belief, caught, grid)
        ran_out = (caught < quota * (1.0 - 1e-9)) * 1.0
        if cv > 0.0:
            ended, fell_short = self._shortfall(belief, quota, caught)
            total = ended + fell_short
            ran_out = np.where(total > 0.0, ended / np.where(total > 0.0, total, 1.0), ran_out)
        ran_out = np.where(possible > 0.0, ran_out, 1.0)
        escaped = escaped / np.where(possible > 0.0, possible, 1.0)[:, None] * (1.0 - ran_out)[:, None]
        escaped[:, 0] += ran_out
        return np.asarray(escaped / escaped.sum(axis=1, keepdims=True), dtype=float)

    def _shortfall(self, belief: Array, quota: Array, caught: Array) -> tuple[Array, Array]:
        """Weigh the stock running out at this catch against the fleet taking so much of a larger stock."""
        grid, cv = self.arrays.grid, self.arrays.implementation_cv
        sigma = float(np.sqrt(np.log1p(cv**2)))
        fished = (quota > 0.0) & (caught > 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(fished, np.log(np.where(fished, caught / quota, 1.0)) / sigma, 0.0)
        density = np.exp(-0.5 * z**2) / (np.maximum(caught, 1e-300) * sigma * np.sqrt(2.0 * np.pi))
        rows = np.arange(len(caught))
        here = belief[rows, grid.locate(caught)] / grid.step
        _, possible = _harvest(belief, caught, grid)
        ran_out = np.where(quota > 0.0, np.where(caught > 0.0, here * ndtr(-z), belief[:, 0]), 0.0)
        fell_short = np.where(fished, possible * density, np.where(quota > 0.0, 0.0, 1.0))
        return ran_out, fell_short


def _harvest(belief: Array, catch: Array, grid: Grid) -> tuple[Array, Array]:
    """Take a known catch out of each belief, in the terms in which the grid's solver counts."""
    if grid.scheme == "cells":
        return harvest(belief, catch, grid.points, grid.edges)
    # states that are points, not cells: a catch of the whole point empties it, one in between is split
    rows, n = belief.shape
    place = np.arange(n) - (catch / grid.step)[:, None]
    whole = np.round(place)
    place = np.where(np.abs(place - whole) < 1e-9, whole, place)
    mass = np.where(place >= 0.0, belief, 0.0)
    below = np.clip(np.floor(place), 0, n - 1).astype(np.intp)
    share = np.where(place >= 0.0, place - below, 0.0)
    escaped = np.zeros((rows, n))
    row = np.arange(rows)[:, None]
    np.add.at(escaped, (row, below), mass * (1.0 - share))
    np.add.at(escaped, (row, np.minimum(below + 1, n - 1)), mass * share)
    return escaped, np.asarray(escaped.sum(axis=1), dtype=float)
