"""How names of policies and worlds, which may be long, are laid out in figures: in lines, none of them too long."""

from __future__ import annotations

import re

_PIECE = re.compile(r".+?(?:[\s,-]+|$)", re.DOTALL)


def name_lines(name: str, width: int = 32) -> list[str]:
    """Return a name in lines of at most so many characters.

    A line ends after a space, a comma or a hyphen, and within a word that is longer than a line.

    Examples
    --------
    >>> name_lines("no-fishing")
    ['no-fishing']
    >>> name_lines("a moratorium until the stock recovers", 20)
    ['a moratorium until', 'the stock recovers']
    >>> name_lines("fitted,autocorrelation=0.5,trend=-0.05", 20)
    ['fitted,', 'autocorrelation=0.5,', 'trend=-0.05']
    """
    lines = [""]
    for piece in _PIECE.findall(name):
        for part in (piece[at : at + width] for at in range(0, len(piece), width)):
            if len((lines[-1] + part).rstrip()) > width:
                lines.append("")
            lines[-1] += part
    return [line.strip() for line in lines if line.strip()] or [""]
