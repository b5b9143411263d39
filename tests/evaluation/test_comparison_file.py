"""Comparisons and managed stocks as files: all that a report or an advice needs comes back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import ecodecide as eco
from ecodecide.errors import EvaluationError, PolicyError, SolverError
from ecodecide.evaluation import managed_stock
from ecodecide.evaluation.comparison import Comparison
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.evaluation.provenance import fingerprint
from ecodecide.fitting.laws import fit_laws
from ecodecide.solvers.solution import Solution

SMALL: dict[str, Any] = {"growth": "logistic", "cells": 30, "replicates": 50, "years": 10}
STOCK = "hake-argentina-north"


class Fails:
    """A solver that never succeeds."""

    def solve(self, problem: Any) -> Solution:
        raise SolverError("not today")


class Half:
    """A policy of the user's own."""

    def start(self, replicates: int) -> None:
        return None

    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        return np.zeros_like(observed), None


class Own:
    """Its solver."""

    def solve(self, problem: Any) -> Solution:
        return Solution(Half(), "by hand", lower=1.0)


@pytest.fixture(scope="module", autouse=True)
def few_draws() -> Iterator[None]:
    """Fits of fewer draws on fewer cells: how good they are is not what these tests are about."""

    def quick_fit(history: Any, laws: Any, **settings: Any) -> Any:
        return fit_laws(history, laws, **{**settings, "draws": 100, "cells": 80})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(managed_stock, "fit_laws", quick_fit)
        yield


@pytest.fixture(scope="module")
def comparison(few_draws: None) -> Any:
    solvers = {
        "pomdp": eco.Pomdp(gap=0.05),
        "tac/0.8": eco.Precautionary("tac"),
        "2-over-3": eco.Precautionary("2-over-3"),
        "mine": Own(),
        "fails": Fails(),
    }
    return eco.compare(STOCK, solvers, worlds="fitted", rare=True, **SMALL)


@pytest.fixture(scope="module")
def file(comparison: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "run.nc"
    comparison.save(path)
    return path


def told(comparison: Comparison) -> Any:
    found = json.loads(json.dumps(comparison.to_dict()))
    for policy in found["policies"]:
        policy.pop("seconds")
    return found


def test_all_figures_come_back(comparison: Any, file: Path) -> None:
    back = Comparison.load(file)
    assert told(back) == told(comparison)
    xr.testing.assert_identical(back.runs, comparison.runs)
    xr.testing.assert_identical(back.scores, comparison.scores)
    xr.testing.assert_identical(back.exact, comparison.exact)
    assert back.rare.keys() == comparison.rare.keys() == {"pomdp", "2-over-3"} | (back.rare.keys() & {"mine"})
    assert back.versions == comparison.versions


def test_written_again_it_is_the_same_file(file: Path, tmp_path: Path) -> None:
    Comparison.load(file).save(tmp_path / "again.nc")
    assert (tmp_path / "again.nc").read_bytes() == file.read_bytes()


def test_what_managers_know_comes_back(comparison: Any, file: Path) -> None:
    back = ManagedStock.load(file)
    assert fingerprint(back.history) == fingerprint(comparison.history)
    np.testing.assert_array_equal(
        back.posterior.members.initial_biomass, comparison.posterior.members.initial_biomass
    )
    assert repr(eco.load_stock(file).best) == repr(back.posterior.best)
    problem = comparison.problem
    assert (back.problem.survey, back.problem.economy, back.problem.grid) == (
        problem.survey,
        problem.economy,
        problem.grid,
    )
    assert dict(back.failures) == {"fails": "not today"}
    # solved again on what came back, a problem has the same solution
    again = eco.Pomdp(gap=0.05).solve(back.problem)
    assert (again.lower, again.upper) == (
        comparison.solutions["pomdp"].lower,
        comparison.solutions["pomdp"].upper,
    )


def test_policies_come_back_and_meet_the_same_futures(comparison: Any, file: Path) -> None:
    back = ManagedStock.load(file)
    assert list(back.solutions) == ["pomdp", "tac/0.8", "2-over-3", "mine"]
    assert list(back.policies) == ["pomdp", "tac/0.8", "2-over-3"]
    policies = {name: back.policies[name] for name in ("pomdp", "tac/0.8", "2-over-3")}
    runs = eco.evaluate(
        policies,
        truth=back.posterior,
        survey=back.problem.survey,
        economy=back.problem.economy,
        years=10,
        replicates=50,
        seed=1,
    )
    for name in policies:
        np.testing.assert_array_equal(
            runs["quota"].sel(policy=name).values, comparison.runs["quota"].sel(policy=name).values
        )


def test_a_policy_of_ones_own_is_told_and_refuses_to_decide(file: Path) -> None:
    solution = ManagedStock.load(file).solutions["mine"]
    assert (solution.status, solution.lower) == ("by hand", 1.0)
    with pytest.raises(PolicyError, match="cannot write a policy of the kind Half"):
        solution.policy.start(1)
    with pytest.raises(PolicyError, match="cannot write a policy of the kind Half"):
        solution.policy.decide(None, np.zeros(1), None)


def test_names_that_are_alike_as_groups_are_kept_apart(comparison: Any, tmp_path: Path) -> None:
    names = ["a/b", "a_b", "", "/", ".", "..", "a b", "50 %"]
    solution = comparison.solutions["tac/0.8"]
    odd = {name: replace(solution, status=name) for name in names}
    replace(comparison.managed, solutions=odd).save(tmp_path / "odd.nc")
    back = ManagedStock.load(tmp_path / "odd.nc")
    assert {name: one.status for name, one in back.solutions.items()} == {name: name for name in names}
    worse = replace(comparison.managed, solutions={"a": replace(solution, status="a\0b")})
    with pytest.raises(EvaluationError, match="cannot write"):
        worse.save(tmp_path / "worse.nc")
    assert not (tmp_path / "worse.nc").exists()


def test_plain_xarray_opens_futures_scores_and_groups(file: Path) -> None:
    with xr.open_dataset(file, engine="h5netcdf") as root:
        assert root["biomass"].dims == ("policy", "world", "replicate", "year")
        assert root["biomass"].attrs["units"] == "t" and "scores" in root
    with xr.open_datatree(file, engine="h5netcdf") as tree:
        assert set(tree.children) == {"history", "stock", "problem", "policies", "exact"}
        assert tree["policies/pomdp/quota"].attrs["units"] == "t"
        assert tree["history/catch"].attrs["units"] == "t"


def test_a_managed_stock_alone(comparison: Any, tmp_path: Path) -> None:
    comparison.managed.save(tmp_path / "managed.nc")
    back = ManagedStock.load(tmp_path / "managed.nc")
    assert list(back.solutions) == list(comparison.solutions)
    with pytest.raises(EvaluationError, match=r"expected run 'ecodecide-run-1'"):
        Comparison.load(tmp_path / "managed.nc")


@pytest.mark.usefixtures("comparison")
def test_where_a_survey_is_ones_own_the_figures_are_kept(
    comparison: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Mine:
        sample = staticmethod(eco.LognormalSurvey(0.2).sample)
        likelihood = staticmethod(eco.LognormalSurvey(0.2).likelihood)
        cdf = staticmethod(eco.LognormalSurvey(0.2).cdf)

    monkeypatch.setattr(
        managed_stock,
        "fit_laws",
        lambda *_, **__: SimpleNamespace(
            average=comparison.posterior, posteriors={"logistic": comparison.posterior}, failures={}
        ),
    )
    result = eco.compare(STOCK, ["tac"], worlds="fitted", survey=Mine(), **SMALL)
    result.save(tmp_path / "run.nc")
    with xr.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as root:
        assert root.sizes["replicate"] == 50
    with pytest.raises(EvaluationError, match="futures and scores alone: cannot write the survey"):
        Comparison.load(tmp_path / "run.nc")
    with pytest.raises(EvaluationError, match="cannot write the survey"):
        result.managed.save(tmp_path / "managed.nc")


def test_other_files_are_refused_with_what_was_found(file: Path, tmp_path: Path) -> None:
    (tmp_path / "text.nc").write_text("no")
    with pytest.raises(EvaluationError, match="cannot be read"):
        Comparison.load(tmp_path / "text.nc")
    with pytest.raises(EvaluationError, match="cannot be read"):
        ManagedStock.load(tmp_path / "none.nc")
    xr.Dataset(attrs={"schema": "x"}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(EvaluationError, match="found schema 'x', expected run 'ecodecide-run-1'"):
        Comparison.load(tmp_path / "other.nc")
    with pytest.raises(EvaluationError, match="found no managed stock"):
        ManagedStock.load(tmp_path / "other.nc")
    with xr.open_dataset(file, engine="h5netcdf") as root:
        root.load().to_netcdf(tmp_path / "root.nc", engine="h5netcdf")
    with pytest.raises(EvaluationError, match="is damaged"):
        Comparison.load(tmp_path / "root.nc")


FIXTURES = Path(__file__).parent / "files"


def test_the_file_of_an_earlier_version_is_read() -> None:
    """Written on 2026-11-21 by version 0.1.0; it stays, and every later version has to read it."""
    back = Comparison.load(FIXTURES / "run-1.nc")
    assert back.history.id == STOCK and list(back.solutions) == ["pomdp", "gpdp", "2-over-3"]
    runs = back.runs.sel(policy="pomdp", world="fitted")
    policy = back.managed.policies["pomdp"]
    quota, _ = policy.decide(policy.start(3), runs["observed"].values[:, 0], None)
    np.testing.assert_array_equal(quota, runs["quota"].values[:, 0])
