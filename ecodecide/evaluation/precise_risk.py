"""What simulation alone cannot tell: exact figures where there are such, and small probabilities elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import xarray as xr

from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EcodecideError
from ecodecide.evaluation.exact import exact_scores
from ecodecide.evaluation.rare_collapse import RareCollapse, rare_collapse
from ecodecide.evaluation.world import World
from ecodecide.policy.managed_chain import is_memoryless
from ecodecide.policy.protocol import Policy
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import Survey

_TALLER, _MOST = 1.52, 350
"""By how much a grid is higher than the one before, and its most cells: from 100 it is three steps."""

_PART, _NONE = 0.01, 1e-9
"""What the upper end of a grid may change a probability of collapse by: a share of it, or next to nothing."""


@dataclass(frozen=True, eq=False)
class Setting:
    """The futures whose risk is asked for.

    Attributes
    ----------
    world
        The truth.
    problem
        What the manager was given: survey, economy, grid.
    years
        Number of decisions.
    collapse
        The limit, see `ecodecide.score`.
    first_survey
        Whether a survey precedes the first quota.
    """

    world: World
    problem: HarvestProblem
    years: int
    collapse: str | float
    first_survey: bool

    @property
    def is_plain(self) -> bool:
        """Whether a year of this world depends on nothing but the escapement before it, and is known on a grid."""
        world = self.world
        changes = (world.productivity, world.prices, world.shift, world.initial_biomass)
        stock = getattr(world.stock, "members", world.stock)
        return (
            isinstance(stock, ParametricStock)
            and stock.initial_biomass is not None
            and world.autocorrelation == 0.0
            and all(one is None for one in changes)
            and hasattr(self.survey, "cdf")
        )

    @property
    def survey(self) -> Survey:
        """That of the world, or else of the problem."""
        return self.world.survey or self.problem.survey

    @property
    def implementation_cv(self) -> float:
        """That of the world, or else of the problem."""
        own = self.world.implementation_cv
        return self.problem.implementation_cv if own is None else own


_CHANGING = "its world is not one fitted by growth laws and left unchanged, or its survey has no cdf"
NO_GRID = "the stock grows above any grid"
"""How the reason begins of a policy whose stock no affordable grid holds."""

_REMEMBERS = "it decides on more than this year's survey"


def exact_figures(
    policies: Mapping[str, Policy], setting: Setting
) -> tuple[xr.Dataset | None, dict[str, str]]:
    """Return the exact scores of the policies on observed biomass, and why there are none of the others.

    A policy keeps the first grid whose upper end can change its probability of collapse by no more than 1 % of that,
    or 1e-9 (`left_grid` of `exact_scores`). All grids have the step of the decision's.

    Parameters
    ----------
    policies
        By name, of any kind.
    setting
        Their futures.

    Returns
    -------
    scores
        See `exact_scores`; each policy has a grid of its own, so that `upper` and `cells` are over policy. None where
        no policy has any.
    why_not
        By name, the reason of each policy that is not among them.

    Notes
    -----
    The step of the grid is what is left: it makes small risks of fished stocks too high, by more the less the noise
    near the limit is against the step. With the 100 cells that are usual for a decision that is up to 16 % of the
    risks of five policies for the hake of northern Argentina, and up to 60 % of those, of 1e-7 to 4e-4, for the
    plaice of the North Sea, all laws logistic, against the limit of ever finer grids. With twice the cells it is a
    quarter of that.
    """
    if not setting.is_plain:
        return None, dict.fromkeys(policies, _CHANGING)
    why_not = {name: _REMEMBERS for name, policy in policies.items() if not is_memoryless(policy)}
    found: dict[str, xr.Dataset] = {}
    step, cells = setting.problem.grid.step, setting.problem.grid.cells
    while left := {n: policy for n, policy in policies.items() if n not in found and n not in why_not}:
        grid = Grid(step * cells, cells)
        scores, failures = _scores(left, setting, grid)
        why_not |= failures
        found |= {name: one for name, one in scores.items() if _has_room(one)}
        if cells >= _MOST:
            short = f"{NO_GRID} of {cells} cells too often for its risk to be known"
            why_not |= {name: short for name in scores if name not in found}
        cells = _more(cells)
    ordered = [found[name] for name in policies if name in found]
    return (xr.concat(ordered, "policy", combine_attrs="drop_conflicts") if ordered else None), why_not


def _more(cells: int) -> int:
    """Return the cells of the next taller grid."""
    return min(math.ceil(_TALLER * cells), max(cells, _MOST))


def _scores(
    policies: Mapping[str, Policy], setting: Setting, grid: Grid
) -> tuple[dict[str, xr.Dataset], dict[str, str]]:
    """Return the scores of each policy on a grid, and why there are none of the others."""
    try:
        together = exact_scores(
            policies,
            stock=setting.world.stock,
            survey=setting.survey,
            economy=setting.problem.economy,
            grid=grid,
            years=setting.years,
            collapse=setting.collapse,
            implementation_cv=setting.implementation_cv,
            first_survey=setting.first_survey,
            tolerance=1.0,
        )
    except EcodecideError as problem:
        if len(policies) == 1:
            return {}, dict.fromkeys(policies, str(problem))
        scores: dict[str, xr.Dataset] = {}
        failures: dict[str, str] = {}
        for name, policy in policies.items():
            one, why = _scores({name: policy}, setting, grid)
            scores |= one
            failures |= why
        return scores, failures
    together = together.assign(
        {key: ("policy", [together.attrs.pop(key)] * len(policies)) for key in ("upper", "cells")}
    )
    return {name: together.sel(policy=[name]) for name in policies}, {}


def _has_room(scores: xr.Dataset) -> bool:
    """Return whether the upper end of the grid matters little to what is known of one policy."""
    collapse, left = scores["collapse_probability"].item(), scores["left_grid"].item()
    if math.isnan(collapse):  # all worlds start below their limits
        return bool(scores["off_grid"].item() * scores.attrs["years"] <= _PART)
    return bool(left <= max(_PART * collapse, _NONE))


def small_risks(
    policies: Mapping[str, Policy],
    setting: Setting,
    seed: int,
    tell: Callable[[str, float], None],
) -> tuple[dict[str, RareCollapse], dict[str, str]]:
    """Return the probability of collapse under each policy by splitting, and why there is none of the others.

    Parameters
    ----------
    policies
        By name, of any kind.
    setting
        Their futures.
    seed
        Of the splitting.
    tell
        Called with words and the share of all work done.
    """
    if not setting.is_plain:
        return {}, dict.fromkeys(policies, _CHANGING)
    found: dict[str, RareCollapse] = {}
    why_not: dict[str, str] = {}
    # where a law overshoots, a guide must see what comes of biomass above the decision's grid
    own = setting.problem.grid
    cells = _more(_more(own.cells))
    guide = Grid(own.step * cells, cells)
    for number, (name, policy) in enumerate(policies.items()):
        tell(f"rare collapse under {name}", number / len(policies))
        try:
            found[name] = rare_collapse(
                policy,
                stock=setting.world.stock,
                survey=setting.survey,
                grid=guide,
                years=setting.years,
                collapse=setting.collapse,
                implementation_cv=setting.implementation_cv,
                first_survey=setting.first_survey,
                seed=seed,
            )
        except EcodecideError as problem:
            why_not[name] = str(problem)
    return found, why_not
