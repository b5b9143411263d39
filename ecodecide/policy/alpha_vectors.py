"""The policy of a finite partially observed problem: alpha vectors over its beliefs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp, Index
from ecodecide.errors import ProblemError
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class AlphaVectors:
    """For each belief, the action of the alpha vector that promises most.

    Parameters
    ----------
    pomdp
        The problem that the vectors solve.
    vectors
        Shape (k, m): the value of each state of a visible class under each vector, m being the size of the
        largest class; smaller classes are filled up with zeros. Column j is state ``pomdp.members[c][j]``.
    actions
        Shape (k,): the action of each vector.
    classes
        Shape (k,): the visible class c that each vector is for; all 0 where nothing is visible.

    Raises
    ------
    ProblemError
        When shapes disagree, or a class has no vector.
    """

    pomdp: FinitePomdp
    vectors: Array
    actions: Index
    classes: Any = None

    def __post_init__(self) -> None:
        members = self.pomdp.members
        k, largest = len(self.actions), max(len(states) for states in members)
        if np.shape(self.vectors) != (k, largest):
            raise ProblemError(
                f"vectors must have the shape ({k}, {largest}): one row for each action given, one column for each "
                f"state of the largest visible class; got {np.shape(self.vectors)}"
            )
        classes = np.zeros(k, dtype=np.intp) if self.classes is None else np.asarray(self.classes)
        object.__setattr__(self, "classes", classes)
        if len(classes) != k or set(classes.tolist()) != set(range(len(members))):
            raise ProblemError(f"every one of the {len(members)} visible classes needs an alpha vector")
        if not (np.all(np.asarray(self.actions) >= 0) and np.all(self.actions < self.pomdp.actions)):
            raise ProblemError(f"actions must be numbers from 0 to {self.pomdp.actions - 1}")

    def best(self, belief: Array) -> tuple[int, float]:
        """Return the best action at a belief within one visible class, and the value it is sure of.

        Parameters
        ----------
        belief
            Shape (states,).
        """
        c = int(self.pomdp.visible[int(np.argmax(belief))])
        rows = np.flatnonzero(self.classes == c)
        states = self.pomdp.members[c]
        worth = self.vectors[rows, : len(states)] @ belief[states]
        best = int(np.argmax(worth))
        return int(self.actions[rows[best]]), float(worth[best])

    def value(self, belief: Array) -> float:
        """Return the lower bound at a belief, which may spread over several visible classes."""
        total = 0.0
        for c, states in enumerate(self.pomdp.members):
            if np.any(belief[states] > 0.0):
                rows = self.classes == c
                total += float((self.vectors[rows, : len(states)] @ belief[states]).max())
        return total

    def update(self, belief: Array, action: int, observation: int, visible: int = 0) -> Array:
        """Return the belief after an action, an observation and a visible class (Bayes).

        Raises
        ------
        ProblemError
            When the belief holds what was observed for impossible.
        """
        moved = np.asarray(belief @ self.pomdp.transition[action])
        seen = self.pomdp.observation[action][:, [observation]].toarray().ravel()
        after = moved * seen * (self.pomdp.visible == visible)
        total = float(after.sum())
        if total <= 0.0:
            raise ProblemError(
                f"observation {self.pomdp.observation_names[observation]!r} (visible class {visible}) has no "
                f"probability after action {self.pomdp.action_names[action]!r} from this belief"
            )
        return np.asarray(after / total, dtype=float)
