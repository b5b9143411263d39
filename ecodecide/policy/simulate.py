"""Play a policy of alpha vectors on its finite problem, many times at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import PolicyError
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.stock.growth import Array

Rows = np.ndarray[Any, np.dtype[np.intp]]


def simulate(
    pomdp: FinitePomdp, policy: AlphaVectors, replicates: int, steps: int, rng: np.random.Generator
) -> Array:
    """Return the discounted rewards of playing a policy, from the initial belief and for a number of steps.

    State, observation and visible class are drawn, and the belief follows them by Bayes' rule. What lies beyond
    the last step is left out: a mean of returns is within ``discount**steps * max|R| / (1 - discount)`` of one
    without end, besides its Monte Carlo error.

    Parameters
    ----------
    pomdp
        The problem.
    policy
        Alpha vectors for it.
    replicates
        Number of plays, from 1.
    steps
        Number of actions in each, from 1.
    rng
        Where chance comes from.

    Returns
    -------
    array
        Shape (replicates,), in the unit of the rewards.

    Raises
    ------
    PolicyError
        When a number is below 1, or the policy was made for a problem with other states or classes.

    Examples
    --------
    A reward of 1 at each of 3 steps, discounted by half:

    >>> import numpy as np
    >>> sure = FinitePomdp((np.eye(1),), (np.eye(1),), np.array([[1.0]]), discount=0.5, initial=np.array([1.0]))
    >>> policy = AlphaVectors(sure, np.array([[2.0]]), np.array([0]))
    >>> simulate(sure, policy, replicates=2, steps=3, rng=np.random.default_rng(1))
    array([1.75, 1.75])
    """
    if replicates < 1 or steps < 1:
        raise PolicyError(f"replicates and steps must be at least 1, got {replicates} and {steps}")
    if not np.array_equal(policy.pomdp.visible, pomdp.visible):
        raise PolicyError(
            "the policy is for a problem with other states or visible classes than the one given"
        )
    plays = _Plays(pomdp, policy, replicates, rng)
    returns = np.zeros(replicates)
    for step in range(steps):
        actions = plays.choose()
        returns += pomdp.discount**step * pomdp.reward[plays.state, actions]
        plays.move(actions)
    return returns


class _Plays:
    """The true state and the belief of each play; beliefs hold the states of the visible class only."""

    def __init__(
        self, pomdp: FinitePomdp, policy: AlphaVectors, replicates: int, rng: np.random.Generator
    ) -> None:
        self._pomdp, self._policy, self._rng = pomdp, policy, rng
        members = pomdp.members
        self._local = np.empty(pomdp.states, dtype=np.intp)
        self._local[np.concatenate(members)] = np.concatenate([np.arange(len(m)) for m in members])
        self.state = rng.choice(pomdp.states, size=replicates, p=pomdp.initial)
        self._belief = np.zeros((replicates, max(len(m) for m in members)))
        for c, states in enumerate(members):
            own = pomdp.visible[self.state] == c
            if np.any(own):
                self._belief[own, : len(states)] = pomdp.initial[states] / pomdp.initial[states].sum()

    def choose(self) -> Rows:
        """Return the best action of each play."""
        actions = np.empty(len(self.state), dtype=np.intp)
        seen = self._pomdp.visible[self.state]
        for c in np.unique(seen):
            plays, rows = np.flatnonzero(seen == c), np.flatnonzero(self._policy.classes == c)
            worth = self._belief[plays] @ self._policy.vectors[rows].T
            actions[plays] = self._policy.actions[rows[worth.argmax(axis=1)]]
        return actions

    def move(self, actions: Rows) -> None:
        """Draw the next states and observations, and bring the beliefs up to date."""
        kind = self._pomdp.visible[self.state] * self._pomdp.actions + actions
        for k in np.unique(kind):
            self._move_alike(np.flatnonzero(kind == k), int(k % self._pomdp.actions))

    def _move_alike(self, plays: Rows, action: int) -> None:
        """Move plays that are in one visible class and take one action."""
        members = self._pomdp.members
        states = members[int(self._pomdp.visible[self.state[plays[0]]])]
        moves = self._pomdp.transition[action][states]
        reached = np.unique(moves.indices)
        narrow = moves[:, reached].toarray()
        seen = self._pomdp.observation[action][reached].toarray()
        after = _draw(narrow[self._local[self.state[plays]]], self._rng)
        heard = _draw(seen[after], self._rng)
        visible = self._pomdp.visible[reached]
        joint = (self._belief[plays][:, : len(states)] @ narrow) * seen[:, heard].T
        joint *= visible[None, :] == visible[after][:, None]
        joint /= joint.sum(axis=1, keepdims=True)
        self.state[plays] = reached[after]
        self._belief[plays] = 0.0
        for c in np.unique(visible[after]):
            own, columns = visible[after] == c, np.flatnonzero(visible == c)
            self._belief[np.ix_(plays[own], self._local[reached[columns]])] = joint[np.ix_(own, columns)]


def _draw(chances: Array, rng: np.random.Generator) -> Rows:
    """Draw one column of each row, in proportion to its numbers."""
    upto = np.cumsum(chances, axis=1)
    return np.asarray((upto < rng.random(len(chances))[:, None] * upto[:, -1:]).sum(axis=1), dtype=np.intp)
