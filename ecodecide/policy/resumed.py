"""A policy part-way through its years: what has been seen and caught since its start is behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.errors import PolicyError
from ecodecide.policy.protocol import Policy
from ecodecide.policy.rules import RulePolicy
from ecodecide.policy.surface import SurfacePolicy
from ecodecide.policy.table import NearestPointPolicy, TablePolicy
from ecodecide.stock.growth import Array

ON_OBSERVED_BIOMASS = (RulePolicy, TablePolicy, NearestPointPolicy, SurfacePolicy)
"""Policies that act on the biomass last observed, and before the first survey on what they are told to expect."""


@dataclass(frozen=True, eq=False)
class Resumed:
    """A policy that goes on from where its past has led it.

    Made by `resumed`. Its first year is the year after that past: a policy of its own kind, which knows what it
    would know there.

    Parameters
    ----------
    policy
        The policy.
    memory
        Its memory after the last year that is behind it: None, or an array of one replicate, shape (1, ...).
    caught
        The catch of that year; None where no year is behind it.
    observed
        The survey of the first year still to decide, where it was made already, or what a policy on observed biomass
        takes in its place; NaN where there is neither.
    """

    policy: Policy
    memory: Any
    caught: float | None = None
    observed: float = float("nan")

    def start(self, replicates: int) -> Any:
        """Return the memory of the past, one for each replicate."""
        if self.memory is None:
            return None
        return np.repeat(np.asarray(self.memory), replicates, axis=0)

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year; see `ecodecide.policy.protocol.Policy`."""
        if caught is None:
            observed = np.where(np.isnan(observed), self.observed, observed)
            caught = None if self.caught is None else np.full(len(observed), self.caught)
        return self.policy.decide(memory, observed, caught)


def resumed(
    policy: Policy,
    observed: Sequence[float],
    caught: Sequence[float],
    followed: bool = False,
    expected: float | None = None,
) -> Resumed:
    """Return a policy after some years, of each of which the survey and the catch are known.

    Parameters
    ----------
    policy
        The policy at its start.
    observed
        Shape (years,), or one more: the surveys of the years, NaN where there was none, in units of biomass. One
        more is that of the year to be decided, made already.
    caught
        Shape (years,): what was caught, whatever the policy would have had.
    followed
        Whether the quotas were the policy's. Where they were not, a catch short of what it would have had is no sign
        that the stock ran out, and to rules the catch stands for the last quota.
    expected
        The mean biomass believed in for the year to be decided. `ON_OBSERVED_BIOMASS` act on it where that year has no
        survey: the last one that they heard knows nothing of what was caught since. Policies with a belief of their
        own, and rules on a series of surveys, do not hear it. None leaves them to that last survey.

    Raises
    ------
    PolicyError
        When surveys and catches do not go together.

    Examples
    --------
    A quota may not change by more than 20 % from one year to the next:

    >>> from ecodecide.policy.rules import ConstantRate, RulePolicy
    >>> policy = RulePolicy(ConstantRate(0.5), expected=100.0, cap=0.2)
    >>> later = resumed(policy, observed=[100.0, 10.0], caught=[48.0])
    >>> later.decide(later.start(1), np.array([np.nan]), None)[0]
    array([38.4])

    No survey was made after a large catch, of which little is believed to be left:

    >>> free = RulePolicy(ConstantRate(0.5), expected=100.0)
    >>> later = resumed(free, observed=[100.0], caught=[90.0], expected=15.0)
    >>> later.decide(later.start(1), np.array([np.nan]), None)[0]
    array([7.5])
    """
    seen, taken = np.array(observed, dtype=float), np.asarray(caught, dtype=float)
    if seen.ndim != 1 or taken.ndim != 1 or len(seen) - len(taken) not in (0, 1):
        raise PolicyError(
            f"a policy is resumed after years with a survey and a catch each (NaN: no survey), and perhaps the survey "
            f"of the next; got {seen.size} surveys and {taken.size} catches"
        )
    if not np.isfinite(taken).all():
        raise PolicyError("a policy cannot be resumed after a year whose catch is not known: give the catch")
    next_survey = float(seen[-1]) if len(seen) > len(taken) else float("nan")
    if expected is not None and np.isnan(next_survey) and isinstance(policy, ON_OBSERVED_BIOMASS):
        next_survey = expected
        if getattr(policy, "delay", 0) and taken.size and np.isnan(seen[len(taken) - 1]):
            # it acts on what it heard a year ago
            seen[len(taken) - 1] = expected
    led = list(lead_through(policy, seen[: len(taken)], taken, followed))
    memory = led[-1][1] if led else policy.start(1)
    last = float(taken[-1]) if led else None
    return Resumed(policy, memory, last, next_survey)


def lead_through(
    policy: Policy, surveys: Array, catch: Array, followed: bool = False
) -> Iterator[tuple[float, Any]]:
    """Lead a policy through years of which survey and catch are known.

    It hears each year's survey, is asked for its quota, and is then told what was really caught.

    Parameters
    ----------
    policy
        The policy.
    surveys, catch
        Shape (years,): what was seen, in units of biomass (NaN: nothing), and caught. The last catch may be NaN.
    followed
        Whether the quotas were the policy's; see `resumed`.

    Yields
    ------
    quota : float
        Of each year.
    memory : object
        Of one replicate, as it is for the next year.
    """
    memory, caught = policy.start(1), None
    for seen, taken in zip(surveys, catch, strict=True):
        quota, memory = policy.decide(memory, np.array([seen]), caught)
        caught = np.array([taken])
        if not followed and hasattr(policy, "as_caught"):
            memory = policy.as_caught(memory, caught)
        yield float(quota[0]), memory
