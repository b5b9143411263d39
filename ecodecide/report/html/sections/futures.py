"""The futures under each policy."""

from __future__ import annotations

from ecodecide.report.html.markup import Markup, join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.policy_name import legend, policy_name
from ecodecide.report.html.section import Drawing, Section, figure_box, numbers_table, plot_box
from ecodecide.report.interactive import futures_figure, worm_figure
from ecodecide.report.table import Amounts


def futures(material: Material) -> Section:
    """Return the futures of each policy alone, and of all together."""
    view, policies = material.futures, material.policies
    drawings = {"futures": Drawing(futures_figure(view, material.styles), names_policies=False)}
    panels = []
    for number, policy in enumerate(policies):
        name = f"worms-{number}"
        drawings[name] = Drawing(worm_figure(view, policy, material.styles))
        heading = tag("h3", policy_name(policy, material.styles[policy]))
        panels.append(tag("div", heading, plot_box(name, 260, _sees(material, policy)), data_policy=policy))
    worms = view.sizes["worm"]
    alone = (
        f"Biomass under each policy: the middle 90 % (pale) and 50 % (darker) of {view.attrs['replicates']} futures, "
        f"their median, and {worms} single futures, the same luck for all policies. Dashed: below it the stock counts "
        f"as collapsed ({material.limit}; here its median over the futures)."
    )
    together = (
        "All policies together: medians of biomass and catch, and the middle half of the futures. Dashed in red: the "
        "limit of collapse."
    )
    body = join(
        tag("figure", tag("div", *panels, class_="panels"), tag("figcaption", material.in_world, alone)),
        figure_box(
            "futures",
            560,
            f"Biomass and catch over the years under {', '.join(policies)}.",
            join(material.in_world, together),
            legend=legend(material.styles),
        ),
        _numbers(material),
    )
    return Section("futures", "Futures", body, drawings)


def _sees(material: Material, policy: str) -> str:
    end = material.futures["biomass"].sel(policy=policy).isel(world=0, year=-1)
    low, middle, high = (float(end.sel(quantile=q)) for q in (0.05, 0.5, 0.95))
    last = int(material.futures["calendar_year"][-1])
    return (
        f"Biomass under {policy}: in {last} {material.amount(middle)} in the median, {material.between(low, high)} in "
        "90 % of the futures."
    )


def _numbers(material: Material) -> Markup:
    """Return the ends of the futures as a table."""
    view = material.futures
    sizes = {n: Amounts([{"value": float(view[n].max())}], material.unit) for n in ("biomass", "catch")}
    rows = []
    for world in material.worlds:
        for policy in material.policies:
            for at in sorted({0, 4, 9, view.sizes["year"] // 2, view.sizes["year"] - 1}):
                if at >= view.sizes["year"]:
                    continue
                cells = [policy, world, str(int(view["calendar_year"][at]))]
                for name, size in sizes.items():
                    one = view[name].sel(world=world, policy=policy).isel(year=at)
                    low, middle, high = (size(float(one.sel(quantile=q))) for q in (0.05, 0.5, 0.95))
                    cells += [middle, f"{low} to {high}"]
                rows.append(cells)
    head = ["policy", "world", "year"]
    for name, size in sizes.items():
        head += [f"{name} ({size.head})" if size.head else name, "90 %"]
    return numbers_table("Some years as a table", "Medians and the middle 90 % of the futures.", head, rows)
