"""Value against collapse."""

from __future__ import annotations

from ecodecide.report.html.markup import join
from ecodecide.report.html.material import Material
from ecodecide.report.html.section import Drawing, Section, figure_box
from ecodecide.report.interactive import trade_off_figure
from ecodecide.report.views import trade_off_view


def trade_off(material: Material) -> Section:
    """Return what each policy earns against what it risks."""
    view = trade_off_view(material.comparison)
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
    sees = f"Net present value against the share of futures that collapse; on the front: {'; '.join(fronts)}."
    drawing = Drawing(trade_off_figure(view, material.styles))
    return Section("trade-off", "Value against collapse", join(figure_box("trade-off-figure", 440, sees, caption)),
                   {"trade-off-figure": drawing})  # fmt: skip
