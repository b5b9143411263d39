"""What each policy earns against what it risks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecodecide.report.interactive.parts import (
    SOFT,
    Styles,
    add,
    line,
    named,
    new_figure,
    of,
    policies_of,
    styles_of,
    worlds_of,
)
from ecodecide.report.table import amounts
from ecodecide.report.views.risk import COLLAPSE, NO_RECOVERY

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure

RISK_WORDS = {COLLAPSE: "futures that collapse", NO_RECOVERY: "futures that do not recover"}


def trade_off_figure(view: xr.Dataset, styles: Styles | None = None) -> Figure:
    """Draw net present value against the risk, with 95 % intervals and the Pareto front.

    The risk is that of collapse, or, in a world where all futures start below the limit, that of no recovery.

    Parameters
    ----------
    view
        What `ecodecide.report.views.trade_off_view` returns.
    styles
        Of the policies; those of `ecodecide.report.palette.policy_styles` by default.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = new_figure(440)
    looks = styles_of(view, styles)
    size = amounts(view.attrs["unit"], view["npv"])
    worth, risk = view["npv"] / size.factor, 100.0 * view["risk"]
    for world, shown in worlds_of(view):
        y, x = (each.sel(world=world) for each in (worth, risk))
        kind = str(view["risk_kind"].sel(world=world).values)
        front = view["on_front"].sel(world=world).values
        order = np.argsort(x.sel(estimate="value").values[front])
        left, up = (each.sel(estimate="value").values[front][order] for each in (x, y))
        dotted = {"width": 1.2, "dash": "dot"}
        meta = {**SOFT, "world": world}
        add(
            figure,
            [line(left, up, "Pareto front", meta, line=dotted, shown=shown, hoverinfo="skip")],
        )
        for policy in policies_of(view):
            here = {
                key: (float(x.sel(policy=policy, estimate=key)), float(y.sel(policy=policy, estimate=key)))
                for key in ("low", "value", "high")
            }
            at, look = here["value"], looks[policy]
            words = (
                f"value %{{y:.4~g}} ({here['low'][1]:.4g} to {here['high'][1]:.4g})<br>"
                f"{kind} %{{x:.3~g}} % ({here['low'][0]:.3g} to {here['high'][0]:.3g} %)"
            )
            point = line(
                [at[0]], [at[1]], policy, of(policy=policy, world=world), look, mode="markers", shown=shown,
                words=words, marker={"size": 11, "color": look.color, "symbol": look.symbol},
                cliponaxis=False,
                error_x=_bars([each[0] for each in here.values()], look.color),
                error_y=_bars([each[1] for each in here.values()], look.color),
            )  # fmt: skip
            add(figure, [point])
    title = " or ".join(RISK_WORDS[kind] for kind in dict.fromkeys(map(str, view["risk_kind"].values)))
    figure.update_xaxes(title_text=f"{title} (%)", zeroline=True)
    figure.update_yaxes(title_text=named("net present value", f"{size.head} × price".strip()))
    figure.update_layout(hovermode="closest", hoverdistance=20)
    return figure


def _bars(ends: list[float], color: str) -> dict[str, object]:
    low, value, high = np.nan_to_num(ends, nan=ends[1])
    return {
        "type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low],
        "color": color, "thickness": 1.4, "width": 4,
    }  # fmt: skip
