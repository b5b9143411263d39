"""A problem as the models of pomdp-py need it: names as its objects, and probabilities that are quick to look up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from ecodecide.decision.discretize import DiscreteProblem, discretize
from ecodecide.decision.finite_pomdp import FinitePomdp, Index, as_finite_pomdp
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import DependencyError, ProblemError
from ecodecide.stock.growth import Array

Problem = FinitePomdp | DiscreteProblem | HarvestProblem


def import_pomdp_py() -> ModuleType:
    """Return pomdp-py.

    Raises
    ------
    DependencyError
        When it is not installed.
    """
    try:
        return import_module("pomdp_py")
    except ImportError as error:
        raise DependencyError(
            "the exchange with pomdp-py needs pomdp-py, which cannot be imported: use Linux on x86-64 with Python "
            "3.11 or 3.12, for which it has wheels, and pip install 'pomdp-py>=1.3.5' (elsewhere pip has to compile "
            "it, with a C compiler); all else in ecodecide works without it"
        ) from error


class Numbers(dict[str, int]):
    """The number of each name; a name that the problem does not have is an error that says so."""

    def __init__(self, names: Sequence[str], what: str) -> None:
        super().__init__((name, i) for i, name in enumerate(names))
        self._what = what

    def __missing__(self, name: object) -> int:
        known = ", ".join(list(self)[:5])
        raise ProblemError(f"this problem has no {self._what} {name!r}; it has {len(self)}: {known}, ...")


@dataclass(frozen=True, eq=False)
class Table:
    """Probabilities of columns, given a state and an action.

    Attributes
    ----------
    rows
        Shape (r, columns), sparse with sorted columns, each row a distribution.
    place
        Shape (states, actions): the row of each. Many may share one: growth depends on the escapement alone.
    """

    rows: csr_array
    place: Index

    @classmethod
    def of_actions(cls, arrays: Sequence[csr_array]) -> Table:
        """Stack one array per action."""
        states, actions = arrays[0].shape[0], len(arrays)
        place = np.arange(states)[:, None] + states * np.arange(actions)[None, :]
        return cls(vstack(arrays, format="csr"), np.ascontiguousarray(place, dtype=np.intp))

    # plain memory, because a lookup in an array of NumPy costs several times more and planners make millions

    @cached_property
    def _row(self) -> memoryview:
        return self.place.data

    @cached_property
    def _start(self) -> list[int]:
        return [int(i) for i in self.rows.indptr]

    @cached_property
    def _column(self) -> memoryview:
        return memoryview(self.rows.indices)

    @cached_property
    def _chance(self) -> memoryview:
        return memoryview(self.rows.data)

    @cached_property
    def _cumulative(self) -> memoryview:
        total = np.empty_like(self.rows.data)
        for begin, end in zip(self._start[:-1], self._start[1:], strict=True):
            np.cumsum(self.rows.data[begin:end], out=total[begin:end])
        return memoryview(total)

    def probability(self, state: int, action: int, column: int) -> float:
        """Return P(column | state, action)."""
        row = self._row[state, action]
        end = self._start[row + 1]
        i = bisect_left(self._column, column, self._start[row], end)
        return self._chance[i] if i < end and self._column[i] == column else 0.0

    def sample(self, state: int, action: int, u: float) -> int:
        """Return the column where the cumulative probability passes u, a number in [0, 1)."""
        row = self._row[state, action]
        # the last column takes what rounding leaves between the sum and 1
        return self._column[bisect_right(self._cumulative, u, self._start[row], self._start[row + 1] - 1)]

    def likeliest(self, state: int, action: int) -> int:
        """Return the column of most probability."""
        begin, end = self._start[self._row[state, action]], self._start[self._row[state, action] + 1]
        return self._column[begin + int(np.argmax(self.rows.data[begin:end]))]

    def of_action(self, action: int) -> csr_array:
        """Return the sparse array of one action, shape (states, columns)."""
        return self.rows[self.place[:, action]]


@dataclass(frozen=True, eq=False)
class World:
    """What the models share: the names as objects of pomdp-py, and the probabilities behind them.

    Attributes
    ----------
    states, actions, observations
        pomdp-py's ``SimpleState``, ``SimpleAction`` and ``SimpleObservation``.
    transition, observation
        P(next state | state, action) and P(observation | next state, action).
    reward
        Shape (states, actions).
    initial
        Shape (states,).
    """

    states: list[Any]
    actions: list[Any]
    observations: list[Any]
    transition: Table
    observation: Table
    reward: Array
    initial: Array

    @cached_property
    def state_number(self) -> Numbers:
        """The number of each state's name."""
        return Numbers([state.data for state in self.states], "state")

    @cached_property
    def action_number(self) -> Numbers:
        """The number of each action's name."""
        return Numbers([action.name for action in self.actions], "action")

    @cached_property
    def observation_number(self) -> Numbers:
        """The number of each observation's name."""
        return Numbers([observation.data for observation in self.observations], "observation")


def finite_form(problem: Problem) -> FinitePomdp:
    """Return the finite form of a problem.

    Raises
    ------
    ProblemError
        When it is no problem.
    """
    if isinstance(problem, HarvestProblem):
        problem = discretize(problem)
    if isinstance(problem, DiscreteProblem):
        return as_finite_pomdp(problem)
    if not isinstance(problem, FinitePomdp):
        raise ProblemError(
            f"problem must be a FinitePomdp, a DiscreteProblem or a HarvestProblem, got {type(problem).__name__}"
        )
    return problem


def world_of(problem: Problem) -> World:
    """Return the world of a problem.

    Raises
    ------
    ProblemError
        When it is no problem, or its initial belief spreads over several visible classes.
    DependencyError
        When pomdp-py is not installed.
    """
    pomdp_py = import_pomdp_py()
    if isinstance(problem, HarvestProblem):
        problem = discretize(problem)
    if isinstance(problem, DiscreteProblem):
        return _harvest_world(problem, pomdp_py)
    pomdp = finite_form(problem).folded()
    return World(
        [pomdp_py.SimpleState(name) for name in pomdp.state_names],
        [pomdp_py.SimpleAction(name) for name in pomdp.action_names],
        [pomdp_py.SimpleObservation(name) for name in pomdp.observation_names],
        Table.of_actions(pomdp.transition),
        Table.of_actions(pomdp.observation),
        np.ascontiguousarray(pomdp.reward),
        pomdp.initial,
    )


def _harvest_world(arrays: DiscreteProblem, pomdp_py: ModuleType) -> World:
    """Keep the n rows of growth and of the survey, which as_finite_pomdp would repeat for each quota."""
    n = len(arrays.initial)
    points = [f"{x:.12g}" for x in arrays.grid.points]
    same = np.ascontiguousarray(np.broadcast_to(np.arange(n)[:, None], (n, n)), dtype=np.intp)
    return World(
        [pomdp_py.SimpleState(name) for name in points],
        [pomdp_py.SimpleAction(f"{q:.12g}") for q in arrays.grid.quotas],
        [pomdp_py.SimpleObservation(name) for name in points],
        Table(csr_array(arrays.kernel), np.ascontiguousarray(arrays.left)),
        Table(csr_array(arrays.observation), same),
        np.ascontiguousarray(arrays.reward, dtype=float),
        arrays.initial,
    )
