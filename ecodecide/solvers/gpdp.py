"""Gaussian-process dynamic programming: learn the growth from the history, then control what was learned.

Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631. There is no dynamic programming here: the stock of
`ecodecide.fitting.gaussian_process` goes to `OptimalControl`, which plans for its posterior predictive.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from ecodecide.decision.discretize import TOLERANCE, falls_off, initial_belief
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import FewDataWarning, GridError, SolverError
from ecodecide.fitting.gaussian_process import fit_gaussian_process
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.growth_prior import GrowthPrior
from ecodecide.fitting.lesson import Lesson, lesson
from ecodecide.policy.surface import SurfacePolicy
from ecodecide.policy.table import TablePolicy
from ecodecide.solvers.gpdp_second_state import plan, second_input
from ecodecide.solvers.optimal_control import OptimalControl
from ecodecide.solvers.past_surveys import expected_survey
from ecodecide.solvers.pomdp import Pomdp
from ecodecide.solvers.solution import Solution, Solver

_FEW = 10
"""With fewer pairs of years than this the prior speaks as loudly as the data."""

_UNCERTAIN = 0.3
"""An sd of log growth of this size at the escapement of a policy is as much as most stocks grow in a year."""


@dataclass(frozen=True)
class Gpdp:
    """The optimal policy for a stock whose growth is learned by a Gaussian process.

    It learns from the biomass of the problem's history and from its catches: a year's escapement is biomass less
    catch. Where the biomass is relative (an index, spawning biomass, or a biomass that catch exceeds), it learns
    from posterior draws of the biomass of the fitted stock that the problem holds, and says that the two are then
    not independent. Besides that, the problem's stock serves for the initial belief alone. Without a second input,
    a grid that holds the data, but is too short for what the process thinks possible beyond them, is lengthened by
    cells of the same width, up to 4 times.

    Parameters
    ----------
    prior
        What is believed of growth before any data.
    planner
        The solver that plans for the stock that was learned: `OptimalControl`, which takes each survey for the
        biomass, by default; with ``Pomdp()`` neither the growth law nor the biomass is taken for known.
    lagged
        Whether growth depends on the escapement of the year before as well. The policy is then over observed
        biomass and that escapement.
    covariate
        A number for each year of the history, in the order of its years, that growth depends on as well, such as a
        temperature; nan where it is not known. It is taken to go on as a first-order autoregression, and the policy,
        a `SurfacePolicy`, is over observed biomass and the covariate.
    scheme
        ``"default"``, or ``"boettiger2015"``: the process, the discretization and the value iteration of the
        paper's own code, with its quirks and its own priors, for comparison (`ecodecide.solvers.boettiger2015`).

    Raises
    ------
    SolverError
        For another scheme, or two second inputs at once, or a planner besides either.

    References
    ----------
    Boettiger, Mangel & Munch 2015, Proc. R. Soc. B 282:20141631, doi:10.1098/rspb.2014.1631.

    Examples
    --------
    >>> from ecodecide.decision.grid import Grid
    >>> from ecodecide.history.catch_history import CatchHistory
    >>> biomass = np.array([9.0, 7.7, 6.9, 6.2, 5.8, 5.5, 5.3, 5.2, 6.9, 8.2, 9.0])
    >>> catch = np.array([2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.5, 0.5, 0.5, 0.5])
    >>> history = CatchHistory(year=np.arange(2001, 2012), catch=catch, biomass=biomass)
    >>> solution = Gpdp().solve(HarvestProblem(history=history, grid=Grid(upper=24.0, cells=60)))
    >>> solution.status
    'learned growth from 10 pairs of years of the biomass in the history, ...
    """

    prior: GrowthPrior = field(default_factory=GrowthPrior)
    planner: Solver = field(default_factory=OptimalControl)
    lagged: bool = False
    covariate: Sequence[float] | None = None
    scheme: str = "default"

    def __post_init__(self) -> None:
        if self.scheme not in ("default", "boettiger2015"):
            raise SolverError(f"Gpdp: scheme must be 'default' or 'boettiger2015', got {self.scheme!r}")
        if self.scheme == "boettiger2015" and (self.lagged or self.covariate is not None):
            raise SolverError(
                "Gpdp: the published scheme has no second input: leave out lagged and covariate"
            )
        if self.covariate is not None:
            # numbers that can be hashed, compared and written down
            object.__setattr__(self, "covariate", tuple(float(value) for value in self.covariate))
        if self.lagged and self.covariate is not None:
            raise SolverError(
                "Gpdp: growth has one second input, last year's escapement or a covariate: give lagged=True or "
                "covariate=..., not both"
            )
        plain = self.scheme == "default" and not self.lagged and self.covariate is None
        if not plain and self.planner != OptimalControl():
            raise SolverError(
                "Gpdp: a second input and the published scheme bring their own planner: leave planner out"
            )

    @property
    def _name(self) -> str:
        return "gp-pomdp" if isinstance(self.planner, Pomdp) else "gpdp"

    def solve(self, problem: HarvestProblem) -> Solution:
        """Return the optimal policy for the stock that was learned, as a table over observed biomass.

        With another planner it is of that planner's kind, with a second input a `SurfacePolicy`.

        Raises
        ------
        SolverError
            When there is no history.
        FitError
            When it has no biomass or a relative one, and no fitted stock stands in, or when fewer than 5
            years can be learned from.
        GridError
            When the grid does not hold the biomass that is learned from, or the stock that was learned.

        Warns
        -----
        FewDataWarning
            When the policy rests on the prior more than on the data.
        """
        begin = time.perf_counter()
        learned = _lesson(problem)
        _require_data_on(problem.grid, learned)
        if self.scheme == "boettiger2015":
            from ecodecide.solvers.boettiger2015 import published_solution

            return published_solution(problem, learned)
        stock = _learn(learned, self, problem)
        # the belief is that of the problem's own stock and grid, which a Gaussian process does not have
        belief = initial_belief(problem)
        if stock.second is None:
            grid = _wide_enough(problem.grid, stock)
            belief = np.append(belief, np.zeros(len(grid.points) - len(belief)))
            solution = self.planner.solve(replace(problem, stock=stock, grid=grid, initial=belief))
            told = [_tell(learned, stock), *_cautions(learned, stock, solution), solution.status]
        else:
            solution = plan(problem, stock, belief, self.covariate, learned.last)
            told = [_tell(learned, stock), *_few(stock), solution.status]
        policy = solution.policy
        if isinstance(policy, TablePolicy | SurfacePolicy):
            # of the problem's own stock, as the belief
            policy = replace(policy, expected=expected_survey(problem))
        return replace(
            solution,
            policy=policy,
            status="; ".join(told),
            seconds=time.perf_counter() - begin,
            settings={**solution.settings, **asdict(self), **_learned(learned, stock), "solver": self._name},
        )


def gp_stock(problem: HarvestProblem, settings: Gpdp | None = None) -> GaussianProcessStock:
    """Return the stock that `Gpdp` learns from a problem's history.

    Parameters
    ----------
    problem
        A problem with a history.
    settings
        The solver whose prior to use; the default one otherwise.

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
    return _learn(_lesson(problem), settings or Gpdp(), problem)


def _lesson(problem: HarvestProblem) -> Lesson:
    if problem.history is None:
        raise SolverError(
            "Gpdp learns from a catch history, and this problem has none: give HarvestProblem(history=...)"
        )
    return lesson(problem.history, fitted=problem.stock)


def _learn(learned: Lesson, settings: Gpdp, problem: HarvestProblem) -> GaussianProcessStock:
    second = None
    if settings.lagged or settings.covariate is not None:
        assert problem.history is not None
        second = second_input(learned, np.asarray(problem.history.year, dtype=float), settings.covariate)
    return fit_gaussian_process(
        learned.escapement,
        learned.next_biomass,
        scale=learned.scale,
        unit=learned.unit,
        prior=settings.prior,
        second=second,
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


def _learned(learned: Lesson, stock: GaussianProcessStock) -> dict[str, object]:
    """What was learned, for the record."""
    return {
        "pairs": stock.pairs,
        "independent": learned.independent,
        "signal_sd": float(stock.weight @ stock.signal_sd),
        "length_scale": float(stock.weight @ stock.length_scale[:, 0]),
        "noise_sd": float(stock.weight @ stock.noise_sd),
        "border_weight": stock.border_weight,
    }


def _tell(learned: Lesson, stock: GaussianProcessStock) -> str:
    told = (
        f"learned growth from {stock.pairs} pairs of years of {learned.origin}, "
        f"over {len(stock.weight)} quadrature nodes"
    )
    if learned.left_out:
        told += f"; {learned.left_out} years left out because their catch takes all of the biomass or more"
    return told


def _cautions(learned: Lesson, stock: GaussianProcessStock, solution: Solution) -> Sequence[str]:
    """Say where the policy rests on the prior, aloud where it does so at its usual escapement."""
    usual = max(_usual_escapement(learned, stock, solution), 0.0)
    spread = float(stock.spread(np.array([usual]))[0]) if usual > 0.0 else 0.0
    told = []
    table = isinstance(solution.policy, TablePolicy)
    if learned.pairs < _FEW or spread > _UNCERTAIN:
        where = "its escapement" if table else "the escapement of most yield"
        told.append(
            f"warning: the policy rests on its prior: {learned.pairs} pairs of years, and at {where}, "
            f"{usual:.4g}, log growth is known to within a standard deviation of {spread:.2g}"
        )
        warnings.warn(told[0].removeprefix("warning: "), FewDataWarning, stacklevel=3)
    least = float(np.nanmin(learned.escapement))
    if table and usual < 0.8 * least:
        told.append(
            f"warning: the policy leaves {usual:.4g}, less than the smallest escapement that was seen, {least:.4g}"
        )
    if stock.carrying_capacity <= 0.0:
        told.append(
            "warning: the stock that was learned shrinks at every biomass, so the policy may liquidate it"
        )
    return told


def _few(stock: GaussianProcessStock) -> Sequence[str]:
    """Say so where there are few pairs, aloud."""
    if stock.pairs >= _FEW:
        return []
    words = f"the policy rests on its prior: {stock.pairs} pairs of years"
    warnings.warn(words, FewDataWarning, stacklevel=3)
    return [f"warning: {words}"]


def _usual_escapement(learned: Lesson, stock: GaussianProcessStock, solution: Solution) -> float:
    """Where the policy brings the stock that was learned, on average, from the largest biomass that was seen.

    Of a policy that is no table, where the stock yields most.
    """
    policy = solution.policy
    if not isinstance(policy, TablePolicy):
        return stock.reference_points().escapement_msy
    biomass, escapement = learned.scale, 0.0
    for _ in range(50):
        escapement = biomass - float(np.interp(biomass, policy.points, policy.quotas))
        biomass = min(float(stock.growth(np.array([escapement]))[0]), float(policy.points[-1]))
    return escapement
