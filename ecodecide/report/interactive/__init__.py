"""Interactive figures: a Dataset of `ecodecide.report.views` in, a plotly figure out, for notebooks and the report.

The `meta` of a trace names the policy and the world it is of. Of several worlds the first is shown; another is
``view.sel(world=["allen"])`` away.
"""

from ecodecide.report.interactive.belief import belief_figure
from ecodecide.report.interactive.belief_policy import belief_policy_figure
from ecodecide.report.interactive.belief_track import belief_track_figure
from ecodecide.report.interactive.collapse import collapse_figure
from ecodecide.report.interactive.futures import futures_figure
from ecodecide.report.interactive.history import history_figure
from ecodecide.report.interactive.kobe import kobe_figure
from ecodecide.report.interactive.policy import policy_figure
from ecodecide.report.interactive.trade_off import trade_off_figure
from ecodecide.report.interactive.worms import worm_figure

__all__ = [
    "belief_figure",
    "belief_policy_figure",
    "belief_track_figure",
    "collapse_figure",
    "futures_figure",
    "history_figure",
    "kobe_figure",
    "policy_figure",
    "trade_off_figure",
    "worm_figure",
]
