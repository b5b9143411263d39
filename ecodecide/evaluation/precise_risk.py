"""What simulation alone cannot tell: exact figures where there are such, and small probabilities elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import xarray as xr

from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import GridError
from ecodecide.evaluation.exact import exact_scores
from ecodecide.evaluation.rare_collapse import RareCollapse, rare_collapse
from ecodecide.evaluation.world import World
from ecodecide.policy.managed_chain import is_memoryless
from ecodecide.policy.protocol import Policy
from ecodecide.stock.parametric import ParametricStock

_TALLER = (1.0, 1.5, 2.25, 3.5)
"""How many times as high as the decision's a grid may be that holds nearly every future."""


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
        """Whether a year of this world depends on nothing but the escapement of the year before."""
        world = self.world
        changes = (world.productivity, world.prices, world.shift, world.initial_biomass)
        stock = getattr(world.stock, "members", world.stock)
        return (
            isinstance(stock, ParametricStock)
            and stock.initial_biomass is not None
            and world.autocorrelation == 0.0
            and all(one is None for one in changes)
        )

    @property
    def implementation_cv(self) -> float:
        """That of the world, or else of the problem."""
        own = self.world.implementation_cv
        return self.problem.implementation_cv if own is None else own


def exact_figures(policies: Mapping[str, Policy], setting: Setting) -> xr.Dataset | None:
    """Return the exact scores of the policies on observed biomass; None where there are none.

    Parameters
    ----------
    policies
        By name, of any kind.
    setting
        Their futures.

    Returns
    -------
    xarray.Dataset or None
        See `exact_scores`: of those policies that decide on this year's survey alone.
    """
    known = {name: policy for name, policy in policies.items() if is_memoryless(policy)}
    if not known or not setting.is_plain:
        return None
    problem = setting.problem
    for taller in _TALLER:
        grid = Grid(problem.grid.upper * taller, round(problem.grid.cells * taller))
        try:
            return exact_scores(
                known,
                stock=setting.world.stock,
                survey=setting.world.survey or problem.survey,
                economy=problem.economy,
                grid=grid,
                years=setting.years,
                collapse=setting.collapse,
                implementation_cv=setting.implementation_cv,
                first_survey=setting.first_survey,
            )
        except GridError:
            continue
    return None


def small_risks(
    policies: Mapping[str, Policy],
    setting: Setting,
    seed: int,
    tell: Callable[[str, float], None],
) -> dict[str, RareCollapse]:
    """Return the probability of collapse under each policy by splitting; nothing where a world is not plain.

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
        return {}
    found = {}
    for number, (name, policy) in enumerate(policies.items()):
        tell(f"rare collapse under {name}", number / len(policies))
        found[name] = rare_collapse(
            policy,
            stock=setting.world.stock,
            survey=setting.world.survey or setting.problem.survey,
            grid=setting.problem.grid,
            years=setting.years,
            collapse=setting.collapse,
            implementation_cv=setting.implementation_cv,
            first_survey=setting.first_survey,
            seed=seed,
        )
    return found
