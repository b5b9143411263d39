"""Ways through sparse arrays."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from ecodecide.interop import sparse_access


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_parts_together_are_the_whole_array(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(sparse_access, "_AT_ONCE", at_once)
    table = np.array([[0.0, 5.0, 1.0], [0.0, 0.0, 0.0], [7.0, 8.0, 9.0]])
    parts = list(sparse_access.in_parts(csr_array(table)))
    assert max(row.size for row, _, _ in parts) <= at_once
    found = np.zeros_like(table)
    for row, column, value in parts:
        np.add.at(found, (row, column), value)
    np.testing.assert_array_equal(found, table)
