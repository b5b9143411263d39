"""Rules that build on past catches and surveys, made anew when years have been added to the history."""

from __future__ import annotations

import warnings
from dataclasses import fields, replace
from typing import Any

import numpy as np

from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import HistoryWarning, PolicyError, SolverError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.later_years import LaterYears
from ecodecide.policy.rules import SeriesPolicy
from ecodecide.solvers.past_surveys import PastSurveys, later_surveys, past_surveys
from ecodecide.solvers.precautionary import RULES, Precautionary
from ecodecide.solvers.solution import Solution


def series_anew(solution: Solution, problem: HarvestProblem, later: LaterYears) -> Solution | None:
    """Return a rule on a series of surveys with its numbers from a history and the years after it.

    Led through those years instead, it would start from advice that nobody gave.

    Parameters
    ----------
    solution
        The rule as it was made from the history alone.
    problem
        With the history.
    later
        The years after it.

    Returns
    -------
    Solution
        With a `SeriesPolicy`. None where it cannot be made: the rule is none of the named ones, or it has no catch to
        start from.
    """
    named = _named(solution)
    if named is None or problem.history is None:
        return None
    try:
        found = named.solve(_lengthened(problem, later), seen=_seen(problem, later))
    except (SolverError, PolicyError):
        return None
    return found if isinstance(found.policy, SeriesPolicy) else None


def _named(solution: Solution) -> Precautionary | None:
    """Return the solver of a rule on a series, from the settings that it left; None of any other policy."""
    settings: Any = solution.settings
    names = [field.name for field in fields(Precautionary)]
    if not isinstance(solution.policy, SeriesPolicy) or not all(name in settings for name in names):
        return None
    if settings["rule"] not in RULES:
        return None
    given = {name: settings[name] for name in names}
    return Precautionary(**{**given, "relative_f": tuple(given["relative_f"])})


def _lengthened(problem: HarvestProblem, later: LaterYears) -> HarvestProblem:
    """Return the problem with the catches of all years, which are all that such rules take from its history."""
    history = problem.history
    assert history is not None
    # its last year comes again with the later ones, where its catch was not known
    kept = len(history.year) - int(history.year[-1] == later.year[0])
    with warnings.catch_warnings():
        # of the history itself it was said
        warnings.simplefilter("ignore", HistoryWarning)
        whole = CatchHistory(
            year=np.append(history.year[:kept], later.year),
            catch=np.append(history.catch[:kept], later.catch),
            id=history.id,
        )
    return replace(problem, history=whole)


def _seen(problem: HarvestProblem, later: LaterYears) -> PastSurveys:
    """Return the surveys of all years, in units of biomass by the catchability of the history."""
    before, after = past_surveys(problem), later_surveys(problem, later)
    if np.isnan(after[0]):
        after = np.append(before.this_year, after[1:])
    caught = int(np.isfinite(later.catch).sum())
    this_year = float(after[caught]) if len(after) > caught else float("nan")
    return PastSurveys(np.append(before.surveys, after[:caught]), this_year, before.over_best)
