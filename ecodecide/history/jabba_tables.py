"""Read the three wide tables of JABBA: the catch of each fleet, the indices, and their standard errors.

Each has the years in its first column ``Year``. Standard errors are those of the logarithm of an index, as ours.

Winker, Carvalho & Kapur 2018, Fish. Res. 204:275, doi:10.1016/j.fishres.2018.03.010
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import CatchHistory, column_name
from ecodecide.history.foreign_table import (
    Series,
    Table,
    index_name,
    joined,
    series_of,
    settled,
    value_columns,
)
from ecodecide.history.read_table import read_table


def read_jabba(
    path: Path, cpue: Path | None = None, se: Path | None = None, units: Mapping[str, str] | None = None
) -> CatchHistory:
    """Read a history; see `read_foreign`.

    Parameters
    ----------
    path
        The catch: ``Year`` and one column per fleet, which are added up.
    cpue
        The indices: ``Year`` and one column per index.
    se
        Their standard errors, in columns of the same names.
    units
        Units, by ``catch`` and ``index``; the files give none.

    Raises
    ------
    HistoryError
        When a file is no such table, or the tables do not fit each other.
    """
    if se is not None and cpue is None:
        raise HistoryError(
            f"{se.name}: standard errors without indices; expected the table of indices too: give cpue"
        )
    fleets, remarks = _wide(path, "fleet")
    columns = {"catch": _added(fleets, remarks)}
    years = list(columns["catch"].values)
    if cpue is not None:
        indices, told = _wide(cpue, "index")
        remarks += told
        errors, told = _wide(se, "index") if se is not None else ({}, [])
        remarks += told
        columns |= _paired(indices, errors if se is not None else None, set(years), remarks)
    return CatchHistory(
        **settled(years, columns),
        id=path.stem,
        units=dict(units or {}),
        origin=str(path),
        remarks=tuple(dict.fromkeys(remarks)),
    )


def _wide(path: Path, what: str) -> tuple[dict[str, Series], list[str]]:
    """Return the columns of a table but its years."""
    table: Table = read_table(path)
    time = table.need("Year", expected=f"Year and one column per {what}")
    series = series_of(table, time, value_columns(table, time))
    if not series:
        raise HistoryError(f"{table.head}: found {table.listing()}, expected Year and one column per {what}")
    return series, table.remarks


def _added(fleets: Mapping[str, Series], remarks: list[str]) -> Series:
    """Return the catch of all fleets."""
    totals = [title for title in fleets if joined(title) in ("total", "sum", "all", "totalcatch")]
    first = next(iter(fleets.values()))
    if len(fleets) > 1 and totals:
        raise HistoryError(
            f"{first.table.file}: the column {totals[0]!r} stands beside {len(fleets) - 1} others and fleets are "
            "added up, expected fleets alone; remove it, or the others"
        )
    if len(fleets) > 1:
        remarks.append(f"catch added up over {len(fleets)} fleets: {', '.join(fleets)}")
    total = Series(first.table, first.title, {}, first.rows)
    for year, row in first.rows.items():
        values = {title: series.values[year] for title, series in fleets.items()}
        blank = [title for title, value in values.items() if math.isnan(value)]
        if blank and len(blank) < len(values):
            raise HistoryError(
                f"{first.table.place(row, blank[0])}: found nothing beside the catch of other fleets, expected a "
                "number of at least 0; write 0 if the fleet caught nothing"
            )
        negative = [title for title, value in values.items() if value < 0.0]
        if negative:
            raise HistoryError(
                f"{first.table.place(row, negative[0])}: found {values[negative[0]]:.15g}, expected a number of at "
                "least 0; write 0 if the fleet caught nothing"
            )
        total.values[year] = math.fsum(values.values()) if not blank else math.nan
    return total


def _paired(
    indices: Mapping[str, Series],
    errors: Mapping[str, Series] | None,
    years: set[int],
    remarks: list[str],
) -> dict[str, Series]:
    """Return the indices and their standard errors under our names of the columns."""
    columns: dict[str, Series] = {}
    same = _same_names(indices, errors or {})
    for title, series in indices.items():
        _check_years(series, years)
        name = index_name(title)
        if column_name("index", name) in columns:
            raise HistoryError(
                f"{series.table.file}: two columns would both be the index {name!r}, expected different names; "
                "rename one"
            )
        if name != title:
            remarks.append(f"index {title!r} read as {name!r}")
        columns[column_name("index", name)] = series
        if title in same:
            columns[column_name("index_se", name)] = same[title]
        elif errors is not None:
            remarks.append(f"index {title!r} has no standard error")
    return columns


def _same_names(indices: Mapping[str, Series], errors: Mapping[str, Series]) -> dict[str, Series]:
    """Return the standard errors by the title of their index; refuse one that is of no index.

    An index may go without: only where a column of errors is left over may it have been renamed.
    """
    titles = {joined(title): title for title in indices}
    extra = [error for error in errors if joined(error) not in titles]
    if extra:
        raise HistoryError(
            f"{errors[extra[0]].table.file}: the column {extra[0]!r} is the error of no index; "
            f"expected some of {', '.join(indices)}; rename or remove it"
        )
    return {titles[joined(error)]: series for error, series in errors.items()}


def _check_years(series: Series, years: set[int]) -> None:
    """Refuse an index that was seen in years without a row of catch."""
    for year in series.known:
        if year not in years:
            raise HistoryError(
                f"{series.table.place(series.rows[year], series.title)}: found a value in {year}, which has no row "
                "in the table of catch, expected the same years; add the year there"
            )
