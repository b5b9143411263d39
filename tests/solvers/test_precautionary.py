"""The rules that agencies use: their numbers by hand, from the logistic law with r = .75 and K = 1.

By hand: S_MSY = K/2 = .5, MSY = rK/4 = .1875, B_MSY = .5 + .1875 = .6875, F_MSY = .1875/.6875 = 3/11, B0 = 1.
"""

import dataclasses

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import SolverError

STOCK = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.05))
PROBLEM = eco.HarvestProblem(stock=STOCK, grid=eco.Grid(upper=2.0, cells=40))
F_MSY, B_MSY = 3.0 / 11.0, 0.6875
# S*(g) of growth without noise: .95 (1.75 - 1.5 s) = 1
S_STAR = (1.75 - 1.0 / 0.95) / 1.5
F_STAR = 1.0 - S_STAR / (1.75 * S_STAR - 0.75 * S_STAR**2)

BIOMASS = np.array([0.0, 0.05, 0.2, 0.3, 0.5, 1.0, 1.7])
EXPECTED = {
    "tac": 0.8 * F_MSY * BIOMASS,
    "msy": F_MSY * BIOMASS,
    # F from 0 at .1 to F_MSY at .4: at .2 a third, at .3 two thirds
    "40-10": F_MSY * np.array([0, 0, 1 / 3, 2 / 3, 1, 1, 1]) * BIOMASS,
    # B_lim = .3 * .6875 = .20625, B_trigger = .5 * .6875 = .34375
    "ices": F_MSY * np.array([0, 0, 0, 0.3 / 0.34375, 1, 1, 1]) * BIOMASS,
    "constant-catch": np.full(7, 0.8 * 0.1875),
    "constant-f": F_MSY * BIOMASS,
    "no-fishing": np.zeros(7),
}


def quotas(solver, biomass=BIOMASS, problem=PROBLEM):
    policy = solver.solve(problem).policy
    return policy.decide(policy.start(len(biomass)), biomass, None)[0]


@pytest.mark.parametrize("rule", EXPECTED)
def test_numbers_by_hand(rule):
    # closed forms for the logistic: nothing but rounding
    assert quotas(eco.Precautionary(rule)) == pytest.approx(EXPECTED[rule], abs=1e-12)


def test_constant_escapement_is_that_of_reed():
    """A mean-one lognormal leaves S* that of growth without noise; one with median f raises E[z], and S*."""
    mean_one = eco.ParametricStock(STOCK.growth, eco.LognormalNoise(sigma=0.1, center="mean"))
    problem = dataclasses.replace(PROBLEM, stock=mean_one)
    # S* comes from Brent's method: half the digits of the objective
    assert quotas(eco.Precautionary("constant-escapement"), problem=problem) == pytest.approx(
        np.maximum(BIOMASS - S_STAR, 0.0), abs=1e-7
    )
    median = dataclasses.replace(
        PROBLEM, stock=eco.ParametricStock(STOCK.growth, eco.LognormalNoise(sigma=0.1))
    )
    higher = (1.75 - 1.0 / (0.95 * np.exp(0.005))) / 1.5
    assert quotas(eco.Precautionary("constant-escapement"), problem=median) == pytest.approx(
        np.maximum(BIOMASS - higher, 0.0), abs=1e-7
    )


@pytest.mark.parametrize(("rule", "expected"), [("msy", F_STAR * BIOMASS), ("tac", 0.8 * F_STAR * BIOMASS)])
def test_references_of_the_2019_paper(rule, expected):
    """F = (f(S*) - S*) / f(S*) with S* = .4649 (Memarzadeh & Boettiger 2019)."""
    assert quotas(eco.Precautionary(rule, references="memarzadeh2019")) == pytest.approx(expected, abs=1e-7)
    # and it is another number than F_MSY: .2864 against .2727
    assert F_STAR > F_MSY + 0.01


def test_references_of_the_2019_paper_leave_the_noise_out_of_the_escapement():
    noisy = eco.ParametricStock(STOCK.growth, eco.LognormalNoise(sigma=0.4))
    problem = dataclasses.replace(PROBLEM, stock=noisy, grid=eco.Grid(upper=5.0, cells=40))
    paper = quotas(eco.Precautionary("constant-escapement", references="memarzadeh2019"), problem=problem)
    assert paper == pytest.approx(np.maximum(BIOMASS - S_STAR, 0.0), abs=1e-7)
    rate = quotas(eco.Precautionary("msy", references="memarzadeh2019"), problem=problem)
    assert rate == pytest.approx(F_STAR * BIOMASS, abs=1e-7)


def test_own_catch_and_rate():
    assert quotas(eco.Precautionary("constant-catch", catch=0.07)) == pytest.approx(0.07)
    assert quotas(eco.Precautionary("constant-f", rate=0.1)) == pytest.approx(0.1 * BIOMASS)


def test_constant_catch_of_a_history_is_the_mean_of_its_last_five():
    """The last year's catch is not known yet: (2 + 3 + 4 + 5 + 6) / 5 = 4."""
    history = eco.CatchHistory(
        year=np.arange(2000, 2008), catch=[9, 1, 2, 3, 4, 5, 6, np.nan], biomass=np.full(8, 50.0)
    )
    problem = dataclasses.replace(PROBLEM, history=history)
    assert quotas(eco.Precautionary("constant-catch"), problem=problem) == pytest.approx(4.0)


def test_without_a_survey_the_initial_belief_speaks():
    problem = dataclasses.replace(PROBLEM, initial=0.525)  # the middle of a cell of width .05
    assert quotas(eco.Precautionary("msy"), np.array([np.nan]), problem) == pytest.approx(F_MSY * 0.525)


def test_cap_and_delay_reach_the_policy():
    solver = eco.Precautionary("msy", cap=0.2, delay=1)
    problem = dataclasses.replace(PROBLEM, initial=0.525)
    policy = solver.solve(problem).policy
    memory = policy.start(1)
    first, memory = policy.decide(memory, np.array([1.0]), None)
    second, memory = policy.decide(memory, np.array([0.1]), first)
    third, memory = policy.decide(memory, np.array([0.1]), second)
    # year 1 acts on what was expected, year 2 on the survey of year 1 within +20 %, year 3 on .1 within -20 %
    assert first == pytest.approx(F_MSY * 0.525)
    assert second == pytest.approx(1.2 * F_MSY * 0.525)
    assert third == pytest.approx(0.8 * 1.2 * F_MSY * 0.525)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"rule": "best"}, "unknown rule 'best'.*tac"), ({"references": "mine"}, "'msy' or 'memarzadeh2019'")],
)
def test_settings_that_mean_nothing(arguments, words):
    with pytest.raises(SolverError, match=words):
        eco.Precautionary(**arguments)


def test_a_rule_needs_a_stock():
    history = eco.CatchHistory(year=[2000, 2001], catch=[1.0, np.nan], biomass=[5.0, 5.0])
    with pytest.raises(SolverError, match="fit one first"):
        eco.Precautionary("tac").solve(eco.HarvestProblem(history=history))


DOOMED = dataclasses.replace(
    PROBLEM, stock=eco.ParametricStock(eco.BevertonHolt(A=0.9, B=0.5), eco.LognormalNoise(sigma=0.1))
)
SLOW = dataclasses.replace(
    PROBLEM, stock=eco.ParametricStock(eco.Logistic(r=0.04, K=1.0), eco.LognormalNoise(sigma=0.02))
)


@pytest.mark.parametrize("rule", ["tac", "msy", "40-10", "ices"])
def test_a_stock_without_yield_has_no_rate(rule):
    with pytest.raises(SolverError, match="no sustainable yield"):
        eco.Precautionary(rule).solve(DOOMED)


def test_liquidation_is_said_aloud():
    """g (1 + r) = .95 * 1.04 < 1: S* = 0, and the rule takes everything."""
    solution = eco.Precautionary("constant-escapement").solve(SLOW)
    assert "WARNING" in solution.status
    assert "liquidate" in solution.status
    assert quotas(eco.Precautionary("constant-escapement"), problem=SLOW) == pytest.approx(BIOMASS)
    with pytest.raises(SolverError, match="liquidating"):
        eco.Precautionary("tac", references="memarzadeh2019").solve(SLOW)


def test_closeness_to_collapse_is_said_aloud():
    """r = .066 and g = .95, as for a slow lobster: S* = (1.066 - 1/.95) / .132 = .10 K (1 + noise's mean)."""
    slow = eco.ParametricStock(eco.Logistic(r=0.066, K=1.0), eco.LognormalNoise(sigma=0.01, center="mean"))
    solution = eco.Precautionary("constant-escapement").solve(dataclasses.replace(PROBLEM, stock=slow))
    assert solution.policy.rule.escapement == pytest.approx((1.066 - 1.0 / 0.95) / 0.132, abs=1e-6)
    assert "WARNING" in solution.status
    assert "WARNING" not in eco.Precautionary("constant-escapement").solve(PROBLEM).status
