"""Noise on recruitment: what turns the growth f(s) into the next biomass.

Each kind says in its name and docstring what is random and what its center is. Zero growth gives zero
biomass under every kind: extinction is for ever. A parameter is a number or an array with one value per
replicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ecodecide.errors import StockError
from ecodecide.stock.growth import Array, Parameter


class Noise(Protocol):
    """What every noise offers; `grown` is f(s) >= 0 and z is standard normal."""

    def apply(self, grown: ArrayLike, z: ArrayLike) -> Array:
        """Return the next biomass, increasing in z."""
        ...

    def mean(self, grown: ArrayLike) -> Array:
        """Return the expected next biomass."""
        ...

    def cdf(self, biomass: ArrayLike, grown: ArrayLike) -> Array:
        """Return P(next biomass <= biomass), broadcast over both."""
        ...


def _positive(owner: object, name: str, value: Parameter) -> None:
    if not np.all(np.isfinite(value)) or np.any(np.asarray(value) <= 0):
        raise StockError(f"{type(owner).__name__}: {name} must be positive and finite, got {value}")


@dataclass(frozen=True, eq=False)
class LognormalNoise:
    """Multiplicative lognormal noise: next = f(s) exp(sigma z), with median or mean f(s).

    Parameters
    ----------
    sigma
        Standard deviation of the log of the next biomass.
    center
        ``"median"``: f(s) is the median (Boettiger, Mangel & Munch 2015), and the mean is
        f(s) exp(sigma^2 / 2). ``"mean"``: f(s) is the mean.

    Raises
    ------
    StockError
        When sigma is not positive, or center is another word.

    Examples
    --------
    >>> float(LognormalNoise(sigma=0.1).apply(2.0, 0.0))
    2.0
    """

    sigma: Parameter
    center: str = "median"

    def __post_init__(self) -> None:
        _positive(self, "sigma", self.sigma)
        if self.center not in ("median", "mean"):
            raise StockError(f"LognormalNoise: center must be 'median' or 'mean', got {self.center!r}")

    @property
    def _shift(self) -> Parameter:
        return 0.0 if self.center == "median" else -0.5 * self.sigma**2

    def apply(self, grown: ArrayLike, z: ArrayLike) -> Array:
        """Return f exp(sigma z) (times exp(-sigma^2/2) when f is the mean)."""
        factor: Array = np.exp(self.sigma * np.asarray(z, dtype=float) + self._shift)
        return np.asarray(grown, dtype=float) * factor

    def mean(self, grown: ArrayLike) -> Array:
        """Return the expected next biomass."""
        factor = np.exp(0.5 * self.sigma**2) if self.center == "median" else 1.0
        return np.asarray(grown, dtype=float) * factor

    def cdf(self, biomass: ArrayLike, grown: ArrayLike) -> Array:
        """Return P(next <= biomass)."""
        biomass, grown = np.asarray(biomass, dtype=float), np.asarray(grown, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (np.log(biomass) - np.log(grown) - self._shift) / self.sigma
        return np.where(grown > 0.0, np.where(biomass > 0.0, ndtr(z), 0.0), (biomass >= 0.0) * 1.0)


@dataclass(frozen=True, eq=False)
class NormalNoise:
    """Additive normal noise with an ABSOLUTE standard deviation, censored at zero: max(f(s) + sd z, 0).

    The probability below zero goes to extinction (Memarzadeh & Boettiger 2019, where K = 1).

    Parameters
    ----------
    sd
        Standard deviation, in units of biomass.

    Raises
    ------
    StockError
        When sd is not positive.

    Examples
    --------
    >>> float(NormalNoise(sd=0.15).apply(0.1, -1.0))
    0.0
    """

    sd: Parameter

    def __post_init__(self) -> None:
        _positive(self, "sd", self.sd)

    def apply(self, grown: ArrayLike, z: ArrayLike) -> Array:
        """Return max(f + sd z, 0), and 0 where f is 0."""
        grown = np.asarray(grown, dtype=float)
        return np.where(grown > 0.0, np.maximum(grown + self.sd * np.asarray(z), 0.0), 0.0)

    def mean(self, grown: ArrayLike) -> Array:
        """Return the mean of the censored normal: f Phi(f/sd) + sd phi(f/sd)."""
        grown = np.asarray(grown, dtype=float)
        u = grown / self.sd
        censored = grown * ndtr(u) + self.sd * np.exp(-0.5 * u**2) / np.sqrt(2.0 * np.pi)
        return np.where(grown > 0.0, censored, 0.0)

    def cdf(self, biomass: ArrayLike, grown: ArrayLike) -> Array:
        """Return P(next <= biomass); the atom at zero is included from zero on."""
        biomass, grown = np.asarray(biomass, dtype=float), np.asarray(grown, dtype=float)
        inside = np.where(grown > 0.0, ndtr((biomass - grown) / self.sd), 1.0)
        return np.where(biomass >= 0.0, inside, 0.0)


@dataclass(frozen=True, eq=False)
class UniformNoise:
    """Multiplicative uniform noise with mean f(s): next = f(s) u, u uniform on [1 - w, 1 + w].

    Parameters
    ----------
    half_width
        The half-width w, in (0, 1].

    Raises
    ------
    StockError
        When half_width is not in (0, 1].

    References
    ----------
    Reed 1979, Journal of Environmental Economics and Management 6:350; Sethi et al. 2005, ibid. 50:300.

    Examples
    --------
    >>> float(UniformNoise(half_width=0.5).apply(2.0, 0.0)), UniformNoise(half_width=0.5).cdf(3.0, 2.0)
    (2.0, array(1.))
    """

    half_width: Parameter

    def __post_init__(self) -> None:
        _positive(self, "half_width", self.half_width)
        if np.any(np.asarray(self.half_width) > 1.0):
            raise StockError(f"UniformNoise: half_width must be at most 1, got {self.half_width}")

    def apply(self, grown: ArrayLike, z: ArrayLike) -> Array:
        """Return f (1 - w + 2 w Phi(z))."""
        factor: Array = 1.0 + self.half_width * (2.0 * ndtr(z) - 1.0)
        return np.asarray(grown, dtype=float) * factor

    def mean(self, grown: ArrayLike) -> Array:
        """Return f."""
        return np.asarray(grown, dtype=float) * 1.0

    def cdf(self, biomass: ArrayLike, grown: ArrayLike) -> Array:
        """Return P(next <= biomass)."""
        biomass, grown = np.asarray(biomass, dtype=float), np.asarray(grown, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (biomass / grown - 1.0 + self.half_width) / (2.0 * self.half_width)
        return np.where(grown > 0.0, np.clip(share, 0.0, 1.0), (biomass >= 0.0) * 1.0)
