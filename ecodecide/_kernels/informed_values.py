"""One round of the bounds of a manager who learns the state at once, or one step late."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.compile import kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
Small = NDArray[np.int32]


@kernel
def informed_round(
    discount: float,
    observations: int,
    visible: Small,
    move_start: Indices,
    move_to: Small,
    move_chance: Numbers,
    seen_row: Indices,
    seen_start: Indices,
    seen_what: Small,
    seen_chance: Numbers,
    alike: Indices,
    alike_start: Indices,
    reward: Numbers,
    q: Numbers,
    slot: Small,
    worth: Numbers,
) -> float:
    """Replace q, shape (states, actions), in place by one round of the fast informed bound.

    q(s, a) = R(s, a) + g sum over (c, o) of  max over b of  sum over s' in c of  T_a(s, s') O_a(s', o) q(s', b)

    Rows a * states + s with the same future, alike[alike_start[i] : alike_start[i + 1]], are done at once. `slot`,
    shape (classes * observations,), holds -1, `worth` as many rows of one number per action. Return the largest
    change.
    """
    states, actions = reward.shape
    change = 0.0
    keys = np.empty(slot.shape[0], dtype=np.int64)
    for i in range(alike_start.shape[0] - 1):
        row = alike[alike_start[i]]
        pairs = 0
        for k in range(move_start[row], move_start[row + 1]):
            after = move_to[k]
            base = visible[after] * np.int64(observations)
            seen = seen_row[row // states] + after
            for j in range(seen_start[seen], seen_start[seen + 1]):
                key = base + seen_what[j]
                pair = slot[key]
                if pair < 0:
                    pair = pairs
                    pairs += 1
                    slot[key] = pair
                    keys[pair] = key
                    worth[pair, :] = 0.0
                p = move_chance[k] * seen_chance[j]
                for b in range(actions):
                    worth[pair, b] += p * q[after, b]
        total = 0.0
        for pair in range(pairs):
            slot[keys[pair]] = -1
            total += worth[pair].max()
        for k in range(alike_start[i], alike_start[i + 1]):
            s, a = alike[k] % states, alike[k] // states
            value = reward[s, a] + discount * total
            change = max(change, abs(value - q[s, a]))
            q[s, a] = value
    return change


@kernel
def sighted_round(
    discount: float, move_start: Indices, move_to: Small, move_chance: Numbers, reward: Numbers, v: Numbers
) -> float:
    """Replace v, shape (states,), in place by one round of value iteration with the state seen.

    Return the largest change.
    """
    states, actions = reward.shape
    change = 0.0
    for s in range(states):
        best = -np.inf
        for a in range(actions):
            total = 0.0
            row = a * states + s
            for k in range(move_start[row], move_start[row + 1]):
                total += move_chance[k] * v[move_to[k]]
            best = max(best, reward[s, a] + discount * total)
        change = max(change, abs(best - v[s]))
        v[s] = best
    return change
