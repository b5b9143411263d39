"""Figures of a comparison by name: what `ecodecide plot` draws."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.comparison import Comparison
from ecodecide.report import plots, views
from ecodecide.report.plots.canvas import figure_of, legend_of_all, many_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Attributes
    ----------
    words
        What it shows.
    view
        Makes its data of a comparison; None where there are none.
    plot
        Draws them.
    by_world
        Whether it is of one world: ``"panels"`` draws one beside another, ``"first"`` the first alone, "" is of all.
    """

    words: str
    view: Callable[[Comparison], xr.Dataset | None]
    plot: Callable[..., Any]
    by_world: str = ""


KINDS = {
    "history": Kind(
        "catches, observations and fitted biomass", lambda c: views.history_view(c.managed), plots.plot_history
    ),
    "kobe": Kind("status: B/B_MSY against F/F_MSY", lambda c: views.status_view(c.managed), plots.plot_kobe),
    "belief": Kind("belief about the biomass, year by year", lambda c: views.belief_view(c.managed), plots.plot_belief),
    "policies": Kind(
        "quota and escapement against observed biomass", lambda c: views.policy_view(c.managed), plots.plot_policies
    ),
    "belief-policies": Kind(
        "quota and escapement against the belief, known well or badly",
        lambda c: views.belief_policy_view(c.managed), plots.plot_belief_policies,
    ),
    "worms": Kind("biomass of the futures: bands and single ones", views.futures_view, plots.plot_worms, "first"),
    "catches": Kind(
        "catches of the futures: bands and single ones", views.futures_view,
        lambda view, world=None: plots.plot_worms(view, world, "catch"), "first",
    ),
    "trade-off": Kind("value against risk, and the Pareto front", views.trade_off_view, plots.plot_trade_off, "panels"),
    "collapse": Kind("probability of collapse by each year", views.collapse_view, plots.plot_collapse, "panels"),
    "robustness": Kind("value, risk and regret in every world", views.robustness_view, plots.plot_robustness),
}  # fmt: skip
"""The kinds of figures by name."""


def draw(
    kind: str, comparison: Comparison, *, policies: Sequence[str] = (), world: str | None = None
) -> Figure:
    """Draw a figure of a comparison.

    Parameters
    ----------
    kind
        One of `KINDS`.
    comparison
        What `ecodecide.compare` returned, or `Comparison.load` read.
    policies
        Those to show; all by default.
    world
        The truth to show; by default all of them where each has a panel, and else the first.

    Returns
    -------
    matplotlib.figure.Figure
        For `ecodecide.report.figure_file.save_figure`.

    Raises
    ------
    EvaluationError
        For a kind, policy or world that there is not, or a run that has nothing to show of the kind.
    """
    if kind not in KINDS:
        raise EvaluationError(f"no figure {kind!r}: expected one of {', '.join(KINDS)}")
    check_choice(comparison, policies, world)
    one = KINDS[kind]
    view = one.view(comparison)
    shown = None if view is None else _chosen(view, policies)
    if shown is None:
        asked = ", ".join(policies or comparison.managed.policies)
        raise EvaluationError(
            f"nothing to show in the figure {kind!r}: none of the policies {asked} acts on a belief; pomdp and "
            "gp-pomdp do"
        )
    if not one.by_world:
        return _figure(one.plot(shown))
    worlds = [str(name) for name in shown["world"].values] if world is None else [world]
    if one.by_world == "first" or len(worlds) == 1:
        return _figure(one.plot(shown, world=worlds[0]))
    panels = many_panels(None, len(worlds), columns=3, width=5.2, height=4.4)
    for panel, name in zip(panels, worlds, strict=True):
        one.plot(shown, world=name, ax=panel)
        if panel.get_legend() is not None:
            panel.get_legend().remove()
    legend_of_all(panels)
    return figure_of(panels[0])


def draw_hindcast(path: str | os.PathLike[str], policies: Sequence[str] = ()) -> Figure:
    """Draw a hindcast that was saved.

    Parameters
    ----------
    path
        A file of `ecodecide hindcast -o`.
    policies
        Those to show; all by default.

    Raises
    ------
    EvaluationError
        When the file is none, or does not hold a policy.
    """
    view, followed = views.read_hindcast(path)
    known = [str(name) for name in view["policy"].values]
    _check("policy", policies, known)
    shown = [name for name in known if not policies or name in policies]
    return _figure(plots.plot_hindcast(view.sel(policy=shown).assign_attrs(policies=known), followed))


def check_choice(comparison: Comparison, policies: Sequence[str], world: str | None) -> None:
    """Refuse policies or a world that the comparison does not know.

    Raises
    ------
    EvaluationError
        With those that it knows.
    """
    _check("policy", policies, comparison.robustness.policies)
    _check("world", () if world is None else (world,), comparison.robustness.worlds)


def _check(what: str, asked: Sequence[str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise EvaluationError(f"no {what} {name!r} in this run: expected one of {', '.join(known)}")


def _chosen(view: xr.Dataset, policies: Sequence[str]) -> xr.Dataset | None:
    """Return a view of some policies, in the order of the run; None where it has none of them."""
    if not policies or "policy" not in view.dims:
        return view
    shown = [str(name) for name in view["policy"].values if str(name) in policies]
    return view.sel(policy=shown) if shown else None


def _figure(drawn: Any) -> Figure:
    return figure_of(drawn.flat[0] if isinstance(drawn, np.ndarray) else drawn)
