"""A comparison as a table and a few sentences for the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from rich.console import RenderableType

Estimate = Mapping[str, float | None]


def number(value: float | None) -> str:
    """Return a number as a person would write it: four significant digits, thousands apart.

    Examples
    --------
    >>> number(1234567.0), number(0.123456), number(12.3456), number(None)
    ('1,235,000', '0.1235', '12.35', '-')
    """
    if value is None:
        return "-"
    if value == 0.0:
        return "0"
    rounded = float(f"{value:.4g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 1000.0 else f"{rounded:.4g}"


def percent(value: float | None) -> str:
    """Return a share in percent.

    Examples
    --------
    >>> percent(0.0523), percent(0.0), percent(None)
    ('5.2 %', '0 %', '-')
    """
    return "-" if value is None else f"{100.0 * value:.2g} %" if value < 0.1 else f"{100.0 * value:.0f} %"


def _range(low: float, high: float) -> str:
    """Return two shares in percent, or one where they read the same."""
    ends = percent(low), percent(high)
    return ends[0] if ends[0] == ends[1] else f"{ends[0].removesuffix(' %')} to {ends[1]}"


def with_interval(estimate: Estimate, show: Callable[[float | None], str]) -> str:
    """Return a value over its interval: none is shown where it is known to be the value itself."""
    value, low, high = (estimate[key] for key in ("value", "low", "high"))
    if value is None:
        return "-"
    if low is None or high is None:
        return f"{show(value)}\n[dim]-[/dim]"
    if low == high:
        return show(value)
    return f"{show(value)}\n[dim]{show(low).removesuffix(' %')} to {show(high).removesuffix(' %')}[/dim]"


_FACTORS = ((1e9, "billion"), (1e6, "million"), (1e3, "thousand"))


class Amounts:
    """How the amounts of one column are written: a common factor, and as many decimals for all."""

    def __init__(self, estimates: Sequence[Estimate], unit: str) -> None:
        known = [abs(x) for estimate in estimates for x in estimate.values() if x is not None]
        largest = max(known, default=0.0)
        # a history in thousand t is written in million t rather than in thousand thousand t
        own = next((f for f, word in _FACTORS if unit.startswith(f"{word} ")), 1.0)
        self.unit = unit if own == 1.0 else unit.split(" ", 1)[1]
        self.factor, word = next(((f, w) for f, w in _FACTORS if largest * own >= f), (1.0, ""))
        if own > self.factor:
            self.factor, word = own, unit.split(" ", 1)[0]
        self.factor /= own
        self.head = f"{word} {self.unit}".strip()
        scaled = largest / self.factor
        self.decimals = min(max(3 - math.floor(math.log10(scaled)), 0), 9) if scaled > 0.0 else 0

    def __call__(self, value: float | None) -> str:
        """Return one of the amounts."""
        if value is None:
            return "-"
        # nothing is 0 rather than 0.000; z: nor is anything -0.000
        return "0" if value == 0.0 else f"{value / self.factor:z,.{self.decimals}f}"


def amounts(unit: str, *values: ArrayLike) -> Amounts:
    """Return how the amounts of an axis are written: in thousands or millions where the largest of them is so large.

    Parameters
    ----------
    unit
        Of the amounts; nothing is written for ``"unknown"``.
    *values
        All that the axis shows; what is not known counts for nothing.

    Examples
    --------
    >>> told = amounts("t", [2500.0, float("nan")], 10.0)
    >>> told.head, told.factor
    ('thousand t', 1000.0)
    """
    import numpy as np

    known = [np.abs(one)[np.isfinite(one)] for one in (np.asarray(value, dtype=float) for value in values)]
    largest = max((float(one.max()) for one in known if one.size), default=0.0)
    return Amounts([{"value": largest if largest > 0.0 else None}], "" if unit == "unknown" else unit)


def comparison_table(result: Mapping[str, Any]) -> RenderableType:
    """Return the table of a comparison; it fits 80 columns.

    Parameters
    ----------
    result
        What `Comparison.to_dict` returns.
    """
    from rich import box
    from rich.table import Table

    unit = result["unit"] if result["unit"] != "unknown" else ""
    value = Amounts([entry["npv"] for entry in result["policies"]], unit)
    catch = Amounts([entry["mean_catch"] for entry in result["policies"]], unit)
    table = Table(
        title=f"{result['stock']}: {result['settings']['years']} years, {result['settings']['replicates']} futures, "
        f"world {result['world']}",
        caption="second line: 95 % Monte Carlo interval",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("policy", no_wrap=True)
    for head in (
        f"collapse\nbelow {result['settings']['collapse']}",
        "net present\nvalue" + (f"\n({value.head})" if value.head else ""),
        "mean catch\nper year" + (f"\n({catch.head})" if catch.head else ""),
        "catch\nvaries\nby",
        "closed\nyears",
    ):
        table.add_column(head, justify="right")
    for entry in result["policies"]:
        closed = entry["closed_years"]["value"]
        table.add_row(
            entry["name"],
            with_interval(entry["collapse_probability"], percent),
            with_interval(entry["npv"], value),
            with_interval(entry["mean_catch"], catch),
            percent(entry["aav"]["value"]),
            "-" if closed is None else f"{closed:.1f}",
        )
    return table


def conclusion(result: Mapping[str, Any]) -> list[str]:
    """Return what the comparison says, one sentence a line.

    Parameters
    ----------
    result
        What `Comparison.to_dict` returns.
    """
    scored = [e for e in result["policies"] if e["npv"]["value"] is not None]
    lines = []
    fishing = [e for e in scored if e["mean_catch"]["value"]]
    if fishing:
        best = max(fishing, key=lambda e: e["npv"]["value"])
        lines.append(f"Most valuable: {best['name']} (net present value {number(best['npv']['value'])}).")
    lines += risk_lines([e for e in fishing if e["collapse_probability"]["value"] is not None])
    unfished = [e for e in scored if e["name"] == "no-fishing" and e["collapse_probability"]["value"]]
    for entry in unfished:
        chance = percent(entry["collapse_probability"]["value"])
        why = _why_it_dies_out(result["fit"]["law"]) if entry["extinction_probability"]["value"] else ""
        lines.append(f"Even without fishing {chance} of the futures fall below the limit{why}.")
    starts = [e for e in scored if e["recovery_probability"]["value"] is not None]
    if starts:
        chances = ", ".join(f"{e['name']} {percent(e['recovery_probability']['value'])}" for e in starts)
        lines.append(f"Some futures start below the limit; the chance to recover from there: {chances}.")
    return lines + _differences(fishing, scored[0]["name"] if scored else None)


def risk_lines(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return who risks least and who most; those whose intervals overlap with theirs are named with them."""
    if not entries:
        return []
    risks = {e["name"]: _with_bounds(e["collapse_probability"]) for e in entries}
    least = _alike(risks, min(risks.values()))
    rest = {name: risk for name, risk in risks.items() if name not in least}
    most = _alike(rest, max(rest.values())) if rest else {}
    ends = []
    for group in (least, most) if rest else (least,):
        values = [value for value, _, _ in group.values()]
        apart = "" if min(values) == max(values) else ", not told apart by these futures"
        ends.append(f"{', '.join(group)} ({_range(min(values), max(values))}{apart})")
    words = f"least with {ends[0]}, most with {ends[1]}" if rest else ends[0]
    return [f"Risk of collapse: {words}."]


def _with_bounds(risk: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return value, low and high of a risk, the value itself where no interval is known."""
    low, high = (risk["value"] if risk[key] is None else risk[key] for key in ("low", "high"))
    return (risk["value"], low, high)


def _alike(
    risks: Mapping[str, tuple[float, float, float]], end: tuple[float, float, float]
) -> dict[str, tuple[float, float, float]]:
    """Return those whose interval overlaps with that of one."""
    return {name: risk for name, risk in risks.items() if risk[1] <= end[2] and end[1] <= risk[2]}


def _why_it_dies_out(law: str) -> str:
    """Return why a stock of this law may die out without fishing, as the rest of a sentence; nothing otherwise."""
    # f(s) = 0 from s = K (1 + p/r)^(1/p) on, with p = 1 for the logistic; what predators eat brings may there sooner
    brink = {"logistic": "K(1+1/r)", "pella-tomlinson": "K(1+p/r)^(1/p)", "may": "K(1+1/r)"}.get(law)
    if brink is None:
        return ""
    return (
        f", and some die out: in steps of a year {law} growth leaves nothing of a biomass above about {brink}, so "
        "that a rich year without fishing can end the stock; --growth ricker or beverton-holt has no such end"
    )


def _differences(fishing: Sequence[Mapping[str, Any]], reference: str | None) -> list[str]:
    lines = []
    for entry in fishing:
        low, high = entry["npv_difference"]["low"], entry["npv_difference"]["high"]
        if entry["name"] == reference or low is None or high is None:
            continue
        word = "more" if low > 0.0 else "less" if high < 0.0 else None
        if word is None:
            lines.append(
                f"{entry['name']} and {reference}: no difference in value that these futures can show."
            )
        else:
            value = number(abs(entry["npv_difference"]["value"]))
            low, high = sorted((abs(low), abs(high)))
            interval = f"paired interval {number(low)} to {number(high)}"
            lines.append(f"{entry['name']} earns {value} {word} than {reference} ({interval}).")
    return lines
