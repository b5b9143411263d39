"""Policies as Datasets: every kind comes back and decides the same, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import ecodecide as eco
from ecodecide.errors import PolicyError
from ecodecide.policy import rules
from ecodecide.policy.policy_dataset import policy_dataset, policy_of
from ecodecide.policy.rules import RulePolicy, SeriesPolicy
from ecodecide.policy.surface import SurfacePolicy
from ecodecide.policy.table import NearestPointPolicy, TablePolicy

POINTS = np.array([0.0, 0.3, 1.1, 2.0])
QUOTAS = np.array([0.0, 0.1, 1.0 / 3.0, 0.9])
LEVELS = np.array([0.5, 1.5])
SURFACE: dict[str, Any] = {
    "points": POINTS,
    "levels": LEVELS,
    "quotas": np.outer(QUOTAS, [1.0, 0.7]),
    "expected": 0.7,
    "chances": np.array([0.25, 0.75]),
}


@pytest.fixture(scope="module")
def belief_policy() -> Any:
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    problem = eco.HarvestProblem(
        stock=stock, survey=eco.NormalSurvey(sd=0.1), grid=eco.Grid(2.0, 30), implementation_cv=0.1
    )
    return eco.Pomdp(gap=0.05, seconds=600.0).solve(problem).policy


POLICIES = {
    "table": TablePolicy(POINTS, QUOTAS, 0.7),
    "nearest": NearestPointPolicy(POINTS, QUOTAS, 0.7),
    "surface": SurfacePolicy(**SURFACE),
    "environment": SurfacePolicy(**SURFACE, transition=np.array([[0.9, 0.1], [0.3, 0.7]])),
    "rate": RulePolicy(rules.ConstantRate(0.2), 0.7),
    "capped": RulePolicy(rules.Ramp(0.3, 0.1, 0.4), 0.7, cap=0.2, delay=1),
    "relative ramp": RulePolicy(rules.RelativeRamp(0.3, 0.1, 0.4, 0.1, 0.9), 0.7),
    "above": RulePolicy(rules.RateAbove(0.3, 0.5), 0.7),
    "advice": RulePolicy(rules.IcesAdvice(0.3, 0.5, 0.2), 0.7),
    "percentile": RulePolicy(rules.IcesPercentile(0.3, 0.5, 0.9, 0.8, 0.95), 0.7),
    "catch": RulePolicy(rules.ConstantCatch(0.3), 0.7),
    "escapement": RulePolicy(rules.ConstantEscapement(0.3), 0.7),
    "removal": RulePolicy(rules.PotentialBiologicalRemoval(0.3, 0.8), 0.7),
    "two over three": SeriesPolicy(
        rules.TwoOverThree(), 0.4, (0.5, float("nan"), 0.7, 0.6), 0.8, interval=2, cap=0.1
    ),
    "safeguard": SeriesPolicy(rules.RatioWithSafeguard(0.5), 0.4, (0.5, 0.7)),
    "slope": SeriesPolicy(rules.IndexSlope(0.4), 0.4),
    "target": SeriesPolicy(rules.IndexTarget(0.3, 0.8, 1.5), 0.4, (0.5,), delay=1),
}


def decisions(policy: Any) -> list[np.ndarray]:
    """Quotas of five years of surveys, one of them missing, and of catches that are part of the quota."""
    rng = np.random.default_rng(3)
    memory, caught, found = policy.start(50), None, []
    for year in range(5):
        seen = rng.uniform(0.0, 1.9, 50)
        seen[rng.random(50) < 0.3] = np.nan
        quota, memory = policy.decide(memory, seen, caught)
        caught = np.minimum(quota, 0.2 + 0.1 * year) * 0.5
        found.append(quota)
    return found


def through_a_file(policy: Any, path: Path) -> Any:
    policy_dataset(policy, "kt").to_netcdf(path / "policy.nc", engine="h5netcdf")
    with xr.open_dataset(path / "policy.nc", engine="h5netcdf") as file:
        return policy_of(file.load())


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_comes_back_from_a_file(name: str, tmp_path: Path) -> None:
    policy: Any = POLICIES[name]
    back = through_a_file(policy, tmp_path)
    assert type(back) is type(policy)
    for ours, theirs in zip(decisions(policy), decisions(back), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_alpha_vectors_come_back_from_a_file(belief_policy: Any, tmp_path: Path) -> None:
    back = through_a_file(belief_policy, tmp_path)
    for ours, theirs in zip(decisions(belief_policy), decisions(back), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for name in ("kernel", "observation", "reward", "initial"):
        np.testing.assert_array_equal(getattr(back.arrays, name), getattr(belief_policy.arrays, name))
    assert back.arrays.implementation_cv == 0.1


def test_every_rule_is_known() -> None:
    written = {type(p.rule).__name__ for p in POLICIES.values() if hasattr(p, "rule")}
    offered = {name for name in rules.__all__ if hasattr(getattr(rules, name), "quota")}
    assert written == offered - {"Rule", "SeriesRule"}


def test_every_amount_has_its_unit(belief_policy: Any) -> None:
    for policy in (*POLICIES.values(), belief_policy):
        dataset = policy_dataset(policy, "kt")
        assert dataset.attrs["schema"] == "ecodecide-policy-1"
        for name, variable in dataset.variables.items():
            assert variable.attrs.get("units") or name == "level", (policy, name)
    ramp = policy_dataset(POLICIES["capped"], "kt")
    units = {str(name): variable.attrs["units"] for name, variable in ramp.items()}
    assert units == {
        **{"rule_rate": "per year", "rule_closed": "kt", "rule_full": "kt"},
        **{"expected": "kt", "cap": "1", "delay": "years"},
    }


class Mine:
    """A policy of the user's own."""


def test_a_policy_of_ones_own_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"kind Mine: expected one of TablePolicy.*code"):
        policy_dataset(Mine())  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="the rule Mine"):
        policy_dataset(RulePolicy(Mine(), 1.0))  # type: ignore[arg-type]


def test_another_dataset_is_refused() -> None:
    good = policy_dataset(POLICIES["table"])
    with pytest.raises(PolicyError, match="schema 'ecodecide-policy-9'"):
        policy_of(good.assign_attrs(schema="ecodecide-policy-9"))
    with pytest.raises(PolicyError, match=r"kind 'os\.system'"):
        policy_of(good.assign_attrs(kind="os.system"))
    with pytest.raises(PolicyError, match="damaged"):
        policy_of(good.drop_vars("quota"))
