"""The grid on which decisions about a fitted stock are computed."""

from __future__ import annotations

import numpy as np

from ecodecide.decision.discretize import suggest_grid
from ecodecide.decision.grid import Grid
from ecodecide.fitting.lesson import DRAWS
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory


def decision_grid(posterior: Posterior, history: CatchHistory, cells: int) -> Grid:
    """Return a grid that holds the stock, where it stands today, and what its history shows of it."""
    return suggest_grid(posterior, cells, largest=largest_biomass(posterior, history))


def largest_biomass(posterior: Posterior, history: CatchHistory) -> float:
    """Return a biomass that few futures exceed, nor what a Gaussian process may be told of the past.

    Of the futures it is what there is today, and what there may be without fishing; of the past what was observed, or
    where that is relative the draws that stand for it.
    """
    today, draws = np.asarray(posterior.members.initial_biomass), posterior.trajectory_biomass[:DRAWS]
    past = draws if history.free_catchability else next(iter(history.observations.values()))
    return float(
        max(
            np.quantile(today, 0.995), np.quantile(posterior.members.carrying_capacity, 0.95), np.nanmax(past)
        )
    )
