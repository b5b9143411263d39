"""Policies as harvest and as escapement against observed biomass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ecodecide.report.interactive.parts import (
    SOFT,
    Styles,
    add,
    line,
    named,
    new_figure,
    of,
    policies_of,
    styles_of,
)
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure

_WORDS = {"quota": "quota", "escapement": "biomass left after harvest"}


def policy_figure(
    view: xr.Dataset, shows: Literal["quota", "escapement"] = "quota", styles: Styles | None = None
) -> Figure:
    """Draw what each policy takes, or leaves, against the biomass that it sees.

    Parameters
    ----------
    view
        What `ecodecide.report.views.policy_view` returns.
    shows
        What is drawn.
    styles
        Of the policies; those of `ecodecide.report.palette.policy_styles` by default.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = new_figure(400)
    looks = styles_of(view, styles)
    seen, made = amounts(view.attrs["unit"], view["biomass"]), amounts(view.attrs["unit"], view[shows])
    x = view["biomass"].values / seen.factor
    y = view[shows] / made.factor
    traces = [
        line(x, y.sel(policy=name).values, name, of(policy=name), looks[name]) for name in policies_of(view)
    ]
    top = 1.08 * float(y.max()) or 1.0
    b_msy = float(view["b_msy"]) / seen.factor
    traces.append(
        line([b_msy, b_msy], [0.0, top], "B_MSY", SOFT, line={"width": 1.4, "dash": "dash"}, hoverinfo="skip")
    )
    if shows == "escapement":
        all_left = view["biomass"].values / made.factor
        traces.append(
            line(x, all_left, "nothing taken", SOFT, line={"width": 1.0, "dash": "dot"}, hoverinfo="skip")
        )
    add(figure, traces)
    figure.update_xaxes(title_text=named("observed biomass", seen.head), range=[0.0, float(x[-1])])
    figure.update_yaxes(title_text=named(_WORDS[shows], made.head), range=[0.0, top])
    return figure
