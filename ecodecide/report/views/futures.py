"""The futures under each policy: bands over replicates, and a few of them whole."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.comparison import Comparison
from ecodecide.evaluation.limits import collapse_limit
from ecodecide.report.views.labelled import (
    QUANTILES,
    decision_year,
    labelled,
    money,
    names,
    quantiles_of,
    view,
)

_SERIES = {
    "biomass": "biomass before harvest",
    "catch": "catch of the year",
    "profit": "profit of the year",
}
_WORMS = ("biomass", "catch")


def futures_view(comparison: Comparison, worms: int = 20) -> xr.Dataset:
    """Return quantiles of the simulated futures year by year, and the first of them as they went.

    Parameters
    ----------
    comparison
        What `ecodecide.compare` returns.
    worms
        How many futures to show whole; all where there are fewer. They are the first replicates, the same of all
        policies: a worm of one policy meets the luck and the world of the worm of the same number of another.

    Returns
    -------
    xarray.Dataset
        ``biomass``, ``catch`` and ``profit`` over (world, policy, year, quantile); ``worm_biomass`` and
        ``worm_catch`` over (world, policy, worm, year); ``collapse_limit`` over world, the median over replicates.
        Years count from the first decision, ``calendar_year`` tells them by their dates.

    Raises
    ------
    EvaluationError
        When the number of worms is negative.
    """
    if worms < 0:
        raise EvaluationError(f"worms must be a number of futures to show, at least 0, got {worms}")
    runs, unit = comparison.runs, str(comparison.runs.attrs["unit"])
    few = min(worms, runs.sizes["replicate"])
    variables = {}
    for name, words in _SERIES.items():
        draws = runs[name].transpose("replicate", "world", "policy", "year")
        units = money(unit) if name == "profit" else unit
        variables[name] = labelled(
            ("world", "policy", "year", "quantile"),
            quantiles_of(draws.values),
            f"{words}, over replicates",
            units,
        )
        if name in _WORMS:
            whole = draws.isel(replicate=slice(few)).transpose("world", "policy", "replicate", "year")
            variables[f"worm_{name}"] = labelled(
                ("world", "policy", "worm", "year"), whole.values, f"{words}, single futures", units
            )
    limit = collapse_limit(runs, comparison.settings["collapse"])
    variables["collapse_limit"] = labelled(
        ("world",), quantiles_of(limit.T, (0.5,))[:, 0], "median limit of collapse", unit
    )
    year = runs["year"].values
    return view(
        variables,
        {
            "world": names(runs, "world"),
            "policy": names(runs, "policy"),
            "year": labelled(("year",), year, "years from the first decision", "year"),
            "calendar_year": labelled(("year",), decision_year(comparison.history) + year, "year"),
            "quantile": list(QUANTILES),
            "worm": np.arange(few),
        },
        stock=comparison.history.id,
        policies=names(comparison.runs, "policy"),
        unit=unit,
        replicates=runs.sizes["replicate"],
        collapse=str(comparison.settings["collapse"]),
    )
