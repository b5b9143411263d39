"""Surveys: what a manager observes of the biomass before harvest.

An observation is in units of biomass (an index divided by its catchability); NaN means that no survey was
made that year. An extinct stock is observed as zero, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ecodecide.errors import StockError
from ecodecide.stock.growth import Array
from ecodecide.stock.noise import LognormalNoise, NormalNoise

_ROOT_TWO_PI = float(np.sqrt(2.0 * np.pi))


class Survey(Protocol):
    """What every survey offers."""

    def sample(self, biomass: ArrayLike, z: ArrayLike) -> Array:
        """Return an observation of each biomass; z is standard normal."""
        ...

    def likelihood(self, observed: float, biomass: ArrayLike) -> Array:
        """Return the density of one observation at each biomass; an observation of 0 is a point mass."""
        ...

    def cdf(self, observed: ArrayLike, biomass: ArrayLike) -> Array:
        """Return P(observation <= observed | biomass), broadcast over both."""
        ...


@dataclass(frozen=True)
class PerfectSurvey:
    """The biomass itself is seen, without error.

    Examples
    --------
    >>> float(PerfectSurvey().sample(0.5, 1.0))
    0.5
    """

    def sample(self, biomass: ArrayLike, z: ArrayLike) -> Array:
        """Return the biomass."""
        return np.asarray(np.asarray(biomass, dtype=float) + 0.0 * np.asarray(z), dtype=float)

    def likelihood(self, observed: float, biomass: ArrayLike) -> Array:
        """Return 1 where the biomass is the observation and 0 elsewhere."""
        biomass = np.asarray(biomass, dtype=float)
        return np.asarray(np.isnan(observed) | (biomass == observed), dtype=float)

    def cdf(self, observed: ArrayLike, biomass: ArrayLike) -> Array:
        """Return 1 from the biomass on."""
        below = np.asarray(biomass, dtype=float) <= np.asarray(observed, dtype=float)
        return np.asarray(below, dtype=float)


@dataclass(frozen=True)
class NormalSurvey:
    """Normal survey error with an ABSOLUTE standard deviation; a negative observation becomes 0.

    Parameters
    ----------
    sd
        Standard deviation, in units of biomass (Memarzadeh & Boettiger 2019, where K = 1).

    Raises
    ------
    StockError
        When sd is not positive and finite.

    Examples
    --------
    >>> float(NormalSurvey(sd=0.1).sample(0.5, 1.0))
    0.6
    """

    sd: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.sd) and self.sd > 0):
            raise StockError(
                f"NormalSurvey: sd must be positive and finite, got {self.sd}; see PerfectSurvey"
            )

    def sample(self, biomass: ArrayLike, z: ArrayLike) -> Array:
        """Return max(biomass + sd z, 0), and 0 where the biomass is 0."""
        return NormalNoise(self.sd).apply(biomass, z)

    def likelihood(self, observed: float, biomass: ArrayLike) -> Array:
        """Return the normal density at a positive observation, the mass below zero at an observation of 0."""
        biomass = np.asarray(biomass, dtype=float)
        if np.isnan(observed):
            return np.ones_like(biomass)
        if observed <= 0.0:
            return np.where(biomass > 0.0, ndtr(-biomass / self.sd), 1.0)
        density = np.exp(-0.5 * ((observed - biomass) / self.sd) ** 2) / (self.sd * _ROOT_TWO_PI)
        return np.where(biomass > 0.0, density, 0.0)

    def cdf(self, observed: ArrayLike, biomass: ArrayLike) -> Array:
        """Return P(observation <= observed)."""
        return NormalNoise(self.sd).cdf(observed, biomass)


@dataclass(frozen=True)
class LognormalSurvey:
    """Lognormal survey error whose MEDIAN is the biomass: biomass exp(s z) with s^2 = log(1 + cv^2).

    Parameters
    ----------
    cv
        Coefficient of variation of the observation.

    Raises
    ------
    StockError
        When cv is not positive and finite.

    Examples
    --------
    >>> float(LognormalSurvey(cv=0.2).sample(0.5, 0.0))
    0.5
    """

    cv: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.cv) and self.cv > 0):
            raise StockError(
                f"LognormalSurvey: cv must be positive and finite, got {self.cv}; see PerfectSurvey"
            )

    @property
    def sigma(self) -> float:
        """Standard deviation of the log of an observation."""
        return float(np.sqrt(np.log1p(self.cv**2)))

    def sample(self, biomass: ArrayLike, z: ArrayLike) -> Array:
        """Return biomass exp(sigma z)."""
        return LognormalNoise(self.sigma).apply(biomass, z)

    def likelihood(self, observed: float, biomass: ArrayLike) -> Array:
        """Return the lognormal density; an observation of 0 is possible for an extinct stock alone."""
        biomass = np.asarray(biomass, dtype=float)
        if np.isnan(observed):
            return np.ones_like(biomass)
        if observed <= 0.0:
            return np.where(biomass <= 0.0, 1.0, 0.0)
        with np.errstate(divide="ignore"):
            z = (np.log(observed) - np.log(biomass)) / self.sigma
        density: Array = np.exp(-0.5 * z**2) / (observed * self.sigma * _ROOT_TWO_PI)
        return density

    def cdf(self, observed: ArrayLike, biomass: ArrayLike) -> Array:
        """Return P(observation <= observed)."""
        return LognormalNoise(self.sigma).cdf(observed, biomass)


def survey_text(survey: Survey) -> str:
    """Return the words from which `parse_survey` makes the same survey.

    Raises
    ------
    StockError
        For a survey of the user's own.

    Examples
    --------
    >>> survey_text(LognormalSurvey(cv=0.2))
    'lognormal:0.2'
    """
    if isinstance(survey, LognormalSurvey):
        return f"lognormal:{float(survey.cv)!r}"
    if isinstance(survey, NormalSurvey):
        return f"normal:{float(survey.sd)!r}"
    if isinstance(survey, PerfectSurvey):
        return "perfect"
    raise StockError(
        f"cannot write the survey {survey!r}: expected LognormalSurvey, NormalSurvey or PerfectSurvey; one of your "
        "own is code: keep that instead"
    )


def parse_survey(text: str, scale: float = 1.0) -> Survey:
    """Make a survey of a word such as ``lognormal:0.2``, ``normal:0.1`` or ``perfect``.

    Parameters
    ----------
    text
        The kind, then after a colon its CV (lognormal) or standard deviation (normal).
    scale
        The biomass that the standard deviation of ``normal`` is a fraction of (1: plain units).

    Raises
    ------
    StockError
        When the text is none of these.

    Examples
    --------
    >>> parse_survey("lognormal:0.2")
    LognormalSurvey(cv=0.2)
    """
    kind, _, number = text.partition(":")
    try:
        if kind == "perfect" and not number:
            return PerfectSurvey()
        if kind == "lognormal":
            return LognormalSurvey(cv=float(number))
        if kind == "normal":
            return NormalSurvey(sd=float(number) * scale)
    except ValueError as problem:
        if isinstance(problem, StockError):
            raise
    raise StockError(
        f"cannot read the survey {text!r}: expected perfect, lognormal:CV or normal:SD, such as lognormal:0.2"
    )
