"""Read the long table of FIMS, NOAA's Fisheries Integrated Modeling System: a row for each observation.

Read are the catch, added up over the fleets, and the index of each survey. Three releases of the format differ in
the names of their columns:

- ``type``, ``name``, ``datestart``, ``dateend``, ``value``, ``unit``, ``uncertainty``;
- with ``timing``, the year, for the two dates; and ``fleet`` for ``name``;
- with ``observed`` for ``value``, and the type ``catch`` for ``landings``.

The uncertainty of an index is the standard deviation of its logarithm, as ours, where it is a number. In the last of
the releases it is the formula of a distribution, such as ``~ dlnorm(meanlog = log_index_expected, sdlog = 0.2)``, and
then that of dlnorm alone is of the logarithm. A value of -999 is missing.

Documentation of FIMSFrame and of the data set data_big, https://github.com/NOAA-FIMS/FIMS
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import CatchHistory, column_name
from ecodecide.history.foreign_table import Keep, Series, Table, index_name, joined, settled, shortened
from ecodecide.history.read_table import read_table

LARGEST_TABLE = 100_000_000
"""Bytes. Compositions by age and length make up most of the rows."""

MISSING_VALUE = -999.0
_CATCH = ("landings", "catch")
_KINDS = (*_CATCH, "index")
_EXPECTED = (
    "type, name (or fleet), datestart and dateend (or timing), value (or observed), unit and uncertainty"
)
_TONNES = ("t", "mt", "tonnes", "metrictons")
_DAY = re.compile(r"(\d{4})-\d{2}-\d{2}(?:[T ].*)?")
_LOGNORMAL = re.compile(r"~\s*dlnorm\((?:[^()]*,)?\s*sdlog\s*=\s*([^,()\s]+)\s*(?:,[^()]*)?\)")
_OTHER = re.compile(r"~\s*(\w+)\(.*\)", re.DOTALL)


@dataclass(frozen=True)
class _Columns:
    """Where the columns are."""

    kind: int
    fleet: int
    value: int
    unit: int
    uncertainty: int | None
    year: int | None
    start: int
    end: int
    bins: tuple[int, ...]


def read_fims(path: Path, units: Mapping[str, str] | None = None) -> CatchHistory:
    """Read a history; see `read_foreign`.

    Parameters
    ----------
    path
        The table, as CSV, in a workbook or as R data.
    units
        Units that the table does not give, by ``catch`` and ``index``.

    Raises
    ------
    HistoryError
        When it is no such table, or values of a year or a unit do not fit each other.
    """
    table = read_table(path, LARGEST_TABLE, _observations)
    at = _columns(table)
    catches: dict[str, Series] = {}
    indices: dict[str, Series] = {}
    errors: dict[str, Series] = {}
    written: dict[str, dict[str, int]] = {"catch": {}, "index": {}}
    kinds: dict[str, int] = {}
    for row, cells in table.rows:
        kind, fleet = joined(cells[at.kind]), cells[at.fleet].strip()
        kinds.setdefault(kind, row)
        _check_kinds(table, kinds)
        for i in at.bins:
            if cells[i].strip().lower() not in ("", "na"):
                raise HistoryError(
                    f"{table.place(row, table.titles[i])}: found {cells[i].strip()!r}, expected none in a row of "
                    f"{kind}; add up {kind} over {table.titles[i]}s"
                )
        year = _year(table, at, row, cells)
        value = table.number(row, cells[at.value], table.titles[at.value])
        text = "" if value == MISSING_VALUE else cells[at.value]
        into, column = (indices, "index") if kind == "index" else (catches, "catch")
        into.setdefault(fleet, Series(table, f"{table.titles[at.value]} of {fleet}")).add(row, year, text)
        if text.strip() and not math.isnan(value):
            written[column].setdefault(_unit(cells[at.unit]), row)
            if kind == "index" and at.uncertainty is not None:
                series = errors.setdefault(fleet, Series(table, f"{table.titles[at.uncertainty]} of {fleet}"))
                _add_error(series, row, year, cells[at.uncertainty])
    if not catches:
        raise HistoryError(
            f"{table.file}: no rows of the type catch or landings, expected some; check the types"
        )
    columns = {"catch": _added(catches, table)} | _paired(indices, errors, table.remarks)
    return CatchHistory(
        **settled(_years(columns), columns),
        id=path.stem,
        units=_units(table, written, units or {}),
        origin=str(path),
        remarks=tuple(dict.fromkeys(table.remarks)),
    )


def _observations(table: Table) -> Keep:
    """Return what says of a row whether it is of the catch or of an index; compositions are not read."""
    at = _columns(table).kind
    return lambda cells: joined(cells[at]) in _KINDS


def _columns(table: Table) -> _Columns:
    def need(*names: str) -> int:
        return table.need(*names, expected=_EXPECTED)

    year = table.find("timing")
    start = table.find("datestart")
    # a table may have both, and its timing then counts from 1
    dated = start is not None
    bins = tuple(i for i in (table.find("age"), table.find("length")) if i is not None)
    return _Columns(
        kind=need("type"),
        fleet=need("name", "fleet"),
        value=need("value", "observed"),
        unit=need("unit"),
        uncertainty=table.find("uncertainty"),
        year=None if dated else need("timing") if year is None else year,
        start=need("datestart") if dated else -1,
        end=need("dateend") if dated else -1,
        bins=bins,
    )


def _check_kinds(table: Table, kinds: Mapping[str, int]) -> None:
    if set(_CATCH) <= set(kinds):
        raise HistoryError(
            f"{table.file}, row {max(kinds[kind] for kind in _CATCH)}: found rows of the type landings and of the "
            "type catch, expected one of the two; rename or remove one"
        )


def _year(table: Table, at: _Columns, row: int, cells: Sequence[str]) -> int:
    """Return the year of an observation."""
    if at.year is not None:
        return table.year(row, cells[at.year], table.titles[at.year])
    years = []
    for i in (at.start, at.end):
        match = _DAY.fullmatch(cells[i].strip())
        if match is None:
            raise HistoryError(
                f"{table.place(row, table.titles[i])}: found {shortened(cells[i].strip(), 40)!r}, expected a date "
                "such as 1990-12-31"
            )
        years.append(int(match[1]))
    if years[0] != years[1]:
        raise HistoryError(
            f"{table.place(row, table.titles[at.end])}: found {cells[at.end].strip()} after a start in {years[0]}, "
            "expected the same year; give a season that spans two its first year"
        )
    return years[0]


def _add_error(series: Series, row: int, year: int, cell: str) -> None:
    """Take the standard error of the logarithm from a number or the formula of a distribution."""
    text = cell.strip()
    formula = _LOGNORMAL.fullmatch(text)
    if formula is not None:
        text = formula[1]
    else:
        other = _OTHER.fullmatch(text)
        if other is not None and other[1] != "dlnorm":
            series.table.remarks.append(
                f"{series.title} is of the distribution {other[1]}, not of the logarithm: not used"
            )
            text = ""
    series.add(row, year, text)


def _added(fleets: Mapping[str, Series], table: Table) -> Series:
    """Return the catch of all fleets: a fleet without a row in a year, or with a missing one, is asked about."""
    if len(fleets) > 1:
        table.remarks.append(f"catch added up over {len(fleets)} fleets: {', '.join(fleets)}")
    total = Series(table, next(iter(fleets.values())).title if len(fleets) == 1 else "of the catch")
    for year in sorted({year for series in fleets.values() for year in series.rows}):
        values = {fleet: series.values.get(year, math.nan) for fleet, series in fleets.items()}
        blank = [fleet for fleet, value in values.items() if math.isnan(value)]
        if blank and len(blank) < len(values):
            raise HistoryError(
                f"{table.file}, year {year}: found no catch of {blank[0]!r} beside that of other fleets, expected a "
                "number of at least 0; add a row with 0 if it caught nothing"
            )
        for fleet, value in values.items():
            if value < 0.0:
                row = fleets[fleet].rows[year]
                raise HistoryError(
                    f"{table.place(row, fleets[fleet].title)}: found {value:.15g}, expected a number of at least 0, "
                    "or -999 where it is missing"
                )
        total.values[year] = math.nan if blank else math.fsum(values.values())
        total.rows[year] = next(series.rows[year] for series in fleets.values() if year in series.rows)
    return total


def _paired(
    indices: Mapping[str, Series], errors: Mapping[str, Series], remarks: list[str]
) -> dict[str, Series]:
    """Return the indices and their standard errors under our names of the columns."""
    columns: dict[str, Series] = {}
    for fleet, series in indices.items():
        name = index_name(fleet)
        if column_name("index", name) in columns:
            raise HistoryError(
                f"{series.table.file}: two fleets would both be the index {name!r}, expected "
                "different names; rename one"
            )
        if name != fleet:
            remarks.append(f"index {fleet!r} read as {name!r}")
        columns[column_name("index", name)] = series
        if fleet in errors and errors[fleet].known:
            columns[column_name("index_se", name)] = errors[fleet]
        elif series.known:
            remarks.append(f"index {fleet!r} has no standard error")
    return columns


def _years(columns: Mapping[str, Series]) -> list[int]:
    """Return the years: of the catch, and of indices where they were seen."""
    found = set(columns["catch"].rows)
    found |= {year for name, series in columns.items() if name != "catch" for year in series.known}
    return sorted(found)


def _unit(cell: str) -> str:
    text = cell.strip()
    return "" if text.lower() == "na" else "t" if joined(text) in _TONNES else text


def _units(
    table: Table, written: Mapping[str, Mapping[str, int]], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the units as the table or the caller has them."""
    units = dict(given)
    for column, found in written.items():
        told = [unit for unit in found if unit]
        if column in given and told:
            asked = "t" if joined(given[column]) in _TONNES else given[column]
            if told != [asked]:
                raise HistoryError(
                    f"{table.file}: the unit of the {column} is {told[0]!r} in the table and {given[column]!r} was "
                    "given, expected one and the same; leave yours out"
                )
        if column == "catch" and len(found) > 1:
            unit, row = list(found.items())[1]
            raise HistoryError(
                f"{table.file}, row {row}: found the unit {unit or '(blank)'} of catch, expected "
                f"{next(iter(found)) or '(blank)'} as before; give all fleets one unit"
            )
        if column == "catch" and told and joined(told[0]) in ("number", "numbers"):
            raise HistoryError(
                f"{table.file}: the catch is in numbers, which have no weight, expected mt; give it by weight"
            )
        if told and len(found) == 1:
            units[column] = told[0]
        elif len(found) > 1:
            table.remarks.append(f"the indices have several units ({', '.join(told)}): each is used as it is")
    return units
