"""Write R data files, for tests: the bytes of `save` and `saveRDS`, from R Internals, "Serialization Formats".

A value is the bytes that follow its flags, of which the lowest byte is the kind; 0x100 marks an object, 0x200
attributes, and 0x400 a name. Numbers are big-endian.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Mapping, Sequence

PAIRS, INTEGER, REAL, STRINGS, LIST, ENVIRONMENT, END = 2, 13, 14, 16, 19, 4, 254
Value = Callable[["Writer"], bytes]


class Writer:
    """Knows the names that have been written: from the second time on, R writes a reference."""

    def __init__(self) -> None:
        self.symbols: list[str] = []

    def symbol(self, name: str) -> bytes:
        if name in self.symbols:
            return number(255 | (self.symbols.index(name) + 1) << 8)
        self.symbols.append(name)
        return number(1) + word(name)

    def pairs(self, values: Mapping[str, Value]) -> bytes:
        return b"".join(
            number(PAIRS | 0x400) + self.symbol(name) + value(self) for name, value in values.items()
        ) + (number(END))

    def vector(self, kind: int, body: bytes, attributes: Mapping[str, Value]) -> bytes:
        flags = kind | (0x200 if attributes else 0) | (0x100 if "class" in attributes else 0)
        return number(flags) + body + (self.pairs(attributes) if attributes else b"")


def number(value: int) -> bytes:
    return struct.pack(">I", value & 0xFFFFFFFF)


def word(text: str | None) -> bytes:
    if text is None:
        return number(9) + number(-1)
    data = text.encode()
    return number(9 | (0x40 if text.isascii() else 0x08) << 12) + number(len(data)) + data


def reals(values: Sequence[float], **attributes: Value) -> Value:
    return lambda w: w.vector(
        REAL, number(len(values)) + struct.pack(f">{len(values)}d", *values), attributes
    )


def integers(values: Sequence[int], **attributes: Value) -> Value:
    return lambda w: w.vector(INTEGER, number(len(values)) + b"".join(map(number, values)), attributes)


def strings(values: Sequence[str | None], **attributes: Value) -> Value:
    return lambda w: w.vector(STRINGS, number(len(values)) + b"".join(map(word, values)), attributes)


def listed(values: Sequence[Value], **attributes: Value) -> Value:
    return lambda w: w.vector(LIST, number(len(values)) + b"".join(value(w) for value in values), attributes)


def frame(columns: Mapping[str, Sequence[object] | Value]) -> Value:
    """A data frame: words, or else numbers, as R holds them."""
    made = [value if callable(value) else column(value) for value in columns.values()]
    length = max((len(value) for value in columns.values() if not callable(value)), default=0)
    return listed(
        made,
        names=strings(list(columns)),
        **{"class": strings(["data.frame"]), "row.names": integers([-(2**31), -length])},
    )


def column(values: Sequence[object]) -> Value:
    if any(isinstance(value, str) for value in values):
        return strings([None if value is None else str(value) for value in values])
    return reals([float("nan") if value is None else float(value) for value in values])  # type: ignore[arg-type]


def matrix(rows: Mapping[int, Sequence[float]], columns: Sequence[str]) -> Value:
    """A matrix with a row for each year, column after column."""
    values = [row[j] for j in range(len(columns)) for row in rows.values()]
    names = listed([strings([str(year) for year in rows]), strings(columns)])
    return reals(values, dim=integers([len(rows), len(columns)]), dimnames=names)


def sequence(first: int, count: int, state: Value | None = None) -> Value:
    """The vector first:(first + count - 1), which R writes in short; or one with another state."""

    def written(w: Writer) -> bytes:
        kind = number(PAIRS) + w.symbol("compact_intseq") + number(PAIRS) + w.symbol("base") + number(PAIRS)
        kind += integers([INTEGER])(w) + number(END)
        return number(238) + kind + (state or reals([count, first, 1]))(w) + number(END)

    return written


def function() -> Value:
    """A function of R, as a closure in an environment of its own: function(x) x."""

    def written(w: Writer) -> bytes:
        w.symbols.append("an environment, which is counted with the names")
        own = number(ENVIRONMENT) + number(0) + number(253) + number(END) * 3
        formals = number(PAIRS | 0x400) + w.symbol("x") + number(251) + number(END)
        return number(3 | 0x400) + own + formals + w.symbol("x")

    return written


def workspace(
    values: Mapping[str, Value], version: int = 3, pack: Callable[[bytes], bytes] = gzip.compress
) -> bytes:
    return pack(b"RDX%d\n" % version + _header(version) + Writer().pairs(values))


def rds(value: Value) -> bytes:
    return gzip.compress(_header(3) + value(Writer()))


def _header(version: int) -> bytes:
    encoding = number(5) + b"UTF-8" if version == 3 else b""
    return b"X\n" + number(version) + number(0x040301) + number(0x020300) + encoding
