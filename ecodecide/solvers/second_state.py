"""Stochastic dynamic programming with a second state beside the biomass: an environment, or last year's escapement.

    V(x, w) = max over quotas q of  profit(min(q, x), x) + g sum_x' K_w(x' | s) sum_w' C(w' | w, s) V(x', w'),
    s = max(x - q, 0)

The manager sees the biomass x and the second state w, and then sets the quota. Either w is an environment that
moves on its own, and C is its Markov chain; or w is the escapement of last year, and C puts that of this year
on the levels.

Solved by policy iteration in which a policy is evaluated by GMRES (Saad & Schultz 1986, doi:10.1137/0907058),
only as exactly as the round is worth (Gargiani et al. 2022, doi:10.48550/arXiv.2211.04299): nothing but matrix
products, and no array larger than the kernel. Every value V on the way is at most T V, with T the maximum
above: what an inexact evaluation breaks of that, a constant taken off restores. So V rises, in each round by at
least as much as value iteration would raise it, and at the end V <= V* <= V + max(T V - V) / (1 - g).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ecodecide.decision.grid import Grid
from ecodecide.errors import ProblemError, SolverError
from ecodecide.policy.surface import SurfacePolicy
from ecodecide.stock.growth import Array

Index = np.ndarray[Any, np.dtype[np.intp]]

_INEXACT = 0.1
"""How exactly a policy is evaluated: what this leaves to be taken off, as a share of the residual before."""

_ROUNDING = 1e-14
"""The Bellman residual, as a share of the largest value, under which sums of doubles say nothing more."""


@dataclass(frozen=True, eq=False)
class SecondStateProblem:
    """A harvest problem with two states as arrays: n biomasses, n quotas and m levels of the second state.

    Parameters
    ----------
    grid
        The grid; ``grid.points`` are the biomasses and ``grid.quotas`` the quotas.
    levels
        Shape (m,), increasing: the second state, in the unit of the environment or of biomass.
    kernel
        Shape (m, n, n): P(next biomass | level, escapement state).
    reward
        Shape (n, n): the profit of biomass and quota.
    initial
        Shape (n, m): the probability of biomass and level when the first quota is set.
    discount
        Factor in (0, 1).
    transition
        Shape (m, m): P(next level | level) of an environment, which depends on nothing else. None where the
        second state is last year's escapement.

    Raises
    ------
    ProblemError
        When shapes disagree, levels do not increase, or probabilities are none.

    Examples
    --------
    A stock that grows twice as fast in good years, which come in runs:

    >>> import ecodecide as eco
    >>> stocks = [eco.ParametricStock(eco.Ricker(r=r, K=1.0), eco.LognormalNoise(sigma=0.1)) for r in (0.4, 0.8)]
    >>> bad, good = (eco.discretize(eco.HarvestProblem(stock=s, grid=eco.Grid(2.0, 50))) for s in stocks)
    >>> problem = SecondStateProblem(
    ...     grid=bad.grid,
    ...     levels=np.array([0.0, 1.0]),
    ...     kernel=np.stack([bad.kernel, good.kernel]),
    ...     reward=bad.reward,
    ...     initial=np.outer(bad.initial, [0.5, 0.5]),
    ...     discount=0.95,
    ...     transition=np.array([[0.9, 0.1], [0.1, 0.9]]),
    ... )
    >>> value, action, rounds, error = solve_second_state(problem)
    >>> policy = surface_policy(problem, action)
    >>> table = policy.at(1.0)   # in a good year
    >>> quota, memory = table.decide(table.start(1), np.array([0.9]), None)
    >>> round(float(0.9 - quota[0]), 2)   # the escapement
    0.42
    """

    grid: Grid
    levels: Array
    kernel: Array
    reward: Array
    initial: Array
    discount: float
    transition: Array | None = None

    def __post_init__(self) -> None:
        n, m = len(self.grid.points), len(self.levels)
        if m < 1 or np.any(np.diff(self.levels) <= 0.0):
            raise ProblemError(f"levels must be one or more that increase, got {self.levels}")
        expected = {"kernel": (m, n, n), "reward": (n, n), "initial": (n, m)}
        if self.transition is not None:
            expected["transition"] = (m, m)
        for name, shape in expected.items():
            found = np.asarray(getattr(self, name))
            if found.shape != shape:
                raise ProblemError(
                    f"{name} must have the shape {shape} for {n} points of the grid and {m} levels, "
                    f"got {found.shape}"
                )
            if not np.all(np.isfinite(found)):
                raise ProblemError(f"{name} must hold finite numbers alone")
            if name != "reward":
                _require_probabilities(name, found)
        if not 0.0 < self.discount < 1.0:
            raise ProblemError(f"discount must be a factor in (0, 1), got {self.discount}")

    @cached_property
    def left(self) -> Index:
        """Shape (n, n): the escapement state of biomass and quota, max(i - j, 0)."""
        states = np.arange(len(self.grid.points))
        left: Index = np.maximum(states[:, None] - states[None, :], 0)
        return left

    @cached_property
    def carry(self) -> Array:
        """Shape (n, m): P(next level | escapement state) where the level is last year's escapement.

        An escapement between two levels is shared between them so that its mean is kept; beyond the first or the
        last level it counts as that.
        """
        points, levels = self.grid.points, self.levels
        # a hat over each level
        return np.column_stack([np.interp(points, levels, hat) for hat in np.eye(len(levels))])


def _require_probabilities(name: str, found: Array) -> None:
    total = found.sum() if name == "initial" else found.sum(axis=-1)
    if np.any(found < 0.0) or np.abs(total - 1.0).max() > 1e-9:
        raise ProblemError(
            f"{name} must hold probabilities that sum to one, got a least one of {found.min():.4g} and sums from "
            f"{total.min():.6g} to {total.max():.6g}"
        )


def solve_second_state(
    arrays: SecondStateProblem, tolerance: float = 1e-9, rounds: int = 200
) -> tuple[Array, Index, int, float]:
    """Solve a problem with two states, both seen.

    Parameters
    ----------
    arrays
        The problem.
    tolerance
        The distance of the value to the optimum that is accepted, as a share of the largest value: the largest
        Bellman residual divided by 1 - discount.
    rounds
        The most rounds of policy iteration.

    Returns
    -------
    value
        Shape (n, m): the value of each state before harvest. The policy is worth at least this.
    action
        Shape (n, m): the index of the best quota, the smallest of equals.
    rounds
        Used.
    error
        A bound on the distance of `value` to the optimum.

    Raises
    ------
    SolverError
        When a setting means nothing, or the value is farther from the optimum than the tolerance at the end.
    """
    if not (tolerance > 0.0 and rounds >= 1):
        raise SolverError(
            f"tolerance must be positive and rounds at least 1, got tolerance {tolerance} and {rounds} rounds"
        )
    # threads would change the last digits
    with threadpool_limits(limits=1):
        value, action, used, error = _policy_iteration(arrays, tolerance, rounds)
    largest = float(np.abs(value).max())
    if error > tolerance * largest:
        raise SolverError(
            f"policy iteration stopped after {used} rounds, up to {error:.2g} from the optimum, and {tolerance:g} of "
            f"the largest value {largest:.4g} is accepted: allow more with rounds=, or accept it with tolerance="
        )
    return value, action, used, error


def surface_policy(arrays: SecondStateProblem, action: Index) -> SurfacePolicy:
    """Return the policy that sets the quotas of `action`, shape (n, m), and interpolates between them."""
    return SurfacePolicy(
        arrays.grid.points,
        arrays.levels,
        arrays.grid.quotas[action],
        expected=float(arrays.initial.sum(axis=1) @ arrays.grid.points),
        chances=arrays.initial.sum(axis=0),
        transition=arrays.transition,
    )


def _policy_iteration(
    arrays: SecondStateProblem, tolerance: float, rounds: int
) -> tuple[Array, Index, int, float]:
    """Return what `solve_second_state` does, whether or not it is close enough.

    Values have the level first inside, so that those of a level stand together.
    """
    g, m = arrays.discount, len(arrays.levels)
    # the least that is to be had each year, forever: V <= T V
    value = np.full((m, len(arrays.reward)), float(arrays.reward.max(axis=1).min()) / (1.0 - g))
    for used in range(1, rounds + 1):  # noqa: B007
        best, action = _improve(arrays, value)
        residual, largest = float(np.abs(best - value).max()), float(np.abs(best).max())
        floor = _ROUNDING * largest
        # half of the tolerance, since the largest value is known with as much error
        if residual <= max(0.5 * (1.0 - g) * tolerance * largest, floor):
            break
        value = np.maximum(best, _evaluate(arrays, best, action, max(_INEXACT * (1.0 - g) * residual, floor)))
    best, action = _improve(arrays, value, slack=1e-12 * float(np.abs(value).max()))
    error = float(np.abs(best - value).max()) / (1.0 - g)
    return np.ascontiguousarray(value.T), np.ascontiguousarray(action.T), used, error


def _ahead(arrays: SecondStateProblem, value: Array, escapements: int) -> Array:
    """Return E[V(x', w') | level, escapement], shape (m, escapements), for the smallest escapements."""
    kernel = arrays.kernel[:, :escapements]
    if arrays.transition is not None:
        return np.asarray(np.matmul(kernel, (arrays.transition @ value)[:, :, None])[:, :, 0])
    return np.asarray(np.einsum("wsx,sx->ws", kernel, arrays.carry[:escapements] @ value))


def _improve(arrays: SecondStateProblem, value: Array, slack: float = 0.0) -> tuple[Array, Index]:
    """Return T V and the quotas that reach it, the smallest of those within the slack, both (m, n)."""
    ahead = arrays.discount * _ahead(arrays, value, len(arrays.reward))
    best, action = np.empty_like(value), np.empty(value.shape, dtype=np.intp)
    worth = np.empty_like(arrays.reward)
    for w, after in enumerate(ahead):
        np.take(after, arrays.left, out=worth, mode="clip")
        worth += arrays.reward
        best[w] = worth.max(axis=1)
        action[w] = np.argmax(worth >= best[w][:, None] - slack, axis=1)
    return best, action


def _evaluate(arrays: SecondStateProblem, start: Array, action: Index, accuracy: float) -> Array:
    """Return values of at most what a policy is worth, and close to it, both (m, n); the search starts at `start`."""
    from scipy.sparse.linalg import LinearOperator, gmres

    g, states = arrays.discount, np.arange(len(arrays.reward))
    left, profit = arrays.left[states, action], arrays.reward[states, action]
    escapements = int(left.max()) + 1

    def less_next(flat: Array) -> Array:
        value = flat.reshape(start.shape)
        after = np.take_along_axis(_ahead(arrays, value, escapements), left, axis=1)
        return np.asarray((value - g * after).ravel())

    system = LinearOperator((start.size, start.size), matvec=less_next, dtype=float)
    found, _ = gmres(
        system, profit.ravel(), x0=start.ravel(), rtol=0.0, atol=accuracy, restart=40, maxiter=10
    )
    # however close it came: a constant c off lowers what a year falls short of by (1 - g) c
    excess = float((less_next(found) - profit.ravel()).max())
    return np.asarray(found - max(excess, 0.0) / (1.0 - g)).reshape(start.shape)
