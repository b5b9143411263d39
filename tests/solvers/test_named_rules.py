"""The rules by name: their numbers by hand from a stock and a history, and all of them at work.

The stock is logistic with r = .75 and K = 100, so S_MSY = 50, MSY = 18.75, B_MSY = 68.75, F_MSY = 3/11, B0 = 100.
"""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import SolverError
from ecodecide.policy.rules import RelativeRamp, SeriesPolicy
from ecodecide.solvers.named_rules import NAMED_RULES, RAMPS
from ecodecide.solvers.precautionary import RULES

NAN = np.nan
F_MSY, B_MSY = 3.0 / 11.0, 68.75
STOCK = eco.ParametricStock(eco.Logistic(r=0.75, K=100.0), eco.LognormalNoise(sigma=0.1))
CATCH = [4.0, 8.0, 12.0, 10.0, 20.0, 16.0, 14.0, 12.0, 10.0, 8.0]
BIOMASS = [90.0, 88.0, 80.0, NAN, 64.0, 50.0, 44.0, 40.0, 48.0, 60.0]
HISTORY = eco.CatchHistory(year=np.arange(2001, 2011), catch=CATCH, biomass=BIOMASS)
GRID = eco.Grid(upper=200.0, cells=40)
PROBLEM = eco.HarvestProblem(stock=STOCK, history=HISTORY, grid=GRID)
BARE = eco.HarvestProblem(stock=STOCK, grid=GRID)
FROM_HISTORY = [rule.name for rule in NAMED_RULES if rule.needs_history]


def policy(rule, problem=PROBLEM, **settings):
    return eco.Precautionary(rule, **settings).solve(problem).policy


def quotas(rule, biomass, problem=PROBLEM, **settings):
    made = policy(rule, problem, **settings)
    biomass = np.array(biomass, dtype=float)
    return made.decide(made.start(len(biomass)), biomass, None)[0]


# --- one year's biomass ---


@pytest.mark.parametrize(
    ("rule", "biomass", "quota"),
    [
        # SAMtool: F from 0 at .2 B0 to F_MSY at .6 B0: half at .4
        ("60-20", [10, 20, 40, 60, 90], [0, 0, 20 * F_MSY, 60 * F_MSY, 90 * F_MSY]),
        # from 0 at 27.5 to F_MSY at 55: half at 41.25
        ("80-40-msy", [20, 27.5, 41.25, 55, 90], [0, 0, 41.25 / 2 * F_MSY, 55 * F_MSY, 90 * F_MSY]),
        # F_MSY B / 34.375 below that, without a B_lim
        ("msy-hockey-stick", [0, 10, 34.375, 50], [0, F_MSY * 100 / 34.375, 34.375 * F_MSY, 50 * F_MSY]),
        ("no-fishing-below", [0, 19.99, 20, 90], [0, 0, 20 * F_MSY, 90 * F_MSY]),
        ("fmsy", [0, 50], [0, 50 * F_MSY]),
        # the last catch and biomass: 8 of 60
        ("current-catch", [0, 50], [8, 8]),
        ("current-f", [0, 45], [0, 6]),
        ("no-f", [0, 45], [0, 0.006]),
        ("reduce-f25", [0, 45], [0, 4.5]),
        ("increase-f25", [0, 45], [0, 7.5]),
        # the mean of the last five catches is 12
        ("cc1", [0, 50], [12, 12]),
        ("cc2", [0, 50], [10.8, 10.8]),
        ("cc3", [0, 50], [9.6, 9.6]),
        ("cc4", [0, 50], [8.4, 8.4]),
        ("cc5", [0, 50], [7.2, 7.2]),
        # MacCall 2009: 114 tons in ten years, of which the way from 90 to 60 was a windfall of 30 / 18.75 years
        ("dcac", [0, 50], [114 / 11.6, 114 / 11.6]),
        # R_max = r: half of .75 times a half of what a perfect survey says
        ("pbr", [0, 50], [0, 50 * 0.1875]),
    ],
)
def test_numbers_by_hand(rule, biomass, quota):
    # R_max is read at a millionth of B0
    assert quotas(rule, biomass) == pytest.approx(np.array(quota, dtype=float), rel=2e-6, abs=1e-12)


def test_the_two_rules_called_escapement_are_not_the_same():
    """Reed leaves the same escapement whatever there is; F = 0 below a threshold catches a share above it."""
    biomass = np.array([30.0, 60.0, 90.0])
    left = biomass - quotas("constant-escapement", biomass)
    assert left[1] == pytest.approx(left[2]) and left[0] == 30.0
    assert (biomass - quotas("no-fishing-below", biomass)) / biomass == pytest.approx(1.0 - F_MSY)


def test_ramps_take_samtools_relative_f():
    made = policy("80-40-msy", relative_f=(0.1, 0.75)).rule
    assert made == RelativeRamp(pytest.approx(F_MSY), 0.4 * B_MSY, 0.8 * B_MSY, 0.1, 0.75)
    assert quotas("40-10", [5.0, 40.0], relative_f=(0.1, 0.75)) == pytest.approx([0.5 * F_MSY, 30.0 * F_MSY])
    with pytest.raises(SolverError, match=f"relative_f is of the ramps {', '.join(RAMPS)}; 'msy' is none"):
        eco.Precautionary("msy", relative_f=(0.1, 1.0))
    with pytest.raises(SolverError, match="two numbers of at least 0, in order"):
        eco.Precautionary("40-10", relative_f=(1.0, 0.5))


def test_pbr_takes_the_20th_percentile_of_a_lognormal_estimate():
    """Wade 1998: N_min = N / exp(.842 sqrt(log(1 + CV^2))); R_max .04, CV .3, F_r .5: 7.8 of 1,000."""
    whales = eco.ParametricStock(eco.Logistic(r=0.04, K=2000.0), eco.LognormalNoise(sigma=0.05))
    problem = eco.HarvestProblem(
        stock=whales, survey=eco.LognormalSurvey(cv=0.3), grid=eco.Grid(upper=4000.0, cells=40)
    )
    minimum = 1000.0 / np.exp(0.8416 * np.sqrt(np.log(1.09)))
    # z to four digits
    assert quotas("pbr", [1000.0], problem) == pytest.approx(minimum * 0.02 * 0.5, rel=2e-5)
    assert minimum == pytest.approx(781.0, abs=0.2)


def test_pbr_of_a_stock_with_an_allee_effect_takes_the_best_growth_and_of_a_doomed_one_nothing():
    allen = eco.ParametricStock(eco.Allen(r=2.0, K=8.0, C=5.0), eco.LognormalNoise(sigma=0.05))
    problem = eco.HarvestProblem(stock=allen, grid=eco.Grid(upper=15.0, cells=40))
    # growth per head is greatest at (K + C) / 2: exp(r (1 - s/K) (s - C)/K) - 1
    best = np.exp(2.0 * (1.0 - 6.5 / 8.0) * 1.5 / 8.0) - 1.0
    # 2,000 trials up to B0
    assert quotas("pbr", [4.0], problem) == pytest.approx(4.0 * best / 4.0, rel=1e-4)
    doomed = eco.ParametricStock(eco.BevertonHolt(A=0.9, B=0.5), eco.LognormalNoise(sigma=0.1))
    assert quotas("pbr", [4.0], dataclasses.replace(problem, stock=doomed)) == 0.0


def test_percentiles_of_ices_by_hand():
    """SPiCT: F_MSY times what .35 is of .5, the same of B / B_MSY under the trigger, and of the catch; z = -.3853."""
    problem = dataclasses.replace(BARE, survey=eco.LognormalSurvey(cv=0.2))
    share = np.exp(-0.38532 * np.sqrt(np.log(1.04)))
    assert quotas("ices-35th", [80.0], problem) == pytest.approx(80.0 * F_MSY * share**2, rel=1e-5)
    assert quotas("ices-35th", [20.0], problem) == pytest.approx(
        20.0 * F_MSY * share**3 * 20.0 / 34.375, rel=1e-5
    )
    # nothing uncertain: the hockey stick
    assert quotas("ices-35th", [20.0, 80.0], BARE) == pytest.approx(
        quotas("msy-hockey-stick", [20.0, 80.0], BARE)
    )


def test_percentiles_of_ices_widen_with_the_draws_of_a_fit():
    class Fitted(eco.ParametricStock):
        members = SimpleNamespace(
            worlds=[
                SimpleNamespace(msy=1.0, f_msy=F_MSY * np.exp(d), b_msy=B_MSY * np.exp(-2 * d))
                for d in (-0.1, 0.1)
            ]
            + [SimpleNamespace(msy=0.0, f_msy=0.0, b_msy=0.0)]
        )

    made = policy("ices-35th", dataclasses.replace(BARE, stock=Fitted(STOCK.growth, STOCK.noise))).rule
    assert made.f_share == pytest.approx(np.exp(-0.38532 * 0.1), rel=1e-5)
    assert made.b_share == pytest.approx(np.exp(-0.38532 * 0.2), rel=1e-5)
    assert made.c_share == 1.0


def test_dcac_never_exceeds_the_mean_catch():
    """A stock that grew over the history has no windfall (DLMtool holds the depletion at 1)."""
    grown = eco.CatchHistory(year=[2000, 2001, 2002], catch=[3.0, 4.0, 5.0], biomass=[20.0, 30.0, 40.0])
    assert quotas("dcac", [30.0], dataclasses.replace(PROBLEM, history=grown)) == pytest.approx(4.0)


# --- years of surveys ---


def test_two_over_three_starts_from_the_mean_catch_of_three_years():
    # surveys 44, 40, 48, 60 and now 63: mean(60, 63) / mean(44, 40, 48) = 61.5 / 44, held at 1.2
    assert quotas("2-over-3", [63.0, 24.0]) == pytest.approx([12.0, 10.0 * 42.0 / 44.0])
    # the buffer takes 20 % off the first advice, and is not taken again
    made = policy("2-over-3-buffer")
    first, memory = made.decide(made.start(1), np.array([24.0]), None)
    second, _ = made.decide(memory, np.array([24.0]), first)
    assert first == pytest.approx(8.0 * 42.0 / 44.0)
    assert second == pytest.approx(first * 0.8)  # mean(24, 24) / mean(40, 48, 60) = .49


@pytest.mark.parametrize(("rule", "multiplier"), [("rfb", 0.9), ("rb", 0.5)])
def test_rfb_takes_its_trigger_from_the_lowest_survey_and_advises_every_second_year(rule, multiplier):
    made = policy(rule)
    assert made.rule.trigger == pytest.approx(1.4 * 40.0) and made.rule.multiplier == multiplier
    first, memory = made.decide(made.start(1), np.array([28.0]), None)
    # r = 44 / 44, b = 28 / 56, no clause where b < 1
    assert first == pytest.approx(10.0 * 0.5 * multiplier)
    second, memory = made.decide(memory, np.array([90.0]), first)
    third, _ = made.decide(memory, np.array([90.0]), second)
    # mean(90, 90) / mean(48, 60, 28), b = 1, within +20 % and -30 %
    ratio = 90.0 / (136.0 / 3) * multiplier
    assert second == first and third == pytest.approx(first * np.clip(ratio, 0.7, 1.2))


@pytest.mark.parametrize(
    ("number", "gain", "share"), [(1, 0.4, 0.8), (2, 0.4, 0.7), (3, 0.4, 0.6), (4, 0.2, 0.6)]
)
def test_islope_has_the_parameters_of_dlmtool(number, gain, share):
    slope = np.polyfit(range(5), np.log([44.0, 40.0, 48.0, 60.0, 55.0]), 1)[0]
    assert quotas(f"islope{number}", [55.0]) == pytest.approx(12.0 * share * (1.0 + gain * slope), rel=1e-12)


@pytest.mark.parametrize(
    ("number", "multiple", "share"), [(1, 1.5, 1.0), (2, 2.0, 1.0), (3, 2.5, 1.0), (4, 2.5, 0.7)]
)
def test_itarget_has_the_parameters_of_dlmtool(number, multiple, share):
    average = np.nanmean(BIOMASS)
    index, low = (44.0 + 40.0 + 48.0 + 60.0 + 50.0) / 5, 0.8 * average
    expected = 0.5 * 12.0 * share * (index / low) ** 2
    assert index < low
    assert quotas(f"itarget{number}", [50.0]) == pytest.approx(expected, rel=1e-12)
    high = (192.0 + 200.0) / 5
    expected = 0.5 * 12.0 * share * (1.0 + (high - low) / (multiple * average - low))
    assert quotas(f"itarget{number}", [200.0]) == pytest.approx(expected, rel=1e-12)


def test_a_delay_and_a_cap_reach_rules_on_an_index():
    made = policy("2-over-3", cap=0.1, delay=1)
    assert isinstance(made, SeriesPolicy) and (made.cap, made.delay) == (0.1, 1)
    # last year's survey is the last: mean(48, 60) / mean(50, 44, 40)
    assert quotas("2-over-3", [1.0], delay=1) == pytest.approx(10.0 * min(54.0 / (134.0 / 3), 1.2))


def test_a_history_that_ends_with_a_survey_fills_the_first_year():
    history = eco.CatchHistory(year=np.arange(2001, 2011), catch=[*CATCH[:9], NAN], biomass=BIOMASS)
    problem = dataclasses.replace(PROBLEM, history=history)
    # mean(48, 60) / mean(50, 44, 40) from the catches 14, 12, 10
    assert quotas("2-over-3", [NAN], problem) == pytest.approx(12.0 * min(54.0 / (134.0 / 3), 1.2))
    # the last year of both is 2009: 10 of 48
    assert quotas("current-f", [48.0], problem) == pytest.approx(10.0)


# --- without a history ---


@pytest.mark.parametrize("rule", FROM_HISTORY)
def test_a_rule_that_starts_from_the_past_says_that_there_is_none(rule):
    with pytest.raises(SolverError, match="history"):
        eco.Precautionary(rule).solve(BARE)


@pytest.mark.parametrize(
    ("rule", "quota"),
    [("2-over-3", 5.0), ("2-over-3-buffer", 4.0), ("islope4", 3.0), ("cc3", 4.0), ("current-catch", 5.0)],
)
def test_a_catch_given_is_enough_where_no_survey_is_needed(rule, quota):
    assert quotas(rule, [50.0], BARE, catch=5.0) == pytest.approx(quota)


def test_a_rate_given_is_enough_for_the_scenarios_of_the_present_f():
    assert quotas("reduce-f25", [40.0], BARE, rate=0.2) == pytest.approx(6.0)
    assert quotas("increase-f25", [40.0], BARE, rate=0.9) == pytest.approx(40.0)


@pytest.mark.parametrize("rule", ["rfb", "itarget2"])
def test_a_rule_that_needs_past_surveys_says_so(rule):
    only = eco.CatchHistory(year=np.arange(2001, 2011), catch=CATCH)
    with pytest.raises(SolverError, match=r"survey.*history, which has none"):
        eco.Precautionary(rule).solve(dataclasses.replace(PROBLEM, history=only))


def test_a_closed_fishery_cannot_start_a_rule_that_multiplies():
    closed = eco.CatchHistory(year=[2000, 2001, 2002, 2003], catch=[5, 0, 0, 0], biomass=[9, 8, 8, 9])
    with pytest.raises(SolverError, match="was 0: it would never open"):
        eco.Precautionary("2-over-3").solve(dataclasses.replace(PROBLEM, history=closed))


# --- all of them ---


def test_names_are_unique_and_every_rule_says_what_it_does_and_where_it_is_from():
    assert len(RULES) == len(NAMED_RULES)
    for rule in NAMED_RULES:
        assert rule.name == rule.name.lower() and " " not in rule.name
        assert rule.words and rule.formula and rule.source


@pytest.fixture(scope="module")
def hake():
    """Argentine hake with the parameters that Memarzadeh & Boettiger 2019 found, scaled to the history."""
    history = eco.load_history("hake-argentina-north")
    stock = eco.ParametricStock(
        eco.Logistic(r=1.038, K=1.198 * history.scale), eco.LognormalNoise(sigma=0.11), unit="t"
    )
    return eco.HarvestProblem(
        stock=stock,
        survey=eco.LognormalSurvey(cv=0.2),
        history=history,
        grid=eco.Grid(upper=4.0 * history.scale, cells=40),
    )


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_sets_quotas_with_and_without_surveys(rule, hake):
    solution = eco.Precautionary(rule, cap=0.3, delay=1).solve(hake)
    assert solution.settings["solver"] == rule and solution.settings["source"]
    made, scale = solution.policy, hake.history.scale
    memory, caught = made.start(4), None
    for year in range(7):
        observed = np.array([NAN, 0.5 * scale, 0.0, NAN if year % 2 else 0.2 * scale])
        quota, memory = made.decide(memory, observed, caught)
        assert quota.shape == (4,) and np.isfinite(quota).all() and (quota >= 0.0).all()
        caught = quota


def test_every_rule_through_a_closed_loop(hake):
    policies = {rule: policy(rule, hake) for rule in RULES}
    runs = eco.evaluate(
        policies,
        truth=hake.stock,
        survey=hake.survey,
        economy=hake.economy,
        initial_biomass=0.4 * hake.history.scale,
        years=12,
        replicates=20,
        seed=1,
        implementation_cv=0.1,
    )
    assert np.isfinite(runs.quota).all() and (runs.catch <= runs.biomass).all()
    mean = runs.catch.mean(("world", "replicate", "year"))
    # more caution, less catch
    assert mean.sel(policy="cc1") > mean.sel(policy="cc5") > mean.sel(policy="no-fishing") == 0.0
    assert mean.sel(policy="2-over-3") > mean.sel(policy="2-over-3-buffer")
    assert mean.sel(policy="rfb") > mean.sel(policy="rb")
    assert mean.sel(policy="msy-hockey-stick") > mean.sel(policy="ices-35th")
