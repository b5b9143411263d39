"""The belief filter's three moves, against loops over cells and against laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from ecodecide.decision.belief import before_harvest, condition, harvest
from ecodecide.decision.grid import Grid

GRID = Grid(upper=2.0, cells=8)  # step 1/4: every edge and point is exact in binary
N = len(GRID.points)
LOG_EDGES = np.concatenate([[-np.inf, 0.0], np.geomspace(0.01, 100.0, 12)])
LOG_POINTS = np.concatenate([[0.0], (LOG_EDGES[1:-1] + LOG_EDGES[2:]) / 2])

weights = numpy_arrays(float, N, elements=st.floats(0, 1)).filter(lambda w: w.sum() > 1e-3)
catches = st.floats(0, 2.5)


def harvest_one(belief, catch, points, edges):
    """The same, cell by cell: biomass even in its cell, what is left put on two points by the lever."""
    escaped = np.zeros(len(points))
    escaped[0] = belief[0] if catch <= 0 else 0.0
    for i in range(1, len(points)):
        low, high = edges[i], edges[i + 1]
        if catch >= high:
            continue
        if catch > low:
            mass = belief[i] * (high - catch) / (high - low)
            left = (catch + high) / 2 - catch
        else:
            mass, left = belief[i], points[i] - catch
        if left <= points[1]:
            escaped[1] += mass
            continue
        j = max(k for k in range(1, len(points)) if points[k] <= left + 1e-12)
        if j == len(points) - 1:
            escaped[j] += mass
            continue
        t = (left - points[j]) / (points[j + 1] - points[j])
        escaped[j] += mass * (1 - t)
        escaped[j + 1] += mass * t
    return escaped


@given(belief=weights, catch=catches)
def test_harvest_is_the_loop_over_cells(belief, catch):
    for points, edges in ((GRID.points, GRID.edges), (LOG_POINTS, LOG_EDGES)):
        b = np.resize(belief, len(points))
        escaped, possible = harvest(b[None, :], np.array([catch]), points, edges)
        # shares below 1e-9 are rounded to a whole point, on purpose
        np.testing.assert_allclose(escaped[0], harvest_one(b, catch, points, edges), atol=2e-9)
        assert possible[0] == pytest.approx(escaped[0].sum(), rel=1e-15)


@given(belief=weights, catch=catches)
def test_what_could_bear_the_catch_is_kept_whole_and_the_rest_struck(belief, catch):
    """P(x >= catch) with biomass even within cells: the share of each cell that lies above the catch."""
    _, possible = harvest(belief[None, :], np.array([catch]), GRID.points, GRID.edges)
    above = np.clip((GRID.edges[2:] - catch) / 0.25, 0.0, 1.0)
    expected = belief[1:] @ above + (belief[0] if catch == 0 else 0.0)
    assert possible[0] == pytest.approx(expected, rel=1e-13, abs=1e-15)


@given(belief=weights, catch=st.floats(0, 1.9))
def test_the_mean_of_what_bears_the_catch_falls_by_the_catch(belief, catch):
    """Wherever what is left of a cell is at least the first point; below that lies only extinction."""
    belief = np.where(GRID.points - catch >= GRID.points[1], belief, 0.0)
    escaped, possible = harvest(belief[None, :], np.array([catch]), GRID.points, GRID.edges)
    expected = belief @ (GRID.points - catch)
    # shares below 1e-9 of a step are rounded away
    assert float(escaped[0] @ GRID.points) == pytest.approx(expected, abs=1e-8)
    assert possible[0] == pytest.approx(belief.sum(), rel=1e-13)


@pytest.mark.parametrize("upper", [2.0, 0.7, 1234.5])
@pytest.mark.parametrize("quota", range(N))
def test_a_catch_of_whole_steps_is_an_exact_shift(upper, quota):
    """State i > quota lands on state i - quota, all of it and only there; all others could not bear it."""
    grid = Grid(upper=upper, cells=N - 1)
    escaped, possible = harvest(np.eye(N), np.full(N, grid.quotas[quota]), grid.points, grid.edges)
    expected = np.zeros((N, N))
    for i in range(N):
        if i > quota or quota == 0:
            expected[i, i - quota] = 1.0
    np.testing.assert_array_equal(escaped, expected)
    np.testing.assert_array_equal(possible, expected.sum(axis=1))


def test_nothing_that_is_left_over_goes_to_extinction():
    belief = np.eye(N)[[1, 4]]
    escaped, _ = harvest(belief, np.array([0.24, 0.99]), GRID.points, GRID.edges)
    np.testing.assert_array_equal(escaped[:, 0], 0.0)
    # 4 % of the cell (0.75, 1] bears a catch of 0.99, and its remainder lies below the first point
    np.testing.assert_allclose(escaped[:, 1], [0.04, 0.04], rtol=1e-10)


@given(belief=weights, first=catches, second=catches)
def test_rows_do_not_touch(belief, first, second):
    both, _ = harvest(np.stack([belief, belief[::-1]]), np.array([first, second]), GRID.points, GRID.edges)
    one, _ = harvest(belief[None, :], np.array([first]), GRID.points, GRID.edges)
    two, _ = harvest(belief[None, ::-1], np.array([second]), GRID.points, GRID.edges)
    np.testing.assert_array_equal(both, np.concatenate([one, two]))


@given(belief=weights, values=weights, catch=catches)
def test_before_harvest_is_the_transpose_of_harvest(belief, values, catch):
    escaped, _ = harvest(belief[None, :], np.array([catch]), GRID.points, GRID.edges)
    carried = before_harvest(values, np.array([catch]), GRID.points, GRID.edges)
    assert float(escaped[0] @ values) == pytest.approx(float(belief @ carried[0]), rel=1e-12, abs=1e-15)


@given(belief=weights, likelihood=weights)
def test_condition_is_bayes(belief, likelihood):
    belief = belief / belief.sum()
    posterior, evidence = condition(belief[None, :], likelihood[None, :])
    total = sum(b * k for b, k in zip(belief, likelihood, strict=True))
    assert evidence[0] == pytest.approx(total, rel=1e-13, abs=1e-300)
    if total > 1e-250:  # below, dividing loses digits
        expected = [b * k / total for b, k in zip(belief, likelihood, strict=True)]
        np.testing.assert_allclose(posterior[0], expected, rtol=1e-12, atol=1e-300)


@given(belief=weights, one=weights, two=weights)
def test_evidence_in_two_parts_is_evidence_at_once(belief, one, two):
    first, e1 = condition(belief[None, :], one)
    second, e2 = condition(first, two)
    both, e = condition(belief[None, :], one * two)
    if e[0] > 1e-12:
        np.testing.assert_allclose(second, both, rtol=1e-9, atol=1e-300)
        assert e1[0] * e2[0] == pytest.approx(e[0], rel=1e-9)


def test_impossible_evidence_leaves_the_belief_and_says_so():
    belief = np.array([[0.0, 0.5, 0.5], [0.2, 0.3, 0.5]])
    posterior, evidence = condition(belief, np.array([1.0, 0.0, 0.0]))
    np.testing.assert_array_equal(posterior, [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(evidence, [0.0, 0.2])
