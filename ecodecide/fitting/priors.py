"""Weakly informative priors, and how a growth law is made of the numbers that are searched.

A law is searched in numbers that know no bounds: logarithms of what is positive, and the Allee threshold as a
share of K, which may be negative (no threshold). Biomass is in units of the history's scale.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecodecide.errors import FitError
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

    def times(self, factor: float) -> Prior:
        """Return the prior of a multiple of the number."""
        return replace(
            self, center=self.center * factor, spread=self.spread * (1.0 if self.positive else factor)
        )

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """Return draws of the number itself, shape (count,)."""
        return np.asarray(self.value(self.location + self.spread * rng.standard_normal(count)), dtype=float)

    def __str__(self) -> str:
        if self.positive:
            return f"{self.name} around {self.center:.3g}, within a factor of {np.exp(self.spread):.2g}"
        return f"{self.name} {self.center:.3g} +- {self.spread:.3g}"


# r: median 0.4 and a factor of 2 each way cover the categories of resilience 'low' to 'high' of Froese et al.
# 2017, Fish and Fisheries 18:506 (0.05 to 1.5) within three standard deviations.
_R = Prior("r", 0.4, 0.7)
PSI = Prior("psi", 0.75, 0.6)
"""Biomass in the first year as a share of K: it is summed over, not searched."""
PROCESS_SIGMA = Prior("process_sigma", 0.15, 0.5)
OBSERVATION_SIGMA = Prior("observation_sigma", 0.2, 0.5)
CATCHABILITY_SPREAD = 10.0
"""Catchability is known to some powers of e, which is to say not at all."""

RESILIENCE = {"very low": (0.015, 0.1), "low": (0.05, 0.5), "medium": (0.2, 0.8), "high": (0.6, 1.5)}
"""Ranges of r by category of resilience, as CMSY has them (Froese et al. 2017, doi:10.1111/faf.12190)."""

_PRIOR = re.compile(r"(?P<name>[^=]+)=\s*(?P<kind>[a-z]+)\s*\(\s*(?P<first>[^,()]+),(?P<second>[^,()]+)\)\s*")
_NOT_POSITIVE = ("C/K",)


def resilience(category: str) -> Prior:
    """Return the prior of r for a category of resilience: its range is taken for 95 % of the prior.

    Raises
    ------
    FitError
        When there is no such category.

    Examples
    --------
    >>> print(resilience("low"))
    r around 0.158, within a factor of 1.8
    """
    wanted = " ".join(category.lower().replace("_", " ").replace("-", " ").split())
    if wanted not in RESILIENCE:
        raise FitError(f"found the resilience {category!r}, expected one of {', '.join(RESILIENCE)}")
    return _of_range("r", *RESILIENCE[wanted])


def _of_range(name: str, low: float, high: float) -> Prior:
    if name in _NOT_POSITIVE:
        return Prior(name, 0.5 * (low + high), (high - low) / 4.0, positive=False)
    return Prior(name, float(np.sqrt(low * high)), float(np.log(high / low)) / 4.0)


def read_prior(words: str) -> Prior:
    """Read a prior such as ``r=lognormal(0.3,0.5)``.

    Parameters
    ----------
    words
        NAME=lognormal(MEDIAN, SD OF THE LOG), NAME=range(LOW, HIGH), whose ends hold 95 % between them, or, of C/K,
        which may be negative, C/K=normal(MEAN, SD). K is in units of biomass, q in those of the index over those of
        biomass.

    Returns
    -------
    Prior

    Raises
    ------
    FitError
        When it says something else.

    Examples
    --------
    >>> print(read_prior("r=lognormal(0.3,0.5)"))
    r around 0.3, within a factor of 1.6
    >>> print(read_prior("K=range(1000,4000)"))
    K around 2e+03, within a factor of 1.4
    >>> print(read_prior("C/K=normal(0.1,0.1)"))
    C/K 0.1 +- 0.1
    """
    found = _PRIOR.fullmatch(words.strip())
    try:
        if found is None:
            raise ValueError
        first, second = float(found["first"]), float(found["second"])
    except ValueError:
        raise FitError(
            f"found the prior {words!r}, expected NAME=lognormal(median,sd of the log) or NAME=range(low,high), "
            "such as r=lognormal(0.3,0.5)"
        ) from None
    name, kind = found["name"].strip(), found["kind"]
    positive = name.rsplit(".", 1)[-1] not in _NOT_POSITIVE
    if kind not in (("lognormal", "range") if positive else ("normal", "range")):
        raise FitError(
            f"found a prior {kind} of {name}, expected {'lognormal' if positive else 'normal'} or range"
        )
    if kind == "range":
        if not (np.isfinite([first, second]).all() and first < second and (first > 0.0 or not positive)):
            raise FitError(
                f"found the range {first:g} to {second:g} of {name}, expected a lower end"
                f"{' above 0' if positive else ''} and a higher one"
            )
        return replace(_of_range(name.rsplit(".", 1)[-1], first, second), name=name)
    if not (np.isfinite([first, second]).all() and second > 0.0 and (first > 0.0 or not positive)):
        raise FitError(
            f"found {kind}({first:g},{second:g}) of {name}, expected a finite "
            f"{'median above 0' if positive else 'mean'} and a spread above 0"
        )
    return Prior(name, first, second, positive)


@dataclass(frozen=True)
class GrowthFamily:
    """A growth law to be fitted: the priors of its numbers besides its carrying capacity, and how to make it.

    Attributes
    ----------
    name
        What it is called.
    priors
        In the order of the numbers.
    make
        Takes the carrying capacity (or K) and the numbers, by position; arrays give a batch of laws.
    growth_factor
        How many times the r of logistic growth the law's own r is for the same growth: Allen's stock grows at best
        by r (1 - C/K)^2 / 4 a year, so four times as much is the same prior.
    threshold
        The number that says whether there is a tipping point, and where; empty where the law has none.

    Examples
    --------
    A law of one's own, as a plain function of the escapement and its numbers:

    >>> from ecodecide.stock.growth import growth
    >>> def theta_logistic(s, K, r, theta):
    ...     return s * np.exp(r * (1.0 - (s / K) ** theta))
    >>> family = GrowthFamily(
    ...     "theta-logistic",
    ...     (read_prior("r=lognormal(0.4,0.7)"), read_prior("theta=lognormal(1,0.5)")),
    ...     lambda K, r, theta: growth(theta_logistic, scale=K, K=K, r=r, theta=theta),
    ... )
    >>> float(family.make(100.0, 0.5, 1.0)(100.0))
    100.0
    """

    name: str
    priors: tuple[Prior, ...]
    make: Callable[..., GrowthLaw]
    growth_factor: float = 1.0
    threshold: str = ""


def _myers(capacity: Any, excess: Any, theta: Any) -> Myers:
    """Make the law of an equilibrium and of its asymptote, (1 + excess) times as high.

    The equilibrium is the carrying capacity while theta excess / (1 + excess) < 1, its slope there; beyond, it is
    the threshold, and the carrying capacity lies above it.
    """
    asymptote = (1.0 + excess) * capacity
    K = excess * capacity**theta
    return Myers(r=asymptote / K, theta=theta, K=K)


GROWTH_FAMILIES: dict[str, GrowthFamily] = {
    family.name: family
    for family in (
        GrowthFamily("logistic", (_R,), lambda K, r: Logistic(r, K)),
        GrowthFamily(
            # m = p + 1 = 2 is the logistic; 95 % of the prior lies between 0.75 and 5.3
            "pella-tomlinson",
            (_R, Prior("m", 2.0, 0.5)),
            lambda K, r, m: PellaTomlinson(r, m - 1.0, K),
        ),
        # A - 1 is growth per year at low biomass, as r is of the logistic
        GrowthFamily("beverton-holt", (_R,), lambda K, r: BevertonHolt(1.0 + r, r / K)),
        GrowthFamily("ricker", (_R,), lambda K, r: Ricker(r, K)),
        GrowthFamily(
            # C/K about 0, either side: no threshold is as likely as one
            "allen",
            (_R.times(4.0), Prior("C/K", 0.0, 0.25, positive=False)),
            lambda K, r, share: Allen(r, K, share * K),
            growth_factor=4.0,
            threshold="C/K",
        ),
        # theta = 1 is Beverton-Holt; above 1 depensation
        GrowthFamily(
            "myers", (Prior("excess", 0.6, 0.7), Prior("theta", 1.2, 0.4)), _myers, threshold="theta"
        ),
        GrowthFamily(
            "may",
            (_R, Prior("a/K", 0.08, 0.7), Prior("b/K", 0.2, 0.5)),
            lambda K, r, share, half: May(r, K, share * K, half * K),
            threshold="a/K",
        ),
    )
}


def growth_family(law: str | GrowthFamily) -> GrowthFamily:
    """Return the family of a name, or the one given.

    Raises
    ------
    FitError
        When there is none of that name.
    """
    if isinstance(law, GrowthFamily):
        return law
    if law not in GROWTH_FAMILIES:
        raise FitError(f"unknown growth law {law!r}: expected one of {', '.join(GROWTH_FAMILIES)}, or gp")
    return GROWTH_FAMILIES[law]


def chosen(law: str, prior: Prior, asked: Mapping[str, Prior], *, factor: float = 1.0) -> Prior:
    """Return the prior that was asked for, or else the one given.

    Parameters
    ----------
    law
        A name ``LAW.NAME`` is of this law alone and taken as it is.
    prior
        The default, in the units that are searched in.
    asked
        By name.
    factor
        From the user's units to those that are searched in.
    """
    name = prior.name
    if f"{law}.{name}" in asked:
        own = asked[f"{law}.{name}"]
        return replace(own.times(factor if name != "r" else 1.0), name=name)
    for key in (name, name.partition(":")[0]):
        if key in asked:
            return replace(asked[key].times(factor), name=name)
    return prior


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


def check_priors(asked: Mapping[str, Prior], families: Sequence[GrowthFamily], series: Sequence[str]) -> None:
    """Refuse priors of numbers that no fit of these laws to these series has.

    Raises
    ------
    FitError
        Naming the numbers there are.
    """
    shared = ("K", "psi", PROCESS_SIGMA.name, OBSERVATION_SIGMA.name, "q")
    of_each = {family.name: [prior.name for prior in family.priors] for family in families}
    own = dict.fromkeys(name for names in of_each.values() for name in names)
    known = (*own, *shared, *(f"{kind}:{name}" for name in series for kind in ("q", OBSERVATION_SIGMA.name)))
    for name in asked:
        law, _, plain = name.rpartition(".")
        of_one = law in of_each and plain in (*shared, *of_each[law])
        if name not in known and not of_one:
            raise FitError(
                f"found a prior of {name!r}, expected one of {', '.join(known)}, or {families[0].name}.NAME for one "
                "law alone"
            )
