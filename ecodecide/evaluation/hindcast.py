"""What each policy would have advised in each year of a history, beside what was caught."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from ecodecide import __version__
from ecodecide.decision.economy import Economy
from ecodecide.errors import EcodecideWarning, EvaluationError
from ecodecide.evaluation.belief_track import QUANTILES, member_limits
from ecodecide.evaluation.counterfactual import ACTUAL, SUMS, counterfactual
from ecodecide.evaluation.grouped_file import write_groups
from ecodecide.evaluation.inferred_past import infer_past
from ecodecide.evaluation.limits import read_limit
from ecodecide.evaluation.managed_stock import DEFAULT_SOLVERS, ManagedStock, fitted_stock, solvers_by_name
from ecodecide.evaluation.past_advice import FEWEST, Advisor, FitForEachYear, OneFit, YearOfAdvice, each_year
from ecodecide.evaluation.past_years import PastYears
from ecodecide.evaluation.provenance import citations, fingerprint, versions
from ecodecide.fitting.laws import DEFAULT_LAWS
from ecodecide.fitting.posterior import interval
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.library import load_history
from ecodecide.solvers.solution import Solver
from ecodecide.stock.growth import Array
from ecodecide.stock.survey import Survey, parse_survey

SCHEMA = "ecodecide-hindcast-1"
"""The version of the layout of a hindcast's file."""

INTERRUPTED = "interrupted before this year"


@dataclass(frozen=True, eq=False)
class Hindcast:
    """What `hindcast` found.

    Attributes
    ----------
    managed
        The stock as the whole history shows it; with one fit, also its policies.
    data
        Dimensions (policy, year, quantile, limit, state): `advised` (policy, year), NaN where there is none; `catch`,
        `observed` in units of biomass, an index in hindsight: by its catchability in the whole history; the belief
        about each year's biomass as it was then, `belief` (year, state), `belief_mean`, `belief_quantile` (quantile,
        year), `belief_below` (limit, year); `hindsight` (quantile, year), what the whole history says of the same.
    reasons
        By policy and year, why there is no advice.
    counterfactual
        What would have happened, see `ecodecide.evaluation.counterfactual`; None where it cannot be said, and `notes`
        say why.
    causal
        Whether no advice or belief of a year rests on a later one; the notes say what does.
    notes
        What the figures rest on.
    settings, assumptions, cite, warnings
        For the record.
    """

    managed: ManagedStock
    data: xr.Dataset
    reasons: Mapping[str, Mapping[int, str]]
    counterfactual: xr.Dataset | None
    causal: bool
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
    assumptions: tuple[str, ...] = ()
    cite: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def interrupted(self) -> bool:
        """Whether an interrupt ended it early."""
        return any(why == INTERRUPTED for years in self.reasons.values() for why in years.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the hindcast as plain values that JSON can hold; None for what is undefined."""
        data = self.data
        solutions = self.managed.solutions
        policies = [
            {
                "name": name,
                "advised": _plain(data["advised"].sel(policy=name)),
                "reasons": {str(year): why for year, why in self.reasons.get(name, {}).items()},
                "status": solutions[name].status if name in solutions else self.managed.failures.get(name),
            }
            for name in map(str, data["policy"].values)
        ]
        return {
            "stock": self.managed.history.id,
            "unit": self.managed.posterior.unit,
            "mode": self.settings["mode"],
            "causal": self.causal,
            "years": [int(year) for year in data["year"].values],
            "catch": _plain(data["catch"]),
            "observed": _plain(data["observed"]),
            "policies": policies,
            "belief": {
                "mean": _plain(data["belief_mean"]),
                "quantiles": _by(data["belief_quantile"], "quantile"),
                "below": _by(data["belief_below"], "limit"),
            },
            "hindsight": {"quantiles": _by(data["hindsight"], "quantile")},
            "counterfactual": None if self.counterfactual is None else _told(self.counterfactual),
            "fit": {"law": self.managed.posterior.law, "status": self.managed.posterior.status},
            "notes": list(self.notes),
            "settings": dict(self.settings),
            "assumptions": list(self.assumptions),
            "warnings": list(self.warnings),
            "cite": list(self.cite),
        }

    def to_dataset(self) -> xr.Dataset:
        """Return `data` with everything needed to tell where it comes from."""
        told = {
            "settings": dict(self.settings), "notes": list(self.notes), "assumptions": list(self.assumptions),
            "cite": list(self.cite), "warnings": list(self.warnings), "versions": versions(),
            "reasons": {n: {str(y): why for y, why in years.items()} for n, years in self.reasons.items()},
            "history": fingerprint(self.managed.history), "fit": self.managed.posterior.summary(),
        }  # fmt: skip
        words = {
            "schema": SCHEMA,
            "ecodecide_version": __version__,
            "stock": self.managed.history.id,
            "unit": self.managed.posterior.unit,
            "mode": self.settings["mode"],
            "causal": int(self.causal),
        }
        return self.data.assign_attrs(
            words | {name: json.dumps(value, default=str) for name, value in told.items()}
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dataset` to a NetCDF file, and the counterfactual to its group, whole or not at all.

        Raises
        ------
        EvaluationError
            When the file cannot be written.
        """
        groups = {} if self.counterfactual is None else {"counterfactual": self.counterfactual}
        write_groups(self.to_dataset(), groups, path)


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

    Raises
    ------
    EcodecideError
        When the history cannot be used, or every solver fails.

    Notes
    -----
    The belief about biomass is that of the decision grid: before the first survey it is uniform over its states.
    Policies that act on observed biomass take a survey for it, or, where there is none, the last one seen. With
    `refit` they are asked as at the end of any history, and take the mean of the belief that the year's fit ends with,
    which has heard the survey. Nothing is advised before the first survey.

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
        data=_dataset(managed, past, places, advice, list(named)),
        reasons=_reasons(past, places, advice, list(named)),
        counterfactual=what_if,
        causal=refit and history.observed != "assessment biomass",
        notes=(*_notes(managed, past, mode, start if what_if is not None else None), *why_not),
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


def _dataset(
    managed: ManagedStock,
    past: PastYears,
    places: range,
    advice: Mapping[int, YearOfAdvice],
    names: list[str],
) -> xr.Dataset:
    """Put the advice and beliefs of each year beside what happened."""
    grid, unit = managed.problem.grid, managed.posterior.unit
    nothing = YearOfAdvice({}, {})
    each = [advice.get(place, nothing) for place in places]
    limits = list(dict.fromkeys(limit for one in each for limit in one.below or {}))
    empty, unknown = np.full(len(grid.points), np.nan), np.full(len(QUANTILES), np.nan)
    rows = list(places)
    hindsight = np.quantile(managed.posterior.trajectory_biomass[:, rows], QUANTILES, axis=0)
    observed_in = "in units of biomass"
    if past.history.free_catchability:
        observed_in += " by the catchability of the whole history, in hindsight"
    words = {
        "advised": ("quota advised before the year's catch (NaN: none)", unit),
        "catch": ("what was caught (NaN: not known)", unit),
        "observed": (f"survey before the year's catch, {observed_in} (NaN: none)", unit),
        "belief": ("probability of the biomass before harvest, as it was believed then", "1"),
        "belief_mean": ("mean of the belief of then", unit),
        "belief_quantile": ("quantiles of the belief of then", unit),
        "belief_below": ("probability of being below each limit, as it was believed then", "1"),
        "hindsight": ("quantiles of the biomass before harvest, given the whole history", unit),
        "year": ("year", "1"),
        "state": ("biomass that stands for a state of the decision grid", unit),
        "policy": ("policy", "1"),
        "quantile": ("quantile", "1"),
        "limit": ("collapse limit", "1"),
    }
    data = xr.Dataset(
        {
            "advised": (
                ("policy", "year"),
                np.array([[one.quotas.get(name, np.nan) for one in each] for name in names]),
            ),
            "catch": ("year", past.catch[rows]),
            "observed": ("year", past.surveys[rows]),
            "belief": (("year", "state"), np.array([empty if o.belief is None else o.belief for o in each])),
            "belief_mean": ("year", [one.mean for one in each]),
            "belief_quantile": (
                ("quantile", "year"),
                np.array([unknown if one.quantiles is None else one.quantiles for one in each]).T,
            ),
            "belief_below": (
                ("limit", "year"),
                np.array(
                    [[(one.below or {}).get(limit, np.nan) for one in each] for limit in limits]
                ).reshape(len(limits), len(each)),
            ),
            "hindsight": (("quantile", "year"), hindsight),
        },
        coords={
            "policy": names,
            "year": past.year[rows],
            "quantile": list(QUANTILES),
            "limit": limits,
            "state": grid.points,
        },
    )
    for name, (long_name, units) in words.items():
        data[name].attrs = {"long_name": long_name, "units": units}
    return data


def _notes(managed: ManagedStock, past: PastYears, mode: str, start: int | None) -> list[str]:
    """Return what the figures of a hindcast rest on, one line each."""
    history, last = managed.history, int(past.year[-1])
    lines = [
        "advice of a year rests on the catches before it and the surveys up to its own"
        if mode == "refit"
        else f"parameters, catchability and policies are those of the fit to all years up to {last}: they know the "
        "future, beliefs and the numbers that rules take from the past do not"
    ]
    if history.observed == "assessment biomass":
        lines.append(
            "NOT CAUSAL: the observations are the biomass of an assessment, which has seen later years when it put out "
            "that of a year; no manager knew it then"
        )
    if history.free_catchability:
        lines.append(
            "IN HINDSIGHT: observations in units of biomass are the surveys over the catchability of the fit to all "
            + ("years; advice goes by that of the year's own fit" if mode == "refit" else "years")
        )
    taken = "the mean of the belief that the year's fit ends with" if mode == "refit" else "the survey"
    lines.append(
        f"policies on observed biomass take {taken} for it; rules that start from past catches or surveys are made "
        "anew each year; every catch is that of the reports"
    )
    if start is not None:
        lines.append(
            f"had it been followed from {past.year[start]}: each posterior draw of the past is lived through again "
            "with its own process and survey errors; intervals are posterior (how well the past is known), not Monte "
            "Carlo"
        )
        lines.append(
            f"the policies followed are those of {past.year[start]}, made of what was known then"
            if mode == "refit"
            else "policies that were fitted to the same years are flattered by what would have happened; --refit is not"
        )
    return lines


def _plain(values: Any) -> list[float | None]:
    """Return numbers as JSON can hold them."""
    return [float(value) if np.isfinite(value) else None for value in np.asarray(values)]


def _by(values: xr.DataArray, dim: str) -> dict[str, list[float | None]]:
    """Return the series of each label of a dimension."""
    return {str(label): _plain(values.sel({dim: label})) for label in values[dim].values}


def _told(found: xr.Dataset) -> dict[str, Any]:
    """Return a counterfactual as plain values."""
    actual = found.sel(policy=ACTUAL)
    policies = []
    for name in map(str, found["policy"].values):
        one = found.sel(policy=name)
        entry: dict[str, Any] = {"name": name}
        for key in ("biomass", "catch"):
            entry[key] = _by(one[key], "quantile")
        for key in SUMS:
            entry[key] = interval(one[key].values)
        fell = np.asarray(one["collapsed"].values)
        known: Array = fell[np.isfinite(fell)]
        entry["collapse_probability"] = float(known.mean()) if known.size else None
        entry["difference"] = {key: interval(one[key].values - actual[key].values) for key in SUMS}
        policies.append(entry)
    return {
        "start": int(found["year"].values[0]),
        "years": [int(year) for year in found["year"].values],
        "draws": int(found.attrs["draws"]),
        "draws_with_a_reduced_catch": int(found.attrs["reduced"]),
        "draws_left_out": int(found.attrs["left_out"]),
        "intervals": str(found.attrs["intervals"]),
        "policies": policies,
    }
