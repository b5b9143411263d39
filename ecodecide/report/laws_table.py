"""Several fitted growth laws as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table

from ecodecide.report.table import Amounts

_ROWS = (
    ("MSY", "reference_points", "msy", True),
    ("B_MSY", "reference_points", "b_msy", True),
    ("F_MSY", "reference_points", "f_msy", False),
    ("biomass now", "status", "biomass", True),
    ("B / B_MSY", "status", "b_bmsy", False),
    ("F / F_MSY", "status", "f_fmsy", False),
)
"""Words, group, key, and whether it is an amount of biomass."""


def laws_table(found: Mapping[str, Any], unit: str) -> RenderableType:
    """Return the table of fitted laws, a column each: medians over 90 % intervals; four laws fit 80 columns.

    Parameters
    ----------
    found
        What `ecodecide.fitting.laws.to_dict` returns.
    unit
        The unit of biomass.
    """
    laws = list(found["laws"].values())
    title = f"{found['stock']}: medians and 90 % intervals"
    table = Table(title=title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("", no_wrap=True)
    for law in found["laws"]:
        table.add_column(law, justify="right", no_wrap=True)
    table.add_row("weight", *(f"{100.0 * one['weights']['marginal_likelihood']:.1f} %" for one in laws))
    for words, group, key, amount in _ROWS:
        estimates = [one[group][key] for one in laws]
        amounts = Amounts([estimate for estimate in estimates if estimate], unit)
        factor, below = (amounts.factor, f"\n  {amounts.head}") if amount else (1.0, "")
        table.add_row(words + below, *(_over_interval(estimate, factor) for estimate in estimates))
    for words, key in (("tipping point", "p_tipping_point"), ("below it now", "p_below_threshold")):
        table.add_row(words, *(f"{100.0 * one['status'][key]:.0f} %" for one in laws))
    return table


def _over_interval(estimate: Mapping[str, float] | None, factor: float) -> str:
    if estimate is None:
        return "-"
    low, median, high = (f"{estimate[end] / factor:.3g}" for end in ("low", "median", "high"))
    return f"{median}\n{low}-{high}"
