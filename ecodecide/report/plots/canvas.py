"""What all figures share: axes without a window, amounts with their units, the look of panels and of policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.report.palette import PolicyStyle, policy_styles
from ecodecide.report.table import Amounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panels = np.ndarray[tuple[int, ...], np.dtype[np.object_]]
"""An array of matplotlib's Axes."""

INK, FAINT = "0.15", "0.55"
"""Grays of what is written, and of what stands behind."""


# --- axes ---


def one_panel(ax: Axes | None, width: float = 6.4, height: float = 4.4) -> Axes:
    """Return the axes, or those of a new figure that no window knows of."""
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(width, height), layout="constrained").subplots()
    _tidy(ax)
    return ax


def many_panels(
    axes: Sequence[Axes] | None, count: int, *, columns: int, width: float, height: float, **share: Any
) -> Panels:
    """Return as many axes, those given or those of a new figure; each of a new one is so wide and so high.

    Raises
    ------
    EvaluationError
        When other than so many are given.
    """
    if axes is None:
        from matplotlib.figure import Figure

        columns = min(columns, count)
        rows = -(-count // columns)
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
        made = figure.subplots(rows, columns, squeeze=False, **share).ravel()
        for spare in made[count:]:
            spare.remove()
        for above in made[max(count - columns, 0) : (rows - 1) * columns]:
            # nothing stands below it that would tell the years
            above.tick_params(labelbottom=True)
        axes = made[:count]
    if len(axes) != count:
        raise EvaluationError(
            f"this figure has {count} panels, got {len(axes)} axes: give one for each, or none"
        )
    panels = np.empty(count, dtype=object)
    panels[:] = list(axes)
    for panel in panels:
        _tidy(panel)
    return panels


def figure_of(panel: Axes) -> Figure:
    """Return the figure that axes belong to."""
    from matplotlib.figure import Figure

    figure = panel.get_figure(root=True)
    assert isinstance(figure, Figure)
    return figure


def _tidy(panel: Axes) -> None:
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
    panel.tick_params(labelsize=8.5)


def title(panel: Axes, words: str) -> None:
    """Write a short title at the left."""
    panel.set_title(plain(words), loc="left", fontsize=10)


def legend_below(panel: Axes, columns: int = 3) -> None:
    """Put the names below a panel, where they cover nothing."""
    panel.legend(
        fontsize=8, ncols=columns, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, columnspacing=1.4,
        handlelength=3.0,
    )  # fmt: skip


def legend_of_all(panels: Panels, columns: int = 4, caption: str | None = None) -> None:
    """Put the names of the first panel below all of them, and above the names a caption."""
    handles, names = panels[0].get_legend_handles_labels()
    figure_of(panels[0]).legend(
        handles, names, fontsize=8, ncols=columns, loc="outside lower center", frameon=False, columnspacing=1.4,
        handlelength=3.0, title=caption, title_fontsize=8.5,
    )  # fmt: skip


def nothing_to_show(panel: Axes, words: str) -> None:
    """Say in an empty panel why it is empty."""
    panel.text(0.5, 0.5, words, ha="center", va="center", transform=panel.transAxes, color=INK, fontsize=9)


def years_below(panel: Axes, words: str = "year") -> None:
    """Label the axis of years, in whole years."""
    from matplotlib.ticker import MaxNLocator

    panel.set_xlabel(words)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=2))


def percent_axis(axis: Any) -> None:
    """Write the shares of an axis in percent, with as many decimals as tell its ticks apart."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def square_root_axis(panel: Axes, largest: float) -> None:
    """Spread the small shares of the horizontal axis by their square roots, and write them in percent.

    The root of a proportion has an error that hardly depends on the proportion, unlike its logarithm it has a zero.
    """
    panel.set_xscale(
        "function", functions=(lambda x: np.sign(x) * np.sqrt(np.abs(x)), lambda x: np.sign(x) * x**2)
    )
    ticks = [at for at in (0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if at <= largest]
    apart = [at for at in ticks if at == 0.0 or np.sqrt(at) >= 0.1 * np.sqrt(largest)]
    panel.set_xticks(apart, [f"{100.0 * at:g} %" for at in apart])
    panel.xaxis.set_minor_locator(_nowhere())
    panel.set_xlim(-((0.03) ** 2) * largest, 1.05 * largest)


def _nowhere() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


# --- amounts ---


def amounts(unit: str, *values: Any) -> Amounts:
    """Return how amounts are written: in thousands or millions where the largest of them is so large."""
    known = [np.abs(one)[np.isfinite(one)] for one in (np.asarray(value, dtype=float) for value in values)]
    largest = max((float(one.max()) for one in known if one.size), default=0.0)
    return Amounts([{"value": largest if largest > 0.0 else None}], "" if unit == "unknown" else unit)


def label(words: str, told: Amounts) -> str:
    """Return the label of an axis: what it shows, and in parentheses its unit."""
    return f"{words} ({plain(told.head)})" if told.head else words


def plain(name: str) -> str:
    """Return a name as it is to be read: a dollar does not begin a formula."""
    return name.replace("$", r"\$")


def risk_words(kind: str, limit: str) -> str:
    """Return what a risk is the probability of."""
    return (
        f"probability of no recovery to {limit}"
        if kind == "no recovery"
        else f"probability of collapse below {limit}"
    )


def money_unit(view: xr.Dataset) -> str:
    """Return the unit of a value: that of the catch times the price."""
    unit = str(view.attrs["unit"])
    return "catch × price" if unit == "unknown" else f"{unit} × price"


# --- policies and worlds ---


def styles_of(view: xr.Dataset) -> dict[str, PolicyStyle]:
    """Return the look of each policy of a view: that of its run, also where the view holds some of them."""
    shown = [str(name) for name in np.atleast_1d(view["policy"].values)]
    every: Iterable[str] = view.attrs.get("policies", shown)
    styles = policy_styles([*([every] if isinstance(every, str) else every), *shown])
    return {name: styles[name] for name in shown}


def in_world(view: xr.Dataset, world: str | None) -> xr.Dataset:
    """Return a view in one of its worlds, the first where none is named.

    Raises
    ------
    EvaluationError
        When it does not know the world.
    """
    if "world" not in view.dims:
        return view
    names = [str(name) for name in view["world"].values]
    if world is not None and world not in names:
        raise EvaluationError(
            f"no world {world!r} among those of the run: expected one of {', '.join(names)}"
        )
    return view.sel(world=names[0] if world is None else world)
