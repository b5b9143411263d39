"""Next year's quota: it is the policy's own, what follows are the scores, and surveys change it where told."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

import ecodecide as eco
from ecodecide.errors import EvaluationError, FitError, QuotaWarning, SolverError
from ecodecide.evaluation.advice import Recommendation, recommend
from ecodecide.evaluation.advice.biomass_belief import Spread, biomass_belief
from ecodecide.evaluation.advice.next_survey import NextSurvey, what_would_change
from ecodecide.evaluation.advice.rules_anew import series_anew
from ecodecide.evaluation.decision_grid import decision_grid
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.evaluation.saved_policies import load_policies, managed_with
from ecodecide.fitting.grid_filter import log_cells
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.later_years import later_years
from ecodecide.policy.resumed import resumed
from ecodecide.policy.rules import ConstantEscapement, RulePolicy, SeriesPolicy, TwoOverThree
from ecodecide.solvers.past_surveys import expected_survey

SIZE, YEARS = 64, 12
SURVEY = eco.LognormalSurvey(cv=0.2)
SOLVERS = ["pomdp", "tac", "2-over-3", "optimal-control", "no-fishing"]


def history_by_hand(last_catch: float = 60.0, **columns: Any) -> eco.CatchHistory:
    rng = np.random.default_rng(11)
    biomass = 500.0 * np.exp(0.2 * rng.standard_normal(YEARS))
    given: dict[str, Any] = {"biomass": biomass} | columns
    catch = np.append(np.full(YEARS - 1, 80.0), last_catch)
    return eco.CatchHistory(
        year=2000 + np.arange(YEARS), catch=catch, units={"catch": "t"}, id="by-hand", **given
    )


def posterior_by_hand(history: eco.CatchHistory) -> Posterior:
    rng = np.random.default_rng(12)
    growth = eco.Logistic(
        r=0.6 * np.exp(0.2 * rng.standard_normal(SIZE)), K=1e3 * np.exp(0.2 * rng.standard_normal(SIZE))
    )
    trajectories = 480.0 * np.exp(0.2 * rng.standard_normal((SIZE, YEARS)))
    now = 650.0 * np.exp(0.25 * ndtri((rng.permutation(SIZE) + 0.5) / SIZE))
    _, edges = log_cells(5.0, 5e3, 120)
    mass = np.histogram(now, bins=np.append(0.0, edges[1:]))[0] / SIZE
    members = eco.ParametricStock(growth, eco.LognormalNoise(np.full(SIZE, 0.2)), "t", initial_biomass=now)
    return Posterior(
        law="logistic",
        best=eco.ParametricStock(eco.Logistic(r=0.6, K=1e3), eco.LognormalNoise(0.2), "t"),
        members=members,
        survey=SURVEY,
        observed=str(history.observed),
        terminal_edges=edges,
        terminal_mass=mass,
        best_biomass=trajectories.mean(axis=0),
        trajectory_biomass=trajectories,
        log_posterior=0.0,
        assumptions=("made by hand",),
        status="made by hand",
        converged=True,
        settings={"catch_cv": 0.05},
    )


def managed_by_hand(history: eco.CatchHistory | None = None, solvers: Any = ()) -> ManagedStock:
    history = history or history_by_hand()
    posterior = posterior_by_hand(history)
    grid = decision_grid(posterior, history, 30)
    problem = eco.HarvestProblem(stock=posterior, survey=SURVEY, grid=grid, history=history)
    named = {n: eco.Pomdp(gap=0.05) if n == "pomdp" else solver(n) for n in solvers}
    managed = ManagedStock(history, posterior, problem)
    return managed.solved(named, lambda words, share: None) if named else managed


def solver(name: str) -> Any:
    return eco.OptimalControl() if name == "optimal-control" else eco.Precautionary(name)


@pytest.fixture(scope="module")
def managed() -> ManagedStock:
    return managed_by_hand(solvers=SOLVERS)


@pytest.fixture(scope="module")
def found(managed: ManagedStock) -> Recommendation:
    return recommend(managed, replicates=300, years=(2, 5))


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(part)
    elif isinstance(value, int | float):
        yield value


# --- what is promised of the JSON ---


def test_json_contract(found: Recommendation) -> None:
    told = found.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert all(map(math.isfinite, numbers_in(told)))
    assert [entry["name"] for entry in told["policies"]] == SOLVERS
    assert (told["stock"], told["unit"], told["year"]) == ("by-hand", "t", 2012)
    assert told["last_catch"] == {"year": 2011, "catch": 60.0}
    assert told["largest_catch"] == {"year": 2000, "catch": 80.0}
    belief = told["belief"]
    assert belief["low"] < belief["half"]["low"] < belief["median"] < belief["half"]["high"] < belief["high"]
    for entry in told["policies"]:
        assert entry["quota"] >= 0.0
        assert entry["share_of_biomass"] == pytest.approx(entry["quota"] / belief["median"])
        assert entry["over_last_catch"] == pytest.approx(entry["quota"] / 60.0)
        for key in ("collapse", "recovery", "below_limit", "below_b_msy", "catch"):
            assert set(entry[key]) == {"2", "5"}
            for estimate in entry[key].values():
                if estimate["value"] is not None:
                    assert estimate["low"] <= estimate["value"] <= estimate["high"]
    assert {entry["name"] for entry in told["policies"] if entry["belief"]} == {"pomdp"}


# --- the quota and what follows from it ---


def test_the_quota_is_the_policys_own(found: Recommendation, managed: ManagedStock) -> None:
    for name, policy in managed.policies.items():
        alone, _ = policy.decide(policy.start(1), np.array([np.nan]), None)
        assert found.advice[name].quota == pytest.approx(float(alone[0]), rel=1e-12)
        assert (found.runs["quota"].sel(policy=name).isel(year=0) == found.advice[name].quota).all()
    assert found.advice["no-fishing"].quota == 0.0 < found.advice["tac"].quota


def test_consequences_are_the_scores_of_as_many_years(found: Recommendation, managed: ManagedStock) -> None:
    """What happens within two years of five is what happens in two years: the luck of a year is its own."""
    for place, years in enumerate((2, 5)):
        runs = eco.evaluate(
            managed.policies, truth=managed.posterior, survey=SURVEY, economy=managed.problem.economy,
            years=years, replicates=300, seed=1, first_survey=False,
        )  # fmt: skip
        scores = eco.score(runs, "0.5BMSY")
        told = recommend(managed, replicates=300, years=(2, 5), collapse="0.5BMSY").advice
        for name in SOLVERS:

            def score(metric: str, name: str = name, scores: Any = scores) -> Any:
                return scores["scores"].sel(policy=name, metric=metric).isel(world=0).values

            assert told[name].consequences.collapse[place] == pytest.approx(score("collapse_probability"))
            assert told[name].consequences.catch[place] == pytest.approx(score("mean_catch"))
            risk = (
                scores["collapse_risk"].sel(policy=name, limit="0.5BMSY", when="at end").isel(world=0).values
            )
            assert told[name].consequences.below_limit[place] == pytest.approx(risk)
            if years == 5:
                assert told[name].consequences.npv == pytest.approx(score("npv"))
                assert told[name].consequences.recovery[place] == pytest.approx(
                    score("recovery_probability"), nan_ok=True
                )
    assert 0.0 < told["tac"].consequences.collapse[1][1] < told["optimal-control"].consequences.collapse[1][1]
    first = told["tac"].consequences.first_catch
    assert first[1] == pytest.approx(told["tac"].quota)


def test_chances_to_recover_are_of_the_futures_that_start_below(found: Recommendation) -> None:
    for name in SOLVERS:
        runs = found.runs.sel(policy=name).isel(world=0)
        below = int((runs["biomass"].isel(year=0) < 0.1 * runs["carrying_capacity"]).sum())
        assert found.advice[name].to_dict()["start_below"] == below
    told = recommend(found.managed, replicates=100, years=(2,), collapse=1e6).advice["tac"].consequences
    assert told.start_below == 100


def test_more_than_there_is_believed_to_be_is_warned_of(managed: ManagedStock) -> None:
    bold = RulePolicy(ConstantEscapement(0.0), expected=1e4)
    with pytest.warns(QuotaWarning, match=r"median biomass of \d+.* \(t\): bold 10,000; look"):
        told = recommend(managed, policies={"bold": bold}, replicates=20, years=(2,))
    assert any("more is advised than there is believed to be" in line for line in told.warnings)


def test_a_policys_figures_do_not_depend_on_the_others(found: Recommendation, managed: ManagedStock) -> None:
    alone = recommend(managed, policies={"tac": managed.solutions["tac"]}, replicates=300, years=(2, 5))
    assert list(alone.advice) == ["tac"]
    assert alone.advice["tac"].to_dict() == found.advice["tac"].to_dict()


def test_another_seed_gives_other_futures(found: Recommendation, managed: ManagedStock) -> None:
    other = recommend(managed, replicates=300, years=(2, 5), seed=2).advice["tac"]
    assert other.quota == found.advice["tac"].quota
    assert other.consequences.npv != found.advice["tac"].consequences.npv


# --- the belief ---


def test_the_belief_counts_members_below_the_limits_of_their_own_worlds() -> None:
    members = posterior_by_hand(history_by_hand()).members
    now, growth = np.asarray(members.initial_biomass), members.growth
    r, K = np.asarray(growth.r), np.asarray(growth.K)  # type: ignore[attr-defined]
    told = biomass_belief(members, 400.0)
    # logistic: S_MSY = K/2, MSY = rK/4, so that B_MSY before harvest is K/2 + rK/4
    b_msy = K / 2.0 + r * K / 4.0
    for name, limit in (("0.1K", 0.1 * K), ("0.5BMSY", 0.5 * b_msy), ("BMSY", b_msy), ("400.0", 400.0)):
        assert told.below[name] == pytest.approx(float((now < limit).mean()), abs=1e-12)
    assert 0.0 < told.below["0.5BMSY"] < told.below["BMSY"]  # type: ignore[operator]
    assert told.below["allee"] is None
    assert told.b_bmsy is not None
    assert told.b_bmsy.median == pytest.approx(float(np.median(now / b_msy)), rel=1e-3)
    assert told.biomass.interval == pytest.approx(tuple(np.quantile(now, [0.05, 0.95])))


def test_a_spread_with_weights_is_that_of_as_many_draws() -> None:
    values, counts = np.array([3.0, 1.0, 2.0]), np.array([20, 30, 50])
    drawn = Spread.of(np.repeat(values, counts * 100))
    weighed = Spread.of(values, counts)
    assert weighed.mean == pytest.approx(drawn.mean)
    assert (weighed.median, weighed.interval, weighed.half) == (drawn.median, drawn.interval, drawn.half)


# --- the observation that would change it ---


def test_constant_escapement_closes_below_its_escapement() -> None:
    """q(y) = max(y - S, 0): closed at y <= S, and a fifth lower or higher at S + .8 q and S + 1.2 q."""
    rng = np.random.default_rng(1)
    biomass = 100.0 * np.exp(0.3 * rng.standard_normal(400))
    survey = NextSurvey(2012, biomass, SURVEY)
    told = what_would_change(survey, 30.0, True, lambda seen: np.maximum(seen - 70.0, 0.0))
    for change, place, upper in (
        (told.closes, 70.0, False),
        (told.falls, 94.0, False),
        (told.rises, 106.0, True),
    ):
        assert change is not None
        low = float(ndtr((np.log(place) - np.log(biomass)) / SURVEY.sigma).mean())
        assert change.probability == pytest.approx(1.0 - low if upper else low, abs=1e-6)
        plain = change.to_dict()
        assert plain["above" if upper else "below"] == pytest.approx(place, rel=1e-6)
        assert plain["below" if upper else "above"] is None
    assert told.opens is None
    for chance, seen, quota in told.shown:
        assert float(ndtr((np.log(seen) - np.log(biomass)) / SURVEY.sigma).mean()) == pytest.approx(
            chance, abs=1e-6
        )
        assert quota == max(seen - 70.0, 0.0)


def test_a_quota_that_does_not_rise_with_the_survey_is_told_as_it_is() -> None:
    """Closed between 90 and 110 alone, and above 140."""
    survey = NextSurvey(2012, np.array([100.0]), SURVEY)

    def answer(seen: Any) -> Any:
        return np.where(((seen > 90.0) & (seen < 110.0)) | (seen > 140.0), 0.0, 10.0)

    told = what_would_change(survey, 10.0, True, answer)
    assert told.closes is not None
    (first, second), (third, fourth) = told.closes.intervals
    assert (first, second, third) == pytest.approx((90.0, 110.0, 140.0), rel=1e-6)
    assert fourth is None
    below = ndtr(np.log(np.array([0.9, 1.1, 1.4])) / SURVEY.sigma)
    assert told.closes.probability == pytest.approx(below[1] - below[0] + 1.0 - below[2], abs=1e-6)
    assert told.closes.to_dict()["below"] is None
    assert told.closes.to_dict()["above"] is None


def test_where_nothing_may_be_caught_the_survey_that_opens_is_told() -> None:
    survey = NextSurvey(2012, np.array([100.0]), SURVEY)
    told = what_would_change(survey, 0.0, True, lambda seen: np.maximum(seen - 120.0, 0.0))
    assert (told.closes, told.falls, told.rises) == (None, None, None)
    assert told.opens is not None
    assert told.opens.to_dict()["above"] == pytest.approx(120.0, rel=1e-6)
    never = what_would_change(survey, 0.0, True, lambda seen: 0.0 * seen)
    assert never.opens is None
    always = what_would_change(survey, 10.0, True, lambda seen: 10.0 + 0.0 * seen)
    assert (always.closes, always.falls, always.rises) == (None, None, None)


def test_the_survey_of_next_year_is_of_what_the_quota_leaves() -> None:
    """As simulated: the quota is caught as far as there is, the rest grows, and is surveyed."""
    members = posterior_by_hand(history_by_hand()).members
    coming = NextSurvey.after(2013, members, SURVEY, 300.0)
    rng = np.random.default_rng(4)
    draws = np.tile(np.arange(SIZE), 1500)
    worlds = members.take(draws)
    left = np.maximum(np.asarray(worlds.initial_biomass) - 300.0, 0.0)
    seen = SURVEY.sample(worlds.step(left, rng.standard_normal(left.size)), rng.standard_normal(left.size))
    chances = np.array([0.05, 0.5, 0.95])
    # 96,000 draws: their quantiles err by about 0.5 %; fifteen evenly spread deviates narrow the growth a little
    assert coming.quantiles(chances) == pytest.approx(np.quantile(seen, chances), rel=0.03)


def relative_by_hand(**columns: Any) -> ManagedStock:
    """A stock whose scale no one knows: each draw's biomass is a multiple of the same past."""
    history = history_by_hand(biomass=None, **columns)
    posterior = posterior_by_hand(history)
    scale = np.exp(0.6 * np.random.default_rng(13).standard_normal(SIZE))
    now = np.asarray(posterior.members.initial_biomass) * scale
    posterior = replace(
        posterior,
        members=replace(posterior.members, initial_biomass=now),
        trajectory_biomass=posterior.trajectory_biomass * scale[:, None],
        terminal_mass=np.histogram(now, bins=np.append(0.0, posterior.terminal_edges[1:]))[0] / SIZE,
    )
    problem = eco.HarvestProblem(stock=posterior, survey=SURVEY, grid=eco.Grid(5e3, 30), history=history)
    return ManagedStock(history, posterior, problem).solved({"tac": solver("tac")}, lambda words, share: None)


INDEX = 0.01 * 480.0 * np.exp(0.2 * np.random.default_rng(14).standard_normal(YEARS))
INDEX_SE = np.linspace(0.05, 0.4, YEARS)


@pytest.mark.parametrize("se", [None, INDEX_SE])
def test_an_index_is_expected_by_the_catchability_of_each_draw(se: Any) -> None:
    """Its quantiles are those of the posterior predictive: q_m given the draw's own past, times B_m, with an error."""
    stock = relative_by_hand(index=INDEX, **({} if se is None else {"index_se": se}))
    told = recommend(stock, replicates=20, years=(2,))
    q = told.to_dict()["catchability"]["index"]["index_per_biomass"]
    shown = q * np.array([survey for _, survey, _ in told.advice["tac"].next_survey.shown])
    rng = np.random.default_rng(15)
    weight = 1.0 / (SURVEY.sigma**2 + (0.0 if se is None else se**2)) * np.ones(YEARS)
    logs = np.log(INDEX) - np.log(stock.posterior.trajectory_biomass)
    centre = np.average(logs, axis=1, weights=weight)
    log_q = centre + rng.standard_normal((4000, SIZE)) / np.sqrt(weight.sum())
    now = np.asarray(stock.posterior.members.initial_biomass)
    seen = SURVEY.sample(np.exp(log_q) * now, rng.standard_normal(log_q.shape))
    # 256,000 draws: their 5 % and 95 % points err by some 0.3 %
    chances = [0.05, 0.25, 0.5, 0.75, 0.95]
    np.testing.assert_allclose(shown, np.quantile(seen, chances), rtol=0.01)
    # without the draws' own catchability the unknown scale would widen it twofold
    alone = NextSurvey.of(2012, stock.posterior.members, SURVEY).quantiles(np.array([0.05, 0.95]))
    assert np.log(alone[1] / alone[0]) > 1.5 * np.log(shown[-1] / shown[0])


def test_several_indices_are_expected_as_the_one_survey_that_is_heard() -> None:
    other = 3.0 * INDEX * np.exp(0.1 * np.random.default_rng(16).standard_normal(YEARS))
    other[:4] = np.nan
    stock = relative_by_hand(index={"a": INDEX, "b": other})
    plain = NextSurvey.of(2012, stock.posterior.members, SURVEY)
    heard = plain.heard(stock.problem, stock.posterior)
    draws = np.log(stock.posterior.trajectory_biomass)
    best = draws.mean(axis=0)
    # log q of a draw less that of the policies, of each index: the index itself cancels
    apart = [(best - draws).mean(axis=1), (best - draws)[:, 4:].mean(axis=1)]
    np.testing.assert_allclose(heard.biomass / plain.biomass, np.exp(np.mean(apart, axis=0)), rtol=1e-12)
    assert isinstance(heard.survey, eco.LognormalSurvey)
    # the mean of two log q, known from twelve and from eight surveys
    spread = SURVEY.sigma**2 * (1.0 + (1.0 / YEARS + 1.0 / (YEARS - 4)) / 4.0)
    assert heard.survey.sigma**2 == pytest.approx(spread, rel=1e-12)
    # a year on, each draw keeps its own
    later = NextSurvey.after(2013, stock.posterior.members, SURVEY, 50.0)
    again = later.heard(stock.problem, stock.posterior).biomass.reshape(-1, SIZE)
    np.testing.assert_allclose(
        again, later.biomass.reshape(-1, SIZE) * np.exp(np.mean(apart, axis=0)), rtol=1e-12
    )


def test_changes_are_those_of_the_policy(found: Recommendation, managed: ManagedStock) -> None:
    checked = 0
    for name in ("pomdp", "tac", "optimal-control"):
        told, policy = found.advice[name].next_survey, managed.policies[name]
        assert (told.year, told.this_year) == (2012, True)
        for change, share in ((told.opens, 0.0), (told.falls, 0.8), (told.rises, 1.2)):
            if change is None:
                continue
            place = next(end for end in change.intervals[0] if end is not None)
            quotas, _ = policy.decide(policy.start(2), place * np.array([0.999, 1.001]), None)
            assert quotas[0] <= share * told.quota * (1.0 + 1e-9)
            assert quotas[1] > share * told.quota * (1.0 - 1e-9)
            checked += 1
    assert checked >= 6
    assert found.advice["no-fishing"].next_survey.falls is None


# --- where the history ends, and what came after it ---


def test_a_history_that_ends_with_a_survey_asks_for_the_next() -> None:
    stock = managed_by_hand(history_by_hand(last_catch=float("nan")), ["tac", "no-fishing"])
    told = recommend(stock, replicates=20, years=(2,))
    assert told.year == 2011
    assert told.to_dict()["last_catch"] == {"year": 2010, "catch": 80.0}
    change = told.advice["tac"].next_survey
    assert (change.year, change.this_year) == (2012, False)
    assert "the quota of 2011 rests on the survey of that year" in told.assumptions[-1]


def test_an_update_leads_the_policies_through_the_new_years(managed: ManagedStock) -> None:
    new = {"year": [2012, 2013], "catch": [70.0, np.nan], "biomass": [380.0, 350.0]}
    told = recommend(managed, update=new, replicates=50, years=(2,))
    assert told.year == 2013
    assert told.to_dict()["last_catch"] == {"year": 2012, "catch": 70.0}
    before, after = (np.asarray(p.members.initial_biomass) for p in (managed.posterior, told.posterior))
    assert after.mean() < before.mean()
    assert after.std() < before.std()
    assert any("effective sample size" in line for line in told.assumptions)
    for name, policy in managed.policies.items():
        if name == "2-over-3":
            continue  # it is made anew
        _, memory = policy.decide(policy.start(1), np.array([380.0]), None)
        if name == "pomdp":
            memory = policy.as_caught(memory, np.array([70.0]))  # type: ignore[attr-defined]
        quota, _ = policy.decide(memory, np.array([350.0]), np.array([70.0]))
        assert told.advice[name].quota == pytest.approx(float(quota[0]), rel=1e-12)
        assert told.advice[name].next_survey.year == 2014
        assert not told.advice[name].next_survey.this_year
    assert told.settings["updated_to"] == 2013
    # what was simulated starts from where the stock stands now
    assert set(told.runs["biomass"].isel(policy=0, world=0, year=0).values) <= set(after)


@pytest.fixture(scope="module")
def after_catches(managed: ManagedStock) -> dict[float, Recommendation]:
    """Nothing was seen in the year of an update that ends with a catch: the year after it is decided."""
    return {
        catch: recommend(managed, update={"year": [2012], "catch": [catch]}, replicates=50, years=(2,))
        for catch in (0.0, 300.0)
    }


@pytest.mark.parametrize("name", ["tac", "optimal-control"])
def test_without_a_survey_since_the_catch_of_an_update_changes_the_quota(
    after_catches: dict[float, Recommendation], managed: ManagedStock, name: str
) -> None:
    """A policy on observed biomass acts on the mean of the belief, as it does after a fit to the same years."""
    quotas = {}
    for catch, told in after_catches.items():
        mean = float(np.asarray(told.posterior.members.initial_biomass).mean())
        fresh = replace(managed.policies[name], expected=mean)  # type: ignore[type-var]
        alone = float(fresh.decide(fresh.start(1), np.array([np.nan]), None)[0][0])
        quotas[catch] = told.advice[name].quota
        # 64 members, evenly drawn from a belief with a cv of 0.3, err by 0.3/8 of its mean at most; the quota of
        # escapement errs by as much of the biomass
        assert quotas[catch] == pytest.approx(alone, abs=0.04 * mean)
        assert (told.runs["quota"].sel(policy=name).isel(year=0) == quotas[catch]).all()
        assert "by the mean biomass believed in" in told.assumptions[-1]
    means = [np.asarray(told.posterior.members.initial_biomass).mean() for told in after_catches.values()]
    assert means[0] - means[1] > 50.0
    assert quotas[0.0] > quotas[300.0] * 1.1


def test_beliefs_do_not_take_the_mean_for_a_survey(
    after_catches: dict[float, Recommendation], managed: ManagedStock
) -> None:
    own: Any = managed.policies["pomdp"]
    for catch, told in after_catches.items():
        _, memory = own.decide(own.start(1), np.array([np.nan]), None)
        quota, _ = own.decide(own.as_caught(memory, np.array([catch])), np.array([np.nan]), np.array([catch]))
        assert told.advice["pomdp"].quota == pytest.approx(float(quota[0]), rel=1e-12)


NEW = {"year": [2012, 2013, 2014], "catch": [30.0, 40.0, np.nan], "biomass": [380.0, np.nan, 350.0]}


@pytest.mark.parametrize("name", ["2-over-3", "rfb", "islope1"])
def test_a_rule_on_a_series_is_made_anew_from_the_new_years(name: str) -> None:
    """As if the history had held them all along: no survey of this history is relative, whose scale would move."""
    stock = managed_by_hand(solvers=[name])
    told = recommend(stock, update=NEW, replicates=20, years=(2,))
    old = history_by_hand()
    whole = eco.CatchHistory(
        year=np.append(old.year, NEW["year"]),
        catch=np.append(old.catch, NEW["catch"]),
        biomass=np.append(old.biomass, NEW["biomass"]),
        units={"catch": "t"},
    )
    fresh = solver(name).solve(replace(stock.problem, history=whole))
    policy = fresh.policy
    alone, _ = policy.decide(policy.start(1), np.array([np.nan]), None)
    assert told.advice[name].quota == pytest.approx(float(alone[0]), rel=1e-12)
    # and so are the numbers that are told
    assert told.advice[name].status == fresh.status != stock.solutions[name].status
    assert any(line.startswith(f"{name}: made anew") for line in told.assumptions)


def test_the_last_survey_of_a_history_without_its_catch_stays_in_a_series_made_anew() -> None:
    stock = managed_by_hand(history_by_hand(last_catch=float("nan")), ["2-over-3"])
    assert stock.history.biomass is not None
    last = float(stock.history.biomass[-1])
    new = {"year": [2011, 2012], "catch": [30.0, 40.0], "biomass": [np.nan, 380.0]}
    solution = series_anew(stock.solutions["2-over-3"], stock.problem, later_years(stock.history, new))
    assert solution is not None
    anew: Any = solution.policy
    assert anew.surveys[-2:] == (last, 380.0)
    assert np.isnan(anew.this_year)
    # the mean of the last three catches
    assert anew.last == pytest.approx((80.0 + 30.0 + 40.0) / 3.0)


def test_a_rule_on_a_series_of_ones_own_is_led_and_said_to_be(managed: ManagedStock) -> None:
    mine = SeriesPolicy(TwoOverThree(), last=50.0, surveys=(500.0,) * 4)
    told = recommend(managed, policies={"mine": mine}, update=NEW, replicates=20, years=(2,))
    led = resumed(mine, NEW["biomass"], NEW["catch"][:2])
    assert told.advice["mine"].quota == led.decide(led.start(1), np.array([np.nan]), None)[0][0]
    assert any(line.startswith("mine: could not be made anew") for line in told.assumptions)


def test_the_survey_of_a_year_that_was_missing_changes_the_quota_as_was_told(
    found: Recommendation, managed: ManagedStock
) -> None:
    seen = found.advice["pomdp"].next_survey.shown[1]
    told = recommend(
        managed, update={"year": [2012], "catch": [np.nan], "biomass": [seen[1]]}, replicates=20, years=(2,)
    )
    assert told.year == 2012
    assert told.advice["pomdp"].quota == seen[2]


@pytest.mark.parametrize(
    "update",
    [
        None,
        {"year": [2012], "catch": [100.0]},
        {"year": [2012], "catch": [np.nan], "biomass": [650.0]},
    ],
    ids=["history", "catch", "survey"],
)
def test_the_cap_of_a_rule_goes_from_the_last_catch(managed: ManagedStock, update: Any) -> None:
    capped = RulePolicy(ConstantEscapement(0.0), expected=650.0, cap=0.2)
    told = recommend(managed, policies={"capped": capped}, update=update, replicates=20, years=(2,))
    last = told.catches[-1][1]
    assert told.advice["capped"].quota == pytest.approx(1.2 * last, rel=1e-12)
    assert told.advice["capped"].next_survey.quota == told.advice["capped"].quota


def test_a_delayed_rule_hears_the_last_survey_of_the_history(managed: ManagedStock) -> None:
    late = RulePolicy(ConstantEscapement(0.0), expected=650.0, delay=1)
    last = float(managed.history.biomass[-1])  # type: ignore[index]
    for update in (None, {"year": [2012], "catch": [np.nan], "biomass": [700.0]}):
        told = recommend(managed, policies={"late": late}, update=update, replicates=20, years=(2,))
        assert told.advice["late"].quota == pytest.approx(last, rel=1e-12)


@pytest.mark.parametrize("update", [None, {"year": [2012], "catch": [100.0]}])
def test_before_a_survey_of_an_index_the_survey_to_be_expected_stands_for_it(update: Any) -> None:
    """So the quota is what it would be after that survey, however far the draws of an index are apart in scale."""
    history = history_by_hand(biomass=None, index=np.linspace(2.0, 3.0, YEARS))
    posterior = posterior_by_hand(history)
    scale = np.exp(0.5 * np.random.default_rng(3).standard_normal(SIZE))
    now = posterior.members.initial_biomass * scale
    mass = np.histogram(now, bins=np.append(0.0, posterior.terminal_edges[1:]))[0] / SIZE
    posterior = replace(
        posterior,
        members=eco.ParametricStock(
            eco.Logistic(r=posterior.members.growth.r, K=posterior.members.growth.K * scale),  # type: ignore[attr-defined]
            posterior.members.noise, "t", initial_biomass=now,
        ),
        terminal_mass=mass,
        trajectory_biomass=posterior.trajectory_biomass * scale[:, None],
    )  # fmt: skip
    problem = eco.HarvestProblem(
        stock=posterior, survey=SURVEY, grid=decision_grid(posterior, history, 30), history=history
    )
    named = {name: solver(name) for name in ("msy", "optimal-control")}
    stock = ManagedStock(history, posterior, problem).solved(named, lambda words, share: None)
    assert all(policy.expected == expected_survey(problem) for policy in stock.policies.values())  # type: ignore[attr-defined]
    told = recommend(stock, update=update, replicates=20, years=(2,))
    coming = NextSurvey.of(told.year, told.posterior.members, SURVEY).heard(problem, told.posterior)
    rate = stock.policies["msy"].rule.rate  # type: ignore[attr-defined]
    # the cells of the grid round the belief
    assert told.advice["msy"].quota == pytest.approx(rate * coming.biomass.mean(), rel=0.05)
    assert coming.biomass.mean() < 0.92 * told.belief.biomass.mean
    assert "by the survey to be expected, as if it had been made" in told.assumptions[-1]


def test_an_index_is_heard_in_units_of_biomass() -> None:
    history = history_by_hand(biomass=None, index=np.full(YEARS, 2.0))
    stock = managed_by_hand(history, ["tac"])
    told = recommend(
        stock, update={"year": [2012], "catch": [np.nan], "index": [2.0]}, replicates=20, years=(2,)
    )
    # an index as ever stands for the geometric mean of the biomass, of which tac takes its share
    rate = stock.policies["tac"].rule.rate  # type: ignore[attr-defined]
    expected = rate * np.exp(np.log(stock.posterior.trajectory_biomass).mean())
    assert told.advice["tac"].quota == pytest.approx(expected, rel=1e-9)
    # and so does the best estimate, of its own biomass and F_MSY
    best = (
        0.8 * stock.posterior.reference_points().f_msy * np.exp(np.log(stock.posterior.best_biomass).mean())
    )
    assert expected == pytest.approx(best, rel=1e-9)
    q = told.to_dict()["catchability"]["index"]["index_per_biomass"]
    assert rate * 2.0 / q == pytest.approx(expected)


# --- what is used again, and what is refused ---


def test_given_policies_nothing_is_solved(managed: ManagedStock) -> None:
    mine = RulePolicy(ConstantEscapement(400.0), expected=450.0)
    told = recommend(managed, policies={"mine": mine}, replicates=20, years=(2,))
    assert told.advice["mine"].quota == 50.0
    assert told.advice["mine"].next_survey.closes is not None
    with pytest.raises(EvaluationError, match="expected a policy or a solution"):
        recommend(managed, policies={"mine": 3}, replicates=20)  # type: ignore[dict-item]


def test_a_solver_that_fails_is_told_and_does_not_stop_the_others(managed: ManagedStock) -> None:
    class Failing:
        def solve(self, problem: eco.HarvestProblem) -> eco.Solution:
            raise SolverError("no luck")

    solvers: Any = {"bad": Failing(), "good": eco.Precautionary("tac")}
    told = recommend(replace(managed, solutions={}), solvers, replicates=20, years=(2,)).to_dict()
    assert [(e["name"], e["quota"] is None) for e in told["policies"]] == [("good", False), ("bad", True)]
    assert told["policies"][1]["status"] == "failed: no luck"


@pytest.mark.parametrize("years", [(), (0,), (2.5,), "ten"])
def test_years_that_mean_nothing_are_refused(managed: ManagedStock, years: Any) -> None:
    with pytest.raises(EvaluationError, match="years must be whole numbers"):
        recommend(managed, years=years)


def test_a_limit_that_no_world_has_is_refused_before_anything_is_solved(managed: ManagedStock) -> None:
    class Untouched:
        def solve(self, problem: eco.HarvestProblem) -> eco.Solution:
            raise AssertionError("solved")

    with pytest.raises(EvaluationError, match="'allee' does not exist"):
        recommend(managed, {"one": Untouched()}, collapse="allee")


def test_catches_alone_are_refused_with_the_reason() -> None:
    with pytest.raises(FitError, match="neither a biomass nor an index"):
        recommend("flathead-tiger-australia", ["tac"], growth="logistic")


def test_a_file_gives_the_same_advice(tmp_path: Path, managed: ManagedStock, found: Recommendation) -> None:
    file = tmp_path / "advice.nc"
    found.save(file)
    saved, policies = load_policies([file])
    again = recommend(managed_with(saved, policies, managed.history), replicates=300, years=(2, 5))  # type: ignore[arg-type]
    assert again.to_dict() == found.to_dict()
    managed.solutions["tac"].save(tmp_path / "mine.nc")
    saved, policies = load_policies([file, tmp_path / "mine.nc"])
    assert list(policies) == [*SOLVERS, "mine"]
    with pytest.raises(EvaluationError, match="found a second fit"):
        load_policies([file, file])
    managed.solutions["tac"].save(tmp_path / "tac.nc")
    with pytest.raises(EvaluationError, match="another policy 'tac'"):
        load_policies([file, tmp_path / "tac.nc"])
    with pytest.raises(EvaluationError, match="has other numbers"):
        managed_with(saved, policies, history_by_hand(last_catch=61.0))
    (tmp_path / "words.nc").write_text("words")
    with pytest.raises(EvaluationError, match=r"words.nc cannot be read"):
        load_policies([tmp_path / "words.nc"])
