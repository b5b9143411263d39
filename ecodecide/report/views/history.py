"""The data, and what the fit makes of them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.report.views.labelled import (
    QUANTILES,
    decision_year,
    labelled,
    median_point,
    quantiles_of,
    view,
)
from ecodecide.solvers.past_surveys import past_surveys
from ecodecide.stock.growth import Array


def history_view(managed: ManagedStock) -> xr.Dataset:
    """Return catches, observations and fitted biomass, year by year.

    Parameters
    ----------
    managed
        A fitted stock.

    Returns
    -------
    xarray.Dataset
        ``catch`` and ``observed`` over year, NaN where there is none; ``biomass`` over (year, quantile), that of the
        joint draws of the fit given all years; the scalars ``b_msy``, ``escapement_msy``, ``carrying_capacity`` and
        ``msy``, medians of the draws. All in the stock's unit, which is among the attributes, with what was observed
        (``observed``) and the year of the first decision.
    """
    history, posterior = managed.history, managed.posterior
    unit = posterior.unit
    points = {
        "b_msy": "median biomass before harvest at maximum sustainable yield",
        "escapement_msy": "median biomass after harvest at maximum sustainable yield",
        "carrying_capacity": "median carrying capacity: largest stable unfished equilibrium",
        "msy": "median maximum sustainable yield per year",
    }
    kind = "index divided by its catchability" if history.free_catchability else history.observed
    return view(
        {
            "catch": labelled(("year",), history.catch, "catch of the year", unit),
            "observed": labelled(("year",), observed_biomass(managed), f"observed biomass ({kind})", unit),
            "biomass": labelled(
                ("year", "quantile"),
                quantiles_of(posterior.trajectory_biomass),
                "fitted biomass before harvest, given all years",
                unit,
            ),
            **{
                name: labelled((), median_point(posterior, name), words, unit)
                for name, words in points.items()
            },
        },
        {"year": np.asarray(history.year), "quantile": list(QUANTILES)},
        stock=history.id,
        species=history.species,
        unit=unit,
        observed=kind,
        decision_year=decision_year(history),
    )


def observed_biomass(managed: ManagedStock) -> Array:
    """Return what was observed in each year of the history in units of biomass, NaN where nothing was.

    Relative series are divided by their catchability, several are averaged; see `past_surveys`.
    """
    seen = past_surveys(managed.problem)
    years = len(managed.history.year)
    return np.asarray(np.append(seen.surveys, seen.this_year)[:years], dtype=float)
