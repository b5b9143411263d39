"""Value against collapse."""

from __future__ import annotations

from ecodecide.report.html.markup import join
from ecodecide.report.html.material import Material
from ecodecide.report.html.policy_name import legend
from ecodecide.report.html.section import Drawing, Section, figure_box
from ecodecide.report.interactive import trade_off_figure
from ecodecide.report.views.risk import COLLAPSE


def trade_off(material: Material) -> Section:
    """Return what each policy earns against what it risks."""
    view = material.trade_off
    fronts = []
    for world in material.worlds:
        front = view["on_front"].sel(world=world)
        names = [str(policy) for policy in view["policy"].values if bool(front.sel(policy=policy))]
        fronts.append(f"in {world} {', '.join(names) or 'none'}")
    caption = (
        "Up is more value, left is less risk; the bars are 95 % Monte Carlo intervals. The dotted line joins the "
        "Pareto front: no other policy of this comparison has more value at no more risk, or less risk at no less "
        f"value: {'; '.join(fronts)}. The numbers are in the table of policies."
    )
    sees = f"Net present value against {material.risk_words}; on the front: {'; '.join(fronts)}."
    kinds = {material.risk_kind(world) for world in material.worlds}
    title = f"Value against {COLLAPSE if kinds == {COLLAPSE} else 'risk'}"
    body = figure_box(
        "trade-off-figure",
        440,
        sees,
        join(material.in_world, caption),
        legend=legend(material.styles, point=True),
    )
    drawings = {"trade-off-figure": Drawing(trade_off_figure(view, material.styles), names_policies=False)}
    return Section("trade-off", title, body, drawings)
