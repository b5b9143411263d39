"""The surveys of a history in units of biomass."""

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import HistoryWarning, SolverError
from ecodecide.solvers.past_surveys import past_surveys

NAN = np.nan
YEARS = np.arange(2000, 2005)
BIOMASS = np.array([10.0, 8.0, 6.0, 7.0, 9.0])
STOCK = eco.ParametricStock(eco.Logistic(r=0.5, K=12.0), eco.LognormalNoise(sigma=0.1))


class Fitted(eco.ParametricStock):
    """A stock that says what its biomass was, as a fit does."""

    best_biomass = BIOMASS


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
