"""The futures under one policy: bands, and some of them whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecodecide.errors import EvaluationError
from ecodecide.report.interactive.parts import (
    LIMIT,
    Styles,
    add,
    band,
    faint,
    level,
    line,
    named,
    new_figure,
    of,
    styles_of,
    worlds_of,
)
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    import xarray as xr
    from plotly.graph_objects import Figure


def worm_figure(view: xr.Dataset, policy: str, styles: Styles | None = None) -> Figure:
    """Draw the biomass under one policy: median, the middle 50 and 90 % of the futures, and some futures whole.

    The scale is that of all policies of the view, so that figures of several can be laid side by side.

    Parameters
    ----------
    view
        What `ecodecide.report.views.futures_view` returns.
    policy
        One of its policies.
    styles
        Of the policies; those of `ecodecide.report.palette.policy_styles` by default.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    EvaluationError
        When there is no such policy.
    """
    if policy not in view["policy"].values:
        raise EvaluationError(f"no policy {policy!r}: there are {', '.join(map(str, view['policy'].values))}")
    figure = new_figure(260)
    look, x = styles_of(view, styles)[policy], view["calendar_year"].values
    size = amounts(view.attrs["unit"], view["biomass"])
    top = 1.05 * float(view["biomass"].max()) / size.factor or 1.0
    for world, shown in worlds_of(view):
        meta = of(policy=policy, world=world)
        one = view.sel(world=world, policy=policy)
        q = {
            level: one["biomass"].sel(quantile=level, method="nearest").values / size.factor
            for level in (0.05, 0.25, 0.5, 0.75, 0.95)
        }
        add(
            figure,
            [
                band(x, q[0.05], q[0.95], meta, look.color, 0.16, shown=shown),
                band(x, q[0.25], q[0.75], meta, look.color, 0.24, shown=shown),
                _worms(x, one["worm_biomass"].values / size.factor, meta, look.color, shown),
                line(x, q[0.5], "median", meta, look, shown=shown, showlegend=False, line={"dash": "solid"}),
                level(
                    x, float(view["collapse_limit"].sel(world=world)) / size.factor, "limit of collapse",
                    {**LIMIT, "world": world}, shown=shown, showlegend=False, hoverinfo="skip",
                ),
            ],
        )  # fmt: skip
    figure.update_xaxes(nticks=5)
    figure.update_yaxes(title_text=named("biomass", size.head), range=[0.0, top])
    figure.update_layout(margin={"t": 8, "b": 32}, showlegend=False)
    return figure


def _worms(x: np.ndarray, worms: np.ndarray, meta: dict[str, str], color: str, shown: bool) -> object:
    """Return all worms as one line with gaps, shape (worms, years) before."""
    gap = np.full((len(worms), 1), np.nan)
    return line(
        np.tile(np.append(x, x[-1]), len(worms)),
        np.hstack([worms, gap]).ravel(),
        "single futures",
        {**meta, "ink": "soft"},
        line={"width": 0.6, "color": faint(color, 1.0)},
        shown=shown,
        hoverinfo="skip",
        opacity=0.45,
        showlegend=False,
    )
