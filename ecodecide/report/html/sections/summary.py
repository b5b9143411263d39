"""What was found, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecodecide.report.html.markup import Markup, join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.section import Section, items
from ecodecide.report.robustness_table import precise_lines, robustness_lines
from ecodecide.report.table import conclusion, percent
from ecodecide.report.views.risk import COLLAPSE, NO_RECOVERY


def summary(material: Material) -> Section:
    """Return what was found, in words with their numbers."""
    found = material.found
    lines = conclusion(found) + precise_lines(found) + robustness_lines(found)
    body = join(
        tag("div", tag("p", _answer(material)), items(_reasons(material)), class_="answer"),
        tag("p", _scope(material)),
        items(lines),
    )
    return Section("summary", "Summary", body)


def _scope(material: Material) -> str:
    """Return what the details are of."""
    unit = f" in {material.unit} × price" if material.unit else ""
    return f"In detail, for the world {material.worlds[0]} where no other is named; values{unit}:"


def _answer(material: Material) -> Markup:
    """Return the policy that regrets least, and why."""
    found = material.found["robustness"]
    best, worlds = found["minimax_regret"], found["worlds"]
    where = f"every world considered ({', '.join(worlds)})" if len(worlds) > 1 else f"the world {worlds[0]}"
    regret = found["regret"][best]
    if len(found["policies"]) == 1:
        return join(tag("strong", best), f" is the only policy of this comparison, in {where}.")
    if regret == 0.0:
        return join(tag("strong", best), f" earns most in {where}.")
    worst = f"in no world considered ({', '.join(worlds)}) does another policy earn more than it by over "
    return join(
        tag("strong", best),
        f" regrets least: {worst}{material.amount(regret)}{material.earned} of present value.",
    )


def _reasons(material: Material) -> list[Markup]:
    best = material.found["robustness"]["minimax_regret"]
    lines = [
        join(f"In the world {world} ", _worth(material, best, world), _risk(material, best, world))
        for world in material.worlds
    ]
    return [*lines, *_safer(material, best), _first_quota(material, best)]


def _worth(material: Material, policy: str, world: str) -> str:
    npv = material.comparison.estimate(policy, "npv", world)
    years = material.found["settings"]["years"]
    if npv["value"] is None:
        return "its value is not known"
    between = "" if npv["low"] is None or npv["high"] is None else (
        f" ({material.between(npv['low'], npv['high'])}{material.earned})"
    )  # fmt: skip
    return f"it is worth {material.amount(npv['value'])}{material.earned} of present value over {years} years{between}"


def _risk(material: Material, policy: str, world: str) -> str:
    risk = material.risk(policy, world)
    return "." if risk["value"] is None else f"; {share_words(risk)} of the futures {_verb(material, world)}."


def _verb(material: Material, world: str) -> str:
    return {COLLAPSE: "collapse", NO_RECOVERY: "do not recover"}[material.risk_kind(world)]


def _safer(material: Material, best: str) -> list[Markup]:
    """Return which policies that fish surely risk less than the best, where any does."""
    lines = []
    for world in material.worlds:
        own = material.risk(best, world)
        for policy in material.policies:
            risk = material.risk(policy, world)
            catch = material.comparison.estimate(policy, "mean_catch", world)
            if own["low"] is None or risk["high"] is None or not catch["value"]:
                continue
            if risk["high"] < own["low"]:
                words = f"{share_words(risk)} of the futures {_verb(material, world)}."
                lines.append(join(f"{policy} risks less in {world}: {words}"))
    return lines


def _first_quota(material: Material, policy: str) -> Markup:
    quota = material.comparison.runs["quota"].sel(policy=policy).isel(year=0, world=0).values
    low, middle, high = np.quantile(quota, (0.05, 0.5, 0.95))
    if high == low:
        return join(f"Its quota for {material.start}: {material.amount(float(middle))}.")
    return join(
        f"Its quota for {material.start} depends on the survey of that year: {material.amount(float(middle))} in the "
        f"median of the futures, {material.between(float(low), float(high))} in 90 % of them."
    )


def share_words(estimate: Mapping[str, Any]) -> str:
    """Return a share with its interval in words.

    Examples
    --------
    >>> share_words({"value": 0.25, "low": 0.2, "high": 0.3})
    '25 % (20 to 30 %)'
    """
    value, low, high = (estimate[key] for key in ("value", "low", "high"))
    between = "" if low is None or low == high else f" ({percent(low).removesuffix(' %')} to {percent(high)})"
    return f"{percent(value)}{between}"
