"""The grid on which a decision is computed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import GridError
from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class Grid:
    """Biomass levels from 0 to an upper end; quotas are their differences, so a harvest is a shift.

    State 0 is extinction, an atom. With ``scheme="cells"`` the others are `cells` equal cells of width
    upper/cells, stood for by their midpoints, and probabilities come from the cdf at the edges. The scheme
    ``"memarzadeh2019"`` is the published discretization of Memarzadeh & Boettiger 2019: `cells` points
    linspace(0, upper, cells), the first of which is 0, and densities at the points; ``"boettiger2015"`` is that
    of Boettiger, Mangel & Munch 2015 on such points, for lognormal noise. Both are kept for comparison with
    those papers.

    Parameters
    ----------
    upper
        Upper end, in units of biomass. About twice the carrying capacity is usual.
    cells
        Number of cells (of points, with the schemes of papers).
    scheme
        ``"cells"``, ``"memarzadeh2019"`` or ``"boettiger2015"``.

    Raises
    ------
    GridError
        When a value means nothing.

    Examples
    --------
    >>> Grid(upper=2.0, cells=4).points
    array([0.  , 0.25, 0.75, 1.25, 1.75])
    >>> Grid(upper=2.0, cells=4).quotas
    array([0. , 0.5, 1. , 1.5, 2. ])
    """

    upper: float = 2.0
    cells: int = 100
    scheme: str = "cells"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.upper) and self.upper > 0):
            raise GridError(f"Grid: upper must be positive, got {self.upper}")
        if int(self.cells) != self.cells or self.cells < 2:
            raise GridError(f"Grid: cells must be a whole number of at least 2, got {self.cells}")
        if self.scheme not in ("cells", "memarzadeh2019", "boettiger2015"):
            known = "'boettiger2015', 'cells' or 'memarzadeh2019'"
            raise GridError(f"Grid: scheme must be {known}, got {self.scheme!r}")

    @cached_property
    def step(self) -> float:
        """The width of a cell."""
        return self.upper / (self.cells if self.scheme == "cells" else self.cells - 1)

    @cached_property
    def points(self) -> Array:
        """The biomass that stands for each state, 0 first."""
        if self.scheme == "cells":
            return np.concatenate([[0.0], (np.arange(self.cells) + 0.5) * self.step])
        return np.linspace(0.0, self.upper, int(self.cells))

    @cached_property
    def edges(self) -> Array:
        """The edges of the states: state j holds biomass in (edges[j], edges[j+1]], state 0 holds 0 alone.

        With the schemes of papers the edges lie half-way between points, and state 0 holds (-inf, step/2].
        """
        if self.scheme == "cells":
            return np.concatenate([[-np.inf], np.arange(self.cells + 1) * self.step])
        middle = (self.points[1:] + self.points[:-1]) / 2.0
        return np.concatenate([[-np.inf], middle, [self.upper + self.step / 2.0]])

    @cached_property
    def quotas(self) -> Array:
        """The quotas on offer: multiples of the step, as many as states."""
        return np.asarray(np.arange(len(self.points)) * self.step, dtype=float)

    def share_below(self, limit: ArrayLike) -> Array:
        """Return how much of each state lies below each limit, a trailing axis of states.

        A cell stands for biomass that is spread evenly over it; extinction, and the points of the schemes of
        papers, are below a limit or are not. Nothing is below a limit that is not known (NaN).

        Examples
        --------
        >>> Grid(upper=2.0, cells=4).share_below(0.875)
        array([1.  , 1.  , 0.75, 0.  , 0.  ])
        """
        limit = np.asarray(limit, dtype=float)[..., None]
        whole = np.asarray(self.points < limit, dtype=float)
        if self.scheme != "cells":
            return whole
        share = np.clip((limit - self.edges[1:-1]) / self.step, 0.0, 1.0)
        # an edge that is the limit but for rounding is the limit
        share = np.where(share < 1e-9, 0.0, np.where(share > 1.0 - 1e-9, 1.0, share))
        whole[..., 1:] = np.nan_to_num(share)
        return whole

    def locate(self, biomass: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        """Return the state of each biomass; what lies above the grid is in the last state."""
        found = np.searchsorted(self.edges[1:-1], biomass, side="left")
        return np.asarray(np.minimum(found, len(self.points) - 1), dtype=np.intp)
