"""What each policy earns against what it risks, and which of them no other beats at both."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.evaluation.comparison import Comparison
from ecodecide.report.views.labelled import ESTIMATE, labelled, money, names, view
from ecodecide.report.views.risk import risk_of
from ecodecide.stock.growth import Array

_METRICS = {
    "npv": "net present value",
    "collapse_probability": "probability of collapse",
    "mean_catch": "catch per year",
}


def trade_off_view(comparison: Comparison) -> xr.Dataset:
    """Return value, risk and catch of each policy, with 95 % intervals, and the Pareto front.

    Parameters
    ----------
    comparison
        What `ecodecide.compare` returns.

    Returns
    -------
    xarray.Dataset
        ``npv``, ``collapse_probability``, ``mean_catch`` and ``risk`` over (world, policy, estimate), estimate being
        ``value``, ``low`` and ``high``; ``on_front`` over (world, policy), see `pareto_front`. The risk is the
        probability of collapse, or that of no recovery in a world where no future starts above the limit: the
        coordinate ``risk_kind`` tells which.
    """
    scores = comparison.scores["scores"].sel(estimate=list(ESTIMATE))
    unit = str(comparison.runs.attrs["unit"])
    units = {"npv": money(unit), "collapse_probability": "1", "mean_catch": unit}
    dims = ("world", "policy", "estimate")
    tables = {name: scores.sel(metric=name).transpose(*dims).values for name in _METRICS}
    risk, kinds = risk_of(comparison)
    front = [
        pareto_front(value, chance) for value, chance in zip(tables["npv"][..., 0], risk[..., 0], strict=True)
    ]
    best = "whether no other policy has more value at no more risk, or less risk at no less value"
    return view(
        {
            **{name: labelled(dims, tables[name], words, units[name]) for name, words in _METRICS.items()},
            "risk": labelled(dims, risk, "probability of collapse, or of no recovery"),
            "on_front": labelled(("world", "policy"), front, best),
        },
        {
            "world": names(comparison.runs, "world"),
            "policy": names(comparison.runs, "policy"),
            "estimate": list(ESTIMATE),
            "risk_kind": ("world", kinds),
        },
        stock=comparison.history.id,
        policies=names(comparison.runs, "policy"),
        unit=unit,
        collapse=str(comparison.settings["collapse"]),
        years=int(comparison.settings["years"]),
    )


def pareto_front(value: Array, risk: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which of some policies no other beats: at least its value at no more risk, and one of both strictly.

    Policies that tie in both share their place. One whose value or risk is not known (NaN) is not on the front, and
    beats none.

    Parameters
    ----------
    value, risk
        Shape (policies,).

    Examples
    --------
    >>> pareto_front(np.array([1.0, 2.0, 1.5, 2.0]), np.array([0.0, 0.3, 0.4, 0.3]))
    array([ True,  True, False,  True])
    """
    front = np.zeros(len(value), dtype=bool)
    known = np.flatnonzero(np.isfinite(value) & np.isfinite(risk))
    # from the largest value down, of equals the least risk first: a policy stays if it risks less than all before
    order = known[np.lexsort((risk[known], -value[known]))]
    least = (np.inf, np.inf)
    for at in order:
        here = (float(risk[at]), float(value[at]))
        if here[0] < least[0] or here == least:
            front[at], least = True, here
    return front
