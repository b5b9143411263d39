"""What a published study claims, as a quantity and the range it must lie in, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import xarray as xr

from ecodecide.reproduction import interval
from ecodecide.reproduction.interval import Estimate
from ecodecide.stock.growth import Array

Measure: TypeAlias = Callable[[xr.Dataset, str], Estimate]
"""Takes the simulated study and the name of a start; returns a quantity with its interval."""

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
    measure: Measure
    low: float
    high: float
    unit: str
    simulated: bool = True


def exactly(value: Callable[[xr.Dataset], float]) -> Measure:
    """Return a measure that no luck and no start has a part in."""

    def measure(study: xr.Dataset, start: str) -> Estimate:
        known = value(study)
        return known, known, known

    return measure


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


def judged(study: xr.Dataset, known: Sequence[Claim]) -> xr.Dataset:
    """Return claims as a Dataset over (start, claim), each with its quantity, range and verdict.

    Parameters
    ----------
    study
        The simulated study, with its starts.
    known
        The claims.
    """
    starts = [str(start) for start in study["start"].values]
    table = np.array([[claim.measure(study, start) for claim in known] for start in starts])
    verdicts = [
        [verdict(tuple(row), c.low, c.high) for row, c in zip(rows, known, strict=True)] for rows in table
    ]
    return xr.Dataset(
        {
            "claim_value": (("start", "claim", "estimate"), table),
            "claim_verdict": (("start", "claim"), verdicts),
            "claim_figure": ("claim", [c.figure for c in known]),
            "claim_published": ("claim", [c.published for c in known]),
            "claim_unit": ("claim", [c.unit for c in known]),
            "claim_low": ("claim", [c.low for c in known]),
            "claim_high": ("claim", [c.high for c in known]),
            "claim_simulated": ("claim", [c.simulated for c in known]),
        },
        coords={"claim": [c.words for c in known], "start": starts, "estimate": ["low", "value", "high"]},
    )


def estimated(values: xr.DataArray, shares: Container[str]) -> tuple[tuple[str, ...], Array]:
    """Return the estimate of every metric with its interval, as dimensions and values.

    Parameters
    ----------
    values
        Its last dimensions are metric and replicate.
    shares
        The metrics that are 0 or 1 per replicate.
    """
    table = np.empty((*values.shape[:-1], 3))
    for place in np.ndindex(*values.shape[:-1]):
        estimate = interval.share if str(values["metric"].values[place[-1]]) in shares else interval.mean
        table[place] = estimate(values.values[place])
    return (*(str(dim) for dim in values.dims[:-1]), "estimate"), table
