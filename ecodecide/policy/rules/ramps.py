"""Rules whose share of the biomass falls where the biomass is low: ramps, thresholds and the ICES advice rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecodecide.errors import PolicyError
from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class Ramp:
    """A share that rises from 0 at `closed` to `rate` at `full` and stays there (the 40-10 rule's shape).

    quota = rate * clip((biomass - closed) / (full - closed), 0, 1) * biomass.

    Parameters
    ----------
    rate
        The largest share, per year.
    closed, full
        Biomass up to which nothing is caught, and from which the whole rate is.

    References
    ----------
    Restrepo & Powers 1999, ICES J. Mar. Sci. 56:846; Deroba & Bence 2008, Fish. Res. 94:210.
    """

    rate: float
    closed: float
    full: float

    def quota(self, biomass: Array) -> Array:
        """Return the ramp's share of the biomass."""
        return self.rate * np.clip((biomass - self.closed) / (self.full - self.closed), 0.0, 1.0) * biomass


@dataclass(frozen=True)
class RelativeRamp:
    """A ramp that need not start at zero: relF_min F at the limit, relF_max F at the target, straight in between.

    quota = rate * (low + (high - low) * clip((biomass - limit) / (target - limit), 0, 1)) * biomass.

    Parameters
    ----------
    rate
        The share that `low` and `high` are relative to, such as F_MSY.
    limit, target
        Biomass at which the ramp starts and ends (SAMtool's LOCP and TOCP, times B0 or B_MSY).
    low, high
        The rate at and below the limit, and at and above the target, relative to `rate` (SAMtool's relF_min and
        relF_max).

    Raises
    ------
    PolicyError
        When the limit is not below the target.

    References
    ----------
    The shape of SAMtool's HCR_ramp; Restrepo & Powers 1999, ICES J. Mar. Sci. 56:846; Deroba & Bence 2008, Fish. Res.
    94:210.

    Examples
    --------
    A tenth of F_MSY = 0.2 below 4, three quarters of it above 8, and the mean of both at 6:

    >>> RelativeRamp(0.2, limit=4.0, target=8.0, low=0.1, high=0.75).quota(np.array([4.0, 6.0, 10.0])).round(3)
    array([0.08, 0.51, 1.5 ])
    """

    rate: float
    limit: float
    target: float
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.limit < self.target:
            raise PolicyError(
                f"the limit of a ramp must lie below its target, got {self.limit:g} and {self.target:g}"
            )

    def quota(self, biomass: Array) -> Array:
        """Return the ramp's share of the biomass."""
        way = np.clip((biomass - self.limit) / (self.target - self.limit), 0.0, 1.0)
        return self.rate * (self.low + (self.high - self.low) * way) * biomass


@dataclass(frozen=True)
class RateAbove:
    """A fixed share of the biomass from a threshold on, and nothing below it.

    quota = rate * biomass where biomass >= threshold, 0 elsewhere. openMSE calls this HCR_escapement; it is not
    constant escapement, which leaves the same biomass every year: see `ConstantEscapement`.

    Parameters
    ----------
    rate
        The share from the threshold on, per year.
    threshold
        In units of biomass.

    References
    ----------
    SAMtool's HCR_escapement; Deroba & Bence 2008, Fish. Res. 94:210.
    """

    rate: float
    threshold: float

    def quota(self, biomass: Array) -> Array:
        """Return the share, or nothing."""
        return np.where(biomass >= self.threshold, self.rate * biomass, 0.0)


@dataclass(frozen=True)
class IcesAdvice:
    """The ICES advice rule: F_MSY above B_trigger, F_MSY B / B_trigger below it, nothing below B_lim.

    quota = rate * min(biomass / b_trigger, 1) * biomass where biomass >= b_lim, 0 elsewhere. With a `b_lim` of 0 it
    is the hockey stick of ICES and SPiCT.

    Parameters
    ----------
    rate
        F_MSY, a share per year.
    b_trigger, b_lim
        In units of biomass.

    References
    ----------
    ICES 2017, WKMSYCat34, ICES CM 2017/ACOM 47.
    """

    rate: float
    b_trigger: float
    b_lim: float

    def quota(self, biomass: Array) -> Array:
        """Return the advised share of the biomass."""
        share = self.rate * np.minimum(biomass / self.b_trigger, 1.0)
        return np.where(biomass < self.b_lim, 0.0, share * biomass)


@dataclass(frozen=True)
class IcesPercentile:
    """The hockey stick on low percentiles instead of medians (SPiCT's scenario `ices`).

    quota = c * f * rate * min(b * biomass / b_trigger, 1) * biomass, where f, b and c are what the percentile is of
    its median: of F_MSY by the uncertainty of F / F_MSY, of B / B_MSY, and of the catch.

    Parameters
    ----------
    rate
        F_MSY, a share per year.
    b_trigger
        In units of biomass.
    f_share, b_share, c_share
        f, b and c: 1 where nothing is uncertain.

    References
    ----------
    ICES 2017, WKMSYCat34, ICES CM 2017/ACOM 47; the percentiles as in the function `manage` of SPiCT (Pedersen & Berg
    2017, Fish and Fisheries 18:226), whose scenario has no B_lim.
    """

    rate: float
    b_trigger: float
    f_share: float
    b_share: float
    c_share: float

    def quota(self, biomass: Array) -> Array:
        """Return the advised share of the biomass."""
        rate = self.f_share * self.rate * np.minimum(self.b_share * biomass / self.b_trigger, 1.0)
        return self.c_share * rate * biomass
