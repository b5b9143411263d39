"""Had it been followed: the past comes back when what was caught is caught again; only catches make a difference."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.evaluation.hindcast.counterfactual import ACTUAL, Standing, counterfactual, follow
from ecodecide.evaluation.hindcast.inferred_past import infer_past
from ecodecide.evaluation.hindcast.past_years import PastYears
from ecodecide.fitting.averaging import average
from ecodecide.policy.rules import ConstantCatch, ConstantRate, RulePolicy
from ecodecide.stock.growth import Allen, BevertonHolt, Logistic
from ecodecide.stock.mixed_growth import MixedGrowth

DRAWS = 30
YEARS = np.arange(2001, 2013)


@dataclass(frozen=True, eq=False)
class Again:
    """Catches what was caught in each draw."""

    catch: Any

    def start(self, replicates: int) -> Any:
        return np.zeros((replicates, 1))

    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        place = int(memory[0, 0])
        return self.catch[:, place], memory + 1


def made_up(law: Any, sigma: float = 0.1, seed: int = 3) -> tuple[Any, PastYears]:
    """Draws of a stock that did grow by the law, as if they were a posterior, and one reported history."""
    rng = np.random.default_rng(seed)
    reported = rng.uniform(20.0, 120.0, YEARS.size)
    biomass = np.empty((DRAWS, YEARS.size + 1))
    biomass[:, 0] = rng.uniform(500.0, 900.0, DRAWS)
    for t, caught in enumerate(reported):
        escapement = np.maximum(biomass[:, t] - caught, 0.0)
        biomass[:, t + 1] = law(escapement) * np.exp(sigma * rng.standard_normal(DRAWS))
    members = eco.ParametricStock(law, eco.LognormalNoise(np.full(DRAWS, sigma)), "t", biomass[:, -1])
    posterior = SimpleNamespace(members=members, trajectory_biomass=biomass[:, :-1], size=DRAWS)
    surveys = biomass[0, :-1] * np.exp(0.2 * rng.standard_normal(YEARS.size))
    surveys[4] = np.nan
    history = eco.CatchHistory(year=YEARS, catch=reported, biomass=surveys, id="made-up")
    return posterior, PastYears(history, surveys)


def logistic() -> Logistic:
    return Logistic(np.linspace(0.2, 0.6, DRAWS), np.linspace(800.0, 1200.0, DRAWS))


def beverton_holt() -> BevertonHolt:
    return BevertonHolt(np.linspace(1.3, 2.0, DRAWS), np.linspace(3e-4, 1e-3, DRAWS))


def standing(policy: Any) -> Standing:
    return Standing(policy, policy.start(1))


def test_what_was_caught_again_is_the_past_again() -> None:
    posterior, past = made_up(logistic())
    inferred = infer_past(posterior, past)
    assert (inferred.draws, inferred.reduced, inferred.left_out) == (DRAWS, 0, 0)
    np.testing.assert_array_equal(inferred.catch, np.tile(past.catch, (DRAWS, 1)))
    for start in (0, 5):
        path = follow("again", standing(Again(inferred.catch[:, start:])), inferred, start)
        # each year multiplies what rounding did before by at most 1 + r
        np.testing.assert_allclose(path.biomass, inferred.biomass[:, start:], rtol=1e-11)
        np.testing.assert_array_equal(path.catch, inferred.catch[:, start:])


def test_a_rule_followed_against_plain_loops() -> None:
    posterior, past = made_up(logistic())
    inferred = infer_past(posterior, past)
    rule = RulePolicy(ConstantRate(0.2), expected=700.0)
    path = follow("rule", standing(rule), inferred, 3)
    truth = posterior.trajectory_biomass
    for i in range(DRAWS):
        r, capacity = np.linspace(0.2, 0.6, DRAWS)[i], np.linspace(800.0, 1200.0, DRAWS)[i]

        def grown(s: float, r: float = r, capacity: float = capacity) -> float:
            return s + r * s * (1.0 - s / capacity)

        x, last = truth[i, 3], 700.0
        for t in range(3, YEARS.size):
            after = truth[i, t + 1] if t + 1 < YEARS.size else posterior.members.initial_biomass[i]
            error = np.log(after / grown(truth[i, t] - past.catch[t]))
            if not np.isnan(past.surveys[t]):
                last = x * past.surveys[t] / truth[i, t]
            catch = min(0.2 * last, x)
            assert path.catch[i, t - 3] == pytest.approx(catch, rel=1e-12)
            x = grown(x - catch) * np.exp(error)
            assert path.biomass[i, t - 2] == pytest.approx(x, rel=1e-12)


def test_no_fishing_leaves_most_where_more_stock_grows_to_more() -> None:
    """Beverton-Holt growth rises everywhere: with the same errors, whoever catches less has more, every year."""
    posterior, past = made_up(beverton_holt())
    inferred = infer_past(posterior, past)
    none = follow("none", standing(RulePolicy(ConstantCatch(0.0), 1.0)), inferred, 2)
    for rate in (0.05, 0.3):
        fished = follow("fished", standing(RulePolicy(ConstantRate(rate), 700.0)), inferred, 2)
        assert (none.biomass >= fished.biomass).all() and (none.biomass[:, 1:] > fished.biomass[:, 1:]).all()
    assert (none.biomass >= inferred.biomass[:, 2:]).all()


def test_the_first_survey_is_that_of_the_history() -> None:
    posterior, past = made_up(logistic())
    inferred = infer_past(posterior, past)
    seen: list[Any] = []

    class Spy(RulePolicy):
        def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
            seen.append((observed, caught))
            return super().decide(memory, observed, caught)

    spy = Spy(ConstantRate(0.1), 700.0)
    follow("spy", Standing(spy, spy.start(1), caught=55.0, survey_factor=2.0), inferred, 3)
    np.testing.assert_allclose(seen[0][0], 2.0 * past.surveys[3], rtol=1e-12)
    np.testing.assert_array_equal(seen[0][1], 55.0)
    assert np.isnan(seen[1][0]).all()  # no survey was made in the fifth year
    seen.clear()
    follow("spy", Standing(spy, spy.start(1), heard=True), inferred, 3)
    assert np.isnan(seen[0][0]).all() and np.isfinite(seen[2][0]).all()


def test_a_reported_catch_that_a_draw_cannot_have_borne_is_reduced_there() -> None:
    posterior, past = made_up(logistic())
    biomass, last = posterior.trajectory_biomass.copy(), past.catch[-1]
    biomass[7, -1] = 0.9 * last  # less than was reported, and yet something was left
    biomass[8, -1] = last * (1.0 + 1e-9)  # next to nothing is left of it, of which much grew
    terminal = posterior.members.initial_biomass.copy()
    law = logistic()
    for row, left in ((7, 0.4), (8, 0.1)):
        s = left * biomass[row, -1]
        terminal[row] = s + law.r[row] * s * (1.0 - s / law.K[row])
    members = replace(posterior.members, initial_biomass=terminal)
    inferred = infer_past(SimpleNamespace(members=members, trajectory_biomass=biomass, size=DRAWS), past)
    assert inferred.reduced == 2 and inferred.left_out == 0
    untouched = inferred.catch == past.catch
    untouched[[7, 8], -1] = True
    assert untouched.all()
    sigma = 0.1
    for row in (7, 8):
        share = inferred.catch[row, -1] / last
        s = biomass[row, -1] - np.array([share, share + 0.01]) * last
        needed = np.log(terminal[row] / (s + law.r[row] * s * (1.0 - s / law.K[row])))
        # a percent more of the catch needs more than five standard deviations, or cannot be
        assert needed[0] <= 5.0 * sigma and not needed[1] <= 5.0 * sigma
    path = follow("again", standing(Again(inferred.catch)), inferred, 0)
    np.testing.assert_allclose(path.biomass, inferred.biomass, rtol=1e-11)


def replace_draws(posterior: Any, biomass: Any) -> Any:
    return SimpleNamespace(members=posterior.members, trajectory_biomass=biomass, size=DRAWS)


def test_extinction_and_growth_out_of_nothing() -> None:
    """Below its threshold Allen's stock shrinks; nothing grows of nothing, which a draw may still say it did."""
    posterior, past = made_up(logistic())
    biomass = posterior.trajectory_biomass.copy()
    biomass[0, 9:] = 0.0
    members = replace(posterior.members, initial_biomass=np.where(np.arange(DRAWS) == 0, 0.0, biomass[:, -1]))
    biomass[1, 9] = 0.0  # and back the year after
    gone = SimpleNamespace(members=members, trajectory_biomass=biomass, size=DRAWS)
    inferred = infer_past(gone, past)
    assert inferred.left_out == 1 and 1 not in inferred.member and inferred.draws == DRAWS - 1
    np.testing.assert_array_equal(inferred.ratio[0, 9:], 1.0)
    assert np.isnan(inferred.seen[0, 9:]).all()
    path = follow("none", standing(RulePolicy(ConstantCatch(0.0), 1.0)), inferred, 0)
    # what died out of a harvest alone does so under the error that killed it: a ratio of zero is one of any escapement
    assert path.biomass[0, 9:].max() == 0.0 and np.isfinite(path.biomass).all()
    none_left = SimpleNamespace(
        members=members, trajectory_biomass=np.where(np.arange(12) == 3, 0.0, biomass), size=DRAWS
    )
    with pytest.raises(EvaluationError, match="none of the 30 draws"):
        infer_past(none_left, past)


def test_allens_threshold_is_lived_through_again() -> None:
    law = Allen(np.full(DRAWS, 0.8), np.full(DRAWS, 1000.0), np.full(DRAWS, 300.0))
    posterior, past = made_up(law, sigma=0.05)
    inferred = infer_past(posterior, past)
    greedy = follow("greedy", standing(RulePolicy(ConstantRate(0.9), 700.0)), inferred, 0)
    kept = follow("none", standing(RulePolicy(ConstantCatch(0.0), 1.0)), inferred, 0)
    assert (greedy.catch <= greedy.biomass[:, :-1]).all() and greedy.catch.min() >= 0.0
    assert greedy.biomass[:, -1].max() < 10.0 and np.isfinite(greedy.biomass).all()
    assert kept.biomass[:, -1].min() > 300.0


def test_the_figures_of_policies_beside_those_of_the_past() -> None:
    posterior, past = made_up(logistic())
    inferred = infer_past(posterior, past)
    limit = np.full(DRAWS, 500.0)
    limit[:4] = 1e6  # these begin below it
    economy = eco.Economy(price=2.0, discount=0.9)
    policies = {"tenth": standing(RulePolicy(ConstantRate(0.1), 700.0))}
    found = counterfactual(policies, inferred, economy, limit, 5)
    assert found["policy"].values.tolist() == [ACTUAL, "tenth"]
    assert found["year"].values.tolist() == list(range(2006, 2013))
    actual = found.sel(policy=ACTUAL)
    np.testing.assert_allclose(actual["total_catch"], past.catch[5:].sum())
    value = sum(0.9**t * 2.0 * caught for t, caught in enumerate(past.catch[5:]))
    np.testing.assert_allclose(actual["npv"], value)
    np.testing.assert_allclose(
        actual["biomass"].sel(quantile=0.5), np.median(inferred.biomass[:, 5:-1], axis=0)
    )
    np.testing.assert_array_equal(actual["final_biomass"], posterior.members.initial_biomass)
    fell = (inferred.biomass[:, 6:] < 500.0).any(axis=1)
    np.testing.assert_array_equal(actual["collapsed"][4:], fell[4:])
    assert found["collapsed"].isel(draw=slice(4)).isnull().all()
    for name in (*found.data_vars, *found.coords):
        assert found[name].attrs["long_name"] and found[name].attrs["units"], name
    with pytest.raises(EvaluationError, match="first year from 2001 to 2012"):
        counterfactual(policies, inferred, economy, limit, 12)


def test_a_quota_that_is_none_is_refused() -> None:
    posterior, past = made_up(logistic())
    inferred = infer_past(posterior, past)
    with pytest.raises(PolicyError, match=r"'bad' set the quota -1.0 in 2004"):
        follow("bad", standing(RulePolicy(ConstantCatch(-1.0), 1.0)), inferred, 3)


def test_members_and_trajectories_are_joint_draws_also_of_an_average() -> None:
    """Row i of the trajectories is of member i: with their last catch unknown, they end where the members stand."""
    history = eco.load_history("hake-argentina-north")
    unfinished = replace(history, catch=np.append(history.catch[:-1], np.nan))
    one = eco.fit(unfinished, growth="logistic", draws=20, cells=60)
    both = average({"a": one, "b": one}, {"a": 0.3, "b": 0.7})
    law = both.members.growth
    assert isinstance(law, MixedGrowth)
    for posterior, rows in ((one, np.arange(20)), (both, law.row)):
        np.testing.assert_array_equal(posterior.trajectory_biomass[:, -1], posterior.members.initial_biomass)
        np.testing.assert_array_equal(posterior.trajectory_biomass, one.trajectory_biomass[rows])
        np.testing.assert_array_equal(posterior.members.growth(2e5), one.members.growth(2e5)[rows])
    past = PastYears.of(eco.HarvestProblem(stock=both, history=unfinished))
    inferred = infer_past(both, past)
    assert inferred.biomass.shape == (20, 33) and inferred.year[-1] == 2017


def test_trajectories_of_another_history_are_refused() -> None:
    posterior, past = made_up(logistic())
    short = replace_draws(posterior, posterior.trajectory_biomass[:, :5])
    with pytest.raises(EvaluationError, match=r"shape \(30, 5\), expected \(30, 12\)"):
        infer_past(short, past)
