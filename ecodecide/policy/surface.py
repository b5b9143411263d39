"""A quota for each pair of observed biomass and a second state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.policy.table import TablePolicy
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class SurfacePolicy:
    """A surface over observed biomass and the level of a second state, straight between its points in both.

    Where the level is last year's escapement, it is that of the policy's own books: the biomass that it acted
    on last year less what was then caught.

    Where the level is an environment, no survey tells it: `decide` acts on the level that the chain expects for
    the year, which is the same for all replicates and says nothing about the year at hand. A manager who knows
    the level takes the table of that level from `at`.

    Above the last biomass the escapement stays that of the last; beyond the first or last level the nearest
    counts. Without a survey in a year it acts on the last biomass seen, and before any survey on `expected`.

    Parameters
    ----------
    points
        Shape (n,): observed biomass, increasing, 0 first.
    levels
        Shape (m,): the second state, increasing.
    quotas
        Shape (n, m): the quota at each pair.
    expected
        The biomass taken for granted before the first survey.
    chances
        Shape (m,): the probability of each level in the first year, whose mean is acted on.
    transition
        Shape (m, m): P(next level | level) of an environment; None where the level is last year's escapement.

    Examples
    --------
    Nothing is caught after an escapement of 1, and 4 of any biomass above 5 after one of 2:

    >>> surface = SurfacePolicy(
    ...     points=np.array([0.0, 5.0, 10.0]),
    ...     levels=np.array([1.0, 2.0]),
    ...     quotas=np.array([[0.0, 0.0], [0.0, 4.0], [0.0, 4.0]]),
    ...     expected=5.0,
    ...     chances=np.array([0.5, 0.5]),
    ... )
    >>> quota, memory = surface.decide(surface.start(1), np.array([6.0]), None)
    >>> quota, surface.decide(memory, np.array([6.0]), quota)[0]   # 1.5 was taken for granted; then 6 - 2 were left
    (array([2.]), array([4.]))
    """

    points: Array
    levels: Array
    quotas: Array
    expected: float
    chances: Array
    transition: Array | None = None

    def at(self, level: float) -> TablePolicy:
        """Return the table over observed biomass for a level that is known."""
        quotas = np.array([np.interp(level, self.levels, row) for row in self.quotas])
        return TablePolicy(self.points, quotas, self.expected)

    def start(self, replicates: int) -> Array:
        """Return the memory before the first year: the biomass last seen, and the chances of the levels."""
        return np.tile(np.append(self.expected, self.chances), (replicates, 1))

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year; see `ecodecide.policy.protocol.Policy`."""
        last, chances = memory[:, 0], memory[:, 1:]
        seen = np.where(np.isnan(observed), last, observed)
        if self.transition is not None:
            level, chances = chances @ self.levels, chances @ self.transition
        elif caught is None:
            level = chances @ self.levels
        else:
            level = np.maximum(last - caught, 0.0)
        return self._quota(seen, level), np.column_stack([seen, chances])

    def _quota(self, seen: Array, level: Array) -> Array:
        i, x = _between(self.points, seen)
        k, w = _between(self.levels, level)
        low = (1.0 - x) * self.quotas[i, k] + x * self.quotas[i + 1, k]
        k = np.minimum(k + 1, len(self.levels) - 1)
        high = (1.0 - x) * self.quotas[i, k] + x * self.quotas[i + 1, k]
        quota: Array = (1.0 - w) * low + w * high + np.maximum(seen - self.points[-1], 0.0)
        return quota


def _between(knots: Array, value: Array) -> tuple[np.ndarray[Any, np.dtype[np.intp]], Array]:
    """Return the knot at or before each value, and how far the value is on the way to the next, 0 to 1."""
    place = np.interp(value, knots, np.arange(len(knots)))
    before = np.minimum(place.astype(np.intp), max(len(knots) - 2, 0))
    return before, place - before
