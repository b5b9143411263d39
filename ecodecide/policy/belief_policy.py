"""A quota for each belief about the biomass."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ecodecide._kernels.belief_update import after_catch, after_survey
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.errors import PolicyError
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class BeliefPolicy:
    """Alpha vectors over the belief: the quota of the vector that promises most.

    Each year the belief is harvested by what was caught, grown, and confronted with the survey, which is
    heard to the nearest cell. A catch is evidence: what was taken was there, and a catch short of its quota
    means that the stock ran out, or, with implementation error, that the fleet fell short; both are weighed.
    No survey leaves the belief as growth made it. Evidence that the belief holds for impossible starts it
    again: from the survey alone, or from every biomass that could have borne the catch. A catch above the grid
    is taken for that of the last state's point, which stands for all biomass beyond.

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

    def as_caught(self, memory: Any, caught: Array) -> Array:
        """Return a memory after whose year a catch tells that it was there, and not that the stock ran out.

        So it is where others set the quota, and nobody knows what they would have caught of a larger stock.
        """
        return np.column_stack([self.belief(memory), np.full(len(memory), np.nan)])

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year; see `ecodecide.policy.protocol.Policy`.

        Raises
        ------
        PolicyError
            When a catch is not a number.
        """
        grid = self.arrays.grid
        if caught is None:
            grown = np.array(self.belief(memory), order="C")
        else:
            grown = self._after_catch(memory, caught) @ self.arrays.kernel
        rows, n = grown.shape
        remembered = np.empty((rows, n + 1))
        heard = grid.locate(np.where(np.isnan(observed), 0.0, observed))
        after_survey(grown, np.array(observed, dtype=float), heard, self._likelihood, remembered)
        best = np.argmax(remembered[:, :n] @ self.vectors.T, axis=1)
        quota = grid.quotas[self.actions[best]]
        remembered[:, n] = quota
        return quota, remembered

    def _after_catch(self, memory: Any, caught: Array) -> Array:
        """Return the belief about the escapement, shape (replicates, n)."""
        grid, cv = self.arrays.grid, self.arrays.implementation_cv
        if np.isnan(caught).any():
            raise PolicyError(
                f"last year's catch is not known in {int(np.isnan(caught).sum())} of {len(caught)} replicates, but "
                "the belief rests on it: give the catch, or the quota where it is taken for the catch"
            )
        escaped = np.empty((len(caught), len(self.arrays.initial)))
        after_catch(
            np.ascontiguousarray(memory),
            np.array(caught, dtype=float),
            grid.locate(caught),
            grid.step,
            grid.scheme == "cells",
            float(np.sqrt(np.log1p(cv**2))),
            escaped,
        )
        return escaped

    @cached_property
    def _likelihood(self) -> Array:
        """Shape (n, n): the likelihood of each observation in each state, one observation after another."""
        return np.array(self.arrays.observation.T, dtype=float, order="C")
