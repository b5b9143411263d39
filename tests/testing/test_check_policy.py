"""What conforms passes, and each law that is broken is named."""

from typing import Any

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import ConformanceError
from ecodecide.policy.rules import ConstantRate, Ramp, RulePolicy, SeriesPolicy, TwoOverThree
from ecodecide.testing import check_policy


def test_ours_conform() -> None:
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.1))
    problem = eco.HarvestProblem(stock=stock, survey=eco.NormalSurvey(sd=0.1), grid=eco.Grid(2.0, 30))
    for solver in (eco.OptimalControl(), eco.Pomdp(gap=0.05), eco.Precautionary("tac")):
        check_policy(solver.solve(problem).policy)
    check_policy(RulePolicy(Ramp(0.3, 0.1, 0.4), 1.0, cap=0.2, delay=1))
    check_policy(SeriesPolicy(TwoOverThree(), last=0.1, surveys=(1.0, 0.8), interval=2))


class Policy:
    """A policy that is right, for tests to break in one place."""

    def start(self, replicates: int) -> Any:
        return np.full((replicates, 1), 0.5)

    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        seen = np.where(np.isnan(observed), memory[:, 0], observed)
        return 0.1 * seen, seen[:, None]


class NoSurvey(Policy):
    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        return 0.1 * observed, memory


class OneNumber(Policy):
    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        return 0.1, memory


class Chance(Policy):
    rng = np.random.default_rng(1)

    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        return self.rng.random(len(observed)), memory


class Remembers(Policy):
    years = 0

    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        self.years += 1
        return np.full(len(observed), 0.01 * self.years), memory


class Mean(Policy):
    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        return np.full(len(observed), 0.1 * np.nanmean(np.append(observed, 0.5))), memory


class Scribbles(Policy):
    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        observed[np.isnan(observed)] = 0.5
        return 0.1 * observed, memory


class OverMemory(Policy):
    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        memory[:, 0] = np.where(np.isnan(observed), memory[:, 0], observed)
        return 0.1 * memory[:, 0], memory


class OverCatch(Policy):
    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        if caught is not None:
            caught += 0.1
        return np.full(len(observed), 0.1), memory


class Short(Policy):
    def start(self, replicates: int) -> Any:
        return [0.5] * replicates


class Grows(Policy):
    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        return np.full(len(observed), 0.1), np.zeros((2, len(observed)))


class Negative(Policy):
    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        return np.full(len(observed), -0.1), memory


def test_it_is_right_before_it_is_broken() -> None:
    check_policy(Policy())
    check_policy(RulePolicy(ConstantRate(0.1), 0.5))


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (object(), "no method start, decide"),
        (NoSurvey(), r"with a missing survey\) gave nan"),
        (OneNumber(), r"of shape \(\), expected numbers of shape \(12,\)"),
        (Chance(), "has no chance in it"),
        (Remembers(), "keeps what it remembers in the memory"),
        (Mean(), "for each replicate by itself"),
        (Scribbles(), "changed `observed`"),
        (OverMemory(), "changed the memory it was given"),
        (OverCatch(), "changed `caught`"),
        (Short(), r"start\(12\) returned the memory list"),
        (Grows(), "whose first axis has 12 replicates"),
        (Negative(), "gave -0.1, expected finite numbers of at least 0"),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else "",
)
def test_what_is_broken_is_named(policy: Any, words: str) -> None:
    with pytest.raises(ConformanceError, match=words):
        check_policy(policy)
