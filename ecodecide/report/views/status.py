"""Where the stock stands against the biomass and the fishing of maximum sustainable yield."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.fitting.status import KOBE, status
from ecodecide.report.views.labelled import labelled, quantiles_of, view

SAMPLE = 400
"""The most draws of the Kobe year that a view holds: enough for the eye."""

MEANING = {
    "green": "not overfished, no overfishing",
    "yellow": "overfished, no overfishing",
    "orange": "not overfished, overfishing",
    "red": "overfished and overfishing",
}
"""The quadrants of the Kobe plot in words."""

_ENDS = (0.05, 0.95)


def status_view(managed: ManagedStock) -> xr.Dataset:
    """Return B/B_MSY and F/F_MSY of every year, and the Kobe plot of the last year with a catch.

    Parameters
    ----------
    managed
        A fitted stock.

    Returns
    -------
    xarray.Dataset
        ``b_bmsy`` and ``f_fmsy`` over year, medians; ``b_bmsy_interval`` and ``f_fmsy_interval`` over (year,
        quantile), the ends of 90 %; ``kobe`` over quadrant, probabilities; ``draw_b_bmsy`` and ``draw_f_fmsy`` over
        draw, both known, at most 400 of them, evenly taken; the scalar ``kobe_year``.

    Raises
    ------
    FitError
        When the history knows no catch.
    """
    found = status(managed.posterior, managed.history)
    at = int(np.flatnonzero(found.year == found.kobe_year)[0])
    known = np.flatnonzero(np.isfinite(found.b_bmsy[:, at]) & np.isfinite(found.f_fmsy[:, at]))
    # spread over all draws: those of one law stand together in an average of several
    taken = known[np.linspace(0, len(known) - 1, min(SAMPLE, len(known))).round().astype(int)]
    ratios = {
        "b_bmsy": (found.b_bmsy, "B / B_MSY, biomass before harvest"),
        "f_fmsy": (found.f_fmsy, "F / F_MSY, F = catch / biomass before harvest"),
    }
    variables = {}
    for name, (draws, words) in ratios.items():
        variables[name] = labelled(("year",), quantiles_of(draws, (0.5,))[:, 0], f"median {words}")
        variables[f"{name}_interval"] = labelled(
            ("year", "quantile"), quantiles_of(draws, _ENDS), f"90 % interval of {words}"
        )
        variables[f"draw_{name}"] = labelled(
            ("draw",), draws[taken, at], f"draws of {words}, in {found.kobe_year}"
        )
    kobe = found.kobe
    variables["kobe"] = labelled(
        ("quadrant",), [kobe[color] for color in KOBE], f"probability of each status in {found.kobe_year}"
    )
    variables["kobe_year"] = labelled((), found.kobe_year, "last year with a catch", "year")
    return view(
        variables,
        {
            "year": found.year,
            "quantile": list(_ENDS),
            "quadrant": list(KOBE),
            "meaning": ("quadrant", [MEANING[color] for color in KOBE]),
            "draw": taken,
        },
        stock=managed.history.id,
        unit=managed.posterior.unit,
    )
