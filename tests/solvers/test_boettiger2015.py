"""GPDP as published in 2015: each piece against its formula told again, in loops, and the policy that comes of it.

Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631.
"""

import math

import numpy as np
import pytest

from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.fitting.lesson import Lesson
from ecodecide.policy.table import NearestPointPolicy
from ecodecide.solvers import boettiger2015 as published
from ecodecide.stock.growth import Ricker
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock

ESCAPEMENT = np.array([5.5, 5.4, 5.9, 6.6, 7.3, 7.6, 7.4, 8.3, 7.9])
FOLLOWING = np.array([5.4, 5.9, 6.6, 7.3, 7.6, 7.4, 8.3, 7.9, 7.7])
X, Y = published.with_origin(ESCAPEMENT, FOLLOWING)
POINTS = np.linspace(0.0, 12.0, 13)


def taught(scale: float = 8.3) -> Lesson:
    """A lesson of the pairs above."""
    pairs = ESCAPEMENT * scale / 8.3
    return Lesson(
        escapement=pairs[None],
        next_biomass=FOLLOWING[None] * scale / 8.3,
        before=np.full((1, len(pairs)), np.nan),
        year=np.arange(len(pairs)) + 2001.0,
        left_out=0,
        scale=scale,
        unit="K = 1",
        origin="the biomass in the history",
        independent=True,
    )


def covariance(a: float, b: float, length: float) -> float:
    return math.exp(-((a - b) ** 2) / (2.0 * length**2))


def matrix(length: float, noise: float) -> np.ndarray:
    """K(x, x) and the noise on its diagonal, the origin's too."""
    return np.array(
        [[covariance(a, b, length) + noise**2 * (i == j) for j, b in enumerate(X)] for i, a in enumerate(X)]
    )


def gamma_log_density(value: float, shape: float, scale: float) -> float:
    return (shape - 1) * math.log(value) - value / scale - math.lgamma(shape) - shape * math.log(scale)


@pytest.mark.parametrize(("length", "noise"), [(3.0, 0.3), (8.0, 1.0), (1.0, 0.1)])
def test_log_posterior_is_the_formula_up_to_its_constant(length, noise):
    """Priors without Jacobian, a log-determinant without its half; differences from a reference node."""

    def told(length: float, noise: float) -> float:
        m = matrix(length, noise)
        return (
            gamma_log_density(length, 10.0, 10.0)
            + gamma_log_density(noise, 5.0, 0.2)
            - 0.5 * Y @ np.linalg.inv(m) @ Y
            - math.log(np.linalg.det(m))
            - len(Y) / 2 * math.log(2 * math.pi)
        )

    both = published.log_posterior(X, Y, np.array([length, 5.0]), np.array([noise, 0.5]))
    assert both[0] - both[1] == pytest.approx(told(length, noise) - told(5.0, 0.5), rel=1e-8)


def test_hyperparameters_are_the_means_of_a_grid_that_knows_nothing():
    """A plain grid of 120 by 120 over all of the prior, in logs: to 1e-3, for its step of .08."""
    length, noise = (
        np.exp(np.linspace(math.log(a), math.log(b), 120)) for a, b in ((0.05, 600.0), (0.02, 20.0))
    )
    nodes = [a.ravel() for a in np.meshgrid(length, noise, indexing="ij")]
    logs = published.log_posterior(X, Y, *nodes)
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    found = published.hyperparameters(X, Y)
    assert found.weight.sum() == pytest.approx(1.0)
    assert found.border < 1e-4
    assert found.weight @ found.length_scale == pytest.approx(weight @ nodes[0], rel=1e-3)
    assert found.weight @ found.noise_sd == pytest.approx(weight @ nodes[1], rel=1e-3)


def two_nodes() -> published.Hyperparameters:
    return published.Hyperparameters(np.array([3.0, 5.0]), np.array([0.2, 0.4]), np.array([0.3, 0.7]), 0.0)


def test_growth_posterior_is_the_formula_without_the_noise_of_a_year():
    mean, variance = published.growth_posterior(X, Y, POINTS, two_nodes())
    for node, (length, noise) in enumerate(((3.0, 0.2), (5.0, 0.4))):
        inverse = np.linalg.inv(matrix(length, noise))
        for i, point in enumerate(POINTS):
            k = np.array([covariance(point, a, length) for a in X])
            assert mean[node, i] == pytest.approx(k @ inverse @ Y, rel=1e-8, abs=1e-10)
            assert variance[node, i] == pytest.approx(1.0 - k @ inverse @ k, rel=1e-6, abs=1e-10)
    # an origin without noise would be 0 for certain
    assert variance[0, 0] > 0.01


def told_transition(mean, variance, weight, points):
    """P[quota][point -> point] in loops: one cell too low, the variance before harvest, densities at points."""
    n = len(points)
    moves = np.zeros((n, n, n))
    for j in range(n):
        for i in range(n):
            row = [0.0] * n
            for m, v, w in zip(mean, variance, weight, strict=True):
                read = max(i - j - 1, 0)
                mu = m[read] if read > 0 else 0.0
                nearest = points[np.argmin(np.abs(points - mu))]
                if nearest < points[1]:
                    row[0] += w
                else:
                    for k in range(n):
                        row[k] += (
                            w
                            * math.exp(-((points[k] - mu) ** 2) / (2 * v[i]))
                            / math.sqrt(2 * math.pi * v[i])
                        )
            total = sum(row)
            moves[j, i] = [value / total for value in row] if total > 0 else np.eye(n)[0]
    return moves


def test_transition_is_the_formula():
    mean, variance = published.growth_posterior(X, Y, POINTS, two_nodes())
    moves = published.transition(mean, variance, two_nodes().weight, POINTS)
    np.testing.assert_allclose(moves, told_transition(mean, variance, [0.3, 0.7], POINTS), atol=1e-12)
    np.testing.assert_allclose(moves.sum(axis=2), 1.0, atol=1e-12)


def test_transition_far_between_points_and_without_density_goes_extinct():
    mean, variance = np.array([[0.0, 0.4, 0.6, 1.5]]), np.full((1, 4), 1e-6)
    moves = published.transition(mean, variance, np.ones(1), np.arange(4.0))
    # from 3 by 0 the mean is read at 2, which is .6: nearest to 1, but no point is within 400 sd
    np.testing.assert_array_equal(moves[0, 3], [1.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(moves[:, 0], np.eye(4)[[0, 0, 0, 0]])


def told_iteration(moves, profit, delta, rounds):
    n = len(profit)
    value = [0.0] * n
    for used in range(1, rounds + 1):  # noqa: B007
        new, action = [], []
        for i in range(n):
            worth = [moves[j, i] @ np.array(value) + (1 - delta) * profit[i, j] for j in range(n)]
            new.append(max(worth))
            action.append(next(j for j in range(n) if worth[j] >= max(worth) - 1e-9))
        change = max(abs(a - b) for a, b in zip(new, value, strict=True))
        value = new
        if change < delta * 1e-4 / (2 - 2 * delta):
            break
    return action, used


@pytest.mark.parametrize("rounds", [1, 7, 200])
def test_value_iteration_is_the_formula(rounds):
    mean, variance = published.growth_posterior(X, Y, POINTS, two_nodes())
    moves = published.transition(mean, variance, two_nodes().weight, POINTS)
    profit = np.minimum(POINTS[:, None], POINTS)
    action, used, _ = published.value_iteration(moves, profit, 0.01, rounds)
    expected = told_iteration(moves, profit, 0.01, rounds)
    assert (list(action), used) == expected
    if rounds == 1:  # nothing is worth anything later: take all, by the smallest quota that does
        assert list(action) == list(range(13))


def test_value_iteration_ends_where_the_change_is_small():
    """All die in a year: the second round changes nothing."""
    extinct = np.zeros((3, 3, 3))
    extinct[:, :, 0] = 1.0
    points = np.arange(3.0)
    action, used, since = published.value_iteration(extinct, np.minimum(points[:, None], points))
    assert (list(action), used, since) == ([0, 1, 2], 2, 1)


def test_escapement_transition_leaves_i_less_j():
    kernel = np.arange(9.0).reshape(3, 3)
    moves = published.escapement_transition(kernel)
    for j in range(3):
        for i in range(3):
            np.testing.assert_array_equal(moves[j, i], kernel[max(i - j, 0)])


# --- the solution ---


def problem(**grid: object) -> HarvestProblem:
    stock = ParametricStock(Ricker(r=0.5, K=8.0), LognormalNoise(0.1))
    given = {"upper": 12.0, "cells": 13, "scheme": "boettiger2015", **grid}
    return HarvestProblem(stock=stock, grid=Grid(**given), economy=Economy(discount=0.99))  # type: ignore[arg-type]


def test_published_solution_is_the_pieces_together():
    solution = published.published_solution(problem(), taught())
    quota, told = published.solve_as_published(ESCAPEMENT, FOLLOWING, POINTS)
    policy = solution.policy
    found, _ = policy.decide(policy.start(13), POINTS, None)
    np.testing.assert_array_equal(found, quota)
    found_h = published.hyperparameters(X, Y)
    moves = published.transition(*published.growth_posterior(X, Y, POINTS, found_h), found_h.weight, POINTS)
    action = published.value_iteration(moves, np.minimum(POINTS[:, None], POINTS))[0]
    np.testing.assert_array_equal(quota, POINTS[action])
    assert solution.settings["quirks"] == published.QUIRKS
    assert len(published.QUIRKS) == 8
    assert solution.iterations == told["rounds"] and solution.converged
    assert "warning" not in solution.status


def test_every_quirk_is_told_in_the_module():
    words = " ".join(published.__doc__.split())
    for quirk in published.QUIRKS:
        assert quirk.split(":")[0] in words


def test_biomass_in_other_units_is_warned_of():
    other = taught(scale=0.83)
    assert (
        "warning: its priors know a largest biomass of about 9"
        in published.published_solution(problem(), other).status
    )


def test_a_grid_of_cells_is_refused_with_the_remedy():
    with pytest.raises(SolverError, match="scheme='boettiger2015'"):
        published.published_solution(problem(scheme="cells"), taught())


def test_the_policy_acts_on_the_nearest_point_and_on_the_last_one_seen():
    policy = NearestPointPolicy(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.3, 0.9]), expected=1.9)
    seen = np.array([0.49, 0.5, 0.51, 1.6, 9.0, np.nan])
    quota, memory = policy.decide(policy.start(6), seen, None)
    np.testing.assert_array_equal(quota, [0.0, 0.0, 0.3, 0.9, 0.9, 0.9])
    quota, _ = policy.decide(memory, np.full(6, np.nan), quota)
    np.testing.assert_array_equal(quota, [0.0, 0.0, 0.3, 0.9, 0.9, 0.9])
