"""Worlds by name: what `ecodecide compare --world` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.errors import EcodecideError, EvaluationError
from ecodecide.evaluation.world import World
from ecodecide.stock.growth import LAWS
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import Survey, parse_survey

FITTED = "fitted"
"""The stock that was fitted, with the laws that its manager believes in."""

DEFAULT_WORLDS = (FITTED, "allen")
"""What the manager believes, and a world of the law with a tipping point (SCIENCE: or rules that know the law are
favored over a Gaussian process, which does not)."""

_HELP = (
    f"expected {FITTED} or a growth law ({', '.join(LAWS)}), then any of autocorrelation=RHO, trend=CHANGE (a year, "
    "such as -0.01), shift=YEAR:LAW, survey=KIND:ERROR, implementation=CV, with commas between, such as "
    "allen,autocorrelation=0.5"
)


@dataclass(frozen=True)
class NamedWorld:
    """A world that waits for its fitted stock.

    Attributes
    ----------
    name
        The words it was read from.
    law
        ``"fitted"``, or the growth law whose own fit is the truth.
    autocorrelation, survey, implementation_cv
        As in `World`.
    trend
        Relative change of the productivity per year: the surplus production of year t is multiplied by (1 + trend)^t.
    shift
        A year, and ``"fitted"`` or the law of the stock from then on.
    """

    name: str
    law: str
    autocorrelation: float = 0.0
    trend: float = 0.0
    shift: tuple[int, str] | None = None
    survey: Survey | None = None
    implementation_cv: float | None = None

    @property
    def laws(self) -> tuple[str, ...]:
        """The fits that this world is made of."""
        return (self.law,) if self.shift is None else (self.law, self.shift[1])

    def world(self, stocks: Mapping[str, Stock], years: int) -> World:
        """Return the world, of stocks by the name of their law.

        Parameters
        ----------
        stocks
            For each of `laws`.
        years
            Number of decisions to come.
        """
        return World(
            stocks[self.law],
            self.name,
            survey=self.survey,
            implementation_cv=self.implementation_cv,
            autocorrelation=self.autocorrelation,
            productivity=(1.0 + self.trend) ** np.arange(years) if self.trend else None,
            shift=None if self.shift is None else (self.shift[0], stocks[self.shift[1]]),
        )


def read_world(text: str) -> NamedWorld:
    """Read a world's name.

    Parameters
    ----------
    text
        ``"fitted"`` or a growth law, then settings with commas between.

    Raises
    ------
    EvaluationError
        When the text is none of these.

    Examples
    --------
    >>> read_world("allen").law
    'allen'
    >>> read_world("fitted,autocorrelation=0.5,trend=-0.01").trend
    -0.01
    """
    law, *settings = (part.strip() for part in str(text).split(","))
    found: dict[str, Any] = {}
    try:
        for setting in settings:
            key, equals, value = (part.strip() for part in setting.partition("="))
            if not equals or key in found:
                raise ValueError(setting)
            if key in ("autocorrelation", "trend"):
                found[key] = float(value)
            elif key == "implementation":
                found["implementation_cv"] = float(value)
            elif key == "survey":
                found[key] = parse_survey(value)
            elif key == "shift":
                year, _, other = value.partition(":")
                found[key] = (int(year), other)
            else:
                raise ValueError(setting)
        named = NamedWorld(str(text).strip(), law, **found)
        _check(named)
    except (ValueError, EcodecideError) as problem:
        raise EvaluationError(f"cannot read the world {str(text)!r}: {_HELP}") from problem
    return named


def _check(named: NamedWorld) -> None:
    for law in named.laws:
        if law != FITTED and law not in LAWS:
            raise ValueError(law)
    if not (-1.0 < named.autocorrelation < 1.0 and -1.0 < named.trend < 1.0):
        raise ValueError("autocorrelation or trend")
    if named.shift is not None and named.shift[0] < 1:
        raise ValueError("shift")
    cv = named.implementation_cv
    if cv is not None and not (np.isfinite(cv) and cv >= 0.0):
        raise ValueError("implementation")
