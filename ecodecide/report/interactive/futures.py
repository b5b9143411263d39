"""The futures under all policies, in one figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecodecide.report.interactive.parts import (
    LIMIT,
    Styles,
    add,
    band,
    level,
    line,
    named,
    new_figure,
    of,
    policies_of,
    styles_of,
    worlds_of,
)
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure


def futures_figure(view: xr.Dataset, styles: Styles | None = None) -> Figure:
    """Draw the median biomass and catch under each policy, with the middle half of the futures.

    Parameters
    ----------
    view
        What `ecodecide.report.views.futures_view` returns.
    styles
        Of the policies; those of `ecodecide.report.palette.policy_styles` by default.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = new_figure(560, rows=2, row_heights=[0.55, 0.45], vertical_spacing=0.06)
    looks, x = styles_of(view, styles), view["calendar_year"].values
    for row, name in enumerate(("biomass", "catch"), 1):
        quantiles = view[name]
        size = amounts(view.attrs["unit"], quantiles.sel(quantile=0.75, method="nearest"))
        for world, shown in worlds_of(view):
            one = quantiles.sel(world=world) / size.factor
            if name == "biomass":
                limit = float(view["collapse_limit"].sel(world=world)) / size.factor
                add(
                    figure,
                    [level(x, limit, "limit of collapse", {**LIMIT, "world": world}, shown=shown)],
                    row,
                )
            for policy in policies_of(view):
                low, middle, high = (
                    one.sel(policy=policy).sel(quantile=q, method="nearest").values for q in (0.25, 0.5, 0.75)
                )
                meta, look = of(policy=policy, world=world), looks[policy]
                half = band(x, low, high, meta, look.color, 0.12, shown=shown)
                median = line(x, middle, policy, meta, look, shown=shown, showlegend=row == 1)
                add(figure, [half, median], row)
        figure.update_yaxes(title_text=named(name, size.head), row=row, col=1)
    figure.update_xaxes(title_text="year", row=2, col=1)
    return figure
