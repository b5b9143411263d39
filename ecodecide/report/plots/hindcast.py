"""The figure of a hindcast: what would have been advised, what could be believed, and what would have come of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.palette import BLUE
from ecodecide.report.plots.canvas import (
    INK,
    Panels,
    catch_bars,
    intervals,
    label,
    legend_below,
    legend_of_all,
    many_panels,
    observed_points,
    policy_line,
    styles_of,
    title,
    years_below,
)
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ACTUAL = "as caught"


def plot_hindcast(
    view: xr.Dataset, counterfactual: xr.Dataset | None = None, axes: Sequence[Axes] | None = None
) -> Panels:
    """Draw what each policy would have advised beside what was caught, and the belief of then beside the hindsight.

    Parameters
    ----------
    view
        The data of a hindcast: `advised` over (policy, year), `catch` and `observed` over year, `belief_quantile` and
        `hindsight` over (quantile, year).
    counterfactual
        The biomass of the past had each policy been followed, over (policy, quantile, year); it adds a panel.
    axes
        Two, or three with the counterfactual; new ones by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (2,) or (3,)

    Raises
    ------
    EvaluationError
        When another number of axes is given.
    """
    count = 2 if counterfactual is None else 3
    panels = many_panels(axes, count, columns=count, width=4.8, height=4.8)
    _draw_advice(panels[0], view)
    _draw_belief(panels[1], view)
    if counterfactual is not None:
        _draw_counterfactual(panels[2], view, counterfactual)
    for panel in panels:
        panel.set_ylim(0.0, None)
        years_below(panel)
        if axes is not None:
            legend_below(panel, columns=2)
    if axes is None:
        legend_of_all(panels)
    return panels


def _draw_advice(panel: Axes, view: xr.Dataset) -> None:
    year, advised = view["year"].values, view["advised"]
    told = amounts(view.attrs["unit"], advised, view["catch"])
    catch_bars(panel, year, view["catch"].values / told.factor, "caught")
    for policy, style in styles_of(view).items():
        policy_line(panel, year, advised.sel(policy=policy).values / told.factor, policy, style)
    title(panel, "(a) advised, and caught")
    panel.set_ylabel(label("quota, catch", told))


def _draw_belief(panel: Axes, view: xr.Dataset) -> None:
    year, rows = view["year"].values, view["belief_quantile"].transpose("quantile", "year").values
    known = [rows[-1], view["observed"].values, view["hindsight"].sel(quantile=0.5).values]
    told = amounts(view.attrs["unit"], *known)
    rows = rows / told.factor
    intervals(panel, year, rows, "believed then")
    panel.plot(year, rows[2], color=BLUE, lw=2.0, label="believed then, median")
    late = view["hindsight"].sel(quantile=0.5).values / told.factor
    panel.plot(year, late, color=INK, lw=1.2, ls=(0, (4, 2)), label="in hindsight, median")
    observed_points(panel, year, view["observed"].values / told.factor)
    title(panel, f"(b) belief{'' if view.attrs['causal'] else ', parameters known from later years'}")
    panel.set_ylabel(label("biomass before harvest", told))


def _draw_counterfactual(panel: Axes, view: xr.Dataset, counterfactual: xr.Dataset) -> None:
    middle = counterfactual["biomass"].sel(quantile=0.5)
    year, told = counterfactual["year"].values, amounts(view.attrs["unit"], middle)
    followed = {str(name) for name in counterfactual["policy"].values}
    if _ACTUAL in followed:
        ends = (
            counterfactual["biomass"].sel(policy=_ACTUAL, quantile=[0.05, 0.95]).transpose("quantile", "year")
        )
        panel.fill_between(year, *(ends.values / told.factor), color="0.85", lw=0, label=f"{_ACTUAL}, 90 %")
        actual = middle.sel(policy=_ACTUAL).values / told.factor
        panel.plot(year, actual, color="k", lw=2.0, label=f"{_ACTUAL}, median")
    for policy, style in styles_of(view).items():
        if policy in followed:
            policy_line(panel, year, middle.sel(policy=policy).values / told.factor, policy, style)
    top = float(np.nanmax(middle.values)) / told.factor
    panel.set_ylim(0.0, 1.1 * top)
    title(panel, f"(c) had it been followed from {int(year[0])}, medians")
    panel.set_ylabel(label("biomass before harvest", told))
