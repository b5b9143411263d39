"""What is believed of the biomass when a quota is set: where it is likely to be, and below which limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.limits import LIMITS
from ecodecide.evaluation.stock_worlds import world_limits
from ecodecide.stock.growth import Array
from ecodecide.stock.parametric import ParametricStock

B_MSY = "BMSY"
"""The name of B_MSY itself among the limits."""


@dataclass(frozen=True)
class Spread:
    """Where an uncertain number is.

    Attributes
    ----------
    mean, median
        Of the number.
    interval, half
        The central 90 % and 50 %: from the 5 % to the 95 % point, and from the 25 % to the 75 % point.
    """

    mean: float
    median: float
    interval: tuple[float, float]
    half: tuple[float, float]

    @classmethod
    def of(cls, values: ArrayLike, weights: ArrayLike | None = None) -> Spread:
        """Return that of draws, or of values with weights.

        Examples
        --------
        >>> Spread.of([1.0, 2.0, 3.0], [0.02, 0.96, 0.02]).interval
        (2.0, 2.0)
        """
        drawn = np.asarray(values, dtype=float)
        chances = np.ones(drawn.size) if weights is None else np.asarray(weights, dtype=float)
        points = [0.05, 0.25, 0.5, 0.75, 0.95]
        if weights is None:
            found = np.quantile(drawn, points)
        else:
            order = np.argsort(drawn)
            upto = np.cumsum(chances[order]) / chances.sum()
            found = drawn[order][np.minimum(np.searchsorted(upto, points), drawn.size - 1)]
        low, first, median, third, high = (float(one) for one in found)
        return cls(float(np.average(drawn, weights=chances)), median, (low, high), (first, third))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "mean": self.mean,
            "median": self.median,
            "low": self.interval[0],
            "high": self.interval[1],
            "half": {"low": self.half[0], "high": self.half[1]},
        }


@dataclass(frozen=True)
class BiomassBelief:
    """The belief about the biomass in the year of a decision, before its catch.

    Attributes
    ----------
    biomass
        In units of biomass.
    b_bmsy
        The same over B_MSY (before harvest) of each member's own world; None where none has one.
    below
        The probability that the biomass is below each limit, those of the member's own world; None where there is none.
    """

    biomass: Spread
    b_bmsy: Spread | None
    below: Mapping[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: the spread of the biomass, that over B_MSY, and the probabilities."""
        return {
            **self.biomass.to_dict(),
            "b_bmsy": None if self.b_bmsy is None else self.b_bmsy.to_dict(),
            "below": dict(self.below),
        }


def biomass_belief(members: ParametricStock, collapse: str | float = "0.1K") -> BiomassBelief:
    """Return what joint draws of parameters and biomass say of the biomass.

    Parameters
    ----------
    members
        A batch of equally likely worlds, with the biomass of each.
    collapse
        A limit of interest besides those in use, see `read_limit`.

    Examples
    --------
    >>> import ecodecide as eco
    >>> law = eco.Logistic(r=np.array([0.5, 0.5]), K=np.array([100.0, 200.0]))
    >>> noise, now = eco.LognormalNoise(np.array([0.1, 0.1])), np.array([15.0, 15.0])
    >>> found = biomass_belief(eco.ParametricStock(law, noise, initial_biomass=now))
    >>> found.below["0.1K"], found.below["allee"] is None
    (0.5, True)
    """
    biomass = np.asarray(members.initial_biomass, dtype=float)
    b_msy = _limit(members, B_MSY, biomass.size)
    share = biomass / b_msy
    known = share[np.isfinite(share)]
    below: dict[str, float | None] = {}
    for name in dict.fromkeys([str(collapse), *LIMITS, B_MSY]):
        limit = _limit(members, name, biomass.size)
        told = np.isfinite(limit)
        below[name] = float((biomass[told] < limit[told]).mean()) if told.any() else None
    return BiomassBelief(Spread.of(biomass), Spread.of(known) if known.size else None, below)


def _limit(members: ParametricStock, name: str, size: int) -> Array:
    """Return a limit of each world, NaN where there is none."""
    try:
        return world_limits(members, "1BMSY" if name == B_MSY else name, size)
    except EvaluationError:
        return np.full(size, np.nan)
