"""A check of the promises of a solver."""

from __future__ import annotations

import json

import numpy as np

from ecodecide.decision.discretize import initial_belief
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EcodecideError
from ecodecide.evaluation.closed_loop import evaluate
from ecodecide.solvers.solution import Solution, Solver
from ecodecide.stock.growth import Array, Logistic
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey
from ecodecide.testing.policy import check_policy
from ecodecide.testing.require import require, require_methods

_CELLS = 60
_REPLICATES = 2000
_YEARS = 150
_GRID_ERROR = 0.03
"""What the grid may cost: on this problem the value moves by 1.6 % from 60 cells to 480; twice that."""


def check_solver(solver: Solver, problem: HarvestProblem | None = None, seed: int = 0) -> None:
    """Check that a solver of your own conforms to `ecodecide.solvers.solution.Solver`.

    It returns a `Solution` with a policy that passes `check_policy` and with a status in words; it finds the same twice
    and changes no problem; its settings are plain values; and where it has bounds, they bound: a simulation of the
    policy earns no less than `lower`, and no more than `upper`, but for chance and grid.

    Parameters
    ----------
    solver
        The solver.
    problem
        A problem that it can solve; None for a logistic stock with a lognormal survey. Its stock says where it starts,
        or the belief about it is drawn from.
    seed
        Of the simulation.

    Raises
    ------
    ConformanceError
        For the first promise that it breaks.

    Examples
    --------
    >>> import ecodecide as eco
    >>> from ecodecide.testing import check_solver
    >>> check_solver(eco.Precautionary("40-10"))
    """
    require_methods(solver, "solver", ("solve",))
    asked = _problem() if problem is None else problem
    before = repr((asked.survey, asked.economy, asked.grid, asked.implementation_cv))
    solution = solver.solve(asked)
    require(
        isinstance(solution, Solution),
        f"solve returned a {type(solution).__name__}, expected an ecodecide.Solution(policy, status=...)",
    )
    require(
        repr((asked.survey, asked.economy, asked.grid, asked.implementation_cv)) == before,
        "solve changed the problem it was given: make another with dataclasses.replace",
    )
    require(
        isinstance(solution.status, str) and solution.status.strip(),
        f"status is {solution.status!r}, expected words: how the solver ended, and what to do about it",
    )
    try:
        json.dumps(dict(solution.settings))
    except (TypeError, ValueError) as problem_met:
        require(False, f"settings are not plain values ({problem_met}): they go into files as JSON")
    scale = float(asked.grid.upper) / 2.0
    check_policy(solution.policy, scale, seed)
    again = solver.solve(asked)
    require(
        np.array_equal(_first_quotas(solution, scale), _first_quotas(again, scale)),
        "solving the same problem twice gave two policies: let chance come from a seed among the settings",
    )
    _check_bounds(solution, asked, seed)


def _problem() -> HarvestProblem:
    stock = ParametricStock(Logistic(r=0.75, K=1.0), LognormalNoise(sigma=0.15))
    return HarvestProblem(
        stock=stock,
        survey=LognormalSurvey(cv=0.2),
        economy=Economy(),
        grid=Grid(2.0, _CELLS),
        initial="uniform",
    )


def _first_quotas(solution: Solution, scale: float) -> Array:
    seen = np.linspace(0.0, 2.0 * scale, 50)
    return np.asarray(solution.policy.decide(solution.policy.start(50), seen, None)[0])


def _check_bounds(solution: Solution, problem: HarvestProblem, seed: int) -> None:
    lower, upper = solution.lower, solution.upper
    if lower is not None and upper is not None:
        require(
            lower <= upper + 1e-9 * abs(upper),
            f"the lower bound {lower:g} is above the upper bound {upper:g}",
        )
    if (lower is None and upper is None) or problem.stock is None:
        return
    rng = np.random.default_rng(seed)
    try:
        belief = initial_belief(problem)
    except EcodecideError:
        return
    start = rng.choice(problem.grid.points, size=_REPLICATES, p=belief / belief.sum())
    runs = evaluate(
        {"policy": solution.policy},
        truth=problem.stock,
        survey=problem.survey,
        economy=problem.economy,
        initial_biomass=start,
        years=_YEARS,
        replicates=_REPLICATES,
        seed=seed,
        implementation_cv=problem.implementation_cv,
        first_survey=False,
    )
    profit = runs["profit"].values[0, 0]
    discount = problem.economy.discount
    value = profit @ discount ** np.arange(_YEARS)
    earned, error = float(value.mean()), float(value.std() / np.sqrt(_REPLICATES))
    # five standard errors; the grid; and what lies beyond the last year, at the largest profit seen
    slack = 5.0 * error + _GRID_ERROR * max(abs(b) for b in (lower, upper) if b is not None)
    beyond = discount**_YEARS * float(profit.max()) / (1.0 - discount)
    if lower is not None:
        require(
            earned + beyond + slack >= lower,
            f"the policy earns {earned:.5g} (standard error {error:.2g}) in simulation and its lower bound is "
            f"{lower:.5g}: a lower bound is of what the policy is sure to earn on average",
        )
    if upper is not None:
        require(
            earned - slack <= upper,
            f"the policy earns {earned:.5g} (standard error {error:.2g}) in simulation and the upper bound is "
            f"{upper:.5g}: no policy may earn more than that",
        )
