"""Point-based value iteration for any finite problem, between a lower and an upper bound.

The search (HSVI2: Smith & Simmons 2005, UAI-05, 542; SARSOP: Kurniawati, Hsu & Lee 2008, Robotics: Science and
Systems IV) walks from the initial belief to where the bounds lie furthest apart, taking the action that the
upper bound favors, and tightens both on the way back. Beliefs, vectors and points belong to one visible class
each (Ong et al. 2010, Int. J. Robotics Research 29:1053).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import SolverError
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.solvers.pomdp.finite_bounds import PointBound
from ecodecide.solvers.pomdp.finite_search import FiniteSearch

_ROUNDING = 1e-9
"""Bounds that lie this share of the largest reward apart, or crossed, are one value."""


@dataclass(frozen=True, eq=False)
class FiniteSolution:
    """A policy of a finite problem, and the bounds between which the optimal value lies.

    Attributes
    ----------
    policy
        The alpha vectors: acting by the best one is worth at least what it promises.
    lower, upper
        Bounds on the value of the initial belief, to some 1e-13 times the number of states times the largest value:
        so near to one another beliefs are taken for one.
    status
        In words: how the solver ended, and what to do about it.
    converged
        Whether the gap asked for was reached.
    iterations
        Walks from the initial belief.
    seconds
        Wall time.
    trace
        Rows (seconds, lower, upper), each bound no worse than in the row before.
    bound
        The upper bound of any belief.
    settings
        The solver's settings, for the record.
    """

    policy: AlphaVectors
    lower: float
    upper: float
    status: str
    converged: bool
    iterations: int
    seconds: float
    trace: tuple[tuple[float, float, float], ...]
    bound: PointBound
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """(upper - lower) / max(|lower|, |upper|)."""
        return relative_gap(self.lower, self.upper)


def relative_gap(lower: float, upper: float) -> float:
    """Return (upper - lower) / max(|lower|, |upper|), 0 where the bounds are equal.

    For values of one sign this is a share of the larger; for bounds on both sides of zero it is at least 1, so
    that no gap below 1 counts as reached before the sign is known.

    Examples
    --------
    >>> relative_gap(-5.0, -4.0), relative_gap(-1.0, 1.0), relative_gap(0.0, 0.0)
    (0.2, 2.0, 0.0)
    """
    return 0.0 if upper <= lower else (upper - lower) / max(abs(lower), abs(upper))


def solve_finite(
    pomdp: FinitePomdp,
    gap: float = 0.01,
    seconds: float = 60.0,
    iterations: int | None = None,
    memory: float = 400.0,
) -> FiniteSolution:
    """Solve a finite problem; the same number of iterations gives the same result everywhere.

    Parameters
    ----------
    pomdp
        The problem.
    gap
        Where to stop: (upper - lower) / max(|lower|, |upper|) at the initial belief.
    seconds
        A safety stop between walks, after the initial bounds are made; a result that it ends is marked, because it
        depends on the machine's speed.
    iterations
        The most walks from the initial belief; None for no limit.
    memory
        Megabytes for beliefs, vectors and points. Beliefs are forgotten when they fill their half, and made anew;
        vectors never are, because the policy needs them: when theirs is full, the search ends. Without room for
        more points the upper bound rests.

    Raises
    ------
    SolverError
        When a setting means nothing.

    Examples
    --------
    >>> import numpy as np
    >>> stay, reset = np.eye(2), np.full((2, 2), 0.5)
    >>> heard = np.array([[0.85, 0.15], [0.15, 0.85]])
    >>> tiger = FinitePomdp(
    ...     transition=(stay, reset, reset),
    ...     observation=(heard, reset, reset),
    ...     reward=np.array([[-1.0, -100.0, 10.0], [-1.0, 10.0, -100.0]]),
    ...     discount=0.95,
    ...     initial=np.array([0.5, 0.5]),
    ... )
    >>> solution = solve_finite(tiger, gap=1e-4)
    >>> f"{solution.lower:.2f} {solution.upper:.2f}"
    '19.37 19.37'
    """
    _check(gap, seconds, iterations, memory)
    begin = time.perf_counter()
    search = FiniteSearch(pomdp, memory)
    trace: list[tuple[float, float, float]] = []
    status, converged = _run(search, begin, gap, seconds, iterations, trace)
    return FiniteSolution(
        policy=search.policy(),
        lower=trace[-1][1],
        upper=trace[-1][2],
        status=status,
        converged=converged,
        iterations=search.walks,
        seconds=time.perf_counter() - begin,
        trace=tuple(trace),
        bound=search.bound(),
        settings={
            "solver": "finite",
            "gap": gap,
            "seconds": seconds,
            "iterations": iterations,
            "memory": memory,
        },
    )


def _check(gap: float, seconds: float, iterations: int | None, memory: float) -> None:
    if not 0.0 <= gap < 1.0:
        raise SolverError(f"gap must be a share in [0, 1), such as 0.01, got {gap}")
    if not seconds > 0.0:
        raise SolverError(f"seconds must be positive, got {seconds}")
    if iterations is not None and iterations < 0:
        raise SolverError(f"iterations must be at least 0 or None, got {iterations}")
    if not 0.0 < memory < float("inf"):
        raise SolverError(f"memory must be a positive number of megabytes, got {memory}")


def _run(
    search: FiniteSearch,
    begin: float,
    gap: float,
    seconds: float,
    iterations: int | None,
    trace: list[tuple[float, float, float]],
) -> tuple[str, bool]:
    """Walk until a reason to stop; return it in words, and whether the gap was reached."""
    lower, upper = -np.inf, np.inf
    while True:
        new_lower, new_upper = search.root_bounds()
        if new_lower > new_upper + _ROUNDING * search.largest:
            raise SolverError(
                f"the bounds crossed, {new_lower!r} > {new_upper!r}: an error of ours, please report it"
            )
        # a bound once proven stays proven; rounding of the last digit must not turn the two around
        upper = min(upper, new_upper)
        lower = min(max(lower, new_lower), upper)
        spent = time.perf_counter() - begin
        reached = 0.0 if upper - lower <= _ROUNDING * search.largest else relative_gap(lower, upper)
        done = _reason(search, reached, spent, gap, seconds, iterations)
        # rows that say something new, not one for each of many thousand walks
        if done or not trace or upper - lower < 0.999 * (trace[-1][2] - trace[-1][1]):
            trace.append((spent, lower, upper))
        if done:
            return done
        search.walk(upper - lower, gap * max(abs(lower), abs(upper)))


def _reason(
    search: FiniteSearch, reached: float, spent: float, gap: float, seconds: float, iterations: int | None
) -> tuple[str, bool] | None:
    if reached <= gap:
        return f"converged: the value is known to {reached:.2%}", True
    left = f"the value is known to {reached:.2%} only, {gap:.2%} was asked for"
    if iterations is not None and search.walks >= iterations:
        return f"stopped after {search.walks} iterations: {left}; allow more iterations", False
    if search.full:
        return (
            f"stopped because the memory for vectors is full: {left}; allow more memory or a wider gap",
            False,
        )
    if spent >= seconds:
        return f"stopped by time, not reproducible: {left}; allow more seconds or a wider gap", False
    return None
