"""What all figures share: axes without a window, amounts with their units, the look of panels and of policies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.report.name_lines import name_lines
from ecodecide.report.palette import PolicyStyle, policy_styles
from ecodecide.report.table import Amounts
from ecodecide.stock.growth import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panels = np.ndarray[tuple[int, ...], np.dtype[np.object_]]
"""An array of matplotlib's Axes."""

INK, FAINT = "0.15", "0.55"
"""Grays of what is written, and of what stands behind."""

_PALE, _MIDDLE = "#CFE8F8", "#93CDEF"
"""Tints of intervals of 90 % and 50 %."""

_LETTER = 0.0077
"""Width of a letter in inches by its size in points, a little more than the mean of the font."""


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


def world_panel(
    view: xr.Dataset, world: str | None, ax: Axes | None, width: float, height: float
) -> tuple[Axes, xr.Dataset]:
    """Return axes that are titled by a world, and a view in that world; see `one_panel` and `in_world`."""
    one = in_world(view, world)
    panel = one_panel(ax, width, height)
    title(panel, f"world: {one['world'].item()}")
    return panel, one


# --- words: none longer than its place ---


def in_lines(words: str, inches: float, size: float) -> str:
    """Return words in lines that fit a width when written in letters of a size in points."""
    width = max(int(inches / (_LETTER * size)), 8)
    return "\n".join(plain(line) for given in words.split("\n") for line in name_lines(given, width))


def legend_name(words: str) -> str:
    """Return a name as a legend shows it."""
    return "\n".join(map(plain, name_lines(words)))


def text_width(texts: Iterable[str], size: float) -> float:
    """Return how many inches the longest line of some texts takes in letters of a size in points."""
    return _LETTER * size * max(len(line) for text in texts for line in text.split("\n"))


def title(panel: Axes, words: str) -> None:
    """Write a title at the left, in lines as wide as the panel."""
    panel.set_title(in_lines(words, _width(panel), 10.0), loc="left", fontsize=10)


def caption_below(panel: Axes, words: str) -> None:
    """Write a few words below all panels of a figure, in lines as wide as the figure."""
    figure = figure_of(panel)
    lines = in_lines(words, figure.get_figwidth(), 8.5)
    figure.supxlabel(lines, fontsize=8.5)
    _make_room(figure, lines.count("\n") + 1)


def legend_below(panel: Axes, columns: int = 3) -> None:
    """Put the names below a panel, where they cover nothing, in at most so many columns."""
    handles, names = panel.get_legend_handles_labels()
    panel.legend(
        handles, names, loc="upper center", bbox_to_anchor=(0.5, -0.14), **_legend(names, columns, _width(panel))
    )  # fmt: skip


def legend_of_all(panels: Panels, columns: int = 4, caption: str | None = None) -> None:
    """Put the names of all panels below all of them, each once, and above the names a caption."""
    named = {n: h for p in panels for h, n in zip(*p.get_legend_handles_labels(), strict=True)}
    names, handles = list(named), list(named.values())
    figure = figure_of(panels[0])
    look = _legend(names, columns, figure.get_figwidth())
    _make_room(figure, -(-len(names) // look["ncols"]) * max(name.count("\n") + 1 for name in names))
    figure.legend(
        handles, names, loc="outside lower center", title=caption, title_fontsize=8.5, **look
    )  # fmt: skip


def _legend(names: Sequence[str], columns: int, inches: float) -> dict[str, Any]:
    """Return the look of a legend, with as many columns as there is room for."""
    one = text_width(names, 8.0) + 0.6  # with its line, and the space to the next
    fit = max(min(columns, int(inches / one)), 1)
    return {"fontsize": 8, "ncols": fit, "frameon": False, "columnspacing": 1.4, "handlelength": 3.0}


def _make_room(figure: Figure, lines: int) -> None:
    """Make a figure higher by lines below its panels: two have room, more would take it from the panels."""
    figure.set_figheight(figure.get_figheight() + 0.15 * max(lines - 2, 0))


def _width(panel: Axes) -> float:
    """Return about how many inches a panel will have: before it is laid out, with its margins."""
    return 1.25 * float(panel.get_position().width) * figure_of(panel).get_figwidth()


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


# --- what several figures draw ---


def policy_line(panel: Axes, x: Array, y: Array, policy: str, style: PolicyStyle) -> None:
    """Draw the line of a policy, with its name for the legend."""
    panel.plot(x, y, color=style.color, ls=style.linestyle, lw=1.8, label=legend_name(policy))


def catch_bars(panel: Axes, year: Array, catch: Array, words: str) -> None:
    """Draw catches as bars, a year each."""
    panel.bar(year, catch, width=0.7, color="0.8", edgecolor="0.45", lw=0.6, label=words)


def observed_points(panel: Axes, year: Array, observed: Array, words: str = "observed") -> None:
    """Draw what was observed, above all else."""
    panel.plot(year, observed, "o", color="k", mfc="white", ms=4.5, label=legend_name(words), zorder=3.0)


def intervals(panel: Axes, x: Array, quantiles: Array, words: str) -> None:
    """Shade the intervals of 90 % and 50 % between five quantiles, shape (5, x)."""
    for (low, high), color, share in (((0, 4), _PALE, 90), ((1, 3), _MIDDLE, 50)):
        label = f"{words}, {share} % interval"
        panel.fill_between(
            x, quantiles[low], quantiles[high], color=color, lw=0, alpha=0.85, zorder=1.5, label=label
        )


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
