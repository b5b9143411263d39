"""The figure of how soon stocks collapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.plots.canvas import (
    legend_below,
    nothing_to_show,
    percent_axis,
    policy_line,
    styles_of,
    world_panel,
    years_below,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_collapse(view: xr.Dataset, world: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the probability of having collapsed by each year under each policy, with bands of 95 %.

    Where no future starts above the limit it is the probability of having recovered.

    Parameters
    ----------
    view
        What `ecodecide.report.views.collapse_view` returns.
    world
        In which truth; the first by default.
    ax
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    EvaluationError
        For a world that the view does not hold.
    """
    panel, one = world_panel(view, world, ax, 6.4, 4.6)
    falls = bool(np.isfinite(one["collapsed_by"]).any())
    found = one["collapsed_by" if falls else "recovered_by"]
    limit = view.attrs["collapse"]
    panel.set_ylabel(f"probability of having {'fallen below' if falls else 'risen to'} {limit}")
    years_below(panel, "years after the first decision")
    if not np.isfinite(found).any():
        nothing_to_show(panel, f"the limit {limit} is not known")
        return panel
    year = one["year"].values
    for policy, style in styles_of(view).items():
        value, low, high = (found.sel(policy=policy, estimate=e).values for e in ("value", "low", "high"))
        panel.fill_between(year, low, high, color=style.color, alpha=0.13, lw=0)
        policy_line(panel, year, value, policy, style)
    top = float(np.nanmax(found.sel(estimate="high")))
    panel.set_xlim(0.0, year[-1])
    panel.set_ylim(0.0, min(1.04 * top, 1.0))
    percent_axis(panel.yaxis)
    legend_below(panel)
    return panel
