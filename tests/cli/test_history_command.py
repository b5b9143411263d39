"""`ecodecide history import`: what it writes, what it prints where, and what it says to input that is wrong."""

import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from command_result import check_one_line

from ecodecide.cli import main
from ecodecide.cli.history import _FORMATS
from ecodecide.history import read_history_csv
from ecodecide.history.foreign import FORMATS

RAM = """assessid,stockid,stocklong,tsid,tsyear,tsvalue
A1,COD2J3KL,Atlantic cod,TB-E03MT,2001,0.5
A1,COD2J3KL,Atlantic cod,TB-E03MT,2002,0.25
A1,COD2J3KL,Atlantic cod,TC-MT,2001,100
A1,COD2J3KL,Atlantic cod,TC-MT,2002,50
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["history", "import", *map(str, arguments)])


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def ram(tmp_path: Path) -> Path:
    path = tmp_path / "timeseries.csv"
    path.write_text(RAM)
    return path


def test_it_writes_a_history_that_is_read_again(ram: Path, tmp_path: Path) -> None:
    out = tmp_path / "cod.csv"
    result = run(ram, "--format", "ram", "--stock", "COD2J3KL", "-o", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == "COD2J3KL, 2001-2002: assessment biomass; catch in t, biomass in t\n"
    assert "note: TB-E03MT read as biomass, times 1,000" in result.stderr
    assert result.stderr.endswith(f"saved {out}\n")
    history = read_history_csv(out)
    np.testing.assert_array_equal(history.biomass, [500, 250])
    np.testing.assert_array_equal(history.catch, [100, 50])
    assert history.observed == "assessment biomass"
    assert history.units == {"catch": "t", "biomass": "t"}


def test_quiet_says_nothing(ram: Path, tmp_path: Path) -> None:
    result = run(ram, "--format", "ram", "--stock", "COD2J3KL", "-o", tmp_path / "cod.csv", "-q")
    assert (result.exit_code, result.output) == (0, "")


def test_three_tables_and_units(tmp_path: Path) -> None:
    for name, text in {
        "catch": "Year,A,B\n2001,1,2\n2002,3,4\n",
        "cpue": "Year,I\n2001,1.5\n2002,\n",
        "se": "Year,I\n2001,0.2\n2002,\n",
    }.items():
        (tmp_path / f"{name}.csv").write_text(text)
    out = tmp_path / "out.csv"
    files = ["--cpue", tmp_path / "cpue.csv", "--se", tmp_path / "se.csv"]
    result = run(
        tmp_path / "catch.csv", "--format", "jabba", *files, "--units", "catch=t, index=kg/h", "-o", out
    )
    assert result.exit_code == 0, result.output
    history = read_history_csv(out)
    np.testing.assert_array_equal(history.catch, [3, 7])
    np.testing.assert_array_equal(history.index_se["I"], [0.2, np.nan])
    assert history.units == {"catch": "t", "index": "kg/h"}
    assert run(tmp_path / "catch.csv", "--format", "jabba", "-o", out).stdout == (
        "catch, 2001-2002: catch only; catch in unknown unit\n"
    )


def test_an_error_of_the_file_is_one_line_and_leaves_nothing(ram: Path, tmp_path: Path) -> None:
    out = tmp_path / "cod.csv"
    result = run(ram, "--format", "ram", "--stock", "COD", "-o", out)
    check_one_line(result, "timeseries.csv: no stock 'COD'", "close to it: COD2J3KL (Atlantic cod)")
    assert not out.exists()
    out.write_text("what was there\n")
    check_one_line(run(ram, "--format", "ram", "-o", out), "no stock was chosen of")
    check_one_line(run(ram, "--format", "spict", "-o", out), "no column time")
    assert out.read_text() == "what was there\n"
    assert sorted(os.listdir(tmp_path)) == ["cod.csv", "timeseries.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "aspic", "-o", "x.csv"], "'aspic' is not one of"),
        (["-o", "x.csv"], "Missing option '--format'"),
        (["--format", "ram"], "Missing option '-o'"),
        (["--format", "ram", "-o", "x.nc"], "x.nc does not end in one of .csv"),
        (["--format", "ram", "-o", "nowhere/x.csv"], "the folder nowhere does not exist"),
        (["--format", "ram", "-o", "x.csv", "--units", "t"], "'t' is not NAME=UNIT"),
        (["--format", "ram", "-o", "x.csv", "--units", "tb=t"], "'tb=t' is not NAME=UNIT"),
        (["--format", "ram", "-o", "x.csv", "--units", "catch=t,catch=kg"], "'catch=kg' is not NAME=UNIT"),
    ],
)
def test_wrong_usage(
    ram: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(ram, *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert os.listdir(tmp_path) == ["timeseries.csv"]


def test_the_file_that_is_read_is_not_overwritten(ram: Path) -> None:
    result = run(ram, "--format", "ram", "--stock", "COD2J3KL", "-o", ram)
    assert result.exit_code == 2
    assert "is the file that is read" in " ".join(result.stderr.split())
    assert ram.read_text() == RAM


def test_the_command_knows_every_format() -> None:
    assert tuple(FORMATS) == _FORMATS
