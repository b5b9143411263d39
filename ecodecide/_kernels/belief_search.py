"""Search over the sparse beliefs of a finite problem: bounds at beliefs, and the walks that tighten them.

Every pool below is an array of fixed length that fills up from its start, and a count of what is used. Rows of
the two bounds are numbered in the order in which they came, so that a belief which remembers the number of the
last row it was compared with needs only the later ones: a chain of `previous` leads from the newest row of a
visible class to the oldest.

A belief b lies within one visible class and sums to 1. With Q_a the informed bound and points B_k of value v_k,
r_k = min over s of b(s) / B_k(s), the value function being convex and positively homogeneous,

    V(b) <= min over k of  r_k v_k + max over a of (b - r_k B_k).Q_a

(the sawtooth of Hauskrecht 2000, Journal of Artificial Intelligence Research 13:33, over the informed bound
instead of the corners).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.compile import kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
Small = NDArray[np.int32]

UNLIKELY = 1e-10
"""Observations less likely than this are bounded all at once, by the largest value of the problem."""

_SAME = 1e-13
"""Beliefs this close in every state are one: bounds move by about this share of the largest value."""


_inside = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Compiles what only kernels of this file call: kept with the kernel that calls it, and twice as fast compiled."""

STATE = np.dtype([("visible", "i4"), ("local", "i4")], align=True)
BELIEF = np.dtype(
    [
        ("start", "i8"),
        ("upper", "f8"),
        ("lower", "f8"),
        ("size", "i4"),
        ("visible", "i4"),
        ("upper_seen", "i4"),
        ("lower_seen", "i4"),
        ("vector", "i4"),
        ("inner", "i4"),
        ("anchor", "i4"),
    ],
    align=True,
)
"""A belief: its entries, its bounds, the points and vectors that they have seen, its best vector, its rows
among the inner beliefs and the anchors (or -1)."""
ACTION = np.dtype([("worth", "f8"), ("rest", "f8"), ("start", "i8"), ("size", "i4")], align=True)
"""An action at an inner belief: its upper bound, the probability of what is unlikely, its branches."""
BRANCH = np.dtype([("chance", "f8"), ("child", "i4"), ("seen", "i4")], align=True)
VECTOR = np.dtype([("start", "i8"), ("previous", "i4"), ("visible", "i4"), ("action", "i4")], align=True)
NEWEST = np.dtype([("row", "i4"), ("usual", "i4")], align=True)
"""Of a class: its newest vector, and the one with the largest sum."""
POINT = np.dtype([("value", "f8"), ("previous", "i4"), ("anchor", "i4")], align=True)
PLACE = np.dtype([("start", "i8"), ("size", "i4"), ("row", "i4")], align=True)
"""An anchor, the belief of a point: its entries, and the row with its value."""


class Model(NamedTuple):
    """The problem: row a * states + s of all transitions together, states sorted by visible class."""

    discount: float
    observations: int
    largest_value: float
    everywhere: int
    state: NDArray[np.void]
    begin: Small
    members: Small
    move_start: Indices
    move_to: Small
    move_chance: Numbers
    seen_row: Indices
    seen_start: Indices
    seen_what: Small
    seen_chance: Numbers
    reward: Numbers
    informed: Numbers


class Nodes(NamedTuple):
    """Remembered beliefs; `action` holds what may follow at those that were walked through."""

    used: Indices  # beliefs, their entries, inner beliefs, branches
    table: Small
    belief: NDArray[np.void]
    state: Small
    chance: Numbers
    action: NDArray[np.void]
    branch: NDArray[np.void]


class Vectors(NamedTuple):
    """Alpha vectors: one value for each state of their class."""

    used: Indices  # vectors, their entries
    of_class: NDArray[np.void]
    row: NDArray[np.void]
    value: Numbers


class Points(NamedTuple):
    """Points of the upper bound; a point whose value has changed is a new row for the same anchor."""

    used: Indices  # rows, anchors, entries of anchors
    head: Small
    row: NDArray[np.void]
    place: NDArray[np.void]
    state: Small
    chance: Numbers
    corner: Numbers


class Work(NamedTuple):
    """Scratch space."""

    dense: Numbers
    touched: Small
    slot: Small
    keys: Indices
    mass: Numbers
    place: Indices
    state: Small
    chance: Numbers
    choice: Small
    corner: Numbers
    fresh: NDArray[np.bool_]
    path: Indices


@_inside
def _find(nodes, visible, state, chance, low, high):  # type: ignore[no-untyped-def]
    """Return the place in the table of the belief in state[low:high], or of the free slot for it."""
    mask = nodes.table.shape[0] - 1
    code = np.int64(visible + 1)
    for j in range(low, high):
        code = (code * 1000003) ^ np.int64(state[j])
        code = (code * 1000003) ^ np.int64(chance[j] * 1048576.0 + 0.5)
    code ^= code >> 29
    place = code & mask
    while nodes.table[place] >= 0:
        other = nodes.table[place]
        if nodes.belief[other].visible == visible and nodes.belief[other].size == high - low:
            start = nodes.belief[other].start
            same = True
            for j in range(high - low):
                if state[low + j] != nodes.state[start + j] or (
                    abs(chance[low + j] - nodes.chance[start + j]) > _SAME
                ):
                    same = False
                    break
            if same:
                return place
        place = (place + 1) & mask
    return place


@kernel
def remember(model, nodes, visible, state, chance, low, high):  # type: ignore[no-untyped-def]
    """Return the node of the belief in state[low:high], a new one where it is not known; -1 without room."""
    place = _find(nodes, visible, state, chance, low, high)
    if nodes.table[place] >= 0:
        return np.int64(nodes.table[place])
    node, start = np.int64(nodes.used[0]), nodes.used[1]
    if node >= nodes.belief.shape[0] or start + high - low > nodes.state.shape[0]:
        return -1
    for j in range(high - low):
        nodes.state[start + j] = state[low + j]
        nodes.chance[start + j] = chance[low + j]
    nodes.used[0] += 1
    nodes.used[1] += high - low
    nodes.table[place] = node
    nodes.belief[node].visible = visible
    nodes.belief[node].start = start
    nodes.belief[node].size = high - low
    nodes.belief[node].upper = np.inf
    nodes.belief[node].upper_seen = -1
    nodes.belief[node].lower = -np.inf
    nodes.belief[node].lower_seen = 0
    nodes.belief[node].vector = -1
    nodes.belief[node].inner = -1
    nodes.belief[node].anchor = -1
    return node


@_inside
def _move(model, work, nodes, node, action):  # type: ignore[no-untyped-def]
    """Write where an action leads to work.dense; return how many states are listed in work.touched."""
    row = action * model.state.shape[0]
    touched = 0
    start = nodes.belief[node].start
    for j in range(start, start + nodes.belief[node].size):
        s = row + nodes.state[j]
        for k in range(model.move_start[s], model.move_start[s + 1]):
            after = model.move_to[k]
            p = nodes.chance[j] * model.move_chance[k]
            if p == 0.0:
                continue
            if work.dense[after] == 0.0:
                work.touched[touched] = after
                touched += 1
            work.dense[after] += p
    return touched


@_inside
def _group(model, work, nodes, node, action):  # type: ignore[no-untyped-def]
    """Sort what may follow an action by visible class and observation; return how many pairs and entries.

    Pair i has the key work.keys[i], the probability work.mass[i] and the entries work.place[i] up to
    work.place[i + 1] of work.state and work.chance.
    """
    touched = _move(model, work, nodes, node, action)
    found = work.touched[:touched]
    _ascend(found, touched)
    pairs = 0
    for after in found:
        base = model.state[after].visible * np.int64(model.observations)
        for k in range(
            model.seen_start[model.seen_row[action] + after],
            model.seen_start[model.seen_row[action] + after + 1],
        ):
            key = base + model.seen_what[k]
            pair = work.slot[key]
            if pair < 0:
                pair = pairs
                work.slot[key] = pair
                work.keys[pair] = key
                work.mass[pair] = 0.0
                work.place[pair + 1] = 0
                pairs += 1
            work.mass[pair] += work.dense[after] * model.seen_chance[k]
            work.place[pair + 1] += 1
    work.place[0] = 0
    for pair in range(pairs):
        work.place[pair + 1] += work.place[pair]
    _fill(model, work, found, action)
    for pair in range(pairs):
        work.slot[work.keys[pair]] = -1
    for after in found:
        work.dense[after] = 0.0
    # _fill moved each beginning to its end
    for pair in range(pairs, 0, -1):
        work.place[pair] = work.place[pair - 1]
    work.place[0] = 0
    return pairs


@_inside
def _fill(model, work, found, action):  # type: ignore[no-untyped-def]
    """Write the entries of each pair, normalized, in ascending order of state."""
    for after in found:
        base = model.state[after].visible * np.int64(model.observations)
        for k in range(
            model.seen_start[model.seen_row[action] + after],
            model.seen_start[model.seen_row[action] + after + 1],
        ):
            pair = work.slot[base + model.seen_what[k]]
            j = work.place[pair]
            work.state[j] = after
            work.chance[j] = work.dense[after] * model.seen_chance[k] / max(work.mass[pair], UNLIKELY)
            work.place[pair] = j + 1


@_inside
def _expand(model, nodes, work, node, action):  # type: ignore[no-untyped-def]
    """Find the beliefs that may follow an action; return False when there is no room for them."""
    pairs = _group(model, work, nodes, node, action)
    inner = nodes.belief[node].inner
    start = nodes.used[3]
    if start + pairs > nodes.branch.shape[0]:
        return False
    size = 0
    rest = 1.0
    for pair in range(pairs):
        if work.mass[pair] <= UNLIKELY:
            continue
        visible = work.keys[pair] // model.observations
        child = remember(
            model, nodes, visible, work.state, work.chance, work.place[pair], work.place[pair + 1]
        )
        if child < 0:
            return False
        nodes.branch[start + size].child = child
        nodes.branch[start + size].seen = work.keys[pair] % model.observations
        nodes.branch[start + size].chance = work.mass[pair]
        rest -= work.mass[pair]
        size += 1
    nodes.used[3] += size
    nodes.action[inner, action].rest = max(rest, 0.0)
    nodes.action[inner, action].size = size
    nodes.action[inner, action].start = start
    return True


@_inside
def _corners(model, nodes, work, node):  # type: ignore[no-untyped-def]
    """Write the belief's informed value of each action to work.corner; return the best action."""
    actions = model.informed.shape[1]
    for a in range(actions):
        work.corner[a] = 0.0
    for j in range(nodes.belief[node].start, nodes.belief[node].start + nodes.belief[node].size):
        s = nodes.state[j]
        p = nodes.chance[j]
        for a in range(actions):
            work.corner[a] += p * model.informed[s, a]
    best: Any = np.int64(0)
    for a in range(1, actions):
        if work.corner[a] > work.corner[best]:
            best = a
    return best


@_inside
def _ascend(found, size):  # type: ignore[no-untyped-def]
    """Sort in place, with gaps that shrink (comb sort)."""
    gap = size
    swapped = True
    while gap > 1 or swapped:
        gap = max(gap * 10 // 13, 1)
        swapped = False
        for i in range(size - gap):
            if found[i] > found[i + gap]:
                found[i], found[i + gap] = found[i + gap], found[i]
                swapped = True


@_inside
def _ascend_both(key, other, size):  # type: ignore[no-untyped-def]
    """Sort `key` in place, and `other` with it."""
    gap = size
    swapped = True
    while gap > 1 or swapped:
        gap = max(gap * 10 // 13, 1)
        swapped = False
        for i in range(size - gap):
            if key[i] > key[i + gap]:
                key[i], key[i + gap] = key[i + gap], key[i]
                other[i], other[i + gap] = other[i + gap], other[i]
                swapped = True


@kernel
def renew_upper(model, nodes, points, work, node):  # type: ignore[no-untyped-def]
    """Bring the upper bound of a belief up to date with the points that are new since it was last asked."""
    seen = nodes.belief[node].upper_seen
    total = points.used[0]
    k = points.head[nodes.belief[node].visible]
    if seen >= 0 and k < seen:
        nodes.belief[node].upper_seen = total
        return
    star = _corners(model, nodes, work, node)
    informed = work.corner[star]
    best = min(nodes.belief[node].upper, informed)
    start, stop = nodes.belief[node].start, nodes.belief[node].start + nodes.belief[node].size
    for j in range(start, stop):
        work.dense[nodes.state[j]] = nodes.chance[j]
    while k >= max(seen, 0):
        anchor = points.row[k].anchor
        slope = points.row[k].value - points.corner[anchor, star]
        # along the ratio the bound is convex, and so lies above informed + ratio * slope
        if informed + slope < best:
            enough = (best - informed) / slope
            ratio = 1.0
            for j in range(
                points.place[anchor].start, points.place[anchor].start + points.place[anchor].size
            ):
                r = work.dense[points.state[j]] / points.chance[j]
                if r < ratio:
                    ratio = r
                    if ratio <= enough:
                        break
            if ratio > enough:
                top = -np.inf
                for a in range(model.informed.shape[1]):
                    top = max(top, work.corner[a] - ratio * points.corner[anchor, a])
                best = min(best, ratio * points.row[k].value + top)
        k = points.row[k].previous
    for j in range(start, stop):
        work.dense[nodes.state[j]] = 0.0
    nodes.belief[node].upper = best
    nodes.belief[node].upper_seen = total


@kernel
def renew_lower(model, nodes, vectors, node):  # type: ignore[no-untyped-def]
    """Bring the lower bound of a belief up to date with the vectors that are new since it was last asked."""
    seen = nodes.belief[node].lower_seen
    k = vectors.of_class[nodes.belief[node].visible].row
    start, stop = nodes.belief[node].start, nodes.belief[node].start + nodes.belief[node].size
    while k >= seen:
        offset = vectors.row[k].start
        one = 0.0
        two = 0.0
        j = start
        while j + 1 < stop:
            one += nodes.chance[j] * vectors.value[offset + model.state[nodes.state[j]].local]
            two += nodes.chance[j + 1] * vectors.value[offset + model.state[nodes.state[j + 1]].local]
            j += 2
        if j < stop:
            one += nodes.chance[j] * vectors.value[offset + model.state[nodes.state[j]].local]
        if one + two > nodes.belief[node].lower:
            nodes.belief[node].lower = one + two
            nodes.belief[node].vector = k
        k = vectors.row[k].previous
    nodes.belief[node].lower_seen = vectors.used[0]


@_inside
def _enter(model, nodes, work, node):  # type: ignore[no-untyped-def]
    """Make room for what may follow each action at a belief; return False when there is none."""
    if nodes.belief[node].inner >= 0:
        return True
    inner = nodes.used[2]
    if inner >= nodes.action.shape[0]:
        return False
    nodes.used[2] += 1
    nodes.belief[node].inner = inner
    _corners(model, nodes, work, node)
    for a in range(nodes.action.shape[1]):
        nodes.action[inner, a].worth = work.corner[a]
        nodes.action[inner, a].start = -1
    return True


@_inside
def _profit(model, nodes, node, action):  # type: ignore[no-untyped-def]
    """Return the expected immediate reward of an action at a belief."""
    total = 0.0
    for j in range(nodes.belief[node].start, nodes.belief[node].start + nodes.belief[node].size):
        total += nodes.chance[j] * model.reward[nodes.state[j], action]
    return total


@_inside
def _look_ahead(model, nodes, points, work, node, action):  # type: ignore[no-untyped-def]
    """Bring the upper bound of an action up to date; return False when there is no room to."""
    inner = nodes.belief[node].inner
    if nodes.action[inner, action].start < 0 and not _expand(model, nodes, work, node, action):
        return False
    total = nodes.action[inner, action].rest * model.largest_value
    start = nodes.action[inner, action].start
    for k in range(start, start + nodes.action[inner, action].size):
        child = np.int64(nodes.branch[k].child)
        renew_upper(model, nodes, points, work, child)
        total += nodes.branch[k].chance * nodes.belief[child].upper
    worth = _profit(model, nodes, node, action) + model.discount * total
    nodes.action[inner, action].worth = min(nodes.action[inner, action].worth, worth)
    return True


@_inside
def _add_point(nodes, points, node):  # type: ignore[no-untyped-def]
    """Make the belief a point of the upper bound, where there is room, or lower its point."""
    row, anchor, entries = points.used[0], points.used[1], points.used[2]
    size = nodes.belief[node].size
    old = nodes.belief[node].anchor
    if row >= points.row.shape[0]:
        return
    if old >= 0:
        points.row[points.place[old].row].value = np.inf
        anchor = old
    else:
        if anchor >= points.place.shape[0] or entries + size > points.state.shape[0]:
            return
        start = nodes.belief[node].start
        for j in range(size):
            points.state[entries + j] = nodes.state[start + j]
            points.chance[entries + j] = nodes.chance[start + j]
        _ascend_both(points.chance[entries : entries + size], points.state[entries : entries + size], size)
        # what is too small for a number is no part of the belief
        while points.chance[entries] == 0.0:
            entries += 1
            size -= 1
        points.place[anchor].start, points.place[anchor].size = entries, size
        points.used[1] += 1
        points.used[2] = entries + size
        nodes.belief[node].anchor = anchor
    points.place[anchor].row = row
    points.row[row].anchor = anchor
    points.row[row].value = nodes.belief[node].upper
    points.row[row].previous = points.head[nodes.belief[node].visible]
    points.head[nodes.belief[node].visible] = row
    points.used[0] += 1


@_inside
def tighten_upper(model, nodes, points, work, node, worthwhile):  # type: ignore[no-untyped-def]
    """Back up the upper bound at a belief; return the best action under it, or -1 when there is no room.

    Only the action that promises most is brought up to date, until that one is: the others, whose true bounds
    are no larger than what they promise, cannot be better.
    """
    if not _enter(model, nodes, work, node):
        return -1
    renew_upper(model, nodes, points, work, node)
    inner = nodes.belief[node].inner
    work.fresh[:] = False
    while True:
        best: Any = np.int64(0)
        for a in range(1, nodes.action.shape[1]):
            if nodes.action[inner, a].worth > nodes.action[inner, best].worth:
                best = a
        if work.fresh[best]:
            break
        work.fresh[best] = True
        if not _look_ahead(model, nodes, points, work, node, best):
            return -1
    value = nodes.action[inner, best].worth
    if value < nodes.belief[node].upper:
        raised = nodes.belief[node].upper - value > worthwhile
        nodes.belief[node].upper = value
        if raised:
            fresh_anchor = nodes.belief[node].anchor < 0
            _add_point(nodes, points, node)
            if fresh_anchor and nodes.belief[node].anchor >= 0:
                _corners(model, nodes, work, node)
                for a in range(nodes.action.shape[1]):
                    points.corner[nodes.belief[node].anchor, a] = work.corner[a]
    return best


@_inside
def _promise(model, nodes, vectors, node, action):  # type: ignore[no-untyped-def]
    """Return the value of an action at a belief under the lower bound."""
    inner = nodes.belief[node].inner
    total = 0.0
    start = nodes.action[inner, action].start
    for k in range(start, start + nodes.action[inner, action].size):
        child = np.int64(nodes.branch[k].child)
        renew_lower(model, nodes, vectors, child)
        total += nodes.branch[k].chance * nodes.belief[child].lower
    return _profit(model, nodes, node, action) + model.discount * total


@_inside
def _write_vector(model, nodes, vectors, work, node, action):  # type: ignore[no-untyped-def]
    """Write the vector of an action and of the best vector after each observation behind the last one.

    What cannot be observed from this belief, but from other states of its class, goes on with the usual
    vector of the class: any vector there is a way to manage, so that the new one is one too.
    """
    c = nodes.belief[node].visible
    inner = nodes.belief[node].inner
    first = nodes.action[inner, action].start
    last = first + nodes.action[inner, action].size
    for k in range(first, last):
        child = np.int64(nodes.branch[k].child)
        work.choice[nodes.belief[child].visible * np.int64(model.observations) + nodes.branch[k].seen] = (
            nodes.belief[child].vector
        )
    out = vectors.used[1]
    for i in range(model.begin[c], model.begin[c + 1]):
        s = model.members[i]
        total = 0.0
        row = action * np.int64(model.state.shape[0]) + s
        for k in range(model.move_start[row], model.move_start[row + 1]):
            after = model.move_to[k]
            base = model.state[after].visible * np.int64(model.observations)
            seen = model.seen_row[action] + after
            mean = 0.0
            for j in range(model.seen_start[seen], model.seen_start[seen + 1]):
                v = work.choice[base + model.seen_what[j]]
                if v < 0:
                    v = vectors.of_class[model.state[after].visible].usual
                mean += model.seen_chance[j] * vectors.value[vectors.row[v].start + model.state[after].local]
            total += model.move_chance[k] * mean
        vectors.value[out + i - model.begin[c]] = model.reward[s, action] + model.discount * total
    for k in range(first, last):
        work.choice[
            nodes.belief[nodes.branch[k].child].visible * np.int64(model.observations) + nodes.branch[k].seen
        ] = -1


@kernel
def add_vector(model, vectors, visible, action):  # type: ignore[no-untyped-def]
    """Take in the vector that was written behind the last one."""
    row = vectors.used[0]
    start = vectors.used[1]
    size = model.begin[visible + 1] - model.begin[visible]
    vectors.row[row].start = start
    vectors.row[row].visible = visible
    vectors.row[row].action = action
    vectors.row[row].previous = vectors.of_class[visible].row
    vectors.of_class[visible].row = row
    vectors.used[0] += 1
    vectors.used[1] += size
    usual = vectors.of_class[visible].usual
    if usual < 0 or vectors.value[start : start + size].sum() > (
        vectors.value[vectors.row[usual].start : vectors.row[usual].start + size].sum()
    ):
        vectors.of_class[visible].usual = row


@_inside
def tighten_lower(model, nodes, vectors, work, node, worthwhile):  # type: ignore[no-untyped-def]
    """Back up the lower bound at a belief, with the action that is best under it; False without room."""
    c = np.int64(nodes.belief[node].visible)
    size = model.begin[c + 1] - model.begin[c]
    renew_lower(model, nodes, vectors, node)
    if vectors.used[0] >= vectors.row.shape[0] or vectors.used[1] + size > vectors.value.shape[0]:
        return False
    inner = nodes.belief[node].inner
    best: Any = np.int64(-1)
    most = nodes.belief[node].lower + worthwhile
    for a in range(nodes.action.shape[1]):
        if nodes.action[inner, a].worth <= most:
            continue
        # elsewhere than on the walk only what costs little
        if nodes.action[inner, a].start < 0 and (
            model.everywhere == 0 or not _expand(model, nodes, work, node, a)
        ):
            continue
        worth = _promise(model, nodes, vectors, node, a)
        if worth > most:
            best, most = a, worth
    if best >= 0:
        _write_vector(model, nodes, vectors, work, node, best)
        add_vector(model, vectors, c, best)
        renew_lower(model, nodes, vectors, node)
    return True


@_inside
def _widest(model, nodes, vectors, node, action, allowed):  # type: ignore[no-untyped-def]
    """Return the belief after an action whose gap, above what is allowed, weighs most; -1 if none is above."""
    inner = nodes.belief[node].inner
    chosen: Any = -1
    most = 0.0
    start = nodes.action[inner, action].start
    for k in range(start, start + nodes.action[inner, action].size):
        child = np.int64(nodes.branch[k].child)
        renew_lower(model, nodes, vectors, child)
        excess = nodes.branch[k].chance * (nodes.belief[child].upper - nodes.belief[child].lower - allowed)
        if excess > most:
            most, chosen = excess, child
    return chosen


@kernel
def walk(model, nodes, vectors, points, work, root, aim, worthwhile):  # type: ignore[no-untyped-def]
    """Follow the widest gap down from a belief, then tighten both bounds on the way back.

    Return True, or False when there was no room for all of it.
    """
    node = root
    allowed = aim
    depth = 0
    room = True
    while depth < work.path.shape[0]:
        action = tighten_upper(model, nodes, points, work, node, worthwhile)
        if action < 0:
            room = False
            break
        work.path[depth] = node
        depth += 1
        renew_lower(model, nodes, vectors, node)
        if nodes.belief[node].upper - nodes.belief[node].lower <= allowed:
            break
        allowed /= model.discount
        node = _widest(model, nodes, vectors, node, action, allowed)
        if node < 0:
            break
    for i in range(depth - 1, -1, -1):
        room = tighten_lower(model, nodes, vectors, work, work.path[i], worthwhile) and room
        room = tighten_upper(model, nodes, points, work, work.path[i], worthwhile) >= 0 and room
    return room
