"""Files of other programs: read with care, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ecodecide.errors import FormatError
from ecodecide.whole_file import whole_file

LARGEST_FILE = 1_000_000_000
"""Bytes. Some ten times that is needed as memory while a file is read; benchmark problems take 100 MB at most."""

LARGEST_COUNT = 1_000_000
"""States, actions or observations: each has a name in memory, and a count in a file costs its writer nothing."""

LARGEST_TABLE = 20_000_000
"""States times actions: the rewards alone are then 160 MB."""

LARGEST_NONZEROS = 50_000_000
"""Probabilities above zero in one array, which take 0.8 GB; "uniform" and wildcards write many with one word."""

ROUNDING = 1e-5
"""How far from one a sum of printed probabilities may be: what pomdp-solve and `FinitePomdp` accept."""


def wrong(file: Path, line: int, words: str) -> FormatError:
    """Return the error that says what is wrong in which line of which file."""
    return FormatError(f"{file.name}, line {line}: {words}")


def read_bytes(file: Path, kind: str) -> bytes:
    """Return what is in a file.

    Parameters
    ----------
    file
        The file.
    kind
        What the file should be, for the message.

    Raises
    ------
    FormatError
        When it is missing, not a plain file, unreadable, empty or larger than `LARGEST_FILE`.
    """
    try:
        if not file.exists():
            raise FormatError(f"{file} was not found, expected {kind}; check the path")
        if not file.is_file():
            raise FormatError(f"{file} is not a plain file, expected {kind}")
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise FormatError(f"{file.name} has {size:,} bytes, expected {kind} of at most {LARGEST_FILE:,}")
        found = file.read_bytes()
    except OSError as problem:
        raise FormatError(f"{file} cannot be read: {problem.strerror or problem}") from None
    if not found.strip():
        raise wrong(file, 1, f"the file is empty, expected {kind}")
    return found


def read_text(file: Path, kind: str) -> str:
    """Return what is in a text file, as `read_bytes`; bytes that are not UTF-8 are a `FormatError` too."""
    found = read_bytes(file, kind)
    try:
        text = found.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = found.count(b"\n", 0, problem.start) + 1
        words = f"byte {found[problem.start]:#04x} is not UTF-8 text, expected {kind}; save the file as UTF-8"
        raise wrong(file, line, words) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise wrong(file, line, f"a zero byte, expected {kind}: this is not a text file")
    return text


def write_whole(file: Path, pieces: Iterable[str]) -> None:
    """Write a text file, whole or not at all.

    Parameters
    ----------
    file
        The file; what was there before is replaced.
    pieces
        The text, in the order given.

    Raises
    ------
    FormatError
        When the file cannot be written.
    """
    with whole_file(file, FormatError) as new, new.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(pieces)


def check_nonzeros(file: Path, line: int, count: int) -> None:
    """Refuse more probabilities than there is memory for.

    Raises
    ------
    FormatError
        When there are more than `LARGEST_NONZEROS`.
    """
    if count > LARGEST_NONZEROS:
        words = f"more than {LARGEST_NONZEROS:,} probabilities above zero, expected at most that many"
        raise wrong(file, line, words)


def check_counts(file: Path, line: int, states: int, actions: int, observations: int) -> None:
    """Refuse a problem too large before anything is allocated for it.

    Raises
    ------
    FormatError
        When a count is over its limit.
    """
    for what, count in (("states", states), ("actions", actions), ("observations", observations)):
        if count > LARGEST_COUNT:
            raise wrong(file, line, f"{count:,} {what}, expected at most {LARGEST_COUNT:,}")
    if states * actions > LARGEST_TABLE:
        words = (
            f"{states:,} states times {actions:,} actions, expected a product of at most {LARGEST_TABLE:,}"
        )
        raise wrong(file, line, words)
