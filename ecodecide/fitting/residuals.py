"""Do the observations scatter about the fit as it says they should? One-step-ahead residuals and tests of them.

The residual of an observation is the normal score of its rank among what the years before let expect: independent and
standard normal where the model is right (Smith 1985, Journal of Forecasting 4:283; the one-step-ahead residuals of
Thygesen et al. 2017, doi:10.1007/s10651-017-0372-4). The rank is averaged over the draws of the posterior, which have
seen all of the history: departures are found a little less often than by a fit that is taken for the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.special import ndtri
from scipy.stats import shapiro, ttest_1samp

from ecodecide.fitting.record import FitRecord
from ecodecide.stock.growth import Array

_FEWEST = 3
"""Residuals below which nothing is tested."""


@dataclass(frozen=True, eq=False)
class Residuals:
    """The residuals of one series, and three tests: small p-values speak against the fit.

    Attributes
    ----------
    series
        Its name.
    year, residual
        Shape (observations,).
    runs
        P(as few runs of one sign, or fewer, by chance): small where residuals hang together (Wald & Wolfowitz 1940).
    bias
        P(a mean as far from 0 by chance), by Student's t.
    normality
        By Shapiro & Wilk 1965. All three are None where there are too few residuals.
    """

    series: str
    year: tuple[int, ...]
    residual: Array
    runs: float | None
    bias: float | None
    normality: float | None


def residuals(record: FitRecord) -> tuple[Residuals, ...]:
    """Return the residuals of each series of a fit."""
    score = ndtri(np.clip(record.ranks, 1e-12, 1.0 - 1e-12))
    found = []
    for name in dict.fromkeys(record.series):
        at = [i for i, series in enumerate(record.series) if series == name]
        own = score[at]
        enough = len(at) >= _FEWEST and float(np.ptp(own)) > 0.0
        found.append(
            Residuals(
                series=name,
                year=tuple(record.year[i] for i in at),
                residual=own,
                runs=few_runs(own) if enough else None,
                bias=float(ttest_1samp(own, 0.0).pvalue) if enough else None,
                normality=float(shapiro(own).pvalue) if enough else None,
            )
        )
    return tuple(found)


def few_runs(values: Array) -> float | None:
    """Return P(runs of one sign are as few or fewer), all orders of the signs being as likely; None for one sign alone.

    Examples
    --------
    >>> round(few_runs(np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])), 3)
    0.1
    """
    positive = values > 0.0
    ups, downs = int(positive.sum()), int((~positive).sum())
    if ups == 0 or downs == 0:
        return None
    runs = 1 + int((positive[1:] != positive[:-1]).sum())
    ways = 0
    for count in range(2, runs + 1):
        half = count // 2
        if count % 2 == 0:
            ways += 2 * comb(ups - 1, half - 1) * comb(downs - 1, half - 1)
        else:
            ways += comb(ups - 1, half) * comb(downs - 1, half - 1)
            ways += comb(ups - 1, half - 1) * comb(downs - 1, half)
    return ways / comb(ups + downs, ups)
