"""One round of policy iteration for the informed bound, with the quota of each observation improved nearby.

Symbols: growth[s, x] = P(x | escapement s), seen[o, x] = P(o | x), worth[a, x] the worth of quota a at state x.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.compile import kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


@kernel
def informed_round(
    growth: Numbers,
    seen: Numbers,
    worth: Numbers,
    reward: Numbers,
    action: Indices,
    profit: Numbers,
    moves: Numbers,
) -> bool:
    """Climb from each quota action[s, o] to the best one nearby; fill in what the policy earns and where it leads.

    `worth` and `reward` have the shape (quotas, states). Returns whether any quota changed.
    """
    n = growth.shape[0]
    joint = np.empty(n)
    changed = False
    for s in range(n):
        profit[s] = 0.0
        for x in range(n):
            moves[s, x] = 0.0
        for o in range(n):
            first = n
            last = -1
            for x in range(n):
                joint[x] = growth[s, x] * seen[o, x]
                if joint[x] > 1e-17:  # the rest is counted when the result is checked
                    first = min(first, x)
                    last = x
            if last < 0:
                continue
            a = action[s, o]
            value = _value(joint, worth[a], first, last)
            step = 1
            tried = 0
            while tried < 2:
                b = a + step
                better = value
                if 0 <= b < n:
                    better = _value(joint, worth[b], first, last)
                if better > value:
                    a, value, tried = b, better, 0
                else:
                    step, tried = -step, tried + 1
            changed = changed or a != action[s, o]
            action[s, o] = a
            for x in range(first, last + 1):
                profit[s] += joint[x] * reward[a, x]
                moves[s, max(x - a, 0)] += joint[x]
    return changed


@kernel
def _value(joint: Numbers, worth: Numbers, first: int, last: int) -> float:
    total = 0.0
    for x in range(first, last + 1):
        total += joint[x] * worth[x]
    return total
