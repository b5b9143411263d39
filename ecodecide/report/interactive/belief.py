"""The belief about the biomass of a year, as a density."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ecodecide.report.interactive.parts import INK, LIMIT, add, band, line, named, new_figure, of
from ecodecide.report.palette import SKY
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure

_SELDOM = 0.02
"""Probability above the end of the axis, at most, in any year."""


def belief_figure(view: xr.Dataset, limits: Mapping[str, float] | None = None) -> Figure:
    """Draw the belief about the biomass of each year as a density, with the survey of the year and some limits.

    Of several years the last is shown; another is ``view.sel(year=[2001])`` away.

    Parameters
    ----------
    view
        What `ecodecide.report.views.belief_view` returns.
    limits
        Biomass by name, in the unit of the view.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = new_figure(340)
    unit, years = view.attrs["unit"], view["year"].values
    # up to where hardly any year puts weight
    weight = np.cumsum(view["probability"].values.max(axis=0)[::-1])[::-1]
    likely = np.flatnonzero(weight > _SELDOM)
    end = float(view["biomass"][likely[-1] if len(likely) else -1])
    size = amounts(unit, end)
    x = view["biomass"].values / size.factor
    # the first state is extinction, an atom with no density
    density = size.factor * view["density"].values[:, 1:]
    top = 1.1 * float(np.quantile(density.max(axis=1), 0.95)) or 1.0
    for row, year in enumerate(years):
        shown = row == len(years) - 1
        meta = of(year=int(year))
        add(
            figure,
            [
                band(x[1:], np.zeros(len(x) - 1), density[row], meta, SKY, 0.4, shown=shown),
                line(
                    x[1:], density[row], f"belief of {year}", {**meta, "ink": "soft"}, shown=shown,
                    words="%{y:.3~g}",
                ),
                line(
                    [float(view["observed"].values[row] / size.factor)] * 2, [0.0, top], "survey of the year",
                    {**meta, **INK}, shown=shown, hoverinfo="skip", line={"width": 2.0, "dash": "dot"},
                ),
            ],
        )  # fmt: skip
    ink = (LIMIT, {"ink": "soft"}, {"ink": "soft"})
    for number, (name, limit) in enumerate((limits or {}).items()):
        here = limit / size.factor
        add(figure, [line([here, here], [0.0, top], name, ink[min(number, 2)], hoverinfo="skip",
                          line={"width": 1.6, "dash": ("dash", "longdash", "dashdot")[number % 3]})])  # fmt: skip
    figure.update_xaxes(title_text=named("biomass", size.head), range=[0.0, end / size.factor])
    figure.update_yaxes(title_text=f"density (1/({size.head}))" if size.head else "density", range=[0.0, top])
    return figure
