"""Policies by their names, with a short piece of their line, or their point, as it is drawn in the figures."""

from __future__ import annotations

from collections.abc import Mapping

from ecodecide.report.html.markup import Markup, tag
from ecodecide.report.palette import PolicyStyle

_DASHES = {
    "solid": None,
    "dash": "7 3",
    "dot": "2 2.5",
    "dashdot": "7 2.5 2 2.5",
    "longdash": "10 3",
    "longdashdot": "10 2.5 2 2.5",
}
_POINTS = {
    "circle": "M8 5a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "square": "M8 1h8v8h-8z",
    "triangle-up": "M12 .5l4.5 8.5h-9z",
    "diamond": "M12 0l5 5-5 5-5-5z",
    "triangle-down": "M12 9.5l4.5-8.5h-9z",
    "pentagon": "M12 .4l4.6 3.4-1.7 5.4h-5.8l-1.7-5.4z",
    "x": "M8 2.5L9.5 1 12 3.5 14.5 1 16 2.5 13.5 5 16 7.5 14.5 9 12 6.5 9.5 9 8 7.5 10.5 5z",
}


def policy_name(name: str, style: PolicyStyle, *, point: bool = False) -> Markup:
    """Return the name of a policy, which may be broken into lines, after its line or its point."""
    return tag("span", _swatch(style, point), tag("span", name), class_="policy")


def legend(styles: Mapping[str, PolicyStyle], *, point: bool = False) -> Markup:
    """Return the names of policies below a figure, each shown where its policy is."""
    rows = (
        tag("li", policy_name(name, look, point=point), data_policy=name) for name, look in styles.items()
    )
    return tag("ul", *rows, class_="legend", aria_label="Policies")


def _swatch(style: PolicyStyle, point: bool) -> Markup:
    if point:
        drawn = tag("path", d=_POINTS[style.symbol], fill=style.color)
    else:
        dashes = _DASHES[style.dash]
        drawn = tag("path", d="M0 5h24", stroke=style.color, stroke_width=3, stroke_dasharray=dashes)
    return tag("svg", drawn, class_="swatch", viewBox="0 0 24 10", aria_hidden="true")
