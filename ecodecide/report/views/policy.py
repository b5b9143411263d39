"""How each policy harvests: the quota and what it leaves, against the biomass observed."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.errors import PolicyError
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.protocol import Policy
from ecodecide.report.views.labelled import labelled, median_point, view
from ecodecide.stock.growth import Array

POINTS = 121
"""Observations at which policies are asked."""

_LEVELS = (0.05, 0.5, 0.95)

_FIRST = "first decision, on what is believed today, if a survey sees this biomass"


def policy_view(managed: ManagedStock) -> xr.Dataset:
    """Return the first quota of each policy against the biomass that is observed before it.

    Of a policy on observed biomass this is all there is to know. One with a memory decides once, from where it stands
    at the end of the history: a belief policy combines the observation with its belief, a rule on a series appends it.
    Where the history ends with a survey the belief has heard that one already.

    Parameters
    ----------
    managed
        A fitted stock with policies.

    Returns
    -------
    xarray.Dataset
        ``quota`` and ``escapement`` over (policy, biomass): the quota, and the biomass less the quota, at least 0; NaN
        of a policy of one's own that a file could not keep.
        Observations go from 0 to 1.3 carrying capacities, or to the end of the grid where that comes first.
        ``biomass_now`` over quantile: median and 90 % interval of the biomass when the first quota is set. The scalars
        ``b_msy``, ``carrying_capacity`` and ``msy`` are medians of the fit.
    """
    posterior, unit = managed.posterior, managed.posterior.unit
    biomass = observations(managed)
    quota = np.array([first_quota(policy, biomass) for policy in managed.policies.values()])
    points = {
        "b_msy": "median biomass before harvest at maximum sustainable yield",
        "carrying_capacity": "median carrying capacity",
        "msy": "median maximum sustainable yield per year",
    }
    return view(
        {
            "quota": labelled(("policy", "biomass"), quota, f"quota of the {_FIRST}", unit),
            "escapement": labelled(
                ("policy", "biomass"),
                np.maximum(biomass - quota, 0.0),
                f"observed biomass less the quota, at least 0, of the {_FIRST}",
                unit,
            ),
            "biomass_now": labelled(
                ("quantile",),
                np.quantile(np.asarray(posterior.members.initial_biomass), _LEVELS),
                "biomass in the year of decision, as the fit has it: median and 90 % interval",
                unit,
            ),
            **{
                name: labelled((), median_point(posterior, name), words, unit)
                for name, words in points.items()
            },
        },
        {
            "policy": list(managed.policies),
            "quantile": list(_LEVELS),
            "biomass": labelled(("biomass",), biomass, "observed biomass before harvest", unit),
        },
        stock=managed.history.id,
        unit=unit,
        policies=list(managed.policies),
    )


def first_quota(policy: Policy, observed: Array) -> Array:
    """Return the first quota after each observation, NaN of a policy of one's own that a file could not keep."""
    try:
        quota, memory = policy.decide(policy.start(len(observed)), observed, None)
    except PolicyError:
        return np.full(len(observed), np.nan)
    if isinstance(policy, BeliefPolicy):
        # where the stock is held to be extinct every quota is worth the same, and none is meant
        return np.where(policy.belief(memory)[:, 0] < 1.0, quota, 0.0)
    return np.asarray(quota, dtype=float)


def observations(managed: ManagedStock) -> Array:
    """Return the biomass at which policies are asked, from 0 on."""
    grid = managed.problem.grid
    capacity = median_point(managed.posterior, "carrying_capacity")
    # a stock that dies out from everywhere has no capacity
    end = min(grid.upper, 1.3 * capacity) if capacity > 0.0 else grid.upper
    return np.linspace(0.0, end, POINTS)
