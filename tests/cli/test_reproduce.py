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
GPDP_STUDY = importlib.import_module("ecodecide.reproduction.boettiger2015")
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


@pytest.fixture
def short_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare a test the long chains of the candidates' posteriors, which are not what it is about."""
    monkeypatch.setattr("ecodecide.fitting.candidate_posterior._STEPS", 200)
    monkeypatch.setattr("ecodecide.fitting.candidate_posterior._DOUBLINGS", 1)


@pytest.mark.usefixtures("short_chains")
@pytest.mark.filterwarnings("ignore::ecodecide.errors.ConvergenceWarning")
def test_the_other_study_has_its_own_tables_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    small = ["--replicates", "16", "--years", "8"]
    made: list[xr.Dataset] = []
    simulate = GPDP_STUDY.run

    def once(**settings: Any) -> xr.Dataset:
        assert settings["years"] == 8 and "cells" not in settings  # its own number of points
        made[:] = made or [simulate(**settings)]
        return made[0]

    monkeypatch.setattr(GPDP_STUDY, "run", once)
    shown = run("reproduce", "boettiger2015", *small)
    assert shown.exit_code == 0, shown.output
    assert max(len(line) for line in shown.stdout.splitlines()) <= 80
    assert "…" not in shown.stdout  # nothing is cut
    for words in ("Table 1", "Figure 3", "Figures 4 and 5", "GPDP as published", "Claims", "Notes", "Cite"):
        assert words in shown.stdout
    told = run("reproduce", "boettiger2015", *small, "--json", "-o", str(tmp_path / "study.nc"))
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["study"] == "boettiger2015"
    assert found["settings"]["cells"] == 50 and len(found["settings"]["quirks"]) == 8
    assert len(found["scores"]) == 7 and len(found["criteria"]) == 3 * 4
    assert len(found["quota"]["policies"]["gp"]) == len(found["quota"]["biomass"]) == 50
    printed = [e for e in found["criteria"] if e["source"] == "as printed" and e["criterion"] == "AIC"]
    assert printed == [
        {"criterion": "AIC", "source": "as printed", "allen": -24.51, "ricker": -30.13, "myers": -27.01}
    ]
    for entry in found["claims"]:
        assert entry["verdict"] in ("holds", "does not hold", "cannot be told")
        assert entry["low"] <= entry["value"] <= entry["high"]
    assert xr.load_dataset(tmp_path / "study.nc", engine="h5netcdf").attrs["study"] == "boettiger2015"


def test_without_options_a_study_has_its_own_years_and_points(quick: list[dict[str, Any]]) -> None:
    assert run(*ARGUMENTS, "-q").exit_code == 0
    assert "years" not in quick[0] and "cells" not in quick[0]


def test_help_names_it() -> None:
    assert "Reproduce a published study, claim by claim." in run("--help").stdout
    for study in ("memarzadeh2019", "boettiger2015"):
        assert study in run("reproduce", "--help").stdout
