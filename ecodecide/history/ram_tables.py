"""Read one stock from the RAM Legacy Stock Assessment Database: its tables as CSV, or a release of it.

A release is a workbook with a sheet for each table, or R data with a data frame for each; smaller ones hold matrices
of R, a row for each year and a column for each stock. The long table `timeseries` has one row per assessment, series
and year, and the unit in the name of the series (``TB-MT``); the wide one, `timeseries_values_views`, one row per
stock and year, and its units in the table `timeseries_units_views`. What is there called biomass is the output of an
assessment, and is declared so. One series is taken as it is: total biomass is never continued by spawning biomass,
nor one assessment by another.

Ricard, Minto, Jensen & Baum 2012, Fish Fish. 13:380, doi:10.1111/j.1467-2979.2011.00435.x
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import CatchHistory, spans
from ecodecide.history.foreign_table import Keep, Series, Table, joined, settled, shortened
from ecodecide.history.r_data import RFile
from ecodecide.history.read_table import named, opened_tables, read_named, read_table
from ecodecide.history.workbook import Workbook

LARGEST_TABLE = 300_000_000
"""Bytes. The long table of the whole database is about a quarter of it."""

LONG_TABLE, WIDE_TABLE, UNIT_TABLE = "timeseries", "timeseries_values_views", "timeseries_units_views"
MATRICES = {"TCbest": "MCatch", "TBbest": "Bio", "SSB": "SSB"}
"""The matrix that stands for a series."""

BIOMASS, SPAWNERS, CATCH, LANDINGS = ("TBbest", "TB"), ("SSB",), ("TCbest", "TC"), ("TL",)
_NAMES = {name.lower(): name for name in BIOMASS + SPAWNERS + CATCH + LANDINGS}
_TONNES = {
    **dict.fromkeys(("mt", "t", "tonnes", "metrictons"), 1.0),
    **dict.fromkeys(("e03mt", "thousandt", "thousandtonnes"), 1e3),
    **dict.fromkeys(("e06mt", "milliont", "milliontonnes"), 1e6),
}
"""Tonnes in a unit, as the database and people write it, in small letters and without blanks."""

_NUMBERS = re.compile(r"e\d\d(eggs|larvae|fish|pertow)?|individuals|numbers")
_LONG = "assessid, stockid, tsid, tsyear and tsvalue"
_WIDE = "stockid, year and the series (TBbest, TCbest, TB, SSB, TC, TL)"
_SOURCE = (
    "RAM Legacy Stock Assessment Database (Ricard et al. 2012, Fish Fish. 13:380, "
    "doi:10.1111/j.1467-2979.2011.00435.x)"
)


@dataclass(frozen=True)
class _Found:
    """A series with its unit as the tables give it, empty if they do not."""

    series: Series
    unit: str


def read_ram(
    path: Path,
    stock: str | None,
    assessment: str | None = None,
    unit_table: Path | None = None,
    units: Mapping[str, str] | None = None,
) -> CatchHistory:
    """Read one stock; see `read_foreign`.

    Parameters
    ----------
    path
        A CSV file of `timeseries` or of `timeseries_values_views`, or a release: a workbook, or R data.
    stock
        Its stockid.
    assessment
        Its assessid, where the long table has several. Of a release, the long table is read only if this is given,
        or if there is no wide one: that holds the assessment that the database goes by.
    unit_table
        A file with `timeseries_units_views`; by default the one beside the wide table, or in the same release.
    units
        Units that the tables do not give, by ``biomass``, ``ssb`` and ``catch``.

    Raises
    ------
    HistoryError
        When the tables do not tell without a guess.
    """
    remarks: list[str] = []
    source = _SOURCE
    with opened_tables(path, LARGEST_TABLE) as tables:
        main = None if tables is None else main_table(path.name, tables, assessment, remarks)
        if tables is not None and main is None:
            table, name, found = _matrix_series(tables, stock, remarks)
            words = ""
        else:
            table, name, words = _rows_of(
                lambda keep: (
                    read_table(path, LARGEST_TABLE, keep)
                    if tables is None or main is None
                    else read_named(tables, main, keep)
                ),
                stock,
            )
            table.remarks[:0] = remarks
            if table.find("tsid") is not None:
                found, source = _long_series(table, name, assessment)
            elif assessment is not None:
                raise HistoryError(
                    f"{table.file}: found no column assessid, so {assessment!r} cannot be chosen; "
                    "expected the long table timeseries"
                )
            else:
                found = _wide_series(table, name, unit_table_of(path, tables, unit_table, table.remarks))
    return _history(table, name, found, units or {}, source, words, f"{path}:{name}")


def history_of_rows(
    table: Table, stock: str, unit_table: Table | None, units: Mapping[str, str], origin: str, words: str = ""
) -> CatchHistory:
    """Return the history of a stock from the rows of a long or a wide table that are of it.

    Parameters
    ----------
    table
        The rows.
    stock
        Its stockid as it is written there.
    unit_table
        The table `timeseries_units_views`, where there is one.
    units
        Units that the tables do not give.
    origin, words
        Where it comes from, and its long name.

    Raises
    ------
    HistoryError
        When the rows do not tell without a guess.
    """
    if table.find("tsid") is not None:
        found, source = _long_series(table, stock, None)
    else:
        found, source = _wide_series(table, stock, unit_table), _SOURCE
    return _history(table, stock, found, units, source, words, origin)


def _history(
    table: Table,
    name: str,
    found: Mapping[str, _Found],
    units: Mapping[str, str],
    source: str,
    words: str,
    origin: str,
) -> CatchHistory:
    table.tell_marks()
    columns, found_units = _chosen(found, units, table, f"{table.file}, stock {name}")
    years = _years(columns, table.remarks)
    return CatchHistory(
        **settled(years, columns),
        id=name,
        units=found_units,
        source=source,
        observed=None if len(columns) == 1 else "assessment biomass",
        note=words,
        origin=origin,  # as `load_history` takes it
        remarks=tuple(dict.fromkeys(table.remarks)),
    )


# Which tables


def is_ram_table(name: str) -> bool:
    """Return whether a table of this name is one that is read.

    Examples
    --------
    >>> is_ram_table("Timeseries Values Views"), is_ram_table("bioparams")
    (True, False)
    """
    return joined(name) in {
        joined(other) for other in (LONG_TABLE, WIDE_TABLE, UNIT_TABLE, *MATRICES.values())
    }


def main_table(file: str, tables: Workbook | RFile, assessment: str | None, remarks: list[str]) -> str | None:
    """Return the name of the table of a release that is read, None where the matrices are."""
    wide, long = (named(tables, name, remarks) for name in (WIDE_TABLE, LONG_TABLE))
    if assessment is not None or wide is None:
        if long is not None:
            return long
        if assessment is not None:
            raise HistoryError(
                f"{file}: found no table {LONG_TABLE}, so the assessment {assessment!r} cannot be chosen; leave it out"
            )
        if named(tables, MATRICES["TCbest"], remarks) is None:
            others = [*tables.names, *getattr(tables, "others", [])]
            raise HistoryError(
                f"{file}: found {shortened(', '.join(others), 200) or 'no tables'}, expected {WIDE_TABLE} and "
                f"{UNIT_TABLE}, or {LONG_TABLE}, or the matrices {', '.join(MATRICES.values())}; "
                "check that it is a release of the database"
            )
        return None
    if long is not None:
        remarks.append(f"{WIDE_TABLE} taken, the assessment that the database goes by; {LONG_TABLE} has each")
    return wide


def unit_table_of(
    path: Path, tables: Workbook | RFile | None, given: Path | None, remarks: list[str]
) -> Table | None:
    """Return the table of units: that which was given, or the one in the same file or beside it."""
    if given is None and tables is not None:
        name = named(tables, UNIT_TABLE, remarks)
        return None if name is None else read_named(tables, name)
    given = given or _beside(path)
    if given is None:
        return None
    with opened_tables(given, LARGEST_TABLE) as others:
        name = None if others is None else named(others, UNIT_TABLE, remarks)
        return (
            read_table(given, LARGEST_TABLE) if others is None or name is None else read_named(others, name)
        )


# Which stock


def _rows_of(read: Callable[[Callable[[Table], Keep]], Table], stock: str | None) -> tuple[Table, str, str]:
    """Return the rows of a stock, its stockid as written and its long name."""
    stocks: dict[str, str] = {}
    wanted = (stock or "").strip().lower()
    at: list[int] = []

    def keep(table: Table) -> Keep:
        expected = f"the columns {_LONG}, or {_WIDE}"
        i = table.need("stockid", expected=expected)
        if table.find("tsid") is None:
            table.need("year", expected=expected)
        j = table.find("stocklong")
        at.append(i)

        def mine(cells: Sequence[str]) -> bool:
            stocks.setdefault(cells[i].strip(), "" if j is None else cells[j].strip())
            return bool(wanted) and cells[i].strip().lower() == wanted

        return mine

    table = read(keep)
    name = _stock_named(table, stock, stocks)
    table.rows = [(row, cells) for row, cells in table.rows if cells[at[0]].strip() == name]
    return table, name, " ".join(stocks[name].split())


def _stock_named(table: Table, stock: str | None, stocks: Mapping[str, str]) -> str:
    """Return a stockid as it is written; note another spelling, and refuse to choose."""
    wanted = (stock or "").strip().lower()
    names = [name for name in stocks if wanted and name.lower() == wanted]
    if stock in names:
        names = [stock]
    if len(names) != 1:
        raise HistoryError(_which(table.file, stock, names or list(stocks), stocks))
    if names[0] != stock:
        table.remarks.append(f"stock {stock!r} read as {names[0]!r}")
    return names[0]


def _which(file: str, stock: str | None, names: list[str], stocks: Mapping[str, str]) -> str:
    """Return the words that ask for the stock, with those that come close."""
    wanted = (stock or "").strip().lower()
    lower = {name.lower(): name for name in names}
    close = [name for name in names if wanted and (wanted in name.lower() or wanted in stocks[name].lower())]
    close += [lower[key] for key in difflib.get_close_matches(wanted, lower, n=5, cutoff=0.5)]
    close = list(dict.fromkeys(close))
    told = [f"{name} ({stocks[name]})" if stocks[name] else name for name in (close or sorted(names))[:5]]
    more = len(close or names) - len(told)
    listed = ", ".join(told) + (f" and {more} more" if more else "")
    found = f"no stock {stock!r} is in it" if stock else f"no stock was chosen of {len(names)}"
    kind = "close to it" if close else "it has"
    whole = file.split(",")[0]
    return (
        f"{file}: {found}; {kind}: {listed or 'none'}; give the stockid of one: --stock STOCKID, "
        f"or {whole}:STOCKID where a command takes a stock"
    )


# Which series


def _long_series(table: Table, stock: str, assessment: str | None) -> tuple[dict[str, _Found], str]:
    """Return the series of one assessment, and its source."""
    expected = f"the columns {_LONG}"
    who, what, when, value = (
        table.need(name, expected=expected) for name in ("assessid", "tsid", "tsyear", "tsvalue")
    )
    assessments = list(dict.fromkeys(cells[who].strip() for _, cells in table.rows))
    matching = [name for name in assessments if assessment is None or name == assessment.strip()]
    if len(matching) != 1:
        asked = "expected one" if assessment is None else f"none is {assessment!r}"
        raise HistoryError(
            f"{table.file}, stock {stock}: found {len(assessments)} assessment"
            f"{'s' * (len(assessments) != 1)} ({', '.join(assessments[:12])}), {asked}; "
            "give assessment (--assessment of `ecodecide history import`) as one of them, they are never joined"
        )
    found: dict[str, _Found] = {}
    for row, cells in table.rows:
        series = cells[what].strip()
        parts = [part.strip() for part in series.split("-")]
        if cells[who].strip() != matching[0] or parts[0].lower() not in _NAMES:
            continue
        unit = parts[-1] if len(parts) > 1 else ""
        kept = found.setdefault(series, _Found(Series(table, series), unit))
        kept.series.add(row, table.year(row, cells[when], table.titles[when]), cells[value])
    return _main_series(found, table, stock), f"{_SOURCE}, assessment {matching[0]}"


def _main_series(found: Mapping[str, _Found], table: Table, stock: str) -> dict[str, _Found]:
    """Return one series for each name; those numbered in between, as TB-1-MT, are alternatives."""
    by_name: dict[str, list[str]] = {}
    for title in found:
        by_name.setdefault(_NAMES[title.split("-")[0].strip().lower()], []).append(title)
    kept: dict[str, _Found] = {}
    for name, titles in by_name.items():
        plain = [title for title in titles if title.count("-") < 2] or titles
        if len(plain) > 1:
            raise HistoryError(
                f"{table.file}, stock {stock}: found the series {', '.join(plain)}, expected one of {name}; "
                "keep the rows of one of them, they are never joined"
            )
        kept[name] = found[plain[0]]
        others = [title for title in titles if title != plain[0]]
        if others:
            table.remarks.append(f"{plain[0]} taken; not used: {', '.join(others)}")
    return kept


def _wide_series(table: Table, stock: str, unit_table: Table | None) -> dict[str, _Found]:
    expected = f"the columns {_WIDE}"
    when = table.need("year", expected=expected)
    positions = {name: table.find(name) for name in _NAMES.values()}
    given = _unit_row(table, stock, unit_table)
    found = {}
    for name, i in positions.items():
        if i is None:
            continue
        series = Series(table, table.titles[i])
        for row, cells in table.rows:
            series.add(row, table.year(row, cells[when], table.titles[when]), cells[i])
        found[name] = _Found(series, given.get(name, ""))
    if not found:
        raise HistoryError(f"{table.head}: no series; found {table.listing()}; expected {expected}")
    return found


def _unit_row(table: Table, stock: str, units: Table | None) -> dict[str, str]:
    """Return the units of a stock's series; nothing without a table of units."""
    if units is None:
        return {}
    who = units.need("stockid", expected=f"the columns of {UNIT_TABLE}: stockid, and the series")
    mine = [(row, cells) for row, cells in units.rows if cells[who].strip() == stock]
    if len(mine) != 1:
        raise HistoryError(
            f"{units.file}: found {len(mine)} rows of the stock {stock}, expected one with its units; "
            "check that it is the table of units of the same version"
        )
    positions = {name: units.find(name) for name in _NAMES.values()}
    table.remarks += units.remarks
    cells = {name: mine[0][1][i].strip() for name, i in positions.items() if i is not None}
    return {name: "" if cell.lower() in ("na", "n/a", "null") else cell for name, cell in cells.items()}


def _matrix_series(
    tables: Workbook | RFile, stock: str | None, remarks: list[str]
) -> tuple[Table, str, dict[str, _Found]]:
    """Return the series of a stock from matrices with a row for each year and a column for each stock.

    They come without units.
    """
    found: dict[str, _Found] = {}
    first: Table | None = None
    name = ""
    for series, matrix in MATRICES.items():
        written = named(tables, matrix, remarks)
        if written is None:
            continue
        table = read_named(tables, written)
        if first is None:
            first = table
            name = _stock_named(table, stock, dict.fromkeys(table.titles[1:], ""))
        if name not in table.titles[1:]:
            continue
        at = table.titles.index(name, 1)
        values = Series(table, written)
        for row, cells in table.rows:
            values.add(row, table.year(row, cells[0], "of the years"), cells[at])
        found[series] = _Found(values, "")
    assert first is not None  # without a matrix of catch, none is read
    first.remarks[:0] = remarks
    return first, name, found


def _beside(path: Path) -> Path | None:
    """Return the table of units beside a wide table of values, None without one."""
    named = re.sub("values", "units", path.name, flags=re.IGNORECASE)
    other = path.with_name(named)
    return other if named != path.name and other.is_file() else None


# In which unit


def _chosen(
    found: Mapping[str, _Found], given: Mapping[str, str], table: Table, where: str
) -> tuple[dict[str, Series], dict[str, str]]:
    """Return the catch and one abundance series in one unit each."""
    columns: dict[str, Series] = {}
    units: dict[str, str] = {}
    refused: list[str] = []
    for column, names in (
        ("catch", CATCH), ("catch", LANDINGS), ("biomass", BIOMASS), ("ssb", SPAWNERS)
    ):  # fmt: skip
        if column in columns or (column == "ssb" and "biomass" in columns):
            continue
        taken = _first_in_tonnes(column, [found[n] for n in names if n in found], given, refused, where)
        if taken is None:
            continue
        kept, factor, units[column] = taken
        columns[column] = _scaled(kept.series, factor)
        times = f", times {factor:,.0f}" if factor != 1.0 else ""
        landings = "; landings, discards are not in them" if names == LANDINGS else ""
        table.remarks.append(f"{kept.series.title} read as {column}{times}{landings}")
    table.remarks += refused
    if "catch" not in columns:
        why = f": {'; '.join(refused)}" if refused else ""
        raise HistoryError(f"{where}: no catch{why}; expected TCbest, TC or TL in tonnes (MT)")
    if len(columns) == 1 and refused:
        raise HistoryError(
            f"{where}: no biomass: {'; '.join(refused)}; expected TBbest, TB or SSB in tonnes (MT)"
        )
    return columns, units


def _first_in_tonnes(
    column: str, candidates: list[_Found], given: Mapping[str, str], refused: list[str], where: str
) -> tuple[_Found, float, str] | None:
    """Return the first series whose unit is known, what makes tonnes of it, and its unit."""
    unknown: list[_Found] = []
    for found in candidates:
        if not found.series.known:
            continue
        written = re.sub(r"\s+", "", found.unit).lower()
        if _NUMBERS.fullmatch(written):
            refused.append(
                f"{found.series.title} is in numbers ({found.unit}), which have no weight: not used"
            )
        elif written in _TONNES:
            told = re.sub(r"\s+", "", given.get(column, written)).lower()
            if _TONNES.get(told) != _TONNES[written]:
                raise HistoryError(
                    f"{where}: the unit of {found.series.title} is {found.unit} and {given[column]!r} was given, "
                    "expected one and the same; leave yours out"
                )
            return found, _TONNES[written], "t"
        else:
            unknown.append(found)
    if not unknown:
        return None
    if column in given:
        factor = _TONNES.get(re.sub(r"\s+", "", given[column]).lower())
        return unknown[0], factor or 1.0, "t" if factor else given[column]
    shown = unknown[0].unit
    raise HistoryError(
        f"{where}: the unit of {unknown[0].series.title} is {repr(shown) if shown else 'not told'}, expected MT, "
        f"E03MT or E06MT; give units (`ecodecide history import` with --units {column}=t), or unit_table "
        "(--unit-table) for the table of units"
    )


def _scaled(series: Series, factor: float) -> Series:
    values = {year: value * factor for year, value in series.values.items()}
    return Series(series.table, series.title, values, series.rows)


def _years(columns: Mapping[str, Series], remarks: list[str]) -> list[int]:
    """Return the years of the history: from the first to the last with a catch, and one more if it was seen."""
    caught = columns["catch"].known
    seen = {year for name, series in columns.items() if name != "catch" for year in series.known}
    years = list(range(caught[0], caught[-1] + 1 + (caught[-1] + 1 in seen)))
    left = sorted(seen - set(years))
    if left:
        remarks.append(f"left out, without a catch: {spans(left)}")
    if seen and not seen & set(years):
        series = next(series for name, series in columns.items() if name != "catch")
        raise HistoryError(
            f"{series.table.file}: {series.title} ({spans(left)}) and the catch ({spans(caught)}) share no year, "
            "expected years with both"
        )
    return years
