"""The figure of the data and of the fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.palette import BLUE, GREEN, PURPLE
from ecodecide.report.plots.canvas import (
    catch_bars,
    intervals,
    label,
    legend_below,
    observed_points,
    one_panel,
    title,
    years_below,
)
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_history(view: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the catches, what was observed, and the fitted biomass with its intervals of 50 % and 90 %.

    Parameters
    ----------
    view
        What `ecodecide.report.views.history_view` returns.
    ax
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes
    """
    panel = one_panel(ax, 7.2, 4.6)
    year, bands, observed = view["year"].values, view["biomass"], view["observed"].values
    top = _top(view)
    told = amounts(view.attrs["unit"], top)
    rows = bands.transpose("quantile", "year").values / told.factor
    catch_bars(panel, year, view["catch"].values / told.factor, "catch")
    intervals(panel, year, rows, "fit")
    panel.plot(year, rows[2], color=BLUE, lw=2.0, label="fitted biomass, median", zorder=2.5)
    observed_points(panel, year, observed / told.factor, view.attrs["observed"])
    points = (
        ("b_msy", GREEN, (0, (6, 2)), "B$_{MSY}$"),
        ("carrying_capacity", PURPLE, (0, (1, 1.5)), "carrying capacity"),
    )
    for name, color, dash, words in points:
        at = float(view[name])
        if np.isfinite(at) and at <= top:
            panel.axhline(
                at / told.factor, color=color, ls=dash, lw=1.4, label=f"{words}, median", zorder=1.8
            )
    panel.set_ylim(0.0, top / told.factor)
    panel.set_xlim(year[0] - 0.8, year[-1] + 0.8)
    panel.set_ylabel(label("biomass before harvest, catch", told))
    title(panel, str(view.attrs["species"] or view.attrs["stock"]))
    years_below(panel)
    legend_below(panel)
    return panel


def _top(view: xr.Dataset) -> float:
    """Where the axis ends: above what was seen and the likeliest half; the tail of a wide fit may leave it."""
    median = float(view["biomass"].sel(quantile=0.5).max())
    likely = [float(view["biomass"].sel(quantile=0.75).max()), float(view["catch"].max()), 1.6 * median]
    if np.isfinite(view["observed"]).any():
        likely.append(float(view["observed"].max()))
    high = max(likely)
    capacity = float(view["carrying_capacity"])
    if capacity <= 1.5 * high:
        high = max(high, capacity)
    return 1.06 * min(high, max(float(view["biomass"].max()), *likely[1:2], *likely[3:], capacity))
