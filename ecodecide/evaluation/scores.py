"""What a policy is worth and what it risks, each with a Monte Carlo interval."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.stock.growth import Array

METRICS = {
    "collapse_probability": "share of replicates whose biomass before harvest falls below the limit at t >= 1",
    "npv": "net present value: sum of discount^t times profit, t = 0, 1, ...",
    "mean_catch": "catch per year",
    "aav": "average annual variability: sum of |change of catch| / sum of catch; undefined where nothing is caught",
    "closed_years": "years with a quota of zero",
    "extinction_probability": "share of replicates whose biomass reaches zero",
    "years_below_limit": "years t >= 1 below the limit",
    "time_to_collapse": "years until first below the limit, of the replicates that collapse",
    "npv_lower_tail": "CVaR 5 %: mean net present value of the worst twentieth of replicates",
    "recovery_probability": "share of the replicates that start below the limit and rise above it",
    "recovery_time": "years until first above the limit, of those that start below and recover",
    "npv_difference": "net present value less that of the reference policy, replicate by replicate",
}
"""The metrics by name, in words."""

Flags = np.ndarray[Any, np.dtype[np.bool_]]
Counts = np.ndarray[Any, np.dtype[np.int64]]

_Z = 1.959963984540054
"""The 97.5 % point of the standard normal distribution: intervals hold 95 %."""

_TAIL = 0.05
"""The share of the futures that the lower tail is of."""


def read_limit(collapse: str | float) -> tuple[float, str | None]:
    """Return a collapse limit as a factor and the reference point that it multiplies, None for a plain biomass.

    Parameters
    ----------
    collapse
        A share of the carrying capacity (``"0.1K"``) or of B_MSY before harvest (``"0.2BMSY"``),
        ``"allee"`` for the Allee threshold, or a biomass.

    Raises
    ------
    EvaluationError
        When it is none of these.

    Examples
    --------
    >>> read_limit("0.1K"), read_limit("allee"), read_limit(2000)
    ((0.1, 'carrying_capacity'), (1.0, 'allee_threshold'), (2000.0, None))
    """
    text = str(collapse).strip()
    if text.lower() == "allee":
        return 1.0, "allee_threshold"
    match = re.fullmatch(r"(\d*\.?\d*(?:[eE][+-]?\d+)?)\s*\*?\s*(K|B_?MSY)?", text, flags=re.IGNORECASE)
    with contextlib.suppress(ValueError):
        if match and np.isfinite(factor := float(match[1])):
            unit = (match[2] or "").upper()
            return factor, {"": None, "K": "carrying_capacity"}.get(unit, "b_msy")
    raise EvaluationError(
        f"cannot read the collapse limit {text!r}: expected a share of the carrying capacity such as 0.1K, of "
        "B_MSY such as 0.2BMSY, 'allee', or a biomass"
    )


def collapse_limit(runs: xr.Dataset, collapse: str | float) -> Array:
    """Return the limit of each replicate's own world, shape (world, replicate).

    Where some worlds have an Allee threshold, those without have none to fall below: their limit ``"allee"`` is
    zero. A world in which the stock dies out from any start has no carrying capacity to take a share of: its
    limit is the median of the others'.

    Parameters
    ----------
    runs
        An evaluation.
    collapse
        See `read_limit`.

    Raises
    ------
    EvaluationError
        When the limit cannot be read, or no world has such a thing.
    """
    factor, key = read_limit(collapse)
    like = runs["carrying_capacity"].transpose("world", "replicate")
    if key is None:
        return np.full(like.shape, factor)
    limit = factor * np.asarray(runs[key].transpose("world", "replicate").values, dtype=float)
    known = limit[np.isfinite(limit) & (limit > 0.0)] if factor > 0.0 else limit
    if known.size == 0 or (key != "allee_threshold" and np.isnan(limit).any()):
        raise EvaluationError(
            f"the collapse limit {str(collapse)!r} does not exist for this stock: give another, or a biomass"
        )
    if key == "allee_threshold":
        return np.nan_to_num(limit)
    return np.where(limit > 0.0, limit, np.median(known))


def score(runs: xr.Dataset, collapse: str | float = "0.1K", reference: str | None = None) -> xr.Dataset:
    """Score an evaluation.

    Parameters
    ----------
    runs
        What `evaluate` returns. Replicates that its variable `draw` (world, replicate) gives the same number
        live in the same world, and count together in the intervals; without it each is its own.
    collapse
        The limit, see `collapse_limit`: that of the replicate's own world.
    reference
        The policy that `npv_difference` compares with; None for the first.

    Returns
    -------
    xarray.Dataset
        `scores` over (policy, world, metric, estimate), estimate being ``low``, ``value``, ``high``: a 95 %
        interval, Wilson's for probabilities, normal for means, both as wide as replicates of shared worlds
        make them. NaN where a score is not defined, or too few replicates tell its interval.

    Raises
    ------
    EvaluationError
        For a limit or reference that does not exist, or when years were cut off from the runs.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    >>> problem = eco.HarvestProblem(stock=stock)
    >>> policy = eco.Precautionary("no-fishing").solve(problem).policy
    >>> runs = eco.evaluate({"no-fishing": policy}, truth=stock, survey=problem.survey,
    ...                     economy=problem.economy, initial_biomass=1.0, replicates=10)
    >>> float(score(runs).scores.sel(policy="no-fishing", metric="npv", estimate="value").item())
    0.0
    """
    names = [str(p) for p in runs["policy"].values]
    worlds = [str(w) for w in runs["world"].values]
    reference = names[0] if reference is None else reference
    if reference not in names:
        raise EvaluationError(f"no policy {reference!r} to compare with: expected one of {', '.join(names)}")
    years = int(runs.attrs.get("years", runs.sizes["year"]))
    if runs.sizes["year"] != years:
        raise EvaluationError(
            f"the runs hold {runs.sizes['year']} of their {years} years, and scores are of whole runs: evaluate "
            "with fewer years"
        )
    limit = collapse_limit(runs, collapse)
    table = np.full((len(names), len(worlds), len(METRICS), 3), np.nan)
    for w in range(len(worlds)):
        base = _npv(runs.isel(world=w).sel(policy=reference))
        draws = _draws(runs.isel(world=w))
        for p in range(len(names)):
            one = runs.isel(policy=p, world=w)
            for m, estimate in enumerate(_estimates(one, limit[w], base, draws).values()):
                table[p, w, m] = estimate
    scores = xr.Dataset(
        {"scores": (("policy", "world", "metric", "estimate"), table)},
        coords={
            "policy": names,
            "world": worlds,
            "metric": list(METRICS),
            "estimate": ["low", "value", "high"],
            "definition": ("metric", list(METRICS.values())),
        },
    )
    scores.attrs = {
        **runs.attrs,
        "schema": "ecodecide-scores-1",
        "collapse": str(collapse),
        "reference": reference,
        "interval": "95 %, Wilson for probabilities, normal for means, robust to replicates of the same draw",
    }
    return scores


def _npv(one: xr.Dataset) -> Array:
    weights = float(one.attrs["discount"]) ** np.arange(one.sizes["year"])
    # a sum in a fixed order, not a matrix product, so that the digits do not depend on the batch
    return np.asarray(
        (one["profit"].transpose("replicate", "year").values * weights).sum(axis=1), dtype=float
    )


def _draws(one: xr.Dataset) -> Counts:
    """Return the number of the world that each replicate lives in, of those drawn.

    Without such numbers, or where all are the same, the replicates differ by their luck alone: each is its own.
    """
    replicates = np.arange(one.sizes["replicate"])
    if "draw" not in one:
        return replicates
    numbers = np.unique(one["draw"].values, return_inverse=True)[1].reshape(-1)
    return numbers if numbers.any() else replicates


def _estimates(
    one: xr.Dataset, limit: Array, base: Array, draws: Counts
) -> dict[str, tuple[float, float, float]]:
    biomass = one["biomass"].transpose("replicate", "year").values
    later = np.column_stack([biomass[:, 1:], one["final_biomass"].values])
    catch = one["catch"].transpose("replicate", "year").values
    quota = one["quota"].transpose("replicate", "year").values
    below: Flags = later < limit[:, None]
    above: Flags = ~below
    starts_above: Flags = biomass[:, 0] >= limit
    fell: Flags = starts_above & np.any(below, axis=1)
    rose: Flags = ~starts_above & np.any(above, axis=1)
    total = catch.sum(axis=1)
    change = np.abs(np.diff(catch, axis=1)).sum(axis=1)
    varies = (total > 0.0) & (catch.shape[1] > 1)
    npv = _npv(one)
    return {
        "collapse_probability": _share(fell[starts_above], draws[starts_above]),
        "npv": _mean(npv, draws),
        "mean_catch": _mean(catch.mean(axis=1), draws),
        "aav": _mean(change[varies] / total[varies], draws[varies]),
        "closed_years": _mean((quota <= 0.0).sum(axis=1) * 1.0, draws),
        "extinction_probability": _share(np.any(later <= 0.0, axis=1), draws),
        "years_below_limit": _mean(below.sum(axis=1) * 1.0, draws),
        "time_to_collapse": _mean(1.0 + below.argmax(axis=1)[fell], draws[fell]),
        "npv_lower_tail": _lower_tail(npv, draws),
        "recovery_probability": _share(rose[~starts_above], draws[~starts_above]),
        "recovery_time": _mean(1.0 + above.argmax(axis=1)[rose], draws[rose]),
        "npv_difference": _mean(npv - base, draws),
    }


def _share(hits: Flags, draws: Counts) -> tuple[float, float, float]:
    """Return a proportion p and Wilson's interval (1927, J. Am. Stat. Assoc. 22:209).

    Instead of n it takes n/d, d being how many times the variance is that of independent replicates, at
    least 1. Fewer than five hits, or misses, do not show how alike replicates of the same draw are: then they
    are taken to be the same.
    """
    n = hits.size
    if n == 0:
        return (np.nan, np.nan, np.nan)
    count = int(hits.sum())
    p = count / n
    sizes = np.bincount(draws)
    worst = float((sizes * sizes).sum()) / n
    variance = _variance(np.asarray(hits, dtype=float), p, draws)
    known = min(count, n - count) >= 5 and np.isfinite(variance)
    # over n - 1, so that d is 1 where each replicate is its own
    effect = variance / (p * (1.0 - p) / (n - 1)) if known and worst > 1.0 else worst
    m = n / max(effect, 1.0)
    center = (p + _Z**2 / (2.0 * m)) / (1.0 + _Z**2 / m)
    half = _Z / (1.0 + _Z**2 / m) * np.sqrt(p * (1.0 - p) / m + _Z**2 / (4.0 * m**2))
    # at 0 and 1 the ends are those up to rounding
    return (min(max(float(center - half), 0.0), p), p, max(min(float(center + half), 1.0), p))


def _mean(values: Array, draws: Counts) -> tuple[float, float, float]:
    """Return a mean and its normal interval; replicates of a single draw tell of none."""
    if values.size == 0:
        return (np.nan, np.nan, np.nan)
    value = float(values.mean())
    half = _Z * float(np.sqrt(_variance(values, value, draws)))
    return (value - half, value, value + half)


def _variance(values: Array, mean: float, draws: Counts) -> float:
    """Return the variance of a mean over replicates that share G draws; NaN for G = 1.

    G/(G - 1) sum(n_g^2 (m_g - mean)^2) / n^2 over draws of n_g replicates with the mean m_g: the sandwich
    estimator (Liang & Zeger 1986, Biometrika 73:13), and the usual one where each replicate is its own.
    """
    sizes = np.bincount(draws)
    groups = int((sizes > 0).sum())
    if groups < 2:
        return float(np.nan)
    # n_g (m_g - mean), added up in the order of the replicates
    apart = np.bincount(draws, weights=values - mean)
    return groups / (groups - 1) * float((apart * apart).sum()) / values.size**2


def _lower_tail(npv: Array, draws: Counts) -> tuple[float, float, float]:
    """Return the mean of the worst twentieth; its interval where at least two replicates are in it.

    The interval is that of the estimator q - mean(max(q - v, 0)) / 0.05 (Rockafellar & Uryasev 2000, Journal of
    Risk 2:21) at the sample's own quantile q.
    """
    quantile = float(np.quantile(npv, _TAIL, method="inverted_cdf"))
    low, value, high = _mean(quantile - np.maximum(quantile - npv, 0.0) / _TAIL, draws)
    return (low, value, high) if _TAIL * npv.size >= 2.0 else (np.nan, value, np.nan)
