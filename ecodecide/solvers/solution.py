"""What a solver returns, and the protocol that every solver obeys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ecodecide.decision.problem import HarvestProblem
from ecodecide.policy.protocol import Policy


@dataclass(frozen=True, eq=False)
class Solution:
    """A policy, and how far it can be trusted.

    Attributes
    ----------
    policy
        What to do.
    lower, upper
        Bounds on the value of the problem's initial belief, before any further survey; None where the solver
        has none.
    status
        In words: how the solver ended, and what to do about it.
    converged
        Whether the solver reached what it was asked for.
    iterations
        Of the solver's own kind.
    seconds
        Wall time.
    trace
        Rows (seconds, lower, upper), for solvers that narrow bounds.
    settings
        The solver's settings, for the record.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.1))
    >>> solution = eco.Pomdp(gap=0.05).solve(eco.HarvestProblem(stock=stock, survey=eco.NormalSurvey(sd=0.1)))
    >>> solution.converged, solution.lower <= solution.upper, solution.gap <= 0.05
    (True, True, True)
    """

    policy: Policy
    status: str
    lower: float | None = None
    upper: float | None = None
    converged: bool = True
    iterations: int = 0
    seconds: float = 0.0
    trace: tuple[tuple[float, float, float], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """(upper - lower) / upper, None without both bounds."""
        if self.lower is None or self.upper is None:
            return None
        if self.upper == self.lower:
            return 0.0
        return (self.upper - self.lower) / abs(self.upper) if self.upper != 0.0 else float("inf")

    def save(self, path: str | os.PathLike[str], unit: str = "unknown") -> None:
        """Write the policy, bounds, status and settings to a NetCDF file; `ecodecide.load_solution` reads it.

        Parameters
        ----------
        path
            The file, written whole or not at all; what was there before is replaced.
        unit
            Of biomass.

        Raises
        ------
        PolicyError
            When the file cannot be written, or the policy is of the user's own.
        """
        from ecodecide.solvers.solution_file import save_solution

        save_solution(self, path, unit)


class Solver(Protocol):
    """A solver: a frozen dataclass of settings that solves a harvest problem."""

    def solve(self, problem: HarvestProblem) -> Solution:
        """Return a solution of the problem."""
        ...
