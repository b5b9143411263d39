"""`ecodecide solve`: what it prints where, how it ends, what it writes, and what it says to input that is wrong."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from command_result import check_one_line

import ecodecide
from ecodecide.cli import main
from ecodecide.errors import SolverError
from ecodecide.interop.files import read_alpha_vectors, read_pomdp, write_pomdp
from ecodecide.policy.alpha_vectors import AlphaVectors

TIGER = """discount: 0.95
values: reward
states: tiger-left tiger-right
actions: listen open-left open-right
observations: hear-left hear-right
T: listen identity
T: open-left uniform
T: open-right uniform
O: listen
0.85 0.15
0.15 0.85
O: open-left uniform
O: open-right uniform
R: listen : * : * : * -1
R: open-left : tiger-left : * : * -100
R: open-left : tiger-right : * : * 10
R: open-right : tiger-left : * : * 10
R: open-right : tiger-right : * : * -100
"""


def solve(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["solve", *map(str, arguments)])


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def tiger(tmp_path: Path) -> Path:
    file = tmp_path / "tiger.pomdp"
    file.write_text(TIGER)
    return file


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put a solver in place that takes no time; the settings that it was given are returned."""
    given: dict[str, Any] = {}

    def solve_finite(pomdp: Any, **settings: Any) -> Any:
        given.update(settings)
        classes = np.arange(len(pomdp.members))
        vectors = np.zeros((classes.size, max(states.size for states in pomdp.members)))
        return SimpleNamespace(
            policy=AlphaVectors(pomdp, vectors, classes % pomdp.actions, classes),
            lower=18.5, upper=20.0, gap=0.075, status="stopped by time: the value is known to 7.50% only",
            converged=False, iterations=12, seconds=3.25, trace=(), settings=settings,
        )  # fmt: skip

    module = SimpleNamespace(solve_finite=solve_finite)
    monkeypatch.setitem(sys.modules, "ecodecide.solvers.pomdp.finite", module)  # type: ignore[misc]
    return given


def test_what_is_printed(tiger: Path, fake: dict[str, Any]) -> None:
    result = solve(tiger)
    # a search stopped by time is a result
    assert result.exit_code == 0
    assert result.stderr == ""
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["states:", "2"],
        ["actions:", "3"],
        ["observations:", "2"],
        ["lower", "bound:", "18.5"],
        ["upper", "bound:", "20"],
        ["gap:", "7.50%"],
        ["status:", "stopped", "by", "time:", "the", "value", "is", "known", "to", "7.50%", "only"],
        ["seconds:", "3.2"],
        ["iterations:", "12"],
        ["vectors:", "1"],
        ["first", "action:", "listen"],
        ["policy:", "not", "written", "(see", "--output)"],
    ]
    assert fake == {"gap": 0.01, "seconds": 60.0, "iterations": None, "memory": 400.0}


def test_settings_are_passed_on(tiger: Path, fake: dict[str, Any]) -> None:
    assert (
        solve(tiger, "--gap", "0.2", "--seconds", "5", "--iterations", "7", "--memory", "50").exit_code == 0
    )
    assert fake == {"gap": 0.2, "seconds": 5.0, "iterations": 7, "memory": 50.0}


def test_json(tiger: Path, fake: dict[str, Any], tmp_path: Path) -> None:
    result = solve(tiger, "--json", "-o", tmp_path / "policy.alpha")
    assert json.loads(result.stdout) == {
        "file": str(tiger),
        "states": 2,
        "actions": 3,
        "observations": 2,
        "visible_classes": 1,
        "discount": 0.95,
        "lower": 18.5,
        "upper": 20.0,
        "gap": 0.075,
        "status": "stopped by time: the value is known to 7.50% only",
        "converged": False,
        "iterations": 12,
        "seconds": 3.25,
        "vectors": 1,
        "first_action": "listen",
        "policy": str(tmp_path / "policy.alpha"),
        "settings": {"gap": 0.01, "seconds": 60.0, "iterations": None, "memory": 400.0},
        "ecodecide_version": ecodecide.__version__,
    }
    assert result.stderr == f"saved {tmp_path / 'policy.alpha'}\n"
    assert solve(tiger, "--quiet", "-o", tmp_path / "policy.alpha").stderr == ""


def test_a_start_in_several_visible_classes(tmp_path: Path, fake: dict[str, Any]) -> None:
    (tmp_path / "chain.pomdp").write_text(
        "discount: 0.9\nvalues: reward\nstates: 8\nactions: stay go\nT: stay identity\nT: go uniform\n"
    )
    write_pomdp(read_pomdp(tmp_path / "chain.pomdp"), tmp_path / "chain.pomdpx")
    text = " ".join(solve(tmp_path / "chain.pomdpx").stdout.split())
    assert "states: 8, 8 visible classes" in text
    assert (
        "stay in class 0, go in class 1, stay in class 2, go in class 3, stay in class 4, ... policy" in text
    )
    found = json.loads(solve(tmp_path / "chain.pomdpx", "--json").stdout)
    assert found["first_action"] == {str(c): ("stay", "go")[c % 2] for c in range(8)}


def test_a_policy_that_cannot_be_written_does_not_cost_the_result(
    tiger: Path, fake: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ecodecide.whole_file.os.replace", full)
    result = solve(tiger, "-o", tmp_path / "policy.policyx")
    assert result.exit_code == 1
    assert "lower bound:" in result.stdout and "not written" in result.stdout
    assert result.stderr.startswith("error: cannot write ") and result.stderr.count("\n") == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["tiger.pomdp"]


def test_an_error_of_the_solver(tiger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise SolverError("the problem\nis too hard")

    module = SimpleNamespace(solve_finite=fails)
    monkeypatch.setitem(sys.modules, "ecodecide.solvers.pomdp.finite", module)  # type: ignore[misc]
    check_one_line(solve(tiger), "the problem is too hard")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("none.pomdp", None, "none.pomdp was not found"),
        ("tiger.txt", TIGER, "expected one of .pomdp, .pomdpx"),
        ("tiger.pomdp", TIGER.replace("0.85 0.15", "0.85 0.25"), "tiger.pomdp, line 10: "),
        ("tiger.pomdpx", TIGER, "tiger.pomdpx, line 1: this is not XML"),
        ("empty.pomdp", "", "empty.pomdp, line 1: the file is empty"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, fake: Any, name: str, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    check_one_line(solve(tmp_path / name), words)
    assert fake == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "policy.txt"], ".policyx, .policy, .alpha"),
        (["-o", "nowhere/policy.alpha"], "folder"),
        (["--gap", "1"], "--gap"),
        (["--gap", "nan"], "--gap"),
        (["--seconds", "0"], "--seconds"),
        (["--seconds", "inf"], "--seconds"),
        (["--iterations", "-1"], "--iterations"),
        (["--memory", "0"], "--memory"),
    ],
)
def test_usage_is_checked_before_the_file_is_read(
    tmp_path: Path, fake: Any, arguments: list[str], words: str
) -> None:
    result = solve(tmp_path / "none.pomdp", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert fake == {}


@pytest.mark.parametrize("suffix", ["policyx", "alpha"])
def test_tiger_is_solved_and_its_policy_read_again(tiger: Path, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"policy.{suffix}"
    found = json.loads(solve(tiger, "--gap", "0.001", "--seconds", "300", "--json", "-o", file).stdout)
    assert found["converged"] and found["gap"] <= 0.001
    # the optimum is 19.3714 (Cassandra's tiger at a discount of 0.95), and bounds must enclose it
    assert found["lower"] <= 19.3714 + 1e-4 and found["upper"] >= 19.3714 - 1e-4
    assert found["first_action"] == "listen"
    policy = read_alpha_vectors(file, read_pomdp(tiger))
    assert len(policy.actions) == found["vectors"]
    # printed in full precision, so that the sum is the same but for its rounding
    assert policy.value(np.array([0.5, 0.5])) == pytest.approx(found["lower"], abs=1e-9)


def test_the_command_is_listed() -> None:
    listed = CliRunner().invoke(main, ["--help"]).stdout
    assert "Solve a POMDP file and write its policy." in listed
