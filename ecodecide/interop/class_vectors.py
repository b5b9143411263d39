"""Alpha vectors between programs that know visible classes and programs that do not.

Ours hold the values of one visible class each; theirs hold the values of all states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp, Index
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.stock.growth import Array

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def on_all_states(policy: AlphaVectors, elsewhere: float) -> Iterator[Array]:
    """Go through the vectors of a policy, each made to hold all states.

    Parameters
    ----------
    policy
        The policy.
    elsewhere
        The value of states outside the class that a vector is for.

    Yields
    ------
    Array
        Shape (states,).

    Examples
    --------
    >>> still = FinitePomdp((np.eye(2),), (np.ones((2, 1)),), np.ones((2, 1)), 0.9, [1.0, 0.0], visible=[0, 1])
    >>> policy = AlphaVectors(still, np.array([[3.0], [4.0]]), np.array([0, 0]), np.array([0, 1]))
    >>> [vector.tolist() for vector in on_all_states(policy, -1.0)]
    [[3.0, -1.0], [-1.0, 4.0]]
    """
    pomdp = policy.pomdp
    for vector, c in zip(policy.vectors, policy.classes, strict=True):
        values = np.full(pomdp.states, elsewhere)
        states = pomdp.members[int(c)]
        values[states] = vector[: states.size]
        yield values


def by_class(
    pomdp: FinitePomdp, vectors: Array, actions: Index, is_useful: Callable[[Array], Mask]
) -> AlphaVectors:
    """Cut vectors on all states up by visible class.

    Parameters
    ----------
    pomdp
        The problem.
    vectors
        Shape (k, states).
    actions
        Shape (k,): the number of each vector's action.
    is_useful
        Which of a class's parts, shape (k, states of the class), to keep, shape (k,); the first one where it
        keeps none. Not asked where there is one class.

    Returns
    -------
    AlphaVectors

    Examples
    --------
    >>> still = FinitePomdp((np.eye(2),), (np.ones((2, 1)),), np.ones((2, 1)), 0.9, [1.0, 0.0], visible=[0, 1])
    >>> both = np.array([[3.0, -1.0], [-1.0, 4.0]])
    >>> found = by_class(still, both, np.array([0, 0]), lambda part: part.max(axis=1) > 0.0)
    >>> found.vectors.tolist(), found.classes.tolist()
    ([[3.0], [4.0]], [0, 1])
    """
    if len(pomdp.members) == 1:
        return AlphaVectors(pomdp, vectors, actions)
    largest = max(states.size for states in pomdp.members)
    parts, taken, classes = [], [], []
    for c, states in enumerate(pomdp.members):
        part = vectors[:, states]
        useful = np.flatnonzero(is_useful(part))
        kept = useful if useful.size else np.zeros(1, dtype=np.intp)
        parts.append(np.pad(part[kept], ((0, 0), (0, largest - states.size))))
        taken.append(actions[kept])
        classes.append(np.full(kept.size, c, dtype=np.intp))
    return AlphaVectors(pomdp, np.vstack(parts), np.concatenate(taken), np.concatenate(classes))
