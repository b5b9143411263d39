"""`ecodecide hindcast`, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from click.testing import CliRunner, Result
from command_result import check_one_line, flat

from ecodecide.cli import main
from ecodecide.evaluation import managed_stock
from ecodecide.fitting.laws import fit_laws

HAKE = [
    "hake-argentina-north",
    "--growth",
    "logistic",
    "--cells",
    "30",
    "--solver",
    "tac",
    "--solver",
    "2-over-3",
]


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["hindcast", *arguments])


@pytest.fixture(scope="module", autouse=True)
def one_fit() -> Any:
    """One fit of few draws for all runs on the whole history."""
    known: dict[str, Any] = {}

    def fitted(history: Any, laws: Any, **settings: Any) -> Any:
        if history.id not in known:
            known[history.id] = fit_laws(history, laws, **{**settings, "draws": 20, "cells": 60})
        return known[history.id]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(managed_stock, "fit_laws", fitted)
        yield


def test_json_and_file(tmp_path: Path) -> None:
    path = tmp_path / "hindcast.nc"
    done = run(*HAKE, "--json", "-o", str(path))
    assert done.exit_code == 0 and f"saved {path}" in done.stderr
    found = json.loads(done.stdout)
    assert found["stock"] == "hake-argentina-north" and found["unit"] == "t"
    assert (found["mode"], found["causal"]) == ("fixed", False)
    assert [entry["name"] for entry in found["policies"]] == ["tac", "2-over-3"]
    years = len(found["years"])
    assert years == 33
    assert all(len(entry["advised"]) == years for entry in found["policies"])
    for group in (found["belief"]["quantiles"], found["belief"]["below"], found["hindsight"]["quantiles"]):
        assert all(len(series) == years for series in group.values())
    low, middle, high = (found["belief"]["quantiles"][key] for key in ("0.05", "0.5", "0.95"))
    assert all(a < b < c for a, b, c in zip(low, middle, high, strict=True))
    assert found["settings"]["seed"] == 1 and found["settings"]["solvers"] == ["tac", "2-over-3"]
    with xr.open_dataset(path, engine="h5netcdf") as saved:
        assert saved.attrs["schema"] == "ecodecide-hindcast-1"
        assert saved.sizes["policy"] == 2


def test_the_tables_fit_80_columns_and_say_what_they_rest_on() -> None:
    done = run(*HAKE, "-v")
    assert done.exit_code == 0
    # the settings are in one line, to be copied
    assert max(len(line) for line in done.stdout.partition("\nSettings")[0].splitlines()) <= 80
    words = flat(done.stdout)
    for said in (
        "what would have been advised, by one fit",
        "had it been followed from 1991 to 2018",
        "as caught",
        "amounts in thousand t",
        "90 % posterior interval",
        "tac would have advised less than was caught in",
        "2-over-3: no advice in 1986: it starts from past catches",
        "Had tac been followed from 1991: catch",
        "NOT CAUSAL: the observations are the biomass of an assessment",
        "they know the future, beliefs",
        "--refit is not",
        "doi:10.1086/702704",
    ):
        assert said in words, said
    quiet = run(*HAKE, "-q", "--from", "2010")
    assert quiet.stderr == "" and "Notes" not in quiet.stdout
    assert "2009" not in quiet.stdout and "followed from 2010" in quiet.stdout


def test_a_fit_for_some_years() -> None:
    done = run(*HAKE, "--refit", "--from", "2000", "--every", "9", "--json", "-q")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["mode"] == "refit" and found["years"] == [2000, 2009, 2018]
    assert found["settings"]["every"] == 9 and found["counterfactual"]["start"] == 2000
    assert all(None not in entry["advised"] for entry in found["policies"])
    assert run(*HAKE, "--every", "2").exit_code == 2


def test_catch_alone_is_explained_in_one_line() -> None:
    check_one_line(
        run("flathead-tiger-australia", "--json"), "neither a biomass nor an index", "add a column index"
    )


def test_a_year_that_is_none_of_the_history() -> None:
    check_one_line(run(*HAKE, "--from", "1950"), "from 1986 to 2018", "1950")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (["--solver", "tca"], "--solver"),
        (["--growth", "logistics"], "--growth"),
        (["--discount", "1.05"], "--discount"),
        (["--survey", "perhaps"], "--survey"),
        (["--collapse", "0.1L"], "--collapse"),
        (["-o", "missing/a.nc"], "--output"),
    ],
)
def test_usage_is_refused_before_any_work(wrong: list[str], word: str) -> None:
    done = run("hake-argentina-north", *wrong)
    assert done.exit_code == 2 and word in done.stderr
