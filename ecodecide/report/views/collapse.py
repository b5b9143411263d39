"""How soon stocks collapse, and how soon collapsed ones recover."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.evaluation import intervals
from ecodecide.evaluation.comparison import Comparison
from ecodecide.evaluation.limits import collapse_limit
from ecodecide.evaluation.scores import draws_of
from ecodecide.report.views.labelled import ESTIMATE, labelled, names, view
from ecodecide.stock.growth import Array


def collapse_view(comparison: Comparison) -> xr.Dataset:
    """Return the probability of having collapsed by each year, and of having recovered, with 95 % intervals.

    A future collapses when its biomass before harvest at t >= 1 is below the limit of its own world, and counts among
    those that start at the limit or above it; of those that start below, the time until they first rise to it is what
    is told instead. So the last year's probabilities are the scores `collapse_probability` and
    `recovery_probability`. Intervals are Wilson's, each of its year alone.

    Parameters
    ----------
    comparison
        What `ecodecide.compare` returns.

    Returns
    -------
    xarray.Dataset
        ``collapsed_by`` and ``recovered_by`` over (world, policy, year, estimate), year counting decisions: t = 0,
        where nothing has happened, to the number of years; NaN where no future starts above, or below.
        ``starts_above`` over world: the share of futures that do.
    """
    runs = comparison.runs
    limit = collapse_limit(runs, comparison.settings["collapse"])
    policies, worlds = names(runs, "policy"), names(runs, "world")
    years = runs.sizes["year"]
    collapsed = np.full((len(worlds), len(policies), years + 1, len(ESTIMATE)), np.nan)
    recovered = np.full_like(collapsed, np.nan)
    above = np.full(len(worlds), np.nan)
    for w in range(len(worlds)):
        draws = draws_of(runs.isel(world=w))
        known = np.isfinite(limit[w])
        for p in range(len(policies)):
            one = runs.isel(policy=p, world=w)
            biomass = np.column_stack(
                [one["biomass"].transpose("replicate", "year").values, one["final_biomass"].values]
            )
            below = biomass < limit[w][:, None]
            high, low = known & ~below[:, 0], known & below[:, 0]
            collapsed[w, p] = _by_year(below[high], draws[high])
            recovered[w, p] = _by_year(~below[low], draws[low])
            above[w] = high.sum() / known.sum() if known.any() else np.nan
    dims = ("world", "policy", "year", "estimate")
    return view(
        {
            "collapsed_by": labelled(
                dims, collapsed, "probability of having fallen below the limit by the year"
            ),
            "recovered_by": labelled(
                dims,
                recovered,
                "probability of having risen to the limit by the year, of futures that start below",
            ),
            "starts_above": labelled(("world",), above, "share of futures that start at the limit or above"),
        },
        {
            "world": worlds,
            "policy": policies,
            "year": labelled(("year",), np.arange(years + 1), "years after the first decision", "year"),
            "estimate": list(ESTIMATE),
        },
        stock=comparison.history.id,
        policies=names(comparison.runs, "policy"),
        unit=str(runs.attrs["unit"]),
        collapse=str(comparison.settings["collapse"]),
    )


def _by_year(happens: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], draws: intervals.Counts) -> Array:
    """Return estimates of the share to which something has happened by each year, none by the first."""
    happened = np.maximum.accumulate(happens[:, 1:], axis=1)
    found = np.full((happens.shape[1], len(ESTIMATE)), np.nan)
    if len(happens) == 0:
        return found
    found[0] = 0.0
    for year in range(happened.shape[1]):
        low, value, high = intervals.share(happened[:, year], draws)
        found[year + 1] = (value, low, high)
    return found
