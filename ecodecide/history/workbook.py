"""Rows of the sheets of an Excel workbook (.xlsx, .xlsm), as they were typed.

Nothing in a workbook is computed or run: a cell with a formula gives the text of the formula, and macros and links
to other files are not even loaded. Rows are counted from 1, as a spreadsheet shows them.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, overload

from ecodecide.errors import HistoryError

LARGEST_SHEET = 1_500_000_000
"""Bytes of a sheet, unpacked. A million rows of six cells, the longest sheet known, take a fifth of it."""

LARGEST_WORDS = 300_000_000
"""Bytes of everything else, unpacked, the table of the words in the cells for one: it is held in memory."""

MOST_ROWS = 1_048_576
"""Of a sheet, by the format. A row number beyond it would have the reader make up the rows in between."""

_SHEETS = "xl/worksheets/"


class Workbook:
    """A workbook that is open.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    names
        Of its sheets.

    Raises
    ------
    HistoryError
        When it is no such workbook, is broken, or unpacks to more than can be meant.

    Examples
    --------
    >>> import tempfile, openpyxl
    >>> book = openpyxl.Workbook()
    >>> for row in (["stockid", "year"], ["COD", 2001]):
    ...     book.active.append(row)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     book.save(Path(folder) / "ram.xlsx")
    ...     found = Workbook(Path(folder) / "ram.xlsx")
    ...     print(found.names, [(row, list(cells)) for row, cells in found.rows("Sheet")])
    ...     found.close()
    ['Sheet'] [(1, ['stockid', 'year']), (2, ['COD', '2001'])]
    """

    def __init__(self, path: Path) -> None:
        self._file = path.name
        _check_sizes(path)
        import openpyxl  # half a second that only those who read a workbook pay

        with _told(self._file), ExitStack() as opened:
            file = opened.enter_context(path.open("rb"))  # of a path, the library would judge the suffix
            # the text of a formula, not the value saved beside it: that may be stale, or missing without a trace
            self._book = openpyxl.load_workbook(file, read_only=True, data_only=False, keep_links=False)
            self.names = [sheet.title for sheet in self._book.worksheets]
            self._opened = opened.pop_all()

    def label(self, name: str) -> str:
        """Return what a message calls a sheet."""
        return f"{self._file}, sheet {name}"

    def rows(self, name: str) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the number and the cells of each row of a sheet."""
        sheet = self._book[name]
        with _told(self._file):
            sheet.reset_dimensions()  # what the file says of its size may be wrong, and rows would be made up
            found = sheet.iter_rows(values_only=True)
        width = 0
        for number in range(1, MOST_ROWS + 2):
            with _told(self._file):
                values = next(found, None)
            if values is None:
                return
            width = width or len(values)  # a row ends with its last cell, the first one with the last title
            yield number, Cells((*values, *(None,) * (width - len(values))))
        raise HistoryError(
            f"{self.label(name)}: found more than {MOST_ROWS} rows, which no sheet has; save the workbook again"
        )

    def close(self) -> None:
        """Let go of the file."""
        self._book.close()
        self._opened.close()


class Cells(Sequence[str]):
    """The cells of a row as text, made when it is looked at: of a million rows, few are."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        return (
            [cell_text(value) for value in self._values[at]]
            if isinstance(at, slice)
            else cell_text(self._values[at])
        )


def cell_text(value: object) -> str:
    """Return a value as a cell of a table of text has it.

    Examples
    --------
    >>> cell_text(None), cell_text(2001.0), cell_text(0.1), cell_text(date(2001, 12, 31)), cell_text(" MT ")
    ('', '2001', '0.1', '2001-12-31', ' MT ')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, date):  # also a time of a day, of which the day is enough
        return value.isoformat()[:10]
    formula = getattr(value, "text", None)  # a formula over several cells
    return str(value if formula is None else formula)


@contextmanager
def _told(file: str) -> Iterator[None]:
    """Turn whatever a broken workbook leads to into one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of colors, checks and other things that are not read
            yield
    except HistoryError:
        raise
    except OSError as problem:
        raise HistoryError(f"{file} cannot be read: {problem.strerror or problem}") from problem
    except Exception as problem:  # any may come out of the library where a part is missing or is no XML
        raise HistoryError(
            f"{file}: found a broken workbook ({' '.join(str(problem).split())[:80] or type(problem).__name__}), "
            "expected one that a spreadsheet opens; open it there and save it again"
        ) from problem


def _check_sizes(path: Path) -> None:
    """Refuse what is no workbook, and one that unpacks to more than can be meant, before anything is unpacked."""
    with _told(path.name), zipfile.ZipFile(path) as packed:
        parts = packed.infolist()
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        found = (
            "a binary workbook (.xlsb)"
            if "xl/workbook.bin" in names
            else "a spreadsheet of another kind, such as .ods"
            if "content.xml" in names
            else "a zip file, which is no workbook"
        )
        raise HistoryError(
            f"{path.name}: found {found}, expected .xlsx; save the tables as .xlsx or CSV and read that"
        )
    if any(part.flag_bits & 1 for part in parts):
        raise HistoryError(
            f"{path.name}: found a workbook with a password, expected none; save it without one"
        )
    largest = max((part.file_size for part in parts if part.filename.startswith(_SHEETS)), default=0)
    rest = sum(part.file_size for part in parts if not part.filename.startswith(_SHEETS))
    for what, size, most in (("a sheet", largest, LARGEST_SHEET), ("its words", rest, LARGEST_WORDS)):
        if size > most:
            raise HistoryError(
                f"{path.name}: {what} would unpack to {size / 1e6:,.0f} MB, expected at most {most / 1e6:,.0f} MB; "
                "keep the sheets and the rows that are needed"
            )
