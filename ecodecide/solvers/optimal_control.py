"""Stochastic dynamic programming under full observation: constant escapement and beyond.

    V(x) = max over quotas q of  profit(min(q, x), x) + g E[ V(x') | x - min(q, x) ]

solved by policy iteration (Howard 1960; Puterman 1994, section 6.4): each round evaluates the policy
exactly by a linear system, and the rounds end when no quota improves on it. The distance to the optimum is
at most the Bellman residual divided by 1 - g, and is checked.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ecodecide.decision.discretize import DiscreteProblem, discretize
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.policy.table import TablePolicy
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
        The distance to the optimum accepted, relative to the largest value.

    Raises
    ------
    SolverError
        When a setting means nothing.

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
            When policy iteration does not end within the rounds allowed.
        """
        begin = time.perf_counter()
        arrays = discretize(problem)
        # threads would change the last digits
        with threadpool_limits(limits=1):
            value, action, rounds, error = policy_iteration(arrays, self.rounds)
        largest = float(np.abs(value).max())
        if error > self.tolerance * max(largest, 1e-300):
            raise SolverError(
                f"policy iteration stopped after {rounds} rounds, up to {error:.2g} from the optimum: "
                "allow more with OptimalControl(rounds=...)"
            )
        points = arrays.grid.points
        policy = TablePolicy(points, arrays.grid.quotas[action], float(arrays.initial @ points))
        return Solution(
            policy,
            status="optimal for a stock that is seen without error; survey error is ignored",
            upper=float(arrays.initial @ value) + error,
            iterations=rounds,
            seconds=time.perf_counter() - begin,
            settings={"solver": "optimal-control", **asdict(self)},
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
    n, g = len(arrays.initial), arrays.discount
    rows, left = np.arange(n), arrays.left
    action = np.zeros(n, dtype=np.intp)
    value = np.zeros(n)
    for used in range(1, rounds + 1):  # noqa: B007
        transition = arrays.kernel[left[rows, action]]
        profit = arrays.reward[rows, action]
        value = np.asarray(np.linalg.solve(np.eye(n) - g * transition, profit), dtype=float)
        worth = arrays.reward + g * (arrays.kernel @ value)[left]
        better = worth.argmax(axis=1)
        gain = worth[rows, better] - worth[rows, action]
        # only a real gain changes a quota, or rounding would turn equals in circles
        scale = float(np.abs(worth).max())
        change = gain > 1e-13 * scale
        if not change.any():
            break
        action = np.where(change, better, action)
    # of equal quotas the smallest, which matters where the stock is taken whole
    action = np.argmax(worth >= worth.max(axis=1, keepdims=True) - 1e-12 * scale, axis=1)
    residual = float(np.abs(worth.max(axis=1) - value).max())
    return value, action, used, residual / (1.0 - g)
