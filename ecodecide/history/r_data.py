"""Data frames and matrices of an R data file (.RData, .rda, .rds), as rows of text.

An R data file is a tree of values, written one after the other and packed as a whole. It is walked in one pass:
what is not asked for is stepped over and not kept, so that a database of a gigabyte costs the memory of the tables
that are read. Nothing in it is run; a function is stepped over like anything else, and compiled code is refused.

The layout is that of R Core Team, R Internals, section 1.8 "Serialization Formats", versions 2 and 3, in XDR: what
``save`` and ``saveRDS`` write unless told otherwise.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any, cast, overload

import numpy as np

from ecodecide.errors import HistoryError
from ecodecide.history.workbook import cell_text

LARGEST_UNPACKED = 4_000_000_000
"""Bytes that are walked at most. The whole database of stock assessments is an eighth of it."""

MOST_VALUES = 50_000_000
"""Values of one vector at most."""

_LONGEST_WORD = 10_000_000
_DEEPEST = 100
_WRONG_SHAPE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What comes of a value that is not of the kind that R would have written there."""

_PIECE = 1 << 22
_MISSING_INTEGER = -(2**31)
_UNPACKED: dict[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": cast(Callable[[Path], IO[bytes]], gzip.open),
    b"BZh": cast(Callable[[Path], IO[bytes]], bz2.open),
    b"\xfd7zXZ": cast(Callable[[Path], IO[bytes]], lzma.open),
}
_WORKSPACE = (b"RDX2\n", b"RDX3\n")
_XDR = b"X\n"
_OTHER_FORMS = (b"RDA2\n", b"RDA3\n", b"RDB2\n", b"RDB3\n", b"A\n", b"B\n")

# kinds of values, by their number in the file
_SYMBOL, _PAIRS, _CLOSURE, _ENVIRONMENT, _PROMISE, _CALL, _SPECIAL, _BUILTIN, _CHARACTERS = range(1, 10)
_LOGICAL, _INTEGER, _REAL, _COMPLEX, _STRINGS, _DOTS, _LIST, _EXPRESSIONS = 10, 13, 14, 15, 16, 17, 19, 20
_POINTER, _WEAK, _RAW, _S4 = 22, 23, 24, 25
_REFERENCE, _NAMESPACE, _PACKAGE, _PERSISTENT, _ALTERNATIVE = 255, 249, 250, 248, 238
_CALL_WITH, _PAIRS_WITH = 240, 239  # as a call and as pairs, with attributes
_PAIRED = {_PAIRS, _CLOSURE, _PROMISE, _CALL, _DOTS, _CALL_WITH, _PAIRS_WITH}
_NOTHING = {0, 241, 242, 247, 251, 252, 253, 254}  # the empty list, and environments and marks known by name
_WIDTHS = {_LOGICAL: 4, _INTEGER: 4, _REAL: 8, _COMPLEX: 16, _RAW: 1}
_TYPES = {_LOGICAL: ">i4", _INTEGER: ">i4", _REAL: ">f8"}


@dataclass
class Vector:
    """A vector of R.

    Attributes
    ----------
    values
        Numbers in an array; words as a list of bytes, None where one is missing; or a list of vectors.
    attributes
        What R attaches to it: names, dimensions, levels of a factor, a class.
    """

    values: Any
    attributes: dict[str, Any] = field(default_factory=dict)

    def words(self, name: str) -> list[str]:
        """Return an attribute that is a list of words; nothing where it is none."""
        return _words(self.attributes.get(name))


@dataclass(frozen=True)
class RTable:
    """A data frame or a matrix.

    Attributes
    ----------
    titles
        Of its columns. Those of a matrix come after one without a title, which holds the names of its rows.
    columns
        As many, each a function from the number of the row, from 0, to the text in it.
    length
        The number of its rows.
    """

    titles: list[str]
    columns: list[Callable[[int], str]]
    length: int


class RFile:
    """The tables of an R data file.

    Parameters
    ----------
    path
        The file.
    wanted
        Says of the name of an object whether it is kept; the one object of an .rds file has an empty name.

    Attributes
    ----------
    names
        Of the data frames and matrices that were kept.
    others
        Of all other objects.

    Raises
    ------
    HistoryError
        When it is no such file, is broken, or unpacks to more than can be meant.
    """

    def __init__(self, path: Path, wanted: Callable[[str], bool] = lambda name: True) -> None:
        self._file = path.name
        self._tables: dict[str, RTable] = {}
        self.others: list[str] = []
        for name, value in objects(path, wanted):
            with _told(path.name):
                table = _table(value)
            if table is None:
                self.others.append(name)
            else:
                self._tables[name] = table
        self.names = list(self._tables)

    def label(self, name: str) -> str:
        """Return what a message calls a table."""
        return f"{self._file}, {name}" if name else self._file

    def rows(self, name: str) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the titles under the number 0, then the number and the cells of each row."""
        table = self._tables[name]
        yield 0, table.titles
        for row in range(table.length):
            yield row + 1, _Row(table, row)

    def close(self) -> None:
        """Do nothing: the file has been read."""


class _Row(Sequence[str]):
    """A row as text, made when it is looked at."""

    def __init__(self, table: RTable, row: int) -> None:
        self._table, self._row = table, row

    def __len__(self) -> int:
        return len(self._table.columns)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [column(self._row) for column in self._table.columns[at]]
        return self._table.columns[at](self._row)


def is_r_data(path: Path) -> bool:
    """Return whether a file begins as an R data file does, unpacked where it is packed."""
    try:
        with _opened(path) as file:
            head = file.read(7)
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        return False
    # the two letters of a form stand in many a text; after those of an .rds file comes the version, in four bytes
    return head.startswith(_WORKSPACE + _OTHER_FORMS[:4]) or (
        head[:2] in (_XDR, *_OTHER_FORMS[4:])
        and head[2:6] in (b"\0\0\0\2", b"\0\0\0\3", b"\2\0\0\0", b"\3\0\0\0")
    )


def objects(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each object, in the order of the file.

    Parameters
    ----------
    path
        The file.
    wanted
        Says of a name whether its value is kept; None is yielded for the others.

    Raises
    ------
    HistoryError
        When the file cannot be read.
    """
    with _told(path.name), _opened(path) as file:
        yield from _Reader(file).objects(wanted)


@contextmanager
def _told(file: str) -> Iterator[None]:
    """Turn whatever a broken file leads to into one line."""
    try:
        yield
    except HistoryError as problem:
        raise HistoryError(f"{file}: {problem}") from problem
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, *_WRONG_SHAPE) as problem:
        raise HistoryError(
            f"{file}: found a broken R data file ({' '.join(str(problem).split())[:80]}), expected one that R loads; "
            "get it again"
        ) from problem
    except OSError as problem:
        raise HistoryError(f"{file} cannot be read: {problem.strerror or problem}") from problem


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        head = file.read(6)
    unpacked = next((unpack for magic, unpack in _UNPACKED.items() if head.startswith(magic)), None)
    return path.open("rb") if unpacked is None else unpacked(path)


class _Reader:
    """Walks through the values."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._buffer = b""
        self._at = 0
        self._read = 0
        self._references: list[str] = []

    # Bytes

    def _refill(self, count: int) -> None:
        """Have at least so many bytes ready."""
        pieces, ready = [self._buffer[self._at :]], len(self._buffer) - self._at
        while ready < count:
            piece = self._file.read(max(_PIECE, min(count - ready, 16 * _PIECE)))
            if not piece:
                raise HistoryError("the R data file ends in the middle of a value; get the file again")
            pieces.append(piece)
            ready += len(piece)
            self._read += len(piece)
            if self._read > LARGEST_UNPACKED:
                raise HistoryError(
                    f"found more than {LARGEST_UNPACKED / 1e6:,.0f} MB unpacked, expected fewer; "
                    "in R, save the tables alone that are needed"
                )
        self._buffer, self._at = b"".join(pieces), 0

    def _take(self, count: int) -> bytes:
        if self._at + count > len(self._buffer):
            self._refill(count)
        self._at += count
        return self._buffer[self._at - count : self._at]

    def _pass(self, count: int) -> None:
        """Step over bytes, without having them all at once."""
        while count > 0:
            piece = min(count, _PIECE)
            self._take(piece)
            count -= piece

    def _integer(self) -> int:
        return int.from_bytes(self._take(4), "big", signed=True)

    def _length(self) -> int:
        length = self._integer()
        if not 0 <= length <= MOST_VALUES:  # -1 begins the length of a vector beyond 2^31
            raise HistoryError(
                f"found a vector of {length if length >= 0 else 'very many'} values, expected at most {MOST_VALUES}; "
                "get the file again, or in R, save the tables alone that are needed"
            )
        return length

    # The file

    def objects(self, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Any]]:
        head = self._take(2)
        workspace = head == b"RD"
        if workspace:
            head += self._take(3)
        form = self._take(2) if workspace else head
        if form != _XDR or (workspace and head not in _WORKSPACE):
            raise HistoryError(
                "found an R data file in text or in a machine's own form, expected the one that R writes by default; "
                "in R: save(..., ascii = FALSE)"
            )
        version = self._integer()
        self._pass(8)  # of which R it was, and from which on it can be read
        if version not in (2, 3):
            raise HistoryError(
                f"found version {version} of R's data files, expected 2 or 3; in R: save(..., version = 3)"
            )
        if version == 3:
            self._pass(self._length())  # the encoding that was native
        if not workspace:
            yield "", self._item(wanted(""))
            return
        flags = self._integer()
        while flags & 255 == _PAIRS:
            if flags & 0x200:
                self._item(False)
            name = self._item(True) if flags & 0x400 else ""
            yield str(name), self._item(wanted(str(name)))
            flags = self._integer()
        if flags & 255 != 254:
            raise HistoryError(
                "found an R data file that holds no named objects; in R, write it with save(...)"
            )

    # One value

    def _item(self, keep: bool, depth: int = 0, flags: int | None = None) -> Any:
        """Return a value, or None where it is stepped over or is of no use for a table."""
        flags = self._integer() if flags is None else flags
        kind = flags & 255
        if depth > _DEEPEST:
            raise HistoryError(
                f"found values nested more than {_DEEPEST} deep, expected tables; in R, save them alone"
            )
        if kind in _NOTHING:
            return None
        if kind == _REFERENCE:
            at = (flags & 0xFFFFFFFF) >> 8 or self._integer()
            if not 1 <= at <= len(self._references):
                raise HistoryError("found a reference to a value that is not there; get the file again")
            return self._references[at - 1]
        if kind == _SYMBOL:
            name = self._item(True, depth + 1)
            self._references.append(_decoded(name if isinstance(name, bytes) else b""))
            return self._references[-1]
        if kind == _CHARACTERS:
            length = self._integer()
            return None if length < 0 else self._take(_word_length(length))
        if kind in _PAIRED:
            return self._pairs(keep, depth, flags)
        if kind in (_ENVIRONMENT, _POINTER, _WEAK, _NAMESPACE, _PACKAGE, _PERSISTENT):
            return self._place(kind, flags, depth)
        if kind == _ALTERNATIVE:
            return self._alternative(keep, depth)
        if kind in (_SPECIAL, _BUILTIN):
            self._pass(self._length())
            return None
        found = self._values(kind, keep, depth)
        attributes = self._item(keep, depth + 1) if flags & 0x200 else None
        if not keep or found is None:
            return None
        return Vector(found, _attributes(attributes))

    def _values(self, kind: int, keep: bool, depth: int) -> Any:
        if kind == _S4:
            return None
        if kind not in _WIDTHS and kind not in (_STRINGS, _LIST, _EXPRESSIONS):
            what = "compiled R code" if kind == 21 else f"a value of the unknown kind {kind}"
            raise HistoryError(
                f"found {what}, which is not read; in R, save the tables alone that are needed"
            )
        length = self._length()
        if kind == _STRINGS:
            return self._strings(length, keep)
        if kind in (_LIST, _EXPRESSIONS):
            items = [self._item(keep, depth + 1) for _ in range(length)]
            return items if keep else None
        if keep and kind in _TYPES:
            return np.frombuffer(self._take(length * _WIDTHS[kind]), _TYPES[kind])
        self._pass(length * _WIDTHS[kind])
        return None

    def _strings(self, length: int, keep: bool) -> list[bytes | None] | None:
        """Read words: by far the most of a database, hence in one loop over the bytes that are ready."""
        found: list[bytes | None] = []
        same: dict[bytes, bytes] = {}
        head = struct.Struct(">Ii").unpack_from
        buffer, at = self._buffer, self._at
        for _ in range(length):
            if at + 8 > len(buffer):
                self._at = at
                self._refill(8)
                buffer, at = self._buffer, 0
            flags, size = head(buffer, at)
            if flags & 255 != _CHARACTERS:
                raise HistoryError("found no word where one is expected; get the file again")
            at += 8
            if size > len(buffer) - at:
                self._at = at
                self._refill(_word_length(size))
                buffer, at = self._buffer, 0
            if keep:
                word = buffer[at : at + size] if size >= 0 else None
                found.append(word if word is None else same.setdefault(word, word))
            at += max(size, 0)
        self._at = at
        return found if keep else None

    def _pairs(self, keep: bool, depth: int, flags: int) -> list[tuple[str, Any]]:
        """Read a chain of values with names; the last, without one, is what a chain may end in besides nothing."""
        found: list[tuple[str, Any]] = []
        while flags & 255 in _PAIRED:
            if flags & 0x200 or flags & 255 in (_CALL_WITH, _PAIRS_WITH):
                self._item(False, depth + 1)
            name = self._item(True, depth + 1) if flags & 0x400 else ""
            found.append((name if isinstance(name, str) else "", self._item(keep, depth + 1)))
            flags = self._integer()
        if flags & 255 not in _NOTHING:
            found.append(("", self._item(keep, depth + 1, flags)))
        return found

    def _place(self, kind: int, flags: int, depth: int) -> None:
        """Step over what is no data, and may be referred to."""
        self._references.append("")
        if kind == _ENVIRONMENT:
            self._integer()
            for _ in range(4):
                self._item(False, depth + 1)
        elif kind in (_NAMESPACE, _PACKAGE, _PERSISTENT):
            self._integer()
            for _ in range(self._length()):
                self._item(False, depth + 1)
        else:
            for _ in range(2 if kind == _POINTER else 0):
                self._item(False, depth + 1)
            if flags & 0x200:
                self._item(False, depth + 1)

    def _alternative(self, keep: bool, depth: int) -> Vector | None:
        """Read a vector that R has written in short, as 1:n."""
        kind, state, attributes = (self._item(True, depth + 1) for _ in range(3))
        name = kind[0][1] if isinstance(kind, list) and kind else None
        parts = [value for _, value in state] if isinstance(state, list) else getattr(state, "values", None)
        found: Any = None
        if name in ("compact_intseq", "compact_realseq") and parts is not None and len(parts) == 3:
            count, first, step = (float(part) for part in parts)
            if not 0 <= count <= MOST_VALUES or not np.isfinite(first + step):
                raise HistoryError(
                    f"found a sequence of {count:.0f} values from {first}, expected a smaller one"
                )
            found = first + step * np.arange(int(count))
        elif (
            str(name).startswith("wrap_")
            and parts is not None
            and len(parts)
            and isinstance(parts[0], Vector)
        ):
            found = parts[0].values
        elif name == "deferred_string" and parts and isinstance(parts[0], Vector):
            found = [_number(value).encode() or None for value in parts[0].values]
        if found is None:
            raise HistoryError(
                f"found a vector in the form {name!r}, which is not read; in R, save the table as CSV"
            )
        return Vector(found, _attributes(attributes)) if keep else None


def _word_length(length: int) -> int:
    if length > _LONGEST_WORD:
        raise HistoryError(
            f"found a word of {length} bytes, expected at most {_LONGEST_WORD}; get the file again"
        )
    return length


# From values to tables


def _attributes(found: Any) -> dict[str, Any]:
    return dict(found) if isinstance(found, list) else {}


def _words(found: Any) -> list[str]:
    values = found.values if isinstance(found, Vector) else None
    if not isinstance(values, list) or any(isinstance(value, Vector) for value in values):
        return []
    return ["" if value is None else _decoded(value) for value in values]


def _table(found: Any) -> RTable | None:
    """Return a data frame or a matrix as a table, None where it is neither."""
    if not isinstance(found, Vector):
        return None
    titles = found.words("names")
    if isinstance(found.values, list) and titles and all(isinstance(value, Vector) for value in found.values):
        lengths = {len(value.values) for value in found.values}
        if len(lengths) == 1 and len(titles) == len(found.values) and "data.frame" in found.words("class"):
            return RTable(titles, [_column(value) for value in found.values], lengths.pop())
        return None
    return _matrix(found)


def _matrix(found: Vector) -> RTable | None:
    """Return a matrix whose rows and columns have names as a table whose first column is the names of the rows."""
    size, names = found.attributes.get("dim"), found.attributes.get("dimnames")
    if not isinstance(size, Vector) or len(size.values) != 2 or not isinstance(names, Vector):
        return None
    rows, columns = (int(count) for count in size.values)
    if not isinstance(names.values, list) or len(names.values) != 2 or rows * columns != len(found.values):
        return None
    row_names, column_names = (_words(part) for part in names.values)
    if len(row_names) != rows or len(column_names) != columns:
        return None
    text = _column(found)

    def column(j: int) -> Callable[[int], str]:
        return lambda i: text(j * rows + i)

    return RTable(["", *column_names], [row_names.__getitem__, *(column(j) for j in range(columns))], rows)


def _column(found: Vector) -> Callable[[int], str]:
    """Return what gives the text of a value by its number."""
    values, kinds = found.values, found.words("class")
    if isinstance(values, list):
        if any(isinstance(value, Vector) for value in values):
            return lambda i: ""  # a list within a table has no text
        return lambda i: "" if values[i] is None else _decoded(values[i])
    if "factor" in kinds:
        levels = found.words("levels")
        return lambda i: levels[values[i] - 1] if 1 <= values[i] <= len(levels) else ""
    if "Date" in kinds:
        return lambda i: _date(values[i])
    return lambda i: _number(values[i])


def _number(value: Any) -> str:
    if not np.isfinite(value):
        return "" if np.isnan(value) else str(float(value))
    integer = np.issubdtype(type(value), np.integer)
    return "" if integer and value == _MISSING_INTEGER else cell_text(float(value))


def _date(value: Any) -> str:
    """Return a day that R counts from the first of 1970."""
    if not np.isfinite(value) or value == _MISSING_INTEGER:
        return ""
    try:
        return (date(1970, 1, 1) + timedelta(days=int(np.floor(value)))).isoformat()
    except OverflowError:
        return _number(value)


def _decoded(word: bytes) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError:
        return word.decode("latin-1")
