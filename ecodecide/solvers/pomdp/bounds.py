"""The two bounds between which the optimal value lies."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecodecide._kernels.sawtooth import best_quotas, dominated, sawtooth
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.solvers.pomdp.informed_bound import informed_bound
from ecodecide.stock.growth import Array


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
    """The informed bound, deepened at visited beliefs over escapement and interpolated by the sawtooth."""

    def __init__(self, arrays: DiscreteProblem) -> None:
        n = len(arrays.initial)
        self._arrays = arrays
        self.q = informed_bound(arrays)
        self.informed = arrays.reward + arrays.discount * self.q[arrays.left]
        self._points = np.zeros((256, n))
        self._values = np.zeros(256)
        self._depth = np.zeros(256)
        self._order = np.zeros((256, n), dtype=np.int64)
        self._size = np.zeros(256, dtype=np.int64)
        self.count = 0

    def value(self, e: Array) -> float:
        """Return the bound of one belief over escapement."""
        bound = sawtooth(e, float(e @ self.q), self._points, self._depth, self._order, self._size, self.count)
        return float(bound)

    def best_quotas(self, beliefs: Array, worth: Array) -> tuple[Any, Array]:
        """Return the best quota of each belief before harvest and its bound, bringing `worth` up to date."""
        quota = np.empty(len(beliefs), dtype=np.int64)
        value = np.empty(len(beliefs))
        best_quotas(
            beliefs,
            worth,
            self._arrays.reward,
            self.q,
            self._arrays.discount,
            self._points,
            self._depth,
            self._order,
            self._size,
            self.count,
            quota,
            value,
        )
        return quota, value

    def deepen(self, e: Array, value: float, point: int | None) -> int | None:
        """Lower the bound at a belief; `point` is its place from an earlier visit. Return its place."""
        if value >= self.value(e) - 1e-12 * max(1.0, abs(value)):
            return point
        if point is None:
            if self.count == len(self._points):
                self._points, self._values = _grown(self._points), _grown(self._values)
                self._order, self._size = _grown(self._order), _grown(self._size)
                self._depth = _grown(self._depth)
            point, self.count = self.count, self.count + 1
            self._points[point] = e
            states = np.flatnonzero(e > 0.0)
            states = states[np.argsort(e[states], kind="stable")]
            self._size[point], self._order[point, : len(states)] = len(states), states
            self._values[point] = value
        self._values[point] = min(value, self._values[point])
        self._depth[point] = self._values[point] - float(e @ self.q)
        return point

    def prune(self) -> dict[int, int]:
        """Drop the points that the others make needless; return the new places of those that stay."""
        kept = []
        for k in range(self.count):
            depth, self._depth[k] = self._depth[k], 0.0
            # without point k: is the bound at its belief as low already?
            if self.value(self._points[k]) > self._values[k] + 1e-10 * max(1.0, abs(self._values[k])):
                self._depth[k] = depth
                kept.append(k)
        for a in (self._points, self._values, self._depth, self._order, self._size):
            a[: len(kept)] = a[kept]
        self.count = len(kept)
        return {old: new for new, old in enumerate(kept)}
