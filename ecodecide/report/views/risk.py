"""What a policy risks in a world: a collapse, or where the stock has collapsed already that it does not recover."""

from __future__ import annotations

import numpy as np

from ecodecide.evaluation.comparison import Comparison
from ecodecide.report.views.labelled import ESTIMATE
from ecodecide.stock.growth import Array

COLLAPSE, NO_RECOVERY = "collapse", "no recovery"


def risk_of(comparison: Comparison) -> tuple[Array, list[str]]:
    """Return the risk of each policy in each world with its 95 % interval, and by world what it is of.

    It is the probability of collapse, of futures that start above the limit; in a world where none does, the
    probability that a future does not rise to the limit.

    Returns
    -------
    risk
        Shape (world, policy, estimate).
    kinds
        By world, ``"collapse"`` or ``"no recovery"``.
    """
    scores = comparison.scores["scores"].transpose("world", "policy", "metric", "estimate")
    collapse = scores.sel(metric="collapse_probability", estimate=list(ESTIMATE)).values
    # the other way round the ends of an interval change places
    lasting = 1.0 - scores.sel(metric="recovery_probability", estimate=["value", "high", "low"]).values
    nothing = ~np.isfinite(collapse).any(axis=(1, 2)) & np.isfinite(lasting).any(axis=(1, 2))
    risk = np.where(nothing[:, None, None], lasting, collapse)
    return risk, [NO_RECOVERY if none else COLLAPSE for none in nothing]
