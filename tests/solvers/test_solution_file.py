"""A solution as a file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import ecodecide as eco
from ecodecide.errors import PolicyError
from ecodecide.solvers.solution_file import solution_dataset

STOCK = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15), "kt")
PROBLEM = eco.HarvestProblem(stock=STOCK, survey=eco.NormalSurvey(sd=0.1), grid=eco.Grid(2.0, 20))


def test_it_comes_back_with_bounds_status_and_settings(tmp_path: Path) -> None:
    solution = eco.Pomdp(gap=0.05, seconds=600.0).solve(PROBLEM)
    solution.save(tmp_path / "pomdp.nc", "kt")
    back = eco.load_solution(tmp_path / "pomdp.nc")
    assert (back.lower, back.upper, back.gap) == (solution.lower, solution.upper, solution.gap)
    assert (back.status, back.converged, back.iterations) == (
        solution.status,
        solution.converged,
        solution.iterations,
    )
    assert dict(back.settings) == dict(solution.settings)
    assert np.isnan(back.seconds) and back.trace == ()


def test_settings_that_are_tuples_and_missing_bounds_come_back(tmp_path: Path) -> None:
    solution = eco.Precautionary("40-10", relative_f=(0.1, 0.8)).solve(PROBLEM)
    solution.save(tmp_path / "rule.nc")
    back = eco.load_solution(tmp_path / "rule.nc")
    assert back.settings["relative_f"] == (0.1, 0.8) and back.lower is None
    assert back.policy == solution.policy


def test_the_time_it_took_changes_no_byte(tmp_path: Path) -> None:
    solution = eco.Precautionary("tac").solve(PROBLEM)
    solution.save(tmp_path / "a.nc")
    replace(solution, seconds=77.0).save(tmp_path / "b.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_plain_xarray_opens_it_with_units(tmp_path: Path) -> None:
    eco.OptimalControl().solve(PROBLEM).save(tmp_path / "table.nc", "kt")
    with xr.open_dataset(tmp_path / "table.nc", engine="h5netcdf") as found:
        assert found["quota"].dims == ("observed_biomass",) and found["quota"].attrs["units"] == "kt"
        assert found["observed_biomass"].attrs["units"] == "kt"


def test_what_is_no_policy_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.nc").write_text("no")
    with pytest.raises(PolicyError, match="cannot be read as a policy"):
        eco.load_solution(tmp_path / "text.nc")
    with pytest.raises(PolicyError, match="cannot be read as a policy"):
        eco.load_solution(tmp_path / "none.nc")
    dataset = solution_dataset(eco.Precautionary("tac").solve(PROBLEM)).assign_attrs(schema="other")
    dataset.to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(PolicyError, match="found schema 'other', expected 'ecodecide-policy-1'"):
        eco.load_solution(tmp_path / "other.nc")
