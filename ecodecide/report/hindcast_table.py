"""A hindcast as tables and a few sentences for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ecodecide.history.catch_history import spans
from ecodecide.report.table import Amounts, percent

if TYPE_CHECKING:
    from rich.table import Table

Series = Sequence[float | None]

ACTUAL = "as caught"


def _amounts(result: Mapping[str, Any], series: Sequence[Series]) -> Amounts:
    """Return how amounts of biomass are written: three digits of the largest."""
    known = [{"value": value} for one in series for value in one]
    amounts = Amounts(known, result["unit"] if result["unit"] != "unknown" else "")
    amounts.decimals = max(amounts.decimals - 1, 0)
    return amounts


def _drawn(title: str, caption: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(
        title=title, caption=caption, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True
    )  # fmt: skip


def advice_table(result: Mapping[str, Any]) -> Table:
    """Return the table of what was seen, believed, caught and would have been advised, year by year.

    Parameters
    ----------
    result
        What `Hindcast.to_dict` returns.
    """
    quantile = result["belief"]["quantiles"]
    advised = [entry["advised"] for entry in result["policies"]]
    show = _amounts(result, [result["observed"], *quantile.values(), result["catch"], *advised])
    fit = "a fit for each year" if result["mode"] == "refit" else "one fit"
    table = _drawn(
        f"{result['stock']}: what would have been advised, by {fit}",
        f"amounts in {show.head}; belief: median and 90 % interval before the catch, as of then",
    )
    table.add_column("year")
    for head in ("observed", "belief", "90 %", "caught", *(e["name"] for e in result["policies"])):
        table.add_column(head.replace("-", "-\n"), justify="right", no_wrap=True)
    for i, year in enumerate(result["years"]):
        low, high = show(quantile["0.05"][i]), show(quantile["0.95"][i])
        table.add_row(
            str(year),
            show(result["observed"][i]),
            show(quantile["0.5"][i]),
            "-" if low == high == "-" else f"{low}-{high}",
            show(result["catch"][i]),
            *(show(one[i]) for one in advised),
        )
    return table


def counterfactual_table(result: Mapping[str, Any]) -> Table:
    """Return the table of what would have happened.

    Parameters
    ----------
    result
        What `Hindcast.to_dict` returns, with a counterfactual.
    """
    told = result["counterfactual"]
    entries = told["policies"]
    catch = _interval_amounts(result, entries, "total_catch")
    value = _interval_amounts(result, entries, "npv")
    final = _interval_amounts(result, entries, "final_biomass")
    table = _drawn(
        f"{result['stock']}: had it been followed from {told['start']} to {told['years'][-1]}",
        "second line: 90 % posterior interval",
    )
    table.add_column("policy", no_wrap=True)
    for head in (
        f"below {result['settings']['collapse']}\never",
        f"total catch\n({catch.head})",
        f"discounted\nvalue ({value.head})",
        f"biomass at\nthe end ({final.head})",
    ):
        table.add_column(head.replace(" ()", ""), justify="right")
    for entry in entries:
        table.add_row(
            entry["name"],
            percent(entry["collapse_probability"]),
            _with_interval(entry["total_catch"], catch),
            _with_interval(entry["npv"], value),
            _with_interval(entry["final_biomass"], final),
        )
    return table


def _interval_amounts(result: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], key: str) -> Amounts:
    return _amounts(result, [list((entry[key] or {}).values()) for entry in entries])


def _with_interval(estimate: Mapping[str, float] | None, show: Amounts) -> str:
    if estimate is None:
        return "-"
    low, median, high = (show(estimate[key]) for key in ("low", "median", "high"))
    return median if low == high else f"{median}\n[dim]{low} to {high}[/dim]"


def hindcast_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what the hindcast says, one sentence a line.

    Parameters
    ----------
    result
        What `Hindcast.to_dict` returns.
    """
    lines = []
    for entry in result["policies"]:
        both = [
            (advised, caught)
            for advised, caught in zip(entry["advised"], result["catch"], strict=True)
            if advised is not None and caught is not None
        ]
        if both:
            less = sum(advised < caught for advised, caught in both)
            lines.append(
                f"{entry['name']} would have advised less than was caught in {less} of {len(both)} years."
            )
        for why, years in _by_reason(entry["reasons"]).items():
            lines.append(f"{entry['name']}: no advice in {spans(years)}: {why}")
    return lines + (_differences(result) if result["counterfactual"] else [])


def _by_reason(reasons: Mapping[str, str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for year, why in reasons.items():
        found.setdefault(why, []).append(int(year))
    return found


def _differences(result: Mapping[str, Any]) -> list[str]:
    told = result["counterfactual"]
    entries = [entry for entry in told["policies"] if entry["name"] != ACTUAL]
    lines = []
    for entry in entries:
        words = []
        for key, what in (("total_catch", "catch"), ("final_biomass", "biomass at the end")):
            apart = entry["difference"][key]
            show = _amounts(result, [list(apart.values())])
            low, median, high = (show(apart[end]) for end in ("low", "median", "high"))
            more = "" if apart["median"] < 0.0 else "+"
            words.append(f"{what} {more}{median} {show.head} ({low} to {high})")
        lines.append(f"Had {entry['name']} been followed from {told['start']}: {', '.join(words)}.")
    reduced, out, draws = (told[key] for key in ("draws_with_a_reduced_catch", "draws_left_out", "draws"))
    if reduced:
        lines.append(
            f"In {reduced} of {draws} draws of the past a reported catch is more than the stock can have borne; there "
            "less was taken."
        )
    if out:
        lines.append(f"{out} draws of the past are left out: growth does not explain them.")
    return lines
