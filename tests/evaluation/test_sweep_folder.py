"""A sweep's folder: names that are good on every system, one run at a time, and what is found in it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from ecodecide.errors import EvaluationError, HistoryError
from ecodecide.evaluation.sweep import SweepPlan, sweep_status
from ecodecide.evaluation.sweep import folder as sweep_folder
from ecodecide.evaluation.sweep.folder import SweepFolder, folder_name, writing
from ecodecide.evaluation.sweep.lock import locked
from ecodecide.evaluation.sweep.status import SweepStatus
from ecodecide.evaluation.sweep.stocks import stock_sources
from ecodecide.evaluation.sweep.summary import summary_rows

PLAN = SweepPlan(("plaice-north-sea",), ("tac",))


def test_a_stock_stays_in_its_folder_whatever_its_name(tmp_path: Path) -> None:
    names = [
        ".",
        "..",
        "a/b",
        "a\\b",
        "COD 4a",
        "end.",
        "end ",
        "x" * 400,
        "x" * 401,
        "é" * 200,
        "é" * 199 + "è",
    ]
    places = [SweepFolder(tmp_path).stock(name) for name in names]
    assert len({*places}) == len(names)
    good = {*string.ascii_letters, *string.digits, *" _.-~%+"}
    for place in places:
        assert place.parent == tmp_path / "stocks"
        place.mkdir(parents=True)
        assert {*place.name} <= good
        assert place.name[0] not in ". "
        assert place.name[-1] not in ". "
    # as before
    assert folder_name("COD 4a") == "COD 4a"


def test_names_that_are_one_on_some_systems_are_refused(tmp_path: Path) -> None:
    rows = [f"{stock},{year},5,90,TB" for stock in ("COD", "Cod") for year in (2001, 2002)]
    (tmp_path / "table.csv").write_text("\n".join(["stockid,year,catch,biomass,biomass_type", *rows]))
    for stocks in ("table.csv", ("table.csv:COD", "table.csv:Cod")):
        plan = SweepPlan(stocks, ("tac",), root=tmp_path)
        with pytest.raises(EvaluationError, match=r"found 'COD' and 'Cod', expected .* more than capitals"):
            stock_sources(plan)


def test_a_file_beside_another_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here.csv").write_text("year,catch\n2001,1\n2002,2\n")
    (tmp_path / "plans").mkdir()
    monkeypatch.chdir(tmp_path)
    plan = SweepPlan(("here.csv",), ("tac",), root=tmp_path / "plans")
    with pytest.raises(EvaluationError, match=r"found no 'here.csv' in .*plans, where paths start"):
        stock_sources(plan)


def test_a_table_without_stocks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("stockid,year,catch,biomass,biomass_type\n ,2001,5,90,TB\n")
    with pytest.raises(HistoryError, match="found no stockid in any row"):
        stock_sources(SweepPlan("table.csv", ("tac",), root=tmp_path))


# One run at a time


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "results"
    with (
        locked(root),
        pytest.raises(EvaluationError, match=f"another run works in .*: process {os.getpid()} of"),
        locked(root),
    ):
        pass
    with locked(root):
        pass
    assert not list(root.iterdir())


def test_the_lock_of_a_process_that_ended_is_passed_over(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    me = {"host": socket.gethostname(), "process": os.getpid(), "begun": psutil.Process().create_time()}
    lock = tmp_path / ".ecodecide-lock"
    # killed, or its number is another process's by now
    for left in ({**me, "process": ended.pid}, {**me, "begun": me["begun"] - 100.0}):
        lock.write_text(json.dumps(left))
        with locked(tmp_path):
            assert json.loads(lock.read_text()) == me
        assert not lock.exists()
    # of what cannot be known it is told how to go on
    for left in (json.dumps({**me, "host": "elsewhere"}), "", "[]"):
        lock.write_text(left)
        with pytest.raises(EvaluationError, match=r"if it has ended, remove .*lock"), locked(tmp_path):
            pass


# What is found in it


def test_a_folder_of_which_nothing_was_finished_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / ".ecodecide-abc").mkdir()
    SweepFolder(tmp_path).begin(PLAN, ["plaice"])
    assert sweep_status(tmp_path).stocks == ("plaice",)


@pytest.mark.parametrize("part", ["settings", "stocks", "solvers", "ecodecide_version"])
def test_a_plan_that_lacks_something_is_told(part: str, tmp_path: Path) -> None:
    place = SweepFolder(tmp_path)
    place.begin(PLAN, ["plaice"])
    found = json.loads(place.plan.read_text())
    del found[part]
    place.plan.write_text(json.dumps(found))
    with pytest.raises(EvaluationError, match=f"plan.json: found no {part}"):
        place.begun()
    place.plan.write_text("[]")
    with pytest.raises(EvaluationError, match="schema is None, expected 1"):
        place.begun()


def test_what_another_takes_away_first_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = SweepFolder(tmp_path)
    place.begin(PLAN, ["plaice"])
    left = tmp_path / ".ecodecide-left"
    left.mkdir()
    now = sweep_folder.time.time()

    def late() -> float:
        shutil.rmtree(left)
        return now

    monkeypatch.setattr(sweep_folder.time, "time", late)
    place.begin(PLAN, ["plaice"])
    assert not left.exists()


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(
            EvaluationError, match=r"cannot write .*log: No space left on device; what is finished"
        ),
        writing(tmp_path / "log"),
    ):
        raise OSError(28, "No space left on device")


# Worlds, and the summary


def test_worlds_go_by_one_name() -> None:
    assert SweepPlan(("a",), ("tac",), (" fitted", "allen ")).worlds == ("fitted", "allen")
    with pytest.raises(EvaluationError, match=r"worlds: found .*each once"):
        SweepPlan(("a",), ("tac",), ("fitted", " fitted"))


def test_solvers_are_compared_on_the_stocks_that_all_finished() -> None:
    # b fails on the hard stock, and c everywhere
    npv = {("easy", "a"): 8.0, ("easy", "b"): 4.0, ("hard", "a"): 1.0}
    cells = {(stock, solver): "failed" for stock in ("easy", "hard") for solver in "abc"} | dict.fromkeys(
        npv, "done"
    )
    status = SweepStatus(Path(), ("easy", "hard"), ("a", "b", "c"), 2, cells, {})
    rows: list[dict[str, Any]] = [
        {
            "stock": stock,
            "solver": solver,
            "world": "w",
            "npv": value,
            "collapse_probability": 0.8 * (stock == "hard"),
        }
        for (stock, solver), value in npv.items()
    ]
    a, b, c = summary_rows(rows, status)
    assert [row["compared"] for row in (a, b, c)] == [1, 1, 0]
    assert [row["collapse_probability"] for row in (a, b, c)] == [0.0, 0.0, None]
    assert [row["relative_value"] for row in (a, b, c)] == [1.0, 0.5, None]
    assert [row["done"] for row in (a, b, c)] == [2, 1, 0]
