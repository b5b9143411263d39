"""The pools that a search over a finite problem fills: what they hold, and how they are packed again.

Pools are as long as the memory allows from the start; what is never written to is never taken from the machine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.belief_search import (
    ACTION,
    BELIEF,
    BRANCH,
    NEWEST,
    PLACE,
    POINT,
    VECTOR,
    Model,
    Nodes,
    Points,
    Vectors,
    Work,
)
from ecodecide._kernels.finite_pruning import covered_vectors, needless_points
from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.solvers.pomdp.finite_bounds import DENSE, spread

_DEPTH = 1000
"""The longest walk, in steps: with g = 0.99 what lies beyond counts for 4e-5."""

_STEPS = 4
"""Room for what may follow this many beliefs there is always: with less, no walk would get anywhere."""

_NEEDLESS = 1e-10
"""A point that lowers the bound by less than this share of the largest reward is dropped: rounding."""

Rows = NDArray[Any]


def make_work(pomdp: FinitePomdp) -> Work:
    """Return scratch space that fits the problem."""
    states, pairs = pomdp.states, len(pomdp.members) * pomdp.observations
    entries = max(o.nnz for o in pomdp.observation)
    return Work(
        dense=np.zeros(states),
        touched=np.empty(states, dtype=np.int32),
        slot=np.full(pairs, -1, dtype=np.int32),
        keys=np.empty(pairs, dtype=np.int64),
        mass=np.empty(pairs),
        place=np.empty(pairs + 2, dtype=np.int64),
        state=np.empty(entries, dtype=np.int32),
        chance=np.empty(entries),
        choice=np.full(pairs, -1, dtype=np.int32),
        corner=np.empty(pomdp.actions),
        fresh=np.empty(pomdp.actions, dtype=np.bool_),
        path=np.empty(_DEPTH, dtype=np.int64),
    )


def make_nodes(pomdp: FinitePomdp, room: float) -> Nodes:
    """Return empty pools for beliefs within `room` bytes, or as little as a few steps need."""
    actions, step = pomdp.actions, int(_STEPS * min(spread(pomdp), DENSE))
    beliefs = max(int(0.15 * room / (BELIEF.itemsize + 8)), _STEPS * actions * pomdp.observations)
    entries = max(int(0.6 * room / 12), step + 4 * pomdp.states)
    inner = max(int(0.15 * room / (ACTION.itemsize * actions)), _STEPS)
    branches = max(int(0.1 * room / BRANCH.itemsize), _STEPS * actions * pomdp.observations)
    # a table at most half full, so that few beliefs meet in it
    table = 1 << int(np.ceil(np.log2(2 * beliefs)))
    return Nodes(
        used=np.zeros(4, dtype=np.int64),
        table=np.full(table, -1, dtype=np.int32),
        belief=np.empty(beliefs, dtype=BELIEF),
        state=np.empty(entries, dtype=np.int32),
        chance=np.empty(entries),
        action=np.empty((inner, actions), dtype=ACTION),
        branch=np.empty(branches, dtype=BRANCH),
    )


def make_vectors(pomdp: FinitePomdp, room: float) -> Vectors:
    """Return empty pools for alpha vectors within `room` bytes, or as little as the first ones need."""
    classes, least = len(pomdp.members), 2 * pomdp.actions
    newest = np.empty(classes, dtype=NEWEST)
    newest["row"] = newest["usual"] = -1
    return Vectors(
        used=np.zeros(2, dtype=np.int64),
        of_class=newest,
        row=np.empty(max(int(0.1 * room / VECTOR.itemsize), least * classes), dtype=VECTOR),
        value=np.empty(max(int(0.9 * room / 8), least * pomdp.states)),
    )


def make_points(pomdp: FinitePomdp, room: float) -> Points:
    """Return empty pools for points of the upper bound within `room` bytes."""
    entries = int(0.7 * room / 12)
    count = int(0.3 * room / (POINT.itemsize + PLACE.itemsize + 8 * pomdp.actions))
    return Points(
        used=np.zeros(3, dtype=np.int64),
        head=np.full(len(pomdp.members), -1, dtype=np.int32),
        row=np.empty(count, dtype=POINT),
        place=np.empty(count, dtype=PLACE),
        state=np.empty(entries, dtype=np.int32),
        chance=np.empty(entries),
        corner=np.empty((count, pomdp.actions)),
    )


def prune_vectors(model: Model, nodes: Nodes, vectors: Vectors, checked: int) -> None:
    """Drop the vectors that another one of their class matches or exceeds in every state.

    So the bound never falls at any belief, and acting by the best vector attains it. Those before `checked` are
    known not to cover one another. Beliefs whose best vector is dropped go on with the one that covers it.
    """
    count = int(vectors.used[0])
    old = vectors.row[:count].copy()
    start, sizes = np.ascontiguousarray(old["start"]), np.diff(model.begin)
    cover = np.full(count, -1, dtype=np.int32)
    for c, size in enumerate(sizes):
        rows = np.flatnonzero(old["visible"] == c)
        covered_vectors(vectors.value, rows, start, int(size), checked, cover)
    stays = cover < 0
    kept = np.flatnonzero(stays)
    heir = np.where(stays, np.arange(count), cover)
    while not np.all(stays[heir]):
        heir = heir[heir]
    place = (np.cumsum(stays) - 1)[heir]
    lengths = sizes[old["visible"][kept]].astype(np.int64)
    entries = _ranges(start[kept], lengths)
    vectors.value[: len(entries)] = vectors.value[entries]
    vectors.row[: len(kept)] = old[kept]
    vectors.row["start"][: len(kept)] = np.cumsum(lengths) - lengths
    vectors.used[:] = len(kept), len(entries)
    vectors.of_class["usual"] = place[vectors.of_class["usual"]]
    vectors.of_class["row"] = _chain(vectors.row, old["visible"][kept], len(sizes))
    belief = nodes.belief[: int(nodes.used[0])]
    belief["vector"] = np.where(belief["vector"] >= 0, place[belief["vector"]], -1)
    belief["lower_seen"] = _remaining(stays)[belief["lower_seen"]]


def prune_points(model: Model, nodes: Nodes, points: Points, dense: Rows) -> None:
    """Drop the points that have a newer value, and those that the others make needless."""
    count = int(points.used[0])
    old, place = points.row[:count].copy(), points.place[: int(points.used[1])].copy()
    start, size = np.ascontiguousarray(place["start"]), np.ascontiguousarray(place["size"])
    value, anchor = np.ascontiguousarray(old["value"]), np.ascontiguousarray(old["anchor"])
    home = model.state["visible"][points.state[start[anchor]]]
    out = ~np.isfinite(value)
    for c in range(len(points.head)):
        rows = np.flatnonzero(~out & (home == c))
        needless_points(
            rows,
            value,
            anchor,
            start,
            size,
            points.state,
            points.chance,
            points.corner,
            _NEEDLESS,
            dense,
            out,
        )
    kept = np.flatnonzero(~out)
    # anchors move in the order in which they lie, so that none is written over before it has moved
    order = np.sort(anchor[kept])
    moved = np.full(len(place) + 1, -1, dtype=np.int32)
    moved[order] = np.arange(len(order))
    lengths = size[order].astype(np.int64)
    entries = _ranges(start[order], lengths)
    points.state[: len(entries)] = points.state[entries]
    points.chance[: len(entries)] = points.chance[entries]
    points.corner[: len(order)] = points.corner[order]
    points.row[: len(kept)] = old[kept]
    points.row["anchor"][: len(kept)] = moved[anchor[kept]]
    points.place["size"][: len(order)] = lengths
    points.place["start"][: len(order)] = np.cumsum(lengths) - lengths
    points.place["row"][moved[anchor[kept]]] = np.arange(len(kept))
    points.used[:] = len(kept), len(order), len(entries)
    points.head[:] = _chain(points.row, home[kept], len(points.head))
    belief = nodes.belief[: int(nodes.used[0])]
    belief["anchor"] = moved[belief["anchor"]]
    belief["upper_seen"] = np.where(belief["upper_seen"] >= 0, _remaining(~out)[belief["upper_seen"]], -1)


def entries_of(points: Points) -> tuple[Rows, Rows]:
    """Return where the entries of each point lie, one after another, and how many each has."""
    anchors = points.row["anchor"][: int(points.used[0])]
    lengths = points.place["size"][anchors].astype(np.int64)
    return _ranges(points.place["start"][anchors], lengths), lengths


def _ranges(start: Rows, lengths: Rows) -> Rows:
    """Return start[0], start[0] + 1, ... (lengths[0] numbers), start[1], ..."""
    ends = np.cumsum(lengths)
    steps: Rows = np.arange(int(lengths.sum()))
    return np.asarray(steps + np.repeat(start - (ends - lengths), lengths))


def _remaining(stays: Rows) -> Rows:
    """Return for each number of rows seen, from 0 on, how many of them stay."""
    return np.append(0, np.cumsum(stays))


def _chain(rows: Rows, visible: Rows, classes: int) -> Rows:
    """Link each row to the one before it in its class; return the newest of each class."""
    newest = np.full(classes, -1, dtype=np.int32)
    for c in range(classes):
        own = np.flatnonzero(visible == c)
        if len(own):
            rows["previous"][own] = np.concatenate([[-1], own[:-1]])
            newest[c] = own[-1]
    return newest
