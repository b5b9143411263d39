"""GPDP where growth depends on a second input as well: a covariate, or the escapement of the year before."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ecodecide.decision.discretize import close_rows, falls_off, require_room
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import FitError, GridError
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.lesson import Lesson
from ecodecide.fitting.second_input import SecondInput
from ecodecide.solvers.second_state import SecondStateProblem, solve_second_state, surface_policy
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array

LEVELS = 15
"""Levels of the second state; growth is smooth in it, and the policy is straight between them."""

_REACH = 2.5
"""How many standard deviations of a covariate its levels span to either side."""


def second_input(learned: Lesson, years: Array, covariate: ArrayLike | None) -> SecondInput:
    """Return the second input of each pair: the covariate of its year, or the escapement of the year before.

    Parameters
    ----------
    learned
        The pairs.
    years
        Shape (years,): those of the history.
    covariate
        Shape (years,): one number for each, NaN where not known; None for the lag.

    Raises
    ------
    FitError
        When the covariate has another length than the history.
    """
    if covariate is None:
        return SecondInput("lag", learned.before)
    values = np.asarray(covariate, dtype=float)
    if values.shape != np.shape(years):
        raise FitError(
            f"the covariate must have one number for each of the {len(years)} years of the history, got shape "
            f"{values.shape}; use nan where it is not known"
        )
    of_pairs = values[np.searchsorted(years, learned.year)]
    return SecondInput("covariate", np.broadcast_to(of_pairs, learned.escapement.shape))


def environment_chain(values: ArrayLike, levels: int = LEVELS) -> tuple[Array, Array]:
    """Return the Markov chain that stands for a first-order autoregression of a series.

    w' - m = rho (w - m) + e with e normal: rho by least squares and at most 0.98 either way, the sd of e such that the
    chain keeps the sd of the series; the levels span 2.5 standard deviations to either side, and the chance of each is
    that of the interval around it (Tauchen 1986, doi:10.1016/0165-1765(86)90168-0).

    Parameters
    ----------
    values
        Shape (years,), NaN where not known.
    levels
        How many.

    Returns
    -------
    levels
        Shape (levels,), increasing.
    transition
        Shape (levels, levels): P(next level | level).

    Raises
    ------
    FitError
        When the series never changes.

    Examples
    --------
    >>> levels, transition = environment_chain(np.sin(np.arange(40.0)), levels=3)
    >>> levels.round(2), bool(np.allclose(transition.sum(axis=1), 1.0))
    (array([-1.73,  0.03,  1.79]), True)
    """
    series = np.asarray(values, dtype=float)
    known = series[np.isfinite(series)]
    if known.size < 2 or np.ptp(known) == 0.0:
        raise FitError("a chain needs a series that changes: give a covariate of several years, or none")
    center, sd = float(known.mean()), float(known.std())
    now, then = series[:-1] - center, series[1:] - center
    both = np.isfinite(now) & np.isfinite(then)
    rho = float(np.clip((now[both] @ then[both]) / max(float(now[both] @ now[both]), 1e-300), -0.98, 0.98))
    points = center + sd * np.linspace(-_REACH, _REACH, levels)
    edges = np.concatenate([[-np.inf], (points[1:] + points[:-1]) / 2.0, [np.inf]])
    expected = center + rho * (points - center)
    below = ndtr((edges[None, :] - expected[:, None]) / (sd * np.sqrt(1.0 - rho**2)))
    return points, np.diff(below, axis=1)


def plan(
    problem: HarvestProblem,
    stock: GaussianProcessStock,
    belief: Array,
    covariate: ArrayLike | None,
    last: float,
) -> Solution:
    """Return the optimal policy over biomass and the second state.

    Parameters
    ----------
    problem
        Its grid and economy.
    stock
        With a second input.
    belief
        Shape (n,): of the biomass when the first quota is set.
    covariate
        Shape (years,): the series of the covariate; None for the lag.
    last
        The escapement of the year before the first quota, for the lag.

    Returns
    -------
    Solution
        With a `SurfacePolicy`.

    Raises
    ------
    GridError
        When the grid is too short for the stock at the middle level, or is one of points.
    """
    assert stock.second is not None
    grid = problem.grid
    if grid.scheme != "cells":
        raise GridError(
            f"a second input needs a grid of cells, got the scheme {grid.scheme!r}: use Grid(upper, cells)"
        )
    if covariate is None:
        levels, transition = np.linspace(0.0, float(np.nanmax(stock.escapement)), LEVELS), None
        chances = np.array([np.interp(last, levels, hat) for hat in np.eye(LEVELS)])
    else:
        levels, transition = environment_chain(covariate)
        chances = np.linalg.matrix_power(transition, 1000)[LEVELS // 2]
    require_room(grid, falls_off(stock.at(levels[LEVELS // 2]), grid))
    kernel = np.stack([close_rows(stock.at(level).kernel(grid.points, grid.edges)) for level in levels])
    catch = np.maximum(np.minimum(grid.quotas[None, :], grid.points[:, None]), 0.0)
    arrays = SecondStateProblem(
        grid=grid,
        levels=levels,
        kernel=kernel,
        reward=problem.economy.profit(catch, np.broadcast_to(grid.points[:, None], catch.shape)),
        initial=np.outer(belief, chances / chances.sum()),
        discount=problem.economy.discount,
        transition=transition,
    )
    value, action, rounds, error = solve_second_state(arrays)
    kind = stock.second.kind
    what = "the covariate" if kind == "covariate" else "last year's escapement"
    return Solution(
        surface_policy(arrays, action),
        status=f"optimal for a stock that is seen without error, over biomass and {what}; survey error is ignored",
        upper=float(np.sum(arrays.initial * value)) + error,
        iterations=rounds,
        settings={"second_state": kind, "levels": LEVELS, "error_bound": error},
    )
