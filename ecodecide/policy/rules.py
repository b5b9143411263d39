"""Harvest control rules: the quota that an agency sets on an estimate of biomass.

Each rule is a frozen dataclass with one method, `quota(biomass)`. `RulePolicy` makes a policy of one: it
remembers the last surveys and the last quota, so that a rule can act on year-old data and cap the change
of a quota from year to year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ecodecide.errors import PolicyError
from ecodecide.stock.growth import Array


class Rule(Protocol):
    """What every rule offers."""

    def quota(self, biomass: Array) -> Array:
        """Return the quota at an estimate of biomass before harvest, both in units of biomass."""
        ...


@dataclass(frozen=True)
class ConstantRate:
    """A fixed share of the biomass: quota = rate * biomass (the rules msy, tac and constant-f)."""

    rate: float

    def quota(self, biomass: Array) -> Array:
        """Return rate * biomass."""
        return self.rate * biomass


@dataclass(frozen=True)
class Ramp:
    """A share that rises from 0 at `closed` to `rate` at `full` and stays there (the 40-10 rule's shape)."""

    rate: float
    closed: float
    full: float

    def quota(self, biomass: Array) -> Array:
        """Return the ramp's share of the biomass."""
        return self.rate * np.clip((biomass - self.closed) / (self.full - self.closed), 0.0, 1.0) * biomass


@dataclass(frozen=True)
class IcesAdvice:
    """The ICES advice rule: F_MSY above B_trigger, F_MSY B / B_trigger below it, nothing below B_lim."""

    rate: float
    b_trigger: float
    b_lim: float

    def quota(self, biomass: Array) -> Array:
        """Return the advised share of the biomass."""
        share = self.rate * np.minimum(biomass / self.b_trigger, 1.0)
        return np.where(biomass < self.b_lim, 0.0, share * biomass)


@dataclass(frozen=True)
class ConstantCatch:
    """The same quota every year, whatever the survey says; 0 is no fishing."""

    catch: float

    def quota(self, biomass: Array) -> Array:
        """Return the constant."""
        return np.full_like(biomass, self.catch)


@dataclass(frozen=True)
class ConstantEscapement:
    """Everything above a fixed escapement: quota = max(biomass - escapement, 0) (Reed 1979)."""

    escapement: float

    def quota(self, biomass: Array) -> Array:
        """Return what lies above the escapement."""
        return np.maximum(biomass - self.escapement, 0.0)


@dataclass(frozen=True)
class RulePolicy:
    """A rule applied to each year's survey.

    Without a survey in a year it acts on the last one seen, and before any survey on `expected`.

    Parameters
    ----------
    rule
        The harvest control rule.
    expected
        The biomass taken for granted before the first survey.
    cap
        The largest change of a quota from one year to the next, as a share of the last (0.2 is 20 %); None
        for no cap. A quota of zero may be followed by any.
    delay
        0 to act on this year's survey, 1 to act on last year's.
    """

    rule: Rule
    expected: float
    cap: float | None = None
    delay: int = 0

    def __post_init__(self) -> None:
        if self.delay not in (0, 1):
            raise PolicyError(f"delay must be 0 (this year's survey) or 1 (last year's), got {self.delay}")
        if self.cap is not None and not self.cap > 0.0:
            raise PolicyError(
                f"cap must be a positive share of last year's quota, such as 0.2, got {self.cap}"
            )

    def start(self, replicates: int) -> Array:
        """Return a memory of columns: last quota (NaN before the first), latest survey, the one before."""
        memory = np.full((replicates, 3), self.expected)
        memory[:, 0] = np.nan
        return memory

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year; see `ecodecide.policy.protocol.Policy`."""
        last, latest = memory[:, 0], memory[:, 1]
        seen = np.where(np.isnan(observed), latest, observed)
        quota = self.rule.quota(seen if self.delay == 0 else latest)
        if self.cap is not None:
            limited = np.clip(quota, last * (1.0 - self.cap), last * (1.0 + self.cap))
            quota = np.where(last > 0.0, limited, quota)
        return quota, np.column_stack([quota, seen, latest])
