"""Ways through sparse arrays, by row, by part and by single entries."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from ecodecide.decision.finite_pomdp import Index
from ecodecide.stock.growth import Array

_AT_ONCE = 200_000
"""Entries that are worked on together: bounds the memory that this takes."""


def spans(first: Index, count: Index) -> Index:
    """Return the numbers first[0], first[0] + 1, ..., count[0] of them, then those from first[1], and so on.

    Examples
    --------
    >>> spans(np.array([3, 10]), np.array([2, 3])).tolist()
    [3, 4, 10, 11, 12]
    """
    before = np.cumsum(count) - count
    return np.asarray(np.repeat(first - before, count) + np.arange(int(count.sum())), dtype=np.intp)


def entries(table: csr_array, row: Index, column: Index) -> Array:
    """Return single entries of a sparse array whose column numbers ascend, zero where none is stored.

    Examples
    --------
    >>> entries(csr_array([[0.0, 5.0], [7.0, 0.0]]), np.array([0, 1, 1]), np.array([1, 1, 0])).tolist()
    [5.0, 0.0, 7.0]
    """
    width = table.shape[1]
    stored = _row_of_each(table) * width + table.indices
    wanted = row * width + column
    place = np.minimum(np.searchsorted(stored, wanted), max(stored.size - 1, 0))
    return np.where(stored[place] == wanted, table.data[place], 0.0) if stored.size else np.zeros(row.size)


def in_parts(table: csr_array) -> Iterator[tuple[Index, Index, Array]]:
    """Go through what is stored, row by row: rows, columns and values, each of shape (k,), some at a time.

    Examples
    --------
    >>> [[x.tolist() for x in part] for part in in_parts(csr_array([[0.0, 5.0], [7.0, 0.0]]))]
    [[[0, 1], [1, 0], [5.0, 7.0]]]
    """
    row = _row_of_each(table)
    for first in range(0, row.size, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        yield row[part], table.indices[part], table.data[part]


def rows(table: csr_array) -> Iterator[tuple[Index, Array]]:
    """Go through the rows: columns and values of each.

    Examples
    --------
    >>> [(column.tolist(), value.tolist()) for column, value in rows(csr_array([[0.0, 5.0], [7.0, 8.0]]))]
    [([1], [5.0]), ([0, 1], [7.0, 8.0])]
    """
    for first, last in zip(table.indptr[:-1].tolist(), table.indptr[1:].tolist(), strict=True):
        yield table.indices[first:last], table.data[first:last]


def _row_of_each(table: csr_array) -> Index:
    return np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
