"""A quota for each observed biomass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class TablePolicy:
    """A table over observed biomass, interpolated between its points.

    Above the table the escapement stays that of the last point. Without a survey in a year it acts on the
    last one seen, and before any survey on `expected`.

    Parameters
    ----------
    points
        Shape (n,): observed biomass, increasing, 0 first.
    quotas
        Shape (n,): the quota at each.
    expected
        The biomass taken for granted before the first survey.
    """

    points: Array
    quotas: Array
    expected: float

    def start(self, replicates: int) -> Array:
        """Return the memory before the first year: the biomass last seen."""
        return np.full((replicates, 1), self.expected)

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year; see `ecodecide.policy.protocol.Policy`."""
        seen = np.where(np.isnan(observed), memory[:, 0], observed)
        beyond = np.maximum(seen - self.points[-1], 0.0)
        return np.interp(seen, self.points, self.quotas) + beyond, seen[:, None]


@dataclass(frozen=True, eq=False)
class NearestPointPolicy:
    """A table over observed biomass that acts on the nearest of its points.

    So do published simulations on a grid. Half-way between two points the lower is taken, and above the table
    the last. Without a survey in a year it acts on the last one seen, and before any survey on `expected`.

    Parameters
    ----------
    points
        Shape (n,): observed biomass, increasing.
    quotas
        Shape (n,): the quota at each.
    expected
        The biomass taken for granted before the first survey.

    Examples
    --------
    >>> policy = NearestPointPolicy(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.3, 0.9]), 1.0)
    >>> policy.decide(policy.start(3), np.array([1.5, 1.6, 7.0]), None)[0]
    array([0.3, 0.9, 0.9])
    """

    points: Array
    quotas: Array
    expected: float

    def start(self, replicates: int) -> Array:
        """Return the memory before the first year: the biomass last seen."""
        return np.full((replicates, 1), self.expected)

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year; see `ecodecide.policy.protocol.Policy`."""
        seen = np.where(np.isnan(observed), memory[:, 0], observed)
        middle = (self.points[1:] + self.points[:-1]) / 2.0
        return self.quotas[np.searchsorted(middle, seen, side="left")], seen[:, None]
