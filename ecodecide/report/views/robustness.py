"""Policies against worlds."""

from __future__ import annotations

import xarray as xr

from ecodecide.evaluation.comparison import Comparison
from ecodecide.report.views.labelled import labelled, view


def robustness_view(comparison: Comparison) -> xr.Dataset:
    """Return value, risk and regret of each policy in each world.

    Parameters
    ----------
    comparison
        What `ecodecide.compare` returns.

    Returns
    -------
    xarray.Dataset
        ``value``, ``risk`` and ``regret`` over (policy, world): net present value, probability of collapse (NaN where
        it is not defined), and what the best policy of the world earns more; ``largest_regret`` over (policy,
        estimate), over worlds, with its 95 % interval.
    """
    found = comparison.robustness
    money = str(comparison.runs["profit"].attrs["units"])
    dims = ("policy", "world")
    regret = found.value.max(axis=1, keepdims=True) - found.value
    largest = [[value, *ends] for value, ends in zip(found.regret, found.regret_interval, strict=True)]
    return view(
        {
            "value": labelled(dims, found.value.T, "net present value", money),
            "risk": labelled(dims, found.collapse.T, "probability of collapse"),
            "regret": labelled(dims, regret.T, "what the best policy of the world earns more", money),
            "largest_regret": labelled(("policy", "estimate"), largest, "largest regret over worlds", money),
        },
        {"policy": list(found.policies), "world": list(found.worlds), "estimate": ["value", "low", "high"]},
        stock=comparison.history.id,
        policies=list(comparison.managed.policies),
        unit=str(comparison.runs.attrs["unit"]),
        collapse=str(comparison.settings["collapse"]),
        minimax_regret=found.minimax_regret,
    )
