"""The upper bound of beliefs over escapement by sawtooth interpolation, and the best quota under it.

Symbols: e a belief over escapement states (it may sum to less than 1), q the bound at certain escapements, B
the points of the bound, depth = value - B.q <= 0 of each, order its non-zero states by ascending
probability and size their number. With W convex and positively homogeneous,

    W(e) <= e.q + min over points k of  depth_k min over x of e(x) / B_k(x)

(Hauskrecht 2000, Journal of Artificial Intelligence Research 13:33).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.compile import kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


@kernel
def sawtooth(
    e: Numbers, corner: float, points: Numbers, depth: Numbers, order: Indices, size: Indices, count: int
) -> float:
    """Return the sawtooth bound of one belief, `corner` being e.q."""
    best = 0.0
    for k in range(count):
        d = depth[k]
        if d >= best:
            continue
        enough = best / d
        ratio = 1e300
        for j in range(size[k]):
            x = order[k, j]
            r = e[x] / points[k, x]
            if r < ratio:
                ratio = r
                if ratio <= enough:
                    break
        if ratio * d < best:
            best = ratio * d
    return corner + best


@kernel
def shift(belief: Numbers, quota: int, out: Numbers) -> None:
    """Harvest a belief by a whole number of states: what reaches 0 stays there."""
    n = belief.shape[0]
    total = 0.0
    for x in range(quota + 1):
        total += belief[x]
    out[0] = total
    for x in range(quota + 1, n):
        out[x - quota] = belief[x]
    for x in range(max(n - quota, 1), n):
        out[x] = 0.0


@kernel
def best_quotas(
    beliefs: Numbers,
    worth: Numbers,
    reward: Numbers,
    q: Numbers,
    discount: float,
    points: Numbers,
    depth: Numbers,
    order: Indices,
    size: Indices,
    count: int,
    quota: Indices,
    value: Numbers,
) -> None:
    """Find the best quota of each belief under the upper bound, refreshing only the bounds that matter.

    `worth[i, a]` is an upper bound on the value of quota a at belief i, from an earlier visit. Only the
    quota with the largest is brought up to date, until the largest is up to date: then the others, whose
    true bounds are no larger than the old ones, cannot be better.
    """
    rows, n = beliefs.shape
    actions = worth.shape[1]
    e = np.empty(n)
    fresh = np.zeros(actions, dtype=np.bool_)
    for i in range(rows):
        fresh[:] = False
        while True:
            a = 0
            top = -1e300
            for j in range(actions):
                if worth[i, j] > top:
                    top = worth[i, j]
                    a = j
            if fresh[a]:
                break
            fresh[a] = True
            shift(beliefs[i], a, e)
            corner = 0.0
            profit = 0.0
            for x in range(n):
                corner += e[x] * q[x]
                profit += beliefs[i, x] * reward[x, a]
            bound = profit + discount * sawtooth(e, corner, points, depth, order, size, count)
            if bound < worth[i, a]:
                worth[i, a] = bound
        quota[i] = a
        value[i] = top


@kernel
def dominated(vectors: Numbers, count: int, checked: int, out: NDArray[np.bool_]) -> None:
    """Mark each vector that another one matches or exceeds in every state.

    Vectors before `checked` are known not to dominate one another, so such pairs are passed over.
    """
    n = vectors.shape[1]
    for i in range(count):
        out[i] = False
    for i in range(count):
        for j in range(count):
            if i == j or out[j] or (i < checked and j < checked):
                continue
            covers = True
            same = True
            for x in range(n):
                if vectors[j, x] < vectors[i, x]:
                    covers = False
                    break
                if vectors[j, x] > vectors[i, x]:
                    same = False
            if covers and (not same or j < i):
                out[i] = True
                break
