"""A surface over biomass and a second state: exact at its points, straight in between, its own books."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecodecide.policy.surface import SurfacePolicy

POINTS, LEVELS = np.array([0.0, 0.5, 1.0, 2.0]), np.array([0.25, 0.5, 1.0])
QUOTAS = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.25], [0.0, 0.25, 0.5], [0.5, 1.0, 1.5]])
CHANCES = np.array([0.5, 0.5, 0.0])
LAG = SurfacePolicy(POINTS, LEVELS, QUOTAS, expected=1.5, chances=CHANCES)
CHAIN = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
ENVIRONMENT = SurfacePolicy(POINTS, LEVELS, QUOTAS, expected=1.5, chances=CHANCES, transition=CHAIN)


def after(escapement, observed):
    """Return the quota of a surface over last year's escapement, where 2 was seen then."""
    observed = np.asarray(observed, dtype=float)
    _, memory = LAG.decide(LAG.start(observed.size), np.full(observed.size, 2.0), None)
    return LAG.decide(memory, observed, np.broadcast_to(2.0 - np.asarray(escapement), observed.shape))[0]


def test_a_surface_is_exact_at_its_points():
    for k, level in enumerate(LEVELS):
        np.testing.assert_allclose(after(level, POINTS), QUOTAS[:, k], atol=1e-15)


def test_a_surface_by_hand():
    # half-way in biomass between .25 and 1, and half-way in the level to the mean of .5 and 1.5
    assert after(0.75, [1.5])[0] == pytest.approx((0.625 + 1.0) / 2)
    # a quarter of the way in both: .75 of (.125, .1875 at .5) and so on
    low, high = 0.75 * 0.0 + 0.25 * 0.25, 0.75 * 0.25 + 0.25 * 0.5
    assert after(0.625, [0.625])[0] == pytest.approx(0.75 * low + 0.25 * high)


def test_beyond_the_levels_the_nearest_counts():
    np.testing.assert_allclose(after(0.0, POINTS), QUOTAS[:, 0], atol=1e-15)
    np.testing.assert_allclose(after(2.0, POINTS), QUOTAS[:, -1], atol=1e-15)


@given(observed=st.floats(2.0, 1e6), level=st.floats(0.0, 2.0))
def test_above_the_surface_the_last_escapement_continues(observed, level):
    # an ulp or two of the largest number
    last = 2.0 - after(level, [2.0])[0]
    np.testing.assert_allclose(observed - after(level, [observed])[0], last, atol=1e-9)


@given(observed=st.floats(0.0, 3.0), level=st.floats(0.0, 2.0))
def test_the_table_of_a_level_is_the_surface_there(observed, level):
    for surface in (LAG, ENVIRONMENT):
        table = surface.at(level)
        quota, _ = table.decide(table.start(1), np.array([observed]), None)
        assert quota[0] == pytest.approx(after(level, [observed])[0], abs=1e-12)
    assert table.expected == 1.5


def test_before_the_first_year_the_mean_level_counts():
    quota, _ = LAG.decide(LAG.start(2), np.array([1.0, np.nan]), None)
    # a level of .375, half-way; without a survey the biomass is 1.5: the mean of .25 and .625
    np.testing.assert_allclose(quota, [0.125, 0.4375])


def test_without_a_survey_the_last_one_seen_counts_in_the_books_too():
    _, memory = LAG.decide(LAG.start(2), np.array([2.0, 1.0]), None)
    kept = memory.copy()
    quota, later = LAG.decide(memory, np.array([np.nan, 2.0]), np.array([1.0, 0.5]))
    np.testing.assert_allclose(quota, [1.5, 1.0])  # 2 after 1, and 2 after .5
    np.testing.assert_array_equal(memory, kept)
    # 2 was acted on in the first, so 1.5 caught of it leave .5
    quota, _ = LAG.decide(later, np.array([1.0, 1.0]), np.array([1.5, 1.75]))
    np.testing.assert_allclose(quota, [0.25, 0.0])


def test_more_caught_than_seen_leaves_nothing():
    _, memory = LAG.decide(LAG.start(1), np.array([0.5]), None)
    quota, _ = LAG.decide(memory, np.array([2.0]), np.array([0.9]))
    assert quota[0] == 0.5


def test_an_environment_that_is_not_told_is_what_its_chain_expects():
    observed, memory, quotas = np.array([2.0, 1.0]), ENVIRONMENT.start(2), []
    for caught in (None, *np.full((3, 2), 0.3)):
        quota, memory = ENVIRONMENT.decide(memory, observed, caught)
        quotas.append(quota)
    # half of .25 and half of .5, then of .5 and 1, then of 1 and .25: levels of .375, .75 and .625
    np.testing.assert_allclose(quotas[:3], [[0.75, 0.125], [1.25, 0.375], [1.125, 0.3125]])
    # three years are a full turn of this chain
    np.testing.assert_allclose(quotas[3], quotas[0])


def test_memory_is_by_replicate():
    _, memory = LAG.decide(LAG.start(3), np.array([2.0, 1.0, 0.5]), None)
    observed, caught = np.full(3, 2.0), np.array([1.5, 0.25, 0.0])
    together, _ = LAG.decide(memory, observed, caught)
    alone = [LAG.decide(memory[[i]], observed[[i]], caught[[i]])[0][0] for i in range(3)]
    np.testing.assert_array_equal(together, alone)
