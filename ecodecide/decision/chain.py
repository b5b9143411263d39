"""The discretized problem as a world of its own, to test simulators against exact numbers.

Value and collapse of a policy in a finite Markov chain are known exactly; a simulator that is run in that
very chain must agree with them to within its Monte Carlo error, and a policy with the bounds of its solver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.stock.growth import Array
from ecodecide.stock.reference_points import ReferencePoints, numerical_reference_points

Index = np.ndarray[Any, np.dtype[np.intp]]


def _nearest(points: Array, biomass: ArrayLike) -> Index:
    """Return the state whose point is nearest, so that the rounding of a subtraction changes none."""
    return np.asarray(np.searchsorted((points[1:] + points[:-1]) / 2.0, np.asarray(biomass, dtype=float)))


def _draw(cumulative: Array, rows: Index, z: Array) -> Index:
    """Return a column for each row by the inverse cdf of u = Phi(z)."""
    return np.asarray((ndtr(np.asarray(z))[:, None] > cumulative[rows, :-1]).sum(axis=1))


def _until(cumulative: Array, points: Array, rows: Index, level: ArrayLike) -> Array:
    """Return, of each row, the probability of the states whose points are at most the level."""
    from_zero = np.column_stack([np.zeros(len(points)), cumulative])
    return np.asarray(from_zero[rows, np.searchsorted(points, level, side="right")])


@dataclass(frozen=True, eq=False)
class ChainStock:
    """A stock that lives on the points of a grid and grows by the rows of a kernel.

    An escapement off the points counts as the nearest: to stay inside the discrete problem, set quotas that
    are multiples of the grid's step.

    Parameters
    ----------
    arrays
        The discrete problem.
    unit
        The unit of biomass.
    """

    arrays: DiscreteProblem = field(repr=False)
    unit: str = "K = 1"

    @cached_property
    def _cumulative(self) -> Array:
        return np.cumsum(self.arrays.kernel, axis=1)

    def mean(self, escapement: ArrayLike) -> Array:
        """Return E[next biomass | escapement]."""
        points = self.arrays.grid.points
        return np.asarray((self.arrays.kernel @ points)[_nearest(points, escapement)])

    def reference_points(self) -> ReferencePoints:
        """Return the reference points of the expected growth, interpolated between the points."""
        points = self.arrays.grid.points
        grown = self.arrays.kernel @ points

        def growth(s: Array) -> Array:
            return np.asarray(np.interp(s, points, grown))

        return numerical_reference_points(growth, self.arrays.grid.upper / 2.0)

    @cached_property
    def carrying_capacity(self) -> float:
        """Where the expected growth without fishing settles."""
        return self.reference_points().carrying_capacity

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Return P(next biomass in (edges[j], edges[j+1]] | escapements[i])."""
        points = self.arrays.grid.points
        rows = _nearest(points, escapements)[:, None]
        return np.diff(_until(self._cumulative, points, rows, edges[None, :]), axis=1)

    def draw(self, replicates: int, rng: np.random.Generator) -> ChainStock:
        """Return itself: every replicate lives in the same chain."""
        return self

    def step(self, escapement: Array, z: Array) -> Array:
        """Return the next biomass of each replicate, a point of the grid."""
        points = self.arrays.grid.points
        return np.asarray(points[_draw(self._cumulative, _nearest(points, escapement), z)])


@dataclass(frozen=True, eq=False)
class ChainSurvey:
    """A survey that sees the points of a grid, by the rows of an observation matrix.

    Parameters
    ----------
    arrays
        The discrete problem.
    """

    arrays: DiscreteProblem = field(repr=False)

    @cached_property
    def _cumulative(self) -> Array:
        return np.cumsum(self.arrays.observation, axis=1)

    def sample(self, biomass: ArrayLike, z: ArrayLike) -> Array:
        """Return an observation of each biomass, a point of the grid."""
        points = self.arrays.grid.points
        return np.asarray(points[_draw(self._cumulative, _nearest(points, biomass), np.asarray(z))])

    def likelihood(self, observed: float, biomass: ArrayLike) -> Array:
        """Return the probability of one observation at each biomass; 1 for a survey that was not made."""
        points = self.arrays.grid.points
        rows = _nearest(points, biomass)
        if np.isnan(observed):
            return np.ones(rows.shape)
        return np.asarray(self.arrays.observation[rows, _nearest(points, observed)])

    def cdf(self, observed: ArrayLike, biomass: ArrayLike) -> Array:
        """Return P(observation <= observed | biomass), broadcast over both."""
        points = self.arrays.grid.points
        return _until(self._cumulative, points, _nearest(points, biomass), observed)
