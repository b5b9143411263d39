"""Agents and environments of pomdp-py.

Their classes are written here without pomdp-py, and joined with its base classes when they are first needed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from ecodecide.errors import ProblemError
from ecodecide.interop.pomdp_py_world import World, import_pomdp_py
from ecodecide.stock.growth import Array


def agent_of(world: World, belief: Any) -> Any:
    """Return an agent of pomdp-py that holds a belief and plans with models of a world."""
    pomdp_py = import_pomdp_py()
    agent = _class(_Agent, pomdp_py.Agent)(
        belief,
        _class(_PolicyModel, pomdp_py.RolloutPolicy)(world),
        _class(_TransitionModel, pomdp_py.TransitionModel)(world, random),
        _class(_ObservationModel, pomdp_py.ObservationModel)(world, random),
        _class(_RewardModel, pomdp_py.RewardModel)(world),
    )
    agent.world = world
    return agent


def environment_of(world: World, luck: Any) -> Any:
    """Return an environment of pomdp-py; `luck`, Python's ``random`` or a ``Random``, draws all that happens in it."""
    pomdp_py = import_pomdp_py()
    environment = _class(_Environment, pomdp_py.Environment)(
        histogram(world, world.initial).random(rnd=luck),
        _class(_TransitionModel, pomdp_py.TransitionModel)(world, luck),
        _class(_RewardModel, pomdp_py.RewardModel)(world),
    )
    environment.observation_model = _class(_ObservationModel, pomdp_py.ObservationModel)(world, luck)
    return environment


def histogram(world: World, belief: Array) -> Any:
    """Return a belief, shape (states,), as a ``Histogram`` of pomdp-py."""
    return import_pomdp_py().Histogram(dict(zip(world.states, belief.tolist(), strict=True)))


def particles(world: World, count: int) -> Any:
    """Return ``Particles`` of pomdp-py, spread over the initial belief as evenly as their number allows."""
    levels = (np.arange(count) + 0.5) / count
    cumulative = np.cumsum(world.initial)
    where = np.searchsorted(cumulative / cumulative[-1], levels, side="right")
    return import_pomdp_py().Particles([world.states[i] for i in where])


@cache
def _class(ours: type, base: type) -> Any:
    return type(ours.__name__.lstrip("_"), (ours, base), {"__module__": __name__})


class _TransitionModel:
    """T(s, a, s')."""

    def __init__(self, world: World, luck: Any) -> None:
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

    def __init__(self, world: World, luck: Any) -> None:
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

    def __init__(self, world: World) -> None:
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

    def __init__(self, world: World) -> None:
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

    world: World
    belief: Mapping[Any, float]
    update_history: Any
    set_belief: Any

    def update(self, real_action: Any, real_observation: Any) -> None:
        if isinstance(self.belief, import_pomdp_py().Histogram):
            self.set_belief(histogram(self.world, self._after(real_action, real_observation)))
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
