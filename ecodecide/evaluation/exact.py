"""What policies on observed biomass are worth and risk, computed and not sampled.

The stock under such a policy is a Markov chain on the grid (`ecodecide.policy.managed_chain`). A fitted stock is an
ensemble of worlds, each a chain of its own with its own limit and its own biomass today: the answer is the average
over them, which is what `evaluate` estimates when each replicate lives in one of them for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ecodecide import __version__
from ecodecide.decision.discretize import TOLERANCE, observation_matrix
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.errors import EvaluationError, GridError
from ecodecide.evaluation.closed_loop import check_settings
from ecodecide.evaluation.stock_worlds import world_kernels, world_limits
from ecodecide.policy.managed_chain import Futures, futures, managed_years
from ecodecide.policy.protocol import Policy
from ecodecide.stock.growth import Array
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import Survey

Flags = np.ndarray[Any, np.dtype[np.bool_]]

_BLOCK = 16
"""Worlds at a time: their kernels stay in the processor's cache from year to year."""

_BY_YEAR = {
    "collapse_by": "probability of having been below the limit in any of the years 1 to t",
    "below_limit": "probability of being below the limit in year t",
    "extinct": "probability of a biomass of zero in year t",
    "biomass": "expected biomass before harvest",
    "catch": "expected catch (NaN after the last decision)",
    "profit": "expected profit (NaN after the last decision)",
}


def exact_scores(
    policies: Mapping[str, Policy],
    *,
    stock: Stock,
    survey: Survey,
    economy: Economy,
    grid: Grid,
    initial_biomass: float | Array | None = None,
    years: int = 50,
    collapse: str | float = "0.1K",
    implementation_cv: float = 0.0,
    first_survey: bool = True,
    tolerance: float = TOLERANCE,
) -> xr.Dataset:
    """Return the exact scores of policies on observed biomass, to the grid.

    Parameters
    ----------
    policies
        Policies by name, each on this year's survey alone (`ecodecide.policy.managed_chain.is_memoryless`).
    stock
        A `ParametricStock`, or one fitted to a history, whose members are then the worlds.
    survey, economy
        What is observed, and what a catch is worth.
    grid
        Cells that hold every world; more of them bring the answer closer to that of continuous biomass.
    initial_biomass
        Biomass before the first harvest: a number, or one per world; for a single stock, any number of equally
        likely ones. None takes each world's own. It is split between the two points of the grid around it.
    years
        Number of decisions.
    collapse
        The limit, as in `score`: that of each world.
    implementation_cv
        The catch is the quota times a lognormal of median 1 and this CV, where the stock allows.
    first_survey
        Whether a survey precedes the first quota.
    tolerance
        The largest probability above the grid in any year, averaged over the worlds, that is accepted. Whether
        that is too much for a small `collapse_probability` is told by `left_grid`.

    Returns
    -------
    xarray.Dataset
        Over (policy, year), year 0 to `years`: `collapse_by`, `below_limit`, `extinct`, `biomass`, `catch` and
        `profit`. Over policy, by the names and definitions of `score`: `collapse_probability`, `npv`,
        `mean_catch`, `closed_years`, `extinction_probability`, `years_below_limit`, `time_to_collapse`; and
        `off_grid` and `left_grid`. Over (policy, draw): `draw_collapse` and `draw_npv`, of each world.
        `collapse_by` and what follows from it are of the worlds that start at or above their limit. `off_grid` is
        the largest yearly probability that growth leads above the grid; `left_grid` adds up those of all years,
        and of starts above it, until a collapse: a taller grid changes `collapse_probability` by no more than that.

    Raises
    ------
    EvaluationError
        When an argument means nothing, or the stock is no ensemble of parametric worlds.
    PolicyError
        When a policy decides on more than this year's survey.
    GridError
        When more than the tolerance falls above the grid.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.2))
    >>> problem = eco.HarvestProblem(stock=stock, survey=eco.LognormalSurvey(cv=0.2))
    >>> found = exact_scores({"msy": eco.Precautionary("msy").solve(problem).policy}, stock=stock,
    ...                      survey=problem.survey, economy=problem.economy, grid=eco.Grid(2.5, 100),
    ...                      initial_biomass=0.5)
    >>> found.npv.round(3).item(), found.collapse_by.sel(policy="msy", year=[0, 50]).values.round(6)
    (3.23, array([0.      , 0.000511]))
    """
    check_settings(years, 1, 0, implementation_cv)
    if not policies:
        raise EvaluationError("no policies to score: give at least one, as {'name': policy}")
    if grid.scheme != "cells":
        raise EvaluationError(
            f"exact scores are on a grid of cells, got the scheme {grid.scheme!r}: use Grid(upper, cells), or a "
            "ManagedChain of the published discretization"
        )
    worlds = _worlds(stock)
    starts = _starts(worlds, initial_biomass)
    limits = world_limits(worlds, collapse, len(starts))
    alone = worlds.world_numbers is None
    with threadpool_limits(limits=1):
        shared = world_kernels(worlds, grid) if alone else None
        observation = observation_matrix(survey, grid)
        plans = [
            managed_years(policy, grid, observation, economy, implementation_cv, first_survey)
            for policy in policies.values()
        ]
        blocks = [
            _block(
                plans,
                grid,
                shared or world_kernels(worlds.take(one), grid),
                starts[one],
                limits[one],
                economy.discount,
                years,
            )
            for one in (slice(i, i + _BLOCK) for i in range(0, len(starts), _BLOCK))
        ]
    found = Futures.joined(blocks)
    starts_above = starts > grid.upper
    dataset = _dataset(list(policies), found, starts_above)
    _require_room(dataset, grid, float(np.mean(starts_above)), tolerance)
    dataset.attrs = {
        "schema": "ecodecide-exact-scores-1",
        "ecodecide_version": __version__,
        "unit": worlds.unit,
        "years": years,
        "discount": economy.discount,
        "collapse": str(collapse),
        "cells": grid.cells,
        "upper": grid.upper,
        "implementation_cv": implementation_cv,
        "first_survey": int(first_survey),
    }
    return dataset


def _worlds(stock: Stock) -> ParametricStock:
    worlds = getattr(stock, "members", stock)
    if not isinstance(worlds, ParametricStock):
        raise EvaluationError(
            f"exact scores are of a ParametricStock or of one fitted by such laws, got {type(stock).__name__}: "
            "use evaluate and score"
        )
    return worlds


def _starts(worlds: ParametricStock, given: float | Array | None) -> Array:
    """Return the biomass before the first harvest of each world, or of each start of a single one."""
    given = worlds.initial_biomass if given is None else given
    if given is None:
        raise EvaluationError("this stock has no present biomass of its own: give initial_biomass")
    value = np.asarray(given, dtype=float)
    size = None if worlds.world_numbers is None else len(worlds.world_numbers)
    if value.ndim > 1 or (value.ndim == 1 and size not in (None, len(value))) or value.size == 0:
        raise EvaluationError(
            f"initial_biomass must be one number or one per world ({size or 1}), got shape {value.shape}"
        )
    if not (np.isfinite(value).all() and (value >= 0.0).all()):
        raise EvaluationError("initial_biomass must be finite and at least 0 everywhere")
    return np.array(np.broadcast_to(value, value.shape or (size or 1,)))


def _block(
    plans: Any,
    grid: Grid,
    growth: tuple[Array, Array],
    start: Array,
    limit: Array,
    discount: float,
    years: int,
) -> Futures:
    """Return the futures of some of the worlds, or of some starts in one."""
    points, (kernels, above) = grid.points, growth
    shape = (len(start), len(points), len(points))
    distribution = _split(start, points)
    return futures(
        plans,
        points,
        np.broadcast_to(kernels, shape),
        distribution,
        distribution * (start >= limit)[:, None],
        grid.share_below(limit),
        discount,
        years,
        np.broadcast_to(above, shape[:2]),
    )


def _split(biomass: Array, points: Array) -> Array:
    """Return each biomass as a distribution on the points that has it for its mean, extinction apart."""
    n = len(points)
    below = np.clip(np.searchsorted(points, biomass, side="right") - 1, 1, max(n - 2, 1))
    above = np.minimum(below + 1, n - 1)
    gap = points[above] - points[below]
    share = np.clip((biomass - points[below]) / np.where(gap > 0.0, gap, 1.0), 0.0, 1.0)
    # one that is a point but for rounding is that point
    share = np.where(share < 1e-9, 0.0, np.where(share > 1.0 - 1e-9, 1.0, share))
    rows, found = np.arange(len(biomass)), np.zeros((len(biomass), n))
    np.add.at(found, (rows, below), 1.0 - share)
    np.add.at(found, (rows, above), share)
    return np.where((biomass <= 0.0)[:, None], np.eye(n)[0], found)


def _dataset(names: list[str], found: Futures, starts_above: Flags) -> xr.Dataset:
    known = np.isfinite(found.collapse[0])
    everyone = (len(names), found.fallen.shape[-1])
    unknown = np.full(everyone, np.nan)
    collapse_by = found.fallen[:, known].mean(axis=1) if known.any() else unknown
    left = found.left_grid + starts_above[:, None]
    left_grid = np.minimum(left[:, known], 1.0).mean(axis=1) if known.any() else unknown
    below, extinct = found.below.mean(axis=1), found.extinct.mean(axis=1)
    fell = collapse_by[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        time = (np.diff(collapse_by, axis=1) * np.arange(1, found.years + 1)).sum(axis=1) / fell
    by_year = {
        "collapse_by": collapse_by,
        "below_limit": below,
        "extinct": extinct,
        "biomass": found.biomass.mean(axis=1),
        "catch": found.catch.mean(axis=1),
        "profit": found.profit.mean(axis=1),
    }
    scores = {
        "collapse_probability": fell,
        "npv": found.npv.mean(axis=1),
        "mean_catch": found.mean_catch.mean(axis=1),
        "closed_years": found.closed[..., :-1].sum(axis=-1).mean(axis=1),
        "extinction_probability": extinct[:, -1],
        "years_below_limit": below[:, 1:].sum(axis=1),
        "time_to_collapse": time,
        "off_grid": found.above_grid[..., :-1].mean(axis=1).max(axis=-1),
        "left_grid": left_grid[:, -1],
    }
    dataset = xr.Dataset(
        {
            **{
                key: (("policy", "year"), values, {"long_name": _BY_YEAR[key]})
                for key, values in by_year.items()
            },
            **{key: (("policy",), values) for key, values in scores.items()},
            "draw_collapse": (("policy", "draw"), found.collapse),
            "draw_npv": (("policy", "draw"), found.npv),
        },
        coords={"policy": names, "year": np.arange(found.years + 1), "draw": np.arange(found.npv.shape[1])},
    )
    dataset["year"].attrs = {"long_name": "years from the first decision"}
    dataset["off_grid"].attrs = {"long_name": "largest yearly probability that biomass grows above the grid"}
    dataset["left_grid"].attrs = {
        "long_name": "largest difference that the upper end of the grid can make to collapse_probability"
    }
    return dataset


def _require_room(dataset: xr.Dataset, grid: Grid, starts_above: float, tolerance: float) -> None:
    worst = max(float(dataset["off_grid"].max()), starts_above)
    if worst > tolerance:
        raise GridError(
            f"the grid is too short: biomass lies above its upper end {grid.upper:g} with a probability of up to "
            f"{worst:.1%} in a year (at most {tolerance:.1%} is accepted); use a larger Grid(upper=...)"
        )
