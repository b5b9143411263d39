"""Policies against worlds."""

from __future__ import annotations

import xarray as xr

from ecodecide.evaluation.comparison import Comparison
from ecodecide.report.views.labelled import ESTIMATE, labelled, money, names, view
from ecodecide.report.views.risk import risk_of


def robustness_view(comparison: Comparison) -> xr.Dataset:
    """Return value, risk and regret of each policy in each world.

    Parameters
    ----------
    comparison
        What `ecodecide.compare` returns.

    Returns
    -------
    xarray.Dataset
        ``value``, ``risk`` and ``regret`` over (policy, world): net present value, probability of collapse, or
        that of no recovery in a world where no future starts above the limit (the coordinate ``risk_kind`` tells
        which), and what the best policy of the world earns more; ``largest_regret`` over (policy, estimate), over
        worlds, with its 95 % interval.
    """
    found = comparison.robustness
    risk, kinds = risk_of(comparison)
    worth = money(str(comparison.runs.attrs["unit"]))
    dims = ("policy", "world")
    regret = found.value.max(axis=1, keepdims=True) - found.value
    largest = [[value, *ends] for value, ends in zip(found.regret, found.regret_interval, strict=True)]
    return view(
        {
            "value": labelled(dims, found.value.T, "net present value", worth),
            "risk": labelled(dims, risk[..., 0].T, "probability of collapse, or of no recovery"),
            "regret": labelled(dims, regret.T, "what the best policy of the world earns more", worth),
            "largest_regret": labelled(("policy", "estimate"), largest, "largest regret over worlds", worth),
        },
        {
            "policy": list(found.policies),
            "world": list(found.worlds),
            "estimate": list(ESTIMATE),
            "risk_kind": ("world", kinds),
        },
        stock=comparison.history.id,
        policies=names(comparison.runs, "policy"),
        unit=str(comparison.runs.attrs["unit"]),
        collapse=str(comparison.settings["collapse"]),
        minimax_regret=found.minimax_regret,
        replicates=comparison.runs.sizes["replicate"],
    )
