"""The fast informed bound, collapsed to one vector over escapements.

A manager who will learn the state one year late does at least as well as one who never learns it. With growth
that depends on the escapement s alone, that manager's value is one vector q:

    q(s) = sum over o of  max over a of  sum over x' of  K(s, x') O(x', o) [ R(x', a) + g q(left(x', a)) ]

(Hauskrecht 2000, Journal of Artificial Intelligence Research 13:33, section 4.4, on this structure). Solved
by policy iteration; what is left of the residual is added, so that the bound is one.
"""

from __future__ import annotations

import numpy as np

from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.stock.growth import Array


def informed_bound(arrays: DiscreteProblem, rounds: int = 100) -> Array:
    """Return q, shape (n,): an upper bound on the value of each escapement, the year's growth still to come.

    Parameters
    ----------
    arrays
        The discrete problem.
    rounds
        The most rounds of policy iteration; the residual makes up for any that are missing.
    """
    n, g = len(arrays.initial), arrays.discount
    rows = np.arange(n)
    q = np.zeros(n)
    heard = np.flatnonzero(arrays.observation.sum(axis=0) > 0.0)
    while True:
        rounds -= 1
        worth = arrays.reward + g * q[arrays.left]
        best = np.zeros(n)
        profit = np.zeros(n)
        moves = np.zeros((n, n))
        for o in heard:
            joint = arrays.kernel * arrays.observation[:, o]
            value = joint @ worth
            action = value.argmax(axis=1)
            best += value[rows, action]
            # joint[s, x'] leads from s to left(x', action[s])
            profit += np.einsum("sx,xs->s", joint, arrays.reward[:, action])
            target = rows[:, None] * n + arrays.left[:, action].T
            moves += np.bincount(target.ravel(), joint.ravel(), n * n).reshape(n, n)
        residual = float(np.max(best - q))
        if residual <= 1e-12 * max(1.0, float(np.abs(q).max())) or rounds <= 0:
            # T is monotone with modulus g: q + residual/(1-g) lies above its fixed point
            return np.asarray(q + max(residual, 0.0) / (1.0 - g), dtype=float)
        q = np.asarray(np.linalg.solve(np.eye(n) - g * moves, profit), dtype=float)
