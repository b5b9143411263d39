"""A short piece of a policy's line, as it is drawn in the figures."""

from __future__ import annotations

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


def swatch(style: PolicyStyle) -> Markup:
    """Return the line."""
    line = tag(
        "line",
        x1=0,
        x2=24,
        y1=5,
        y2=5,
        stroke=style.color,
        stroke_width=3,
        stroke_dasharray=_DASHES[style.dash],
    )
    return tag("svg", line, class_="swatch", viewBox="0 0 24 10", aria_hidden="true")
