"""From a catch history to a comparison of ways to manage the stock, in one call."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ecodecide import __version__
from ecodecide.decision.discretize import suggest_grid
from ecodecide.decision.economy import Economy
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EcodecideError, EvaluationError
from ecodecide.evaluation.closed_loop import check_settings, evaluate, reference_points
from ecodecide.evaluation.scores import METRICS, collapse_limit, read_limit, score
from ecodecide.fitting import fit
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.library import load_history
from ecodecide.solvers.registry import CITATIONS, solver_named
from ecodecide.solvers.solution import Solution, Solver
from ecodecide.stock.survey import Survey

DEFAULT_SOLVERS = ("pomdp", "gpdp", "tac", "optimal-control", "no-fishing")
"""The three kinds of solver, and the two references: full observation, and no fishing at all."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    history
        The catch history.
    posterior
        The stock fitted to it.
    problem
        The decision problem that the solvers were given.
    solutions
        By name.
    failures
        Reasons, in one line, of the solvers that failed, by name.
    runs
        The simulated futures, see `ecodecide.evaluate`.
    scores
        See `ecodecide.score`.
    settings, assumptions, cite
        For the record.
    """

    history: CatchHistory
    posterior: Posterior
    problem: HarvestProblem
    solutions: Mapping[str, Solution]
    failures: Mapping[str, str]
    runs: xr.Dataset
    scores: xr.Dataset
    settings: Mapping[str, Any]
    assumptions: tuple[str, ...]
    cite: tuple[str, ...]

    def estimate(self, policy: str, metric: str) -> dict[str, float | None]:
        """Return a score with its 95 % interval; None where it is not defined."""
        cells = self.scores["scores"].sel(policy=policy, metric=metric).isel(world=0)
        return {key: _finite(cells.sel(estimate=key)) for key in ("value", "low", "high")}

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values that JSON can hold; None for what is undefined."""
        nothing = {"value": None, "low": None, "high": None}
        policies = []
        for name in self.settings["solvers"]:
            solution = self.solutions.get(name)
            entry: dict[str, Any] = {"name": name}
            for metric in METRICS:
                entry[metric] = self.estimate(name, metric) if solution else dict(nothing)
            entry["seconds"] = _finite(solution.seconds) if solution else None
            entry["status"] = solution.status if solution else f"failed: {self.failures[name]}"
            entry["lower"] = _finite(solution.lower) if solution else None
            entry["upper"] = _finite(solution.upper) if solution else None
            policies.append(entry)
        return {
            "stock": self.history.id,
            "unit": self.posterior.unit,
            "policies": policies,
            "fit": {"law": self.posterior.law, "status": self.posterior.status, **self.posterior.summary()},
            "settings": dict(self.settings),
            "assumptions": list(self.assumptions),
            "cite": list(self.cite),
        }

    def to_dataset(self) -> xr.Dataset:
        """Return futures and scores in one Dataset, with everything needed to tell where they come from."""
        dataset = self.runs.assign(self.scores)
        # what depends on the machine's speed stays out, so that the same seed gives the same file
        statuses = {name: s.status for name, s in self.solutions.items()}
        dataset.attrs = {
            **self.scores.attrs,
            **self.runs.attrs,
            "stock": self.history.id,
            "settings": json.dumps({**json.loads(self.runs.attrs["settings"]), **self.settings}),
            "assumptions": json.dumps(list(self.assumptions)),
            "cite": json.dumps(list(self.cite)),
            "status": json.dumps({**statuses, **{n: f"failed: {w}" for n, w in self.failures.items()}}),
            "fit": json.dumps(self.posterior.summary()),
        }
        return dataset

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dataset` to a NetCDF file, whole or not at all.

        Raises
        ------
        EvaluationError
            When the file cannot be written.
        """
        target = Path(path)
        try:
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".ecodecide-") as folder:
                whole = Path(folder) / "whole.nc"
                self.to_dataset().to_netcdf(whole, engine="h5netcdf")
                os.replace(whole, target)
        except OSError as problem:
            raise EvaluationError(
                f"cannot write {target}: {problem.strerror or problem}; choose another file"
            ) from None


def _finite(value: Any) -> float | None:
    """Return a plain number, None for what JSON cannot hold."""
    return None if value is None or not np.isfinite(value) else float(value)


def compare(
    stock: str | os.PathLike[str] | CatchHistory,
    solvers: Sequence[str] | Mapping[str, Solver] = DEFAULT_SOLVERS,
    *,
    growth: str = "logistic",
    survey: Survey | None = None,
    economy: Economy | None = None,
    years: int = 50,
    replicates: int = 1000,
    seed: int = 1,
    collapse: str | float = "0.1K",
    implementation_cv: float = 0.0,
    cells: int = 100,
    gap: float = 0.02,
    progress: Callable[[str, float], None] | None = None,
) -> Comparison:
    """Compare ways of managing a stock on its catch history: fit, solve, simulate, score.

    Every replicate lives in one joint draw of the fitted parameters and of the biomass today; the solvers
    and rules see only the fit. All policies meet the same luck.

    Parameters
    ----------
    stock
        Name of a shipped history, path of a CSV file, or a history.
    solvers
        Names, or solvers by names of their own.
    growth
        Growth law of the fit, see `ecodecide.fit`.
    survey
        Error of the surveys to come, and of an assessment's output in the fit; None takes that of the fit.
    economy
        Price, costs, discount.
    years
        Number of decisions.
    replicates
        Number of simulated futures.
    seed
        The same seed gives the same figures.
    collapse
        The limit, see `ecodecide.score`.
    implementation_cv
        Error between quota and catch.
    cells
        Cells of the decision grid.
    gap
        Where `Pomdp` stops.
    progress
        Called with words and the share of that step done.

    Returns
    -------
    Comparison

    Raises
    ------
    EcodecideError
        When the history cannot be used or every solver fails.

    Examples
    --------
    >>> import ecodecide as eco
    >>> result = eco.compare("hake-argentina-north", solvers=["tac", "no-fishing"], replicates=20, years=5)
    >>> [entry["name"] for entry in result.to_dict()["policies"]]
    ['tac', 'no-fishing']
    """
    tell = progress or (lambda words, share: None)
    economy = Economy() if economy is None else economy
    check_settings(years, replicates, seed, implementation_cv)
    read_limit(collapse)
    if growth == "gp":
        raise EvaluationError(
            "compare needs a growth law for the truth to simulate; gp serves as the solver gpdp"
        )
    names = (solvers,) if isinstance(solvers, str) else solvers
    named = dict(names) if isinstance(names, Mapping) else {name: solver_named(name, gap) for name in names}
    for name, solver in named.items():
        if not hasattr(solver, "solve"):
            raise EvaluationError(f"the solver {name!r} is a {type(solver).__name__} without a method solve")
    if not named:
        raise EvaluationError("no solvers to compare: give at least one")
    history = stock if isinstance(stock, CatchHistory) else load_history(stock)
    posterior = fit(
        history, growth, survey=survey, seed=seed, progress=lambda words, share: tell("fit", share)
    )
    assert isinstance(posterior, Posterior)
    # a limit that this stock does not have is refused before the long work
    collapse_limit(_worlds(posterior), collapse)
    survey = posterior.survey if survey is None else survey
    problem = HarvestProblem(
        stock=posterior,
        survey=survey,
        economy=economy,
        grid=suggest_grid(
            posterior, cells, largest=float(np.quantile(np.asarray(posterior.members.initial_biomass), 0.995))
        ),
        history=history,
        implementation_cv=implementation_cv,
    )
    solutions, failures = _solve(named, problem, tell)
    runs = evaluate(
        {name: solution.policy for name, solution in solutions.items()},
        truth=posterior, survey=survey, economy=economy, years=years, replicates=replicates, seed=seed,
        implementation_cv=implementation_cv, world=f"fitted {growth}",
        progress=lambda words, share: tell("simulate", share),
    )  # fmt: skip
    settings = {
        "ecodecide_version": __version__,
        "solvers": list(named), "growth": growth, "survey": repr(survey), "economy": dict(vars(economy)),
        "years": years, "replicates": replicates, "seed": seed, "collapse": str(collapse),
        "implementation_cv": implementation_cv, "gap": gap,
        "grid": {"upper": problem.grid.upper, "cells": cells, "scheme": problem.grid.scheme},
    }  # fmt: skip
    return Comparison(
        history, posterior, problem, solutions, failures, runs, score(runs, collapse), settings,
        _assumptions(history, posterior, survey, implementation_cv, solutions), _citations(history, solutions),
    )  # fmt: skip


def _worlds(posterior: Posterior) -> xr.Dataset:
    points = reference_points(posterior.members, posterior.size)
    return xr.Dataset({key: (("world", "replicate"), values[None]) for key, values in points.items()})


def _solve(
    named: Mapping[str, Solver], problem: HarvestProblem, tell: Callable[[str, float], None]
) -> tuple[dict[str, Solution], dict[str, str]]:
    """Solve with every solver; one that fails does not stop the others."""
    solutions: dict[str, Solution] = {}
    failures: dict[str, str] = {}
    for number, (name, solver) in enumerate(named.items()):
        tell(f"solve {name}", number / len(named))
        try:
            solutions[name] = solver.solve(problem)
        except EcodecideError as problem_met:
            failures[name] = str(problem_met)
    if not solutions:
        raise EvaluationError("every solver failed: " + "; ".join(f"{n}: {w}" for n, w in failures.items()))
    tell("solve", 1.0)
    return solutions, failures


def _assumptions(
    history: CatchHistory,
    posterior: Posterior,
    survey: Survey,
    implementation_cv: float,
    solutions: Mapping[str, Solution],
) -> tuple[str, ...]:
    lines = [
        *history.notes,
        *posterior.assumptions,
        f"surveys to come: {survey!r}",
        "each replicate lives in one joint draw of parameters and of the biomass today; solvers plan for the "
        "mixture of the draws, rules for the best estimate",
        "the truth is of the fitted growth law: rules that know the law are favored over gpdp, which does not",
    ]
    believers = [name for name in ("gpdp", "optimal-control") if name in solutions]
    if believers:
        lines.append(f"{' and '.join(believers)}: each survey is taken for the biomass, its error ignored")
    for name, solution in solutions.items():
        if solution.settings.get("independent") is False:
            lines.append(
                f"{name} learned from the biomass of the fitted growth law: not independent of that law"
            )
    if implementation_cv > 0.0:
        lines.append(
            f"catch within a CV of {implementation_cv:g} of the quota; quotas are planned without it"
        )
    return tuple(lines)


def _citations(history: CatchHistory, solutions: Mapping[str, Solution]) -> tuple[str, ...]:
    lines = [f"ecodecide {__version__}"]
    if history.source:
        lines.append(f"data: {history.source}")
    return (*lines, *(CITATIONS[name] for name in solutions if name in CITATIONS))
