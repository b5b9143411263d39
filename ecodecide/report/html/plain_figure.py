"""A plotly figure as plain values that JSON can hold, without more digits than a figure shows."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_DIGITS = 5
"""Significant: a screen tells a thousandth of its height apart, and a hover shows four."""


def plain_figure(figure: Figure) -> dict[str, Any]:
    """Return a figure as plain values: numbers of five significant digits, None for what is not known.

    Examples
    --------
    >>> from plotly.graph_objects import Figure, Scatter
    >>> plain_figure(Figure(Scatter(x=np.array([2019]), y=np.array([np.pi]))))["data"]
    [{'x': [2019], 'y': [3.1416], 'type': 'scatter'}]
    """
    found = figure.to_plotly_json()
    found["layout"].pop("template", None)
    return {"data": [_plain(trace) for trace in found["data"]], "layout": _plain(found["layout"])}


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "bdata" in value:
        # as plotly packs arrays
        array = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
        return _plain(array.tolist())
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return _rounded(value) if isinstance(value, float) else value


def _rounded(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
