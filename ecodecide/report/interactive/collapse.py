"""How soon stocks collapse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ecodecide.report.interactive.parts import (
    Styles,
    add,
    band,
    line,
    new_figure,
    of,
    policies_of,
    styles_of,
    worlds_of,
)

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure

_WORDS = {
    "collapsed_by": "futures that have collapsed (%)",
    "recovered_by": "futures that have recovered (%)",
}


def collapse_figure(
    view: xr.Dataset,
    shows: Literal["collapsed_by", "recovered_by"] = "collapsed_by",
    styles: Styles | None = None,
) -> Figure:
    """Draw the probability of having collapsed, or recovered, by each year, with 95 % intervals.

    Parameters
    ----------
    view
        What `ecodecide.report.views.collapse_view` returns.
    shows
        What is drawn.
    styles
        Of the policies; those of `ecodecide.report.palette.policy_styles` by default.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = new_figure(400)
    looks, x = styles_of(view, styles), view["year"].values
    for world, shown in worlds_of(view):
        for policy in policies_of(view):
            one = 100.0 * view[shows].sel(world=world, policy=policy)
            low, value, high = (one.sel(estimate=key).values for key in ("low", "value", "high"))
            meta, look = of(policy=policy, world=world), looks[policy]
            interval = band(x, low, high, meta, look.color, shown=shown)
            add(figure, [interval, line(x, value, policy, meta, look, shown=shown, words="%{y:.3~g} %")])
    figure.update_xaxes(title_text=str(view["year"].attrs["long_name"]))
    figure.update_yaxes(title_text=_WORDS[shows])
    return figure
