"""Read the Data file of MSEtool and DLMtool: a key in the first column of each row, its values in the others.

Read are ``Name``, ``Species``, ``Region``, ``Units``, ``Year``, ``Catch``, ``Effort``, ``Abundance index`` and
``CV Abundance index``; the notes name the others. A coefficient of variation c becomes the standard deviation
sqrt(log(1 + c^2)) of the logarithm, as for a lognormal error; a single one holds for all years.

Carruthers & Hordyk 2018, Methods Ecol. Evol. 9:2388, doi:10.1111/2041-210X.13081
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.foreign_table import Series, Table, joined, settled, shortened
from ecodecide.history.read_table import read_table

_WORDS = ("Name", "Species", "Region", "Units")
_NUMBERS = ("Year", "Catch", "Effort", "Abundance index", "CV Abundance index")
_EXPECTED = f"rows that begin with {', '.join(_WORDS + _NUMBERS)}"
_TONNES = ("t", "mt", "tonnes", "tonne", "metrictons", "metrictonnes")


def read_msetool(path: Path, units: Mapping[str, str] | None = None) -> CatchHistory:
    """Read a history; see `read_foreign`.

    Parameters
    ----------
    path
        The Data file, as CSV.
    units
        Units, by ``catch``, ``index`` and ``effort``; the file gives that of the catch alone.

    Raises
    ------
    HistoryError
        When it is no such file.
    """
    table = read_table(path, keyed=True)
    rows = _keyed(table)
    years = _year_row(table, rows)
    columns = {
        name: _series(table, rows[key], key, years)
        for name, key in (("catch", "Catch"), ("effort", "Effort"), ("index", "Abundance index"))
        if key in rows
    }
    if "catch" not in columns:
        raise HistoryError(f"{table.file}: no row Catch; found {_listing(rows)}; expected {_EXPECTED}")
    if "CV Abundance index" in rows and columns.get("index") and columns["index"].known:
        columns["index_se"] = _log_errors(table, rows["CV Abundance index"], years)
    table.tell_marks()
    words = {key: _word(rows, key) for key in _WORDS}
    return CatchHistory(
        **settled(list(years.values()), columns),
        id=words["Name"] or path.stem,
        species=words["Species"],
        region=words["Region"],
        units=_units(table, words["Units"], units or {}),
        origin=str(path),
        remarks=tuple(dict.fromkeys(table.remarks)),
    )


def _keyed(table: Table) -> dict[str, tuple[int, list[str]]]:
    """Return the rows that are read, by key; note the others that have values."""
    known = {joined(key): key for key in _WORDS + _NUMBERS}
    rows: dict[str, tuple[int, list[str]]] = {}
    unused = []
    for row, cells in table.rows:
        written = cells[0].strip()
        key = known.get(joined(written))
        if key is None:
            if written and any(cell.strip().lower() not in ("", "na") for cell in cells[1:]):
                unused.append(shortened(written, 40))
            continue
        if key in rows:
            raise HistoryError(
                f"{table.file}, row {row}: found the key {written!r} a second time, expected it once as in row "
                f"{rows[key][0]}; remove one"
            )
        if written != key:
            table.remarks.append(f"row {written!r} read as {key}")
        rows[key] = (row, [cell.strip() for cell in cells[1:]])
    if unused:
        table.remarks.append(f"rows not used: {', '.join(unused)}")
    return rows


def _year_row(table: Table, rows: Mapping[str, tuple[int, list[str]]]) -> dict[int, int]:
    """Return the year of each column that has one."""
    if "Year" not in rows:
        raise HistoryError(
            f"{table.file}: no row Year; found {_listing(rows) or 'none that is known'}; expected {_EXPECTED}"
        )
    row, cells = rows["Year"]
    years = {
        i: table.year(row, cell, f"{i + 2} (Year)")
        for i, cell in enumerate(cells)
        if cell.lower() not in ("", "na")
    }
    if not years:
        raise HistoryError(f"{table.place(row, 'Year')}: found no value, expected years such as 1990, 1991")
    return years


def _series(table: Table, found: tuple[int, list[str]], key: str, years: Mapping[int, int]) -> Series:
    """Return the values of a row by year."""
    row, cells = found
    for i, cell in enumerate(cells):
        if i not in years and cell.lower() not in ("", "na"):
            raise HistoryError(
                f"{table.place(row, f'{i + 2} ({key})')}: found {shortened(cell, 40)!r} in a column without a year, "
                "expected a value per year; check the row Year"
            )
    series = Series(table, key)
    for i, year in years.items():
        series.add(row, year, cells[i] if i < len(cells) else "")
    return series


def _log_errors(table: Table, found: tuple[int, list[str]], years: Mapping[int, int]) -> Series:
    """Return the standard deviations of the logarithm of the index, from coefficients of variation."""
    row, cells = found
    key = "CV Abundance index"
    given = [cell for cell in cells if cell.lower() not in ("", "na")]
    if len(given) == 1:
        cells = [given[0] if i in years else "" for i in range(max(years) + 1)]
        table.remarks.append(f"the one value of {key} holds for all years")
    series = _series(table, (row, cells), key, years)
    for year, value in series.values.items():
        if value < 0.0:
            raise HistoryError(
                f"{table.place(row, key)}, year {year}: found {value:.15g}, expected a coefficient of variation "
                "above 0; leave it blank if it is not known"
            )
        series.values[year] = math.sqrt(math.log1p(value**2))
    if series.known:
        table.remarks.append(f"{key} c read as index_se sqrt(log(1 + c^2))")
    return series


def _units(table: Table, told: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the units: that of the catch as the file or the caller has it."""
    units = dict(given)
    same = {
        "t" if joined(unit) in _TONNES else joined(unit) for unit in (told, given.get("catch", "")) if unit
    }
    if len(same) > 1:
        raise HistoryError(
            f"{table.file}: the unit of the catch is {told!r} in the row Units and {given['catch']!r} was given, "
            "expected one and the same; leave yours out"
        )
    if told:
        units["catch"] = "t" if joined(told) in _TONNES else told
    return units


def _word(rows: Mapping[str, tuple[int, list[str]]], key: str) -> str:
    cells = rows[key][1] if key in rows else []
    found = next((cell for cell in cells if cell.lower() not in ("", "na")), "")
    return " ".join(found.split())


def _listing(rows: Mapping[str, object]) -> str:
    return ", ".join(rows)
