"""Belief policies against the mean of a belief, known well or badly."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

_DASHES = ("solid", "dash", "dot", "dashdot")


def belief_policy_figure(view: xr.Dataset, styles: Styles | None = None) -> Figure:
    """Draw the quota of belief policies against the mean of the belief, for beliefs of several widths.

    Parameters
    ----------
    view
        What `ecodecide.report.views.belief_policy_view` returns.
    styles
        Of the policies; those of `ecodecide.report.palette.policy_styles` by default.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = new_figure(400)
    looks = styles_of(view, styles)
    unit = view.attrs["unit"]
    seen, made = amounts(unit, view["belief_mean"]), amounts(unit, view["quota"], view["certain_quota"])
    x = view["belief_mean"].values / seen.factor
    traces = []
    for name in policies_of(view):
        certain = view["certain_quota"].sel(policy=name).values / made.factor
        traces.append(
            line(x, certain, f"{name}: biomass known", {**SOFT, "policy": name}, line={"width": 1.2})
        )
        for number, cv in enumerate(view["cv"].values):
            quota = view["quota"].sel(policy=name, cv=cv).values / made.factor
            dashed = {"dash": _DASHES[number % len(_DASHES)]}
            traces.append(
                line(x, quota, f"{name}: CV {100 * cv:.0f} %", of(policy=name), looks[name], line=dashed)
            )
    add(figure, traces)
    figure.update_xaxes(title_text=named("mean of the belief", seen.head), range=[0.0, float(x[-1])])
    figure.update_yaxes(title_text=named("quota", made.head))
    return figure
