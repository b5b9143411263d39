"""The Kobe plot: how large the stock is, and how hard it is fished."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.plots.canvas import INK, one_panel, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FILL = {"green": "#CDEBDD", "yellow": "#FBF6C4", "orange": "#F9DCA8", "red": "#EDB79C"}
"""Tints that fall in lightness from green and yellow to red, so that gray tells them apart too."""


def plot_kobe(view: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw B/B_MSY against F/F_MSY: the medians of all years, and draws of the last one in its four quadrants.

    Every quadrant says what it means and how likely it is.

    Parameters
    ----------
    view
        What `ecodecide.report.views.status_view` returns.
    ax
        Where to draw; new axes by default.

    Returns
    -------
    matplotlib.axes.Axes
    """
    from matplotlib.patheffects import withStroke

    panel = one_panel(ax, 6.2, 5.6)
    b, f = view["b_bmsy"].values, view["f_fmsy"].values
    right, top = (_end(view, name) for name in ("b_bmsy", "f_fmsy"))
    _quadrants(panel, view, right, top)
    panel.plot(
        view["draw_b_bmsy"], view["draw_f_fmsy"], ".", color="0.35", ms=2.5, alpha=0.45, zorder=2.0,
        label=f"draws of the fit, {int(view['kobe_year'])}",
    )  # fmt: skip
    known = np.isfinite(b) & np.isfinite(f)
    year = view["year"].values[known]
    panel.plot(b[known], f[known], "-o", color="k", lw=1.0, ms=2.8, zorder=3.0, label="medians, year by year")
    last = int(np.flatnonzero(view["year"].values == int(view["kobe_year"]))[0])
    (b_low, b_high), (f_low, f_high) = (view[f"{n}_interval"].values[last] for n in ("b_bmsy", "f_fmsy"))
    panel.errorbar(
        b[last], f[last],
        xerr=[[b[last] - b_low], [b_high - b[last]]], yerr=[[f[last] - f_low], [f_high - f[last]]],
        fmt="D", color="k", mfc="white", ms=7, mew=1.4, elinewidth=1.6, zorder=4.0,
        label=f"median and 90 % intervals, {int(view['kobe_year'])}",
    )  # fmt: skip
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for at in (0, len(year) - 1):
        x, y = float(b[known][at]), float(f[known][at])
        # away from the words in the lower right corner
        away = x > 0.7 * right and y < 0.3 * top
        panel.annotate(
            str(year[at]), (x, y), xytext=(-8 if away else 8, 7), textcoords="offset points", fontsize=8.5,
            ha="right" if away else "left", fontweight="bold", zorder=5.0, path_effects=halo,
        )  # fmt: skip
    panel.axvline(1.0, color=INK, lw=0.9, zorder=1.5)
    panel.axhline(1.0, color=INK, lw=0.9, zorder=1.5)
    panel.set_xlim(0.0, right)
    panel.set_ylim(0.0, top)
    panel.set_xlabel("B / B$_{MSY}$ (biomass before harvest)")
    panel.set_ylabel("F / F$_{MSY}$ (F = catch / biomass)")
    title(panel, f"{view.attrs['stock']}: status in {int(view['kobe_year'])}")
    panel.legend(fontsize=8, ncols=1, loc="upper center", bbox_to_anchor=(0.5, -0.12), frameon=False)
    return panel


def _end(view: xr.Dataset, name: str) -> float:
    """Where an axis ends: beyond all medians and nearly all draws, and never short of a quadrant's words."""
    far = [1.3 * float(view[name].max()), 1.05 * float(np.quantile(view[f"draw_{name}"], 0.99)), 2.0]
    return max(far)


def _quadrants(panel: Axes, view: xr.Dataset, right: float, top: float) -> None:
    from matplotlib.patheffects import withStroke

    places = {
        "green": ((1.0, right), (0.0, 1.0), (0.985, 0.02), "right", "bottom"),
        "yellow": ((0.0, 1.0), (0.0, 1.0), (0.015, 0.02), "left", "bottom"),
        "orange": ((1.0, right), (1.0, top), (0.985, 0.98), "right", "top"),
        "red": ((0.0, 1.0), (1.0, top), (0.015, 0.98), "left", "top"),
    }
    for color, (across, up, at, side, end) in places.items():
        one = view.sel(quadrant=color)
        panel.fill_between(across, *up, color=_FILL[color], lw=0, zorder=0.5)
        words = str(one["meaning"].item())
        # in a flat quadrant in one line, if need be a small one
        flat = (up[1] - up[0]) / top < 0.2
        if not flat:
            words = words.replace(", ", ",\n").replace(" and ", "\nand ")
        panel.text(
            *at, f"{words}{': ' if flat else chr(10)}{100 * float(one['kobe']):.0f} %", transform=panel.transAxes,
            ha=side, va=end, fontsize=7 if flat else 8, color=INK, zorder=4.5,
            path_effects=[withStroke(linewidth=2.5, foreground=_FILL[color])],
        )  # fmt: skip
