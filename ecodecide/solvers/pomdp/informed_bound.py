"""The informed bound: what the manager could earn who learns last year's escapement for sure.

Such a manager does at least as well as one who never learns it. With growth that depends on the escapement s
alone, that manager's value is one vector q:

    q(s) = sum over o of  max over a of  [ sum over x' of  K(s, x') O(x', o) ( R(x', a) + g q(left(x', a)) ) + g d ]

With d = 0 it is the fast informed bound (Hauskrecht 2000, Journal of Artificial Intelligence Research 13:33,
section 4.4) on this structure. A depth d(s, o, a) <= 0 says how far the value of the belief over escapement
that follows from s, the observation o and the quota a lies below that of its states known for sure. Solved by
policy iteration; what is left of the residual is added, so that the bound is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecodecide._kernels.informed_round import informed_round
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.solvers.optimal_control import policy_iteration
from ecodecide.stock.growth import Array


def informed_bound(
    arrays: DiscreteProblem,
    rounds: int = 100,
    depth: Callable[[int], Array] | None = None,
    start: Array | None = None,
    tolerance: float = 1e-10,
) -> Array:
    """Return q, shape (n,): an upper bound on the value of each escapement, the year's growth still to come.

    Parameters
    ----------
    arrays
        The discrete problem.
    rounds
        The most rounds of policy iteration; the residual makes up for any that are missing.
    depth
        Of an escapement s, the array d(s, o, a) of shape (n, n); None for 0.
    start
        Shape (n,): a guess at q; None for the values of a manager who sees the stock.
    tolerance
        The residual at which to stop, as a share of q.
    """
    n, g = len(arrays.initial), arrays.discount
    seen = np.ascontiguousarray(arrays.observation.T)
    if start is None:
        value, quota, _, _ = policy_iteration(arrays)
        q = arrays.kernel @ value
        if depth is None:
            q = _climb(arrays, seen, q, np.tile(quota.astype(np.int64), (n, 1)))
    else:
        q = start
    while True:
        rounds -= 1
        best, profit, moves = _improve(arrays, seen, q, depth)
        rise = best - q
        if float(np.abs(rise).max()) <= tolerance * max(1.0, float(np.abs(q).max())) or rounds <= 0:
            # T is monotone with modulus g: q + max(rise)/(1-g) lies above its fixed point
            return np.asarray(q + max(float(rise.max()), 0.0) / (1.0 - g), dtype=float)
        q = np.asarray(np.linalg.solve(np.eye(n) - g * moves, profit), dtype=float)


def _improve(
    arrays: DiscreteProblem, seen: Array, q: Array, depth: Callable[[int], Array] | None
) -> tuple[Array, Array, Array]:
    """Return each escapement's best value, and what the best quotas earn and where they lead."""
    n, g = len(q), arrays.discount
    each = np.arange(n)
    worth = arrays.reward + g * q[arrays.left]
    best, profit = np.zeros(n), np.zeros(n)
    moves = np.zeros((n, n))
    for s in range(n):
        joint = seen * arrays.kernel[s]
        value = joint @ worth
        below = None if depth is None else g * depth(s)
        if below is not None:
            value += below
        action = value.argmax(axis=1)
        best[s] = value[each, action].sum()
        profit[s] = np.sum(joint * arrays.reward[:, action].T)
        if below is not None:
            profit[s] += below[each, action].sum()
        # joint[o, x'] leads from s to left(x', action[o])
        moves[s] = np.bincount(arrays.left[:, action].T.ravel(), joint.ravel(), n)
    return best, profit, moves


def _climb(arrays: DiscreteProblem, seen: Array, q: Array, action: Any, rounds: int = 50) -> Array:
    """Return q by policy iteration that improves each quota among its neighbors alone: fast, and nearly right."""
    n, g = len(q), arrays.discount
    profit, moves = np.empty(n), np.empty((n, n))
    reward = np.ascontiguousarray(arrays.reward.T)
    changed = True
    while changed and rounds > 0:
        rounds -= 1
        worth = np.ascontiguousarray((arrays.reward + g * q[arrays.left]).T)
        changed = informed_round(arrays.kernel, seen, worth, reward, action, profit, moves)
        q = np.asarray(np.linalg.solve(np.eye(n) - g * moves, profit), dtype=float)
    return q
