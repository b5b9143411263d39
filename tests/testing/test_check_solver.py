"""What conforms passes, and each promise that is broken is named."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import ConformanceError
from ecodecide.policy.rules import ConstantRate, RulePolicy
from ecodecide.testing import check_solver
from ecodecide.testing.solver import _problem


@pytest.mark.parametrize("solver", [eco.OptimalControl(), eco.Pomdp(gap=0.02), eco.Precautionary("40-10")])
def test_ours_conform(solver: Any) -> None:
    check_solver(solver)


class Solver:
    """A solver that is right, for tests to break in one place; its bounds are those of the POMDP core."""

    policy: Any = RulePolicy(ConstantRate(0.25), 0.5)
    changes: Any = MappingProxyType({})

    def solve(self, problem: Any) -> Any:
        # a quarter of the stock earns 3.3 here; no policy more than 3.6
        solution = eco.Solution(self.policy, "by hand", lower=3.0, upper=3.7, settings={"rate": 0.25})
        return replace(solution, **self.changes)


def broken(**changes: Any) -> Any:
    return type("Broken", (Solver,), {"changes": changes})()


class NoSolution(Solver):
    def solve(self, problem: Any) -> Any:
        return self.policy


class Changes(Solver):
    def solve(self, problem: Any) -> Any:
        object.__setattr__(problem, "grid", eco.Grid(3.0, 10))
        return super().solve(problem)


class Chance(Solver):
    rng = np.random.default_rng(1)

    def solve(self, problem: Any) -> Any:
        return replace(super().solve(problem), policy=RulePolicy(ConstantRate(self.rng.random()), 0.5))


def test_it_is_right_before_it_is_broken() -> None:
    check_solver(Solver())


@pytest.mark.parametrize(
    ("solver", "words"),
    [
        (object(), "no method solve"),
        (NoSolution(), "returned a RulePolicy, expected an ecodecide.Solution"),
        (Changes(), "changed the problem"),
        (Chance(), "twice gave two policies"),
        (broken(status=" "), "status is ' '"),
        (broken(settings={"law": eco.Logistic}), "settings are not plain values"),
        (broken(lower=3.8), "lower bound 3.8 is above the upper bound 3.7"),
        (broken(lower=3.6), "earns .* and its lower bound is 3.6"),
        (broken(lower=2.0, upper=3.0), "earns .* and the upper bound is 3: no policy"),
        (broken(policy=object()), "object has no method start, decide"),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else "",
)
def test_what_is_broken_is_named(solver: Any, words: str) -> None:
    with pytest.raises(ConformanceError, match=words):
        check_solver(solver)


def test_a_problem_of_ones_own() -> None:
    problem = replace(_problem(), grid=eco.Grid(2.5, 40), initial=0.7)
    check_solver(eco.OptimalControl(), problem)
