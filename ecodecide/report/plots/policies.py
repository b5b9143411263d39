"""The figures of how policies harvest: against the biomass observed, and against what is believed of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ecodecide.report.plots.canvas import (
    FAINT,
    INK,
    Panels,
    label,
    legend_of_all,
    many_panels,
    policy_line,
    styles_of,
    title,
)
from ecodecide.report.table import amounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SPREADS = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 3)))


def plot_policies(view: xr.Dataset, axes: Sequence[Axes] | None = None) -> Panels:
    """Draw quota and escapement of each policy against the biomass that is observed.

    The figure of Boettiger, Mangel & Munch 2015 (doi:10.1098/rspb.2014.1631). Shaded is where the stock stands today.

    Parameters
    ----------
    view
        What `ecodecide.report.views.policy_view` returns.
    axes
        Two, for quota and escapement; new ones by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (2,)

    Raises
    ------
    EvaluationError
        When another number of axes is given.
    """
    panels = many_panels(axes, 2, columns=2, width=4.6, height=4.4)
    told = amounts(view.attrs["unit"], view["biomass"])
    biomass = view["biomass"].values / told.factor
    low, now, high = view["biomass_now"].values / told.factor
    for panel, name in zip(panels, ("quota", "escapement"), strict=True):
        for policy, style in styles_of(view).items():
            policy_line(panel, biomass, view[name].sel(policy=policy).values / told.factor, policy, style)
        panel.axvspan(low, high, color="0.9", lw=0, zorder=0.5, label="biomass today, 90 % interval")
        panel.axvline(now, color=FAINT, lw=0.8, zorder=0.8)
        at = float(view["b_msy"]) / told.factor
        if np.isfinite(at) and at <= biomass[-1]:
            panel.axvline(at, color=INK, lw=0.9, ls=(0, (1, 2)), zorder=1.0, label="B$_{MSY}$, median")
        panel.set_xlim(0.0, biomass[-1])
        panel.set_ylim(0.0, None)
        panel.set_xlabel(label("observed biomass", told))
    panels[1].plot(biomass, biomass, color=FAINT, lw=0.8, zorder=1.0)
    panels[1].set_ylim(0.0, biomass[-1])
    largest = float(np.nanmax(view["quota"].values, initial=0.0))
    panels[0].set_ylim(0.0, 1.05 * largest / told.factor if largest > 0.0 else 1.0)
    panels[0].set_ylabel(label("quota", told))
    panels[1].set_ylabel(label("escapement", told))
    for panel, words in zip(panels, ("(a) harvest", "(b) escapement"), strict=True):
        title(panel, words)
    if axes is None:
        legend_of_all(panels)
    return panels


def plot_belief_policies(view: xr.Dataset, axes: Sequence[Axes] | None = None) -> Panels:
    """Draw quota and escapement of belief policies against the mean of the belief, for beliefs of several widths.

    The figure of Memarzadeh & Boettiger 2019 (doi:10.1086/702704). The thin line is the best quota of a manager who
    knows the biomass: what lies between is what not knowing does. Solvers plan for the beliefs that are met from where
    the stock stands; a policy asked about others, such as sure ones where surveys are poor, may be far from the best.

    Parameters
    ----------
    view
        What `ecodecide.report.views.belief_policy_view` returns.
    axes
        Two for each policy, for quota and escapement; new ones by default.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (2 policies,)

    Raises
    ------
    EvaluationError
        When another number of axes is given.
    """
    styles = styles_of(view)
    panels = many_panels(axes, 2 * len(styles), columns=2, width=4.6, height=3.7)
    told = amounts(view.attrs["unit"], view["belief_mean"])
    mean = view["belief_mean"].values / told.factor
    for row, (policy, style) in enumerate(styles.items()):
        one = view.sel(policy=policy)
        certain = one["certain_quota"].values / told.factor
        for panel, name, known in (
            (panels[2 * row], "quota", certain),
            (panels[2 * row + 1], "escapement", np.maximum(mean - certain, 0.0)),
        ):
            panel.plot(mean, known, color="k", lw=0.9, label="biomass known")
            for place, cv in enumerate(view["cv"].values):
                panel.plot(
                    mean, one[name].sel(cv=cv).values / told.factor, color=_shade(style.color, place, len(view["cv"])),
                    ls=_SPREADS[place % len(_SPREADS)], lw=1.9, label=f"belief with a CV of {100 * cv:.0f} %",
                )  # fmt: skip
            panel.set_xlim(0.0, mean[-1])
            panel.set_ylim(0.0, None)
            panel.set_xlabel(label("mean of the belief about biomass", told))
        panels[2 * row + 1].plot(mean, mean, color=FAINT, lw=0.8, zorder=1.0)
        panels[2 * row + 1].set_ylim(0.0, mean[-1])
        panels[2 * row].set_ylabel(label("quota", told))
        panels[2 * row + 1].set_ylabel(label("escapement", told))
        title(panels[2 * row], f"{policy}: harvest")
        title(panels[2 * row + 1], f"{policy}: escapement")
    if axes is None:
        words = (
            "planned for the beliefs that are met: where a belief is not, the quota may be far from the best"
        )
        legend_of_all(panels, caption=words)
    return panels


def _shade(color: str, place: int, count: int) -> tuple[float, float, float]:
    """Return a shade of a policy's color: dark for the narrowest belief, light for the widest."""
    from matplotlib.colors import to_rgb

    toward = place / max(count - 1, 1)
    base = np.array(to_rgb(color))
    mixed = 0.6 * base if toward == 0.0 else base + (toward - 0.5) * 0.8 * (1.0 - base)
    red, green, blue = (float(x) for x in np.clip(mixed, 0.0, 1.0))
    return (red, green, blue)
