"""Rules on an index of several years: two over three, rfb and rb, index slope and index target.

The index is the series of surveys in units of biomass. Years without survey are left out of means and slopes; where
none was made that a rule needs, it leaves the advice as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class TwoOverThree:
    """The ICES rule 2 over 3: quota = last * clip(r, 1 - change, 1 + change).

    r is the mean survey of the last two years over that of the three before; it is 1 where either was not seen, or
    was zero before.

    Parameters
    ----------
    change
        The uncertainty cap, a share.

    References
    ----------
    Method 3.2 of ICES 2012, ICES CM 2012/ACOM 68; Jardim, Azevedo & Brites 2015, Fish. Res. 171:12,
    doi:10.1016/j.fishres.2014.11.013.
    """

    change: float = 0.2

    @property
    def years(self) -> int:
        """Five: two and three."""
        return 5

    def quota(self, surveys: Array, last: Array) -> Array:
        """Return the last advice times the ratio within its cap."""
        return last * np.clip(two_over_three(surveys), 1.0 - self.change, 1.0 + self.change)


@dataclass(frozen=True)
class RatioWithSafeguard:
    """The ICES rules rfb and rb: quota = last * r * f * b * m, with a stability clause.

    r is the ratio of `TwoOverThree`, b = min(1, I / trigger) with I the last survey seen, or 1 where none of the last
    five years was. Where b = 1 the advice is kept within +20 % and -30 % of the last; where the safeguard acts it is
    not.

    f is the mean length in the catch over that expected at F = M. There are no lengths here: f is a constant, 1 by
    default. The multiplier compounds, so with f = 1 the advice shrinks by 1 - m each time unless r makes up for it;
    ICES has the rule rb for stocks without lengths, which has no f and m = 0.5.

    Parameters
    ----------
    trigger
        I_trigger = 1.4 I_loss, with I_loss the lowest survey when the rule is first applied; in units of biomass.
    multiplier
        m of the rule: for rfb 0.95 of slow growers (von Bertalanffy k < 0.2 per year) and 0.9 of others or where it is
        not known; for rb 0.5.
    pressure
        f of the rule.
    rise, fall
        The stability clause, as shares.

    References
    ----------
    ICES 2022, technical guidance for stocks in categories 2 and 3, doi:10.17895/ices.advice.19801564; Fischer et al.
    2021, ICES J. Mar. Sci. 78:1311, doi:10.1093/icesjms/fsab018; parameters as in the R package cat3advice.
    """

    trigger: float
    multiplier: float = 0.9
    pressure: float = 1.0
    rise: float = 0.2
    fall: float = 0.3

    @property
    def years(self) -> int:
        """Five: two and three."""
        return 5

    def quota(self, surveys: Array, last: Array) -> Array:
        """Return the last advice times r f b m, within the stability clause where b = 1."""
        safeguard = np.minimum(1.0, np.nan_to_num(_last_seen(surveys) / self.trigger, nan=1.0))
        factor = two_over_three(surveys) * self.pressure * safeguard * self.multiplier
        steady = np.clip(factor, 1.0 - self.fall, 1.0 + self.rise)
        return last * np.where(safeguard < 1.0, factor, steady)


@dataclass(frozen=True)
class IndexSlope:
    """The rules Islope1 to 4: quota = last * (1 + gain * slope).

    The slope is that of a straight line through the log of the surveys, per year; 0 with fewer than two seen. A survey
    of zero, which has no logarithm, counts as a hundredth of the mean.

    Parameters
    ----------
    gain
        lambda of the rule: 0.4 of Islope1 to 3, 0.2 of Islope4.
    years
        The length of the series.

    References
    ----------
    Geromont & Butterworth 2015, ICES J. Mar. Sci. 72:251, doi:10.1093/icesjms/fst232; parameters as in DLMtool.
    """

    gain: float
    years: int = 5

    def quota(self, surveys: Array, last: Array) -> Array:
        """Return the last advice moved along the slope, at least 0."""
        return last * np.maximum(1.0 + self.gain * log_slope(surveys), 0.0)


@dataclass(frozen=True)
class IndexTarget:
    """The rules Itarget1 to 4: quota = catch / 2 * (1 + (I - I0) / (I_target - I0)), below I0 catch / 2 * (I / I0)^2.

    I is the mean of the last surveys, I_target = multiple * average and I0 = floor * average. Where none of the
    years was seen the last advice stands.

    Parameters
    ----------
    catch
        The advice at the target, per year, in units of biomass.
    average
        Mean survey of the reference years, in units of biomass.
    multiple
        1.5, 2, 2.5 and 2.5 of Itarget1 to 4.
    floor
        0.8 as in DLMtool.
    years
        The number of years that I is the mean of.

    References
    ----------
    Geromont & Butterworth 2015, ICES J. Mar. Sci. 72:251, doi:10.1093/icesjms/fst232; parameters as in DLMtool.
    """

    catch: float
    average: float
    multiple: float
    floor: float = 0.8
    years: int = 5

    def quota(self, surveys: Array, last: Array) -> Array:
        """Return the catch scaled by where the index stands."""
        index, low, target = mean_seen(surveys), self.floor * self.average, self.multiple * self.average
        above = 1.0 + (index - low) / (target - low)
        factor = np.where(index >= low, above, (index / low) ** 2)
        return np.where(np.isnan(index), last, 0.5 * self.catch * factor)


def mean_seen(surveys: Array) -> Array:
    """Return the mean of the years that were seen, shape (replicates,); NaN where none was."""
    seen = ~np.isnan(surveys)
    count = seen.sum(axis=1)
    total = np.where(seen, surveys, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def two_over_three(surveys: Array) -> Array:
    """Return the mean of the last two surveys over that of the three before, 1 where there is no such ratio."""
    now, before = mean_seen(surveys[:, -2:]), mean_seen(surveys[:, -5:-2])
    known = (before > 0.0) & ~np.isnan(now)
    return np.where(known, now / np.where(known, before, 1.0), 1.0)


def log_slope(surveys: Array) -> Array:
    """Return the least-squares slope of the log of the surveys that were seen, per year; 0 with fewer than two."""
    seen = ~np.isnan(surveys)
    least = 0.01 * mean_seen(surveys)[:, None]
    logs = np.log(np.where(seen & (least > 0.0), np.maximum(surveys, least), 1.0))
    year = np.arange(surveys.shape[1], dtype=float)
    count = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    away = np.where(seen, year - (seen * year).sum(axis=1, keepdims=True) / count, 0.0)
    spread = (away**2).sum(axis=1)
    return np.where(spread > 0.0, (away * logs).sum(axis=1) / np.where(spread > 0.0, spread, 1.0), 0.0)


def _last_seen(surveys: Array) -> Array:
    """Return the latest survey that was seen; NaN where none was."""
    seen = ~np.isnan(surveys)
    place = surveys.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    return np.asarray(surveys[np.arange(len(surveys)), place])
