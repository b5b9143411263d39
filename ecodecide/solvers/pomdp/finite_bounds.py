"""Where the bounds of a finite problem start, and its upper bound as it stands at the end.

Lower: for each action the value of taking it for ever. Upper: the fast informed bound

    q(s, a) = R(s, a) + g sum over (c, o) of  max over b of  sum over s' in c of  T_a(s, s') O_a(s', o) q(s', b)

of a manager who learns the state one step late, c being the visible class of s' (Hauskrecht 2000, Journal of
Artificial Intelligence Research 13:33, section 4.4); it starts from the value with the state seen at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ecodecide._kernels.belief_search import STATE, Model
from ecodecide._kernels.informed_values import informed_round, sighted_round
from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.stock.growth import Array

_WORK = 2e9
"""The most multiplications for each initial bound: a bound that stops early is a bound too, only wider."""

_SETTLED = 1e-12
"""Changes smaller than this share of the largest reward end the initial bounds."""


Rows = np.ndarray[Any, np.dtype[np.int64]]

DENSE = 50_000
"""Where all actions lead to more numbers than this, only actions that the upper bound favors are followed."""


@dataclass(frozen=True, eq=False)
class PointBound:
    """An upper bound on the value of any belief: the informed bound, and points between which to interpolate.

    With r_k the least b(s) / B_k(s) over the states of point B_k, whose value is v_k,

        V(b) <= min over k of  r_k v_k + max over a of (b - r_k B_k).q_a

    because the value is convex and positively homogeneous in b (Hauskrecht 2000, Journal of Artificial
    Intelligence Research 13:33).

    Parameters
    ----------
    pomdp
        The problem.
    informed
        Shape (states, actions): the informed bound q.
    points
        Shape (points, states), sparse: the beliefs B_k, each within one visible class.
    values
        Shape (points,): the bound v_k of each.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> blind = FinitePomdp(
    ...     (np.eye(2),), (np.ones((2, 1)),), np.array([[1.0], [0.0]]), discount=0.5, initial=np.array([0.5, 0.5])
    ... )
    >>> bound = PointBound(blind, np.array([[2.0], [0.5]]), csr_array(np.array([[0.0, 1.0]])), np.array([0.0]))
    >>> bound.value(np.array([0.5, 0.5]))
    1.0
    """

    pomdp: FinitePomdp
    informed: Array
    points: csr_array
    values: Array

    def value(self, belief: Array) -> float:
        """Return the upper bound at a belief, shape (states,), which may spread over visible classes."""
        return float(
            sum(self._within(np.where(self.pomdp.visible == c, belief, 0.0)) for c in self._held(belief))
        )

    def _held(self, belief: Array) -> Array:
        return np.unique(self.pomdp.visible[belief > 0.0])

    def _within(self, belief: Array) -> float:
        corner = belief @ self.informed
        best = float(corner.max())
        for k in range(len(self.values)):
            own = slice(self.points.indptr[k], self.points.indptr[k + 1])
            states, chance = self.points.indices[own], self.points.data[own]
            ratio = float((belief[states] / chance).min())
            rest = corner - ratio * (chance @ self.informed[states])
            best = min(best, ratio * float(self.values[k]) + float(rest.max()))
        return best


def build_model(pomdp: FinitePomdp, scale: float) -> Model:
    """Return the problem as flat arrays with its informed bound, rewards divided by `scale`."""
    states, actions = pomdp.states, pomdp.actions
    moves = pomdp.transition
    seen = _distinct(pomdp.observation)
    arrays = [pomdp.observation[a] for a in sorted(set(seen))]
    reward = np.ascontiguousarray(pomdp.reward / scale)
    members = np.concatenate(pomdp.members)
    sizes = np.array([len(m) for m in pomdp.members])
    state = np.empty(states, dtype=STATE)
    state["visible"] = pomdp.visible
    state["local"][members] = np.concatenate([np.arange(size) for size in sizes])
    place = {a: i * states for i, a in enumerate(sorted(set(seen)))}
    model = Model(
        discount=float(pomdp.discount),
        observations=pomdp.observations,
        largest_value=0.0,
        everywhere=int(spread(pomdp) <= DENSE),
        state=state,
        begin=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        members=members.astype(np.int32),
        move_start=_starts(moves),
        move_to=np.concatenate([t.indices for t in moves]).astype(np.int32),
        move_chance=np.concatenate([t.data for t in moves]),
        seen_row=np.array([place[a] for a in seen]),
        seen_start=_starts(arrays),
        seen_what=np.concatenate([o.indices for o in arrays]).astype(np.int32),
        seen_chance=np.concatenate([o.data for o in arrays]),
        reward=reward,
        informed=np.empty((states, actions)),
    )
    informed = informed_values(model)
    return model._replace(informed=informed, largest_value=float(informed.max()))


def spread(pomdp: FinitePomdp) -> float:
    """Return how many numbers the beliefs after all actions at one belief hold, or more."""
    largest = max(len(states) for states in pomdp.members)
    total = 0.0
    for moves, seen in zip(pomdp.transition, pomdp.observation, strict=True):
        reached = min(largest * moves.nnz / pomdp.states, pomdp.states)
        total += reached * seen.nnz / pomdp.states
    return total


def _distinct(arrays: tuple[csr_array, ...]) -> list[int]:
    """Return for each array the number of the first one that is equal to it."""
    first: dict[bytes, int] = {}
    return [
        first.setdefault(b"|".join((o.indptr.tobytes(), o.indices.tobytes(), o.data.tobytes())), a)
        for a, o in enumerate(arrays)
    ]


def _starts(arrays: tuple[csr_array, ...] | list[csr_array]) -> Rows:
    lengths = np.concatenate([np.diff(array.indptr) for array in arrays])
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def sighted_values(model: Model) -> Array:
    """Return an upper bound on the value of each state when states are seen, shape (states,).

    Value iteration T that stops at a change d has v - T v >= -d: what is left is made up for by d / (1 - g), since
    T is monotone with modulus g.
    """
    v = np.zeros(len(model.reward))
    change = float("inf")
    rounds = max(int(_WORK / len(model.move_to)), 1)
    size = max(float(np.abs(model.reward).max()), 1e-300)
    while change > _SETTLED * size and rounds > 0:
        change = sighted_round(
            model.discount, model.move_start, model.move_to, model.move_chance, model.reward, v
        )
        rounds -= 1
    return lift(model, v)


def lift(model: Model, v: Array) -> Array:
    """Return v, shape (states,), raised by what is left of its residual: an upper bound whatever v is."""
    after = np.full(len(v), -np.inf)
    states, actions = model.reward.shape
    for a in range(actions):
        rows = slice(int(model.move_start[a * states]), int(model.move_start[(a + 1) * states]))
        indptr = model.move_start[a * states : (a + 1) * states + 1] - model.move_start[a * states]
        moves = csr_array((model.move_chance[rows], model.move_to[rows], indptr), shape=(states, states))
        after = np.maximum(after, model.reward[:, a] + model.discount * (moves @ v))
    residual = float(np.max(after - v))
    return np.asarray(v + max(residual, 0.0) / (1.0 - model.discount), dtype=float)


def informed_values(model: Model) -> Array:
    """Return the informed bound q, shape (states, actions); each round from an upper bound leaves one."""
    actions = model.reward.shape[1]
    q = np.repeat(sighted_values(model)[:, None], actions, axis=1)
    slot = np.full((len(model.begin) - 1) * model.observations, -1, dtype=np.int32)
    worth = np.empty((len(slot), actions))
    alike, alike_start = _alike(model)
    moves = np.diff(model.move_start)[alike[alike_start[:-1]]].sum()
    rounds = max(int(_WORK / (float(moves) * float(np.diff(model.seen_start).mean()) * actions)), 2)
    change = float("inf")
    while change > _SETTLED and rounds > 0:
        change = informed_round(
            model.discount,
            model.observations,
            np.ascontiguousarray(model.state["visible"]),
            model.move_start,
            model.move_to,
            model.move_chance,
            model.seen_row,
            model.seen_start,
            model.seen_what,
            model.seen_chance,
            alike,
            alike_start,
            model.reward,
            q,
            slot,
            worth,
        )
        rounds -= 1
    return q


def _alike(model: Model) -> tuple[Rows, Rows]:
    """Return the rows a * states + s in groups with the same future, and where each group starts.

    In a harvest problem all pairs of a biomass and a quota that leave the same escapement have one.
    """
    states = len(model.reward)
    first: dict[tuple[int, bytes, bytes], int] = {}
    group = np.empty(len(model.move_start) - 1, dtype=np.int64)
    for row in range(len(group)):
        own = slice(model.move_start[row], model.move_start[row + 1])
        key = (
            int(model.seen_row[row // states]),
            model.move_to[own].tobytes(),
            model.move_chance[own].tobytes(),
        )
        group[row] = first.setdefault(key, len(first))
    alike = np.argsort(group, kind="stable")
    return alike, np.searchsorted(group[alike], np.arange(len(first) + 1))


def blind_vectors(pomdp: FinitePomdp, scale: float) -> Array:
    """Return the value of each action taken for ever, shape (actions, states), rewards divided by `scale`.

    Iterated from below, so that stopping early leaves a lower bound: v <= R + g T v at every round.
    """
    g = pomdp.discount
    reward = pomdp.reward / scale
    out = np.empty((pomdp.actions, pomdp.states))
    for a, moves in enumerate(pomdp.transition):
        v = np.full(pomdp.states, float(reward[:, a].min()) / (1.0 - g))
        rounds = max(int(_WORK / pomdp.actions / max(moves.nnz, 1)), 1)
        change = float("inf")
        while change > _SETTLED and rounds > 0:
            after = reward[:, a] + g * (moves @ v)
            change = float(np.max(np.abs(after - v)))
            v = after
            rounds -= 1
        out[a] = v
    return out
