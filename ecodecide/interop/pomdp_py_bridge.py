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
from typing import Any

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp, Index, as_finite_pomdp
from ecodecide.errors import PolicyError, ProblemError
from ecodecide.interop.class_vectors import by_class, on_all_states
from ecodecide.interop.pomdp_py_models import agent_of, environment_of, histogram
from ecodecide.interop.pomdp_py_models import particles as particles_of
from ecodecide.interop.pomdp_py_world import Problem, finite_form, import_pomdp_py, world_of
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.policy.belief_policy import BeliefPolicy


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
    DependencyError
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
    pomdp_py = import_pomdp_py()
    if particles is not None and particles < 1:
        raise ProblemError(f"particles must be a number of at least 1 or None, got {particles}")
    world = world_of(problem)
    luck = random if seed is None else random.Random(seed)
    belief = histogram(world, world.initial) if particles is None else particles_of(world, particles)
    return pomdp_py.POMDP(agent_of(world, belief), environment_of(world, luck), name="ecodecide")


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
    DependencyError
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
    pomdp_py = import_pomdp_py()
    if isinstance(policy, BeliefPolicy):
        policy = AlphaVectors(as_finite_pomdp(policy.arrays), policy.vectors, policy.actions)
    if not isinstance(policy, AlphaVectors):
        raise PolicyError(
            f"policy must be AlphaVectors or the policy of ecodecide.Pomdp, got {type(policy).__name__}"
        )
    pomdp = policy.pomdp
    actions = [pomdp_py.SimpleAction(name) for name in pomdp.action_names]
    chosen = [actions[a] for a in policy.actions]
    least = float(np.min(policy.vectors))
    # strictly below every vector: one of another class never ties with the belief's own, and where a belief
    # spreads over classes the value stays a lower bound
    vectors = on_all_states(policy, least - (1.0 + abs(least)))
    alphas = list(zip(vectors, chosen, strict=True))
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
    pomdp = finite_form(problem)
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
    # a part is kept that is, in some state, worth no less than the best of all parts is worth in every state
    return by_class(
        pomdp,
        vectors,
        _action_numbers(policy, pomdp),
        lambda part: part.max(axis=1) >= part.min(axis=1).max(),
    )


def _action_numbers(policy: Any, pomdp: FinitePomdp) -> Index:
    number = {name: a for a, name in enumerate(pomdp.action_names)}
    unknown = [str(action) for _, action in policy.alphas if str(action) not in number]
    if unknown:
        raise PolicyError(
            f"the policy takes the action {unknown[0]!r}, which the problem has not: it has "
            f"{', '.join(pomdp.action_names[:5])}{', ...' if pomdp.actions > 5 else ''}"
        )
    return np.array([number[str(action)] for _, action in policy.alphas], dtype=np.intp)
