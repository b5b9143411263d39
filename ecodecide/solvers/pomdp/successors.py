"""What follows from a belief over escapement, and how far it is worth less than its states known for sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide._kernels.sawtooth import add_depths
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class SuccessorDepths:
    """Depths d(i, o, a) <= 0 of what follows from source i by observation o and quota a, sparse.

    The bound on the belief that follows lies so far below that of its states known for sure, times the
    probability of the observation. Quotas that cannot be best are not listed; their depth is 0.

    Attributes
    ----------
    start
        Shape (sources + 1,): the entries of source i are start[i] to start[i + 1].
    cell
        Observation and quota of each entry, o n + a.
    depth
        Of each entry.
    n
        Number of states, and so of observations and of quotas.
    """

    start: Any
    cell: Any
    depth: Array
    n: int

    def of(self, source: int) -> Array:
        """Return d(source, ., .), shape (n, n)."""
        dense = np.zeros(self.n * self.n)
        mine = slice(self.start[source], self.start[source + 1])
        dense[self.cell[mine]] = self.depth[mine]
        return dense.reshape(self.n, self.n)

    def mix(self, e: Array, heard: Any, factor: float, worth: Array) -> None:
        """Add factor sum over s of e(s) d(s, o, a) to worth[i, a], o = heard[i]; the sources are the states.

        A belief leads, by the same observation and quota, to the mixture of what its states lead to, and the
        value is convex: so this bounds it, as for a manager who learns the escapement two years late.
        """
        row = np.full(self.n, -1)
        row[heard] = np.arange(len(heard))
        add_depths(e, self.start, self.cell, self.depth, row, factor, worth)
