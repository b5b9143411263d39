"""The upper bound made sharp at its corners and points, all at once.

A walk tightens the bound where it passes and never at the corners, the beliefs that are sure of an escapement;
but every interpolation starts from them. Here the corners q and the depths D_k <= 0 of the points B_k are solved
for together: with depths held, policy iteration gives q; with q, backups give depths; and so on. One more
backup of every corner and point then measures by how much the result falls short of an upper bound, and that
much, over 1 - g, is added to all of it.

Proof that the result is a bound: let W_t be the value with t years to go, and U the sawtooth of (q, D). If
W_t <= U, a backup of W_t at a corner or a point is at most that of U, and that is at most q or B_k.q + D_k.
W_t+1 is convex and homogeneous, so it lies below U everywhere; and W_0 does, if begun low enough. The sawtooth
is no more than a choice, for each belief, of one point and its share: any choice is valid, so the shares that
were found first serve all rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide._kernels.sawtooth import likely_shares, shift, successor_shares
from ecodecide.solvers.pomdp.bounds import LowerBound, UpperBound
from ecodecide.solvers.pomdp.informed_bound import informed_bound
from ecodecide.solvers.pomdp.successors import SuccessorDepths
from ecodecide.stock.growth import Array

_UNLIKELY = 1e-6
"""Observations less likely than this keep the depth 0."""

_SEEDED = 1e-3
"""What follows an escapement with at least this probability should lie near a point."""

_VISITED = 1e-4
"""An escapement that no visited belief holds for likelier than this is left as it is."""

_CORNERS_FIRST = 3
"""Rounds in which what follows the points is known from what follows the corners alone."""

_ROUNDS = 20
"""The most rounds."""

_SETTLED = 1e-4
"""Rounds end when one moves the bound by less than this share of it."""


@dataclass(frozen=True, eq=False)
class _Shares:
    """For sources, observations and quotas that may be best: the point that corrects it most, and its share."""

    start: Any
    cell: Any
    point: Any
    share: Array
    n: int

    def depths(self, depth: Array) -> SuccessorDepths:
        """Return the depths of all successors, given those of the points."""
        return SuccessorDepths(
            self.start, self.cell, np.where(self.point >= 0, self.share * depth[self.point], 0.0), self.n
        )


def sharpen(
    upper: UpperBound,
    lower: LowerBound,
    visited: Array,
    nearness: float,
    entries: int,
    expired: Callable[[], bool],
) -> None:
    """Solve for the corners and points of the upper bound together, after adding points where it has none.

    Parameters
    ----------
    upper
        The upper bound, changed in place; no corner and no point of it rises.
    lower
        The lower bound: quotas that the upper one puts below it are left out.
    visited
        Shape (n,): the largest probability of each escapement in the beliefs visited so far.
    nearness
        How near to a point what follows the corners should lie: the share of a point that fits into it.
    entries
        About how many successors may be remembered of corners, and of points.
    expired
        Whether time is up; the bound is then left as it was.
    """
    g, q = upper.arrays.discount, upper.q
    _seed(upper, visited, nearness)
    count = upper.count
    if count == 0:
        return
    points, values = upper.points[:count], upper.values[:count].copy()
    mass, grown = points.sum(axis=1), points @ upper.arrays.kernel
    depth = np.minimum(np.minimum(_backups(upper, grown, upper.after_corners), values) - points @ q, 0.0)
    upper.depth[:count] = depth
    from_corners = _corner_shares(upper, lower, visited, entries)
    from_points = None
    for turn in range(_ROUNDS):
        if expired():
            upper.restore(q, values)
            return
        after_corners = from_corners.depths(depth)
        upper.corners(informed_bound(upper.arrays, 100, after_corners.of, upper.q, 1e-8))
        if turn == _CORNERS_FIRST:
            from_points = _point_shares(upper, grown, after_corners, entries)
        own = None if from_points is None else from_points.depths(depth)
        base = points @ upper.q
        backed = _backups(upper, grown, after_corners, own)
        # a point holds less than one: what is added to all must suffice for it, too
        rise = (backed - base - depth) / mass / (1.0 - g)
        settled = turn > _CORNERS_FIRST and np.abs(rise).max() <= _SETTLED * np.abs(upper.q).max()
        if settled or turn == _ROUNDS - 1:
            break  # with the depths for which the rise was measured
        depth = upper.depth[:count] = np.minimum(backed - base, 0.0)
    short = max(float(rise.max()), 0.0)
    upper.restore(np.minimum(upper.q + short, q), np.minimum(base + depth + short * mass, values))
    upper.after_corners = from_corners.depths(upper.depth[:count])


def _seed(upper: UpperBound, visited: Array, nearness: float) -> None:
    """Add points where what follows from the corners, by the quota that looks best, lies far from any."""
    n = len(upper.q)
    e = np.empty(n)
    for s in np.flatnonzero(visited > _VISITED):
        joint = upper.seen * upper.arrays.kernel[s]
        chance = joint.sum(axis=1)
        heard = np.flatnonzero(chance > _SEEDED)
        quota = upper.worth(np.eye(n)[s], joint[heard], heard).argmax(axis=1)
        for o, a in zip(heard, quota, strict=True):
            shift(joint[o] / chance[o], int(a), e)
            if upper.nearness(e) < nearness:
                upper.add(e, float(e @ upper.q))


def _corner_shares(upper: UpperBound, lower: LowerBound, visited: Array, entries: int) -> _Shares:
    """Return the shares of every quota that may be best after each escapement, as far as there is room."""
    n = len(visited)
    grown = upper.arrays.kernel * (visited > _VISITED)[:, None]
    start, cells = [0], []
    for ahead in grown:
        joint = upper.seen * ahead
        heard = np.flatnonzero(joint.sum(axis=1) > _UNLIKELY)
        value = joint[heard] @ upper.informed
        which, quota = np.nonzero(value >= lower.value(joint[heard])[:, None])
        room = max(entries - start[-1], 0)
        cells.append((heard[which] * n + quota).astype(np.int32)[:room])
        start.append(start[-1] + len(cells[-1]))
    found = _Shares(
        np.array(start), np.concatenate(cells), np.empty(start[-1], dtype=np.int32), np.empty(start[-1]), n
    )
    successor_shares(
        grown, upper.seen, found.start, found.cell, *upper.interpolation, found.point, found.share
    )
    return found


def _point_shares(upper: UpperBound, grown: Array, after_corners: SuccessorDepths, entries: int) -> _Shares:
    """Return the shares of the quotas that look best after each point, as far as there is room."""
    n, g = len(upper.q), upper.arrays.discount
    # rounds change depths by about as much as they are deep: quotas so near to the best may yet be
    slack = float(-upper.depth[: upper.count].mean())
    room = (np.empty(n * n, dtype=np.int32), np.empty(n * n, dtype=np.int32), np.empty(n * n))
    start, found = [0], []
    for point, ahead in zip(upper.points, grown, strict=False):
        plain = (upper.seen * ahead) @ upper.informed
        worth = plain.copy()
        after_corners.mix(point, np.arange(n), g, worth)
        count = 0
        if start[-1] < entries:
            count = likely_shares(
                ahead, upper.seen, plain, worth, g, slack, _UNLIKELY, *upper.interpolation, *room
            )
        found.append([part[:count].copy() for part in room])
        start.append(start[-1] + count)
    cell, index, share = (np.concatenate(part) for part in zip(*found, strict=True))
    return _Shares(np.array(start), cell, index, share, n)


def _backups(
    upper: UpperBound, grown: Array, after_corners: SuccessorDepths, own: SuccessorDepths | None = None
) -> Array:
    """Return the backup of each point: what follows lies as deep as its states' successors, or its own."""
    n, g = len(upper.q), upper.arrays.discount
    every = np.arange(n)
    out = np.empty(len(grown))
    for k, ahead in enumerate(grown):
        below = np.zeros((n, n))
        after_corners.mix(upper.points[k], every, 1.0, below)
        if own is not None:
            np.minimum(below, own.of(k), out=below)
        out[k] = ((upper.seen * ahead) @ upper.informed + g * below).max(axis=1).sum()
    return out
