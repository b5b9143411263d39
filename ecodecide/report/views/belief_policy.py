"""How belief policies harvest where the biomass is known well or badly."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.decision.discretize import DiscreteProblem, close_rows
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.table import TablePolicy
from ecodecide.report.views.labelled import labelled, view
from ecodecide.report.views.policy import observations
from ecodecide.solvers.optimal_control import policy_iteration
from ecodecide.stock.growth import Array
from ecodecide.stock.noise import LognormalNoise

SPREADS = (0.05, 0.2, 0.4)
"""Coefficients of variation of the beliefs that are asked."""


def belief_policy_view(managed: ManagedStock, spreads: tuple[float, ...] = SPREADS) -> xr.Dataset | None:
    """Return the quota of each belief policy against the mean of a lognormal belief, for beliefs of several widths.

    Beside it stands the best quota of a manager who knows the biomass, on the same stock, economy and cells. The
    distance between the two is what not knowing does to the decision (Memarzadeh & Boettiger 2019,
    doi:10.1086/702704, show policies so for two priors). Solvers plan for the beliefs that are met: the quota at others
    is what the policy would set, and may be far from the best.

    Parameters
    ----------
    managed
        A fitted stock with policies.
    spreads
        Coefficients of variation of the beliefs.

    Returns
    -------
    xarray.Dataset or None
        ``quota`` and ``escapement`` over (policy, cv, belief_mean), the latter the mean less the quota, at least 0;
        ``certain_quota`` over (policy, belief_mean). None where no policy acts on a belief.
    """
    policies = {name: policy for name, policy in managed.policies.items() if isinstance(policy, BeliefPolicy)}
    if not policies:
        return None
    unit, mean = managed.posterior.unit, observations(managed)
    quota = np.array(
        [
            [_quota(policy, lognormal_belief(policy.arrays, mean, cv)) for cv in spreads]
            for policy in policies.values()
        ]
    )
    certain = np.array([_certain(policy.arrays, mean) for policy in policies.values()])
    dims = ("policy", "cv", "belief_mean")
    return view(
        {
            "quota": labelled(dims, quota, "quota at a lognormal belief with this mean and CV", unit),
            "escapement": labelled(
                dims, np.maximum(mean - quota, 0.0), "mean of the belief less the quota, at least 0", unit
            ),
            "certain_quota": labelled(
                ("policy", "belief_mean"),
                certain,
                "best quota where the biomass is known, now and ever",
                unit,
            ),
        },
        {
            "policy": list(policies),
            "cv": labelled(("cv",), list(spreads), "coefficient of variation of the belief"),
            "belief_mean": labelled(("belief_mean",), mean, "mean biomass of the belief", unit),
        },
        stock=managed.history.id,
        unit=unit,
        policies=list(managed.policies),
    )


def lognormal_belief(arrays: DiscreteProblem, mean: Array, cv: float) -> Array:
    """Return beliefs with these means, shape (means, states): a lognormal with a CV on the cells of a grid.

    A mean of 0 is extinction; what lies above the grid is in the last cell.
    """
    sigma = float(np.sqrt(np.log1p(cv**2)))
    # of a lognormal the mean is its median times exp(sigma^2 / 2)
    median = mean * np.exp(-0.5 * sigma**2)
    below = LognormalNoise(sigma).cdf(arrays.grid.edges[None, :], median[:, None])
    return close_rows(np.diff(below, axis=1))


def _quota(policy: BeliefPolicy, beliefs: Array) -> Array:
    best = np.argmax(beliefs @ policy.vectors.T, axis=1)
    # where the stock is held to be extinct every quota is worth the same, and none is meant
    return np.where(beliefs[:, 0] < 1.0, policy.arrays.grid.quotas[policy.actions[best]], 0.0)


def _certain(arrays: DiscreteProblem, biomass: Array) -> Array:
    _, action, _, _ = policy_iteration(arrays)
    table = TablePolicy(arrays.grid.points, arrays.grid.quotas[action], 0.0)
    return table.decide(table.start(len(biomass)), biomass, None)[0]
