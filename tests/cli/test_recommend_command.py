"""`ecodecide recommend`, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from command_result import check_one_line, flat

import ecodecide as eco
from ecodecide.cli import main
from ecodecide.evaluation import managed_stock
from ecodecide.fitting.laws import fit_laws
from ecodecide.policy.rules import ConstantEscapement, RulePolicy

STOCK = ("hake-argentina-north", "--growth", "logistic", "--cells", "30", "--replicates", "40")
RULES = ("--solver", "tac", "--solver", "2-over-3", "--solver", "no-fishing")


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["recommend", *arguments])


@pytest.fixture(autouse=True)
def small_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit with few draws on few cells: how well is not what these tests are about."""

    def small(history: Any, laws: Any, **settings: Any) -> Any:
        return fit_laws(history, laws, **{**settings, "draws": 40, "cells": 60})

    monkeypatch.setattr(managed_stock, "fit_laws", small)


def test_json_has_belief_and_quotas() -> None:
    done = run(*STOCK, *RULES, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [entry["name"] for entry in found["policies"]] == ["tac", "2-over-3", "no-fishing"]
    assert found["policies"][0]["quota"] > 0.0 == found["policies"][2]["quota"]
    assert found["belief"]["low"] < found["belief"]["median"] < found["belief"]["high"]
    assert 0.0 <= found["belief"]["below"]["BMSY"] <= 1.0
    assert (found["year"], found["settings"]["years"]) == (2019, [5, 10, 20])
    assert run(*STOCK, *RULES, "--json").stdout == done.stdout


def test_the_table_fits_80_columns_and_says_what_would_change_the_quota(tmp_path: Path) -> None:
    done = run(*STOCK, *RULES, "-v", "-o", str(tmp_path / "advice.nc"))
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    settings = lines.index("Settings")
    assert max(map(len, lines[:settings])) <= 80
    for words in (
        "Biomass of hake-argentina-north in 2019, before the catch:",
        "Probability to be below: 0.1 K",
        "hake-argentina-north: quota of 2019, in thousand t",
        "A survey of 2019 below",
        "would lower the quota by more than 20 %",
        "no-fishing: 0 (no catch at all",
        "No survey of 2019 that is to be expected changes it by more than 20 %.",
        "the quota of 2019 is advised before any survey of that year",
        "data: RAM Legacy",
    ):
        assert words in flat(done.stdout)
    assert "saved" in done.stderr


def test_a_saved_run_is_used_again_with_new_years_and_without_another_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, new = tmp_path / "advice.nc", tmp_path / "new.csv"
    first = json.loads(run(*STOCK, *RULES, "--json", "-o", str(file)).stdout)

    def no_fit(*_: Any, **__: Any) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(managed_stock, "fit_laws", no_fit)
    again = json.loads(run(STOCK[0], "--policy", str(file), "--replicates", "40", "--json").stdout)
    # the draws of a law's own parameters stay out of the file: they are in its worlds
    assert again.pop("fit")["biomass_now"] == first.pop("fit")["biomass_now"]
    assert again == first
    new.write_text("year,catch,biomass\n2019,50000,250000\n2020,,240000\n")
    later = json.loads(run(STOCK[0], "--policy", str(file), "--update", str(new), "--json").stdout)
    assert (later["year"], later["last_catch"]) == (2020, {"year": 2019, "catch": 50000.0})
    assert later["belief"]["median"] < first["belief"]["median"]
    assert later["policies"][0]["quota"] == pytest.approx(
        first["policies"][0]["quota"] * 240e3 / first["policies"][0]["next_survey"]["surveys"][2]["survey"],
        rel=0.1,
    )


def test_a_quota_above_the_biomass_is_warned_of_even_if_quiet(tmp_path: Path) -> None:
    bold = eco.Solution(RulePolicy(ConstantEscapement(0.0), expected=1e9), status="by hand", settings={})
    bold.save(tmp_path / "bold.nc")
    done = run(*STOCK, "--policy", str(tmp_path / "bold.nc"), "-q")
    assert done.exit_code == 0, done.stderr
    assert "warning: more is advised than there is believed to be" in done.stderr


def test_quiet_is_the_table_alone() -> None:
    done = run(*STOCK, *RULES, "-q")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].strip() == "hake-argentina-north: quota of 2019, in thousand t"
    assert "Assumptions" not in done.stdout
    assert done.stderr == ""


def test_catches_alone_are_explained() -> None:
    done = run("flathead-tiger-australia", "--growth", "logistic", "--solver", "tac")
    check_one_line(done, "neither a biomass nor an index", "add a column index or biomass")


def test_an_update_that_does_not_follow_is_refused_in_one_line(tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text("year,catch\n2021,50000\n")
    check_one_line(run(*STOCK, *RULES, "--update", str(new)), "new.csv: found 2021 first, expected 2019")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--solver", "magic"), "'magic' is none of"),
        (("--growth", "cubic"), "is not some of"),
        (("--collapse", "low"), "cannot read the collapse limit"),
        (("--policy", "missing.nc"), "does not exist"),
        (("--years", "0"), "0 is not in the range"),
        (("-o", "nowhere/advice.nc"), "does not exist"),
    ],
)
def test_what_means_nothing_is_refused_before_any_work(options: tuple[str, ...], words: str) -> None:
    done = run("hake-argentina-north", *options)
    assert done.exit_code == 2
    assert words in flat(done.stderr.replace("│", ""))


def test_options_of_a_fit_are_refused_where_a_run_has_its_own(tmp_path: Path) -> None:
    file = tmp_path / "advice.nc"
    assert run(*STOCK, *RULES, "-q", "-o", str(file)).exit_code == 0
    done = run("hake-argentina-north", "--policy", str(file), "--growth", "ricker")
    assert done.exit_code == 2
    assert "--growth" in done.stderr
    assert "has its own" in flat(done.stderr)
    done = run("hake-argentina-north", "--policy", str(file), "--solver", "tac")
    assert done.exit_code == 2
    check_one_line(run("plaice-north-sea", "--policy", str(file)), "holds a fit of hake-argentina-north")
