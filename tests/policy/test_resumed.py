"""A policy that goes on: ten years are four and six."""

from typing import Any

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import PolicyError
from ecodecide.policy.protocol import Policy
from ecodecide.policy.resumed import resumed
from ecodecide.policy.rules import ConstantRate, Ramp, RulePolicy, SeriesPolicy, TwoOverThree

STOCK = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.2))
PROBLEM = eco.HarvestProblem(
    stock=STOCK, survey=eco.LognormalSurvey(cv=0.3), grid=eco.Grid(upper=2.0, cells=30), initial=0.5
)
POLICIES: dict[str, Policy] = {
    "belief": eco.Pomdp(gap=0.1).solve(PROBLEM).policy,
    "table": eco.OptimalControl().solve(PROBLEM).policy,
    "rule": RulePolicy(ConstantRate(0.2), expected=0.5),
    "capped and late": RulePolicy(Ramp(0.3, 0.1, 0.6), expected=0.5, cap=0.2, delay=1),
    "series": SeriesPolicy(TwoOverThree(), last=0.1, surveys=(0.5, 0.6, 0.4), this_year=0.7, interval=2),
}


def lived(policy: Policy, biomass: float, surveys: Any, z: Any) -> tuple[Any, Any, float]:
    """Dumb twin of a closed loop of one replicate: quotas, catches and the biomass at the end."""
    memory, last, quotas, catches = policy.start(1), None, [], []
    for survey_z, growth_z in zip(surveys, z, strict=True):
        seen = (
            np.array([np.nan]) if np.isnan(survey_z) else PROBLEM.survey.sample(np.array([biomass]), survey_z)
        )
        quota, memory = policy.decide(memory, seen, last)
        last = np.minimum(quota, biomass)
        quotas.append(float(quota[0]))
        catches.append((float(seen[0]), float(last[0])))
        biomass = float(STOCK.step(np.array([biomass - last[0]]), growth_z)[0])
    return quotas, catches, biomass


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("heard", [False, True], ids=["survey to come", "survey made"])
def test_ten_years_are_four_and_then_six(name: str, heard: bool) -> None:
    rng = np.random.default_rng(5)
    z, surveys = rng.standard_normal((2, 10))
    surveys[2] = np.nan
    policy = POLICIES[name]
    quotas, events, _ = lived(policy, 0.6, surveys, z)
    _, _, biomass = lived(policy, 0.6, surveys[:4], z[:4])
    seen, caught = zip(*events, strict=True)
    later = resumed(policy, seen[: 5 if heard else 4], caught[:4], followed=True)
    if heard:
        surveys[4] = np.nan
    again, _, _ = lived(later, biomass, surveys[4:], z[4:])
    assert again == quotas[4:]
    assert len(set(quotas)) > 1


@pytest.mark.parametrize("name", POLICIES)
def test_nothing_behind_it_is_the_policy_itself(name: str) -> None:
    rng = np.random.default_rng(6)
    z, surveys = rng.standard_normal((2, 5))
    policy = POLICIES[name]
    assert lived(resumed(policy, [], []), 0.6, surveys, z) == lived(policy, 0.6, surveys, z)


def test_a_small_catch_is_no_sign_of_collapse_where_others_set_the_quota() -> None:
    """After a survey of 0.6 the policy would take 0.1 or more; a catch of 0.01 leaves more, not nothing."""
    policy: Any = POLICIES["belief"]
    beliefs = {}
    for followed in (False, True):
        later = resumed(policy, [0.6], [0.01], followed)
        _, memory = later.decide(later.start(1), np.array([np.nan]), None)
        beliefs[followed] = policy.belief(memory)[0]
    assert policy.decide(policy.start(1), np.array([0.6]), None)[0] > 0.05
    assert beliefs[True][0] == 1.0
    assert beliefs[False][0] < 1e-3
    assert beliefs[False] @ PROBLEM.grid.points > 0.5


def test_a_quota_that_nobody_followed_is_no_last_quota() -> None:
    """Caps, and rules that multiply, go from what was caught; of an unknown catch from their own quota."""
    capped = RulePolicy(ConstantRate(0.5), expected=0.5, cap=0.2)
    for taken, last in ((0.03, 0.03), (0.0, None)):
        later = resumed(capped, [0.6, 0.6], [taken])
        quota = float(later.decide(later.start(1), np.array([np.nan]), None)[0][0])
        assert quota == pytest.approx(0.3 if last is None else 1.2 * last)
    memory = capped.decide(capped.start(2), np.array([0.6, 0.6]), None)[1]
    np.testing.assert_array_equal(capped.as_caught(memory, np.array([np.nan, 0.1]))[:, 0], [0.3, 0.1])
    # advice of every second year was due in the first; nobody took it, so that it is due again, of the last catch
    series = SeriesPolicy(TwoOverThree(), last=0.1, surveys=(0.5, 0.5, 0.5, 0.5), this_year=0.5, interval=2)
    later = resumed(series, [0.5, 1.0], [0.03])
    expected = 0.03 * 1.2  # (1 + .5) / 2 over .5 is 1.5, and at most 1.2
    assert float(later.decide(later.start(1), np.array([np.nan]), None)[0][0]) == pytest.approx(expected)
    followed = resumed(series, [0.5, 1.0], [0.03], followed=True)
    assert float(followed.decide(followed.start(1), np.array([np.nan]), None)[0][0]) == pytest.approx(0.1)


def test_a_batch_goes_on_alike() -> None:
    later = resumed(POLICIES["capped and late"], [0.5, 0.4], [0.1, 0.1])
    quota, memory = later.decide(later.start(3), np.array([0.3, np.nan, 0.9]), None)
    assert quota.shape == (3,)
    assert memory.shape[0] == 3
    # with a delay of one year the surveys of this year make no difference yet
    assert len(set(quota)) == 1


@pytest.mark.parametrize(("observed", "caught"), [([], [0.1]), ([0.5, 0.4, 0.3], [0.1]), ([0.5], [np.nan])])
def test_what_does_not_go_together_is_refused(observed: list[float], caught: list[float]) -> None:
    with pytest.raises(PolicyError, match=r"catch"):
        resumed(POLICIES["rule"], observed, caught)


@pytest.mark.parametrize("name", POLICIES)
def test_who_takes_the_expected_biomass_for_a_survey_that_was_not_made(name: str) -> None:
    policy = POLICIES[name]
    told = resumed(policy, [np.nan], [0.11], expected=0.9)
    same = resumed(policy, [np.nan], [0.11])
    heard = resumed(policy, [np.nan, 0.9], [0.11])
    quota, without, surveyed = (
        float(one.decide(one.start(1), np.array([np.nan]), None)[0][0]) for one in (told, same, heard)
    )
    if name in ("belief", "series"):
        assert quota == without
    elif name == "capped and late":
        # it acts on what it took for last year's survey: the ramp at 0.9, but within the cap of the last catch
        assert quota == pytest.approx(1.2 * 0.11)
        assert without == pytest.approx(Ramp(0.3, 0.1, 0.6).quota(np.array([0.5]))[0])
    else:
        assert quota == surveyed > without


def test_a_survey_that_was_made_counts_before_the_expected_biomass() -> None:
    rule = POLICIES["rule"]
    later = resumed(rule, [0.5, 0.4], [0.1], expected=0.9)
    assert later.decide(later.start(1), np.array([np.nan]), None)[0] == pytest.approx(0.2 * 0.4)
