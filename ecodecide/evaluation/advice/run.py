"""Next year's quota, and why: the belief about the biomass, what each policy advises, and what follows from it."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from ecodecide import __version__
from ecodecide.decision.economy import Economy
from ecodecide.errors import EcodecideWarning, EvaluationError, QuotaWarning
from ecodecide.evaluation.advice.assumptions import advice_assumptions
from ecodecide.evaluation.advice.biomass_belief import BiomassBelief, Spread, biomass_belief
from ecodecide.evaluation.advice.consequences import Consequences, consequences
from ecodecide.evaluation.advice.next_survey import NextSurvey, what_would_change
from ecodecide.evaluation.advice.recommendation import Advice, Recommendation
from ecodecide.evaluation.advice.rules_anew import series_anew
from ecodecide.evaluation.closed_loop import check_settings, evaluate
from ecodecide.evaluation.limits import read_limit
from ecodecide.evaluation.managed_stock import (
    DEFAULT_SOLVERS,
    ManagedStock,
    Progress,
    fitted_stock,
    solvers_by_name,
)
from ecodecide.evaluation.named_worlds import FITTED
from ecodecide.evaluation.provenance import citations, ends_with_a_survey, versions
from ecodecide.evaluation.stock_worlds import world_limits
from ecodecide.evaluation.world import World
from ecodecide.fitting.laws import DEFAULT_LAWS
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.update import update as updated
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.later_years import LaterYears, Update, decision_year, later_years
from ecodecide.history.library import load_history
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.protocol import Policy
from ecodecide.policy.resumed import Resumed, resumed
from ecodecide.solvers.after_history import after_history, last_year
from ecodecide.solvers.past_surveys import heard_share, later_surveys
from ecodecide.solvers.solution import Solution, Solver
from ecodecide.stock.growth import Array
from ecodecide.stock.survey import Survey


def recommend(
    stock: str | os.PathLike[str] | CatchHistory | ManagedStock,
    solvers: Sequence[str] | Mapping[str, Solver] | None = None,
    *,
    policies: Mapping[str, Solution | Policy] | None = None,
    update: Update | LaterYears | None = None,
    growth: str | Sequence[str] = DEFAULT_LAWS,
    survey: Survey | str | None = None,
    economy: Economy | None = None,
    years: Sequence[int] = (5, 10, 20),
    replicates: int = 2000,
    seed: int = 1,
    collapse: str | float = "0.1K",
    implementation_cv: float = 0.0,
    cells: int = 100,
    gap: float = 0.01,
    progress: Progress | None = None,
) -> Recommendation:
    """Advise next year's quota of a stock, with the reasons: fit, solve, and look ahead from where the stock stands.

    Each policy decides the year after the history, on all that is known then and before any survey of that year that
    the history does not hold. What follows is simulated from the joint draws of parameters and of the biomass today,
    the same for all policies, and every policy goes on deciding on the surveys to come.

    Parameters
    ----------
    stock
        Name of a shipped history, path of a CSV file, a history; or a stock that is fitted and managed already, which
        is not fitted or solved again.
    solvers
        Names, or solvers by names of their own; None for those of `ecodecide.compare`, or what a managed stock has.
    policies
        Policies by names of their own, for this stock and in its unit: nothing is solved.
    update
        New years: a CSV file or mapping, see `ecodecide.history.later_years.later_years`. The fit is updated by them
        and not made again, and the policies live through them.
    growth, survey, economy, implementation_cv, cells, gap
        As in `ecodecide.compare`; a managed stock has its own.
    years
        The numbers of years ahead that consequences are told of.
    replicates
        Number of simulated futures.
    seed
        The same seed gives the same figures.
    collapse
        The limit, see `ecodecide.score`.
    progress
        Called with words and the share of that step done.

    Returns
    -------
    Recommendation
        `belief` about the biomass, `advice` by policy (quota, consequences, the survey that would change it), and the
        futures, `runs`; `save` and `to_dict` keep it.

    Raises
    ------
    EcodecideError
        When the history or the update cannot be used, or every solver fails.

    Warns
    -----
    QuotaWarning
        When a quota is more than the median of the biomass believed in.

    Examples
    --------
    ``recommend("hake-argentina-north")`` is all that it takes. With a fit of one's own, here a small one:

    >>> import ecodecide as eco
    >>> history = eco.load_history("hake-argentina-north")
    >>> posterior = eco.fit(history, "logistic", draws=40, cells=80)
    >>> problem = eco.HarvestProblem(stock=posterior, survey=posterior.survey, grid=eco.Grid(1e6), history=history)
    >>> found = recommend(ManagedStock(history, posterior, problem), ["tac", "no-fishing"], replicates=50)
    >>> found.year, found.advice["no-fishing"].quota
    (2019, 0.0)
    >>> found.advice["tac"].next_survey.year, found.advice["tac"].next_survey.this_year
    (2019, True)
    """
    tell = progress or (lambda words, share: None)
    horizons = _horizons(years)
    check_settings(horizons[-1], replicates, seed, implementation_cv)
    read_limit(collapse)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EcodecideWarning)
        solved = isinstance(stock, ManagedStock) and solvers is None and bool(stock.solutions)
        # asked for by wrong names, they are refused before the long work of fitting
        named = {} if policies or solved else solvers_by_name(solvers or DEFAULT_SOLVERS, gap)
        if isinstance(stock, ManagedStock):
            managed = stock
        else:
            history = stock if isinstance(stock, CatchHistory) else load_history(stock)
            managed, _ = fitted_stock(history, growth, survey, economy, seed, implementation_cv, cells, tell)
        # and so is a limit that no world of the fit has, before that of solving
        world_limits(managed.posterior.members, collapse, managed.posterior.size)
        if policies:
            managed = replace(managed, solutions=_solutions(policies), failures={})
        elif named:
            managed = managed.solved(named, tell)
        later = (
            update
            if update is None or isinstance(update, LaterYears)
            else later_years(managed.history, update)
        )
        posterior = managed.posterior
        if later is not None:
            posterior = updated(
                posterior, managed.history, later, survey=managed.problem.survey, seed=seed,
                progress=lambda share: tell("update", share),
            ).posterior  # fmt: skip
        anew = _anew(managed, later)
        ready = {
            name: anew[name].policy if name in anew else _ready(policy, managed, posterior, later)
            for name, policy in managed.policies.items()
        }
        runs = evaluate(
            ready,
            truth=World(posterior, FITTED), survey=managed.problem.survey, economy=managed.problem.economy,
            years=horizons[-1], replicates=replicates, seed=seed,
            implementation_cv=managed.problem.implementation_cv, first_survey=False,
            progress=lambda words, share: tell("simulate", share),
        )  # fmt: skip
        now = _Now(
            managed, posterior,
            decision_year(managed.history) if later is None else later.decision_year,
            ends_with_a_survey(managed.history) if later is None else later.ends_with_a_survey,
            _catches(managed.history, later), biomass_belief(posterior.members, collapse), runs,
        )  # fmt: skip
        advice = {}
        for number, (name, policy) in enumerate(ready.items()):
            tell("what would change it", number / len(ready))
            # its status tells the numbers of a rule
            solution = anew.get(name, managed.solutions[name])
            advice[name] = _advice(name, policy, solution, now, consequences(runs, name, horizons, collapse))
        tell("what would change it", 1.0)
        _check_quotas(advice.values(), now.belief, posterior.unit)
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    problem = managed.problem
    settings = {
        "ecodecide_version": __version__,
        "solvers": list(managed.solutions) + list(managed.failures), "growth": posterior.law,
        "survey": repr(problem.survey), "economy": dict(vars(problem.economy)), "years": list(horizons),
        "replicates": replicates, "seed": seed, "collapse": str(collapse),
        "implementation_cv": problem.implementation_cv, "fit": dict(posterior.settings),
        "grid": {"upper": problem.grid.upper, "cells": problem.grid.cells, "scheme": problem.grid.scheme},
        "updated_to": None if later is None else int(later.year[-1]),
    }  # fmt: skip
    return Recommendation(
        managed, posterior, later, now.year, now.catches, now.belief, advice, runs,
        json.loads(json.dumps(settings, default=str)),
        advice_assumptions(managed, posterior, horizons[-1], now.year, now.heard, None if later is None else anew),
        citations(managed.history, managed.solutions), versions(),
        tuple(str(w.message) for w in caught if issubclass(w.category, EcodecideWarning)),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Now:
    """What is known when the advice is given, and what was simulated from there; see `Recommendation`."""

    managed: ManagedStock
    posterior: Posterior
    year: int
    heard: bool
    catches: tuple[tuple[int, float], ...]
    belief: BiomassBelief
    runs: xr.Dataset


def _horizons(years: Sequence[int]) -> tuple[int, ...]:
    given = [years] if isinstance(years, int) else list(years)
    if not given or not all(isinstance(one, int | np.integer) and one >= 1 for one in given):
        raise EvaluationError(
            f"years must be whole numbers of at least 1, such as (5, 10, 20), got {years!r}"
        )
    return tuple(sorted({int(one) for one in given}))


def _solutions(policies: Mapping[str, Solution | Policy]) -> dict[str, Solution]:
    found = {}
    for name, one in policies.items():
        if isinstance(one, Solution):
            found[name] = one
        elif hasattr(one, "decide"):
            found[name] = Solution(one, status="a policy as given", settings={"solver": name})
        else:
            raise EvaluationError(f"{name!r} is a {type(one).__name__}: expected a policy or a solution")
    return found


def _anew(managed: ManagedStock, later: LaterYears | None) -> dict[str, Solution]:
    """Return the rules on a series of surveys that an update makes anew, by name."""
    if later is None:
        return {}
    made = {name: series_anew(one, managed.problem, later) for name, one in managed.solutions.items()}
    return {name: one for name, one in made.items() if one is not None}


def _ready(policy: Policy, managed: ManagedStock, posterior: Posterior, later: LaterYears | None) -> Policy:
    """Return a policy as it stands in the year of the decision."""
    problem = managed.problem
    if later is None:
        return after_history(policy, problem)
    surveys, catches = last_year(policy, problem)
    surveys += later_surveys(problem, later).tolist()
    catches += later.catch[np.isfinite(later.catch)].tolist()
    expected = _mean_biomass(posterior) * heard_share(problem, posterior)
    return resumed(policy, surveys, catches, expected=expected)


def _mean_biomass(posterior: Posterior) -> float:
    """Return the mean of the belief about the biomass today; its first cell is that of no biomass."""
    edges = posterior.terminal_edges
    return float(posterior.terminal_mass @ np.append(0.0, 0.5 * (edges[1:-1] + edges[2:])))


def _catches(history: CatchHistory, later: LaterYears | None) -> tuple[tuple[int, float], ...]:
    """Return the catches that are known, each with its year."""
    years, catches = list(history.year), list(history.catch)
    if later is not None:
        # the last year of the history may have got its catch
        kept = len(years) - int(years[-1] == later.year[0])
        years, catches = [*years[:kept], *later.year], [*catches[:kept], *later.catch]
    return tuple((int(y), float(c)) for y, c in zip(years, catches, strict=True) if np.isfinite(c))


def _advice(name: str, policy: Policy, solution: Solution, now: _Now, follows: Consequences) -> Advice:
    # the one that the simulation begins with: it is the same in all futures, which know the same
    quota = float(now.runs["quota"].sel(policy=name).isel(world=0, year=0, replicate=0))
    _, memory = policy.decide(policy.start(1), np.array([np.nan]), None)
    problem, members = now.managed.problem, now.posterior.members
    coming = (
        NextSurvey.after(now.year + 1, members, problem.survey, quota)
        if now.heard
        else NextSurvey.of(now.year, members, problem.survey)
    ).heard(problem, now.posterior)

    def answer(seen: Array) -> Array:
        if not now.heard:
            return np.asarray(policy.decide(policy.start(len(seen)), seen, None)[0], dtype=float)
        rows = None if memory is None else np.repeat(memory, len(seen), axis=0)
        return np.asarray(policy.decide(rows, seen, np.full(len(seen), quota))[0], dtype=float)

    median, last_catch = now.belief.biomass.median, now.catches[-1][1]
    return Advice(
        name=name,
        quota=quota,
        share=quota / median if median > 0.0 else None,
        over_last_catch=quota / last_catch if last_catch > 0.0 else None,
        status=solution.status,
        settings=solution.settings,
        consequences=follows,
        next_survey=what_would_change(coming, quota, not now.heard, answer),
        belief=_belief_of(policy, memory),
    )


def _check_quotas(advice: Iterable[Advice], belief: BiomassBelief, unit: str) -> None:
    """Warn of quotas above the median of the biomass believed in."""
    median = belief.biomass.median
    above = [f"{one.name} {_written(one.quota)}" for one in advice if one.quota > median]
    if above:
        warnings.warn(
            f"more is advised than there is believed to be, a median biomass of {_written(median)} ({unit}): "
            f"{', '.join(above)}; look at the policy's own belief, or take another's quota",
            QuotaWarning,
            stacklevel=3,
        )


def _written(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 1e3 else f"{amount:.4g}"


def _belief_of(policy: Policy, memory: Any) -> Spread | None:
    """Return the belief on which a policy has decided, None of one that has none."""
    own = policy.policy if isinstance(policy, Resumed) else policy
    if not isinstance(own, BeliefPolicy):
        return None
    return Spread.of(own.arrays.grid.points, own.belief(memory)[0])
