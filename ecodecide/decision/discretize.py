"""From a harvest problem to the finite arrays that solvers eat, as a step that can be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import norm

from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import GridError, ProblemError
from ecodecide.stock.growth import Array
from ecodecide.stock.noise import LognormalNoise, NormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import NormalSurvey, PerfectSurvey, Survey


@dataclass(frozen=True, eq=False)
class DiscreteProblem:
    """A harvest problem as arrays, with n states, n quotas and n observations.

    Attributes
    ----------
    grid
        The grid; ``grid.points`` are the states and ``grid.quotas`` the quotas.
    kernel
        Shape (n, n): P(next state | escapement state). Growth depends on the escapement alone, so this is all
        the dynamics there is: harvesting state i by quota j leaves state max(i - j, 0).
    observation
        Shape (n, n): P(observed state | state).
    reward
        Shape (n, n): the profit of state and quota.
    initial
        Shape (n,): the belief when the first quota is set.
    discount
        Factor in (0, 1).
    off_grid
        The largest probability that next year's biomass falls above the grid (it is kept, in the last state),
        for a stock left unfished at its carrying capacity for up to two centuries and then harvested in
        whatever way makes that likeliest. Escapements that such a stock hardly ever has count for little.
    implementation_cv
        The implementation error by which a catch is read.
    """

    grid: Grid
    kernel: Array
    observation: Array
    reward: Array
    initial: Array
    discount: float
    off_grid: float
    implementation_cv: float = 0.0

    @cached_property
    def left(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Shape (n, n): the escapement state of state and quota, max(i - j, 0)."""
        n = len(self.initial)
        left: np.ndarray[Any, np.dtype[np.intp]]
        left = np.maximum(np.arange(n)[:, None] - np.arange(n)[None, :], 0)
        return left


TOLERANCE = 0.02
"""The probability above the grid that is accepted by default."""


def discretize(problem: HarvestProblem, tolerance: float = TOLERANCE) -> DiscreteProblem:
    """Turn a harvest problem into finite arrays that conserve probability.

    Parameters
    ----------
    problem
        The problem, with a stock.
    tolerance
        The largest `DiscreteProblem.off_grid` that is accepted.

    Returns
    -------
    DiscreteProblem
        `kernel`, `observation` and `reward`, each of shape (states, states); `initial`, of shape (states,).

    Raises
    ------
    GridError
        When more than the tolerance falls above the grid.
    ProblemError
        When the problem has no stock or its initial belief is not to be had.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    >>> arrays = discretize(eco.HarvestProblem(stock=stock, grid=eco.Grid(upper=2.0, cells=50)))
    >>> arrays.kernel.shape, bool(np.allclose(arrays.kernel.sum(axis=1), 1.0))
    ((51, 51), True)
    """
    stock, grid = problem.stock, problem.grid
    if stock is None:
        raise ProblemError(
            "this problem has no stock: give one, or use a solver that learns it, such as Gpdp"
        )
    if grid.scheme == "memarzadeh2019":
        kernel, above = _memarzadeh_kernel(stock, grid)
        observation = _memarzadeh_observation(problem.survey, grid)
    elif grid.scheme == "boettiger2015":
        kernel, above = _boettiger_kernel(stock, grid)
        observation = _seen_exactly(problem.survey, grid)
    else:
        kernel = stock.kernel(grid.points, grid.edges)
        above, kernel = 1.0 - kernel.sum(axis=1), close_rows(kernel)
        observation = observation_matrix(problem.survey, grid)
    off_grid = _off_grid(stock, grid, kernel, above)
    require_room(grid, off_grid, tolerance)
    left = np.maximum(np.arange(len(grid.points))[:, None] - np.arange(len(grid.points)), 0)
    catch = grid.points[:, None] - grid.points[left]
    reward = problem.economy.profit(catch, np.broadcast_to(grid.points[:, None], catch.shape))
    return DiscreteProblem(
        grid,
        kernel,
        observation,
        reward,
        initial_belief(problem),
        problem.economy.discount,
        off_grid,
        problem.implementation_cv,
    )


def require_room(grid: Grid, off_grid: float, tolerance: float = TOLERANCE) -> None:
    """Raise a GridError where more than the tolerance falls above the grid."""
    if off_grid > tolerance:
        raise GridError(
            f"the grid is too short: an unfished stock grows above its upper end {grid.upper:g} with a probability "
            f"of up to {off_grid:.1%} a year (at most {tolerance:.1%} is accepted); use a larger Grid(upper=...)"
        )


def close_rows(rows: Array) -> Array:
    """Put what falls above the grid into the last state, and take rounding off; states last."""
    rows = np.maximum(rows, 0.0)
    rows[..., -1] += np.maximum(1.0 - rows.sum(axis=-1), 0.0)
    closed: Array = rows / rows.sum(axis=-1, keepdims=True)
    return closed


def observation_matrix(survey: Survey, grid: Grid) -> Array:
    """Return P(observed state | state) of a survey on a grid of cells, shape (n, n)."""
    if isinstance(survey, PerfectSurvey):
        return np.eye(len(grid.points))
    below = survey.cdf(grid.edges[None, :], grid.points[:, None])
    return close_rows(np.diff(below, axis=1))


def initial_belief(problem: HarvestProblem) -> Array:
    """Return the belief when the first quota is set, as one probability per state of the problem's grid.

    Raises
    ------
    ProblemError
        When it is to be that of a history, and the stock was not fitted to one.
    GridError
        When the history ends above the grid.
    """
    grid, initial = problem.grid, problem.initial
    belief_on = getattr(problem.stock, "terminal_belief", None)
    if initial is None:
        initial = "history" if belief_on is not None else "uniform"
    if isinstance(initial, str) and initial == "history":
        if belief_on is None:
            raise ProblemError(
                "initial='history' needs a stock that was fitted to a history: use ecodecide.fit"
            )
        above = float(belief_on(np.append(grid.edges, np.inf))[-1])
        if above > TOLERANCE:
            raise GridError(
                f"the grid is too short: the history ends above its upper end {grid.upper:g} with a probability of "
                f"{above:.1%} (at most {TOLERANCE:.1%} is accepted); use a larger Grid(upper=...)"
            )
        return np.asarray(belief_on(grid.edges), dtype=float)
    n = len(grid.points)
    if isinstance(initial, str):
        return np.full(n, 1.0 / n)
    value = np.asarray(initial, dtype=float)
    if value.ndim == 0:
        return np.asarray(np.eye(n)[grid.locate(value)], dtype=float)
    return np.asarray(value / value.sum(), dtype=float)


def _off_grid(stock: Stock, grid: Grid, kernel: Array, above: Array, years: int = 200) -> float:
    """Return the largest yearly chance that the stock grows above the grid; see `DiscreteProblem`."""
    n = len(grid.points)
    capacity = float(np.max(stock.carrying_capacity))
    # a stock that dies out from everywhere has no such place: then it may be anywhere
    belief = np.eye(n)[grid.locate(np.asarray(capacity))] if capacity > 0.0 else np.full(n, 1.0 / n)
    # a harvest can leave any smaller escapement, and where growth overshoots that may grow to more
    above = np.maximum.accumulate(above)
    worst = 0.0
    for _ in range(years):
        worst = max(worst, float(belief @ above))
        belief = belief @ kernel
    return worst


def falls_off(stock: Stock, grid: Grid) -> float:
    """Return what `DiscreteProblem.off_grid` would be for this stock on this grid of cells."""
    kernel = stock.kernel(grid.points, grid.edges)
    return _off_grid(stock, grid, close_rows(kernel), 1.0 - kernel.sum(axis=1))


def suggest_grid(stock: Stock, cells: int = 100, tolerance: float = 0.01, largest: float = 0.0) -> Grid:
    """Return a grid that holds the stock.

    Parameters
    ----------
    stock
        The stock.
    cells
        Number of cells.
    tolerance
        The yearly probability above the grid to stay under, see `DiscreteProblem.off_grid`.
    largest
        A biomass that the grid must hold besides, such as the largest in a history.

    Returns
    -------
    Grid
        Its upper end is the smallest of a ladder from 1.5 carrying capacities up, in steps of a quarter.

    Raises
    ------
    GridError
        When none up to 100 times the first of the ladder holds the stock.
    """
    capacity = float(np.max(stock.carrying_capacity))
    base = max(1.5 * capacity, 1.1 * largest)
    if base <= 0.0:
        raise GridError(
            "cannot suggest a grid for a stock that dies out from any start: give Grid(upper=...)"
        )
    upper = base
    while upper <= 100.0 * base:
        grid = Grid(upper=upper, cells=cells)
        if falls_off(stock, grid) <= tolerance:
            return grid
        upper *= 1.25
    raise GridError(
        f"no grid up to {upper:g} holds {1 - tolerance:.0%} of next year's biomass: give Grid(upper=...)"
    )


# --- the discretization of Memarzadeh & Boettiger 2019, doi:10.1086/702704, to compare with its figures ---


def memarzadeh_row(points: Array, center: float, sd: float) -> Array:
    """Return densities at the points, scaled to 1: those below zero reflected onto the first, the rest on the last.

    Parameters
    ----------
    points
        Shape (n,): from 0.
    center, sd
        Of the normal distribution.
    """
    row = norm.pdf(points, center, sd)
    row[0] += norm.pdf(-points[1:], center, sd).sum()
    inside = norm.cdf(points[-1], center, sd)
    if row.sum() == 0.0:  # so narrow, or so far above the grid, that no point has any density
        nearest = int(np.argmin(np.abs(points - center)))
        return np.asarray(np.eye(len(points))[nearest], dtype=float)
    row *= inside / row.sum()
    row[-1] += 1.0 - inside
    return np.asarray(row / row.sum(), dtype=float)


def _memarzadeh_kernel(stock: Stock, grid: Grid) -> tuple[Array, Array]:
    if not (isinstance(stock, ParametricStock) and isinstance(stock.noise, NormalNoise)):
        raise GridError("the scheme 'memarzadeh2019' is defined for a ParametricStock with NormalNoise alone")
    points = grid.points
    grown = stock.growth(points)
    extinct = np.eye(len(points))[0]
    rows = [memarzadeh_row(points, m, stock.noise.sd) if m > 0.0 else extinct for m in grown]
    return np.array(rows), 1.0 - stock.noise.cdf(points[-1], grown)


def _memarzadeh_observation(survey: Survey, grid: Grid) -> Array:
    points = grid.points
    if isinstance(survey, PerfectSurvey):
        return np.eye(len(points))
    if not isinstance(survey, NormalSurvey):
        raise GridError("the scheme 'memarzadeh2019' is defined for NormalSurvey and PerfectSurvey alone")
    extinct = np.eye(len(points))[0]
    return np.array([memarzadeh_row(points, x, survey.sd) if x > 0.0 else extinct for x in points])


# --- the discretization of Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631 ---


def lognormal_rows(points: Array, grown: Array, sigma: float | Array) -> Array:
    """Return the published rows of lognormal noise: its density of the ratio to f(s), at the points, scaled to 1.

    A row whose f(s) is nearest to the first point, 0, is all on it; so is one without any density at the
    points. Of several draws of a law, densities are summed and then scaled, and a draw whose f(s) is nearest to
    0 counts there with 1.

    Parameters
    ----------
    points
        Shape (n,): evenly spaced from 0.
    grown
        Shape (n,) or (draws, n): f(s) at each escapement.
    sigma
        Standard deviation of the log, a number or of shape (draws,).

    Returns
    -------
    ndarray, shape (n, n)

    Examples
    --------
    >>> lognormal_rows(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]), 0.1).round(3)
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    n = len(points)
    draws = np.atleast_2d(grown)
    spread = np.broadcast_to(np.asarray(sigma, dtype=float), len(draws))
    total = np.zeros((n, n))
    for f, s in zip(draws, spread, strict=True):
        alive = f > points[1] / 2.0  # at half a step both points are near, and the first is taken
        ratio = np.divide(points, f[:, None], out=np.zeros((n, n)), where=alive[:, None])
        with np.errstate(divide="ignore"):
            density = np.exp(-0.5 * (np.log(ratio) / s) ** 2) / s
            density[:, 1:] /= np.where(alive[:, None], ratio[:, 1:], 1.0)
        density[~alive] = np.eye(n)[0] * np.sqrt(2.0 * np.pi)
        total += density
    empty = total.sum(axis=1) == 0.0
    total[empty, 0] = 1.0
    return np.asarray(total / total.sum(axis=1, keepdims=True), dtype=float)


def _boettiger_kernel(stock: Stock, grid: Grid) -> tuple[Array, Array]:
    if not (
        isinstance(stock, ParametricStock)
        and isinstance(stock.noise, LognormalNoise)
        and stock.noise.center == "median"
    ):
        raise GridError(
            "the scheme 'boettiger2015' is defined for a ParametricStock with LognormalNoise of median f(s) alone"
        )
    if stock.world_numbers is not None or np.ndim(stock.noise.sigma):
        raise GridError("the scheme 'boettiger2015' is of one world; take stock.member(i) of a batch")
    grown = stock.growth(grid.points)
    rows = lognormal_rows(grid.points, grown, stock.noise.sigma)
    return rows, 1.0 - stock.noise.cdf(grid.points[-1], grown)


def _seen_exactly(survey: Survey, grid: Grid) -> Array:
    if not isinstance(survey, PerfectSurvey):
        raise GridError("the scheme 'boettiger2015' is defined for PerfectSurvey alone")
    return np.eye(len(grid.points))
