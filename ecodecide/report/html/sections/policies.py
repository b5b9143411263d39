"""The policies and their scores, as a table for each world."""

from __future__ import annotations

import numpy as np

from ecodecide.evaluation.metrics import METRICS
from ecodecide.report.html.markup import Markup, join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.policy_name import policy_name
from ecodecide.report.html.section import Section, estimate_words, items, table
from ecodecide.report.interactive.trade_off import RISK_WORDS
from ecodecide.report.table import Amounts, percent
from ecodecide.report.views.risk import NO_RECOVERY

_METRICS = ("npv", "mean_catch", "aav", "closed_years")


def policies(material: Material) -> Section:
    """Return the scores of each policy in each world."""
    result, settings = material.comparison, material.found["settings"]
    scores = {
        world: {p: {m: result.estimate(p, m, world) for m in _METRICS} for p in material.policies}
        for world in material.worlds
    }
    every = [entry for row in scores.values() for entry in row.values()]
    value, catch = (Amounts([e[m] for e in every], material.unit) for m in ("npv", "mean_catch"))
    start = f"quota of {material.start}"
    quota = Amounts([{"value": float(result.runs["quota"].isel(year=0).max())}], material.unit)
    head = (
        "policy",
        join(material.risk_words, tag("small", f"limit {settings['collapse']}")),
        _head("net present value", f"{value.head} × price".strip()),
        _head("mean catch per year", catch.head),
        join("catch varies by", tag("small", "per year")),
        join("closed years", tag("small", f"of {settings['years']}")),
        _head(start, quota.head),
    )
    bodies = []
    for world in material.worlds:
        rows = []
        for policy, entry in scores[world].items():
            risk = join(
                estimate_words(material.risk(policy, world), percent), _exact(material, policy, world)
            )
            cells = (
                risk,
                estimate_words(entry["npv"], value),
                estimate_words(entry["mean_catch"], catch),
                estimate_words(entry["aav"], percent),
                estimate_words(entry["closed_years"], _years),
                _first_quota(material, policy, world, quota),
            )
            name = tag("th", policy_name(policy, material.styles[policy]), scope="row")
            rows.append(tag("tr", name, *(tag("td", cell) for cell in cells), data_policy=policy))
        label = tag("tr", tag("th", f"In the world {world}", scope="rowgroup", colspan=len(head)))
        bodies.append(tag("tbody", label, *rows, data_world=world))
    caption = (
        f"{settings['replicates']} futures of {settings['years']} years from {material.start} on. Small print: 95 % "
        f"Monte Carlo interval of the score; of the quota, what 90 % of the futures begin with, as their surveys "
        "turn out."
    )
    failed = [f"{name}: failed: {why}" for name, why in result.failures.items()]
    meanings = [
        join(
            tag("b", heading),
            f": {'all but the ' * (metric == 'recovery_probability')}{METRICS[metric].words}.",
        )
        for heading, metric in (
            ("futures that collapse", "collapse_probability"),
            ("futures that do not recover", "recovery_probability"),
            ("net present value", "npv"),
            ("catch varies by", "aav"),
            ("closed years", "closed_years"),
        )
        if metric != "recovery_probability" or RISK_WORDS[NO_RECOVERY] in material.risk_words
    ]
    what = tag("details", tag("summary", "What the columns mean"), items(meanings), data_printed=True)
    return Section(
        "policies", "Policies", join(table(caption, head, *bodies), items(failed) if failed else None, what)
    )


def _head(words: str, unit: str) -> Markup:
    return join(words, tag("small", f"({unit})") if unit else None)


def _years(value: float | None) -> str:
    return "-" if value is None else f"{value:z.1f}"


def _exact(material: Material, policy: str, world: str) -> Markup | None:
    """Return the risk that is known better than simulation tells it."""
    if world != material.worlds[0]:
        return None
    entry = next(e for e in material.found["policies"] if e["name"] == policy)
    if entry["exact"] is not None and entry["exact"]["collapse_probability"] is not None:
        return tag("small", f"exact: {percent(entry['exact']['collapse_probability'])}")
    if entry["rare"] is not None:
        return tag("small", f"by splitting: {percent(entry['rare']['value'])}")
    return None


def _first_quota(material: Material, policy: str, world: str, size: Amounts) -> Markup:
    quota = material.comparison.runs["quota"].sel(policy=policy, world=world).isel(year=0).values
    low, middle, high = (float(q) for q in np.quantile(quota, (0.05, 0.5, 0.95)))
    return estimate_words({"value": middle, "low": low, "high": high}, size)
