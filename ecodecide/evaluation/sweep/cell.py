"""What one cell of a sweep computes: one stock, one solver, every world."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ecodecide import __version__
from ecodecide.decision.discretize import suggest_grid
from ecodecide.decision.economy import Economy
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EcodecideWarning
from ecodecide.evaluation.closed_loop import evaluate
from ecodecide.evaluation.comparison import _largest
from ecodecide.evaluation.provenance import ends_with_a_survey, fingerprint
from ecodecide.evaluation.scores import collapse_limit, score
from ecodecide.evaluation.sweep.plan import SweepPlan
from ecodecide.fitting.laws import fit_laws
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.policy.protocol import Policy
from ecodecide.solvers.registry import solver_named
from ecodecide.stock.survey import parse_survey

SCHEMA = "ecodecide-sweep-cell-1"
"""The version of the layout of a cell."""

OUTCOMES = {
    "npv": "net present value of the replicate",
    "collapsed": "1 where the biomass starts above the collapse limit and falls below it, 0 elsewhere",
}
"""What is kept of each replicate, in words."""


def fit_stock(history: CatchHistory, plan: SweepPlan) -> Posterior:
    """Fit the stock that all cells of a history share.

    Raises
    ------
    FitError
        When the history cannot be fitted.
    """
    survey = None if plan.survey is None else parse_survey(plan.survey)
    with warnings.catch_warnings():
        # what is warned of stands in the status of the fit, and from there in its cells
        warnings.simplefilter("ignore", EcodecideWarning)
        fitted = fit_laws(
            history, plan.growth, survey=survey, seed=plan.seed, draws=plan.draws, cells=plan.fit_cells
        )
    return fitted.average


def compute_cell(history: CatchHistory, posterior: Posterior, solver: str, plan: SweepPlan) -> xr.Dataset:
    """Solve for a stock, and simulate the policy in every world.

    Parameters
    ----------
    history
        The stock's history.
    posterior
        The stock fitted to it.
    solver
        Name of a solver.
    plan
        The settings.

    Returns
    -------
    xarray.Dataset
        `scores` over (world, metric, estimate), and of each replicate what `OUTCOMES` lists, over (world, replicate).
        Nothing in it depends on the machine's speed.

    Raises
    ------
    EcodecideError
        When the stock cannot be solved for or simulated.
    """
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(limits=1):
        warnings.simplefilter("always", EcodecideWarning)
        problem = HarvestProblem(
            stock=posterior,
            survey=posterior.survey if plan.survey is None else parse_survey(plan.survey),
            economy=Economy(discount=plan.discount),
            grid=suggest_grid(posterior, plan.cells, largest=_largest(posterior, history)),
            history=history,
            implementation_cv=plan.implementation_cv,
        )
        solution = solver_named(solver, plan.gap).solve(problem)
        cell = _simulated(solution.policy, problem, posterior, plan)
    cell.attrs = {
        "schema": SCHEMA,
        "ecodecide_version": __version__,
        "stock": history.id,
        "solver": solver,
        "unit": posterior.unit,
        "plan": json.dumps(plan.settings()),
        "history": fingerprint(history)["sha256"],
        "fit_status": posterior.status,
        "fit_settings": json.dumps(dict(posterior.settings), default=str),
        "fit_converged": int(posterior.converged),
        "status": solution.status,
        "converged": int(solution.converged),
        "settings": json.dumps(dict(solution.settings), default=str),
        "warnings": json.dumps([str(w.message) for w in caught if issubclass(w.category, EcodecideWarning)]),
        "lower": np.nan if solution.lower is None else float(solution.lower),
        "upper": np.nan if solution.upper is None else float(solution.upper),
    }
    return cell


def _simulated(policy: Policy, problem: HarvestProblem, truth: Posterior, plan: SweepPlan) -> xr.Dataset:
    """Return scores and outcomes of a policy: the one place that knows how futures are simulated and scored."""
    assert problem.history is not None
    runs = evaluate(
        {"policy": policy},
        truth=truth,
        survey=problem.survey,
        economy=problem.economy,
        years=plan.years,
        replicates=plan.replicates,
        seed=plan.seed,
        implementation_cv=plan.implementation_cv,
        first_survey=not ends_with_a_survey(problem.history),
        world=plan.worlds[0],
    )
    scores = score(runs, plan.collapse)["scores"].isel(policy=0, drop=True).drop_vars("definition")
    return xr.Dataset({"scores": scores, **_outcomes(runs, plan.collapse)})


def _outcomes(runs: xr.Dataset, collapse: str) -> dict[str, Any]:
    """Return what is kept of each replicate, shape (world, replicate)."""
    one = runs.isel(policy=0).transpose("world", "replicate", "year")
    weights = float(runs.attrs["discount"]) ** np.arange(runs.sizes["year"])
    limit = collapse_limit(runs, collapse)
    later = np.concatenate([one["biomass"].values[..., 1:], one["final_biomass"].values[..., None]], axis=-1)
    fell = (one["biomass"].values[..., 0] >= limit) & (later < limit[..., None]).any(axis=-1)
    found = {"npv": (one["profit"].values * weights).sum(axis=-1), "collapsed": fell.astype(np.int8)}
    return {
        key: (("world", "replicate"), values, {"long_name": OUTCOMES[key]}) for key, values in found.items()
    }
