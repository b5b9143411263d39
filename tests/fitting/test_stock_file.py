"""A fitted stock comes back from its file to the last bit."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import ecodecide as eco
from ecodecide.errors import FitError
from ecodecide.fitting.laws import fit_laws
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.stock_file import load_stock, save_stock
from ecodecide.stock.growth import parameters


@pytest.fixture(scope="module", params=[("logistic",), ("pella-tomlinson", "allen")], ids=["one", "average"])
def fitted(request: pytest.FixtureRequest) -> Posterior:
    history = eco.load_history("plaice-north-sea")
    return fit_laws(history, request.param, draws=20, cells=40, survey=eco.LognormalSurvey(0.3)).average


@pytest.fixture
def back(fitted: Posterior, tmp_path: Path) -> Posterior:
    save_stock(fitted, tmp_path / "fit.nc")
    return load_stock(tmp_path / "fit.nc")


def test_every_field_but_the_record_comes_back(fitted: Posterior, back: Posterior) -> None:
    for one in fields(Posterior):
        if one.name in ("record", "seconds", "best", "members", "survey", "settings"):
            continue
        np.testing.assert_array_equal(getattr(back, one.name), getattr(fitted, one.name), err_msg=one.name)
    assert back.survey == fitted.survey
    assert dict(back.settings) == dict(fitted.settings)
    assert parameters(back.best.growth) == parameters(fitted.best.growth)
    assert back.best.noise.sigma == fitted.best.noise.sigma
    assert (back.size, back.unit, back.record) == (fitted.size, fitted.unit, None)


def test_it_plans_and_grows_as_before(fitted: Posterior, back: Posterior) -> None:
    escapement = np.geomspace(0.01, 2.0, 7) * fitted.carrying_capacity
    edges = np.concatenate([[0.0], np.geomspace(0.01, 3.0, 15) * fitted.carrying_capacity])
    np.testing.assert_array_equal(back.kernel(escapement, edges), fitted.kernel(escapement, edges))
    np.testing.assert_array_equal(back.terminal_belief(edges), fitted.terminal_belief(edges))
    assert back.reference_points() == fitted.reference_points()
    rng = np.random.default_rng(1)
    worlds, others = back.draw(30, rng), fitted.draw(30, rng)
    left, z = rng.random(30) * fitted.carrying_capacity, rng.standard_normal(30)
    np.testing.assert_array_equal(worlds.step(left, z), others.step(left, z))
    np.testing.assert_array_equal(worlds.initial_biomass, others.initial_biomass)
    np.testing.assert_array_equal(worlds.world_numbers, others.world_numbers)


def test_the_same_stock_is_the_same_file(fitted: Posterior, tmp_path: Path) -> None:
    save_stock(fitted, tmp_path / "a.nc")
    save_stock(replace(load_stock(tmp_path / "a.nc"), seconds=3.0), tmp_path / "b.nc")
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_another_file_is_refused(fitted: Posterior, tmp_path: Path) -> None:
    xr.Dataset({"x": ("a", [1.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    (tmp_path / "half.nc").write_bytes(b"\x89HDF\r\n")
    with pytest.raises(FitError, match="schema None, expected 'ecodecide-fitted-stock-1'"):
        load_stock(tmp_path / "other.nc")
    for name in ("half.nc", "none.nc"):
        with pytest.raises(FitError, match=f"{name} cannot be read as a fitted stock"):
            load_stock(tmp_path / name)


def test_what_has_no_name_cannot_be_written(fitted: Posterior, tmp_path: Path) -> None:
    own = eco.growth(lambda s: s * np.exp(1.0 - s))
    stock = eco.ParametricStock(own, fitted.best.noise, initial_biomass=np.ones(3))
    with pytest.raises(FitError, match="cannot write the growth law 'custom'"):
        save_stock(replace(fitted, members=stock), tmp_path / "own.nc")
    assert not (tmp_path / "own.nc").exists()
