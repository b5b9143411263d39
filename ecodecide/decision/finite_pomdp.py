"""Any finite partially observed decision problem, as sparse arrays.

A harvest problem has a structure that its own solver exploits: growth depends on the escapement alone. This is
the type for problems without it, and for exchange with other programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack

from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.errors import ProblemError
from ecodecide.stock.growth import Array

Index = np.ndarray[Any, np.dtype[np.intp]]

_ROUNDING = 1e-5
"""How far from one the sum of a row of probabilities may be, as printed in files; it is made one."""


@dataclass(frozen=True, eq=False)
class FinitePomdp:
    """States, actions and observations with their probabilities, rewards and a discount.

    One step: choose an action a in state s, receive the reward R(s, a), move to s' ~ T_a(s, .), and observe
    o ~ O_a(s', .) and, where `visible` is given, the class of s' besides. Without end, discounted, maximized.

    Parameters
    ----------
    transition
        One sparse array per action, shape (states, states): P(next state | state).
    observation
        One sparse array per action, shape (states, observations): P(observation | next state).
    reward
        Shape (states, actions): the expected immediate reward.
    discount
        Factor in (0, 1).
    initial
        Shape (states,): the belief when the first action is chosen.
    state_names, action_names, observation_names
        One name each; by default their numbers.
    visible
        Shape (states,), whole numbers from 0: the class of each state, which is seen for sure at every step and
        at the start (mixed observability: Ong et al. 2010, Int. J. Robotics Research 29:1053). None: one class.

    Raises
    ------
    ProblemError
        When shapes disagree, or probabilities are negative, not finite, or do not sum to one.

    Examples
    --------
    Listen for a tiger behind one of two doors (Kaelbling, Littman & Cassandra 1998, Artificial Intelligence
    101:99):

    >>> import numpy as np
    >>> stay, reset = np.eye(2), np.full((2, 2), 0.5)
    >>> heard, nothing = np.array([[0.85, 0.15], [0.15, 0.85]]), np.full((2, 2), 0.5)
    >>> tiger = FinitePomdp(
    ...     transition=(stay, reset, reset),
    ...     observation=(heard, nothing, nothing),
    ...     reward=np.array([[-1.0, -100.0, 10.0], [-1.0, 10.0, -100.0]]),
    ...     discount=0.95,
    ...     initial=np.array([0.5, 0.5]),
    ...     action_names=("listen", "open-left", "open-right"),
    ... )
    >>> tiger.states, tiger.actions, tiger.observations
    (2, 3, 2)
    """

    transition: tuple[csr_array, ...]
    observation: tuple[csr_array, ...]
    reward: Array
    discount: float
    initial: Array
    state_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    observation_names: tuple[str, ...] = ()
    visible: Any = None

    def __post_init__(self) -> None:
        reward = np.array(self.reward, dtype=float, ndmin=2)
        states, actions = reward.shape
        initial = _distribution(np.array(self.initial, dtype=float, ndmin=1), "the initial belief")
        for what, found in (("transition", self.transition), ("observation", self.observation)):
            if len(found) != actions:
                raise ProblemError(
                    f"{what} must hold one array for each of the {actions} actions, got {len(found)}"
                )
        if not np.all(np.isfinite(reward)):
            raise ProblemError("every reward must be a finite number")
        if not 0.0 < self.discount < 1.0:
            raise ProblemError(f"discount must be a factor in (0, 1), got {self.discount}")
        self._check_shapes(initial.shape, (states,), "the initial belief")
        transition = _stochastic_each(self.transition, "transition")
        observation = _stochastic_each(self.observation, "observation")
        observations = observation[0].shape[1]
        for a in range(actions):
            self._check_shapes(transition[a].shape, (states, states), f"transition of action {a}")
            self._check_shapes(observation[a].shape, (states, observations), f"observation of action {a}")
        given = np.zeros(states, dtype=np.intp) if self.visible is None else np.asarray(self.visible)
        self._check_shapes(given.shape, (states,), "visible")
        if np.any(given < 0) or np.any(given != given.astype(np.intp)):
            raise ProblemError("visible must hold whole numbers from 0")
        labels = np.unique(given, return_inverse=True)[1].astype(np.intp)
        for name, value in (
            ("reward", reward),
            ("initial", initial),
            ("transition", transition),
            ("observation", observation),
            ("visible", labels),
            ("state_names", _names(self.state_names, states, "state")),
            ("action_names", _names(self.action_names, actions, "action")),
            ("observation_names", _names(self.observation_names, observations, "observation")),
        ):
            object.__setattr__(self, name, value)

    @staticmethod
    def _check_shapes(found: tuple[int, ...], expected: tuple[int, ...], what: str) -> None:
        if found != expected:
            raise ProblemError(f"{what} must have the shape {expected}, got {found}")

    @property
    def states(self) -> int:
        """Number of states."""
        return int(self.reward.shape[0])

    @property
    def actions(self) -> int:
        """Number of actions."""
        return int(self.reward.shape[1])

    @property
    def observations(self) -> int:
        """Number of observations, not counting what `visible` shows."""
        return int(self.observation[0].shape[1])

    @cached_property
    def members(self) -> tuple[Index, ...]:
        """The states of each visible class, ascending."""
        return tuple(np.flatnonzero(self.visible == c) for c in range(int(self.visible.max()) + 1))

    def folded(self) -> FinitePomdp:
        """Return the same problem with what is visible made part of the observation.

        An observation is then the pair of a class and an observation, numbered ``class * observations +
        observation``; pairs that no action can produce are kept, so that numbers stay predictable. The initial
        belief must lie in one class, because nothing is observed before the first action there.

        Raises
        ------
        ProblemError
            When the initial belief spreads over several classes.
        """
        classes = len(self.members)
        if classes == 1:
            return self
        if np.unique(self.visible[self.initial > 0.0]).size > 1:
            raise ProblemError(
                "the initial belief spreads over several visible classes, and a problem without visible states "
                "shows nothing before the first action: start from a belief within one class"
            )
        inside = [csr_array(np.where(self.visible == c, 1.0, 0.0)[:, None]) for c in range(classes)]
        observation = tuple(hstack([o.multiply(i) for i in inside], format="csr") for o in self.observation)
        names = tuple(f"{c}:{o}" for c in range(classes) for o in self.observation_names)
        return FinitePomdp(
            self.transition,
            observation,
            self.reward,
            self.discount,
            self.initial,
            self.state_names,
            self.action_names,
            names,
        )


def as_finite_pomdp(arrays: DiscreteProblem) -> FinitePomdp:
    """Return a discrete harvest problem without its structure, for other solvers and programs.

    States are the biomasses of the grid, actions its quotas and observations its surveys, named by their
    numbers in the problem's unit. What a catch short of its quota tells is not an observation of it.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    >>> problem = eco.HarvestProblem(stock=stock, grid=eco.Grid(upper=2.0, cells=4), initial="uniform")
    >>> as_finite_pomdp(eco.discretize(problem, tolerance=0.1)).state_names
    ('0', '0.25', '0.75', '1.25', '1.75')
    """
    n = len(arrays.initial)
    points = tuple(f"{x:.12g}" for x in arrays.grid.points)
    seen = csr_array(arrays.observation)
    return FinitePomdp(
        transition=tuple(csr_array(arrays.kernel[arrays.left[:, a]]) for a in range(n)),
        observation=(seen,) * n,
        reward=arrays.reward,
        discount=arrays.discount,
        initial=arrays.initial,
        state_names=points,
        action_names=tuple(f"{q:.12g}" for q in arrays.grid.quotas),
        observation_names=points,
    )


def _distribution(row: Array, what: str) -> Array:
    if not np.all(np.isfinite(row)) or np.any(row < 0.0) or abs(float(row.sum()) - 1.0) > _ROUNDING:
        raise ProblemError(
            f"{what} must be probabilities of at least 0 that sum to 1, got a sum of {float(row.sum()):.6g}"
        )
    return np.asarray(row / row.sum(), dtype=float)


def _stochastic_each(arrays: Sequence[Any], what: str) -> tuple[csr_array, ...]:
    """Check and copy each array, once where actions share it."""
    made: dict[int, csr_array] = {}
    for action, rows in enumerate(arrays):
        if id(rows) not in made:
            made[id(rows)] = _stochastic(rows, f"{what} of action {action}")
    return tuple(made[id(rows)] for rows in arrays)


def _stochastic(rows: Any, what: str) -> csr_array:
    found = csr_array(rows, dtype=float, copy=True)
    found.sum_duplicates()
    if found.data.size and (not np.all(np.isfinite(found.data)) or found.data.min() < 0.0):
        raise ProblemError(f"{what} holds a probability that is negative or not finite")
    found.eliminate_zeros()
    total = np.asarray(found.sum(axis=1)).ravel()
    wrong = np.flatnonzero(np.abs(total - 1.0) > _ROUNDING)
    if wrong.size:
        raise ProblemError(
            f"{what}: each row must sum to 1, row {int(wrong[0])} sums to {float(total[wrong[0]]):.6g}"
        )
    found.data /= np.repeat(total, np.diff(found.indptr))
    return found


def _names(names: Sequence[str], count: int, what: str) -> tuple[str, ...]:
    given = tuple(str(name) for name in names) or tuple(str(i) for i in range(count))
    if len(given) != count or len(set(given)) != count:
        raise ProblemError(f"{what}_names must be {count} different names, got {len(given)}")
    return given
