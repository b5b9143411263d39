"""The best harvest-control ramp: as much value as a ramp can earn at a risk of collapse that is accepted.

Under a ramp on observed biomass the stock is a Markov chain on the grid, so that the expected net present value
and the probability of collapse of every ramp are exact (`ecodecide.policy.managed_chain`), and tuning needs no
simulation and meets no noise. The search is a coarse grid of ramps, then slopes from the best of them along the
limit of the risk, and last the neighbors of the best at ever smaller distances until none is better.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ecodecide.decision.discretize import DiscreteProblem, discretize
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.history.last_survey import ends_with_a_survey
from ecodecide.policy.managed_chain import futures, managed_years
from ecodecide.policy.rules import Ramp, RulePolicy
from ecodecide.solvers.past_surveys import expected_survey, over_best
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array

_RATES = np.linspace(0.0, 1.0, 11)
_CLOSED = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.8])
_WIDTHS = np.array([0.05, 0.15, 0.3, 0.6, 1.2])
"""The coarse grid of ramps; biomass in carrying capacities."""

_LEAST_WIDTH = 1e-3
"""Of a ramp, in carrying capacities: steeper is a closure below a threshold."""

_STARTS, _SLOPE, _MARGIN, _NO_RISK = 3, 1e-4, 1e-3, 1e-15
"""Ramps to follow slopes from; the distance that a slope is taken over; how far below the accepted risk a path
keeps, in logs, so that where it ends is accepted; and a risk that is none."""

Place: TypeAlias = tuple[float, ...]
"""A ramp as (rate, closed, full - closed), biomass in carrying capacities."""


@dataclass(frozen=True)
class BestRamp:
    """The ramp with the largest expected net present value among those whose risk of collapse is accepted.

    A ramp takes no fish below `closed`, and a share of the observed biomass that rises from there to `rate` at `full`.

    Parameters
    ----------
    risk
        The accepted probability of collapse within `years`: the biomass before harvest below the limit in any of
        the years 1 to `years`, of futures that start at or above it. 1 accepts any.
    years
        The horizon, of value and risk.
    limit
        The collapse limit as a share of the carrying capacity of the stock's best estimate.
    precision
        How close the search comes, in shares of biomass (for the rate) and of the carrying capacity.

    Raises
    ------
    SolverError
        When a setting means nothing.

    Notes
    -----
    Risk and value are those of the solver's world: the problem's initial belief is where the biomass is when the
    first quota is set, after a survey, or without one where the history ends with a survey that the fit has heard;
    and of a fitted stock the growth is the mixture over its members, drawn anew each year. A
    member that stays what it is carries more risk than that: look at the risk that `compare` or `exact_scores`
    tells, and ask for less here where it is too high. Implementation error is in both.

    References
    ----------
    Tuning a rule to a risk: Punt, Butterworth, de Moor, De Oliveira & Haddon 2016, Fish and Fisheries 17:303,
    doi:10.1111/faf.12104.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.2))
    >>> problem = eco.HarvestProblem(stock=stock, survey=eco.LognormalSurvey(cv=0.3), initial=0.8,
    ...                              grid=eco.Grid(upper=2.5, cells=40))
    >>> found = eco.BestRamp(risk=0.01, precision=0.02).solve(problem)
    >>> found.converged, found.settings["collapse_probability"] <= 0.01
    (True, True)
    """

    risk: float = 0.05
    years: int = 50
    limit: float = 0.1
    precision: float = 2e-3

    def __post_init__(self) -> None:
        if not 0.0 <= self.risk <= 1.0:
            raise SolverError(f"BestRamp: risk must be a probability, such as 0.05, got {self.risk}")
        if not (np.isfinite(self.years) and self.years >= 1 and int(self.years) == self.years):
            raise SolverError(f"BestRamp: years must be a whole number of at least 1, got {self.years}")
        if not self.limit > 0.0:
            raise SolverError(
                f"BestRamp: limit must be a positive share of the carrying capacity, got {self.limit}"
            )
        if not 0.0 < self.precision < 1.0:
            raise SolverError(f"BestRamp: precision must be between 0 and 1, got {self.precision}")

    def solve(self, problem: HarvestProblem) -> Solution:
        """Return the best ramp as a policy.

        Raises
        ------
        SolverError
            When the problem has no stock with a carrying capacity, or starts below the limit.
        """
        begin = time.perf_counter()
        arrays = discretize(problem)
        # of an index the draws, by which the ramps are tried, may be of another scale
        capacity = float(np.max(problem.stock.carrying_capacity)) * over_best(problem)  # type: ignore[union-attr]
        if not capacity > 0.0:
            raise SolverError("best-ramp: this stock dies out from any start, and has no limit to stay above")
        limit = self.limit * capacity
        ramps = _Ramps(problem, arrays, capacity, limit, self.years)
        if not np.any(ramps.intact > 0.0):
            raise SolverError(
                f"best-ramp: the stock starts below its limit of {limit:.4g}, and its risk of falling below it "
                "means nothing; give a lower BestRamp(limit=...), or use another rule"
            )
        # threads would change the last digits
        with threadpool_limits(limits=1):
            place, tried = self._search(ramps)
            (risk, npv), (unfished, _) = ramps.outcomes([place, (0.0, 0.0, 1.0)])
        met = risk <= self.risk
        rule = ramps.rule(place)
        words = (
            f"F from 0 at {rule.closed:.4g} up to {rule.rate:.4g} at {rule.full:.4g}: expected net present value over "
            f"{self.years} years {npv:.4g}, probability of collapse {risk:.3g}"
        )
        if not met:
            words = (
                f"no ramp was found that keeps the probability of collapse within {self.years} years to "
                f"{self.risk:g}: the smallest is {risk:.3g}, and {unfished:.3g} without fishing; this is the ramp "
                f"of the smallest, {words}"
            )
        return Solution(
            RulePolicy(rule, ramps.expected),
            status=words,
            converged=met,
            iterations=tried,
            seconds=time.perf_counter() - begin,
            settings={
                "solver": "best-ramp",
                **asdict(self),
                "collapse_probability": risk,
                "npv": npv,
                **asdict(rule),
            },
        )

    def _search(self, ramps: _Ramps) -> tuple[Place, int]:
        """Return the best place and how many ramps were looked at."""
        known: dict[Place, tuple[float, float]] = {}

        def rank(place: Place) -> tuple[float, float]:
            risk, npv = known[place]
            # any that is accepted before all that are not; those by their risk
            return (0.0, npv) if risk <= self.risk else (-risk, npv)

        def best_of(places: list[Place]) -> Place:
            new = [place for place in dict.fromkeys(places) if place not in known]
            known.update(zip(new, ramps.outcomes(new), strict=True))
            return max(places, key=rank)

        best_of(list(product(_RATES.tolist(), _CLOSED.tolist(), _WIDTHS.tolist())))
        # along the limit of the risk the neighbors of a ramp are worse in value or in risk, not so a path between
        for start in sorted(known, key=rank, reverse=True)[:_STARTS]:
            self._follow(start, known, best_of)
        best, apart = max(known, key=rank), 8.0 * self.precision
        while apart >= self.precision:
            around = [_inside(np.add(best, apart * np.array(move))) for move in product((0, -1, 1), repeat=3)]
            better = best_of(around)
            if better == best:
                apart /= 2.0
            best = better
        return best, len(known)

    def _follow(
        self, start: Place, known: dict[Place, tuple[float, float]], look: Callable[[list[Place]], Place]
    ) -> None:
        """Follow slopes from a ramp to where they end, by sequential quadratic programming (SLSQP, SciPy)."""
        scale = max(npv for _, npv in known.values()) or 1.0
        target = np.log(max(self.risk, _NO_RISK))

        def values(x: Array) -> Array:
            places = [_inside(x), *(_inside(x + move) for move in _SLOPE * np.eye(3))]
            look(places)
            return np.array([(np.log(max(known[at][0], _NO_RISK)), known[at][1] / scale) for at in places])

        def slope(x: Array, which: int) -> Array:
            found = values(x)[:, which]
            return np.asarray((found[1:] - found[0]) / _SLOPE, dtype=float)

        minimize(
            lambda x: -values(x)[0, 1],
            np.array(start),
            jac=lambda x: -slope(x, 1),
            method="SLSQP",
            bounds=[(0.0, 1.0 - _SLOPE), (0.0, None), (_LEAST_WIDTH, None)],
            constraints={
                "type": "ineq",
                "fun": lambda x: target - values(x)[0, 0] - _MARGIN,
                "jac": lambda x: -slope(x, 0),
            },
            options={"maxiter": 40, "ftol": 1e-7},
        )


def _inside(place: Array) -> Place:
    """Return rate, closed and width where they mean something, without the rounding of their sums."""
    rate, closed, width = np.round(np.nan_to_num(place), 12)
    return (float(np.clip(rate, 0.0, 1.0)), float(max(closed, 0.0)), float(max(width, _LEAST_WIDTH)))


@dataclass(frozen=True, eq=False)
class _Ramps:
    """What ramps are worth and risk; a place is (rate, closed, full - closed), biomass in carrying capacities."""

    problem: HarvestProblem
    arrays: DiscreteProblem
    capacity: float
    limit: float
    years: int

    @property
    def first_survey(self) -> bool:
        """Whether a survey precedes the first quota."""
        history = self.problem.history
        return history is None or not ends_with_a_survey(history)

    @property
    def expected(self) -> float:
        """The biomass taken for granted before any survey."""
        return expected_survey(self.problem, self.arrays.initial)

    @property
    def intact(self) -> Array:
        """The part of the initial belief that is at or above the limit, of each state."""
        given = self.problem.initial
        if np.ndim(given) == 0 and given is not None and not isinstance(given, str):
            # where it is in its cell is known
            return self.arrays.initial * float(given >= self.limit)
        return self.arrays.initial * (1.0 - self.arrays.grid.share_below(self.limit))

    def rule(self, place: Place) -> Ramp:
        """Return the ramp at a place."""
        rate, closed, width = place
        return Ramp(rate, closed * self.capacity, (closed + width) * self.capacity)

    def outcomes(self, places: list[Place]) -> list[tuple[float, float]]:
        """Return the probability of collapse and the expected net present value of each."""
        if not places:
            return []
        arrays, economy = self.arrays, self.problem.economy
        points, initial = arrays.grid.points, arrays.initial[None]
        below = arrays.grid.share_below(self.limit)[None]
        plans = [
            managed_years(
                RulePolicy(self.rule(place), self.expected),
                arrays.grid,
                arrays.observation,
                economy,
                arrays.implementation_cv,
                self.first_survey,
            )
            for place in places
        ]
        found = futures(
            plans,
            points,
            arrays.kernel[None],
            initial,
            self.intact[None],
            below,
            economy.discount,
            self.years,
        )
        return list(zip(found.collapse[:, 0].tolist(), found.npv[:, 0].tolist(), strict=True))
