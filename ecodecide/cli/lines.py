"""How wide what is printed may be, and long lines wrapped to it."""

from __future__ import annotations

import contextlib
import os
import textwrap

_WIDTH = 100
"""The width where neither COLUMNS nor a terminal tells one."""


def width() -> int:
    """Return the width: that of COLUMNS, else of the terminal on any of stdout, stderr and stdin, else 100."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    for stream in (1, 2, 0):
        with contextlib.suppress(OSError):
            columns = os.get_terminal_size(stream).columns
            if columns > 0:
                return columns
    return _WIDTH


def wrapped(line: str, indent: int = 0) -> str:
    """Return a line broken between words, what follows indented by two more.

    Parameters
    ----------
    line
        Words.
    indent
        Spaces before the first of them.
    """
    return textwrap.fill(
        line,
        max(width(), indent + 20),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        # an address or a path stays whole
        break_long_words=False,
        break_on_hyphens=False,
    )


def law_names(words: str) -> list[str]:
    """Return the names of growth laws, separated by commas."""
    return [name.strip() for name in words.split(",")]
