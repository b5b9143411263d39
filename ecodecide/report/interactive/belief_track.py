"""What was believed of the biomass through the years."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecodecide.report.interactive.parts import (
    INK,
    SOFT,
    add,
    band,
    line,
    named,
    new_figure,
    observed_points,
    of,
)
from ecodecide.report.palette import SKY
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure


def belief_track_figure(view: xr.Dataset) -> Figure:
    """Draw median and 90 % interval of the belief of each year, with what was observed.

    A trace of each year marks it, for a page on which a year is chosen; none of them is shown at first.

    Parameters
    ----------
    view
        What `ecodecide.report.views.belief_view` returns.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = new_figure(320)
    year, size = view["year"].values, amounts(view.attrs["unit"], view["biomass_quantile"], view["observed"])
    low, middle, high = (view["biomass_quantile"].values / size.factor).T
    add(
        figure,
        [
            band(year, low, high, {}, SKY, 0.35, name="90 % of the belief", showlegend=True),
            line(year, middle, "median of the belief", SOFT),
            observed_points(year, view["observed"].values / size.factor),
            *(
                line(
                    [int(each)] * 2, [float(low[n]), float(high[n])], "", {**of(year=int(each)), **INK}, shown=False,
                    hoverinfo="skip", showlegend=False, line={"width": 4},
                )
                for n, each in enumerate(year)
            ),
        ],
    )  # fmt: skip
    figure.update_xaxes(title_text="year")
    figure.update_yaxes(title_text=named("biomass", size.head))
    return figure
