"""The grid: cells that cover the line once, and quotas that shift points to points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecodecide.decision.grid import Grid
from ecodecide.errors import GridError

grids = st.builds(
    Grid,
    upper=st.floats(0.01, 1e6),
    cells=st.integers(2, 200),
    scheme=st.sampled_from(["cells", "memarzadeh2019"]),
)


def test_cells_by_hand():
    grid = Grid(upper=2.0, cells=4)
    np.testing.assert_array_equal(grid.points, [0, 0.25, 0.75, 1.25, 1.75])
    np.testing.assert_array_equal(grid.edges, [-np.inf, 0, 0.5, 1, 1.5, 2])
    np.testing.assert_array_equal(grid.quotas, [0, 0.5, 1, 1.5, 2])
    assert grid.step == 0.5


def test_published_points_by_hand():
    # Memarzadeh & Boettiger 2019: states = actions = observations = equidistant points with 0 among them
    grid = Grid(upper=2.0, cells=5, scheme="memarzadeh2019")
    np.testing.assert_array_equal(grid.points, [0, 0.5, 1, 1.5, 2])
    np.testing.assert_array_equal(grid.quotas, grid.points)
    np.testing.assert_array_equal(grid.edges, [-np.inf, 0.25, 0.75, 1.25, 1.75, 2.25])


@given(grid=grids)
def test_each_point_lies_in_its_own_state_and_edges_belong_to_the_state_below(grid):
    n = len(grid.points)
    assert len(grid.edges) == n + 1 == len(grid.quotas) + 1
    assert np.all(np.diff(grid.edges) > 0)
    np.testing.assert_array_equal(grid.locate(grid.points), np.arange(n))
    np.testing.assert_array_equal(grid.locate(grid.edges[1:]), np.arange(n))
    np.testing.assert_array_equal(grid.locate(np.nextafter(grid.edges[1:-1], np.inf)), np.arange(1, n))
    assert grid.locate(np.array(10 * grid.upper)) == n - 1
    assert grid.locate(np.array(-1.0)) == 0


@given(grid=grids)
def test_a_harvest_is_a_shift(grid):
    """Point i less quota j is point i - j wherever i > j; quota i is enough to empty state i."""
    points, quotas = grid.points, grid.quotas
    for i in range(1, len(points)):
        # a few ulp of the upper end
        np.testing.assert_allclose(points[i] - quotas[:i], points[i:0:-1], rtol=0, atol=1e-14 * grid.upper)
        assert quotas[i] >= points[i] * (1 - 1e-15)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Grid(upper=0.0), "upper must be positive, got 0"),
        (lambda: Grid(upper=np.inf), "upper must be positive, got inf"),
        (lambda: Grid(cells=1), "at least 2, got 1"),
        (lambda: Grid(cells=10.5), "whole number of at least 2, got 10.5"),
        (lambda: Grid(scheme="log"), "'cells' or 'memarzadeh2019', got 'log'"),
    ],
)
def test_meaningless_grids_are_refused(make, words):
    with pytest.raises(GridError, match=words):
        make()


def test_a_whole_number_may_be_written_as_a_float():
    for scheme in ("cells", "memarzadeh2019"):
        np.testing.assert_array_equal(Grid(2.0, 5.0, scheme).points, Grid(2.0, 5, scheme).points)


def test_how_much_of_a_cell_is_below_a_limit():
    """Against a thousand values spread over each cell; an edge, but for rounding, parts cells."""
    grid = Grid(upper=0.7, cells=7)
    within = grid.edges[1:-1, None] + grid.step * (np.arange(1000) + 0.5) / 1000
    for limit in (0.0, 0.04, 0.1 + 0.1 / 3, 0.69, 0.7, 5.0):
        np.testing.assert_allclose(grid.share_below(limit)[1:], (within < limit).mean(axis=1), atol=1e-3)
    np.testing.assert_array_equal(grid.share_below(3 * 0.1), [1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(grid.share_below([0.0, np.nan])[:, 0], [0, 0])  # nothing is below 0
    assert grid.share_below([[0.3, np.nan]]).shape == (1, 2, 8) and not grid.share_below(np.nan).any()
    points = Grid(0.6, 7, "memarzadeh2019")
    np.testing.assert_array_equal(points.share_below(0.25), [1, 1, 1, 0, 0, 0, 0])
