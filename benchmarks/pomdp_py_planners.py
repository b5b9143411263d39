"""Our policy beside the online planners of pomdp-py, on one fishery: time per decision, and what is earned.

All meet the same luck: episode i is the same world for each. A decision's time is that of choosing a quota and of
taking in the survey that follows; the policy's solve, which is done once, is told apart.

    python benchmarks/pomdp_py_planners.py --cells 20
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pomdp_py
from rich.console import Console
from rich.table import Table

import ecodecide as eco
from ecodecide.decision.finite_pomdp import as_finite_pomdp
from ecodecide.interop.pomdp_py_bridge import to_pomdp_py
from ecodecide.policy.alpha_vectors import AlphaVectors

DEPTH = 10
"""How many years the planners look ahead."""


class OurPolicy:
    """The alpha vectors of `ecodecide.Pomdp`, at the agent's belief."""

    def __init__(self, solution: eco.Solution, agent: Any) -> None:
        policy: Any = solution.policy
        self._vectors = AlphaVectors(as_finite_pomdp(policy.arrays), policy.vectors, policy.actions)
        self._states, self._actions = agent.all_states, agent.all_actions

    def plan(self, agent: Any) -> Any:
        belief = np.array([agent.belief[state] for state in self._states])
        return self._actions[self._vectors.best(belief)[0]]

    def update(self, agent: Any, action: Any, observation: Any) -> None:
        pass


class RandomQuotas:
    """Any quota: what planning is to be measured against."""

    def plan(self, agent: Any) -> Any:
        return agent.policy_model.sample(None)

    def update(self, agent: Any, action: Any, observation: Any) -> None:
        pass


class RestartedPomcp:
    """POMCP that goes on from the exact belief when a survey comes that none of its simulations met."""

    def __init__(self, planner: Any, exact: Any, particles: int) -> None:
        self._planner, self._exact, self._particles = planner, exact, particles

    def plan(self, agent: Any) -> Any:
        return self._planner.plan(agent)

    def update(self, agent: Any, action: Any, observation: Any) -> None:
        self._exact.update(action, observation)
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints a line at each update
                self._planner.update(agent, action, observation)
        except ValueError:
            particles = pomdp_py.Particles.from_histogram(self._exact.belief, num_particles=self._particles)
            agent.set_belief(particles)
            agent.tree = None


def fishery(cells: int, discount: float) -> eco.HarvestProblem:
    return eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15)),
        survey=eco.NormalSurvey(sd=0.1),
        economy=eco.Economy(discount=discount),
        grid=eco.Grid(upper=2.0, cells=cells),
        initial=1.0,
    )


def planner_of(name: str, agent: Any, exact: Any, solution: eco.Solution, given: argparse.Namespace) -> Any:
    if name == "ecodecide":
        return OurPolicy(solution, agent)
    if name == "random":
        return RandomQuotas()
    search = {"POUCT": pomdp_py.POUCT, "POMCP": pomdp_py.POMCP}[name](
        max_depth=DEPTH,
        num_sims=given.simulations,
        discount_factor=given.discount,
        exploration_const=0.5,
        rollout_policy=agent.policy_model,
    )
    return search if name == "POUCT" else RestartedPomcp(search, exact, given.simulations)


def episode(arrays: Any, name: str, seed: int, given: argparse.Namespace, make: Callable[..., Any]) -> Any:
    """Return the discounted return of one world, and the seconds per decision."""
    random.seed(seed)
    world = to_pomdp_py(arrays, particles=given.simulations if name == "POMCP" else None, seed=seed)
    agent, env = world.agent, world.env
    planner = make(name, agent, to_pomdp_py(arrays).agent)
    earned = spent = 0.0
    for year in range(given.years):
        begin = time.perf_counter()
        quota = planner.plan(agent)
        spent += time.perf_counter() - begin
        earned += given.discount**year * env.state_transition(quota)
        survey = env.provide_observation(agent.observation_model, quota)
        begin = time.perf_counter()
        agent.update(quota, survey)
        planner.update(agent, quota, survey)
        spent += time.perf_counter() - begin
    return earned, spent / given.years


def compare(given: argparse.Namespace) -> tuple[eco.Solution, dict[str, Any]]:
    problem = fishery(given.cells, given.discount)
    arrays = eco.discretize(problem)
    solution = eco.Pomdp(gap=0.01, seconds=given.seconds).solve(problem)

    def make(name: str, agent: Any, exact: Any) -> Any:
        return planner_of(name, agent, exact, solution, given)

    found = {}
    for name in ("ecodecide", "POUCT", "POMCP", "random"):
        lived = [episode(arrays, name, given.seed + i, given, make) for i in range(given.episodes)]
        found[name] = np.array(lived).T
    return solution, found


def rows_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the time per decision and the return of each planner, beside ours, with standard errors."""
    ours, our_time = found["ecodecide"][0], found["ecodecide"][1].mean()
    return [
        {
            "planner": name,
            "milliseconds": float(1e3 * spent.mean()),
            "x ours": float(spent.mean() / our_time),
            "return": float(earned.mean()),
            "return_error": error_of(earned),
            "return x ours": float(earned.mean() / ours.mean()),
            "ours less it": float((ours - earned).mean()),
            "ours less it, error": error_of(ours - earned),
        }
        for name, (earned, spent) in found.items()
    ]


def table_of(found: dict[str, Any], given: argparse.Namespace) -> Table:
    table = Table(
        title=f"{given.cells} cells, {given.years} years, {given.episodes} episodes, "
        f"{given.simulations} simulations a decision"
    )
    heads = ("", "ms each", "x ours", "mean return", "x ours", "ours less it")
    for i, head in enumerate(heads):
        table.add_column(head, justify="right" if i else "left", no_wrap=True)
    for row in rows_of(found):
        name, less, error = row["planner"], row["ours less it"], row["ours less it, error"]
        table.add_row(
            name,
            f"{row['milliseconds']:.3g}",
            f"{row['x ours']:.3g}",
            f"{row['return']:.3f} ± {row['return_error']:.3f}",
            f"{row['return x ours']:.3f}",
            "" if name == "ecodecide" else f"{less:.3f} ± {error:.3f}",
        )
    return table


def error_of(value: Any) -> float:
    return float(value.std(ddof=1) / np.sqrt(len(value)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=20, help="cells of the grid (default 20)")
    parser.add_argument("--episodes", type=int, default=24, help="worlds, the same for each (default 24)")
    parser.add_argument("--years", type=int, default=20, help="years of each world (default 20)")
    parser.add_argument("--simulations", type=int, default=200, help="of a planner's decision (default 200)")
    parser.add_argument("--discount", type=float, default=0.95, help="yearly factor (default 0.95)")
    parser.add_argument("--seconds", type=float, default=30.0, help="limit of our solve (default 30)")
    parser.add_argument("--seed", type=int, default=1, help="of the first episode (default 1)")
    given = parser.parse_args()
    solution, found = compare(given)
    console = Console()
    console.print(table_of(found, given))
    console.print(
        "ms each: milliseconds per decision; ours less it: paired by world; ± one standard error. "
        f"Our policy was solved once, in {solution.seconds:.1f} s (more where kernels are compiled first): "
        f"value {solution.lower:.4f} to {solution.upper:.4f} over all years, of which {given.years} were lived."
    )


if __name__ == "__main__":
    main()
