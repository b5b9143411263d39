"""Read one table of SPiCT's series: the time in whole years, the catch, and one index or more.

Columns are ``time``, ``catch`` and any of ``index``, ``index_NAME``, ``obsI``, ``obsI1``, ...; ``timeC`` and
``obsC``, the names in SPiCT's list, will do for the first two. SPiCT itself lets a catch span part of a year and
an index fall within it; a history has a value a year.

Pedersen & Berg 2017, Fish Fish. 18:226, doi:10.1111/faf.12174
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import CatchHistory, column_name, column_of
from ecodecide.history.foreign_table import (
    Series,
    Table,
    index_name,
    series_of,
    settled,
    value_columns,
)
from ecodecide.history.read_table import read_table

_INDEX = re.compile(r"(?:index|cpue|obsI)(?:[\s_.-]+(\S.*)|(\d+))?", re.IGNORECASE)
_ERROR = re.compile(r"(?:index[\s_.-]*)?se(?:[\s_.-]+(\S.*))?", re.IGNORECASE)
_EXPECTED = "time, catch and index, or index_NAME for several"
_WHOLE = (
    "the biomass and the index of a year are of its start and its catch of all of it: add up the catch of parts "
    "of a year, and move an index to the start of its year"
)


def read_spict(path: Path, units: Mapping[str, str] | None = None) -> CatchHistory:
    """Read a history; see `read_foreign`.

    Parameters
    ----------
    path
        The table.
    units
        Units, by ``catch`` and ``index``; the file gives none.

    Raises
    ------
    HistoryError
        When it is no such table, or a time is not a whole year.
    """
    table = read_table(path)
    time = table.need("time", "timeC", "year", expected=_EXPECTED)
    roles = _roles(table, time)
    series = series_of(table, time, list(roles), _WHOLE)
    columns: dict[str, Series] = {role: series[table.titles[i]] for i, role in roles.items()}
    return CatchHistory(
        **settled(list(columns["catch"].rows), columns),
        id=path.stem,
        units=dict(units or {}),
        origin=str(path),
        remarks=tuple(dict.fromkeys(table.remarks)),
    )


def _roles(table: Table, time: int) -> dict[int, str]:
    """Return our name of each column that is read, by its position; note the others."""
    catch = table.need("catch", "obsC", expected=_EXPECTED)
    roles = {catch: "catch"}
    positions = value_columns(table, time)
    for i in positions:
        role = _role(table.titles[i])
        if i == catch or role is None:
            continue
        if role in roles.values():
            raise HistoryError(f"{table.head}: two columns both mean {role}, expected one; rename the other")
        roles[i] = role
        if table.titles[i] != role:
            table.remarks.append(f"column {table.titles[i]!r} read as {role}")
    if not any(column_of(role)[0] == "index" for role in roles.values()):
        raise HistoryError(
            f"{table.head}: no index; found {table.listing()}; expected {_EXPECTED}; "
            "rename the columns that hold indices"
        )
    ignored = [table.titles[i] for i in positions if i not in roles]
    if ignored:
        table.remarks.append(f"unknown columns ignored: {', '.join(ignored)}")
    return roles


def _role(title: str) -> str | None:
    """Return our name of the column of an index or of its error, None for any other."""
    for kind, pattern in (("index_se", _ERROR), ("index", _INDEX)):
        match = pattern.fullmatch(title)
        if match:
            name = next((group for group in match.groups() if group), "index")
            return column_name("index_se" if kind == "index_se" else "index", index_name(name))
    return None
