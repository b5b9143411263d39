"""What each policy would have advised in each year of a history, beside what was caught."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from ecodecide import __version__
from ecodecide.decision.economy import Economy
from ecodecide.errors import EcodecideWarning, EvaluationError
from ecodecide.evaluation.hindcast.belief_track import member_limits
from ecodecide.evaluation.hindcast.counterfactual import counterfactual
from ecodecide.evaluation.hindcast.dataset import hindcast_dataset
from ecodecide.evaluation.hindcast.inferred_past import infer_past
from ecodecide.evaluation.hindcast.notes import notes
from ecodecide.evaluation.hindcast.past_advice import (
    FEWEST,
    Advisor,
    FitForEachYear,
    OneFit,
    YearOfAdvice,
    each_year,
)
from ecodecide.evaluation.hindcast.past_years import PastYears
from ecodecide.evaluation.hindcast.result import INTERRUPTED, Hindcast
from ecodecide.evaluation.limits import read_limit
from ecodecide.evaluation.managed_stock import DEFAULT_SOLVERS, ManagedStock, fitted_stock, solvers_by_name
from ecodecide.evaluation.provenance import citations
from ecodecide.fitting.laws import DEFAULT_LAWS
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.library import load_history
from ecodecide.solvers.solution import Solver
from ecodecide.stock.survey import Survey, parse_survey


def hindcast(
    stock: str | os.PathLike[str] | CatchHistory,
    solvers: Sequence[str] | Mapping[str, Solver] = DEFAULT_SOLVERS,
    *,
    refit: bool = False,
    first: int | None = None,
    every: int = 1,
    growth: str | Sequence[str] = DEFAULT_LAWS,
    survey: Survey | str | None = None,
    economy: Economy | None = None,
    seed: int = 1,
    collapse: str | float = "0.1K",
    cells: int = 100,
    gap: float = 0.01,
    progress: Callable[[str, float], None] | None = None,
) -> Hindcast:
    """Ask policies what they would have advised in each year of a history, given only what was known then.

    In a year that are the catches of the years before, and the surveys up to its own. Then policies are followed from
    a year on, in each posterior draw of the past with its own process and survey errors.

    Parameters
    ----------
    stock
        Name of a shipped history, path of a CSV file, or a history.
    solvers
        Names, or solvers by names of their own.
    refit
        Whether to fit and solve again for each year, on what was known then. Without, parameters are those of the fit
        to the whole history: they know the future, beliefs do not.
    first
        The first year whose advice is told, and from which policies are followed. None tells all that there is, and
        follows from the sixth year, or that of the fifth survey if it is later.
    every
        With `refit`, only every so many years are fitted, the first of them among them.
    growth, survey, economy, seed, collapse, cells, gap
        As in `ecodecide.compare`.
    progress
        Called with words and the share of that step done.

    Returns
    -------
    Hindcast
        `data`, advice and beliefs of each year beside the catch; `counterfactual`, what would have come of it;
        `notes`, what both rest on; `save` and `to_dict` keep it.

    Raises
    ------
    EcodecideError
        When the history cannot be used, or every solver fails.

    Notes
    -----
    The belief about biomass is that of the decision grid: before the first survey it is uniform over its states.
    Policies that act on observed biomass take a survey for it, or, where there is none, the last one seen. With
    `refit` they are asked as at the end of any history, and take the mean of the belief that the year's fit ends with,
    which has heard the survey; of an index they take the survey to be expected by that belief. Nothing is advised
    before the first survey.

    An interrupt while years are fitted again ends the hindcast after the first of them, with the advice found so far.

    Examples
    --------
    >>> found = hindcast("hake-argentina-north", ["tac", "no-fishing"], growth="logistic", first=2000)
    >>> found.causal, int(found.data.year[0]), bool((found.data.advised.sel(policy="tac") > 0).all())
    (False, 2000, True)
    """
    tell = progress or (lambda words, share: None)
    error = parse_survey(survey) if isinstance(survey, str) else survey
    read_limit(collapse)
    if every < 1:
        raise EvaluationError(f"every must be a whole number of at least 1 year, got {every}")
    named = solvers_by_name(solvers, gap)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EcodecideWarning)
        history = stock if isinstance(stock, CatchHistory) else load_history(stock)
        if first is not None and not history.year[0] <= first <= history.year[-1]:
            raise EvaluationError(
                f"{history.id}: the history goes from {history.years[0]} to {history.years[1]}, and {first} is asked "
                "for as the first year"
            )
        managed, _ = fitted_stock(history, growth, error, economy, seed, 0.0, cells, tell)
        if str(collapse) not in member_limits(managed.posterior, collapse):
            raise EvaluationError(
                f"the collapse limit {str(collapse)!r} does not exist for this stock: give another, or a biomass"
            )
        past = PastYears.of(managed.problem)

        def fit(known: CatchHistory) -> ManagedStock:
            then, _ = fitted_stock(known, growth, error, economy, seed, 0.0, cells, lambda words, share: None)
            return then.solved(named, lambda words, share: None)

        advisor: Advisor
        if refit:
            advisor = FitForEachYear(fit, named, past, managed.problem.grid, collapse)
        else:
            managed = replace(managed, problem=replace(managed.problem, initial="uniform")).solved(
                named, tell
            )
            advisor = OneFit(managed, named, past, collapse)
        start = _start(past) if first is None else int(first - history.year[0])
        begin = start if first is not None or refit else 0
        places = range(begin, len(past.year), every if refit else 1)
        words = "fit each year" if refit else "advise"
        advice = dict(
            each_year(advisor, places, lambda place: tell(words, places.index(place) / len(places)))
        )
        tell(words, 1.0)
        what_if, why_not = _followed(advisor, managed, past, start, collapse, first is not None)
    # a fit for each year may say the same many times
    for warning in {str(one.message): one for one in caught}.values():
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    mode = "refit" if refit else "fixed"
    return Hindcast(
        managed=managed,
        data=hindcast_dataset(managed, past, places, advice, list(named)),
        reasons=_reasons(past, places, advice, list(named)),
        counterfactual=what_if,
        causal=refit and history.observed != "assessment biomass",
        notes=(*notes(managed, past, mode, start if what_if is not None else None), *why_not),
        settings={
            "ecodecide_version": __version__, "mode": mode, "solvers": list(named),
            "growth": growth if isinstance(growth, str) else ",".join(growth), "survey": repr(managed.problem.survey),
            "economy": dict(vars(managed.problem.economy)), "seed": seed, "collapse": str(collapse),
            "first": int(past.year[begin]) if begin < len(past.year) else None, "every": every if refit else 1,
            "fit": dict(managed.posterior.settings), "gap": gap,
            "grid": {"upper": managed.problem.grid.upper, "cells": cells, "scheme": managed.problem.grid.scheme},
        },
        assumptions=(*history.notes, *managed.posterior.assumptions),
        cite=citations(history, managed.solutions),
        warnings=tuple(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, EcodecideWarning))),
    )  # fmt: skip


def _start(past: PastYears) -> int:
    """Return the place of the first year in which policies are followed: some years and surveys have gone before."""
    return max(FEWEST, past.surveyed(FEWEST))


def _followed(
    advisor: Advisor, managed: ManagedStock, past: PastYears, start: int, collapse: str | float, asked: bool
) -> tuple[xr.Dataset | None, tuple[str, ...]]:
    """Return the counterfactual, or why there is none."""
    years = len(past.year) - int(np.isnan(past.catch[-1]))
    if start >= years and asked:
        return None, (f"no counterfactual: the catch of {past.year[start]} is not known",)
    if start >= years:
        return None, (
            f"no counterfactual: no year with a catch is left after {FEWEST} years and {FEWEST} surveys; give the "
            "first year to follow policies from",
        )
    standings = advisor.standings(start)
    if not standings:
        return None, (f"no counterfactual: no policy had any advice in {past.year[start]}",)
    inferred = infer_past(managed.posterior, past)
    limit = member_limits(managed.posterior, collapse)[str(collapse)][inferred.member]
    return counterfactual(standings, inferred, managed.problem.economy, limit, start), ()


def _reasons(
    past: PastYears, places: range, advice: Mapping[int, YearOfAdvice], names: list[str]
) -> dict[str, dict[int, str]]:
    """Return why there is no advice, by policy and year."""
    found: dict[str, dict[int, str]] = {name: {} for name in names}
    for place in places:
        for name in names:
            given = advice.get(place)
            if given is None:
                found[name][int(past.year[place])] = INTERRUPTED
            elif name not in given.quotas:
                found[name][int(past.year[place])] = given.reasons[name]
    return {name: years for name, years in found.items() if years}
