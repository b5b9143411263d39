"""The decision problem: which quota to set, year after year, on what is known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.errors import ProblemError
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import PerfectSurvey, Survey

if TYPE_CHECKING:
    from ecodecide.history.catch_history import CatchHistory


@dataclass(frozen=True, eq=False)
class HarvestProblem:
    """A stock to be harvested every year, for ever, seen through a survey.

    One year: observe, set the quota, catch h = min(quota, x), and the escapement x - h grows to the next
    biomass. The value is the expected net present value over an infinite horizon.

    Parameters
    ----------
    stock
        How the stock grows; None for a solver that learns it from the history.
    survey
        What is observed of the biomass before harvest.
    economy
        Price, costs and discount.
    grid
        Where the decision is computed.
    initial
        The belief about the biomass when the first quota is set, before any further survey: ``"uniform"``
        over the states of the grid, ``"history"`` for the belief at which a fitted stock ends, a biomass, or
        one probability per state. None is ``"history"`` where the stock has one and ``"uniform"`` elsewhere.
    history
        The catch history, as evidence for solvers that learn from it.
    implementation_cv
        Implementation error: the catch is the quota times a lognormal of median 1 and this CV, where the
        stock allows. It tells a belief policy how to read a catch short of its quota; solvers plan without
        it.

    Raises
    ------
    ProblemError
        When neither a stock nor a history is given, or `initial` is not a belief.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Ricker(r=0.8, K=1.0), eco.LognormalNoise(sigma=0.2))
    >>> survey = eco.LognormalSurvey(cv=0.2)
    >>> problem = eco.HarvestProblem(stock=stock, survey=survey, grid=eco.Grid(2.5, 100), initial=0.6)
    >>> eco.OptimalControl().solve(problem).status.split(";")[0]
    'optimal for a stock that is seen without error'
    """

    stock: Stock | None = None
    survey: Survey = field(default_factory=PerfectSurvey)
    economy: Economy = field(default_factory=Economy)
    grid: Grid = field(default_factory=Grid)
    initial: Any = None
    history: CatchHistory | None = None
    implementation_cv: float = 0.0

    def __post_init__(self) -> None:
        if self.stock is None and self.history is None:
            raise ProblemError("HarvestProblem needs a stock, or a history from which a solver can learn one")
        if self.stock is not None and not hasattr(self.stock, "kernel"):
            raise ProblemError(
                f"stock must be a stock, got {type(self.stock).__name__}; a growth law becomes one with a noise: "
                "ParametricStock(law, LognormalNoise(sigma=0.1))"
            )
        if not hasattr(self.survey, "sample"):
            raise ProblemError(
                f"survey must be a survey such as LognormalSurvey(cv=0.2), got {self.survey!r}"
            )
        if not (np.isfinite(self.implementation_cv) and self.implementation_cv >= 0.0):
            raise ProblemError(
                f"implementation_cv must be a number of at least 0, got {self.implementation_cv}"
            )
        if isinstance(self.initial, str) and self.initial not in ("uniform", "history"):
            raise ProblemError(
                f"initial must be 'uniform', 'history', a biomass or one probability per state, "
                f"got {self.initial!r}"
            )
        if not isinstance(self.initial, str) and self.initial is not None:
            self._check_belief()

    def _check_belief(self) -> None:
        value = np.asarray(self.initial, dtype=float)
        if value.ndim == 0:
            if not 0.0 <= float(value) <= self.grid.upper:
                raise ProblemError(
                    f"initial biomass must lie on the grid, between 0 and {self.grid.upper:g}, "
                    f"got {float(value):g}"
                )
            return
        states = len(self.grid.points)
        if value.shape != (states,) or np.any(value < 0.0) or not np.isclose(value.sum(), 1.0, atol=1e-9):
            raise ProblemError(
                f"initial must be one probability per state: {states} numbers of at least 0 that sum to 1; "
                f"got shape {value.shape} with sum {value.sum():.6g}"
            )

    def with_stock(self, stock: Stock) -> HarvestProblem:
        """Return the same problem for another stock."""
        return replace(self, stock=stock)
