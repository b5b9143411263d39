"""What one cell of a sweep computes: one stock, one solver, every world."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ecodecide import __version__
from ecodecide.decision.economy import Economy
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EcodecideWarning, EvaluationError, FitError
from ecodecide.evaluation.closed_loop import evaluate
from ecodecide.evaluation.decision_grid import decision_grid
from ecodecide.evaluation.named_worlds import FITTED, read_world
from ecodecide.evaluation.provenance import ends_with_a_survey, fingerprint
from ecodecide.evaluation.scores import measure, summarize
from ecodecide.evaluation.sweep.gathered import Gathered
from ecodecide.evaluation.sweep.plan import SweepPlan
from ecodecide.evaluation.world import World
from ecodecide.fitting.laws import FittedLaws, fit_laws
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.policy.protocol import Policy
from ecodecide.solvers.registry import solver_named
from ecodecide.stock.survey import parse_survey

SCHEMA = "ecodecide-sweep-cell-1"
"""The version of the layout of a cell."""

OUTCOMES = {
    "npv": "net present value of the replicate",
    "collapsed": "1 where the biomass falls below the collapse limit, 0 where it does not, -1 where it starts there",
}
"""What is kept of each replicate, in words."""

LAYOUT: dict[str, tuple[str, ...]] = {
    "scores": ("world", "metric", "estimate"),
    "collapse_risk": ("world", "limit", "when", "estimate"),
    **dict.fromkeys(OUTCOMES, ("world", "replicate")),
}
"""The dimensions of each variable of a cell."""

_PART = 1024
"""Replicates that are simulated at once, at least: of all of them the measures alone are kept, see `Gathered`."""


def fit_stocks(history: CatchHistory, plan: SweepPlan) -> dict[str, Posterior]:
    """Fit what all cells of a history share.

    Returns
    -------
    dict
        Under ``"fitted"`` what managers believe, and by the name of their law the stocks of other worlds; a law that
        cannot be fitted is not there.

    Raises
    ------
    FitError
        When the history cannot be fitted.
    """
    survey = None if plan.survey is None else parse_survey(plan.survey)
    laws = {law: None for name in plan.worlds for law in read_world(name).laws if law != FITTED}

    def fitted(growth: tuple[str, ...]) -> FittedLaws:
        return fit_laws(
            history, growth, survey=survey, seed=plan.seed, draws=plan.draws, cells=plan.fit_cells
        )

    with warnings.catch_warnings():
        # what is warned of stands in the status of the fit, and from there in its cells
        warnings.simplefilter("ignore", EcodecideWarning)
        believed = fitted(plan.growth)
        found = {FITTED: believed.average}
        found |= {law: believed.posteriors[law] for law in laws if law in believed.posteriors}
        for law in laws:
            if law not in plan.growth:
                with suppress(FitError):
                    found[law] = fitted((law,)).posteriors[law]
    return found


def compute_cell(
    history: CatchHistory, stocks: Mapping[str, Posterior], solver: str, plan: SweepPlan
) -> xr.Dataset:
    """Solve for a stock, and simulate the policy in every world.

    Parameters
    ----------
    history
        The stock's history.
    stocks
        What was fitted to it, see `fit_stocks`.
    solver
        Name of a solver.
    plan
        The settings.

    Returns
    -------
    xarray.Dataset
        `scores` over (world, metric, estimate), `collapse_risk` over (world, limit, when, estimate), and of each
        replicate what `OUTCOMES` lists, over (world, replicate). A world whose law cannot be fitted is not there.
        Nothing in it depends on the machine's speed.

    Raises
    ------
    EcodecideError
        When the stock cannot be solved for or simulated.
    """
    believed = stocks[FITTED]
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(limits=1):
        warnings.simplefilter("always", EcodecideWarning)
        problem = HarvestProblem(
            stock=believed,
            survey=believed.survey if plan.survey is None else parse_survey(plan.survey),
            economy=Economy(discount=plan.discount),
            grid=decision_grid(believed, history, plan.cells),
            history=history,
            implementation_cv=plan.implementation_cv,
        )
        # never by the clock: iterations and memory bound what iterates, on every machine alike
        solution = solver_named(solver, plan.gap, seconds=math.inf).solve(problem)
        cell = _simulated(solution.policy, problem, _truths(stocks, plan), plan)
    cell.attrs = {
        "schema": SCHEMA,
        "ecodecide_version": __version__,
        "stock": history.id,
        "solver": solver,
        "unit": believed.unit,
        "plan": json.dumps(plan.settings()),
        "history": fingerprint(history)["sha256"],
        "fit_status": believed.status,
        "fit_settings": json.dumps(dict(believed.settings), default=str),
        "fit_converged": int(believed.converged),
        "status": solution.status,
        "converged": int(solution.converged),
        "settings": json.dumps(dict(solution.settings), default=str),
        "warnings": json.dumps([str(w.message) for w in caught if issubclass(w.category, EcodecideWarning)]),
        "lower": np.nan if solution.lower is None else float(solution.lower),
        "upper": np.nan if solution.upper is None else float(solution.upper),
    }
    return cell


def _truths(stocks: Mapping[str, Posterior], plan: SweepPlan) -> list[World]:
    """Return the worlds whose laws could be fitted."""
    named = [read_world(name) for name in plan.worlds]
    truths = [one.world(stocks, plan.years) for one in named if all(law in stocks for law in one.laws)]
    if not truths:
        raise EvaluationError("no world is left to simulate: none of their laws can be fitted")
    return truths


def _simulated(policy: Policy, problem: HarvestProblem, truths: list[World], plan: SweepPlan) -> xr.Dataset:
    """Return scores and outcomes of a policy, simulated in parts."""
    assert problem.history is not None
    # whole rounds of the draws, so that each part holds every one of them as often
    members = max(world.stock.size for world in truths)  # type: ignore[attr-defined]
    part = members * -(-_PART // members)
    gathered = Gathered(plan.replicates)
    for first in range(0, plan.replicates, part):
        runs = evaluate(
            {"policy": policy},
            truth=truths,
            survey=problem.survey,
            economy=problem.economy,
            years=plan.years,
            replicates=min(part, plan.replicates - first),
            first=first,
            seed=plan.seed,
            implementation_cv=plan.implementation_cv,
            first_survey=not ends_with_a_survey(problem.history),
        )
        gathered.add(measure(runs, plan.collapse), first)
    return xr.concat([_scored(gathered.world(number)) for number in range(len(truths))], "world")


def _scored(measured: xr.Dataset) -> xr.Dataset:
    """Return scores and outcomes of one world."""
    scores = summarize(measured).isel(policy=0, drop=True)
    outcome = measured["outcome"].isel(policy=0, drop=True)
    fell = outcome.sel(metric="collapse_probability", drop=True)
    outcomes = {
        # of its own, and not all that was measured for the sake of it
        "npv": outcome.sel(metric="npv", drop=True).copy(),
        "collapsed": fell.fillna(-1.0).astype(np.int8),
    }
    for name, values in outcomes.items():
        values.attrs["long_name"] = OUTCOMES[name]
    found = {"scores": scores["scores"], "collapse_risk": scores["collapse_risk"], **outcomes}
    return xr.Dataset(
        {name: found[name].reset_coords(drop=True).transpose(*dims) for name, dims in LAYOUT.items()}
    )
