r"""Figures for papers and notebooks: a labelled Dataset in, matplotlib's Axes out.

Each takes what a function of `ecodecide.report.views` returns, draws on the axes that are given or on new ones that no
window knows of, and returns them.

Examples
--------
>>> import xarray as xr
>>> view = xr.Dataset(
...     {"value": (("policy", "world"), [[2.0], [1.0]]), "risk": (("policy", "world"), [[0.1], [0.0]]),
...      "regret": (("policy", "world"), [[0.0], [1.0]])},
...     coords={"policy": ["tac", "no-fishing"], "world": ["fitted"], "risk_kind": ("world", ["collapse"])},
...     attrs={"unit": "t"},
... )
>>> [axes.get_title(loc="left") for axes in plot_robustness(view)]
['net present value\n(t × price)', 'probability of\ncollapse', 'regret\n(t × price)']
"""

from ecodecide.report.plots.belief import plot_belief
from ecodecide.report.plots.collapse import plot_collapse
from ecodecide.report.plots.hindcast import plot_hindcast
from ecodecide.report.plots.history import plot_history
from ecodecide.report.plots.kobe import plot_kobe
from ecodecide.report.plots.policies import plot_belief_policies, plot_policies
from ecodecide.report.plots.robustness import plot_robustness
from ecodecide.report.plots.trade_off import plot_trade_off
from ecodecide.report.plots.worms import plot_worms

__all__ = [
    "plot_belief",
    "plot_belief_policies",
    "plot_collapse",
    "plot_hindcast",
    "plot_history",
    "plot_kobe",
    "plot_policies",
    "plot_robustness",
    "plot_trade_off",
    "plot_worms",
]
