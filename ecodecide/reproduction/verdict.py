"""What a published study claims, as a quantity and the range it must lie in, and whether it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

from ecodecide.reproduction.interval import Estimate

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"
"""The three verdicts."""


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim of a published study.

    Attributes
    ----------
    figure
        Where the study makes it.
    words
        What is claimed.
    published
        What the study states or shows.
    measure
        Takes the simulated study and the name of a start; returns the quantity with its interval.
    low, high
        The claim holds where the quantity lies strictly between these.
    unit
        What the quantity is counted in; a relative difference is in ``"%"``, as a share of 1.
    simulated
        Whether the quantity depends on the start and the luck; where not, it is the same for all.
    """

    figure: str
    words: str
    published: str
    measure: Callable[[xr.Dataset, str], Estimate]
    low: float
    high: float
    unit: str
    simulated: bool = True


def verdict(estimate: Estimate, low: float, high: float) -> str:
    """Say whether a quantity lies in a range.

    Parameters
    ----------
    estimate
        The quantity with its interval.
    low, high
        The range, ends excluded.

    Returns
    -------
    str
        ``"holds"`` where the whole interval lies in the range, ``"does not hold"`` where none of it does,
        ``"cannot be told"`` where a part of it does.

    Examples
    --------
    >>> verdict((0.1, 0.2, 0.3), 0.0, float("inf"))
    'holds'
    >>> verdict((-0.1, 0.2, 0.5), 0.0, float("inf")), verdict((-0.3, -0.2, -0.1), 0.0, float("inf"))
    ('cannot be told', 'does not hold')
    """
    if low < estimate[0] and estimate[2] < high:
        return HOLDS
    return FAILS if estimate[2] <= low or high <= estimate[0] else OPEN
