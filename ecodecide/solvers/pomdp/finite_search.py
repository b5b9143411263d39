"""The search over a finite problem's beliefs: its two bounds, and the walks that tighten them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ecodecide._kernels.belief_search import add_vector, remember, renew_lower, renew_upper, walk
from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import SolverError
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.solvers.pomdp.finite_bounds import PointBound, blind_vectors, build_model
from ecodecide.solvers.pomdp.finite_pools import (
    entries_of,
    make_nodes,
    make_points,
    make_vectors,
    make_work,
    prune_points,
    prune_vectors,
)

_WORTHWHILE = 1e-3
"""Vectors and points that improve a bound by less than this share of the gap aimed at are not kept."""

_AIMS = (0.5, 0.02)
"""Walks in turn stop where the gap is this share of today's: short ones serve the upper bound, long ones the lower."""


class FiniteSearch:
    """The two bounds, the remembered beliefs, and the walks that tighten them.

    Attributes
    ----------
    largest
        The largest absolute reward; inside, it is 1, so that units change nothing but the scale.
    walks
        Walks done.
    full
        Whether there is no room for another vector.
    """

    def __init__(self, pomdp: FinitePomdp, memory: float) -> None:
        self.pomdp = pomdp
        self.largest = float(np.abs(pomdp.reward).max()) or 1.0
        self.walks, self.full = 0, False
        self._model = build_model(pomdp, self.largest)
        self._work = make_work(pomdp)
        self._nodes = make_nodes(pomdp, memory * 1e6 / 2)
        self._points = make_points(pomdp, memory * 1e6 / 4)
        self._vectors = make_vectors(pomdp, memory * 1e6 / 4)
        for action, v in enumerate(blind_vectors(pomdp, self.largest)):
            for c, states in enumerate(pomdp.members):
                start = int(self._vectors.used[1])
                self._vectors.value[start : start + len(states)] = v[states]
                add_vector(self._model, self._vectors, c, action)
        self._checked = 0
        self._prune_vectors()
        self._tidy_points = 200
        self._plant()

    def _plant(self) -> None:
        """Forget all beliefs but the initial ones, one for each visible class."""
        nodes, initial = self._nodes, self.pomdp.initial
        nodes.used[:] = 0
        nodes.table[:] = -1
        roots, chances = [], []
        for c, states in enumerate(self.pomdp.members):
            held = states[initial[states] > 0.0].astype(np.int32)
            if len(held) == 0:
                continue
            chance = float(initial[held].sum())
            node = int(remember(self._model, nodes, c, held, initial[held] / chance, 0, len(held)))
            if node < 0:
                raise SolverError("memory is too small for the initial belief: allow more megabytes")
            roots.append(node)
            chances.append(chance)
        self._roots, self._chances = np.array(roots), np.array(chances)

    def root_bounds(self) -> tuple[float, float]:
        """Return the bounds of the initial belief."""
        for node in self._roots.tolist():
            renew_upper(self._model, self._nodes, self._points, self._work, node)
            renew_lower(self._model, self._nodes, self._vectors, node)
        belief = self._nodes.belief[self._roots]
        lower, upper = self._chances @ belief["lower"], self._chances @ belief["upper"]
        return float(lower) * self.largest, float(upper) * self.largest

    def walk(self, distance: float, goal: float) -> None:
        """Walk once from the initial belief, where the bounds are `distance` apart and may stay `goal` apart."""
        aim = max(_AIMS[self.walks % len(_AIMS)] * distance, 0.9 * goal) / self.largest
        belief = self._nodes.belief[self._roots]
        root = int(self._roots[int(np.argmax(self._chances * (belief["upper"] - belief["lower"] - aim)))])
        room = walk(
            self._model, self._nodes, self._vectors, self._points, self._work, root, aim, _WORTHWHILE * aim
        )
        self.walks += 1
        vectors = self._vectors
        if not room or vectors.used[0] > 1.2 * self._checked + 200:
            self._prune_vectors()
            self.full = bool(
                vectors.used[0] > 0.95 * len(vectors.row) or vectors.used[1] > 0.95 * len(vectors.value)
            )
        if not room or self._points.used[0] > self._tidy_points:
            self._prune_points()
        if not room:
            self._plant()

    def _prune_vectors(self) -> None:
        prune_vectors(self._model, self._nodes, self._vectors, self._checked)
        self._checked = int(self._vectors.used[0])

    def _prune_points(self) -> None:
        prune_points(self._model, self._nodes, self._points, self._work.dense)
        self._tidy_points = int(1.5 * self._points.used[0]) + 200

    def policy(self) -> AlphaVectors:
        """Return the vectors of the lower bound."""
        self._prune_vectors()
        rows = self._vectors.row[: self._checked]
        sizes = np.diff(self._model.begin)
        table = np.zeros((len(rows), int(sizes.max())))
        for k, (start, size) in enumerate(zip(rows["start"], sizes[rows["visible"]], strict=True)):
            table[k, :size] = self._vectors.value[start : start + size] * self.largest
        return AlphaVectors(
            self.pomdp, table, rows["action"].astype(np.intp), rows["visible"].astype(np.intp)
        )

    def bound(self) -> PointBound:
        """Return the upper bound as it stands."""
        points = self._points
        self._prune_points()
        entries, lengths = entries_of(points)
        beliefs = csr_array(
            (points.chance[entries], points.state[entries], np.concatenate([[0], np.cumsum(lengths)])),
            shape=(len(lengths), self.pomdp.states),
        )
        values = points.row["value"][: len(lengths)] * self.largest
        return PointBound(self.pomdp, self._model.informed * self.largest, beliefs, values)
