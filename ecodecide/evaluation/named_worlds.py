"""Worlds by name: what `ecodecide compare --world` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.errors import EcodecideError, EvaluationError
from ecodecide.evaluation.world import World, check_shift
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

    def check(self, years: int) -> None:
        """Refuse a regime shift after the last of a number of years.

        Raises
        ------
        EvaluationError
            When no simulated year would see it.
        """
        if self.shift is not None:
            check_shift(self.name, self.shift[0], years)

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
    for setting in settings:
        key, _, value = (part.strip() for part in setting.partition("="))
        try:
            name, number = _setting(key, value)
        except (ValueError, EcodecideError) as problem:
            words = f" ({problem})" if isinstance(problem, EcodecideError) else ""
            raise EvaluationError(
                f"cannot read {setting!r} of the world {str(text)!r}{words}: {_HELP}"
            ) from None
        if name in found:
            raise EvaluationError(f"cannot read the world {str(text)!r}: it has {key} twice")
        found[name] = number
    named = NamedWorld(str(text).strip(), law, **found)
    unknown = [one for one in named.laws if one != FITTED and one not in LAWS]
    if unknown:
        raise EvaluationError(f"cannot read the world {str(text)!r}: no growth law {unknown[0]!r}; {_HELP}")
    return named


def _setting(key: str, value: str) -> tuple[str, Any]:
    """Return the attribute of `NamedWorld` that a setting gives, and its value.

    Raises
    ------
    ValueError
        When it means nothing.
    """
    if key == "survey":
        return key, parse_survey(value)
    if key == "shift":
        year, _, other = value.partition(":")
        if int(year) < 1:
            raise ValueError(value)
        return key, (int(year), other.strip())
    number = float(value)
    if key in ("autocorrelation", "trend") and -1.0 < number < 1.0:
        return key, number
    if key == "implementation" and np.isfinite(number) and number >= 0.0:
        return "implementation_cv", number
    raise ValueError(value)
