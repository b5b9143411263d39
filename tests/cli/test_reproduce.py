"""`ecodecide reproduce`: what it prints where, and what it says to input that is wrong."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from click.testing import CliRunner, Result

from ecodecide.cli import main

STUDY = importlib.import_module("ecodecide.reproduction.memarzadeh2019")
ARGUMENTS = ["reproduce", "memarzadeh2019"]
SMALL = ["--replicates", "16", "--years", "8", "--cells", "20"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    return STUDY.run(replicates=16, years=8, cells=20, iterations=1)  # type: ignore[no-any-return]


@pytest.fixture
def quick(study: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Spare a test the study, which is not what it is about; return what it was asked for."""
    asked: list[dict[str, Any]] = []

    def simulated(**settings: Any) -> xr.Dataset:
        asked.append(settings)
        return study

    monkeypatch.setattr(STUDY, "run", simulated)
    return asked


def test_it_runs_and_its_json_is_valid(tmp_path: Path) -> None:
    result = run(*ARGUMENTS, *SMALL, "--json", "-o", str(tmp_path / "study.nc"))
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["study"] == "memarzadeh2019"
    assert found["settings"]["replicates"] == 16 and found["settings"]["cells"] == 20
    # nine scenarios, two starts, four policies; three assumed errors of figure 3 for three survey errors
    assert len(found["scores"]) == 9 * 2 * 4 + 3 * 3 * 2
    for entry in found["claims"]:
        assert entry["verdict"] in ("holds", "does not hold", "cannot be told")
        assert entry["low"] <= entry["value"] <= entry["high"]
        assert entry["published"]
    simulated = [entry for entry in found["claims"] if entry["figure"] != "4"]
    assert len(simulated) % 2 == 0 and {e["start"] for e in simulated} == {"K/6", "belief"}
    saved = xr.load_dataset(tmp_path / "study.nc", engine="h5netcdf")
    assert saved.attrs["study"] == "memarzadeh2019"
    assert f"saved {tmp_path / 'study.nc'}" in result.stderr


@pytest.mark.usefixtures("quick")
def test_tables_fit_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run(*ARGUMENTS)
    assert result.exit_code == 0, result.output
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "…" not in result.stdout  # nothing is cut
    for words in (
        "Figures 1 and 2, from K/6",
        "Figure 3",
        "Figure 4",
        "published",
        "Claims",
        "Notes",
        "Cite",
    ):
        assert words in result.stdout
    assert "does not hold" in result.stdout
    assert "from the paper's start:" in " ".join(result.stdout.split())


@pytest.mark.usefixtures("quick")
def test_quiet_is_the_claims_alone() -> None:
    words = run(*ARGUMENTS, "--quiet").stdout
    assert "Claims" in words
    assert "Figures 1 and 2" not in words and "Notes" not in words


def test_options_arrive(quick: list[dict[str, Any]]) -> None:
    assert run(*ARGUMENTS, *SMALL, "--seed", "7", "-q").exit_code == 0
    asked = {key: quick[0][key] for key in ("replicates", "years", "cells", "seed")}
    assert asked == {"replicates": 16, "years": 8, "cells": 20, "seed": 7}


def test_an_unknown_study_is_one_line() -> None:
    result = run("reproduce", "memarzadeh2018")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: unknown study 'memarzadeh2018': did you mean memarzadeh2019?")


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--replicates", "1"], "--replicates"),
        (["--cells", "2"], "--cells"),
        (["--output", "no/such/folder/study.nc"], "--output"),
    ],
)
def test_wrong_usage_ends_with_2_before_any_work(
    quick: list[dict[str, Any]], arguments: list[str], option: str
) -> None:
    result = run(*ARGUMENTS, *arguments)
    assert result.exit_code == 2
    assert option in result.stderr.strip().splitlines()[-1]
    assert quick == []


@pytest.mark.usefixtures("quick")
def test_a_file_that_cannot_be_saved_does_not_cost_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, target: Any, **_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xarray.Dataset.to_netcdf", full)
    result = run(*ARGUMENTS, "-o", str(tmp_path / "study.nc"))
    assert result.exit_code == 1
    assert "Claims" in result.stdout
    assert "No space left on device" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_names_it() -> None:
    assert "Reproduce a published study, claim by claim." in run("--help").stdout
    assert "memarzadeh2019" in run("reproduce", "--help").stdout
