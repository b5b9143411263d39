"""The figure of policies against worlds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.plots.canvas import Panels, amounts, label, many_panels, money_unit
from ecodecide.report.table import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TITLES = {"value": "net present value", "risk": "probability of collapse", "regret": "regret"}
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
    """
    policies, worlds = ([str(name) for name in view[dim].values] for dim in ("policy", "world"))
    panels = many_panels(
        axes, 3, columns=3, width=1.6 + 0.85 * len(worlds), height=1.3 + 0.42 * len(policies), sharey=True
    )
    for panel, name in zip(panels, _TITLES, strict=True):
        _heat(panel, view, name)
        panel.set_xticks(range(len(worlds)), [world.replace(",", ",\n") for world in worlds])
        panel.set_yticks(range(len(policies)), policies)
        panel.tick_params(length=0)
        for side in ("left", "bottom"):
            panel.spines[side].set_visible(False)
    panels[0].set_ylabel("policy")
    panels[1].set_xlabel("world")
    return panels


def _heat(panel: Axes, view: xr.Dataset, name: str) -> None:
    table = view[name].transpose("policy", "world").values
    told = amounts(money_unit(view), table)
    known = table[np.isfinite(table)]
    high = float(known.max()) if known.size else 1.0
    # from nothing on, so that shades compare; a value may be negative
    panel.imshow(
        table,
        cmap=_SHADES[name],
        vmin=min(0.0, float(known.min(initial=0.0))),
        vmax=1.25 * high or 1.0,
        aspect="auto",
    )
    for row, col in np.ndindex(*table.shape):
        number = float(table[row, col])
        words = "-" if not np.isfinite(number) else percent(number) if name == "risk" else told(number)
        panel.text(
            col,
            row,
            words,
            ha="center",
            va="center",
            fontsize=8.5,
            color="white" if number > 0.75 * 1.25 * high else "black",
        )
    title = _TITLES[name] if name == "risk" else label(_TITLES[name], told).replace(" (", "\n(")
    panel.set_title(title, loc="left", fontsize=9.5)
