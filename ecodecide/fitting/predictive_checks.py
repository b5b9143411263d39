"""How well a Gaussian process of growth predicts years that it had not seen, and pairs that were left out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtr

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.candidates import LAWS, leave_one_out
from ecodecide.fitting.gaussian_process import fit_gaussian_process
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.growth_prior import GrowthPrior
from ecodecide.fitting.lesson import MINIMUM_PAIRS
from ecodecide.stock.growth import Array

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The median and the ends of the intervals of 50 % and 90 %."""

AHEAD_DRAWS = 3
"""Of how many draws of an uncertain biomass years are predicted ahead, each as if it were the history."""

_Z = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


def one_step_ahead(
    escapement: ArrayLike,
    next_biomass: ArrayLike,
    *,
    year: ArrayLike,
    scale: float | None = None,
    prior: GrowthPrior | None = None,
) -> xr.Dataset:
    """Predict each pair of the last third from the pairs before it alone.

    Parameters
    ----------
    escapement, next_biomass
        Shape (pairs,) or (draws, pairs), in the order of time. Of several draws the first 3 are taken, each as if
        it were the history: it is learned from alone, and what came is its own.
    year
        Shape (pairs,): of each escapement; what is predicted is of the year after.
    scale
        The biomass about which the prior is stated; by default the largest in the pairs before.
    prior
        What is believed of growth before any data.

    Returns
    -------
    xarray.Dataset
        ``ahead_quantiles`` (quantile, ahead_draw, ahead): of the predictive; ``ahead_observed``: what came;
        ``ahead_log_score``: the log density of it, in 1 / unit; ``ahead_rank``: the probability below it, which is
        uniform and independent from year to year where the predictive is right (Dawid 1984); that of the stock is
        the one to plan with, which is cautious where little is known. ``coverage`` (interval,
        estimate): the share of years inside, with Wilson's 95 % interval for that many years: draws of a year are
        averaged, not counted as more. All NaN where fewer than 5 pairs came before, coverage where no year is left.

    References
    ----------
    Dawid 1984, J. R. Stat. Soc. A 147:278, doi:10.2307/2981683; Wilson 1927, J. Am. Stat. Assoc. 22:209,
    doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> s = np.linspace(0.3, 1.0, 12)
    >>> found = one_step_ahead(s, 1.1 * s * np.tile([0.97, 1.03], 6), year=np.arange(2001, 2013))
    >>> found["ahead_year"].values
    array([2010., 2011., 2012., 2013.])
    """
    s = np.atleast_2d(np.asarray(escapement, dtype=float))[:AHEAD_DRAWS]
    x = np.atleast_2d(np.asarray(next_biomass, dtype=float))[:AHEAD_DRAWS]
    count = s.shape[1]
    ahead = range(max(MINIMUM_PAIRS, count - -(-count // 3)), count)
    shape = (len(s), len(ahead))
    quantiles, observed = np.full((len(QUANTILES), *shape), np.nan), np.full(shape, np.nan)
    log_score, rank = np.full(shape, np.nan), np.full(shape, np.nan)
    for i, draw in np.ndindex(shape[::-1]):
        last = slice(0, ahead[i])
        stock = _learned_from(s[draw, last], x[draw, last], scale, prior)
        now, came = s[draw, ahead[i]], x[draw, ahead[i]]
        observed[draw, i] = came
        if stock is not None and np.isfinite(came) and now > 0.0:
            quantiles[:, draw, i], log_score[draw, i], rank[draw, i] = _predict(stock, now, came)
    dims = ("ahead_draw", "ahead")
    return xr.Dataset(
        {
            "ahead_quantiles": (("quantile", *dims), quantiles),
            "ahead_observed": (dims, observed),
            "ahead_log_score": (dims, log_score),
            "ahead_rank": (dims, rank),
            "coverage": (("interval", "estimate"), [_coverage(rank, width) for width in (0.5, 0.9)]),
        },
        coords={
            "quantile": list(QUANTILES),
            "interval": [0.5, 0.9],
            "estimate": ["value", "low", "high"],
            "ahead_year": ("ahead", np.asarray(year, dtype=float)[list(ahead)] + 1.0),
        },
    )


def _learned_from(
    s: Array, x: Array, scale: float | None, prior: GrowthPrior | None
) -> GaussianProcessStock | None:
    """Return what one history taught so far, None where that is too little."""
    known = np.isfinite(s + x)
    try:
        with warnings.catch_warnings():
            # the fit to all pairs warns of its own quadrature; once is enough
            warnings.simplefilter("ignore", ConvergenceWarning)
            return fit_gaussian_process(s[known], x[known], scale=scale, prior=prior)
    except FitError:
        return None


def _predict(stock: GaussianProcessStock, s: float, x: float) -> tuple[Array, float, float]:
    """Return quantiles of the next biomass, noise included, the log density of what came, and its rank."""
    mean, variance = stock.posterior([s])
    sd = np.sqrt(variance + stock.noise_sd[:, None] ** 2)
    quantiles = s * np.exp(log_quantiles(stock.weight, mean, sd)[:, 0])
    if x <= 0.0:
        return quantiles, np.nan, 0.0
    z = ((np.log(x / s) - mean) / sd)[:, 0]
    density = (
        logsumexp(-0.5 * z**2 - np.log(sd[:, 0]), b=stock.weight) - np.log(x) - 0.5 * np.log(2.0 * np.pi)
    )
    return quantiles, float(density), float(stock.weight @ ndtr(z))


def _coverage(rank: Array, width: float) -> tuple[float, float, float]:
    """Return the share of years inside the central interval, and the ends of Wilson's 95 % interval."""
    inside = np.where(np.isnan(rank), np.nan, np.abs(rank - 0.5) <= 0.5 * width)
    years = ~np.isnan(inside).all(axis=0)
    n = int(years.sum())
    if n == 0:
        return np.nan, np.nan, np.nan
    p = float(np.nanmean(inside[:, years], axis=0).mean())
    center = (p + _Z**2 / (2.0 * n)) / (1.0 + _Z**2 / n)
    half = _Z / (1.0 + _Z**2 / n) * float(np.sqrt(p * (1.0 - p) / n + _Z**2 / (4.0 * n**2)))
    return p, min(max(center - half, 0.0), p), max(min(center + half, 1.0), p)


def leave_one_out_scores(stock: GaussianProcessStock, rivals: Sequence[str] = LAWS) -> xr.Dataset:
    """Compare how a Gaussian process and growth laws predict each pair from all others.

    Parameters
    ----------
    stock
        What `ecodecide.fitting.gaussian_process.fit_gaussian_process` returns.
    rivals
        Growth laws, fitted by maximum likelihood to the pairs that are left; of several draws each law is fitted to
        each, and densities are averaged, as are those of the Gaussian process.

    Returns
    -------
    xarray.Dataset
        Along ``model``, the Gaussian process ("gp") first: ``loo_log_score`` (model, pair), in 1 / unit, NaN for
        pairs that are not positive and laws with too few pairs; over the pairs that all models score,
        ``loo_total``, ``loo_per_pair``, ``loo_difference`` (of the total, less that of the Gaussian process),
        ``loo_difference_se``, and ``loo_place`` (1 is best). ``loo_rank`` (pair): the probability that the Gaussian
        process gave to less than what came.

    Raises
    ------
    FitError
        For an unknown law.

    Notes
    -----
    The standard error of a difference over n pairs is sqrt(n) times the standard deviation of the pairs'
    differences (Vehtari, Gelman & Gabry 2017, doi:10.1007/s11222-016-9696-4, equation 24). It is too small in short
    histories.

    Examples
    --------
    >>> s = np.linspace(0.3, 1.0, 12)
    >>> stock = fit_gaussian_process(s, s * np.exp(0.8 * (1.0 - s)) * np.tile([0.97, 1.03], 6))
    >>> found = leave_one_out_scores(stock, rivals=["ricker"])
    >>> found["loo_log_score"].shape, found["loo_place"].values.tolist()
    ((2, 12), [2.0, 1.0])
    """
    positive = pairs_of(stock).any(axis=0)
    score, rank = stock.leave_one_out()
    scores = np.array([np.where(positive, score, np.nan), *(_rival_scores(stock, law) for law in rivals)])
    able = ~np.isnan(scores).all(axis=1)
    common = ~np.isnan(scores[able]).any(axis=0)
    n = int(common.sum())
    total = np.where(able, scores[:, common].sum(axis=1), np.nan)
    apart = scores[:, common] - scores[0, common]
    spread = apart.std(axis=1, ddof=1) if n > 1 else np.full(len(scores), np.nan)
    along = ("model",)
    return xr.Dataset(
        {
            "loo_log_score": (("model", "pair"), scores),
            "loo_rank": (("pair",), rank),
            "loo_total": (along, total),
            "loo_per_pair": (along, total / n if n else np.full(len(total), np.nan)),
            "loo_difference": (along, total - total[0]),
            "loo_difference_se": (along, np.sqrt(n) * spread),
            "loo_place": (along, np.where(able, 1.0 + np.sum(total[:, None] < total[None], axis=1), np.nan)),
        },
        coords={"model": ["gp", *rivals]},
    )


def _rival_scores(stock: GaussianProcessStock, law: str) -> Array:
    """The log of the mean over draws of a law's density of each pair, fitted without it; shape (pairs,)."""
    known = pairs_of(stock)
    found = np.full(known.shape, np.nan)
    for draw, mine in enumerate(known):
        # one pair less than the law's numbers need is refused there; NaN says so in a table
        if mine.sum() > MINIMUM_PAIRS or law not in LAWS:
            found[draw, mine] = leave_one_out(
                law, stock.escapement[draw, mine], stock.next_biomass[draw, mine]
            )
    some = ~np.isnan(found)
    count = some.sum(axis=0)
    total = logsumexp(np.where(some, found, -np.inf), axis=0) - np.log(np.maximum(count, 1))
    return np.where(count > 0, total, np.nan)


# --- what a policy makes of it ---


def pairs_of(stock: GaussianProcessStock) -> Any:
    """Which pairs a growth law can be scored on: both numbers are positive."""
    with np.errstate(invalid="ignore"):
        return (stock.escapement > 0.0) & (stock.next_biomass > 0.0)


def log_quantiles(weight: Array, mean: Array, sd: Array) -> Array:
    """Quantiles, shape (quantiles, s), of mixtures of normals: weight (nodes,), mean and sd (nodes, s)."""
    sd = np.maximum(sd, 1e-150)
    found = []
    for chance in QUANTILES:
        low, high = np.min(mean - 9.0 * sd, axis=0), np.max(mean + 9.0 * sd, axis=0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            under = weight @ ndtr((middle - mean) / sd) < chance
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        found.append(high)
    return np.asarray(found)
