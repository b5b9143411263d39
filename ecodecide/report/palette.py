"""One look for each policy, the same in every figure, printed or interactive.

Colors are those of Okabe & Ito 2008 (Color Universal Design), told apart by all eyes; dashes and markers tell policies
apart in gray.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, GRAY = "#E69F00", "#56B4E9", "#7F7F7F"

_LOOKS = (
    (BLUE, "solid", "circle"),
    (VERMILLION, "dash", "square"),
    (GREEN, "dashdot", "triangle-up"),
    (PURPLE, "longdash", "diamond"),
    (ORANGE, "longdashdot", "triangle-down"),
    (SKY, "solid", "pentagon"),
    (GRAY, "dot", "x"),
)
"""Read on white and on black: the yellow and the black of Okabe and Ito are not, and gray stands for the latter."""

_LINESTYLES: dict[str, Any] = {
    "solid": "-",
    "dash": (0, (5, 2)),
    "dashdot": (0, (6, 2, 1, 2)),
    "longdash": (0, (9, 3)),
    "longdashdot": (0, (9, 2, 2, 2)),
    "dot": (0, (1, 1.5)),
}
_MARKERS = {
    "circle": "o",
    "square": "s",
    "triangle-up": "^",
    "diamond": "D",
    "triangle-down": "v",
    "pentagon": "p",
    "x": "X",
}

_PLACES = {
    "pomdp": 0,
    "gpdp": 1,
    "tac": 2,
    "optimal-control": 3,
    "40-10": 4,
    "gp-pomdp": 5,
    "no-fishing": 6,
}
"""Looks of those that are met most often: the same in all runs."""


@dataclass(frozen=True)
class PolicyStyle:
    """How a policy is drawn.

    Attributes
    ----------
    color
        Hexadecimal.
    dash
        Of lines, by plotly's name.
    symbol
        Of points, by plotly's name.
    """

    color: str
    dash: str
    symbol: str

    @property
    def linestyle(self) -> Any:
        """The dash as matplotlib takes it."""
        return _LINESTYLES[self.dash]

    @property
    def marker(self) -> str:
        """The symbol as matplotlib takes it."""
        return _MARKERS[self.symbol]


def policy_styles(names: Iterable[str]) -> dict[str, PolicyStyle]:
    """Return the look of each policy of a run.

    Give all policies of the run, also where a figure shows some: a policy without a look of its own takes the first
    that no other has. From the eighth on colors come again, with other dashes and symbols.

    Parameters
    ----------
    names
        Of the policies, in the order of the run.

    Examples
    --------
    >>> styles = policy_styles(["tac", "mine"])
    >>> styles["tac"].color, styles["mine"].color, styles["mine"].dash
    ('#009E73', '#0072B2', 'solid')
    """
    names = list(dict.fromkeys(names))
    taken = {_PLACES[name] for name in names if name in _PLACES}
    free = (place for place in range(len(names) + len(_PLACES)) if place not in taken)
    return {name: _style(_PLACES[name] if name in _PLACES else next(free)) for name in names}


def _style(place: int) -> PolicyStyle:
    turn, at = divmod(place, len(_LOOKS))
    other = (at + 2 * turn) % len(_LOOKS)
    return PolicyStyle(_LOOKS[at][0], _LOOKS[other][1], _LOOKS[other][2])
