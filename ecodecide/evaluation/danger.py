"""How likely each state is to end in collapse: what guides the estimate of a rare one.

The chance that a managed stock falls below its limit in the years that are left, given its biomass, is exact on a
grid for a policy on observed biomass. Of any other policy it is that of a likeness: its first year's answer to each
survey. A guide need not be right for the estimate to be so; the better it is, the less the estimate varies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.decision.discretize import close_rows, observation_matrix
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.evaluation.stock_worlds import world_kernels
from ecodecide.policy.managed_chain import is_memoryless, managed_years
from ecodecide.policy.protocol import Policy
from ecodecide.policy.table import TablePolicy
from ecodecide.stock.growth import Array
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import Survey

Rows = np.ndarray[Any, np.dtype[np.intp]]

_LEAST = 1e-300
_BLOCK = 64

_MEMORY = 4e8
"""Bytes that a guide may hold; where its worlds are too many for that they share the one of a block's mean."""


@dataclass(frozen=True, eq=False)
class Danger:
    """The chance of a collapse yet to come, in each world, at each moment.

    Attributes
    ----------
    points
        Shape (n,): the grid's.
    safety
        Shape (2 years + 1, worlds, n): minus the log of the chance. Moment 2 t is the biomass of year t, moment
        2 t + 1 the escapement of its catch. One world stands for all.
    """

    points: Array
    safety: Array

    def depth(self, biomass: Array, escapement: Array, world: Rows, limit: Array) -> Array:
        """Return 1 + safety of lives at each moment, and 0 at those below the limit after the first.

        Parameters
        ----------
        biomass, escapement
            Shapes (years + 1, lives) and (years, lives).
        world
            Shape (lives,): the world of each.
        limit
            Shape (lives,).

        Returns
        -------
        ndarray, shape (2 years + 1, lives)
        """
        values = np.empty((len(self.safety), biomass.shape[1]))
        values[0::2], values[1::2] = biomass, escapement
        lower = np.clip(np.searchsorted(self.points, values, side="right") - 1, 0, len(self.points) - 2)
        gap = self.points[lower + 1] - self.points[lower]
        share = np.clip((values - self.points[lower]) / gap, 0.0, 1.0)
        moment = np.arange(len(values))[:, None]
        place = world if self.safety.shape[1] > 1 else np.zeros_like(world)
        safety = (1.0 - share) * self.safety[moment, place, lower] + share * self.safety[
            moment, place, lower + 1
        ]
        depth: Array = 1.0 + safety
        depth[2::2][biomass[1:] < limit] = 0.0
        return depth


def danger(
    policy: Policy,
    stock: Stock,
    worlds: Any,
    limit: Array,
    survey: Survey,
    grid: Grid,
    years: int,
    implementation_cv: float,
    first_survey: bool,
) -> Danger:
    """Return the guide of a policy in the worlds of a stock.

    Worlds that are no parametric laws share the guide of the stock's own kernel, at their median limit, and worlds
    too many to keep one each that of some of them.
    """
    points, n = grid.points, len(grid.points)
    if not is_memoryless(policy):
        policy = TablePolicy(points, policy.decide(policy.start(n), points, None)[0], float(points[n // 2]))
    first, later = managed_years(
        policy, grid, observation_matrix(survey, grid), Economy(), implementation_cv, first_survey
    )
    laws = isinstance(worlds, ParametricStock)
    batch = laws and 8.0 * (2 * years + 1) * len(limit) * n <= _MEMORY
    size = len(limit) if batch else 1
    limits = limit if batch else np.array([np.median(limit)])
    safety = np.empty((2 * years + 1, size, n))
    for i in range(0, size, _BLOCK):
        block = slice(i, i + _BLOCK)
        if batch:
            kernels, _ = world_kernels(worlds if size == 1 else worlds.take(block), grid)
        elif laws:
            some = np.linspace(0, len(limit) - 1, _BLOCK).round().astype(int)
            kernels = world_kernels(worlds.take(some), grid)[0].mean(axis=0, keepdims=True)
        else:
            kernels = close_rows(stock.kernel(points, grid.edges))[None]
        below = grid.share_below(limits[block])
        ahead = np.zeros(below.shape)
        safety[2 * years, block] = -np.log(_LEAST)
        for year in reversed(range(years)):
            left = np.matmul(kernels, (below + (1.0 - below) * ahead)[..., None])[..., 0]
            ahead = left @ (first if year == 0 else later).escapement.T
            safety[2 * year + 1, block] = -np.log(np.clip(left, _LEAST, 1.0))
            safety[2 * year, block] = -np.log(np.clip(ahead, _LEAST, 1.0))
    return Danger(points, safety)
