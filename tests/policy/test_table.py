"""A table over observed biomass: exact at its points, straight in between, constant escapement above."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecodecide.policy.table import TablePolicy

TABLE = TablePolicy(np.array([0.0, 0.5, 1.0, 2.0]), np.array([0.0, 0.0, 0.25, 1.25]), expected=1.5)


def decide(observed, memory=None):
    memory = TABLE.start(len(observed)) if memory is None else memory
    return TABLE.decide(memory, np.array(observed, dtype=float), None)


def test_by_hand():
    quota, _ = decide([0.0, 0.5, 0.75, 1.0, 1.5, 2.0])
    np.testing.assert_array_equal(quota, [0.0, 0.0, 0.125, 0.25, 0.75, 1.25])


@given(observed=st.floats(2.0, 1e6))
def test_above_the_table_the_last_escapement_continues(observed):
    quota, _ = decide([observed])
    # 2 - 1.25; the tolerance is an ulp or two of the largest number
    np.testing.assert_allclose(observed - quota, 0.75, atol=1e-9)


def test_below_the_table_is_its_first_point():
    assert decide([-0.5])[0][0] == 0.0


def test_without_a_survey_the_last_one_seen_counts_and_at_first_the_expected():
    quota, memory = decide([np.nan, 1.0])
    np.testing.assert_array_equal(quota, [0.75, 0.25])
    kept = memory.copy()
    again, later = decide([2.0, np.nan], memory)
    np.testing.assert_array_equal(again, [1.25, 0.25])
    np.testing.assert_array_equal(memory, kept)
    np.testing.assert_array_equal(later[:, 0], [2.0, 1.0])
