"""Means, shares and paired differences of replicates, each with a 95 % interval.

An estimate is (low, value, high). Replicate r of one policy met the same luck as replicate r of another, so
differences are taken replicate by replicate.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ecodecide.stock.growth import Array

Estimate: TypeAlias = tuple[float, float, float]
"""The lower end, the value and the upper end of a 95 % interval."""

_Z = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


def mean(values: Array) -> Estimate:
    """Return the mean of replicates with its normal interval.

    Parameters
    ----------
    values
        Shape (n,): one value per replicate, n of at least 2; those that are not defined (NaN) are left out.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> [round(end, 2) for end in mean(np.array([1.0, 2.0, 3.0, np.nan]))]
    [0.87, 2.0, 3.13]
    """
    known = values[np.isfinite(values)]
    value = float(known.mean())
    half = _Z * float(known.std(ddof=1)) / float(np.sqrt(known.size))
    return value - half, value, value + half


def share(flags: Array) -> Estimate:
    """Return the share of replicates that are 1 rather than 0, with Wilson's interval.

    Parameters
    ----------
    flags
        Shape (n,): 0 or 1 per replicate, NaN where it is not defined.

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22:209.

    Examples
    --------
    >>> [round(end, 3) for end in share(np.array([0.0] * 9 + [1.0]))]
    [0.018, 0.1, 0.404]
    """
    known = flags[np.isfinite(flags)]
    n, p = known.size, float(known.mean())
    center = (p + _Z**2 / (2.0 * n)) / (1.0 + _Z**2 / n)
    half = _Z / (1.0 + _Z**2 / n) * float(np.sqrt(p * (1.0 - p) / n + _Z**2 / (4.0 * n**2)))
    return min(max(center - half, 0.0), p), p, max(min(center + half, 1.0), p)


def difference(a: Array, b: Array) -> Estimate:
    """Return the mean of a - b, replicate by replicate, with its normal interval.

    Parameters
    ----------
    a, b
        Shape (n,): the replicates of two policies that met the same luck.
    """
    return mean(a - b)


def relative_difference(a: Array, b: Array) -> Estimate:
    """Return mean(a) / mean(b) - 1 for paired replicates, with the interval of its linearization.

    The variance is that of the mean of (a - R b) / mean(b), where R = mean(a) / mean(b) (Cochran 1977,
    Sampling Techniques, section 6.4).

    Parameters
    ----------
    a, b
        Shape (n,): the replicates of two policies that met the same luck; the mean of b is not 0.

    Examples
    --------
    >>> a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])
    >>> relative_difference(a, b)   # every replicate is worth half as much
    (-0.5, -0.5, -0.5)
    """
    ratio = float(a.mean()) / float(b.mean())
    low, _, high = mean((a - ratio * b) / float(b.mean()))
    half = (high - low) / 2.0
    return ratio - 1.0 - half, ratio - 1.0, ratio - 1.0 + half


def share_difference(a: Array, b: Array) -> Estimate:
    """Return the difference of two shares of paired replicates.

    The interval is Wald's after half a replicate was added to each of the four outcomes, so that it keeps a
    width where no replicate tells the two apart.

    Parameters
    ----------
    a, b
        Shape (n,): 0 or 1 per replicate, NaN where it is not defined.

    References
    ----------
    Agresti & Min 2005, Statistics in Medicine 24:729.

    Examples
    --------
    >>> same = np.zeros(100)
    >>> [round(end, 3) for end in share_difference(same, same)]
    [-0.019, 0.0, 0.019]
    """
    both = np.isfinite(a) & np.isfinite(b)
    n = int(both.sum())
    more, less = int((a[both] > b[both]).sum()), int((a[both] < b[both]).sum())
    center = (more - less) / (n + 2.0)
    variance = (more + less + 1.0 - (more - less) ** 2 / (n + 2.0)) / (n + 2.0) ** 2
    half = _Z * float(np.sqrt(variance))
    value = (more - less) / n
    return min(center - half, value), value, max(center + half, value)
