"""The tuned ramp against every ramp of a fine grid, its constraint, and what it says when it cannot be met."""

from itertools import product

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import SolverError
from ecodecide.policy.managed_chain import ManagedChain
from ecodecide.policy.rules import Ramp, RulePolicy
from ecodecide.solvers.best_ramp import BestRamp, _Ramps
from ecodecide.solvers.registry import CITATIONS, solver_named, solver_names

YEARS = 20


def fishery(initial=0.8, **settings):
    return eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Logistic(r=0.75, K=2.0), eco.LognormalNoise(sigma=0.2)),
        survey=eco.LognormalSurvey(cv=0.3),
        economy=eco.Economy(effort_cost=0.05),
        grid=eco.Grid(upper=5.0, cells=24),
        initial=initial,
        **settings,
    )


def outcome(problem, ramp, years=YEARS, limit=0.2):
    """Risk and value of a ramp, one at a time."""
    policy = RulePolicy(ramp, float(problem.initial))
    chain = ManagedChain.of(eco.discretize(problem), policy, problem.economy)
    found = chain.futures(problem.initial, years, limit)
    return float(found.collapse), float(found.npv)


@pytest.fixture(scope="module")
def brute_force():
    """Risk and value of 500 ramps that the search does not start from."""
    problem = fishery(implementation_cv=0.1)
    rates, closed, widths = np.linspace(0.03, 0.63, 10), np.linspace(0.0, 1.6, 10), np.linspace(0.01, 1.5, 5)
    ramps = [Ramp(rate, low, low + width) for rate, low, width in product(rates, closed, widths)]
    return problem, np.array([outcome(problem, ramp) for ramp in ramps])


@pytest.mark.parametrize("risk", [1.0, 1e-3])
def test_no_ramp_of_a_grid_is_better(brute_force, risk):
    problem, outcomes = brute_force
    accepted = outcomes[outcomes[:, 0] <= risk]
    assert len(accepted) > 10
    found = BestRamp(risk=risk, years=YEARS).solve(problem)
    assert found.converged
    rule = found.policy.rule
    collapse, npv = outcome(problem, rule)
    # what it tells is what its ramp does
    assert found.settings["collapse_probability"] == pytest.approx(collapse, rel=1e-9)
    assert found.settings["npv"] == pytest.approx(npv, rel=1e-9)
    assert collapse <= risk
    # the coarse search is within the fine grid's spacing of the best; the refined one is above all of it
    assert npv >= accepted[:, 1].max()


def test_a_smaller_risk_costs_value():
    found = [BestRamp(risk=risk, years=YEARS, precision=0.02).solve(fishery()) for risk in (1.0, 1e-4)]
    assert found[0].settings["npv"] > found[1].settings["npv"] > 0.0


def test_an_impossible_risk_is_said():
    problem = fishery(initial=0.3)
    found = BestRamp(risk=1e-9, years=YEARS, precision=0.02).solve(problem)
    assert not found.converged
    unfished = outcome(problem, Ramp(0.0, 0.0, 1.0))[0]
    assert unfished > 1e-9
    # a logistic stock overshoots, so that some fishing risks less than none
    assert 1e-9 < found.settings["collapse_probability"] <= unfished
    assert "no ramp" in found.status and f"{unfished:.3g} without fishing" in found.status


def test_a_start_below_the_limit_is_refused():
    with pytest.raises(SolverError, match=r"starts below its limit of 0\.2"):
        BestRamp().solve(fishery(initial=0.1))


@pytest.mark.parametrize(
    "settings",
    [
        {"risk": -0.1},
        {"risk": 2.0},
        {"years": 0},
        {"years": 2.5},
        {"years": np.inf},
        {"years": np.nan},
        {"limit": 0.0},
        {"precision": 0.0},
    ],
)
def test_settings_that_mean_nothing(settings):
    with pytest.raises(SolverError, match=f"BestRamp: {next(iter(settings))}"):
        BestRamp(**settings)


@pytest.mark.parametrize("heard", [True, False])
def test_it_is_tuned_in_the_order_of_events_that_it_is_judged_in(heard):
    """A history that ends with a survey before its catch has told that survey: the first quota has no other."""
    history = eco.CatchHistory(
        year=[2001, 2002, 2003], catch=[0.3, 0.3, np.nan if heard else 0.3], biomass=[1.0, 1.1, 0.9]
    )
    problem = fishery(history=history)
    found = BestRamp(risk=0.01, years=YEARS, precision=0.02).solve(problem)
    arrays = eco.discretize(problem)
    # before any survey it acts on the mean of the initial belief
    policy = RulePolicy(found.policy.rule, float(arrays.initial @ arrays.grid.points))
    judged = [
        ManagedChain.of(arrays, policy, problem.economy, first_survey=first).futures(
            arrays.initial, YEARS, 0.2
        )
        for first in (not heard, heard)
    ]
    assert found.settings["collapse_probability"] == pytest.approx(float(judged[0].collapse), rel=1e-9)
    assert found.settings["npv"] == pytest.approx(float(judged[0].npv), rel=1e-9)
    assert abs(judged[0].npv - judged[1].npv) > 1e-3


@pytest.mark.parametrize("limit", [0.1, 0.13, 0.17])
def test_the_risk_does_not_jump_with_the_limit(limit):
    """Cells of 0.21: a limit of 0.2, 0.26 and 0.34 lies inside the first two, and each is riskier."""
    problem = fishery()
    arrays = eco.discretize(problem)
    ramp = Ramp(0.5, 0.1, 0.5)
    ramps = _Ramps(problem, arrays, 2.0, 2.0 * limit, YEARS)
    near = _Ramps(problem, arrays, 2.0, 2.0 * (limit + 0.01), YEARS)
    place = [(ramp.rate, ramp.closed / 2.0, (ramp.full - ramp.closed) / 2.0)]
    assert ramps.outcomes(place)[0][0] < near.outcomes(place)[0][0]


def test_it_is_known_by_name():
    assert "best-ramp" in solver_names() and "best-ramp" in CITATIONS
    assert solver_named("best-ramp") == BestRamp()
