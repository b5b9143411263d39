"""Estimates with 95 % Monte Carlo intervals, as wide as replicates that share a draw of the stock make them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from ecodecide.stock.growth import Array

Flags = np.ndarray[Any, np.dtype[np.bool_]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
Estimate = tuple[float, float, float]
"""Low, value, high."""

_Z = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""

_TAIL = 0.05
"""The share of the futures that the lower tail is of."""


def share(hits: Flags, draws: Counts, of: int = 1) -> Estimate:
    """Return a proportion p and Wilson's interval (1927, J. Am. Stat. Assoc. 22:209).

    Instead of n it takes n/d, d being how many times the variance is that of independent replicates, at
    least 1. Fewer than five hits, or misses, do not show how alike replicates of the same draw are: then they
    are taken to be the same. The interval holds with as many others `of` a family, all at once (Bonferroni).
    """
    n = hits.size
    if n == 0:
        return (np.nan, np.nan, np.nan)
    count = int(hits.sum())
    p = count / n
    sizes = np.bincount(draws)
    worst = float((sizes * sizes).sum()) / n
    spread = variance(np.asarray(hits, dtype=float), p, draws)
    known = min(count, n - count) >= 5 and np.isfinite(spread)
    # over n - 1, so that d is 1 where each replicate is its own
    effect = spread / (p * (1.0 - p) / (n - 1)) if known and worst > 1.0 else worst
    return _wilson(p, n / max(effect, 1.0), float(ndtri(1.0 - 0.025 / of)))


def fraction(values: Array, draws: Counts) -> Estimate:
    """Return the mean of numbers from 0 to 1, such as shares of years, and an interval that stays between them.

    It is Wilson's for as many trials as have the same variance, p (1 - p)/m. Fewer than five replicates that are not 0,
    or not 1, do not show how they vary: then there are only as many trials as replicates, those of one draw being taken
    to be the same.
    """
    if values.size == 0:
        return (np.nan, np.nan, np.nan)
    p = float(values.mean())
    sizes = np.bincount(draws)
    fewest = values.size**2 / float((sizes * sizes).sum())
    spread = variance(values, p, draws)
    known = min(int((values > 0.0).sum()), int((values < 1.0).sum())) >= 5 and spread > 0.0
    return _wilson(p, max(p * (1.0 - p) / spread, 1.0) if known else fewest, _Z)


def _wilson(p: float, m: float, z: float) -> Estimate:
    """Return a proportion of m trials and its interval, for the normal quantile z."""
    center = (p + z**2 / (2.0 * m)) / (1.0 + z**2 / m)
    half = z / (1.0 + z**2 / m) * np.sqrt(max(p * (1.0 - p), 0.0) / m + z**2 / (4.0 * m**2))
    # at 0 and 1 the ends are those up to rounding
    return (min(max(float(center - half), 0.0), p), p, max(min(float(center + half), 1.0), p))


def mean(values: Array, draws: Counts) -> Estimate:
    """Return a mean and its normal interval; replicates of a single draw tell of none."""
    if values.size == 0:
        return (np.nan, np.nan, np.nan)
    value = float(values.mean())
    half = _Z * float(np.sqrt(variance(values, value, draws)))
    return (value - half, value, value + half)


def variance(values: Array, center: float, draws: Counts) -> float:
    """Return the variance of a mean over replicates that share G draws; NaN for G = 1.

    G/(G - 1) sum(n_g^2 (m_g - mean)^2) / n^2 over draws of n_g replicates with the mean m_g: the sandwich
    estimator (Liang & Zeger 1986, Biometrika 73:13), and the usual one where each replicate is its own.
    """
    sizes = np.bincount(draws)
    groups = int((sizes > 0).sum())
    if groups < 2:
        return float(np.nan)
    # n_g (m_g - mean), added up in the order of the replicates
    apart = np.bincount(draws, weights=values - center)
    return groups / (groups - 1) * float((apart * apart).sum()) / values.size**2


def lower_tail(npv: Array, draws: Counts) -> Estimate:
    """Return the mean of the worst twentieth; its interval where at least two replicates are in it.

    The interval is that of the estimator q - mean(max(q - v, 0)) / 0.05 (Rockafellar & Uryasev 2000, Journal of
    Risk 2:21) at the sample's own quantile q.
    """
    quantile = float(np.quantile(npv, _TAIL, method="inverted_cdf"))
    low, value, high = mean(quantile - np.maximum(quantile - npv, 0.0) / _TAIL, draws)
    return (low, value, high) if _TAIL * npv.size >= 2.0 else (np.nan, value, np.nan)
