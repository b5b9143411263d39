"""The advice and beliefs of each year beside what happened, as a Dataset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ecodecide.evaluation.hindcast.belief_track import QUANTILES
from ecodecide.evaluation.hindcast.past_advice import (
    YearOfAdvice,
)
from ecodecide.evaluation.hindcast.past_years import PastYears
from ecodecide.evaluation.managed_stock import ManagedStock


def hindcast_dataset(
    managed: ManagedStock,
    past: PastYears,
    places: range,
    advice: Mapping[int, YearOfAdvice],
    names: list[str],
) -> xr.Dataset:
    """Put the advice and beliefs of each year beside what happened."""
    grid, unit = managed.problem.grid, managed.posterior.unit
    nothing = YearOfAdvice({}, {})
    each = [advice.get(place, nothing) for place in places]
    limits = list(dict.fromkeys(limit for one in each for limit in one.below or {}))
    empty, unknown = np.full(len(grid.points), np.nan), np.full(len(QUANTILES), np.nan)
    rows = list(places)
    hindsight = np.quantile(managed.posterior.trajectory_biomass[:, rows], QUANTILES, axis=0)
    observed_in = "in units of biomass"
    if past.history.free_catchability:
        observed_in += " by the catchability of the whole history, in hindsight"
    words = {
        "advised": ("quota advised before the year's catch (NaN: none)", unit),
        "catch": ("what was caught (NaN: not known)", unit),
        "observed": (f"survey before the year's catch, {observed_in} (NaN: none)", unit),
        "belief": ("probability of the biomass before harvest, as it was believed then", "1"),
        "belief_mean": ("mean of the belief of then", unit),
        "belief_quantile": ("quantiles of the belief of then", unit),
        "belief_below": ("probability of being below each limit, as it was believed then", "1"),
        "hindsight": ("quantiles of the biomass before harvest, given the whole history", unit),
        "year": ("year", "1"),
        "state": ("biomass that stands for a state of the decision grid", unit),
        "policy": ("policy", "1"),
        "quantile": ("quantile", "1"),
        "limit": ("collapse limit", "1"),
    }
    data = xr.Dataset(
        {
            "advised": (
                ("policy", "year"),
                np.array([[one.quotas.get(name, np.nan) for one in each] for name in names]),
            ),
            "catch": ("year", past.catch[rows]),
            "observed": ("year", past.surveys[rows]),
            "belief": (("year", "state"), np.array([empty if o.belief is None else o.belief for o in each])),
            "belief_mean": ("year", [one.mean for one in each]),
            "belief_quantile": (
                ("quantile", "year"),
                np.array([unknown if one.quantiles is None else one.quantiles for one in each]).T,
            ),
            "belief_below": (
                ("limit", "year"),
                np.array(
                    [[(one.below or {}).get(limit, np.nan) for one in each] for limit in limits]
                ).reshape(len(limits), len(each)),
            ),
            "hindsight": (("quantile", "year"), hindsight),
        },
        coords={
            "policy": names,
            "year": past.year[rows],
            "quantile": list(QUANTILES),
            "limit": limits,
            "state": grid.points,
        },
    )
    for name, (long_name, units) in words.items():
        data[name].attrs = {"long_name": long_name, "units": units}
    return data
