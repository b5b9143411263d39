"""The figure of value against risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.name_lines import name_lines
from ecodecide.report.plots.canvas import (
    FAINT,
    label,
    legend_below,
    legend_name,
    money_unit,
    nothing_to_show,
    risk_words,
    square_root_axis,
    styles_of,
    world_panel,
)
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_trade_off(view: xr.Dataset, world: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the net present value of each policy against its risk, with 95 % intervals of both.

    Filled are the policies that no other beats at both, joined by a line: the Pareto front.

    Parameters
    ----------
    view
        What `ecodecide.report.views.trade_off_view` returns.
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
    panel, one = world_panel(view, world, ax, 6.4, 4.8)
    told = amounts(money_unit(view), one["npv"])
    value, risk = one["npv"] / told.factor, one["risk"]
    worth = label(f"net present value of {view.attrs['years']} years", told)
    panel.set_ylabel("\n".join(name_lines(worth)))
    panel.set_xlabel(
        risk_words(str(one["risk_kind"].item()), view.attrs["collapse"]) + f" in {view.attrs['years']} years"
    )
    if not np.isfinite(risk).any():
        nothing_to_show(panel, f"the limit {view.attrs['collapse']} is not known")
        return panel
    front = one["policy"].values[one["on_front"].values]
    if len(front) > 1:
        at = sorted(
            (float(risk.sel(policy=p, estimate="value")), float(value.sel(policy=p, estimate="value")))
            for p in front
        )
        panel.plot(*zip(*at, strict=True), color=FAINT, lw=1.2, ls="-", zorder=1.0, label="Pareto front")
    for policy, style in styles_of(view).items():
        x, x_low, x_high = (float(risk.sel(policy=policy, estimate=e)) for e in ("value", "low", "high"))
        y, y_low, y_high = (float(value.sel(policy=policy, estimate=e)) for e in ("value", "low", "high"))
        panel.errorbar(
            x, y, xerr=[[x - x_low], [x_high - x]], yerr=[[y - y_low], [y_high - y]], fmt="none", ecolor=style.color,
            elinewidth=1.2, capsize=2.5,
        )  # fmt: skip
        face = style.color if policy in front else "white"
        panel.plot(x, y, style.marker, color=style.color, mfc=face, ms=8, mew=1.5, label=legend_name(policy))
    square_root_axis(panel, max(float(np.nanmax(risk.values)), 0.01))
    legend_below(panel)
    return panel
