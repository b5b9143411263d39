"""The compiled update of a belief against the same in NumPy, by the functions that serve any cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from ecodecide._kernels.belief_update import after_catch
from ecodecide.decision.belief import condition, harvest
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.decision.grid import Grid
from ecodecide.policy.belief_policy import BeliefPolicy

GRIDS = pytest.mark.parametrize(
    "grid",
    [Grid(upper=2.0, cells=20), Grid(upper=1.9, cells=20, scheme="memarzadeh2019")],
    ids=["cells", "points"],
)


def taken(belief, catch, grid):
    """Take a catch out of each belief: of points, what lies between two is split by the lever.

    A catch that no state could bear is one of the last point.
    """
    catch = np.where(catch >= (len(grid.points) - 1) * grid.step, grid.points[-1], np.maximum(catch, 0.0))
    if grid.scheme == "cells":
        return harvest(belief, catch, grid.points, grid.edges)
    escaped = np.zeros(belief.shape)
    for row in range(len(belief)):
        for i in range(belief.shape[1]):
            place = i - catch[row] / grid.step
            place = round(place) if abs(place - round(place)) < 1e-9 else place
            if place >= 0:
                below = int(place)
                escaped[row, below] += belief[row, i] * (1 - (place - below))
                if place > below:
                    escaped[row, below + 1] += belief[row, i] * (place - below)
    return escaped, escaped.sum(axis=1)


def decided(policy, memory, observed, caught):
    """The belief on which the quota is set, by NumPy."""
    arrays, grid = policy.arrays, policy.arrays.grid
    belief, quota = memory[:, :-1], memory[:, -1]
    rows, n = belief.shape
    if caught is not None:
        escaped, possible = taken(belief, caught, grid)
        belief = np.where(possible[:, None] <= 0, 1.0 / n, belief)
        escaped, possible = taken(belief, caught, grid)
        ran_out = (caught < quota * (1 - 1e-9)) * 1.0
        if arrays.implementation_cv > 0:
            sigma = np.sqrt(np.log1p(arrays.implementation_cv**2))
            for i in range(rows):
                if quota[i] > 0 and caught[i] > 0:
                    z = np.log(caught[i] / quota[i]) / sigma
                    density = np.exp(-0.5 * z**2) / (caught[i] * sigma * np.sqrt(2 * np.pi))
                    ended = belief[i, grid.locate(caught[i])] / grid.step * ndtr(-z)
                    fell_short = possible[i] * density
                else:
                    ended, fell_short = (belief[i, 0], 0.0) if quota[i] > 0 else (0.0, 1.0)
                if ended + fell_short > 0:
                    ran_out[i] = ended / (ended + fell_short)
        ran_out = np.where(possible > 0, ran_out, 1.0)
        escaped = escaped / np.where(possible > 0, possible, 1.0)[:, None] * (1 - ran_out)[:, None]
        escaped[:, 0] += ran_out
        belief = escaped @ arrays.kernel
    made = ~np.isnan(observed)
    heard = grid.locate(np.where(made, observed, 0.0))
    likelihood = np.where(made[:, None], arrays.observation.T[heard], 1.0)
    posterior, evidence = condition(belief, likelihood)
    for i in np.flatnonzero(evidence <= 0):
        total = likelihood[i].sum()
        posterior[i] = likelihood[i] / total if total > 0 else np.eye(n)[heard[i]]
    return posterior


@GRIDS
@pytest.mark.parametrize("cv", [0.0, 0.3])
def test_update_is_that_of_numpy(grid, cv):
    """Rows of every kind: quotas caught whole, in part and in excess, surveys impossible, missing and ordinary."""
    rng = np.random.default_rng(4)
    n, rows = len(grid.points), 400
    growth, observation = rng.dirichlet(np.full(n, 0.3), n), rng.dirichlet(np.full(n, 0.1), n)
    observation[np.abs(np.arange(n) - np.arange(n)[:, None]) > 3] = 0.0
    observation[:, 7] = 0.0  # never observed
    arrays = DiscreteProblem(grid, growth, observation, np.zeros((n, n)), np.ones(n) / n, 0.95, 0.0, cv)
    policy = BeliefPolicy(arrays, rng.uniform(size=(9, n)), rng.integers(0, n, 9))
    belief = rng.dirichlet(np.full(n, 0.2), rows)
    belief[rng.uniform(size=belief.shape) < 0.5] = 0.0
    belief[belief.sum(axis=1) == 0, 0] = 1.0
    belief /= belief.sum(axis=1, keepdims=True)
    quota = grid.quotas[rng.integers(0, n, rows)]
    caught = np.where(
        rng.uniform(size=rows) < 0.5, quota, quota * rng.choice([0.0, 0.3, 0.99, 1.2, 3.0], rows)
    )
    observed = np.where(rng.uniform(size=rows) < 0.2, np.nan, rng.uniform(0, 2.5, rows))
    memory = np.column_stack([belief, quota])
    for last in (caught, None):
        got_quota, got = policy.decide(memory, observed, last)
        expected = decided(policy, memory, observed, last)
        # sums of 21 numbers in another order
        np.testing.assert_allclose(policy.belief(got), expected, rtol=1e-11, atol=1e-14)
        best = np.argmax(expected @ policy.vectors.T, axis=1)
        np.testing.assert_array_equal(got_quota, grid.quotas[policy.actions[best]])
        np.testing.assert_array_equal(got[:, -1], got_quota)


@GRIDS
@settings(max_examples=100)
@given(
    seed=st.integers(0, 10_000), catch=st.one_of(st.floats(0, 2.5), st.integers(0, 21).map(lambda k: k * 0.1))
)
def test_a_catch_moves_a_belief_as_on_any_cells(grid, seed, catch):
    """The quota is the catch, so that what is left is what bore it, scaled to 1."""
    belief = np.random.default_rng(seed).dirichlet(np.full(len(grid.points), 0.3))
    left, possible = taken(belief[None], np.array([catch]), grid)
    if possible[0] < 1e-6:  # impossible or next to it: tested elsewhere
        return
    got = np.empty((1, len(belief)))
    memory = np.append(belief, catch)[None]
    after_catch(memory, np.array([catch]), np.array([0]), grid.step, grid.scheme == "cells", 0.0, got)
    # a share below 1e-9 of a state is rounded away, here or there
    np.testing.assert_allclose(got[0], left[0] / possible[0], atol=2e-9 / possible[0])


@GRIDS
@pytest.mark.parametrize("cv", [0.0, 0.2])
def test_a_catch_out_of_bounds_stays_in_its_row(grid, cv):
    """Catches that are negative or above the grid, between rows that must not notice them."""
    n = len(grid.points)
    belief = np.random.default_rng(1).dirichlet(np.full(n, 0.5), 7)
    catch = np.array([0.3, -0.1, 0.3, 2.05, 0.3, -1e300, np.inf])
    memory = np.column_stack([belief, np.abs(np.minimum(catch, 2.0))])
    memory[1::4, n] = 0.0  # no quota
    identity = np.eye(n)
    arrays = DiscreteProblem(grid, identity, identity, np.zeros((n, n)), np.ones(n) / n, 0.95, 0.0, cv)
    policy = BeliefPolicy(arrays, np.ones((1, n)), np.array([0]))
    _, together = policy.decide(memory, np.full(7, np.nan), catch)
    got = policy.belief(together)
    for row in (0, 2, 4):
        _, alone = policy.decide(memory[[row]], np.array([np.nan]), catch[[row]])
        np.testing.assert_allclose(got[row], policy.belief(alone)[0], rtol=1e-12)
    np.testing.assert_allclose(got[[1, 5]], belief[[1, 5]], rtol=1e-12)
    if cv == 0.0:
        left, possible = taken(belief[[3, 6]], catch[[3, 6]], grid)
        np.testing.assert_allclose(got[[3, 6]], left / possible[:, None], rtol=1e-12)
    np.testing.assert_allclose(got.sum(axis=1), 1.0, rtol=1e-12)


def test_evidence_too_small_for_its_inverse_still_counts():
    """All that is possible has the probability 1e-310."""
    grid = Grid(upper=2.0, cells=4)
    belief = np.array([1.0, 0.0, 0.0, 0.0, 1e-310])
    observation = np.eye(5)
    arrays = DiscreteProblem(grid, np.eye(5), observation, np.zeros((5, 5)), np.ones(5) / 5, 0.95, 0.0)
    policy = BeliefPolicy(arrays, np.ones((1, 5)), np.array([0]))
    _, seen = policy.decide(np.append(belief, 0.0)[None], grid.points[[4]], None)
    _, caught = policy.decide(np.append(belief, 0.5)[None], np.array([np.nan]), np.array([0.5]))
    np.testing.assert_array_equal(policy.belief(seen)[0], np.eye(5)[4])
    np.testing.assert_allclose(policy.belief(caught)[0], np.eye(5)[3], rtol=1e-12)
