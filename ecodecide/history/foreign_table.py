"""Tables of other tools: cells under the titles that they were written with, each with its place."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history.catch_history import check_columns, column_of
from ecodecide.history.read_csv import MISSING

Keep = Callable[[Sequence[str]], bool]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_NAMELESS = re.compile(r"|unnamed: \d+", re.IGNORECASE)


@dataclass
class Table:
    """The cells of a file.

    Attributes
    ----------
    file
        Its name, with that of the sheet or the object where the file has several tables.
    separator
        What stands between its fields; a comma where nothing does, as numbers then have no decimal commas.
    titles
        Of its columns, as written; or nothing in a table whose keys are in the first column.
    top
        The row of the titles; 0 where they are no row, as in a data frame of R.
    rows
        Each with its number.
    remarks
        What was tolerated.
    """

    file: str
    separator: str
    titles: list[str]
    top: int
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _marks: dict[str, int] = field(default_factory=dict)
    _grouped: str = ""
    _plain: bool = False

    def find(self, *names: str) -> int | None:
        """Return the position of the column of one of these names, None without one.

        Case, blanks, underscores, dots and hyphens do not count; a title in another spelling is told.
        """
        wanted = {joined(name): name for name in names}
        found = [i for i, title in enumerate(self.titles) if joined(title) in wanted]
        if len(found) > 1:
            told = " and ".join(repr(self.titles[i]) for i in found)
            raise HistoryError(
                f"{self.head}: the columns {told} both mean {names[0]}, expected one; "
                "rename or remove the other"
            )
        if not found:
            return None
        title = self.titles[found[0]]
        remark = f"column {title!r} read as {wanted[joined(title)]}"
        if title not in names and remark not in self.remarks:
            self.remarks.append(remark)
        return found[0]

    def need(self, *names: str, expected: str) -> int:
        """Return the position of a column that cannot be done without."""
        position = self.find(*names)
        if position is None:
            raise HistoryError(
                f"{self.head}: no column {names[0]}; found {self.listing()}; "
                f"expected {expected}; rename the column that holds it, or check the format"
            )
        return position

    @property
    def head(self) -> str:
        """The place of the titles."""
        return f"{self.file}, row {self.top}" if self.top else self.file

    def listing(self) -> str:
        """Return the titles, shortened."""
        return shortened(", ".join(title or "(blank)" for title in self.titles), 200)

    def place(self, row: int, title: str) -> str:
        """Name the place of a cell."""
        return f"{self.file}, row {row}, column {title}"

    def number(self, row: int, text: str, title: str) -> float:
        """Return the number in a cell, NaN where it is missing."""
        text = text.strip().strip("\u00a0\u202f")
        if text.lower() in MISSING:
            return math.nan
        if not _NUMBER.fullmatch(text.replace(",", ".") if self.separator != "," else text):
            self._check_formula(row, text, title)
            raise HistoryError(
                f"{self.place(row, title)}: found {shortened(text, 40)!r}, expected a number; leave the cell "
                "blank if it is not known, and write no thousands separators"
            )
        for mark in (mark for mark in ".," if mark in text):
            self._marks.setdefault(mark, row)
            if len(self._marks) > 1:
                raise HistoryError(
                    f"{self.place(row, title)}: found {text!r}, expected the other decimal mark as in row "
                    f"{min(self._marks.values())}; use one throughout and no thousands separators"
                )
            if _GROUPED.fullmatch(text):
                self._grouped = self._grouped or text
            else:
                self._plain = True
        return float(text.replace(",", "."))

    def year(self, row: int, text: str, title: str, reason: str = "add up seasons to years first") -> int:
        """Return the whole year in a cell."""
        text = text.strip()
        value = float(text.replace(",", ".")) if _NUMBER.fullmatch(text.replace(",", ".")) else math.nan
        if not math.isfinite(value) or abs(value) > 1e6:
            self._check_formula(row, text, title)
            found = repr(shortened(text, 40)) if text else "nothing"
            raise HistoryError(f"{self.place(row, title)}: found {found}, expected a year such as 1990")
        if value != round(value):
            raise HistoryError(
                f"{self.place(row, title)}: found {text}, expected a whole year such as {value:.0f}; {reason}"
            )
        return int(value)

    def _check_formula(self, row: int, text: str, title: str) -> None:
        if text.startswith("="):
            raise HistoryError(
                f"{self.place(row, title)}: found the formula {shortened(text, 40)!r}, expected a number; formulas "
                "are not computed: paste the cell as a value"
            )

    def tell_marks(self) -> None:
        """Note decimal commas, and warn where every decimal mark might be a thousands separator."""
        if "," in self._marks:
            self.remarks.append(f"{self.file}: commas were read as decimal marks")
        if self._grouped and not self._plain and self.separator == ";":
            message = (
                f"{self._grouped} was read as {float(self._grouped.replace(',', '.')):.15g}, but every decimal "
                "mark might be a thousands separator; if it is one, remove it from the file"
            )
            self.remarks.append(f"{self.file}: {message}")
            warnings.warn(f"{self.file}: {message}", HistoryWarning, stacklevel=4)


@dataclass
class Series:
    """The values of one column by year, and where each was found."""

    table: Table
    title: str
    values: dict[int, float] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)

    def add(self, row: int, year: int, text: str) -> None:
        """Take the value of a year.

        Raises
        ------
        HistoryError
            When it is no number, or the year was there before.
        """
        if year in self.rows:
            raise HistoryError(
                f"{self.table.place(row, self.title)}: found the year {year} a second time, expected it once as "
                f"in row {self.rows[year]}; remove one of the two rows"
            )
        self.values[year] = self.table.number(row, text, self.title)
        self.rows[year] = row

    @property
    def known(self) -> list[int]:
        """The years with a value, in order."""
        return sorted(year for year, value in self.values.items() if not math.isnan(value))


def joined(title: str) -> str:
    """Return a title in small letters, without what different spellings differ in.

    Examples
    --------
    >>> joined("Stock_ID "), joined("ts.year")
    ('stockid', 'tsyear')
    """
    return re.sub(r"[\s_.-]+", "", title).lower()


def shortened(text: str, length: int) -> str:
    """Return a text of at most this length."""
    return text if len(text) <= length else text[: length - 3] + "..."


def index_name(title: str) -> str:
    """Return the name of an index that a column of ours can carry, and that does not read as a standard error.

    Examples
    --------
    >>> index_name("CPUE (spring)"), index_name("seine"), index_name("SE trawl")
    ('CPUE_spring', 'seine', 'x_SE_trawl')
    """
    name = re.sub(r"[^\w.]+", "_", title).strip("_.") or "index"
    return f"x_{name}" if re.match(r"se(_|$)", name.lower()) else name


def value_columns(table: Table, besides: int) -> list[int]:
    """Return the positions of all columns but one, each of which holds values.

    Raises
    ------
    HistoryError
        When a column with values has no name, as the row numbers that R and pandas write, or two have the same.
    """
    positions = []
    for i, title in enumerate(table.titles):
        if i == besides:
            continue
        if not _NAMELESS.fullmatch(title):
            positions.append(i)
        elif any(cells[i].strip() for _, cells in table.rows):
            raise HistoryError(
                f"{table.head}: column {i + 1} has values and no name, expected a name for each; "
                "name it, or remove it if it numbers the rows (in R: write.csv(..., row.names = FALSE))"
            )
    for i in positions:
        table.find(table.titles[i])  # refuses the same name twice
    return positions


def series_of(table: Table, time: int, positions: list[int], reason: str = "") -> dict[str, Series]:
    """Return columns as series, under their titles."""
    found = {table.titles[i]: Series(table, table.titles[i]) for i in positions}
    for row, cells in table.rows:
        told = (reason,) if reason else ()
        year = table.year(row, cells[time], table.titles[time], *told)
        for i in positions:
            found[table.titles[i]].add(row, year, cells[i])
    table.tell_marks()
    return found


def settled(years: list[int], columns: Mapping[str, Series]) -> dict[str, Any]:
    """Return series as arguments of `CatchHistory`, or refuse what a history cannot say.

    Parameters
    ----------
    years
        In any order.
    columns
        Series by our name of the column; ``catch`` is one of them.

    Raises
    ------
    HistoryError
        With the file, the row and the column as they were written.
    """

    def place(row: int, name: str) -> str:
        series = columns["catch" if name == "year" else name]
        at = series.rows.get(years[row])
        spot = series.table.file + (f", row {at}" if at is not None else "")
        return f"{spot}, the year" if name == "year" else f"{spot}, year {years[row]}, column {series.title}"

    arrays = {
        name: np.array([series.values.get(year, math.nan) for year in years])
        for name, series in columns.items()
    }
    check_columns(np.array(years, dtype=float), arrays, place, columns["catch"].table.file)
    fields: dict[str, Any] = {"year": np.array(years, dtype=float)}
    for name, values in arrays.items():
        kind, named = column_of(name)
        if named:
            fields.setdefault(kind, {})[named] = values
        else:
            fields[name] = values
    return fields
