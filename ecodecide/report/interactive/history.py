"""Data and fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecodecide.report.interactive.parts import (
    SOFT,
    add,
    band,
    level,
    line,
    named,
    new_figure,
    observed_points,
)
from ecodecide.report.palette import BLUE, SKY
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure


def history_figure(view: xr.Dataset) -> Figure:
    """Draw the fitted biomass with what was observed, above the catches.

    Parameters
    ----------
    view
        What `ecodecide.report.views.history_view` returns.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    from plotly.graph_objects import Bar

    figure = new_figure(520, rows=2, row_heights=[0.64, 0.36], vertical_spacing=0.06)
    year, fitted = view["year"].values, view["biomass"]
    size = amounts(view.attrs["unit"], fitted, view["observed"])
    factor = size.factor
    quantiles = {
        q: fitted.sel(quantile=q, method="nearest").values / factor for q in (0.05, 0.25, 0.5, 0.75, 0.95)
    }
    add(
        figure,
        [
            band(year, quantiles[0.05], quantiles[0.95], {}, SKY, 0.3, name="90 % of the fit", showlegend=True),
            band(year, quantiles[0.25], quantiles[0.75], {}, SKY, 0.45, name="50 % of the fit", showlegend=True),
            line(year, quantiles[0.5], "fitted biomass, median", SOFT),
            observed_points(year, view["observed"].values / factor),
            level(year, float(view["b_msy"]) / factor, "B_MSY", SOFT),
        ],
        row=1,
    )  # fmt: skip
    caught = amounts(view.attrs["unit"], view["catch"], view["msy"])
    bars = Bar(
        x=year, y=view["catch"].values / caught.factor, name="catch", marker={"color": BLUE}, showlegend=False,
        hovertemplate="%{y:.4~g}<extra>catch</extra>",
    )  # fmt: skip
    figure.add_trace(bars, row=2, col=1)
    add(figure, [level(year, float(view["msy"]) / caught.factor, "MSY", SOFT, dash="dot")], row=2)
    figure.update_yaxes(title_text=named("biomass", size.head), row=1, col=1)
    figure.update_yaxes(title_text=named("catch", caught.head), row=2, col=1)
    figure.update_xaxes(title_text="year", row=2, col=1)
    return figure
