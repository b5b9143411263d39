"""Every stock of a table of the RAM Legacy database, or of an extract of it, in one pass."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.foreign_table import Table
from ecodecide.history.ram_tables import (
    LARGEST_TABLE,
    history_of_rows,
    main_table,
    unit_table_of,
)
from ecodecide.history.read_table import opened_tables, read_named, read_table, text_table

_PACKED = b"\x1f\x8b"
_KINDS = {"tb": "TB", "tbbest": "TBbest", "ssb": "SSB"}
"""What an extract's column ``biomass_type`` says, and the series that its biomass then is."""


def ram_histories(
    path: Path, units: Mapping[str, str] | None = None
) -> dict[str, Callable[[], CatchHistory]]:
    r"""Return what makes the history of each stock of a table, by its stockid.

    A history is made, and a stock that cannot be one refused, when it is asked for.

    Parameters
    ----------
    path
        As of `read_ram`; or an extract with the columns stockid, year, catch, biomass and biomass_type (TB or SSB),
        which may be packed with gzip and begin with lines of #.
    units
        Units that the tables do not give, by ``biomass``, ``ssb`` and ``catch``.

    Raises
    ------
    HistoryError
        When the file cannot be read, or has no stocks.

    Examples
    --------
    >>> import tempfile
    >>> rows = ["stockid,year,catch,biomass,biomass_type"]
    >>> rows += [f"{stock},{year},5,90,{kind}" for stock, kind in (("COD", "TB"), ("EEL", "SSB")) for year in (1, 2)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "extract.csv"
    ...     _ = file.write_text("\n".join(rows))
    ...     found = ram_histories(file, dict.fromkeys(("catch", "biomass", "ssb"), "t"))
    >>> list(found), found["EEL"]().observations["ssb"]
    (['COD', 'EEL'], array([90., 90.]))
    """
    given = units or {}
    remarks: list[str] = []
    packed = _unpacked(path)
    if packed is not None:
        table, unit_table = text_table(path.name, packed), None
    else:
        with opened_tables(path, LARGEST_TABLE) as tables:
            name = None if tables is None else main_table(path.name, tables, None, remarks)
            if tables is not None and name is None:
                raise HistoryError(
                    f"{path.name}: found matrices ({', '.join(tables.names)}), expected the wide or the long table of "
                    f"a release; give its stocks as a list of {path.name}:STOCKID"
                )
            table = (
                read_table(path, LARGEST_TABLE)
                if tables is None or name is None
                else read_named(tables, name)
            )
            unit_table = unit_table_of(path, tables, None, remarks)
    table.remarks += remarks
    _rename_catch(table)
    who = table.need("stockid", expected="the columns stockid, year, catch and biomass")
    long_name = table.find("stocklong")
    rows: dict[str, list[tuple[int, list[str]]]] = {}
    for row, cells in table.rows:
        if stock := cells[who].strip():
            rows.setdefault(stock, []).append((row, cells))
    if not rows:
        raise HistoryError(f"{path.name}: found no stockid in any row, expected at least one stock")

    def make(stock: str) -> CatchHistory:
        mine = rows[stock]
        words = "" if long_name is None else " ".join(mine[0][1][long_name].split())
        part = Table(
            table.file, table.separator, list(table.titles), table.top, mine, remarks=list(table.remarks)
        )
        return history_of_rows(_one_kind(part), stock, unit_table, given, f"{path}:{stock}", words)

    return {stock: partial(make, stock) for stock in rows}


def _unpacked(path: Path) -> bytes | None:
    """Return the text of a file that is packed or begins with #, without those lines; None of any other."""
    try:
        with path.open("rb") as file:
            head = file.read(2)
            if not head.startswith((b"#", _PACKED)):
                return None
            file.seek(0)
            data = (gzip.GzipFile(fileobj=file) if head == _PACKED else file).read(LARGEST_TABLE + 1)
    except (OSError, EOFError, zlib.error) as problem:
        raise HistoryError(
            f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}"
        ) from None
    if len(data) > LARGEST_TABLE:
        raise HistoryError(
            f"{path.name}: unpacked the file has more than {LARGEST_TABLE / 1e6:.0f} MB; keep fewer rows"
        )
    # blank lines instead, so that rows keep their numbers
    lines = data.split(b"\n")
    return b"\n".join(b"" if line.startswith(b"#") else line for line in lines)


def _rename_catch(table: Table) -> None:
    """Give the catch of an extract the title that it has in the database."""
    if table.find("tsid") is None and table.find("TCbest", "TC", "TL") is None:
        at = table.find("catch")
        if at is not None:
            table.titles[at] = "TC"


def _one_kind(table: Table) -> Table:
    """Return the rows of a stock of an extract with the one biomass that it goes by; other tables as they are."""
    kind, biomass = table.find("biomass_type"), table.find("biomass")
    if kind is None or biomass is None:
        return table
    kinds = list(dict.fromkeys(cells[kind].strip() for _, cells in table.rows))
    if len(kinds) != 1 or kinds[0].lower() not in _KINDS:
        raise HistoryError(
            f"{table.file}: found biomass_type {', '.join(kinds)}, expected one of TB and SSB in all rows of a stock"
        )
    wanted = _KINDS[kinds[0].lower()]
    for at, title in enumerate(table.titles):
        if at == biomass:
            table.titles[at] = wanted
        elif title.strip().lower() in _KINDS:
            table.titles[at] = f"{title} (not used)"
    return table
