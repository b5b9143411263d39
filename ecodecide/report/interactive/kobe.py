"""The Kobe plot: biomass and fishing against those of maximum sustainable yield."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecodecide.report.interactive.parts import INK, SOFT, add, line, new_figure
from ecodecide.report.table import percent

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure

_TINTS = {"green": "#009E73", "yellow": "#F0E442", "orange": "#E69F00", "red": "#D55E00"}


def kobe_figure(view: xr.Dataset) -> Figure:
    """Draw the track of the medians through the years, and the draws and probabilities of the last year with a catch.

    Parameters
    ----------
    view
        What `ecodecide.report.views.status_view` returns.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = new_figure(480)
    year, at = view["year"].values, int(view["kobe_year"])
    b, f = view["b_bmsy"].values, view["f_fmsy"].values
    draws = view["draw_b_bmsy"].values, view["draw_f_fmsy"].values
    known = np.isfinite(b) & np.isfinite(f)
    # a few wild draws do not set the scale
    right = 1.08 * max(float(np.nanmax(b)), float(np.quantile(draws[0], 0.98)), 1.6)
    top = 1.12 * max(float(np.nanmax(f[known])), float(np.quantile(draws[1], 0.98)), 1.6)
    last = known & (year == at)
    where = "%{text}: B/B_MSY %{x:.3~g}, F/F_MSY %{y:.3~g}<extra></extra>"
    add(
        figure,
        [
            line(
                *draws, f"draws of the fit, {at}", SOFT, mode="markers", hoverinfo="skip", opacity=0.4,
                marker={"size": 4, "color": "#59626e"},
            ),
            line(
                b[known], f[known], "median of each year", INK, mode="lines+markers", words=where,
                text=[str(y) for y in year[known]], line={"width": 1.4}, marker={"size": 5, "color": "#1a1d21"},
            ),
            line(
                b[last], f[last], f"median of {at}", INK, mode="markers+text", words=where, text=[str(at)],
                textposition="top center", textfont={"size": 14, "color": "#1a1d21"},
                marker={"size": 13, "color": "#1a1d21", "symbol": "diamond"},
            ),
        ],
    )  # fmt: skip
    corners = {
        "green": (1.0, right, 0.0, 1.0),
        "yellow": (0.0, 1.0, 0.0, 1.0),
        "orange": (1.0, right, 1.0, top),
        "red": (0.0, 1.0, 1.0, top),
    }
    for color, (x0, x1, y0, y1) in corners.items():
        figure.add_shape(
            type="rect", x0=x0, x1=x1, y0=y0, y1=y1, line={"width": 0}, layer="below", fillcolor=_TINTS[color],
            opacity=0.3,
        )  # fmt: skip
        high, far = y0 > 0.0, x0 > 0.0
        figure.add_annotation(
            x=x1 if far else x0, y=y1 if high else y0, xanchor="right" if far else "left",
            yanchor="top" if high else "bottom", showarrow=False, font={"size": 15},
            text=f"<b>{percent(float(view['kobe'].sel(quadrant=color)))}</b>",
        )  # fmt: skip
    figure.update_xaxes(title_text="B / B_MSY (biomass before harvest)", range=[0.0, right])
    figure.update_yaxes(title_text="F / F_MSY (F = catch / biomass)", range=[0.0, top])
    figure.update_layout(hovermode="closest", hoverdistance=20)
    return figure
