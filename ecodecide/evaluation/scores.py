"""What a policy is worth and what it risks, each with a Monte Carlo interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ecodecide.errors import EvaluationError
from ecodecide.evaluation import intervals
from ecodecide.evaluation.intervals import Counts, Estimate
from ecodecide.evaluation.limits import LIMITS, collapse_limit, read_limit
from ecodecide.evaluation.metrics import METRICS, Futures
from ecodecide.stock.growth import Array

SCHEMA = "ecodecide-scores-2"
"""The version of the layout of scores."""

WHEN = {
    "ever": "share of replicates below the limit at any t >= 1, of those that start above it",
    "at end": "share of replicates below the limit at t = T",
    "mean years": "mean over replicates of the share of the years t >= 1 below the limit",
}
"""The ways to count a collapse."""

_ESTIMATE = ("low", "value", "high")

Own = Callable[[xr.Dataset], ArrayLike]
"""A metric of one's own: takes the futures of one policy in one world and returns a value per replicate."""


def score(
    runs: xr.Dataset,
    collapse: str | float = "0.1K",
    reference: str | None = None,
    metrics: Mapping[str, Own] | None = None,
) -> xr.Dataset:
    """Score an evaluation.

    Parameters
    ----------
    runs
        What `evaluate` returns. Replicates that its variable `draw` (world, replicate) gives the same number
        live in the same draw of the stock, and count together in the intervals; without it each is its own.
    collapse
        The limit, that of the replicate's own world: a share of the carrying capacity (``"0.1K"``) or of B_MSY before
        harvest (``"0.2BMSY"``), ``"Blim"`` for 0.3 B_MSY, ``"allee"`` for the Allee threshold, or a biomass.
    reference
        The policy that `npv_difference` compares with; None for the first.
    metrics
        Metrics of one's own by name: functions of the futures of one policy in one world, a Dataset over (replicate,
        year), that return a value per replicate, NaN where it is not defined; of True and False the share is taken.

    Returns
    -------
    xarray.Dataset
        `scores` over (policy, world, metric, estimate), estimate being ``low``, ``value``, ``high``: a 95 %
        interval, Wilson's for probabilities, normal for means, both as wide as replicates of shared draws
        make them. NaN where a score is not defined, or too few replicates tell its interval. `collapse_risk` over
        (policy, world, limit, when, estimate): the same for every limit and every way to count.

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
    >>> scores = score(runs, metrics={"lowest": lambda one: one.biomass.min("year")})
    >>> float(scores.scores.sel(policy="no-fishing", metric="npv", estimate="value").item())
    0.0
    """
    return summarize(measure(runs, collapse, metrics), reference)


def measure(
    runs: xr.Dataset, collapse: str | float = "0.1K", metrics: Mapping[str, Own] | None = None
) -> xr.Dataset:
    """Measure every future of an evaluation: what `summarize` makes scores of.

    Runs may be simulated and measured in parts, and the measures joined along the replicates, which takes a
    fraction of the room of the futures.

    Parameters
    ----------
    runs, collapse, metrics
        As in `score`.

    Returns
    -------
    xarray.Dataset
        `outcome` over (policy, world, replicate, metric); `collapsed` over (policy, world, replicate, limit, when);
        of metrics that look for the worst year `METRIC_by_year` over (policy, world, replicate, year).

    Raises
    ------
    EvaluationError
        As `score`.
    """
    own = dict(metrics or {})
    clash = [name for name in own if name in METRICS]
    if clash:
        raise EvaluationError(f"a metric of one's own needs a name of its own, got {', '.join(clash)}")
    years = int(runs.attrs.get("years", runs.sizes["year"]))
    if runs.sizes["year"] != years:
        raise EvaluationError(
            f"the runs hold {runs.sizes['year']} of their {years} years, and scores are of whole runs: evaluate "
            "with fewer years"
        )
    limit = collapse_limit(runs, collapse)
    limits = {
        name: _limit_or_nothing(runs, name) for name in LIMITS if read_limit(name) != read_limit(collapse)
    }
    limits[str(collapse)] = limit
    shape = (runs.sizes["policy"], runs.sizes["world"], runs.sizes["replicate"])
    outcome = np.full((*shape, len(METRICS) + len(own)), np.nan)
    collapsed = np.full((*shape, len(limits), len(WHEN)), np.nan, dtype=np.float32)
    by_year = {
        f"{name}_by_year": np.full((*shape, years), np.nan, dtype=np.float32)
        for name, metric in METRICS.items()
        if metric.kind == "worst year"
    }
    kinds = [metric.kind for metric in METRICS.values()]
    for p in range(shape[0]):
        for w in range(shape[1]):
            one = runs.isel(policy=p, world=w)
            futures = _futures(one, limit[w])
            for m, (name, metric) in enumerate(METRICS.items()):
                values = metric.of(futures)
                if metric.kind == "worst year":
                    by_year[f"{name}_by_year"][p, w] = values
                else:
                    outcome[p, w, :, m] = values
            for m, (name, function) in enumerate(own.items(), len(METRICS)):
                outcome[p, w, :, m], kind = _own(name, function, one, shape[2])
                if len(kinds) == m:
                    kinds.append(kind)
            for i, level in enumerate(limits.values()):
                collapsed[p, w, :, i] = _collapsed(futures, level[w])
    dims = ("policy", "world", "replicate")
    words = [metric.words for metric in METRICS.values()] + [(f.__doc__ or "").strip() for f in own.values()]
    measured = xr.Dataset(
        {
            "outcome": ((*dims, "metric"), outcome),
            "collapsed": ((*dims, "limit", "when"), collapsed),
            **{name: ((*dims, "year"), values) for name, values in by_year.items()},
        },
        coords={
            **{dim: runs[dim].values for dim in dims},
            "metric": [*METRICS, *own],
            "definition": ("metric", words),
            "kind": ("metric", kinds),
            "limit": list(limits),
            "when": list(WHEN),
            "counted": ("when", list(WHEN.values())),
        },
        attrs={**runs.attrs, "collapse": str(collapse)},
    )
    if "draw" in runs:
        measured["draw"] = runs["draw"]
    return measured


def summarize(measured: xr.Dataset, reference: str | None = None) -> xr.Dataset:
    """Return scores of what was measured of every future.

    Parameters
    ----------
    measured
        What `measure` returns, whole or joined of parts.
    reference
        As in `score`.

    Returns
    -------
    xarray.Dataset
        As `score`.

    Raises
    ------
    EvaluationError
        For a reference that does not exist.
    """
    names = [str(p) for p in measured["policy"].values]
    reference = names[0] if reference is None else reference
    if reference not in names:
        raise EvaluationError(f"no policy {reference!r} to compare with: expected one of {', '.join(names)}")
    metrics = [str(m) for m in measured["metric"].values]
    kinds = [str(k) for k in measured["kind"].values]
    outcome = measured["outcome"].transpose("policy", "world", "metric", "replicate").values
    collapsed = measured["collapsed"].transpose("policy", "world", "limit", "when", "replicate").values
    table = np.full((*outcome.shape[:3], 3), np.nan)
    risks = np.full((*collapsed.shape[:4], 3), np.nan)
    for w in range(outcome.shape[1]):
        draws = draws_of(measured.isel(world=w))
        base = outcome[names.index(reference), w, metrics.index("npv")]
        for p in range(len(names)):
            for m, (metric, kind) in enumerate(zip(metrics, kinds, strict=True)):
                values = outcome[p, w, m]
                if kind == "worst year":
                    by_year = measured[f"{metric}_by_year"].isel(policy=p, world=w)
                    table[p, w, m] = _worst_year(by_year.transpose("replicate", "year").values, draws)
                else:
                    table[p, w, m] = _estimate(kind, values - base if kind == "difference" else values, draws)
            for i in range(collapsed.shape[2]):
                for j, when in enumerate(measured["when"].values):
                    kind = "fraction" if when == "mean years" else "share"
                    risks[p, w, i, j] = _estimate(kind, collapsed[p, w, i, j].astype(float), draws)
    scores = xr.Dataset(
        {
            "scores": (("policy", "world", "metric", "estimate"), table),
            "collapse_risk": (("policy", "world", "limit", "when", "estimate"), risks),
        },
        coords={
            **{
                key: measured[key]
                for key in ("policy", "world", "metric", "definition", "limit", "when", "counted")
            },
            "estimate": list(_ESTIMATE),
        },
    )
    scores.attrs = {
        **measured.attrs,
        "schema": SCHEMA,
        "reference": reference,
        "interval": "95 %, Wilson for probabilities, normal for means, robust to replicates of the same draw",
    }
    return scores


def draws_of(one: xr.Dataset) -> Counts:
    """Return the number of the draw of the stock that each replicate of one world lives in.

    Without such numbers, or where all are the same, the replicates differ by their luck alone: each is its own.
    """
    replicates = np.arange(one.sizes["replicate"])
    if "draw" not in one:
        return replicates
    numbers = np.unique(one["draw"].values, return_inverse=True)[1].reshape(-1)
    return numbers if numbers.any() else replicates


def _limit_or_nothing(runs: xr.Dataset, name: str) -> Array:
    try:
        return collapse_limit(runs, name)
    except EvaluationError:
        return np.full((runs.sizes["world"], runs.sizes["replicate"]), np.nan)


def _futures(one: xr.Dataset, limit: Array) -> Futures:
    def series(key: str) -> Array:
        return np.asarray(one[key].transpose("replicate", "year").values, dtype=float)

    unknown = np.full(one.sizes["replicate"], np.nan)
    return Futures(
        biomass=series("biomass"),
        catch=series("catch"),
        quota=series("quota"),
        profit=series("profit"),
        final_biomass=one["final_biomass"].values,
        b_msy=one["b_msy"].values if "b_msy" in one else unknown,
        msy=one["msy"].values if "msy" in one else unknown,
        limit=limit,
        discount=float(one.attrs["discount"]),
    )


def _collapsed(futures: Futures, level: Array) -> Array:
    """Return, of each replicate, whether it counts as collapsed by each way to count, shape (replicates, ways)."""
    below = futures.later < level[:, None]
    starts_above = futures.biomass[:, 0] >= level
    known = np.isfinite(level)
    return np.column_stack(
        [
            np.where(known & starts_above, below.any(axis=1), np.nan),
            np.where(known, below[:, -1], np.nan),
            np.where(known, below.mean(axis=1), np.nan),
        ]
    )


def _own(name: str, function: Own, one: xr.Dataset, replicates: int) -> tuple[Array, str]:
    found = np.asarray(function(one))
    if found.shape != (replicates,):
        raise EvaluationError(
            f"the metric {name!r} returned values of shape {found.shape}: expected one per replicate, ({replicates},)"
        )
    is_number = found.dtype == bool or np.issubdtype(found.dtype, np.number)
    if not is_number or np.isinf(found).any():
        raise EvaluationError(
            f"the metric {name!r} returned values that are infinite or no numbers: expected a number per replicate, "
            "NaN where it is not defined"
        )
    return found.astype(float), "share" if found.dtype == bool else "mean"


def _estimate(kind: str, values: Array, draws: Counts) -> Estimate:
    """Return a summary of the replicates for which something is defined, with its interval."""
    defined = ~np.isnan(values)
    values, draws = values[defined], draws[defined]
    if kind == "share":
        return intervals.share(values > 0.5, draws)
    if kind == "fraction":
        return intervals.fraction(values, draws)
    return intervals.lower_tail(values, draws) if kind == "lower tail" else intervals.mean(values, draws)


def _worst_year(flags: Array, draws: Counts) -> Estimate:
    """Return the largest yearly share, and an interval of the largest probability.

    The intervals of all years hold at once, so that the largest of their ends hold what is largest. The estimate is a
    little high: it is that of the year in which luck was worst.
    """
    known = ~np.isnan(flags[:, 0])
    if not known.any():
        return (np.nan, np.nan, np.nan)
    years = flags[known].T > 0.5
    found = np.array([intervals.share(year, draws[known], of=len(years)) for year in years])
    low, value, high = found.max(axis=0)
    return (float(low), float(value), float(high))
