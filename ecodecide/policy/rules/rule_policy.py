"""A harvest control rule on this year's biomass, made a policy.

Each rule is a frozen dataclass with one method, `quota(biomass)`. `RulePolicy` remembers the last surveys and the last
quota, so that a rule can act on year-old data and cap the change of a quota from year to year.
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

    Raises
    ------
    PolicyError
        When the delay is neither 0 nor 1, or the cap not positive.

    Examples
    --------
    A tenth of what is seen; where nothing is, of what was seen last:

    >>> import ecodecide as eco
    >>> from ecodecide.policy.rules import ConstantRate
    >>> policy = eco.RulePolicy(ConstantRate(0.1), expected=50.0)
    >>> quota, memory = policy.decide(policy.start(1), np.array([80.0]), None)
    >>> next_quota, _ = policy.decide(memory, np.array([np.nan]), quota)
    >>> print(quota, next_quota)
    [8.] [8.]
    """

    rule: Rule
    expected: float
    cap: float | None = None
    delay: int = 0

    def __post_init__(self) -> None:
        check_cap_and_delay(self.cap, self.delay)

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
        quota = capped(quota, last, self.cap)
        return quota, np.column_stack([quota, seen, latest])

    def as_caught(self, memory: Any, caught: Array) -> Array:
        """Return a memory of a year in which others set the quota: the catch stands for the last, if it is known."""
        return np.column_stack([np.where(np.isnan(caught), memory[:, 0], caught), memory[:, 1:]])


def capped(quota: Array, last: Array, cap: float | None) -> Array:
    """Return quotas within a share of the last, those after a quota of zero or none as they are."""
    if cap is None:
        return quota
    return np.where(last > 0.0, np.clip(quota, last * (1.0 - cap), last * (1.0 + cap)), quota)


def check_cap_and_delay(cap: float | None, delay: int) -> None:
    """Refuse a cap or delay that means nothing.

    Raises
    ------
    PolicyError
        When the delay is neither 0 nor 1, or the cap not positive.
    """
    if delay not in (0, 1):
        raise PolicyError(f"delay must be 0 (this year's survey) or 1 (last year's), got {delay}")
    if cap is not None and not cap > 0.0:
        raise PolicyError(f"cap must be a positive share of last year's quota, such as 0.2, got {cap}")
