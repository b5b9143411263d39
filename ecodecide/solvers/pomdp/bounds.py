"""The two bounds between which the optimal value lies."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecodecide._kernels.sawtooth import best_quotas, deepest, dominated
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.solvers.pomdp.informed_bound import informed_bound
from ecodecide.solvers.pomdp.successors import SuccessorDepths
from ecodecide.stock.growth import Array

_TAIL = 0.05
"""The share of a point's depth that may be lost with its tails."""

_TYPICAL = 1e-3
"""How deep points often are, as a share of their bound."""

_ROWS = (
    "points",
    "values",
    "depth",
    "_spare",
    "_inverse",
    "_order",
    "_size",
    "_mean",
    "_middle",
    "_ranked",
)
"""What is kept of each point."""


def _grown(array: Any) -> Any:
    """Return an array with twice the rows."""
    return np.concatenate([array, np.zeros_like(array)])


class LowerBound:
    """Alpha vectors: each the value of a way to manage, from each state; their maximum is a lower bound.

    It starts from the policies that take the same quota every year. A vector is dropped only when another
    one is at least as good in every state: so the bound never falls at any belief, and acting by the best
    vector attains it (Pineau, Gordon & Thrun 2003; Kurniawati, Hsu & Lee 2008).
    """

    def __init__(self, arrays: DiscreteProblem) -> None:
        n, g = len(arrays.initial), arrays.discount
        blind = np.empty((n, n))
        for a in range(n):
            blind[a] = np.linalg.solve(np.eye(n) - g * arrays.kernel[arrays.left[:, a]], arrays.reward[:, a])
        self._vectors = blind
        self._actions = np.arange(n)
        self.count = n
        self._checked = 0
        self.prune()

    @property
    def vectors(self) -> Array:
        """Shape (count, n)."""
        return self._vectors[: self.count]

    @property
    def actions(self) -> Any:
        """Shape (count,): the quota of each vector."""
        return self._actions[: self.count]

    def value(self, beliefs: Array) -> Array:
        """Return the bound of each belief, shape (rows,)."""
        return np.asarray((beliefs @ self.vectors.T).max(axis=1), dtype=float)

    def add(self, vectors: Array, actions: Any) -> None:
        """Take vectors in."""
        while self.count + len(vectors) > len(self._vectors):
            self._vectors, self._actions = _grown(self._vectors), _grown(self._actions)
        new = slice(self.count, self.count + len(vectors))
        self._vectors[new], self._actions[new] = vectors, actions
        self.count += len(vectors)

    def prune(self) -> None:
        """Drop the vectors that another one covers."""
        out = np.zeros(self.count, dtype=np.bool_)
        dominated(self._vectors, self.count, self._checked, out)
        kept = np.flatnonzero(~out)
        self._vectors[: len(kept)], self._actions[: len(kept)] = self._vectors[kept], self._actions[kept]
        self.count = self._checked = len(kept)


class UpperBound:
    """The informed bound, deepened at beliefs over escapement and interpolated by the sawtooth.

    W(e) <= e.q + min over points k of  depth_k min over x of e(x) / B_k(x),  depth_k = value_k - B_k.q <= 0
    """

    def __init__(self, arrays: DiscreteProblem) -> None:
        n = len(arrays.initial)
        self.arrays = arrays
        self.seen = np.ascontiguousarray(arrays.observation.T)
        self.corners(informed_bound(arrays))
        self.points = np.zeros((256, n))
        self.values = np.zeros(256)
        self.depth = np.zeros(256)
        self._spare = np.zeros(256)
        self._inverse = np.zeros((256, n))
        self._order = np.zeros((256, n), dtype=np.int64)
        self._size = np.zeros(256, dtype=np.int64)
        self._mean = np.zeros(256)
        self._middle = np.zeros(256)
        self._ranked = np.zeros(256, dtype=np.int64)
        self.count = 0
        # no state is worth less than this, whatever is done
        self._least = min(float(arrays.reward.min()), 0.0) / (1.0 - arrays.discount)
        self.after_corners = SuccessorDepths(
            np.zeros(n + 1, dtype=np.int64), np.zeros(0, dtype=np.int32), np.zeros(0), n
        )

    def corners(self, q: Array) -> None:
        """Set the bound of each escapement known for sure."""
        self.q = q
        self.informed = self.arrays.reward + self.arrays.discount * q[self.arrays.left]

    @property
    def interpolation(self) -> tuple[Any, ...]:
        """What the kernels of the sawtooth ask for."""
        return (
            self._inverse,
            self._order,
            self._size,
            self.depth,
            self._middle,
            self._ranked,
            self.count,
        )

    def value(self, e: Array) -> float:
        """Return the bound of one belief over escapement."""
        return float(e @ self.q) + float(deepest(e, *self.interpolation)[0])

    def worth(self, e: Array, joint: Array, heard: Any) -> Array:
        """Return a bound on the worth of each quota after a year of growth from e and an observation.

        Parameters
        ----------
        e
            Shape (n,): the belief over escapement.
        joint
            Shape (heard, n): P(state, observation | e) for some observations.
        heard
            Shape (heard,): these observations.

        Returns
        -------
        ndarray
            Shape (heard, n): times the probability of the observation.
        """
        worth = np.asarray(joint @ self.informed, dtype=float)
        self.after_corners.mix(e, heard, self.arrays.discount, worth)
        return worth

    def best_quotas(self, beliefs: Array, worth: Array) -> tuple[Any, Array]:
        """Return the best quota of each belief before harvest and its bound, bringing `worth` up to date."""
        quota = np.empty(len(beliefs), dtype=np.int64)
        value = np.empty(len(beliefs))
        arrays = self.arrays
        best_quotas(beliefs, worth, arrays.reward, self.q, arrays.discount, *self.interpolation, quota, value)
        return quota, value

    def add(self, e: Array, value: float) -> int:
        """Take a point in, without its tails, and return its place.

        No plan is worth less than a known least in the states left out, so what is kept is worth no more than all
        of it less that least; and less is in the way of the interpolation. The tails may cost a small share of the
        depth.
        """
        if self.count == len(self.points):
            for name in _ROWS:
                setattr(self, name, _grown(getattr(self, name)))
        point, self.count = self.count, self.count + 1
        states = np.argsort(e, kind="stable")
        lost = np.cumsum(e[states] * (self.q[states] - self._least))
        corner = float(e @ self.q)
        # a point may be added before its depth is known; then it is taken for a typical one
        kept = (lost > _TAIL * max(corner - value, _TYPICAL * abs(corner))) & (e[states] > 1e-14)
        kept[-1] = True  # the likeliest state, even where it is worth the least that any can be
        states = states[kept]
        self.points[point] = 0.0
        self.points[point, states] = e[states]
        self._size[point], self._order[point, : len(states)] = len(states), states
        self._inverse[point, : len(states)] = 1.0 / e[states]
        self._spare[point] = -self._least * max(float(e.sum() - e[states].sum()), 0.0)
        self._mean[point] = float(e[states] @ states) / float(e[states].sum())
        self._rank()
        self._set(point, value)
        return point

    def _rank(self) -> None:
        order = np.argsort(self._mean[: self.count], kind="stable")
        self._ranked[: self.count] = order
        self._middle[: self.count] = self._mean[order]

    def _set(self, point: int, value: float) -> None:
        self.values[point] = value + self._spare[point]
        self.depth[point] = min(self.values[point] - float(self.points[point] @ self.q), 0.0)

    def nearness(self, e: Array) -> float:
        """Return the largest share of any point that fits into a belief."""
        inverse, order, size, _, *means = self.interpolation
        return -float(deepest(e, inverse, order, size, np.full(len(self.points), -1.0), *means)[0])

    def restore(self, q: Array, values: Array) -> None:
        """Set the corners and the bounds of all points."""
        self.corners(q)
        self.values[: self.count] = values
        self.depth[: self.count] = np.minimum(values - self.points[: self.count] @ q, 0.0)

    def deepen(self, e: Array, value: float, point: int | None) -> int | None:
        """Lower the bound at a belief; `point` is its place from an earlier visit. Return its place."""
        if value >= self.value(e) - 1e-12 * max(1.0, abs(value)):
            return point
        if point is None:
            return self.add(e, value)
        if value + self._spare[point] < self.values[point]:
            self._set(point, value)
        return point

    def prune(self) -> dict[int, int]:
        """Drop the points that the others make needless; return the new places of those that stay."""
        kept = []
        for k in range(self.count):
            depth, self.depth[k] = self.depth[k], 0.0
            # without point k: is the bound at its belief as low already?
            if self.value(self.points[k]) > self.values[k] + 1e-10 * max(1.0, abs(self.values[k])):
                self.depth[k] = depth
                kept.append(k)
        for name in _ROWS:
            rows = getattr(self, name)
            rows[: len(kept)] = rows[kept]
        self.count = len(kept)
        self._rank()
        return {old: new for new, old in enumerate(kept)}
