"""`ecodecide plot`: a saved run in, a figure out."""

import importlib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ecodecide.cli.main import main
from ecodecide.cli.plot import _KINDS
from ecodecide.report.plots.figures import KINDS


@pytest.fixture(scope="module")
def run(plain_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plot") / "run.nc"
    plain_run.save(path)
    return path


def plot(*words: Any) -> Any:
    return CliRunner().invoke(main, ["plot", *map(str, words)])


def test_the_help_lists_every_kind() -> None:
    listed = dict(line.split(maxsplit=1) for line in _KINDS.splitlines()[2:])
    assert {name: words for name, words in listed.items() if name not in ("hindcast", "all")} == {
        n: k.words for n, k in KINDS.items()
    }
    assert "belief-policies" in plot("--help").output


def test_a_figure_is_written_and_the_same_again(run: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.svg" for n in (1, 2)]
    for file in files:
        result = plot("collapse", run, "-o", file, "--policy", "tac")
        assert (result.exit_code, result.stdout) == (0, "") and f"saved {file}" in result.stderr
    assert files[0].read_bytes() == files[1].read_bytes() and files[0].read_bytes().startswith(b"<?xml")
    assert sorted(tmp_path.iterdir()) == files


def test_all_figures_go_to_a_folder(run: Path, tmp_path: Path) -> None:
    result = plot("all", run, "-o", tmp_path / "figures", "--format", "svg", "--policy", "tac")
    assert result.exit_code == 0
    written = {file.name for file in (tmp_path / "figures").iterdir()}
    assert written == {f"{kind}.svg" for kind in KINDS if kind != "belief-policies"}
    assert "no belief-policies: nothing to show" in result.stderr


def test_quiet_says_nothing(run: Path, tmp_path: Path) -> None:
    assert plot("kobe", run, "-o", tmp_path / "kobe.png", "-q").output == ""
    assert (tmp_path / "kobe.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pie", "RUN", "-o", "x.png"], "'pie' is none of history, kobe, belief, policies"),
        (["kobe", "RUN", "-o", "x.gif"], "x.gif does not end in one of .png, .svg, .pdf"),
        (["kobe", "RUN", "-o", "nowhere/x.png"], "the folder nowhere does not exist"),
        (["all", "RUN", "-o", "RUN"], "is a file: all figures need a folder"),
        (["kobe", "none.nc", "-o", "x.png"], "'none.nc' does not exist"),
        (["kobe", "RUN"], "Missing option '-o'"),
    ],
)  # fmt: skip
def test_wrong_usage_is_refused_before_any_work(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = plot(*[str(run) if word == "RUN" else word for word in words])
    assert result.exit_code == 2 and message in " ".join(result.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_what_the_run_does_not_hold_is_an_error_in_one_line(run: Path, tmp_path: Path) -> None:
    result = plot("worms", run, "-o", tmp_path / "x.png", "--world", "allen")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "error: no world 'allen' in this run: expected one of fitted" in result.stderr
    (tmp_path / "text.nc").write_text("no")
    result = plot("worms", tmp_path / "text.nc", "-o", tmp_path / "x.png")
    assert result.exit_code == 1 and "error:" in result.stderr and not (tmp_path / "x.png").exists()


def test_an_interrupt_says_which_figures_are_there(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = importlib.import_module("ecodecide.report.plots.figures")
    draw = figures.draw

    def interrupted(kind: str, *given: Any, **more: Any) -> Any:
        if kind == "belief":
            raise KeyboardInterrupt
        return draw(kind, *given, **more)

    monkeypatch.setattr(figures, "draw", interrupted)
    result = plot("all", run, "-o", tmp_path / "figures")
    assert result.exit_code == 130
    assert "of all figures 2 are in" in result.stderr.replace("\n", " ")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["history.png", "kobe.png"]
