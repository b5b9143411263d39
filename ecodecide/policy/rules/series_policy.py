"""Rules that act on the surveys of several years and on the last advice, made a policy with a memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ecodecide.errors import PolicyError
from ecodecide.policy.rules.rule_policy import capped, check_cap_and_delay
from ecodecide.stock.growth import Array


class SeriesRule(Protocol):
    """What every rule on a series of surveys offers."""

    @property
    def years(self) -> int:
        """The number of years whose surveys it looks at."""
        ...

    def quota(self, surveys: Array, last: Array) -> Array:
        """Return the quotas advised.

        Parameters
        ----------
        surveys
            Shape (replicates, years), in units of biomass, oldest first; NaN for a year without survey.
        last
            Shape (replicates,): the last advice above zero, or the catch that the first starts from.

        Returns
        -------
        ndarray
            Shape (replicates,), at least 0.
        """
        ...


@dataclass(frozen=True)
class SeriesPolicy:
    """A rule applied to the surveys of the last years, starting from those of the history.

    A year without survey stays empty in the series, and each rule says what it makes of the years that were seen.
    After advice of zero the next starts from the last above zero: a rule that multiplies would never open again.

    Parameters
    ----------
    rule
        The harvest control rule.
    last
        The advice or catch that the first advice starts from, above 0, in units of biomass.
    surveys
        Of the years before the first decision, oldest first, in units of biomass, NaN where there was none; those
        longer ago than the rule looks back are left out, and those missing count as not made.
    this_year
        The survey of the first year, where the history ends with it: used when none is observed in that year.
    interval
        Years between advice; in between the quota stands.
    cap
        The largest change of a quota from one year to the next, as a share of the last, besides what the rule has of
        its own; None for no cap. The first quota is free of it, and one after a quota of zero.
    delay
        0 to act on the surveys up to this year's, 1 up to last year's.

    Raises
    ------
    PolicyError
        When a setting means nothing.

    Examples
    --------
    The mean of the last two surveys is 1.1 times that of the three before:

    >>> from ecodecide.policy.rules import TwoOverThree
    >>> policy = SeriesPolicy(TwoOverThree(), last=50.0, surveys=(90.0, 100.0, 110.0, 100.0))
    >>> policy.decide(policy.start(1), np.array([120.0]), None)[0].round(6)
    array([55.])
    """

    rule: SeriesRule
    last: float
    surveys: tuple[float, ...] = ()
    this_year: float = float("nan")
    interval: int = 1
    cap: float | None = None
    delay: int = 0

    def __post_init__(self) -> None:
        check_cap_and_delay(self.cap, self.delay)
        if not (np.isfinite(self.last) and self.last > 0.0):
            raise PolicyError(f"last must be an advice or catch above 0 to start from, got {self.last}")
        if self.interval < 1:
            raise PolicyError(f"interval must be at least 1 year between advice, got {self.interval}")

    def start(self, replicates: int) -> Array:
        """Return a memory of columns: quota, last advice above zero, years until advice is due, surveys."""
        kept = self.rule.years + self.delay
        past = np.concatenate([np.full(kept, np.nan), np.asarray(self.surveys, dtype=float)])[-kept:]
        return np.tile(np.concatenate([[np.nan, self.last, 0.0], past]), (replicates, 1))

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year; see `ecodecide.policy.protocol.Policy`."""
        quota, last, wait = memory[:, 0], memory[:, 1], memory[:, 2]
        if caught is None:
            observed = np.where(np.isnan(observed), self.this_year, observed)
        surveys = np.column_stack([memory[:, 4:], observed])
        advised = self.rule.quota(surveys[:, : self.rule.years], last)
        due = wait <= 0.0
        quota = np.where(due, capped(advised, quota, self.cap), quota)
        wait = np.where(due, self.interval, wait) - 1.0
        return quota, np.column_stack([quota, np.where(quota > 0.0, quota, last), wait, surveys])

    def as_caught(self, memory: Any, caught: Array) -> Array:
        """Return a memory of a year in which others set the quota: the catch stands for the last, and advice is due."""
        quota = np.where(np.isnan(caught), memory[:, 0], caught)
        last = np.where(caught > 0.0, caught, memory[:, 1])
        return np.column_stack([quota, last, np.zeros(len(quota)), memory[:, 3:]])
