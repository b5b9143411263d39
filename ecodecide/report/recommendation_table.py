"""Next year's quota as a table and a few sentences for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ecodecide.report.table import Amounts, number, percent, risk_lines, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType

_LIMITS = {
    "0.1K": "0.1 K",
    "0.2BMSY": "0.2 B_MSY",
    "0.5BMSY": "0.5 B_MSY",
    "Blim": "B_lim (0.3 B_MSY)",
    "allee": "the Allee threshold",
    "BMSY": "B_MSY",
}

FEWEST_FUTURES = 20
"""Futures that start below the limit without which no chance to recover is told: fewer say next to nothing."""


def belief_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what is believed of the biomass, one sentence a line.

    Parameters
    ----------
    result
        What `Recommendation.to_dict` returns.
    """
    belief, share = result["belief"], result["belief"]["b_bmsy"]
    amount = _amounts(result)
    lines = [
        f"Biomass of {result['stock']} in {result['year']}, before the catch: {amount(belief['median'])} "
        f"{amount.head}".rstrip()
        + f" (90 %: {_range(amount, belief)}; 50 %: {_range(amount, belief['half'])})."
    ]
    if share is not None:
        lines.append(
            f"That is {share['median']:.2g} of B_MSY (90 %: {share['low']:.2g} to {share['high']:.2g})."
        )
    chances = ", ".join(
        f"{_LIMITS.get(name, name)} {percent(chance)}"
        for name, chance in belief["below"].items()
        if chance is not None
    )
    lines.append(f"Probability to be below: {chances}.")
    last = result["last_catch"]
    points, unit = result["reference_points"], f" {amount.head}" if amount.head else ""
    msy = f"; maximum sustainable yield {amount(points['msy']['median'])}{unit}" if "msy" in points else ""
    lines.append(f"Caught in {last['year']}: {amount(last['catch'])}{unit}{msy}.")
    return lines


def recommendation_table(result: Mapping[str, Any]) -> RenderableType:
    """Return the table of a recommendation; it fits 80 columns with three numbers of years.

    Parameters
    ----------
    result
        What `Recommendation.to_dict` returns.
    """
    from rich import box
    from rich.table import Table

    advised = [entry for entry in result["policies"] if entry["quota"] is not None]
    years = [str(one) for one in result["settings"]["years"]]
    middle = years[len(years) // 2]
    unit = result["unit"] if result["unit"] != "unknown" else ""
    amount = Amounts(
        [{"value": entry["quota"], "catch": entry["catch"][middle]["value"]} for entry in advised], unit
    )
    table = Table(
        title=f"{result['stock']}: quota of {result['year']}"
        + (f", in {amount.head}" if amount.head else ""),
        caption="second line: share of the median biomass; 95 % Monte Carlo interval of "
        f"{result['settings']['replicates']} futures",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("policy", no_wrap=True)
    table.add_column(f"quota\nof\n{result['year']}", justify="right")
    table.add_column(f"beside\ncatch of\n{result['last_catch']['year']}", justify="right")
    for one in years:
        table.add_column(
            f"below\n{result['settings']['collapse']} in\n{one} years", justify="right", no_wrap=True
        )
    table.add_column(f"catch\na year,\n{middle} years", justify="right")
    for entry in result["policies"]:
        if entry["quota"] is None:
            table.add_row(entry["name"], *["-"] * (3 + len(years)))
            continue
        share = entry["share_of_biomass"]
        table.add_row(
            entry["name"],
            amount(entry["quota"]) + (f"\n[dim]{percent(share)}[/dim]" if share is not None else ""),
            _beside(entry["over_last_catch"]),
            *(with_interval(entry["collapse"][one], percent) for one in years),
            amount(entry["catch"][middle]["value"]),
        )
    return table


def advice_lines(result: Mapping[str, Any]) -> list[str]:
    """Return what each policy advises, why, and which survey would change it, one policy a line.

    Parameters
    ----------
    result
        What `Recommendation.to_dict` returns.
    """
    amount = _amounts(result)
    unit = f" {amount.head}" if amount.head else ""
    lines = []
    for entry in result["policies"]:
        if entry["quota"] is None:
            continue
        told = (
            f"{entry['name']}: {amount(entry['quota'])}{unit if entry['quota'] else ''} ({entry['status']})."
        )
        own = entry["belief"]
        if own is not None:
            told += (
                f" It takes what is worth most over all years to come on its own belief, {amount(own['median'])}{unit} "
                f"(90 %: {_range(amount, own)})."
            )
        if entry["quota"] > result["belief"]["median"]:
            told += " That is more than the biomass believed in."
        most = result["largest_catch"]
        if entry["quota"] > 1.5 * most["catch"] > 0.0:
            told += f" That is {entry['quota'] / most['catch']:.2g} times the largest catch, that of {most['year']}."
        lines.append(f"{told} {_what_changes(entry['next_survey'], amount, unit)}")
    return lines + _in_its_own_unit(result, amount, unit) + _ends(result)


def _in_its_own_unit(result: Mapping[str, Any], amount: Amounts, unit: str) -> list[str]:
    """Return what relative surveys say in their own unit of a biomass that is told as one."""
    biomass = result["belief"]["median"]
    stands = [
        f"{number(one['index_per_biomass'] * biomass)}{' ' + one['unit'] if one['unit'] != 'unknown' else ''} of {name}"
        for name, one in result["catchability"].items()
    ]
    if not stands:
        return []
    return [f"Surveys are told as biomass: {amount(biomass)}{unit} stand for {', '.join(stands)}."]


def _ends(result: Mapping[str, Any]) -> list[str]:
    """Return who earns most, who risks least and most, and who recovers, over the largest number of years."""
    last = str(max(result["settings"]["years"]))
    fishing = [entry for entry in result["policies"] if entry["quota"] is not None and entry["npv"]["value"]]
    lines = []
    if fishing:
        best = max(fishing, key=lambda entry: float(entry["npv"]["value"]))
        most = "is worth most, a net present value of" if len(fishing) > 1 else "has a net present value of"
        lines.append(f"Over {last} years {best['name']} {most} {number(best['npv']['value'])}.")
    lines += risk_lines(
        [
            {"name": entry["name"], "collapse_probability": entry["collapse"][last]}
            for entry in fishing
            if entry["collapse"][last]["value"] is not None
        ]
    )
    advised = [entry for entry in result["policies"] if entry["quota"] is not None]
    known = [
        f"{entry['name']} {_chance(entry['recovery'][last])}"
        for entry in advised
        if entry["start_below"] >= FEWEST_FUTURES
    ]
    if known:
        below, limit = max(entry["start_below"] for entry in advised), result["settings"]["collapse"]
        lines.append(
            f"Of {result['settings']['replicates']} futures {below} start below {limit}; the chance to recover from "
            f"there within {last} years, with its 95 % Monte Carlo interval: {', '.join(known)}."
        )
    return lines


def _chance(estimate: Mapping[str, float | None]) -> str:
    """Return a chance with its interval on one line."""
    low, high = percent(estimate["low"]).removesuffix(" %"), percent(estimate["high"])
    return f"{percent(estimate['value'])} ({low} to {high})"


_VERBS = {
    "closes": "would close the fishery",
    "opens": "would open the fishery",
    "falls": "would lower the quota by more than 20 %",
    "rises": "would raise it by more than 20 %",
}


def _what_changes(survey: Mapping[str, Any], amount: Amounts, unit: str) -> str:
    """Return in words which survey would change a quota."""
    whose = f"survey of {survey['year']}"
    no, a = ("No", "A") if survey["this_year"] else ("Next year: no", "Next year: a")
    found = [(name, survey[name]) for name in _VERBS if survey[name] is not None]
    if (
        len(found) > 1
        and found[0][0] == "closes"
        and found[0][1]["intervals"] == survey["falls"]["intervals"]
    ):
        found = [one for one in found if one[0] != "falls"]
    if not found:
        return f"{no} {whose} that is to be expected changes it by more than 20 %."
    parts = [
        f"{_where(change, amount, unit)} ({percent(change['probability'])}) {_VERBS[name]}"
        for name, change in found
    ]
    return f"{a} {whose} {', one '.join(parts)}."


def _where(change: Mapping[str, Any], amount: Amounts, unit: str) -> str:
    places = []
    for low, high in change["intervals"]:
        if low is None and high is None:
            places.append("of any size")
        elif low is None:
            places.append(f"below {amount(high)}{unit}")
        elif high is None:
            places.append(f"above {amount(low)}{unit}")
        else:
            places.append(f"from {amount(low)} to {amount(high)}{unit}")
    return " or ".join(places[:3]) + (" or elsewhere" if len(places) > 3 else "")


def _beside(ratio: float | None) -> str:
    """Return a quota beside the last catch, as a change of it."""
    if ratio is None:
        return "-"
    change = round(100.0 * (ratio - 1.0))
    return f"{change:+d} %" if ratio < 10.0 else f"x {ratio:.3g}"


def _range(amount: Amounts, spread: Mapping[str, Any]) -> str:
    return f"{amount(spread['low'])} to {amount(spread['high'])}"


def _amounts(result: Mapping[str, Any]) -> Amounts:
    """Return how all amounts of the sentences are written."""
    belief = result["belief"]
    unit = result["unit"] if result["unit"] != "unknown" else ""
    return Amounts([{"low": belief["low"], "high": belief["high"]}], unit)
