"""Gaussian-process dynamic programming: learn the growth from the history, then control what was learned.

Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631. There is no dynamic programming here: the stock of
`ecodecide.fitting.gaussian_process` goes to `OptimalControl`, which plans for its posterior predictive.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace

import numpy as np

from ecodecide.decision.discretize import TOLERANCE, falls_off, initial_belief
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import GridError, SolverError
from ecodecide.fitting.gaussian_process import LENGTH_PRIOR, NOISE_PRIOR, SIGNAL_SD, fit_gaussian_process
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.lesson import Lesson, lesson
from ecodecide.solvers.optimal_control import OptimalControl
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class Gpdp:
    """The optimal policy for a stock whose growth is learned by a Gaussian process.

    It learns from the biomass of the problem's history. Where that is relative (an index, spawning biomass, or
    a biomass that catch exceeds), it learns from the mean biomass of the fitted stock that the problem holds,
    and says that the two are then not independent. Besides that, the problem's stock serves for the initial
    belief alone. A grid that holds the data, but is too short for what the process thinks possible beyond
    them, is lengthened by cells of the same width, up to 4 times.

    Parameters
    ----------
    signal_sd
        Prior standard deviation of growth, in units of the largest biomass.
    length_prior, noise_prior
        Median and log-sd of the lognormal priors of length scale and noise sd, in units of the largest
        biomass; see `ecodecide.fitting.gaussian_process`.

    Examples
    --------
    >>> from ecodecide.decision.grid import Grid
    >>> from ecodecide.history.catch_history import CatchHistory
    >>> biomass = np.array([9.0, 7.7, 6.9, 6.2, 5.8, 5.5, 5.3, 6.9, 8.2, 9.0])
    >>> catch = np.array([2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.5, 0.5, 0.5, 0.5])
    >>> history = CatchHistory(year=np.arange(2001, 2011), catch=catch, biomass=biomass)
    >>> solution = Gpdp().solve(HarvestProblem(history=history, grid=Grid(upper=24.0, cells=60)))
    >>> solution.status
    'learned growth from 9 pairs of years of the biomass in the history, ...
    """

    signal_sd: float = SIGNAL_SD
    length_prior: tuple[float, float] = LENGTH_PRIOR
    noise_prior: tuple[float, float] = NOISE_PRIOR

    def solve(self, problem: HarvestProblem) -> Solution:
        """Return the optimal policy for the stock that was learned, as a table over observed biomass.

        Raises
        ------
        SolverError
            When there is no history.
        FitError
            When it has no biomass or a relative one, and no fitted stock stands in, or when fewer than 5
            years can be learned from.
        GridError
            When the grid does not hold the biomass that is learned from, or the stock that was learned.
        """
        begin = time.perf_counter()
        learned = _lesson(problem)
        _require_data_on(problem.grid, learned)
        stock = _learn(learned, self)
        # the belief is that of the problem's own stock and grid, which a Gaussian process does not have
        belief = initial_belief(problem)
        grid = _wide_enough(problem.grid, stock)
        belief = np.append(belief, np.zeros(len(grid.points) - len(belief)))
        solution = OptimalControl().solve(replace(problem, stock=stock, grid=grid, initial=belief))
        return replace(
            solution,
            status=f"{_tell(learned, stock, grid.points)}; {solution.status}",
            seconds=time.perf_counter() - begin,
            settings={
                **solution.settings,
                "solver": "gpdp",
                **asdict(self),
                "pairs": len(learned.escapement),
                "independent": learned.independent,
                "length_scale": float(stock.weight @ stock.length_scale) * stock.scale,
                "noise_sd": float(stock.weight @ stock.noise_sd) * stock.scale,
                "border_weight": stock.border_weight,
            },
        )


def gp_stock(problem: HarvestProblem, settings: Gpdp | None = None) -> GaussianProcessStock:
    """Return the stock that `Gpdp` learns from a problem's history.

    Parameters
    ----------
    problem
        A problem with a history.
    settings
        The solver whose priors to use; the default ones otherwise.

    Returns
    -------
    GaussianProcessStock

    Raises
    ------
    SolverError
        When there is no history.
    FitError
        When there is nothing, or too little, to learn from.
    """
    return _learn(_lesson(problem), settings or Gpdp())


def _lesson(problem: HarvestProblem) -> Lesson:
    if problem.history is None:
        raise SolverError(
            "Gpdp learns from a catch history, and this problem has none: give HarvestProblem(history=...)"
        )
    return lesson(problem.history, fitted=problem.stock)


def _learn(learned: Lesson, settings: Gpdp) -> GaussianProcessStock:
    return fit_gaussian_process(
        learned.escapement, learned.next_biomass, scale=learned.scale, unit=learned.unit, **asdict(settings)
    )


def _require_data_on(grid: Grid, learned: Lesson) -> None:
    """Refuse a grid that ends below the data: biomass was seen that it does not hold."""
    if learned.scale > grid.upper:
        unit = "" if learned.unit in ("", "unknown") else f" {learned.unit}"
        whose = "the history holds" if learned.independent else "the fitted stock had"
        raise GridError(
            f"the grid is too short: {whose} biomass up to {learned.scale:.6g}{unit}, above the grid's upper end "
            f"{grid.upper:g}; use Grid(upper=...) of at least about 1.5 times that biomass"
        )


def _wide_enough(grid: Grid, stock: GaussianProcessStock) -> Grid:
    """Lengthen a grid by whole cells until it holds what the process thinks possible beyond its data.

    One that 4 times the cells would not lengthen enough is returned as it is.
    """
    cells = grid.cells
    while grid.scheme == "cells" and cells <= 4 * grid.cells:
        longer = grid if cells == grid.cells else Grid(grid.step * cells, cells)
        if falls_off(stock, longer) <= TOLERANCE:
            return longer
        cells = math.ceil(1.25 * cells)
    return grid


def _tell(learned: Lesson, stock: GaussianProcessStock, points: Array) -> str:
    told = [
        f"learned growth from {len(learned.escapement)} pairs of years of {learned.origin}, "
        f"over {len(stock.weight)} quadrature nodes"
    ]
    if learned.left_out:
        told.append(f"{learned.left_out} years left out because their catch exceeds the biomass")
    low, high = float(learned.escapement.min()), float(learned.escapement.max())
    beyond = float(np.mean((points[1:] < low) | (points[1:] > high)))
    if beyond > 0.5:
        told.append(
            f"warning: {beyond:.0%} of the grid lies beyond the escapements that were seen, {low:.3g} to "
            f"{high:.3g}, where the process falls back to its prior"
        )
    if stock.carrying_capacity <= 0.0:
        told.append(
            "warning: the stock that was learned shrinks at every biomass, so the policy may liquidate it"
        )
    return "; ".join(told)
