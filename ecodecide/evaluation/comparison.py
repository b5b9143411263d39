"""From a catch history to a comparison of ways to manage the stock, in one call."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from ecodecide import __version__
from ecodecide.decision.economy import Economy
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import ConvergenceWarning, EcodecideWarning, EvaluationError, FitError
from ecodecide.evaluation.closed_loop import check_settings, evaluate, reference_points
from ecodecide.evaluation.limits import collapse_limit, read_limit
from ecodecide.evaluation.managed_stock import (
    DEFAULT_SOLVERS,
    ManagedStock,
    fitted_law,
    fitted_stock,
    solvers_by_name,
)
from ecodecide.evaluation.metrics import METRICS
from ecodecide.evaluation.named_worlds import DEFAULT_WORLDS, FITTED, NamedWorld, read_world
from ecodecide.evaluation.precise_risk import NO_GRID, Setting, exact_figures, small_risks
from ecodecide.evaluation.provenance import assumptions, citations, ends_with_a_survey, fingerprint, versions
from ecodecide.evaluation.rare_collapse import RareCollapse
from ecodecide.evaluation.robustness import Robustness, robustness
from ecodecide.evaluation.scores import measure, summarize
from ecodecide.evaluation.world import World
from ecodecide.fitting.laws import DEFAULT_LAWS
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.library import load_history
from ecodecide.solvers.solution import Solution, Solver
from ecodecide.stock.survey import Survey, parse_survey


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    managed
        The stock as its managers know it: history, fit, decision problem, and the policies.
    runs
        The simulated futures, see `ecodecide.evaluate`.
    scores
        See `ecodecide.score`.
    robustness
        How the policies compare over the worlds.
    settings, assumptions, cite
        For the record.
    fit
        Median and 90 % interval of what was estimated, by name, see `Posterior.summary`.
    versions
        Of what the figures were computed with.
    exact
        Of the policies on observed biomass in the first world, see `exact_scores`; None where it has none.
    rare
        Of policies by name, the probability of collapse in the first world by splitting, where it was asked for.
    warnings
        What was warned of on the way.
    """

    managed: ManagedStock
    runs: xr.Dataset
    scores: xr.Dataset
    robustness: Robustness
    settings: Mapping[str, Any]
    assumptions: tuple[str, ...]
    cite: tuple[str, ...]
    fit: Mapping[str, Any]
    versions: Mapping[str, str]
    exact: xr.Dataset | None = None
    rare: Mapping[str, RareCollapse] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def history(self) -> CatchHistory:
        """The catch history."""
        return self.managed.history

    @property
    def posterior(self) -> Posterior:
        """The stock fitted to it."""
        return self.managed.posterior

    @property
    def problem(self) -> HarvestProblem:
        """The decision problem that the solvers were given."""
        return self.managed.problem

    @property
    def solutions(self) -> Mapping[str, Solution]:
        """What the solvers found, by name."""
        return self.managed.solutions

    @property
    def failures(self) -> Mapping[str, str]:
        """Reasons, in one line, of the solvers that failed, by name."""
        return self.managed.failures

    def estimate(self, policy: str, metric: str, world: str | None = None) -> dict[str, float | None]:
        """Return a score in a world, the first if None, with its 95 % interval; None where it is not defined."""
        place = self.scores["world"].values[0] if world is None else world
        cells = self.scores["scores"].sel(policy=policy, metric=metric, world=place)
        return {key: _finite(cells.sel(estimate=key)) for key in ("value", "low", "high")}

    def _exact(self, policy: str) -> dict[str, float | None] | None:
        if self.exact is None or policy not in self.exact["policy"]:
            return None
        one = self.exact.sel(policy=policy)
        return {key: _finite(one[key]) for key in ("collapse_probability", "npv", "mean_catch", "cells")}

    def _rare(self, policy: str) -> dict[str, float | None] | None:
        found = self.rare.get(policy)
        if found is None:
            return None
        numbers = {"value": found.probability, "low": found.low, "high": found.high}
        return {**numbers, "relative_error": _finite(found.relative_error)}

    def _by_world(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the intervals of the robustness matrix, and paired differences of value from the first policy."""
        metrics = {"value": "npv", "collapse": "collapse_probability", "difference": "npv_difference"}
        found = {
            key: {
                world: {policy: self.estimate(policy, metric, world) for policy in self.robustness.policies}
                for world in self.robustness.worlds
            }
            for key, metric in metrics.items()
        }
        return {f"{key}_interval": table for key, table in found.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values that JSON can hold; None for what is undefined."""
        nothing = {"value": None, "low": None, "high": None}
        policies = []
        for name in self.settings["solvers"]:
            solution = self.solutions.get(name)
            entry: dict[str, Any] = {"name": name}
            for metric in METRICS:
                entry[metric] = self.estimate(name, metric) if solution else dict(nothing)
            entry["exact"] = self._exact(name)
            entry["rare"] = self._rare(name)
            entry["seconds"] = _finite(solution.seconds) if solution else None
            entry["status"] = solution.status if solution else f"failed: {self.failures[name]}"
            entry["lower"] = _finite(solution.lower) if solution else None
            entry["upper"] = _finite(solution.upper) if solution else None
            # through JSON and back: tuples become lists, and nothing else than plain values is left
            entry["settings"] = (
                json.loads(json.dumps(dict(solution.settings), default=str)) if solution else {}
            )
            policies.append(entry)
        return {
            "stock": self.history.id,
            "unit": self.posterior.unit,
            "world": str(self.scores["world"].values[0]),
            "policies": policies,
            "robustness": {**self.robustness.to_dict(), **self._by_world()},
            "fit": {"law": self.posterior.law, "status": self.posterior.status, **self.fit},
            "settings": dict(self.settings),
            "assumptions": list(self.assumptions),
            "warnings": list(self.warnings),
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
            "solvers": json.dumps(
                {name: dict(s.settings) for name, s in self.solutions.items()}, default=str
            ),
            "bounds": json.dumps(
                {n: [_finite(s.lower), _finite(s.upper)] for n, s in self.solutions.items()}
            ),
            "warnings": json.dumps(list(self.warnings)),
            "history": json.dumps(fingerprint(self.history)),
            "versions": json.dumps(dict(self.versions)),
            "scores_schema": self.scores.attrs["schema"],
            "fit": json.dumps(dict(self.fit)),
            "robustness": json.dumps(self.robustness.to_dict()),
            "exact": json.dumps({name: self._exact(name) for name in self.solutions}),
            "rare": json.dumps({name: self._rare(name) for name in self.solutions}),
        }
        return dataset

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the comparison to a NetCDF file, whole or not at all; `Comparison.load` gives it back.

        The root of the file is `to_dataset`; beside it are the groups ``history``, ``stock``, ``problem``, ``exact``,
        and one for each policy in ``policies``.

        Raises
        ------
        EvaluationError
            When the file cannot be written.
        """
        from ecodecide.evaluation.comparison_file import save_comparison

        save_comparison(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Comparison:
        """Return the comparison that `save` wrote; see `ecodecide.load_comparison`."""
        from ecodecide.evaluation.comparison_file import load_comparison

        return load_comparison(path)


def _finite(value: Any) -> float | None:
    """Return a plain number, None for what JSON cannot hold."""
    return None if value is None or not np.isfinite(value) else float(value)


def compare(
    stock: str | os.PathLike[str] | CatchHistory,
    solvers: Sequence[str] | Mapping[str, Solver] = DEFAULT_SOLVERS,
    *,
    growth: str | Sequence[str] = DEFAULT_LAWS,
    worlds: str | World | Sequence[str | World] = DEFAULT_WORLDS,
    survey: Survey | str | None = None,
    economy: Economy | None = None,
    years: int = 50,
    replicates: int = 1000,
    seed: int = 1,
    collapse: str | float = "0.1K",
    implementation_cv: float = 0.0,
    cells: int = 100,
    gap: float = 0.01,
    rare: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Comparison:
    """Compare ways of managing a stock on its catch history: fit, solve, simulate, score.

    Every replicate lives in one joint draw of the fitted parameters and of the biomass today; the solvers
    and rules see only the fit. Every policy is tried in every world, and all meet the same luck.

    Parameters
    ----------
    stock
        Name of a shipped history, path of a CSV file, or a history.
    solvers
        Names, or solvers by names of their own.
    growth
        Growth laws of the fit, see `ecodecide.fit`: of several, the average, each with its marginal likelihood. It is
        what managers believe, and what solvers plan for.
    worlds
        Truths that the policies meet: worlds of your own, or names. ``"fitted"`` is what managers believe, a growth
        law the fit of that law alone; more after a comma, as in ``"allen,autocorrelation=0.5"``,
        ``"fitted,trend=-0.01"`` or ``"fitted,shift=20:ricker"``. Figures of a policy alone are of the first.
    survey
        Error of the surveys to come, and of an assessment's output in the fit, such as ``LognormalSurvey(0.2)`` or
        ``"lognormal:0.2"``; None takes that of the fit.
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
    rare
        Whether to estimate the probability of collapse in the first world by splitting, which also finds one of 1e-6,
        for the policies whose exact one is not known; see `rare_collapse`.
    progress
        Called with words and the share of that step done.

    Returns
    -------
    Comparison
        `estimate(policy, metric)` is one figure with its interval, `scores` all of them, `runs` the futures, `fit` what
        was fitted; `assumptions` and `cite` belong to every figure.

    Raises
    ------
    EcodecideError
        When the history cannot be used or every solver fails.

    Examples
    --------
    >>> import ecodecide as eco
    >>> solvers = ["tac", "no-fishing"]
    >>> result = eco.compare("hake-argentina-north", solvers, growth="logistic", replicates=20, years=5)
    >>> [entry["name"] for entry in result.to_dict()["policies"]]
    ['tac', 'no-fishing']
    """
    tell = progress or (lambda words, share: None)
    survey = parse_survey(survey) if isinstance(survey, str) else survey
    check_settings(years, replicates, seed, implementation_cv)
    read_limit(collapse)
    laws = (growth,) if isinstance(growth, str) else tuple(growth)
    # where the fit is of Allen's law alone the two default worlds are the same
    asked = _asked(worlds[:1] if worlds is DEFAULT_WORLDS and laws == ("allen",) else worlds, years)
    if "gp" in laws:
        raise EvaluationError(
            "compare needs a growth law for the truth to simulate; gp serves as the solver gpdp"
        )
    named = solvers_by_name(solvers, gap)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EcodecideWarning)
        history = stock if isinstance(stock, CatchHistory) else load_history(stock)
        managed, fitted = fitted_stock(history, laws, survey, economy, seed, implementation_cv, cells, tell)
        posterior, problem = managed.posterior, managed.problem
        stocks = {FITTED: posterior, **fitted.posteriors}
        more, reasons = _fit_more(history, asked, stocks, survey, seed, tell)
        truth = _truths(asked, stocks | more, {**fitted.failures, **reasons}, years)
        _check_truths(truth, posterior, collapse)
        managed = managed.solved(named, tell)
        policies = managed.policies
        runs = evaluate(
            policies,
            truth=truth, survey=problem.survey, economy=problem.economy, years=years, replicates=replicates, seed=seed,
            implementation_cv=implementation_cv, first_survey=not ends_with_a_survey(history),
            progress=lambda words, share: tell("simulate", share),
        )  # fmt: skip
        setting = Setting(truth[0], problem, years, collapse, not ends_with_a_survey(history))
        tell("exact risks", 0.0)
        exact, inexact = exact_figures(policies, setting)
        tell("exact risks", 1.0)
        risks, unknown = (
            small_risks({n: policies[n] for n in inexact}, setting, seed, tell) if rare else ({}, {})
        )
        _tell_what_is_missing("exact risk", {n: why for n, why in inexact.items() if why.startswith(NO_GRID)})
        _tell_what_is_missing("small risk", unknown)
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    settings = {
        "ecodecide_version": __version__,
        "solvers": list(named), "growth": ",".join(laws), "worlds": [w.describe() for w in truth],
        "survey": repr(problem.survey),
        "economy": dict(vars(problem.economy)),
        "years": years, "replicates": replicates, "seed": seed, "collapse": str(collapse),
        "implementation_cv": implementation_cv, "fit": dict(posterior.settings),
        "grid": {"upper": problem.grid.upper, "cells": cells, "scheme": problem.grid.scheme},
    }  # fmt: skip
    told = tuple(str(w.message) for w in caught if issubclass(w.category, EcodecideWarning))
    measured = measure(runs, collapse)
    return Comparison(
        managed, runs, summarize(measured), robustness(measured, seed), settings,
        assumptions(problem, posterior, history, managed.solutions, years, truth),
        citations(history, managed.solutions), posterior.summary(), versions(), exact, risks, told,
    )  # fmt: skip


def _asked(worlds: str | World | Sequence[str | World], years: int) -> list[NamedWorld | World]:
    """Return the worlds that were asked for, or refuse them before any work."""
    given = [worlds] if isinstance(worlds, str | World) else worlds
    asked = [read_world(one) if isinstance(one, str) else one for one in given]
    if not asked or len({one.name for one in asked}) < len(asked):
        raise EvaluationError(f"worlds must be at least one, each once, got {[one.name for one in asked]}")
    for one in asked:
        one.check(years)
    return asked


def _tell_what_is_missing(what: str, reasons: Mapping[str, str]) -> None:
    """Warn of figures that could not be found, those with one reason together."""
    for why in dict.fromkeys(reasons.values()):
        names = ", ".join(name for name, its in reasons.items() if its == why)
        warnings.warn(f"no {what} of {names}: {why}", ConvergenceWarning, stacklevel=3)


def _fit_more(
    history: CatchHistory,
    asked: Sequence[NamedWorld | World],
    stocks: Mapping[str, Posterior],
    survey: Survey | None,
    seed: int,
    tell: Callable[[str, float], None],
) -> tuple[dict[str, Posterior], dict[str, str]]:
    """Fit the laws that worlds are made of and managers do not believe in; return why one cannot be fitted."""
    laws = {
        law: None for one in asked if isinstance(one, NamedWorld) for law in one.laws if law not in stocks
    }
    found: dict[str, Posterior] = {}
    reasons: dict[str, str] = {}
    for law in laws:
        try:
            found[law] = fitted_law(history, law, survey, seed, tell)
        except FitError as problem:
            reasons[law] = str(problem)
    return found, reasons


def _truths(
    asked: Sequence[NamedWorld | World],
    stocks: Mapping[str, Posterior],
    reasons: Mapping[str, str],
    years: int,
) -> list[World]:
    """Return the worlds whose stocks could be fitted; a warning names the others."""
    truth = []
    for one in asked:
        if isinstance(one, World):
            truth.append(one)
        elif all(law in stocks for law in one.laws):
            truth.append(one.world(stocks, years))
        else:
            missing = next(law for law in one.laws if law not in stocks)
            words = f"the world {one.name!r} is left out: {reasons[missing]}"
            if not truth:
                words += "; figures of each policy alone are of the first of the others"
            warnings.warn(words, ConvergenceWarning, stacklevel=3)
    if not truth:
        raise EvaluationError("no world is left to compare policies in: none of their laws can be fitted")
    return truth


def _check_truths(truth: Sequence[World], posterior: Posterior, collapse: str | float) -> None:
    """Refuse, before the long work, worlds in another unit than the fit, and a limit that none of them has."""
    known, refused = False, None
    for world in truth:
        for _, stock in world.eras:
            if getattr(stock, "unit", posterior.unit) != posterior.unit:
                raise EvaluationError(
                    f"the world {world.name!r} counts biomass in {stock.unit!r} and the fit in {posterior.unit!r}: "
                    "give its stock that unit, and its numbers"
                )
        worlds = getattr(world.stock, "members", None)
        if worlds is None:
            known = True  # of a stock of one's own only its draws tell
            continue
        points = reference_points(worlds, np.size(worlds.initial_biomass))
        columns = {key: (("world", "replicate"), values[None]) for key, values in points.items()}
        try:
            collapse_limit(xr.Dataset(columns), collapse)
            known = True
        except EvaluationError as problem:
            refused = problem
    if not known and refused is not None:
        raise refused
