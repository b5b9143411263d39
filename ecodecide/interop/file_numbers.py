"""Numbers as the words of a file say them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ecodecide.interop.source_file import ROUNDING, wrong


def whole(word: str) -> int:
    """Return the whole number that a word says in digits alone, -1 where it says none.

    Of more than 18 digits the first 18 are read, which is beyond every limit: all of a million would take minutes.

    Examples
    --------
    >>> whole("12"), whole("-3"), whole("1.0"), whole("")
    (12, -1, -1, -1)
    """
    return int(word.lstrip("0")[:18] or "0") if word.isascii() and word.isdecimal() else -1


def number(word: str) -> float:
    """Return the finite number that a word says, nan where it says none: of Python's forms all but those with ``_``.

    Examples
    --------
    >>> number("-2.5e3"), number("inf"), number("1_000"), number("many")
    (-2500.0, nan, nan, nan)
    """
    try:
        value = float(word)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and "_" not in word else math.nan


def finite(file: Path, line: int, word: str) -> float:
    """Return the finite number that a word says.

    Raises
    ------
    FormatError
        When it says none.
    """
    value = number(word)
    if math.isnan(value):
        raise wrong(file, line, f"found {word[:40]!r}, expected a finite number")
    return value


def check_probabilities(file: Path, line: int, values: Sequence[float]) -> None:
    """Refuse what is below 0 or, by more than the rounding of what is printed, above 1.

    Raises
    ------
    FormatError
        When there is such a value.
    """
    if min(values) < 0.0 or max(values) > 1.0 + ROUNDING:
        bad = next(value for value in values if not 0.0 <= value <= 1.0 + ROUNDING)
        raise wrong(file, line, f"a probability of {bad:g}, expected one from 0 to 1")


def check_discount(file: Path, line: int, value: float) -> None:
    """Refuse a discount that is no factor in (0, 1).

    Raises
    ------
    FormatError
        When it is none.
    """
    if not 0.0 < value < 1.0:
        raise wrong(file, line, f"a discount of {value:g}, expected a factor in (0, 1)")
