"""A comparison as a table and a few sentences for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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


def _with_interval(estimate: Estimate, show: Any) -> str:
    if estimate["value"] is None:
        return "-"
    low, high = (show(estimate[k]).removesuffix(" %") for k in ("low", "high"))
    return f"{show(estimate['value'])}\n[dim]{low} to {high}[/dim]"


def comparison_table(result: Mapping[str, Any]) -> RenderableType:
    """Return the table of a comparison.

    Parameters
    ----------
    result
        What `Comparison.to_dict` returns.
    """
    from rich import box
    from rich.table import Table

    known = result["unit"] not in ("", "unknown")
    unit = f" ({result['unit']})" if known else ""
    yearly = f"({result['unit']}/year)" if known else "per year"
    table = Table(
        title=f"{result['stock']}: {result['settings']['years']} years, {result['settings']['replicates']} futures",
        caption="second line: 95 % Monte Carlo interval",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("policy", no_wrap=True)
    collapse = f"collapse\nbelow {result['settings']['collapse']}"
    for head in (
        collapse,
        f"net present\nvalue{unit}",
        f"mean catch\n{yearly}",
        "catch\nvariability",
        "closed\nyears",
    ):
        table.add_column(head, justify="right")
    for entry in result["policies"]:
        table.add_row(
            entry["name"],
            _with_interval(entry["collapse_probability"], percent),
            _with_interval(entry["npv"], number),
            _with_interval(entry["mean_catch"], number),
            percent(entry["aav"]["value"]),
            number(entry["closed_years"]["value"]),
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
    risks = [e for e in fishing if e["collapse_probability"]["value"] is not None]
    if risks:
        values = [e["collapse_probability"]["value"] for e in risks]
        least, most = (
            f"{', '.join(e['name'] for e, c in zip(risks, values, strict=True) if c == end)} ({percent(end)})"
            for end in (min(values), max(values))
        )
        same = least == most
        lines.append(
            f"Risk of collapse: {f'the same, {least}' if same else f'least with {least}, most with {most}'}."
        )
    unfished = [e for e in scored if e["name"] == "no-fishing" and e["collapse_probability"]["value"]]
    for entry in unfished:
        chance = percent(entry["collapse_probability"]["value"])
        lines.append(f"Even without fishing {chance} of the futures fall below the limit.")
    starts = [e for e in scored if e["recovery_probability"]["value"] is not None]
    if starts:
        chances = ", ".join(f"{e['name']} {percent(e['recovery_probability']['value'])}" for e in starts)
        lines.append(f"Some futures start below the limit; the chance to recover from there: {chances}.")
    reference = scored[0]["name"] if scored else None
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
