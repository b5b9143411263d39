"""Gaussian-process dynamic programming: learn the growth from the history, then control what was learned.

Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631. There is no dynamic programming here: the stock of
`ecodecide.fitting.gaussian_process` goes to `OptimalControl`, which plans for its posterior predictive.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ecodecide.decision.discretize import TOLERANCE, falls_off, initial_belief
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.fitting.gaussian_process import LENGTH_PRIOR, NOISE_PRIOR, SIGNAL_SD, fit_gaussian_process
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.training_pairs import pair_up, require_enough
from ecodecide.solvers.optimal_control import OptimalControl
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class Gpdp:
    """The optimal policy for a stock whose growth is learned by a Gaussian process.

    It learns from the biomass of the problem's history. Where that is relative (an index, or a biomass that
    catch exceeds), it learns from the mean biomass of the fitted stock that the problem holds, and says that
    the two are then not independent. Besides that, the problem's stock serves for the initial belief alone.
    A grid that is too short for what the process thinks possible beyond its data is lengthened by cells of
    the same width.

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
            When there is no history, or it has no biomass and no fitted stock stands in.
        FitError
            When fewer than 5 years can be learned from.
        GridError
            When the grid does not hold the stock that was learned.
        """
        begin = time.perf_counter()
        lesson = _lesson(problem)
        stock = gp_stock(problem, self)
        # the belief is that of the problem's own stock and grid, which a Gaussian process does not have
        belief = initial_belief(problem)
        grid = _wide_enough(problem.grid, stock)
        belief = np.append(belief, np.zeros(len(grid.points) - len(belief)))
        solution = OptimalControl().solve(replace(problem, stock=stock, grid=grid, initial=belief))
        return replace(
            solution,
            status=f"{_tell(lesson, stock, grid.points)}; {solution.status}",
            seconds=time.perf_counter() - begin,
            settings={
                **solution.settings,
                "solver": "gpdp",
                **asdict(self),
                "pairs": len(lesson.escapement),
                "independent": lesson.independent,
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
        When there is nothing to learn from.
    FitError
        When fewer than 5 years can be learned from.
    """
    lesson, settings = _lesson(problem), settings or Gpdp()
    return fit_gaussian_process(
        lesson.escapement, lesson.next_biomass, scale=lesson.scale, unit=lesson.unit, **asdict(settings)
    )


@dataclass(frozen=True)
class _Lesson:
    """What there is to learn from, and where it comes from."""

    escapement: Array
    next_biomass: Array
    left_out: int
    scale: float
    unit: str
    origin: str
    independent: bool


def _lesson(problem: HarvestProblem) -> _Lesson:
    history: Any = problem.history
    if history is None:
        raise SolverError(
            "Gpdp learns from a catch history, and this problem has none: give HarvestProblem(history=...)"
        )
    trajectory = getattr(problem.stock, "trajectory_biomass", None)
    units = getattr(history, "units", None) or {}
    independent = True
    relative = bool(getattr(history, "free_catchability", False))
    if history.biomass is not None and not (relative and trajectory is not None):
        biomass, unit, origin = history.biomass, units.get("biomass", "unknown"), "the biomass in the history"
    elif trajectory is not None:
        biomass, unit = np.mean(np.asarray(trajectory, dtype=float), axis=0), problem.stock.unit  # type: ignore[union-attr]
        origin = "the mean biomass of the fitted growth law, so not independent of that law"
        independent = False
    elif history.ssb is not None:
        biomass, unit = history.ssb, units.get("ssb", "unknown")
        origin = "the spawning biomass in the history, taken for the biomass that is fished"
    else:
        raise SolverError(
            "Gpdp learns from biomass, and this history has none: give a biomass column, or put a stock "
            "fitted to this history into the problem, and it learns from that fit (then not independent)"
        )
    escapement, following, left_out = pair_up(biomass, history.catch)
    require_enough(len(escapement), left_out)
    return _Lesson(escapement, following, left_out, float(np.nanmax(biomass)), unit, origin, independent)


def _wide_enough(grid: Grid, stock: GaussianProcessStock) -> Grid:
    """Lengthen a grid by whole cells until it holds what the process thinks possible beyond its data."""
    cells, upper = grid.cells, grid.upper
    while grid.scheme == "cells" and cells < 50 * grid.cells:
        longer = Grid(upper, cells)
        if falls_off(stock, longer) <= TOLERANCE:
            return longer
        cells += max(grid.cells // 10, 1)
        upper = grid.step * cells
    return grid


def _tell(lesson: _Lesson, stock: GaussianProcessStock, points: Array) -> str:
    told = [
        f"learned growth from {len(lesson.escapement)} pairs of years of {lesson.origin}, "
        f"over {len(stock.weight)} quadrature nodes"
    ]
    if lesson.left_out:
        told.append(f"{lesson.left_out} years left out because their catch exceeds the biomass")
    low, high = float(lesson.escapement.min()), float(lesson.escapement.max())
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
