"""The worlds of a stock: their limits, and how each grows on a grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ecodecide.decision.discretize import close_rows
from ecodecide.decision.grid import Grid
from ecodecide.evaluation.closed_loop import reference_points
from ecodecide.evaluation.scores import collapse_limit
from ecodecide.stock.growth import Array
from ecodecide.stock.parametric import ParametricStock


def world_limits(worlds: Any, collapse: str | float, size: int) -> Array:
    """Return the collapse limit of each of a number of worlds, shape (size,); see `collapse_limit`."""
    points = reference_points(worlds, size)
    columns = {key: (("world", "replicate"), value[None, :]) for key, value in points.items()}
    limit: Array = collapse_limit(xr.Dataset(columns), collapse)[0]
    return limit


def world_kernels(worlds: ParametricStock, grid: Grid) -> tuple[Array, Array]:
    """Return the growth of each world on a grid of cells, and what falls above it.

    Returns
    -------
    kernels
        Shape (worlds, n, n): P(next state | escapement state); one world has the axis too.
    above
        Shape (worlds, n): the probability of a biomass above the grid, which is in the last state.
    """
    # worlds are last for the laws, and first for the products
    below_edge = worlds.noise.cdf(grid.edges[None, :, None], worlds.growth(grid.points[:, None])[:, None, :])
    kernels = np.ascontiguousarray(np.moveaxis(np.diff(below_edge, axis=1), -1, 0))
    return close_rows(kernels), np.maximum(1.0 - kernels.sum(axis=-1), 0.0)
