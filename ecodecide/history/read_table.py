"""Read one table of a file: of text, of a workbook, or of R data.

What a file is is told by its first bytes, not by its name. In text, separators are commas, semicolons or tabs; it is
UTF-8, UTF-16 with its mark, or Windows-1252. Rows are those of the file, counted from 1.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.foreign_table import Keep, Table, joined, shortened
from ecodecide.history.r_data import RFile, is_r_data
from ecodecide.history.read_csv import LARGEST_FILE, SEPARATORS, decoded
from ecodecide.history.workbook import Workbook

_HEAD = 1 << 16
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_REFUSED = {
    b"\xd0\xcf\x11\xe0": (
        "a workbook of the old kind (.xls) or with a password",
        "save it as .xlsx without a password, or its tables as CSV, and read that",
    ),
    b"\x1f\x8b": ("a packed file", "unpack it and read that"),
    b"BZh": ("a packed file", "unpack it and read that"),
    b"\xfd7zXZ": ("a packed file", "unpack it and read that"),
}


def read_table(
    path: Path,
    largest: int = LARGEST_FILE,
    keep: Callable[[Table], Keep] | None = None,
    *,
    keyed: bool = False,
) -> Table:
    """Read the one table of a file.

    Parameters
    ----------
    path
        The file: text, a workbook with one sheet, or R data with one data frame.
    largest
        Its size at most, in bytes.
    keep
        Given the table with its titles alone, returns what says of a row whether it is kept; all by default.
    keyed
        Whether the keys are in the first column: no titles, and rows of any length.

    Raises
    ------
    HistoryError
        When the file is no such table, or has several.
    """
    with opened_tables(path, largest) as tables:
        if tables is None:
            return text_table(path.name, _bytes(path), keep, keyed=keyed)
        if len(tables.names) != 1:
            raise HistoryError(
                f"{path.name}: found {len(tables.names)} tables ({shortened(', '.join(tables.names), 200)}), "
                "expected one; save the one that is needed in a file of its own"
            )
        return read_named(tables, tables.names[0], keep, keyed=keyed)


def text_table(
    file: str, data: bytes, keep: Callable[[Table], Keep] | None = None, *, keyed: bool = False
) -> Table:
    """Read the table of a text, `file` being what it is called in messages; see `read_table`."""
    text, encoding = decoded(file, data)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    empty = Table(file, separator, [], 1)
    if encoding:
        empty.remarks.append(f"{file}: read as {encoding} text")
    return _collected(empty, _text_rows(file, text, separator), keep, keyed)


@contextmanager
def opened_tables(path: Path, largest: int = LARGEST_FILE) -> Iterator[Workbook | RFile | None]:
    """Open a file of several tables; give None where it is text.

    Parameters
    ----------
    path
        The file.
    largest
        Its size at most, in bytes.

    Raises
    ------
    HistoryError
        When the file cannot be read, or is of another kind.
    """
    head = _checked_head(path, largest)
    if head.startswith(_ZIP):
        with closing(Workbook(path)) as book:
            yield book
    elif is_r_data(path):
        yield RFile(path)
    else:
        for magic, (found, remedy) in _REFUSED.items():
            if head.startswith(magic):
                raise HistoryError(f"{path.name}: found {found}, expected text, .xlsx or .RData; {remedy}")
        yield None


def named(tables: Workbook | RFile, name: str, remarks: list[str]) -> str | None:
    """Return a table's name as it is written in the file, None without one; a note tells of another spelling.

    Raises
    ------
    HistoryError
        When two tables have the name.
    """
    found = [other for other in tables.names if joined(other) == joined(name)]
    if len(found) > 1 and name not in found:
        raise HistoryError(
            f"{tables.label(found[0])}: found also {', '.join(found[1:])}, expected one {name}; "
            "rename or remove the other"
        )
    if not found or name in found:
        return name if found else None
    remarks.append(f"table {found[0]!r} read as {name}")
    return found[0]


def read_named(
    tables: Workbook | RFile,
    name: str,
    keep: Callable[[Table], Keep] | None = None,
    *,
    keyed: bool = False,
) -> Table:
    """Read a table of several; see `read_table`."""
    # of text, its numbers are written as in a file with commas between its fields
    empty = Table(tables.label(name), ",", [], 1)
    return _collected(empty, tables.rows(name), keep, keyed)


def first_lines(path: Path) -> list[list[str]]:
    """Return the fields of the lines at the beginning of a text, without those that are blank or begin with #.

    Raises
    ------
    HistoryError
        When it is no text.
    """
    with path.open("rb") as file:
        data = file.read(_HEAD)
    whole = len(data) < _HEAD
    if not whole:
        data = data[: max(data.rfind(b"\n"), 2) // 2 * 2]  # whole letters, also of two bytes each
    lines = decoded(path.name, data)[0].splitlines()
    lines = [line for line in lines if line.strip() and not line.lstrip(' "').startswith("#")]
    separator = max(SEPARATORS, key=lines[0].count) if lines else ","
    try:
        return list(csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t"))
    except csv.Error:
        return []


def _checked_head(path: Path, largest: int) -> bytes:
    """Return the first bytes of a file that is there and not too large."""
    try:
        if not path.is_file():
            found = (
                "is a folder" if path.is_dir() else "is no plain file" if path.exists() else "was not found"
            )
            raise HistoryError(f"{path} {found}, expected a file with a table; check the path")
        size = path.stat().st_size
        if size > largest:
            raise HistoryError(
                f"{path.name}: the file has {size / 1e6:.0f} MB, expected at most {largest / 1e6:.0f} MB; "
                "keep the rows of the stock alone"
            )
        with path.open("rb") as file:
            return file.read(6)
    except OSError as problem:
        raise HistoryError(f"{path} cannot be read: {problem.strerror or problem}") from problem


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise HistoryError(f"{path} cannot be read: {problem.strerror or problem}") from problem


def _text_rows(file: str, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator != "\t", strict=True
    )
    row = 1
    try:
        for cells in reader:
            yield row, cells
            row = reader.line_num + 1
    except csv.Error as problem:
        raise HistoryError(
            f"{file}, row {row}: found a line that cannot be split into fields ({problem}), "
            "expected every quotation mark to be closed; check the row"
        ) from problem


def _collected(
    table: Table,
    rows: Iterator[tuple[int, Sequence[str]]],
    keep: Callable[[Table], Keep] | None,
    keyed: bool,
) -> Table:
    """Return a table with the rows that are kept."""
    wanted: Keep | None = None
    titled = keyed
    for row, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if not titled:
            table.titles, table.top, titled = [" ".join(cell.split()) for cell in cells], row, True
            wanted = keep(table) if keep else None
            continue
        if not keyed and len(cells) != len(table.titles):
            cells = _fitted(table, row, list(cells))
        if wanted is None or wanted(cells):
            table.rows.append((row, list(cells)))
    if not titled or (keyed and not table.rows):
        raise HistoryError(f"{table.file}: there is nothing in it, expected a table")
    return table


def _fitted(table: Table, row: int, cells: list[str]) -> list[str]:
    """Return a row of as many cells as there are titles, or refuse it."""
    while len(cells) > len(table.titles) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != len(table.titles):
        raise HistoryError(
            f"{table.file}, row {row}: found {len(cells)} fields, expected {len(table.titles)} as in the header; "
            "leave a missing value blank but keep its separator"
        )
    return cells
