"""Rules on an index: values worked by hand, and a dumb re-implementation that keeps every year in a list."""

import math

import numpy as np
import pytest

from ecodecide.errors import PolicyError
from ecodecide.policy.rules import IndexSlope, IndexTarget, RatioWithSafeguard, SeriesPolicy, TwoOverThree
from ecodecide.policy.rules.index_rules import log_slope, mean_seen, two_over_three

NAN = np.nan
# the example series of the R package cat3advice: mean(.60, 1.03) / mean(1.33, 1.13, .84) = .815 / 1.1
INDEX = [1.33, 1.13, 0.84, 0.60, 1.03]
RATIO = 0.815 / 1.1
RULES = {
    "2-over-3": TwoOverThree(),
    "rfb": RatioWithSafeguard(trigger=0.84),
    "rb": RatioWithSafeguard(trigger=0.84, multiplier=0.5),
    "islope": IndexSlope(gain=0.4),
    "itarget": IndexTarget(catch=50.0, average=1.0, multiple=1.5),
}


def one(rule, surveys, last=100.0):
    return float(rule.quota(np.array([surveys], dtype=float), np.array([last]))[0])


# --- two over three: ICES 2012, method 3.2: last advice times the ratio, between .8 and 1.2 ---


@pytest.mark.parametrize(
    ("surveys", "quota"),
    [
        (INDEX, 80.0),  # .74 is held at .8
        ([1, 1, 1, 1.1, 1.1], 110.0),
        ([1, 1, 1, 3, 3], 120.0),
        ([1, 1, 1, 0.9, 0.9], 90.0),
        ([NAN, 1, NAN, NAN, 1.1], 110.0),  # the years that were seen
        ([NAN, NAN, NAN, 5, 5], 100.0),  # nothing before: no ratio
        ([1, 1, 1, NAN, NAN], 100.0),  # nothing of late: no ratio
        ([0, 0, 0, 1, 1], 100.0),  # nothing to divide by
        ([1, 1, 1, 0, 0], 80.0),
    ],
)
def test_two_over_three_by_hand(surveys, quota):
    assert one(TwoOverThree(), surveys) == pytest.approx(quota, rel=1e-14)


# --- rfb and rb: ICES 2022, with the stability clause where b = 1 ---


def test_rfb_by_hand():
    # b = min(1, 1.03 / .84) = 1: .741 * .9 = .667 is held at .7
    assert one(RatioWithSafeguard(trigger=0.84), INDEX) == pytest.approx(70.0, rel=1e-14)
    # a year later .5 was seen, below the trigger: r = mean(1.03, .5) / mean(1.13, .84, .6), b = .5 / .84, no clause
    later = [1.13, 0.84, 0.60, 1.03, 0.50]
    ratio = (1.53 / 2) / (2.57 / 3)
    assert one(RatioWithSafeguard(trigger=0.84), later) == pytest.approx(
        100 * ratio * 0.5 / 0.84 * 0.9, rel=1e-12
    )
    # the last survey seen is that of two years ago, .6
    assert one(RatioWithSafeguard(trigger=0.84), [*INDEX[:4], NAN]) == pytest.approx(
        100 * 0.6 / 1.1 * 0.6 / 0.84 * 0.9, rel=1e-12
    )
    # growth of a half: 1.5 * .9 = 1.35 is held at 1.2; f takes part
    assert one(RatioWithSafeguard(trigger=1.0), [1, 1, 1, 1.5, 1.5]) == pytest.approx(120.0)
    assert one(RatioWithSafeguard(trigger=1.0, pressure=0.8), [1, 1, 1, 1.5, 1.5]) == pytest.approx(108.0)
    # rb halves it: held at -30 %
    assert one(RatioWithSafeguard(trigger=1.0, multiplier=0.5), [1, 1, 1, 1, 1]) == pytest.approx(70.0)
    # nothing seen: r = b = 1, and the multiplier is left
    assert one(RatioWithSafeguard(trigger=1.0), [NAN] * 5) == pytest.approx(90.0)


def test_the_safeguard_of_rfb_is_continuous_but_for_its_clause():
    rule = RatioWithSafeguard(trigger=1.0, multiplier=0.95)
    at, below = one(rule, [1, 1, 1, 1, 1]), one(rule, [1, 1, 1, 1, 1 - 1e-9])
    assert at == pytest.approx(95.0) and below == pytest.approx(at, rel=1e-8)


# --- index slope: Geromont & Butterworth 2015: TAC (1 + lambda s) ---


def test_index_slope_by_hand():
    steady = np.exp(0.1 * np.arange(5.0))
    # a log index that rises by .1 a year: 1 + .4 * .1
    assert one(IndexSlope(0.4), steady) == pytest.approx(104.0, rel=1e-12)
    assert one(IndexSlope(0.2), steady) == pytest.approx(102.0, rel=1e-12)
    assert one(IndexSlope(0.4), steady[::-1]) == pytest.approx(96.0, rel=1e-12)
    # a line is a line through any of its points, and one point has none
    steady[[0, 3]] = NAN
    assert one(IndexSlope(0.4), steady) == pytest.approx(104.0, rel=1e-12)
    assert one(IndexSlope(0.4), [NAN, NAN, 3, NAN, NAN]) == 100.0
    assert one(IndexSlope(0.4), [NAN] * 5) == 100.0


def test_a_survey_of_zero_counts_as_a_hundredth_of_the_mean():
    slope = np.polyfit(range(5), np.log([1, 1, 1, 1, 0.008]), 1)[0]
    assert one(IndexSlope(0.4), [1, 1, 1, 1, 0]) == pytest.approx(100 * (1 + 0.4 * slope), rel=1e-12)
    assert one(IndexSlope(0.4), [0, 0, 0, 0, 0]) == 100.0
    assert one(IndexSlope(9.0), [1, 1, 1, 1, 0]) == 0.0


def test_log_slope_is_least_squares():
    surveys = np.random.default_rng(1).uniform(0.2, 3.0, (20, 5))
    surveys[::3, 1], surveys[::4, 4] = NAN, NAN
    for row, slope in zip(surveys, log_slope(surveys), strict=True):
        seen = ~np.isnan(row)
        assert slope == pytest.approx(np.polyfit(np.arange(5)[seen], np.log(row[seen]), 1)[0], abs=1e-13)


# --- index target: Geromont & Butterworth 2015 with DLMtool's I0 = .8 of the average ---


@pytest.mark.parametrize(
    ("index", "quota"),
    [(1.5, 50.0), (1.15, 37.5), (0.8, 25.0), (0.4, 6.25), (0.0, 0.0), (2.2, 75.0)],
)
def test_index_target_by_hand(index, quota):
    """Half of the catch at .8 A, all of it at 1.5 A, and (1/2)^2 of a half at .4 A."""
    rule = IndexTarget(catch=50.0, average=1.0, multiple=1.5)
    assert one(rule, [index] * 5) == pytest.approx(quota, rel=1e-12)
    assert one(rule, [NAN, index, NAN, index, NAN]) == pytest.approx(quota, rel=1e-12)


def test_index_target_is_continuous_and_keeps_the_last_where_nothing_was_seen():
    rule = IndexTarget(catch=50.0, average=1.0, multiple=2.5)
    assert one(rule, [0.8 - 1e-9] * 5) == pytest.approx(one(rule, [0.8 + 1e-9] * 5), rel=1e-7)
    assert one(rule, [NAN] * 5, last=33.0) == 33.0


def test_means_and_ratios_are_of_the_years_that_were_seen():
    surveys = np.array([INDEX, [NAN] * 5, [NAN, 2.0, 4.0, NAN, 9.0]])
    np.testing.assert_allclose(mean_seen(surveys), [4.93 / 5, NAN, 5.0], rtol=1e-14)
    np.testing.assert_allclose(two_over_three(surveys), [RATIO, 1.0, 3.0], rtol=1e-14)


# --- years of them: the policy against a list of everything ---


def dumb_quota(name, series, last):
    """One replicate and one year: what the rule says of all surveys so far, in plain Python."""
    window = series[-5:]

    def mean(values):
        seen = [v for v in values if not math.isnan(v)]
        return sum(seen) / len(seen) if seen else math.nan

    now, before = mean(window[3:]), mean(window[:3])
    ratio = 1.0 if math.isnan(now) or math.isnan(before) or before == 0.0 else now / before
    seen = [(t, v) for t, v in enumerate(window) if not math.isnan(v)]
    if name == "2-over-3":
        return last * min(max(ratio, 0.8), 1.2)
    if name in ("rfb", "rb"):
        safeguard = min(1.0, seen[-1][1] / 0.84) if seen else 1.0
        factor = ratio * safeguard * (0.9 if name == "rfb" else 0.5)
        return last * (factor if safeguard < 1.0 else min(max(factor, 0.7), 1.2))
    if name == "islope":
        slope = (
            np.polyfit([t for t, _ in seen], [math.log(v) for _, v in seen], 1)[0] if len(seen) > 1 else 0.0
        )
        return last * (1.0 + 0.4 * slope)
    index = mean(window)
    if math.isnan(index):
        return last
    return 25.0 * (1.0 + (index - 0.8) / 0.7) if index >= 0.8 else 25.0 * (index / 0.8) ** 2


def run(policy, surveys):
    """Quotas of years of surveys, shape (years, replicates), checking that no memory is changed in place."""
    memory, caught, quotas = policy.start(surveys.shape[1]), None, []
    for observed in surveys:
        before = memory.copy()
        quota, after = policy.decide(memory, observed, caught)
        np.testing.assert_array_equal(memory, before)
        assert len(after) == len(quota) and after.shape == memory.shape
        memory, caught = after, quota
        quotas.append(quota)
    return np.array(quotas)


SURVEYS = np.random.default_rng(4).lognormal(0.0, 0.5, (12, 6))
SURVEYS[np.random.default_rng(5).random((12, 6)) < 0.3] = NAN
SURVEYS[3:11, 2] = NAN  # longer without a survey than any rule looks back


@pytest.mark.parametrize("interval", [1, 2, 3])
@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("name", RULES)
def test_a_batch_over_years_is_the_dumb_loop(name, delay, interval):
    policy = SeriesPolicy(RULES[name], 40.0, (9.0, *INDEX), this_year=1.2, interval=interval, delay=delay)
    together = run(policy, SURVEYS)
    for i in range(SURVEYS.shape[1]):
        series, quota = [9.0, *INDEX], 40.0
        for year, seen in enumerate(SURVEYS[:, i]):
            series.append(1.2 if year == 0 and math.isnan(seen) else seen)
            if year % interval == 0:
                quota = dumb_quota(name, series[: len(series) - delay], quota)
            assert together[year, i] == pytest.approx(quota, rel=1e-11), (year, i)


@pytest.mark.parametrize("name", RULES)
def test_replicates_know_nothing_of_each_other(name):
    policy = SeriesPolicy(RULES[name], 40.0, tuple(INDEX), cap=0.15, delay=1, interval=2)
    together, order = run(policy, SURVEYS), [3, 0, 5, 1, 4, 2]
    np.testing.assert_array_equal(run(policy, SURVEYS[:, order]), together[:, order])
    for i in range(SURVEYS.shape[1]):
        np.testing.assert_array_equal(run(policy, SURVEYS[:, [i]]).ravel(), together[:, i])


def test_the_cap_holds_from_the_second_quota_on():
    rule = IndexTarget(catch=100.0, average=1.0, multiple=1.8)
    quotas = run(SeriesPolicy(rule, 10.0, (0.8,) * 4, cap=0.1), np.array([[0.8], [9.0], [9.0], [0.0]]))
    # 50 is free of the cap; the index of a mean above the target would more than double it
    np.testing.assert_allclose(quotas.ravel(), [50.0, 55.0, 60.5, 66.55], rtol=1e-14)


def test_a_closed_fishery_opens_again_from_the_last_advice():
    rule = RatioWithSafeguard(trigger=1.0, multiplier=0.9)
    surveys = np.array([[1.0], [0.0], [1.0], [1.0], [1.0], [1.0], [1.0]])
    quotas = run(SeriesPolicy(rule, 100.0, (1.0,) * 4), surveys).ravel()
    # 90; closed by b = 0; then b = 1 again, and r m = .5 * .9 of the 90 is held at .7
    assert quotas[0] == pytest.approx(90.0) and quotas[1] == 0.0
    assert quotas[2] == pytest.approx(90.0 * 0.7) and (quotas[2:] > 0.0).all()


def test_the_last_survey_of_the_history_stands_in_for_the_first_year_alone():
    policy = SeriesPolicy(TwoOverThree(), 100.0, (1.0, 1.0, 1.0, 1.1), this_year=1.1)
    quotas = run(policy, np.array([[NAN, 0.9], [NAN, NAN]]))
    # the second year has 1.1 twice of four, then once: mean(1.1) / mean(1, 1, 1.1)
    assert quotas[:, 0] == pytest.approx([110.0, 110.0 * 1.1 / (3.1 / 3)])
    assert quotas[0, 1] == pytest.approx(100.0)


def test_no_survey_was_ever_made():
    assert run(SeriesPolicy(TwoOverThree(), 7.0), np.full((3, 2), NAN)) == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"last": 0.0}, "above 0 to start from, got 0"),
        ({"last": NAN}, "above 0 to start from, got nan"),
        ({"last": 1.0, "interval": 0}, "at least 1 year between advice, got 0"),
        ({"last": 1.0, "delay": 2}, "delay must be 0"),
        ({"last": 1.0, "cap": -1.0}, "cap must be a positive share"),
    ],
)
def test_meaningless_settings_are_refused(settings, words):
    with pytest.raises(PolicyError, match=words):
        SeriesPolicy(TwoOverThree(), **settings)
