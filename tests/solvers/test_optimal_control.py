"""Optimal control against a dumb dense value iteration, closed forms and what economics demands."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import ecodecide as eco
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.errors import SolverError
from ecodecide.solvers.optimal_control import _evaluate, policy_iteration

PROBLEMS = {
    "logistic": (eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15), eco.Economy()),
    "logistic, costs": (
        eco.Logistic(r=0.75, K=1.0),
        eco.LognormalNoise(sigma=0.3),
        eco.Economy(price=2.0, effort_cost=0.3, fixed_cost=0.05, discount=0.9),
    ),
    "ricker, patient": (eco.Ricker(r=0.5, K=1.0), eco.LognormalNoise(sigma=0.2), eco.Economy(discount=0.99)),
    "allen, tipping": (eco.Allen(r=1.0, K=1.0, C=0.3), eco.NormalNoise(sd=0.05), eco.Economy(discount=0.8)),
    "beverton-holt, liquidated": (
        eco.BevertonHolt(A=1.2, B=0.2),
        eco.UniformNoise(half_width=0.2),
        eco.Economy(discount=0.7),
    ),
}


def problem_of(name, **grid):
    law, noise, economy = PROBLEMS[name]
    return eco.HarvestProblem(
        stock=eco.ParametricStock(law, noise),
        economy=economy,
        grid=eco.Grid(upper=2.5, **{"cells": 12, **grid}),
    )


def dense_value_iteration(arrays, economy):
    """Textbook value iteration with P[a, x, x'] and R[x, a] filled in one by one, to rounding."""
    points, quotas = arrays.grid.points, arrays.grid.quotas
    n = len(points)
    transition, reward = np.zeros((n, n, n)), np.zeros((n, n))
    for x in range(n):
        for a in range(n):
            # biomass at points[x] = 0, step/2, 3 step/2, ...; a quota that is not borne takes everything
            left = points[x] - quotas[a]
            state = int(np.argmin(np.abs(points - left))) if left > 0.0 else 0
            h = min(quotas[a], points[x])
            transition[a, x] = arrays.kernel[state]
            if h > 0.0:
                reward[x, a] = economy.price * h - economy.effort_cost * h / points[x] - economy.fixed_cost
    value, change = np.zeros(n), 1.0
    while change > 1e-14:
        q = reward + economy.discount * np.einsum("axy,y->xa", transition, value)
        value, change = q.max(axis=1), np.abs(q.max(axis=1) - value).max()
    return value, q


@pytest.mark.parametrize(
    ("name", "scheme"),
    [(name, "cells") for name in PROBLEMS]
    # the published scheme is defined for normal noise alone
    + [("logistic", "memarzadeh2019"), ("allen, tipping", "memarzadeh2019")],
)
def test_agrees_with_dense_value_iteration(name, scheme):
    problem = problem_of(name, scheme=scheme)
    arrays = eco.discretize(problem, tolerance=0.05)
    twin, q = dense_value_iteration(arrays, problem.economy)
    value, action, _, error = policy_iteration(arrays)
    # the twin stops at a change of 1e-14: within 1e-14 / (1 - .99) = 1e-12 of the fixed point
    assert np.abs(value - twin).max() <= 1e-11
    assert error <= 1e-11
    best = q.max(axis=1)
    assert (q[np.arange(len(best)), action] >= best - 1e-11).all()
    # and it is the smallest of the quotas that are equally good, to ten times the error above
    assert np.array_equal(action, np.argmax(q >= best[:, None] - 1e-10, axis=1))


@pytest.mark.parametrize("seed", range(4))
def test_a_policy_is_worth_what_the_full_linear_system_says(seed):
    """Any policy: one that leaves few escapements or many, in any order."""
    rng = np.random.default_rng(seed)
    arrays = eco.discretize(problem_of("logistic, costs"), tolerance=0.05)
    states = np.arange(len(arrays.initial))
    action = rng.integers(0, len(states) if seed % 2 else 3, size=len(states))
    left, profit = arrays.left[states, action], arrays.reward[states, action]
    expected = np.linalg.solve(np.eye(len(states)) - arrays.discount * arrays.kernel[left], profit)
    # two solutions of well-conditioned systems
    np.testing.assert_allclose(_evaluate(arrays, left, profit), expected, rtol=0.0, atol=1e-12)


def test_the_second_policy_is_that_of_reed():
    """Who looks one year ahead takes all, worth x; to improve on that is to leave the best of g E[x'] - s."""
    arrays = eco.discretize(problem_of("ricker, patient", cells=60))
    _, action, used, _ = policy_iteration(arrays, rounds=1)
    points = arrays.grid.points
    best = int(np.argmax(arrays.discount * arrays.kernel @ points - points))
    assert used == 1 and 1 < best < 30
    assert np.array_equal(action, np.maximum(np.arange(len(points)) - best, 0))


def three_states(survival, discount):
    """Points 0, 1/2 and 1: a full stock yields 1/2 and is full again with probability `survival`."""
    grid = eco.Grid(upper=1.0, cells=3, scheme="memarzadeh2019")
    kernel = np.array([[1.0, 0.0, 0.0], [1.0 - survival, 0.0, survival], [0.0, 0.0, 1.0]])
    reward = np.minimum(grid.points[:, None], grid.quotas[None, :])
    return DiscreteProblem(grid, kernel, np.eye(3), reward, np.array([0.0, 0.0, 1.0]), discount, 0.0)


@pytest.mark.parametrize("survival", [1.0, 0.9])
@pytest.mark.parametrize("discount", [0.95, 0.8])
def test_renewal_in_closed_form(survival, discount):
    """V(1) = 1/2 + g p V(1), so V(1) = 1/2 / (1 - g p); the half-full stock is fished or left to grow.

    All four cases are worth keeping: 1/2 / (1 - .8 * .9) = 1.79 > 1, the worth of taking everything.
    """
    full = 0.5 / (1.0 - discount * survival)
    value, action, _, _ = policy_iteration(three_states(survival, discount))
    assert value == pytest.approx([0.0, max(0.5, discount * survival * full), full], abs=1e-12)
    assert action.tolist() == [0, 0 if discount * survival * full > 0.5 else 1, 1]


@pytest.mark.parametrize(("discount", "quota"), [(0.49, 2), (0.51, 1)])
def test_liquidation_begins_where_the_bank_pays_more(discount, quota):
    """Taking all now is worth 1, half each year 1/2 / (1 - g): they are equal at g = 1/2."""
    _, action, _, _ = policy_iteration(three_states(1.0, discount))
    assert action[2] == quota


def test_a_stock_too_thin_to_pay_for_its_catch_is_left_alone():
    """Profit h (price - effort_cost / x) is negative below x = effort_cost / price (Clark 1973)."""
    economy = eco.Economy(price=2.0, effort_cost=1.0, discount=0.95)
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.1))
    problem = eco.HarvestProblem(stock=stock, economy=economy, grid=eco.Grid(upper=2.0, cells=40))
    arrays = eco.discretize(problem)
    _, action, _, _ = policy_iteration(arrays)
    assert (action[arrays.grid.points <= 0.5] == 0).all()
    assert (action[arrays.grid.points > 1.0] > 0).all()


def test_no_fishing_where_no_catch_pays():
    """A fixed cost above the price of the whole grid leaves the value exactly 0."""
    economy = eco.Economy(fixed_cost=3.0)
    problem = dataclasses.replace(problem_of("logistic"), economy=economy)
    value, action, _, error = policy_iteration(eco.discretize(problem, tolerance=0.05))
    assert (value == 0.0).all()
    assert (action == 0).all()
    assert error == 0.0
    assert eco.OptimalControl().solve(dataclasses.replace(problem, grid=eco.Grid(2.5, 12))).upper == 0.0


def test_upper_is_the_value_of_the_initial_belief():
    problem = dataclasses.replace(problem_of("logistic"), initial=1.0)
    arrays = eco.discretize(problem)
    twin, _ = dense_value_iteration(arrays, problem.economy)
    solution = eco.OptimalControl().solve(problem)
    assert solution.upper == pytest.approx(twin[arrays.grid.locate(np.asarray(1.0))], abs=1e-9)
    assert abs(solution.upper - solution.settings["error_bound"] - twin @ arrays.initial) <= 1e-11
    assert 0.0 <= solution.settings["error_bound"] <= solution.settings["tolerance"] * twin.max()
    assert solution.lower is None
    assert solution.gap is None


def test_stopping_early_is_never_silent():
    with pytest.raises(SolverError, match=r"1 rounds.*rounds="):
        eco.OptimalControl(rounds=1).solve(problem_of("logistic"))


@pytest.mark.parametrize("price", [1e-9, 1.0, 1e9])
def test_the_unit_of_money_changes_no_quota(price):
    problem = problem_of("logistic, costs")
    scaled = eco.Economy(price=2.0 * price, effort_cost=0.3 * price, fixed_cost=0.05 * price, discount=0.9)
    one, other = (
        eco.OptimalControl().solve(p) for p in (problem, dataclasses.replace(problem, economy=scaled))
    )
    assert one.policy.quotas.max() > 0.0
    assert np.array_equal(one.policy.quotas, other.policy.quotas)
    assert other.upper == pytest.approx(price * one.upper, rel=1e-9)


@pytest.mark.parametrize("setting", [{"rounds": 0}, {"tolerance": 0.0}])
def test_settings_of_optimal_control_that_mean_nothing(setting):
    with pytest.raises(SolverError, match=f"OptimalControl: {next(iter(setting))} must be"):
        eco.OptimalControl(**setting)


def test_a_tolerance_below_rounding_is_never_silent():
    with pytest.raises(SolverError, match=r"1e-30 of the largest value.*rounding.*tolerance="):
        eco.OptimalControl(tolerance=1e-30).solve(problem_of("logistic, costs"))


def test_the_number_of_threads_changes_no_digit():
    """Systems of some 250 escapements are large enough for OpenBLAS to share out, and to sum in another order."""
    problem = eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Ricker(r=0.5, K=1.0), eco.LognormalNoise(sigma=0.1)),
        economy=eco.Economy(effort_cost=0.6, discount=0.99),
        grid=eco.Grid(upper=1.6, cells=600),
    )
    ends = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            ends.append(eco.OptimalControl().solve(problem))
    assert ends[0].upper == ends[1].upper
    assert np.array_equal(ends[0].policy.quotas, ends[1].policy.quotas)


def test_a_thousand_cells_need_little_memory():
    """A few arrays of 1001 x 1001 doubles, 8 MB each; with all moves [quota, state, next] it were 8 GB."""
    problem = problem_of("ricker, patient", cells=1000)
    tracemalloc.start()
    eco.OptimalControl().solve(problem)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 8 * 1001**2
