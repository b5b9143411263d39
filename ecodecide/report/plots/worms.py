"""The figure of futures: bands over all of them, and a few as they went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.report.plots.canvas import (
    INK,
    Panels,
    caption_below,
    figure_of,
    in_world,
    label,
    many_panels,
    money_unit,
    styles_of,
    title,
    years_below,
)
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WORDS = {"biomass": "biomass before harvest", "catch": "catch per year", "profit": "profit per year"}


def plot_worms(
    view: xr.Dataset, world: str | None = None, series: str = "biomass", axes: Sequence[Axes] | None = None
) -> Panels:
    """Draw the futures under each policy, a panel for each: bands of 50 % and 90 %, the median, and single futures.

    Parameters
    ----------
    view
        What `ecodecide.report.views.futures_view` returns.
    world
        In which truth; the first by default.
    series
        ``"biomass"``, ``"catch"`` or ``"profit"``.
    axes
        One for each policy; new ones by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (policies,)

    Raises
    ------
    EvaluationError
        For a world or a series that the view does not hold, or another number of axes.
    """
    if series not in _WORDS:
        raise EvaluationError(f"no series {series!r} to draw: expected one of {', '.join(_WORDS)}")
    one = in_world(view, world)
    styles = styles_of(view)
    columns = 4 if len(styles) in (4, 7, 8) else 3
    panels = many_panels(axes, len(styles), columns=columns, width=3.1, height=2.8, sharex=True, sharey=True)
    bands = one[series].transpose("policy", "quantile", "year")
    told = amounts(money_unit(view) if series == "profit" else view.attrs["unit"], bands)
    year, top = one["calendar_year"].values, 0.0
    for panel, (policy, style) in zip(panels, styles.items(), strict=True):
        rows = bands.sel(policy=policy).values / told.factor
        panel.fill_between(
            year, rows[0], rows[4], color=style.color, alpha=0.20, lw=0, label="90 % of futures"
        )
        panel.fill_between(
            year, rows[1], rows[3], color=style.color, alpha=0.35, lw=0, label="50 % of futures"
        )
        if f"worm_{series}" in one and one.sizes["worm"] > 0:
            worms = one[f"worm_{series}"].sel(policy=policy).transpose("year", "worm").values / told.factor
            panel.plot(year, worms, color=INK, lw=0.35, alpha=0.45)
        panel.plot(year, rows[2], color="white", lw=3.6)
        panel.plot(year, rows[2], color=style.color, lw=2.2, label="median")
        if series == "biomass":
            limit = float(one["collapse_limit"]) / told.factor
            panel.axhline(
                limit, color="k", lw=1.1, ls=(0, (4, 2)), label=f"collapse, {view.attrs['collapse']}"
            )
        title(panel, policy)
        panel.set_xlim(year[0], max(year[-1], year[0] + 1))
        years_below(panel, "year")
        # a wide first year, such as that of quotas set by one survey, does not set the scale
        top = max(top, float(np.nanmax(rows[2:4])), float(np.nanquantile(rows[4], 0.95)))
    end = 1.25 * top if top > 0.0 else 1.0
    for panel in panels:
        panel.set_ylim(min(0.0, float(bands.min()) / told.factor), end)
    if axes is None:
        for above in panels[:-columns]:
            above.set_xlabel("")
        figure_of(panels[0]).supylabel(label(_WORDS[series], told), fontsize=9.5)
        cut = "; bands that leave a panel go on above it" if float(bands.max()) > end * told.factor else ""
        caption_below(panels[0], _caption(view, one, series) + cut)
    return panels


def _caption(view: xr.Dataset, one: xr.Dataset, series: str) -> str:
    words = (
        f"bands: 50 % and 90 % of {view.attrs['replicates']:,} futures in the world {one['world'].item()}; "
    )
    words += f"thin: {one.sizes['worm']} of them, with the same luck in every panel"
    if series == "biomass":
        words += f"; dashed: limit of collapse, {view.attrs['collapse']}, median"
    return words
