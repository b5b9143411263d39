"""What a policy is worth and what it risks, each with a Monte Carlo interval."""

from __future__ import annotations

import re

import numpy as np
import xarray as xr
from scipy.stats import binomtest

from ecodecide.errors import EvaluationError
from ecodecide.stock.growth import Array

METRICS = {
    "collapse_probability": "share of replicates whose biomass before harvest falls below the limit at t >= 1",
    "npv": "net present value: sum of discount^t times profit, t = 0, 1, ...",
    "mean_catch": "catch per year",
    "aav": "average annual variability of catch: sum of |change| / sum of catch; undefined if nothing is caught",
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

_LEVEL = 0.95


def collapse_limit(runs: xr.Dataset, collapse: str | float) -> Array:
    """Return the limit of each replicate's own world, shape (world, replicate).

    Parameters
    ----------
    runs
        An evaluation.
    collapse
        A share of the carrying capacity (``"0.1K"``) or of B_MSY before harvest (``"0.2BMSY"``),
        ``"allee"`` for the Allee threshold, or a biomass.

    Raises
    ------
    EvaluationError
        When the limit cannot be read, or the worlds have no such thing.
    """
    text = str(collapse).strip()
    match = re.fullmatch(r"([0-9.eE+-]+?)\s*\*?\s*(K|B_?MSY)?", text, flags=re.IGNORECASE)
    if text.lower() == "allee":
        limit = runs["allee_threshold"].values
    elif match:
        try:
            number = float(match[1])
        except ValueError:
            number = np.nan
        key = {"": None, "K": "carrying_capacity"}.get((match[2] or "").upper(), "b_msy")
        limit = np.full(runs["carrying_capacity"].shape, number) if key is None else number * runs[key].values
        if not (np.isfinite(number) and number >= 0.0):
            match = None
    if text.lower() != "allee" and not match:
        raise EvaluationError(
            f"cannot read the collapse limit {text!r}: expected a share of the carrying capacity such as 0.1K, of "
            "B_MSY such as 0.2BMSY, 'allee', or a biomass"
        )
    if np.isnan(limit).any():
        raise EvaluationError(f"the collapse limit {text!r} does not exist in every world: use a share of K such as 0.1K")
    return np.asarray(limit, dtype=float)


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
        For a limit or reference that does not exist.

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
            "policy": names, "world": worlds, "metric": list(METRICS), "estimate": ["low", "value", "high"],
            "definition": ("metric", list(METRICS.values())),
        },
    )
    scores.attrs = {
        **runs.attrs, "schema": "ecodecide-scores-1", "collapse": str(collapse), "reference": reference,
        "interval": "95 %, Wilson for probabilities, normal for means",
    }
    return scores


def _npv(one: xr.Dataset) -> Array:
    weights = float(one.attrs["discount"]) ** np.arange(one.sizes["year"])
    # a sum in a fixed order, not a matrix product, so that the digits do not depend on the batch
    return np.asarray((one["profit"].transpose("replicate", "year").values * weights).sum(axis=1), dtype=float)


def _estimates(one: xr.Dataset, limit: Array, base: Array) -> dict[str, tuple[float, float, float]]:
    biomass = one["biomass"].transpose("replicate", "year").values
    later = np.column_stack([biomass[:, 1:], one["final_biomass"].values])
    catch = one["catch"].transpose("replicate", "year").values
    quota = one["quota"].transpose("replicate", "year").values
    below = later < limit[:, None]
    fell = below.any(axis=1)
    starts_above = biomass[:, 0] >= limit
    above = ~below
    rose = above.any(axis=1)
    total = catch.sum(axis=1)
    change = np.abs(np.diff(catch, axis=1)).sum(axis=1)
    npv = _npv(one)
    return {
        "collapse_probability": _share(fell[starts_above]),
        "npv": _mean(npv),
        "mean_catch": _mean(catch.mean(axis=1)),
        "aav": _mean(change[total > 0.0] / total[total > 0.0]),
        "closed_years": _mean((quota <= 0.0).sum(axis=1) * 1.0),
        "extinction_probability": _share((later <= 0.0).any(axis=1)),
        "years_below_limit": _mean(below.sum(axis=1) * 1.0),
        "time_to_collapse": _mean(1.0 + below.argmax(axis=1)[starts_above & fell]),
        "npv_lower_tail": _lower_tail(npv),
        "recovery_probability": _share(rose[~starts_above]),
        "recovery_time": _mean(1.0 + above.argmax(axis=1)[~starts_above & rose]),
        "npv_difference": _mean(npv - base),
    }


def _share(hits: Array) -> tuple[float, float, float]:
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
    quantile = float(np.quantile(npv, 0.05))
    return _mean(quantile - np.maximum(quantile - npv, 0.0) / 0.05)
