"""Which vectors and points of the bounds of a finite problem others make needless."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.compile import kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
Small = NDArray[np.int32]


@kernel
def covered_vectors(
    value: Numbers, rows: Indices, start: Indices, size: int, checked: int, cover: Small
) -> None:
    """Find for each vector of one class another that matches or exceeds it in every state.

    Vector i of `rows` lies at value[start[rows[i]]:][:size]. Rows numbered below `checked` are known not to
    cover one another, so such pairs are passed over. cover[row] becomes the row that covers it, or stays -1.
    """
    for i in rows:
        for j in rows:
            if i == j or cover[j] >= 0 or (i < checked and j < checked):
                continue
            covers = True
            same = True
            for x in range(size):
                difference = value[start[j] + x] - value[start[i] + x]
                if difference < 0.0:
                    covers = False
                    break
                if difference > 0.0:
                    same = False
            if covers and (not same or j < i):
                cover[i] = j
                break


@kernel
def needless_points(
    rows: Indices,
    value: Numbers,
    anchor: Small,
    start: Indices,
    size: Small,
    state: Small,
    chance: Numbers,
    corner: Numbers,
    worthwhile: float,
    dense: Numbers,
    out: NDArray[np.bool_],
) -> None:
    """Mark the points of one class whose value the other points reach, or nearly.

    `dense`, shape (states,), holds zeros. The oldest points are looked at first.
    """
    actions = corner.shape[1]
    for k in rows:
        own = anchor[k]
        for j in range(start[own], start[own] + size[own]):
            dense[state[j]] = chance[j]
        star = 0
        for a in range(1, actions):
            if corner[own, a] > corner[own, star]:
                star = a
        informed = corner[own, star]
        needless = informed <= value[k] + worthwhile
        for other in rows:
            if needless:
                break
            if other == k or out[other]:
                continue
            at = anchor[other]
            slope = value[other] - corner[at, star]
            if informed + slope > value[k] + worthwhile:
                continue
            enough = (value[k] + worthwhile - informed) / slope
            ratio = 1.0
            for j in range(start[at], start[at] + size[at]):
                ratio = min(ratio, dense[state[j]] / chance[j])
                if ratio < enough:
                    break
            if ratio >= enough:
                top = -np.inf
                for a in range(actions):
                    top = max(top, corner[own, a] - ratio * corner[at, a])
                needless = ratio * value[other] + top <= value[k] + worthwhile
        out[k] = needless
        for j in range(start[own], start[own] + size[own]):
            dense[state[j]] = 0.0
