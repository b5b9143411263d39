"""Harvest control rules at values computed by hand, and what RulePolicy remembers."""

import numpy as np
import pytest

from ecodecide.errors import PolicyError
from ecodecide.policy.rules import (
    ConstantCatch,
    ConstantEscapement,
    ConstantRate,
    IcesAdvice,
    IcesPercentile,
    PotentialBiologicalRemoval,
    Ramp,
    RateAbove,
    RelativeRamp,
    RulePolicy,
)

NAN = np.nan


@pytest.mark.parametrize(
    ("rule", "biomass", "quota"),
    [
        (ConstantRate(0.3), [0.0, 1.0, 5.0], [0.0, 0.3, 1.5]),
        # 40-10 with B0 = 10: nothing at 1, half the rate half-way at 2.5, all of it from 4 on
        (Ramp(0.2, 1.0, 4.0), [0.5, 1.0, 2.5, 4.0, 10.0], [0.0, 0.0, 0.25, 0.8, 2.0]),
        # F = 0.2 above 5, 0.2 B/5 below, none below 2: 0.04 B^2 in between
        (IcesAdvice(0.2, 5.0, 2.0), [1.99, 2.0, 3.0, 5.0, 8.0], [0.0, 0.16, 0.36, 1.0, 1.6]),
        (ConstantCatch(0.7), [0.0, 0.1, 9.0], [0.7, 0.7, 0.7]),
        (ConstantCatch(0.0), [0.0, 9.0], [0.0, 0.0]),
        (ConstantEscapement(0.4), [0.0, 0.4, 1.0], [0.0, 0.0, 0.6]),
        # a share from the threshold on, not what lies above it
        (RateAbove(0.2, 2.0), [0.0, 1.99, 2.0, 5.0], [0.0, 0.0, 0.4, 1.0]),
        # SAMtool's example: F from a tenth of F_MSY at .4 to three quarters at .8; half-way .425
        (RelativeRamp(0.2, 4.0, 8.0, 0.1, 0.75), [2.0, 4.0, 6.0, 8.0, 10.0], [0.04, 0.08, 0.51, 1.2, 1.5]),
        # the hockey stick: no B_lim
        (IcesAdvice(0.2, 5.0, 0.0), [0.0, 1.0, 5.0, 8.0], [0.0, 0.04, 1.0, 1.6]),
        # .9 * .8 * .2 = .144 of B above 5 / .5 = 10; .0144 B^2 below
        (IcesPercentile(0.2, 5.0, 0.8, 0.5, 0.9), [0.0, 5.0, 10.0, 20.0], [0.0, 0.36, 1.44, 2.88]),
        # N_min = .8 N; half of R_max = .04; F_r = .1: 1000 * .8 * .02 * .1
        (PotentialBiologicalRemoval(0.04, 0.8, 0.1), [0.0, 1000.0], [0.0, 1.6]),
    ],
)
def test_rule_by_hand(rule, biomass, quota):
    np.testing.assert_allclose(rule.quota(np.array(biomass)), quota, rtol=1e-14, atol=1e-15)
    decided, _ = RulePolicy(rule, expected=1.0).decide(
        RulePolicy(rule, expected=1.0).start(len(biomass)), np.array(biomass), None
    )
    np.testing.assert_allclose(decided, quota, rtol=1e-14, atol=1e-15)


def test_a_relative_ramp_from_zero_to_one_is_the_ramp():
    biomass = np.linspace(0.0, 10.0, 101)
    np.testing.assert_array_equal(
        RelativeRamp(0.3, 1.0, 4.0).quota(biomass), Ramp(0.3, 1.0, 4.0).quota(biomass)
    )


def test_a_ramp_needs_its_limit_below_its_target():
    with pytest.raises(PolicyError, match="limit of a ramp must lie below its target, got 4 and 4"):
        RelativeRamp(0.2, 4.0, 4.0)


def run(policy, surveys):
    """Quotas of years of surveys, shape (years, replicates), checking that no memory is changed in place."""
    surveys = np.array(surveys, dtype=float)
    memory, caught, quotas = policy.start(surveys.shape[1]), None, []
    for observed in surveys:
        before = memory.copy()
        quota, after = policy.decide(memory, observed, caught)
        np.testing.assert_array_equal(memory, before)
        assert len(after) == len(quota)
        memory, caught = after, quota
        quotas.append(quota)
    return np.array(quotas)


def test_without_a_survey_the_last_one_seen_counts_and_at_first_the_expected():
    quotas = run(
        RulePolicy(ConstantRate(0.5), expected=8.0), [[NAN, 2.0], [NAN, NAN], [4.0, NAN], [NAN, 6.0]]
    )
    np.testing.assert_array_equal(quotas, [[4.0, 1.0], [4.0, 1.0], [2.0, 1.0], [2.0, 3.0]])


def test_delay_acts_on_the_year_before():
    quotas = run(RulePolicy(ConstantRate(0.5), expected=8.0, delay=1), [[2.0], [4.0], [NAN], [10.0], [6.0]])
    # expected; then 2; then 4; no survey last year, so still 4; then 10
    np.testing.assert_array_equal(quotas.ravel(), [4.0, 1.0, 2.0, 2.0, 5.0])


def test_cap_limits_the_change_both_ways_from_the_capped_quota():
    quotas = run(
        RulePolicy(ConstantRate(1.0), expected=1.0, cap=0.25), [[8.0], [100.0], [100.0], [1.0], [9.0]]
    )
    # 8; at most 10; at most 12.5; at least 9.375; 9 lies within 25 % of it
    np.testing.assert_allclose(quotas.ravel(), [8.0, 10.0, 12.5, 9.375, 9.0], rtol=1e-15)


def test_a_quota_of_zero_may_be_followed_by_any():
    quotas = run(
        RulePolicy(ConstantEscapement(5.0), expected=1.0, cap=0.25), [[3.0], [105.0], [3.0], [1005.0]]
    )
    # closed; freed; then capped at 3/4 of 100, and at 5/4 of that
    np.testing.assert_array_equal(quotas.ravel(), [0.0, 100.0, 75.0, 93.75])


def test_cap_and_delay_together():
    quotas = run(RulePolicy(ConstantRate(1.0), expected=4.0, cap=0.5, delay=1), [[100.0], [1.0], [1.0]])
    # expected 4; last year's 100 capped at 6; last year's 1 capped at 3
    np.testing.assert_array_equal(quotas.ravel(), [4.0, 6.0, 3.0])


def test_a_batch_is_its_replicates_one_by_one():
    surveys = np.random.default_rng(0).uniform(0, 10, (6, 5))
    surveys[[1, 3, 4], [0, 2, 2]] = NAN
    policy = RulePolicy(Ramp(0.4, 1.0, 6.0), expected=3.0, cap=0.2, delay=1)
    together = run(policy, surveys)
    for i in range(5):
        np.testing.assert_array_equal(run(policy, surveys[:, [i]]).ravel(), together[:, i])


def test_no_catch_is_remembered():
    """A rule goes by its own last quota, whatever the fleet then caught."""
    policy = RulePolicy(ConstantRate(1.0), expected=1.0, cap=0.5)
    _, memory = policy.decide(policy.start(1), np.array([4.0]), None)
    for caught in (0.0, 4.0):
        quota, _ = policy.decide(memory, np.array([100.0]), np.array([caught]))
        assert quota[0] == 6.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"delay": 2}, "delay must be 0 .* or 1 .*, got 2"),
        ({"cap": 0.0}, "cap must be a positive share .*, got 0"),
        ({"cap": NAN}, "cap must be a positive share .*, got nan"),
    ],
)
def test_meaningless_settings_are_refused(settings, words):
    with pytest.raises(PolicyError, match=words):
        RulePolicy(ConstantRate(0.1), expected=1.0, **settings)
