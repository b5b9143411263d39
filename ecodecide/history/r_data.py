"""Data frames and matrices of an R data file (.RData, .rda, .rds), as rows of text.

The file is parsed by the library rdata, which runs nothing that is in it, and builds an object of every word. That
takes 4 s and 0.2 GB for 100,000 rows of six columns, four of words, and 40 s and 1.6 GB for a million; hence about a
minute for a whole release of the RAM Legacy database. `ecodecide history import` writes the one stock to a CSV once.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from ecodecide.errors import HistoryError
from ecodecide.history.workbook import Cells

if TYPE_CHECKING:
    from rdata.parser import RObject, RObjectInfo

LARGEST_UNPACKED = 1_000_000_000
"""Bytes. A million rows of the long table of the RAM database are a ninth of it."""

_LONGEST_SEQUENCE = 10_000_000
_UNPACKED: dict[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": cast(Callable[[Path], IO[bytes]], gzip.open),
    b"BZh": cast(Callable[[Path], IO[bytes]], bz2.open),
    b"\xfd7zXZ": cast(Callable[[Path], IO[bytes]], lzma.open),
}
_HEAD = re.compile(rb"RD[ABX]\d\n|X\n\0\0\0[\2\3]|B\n[\2\3]\0\0\0|A\r?\n[23]\r?\n")
"""Of what `save` writes; or of what `saveRDS` does, whose letter is followed by the version."""

_Table = tuple[list[str], list[list[Any]]]
"""Titles, and as many columns. Those of a matrix come after one without a title, the names of its rows."""


class RFile:
    """The tables of an R data file.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    names
        Of the data frames and matrices; the one object of an .rds file has an empty name.
    others
        Of all other objects.

    Raises
    ------
    HistoryError
        When it is no such file, is broken, or unpacks to more than can be meant.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.name
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of endings of names, and of days that no calendar has
                stat = path.stat()
                found = _objects(path, stat.st_mtime_ns, stat.st_size)
        except Exception as problem:  # any may come out of the library where a value is not as R writes it
            said = " ".join(str(problem).split())[:80] or type(problem).__name__
            why = "a part of it is missing" if isinstance(problem, IndexError) else said
            raise HistoryError(
                f"{path.name}: found R data that cannot be read ({why}), expected what save or saveRDS writes; "
                "get the file again, or in R, save the needed tables alone or as CSV"
            ) from problem
        self._tables = {name: table for name, table in found if table is not None}
        self.names = list(self._tables)
        self.others = [name for name, table in found if table is None]

    def label(self, name: str) -> str:
        """Return what a message calls a table."""
        return f"{self._file}, {name}" if name else self._file

    def rows(self, name: str) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the titles under the number 0, then the number and the cells of each row."""
        titles, columns = self._tables[name]
        yield 0, titles
        for number, values in enumerate(zip(*columns, strict=True), 1):
            yield number, Cells(values)


def is_r_data(path: Path) -> bool:
    """Return whether a file begins as an R data file does, unpacked where it is packed."""
    try:
        with _opened(path) as file:
            return _HEAD.match(file.read(7)) is not None
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        return False


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        head = file.read(6)
    unpacked = next((unpack for magic, unpack in _UNPACKED.items() if head.startswith(magic)), None)
    return path.open("rb") if unpacked is None else unpacked(path)


@lru_cache(maxsize=1)  # what a file is, then one stock of it, then another: it is parsed once
def _objects(path: Path, changed: int, size: int) -> list[tuple[str, _Table | None]]:
    """Return the name of each object, and the table that it is, None where it is none."""
    from rdata import parser  # half a second that only those who read R data pay

    with _opened(path) as file:
        data = file.read(LARGEST_UNPACKED + 1)
    if len(data) > LARGEST_UNPACKED:
        raise ValueError(f"more than {LARGEST_UNPACKED / 1e6:,.0f} MB unpacked")
    short = dict.fromkeys((b"compact_intseq", b"compact_realseq"), _sequence)
    expanding = {**parser.DEFAULT_ALTREP_MAP, **short}
    found = parser.parse_data(data, altrep_constructor_dict=expanding).object
    objects = _pairs(found) if found.info.type.name == "LIST" else [("", found)]
    return [(name, _table(value)) for name, value in objects]


def _sequence(state: RObject) -> tuple[RObjectInfo, Any]:
    """Expand a sequence that is written in short; the library would try any length, and cuts one that falls."""
    from rdata.parser import RObjectInfo, RObjectType

    count, first, step = state.value
    if not count <= _LONGEST_SEQUENCE:
        raise ValueError(f"a sequence of {count:.0f} values")
    return RObjectInfo(RObjectType.REAL, False, False, False, 0, 0), first + step * np.arange(int(count))


# From values to tables


def _pairs(found: RObject | None) -> Iterator[tuple[str, RObject]]:
    """Yield the names and the values of a chain: the objects of a file, or the attributes of one."""
    while found is not None and found.info.type.name == "LIST":
        name = found.tag and (found.tag.referenced_object or found.tag)  # a name is written out only once
        value, rest = found.value
        yield _decoded(name.value.value) if name else "", value
        found = rest


def _table(found: RObject) -> _Table | None:
    """Return a data frame or a matrix as a table, None where it is neither."""
    attributes = dict(_pairs(found.attributes))
    if "data.frame" not in _words(attributes.get("class")):
        return _matrix(found, attributes)
    titles, columns = _words(attributes.get("names")), [_values(value) for value in found.value]
    same = len(titles) == len(columns) and len({len(column) for column in columns}) == 1
    return (titles, columns) if same else None


def _matrix(found: RObject, attributes: dict[str, RObject]) -> _Table | None:
    """Return a matrix whose rows and columns have names as a table whose first column is the names of the rows."""
    if "dimnames" not in attributes:
        return None
    names = [_words(part) for part in attributes["dimnames"].value]
    if len(names) != 2 or [len(part) for part in names] != attributes["dim"].value.tolist():
        return None
    (rows, titles), values = names, _values(found)
    if len(values) != len(rows) * len(titles):
        return None
    return ["", *titles], [rows, *(values[j * len(rows) : (j + 1) * len(rows)] for j in range(len(titles)))]


def _values(found: RObject) -> list[Any]:
    """Return the values of a vector, None where one is missing."""
    if not isinstance(found.value, np.ndarray):
        return _words(found) or [None] * len(found.value)  # a list within a table has no text
    missing = np.isnan(np.ma.getdata(found.value))
    values: list[Any] = np.ma.masked_where(missing, found.value).tolist()
    attributes = dict(_pairs(found.attributes))
    kinds = _words(attributes.get("class"))
    if "factor" in kinds:
        levels = dict(enumerate(_words(attributes.get("levels")), 1))
        return [levels.get(code) for code in values]
    if "Date" in kinds:  # days since the first of 1970, as numpy counts them
        days: list[Any] = np.floor(np.array(values, float)).astype("datetime64[D]").tolist()
        return days
    return values


def _words(found: RObject | None) -> list[str]:
    """Return a vector of words, nothing where it is none; a missing word is empty."""
    if found is None or found.info.type.name != "STR":
        return []
    words = [word.value for word in found.value]
    known = {word: _decoded(word) for word in set(words)}
    return [known[word] for word in words]


def _decoded(word: bytes | None) -> str:
    try:
        return (word or b"").decode()
    except UnicodeDecodeError:
        return (word or b"").decode("latin-1")
