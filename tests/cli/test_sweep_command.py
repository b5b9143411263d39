"""`ecodecide sweep`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from command_result import check_one_line, flat

import ecodecide as eco
from ecodecide.cli import main
from ecodecide.evaluation.sweep import run
from ecodecide.history.write_csv import write_history_csv


def call(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "110"}).invoke(main, ["sweep", *map(str, arguments)])


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    write_history_csv(eco.CatchHistory([2001, 2002], [3.0, 4.0], id="catches"), folder / "catches.csv")
    (folder / "plan.toml").write_text(
        '[sweep]\nstocks = ["plaice-north-sea", "catches.csv"]\nsolvers = ["tac", "no-fishing"]\n'
        "draws = 20\nfit_cells = 40\nreplicates = 10\nyears = 5\ncells = 60\n"
    )
    return folder / "plan.toml"


@pytest.fixture(scope="module")
def done(plan: Path) -> tuple[Path, Result]:
    folder = plan.parent / "results"
    return folder, call(plan, "-o", folder, "--workers", "0")


def test_a_plan_runs_and_says_what_it_found(done: tuple[Path, Result]) -> None:
    folder, result = done
    assert result.exit_code == 0, result.output
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.strip()}
    # done, failed, compared, value
    assert rows["tac"][:5] == ["1", "1", "1", "100.0", "%"]
    assert rows["no-fishing"][:5] == ["1", "1", "1", "0.0", "%"]
    assert "failed: catches (tac, no-fishing): catches: there is a catch but neither" in flat(result.stdout)
    assert flat(result.stderr) == f"saved {folder}: results.zarr, summary.csv, cells.csv"
    assert {path.name for path in folder.iterdir()} >= {"results.zarr", "summary.csv", "cells.csv"}


def test_it_goes_on_from_what_is_there(plan: Path, done: tuple[Path, Result]) -> None:
    log = (done[0] / "log.jsonl").read_text()
    again = call("run", plan, "-o", done[0], "--json")
    assert again.exit_code == 0, again.output
    assert (done[0] / "log.jsonl").read_text() == log
    found = json.loads(again.stdout)
    assert found["cells"] == {"done": 2, "failed": 2, "open": 0}
    assert [row["solver"] for row in found["summary"]] == ["tac", "no-fishing"]


def test_status_counts_what_is_done_failed_and_open(done: tuple[Path, Result]) -> None:
    told = call("status", done[0])
    assert told.exit_code == 0, told.output
    assert "all cells 2 2 0" in flat(told.stdout)
    assert "1 of 2 stocks fitted" in told.stdout
    found = json.loads(call("status", done[0], "--json").stdout)
    assert (found["stocks"], found["fitted"], found["finished"]) == (2, 1, True)
    assert {entry["stock"] for entry in found["failures"]} == {"catches"}


def test_an_interruption_says_how_to_go_on(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*given: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_work", interrupt)
    result = call(plan, "-o", tmp_path / "out", "--workers", "0")
    check_one_line(result, "interrupted: what is finished is kept in", "the same command goes on")
    found = json.loads(call("status", tmp_path / "out", "--json").stdout)
    assert found["cells"] == {"done": 0, "failed": 0, "open": 4}


def test_what_cannot_be_is_one_line(plan: Path, tmp_path: Path) -> None:
    check_one_line(call("status", tmp_path), "has no sweep in it", "ecodecide sweep plan.toml -o")
    bad = tmp_path / "bad.toml"
    bad.write_text('[sweep]\nstocks = ["hake-namibia"]\nsolver = ["tac"]')
    check_one_line(call(bad, "-o", tmp_path / "out"), "unknown key 'solver'; did you mean solvers?")
    for arguments, words in (
        ((plan,), "Missing option '-o'"),
        ((tmp_path / "none.toml", "-o", tmp_path), "does not exist"),
        ((plan, "-o", tmp_path, "--workers", "2", "--scheduler", "tcp://h:1"), "with --scheduler"),
    ):
        result = call(*arguments)
        assert result.exit_code == 2
        assert words in flat(result.stderr)


def test_help_is_quick() -> None:
    code = (
        "import sys\nfrom ecodecide.cli import main\n"
        "for words in (['--help'], ['sweep', '--help'], ['sweep', 'run', '--help']):\n"
        "    main(words, standalone_mode=False)\n"
        "print(*sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "ecodecide sweep PLAN.toml -o DIR" in told
    assert not {"dask", "distributed", "zarr", "xarray", "numba"} & set(told.splitlines()[-1].split())
