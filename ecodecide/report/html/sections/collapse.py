"""How soon stocks collapse."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from ecodecide.report.html.markup import Markup, join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.policy_name import legend
from ecodecide.report.html.section import Drawing, Section, figure_box, numbers_table
from ecodecide.report.html.sections.summary import share_words
from ecodecide.report.interactive import collapse_figure
from ecodecide.report.views import collapse_view

_SHOWN: tuple[tuple[Literal["collapsed_by", "recovered_by"], str], ...] = (
    ("collapsed_by", "collapsed"),
    ("recovered_by", "recovered"),
)
_SIDES = {"collapsed_by": "above", "recovered_by": "below"}


_FEW = 20
"""Futures: the share of fewer has an interval that fills half of a figure (Wilson: 0.5 of 20 is 30 to 70 %)."""


def collapse(material: Material) -> Section:
    """Return the probability of having collapsed by each year, and of having recovered where some start collapsed."""
    view = collapse_view(material.comparison)
    definition = tag(
        "p",
        f"A stock collapses when its biomass before harvest falls below {material.limit} in any year after the first "
        "decision; each future is measured by the limit of its own world, and counted if it starts above it.",
    )
    parts: list[Markup] = [definition]
    drawings = {}
    for shows, what in _SHOWN:
        start_so = _start_so(material, view, shows)
        if start_so == 0:
            continue
        if start_so < _FEW:
            words = f"Of the futures {start_so} at the most start {_SIDES[shows]} the limit: too few for a figure."
            parts.append(tag("p", words))
            continue
        drawings[what] = Drawing(collapse_figure(view, shows, material.styles), names_policies=False)
        caption = (
            f"Share of the futures that start {_SIDES[shows]} the limit which have {what} by then, with 95 % "
            "intervals."
        )
        sees, told = f"{caption} {_ends(view, shows)}", join(material.in_world, caption)
        parts.append(figure_box(what, 400, sees, told, legend=legend(material.styles)))
    parts.append(_numbers(material, view))
    return Section("collapse", "Time to collapse", join(*parts), drawings)


def _start_so(material: Material, view: xr.Dataset, shows: str) -> int:
    """Return how many futures can collapse, or recover, in the world in which most can."""
    above = view["starts_above"].values
    share = above if shows == "collapsed_by" else 1.0 - above
    return round(float(np.nanmax(share, initial=0.0)) * material.comparison.runs.sizes["replicate"])


def _at(view: xr.Dataset, shows: str, world: str, policy: str, year: int) -> str:
    one = view[shows].sel(world=world, policy=policy).isel(year=year)
    cells = {key: float(one.sel(estimate=key)) for key in ("value", "low", "high")}
    return share_words({key: x if np.isfinite(x) else None for key, x in cells.items()})


def _ends(view: xr.Dataset, shows: str) -> str:
    world, last = str(view["world"].values[0]), view.sizes["year"] - 1
    each = [f"{name} {_at(view, shows, world, str(name), last)}" for name in view["policy"].values]
    return f"In the end, in {world}: {'; '.join(each)}."


def _numbers(material: Material, view: xr.Dataset) -> Markup:
    last = view.sizes["year"] - 1
    years = sorted({year for year in (5, 10, 20, last) if year <= last})
    rows = [
        [policy, world, *(_at(view, "collapsed_by", world, policy, year) for year in years)]
        for world in material.worlds
        for policy in material.policies
    ]
    head = ["policy", "world", *(f"{year} years" for year in years)]
    return numbers_table("Some years as a table", "Futures that have collapsed by then.", head, rows)
