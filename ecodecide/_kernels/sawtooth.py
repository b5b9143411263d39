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
Cells = NDArray[np.int32]


@kernel
def deepest(
    e: Numbers,
    inverse: Numbers,
    order: Indices,
    size: Indices,
    depth: Numbers,
    middle: Numbers,
    ranked: Indices,
    count: int,
) -> tuple[float, int, float]:
    """Return the deepest correction of a belief, the point that gives it (-1: none), and its share there.

    `ranked` lists the points by their mean state, `middle` these means. Points whose means lie further off than
    the belief's own standard deviation (and a state) are passed over: less than half of one could fit into it.
    """
    n = e.shape[0]
    mass = 0.0
    mean = 0.0
    square = 0.0
    for x in range(n):
        mass += e[x]
        mean += e[x] * x
        square += e[x] * x * x
    if mass <= 0.0:
        return 0.0, -1, 0.0
    mean /= mass
    reach = max(square / mass - mean * mean, 0.0) ** 0.5 + 1.0
    right = np.searchsorted(middle[:count], mean)
    left = right - 1
    best = 0.0
    point = -1
    share = 0.0
    while True:
        # the nearest first: it makes short work of the others
        from_left = mean - middle[left] if left >= 0 else 1e300
        from_right = middle[right] - mean if right < count else 1e300
        if min(from_left, from_right) > reach:
            break
        if from_left < from_right:
            k = ranked[left]
            left -= 1
        else:
            k = ranked[right]
            right += 1
        d = depth[k]
        if d >= best:
            continue
        enough = best / d
        ratio = 1e300
        for j in range(size[k]):
            r = e[order[k, j]] * inverse[k, j]
            if r < ratio:
                ratio = r
                if ratio <= enough:
                    break
        # the second condition is not idle: rounding may let a share that was cut short pass the first
        if ratio * d < best and ratio > enough:
            best = ratio * d
            point = k
            share = ratio
    return best, point, share


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
    inverse: Numbers,
    order: Indices,
    size: Indices,
    depth: Numbers,
    middle: Numbers,
    ranked: Indices,
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
            bound = profit + discount * (
                corner + deepest(e, inverse, order, size, depth, middle, ranked, count)[0]
            )
            if bound < worth[i, a]:
                worth[i, a] = bound
        quota[i] = a
        value[i] = top


@kernel
def successor_shares(
    grown: Numbers,
    seen: Numbers,
    start: Indices,
    cell: Cells,
    inverse: Numbers,
    order: Indices,
    size: Indices,
    depth: Numbers,
    middle: Numbers,
    ranked: Indices,
    count: int,
    point: Cells,
    share: Numbers,
) -> None:
    """Find the point that corrects best what follows from each source, observation and quota listed.

    Source i has grown to grown[i]; entries start[i] to start[i + 1] of `cell` are its observations and quotas,
    o n + a, ascending. The belief that follows is not normalized: it holds the probability of its observation.
    """
    n = grown.shape[1]
    joint = np.empty(n)
    e = np.empty(n)
    for i in range(grown.shape[0]):
        heard = -1
        for j in range(start[i], start[i + 1]):
            o = cell[j] // n
            if o != heard:
                heard = o
                for x in range(n):
                    joint[x] = grown[i, x] * seen[o, x]
            shift(joint, cell[j] % n, e)
            _, k, r = deepest(e, inverse, order, size, depth, middle, ranked, count)
            point[j] = k
            share[j] = r


@kernel
def likely_shares(
    grown: Numbers,
    seen: Numbers,
    plain: Numbers,
    worth: Numbers,
    discount: float,
    slack: float,
    unlikely: float,
    inverse: Numbers,
    order: Indices,
    size: Indices,
    depth: Numbers,
    middle: Numbers,
    ranked: Indices,
    count: int,
    cell: Cells,
    point: Cells,
    share: Numbers,
) -> int:
    """As `successor_shares` for one source, for the quotas alone that may be best.

    `plain[o, a]` is the bound with the states that follow known for sure, `worth[o, a]` <= it another one. Of each
    observation, quotas are taken in the order of these until the rest lie below the best by more than the slack.
    Observations no likelier than `unlikely` are left out.
    Returns how many entries were written.
    """
    n = grown.shape[0]
    joint = np.empty(n)
    e = np.empty(n)
    done = np.zeros(n, dtype=np.bool_)
    found = 0
    for o in range(n):
        done[:] = False
        chance = 0.0
        for x in range(n):
            joint[x] = grown[x] * seen[o, x]
            chance += joint[x]
        if chance <= unlikely:
            continue
        best = -1e300
        while True:
            a = -1
            top = best - slack * chance
            for j in range(n):
                if not done[j] and worth[o, j] > top:
                    top = worth[o, j]
                    a = j
            if a < 0:
                break
            done[a] = True
            shift(joint, a, e)
            d, k, r = deepest(e, inverse, order, size, depth, middle, ranked, count)
            cell[found] = o * n + a
            point[found] = k
            share[found] = r
            found += 1
            best = max(best, min(worth[o, a], plain[o, a] + discount * d))
    return found


@kernel
def add_depths(
    e: Numbers, start: Indices, cell: Cells, depth: Numbers, row: Indices, factor: float, worth: Numbers
) -> None:
    """Add factor sum over s of e(s) depth(s, o, a) to worth[row[o], a], for rows of at least 0."""
    n = e.shape[0]
    for s in range(n):
        if e[s] <= 0.0:
            continue
        weight = factor * e[s]
        for i in range(start[s], start[s + 1]):
            o = row[cell[i] // n]
            if o >= 0:
                worth[o, cell[i] % n] += weight * depth[i]


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
