"""The figure of what could be believed, year by year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.plots.canvas import (
    INK,
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


def plot_belief(view: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the belief about the biomass of each year, given what had been seen by then.

    Each year is shaded against its own likeliest biomass; the last is the year of decision.

    Parameters
    ----------
    view
        What `ecodecide.report.views.belief_view` returns.
    ax
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes
    """
    panel = one_panel(ax, 7.2, 4.6)
    year, cells, density = view["year"].values, view["biomass"].values, view["density"].values
    low, median, high = view["biomass_quantile"].transpose("quantile", "year").values
    likely = [
        high.max(),
        view["decision_quantile"].values[-1],
        np.nanmax(view["observed"].values, initial=0.0),
    ]
    top = 1.1 * float(max(likely))
    told = amounts(view.attrs["unit"], top)
    # extinction is an atom, not a cell
    edges = np.concatenate([[0.0], cells[1:] + 0.5 * view.attrs["cell"]]) / told.factor
    panel.pcolormesh(
        np.append(year - 0.5, year[-1] + 0.5), edges, (density[:, 1:] / density[:, 1:].max(axis=1, keepdims=True)).T,
        cmap="Blues", vmin=0.0, vmax=1.3, rasterized=True,
    )  # fmt: skip
    panel.plot(year, median / told.factor, color=INK, lw=1.8, label="median")
    for ends, words in ((low, "90 % interval"), (high, None)):
        panel.plot(year, ends / told.factor, color=INK, lw=0.9, ls=(0, (4, 2)), label=words)
    observed_points(panel, year, view["observed"].values / told.factor)
    start, middle, end = view["decision_quantile"].values / told.factor
    panel.errorbar(
        year[-1], middle, yerr=[[middle - start], [end - middle]], fmt="D", color="k", mfc="white", ms=6, capsize=3,
        label="belief that policies start from, 90 %",
    )  # fmt: skip
    panel.axvline(year[-1] - 0.5, color="0.3", lw=0.9, ls=(0, (1, 2)))
    panel.annotate(
        "decision", (year[-1] - 0.5, top / told.factor), xytext=(-4, -3), textcoords="offset points", ha="right",
        va="top", fontsize=8.5,
    )  # fmt: skip
    panel.set_ylim(0.0, top / told.factor)
    panel.set_xlim(year[0] - 0.5, year[-1] + 0.5)
    panel.set_ylabel(label("biomass before harvest", told))
    title(panel, f"{view.attrs['stock']}: belief given the surveys and catches up to each year")
    years_below(panel)
    legend_below(panel)
    return panel
