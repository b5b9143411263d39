"""Tell of which tool a file is, by what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.foreign_table import joined, shortened
from ecodecide.history.r_data import RFile
from ecodecide.history.ram_tables import LARGEST_TABLE, is_ram_table
from ecodecide.history.read_csv import means
from ecodecide.history.read_table import first_lines, opened_tables
from ecodecide.history.workbook import Workbook

_RAM_SERIES = {"tbbest", "tcbest", "tb", "ssb", "tc", "tl"}


def recognized(path: Path) -> str | None:
    r"""Return the name of a file's format, one of `read_foreign`; None where it may be a plain history.

    Parameters
    ----------
    path
        A file that is there.

    Raises
    ------
    HistoryError
        When it is a workbook or R data with nothing that is read; or the first of the three tables of JABBA, which
        cannot be read without the others.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text("time,catch,index\n2001,1,2")
    ...     _ = (Path(folder) / "b.csv").write_text("year,catch,index\n2001,1,2")
    ...     recognized(Path(folder) / "a.csv"), recognized(Path(folder) / "b.csv")
    ('spict', None)
    """
    with opened_tables(path, LARGEST_TABLE) as tables:
        if tables is not None:
            return _of_tables(path.name, tables)
    lines = first_lines(path)
    found = _of_titles(lines[0]) if lines else None
    if found is None and _is_keyed(lines):
        return "msetool"
    if found is None and lines and _is_wide_catch(lines[0]):
        raise HistoryError(
            f"{path.name}: no column catch; found {shortened(', '.join(lines[0]), 200)}; rename the column that holds "
            "it; or if they are fleets, as in JABBA's table of catch, make a history of its tables with `ecodecide "
            f"history import {path.name} --format jabba --cpue FILE --se FILE -o HISTORY.csv`"
        )
    return found


def _of_tables(file: str, tables: Workbook | RFile) -> str:
    if any(is_ram_table(name) for name in tables.names):
        return "ram"
    found = None
    if len(tables.names) == 1:
        _, titles = next(iter(tables.rows(tables.names[0])), (0, []))
        found = _of_titles(titles)
    if found is None:
        names = [*tables.names, *getattr(tables, "others", [])]
        raise HistoryError(
            f"{file}: found the tables {shortened(', '.join(names), 200) or '(none)'}, expected those of a release of "
            "the RAM database, or one table of another tool; save the table that is needed as CSV and read that"
        )
    return found


def _of_titles(titles: Sequence[str]) -> str | None:
    has = {joined(title) for title in titles}
    if "stockid" in has and ("tsid" in has or ("year" in has and has & _RAM_SERIES)):
        return "ram"
    if "type" in has and has & {"value", "observed"} and has & {"timing", "datestart"}:
        return "fims"
    if "obsc" in has or ("catch" in has and has & {"time", "timec"} and "year" not in has):
        return "spict"
    return None


def _is_keyed(lines: Sequence[Sequence[str]]) -> bool:
    """Return whether the keys are in the first column: a row Year with years, and a row Catch."""
    keys = {joined(cells[0]): cells[1:] for cells in reversed(lines) if cells}
    years = [cell.strip() for cell in keys.get("year", []) if cell.strip()]
    return "catch" in keys and len(years) > 1 and all(year.isdigit() or year == "NA" for year in years)


def _is_wide_catch(titles: Sequence[str]) -> bool:
    """Return whether there are years and columns that mean nothing to us, as a catch by fleet has."""
    kinds = [means(title) for title in titles]
    return kinds[0] == "year" and len(kinds) > 1 and all(kind is None for kind in kinds[1:])
