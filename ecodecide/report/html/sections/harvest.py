"""What each policy takes, against what is observed and against what is believed."""

from __future__ import annotations

import numpy as np

from ecodecide.report.html.markup import Markup, join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.policy_name import legend, policy_name
from ecodecide.report.html.section import Drawing, Section, figure_box, plot_box, table
from ecodecide.report.interactive import belief_policy_figure, policy_figure
from ecodecide.report.table import Amounts
from ecodecide.report.views import belief_policy_view


def harvest(material: Material) -> Section:
    """Return the policies as harvest and as escapement."""
    view = material.policy
    names = ", ".join(material.policies)
    caption = (
        f"The quota of the decision in {material.start}, and what it leaves in the sea, if the survey sees the "
        "biomass below. Policies that remember, such as those on a belief, start from what the history tells, and so "
        "do not follow one survey alone. Dashed: B_MSY, median of the fit; dotted: nothing taken."
    )
    drawings = {
        "quota": Drawing(policy_figure(view, "quota", material.styles), names_policies=False),
        "escapement": Drawing(policy_figure(view, "escapement", material.styles), names_policies=False),
    }
    pair = tag(
        "figure",
        tag(
            "div",
            plot_box("quota", 400, f"Quota against observed biomass, a line for each policy: {names}."),
            plot_box("escapement", 400, f"Biomass left after harvest against observed biomass, for {names}."),
            class_="panels pair",
        ),
        legend(material.styles),
        tag("figcaption", caption),
    )
    parts = [pair, _numbers(material)]
    beliefs = belief_policy_view(material.managed)
    if beliefs is not None:
        drawings["belief-policy"] = Drawing(belief_policy_figure(beliefs, material.styles))
        spreads = ", ".join(f"{100 * cv:.0f} %" for cv in beliefs["cv"].values)
        parts += [
            tag("h3", "Against what is believed"),
            figure_box(
                "belief-policy",
                400,
                f"Quota against the mean of the belief, for beliefs with a CV of {spreads}.",
                "A policy on a belief asks not only how much there is, but how well that is known: its quota at "
                f"beliefs of the same mean, and a standard deviation of {spreads} of it. Thin: the best quota of a "
                "manager who knows the biomass, now and ever. The distance is what not knowing does to the decision.",
            ),
        ]
    return Section("harvest", "What each policy takes", join(*parts), drawings)


def _numbers(material: Material) -> Markup:
    """Return quotas at some observations as a table."""
    view = material.policy
    places = np.linspace(0, view.sizes["biomass"] - 1, 11).round().astype(int)
    seen = Amounts([{"value": float(view["biomass"].max())}], material.unit)
    taken = Amounts([{"value": float(view["quota"].max())}], material.unit)
    head = ["policy", *(seen(float(view["biomass"][i])) for i in places)]
    rows = [
        tag(
            "tr",
            tag("th", policy_name(policy, material.styles[policy]), scope="row"),
            *(tag("td", taken(float(view["quota"].sel(policy=policy)[i]))) for i in places),
            data_policy=policy,
        )
        for policy in material.policies
    ]
    caption = f"Quota{_unit(taken)} by observed biomass{_unit(seen)}."
    return tag("details", tag("summary", "The quotas as a table"), table(caption, head, tag("tbody", *rows)))


def _unit(size: Amounts) -> str:
    return f" ({size.head})" if size.head else ""
