"""Read a catch history from a CSV file.

A file is a table with the columns `year` and `catch` and any of `biomass`, `ssb`, `effort`, `index`,
`index_se`, or `index_NAME` and `index_se_NAME` for several indices. Lines `# key: value` above it say what it
is. What can be read without a guess is read, and the notes tell what was made of it; everything else is an
error that names the file, the row and the column. Rows are lines of the file, counted from 1.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history.catch_history import UNIT_KEYS, CatchHistory, check_columns, check_rows, column_of

LARGEST_FILE = 10_000_000
"""Bytes. The longest catch history known is a thousandth of it."""

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
MISSING = {"", "na", "n/a", "nan", "-"}
SYNONYMS = {
    "yr": "year",
    "catches": "catch",
    "landings": "catch",
    "tc": "catch",
    "tb": "biomass",
    "totalbiomass": "biomass",
    "spawningbiomass": "ssb",
    "cpue": "index",
    "se": "index_se",
}
"""Other names of columns that are common, in small letters and without spaces, underscores and hyphens."""

_PLAIN = ("year", "catch", "biomass", "ssb", "effort", "index", "index_se")
_WORDS = ("id", "species", "region", "source", "license", "observed", "note")
_UNITS = tuple(f"{name}_unit" for name in UNIT_KEYS)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_DIGITS_AND_MARKS = re.compile(r"[+-]?\d[\d.,'’_\s]*")


def read_history_csv(path: str | os.PathLike[str]) -> CatchHistory:
    """Read a catch history from a CSV file.

    Separators may be commas, semicolons or tabs, the decimal mark a comma where the separator is not; the
    text UTF-8, UTF-16 or Windows-1252. Blank cells, ``NA``, ``NaN`` and ``-`` are missing values. Spelling
    of the column names is tolerated and told in the history's notes; thousands separators are refused.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    CatchHistory
        Its id is the one in the file's header lines, or the name of the file.

    Raises
    ------
    HistoryError
        When the file cannot be read or what it says cannot be true, in one line with the place.

    Warns
    -----
    HistoryWarning
        When catch exceeds the abundance series, or when every decimal mark might be a thousands separator.
    """
    return CatchHistory(**read_fields(path))


def read_fields(path: str | os.PathLike[str], whole: bool = True) -> dict[str, Any]:
    """Return what a CSV file says, as the arguments of `CatchHistory`.

    Parameters
    ----------
    path
        The file.
    whole
        Whether it is a history of its own; False for years that follow one, of which a single row will do.

    Raises
    ------
    HistoryError
        When it cannot be read, or says what cannot be true.
    """
    file = Path(path)
    text, remarks = _decode(file)
    table = _read_table(text, file.name)
    remarks += table.remarks
    columns = _numbers(table, remarks)

    def place(row: int, name: str) -> str:
        return f"{file.name}, row {table.lines[row]}, column {table.written[name]}"

    year = columns.pop("year")
    if whole:
        check_columns(year, columns, place, file.name)
    elif len(year):
        check_rows(year, columns, place)
    fields: dict[str, Any] = {"id": file.stem, "origin": str(path), "year": year, "remarks": tuple(remarks)}
    fields |= {key: value for key, value in table.words.items() if key in _WORDS}
    fields["units"] = {key.removesuffix("_unit"): table.words[key] for key in _UNITS if key in table.words}
    for name, values in columns.items():
        kind, named = column_of(name)
        if named:
            fields.setdefault(kind, {})[named] = values
        else:
            fields[name] = values
    return fields


# From bytes to text


def _decode(file: Path) -> tuple[str, list[str]]:
    try:
        if file.is_dir():
            raise HistoryError(f"{file} is a folder, expected a CSV file; give the path of one file")
        if not file.exists():
            raise HistoryError(
                f"{file} was not found; check the path, or see `ecodecide stocks` for shipped ones"
            )
        if not file.is_file():
            raise HistoryError(f"{file} is not a plain file, expected a CSV file")
        if file.stat().st_size > LARGEST_FILE:
            raise HistoryError(
                f"{file.name}: the file has {file.stat().st_size / 1e6:.0f} MB, expected at most "
                f"{LARGEST_FILE / 1e6:.0f} MB; a catch history is a table with one row per year"
            )
        data = file.read_bytes()
    except OSError as problem:
        raise HistoryError(f"{file} cannot be read: {problem.strerror or problem}") from problem
    if not data.strip():
        raise HistoryError(
            f"{file.name}: the file is empty, expected a table with the columns year and catch"
        )
    text, encoding = decoded(file.name, data)
    return text, [f"read as {encoding} text"] if encoding else []


def decoded(file: str, data: bytes) -> tuple[str, str]:
    """Return the text in the bytes of a file, and the name of its encoding where that is not UTF-8.

    Raises
    ------
    HistoryError
        When it is no text.
    """
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if re.search(r"[\x00-\x08\x0e-\x1f]", text):
            break
        told = {"utf-8-sig": "", "cp1252": "Windows-1252"}.get(encoding, encoding.upper())
        return text.removeprefix("\ufeff"), told
    hint = "a workbook" if data[:2] == b"PK" else "binary data"
    raise HistoryError(f"{file}: found {hint}, expected text; save the table as CSV and read that")


def _encodings(data: bytes) -> tuple[str, ...]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ("utf-16",)
    if b"\0" in data:
        # without a byte order mark: in UTF-16 the zero bytes of plain letters are all on one side, and most of it
        even, odd = data[::2].count(0), data[1::2].count(0)
        if 4 * max(even, odd) <= len(data) or min(even, odd) > 0:
            return ()
        return ("utf-16-le",) if even == 0 else ("utf-16-be",)
    return ("utf-8-sig", "cp1252", "latin-1")


# From text to named cells


@dataclass
class _Table:
    """The cells of a file under our names of the columns."""

    file: str
    separator: str
    names: list[str | None]
    written: dict[str, str]
    lines: list[int]
    rows: list[list[str]]
    words: dict[str, str]
    remarks: list[str] = field(default_factory=list)


def _read_table(text: str, file: str) -> _Table:
    remarks: list[str] = []
    words, first = _header_lines(text, remarks)
    lines = io.StringIO(text, newline="").readlines()
    if first >= len(lines):
        raise HistoryError(f"{file}: the file has no table, expected the columns year and catch")
    separator = max(SEPARATORS, key=lambda mark: _promise(lines[first], mark))
    header, *cells = _split(lines[first:], separator, first, file) or [(0, [""])]
    row, titles = header[0], [" ".join(title.split()) for title in header[1]]
    names, written = _columns(titles, words, f"{file}, row {row}", remarks)
    kept: list[list[str]] = []
    numbers: list[int] = []
    for number, cell in cells:
        if not any(part.strip() for part in cell) or cell[0].lstrip().startswith("#"):
            continue
        while len(cell) > len(names) and not cell[-1].strip():
            cell = cell[:-1]
        if len(cell) != len(names):
            hint = "leave a missing value blank but keep its separator"
            if len(cell) > len(names) and separator == ",":
                hint = "decimal commas need a semicolon or a tab between columns, thousands separators go"
            raise HistoryError(
                f"{file}, row {number}: found {len(cell)} fields, "
                f"expected {len(names)} as in the header; {hint}"
            )
        kept.append(cell)
        numbers.append(number)
    blank = [i for i, title in enumerate(titles) if names[i] is None and not title]
    ignored = [title for i, title in enumerate(titles) if names[i] is None and i not in blank]
    ignored += [f"number {i + 1}, without a name" for i in blank if any(cell[i].strip() for cell in kept)]
    if ignored:
        remarks.append(f"unknown column{'s' * (len(ignored) > 1)} ignored: {', '.join(ignored)}")
    return _Table(file, separator, names, written, numbers, kept, words, remarks)


def _header_lines(text: str, remarks: list[str]) -> tuple[dict[str, str], int]:
    """Return the `# key: value` lines above the table, and the number of lines before its header."""
    words: dict[str, str] = {}
    first = 0
    for first, line in enumerate(io.StringIO(text, newline="")):
        bare = line.strip()
        if bare and not bare.lstrip('"').startswith("#"):
            return words, first
        if bare.startswith('"'):  # a spreadsheet has saved the line as a quoted cell
            bare = bare.rstrip(",;\t").strip('"').replace('""', '"')
        match = re.fullmatch(r"#\s*(\w+)\s*:\s*(.*?)[,;\s]*", bare)
        if match is None:
            continue
        key, value = match[1].lower(), match[2]
        if key not in _WORDS + _UNITS:
            remarks.append(f"header line ignored: unknown key {match[1]!r}")
        elif key in words:
            remarks.append(f"header line ignored: {key!r} was given before")
        elif value:
            words[key] = value
    return words, first + 1


def _promise(header: str, separator: str) -> tuple[int, int]:
    """Rate a separator: how many known columns and how many columns at all it makes of the header."""
    try:
        titles = next(csv.reader([header], delimiter=separator, skipinitialspace=True), [""])
    except csv.Error:
        return 0, 0
    return sum(_recognize(title)[0] is not None for title in titles), len(titles)


def _split(lines: list[str], separator: str, before: int, file: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t", strict=True)
    found: list[tuple[int, list[str]]] = []
    number = before + 1
    try:
        for cells in reader:
            if cells:
                found.append((number, cells))
            number = before + reader.line_num + 1
    except csv.Error as problem:
        raise HistoryError(
            f"{file}, row {number}: found a line that cannot be split into fields ({problem}), "
            "expected every quotation mark to be closed; check the row"
        ) from problem
    return found


def _columns(
    titles: list[str], words: dict[str, str], place: str, remarks: list[str]
) -> tuple[list[str | None], dict[str, str]]:
    """Name each column, or None where it is unknown; note what was tolerated."""
    names: list[str | None] = []
    written: dict[str, str] = {}
    for title in titles:
        name, unit = _recognize(title)
        names.append(name)
        if name is None:
            continue
        if name in written:
            raise HistoryError(
                f"{place}: the columns {written[name]!r} and {title!r} both mean {name}, expected one; "
                "rename or remove the other"
            )
        written[name] = title
        kind, _ = column_of(name)
        if unit and kind in UNIT_KEYS:
            words.setdefault(f"{kind}_unit", unit)
        if title != name:
            landings = "; discards are not in landings" if "landings" in title.lower() else ""
            remarks.append(f"column {title!r} read as {name}{landings}")
    missing = [name for name in ("year", "catch") if name not in written]
    if missing:
        found = ", ".join(title or "(blank)" for title in titles)
        found = found if len(found) <= 200 else found[:197] + "..."
        if all(_NUMBER.fullmatch(title.replace(",", ".")) for title in titles):
            raise HistoryError(f"{place}: found {found}, expected a header such as year,catch; add one")
        remedy = f"rename the column that holds the {' and the '.join(missing)}"
        if len(titles) == 1:
            remedy = "separate columns by comma, semicolon or tab"
        raise HistoryError(f"{place}: no column {' and no column '.join(missing)}; found {found}; {remedy}")
    return names, written


def means(title: str) -> str | None:
    """Return our name of a column, None where it is unknown.

    Examples
    --------
    >>> means("Catch (t)"), means("Longline")
    ('catch', None)
    """
    return _recognize(title)[0]


def _recognize(title: str) -> tuple[str | None, str]:
    """Return our name of a column (None if unknown) and the unit that its title gives in brackets."""
    bare, unit = title.strip(), ""
    bracket = re.fullmatch(r"(.*\S)\s*[(\[](.*?)[)\]]", bare)
    if bracket:
        bare, unit = bracket[1], bracket[2].strip()
    joined = re.sub(r"[\s_-]+", "", bare).lower()
    for name in _PLAIN:
        if joined == name.replace("_", ""):
            return name, unit
    if joined in SYNONYMS:
        return SYNONYMS[joined], unit
    named = re.fullmatch(r"(index[\s_-]+se|se|index|cpue)[\s_-]+(\S.*)", bare, re.IGNORECASE)
    if named:
        return f"{'index_se' if named[1].lower().endswith('se') else 'index'}_{named[2]}", unit
    return None, unit


# From cells to numbers


def _numbers(table: _Table, remarks: list[str]) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Turn the cells of the known columns into numbers."""
    marks: dict[str, int] = {}
    grouped: list[str] = []
    plain = False
    columns: dict[str, list[float]] = {name: [] for name in table.names if name is not None}
    for line, cells in zip(table.lines, table.rows, strict=True):
        for name, cell in zip(table.names, cells, strict=True):
            if name is None:
                continue
            text = cell.strip().strip("\u00a0\u202f")
            place = f"{table.file}, row {line}, column {table.written[name]}"
            columns[name].append(_number(text, table.separator, place, name))
            for mark in ".,":
                if mark in text and name != "year":
                    marks.setdefault(mark, line)
                    other = marks.get("," if mark == "." else ".")
                    if other is not None:
                        raise HistoryError(
                            f"{place}: found {text!r}, expected the other decimal mark as in row {other}; "
                            "use one decimal mark throughout and no thousands separators"
                        )
                    if _GROUPED.fullmatch(text):
                        grouped.append(text)
                    else:
                        plain = True
    if "," in marks:
        remarks.append("commas were read as decimal marks")
    if grouped and not plain and table.separator == ";":
        example = f"{float(grouped[0].replace(',', '.')):.15g}"
        message = (
            f"{grouped[0]} was read as {example}, but every decimal mark might be a thousands separator; "
            "if it is one, remove it from the file"
        )
        remarks.append(message)
        warnings.warn(f"{table.file}: {message}", HistoryWarning, stacklevel=4)
    return {name: np.array(values) for name, values in columns.items()}


def _number(text: str, separator: str, place: str, name: str) -> float:
    """Return the number in a cell, NaN where it is missing."""
    if text.lower() in MISSING:
        return math.nan
    plain = text.replace(",", ".") if separator != "," else text
    if _NUMBER.fullmatch(plain):
        return float(plain)
    shown = repr(text if len(text) <= 40 else text[:37] + "...")
    if name == "year":
        raise HistoryError(
            f"{place}: found {shown}, expected a year such as 1990; give a season its first year"
        )
    expected = "a number above 0" if name.startswith("index") else "a number of at least 0"
    remedy = "write 0 if nothing was caught" if name == "catch" else "leave it blank if it is not known"
    if _DIGITS_AND_MARKS.fullmatch(text):
        remedy = "thousands separators are not guessed: write the digits without them"
        if separator == "," and re.fullmatch(r"\d+,\d+", text):
            remedy += "; a decimal comma needs a semicolon or a tab between columns"
    elif re.fullmatch(r"[+-]?inf(inity)?", text, re.IGNORECASE):
        expected = expected.replace("a number", "a finite number")
    raise HistoryError(f"{place}: found {shown}, expected {expected}; {remedy}")
