"""Policies against worlds as a table, and in a few sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ecodecide.report.table import Amounts, number, percent

if TYPE_CHECKING:
    from rich.console import RenderableType


_SELDOM = 0.05
"""The share of resampled futures in which a policy is the best, below which it is not held to be."""


def robustness_table(result: Mapping[str, Any]) -> RenderableType:
    """Return value and risk of each policy in each world, and its largest regret.

    Parameters
    ----------
    result
        What `Comparison.to_dict` returns.
    """
    from rich import box
    from rich.table import Table

    found = result["robustness"]
    unit = result["unit"] if result["unit"] != "unknown" else ""
    worths = [{"value": x} for row in found["value"].values() for x in row.values()]
    value = Amounts(worths + [{"value": x} for x in found["regret"].values()], unit)
    table = Table(
        title="in every world: net present value"
        + (f" ({value.head})" if value.head else "")
        + ", risk of collapse",
        caption="regret: what the best policy of a world earns more, in the worst world",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("policy", no_wrap=True)
    for world in found["worlds"]:
        table.add_column(world.replace(",", ",\n"), justify="right")
    table.add_column("largest\nregret", justify="right")
    for policy in found["policies"]:
        cells = [
            f"{value(found['value'][world][policy])}\n[dim]{percent(found['collapse'][world][policy])}[/dim]"
            for world in found["worlds"]
        ]
        low, high = found["regret_interval"][policy]
        regret = f"{value(found['regret'][policy])}\n[dim]{value(low)} to {value(high)}[/dim]"
        table.add_row(policy, *cells, regret)
    return table


def precise_lines(result: Mapping[str, Any]) -> list[str]:
    """Return the risks that are known better than simulation tells them, one sentence a line.

    Parameters
    ----------
    result
        What `Comparison.to_dict` returns.
    """
    lines = []
    exact = [
        f"{e['name']} {percent(e['exact']['collapse_probability'])}"
        for e in result["policies"]
        if e["exact"] and e["exact"]["collapse_probability"] is not None
    ]
    if exact:
        lines.append(
            f"Exact risk in {result['world']}, computed on the grid and not sampled: {', '.join(exact)}."
        )
    rare = [
        f"{e['name']} {percent(e['rare']['value'])} ({percent(e['rare']['low'])} to {percent(e['rare']['high'])})"
        for e in result["policies"]
        if e["rare"]
    ]
    if rare:
        lines.append(f"Risk in {result['world']} by splitting of futures: {', '.join(rare)}.")
    return lines


def robustness_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what the worlds say together, one sentence a line.

    Parameters
    ----------
    result
        What `Comparison.to_dict` returns.
    """
    found = result["robustness"]
    if len(found["policies"]) < 2:
        return []
    lines = []
    if len(found["worlds"]) > 1:
        least = found["minimax_regret"]
        where = ", ".join(found["worlds"])
        lines.append(f"Least regret over {where}: {least} (at most {number(found['regret'][least])}).")
    for world in found["worlds"]:
        ranking = found["ranking"][world]["value"]
        order = " > ".join(ranking["order"])
        first = ranking["order"][0]
        sure = f"{first} is first in {percent(ranking['best'][first])} of resampled futures"
        if ranking["stability"] is not None:
            sure += f", and the whole order the same in {percent(ranking['stability'])}"
        lines.append(f"By value in {world}: {order}; {sure}.")
        lines += _other_definitions(found, world)
    return lines


def _other_definitions(found: Mapping[str, Any], world: str) -> list[str]:
    """Return under which definitions of collapse another policy is sure to risk least, in one sentence."""
    ranking = found["ranking"][world].get("collapse")
    if ranking is None:
        return []
    least = {policy for policy, share in ranking["best"].items() if share >= _SELDOM}
    apart: dict[str, list[str]] = {}
    for one in found["collapse_definitions"][world]:
        first = one["order"][0]
        if one["best"][first] > 1.0 - _SELDOM and first not in least:
            apart.setdefault(first, []).append(f"{one['when']} below {one['limit']}")
    return [
        f"In {world} it is {policy} that risks least when collapse means: {', '.join(kinds)}."
        for policy, kinds in apart.items()
    ]
