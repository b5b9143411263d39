"""What a policy is worth and what it risks, each with a Monte Carlo interval."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import binomtest

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

_LEVEL = 0.95


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
        What `evaluate` returns.
    collapse
        The limit, see `collapse_limit`: that of the replicate's own world.
    reference
        The policy that `npv_difference` compares with; None for the first.

    Returns
    -------
    xarray.Dataset
        `scores` over (policy, world, metric, estimate), estimate being ``low``, ``value``, ``high``: a 95 %
        interval, Wilson's for probabilities, normal for means. NaN where a score is not defined.

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
        for p in range(len(names)):
            one = runs.isel(policy=p, world=w)
            for m, estimate in enumerate(_estimates(one, limit[w], base).values()):
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
        "interval": "95 %, Wilson for probabilities, normal for means",
    }
    return scores


def _npv(one: xr.Dataset) -> Array:
    weights = float(one.attrs["discount"]) ** np.arange(one.sizes["year"])
    # a sum in a fixed order, not a matrix product, so that the digits do not depend on the batch
    return np.asarray(
        (one["profit"].transpose("replicate", "year").values * weights).sum(axis=1), dtype=float
    )


def _estimates(one: xr.Dataset, limit: Array, base: Array) -> dict[str, tuple[float, float, float]]:
    biomass = one["biomass"].transpose("replicate", "year").values
    later = np.column_stack([biomass[:, 1:], one["final_biomass"].values])
    catch = one["catch"].transpose("replicate", "year").values
    quota = one["quota"].transpose("replicate", "year").values
    below: Flags = later < limit[:, None]
    above: Flags = ~below
    starts_above: Flags = biomass[:, 0] >= limit
    fell: Flags = np.any(below, axis=1)
    rose: Flags = np.any(above, axis=1)
    total = catch.sum(axis=1)
    change = np.abs(np.diff(catch, axis=1)).sum(axis=1)
    varies = (total > 0.0) & (catch.shape[1] > 1)
    npv = _npv(one)
    return {
        "collapse_probability": _share(fell[starts_above]),
        "npv": _mean(npv),
        "mean_catch": _mean(catch.mean(axis=1)),
        "aav": _mean(change[varies] / total[varies]),
        "closed_years": _mean((quota <= 0.0).sum(axis=1) * 1.0),
        "extinction_probability": _share(np.any(later <= 0.0, axis=1)),
        "years_below_limit": _mean(below.sum(axis=1) * 1.0),
        "time_to_collapse": _mean(1.0 + below.argmax(axis=1)[starts_above & fell]),
        "npv_lower_tail": _lower_tail(npv),
        "recovery_probability": _share(rose[~starts_above]),
        "recovery_time": _mean(1.0 + above.argmax(axis=1)[~starts_above & rose]),
        "npv_difference": _mean(npv - base),
    }


def _share(hits: Flags) -> tuple[float, float, float]:
    """Return a proportion and its Wilson interval."""
    if hits.size == 0:
        return (np.nan, np.nan, np.nan)
    k = int(hits.sum())
    interval = binomtest(k, hits.size).proportion_ci(_LEVEL, method="wilson")
    value = k / hits.size
    return (min(float(interval.low), value), value, max(float(interval.high), value))


def _mean(values: Array) -> tuple[float, float, float]:
    """Return a mean and its normal interval; of a single value no interval is known but itself."""
    if values.size == 0:
        return (np.nan, np.nan, np.nan)
    value = float(values.mean())
    half = 1.959963984540054 * float(values.std(ddof=1)) / np.sqrt(values.size) if values.size > 1 else 0.0
    return (value - half, value, value + half)


def _lower_tail(npv: Array) -> tuple[float, float, float]:
    """Return the mean of the worst twentieth.

    The interval is that of the estimator q - mean(max(q - v, 0)) / 0.05 (Rockafellar & Uryasev 2000, Journal of
    Risk 2:21) at the sample's own quantile q.
    """
    quantile = float(np.quantile(npv, 0.05, method="inverted_cdf"))
    return _mean(quantile - np.maximum(quantile - npv, 0.0) / 0.05)
