"""GPDP with a covariate or a lag: what it learns, and that it reduces to the one-dimensional policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import FewDataWarning, FitError, GridError, SolverError
from ecodecide.fitting.lesson import lesson
from ecodecide.history.catch_history import CatchHistory
from ecodecide.solvers.gpdp import Gpdp, gp_stock
from ecodecide.solvers.gpdp_second_state import LEVELS, environment_chain, second_input

YEARS = 60


def fishery(grow, seed=4):
    """Biomass and catch of a stock of about 100, fished down to 40 and back; grow(s, before, t) is log growth."""
    rng = np.random.default_rng(seed)
    biomass, catch, before = np.empty(YEARS), np.empty(YEARS), 60.0
    biomass[0] = 80.0
    for t in range(YEARS):
        aim = 65.0 + 25.0 * np.cos(t / 5.0)
        catch[t] = max(biomass[t] - aim, 0.0)
        left = biomass[t] - catch[t]
        if t + 1 < YEARS:
            biomass[t + 1] = left * np.exp(grow(left, before, t) + 0.04 * rng.standard_normal())
        before = left
    return CatchHistory(
        np.arange(1960, 1960 + YEARS), catch, biomass=biomass, units={"biomass": "t", "catch": "t"}
    )


def problem_of(history):
    return HarvestProblem(history=history, grid=Grid(upper=300.0, cells=60), economy=Economy(discount=0.95))


@pytest.fixture(scope="module")
def warmth():
    """An environment with a memory of a few years."""
    rng = np.random.default_rng(11)
    series = np.zeros(YEARS)
    for t in range(1, YEARS):
        series[t] = 0.7 * series[t - 1] + rng.standard_normal()
    return series


def test_a_covariate_moves_the_quota(warmth):
    """Growth of a good year twice that of a bad one: of the same biomass more is left before a good year."""
    history = fishery(lambda s, before, t: (0.6 + 0.25 * warmth[t]) * (1.0 - s / 100.0))
    solution = Gpdp(covariate=tuple(warmth)).solve(problem_of(history))
    policy = solution.policy
    assert policy.quotas.shape == (61, LEVELS)
    bad, good = (
        70.0 - policy.at(w).decide(policy.at(w).start(1), np.array([70.0]), None)[0][0] for w in (-2.0, 2.0)
    )
    assert good - bad >= 5.0  # a cell of the grid
    assert "over biomass and the covariate" in solution.status
    assert solution.settings["second_state"] == "covariate"
    assert solution.settings["error_bound"] < 1e-6 * solution.upper


def test_the_covariate_is_that_of_the_year_of_the_escapement(warmth):
    biomass = fishery(lambda s, before, t: 0.6 * (1.0 - s / 100.0)).biomass.copy()
    biomass[7] = np.nan  # two pairs less
    history = CatchHistory(np.arange(1960, 1960 + YEARS), np.full(YEARS, 1.0), biomass=biomass)
    learned = lesson(history)
    years = np.asarray(history.year, dtype=float)
    kept = np.delete(np.arange(YEARS - 1), [6, 7])
    np.testing.assert_array_equal(second_input(learned, years, warmth).values[0], warmth[kept])
    before = np.append(np.nan, biomass[:-1] - 1.0)[kept]
    np.testing.assert_array_equal(second_input(learned, years, None).values[0], before)


def test_a_lag_is_found_where_there_is_one():
    """Last year's escapement eats this year's recruits: what was left long ago counts."""
    history = fishery(lambda s, before, t: 0.9 * (1.0 - 0.5 * s / 100.0 - 0.5 * before / 100.0))
    solution = Gpdp(lagged=True).solve(problem_of(history))
    stock = gp_stock(problem_of(history), Gpdp(lagged=True))
    rates = [float(np.log(stock.at(before).growth(np.array(60.0)) / 60.0)) for before in (45.0, 85.0)]
    assert rates[0] - rates[1] == pytest.approx(0.18, abs=0.08)
    policy = solution.policy
    assert policy.levels[0] == 0.0 and policy.levels[-1] == pytest.approx(np.nanmax(stock.escapement))
    assert "over biomass and last year's escapement" in solution.status


def test_a_covariate_without_effect_leaves_the_policy_as_it_was():
    """Noise that has nothing to do with growth: the second dimension collapses, to the width of a few cells."""
    history = fishery(lambda s, before, t: 0.6 * (1.0 - s / 100.0))
    idle = np.random.default_rng(5).standard_normal(YEARS)
    problem = problem_of(history)
    plain = Gpdp().solve(problem)
    solution = Gpdp(covariate=tuple(idle)).solve(problem)
    at = np.array([50.0, 70.0, 90.0, 110.0])
    alone = np.interp(at, plain.policy.points, plain.policy.quotas)
    table = solution.policy.at(0.0)
    np.testing.assert_allclose(np.interp(at, table.points, table.quotas), alone, atol=2.0 * problem.grid.step)
    assert solution.upper == pytest.approx(plain.upper, rel=0.06)


def test_the_chain_has_the_moments_of_the_series(warmth):
    """Mean, standard deviation and autocorrelation of the stationary chain, to what 15 levels allow."""
    levels, transition = environment_chain(warmth)
    assert np.all(transition >= 0.0)
    np.testing.assert_allclose(transition.sum(axis=1), 1.0, rtol=1e-12)
    stationary = np.linalg.matrix_power(transition, 2000)[0]
    mean = stationary @ levels
    spread = stationary @ (levels - mean) ** 2
    assert mean == pytest.approx(warmth.mean(), abs=0.02)
    # Tauchen's levels end at 2.5 sd and count what lies beyond as lying there: some percent of the variance
    assert np.sqrt(spread) == pytest.approx(warmth.std(), rel=0.06)
    centered = warmth - warmth.mean()
    rho = centered[:-1] @ centered[1:] / (centered[:-1] @ centered[:-1])
    found = stationary @ ((levels - mean) * (transition @ (levels - mean))) / spread
    assert found == pytest.approx(rho, abs=0.03)
    gaps = np.where(np.arange(YEARS) % 7 == 3, np.nan, warmth)
    assert np.isfinite(environment_chain(gaps)[1]).all()


def test_refuses_what_means_nothing(warmth):
    history = fishery(lambda s, before, t: 0.6 * (1.0 - s / 100.0))
    problem = problem_of(history)
    with pytest.raises(SolverError, match="not both"):
        Gpdp(lagged=True, covariate=(1.0, 2.0))
    with pytest.raises(
        FitError, match=r"one number for each of the 60 years of the history, got shape \(2,\)"
    ):
        Gpdp(covariate=(1.0, 2.0)).solve(problem)
    with pytest.raises(FitError, match="never changes"):
        Gpdp(covariate=(1.0,) * YEARS).solve(problem)
    short = replace(problem, grid=Grid(upper=float(np.max(history.biomass)) + 1.0, cells=40))
    noisy = fishery(lambda s, before, t: 0.6 * (1.0 - s / 100.0) + 0.5 * warmth[t])
    top = float(np.max(noisy.biomass)) + 1.0
    with pytest.raises(GridError, match="the grid is too short"):
        Gpdp(lagged=True).solve(replace(short, history=noisy, grid=Grid(upper=top, cells=40)))


def test_the_first_quota_follows_the_last_escapement():
    """The last year has a catch and no pair yet: what it left is where the lag begins."""
    history = fishery(lambda s, before, t: 0.6 * (1.0 - s / 100.0))
    catch = history.catch.copy()
    catch[-1] = 0.7 * history.biomass[-1]
    fished = CatchHistory(history.year, catch, biomass=history.biomass, units={"biomass": "t", "catch": "t"})
    policy = Gpdp(lagged=True).solve(problem_of(fished)).policy
    assert policy.chances @ policy.levels == pytest.approx(0.3 * history.biomass[-1])


def test_pairs_without_the_second_input_are_not_counted(warmth):
    history = fishery(lambda s, before, t: 0.6 * (1.0 - s / 100.0))
    known = np.where(np.arange(YEARS) % 3 == 0, warmth, np.nan)
    solution = Gpdp(covariate=tuple(known)).solve(problem_of(history))
    assert solution.settings["pairs"] == 20 and "from 20 pairs" in solution.status
    assert hash(Gpdp(covariate=warmth)) == hash(Gpdp(covariate=tuple(warmth)))
    few = np.where(np.arange(YEARS) < 4, warmth, np.nan)
    with pytest.raises(FitError, match=r"at least 5 pairs .* found 4"):
        Gpdp(covariate=few).solve(problem_of(history))
    some = np.where(np.arange(YEARS) < 8, warmth, np.nan)
    with pytest.warns(FewDataWarning, match="rests on its prior: 8 pairs of years"):
        Gpdp(covariate=some).solve(problem_of(history))


def test_the_published_scheme_and_points_have_no_second_input(warmth):
    with pytest.raises(SolverError, match="no second input"):
        Gpdp(scheme="boettiger2015", lagged=True)
    history = fishery(lambda s, before, t: 0.6 * (1.0 - s / 100.0))
    points = replace(problem_of(history), grid=Grid(300.0, 60, "boettiger2015"))
    with pytest.raises(GridError, match="a second input needs a grid of cells"):
        Gpdp(lagged=True).solve(points)
    with pytest.raises(FitError, match="a chain needs a series that changes"):
        environment_chain(np.full(9, 2.0))
