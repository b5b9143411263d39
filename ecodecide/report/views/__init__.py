"""What figures show: plain labelled Datasets made of a comparison or of a managed stock.

Every figure, printed or interactive, is drawn from one of these and from nothing else.

Examples
--------
>>> import ecodecide as eco
>>> solvers = ["tac", "no-fishing"]
>>> result = eco.compare("hake-argentina-north", solvers, growth="logistic", worlds="fitted", replicates=9, years=5)
>>> trade_off_view(result).on_front.sel(policy="tac").values
array([ True])
>>> dict(futures_view(result, worms=3).worm_biomass.sizes)
{'world': 1, 'policy': 2, 'worm': 3, 'year': 5}
>>> found = policy_view(result.managed)
>>> found.quota.sel(policy="no-fishing").max().item(), found.quota.attrs["units"]
(0.0, 't')
>>> round(status_view(result.managed).kobe.sum().item(), 9)
1.0
>>> belief_policy_view(result.managed) is None   # no policy acts on a belief
True
"""

from ecodecide.report.views.belief import belief_view
from ecodecide.report.views.belief_policy import belief_policy_view
from ecodecide.report.views.collapse import collapse_view
from ecodecide.report.views.futures import futures_view
from ecodecide.report.views.hindcast import read_hindcast
from ecodecide.report.views.history import history_view
from ecodecide.report.views.policy import policy_view
from ecodecide.report.views.robustness import robustness_view
from ecodecide.report.views.status import status_view
from ecodecide.report.views.trade_off import trade_off_view

__all__ = [
    "belief_policy_view",
    "belief_view",
    "collapse_view",
    "futures_view",
    "history_view",
    "policy_view",
    "read_hindcast",
    "robustness_view",
    "status_view",
    "trade_off_view",
]
