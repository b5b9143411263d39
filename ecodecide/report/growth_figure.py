"""The figure of what a Gaussian process of growth has learned: the growth, the surplus, and predictions put to test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecodecide.errors import EvaluationError
from ecodecide.report.palette import BLUE, GREEN, PURPLE, SKY, VERMILLION

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PALE, _MIDDLE = "#CFE8F8", "#93CDEF"  # tints of the sky blue
_RIVALS = ((VERMILLION, "--"), (GREEN, "-."), (PURPLE, ":"))

_STEPS = ((1e9, "billion"), (1e6, "million"), (1e3, "thousand"))


def growth_figure(
    diagnostics: xr.Dataset, title: str | None = None, axes: Sequence[Axes] | None = None
) -> Figure:
    """Draw what a Gaussian process learned of a stock's growth.

    Panel (a): the next biomass against the escapement, as learned, with and without noise, beside the data and the
    rivals' medians. Panel (b): the yearly surplus f(s) - s with the reference points of its mean. Both are shaded
    where the process extrapolates. Panel (c): each of the last years as predicted from the years before it, and
    what came; of several draws of the biomass the first.

    Parameters
    ----------
    diagnostics
        What `ecodecide.fitting.diagnostics.diagnose` returns.
    title
        Words above the figure.
    axes
        Three axes to draw on, (a), (b) and (c); new ones by default.

    Returns
    -------
    matplotlib.figure.Figure
        That no window knows of: show it in a notebook, or give it to `ecodecide.report.figure_file.save_figure`.

    Raises
    ------
    EvaluationError
        With axes that are not three.

    Examples
    --------
    >>> from ecodecide.fitting.diagnostics import diagnose
    >>> s = np.linspace(0.3, 1.0, 12)
    >>> figure = growth_figure(diagnose(s, (s + 0.5 * s * (1.0 - s)) * np.tile([0.97, 1.03], 6)))
    >>> [panel.get_xlabel() for panel in figure.axes]
    ['escapement (K = 1)', 'escapement (K = 1)', 'year']
    """
    from matplotlib.figure import Figure

    if axes is None:
        made = Figure(figsize=(11.0, 5.2), layout="constrained")
        axes = list(made.subplots(1, 3, width_ratios=(1.15, 1.0, 1.0)))
    if len(axes) != 3:
        raise EvaluationError(f"growth_figure draws on three axes, got {len(axes)}")
    factor, unit = _amounts(diagnostics)
    _draw_growth(axes[0], diagnostics, factor, unit)
    _draw_surplus(axes[1], diagnostics, factor, unit)
    _draw_ahead(axes[2], diagnostics, factor, unit)
    for panel, letter in zip(axes, "abc", strict=True):
        panel.set_title(f"({letter}) {panel.get_title()}", loc="left", fontsize=10)
        panel.set_title("")
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
    figure = axes[0].get_figure(root=True)
    assert isinstance(figure, Figure)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _amounts(diagnostics: xr.Dataset) -> tuple[float, str]:
    """Return what to divide biomass by, and the unit of what that leaves, in parentheses; '' without one."""
    unit, scale = diagnostics.attrs["unit"], float(diagnostics.attrs["scale"])
    if "=" in unit:
        return 1.0, f" ({unit})"
    factor, word = next(((f, w) for f, w in _STEPS if scale >= f), (1.0, ""))
    # "thousand thousand t" is nobody's unit
    if any(unit.startswith(known) for _, known in _STEPS):
        factor, word = 1.0, ""
    words = " ".join(part for part in (word, "" if unit == "unknown" else unit) if part)
    return factor, f" ({words})" if words else ""


# --- the panels ---


def _draw_growth(panel: Axes, found: xr.Dataset, factor: float, unit: str) -> None:
    s = found["escapement"].values / factor
    _band(panel, s, found["next_biomass"].values / factor, "with noise")
    growth = found["growth"].values / factor
    for row, style, label in ((0, ":", "90 % of f"), (1, "--", "50 % of f")):
        panel.plot(s, growth[row], color=BLUE, lw=0.9, ls=style, label=label)
        panel.plot(s, growth[-1 - row], color=BLUE, lw=0.9, ls=style)
    panel.plot(s, growth[2], color=BLUE, lw=2.0, label="f learned, median")
    for i, law in enumerate(found["rival"].values):
        curve = found["rival_growth"].values[i] / factor
        if np.isfinite(curve).any():
            color, style = _RIVALS[i % len(_RIVALS)]
            panel.plot(s, curve, color=color, ls=style, lw=1.4, label=str(law))
    panel.plot(s, s, color="0.35", lw=0.8, label="replacement")
    x, y = found["pair_escapement"].values / factor, found["pair_next_biomass"].values / factor
    many = len(x) > 1
    label = f"data ({len(x)} draws)" if many else "data"
    panel.plot(x.ravel(), y.ravel(), "k.", ms=2.5 if many else 5.0, alpha=0.35 if many else 1.0, label=label)
    panel.set_ylim(0.0, _top(found) / factor)
    _finish(panel, s, found, unit)
    panel.set_ylabel(f"next biomass{unit}")
    panel.set_title("growth" if found.attrs["independent"] else "growth, not independent of the fitted law")
    _legend(panel)


def _top(found: xr.Dataset) -> float:
    """Where the axis of the next biomass ends: above the data, and the curve near them."""
    near = ~found["extrapolates"].values
    tops = [float(found["pair_next_biomass"].max()), float(found["escapement"].max()) / 1.5]
    if near.any():
        tops.append(float(found["next_biomass"].values[-1, near].max()))
    return 1.08 * max(tops)


def _draw_surplus(panel: Axes, found: xr.Dataset, factor: float, unit: str) -> None:
    s = found["escapement"].values / factor
    surplus = found["growth"].values / factor - s
    _band(panel, s, surplus, "of f - s")
    panel.plot(s, surplus[2], color=BLUE, lw=2.0, label="median")
    mean = found["mean_growth"].values / factor - s
    panel.plot(s, mean, color="k", lw=1.0, ls="--", label="mean, E f - s")
    panel.axhline(0.0, color="0.35", lw=0.8)
    low, high = _surplus_range(found, surplus, mean, float(found["msy"]) / factor)
    marks = (
        ("allee_threshold", "^", VERMILLION, "threshold"),
        ("escapement_msy", "o", GREEN, "escapement of MSY"),
        ("carrying_capacity", "s", PURPLE, "carrying capacity"),
    )
    for name, marker, color, label in marks:
        at = float(found[name]) / factor
        if np.isfinite(at) and 0.0 < at <= s[-1]:
            panel.plot(at, np.interp(at, s, mean), marker, color=color, mec="k", ms=7, label=label, zorder=5)
    panel.set_ylim(low, high)
    _finish(panel, s, found, unit)
    panel.set_ylabel(f"surplus per year{unit}")
    panel.set_title("surplus f(s) - s")
    _legend(panel)


def _surplus_range(found: xr.Dataset, surplus: Any, mean: Any, msy: float) -> tuple[float, float]:
    """Where the axis of the surplus begins and ends: the bands where there are data, the mean up to the scale, MSY."""
    s = found["escapement"].values
    near = ~found["extrapolates"].values
    rows = np.concatenate([surplus[:, near].ravel(), mean[s <= s[-1] / 1.5], [msy, 0.0]])
    low, high = float(rows.min()), float(rows.max())
    if high > 0.0:  # losses above the carrying capacity would make the gains too small to be seen
        low = max(low, -high)
    margin = 0.06 * (high - low)
    return low - margin, high + margin


def _draw_ahead(panel: Axes, found: xr.Dataset, factor: float, unit: str) -> None:
    from matplotlib.ticker import MaxNLocator

    year = found["ahead_year"].values
    panel.set_xlabel("year")
    panel.set_ylabel(f"biomass{unit}")
    draws = found.sizes["ahead_draw"]
    panel.set_title("a year ahead" + (f", draw 1 of {draws}" if draws > 1 else ""))
    if len(year) == 0 or np.isnan(found["ahead_rank"].values[0]).all():
        panel.text(
            0.5, 0.5, "too few pairs\nto predict ahead", ha="center", va="center", transform=panel.transAxes
        )
        return
    rows = found["ahead_quantiles"].values[:, 0] / factor
    came = found["ahead_observed"].values[0] / factor
    panel.vlines(year, rows[0], rows[4], color=SKY, lw=2.0, label="90 % predicted")
    panel.vlines(year, rows[1], rows[3], color=BLUE, lw=5.0, label="50 % predicted")
    panel.plot(year, rows[2], "_", color="w", ms=5, mew=1.5)
    rank = found["ahead_rank"].values[0]
    outside = np.abs(rank - 0.5) > 0.45
    panel.plot(year[~outside], came[~outside], "k.", ms=7, label="what came")
    if outside.any():
        panel.plot(
            year[outside],
            came[outside],
            "X",
            color=VERMILLION,
            mec="k",
            ms=7,
            label="what came, outside 90 %",
        )
    low, high = float(np.nanmin([*rows[0], *came])), float(np.nanmax([*rows[4], *came]))
    panel.set_ylim(max(0.0, low - 0.25 * (high - low)), high + 0.1 * (high - low))
    panel.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
    panel.set_xlim(year[0] - 0.8, year[-1] + 0.8)
    _legend(panel)


# --- what the panels share ---


def _band(panel: Axes, s: Any, rows: Any, of: str) -> None:
    """Fill the intervals of 90 % and 50 %, given the five quantiles."""
    for (low, high), color, width in (((0, 4), _PALE, "90"), ((1, 3), _MIDDLE, "50")):
        panel.fill_between(s, rows[low], rows[high], color=color, lw=0, label=f"{width} % {of}")


def _legend(panel: Axes) -> None:
    """Put the names below the panel, where they cover nothing."""
    panel.legend(
        fontsize=7.5,
        ncols=2,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.15),
        frameon=False,
        columnspacing=1.2,
    )


def _finish(panel: Axes, s: Any, found: xr.Dataset, unit: str) -> None:
    """Label the escapement, and hatch where the curve is extrapolated."""
    panel.set_xlim(0.0, s[-1])
    panel.set_xlabel(f"escapement{unit}")
    panel.fill_between(
        s, 0.0, 1.0, where=found["extrapolates"].values, transform=panel.get_xaxis_transform(), facecolor="0.5",
        alpha=0.2, hatch="///", edgecolor="0.2", lw=0, label="extrapolated", zorder=2.5,
    )  # fmt: skip
