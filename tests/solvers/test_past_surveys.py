"""The surveys of a history in units of biomass."""

from dataclasses import replace

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import HistoryWarning, SolverError
from ecodecide.solvers import best_ramp
from ecodecide.solvers.past_surveys import heard_share, over_best, past_surveys
from ecodecide.solvers.rule_inputs import RuleInputs

NAN = np.nan
YEARS = np.arange(2000, 2005)
BIOMASS = np.array([10.0, 8.0, 6.0, 7.0, 9.0])
STOCK = eco.ParametricStock(eco.Logistic(r=0.5, K=12.0), eco.LognormalNoise(sigma=0.1))


class Fitted(eco.ParametricStock):
    """A stock that says what its biomass was, as a fit does: draws of a geometric mean, and a best estimate."""

    trajectory_biomass = np.array([[0.25], [1.0], [4.0]]) * BIOMASS
    best_biomass = 0.8 * BIOMASS


FITTED = Fitted(STOCK.growth, STOCK.noise)


def problem(stock=STOCK, catch=(1.0,) * 5, **columns):
    return eco.HarvestProblem(stock=stock, history=eco.CatchHistory(year=YEARS, catch=catch, **columns))


def test_a_biomass_is_what_it_is():
    seen = past_surveys(problem(biomass=[10.0, NAN, 6.0, 7.0, 9.5]))
    np.testing.assert_array_equal(seen.surveys, [10.0, NAN, 6.0, 7.0, 9.5])
    assert np.isnan(seen.this_year)
    np.testing.assert_array_equal(seen.all, [10.0, 6.0, 7.0, 9.5])


def test_a_history_that_ends_with_a_survey_has_seen_the_first_year():
    seen = past_surveys(problem(catch=[1, 1, 1, 1, NAN], biomass=BIOMASS))
    np.testing.assert_array_equal(seen.surveys, BIOMASS[:4])
    assert seen.this_year == 9.0
    np.testing.assert_array_equal(seen.all, BIOMASS)


@pytest.mark.parametrize("q", [1e-3, 1.0, 40.0])
def test_an_index_is_divided_by_the_catchability_of_the_fitted_biomass(q):
    """q is the geometric mean of index over biomass: errors that add up to nothing in logs leave it."""
    error = np.exp([0.3, -0.2, NAN, -0.2, 0.1])
    seen = past_surveys(problem(FITTED, index=q * BIOMASS * error))
    np.testing.assert_allclose(seen.surveys, BIOMASS * error, rtol=1e-12)


def test_an_extinct_draw_tells_nothing_of_a_catchability():
    stock = Fitted(STOCK.growth, STOCK.noise)
    object.__setattr__(stock, "trajectory_biomass", np.array([BIOMASS, BIOMASS * [1.0, 1.0, 1.0, 1.0, 0.0]]))
    np.testing.assert_allclose(past_surveys(problem(stock, index=3.0 * BIOMASS)).surveys, BIOMASS, rtol=1e-12)


@pytest.mark.parametrize("rule", ["tac", "40-10", "80-40-msy", "ices", "constant-f", "pbr"])
def test_a_rule_makes_of_an_index_what_the_best_estimate_makes_of_it(rule):
    """The quota of an index I is that of the biomass I / q, with the q and the reference points of one estimate."""
    index = 3.0 * BIOMASS
    relative = problem(FITTED, index=index)
    assert over_best(relative) == pytest.approx(1.25, rel=1e-12)
    policy = eco.Precautionary(rule).solve(relative).policy
    best = eco.Precautionary(rule).solve(problem(FITTED, biomass=0.8 * BIOMASS)).policy
    for share in (0.1, 0.3, 0.5, 1.0):
        heard = share * past_surveys(relative).surveys
        quota, _ = policy.decide(policy.start(5), heard, None)
        expected, _ = best.decide(best.start(5), share * 0.8 * BIOMASS, None)
        np.testing.assert_allclose(quota, expected, rtol=1e-9)


def test_both_catchabilities_are_of_the_years_of_the_index():
    """Where the best estimate is of another course than the draws, the years before an index say nothing of it."""
    stock = Fitted(STOCK.growth, STOCK.noise)
    object.__setattr__(stock, "best_biomass", BIOMASS * [0.1, 0.2, 0.5, 0.5, 0.5])
    index = {"late": [NAN, NAN, 3.0, 3.5, 4.5], "last": [NAN, NAN, NAN, NAN, 7.0]}
    assert over_best(problem(stock, index=index)) == pytest.approx(2.0, rel=1e-12)


def test_of_an_index_the_survey_to_be_expected_knows_no_scale():
    """Draws that differ by a factor alone expect one survey: that of the geometric mean, far below the mean."""
    stock = Fitted(STOCK.growth, STOCK.noise)
    scale = np.array([0.25, 1.0, 4.0])
    members = eco.ParametricStock(STOCK.growth, STOCK.noise, initial_biomass=7.5 * scale)
    object.__setattr__(stock, "members", members)
    relative = problem(stock, index={"a": 3.0 * BIOMASS, "b": [NAN, NAN, 7.0, 6.0, 8.0]})
    assert heard_share(relative, stock) * (7.5 * scale).mean() == pytest.approx(7.5, rel=1e-12)
    assert heard_share(problem(stock, biomass=BIOMASS), stock) == 1.0


@pytest.mark.parametrize(("quantity", "sign"), [("f_msy", -1.0), ("b_msy", 1.0)])
def test_of_an_index_the_uncertain_scale_cancels_in_status(quantity, sign):
    """Draws whose biomass goes as 1 / F_MSY, or as B_MSY, know F_MSY B, or B_MSY / B, for certain."""
    members = eco.ParametricStock(
        eco.Logistic(r=np.array([0.2, 0.4, 0.9]), K=np.array([30.0, 12.0, 10.0])),
        eco.LognormalNoise(np.full(3, 0.1)),
    )
    values = np.array([getattr(world, quantity) for world in members.worlds])
    stock = Fitted(STOCK.growth, STOCK.noise)
    object.__setattr__(stock, "members", members)
    object.__setattr__(stock, "trajectory_biomass", values[:, None] ** sign * BIOMASS)
    of_index = RuleInputs("ices-35th", problem(stock, index=BIOMASS), stock)
    of_biomass = RuleInputs("ices-35th", problem(stock, biomass=BIOMASS), stock)
    assert of_index.log_sd(quantity) == pytest.approx(0.0, abs=1e-12)
    assert of_biomass.log_sd(quantity) == pytest.approx(np.log(values).std(), rel=1e-12)


def test_the_windfall_of_dcac_is_the_best_estimates():
    relative, absolute = problem(FITTED, index=3.0 * BIOMASS), problem(FITTED, biomass=0.8 * BIOMASS)
    quotas = [eco.Precautionary("dcac").solve(one).policy.rule.catch for one in (relative, absolute)]
    assert quotas[0] == pytest.approx(quotas[1], rel=1e-12) and quotas[0] < 1.0


@pytest.mark.parametrize(("series", "scale"), [("index", 1.25), ("biomass", 1.0)])
def test_the_limit_of_best_ramp_is_the_best_estimates(series, scale):
    """A share of its K, 12, in the biomass that the ramps are tried in."""
    asked = replace(problem(FITTED, **{series: BIOMASS}), initial=1.0, grid=eco.Grid(100.0, 30))
    with pytest.raises(SolverError, match=f"starts below its limit of {0.5 * 12.0 * scale:g}, and"):
        eco.BestRamp(limit=0.5).solve(asked)


def test_best_ramp_tries_its_ramps_from_the_survey_to_be_expected(monkeypatch):
    monkeypatch.setattr(best_ramp, "expected_survey", lambda problem, belief: 3.25)
    asked = replace(problem(FITTED, index=BIOMASS), initial=9.0, grid=eco.Grid(100.0, 30))
    assert best_ramp._Ramps(asked, eco.discretize(asked), 15.0, 1.5, 5).expected == 3.25


def test_a_biomass_needs_no_turning():
    assert over_best(problem(FITTED, biomass=BIOMASS)) == 1.0
    assert over_best(problem(STOCK, index=BIOMASS)) == 1.0
    assert past_surveys(problem(FITTED, biomass=BIOMASS)).over_best == 1.0


def test_several_indices_are_averaged_in_logs_each_with_its_own_catchability():
    up, down = np.exp([0.2, -0.2, 0.0, 0.0, NAN]), np.exp([-0.1, 0.1, 0.0, NAN, NAN])
    seen = past_surveys(problem(FITTED, index={"a": 3.0 * BIOMASS * up, "b": 0.1 * BIOMASS * down}))
    expected = BIOMASS * np.exp([0.05, -0.05, 0.0, 0.0, NAN])
    np.testing.assert_allclose(seen.surveys, expected, rtol=1e-12)


def test_spawning_biomass_is_an_index():
    np.testing.assert_allclose(past_surveys(problem(FITTED, ssb=0.4 * BIOMASS)).surveys, BIOMASS, rtol=1e-12)


def test_so_is_a_biomass_that_catch_exceeds():
    with pytest.warns(HistoryWarning, match="catch exceeds biomass"):
        history = eco.CatchHistory(year=YEARS, catch=np.ones(5), biomass=0.1 * BIOMASS)
    seen = past_surveys(eco.HarvestProblem(stock=FITTED, history=history))
    np.testing.assert_allclose(seen.surveys, BIOMASS, rtol=1e-12)


def test_a_relative_series_needs_a_fitted_stock():
    with pytest.raises(SolverError, match=r"relative series.*fit the stock to the history"):
        past_surveys(problem(index=BIOMASS))


def test_nothing_was_seen():
    assert past_surveys(eco.HarvestProblem(stock=STOCK)).surveys.size == 0
    only = past_surveys(problem())
    assert np.isnan(only.surveys).all() and only.surveys.shape == (5,) and only.all.size == 0
