"""A large sparse table that a file fills by assignments, of which the last one counts.

The formats of the POMDP field say "this row is so for every state", and then "except here". Expanding each such
line would take memory that the file does not; here assignments stay as they are written, and are resolved for
the rows that are asked for.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np

from ecodecide.decision.finite_pomdp import Index
from ecodecide.interop.source_file import ROUNDING, check_nonzeros, wrong
from ecodecide.interop.sparse_access import spans
from ecodecide.stock.growth import Array

EVERY = -1
"""In place of a coordinate: each of its values."""


@dataclass(frozen=True, eq=False)
class Found:
    """What the assignments make of rows that were asked for.

    Attributes
    ----------
    row, column, value
        Shape (k,) each: entries assigned singly; rows are numbered as they were asked for.
    fill
        Shape (rows,): every other entry of the row.
    line
        Shape (rows,): the line of the last assignment to the row, 0 without one.
    """

    row: Index
    column: Index
    value: Array
    fill: Array
    line: Index


@dataclass(eq=False)
class _Layer:
    """Assignments that fix the same coordinates, by the flat number of these."""

    key: array[int] = field(default_factory=lambda: array("q"))
    rule: array[int] = field(default_factory=lambda: array("q"))

    @cached_property
    def sorted(self) -> tuple[Index, Index]:
        key = np.array(self.key, dtype=np.intp)
        order = np.argsort(key, kind="stable")
        return key[order], np.array(self.rule, dtype=np.intp)[order]


class Assignments:
    """A table of rows, each at some coordinates, and columns.

    Parameters
    ----------
    file
        Where the assignments come from, for messages.
    sizes
        How many values each coordinate of a row has.
    columns
        Entries of a row.
    """

    def __init__(self, file: Path, sizes: Sequence[int], columns: int) -> None:
        self.file, self.sizes, self.columns = file, tuple(sizes), columns
        if prod(self.sizes) * columns >= 2**62:
            raise wrong(
                file, 1, f"a table over {self.sizes} times {columns} values, expected fewer than 2^62"
            )
        self._layers: dict[tuple[int, ...], _Layer] = {}
        self._line, self._whole, self._first = array("q"), array("b"), array("q", [0])
        self._fill, self._column, self._value = array("d"), array("q"), array("d")

    def set_entry(self, at: Sequence[int], column: int, value: float, line: int) -> None:
        """Assign one entry of the row at coordinates, any of which may be `EVERY`, as may the column."""
        if column == EVERY:
            self.set_row(at, (), (), line, value)
            return
        self._column.append(column)
        self._value.append(value)
        self._add(at, 0, 0.0, line)

    def set_row(
        self,
        at: Sequence[int],
        columns: Sequence[int] | Index,
        values: Sequence[float] | Array,
        line: int,
        fill: float = 0.0,
    ) -> None:
        """Assign a whole row: the given columns, and `fill` in all others."""
        self._column.extend(columns)
        self._value.extend(values)
        self._add(at, 1, fill, line)

    def set_values(self, at: Sequence[int], values: Sequence[float], line: int) -> None:
        """Assign a whole row, given the value of each of its columns."""
        columns = [i for i, value in enumerate(values) if value != 0.0]
        self.set_row(at, columns, [values[i] for i in columns], line)

    def _add(self, at: Sequence[int], whole: int, fill: float, line: int) -> None:
        fixed = tuple(i for i, value in enumerate(at) if value != EVERY)
        layer = self._layers.get(fixed)
        if layer is None:
            layer = self._layers[fixed] = _Layer()
        key = 0
        for i in fixed:
            key = key * self.sizes[i] + at[i]
        layer.key.append(key)
        layer.rule.append(len(self._line))
        self._line.append(line)
        self._whole.append(whole)
        self._fill.append(fill)
        self._first.append(len(self._column))

    def depends_on(self, coordinate: int) -> bool:
        """Whether any assignment fixes this coordinate."""
        return any(coordinate in fixed for fixed in self._layers)

    @property
    def has_entries(self) -> bool:
        """Whether any assignment tells one column from another."""
        return len(self._column) > 0

    @cached_property
    def _rules(self) -> tuple[Index, Index, Array, Index, Index, Array]:
        """Line, whole, fill and first entry of each assignment; column and value of each entry."""
        return (
            np.array(self._line, dtype=np.intp),
            np.array(self._whole, dtype=np.intp),
            np.array(self._fill, dtype=float),
            np.array(self._first, dtype=np.intp),
            np.array(self._column, dtype=np.intp),
            np.array(self._value, dtype=float),
        )

    def find(self, at: Sequence[Index], count: int) -> Found:
        """Resolve rows; called when every assignment is made.

        Parameters
        ----------
        at
            One array of shape (count,) for each coordinate; of a coordinate that no assignment fixes, anything.
        count
            How many rows.
        """
        lines, whole, fills, first, columns, values = self._rules
        row, rule = self._matching(at, count)
        last = np.full(count, -1, dtype=np.intp)
        np.maximum.at(last, row, rule)
        base = np.full(count, -1, dtype=np.intp)
        is_whole = whole[rule] == 1
        np.maximum.at(base, row[is_whole], rule[is_whole])
        fill, line = np.zeros(count), np.zeros(count, dtype=np.intp)
        fill[base >= 0] = fills[base[base >= 0]]
        line[last >= 0] = lines[last[last >= 0]]
        counts = first[rule + 1] - first[rule]
        used = (rule >= base[row]) & (counts > 0)
        row, rule, counts = row[used], rule[used], counts[used]
        entry = spans(first[rule], counts)
        row, rule = np.repeat(row, counts), np.repeat(rule, counts)
        column, value = columns[entry], values[entry]
        if row.size:
            cell = row * self.columns + column
            order = np.lexsort((rule, cell))
            kept = order[np.append(np.diff(cell[order]) != 0, True)]
            row, column, value = row[kept], column[kept], value[kept]
        return Found(row, column, value, fill, line)

    def _matching(self, at: Sequence[Index], count: int) -> tuple[Index, Index]:
        """Return pairs of a row and an assignment to it."""
        rows, rules = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)]
        for fixed, layer in self._layers.items():
            keys, rule = layer.sorted
            wanted = np.zeros(count, dtype=np.intp)
            for i in fixed:
                wanted = wanted * self.sizes[i] + at[i]
            left = np.searchsorted(keys, wanted, side="left")
            many = np.searchsorted(keys, wanted, side="right") - left
            rows.append(np.repeat(np.arange(count), many))
            rules.append(rule[spans(left, many)])
        return np.concatenate(rows), np.concatenate(rules)

    def probabilities(
        self, at: Sequence[Index], count: int, end: int, describe: Callable[[int], str]
    ) -> tuple[Index, Index, Array]:
        """Return the nonzero entries of rows that must be distributions, as row, column and value.

        Parameters
        ----------
        at, count
            The rows, see `find`.
        end
            The line to be named where a row was never assigned.
        describe
            Words for a row, given its number.

        Raises
        ------
        FormatError
            When a row does not sum to one, or there are more than `LARGEST_NONZEROS` entries.
        """
        found = self.find(at, count)
        filled = np.flatnonzero(found.fill != 0.0)
        many = found.row.size + filled.size * self.columns
        check_nonzeros(self.file, int(found.line.max(initial=1)), many)
        row, column, value = found.row, found.column, found.value
        if filled.size:
            dense = np.repeat(found.fill[filled][:, None], self.columns, axis=1)
            place = np.full(count, -1, dtype=np.intp)
            place[filled] = np.arange(filled.size)
            inside = place[row] >= 0
            dense[place[row[inside]], column[inside]] = value[inside]
            row = np.concatenate([row[~inside], np.repeat(filled, self.columns)])
            column = np.concatenate([column[~inside], np.tile(np.arange(self.columns), filled.size)])
            value = np.concatenate([value[~inside], dense.ravel()])
        total = np.bincount(row, weights=value, minlength=count)
        off = np.flatnonzero(np.abs(total - 1.0) > ROUNDING)
        if off.size:
            bad = int(off[0])
            line = int(found.line[bad])
            if line == 0:
                raise wrong(
                    self.file, end, f"no probabilities for {describe(bad)}, expected some that sum to 1"
                )
            words = f"probabilities for {describe(bad)} sum to {total[bad]:.6g}, expected a sum of 1"
            raise wrong(self.file, line, words)
        above = value != 0.0
        return row[above], column[above], value[above]
