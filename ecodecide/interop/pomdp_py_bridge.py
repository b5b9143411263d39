"""Exchange with pomdp-py: its planners on our problems, and alpha vectors in both directions.

pomdp-py (Zheng & Tellex 2020, *pomdp_py: a framework to build and solve POMDP problems*, arXiv:2004.10099) holds a
problem as objects: an agent that plans with models of the world, and an environment that is the world. It brings
planners that search online, such as POUCT and POMCP (Silver & Veness 2010, NeurIPS 23:2164).

Examples
--------
A fishery, planned online for one year:

>>> import random
>>> import pomdp_py
>>> import ecodecide as eco
>>> from ecodecide.interop.pomdp_py_bridge import alpha_vectors_to_pomdp_py, to_pomdp_py
>>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
>>> grid = eco.Grid(upper=2.0, cells=10)
>>> problem = eco.HarvestProblem(stock=stock, survey=eco.NormalSurvey(sd=0.1), grid=grid, initial="uniform")
>>> fishery = to_pomdp_py(problem, seed=1)
>>> random.seed(1)
>>> planner = pomdp_py.POUCT(
...     max_depth=5, num_sims=100, discount_factor=0.95, rollout_policy=fishery.agent.policy_model
... )
>>> quota = planner.plan(fishery.agent)
>>> catch = fishery.env.state_transition(quota)
>>> survey = fishery.env.provide_observation(fishery.agent.observation_model, quota)
>>> fishery.agent.update(quota, survey)
>>> planner.update(fishery.agent, quota, survey)
>>> catch <= float(quota.name)
True

And by a policy that was solved here:

>>> policy = alpha_vectors_to_pomdp_py(eco.Pomdp(gap=0.05).solve(problem).policy)
>>> policy.plan(fishery.agent) in fishery.agent.all_actions
True
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from ecodecide.decision.discretize import DiscreteProblem, discretize
from ecodecide.decision.finite_pomdp import FinitePomdp, Index, as_finite_pomdp
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EcodecideError, PolicyError, ProblemError
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.stock.growth import Array

Problem = FinitePomdp | DiscreteProblem | HarvestProblem


def to_pomdp_py(problem: Problem, particles: int | None = None, seed: int | None = None) -> Any:
    """Return a problem as pomdp-py's agent and environment.

    States, actions and observations are pomdp-py's ``SimpleState``, ``SimpleAction`` and ``SimpleObservation`` of
    our names; the models give exact probabilities and draw from sparse rows. Where states are visible, an
    observation is the pair of class and observation, as in `FinitePomdp.folded`. The agent's
    ``update(action, observation)`` extends its history and updates a histogram belief exactly (Bayes); a belief of
    particles it leaves to the planner, as POMCP expects.

    Parameters
    ----------
    problem
        Any finite problem, or a harvest problem, which is discretized on its grid.
    particles
        How many particles the belief is made of, for planners such as POMCP; None for exact probabilities. The
        first ones are spread over the initial belief as evenly as their number allows, without chance.
    seed
        Fixes the luck of the environment (its hidden first state, its moves, what is observed), whatever a planner
        draws meanwhile: two policies with the same seed meet the same luck. None: Python's ``random``, from which
        pomdp-py's planners and the agent's models always draw, so that ``random.seed`` fixes a whole run.

    Returns
    -------
    pomdp_py.POMDP
        With ``agent`` and ``env``. The discount is not part of it in pomdp-py: give it to the planner.

    Raises
    ------
    ProblemError
        When `problem` is none of these, `particles` is not positive, or the initial belief spreads over several
        visible classes.
    EcodecideError
        When pomdp-py is not installed.

    Notes
    -----
    POMCP stops with a ValueError, particle deprivation, when an observation comes that none of its simulations met:
    give it more simulations, or set a belief of new particles and the agent's ``tree`` to None. The exact values
    of ``pomdp_py.value`` hold for any horizon; its class ``ValueIteration`` (release 1.3.5) raises the discount of
    each level to the power of its depth, and so is exact for horizons of one and two steps alone.

    Examples
    --------
    >>> import numpy as np
    >>> stay, see = np.eye(2), np.array([[0.9, 0.1], [0.2, 0.8]])
    >>> pomdp = FinitePomdp(
    ...     transition=(stay, stay),
    ...     observation=(see, see),
    ...     reward=np.array([[1.0, 0.0], [0.0, 1.0]]),
    ...     discount=0.9,
    ...     initial=np.array([0.5, 0.5]),
    ...     state_names=("left", "right"),
    ... )
    >>> agent = to_pomdp_py(pomdp).agent
    >>> left, right = agent.all_states
    >>> agent.transition_model.probability(left, left, agent.all_actions[0])
    1.0
    >>> agent.update(agent.all_actions[0], agent.all_observations[0])
    >>> round(agent.belief[left], 4)  # 0.9 / (0.9 + 0.2)
    0.8182
    """
    pomdp_py = _pomdp_py()
    if particles is not None and particles < 1:
        raise ProblemError(f"particles must be a number of at least 1 or None, got {particles}")
    world = _world(problem, pomdp_py)
    luck = random if seed is None else random.Random(seed)
    initial = _distribution(world.states, world.initial, pomdp_py)
    belief = initial if particles is None else _particles(world, particles, pomdp_py)
    agent = _class(_Agent, pomdp_py.Agent)(
        belief,
        _class(_PolicyModel, pomdp_py.RolloutPolicy)(world),
        _class(_TransitionModel, pomdp_py.TransitionModel)(world, random),
        _class(_ObservationModel, pomdp_py.ObservationModel)(world, random),
        _class(_RewardModel, pomdp_py.RewardModel)(world),
    )
    agent.world = world
    environment = _class(_Environment, pomdp_py.Environment)(
        initial.random(rnd=luck),
        _class(_TransitionModel, pomdp_py.TransitionModel)(world, luck),
        _class(_RewardModel, pomdp_py.RewardModel)(world),
    )
    environment.observation_model = _class(_ObservationModel, pomdp_py.ObservationModel)(world, luck)
    return pomdp_py.POMDP(agent, environment, name="ecodecide")


def alpha_vectors_to_pomdp_py(policy: AlphaVectors | BeliefPolicy) -> Any:
    """Return alpha vectors as pomdp-py's ``AlphaVectorPolicy``.

    It plans for an agent of `to_pomdp_py`, and for any agent whose belief is over ``SimpleState`` of the same names.
    A vector for one visible class is filled up on the states of the others with a value below all that the vectors
    hold: actions and values are the same at every belief within one class, which is all that can be met; elsewhere
    the value is still a lower bound, but a lesser one than `AlphaVectors.value`.

    Parameters
    ----------
    policy
        Alpha vectors of a finite problem, or the policy of `ecodecide.Pomdp`.

    Returns
    -------
    pomdp_py.AlphaVectorPolicy

    Raises
    ------
    PolicyError
        When `policy` has no alpha vectors.
    EcodecideError
        When pomdp-py is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> stay, see = np.eye(2), np.full((2, 2), 0.5)
    >>> pomdp = FinitePomdp((stay, stay), (see, see), np.eye(2), 0.9, np.array([0.3, 0.7]))
    >>> policy = AlphaVectors(pomdp, 10.0 * np.eye(2), np.array([0, 1]))
    >>> agent = to_pomdp_py(pomdp).agent
    >>> theirs = alpha_vectors_to_pomdp_py(policy)
    >>> theirs.plan(agent).name, float(theirs.value(agent.belief))
    ('1', 7.0)
    """
    pomdp_py = _pomdp_py()
    if isinstance(policy, BeliefPolicy):
        policy = AlphaVectors(as_finite_pomdp(policy.arrays), policy.vectors, policy.actions)
    if not isinstance(policy, AlphaVectors):
        raise PolicyError(
            f"policy must be AlphaVectors or the policy of ecodecide.Pomdp, got {type(policy).__name__}"
        )
    pomdp = policy.pomdp
    actions = [pomdp_py.SimpleAction(name) for name in pomdp.action_names]
    chosen = [actions[a] for a in policy.actions]
    alphas = list(zip(_on_all_states(policy), chosen, strict=True))
    return pomdp_py.AlphaVectorPolicy(alphas, [pomdp_py.SimpleState(name) for name in pomdp.state_names])


def alpha_vectors_from_pomdp_py(policy: Any, problem: Problem) -> AlphaVectors:
    """Return the ``AlphaVectorPolicy`` of pomdp-py, such as its interface to SARSOP makes, as our alpha vectors.

    States and actions are told by their names (``str``), in whatever order pomdp-py holds them. Where states are
    visible, each class keeps the part of each vector that concerns it, but for parts that another vector beats in
    every state.

    Parameters
    ----------
    policy
        A ``pomdp_py.AlphaVectorPolicy``, or whatever has its ``states`` and its ``alphas``, pairs of (vector, action).
    problem
        What the vectors solve.

    Returns
    -------
    AlphaVectors

    Raises
    ------
    PolicyError
        When the policy is not such, or its states, actions or the length of a vector do not fit the problem.

    Examples
    --------
    >>> import numpy as np
    >>> stay, see = np.eye(2), np.full((2, 2), 0.5)
    >>> pomdp = FinitePomdp((stay, stay), (see, see), np.eye(2), 0.9, np.array([0.3, 0.7]))
    >>> policy = AlphaVectors(pomdp, 10.0 * np.eye(2), np.array([0, 1]))
    >>> alpha_vectors_from_pomdp_py(alpha_vectors_to_pomdp_py(policy), pomdp).best(pomdp.initial)
    (1, 7.0)
    """
    if not (hasattr(policy, "alphas") and hasattr(policy, "states")):
        raise PolicyError(f"policy must be a pomdp_py.AlphaVectorPolicy, got {type(policy).__name__}")
    pomdp = _finite(problem)
    theirs = [str(state) for state in policy.states]
    if sorted(theirs) != sorted(pomdp.state_names):
        raise PolicyError(
            f"the policy is for {len(theirs)} states ({theirs[0] if theirs else 'none'}, ...), the problem has "
            f"{pomdp.states} ({pomdp.state_names[0]}, ...): give the problem that it solves"
        )
    wrong = [len(vector) for vector, _ in policy.alphas if len(vector) != pomdp.states]
    if wrong or not policy.alphas:
        found = f"one of {wrong[0]}" if wrong else "no vector"
        raise PolicyError(f"each alpha vector must have {pomdp.states} values, one per state; got {found}")
    place = {name: i for i, name in enumerate(theirs)}
    order = [place[name] for name in pomdp.state_names]
    vectors = np.array([vector for vector, _ in policy.alphas], dtype=float)[:, order]
    return _by_class(pomdp, vectors, _action_numbers(policy, pomdp))


def _action_numbers(policy: Any, pomdp: FinitePomdp) -> Index:
    number = {name: a for a, name in enumerate(pomdp.action_names)}
    unknown = [str(action) for _, action in policy.alphas if str(action) not in number]
    if unknown:
        raise PolicyError(
            f"the policy takes the action {unknown[0]!r}, which the problem has not: it has "
            f"{', '.join(pomdp.action_names[:5])}{', ...' if pomdp.actions > 5 else ''}"
        )
    return np.array([number[str(action)] for _, action in policy.alphas], dtype=np.intp)


def _on_all_states(policy: AlphaVectors) -> Array:
    """Return the vectors on all states, shape (k, states), low where they are not meant for a state."""
    pomdp = policy.pomdp
    if len(pomdp.members) == 1:
        return np.array(policy.vectors, dtype=float)
    least = float(np.min(policy.vectors))
    # strictly below every vector: one of another class never ties with the belief's own, and where a belief
    # spreads over classes the value stays a lower bound
    whole = np.full((len(policy.actions), pomdp.states), least - (1.0 + abs(least)))
    for c, states in enumerate(pomdp.members):
        rows = np.flatnonzero(policy.classes == c)
        whole[np.ix_(rows, states)] = policy.vectors[rows, : len(states)]
    return whole


def _by_class(pomdp: FinitePomdp, vectors: Array, actions: Index) -> AlphaVectors:
    """Cut vectors on all states up by visible class."""
    if len(pomdp.members) == 1:
        return AlphaVectors(pomdp, vectors, actions)
    largest = max(len(states) for states in pomdp.members)
    cut, taken, classes = [], [], []
    for c, states in enumerate(pomdp.members):
        part = vectors[:, states]
        worth = part.max(axis=1) >= part.min(axis=1).max()
        cut.append(np.pad(part[worth], ((0, 0), (0, largest - len(states)))))
        taken.append(actions[worth])
        classes.append(np.full(int(worth.sum()), c, dtype=np.intp))
    return AlphaVectors(pomdp, np.vstack(cut), np.concatenate(taken), np.concatenate(classes))


def _pomdp_py() -> ModuleType:
    try:
        return import_module("pomdp_py")
    except ImportError as error:
        raise EcodecideError(
            "the exchange with pomdp-py needs pomdp-py, which cannot be imported: use Linux on x86-64 with Python "
            "3.11 or 3.12, for which it has wheels, and pip install 'pomdp-py>=1.3.5' (elsewhere pip has to compile "
            "it, with a C compiler); all else in ecodecide works without it"
        ) from error


def _finite(problem: Problem) -> FinitePomdp:
    if isinstance(problem, HarvestProblem):
        problem = discretize(problem)
    if isinstance(problem, DiscreteProblem):
        return as_finite_pomdp(problem)
    if not isinstance(problem, FinitePomdp):
        raise ProblemError(
            f"problem must be a FinitePomdp, a DiscreteProblem or a HarvestProblem, got {type(problem).__name__}"
        )
    return problem


# --- the problem behind the models ---


class _Numbers(dict[str, int]):
    """The number of each name; a name that the problem does not have is an error that says so."""

    def __init__(self, names: Sequence[str], what: str) -> None:
        super().__init__((name, i) for i, name in enumerate(names))
        self._what = what

    def __missing__(self, name: object) -> int:
        known = ", ".join(list(self)[:5])
        raise ProblemError(f"this problem has no {self._what} {name!r}; it has {len(self)}: {known}, ...")


@dataclass(frozen=True, eq=False)
class _Table:
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
    def of_actions(cls, arrays: Sequence[csr_array]) -> _Table:
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
class _World:
    """What the models share: the names as objects of pomdp-py, and the probabilities behind them."""

    states: list[Any]
    actions: list[Any]
    observations: list[Any]
    transition: _Table
    observation: _Table
    reward: Array
    initial: Array

    @cached_property
    def state_number(self) -> _Numbers:
        return _Numbers([state.data for state in self.states], "state")

    @cached_property
    def action_number(self) -> _Numbers:
        return _Numbers([action.name for action in self.actions], "action")

    @cached_property
    def observation_number(self) -> _Numbers:
        return _Numbers([observation.data for observation in self.observations], "observation")


def _world(problem: Problem, pomdp_py: ModuleType) -> _World:
    if isinstance(problem, HarvestProblem):
        problem = discretize(problem)
    if isinstance(problem, DiscreteProblem):
        return _harvest_world(problem, pomdp_py)
    pomdp = _finite(problem).folded()
    return _World(
        [pomdp_py.SimpleState(name) for name in pomdp.state_names],
        [pomdp_py.SimpleAction(name) for name in pomdp.action_names],
        [pomdp_py.SimpleObservation(name) for name in pomdp.observation_names],
        _Table.of_actions(pomdp.transition),
        _Table.of_actions(pomdp.observation),
        np.ascontiguousarray(pomdp.reward),
        pomdp.initial,
    )


def _harvest_world(arrays: DiscreteProblem, pomdp_py: ModuleType) -> _World:
    """Keep the n rows of growth and of the survey, which as_finite_pomdp would repeat for each quota."""
    n = len(arrays.initial)
    points = [f"{x:.12g}" for x in arrays.grid.points]
    same = np.ascontiguousarray(np.broadcast_to(np.arange(n)[:, None], (n, n)), dtype=np.intp)
    return _World(
        [pomdp_py.SimpleState(name) for name in points],
        [pomdp_py.SimpleAction(f"{q:.12g}") for q in arrays.grid.quotas],
        [pomdp_py.SimpleObservation(name) for name in points],
        _Table(csr_array(arrays.kernel), np.ascontiguousarray(arrays.left)),
        _Table(csr_array(arrays.observation), same),
        np.ascontiguousarray(arrays.reward, dtype=float),
        arrays.initial,
    )


def _distribution(states: Sequence[Any], belief: Array, pomdp_py: ModuleType) -> Any:
    return pomdp_py.Histogram(dict(zip(states, belief.tolist(), strict=True)))


def _particles(world: _World, count: int, pomdp_py: ModuleType) -> Any:
    levels = (np.arange(count) + 0.5) / count
    cumulative = np.cumsum(world.initial)
    where = np.searchsorted(cumulative / cumulative[-1], levels, side="right")
    return pomdp_py.Particles([world.states[i] for i in where])


# --- the models: written here without pomdp-py, and joined with its base classes when it is first needed ---


@cache
def _class(ours: type, base: type) -> Any:
    return type(ours.__name__.lstrip("_"), (ours, base), {"__module__": __name__})


class _TransitionModel:
    """T(s, a, s')."""

    def __init__(self, world: _World, luck: Any) -> None:
        self._world, self._luck = world, luck

    def probability(self, next_state: Any, state: Any, action: Any) -> float:
        number = self._world.state_number
        return self._world.transition.probability(
            number[state.data], self._world.action_number[action.name], number[next_state.data]
        )

    def sample(self, state: Any, action: Any) -> Any:
        world = self._world
        s, a = world.state_number[state.data], world.action_number[action.name]
        return world.states[world.transition.sample(s, a, self._luck.random())]

    def argmax(self, state: Any, action: Any) -> Any:
        world = self._world
        s, a = world.state_number[state.data], world.action_number[action.name]
        return world.states[world.transition.likeliest(s, a)]

    def get_all_states(self) -> list[Any]:
        return list(self._world.states)


class _ObservationModel:
    """O(s', a, o)."""

    def __init__(self, world: _World, luck: Any) -> None:
        self._world, self._luck = world, luck

    def probability(self, observation: Any, next_state: Any, action: Any) -> float:
        world = self._world
        s, a = world.state_number[next_state.data], world.action_number[action.name]
        return world.observation.probability(s, a, world.observation_number[observation.data])

    def sample(self, next_state: Any, action: Any) -> Any:
        world = self._world
        s, a = world.state_number[next_state.data], world.action_number[action.name]
        return world.observations[world.observation.sample(s, a, self._luck.random())]

    def argmax(self, next_state: Any, action: Any) -> Any:
        world = self._world
        s, a = world.state_number[next_state.data], world.action_number[action.name]
        return world.observations[world.observation.likeliest(s, a)]

    def get_all_observations(self) -> list[Any]:
        return list(self._world.observations)


class _RewardModel:
    """R(s, a), without chance."""

    def __init__(self, world: _World) -> None:
        self._world, self._reward = world, world.reward.data

    def sample(self, state: Any, action: Any, next_state: Any = None) -> float:
        world = self._world
        return float(self._reward[world.state_number[state.data], world.action_number[action.name]])

    def argmax(self, state: Any, action: Any, next_state: Any = None) -> float:
        return self.sample(state, action)

    def probability(self, reward: float, state: Any, action: Any, next_state: Any = None) -> float:
        return float(reward == self.sample(state, action))


class _PolicyModel:
    """Every action with the same probability in every state; serves as a random rollout too."""

    def __init__(self, world: _World) -> None:
        self._world = world

    def probability(self, action: Any, state: Any) -> float:
        return 1.0 / len(self._world.actions) if action.name in self._world.action_number else 0.0

    def sample(self, state: Any) -> Any:
        return random.choice(self._world.actions)

    def rollout(self, state: Any, history: Any = None) -> Any:
        return random.choice(self._world.actions)

    def get_all_actions(self, state: Any = None, history: Any = None) -> list[Any]:
        return list(self._world.actions)


class _Environment:
    """A world that draws what is observed by its own luck, not by that of the agent's model."""

    observation_model: Any
    state: Any

    def provide_observation(self, observation_model: Any, action: Any) -> Any:
        if isinstance(observation_model, _ObservationModel):
            observation_model = self.observation_model
        return observation_model.sample(self.state, action)


class _Agent:
    """An agent that updates a histogram belief exactly."""

    world: _World
    belief: Mapping[Any, float]
    update_history: Any
    set_belief: Any

    def update(self, real_action: Any, real_observation: Any) -> None:
        pomdp_py = _pomdp_py()
        if isinstance(self.belief, pomdp_py.Histogram):
            after = self._after(real_action, real_observation)
            self.set_belief(_distribution(self.world.states, after, pomdp_py))
        self.update_history(real_action, real_observation)

    def _after(self, action: Any, observation: Any) -> Array:
        world = self.world
        a, o = world.action_number[action.name], world.observation_number[observation.data]
        before = np.array([self.belief[state] for state in world.states])
        seen = world.observation.of_action(a)[:, [o]].toarray().ravel()
        after = (before @ world.transition.of_action(a)) * seen
        total = float(after.sum())
        if total <= 0.0:
            raise ProblemError(
                f"observation {observation.data!r} has no probability after action {action.name!r} from this belief"
            )
        return np.asarray(after / total, dtype=float)
