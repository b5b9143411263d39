"""The figure of policies against worlds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.plots.canvas import (
    Panels,
    caption_below,
    in_lines,
    label,
    legend_name,
    many_panels,
    money_unit,
    text_width,
    title,
)
from ecodecide.report.table import amounts, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TITLES = {"value": "net present value", "risk": "risk", "regret": "regret"}
_SHADES = {"value": "Blues", "risk": "Oranges", "regret": "Purples"}


def plot_robustness(view: xr.Dataset, axes: Sequence[Axes] | None = None) -> Panels:
    """Draw value, risk and regret of each policy in each world, as numbers on shades.

    Parameters
    ----------
    view
        What `ecodecide.report.views.robustness_view` returns.
    axes
        Three; new ones by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (3,)

    Raises
    ------
    EvaluationError
        When another number of axes is given.
    """
    policies, worlds = ([str(name) for name in view[dim].values] for dim in ("policy", "world"))
    rows, columns = (
        [legend_name(policy) for policy in policies],
        [in_lines(world, 1.4, 8.5) for world in worlds],
    )
    cell = max(0.85, text_width(columns, 8.5) + 0.1)
    width = 1.25 + cell * len(worlds) + text_width(rows, 8.5) / 3
    panels = many_panels(axes, 3, columns=3, width=width, height=1.3 + 0.42 * len(policies), sharey=True)
    for panel, name in zip(panels, _TITLES, strict=True):
        _heat(panel, view, name)
        panel.set_xticks(range(len(worlds)), columns)
        panel.set_yticks(range(len(policies)), rows)
        panel.tick_params(length=0)
        for side in ("left", "bottom"):
            panel.spines[side].set_visible(False)
    panels[0].set_ylabel("policy")
    panels[1].set_xlabel("world")
    if len(worlds) > 1:
        for name, written in zip(policies, panels[0].get_yticklabels(), strict=True):
            written.set_fontweight("bold" if name == view.attrs["minimax_regret"] else "normal")
        if axes is None:
            words = (
                f"means of {view.attrs['replicates']:,} futures; bold: the smallest of the largest regrets"
            )
            caption_below(panels[0], words)
    return panels


def _heat(panel: Axes, view: xr.Dataset, name: str) -> None:
    table = view[name].transpose("policy", "world").values
    told = amounts(money_unit(view), table)
    known = table[np.isfinite(table)]
    # from nothing on, so that shades compare; a value may be negative
    low, high = min(0.0, float(known.min(initial=0.0))), float(known.max(initial=0.0))
    image = panel.imshow(table, cmap=_SHADES[name], vmin=low, vmax=1.2 * high or 1.0, aspect="auto")
    for row, column in np.ndindex(*table.shape):
        number = float(table[row, column])
        words = "-" if not np.isfinite(number) else percent(number) if name == "risk" else told(number)
        red, green, blue, alpha = image.to_rgba(np.asarray(number))
        # the lightness of the shade says which ink is read on it; what is not known has no shade
        dark = alpha > 0.0 and 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
        ink = "white" if dark else "black"
        panel.text(column, row, words, ha="center", va="center", fontsize=8.5, color=ink)
    kinds = {str(kind) for kind in view["risk_kind"].values}
    risk = f"probability of\n{' or '.join(sorted(kinds))}"
    words = risk if name == "risk" else label(_TITLES[name], told).replace(" (", "\n(")
    title(panel, words)
