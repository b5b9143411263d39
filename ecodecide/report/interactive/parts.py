"""What interactive figures share: an empty figure, lines, bands, and how amounts and names are written."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.report.name_lines import name_lines
from ecodecide.report.palette import PolicyStyle, policy_styles
from ecodecide.stock.growth import Array

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure, Scatter

INK, SOFT, LIMIT = {"ink": "ink"}, {"ink": "soft"}, {"ink": "limit"}
"""The `meta` of traces in the color of the words, of small print and of limits, which a theme may change."""

_INKS = {"ink": "#1a1d21", "soft": "#59626e", "limit": "#b3261e"}

Styles = Mapping[str, PolicyStyle]


def new_figure(height: int, rows: int = 1, **options: Any) -> Figure:
    """Return a figure without traces, panels below one another."""
    from plotly.graph_objects import Figure
    from plotly.subplots import make_subplots

    figure = Figure() if rows == 1 else make_subplots(rows=rows, cols=1, shared_xaxes=True, **options)
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 66, "r": 12, "t": 14, "b": 44},
        legend={
            "orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0.0, "x": 0.0, "itemclick": False,
            "itemdoubleclick": False,
        },
        hovermode="x unified",
        hoverdistance=-1,  # the nearest year, however far apart years are drawn
    )  # fmt: skip
    # of the vertical axes nothing is left to plotly: panels that widen one another's margins may never come to rest
    figure.update_xaxes(automargin="height", showline=True, ticks="outside", zeroline=False)
    figure.update_yaxes(rangemode="tozero", zeroline=False)
    return figure


def plain(words: str) -> str:
    """Return words that plotly shows as they are, whatever of its own tags, formats or formulas they look like.

    Examples
    --------
    >>> plain("<b>50 %{x}</b>")
    '&lt;b&gt;50 %&#123;x}&lt;/b&gt;'

    Returns
    -------
    plotly.graph_objects.Figure
    """
    # plotly knows no entity for quotation marks, and needs none
    return html.escape(words, quote=False).replace("{", "&#123;").replace("$", "&#36;")


def named(words: str, unit: str) -> str:
    """Return the title of an axis.

    Examples
    --------
    >>> named("biomass", "thousand t"), named("catch", "")
    ('biomass (thousand t)', 'catch')
    """
    return f"{plain(words)} ({plain(unit)})" if unit else plain(words)


def styles_of(view: xr.Dataset, styles: Styles | None) -> Styles:
    """Return the styles given, or those of the policies of the run that a view is of."""
    return policy_styles(view.attrs["policies"]) if styles is None else styles


def of(**choices: str | int | float) -> dict[str, Any]:
    """Return the `meta` of a trace that is of a policy, a world, or a year."""
    return dict(choices)


def line(
    x: ArrayLike,
    y: ArrayLike,
    name: str,
    meta: Mapping[str, Any],
    style: PolicyStyle | None = None,
    *,
    shown: bool = True,
    words: str = "%{y:.4~g}",
    **options: Any,
) -> Scatter:
    """Return a line: in the style of a policy, or in one of the inks."""
    from plotly.graph_objects import Scatter

    color, dash = (_INKS[meta["ink"]], "solid") if style is None else (style.color, style.dash)
    given = {"color": color, "dash": dash, "width": 2.2, **options.pop("line", {})}
    if options.get("hoverinfo") != "skip":
        options["hovertemplate"] = words + "<extra>%{fullData.name}</extra>"
    return Scatter(
        x=x, y=y, name="<br>".join(map(plain, name_lines(name))), mode=options.pop("mode", "lines"), line=given,
        meta=dict(meta), visible=shown, **options,
    )  # fmt: skip


def observed_points(x: ArrayLike, y: ArrayLike) -> Scatter:
    """Return what was observed, as points."""
    ring = {"size": 6, "color": _INKS["ink"], "symbol": "circle-open", "line": {"width": 1.6}}
    return line(x, y, "observed", INK, mode="markers", marker=ring)


def band(
    x: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    meta: Mapping[str, Any],
    color: str,
    opacity: float = 0.18,
    *,
    shown: bool = True,
    **options: Any,
) -> Scatter:
    """Return the area between two lines."""
    from plotly.graph_objects import Scatter

    known = np.isfinite(low) & np.isfinite(high)
    across, bottom, top = (np.asarray(values)[known] for values in (x, low, high))
    around = {"x": np.concatenate([across, across[::-1]]), "y": np.concatenate([top, bottom[::-1]])}
    return Scatter(
        **around, mode="lines", line={"width": 0, "color": color}, fill="toself",
        fillcolor=faint(color, opacity), hoverinfo="skip", showlegend=options.pop("showlegend", False),
        meta=dict(meta), visible=shown, **options,
    )  # fmt: skip


def level(
    x: Sequence[float] | Array,
    y: float,
    name: str,
    meta: Mapping[str, Any],
    dash: str = "dash",
    **options: Any,
) -> Scatter:
    """Return a level line, such as a limit, from the first to the last of x."""
    ends = [float(np.min(x)), float(np.max(x))]
    return line(ends, [y, y], name, meta, line={"width": 1.4, "dash": dash}, **options)


def faint(color: str, opacity: float) -> str:
    """Return a color through which others are seen.

    Examples
    --------
    >>> faint("#0072B2", 0.2)
    'rgba(0,114,178,0.2)'
    """
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def worlds_of(view: xr.Dataset) -> list[tuple[str, bool]]:
    """Return the names of the worlds of a view, and whether each is shown at first."""
    return [(str(name), number == 0) for number, name in enumerate(view["world"].values)]


def policies_of(view: xr.Dataset) -> list[str]:
    """Return the names of the policies of a view."""
    return [str(name) for name in view["policy"].values]


def add(figure: Figure, traces: Iterable[Scatter], row: int | None = None) -> None:
    """Add traces to a panel of a figure."""
    for trace in traces:
        figure.add_trace(trace, **({} if row is None else {"row": row, "col": 1}))
