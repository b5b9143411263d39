"""Policies of files: what they count in, and what they were updated to, is told."""

import json
from pathlib import Path

import pytest
import xarray as xr

import ecodecide as eco
from ecodecide.errors import EvaluationError, HistoryWarning
from ecodecide.evaluation.managed_stock import manage
from ecodecide.evaluation.saved_policies import load_policies

STOCK = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.05))


def test_a_policy_in_another_unit_is_refused(tmp_path: Path) -> None:
    solution = eco.Precautionary("40-10").solve(eco.HarvestProblem(stock=STOCK))
    solution.save(tmp_path / "ramp.nc", "t")
    assert list(load_policies([tmp_path / "ramp.nc"], "tonnes")[1]) == ["ramp"]
    with pytest.raises(
        EvaluationError, match="in 't' and the stock in 'thousand t', expected one and the same"
    ):
        load_policies([tmp_path / "ramp.nc"], "thousand t")
    solution.save(tmp_path / "any.nc")
    assert list(load_policies([tmp_path / "any.nc"], "thousand t")[1]) == ["any"]


def test_an_advice_that_was_updated_says_that_its_new_years_are_not_in_it(tmp_path: Path) -> None:
    managed = manage("hake-argentina-north", ["no-fishing"], growth="logistic")
    managed.save(tmp_path / "managed.nc")
    with xr.open_datatree(tmp_path / "managed.nc", engine="h5netcdf") as tree:
        whole = tree.load()
    for year in (None, 2020):
        whole.attrs["recommendation"] = json.dumps({"settings": {"updated_to": year}})
        whole.to_netcdf(tmp_path / f"{year}.nc", engine="h5netcdf")
    assert list(load_policies([tmp_path / "None.nc"])[1]) == ["no-fishing"]
    with pytest.warns(
        HistoryWarning, match="was updated to 2020, and holds fit and policies as they were before"
    ):
        load_policies([tmp_path / "2020.nc"])
