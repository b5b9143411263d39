"""Weakly informative priors, and how a growth law is made of the numbers that are searched.

A law is searched in numbers that know no bounds: logarithms of what is positive, and the Allee threshold as a
share of K, which may be negative (no threshold). Biomass is in units of the history's scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.stock.growth import (
    Allen,
    Array,
    BevertonHolt,
    GrowthLaw,
    Logistic,
    May,
    Myers,
    PellaTomlinson,
    Ricker,
)


@dataclass(frozen=True)
class Prior:
    """A prior of one number.

    Attributes
    ----------
    name
        What the number is.
    center, spread
        Median and standard deviation of the logarithm, or mean and standard deviation if not `positive`.
    positive
        Whether the number is searched by its logarithm.
    """

    name: str
    center: float
    spread: float
    positive: bool = True

    @property
    def location(self) -> float:
        """The center in searched numbers."""
        return float(np.log(self.center)) if self.positive else self.center

    def log_density(self, searched: float) -> float:
        """Return the log density at a searched number, up to a constant."""
        return -0.5 * ((searched - self.location) / self.spread) ** 2

    def value(self, searched: Any) -> Any:
        """Return the number itself."""
        return np.exp(searched) if self.positive else searched


# r: median 0.4 and a factor of 2 each way cover the categories of resilience 'low' to 'high' of Froese et al.
# 2017, Fish and Fisheries 18:506 (0.05 to 1.5) within three standard deviations.
_R = Prior("r", 0.4, 0.7)
# Allen's r counts for less: growth at best is r (1 - C/K)^2 / 4 a year, so four times as much is the same prior.
_R_ALLEN = Prior("r", 1.6, 0.7)
PROCESS_SIGMA = Prior("process_sigma", 0.15, 0.5)
OBSERVATION_SIGMA = Prior("observation_sigma", 0.2, 0.5)
CATCHABILITY_SPREAD = 10.0
"""Catchability is known to some powers of e, which is to say not at all."""


@dataclass(frozen=True)
class Parametrization:
    """The priors of a law's numbers besides its carrying capacity, and how to make the law.

    Attributes
    ----------
    priors
        In the order of the numbers.
    make
        Takes the carrying capacity (or K) and the numbers, by position; arrays give a batch of laws.
    """

    priors: tuple[Prior, ...]
    make: Callable[..., GrowthLaw]


def _myers(capacity: Any, excess: Any, theta: Any) -> Myers:
    """Make the law of an equilibrium and of its asymptote, (1 + excess) times as high.

    The equilibrium is the carrying capacity while theta excess / (1 + excess) < 1, its slope there; beyond, it is
    the threshold, and the carrying capacity lies above it.
    """
    asymptote = (1.0 + excess) * capacity
    K = excess * capacity**theta
    return Myers(r=asymptote / K, theta=theta, K=K)


PARAMETRIZATIONS: dict[str, Parametrization] = {
    "logistic": Parametrization((_R,), lambda K, r: Logistic(r, K)),
    # m = p + 1 = 2 is the logistic; 95 % of the prior lies between 0.75 and 5.3
    "pella-tomlinson": Parametrization(
        (_R, Prior("m", 2.0, 0.5)), lambda K, r, m: PellaTomlinson(r, m - 1.0, K)
    ),
    # A - 1 is growth per year at low biomass, as r is of the logistic
    "beverton-holt": Parametrization((_R,), lambda K, r: BevertonHolt(1.0 + r, r / K)),
    "ricker": Parametrization((_R,), lambda K, r: Ricker(r, K)),
    # C/K about 0, either side: no threshold is as likely as one
    "allen": Parametrization(
        (_R_ALLEN, Prior("C/K", 0.0, 0.25, positive=False)), lambda K, r, share: Allen(r, K, share * K)
    ),
    # theta = 1 is Beverton-Holt; above 1 depensation
    "myers": Parametrization((Prior("excess", 0.6, 0.7), Prior("theta", 1.2, 0.4)), _myers),
    "may": Parametrization(
        (_R, Prior("a/K", 0.08, 0.7), Prior("b/K", 0.2, 0.5)),
        lambda K, r, share, half: May(r, K, share * K, half * K),
    ),
}


def carrying_capacity_prior(largest_biomass: float | None, largest_catch: float) -> Prior:
    """Return the prior of K.

    Parameters
    ----------
    largest_biomass
        The largest biomass in the history; None when only relative indices are known.
    largest_catch
        The largest catch.

    Returns
    -------
    Prior
        Around the largest biomass where there is one, since a fished series lies below K as a rule; else
        around 8 times the largest catch, within a factor of 2.5 (Froese et al. 2017 search K between one and
        some twenty largest catches).
    """
    if largest_biomass is not None:
        return Prior("K", 1.2 * max(largest_biomass, largest_catch), 0.6)
    return Prior("K", 8.0 * largest_catch, 0.9)


def log_prior(priors: tuple[Prior, ...], searched: Array) -> float:
    """Return the joint log density of searched numbers, up to a constant."""
    return float(sum(p.log_density(float(x)) for p, x in zip(priors, searched, strict=True)))
