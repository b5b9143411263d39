"""Policies against worlds."""

from __future__ import annotations

import numpy as np

from ecodecide.report.html.markup import Markup, breakable, join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.policy_name import policy_name
from ecodecide.report.html.section import Section, estimate_words, table
from ecodecide.report.table import Amounts, percent
from ecodecide.report.views import robustness_view


def robustness(material: Material) -> Section:
    """Return value and risk of each policy in each world, and its largest regret."""
    view, found = robustness_view(material.comparison), material.found["robustness"]
    worlds = material.worlds
    value = Amounts([{"value": float(np.nanmax(np.abs(view["value"])))}], material.unit)
    rows = []
    for policy in found["policies"]:
        cells = [_value(material, policy, world, value) for world in worlds]
        cells += [_risk(material, policy, world) for world in worlds]
        low, high = found["regret_interval"][policy]
        regret = {"value": found["regret"][policy], "low": low, "high": high}
        largest = max(found["regret"].values()) or 1.0
        cells.append(_shaded(estimate_words(regret, value), regret["value"] / largest, "bad"))
        name = tag("th", policy_name(policy, material.styles[policy]), scope="row")
        rows.append(tag("tr", name, *cells, data_policy=policy))
    unit = f"({value.head} × price)" if value.head else "(× price)"
    head = (
        "policy",
        *(join("value in ", breakable(world), tag("small", unit)) for world in worlds),
        *(join(f"{material.risk_kind(world)} in ", breakable(world)) for world in worlds),
        join("largest regret", tag("small", unit)),
    )
    caption = (
        "Net present value (green: near the best of its world, white: half of it or less), "
        f"{material.risk_words} and largest regret (orange: bad) of each policy in each world; small print: 95 % "
        "intervals."
    )
    words = tag(
        "p",
        "A world is a truth that the policies meet; they themselves know the fit alone. Regret is what the best policy "
        "of a world earns more; the largest is that of the worst world. ",
        tag("strong", found["minimax_regret"]),
        " has the smallest.",
    )
    return Section("robustness", "In every world", join(words, table(caption, head, tag("tbody", *rows))))


def _value(material: Material, policy: str, world: str, size: Amounts) -> Markup:
    estimate = material.comparison.estimate(policy, "npv", world)
    every = [x for x in material.found["robustness"]["value"][world].values() if x is not None]
    best = max(every, default=0.0)
    share = estimate["value"] / best if estimate["value"] is not None and best > 0.0 else 0.0
    return _shaded(estimate_words(estimate, size), max(2.0 * share - 1.0, 0.0), "good")


def _risk(material: Material, policy: str, world: str) -> Markup:
    estimate = material.risk(policy, world)
    return _shaded(estimate_words(estimate, percent), estimate["value"] or 0.0, "bad")


def _shaded(words: Markup, shade: float, tone: str) -> Markup:
    return tag("td", words, class_="shaded", style=f"--shade:{shade:.3f};--tone:var(--{tone})")
