"""Stochastic dynamic programming under full observation, by policy iteration: constant escapement and beyond.

Each round evaluates the policy exactly by a linear system, and the rounds end when no quota improves on it.

Growth depends on the escapement alone, so what is worth knowing about a policy is W(s) = E[V(x') | s] for the
escapements s that it leaves: the linear system has one unknown for each of those, not for each state. The
first policy looks one year ahead and as a rule takes everything; the second is then the one of Reed 1979
(doi:10.1016/0095-0696(79)90014-7), which leaves the escapement where g E[x'] - s is largest, so that the
systems stay small.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ecodecide.decision.discretize import DiscreteProblem, discretize
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.policy.table import TablePolicy
from ecodecide.solvers.past_surveys import expected_survey
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class OptimalControl:
    """The optimal policy of a manager who believes every survey.

    It plans as if the biomass were seen without error, and then acts on the survey as if it were the
    biomass. `Solution.upper` is the value of the initial belief to a manager who knows the biomass: of the problem
    as it is planned for, no manager with a survey does better.

    Parameters
    ----------
    rounds
        The most rounds of policy iteration; a few are enough as a rule.
    tolerance
        The distance of the value to the optimum that is accepted, as a share of the largest value: the
        Bellman residual divided by 1 - discount, which bounds the distance in every state. What is reached
        as a rule is rounding, some 1e-13 of the largest value at a discount of 0.99; it is told as `error_bound`
        among `Solution.settings`.

    Raises
    ------
    SolverError
        When a setting means nothing.

    Notes
    -----
    ::

        V(x) = max over quotas q of  profit(min(q, x), x) + g E[ V(x') | x - min(q, x) ]

    with x the biomass before harvest and g the discount.

    References
    ----------
    Reed 1979, J. Environ. Econ. Manage. 6:350, doi:10.1016/0095-0696(79)90014-7 (when this is constant escapement);
    Howard 1960 and Puterman 1994, section 6.4 (policy iteration).

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.1))
    >>> problem = eco.HarvestProblem(stock=stock, grid=eco.Grid(upper=2.0, cells=100))
    >>> policy = OptimalControl().solve(problem).policy
    >>> quota, memory = policy.decide(policy.start(1), np.array([1.01]), None)
    >>> round(float(1.01 - quota[0]), 2)   # the escapement of Reed 1979
    0.47
    """

    rounds: int = 200
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise SolverError(f"OptimalControl: rounds must be at least 1, got {self.rounds}")
        if not self.tolerance > 0.0:
            raise SolverError(f"OptimalControl: tolerance must be positive, got {self.tolerance}")

    def solve(self, problem: HarvestProblem) -> Solution:
        """Return the optimal table over observed biomass.

        Raises
        ------
        SolverError
            When the value is farther from the optimum than the tolerance after the rounds allowed, or
            because rounding allows no closer one.
        """
        begin = time.perf_counter()
        arrays = discretize(problem)
        # threads would change the last digits
        with threadpool_limits(limits=1):
            value, action, rounds, error = policy_iteration(arrays, self.rounds)
        largest = float(np.abs(value).max())
        if error > self.tolerance * max(largest, 1e-300):
            remedy = (
                "allow more with OptimalControl(rounds=...)"
                if rounds >= self.rounds
                else "rounding allows no closer value, accept it with OptimalControl(tolerance=...)"
            )
            raise SolverError(
                f"policy iteration stopped after {rounds} rounds, up to {error:.2g} from the optimum, and "
                f"{self.tolerance:g} of the largest value {largest:.4g} is accepted: {remedy}"
            )
        points = arrays.grid.points
        policy = TablePolicy(points, arrays.grid.quotas[action], expected_survey(problem, arrays.initial))
        return Solution(
            policy,
            status="optimal for a stock that is seen without error; survey error is ignored",
            upper=float(arrays.initial @ value) + error,
            iterations=rounds,
            seconds=time.perf_counter() - begin,
            settings={"solver": "optimal-control", **asdict(self), "error_bound": error},
        )


def policy_iteration(arrays: DiscreteProblem, rounds: int = 200) -> tuple[Array, Array, int, float]:
    """Solve the fully observed problem.

    Parameters
    ----------
    arrays
        The discrete problem; its observation is not used.
    rounds
        The most rounds.

    Returns
    -------
    value
        Shape (n,): the value of each state before harvest.
    action
        Shape (n,): the index of the best quota, the smallest of equals.
    rounds
        Used.
    error
        A bound on the distance of `value` to the optimum.
    """
    rows = np.arange(len(arrays.initial))
    action = arrays.reward.argmax(axis=1)
    for used in range(1, rounds + 1):  # noqa: B007
        value = _evaluate(arrays, arrays.left[rows, action], arrays.reward[rows, action])
        worth = (arrays.discount * (arrays.kernel @ value))[arrays.left]
        worth += arrays.reward
        better = worth.argmax(axis=1)
        best = worth[rows, better]
        # only a real gain changes a quota, or rounding would turn equals in circles
        scale = max(float(worth.max()), -float(worth.min()))
        change = best - worth[rows, action] > 1e-13 * scale
        if not change.any():
            break
        action = np.where(change, better, action)
    # of equal quotas the smallest, which matters where the stock is taken whole
    action = np.argmax(worth >= best[:, None] - 1e-12 * scale, axis=1)
    residual = float(np.abs(best - value).max())
    return value, action, used, residual / (1.0 - arrays.discount)


def _evaluate(arrays: DiscreteProblem, left: np.ndarray[Any, np.dtype[np.intp]], profit: Array) -> Array:
    """Return the value of each state under the policy that leaves `left` and earns `profit` there.

    With W(s) = sum_x' K(x' | s) V(x') and V(x) = profit(x) + g W(left(x)), the unknowns are the W of the
    escapements that are left: W = K profit + g A W, with A(s, t) = sum of K(x' | s) over the x' that leave t.
    """
    used, place = np.unique(left, return_inverse=True)
    kernel = arrays.kernel[used]
    # states in the order of what they leave: those of one escapement stand together
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(used)))
    move = np.add.reduceat(kernel[:, order], starts, axis=1)
    move *= -arrays.discount
    move[np.diag_indices(len(used))] += 1.0
    ahead = np.linalg.solve(move, kernel @ profit)
    return np.asarray(profit + arrays.discount * ahead[place], dtype=float)
