"""Hindcasts: no advice rests on what came later, and each is what the tool would have said."""

import json
import math
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import ecodecide as eco
from ecodecide.decision.belief import condition, harvest
from ecodecide.errors import EcodecideError, EvaluationError, FitError, HistoryWarning
from ecodecide.evaluation import managed_stock
from ecodecide.evaluation.hindcast import hindcast
from ecodecide.evaluation.hindcast.belief_track import QUANTILES, belief_track, member_limits
from ecodecide.evaluation.hindcast.past_advice import FIRST, UNSEEN, FitForEachYear, OneFit, each_year
from ecodecide.evaluation.hindcast.past_years import PastYears, known_in
from ecodecide.evaluation.hindcast.result import SCHEMA
from ecodecide.evaluation.managed_stock import ManagedStock, fitted_stock, solvers_by_name
from ecodecide.fitting import laws
from ecodecide.fitting.laws import fit_laws
from ecodecide.history.catch_history import CatchHistory
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.resumed import lead_through
from ecodecide.report.views.hindcast import read_hindcast

HAKE = "hake-argentina-north"
KINDS = [
    "pomdp",
    "optimal-control",
    "tac",
    "2-over-3",
    "rfb",
    "itarget1",
    "dcac",
    "current-f",
    "constant-catch",
]
SMALL: dict[str, Any] = {"growth": "logistic", "cells": 30, "gap": 0.05}


def rough(history: CatchHistory, families: Any, **settings: Any) -> Any:
    """A fit of few draws."""
    return fit_laws(history, families, **{**settings, "draws": 20, "cells": 60})


@pytest.fixture(scope="module")
def hake() -> ManagedStock:
    """Fitted and solved once, with the belief before any survey."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(managed_stock, "fit_laws", rough)
        managed, _ = fitted_stock(
            eco.load_history(HAKE), "logistic", None, None, 1, 0.0, 30, lambda w, s: None
        )
    problem = replace(managed.problem, initial="uniform")
    return replace(managed, problem=problem).solved(solvers_by_name(KINDS, 0.05), lambda w, s: None)


@pytest.fixture
def fitted(hake: ManagedStock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare a test the fit, which is not what it is about."""
    monkeypatch.setattr(
        managed_stock,
        "fit_laws",
        lambda *_, **__: SimpleNamespace(
            average=hake.posterior, posteriors={"logistic": hake.posterior}, failures={}
        ),
    )


@pytest.fixture(scope="module")
def past(hake: ManagedStock) -> PastYears:
    return PastYears.of(hake.problem)


def one_fit(hake: ManagedStock, past: PastYears) -> OneFit:
    return OneFit(hake, solvers_by_name(KINDS, 0.05), past, "0.1K")


def changed_after(history: CatchHistory, place: int) -> CatchHistory:
    """Return another future: other catches from a year on, the year's own included, and other surveys after it."""
    catch, biomass = history.catch.copy(), history.biomass.copy()
    catch[place:] *= np.linspace(0.3, 0.6, len(catch) - place)
    biomass[place + 1 :] *= np.linspace(3.0, 2.0, len(catch) - place - 1)
    return replace(history, catch=catch, biomass=biomass)


# --- causality ---


@pytest.mark.parametrize("place", [6, 20])
def test_what_came_later_changes_no_advice_by_one_fit(
    hake: ManagedStock, past: PastYears, place: int
) -> None:
    other = changed_after(past.history, place)
    advisors = one_fit(hake, past), one_fit(hake, PastYears(other, np.asarray(other.biomass)))
    for at in range(place + 1):
        this, that = (advisor.advise(at) for advisor in advisors)
        assert this.quotas == that.quotas and set(this.quotas) | set(this.reasons) == set(KINDS)
        np.testing.assert_array_equal(this.belief, that.belief)
        assert this.below == that.below and this.mean == that.mean
    # what was changed does change what comes after
    this, that = (advisor.advise(place + 2) for advisor in advisors)
    assert all(this.quotas[name] != that.quotas[name] for name in KINDS)
    standing, changed = (advisor.standings(place) for advisor in advisors)
    for name in KINDS:
        np.testing.assert_array_equal(standing[name].memory, changed[name].memory)
        assert standing[name].caught == changed[name].caught


def test_what_came_later_changes_no_advice_by_a_fit_for_each_year(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed_stock, "fit_laws", rough)
    monkeypatch.setattr(laws, "side_by_side", lambda tasks, tell: [task(tell) for task in tasks])
    whole = eco.load_history(HAKE)
    short = CatchHistory(
        year=whole.year[:9], catch=whole.catch[:9], biomass=whole.biomass[:9], units=whole.units, id="short"
    )
    names = ["tac", "2-over-3", "optimal-control"]
    found = [
        hindcast(history, names, refit=True, every=2, first=1991, **SMALL)
        for history in (short, changed_after(short, 5))
    ]
    years = found[0].data.year.values
    assert years.tolist() == [1991, 1993] and np.isfinite(found[0].data.advised).all()
    this, that = (one.data.sel(year=1991) for one in found)
    xr.testing.assert_equal(
        this[["advised", "belief_quantile", "belief_below"]],
        that[["advised", "belief_quantile", "belief_below"]],
    )
    assert (found[0].data.advised.sel(year=1993) != found[1].data.advised.sel(year=1993)).all()
    assert all(one.causal and not any("NOT CAUSAL" in note for note in one.notes) for one in found)
    what_if = found[0].counterfactual
    assert what_if is not None and what_if["year"].values.tolist() == [1991, 1992, 1993, 1994]


# --- what is advised ---


def test_the_belief_against_a_plain_filter(hake: ManagedStock, past: PastYears) -> None:
    arrays = eco.discretize(hake.problem)
    points, edges = arrays.grid.points, arrays.grid.edges
    belief = np.full((1, len(points)), 1.0 / len(points))
    track = belief_track(arrays, past.surveys, past.catch)
    for t, seen in enumerate(past.surveys):
        if t > 0:
            left, _ = harvest(belief, past.catch[t - 1 : t], points, edges)
            belief = (left / left.sum()) @ arrays.kernel
        if np.isfinite(seen):
            heard = int(arrays.grid.locate(np.array([seen]))[0])
            belief, _ = condition(belief, arrays.observation[:, heard])
        np.testing.assert_allclose(track[t], belief[0], atol=1e-12)
    found = one_fit(hake, past).advise(9)
    assert found.mean == pytest.approx(track[9] @ points)
    assert found.quantiles is not None and np.all(np.diff(found.quantiles) > 0.0)
    # half of the probability is below the median, up to the cell that it is in
    assert track[9][points < found.quantiles[QUANTILES.index(0.5)]].sum() == pytest.approx(
        0.5, abs=track[9].max()
    )
    assert found.below is not None
    limits = member_limits(hake.posterior, "0.1K")
    assert list(found.below) == list(limits) and "allee" not in limits
    for name, limit in limits.items():
        shares = [float(track[9] @ arrays.grid.share_below(one)) for one in limit]
        assert found.below[name] == pytest.approx(np.mean(shares))


def test_a_catch_below_the_advice_does_not_mean_that_the_stock_ran_out(
    hake: ManagedStock, past: PastYears
) -> None:
    """Quotas advised in a hindcast were not set: that less was caught says nothing."""
    policy = hake.policies["pomdp"]
    assert isinstance(policy, BeliefPolicy)
    led = list(lead_through(policy, past.surveys, past.catch))
    assert led[0][0] > past.catch[0]  # more was advised than caught
    track = belief_track(policy.arrays, past.surveys, past.catch)
    np.testing.assert_array_equal([policy.belief(memory)[0] for _, memory in led], track)
    assert track[:, 0].max() < 1e-6


def test_rules_are_made_of_what_was_known_then(hake: ManagedStock, past: PastYears) -> None:
    advisor = one_fit(hake, past)
    points = hake.posterior.reference_points()
    for place in (1, 7, 30):
        found = advisor.advise(place).quotas
        assert found["tac"] == pytest.approx(0.8 * points.f_msy * past.surveys[place])
        assert found["constant-catch"] == pytest.approx(past.catch[max(place - 5, 0) : place].mean())
        known = known_in(past.history, place)
        assert len(known.catch) == place + 1 and np.isnan(known.catch[-1])
        then = eco.Precautionary("2-over-3").solve(replace(hake.problem, history=known)).policy
        expected = then.decide(then.start(1), np.array([np.nan]), None)[0][0]
        assert found["2-over-3"] == pytest.approx(float(expected))
        # the last F is the last catch over what was then believed of the biomass it was taken from
        believed = advisor.advise(place - 1).mean
        rate = min(past.catch[place - 1] / believed, 1.0)
        assert found["current-f"] == pytest.approx(rate * past.surveys[place])
    first = advisor.advise(0)
    assert first.reasons["2-over-3"] == FIRST and "tac" in first.quotas


def test_a_capped_rule_goes_from_what_was_caught(hake: ManagedStock, past: PastYears) -> None:
    capped = {"capped": eco.Precautionary("tac", cap=0.1)}
    advisor = OneFit(replace(hake, solutions={}), capped, past, "0.1K")
    quotas = np.array([advisor.advise(place).quotas["capped"] for place in range(6)])
    free = 0.8 * hake.posterior.reference_points().f_msy * past.surveys[:6]
    expected = np.append(free[0], np.clip(free[1:], 0.9 * past.catch[:5], 1.1 * past.catch[:5]))
    np.testing.assert_allclose(quotas, expected, rtol=1e-12)
    assert (quotas[1:] != free[1:]).any()


def test_nothing_is_advised_before_the_first_survey(hake: ManagedStock, past: PastYears) -> None:
    surveys = past.surveys.copy()
    surveys[:3] = np.nan
    late = PastYears(replace(past.history, biomass=surveys), surveys)
    advisor = one_fit(hake, late)
    for place in range(3):
        found = advisor.advise(place)
        assert found.quotas == {} and found.reasons == dict.fromkeys(KINDS, UNSEEN)
    assert set(advisor.advise(3).quotas) >= {"tac", "pomdp", "dcac"}
    surveys = past.surveys.copy()
    surveys[10] = np.nan
    gap = one_fit(hake, PastYears(past.history, surveys)).advise(10).quotas
    assert gap["tac"] == one_fit(hake, past).advise(9).quotas["tac"]  # without a survey, on the last one


def test_an_index_is_heard_in_units_of_biomass(hake: ManagedStock, past: PastYears) -> None:
    index = CatchHistory(year=past.year, catch=past.catch, index=0.003 * past.history.biomass, id="index")
    found = PastYears.of(replace(hake.problem, history=index))
    draws = np.log(hake.posterior.trajectory_biomass).mean(axis=0)
    catchability = np.exp(np.mean(np.log(index.index["index"]) - draws))
    np.testing.assert_allclose(found.surveys, index.index["index"] / catchability)


@pytest.mark.usefixtures("fitted")
@pytest.mark.parametrize("refit", [False, True])
def test_an_index_in_units_of_biomass_is_told_for_hindsight(past: PastYears, refit: bool) -> None:
    """Its catchability is that of all years, also where advice is not."""
    index = CatchHistory(year=past.year, catch=past.catch, index=0.003 * past.history.biomass, id="index")
    found = hindcast(index, ["tac"], refit=refit, first=2010, every=8 if refit else 1, **SMALL)
    assert found.causal is refit
    assert found.data["observed"].attrs["long_name"] == (
        "survey before the year's catch, in units of biomass by the catchability of the whole history, in hindsight "
        "(NaN: none)"
    )
    told = [note for note in found.notes if note.startswith("IN HINDSIGHT: observations in units of biomass")]
    assert len(told) == 1 and told[0].endswith("the year's own fit") is refit


# --- the whole ---


@pytest.mark.usefixtures("fitted")
def test_json_and_file(tmp_path: Path) -> None:
    told: list[str] = []
    result = hindcast(HAKE, ["tac", "dcac"], progress=lambda words, share: told.append(words), **SMALL)
    found = result.to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["mode"] == "fixed" and found["causal"] is False
    assert any("they know the future" in note for note in found["notes"])
    assert any(
        note.startswith("NOT CAUSAL: the observations are the biomass of an") for note in found["notes"]
    )
    history = eco.load_history(HAKE)
    assert found["years"] == history.year.tolist() and found["catch"] == history.catch.tolist()
    assert found["observed"] == history.biomass.tolist()
    by_name = {entry["name"]: entry for entry in found["policies"]}
    assert (
        all(x is not None and x > 0.0 for x in by_name["tac"]["advised"]) and by_name["tac"]["reasons"] == {}
    )
    assert by_name["dcac"]["advised"][0] is None and by_name["dcac"]["reasons"] == {"1986": FIRST}
    what_if = found["counterfactual"]
    assert what_if["start"] == 1991 and what_if["years"][-1] == 2018
    assert [entry["name"] for entry in what_if["policies"]] == ["as caught", "tac", "dcac"]
    actual = what_if["policies"][0]
    assert actual["difference"]["total_catch"] == {"low": 0.0, "median": 0.0, "high": 0.0}
    assert actual["total_catch"]["high"] == pytest.approx(history.catch[5:].sum())
    assert {"advise"} <= set(told)
    result.save(tmp_path / "hindcast.nc")
    with xr.open_dataset(tmp_path / "hindcast.nc", engine="h5netcdf") as saved:
        assert saved.attrs["schema"] == SCHEMA and saved.attrs["causal"] == 0
        xr.testing.assert_equal(saved, result.data)
        for name in saved.variables:
            assert saved[name].attrs["long_name"] and saved[name].attrs["units"], name
        assert json.loads(saved.attrs["reasons"])["dcac"] == {"1986": FIRST}
    back, followed = read_hindcast(tmp_path / "hindcast.nc")
    xr.testing.assert_equal(back, result.data)
    xr.testing.assert_equal(followed, result.counterfactual)
    with xr.open_datatree(tmp_path / "hindcast.nc", engine="h5netcdf") as tree:
        assert tree["counterfactual/biomass"].sizes["counterfactual_policy"] == 3


@pytest.mark.usefixtures("fitted")
def test_the_first_year_is_that_of_the_advice_and_of_the_counterfactual() -> None:
    result = hindcast(HAKE, "tac", first=2005, **SMALL)
    assert int(result.data.year[0]) == 2005 and result.counterfactual is not None
    assert int(result.counterfactual.year[0]) == 2005
    whole = hindcast(HAKE, "tac", **SMALL)
    xr.testing.assert_equal(result.data, whole.data.sel(year=slice(2005, None)))
    last = hindcast(HAKE, "tac", first=2018, **SMALL)
    assert last.counterfactual is not None and last.data.sizes["year"] == 1
    with pytest.raises(EvaluationError, match="from 1986 to 2018, and 1980 is asked for"):
        hindcast(HAKE, "tac", first=1980, **SMALL)


def test_a_history_too_short_for_a_counterfactual_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed_stock, "fit_laws", rough)
    whole = eco.load_history(HAKE)
    short = CatchHistory(year=whole.year[:5], catch=whole.catch[:5], biomass=whole.biomass[:5], id="short")
    found = hindcast(short, "tac", **SMALL).to_dict()
    assert found["counterfactual"] is None and found["causal"] is False
    assert any("no year with a catch is left after 5 years and 5 surveys" in note for note in found["notes"])


@pytest.mark.usefixtures("fitted")
def test_what_means_nothing_is_refused() -> None:
    for changes, words in (
        ({"every": 0}, "every must be"),
        ({"solvers": ["tca"]}, "unknown solver 'tca'"),
        ({"collapse": "0.1L"}, "cannot read the collapse limit"),
        ({"collapse": "allee"}, "does not exist for this stock"),
    ):
        with pytest.raises(EcodecideError, match=words):
            hindcast(HAKE, **{"solvers": ["tac"], **SMALL, **changes})


def test_catch_alone_says_what_is_missing() -> None:
    history = CatchHistory(year=np.arange(2001, 2011), catch=np.full(10, 5.0), id="mine")
    with pytest.raises(FitError, match="mine: there is a catch but neither a biomass nor an index"):
        hindcast(history, ["tac"])


# --- a fit for each year ---


def refitting(hake: ManagedStock, past: PastYears, fit: Any) -> FitForEachYear:
    return FitForEachYear(fit, ["tac", "pomdp"], past, hake.problem.grid, "0.1K")


def test_years_that_cannot_be_fitted_say_why(hake: ManagedStock, past: PastYears) -> None:
    def fit(known: CatchHistory) -> ManagedStock:
        if len(known.year) == 7:
            raise FitError("no stock can have borne it")
        return replace(hake, history=known)

    advisor = refitting(hake, past, fit)
    assert advisor.advise(2).reasons["tac"] == "3 surveys by then, expected at least 5 to fit a stock to"
    assert advisor.advise(6).reasons == dict.fromkeys(["tac", "pomdp"], "no stock can have borne it")
    assert advisor.standings(6) == {}
    found = advisor.advise(9)
    # policies are asked as at the end of any history, whose fit has heard the year's survey
    for name in ("pomdp", "tac", "2-over-3"):
        policy = hake.policies[name]
        assert found.quotas[name] == policy.decide(policy.start(1), np.array([np.nan]), None)[0][0]
        assert advisor.standings(9)[name].heard and advisor.standings(9)[name].survey_factor == 1.0
    today = hake.posterior.members.initial_biomass
    assert found.below is not None and found.quantiles is not None
    assert found.below["0.2BMSY"] == np.mean(today < member_limits(hake.posterior, "0.1K")["0.2BMSY"])
    assert found.quantiles[2] == pytest.approx(np.median(today), rel=0.15)  # of twenty draws


def test_a_capped_rule_goes_from_the_last_catch_by_the_fit_of_each_year(
    hake: ManagedStock, past: PastYears
) -> None:
    free, capped = (eco.Precautionary("msy", cap=cap).solve(hake.problem) for cap in (None, 0.01))
    managed = replace(hake, solutions={"free": free, "capped": capped})

    def fit(known: CatchHistory) -> ManagedStock:
        return replace(managed, history=known, problem=replace(managed.problem, history=known))

    found = refitting(hake, past, fit).advise(9).quotas
    expected = np.clip(found["free"], 0.99 * past.catch[8], 1.01 * past.catch[8])
    assert found["capped"] == pytest.approx(expected, rel=1e-12) and found["free"] != found["capped"]


def test_an_interrupt_keeps_the_years_that_are_done(
    hake: ManagedStock, past: PastYears, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Advisor:
        def advise(self, place: int) -> Any:
            asked.append(place)
            if place == stop:
                raise KeyboardInterrupt
            return one_fit(hake, past).advise(place)

        def standings(self, place: int) -> Any:
            return {}

    stop = 7
    assert [place for place, _ in each_year(Advisor(), range(5, 10), lambda place: None)] == [5, 6]
    stop = 5
    with pytest.raises(KeyboardInterrupt):
        list(each_year(Advisor(), range(5, 10), lambda place: None))
    fits: list[int] = []

    def fit_laws_twice(*_: Any, **__: Any) -> Any:
        if len(fits) > 2:  # that of the whole history is the first
            raise KeyboardInterrupt
        fits.append(1)
        return SimpleNamespace(average=hake.posterior, posteriors={}, failures={})

    monkeypatch.setattr(managed_stock, "fit_laws", fit_laws_twice)
    monkeypatch.setattr(PastYears, "of", classmethod(lambda cls, problem: past))
    result = hindcast(HAKE, ["tac"], refit=True, first=1995, every=5, **SMALL)
    assert result.interrupted and result.counterfactual is not None
    assert set(result.reasons["tac"]) == {2005, 2010, 2015}
    assert np.isfinite(result.data.advised.values[0]).tolist() == [True, True, False, False, False]


def test_what_was_known_then_warns_of_nothing_again() -> None:
    with pytest.warns(HistoryWarning):
        history = eco.load_history("anchoveta-peru")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known = known_in(history, 30)
    assert len(known.year) == 31 and math.isnan(known.catch[-1])
