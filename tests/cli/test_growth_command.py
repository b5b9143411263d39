"""`ecodecide growth`: what it prints where, how it ends, what it writes, and what it says to input that is wrong."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from command_result import check_one_line, flat

import ecodecide
from ecodecide.cli import main

COMMAND = importlib.import_module("ecodecide.cli.growth")
FITTING = importlib.import_module("ecodecide.fitting")
FIGURE = importlib.import_module("ecodecide.report.figure_file")


def growth(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["growth", *map(str, arguments)])


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def write(folder: Path, column: str = "biomass", factor: float = 1.0) -> Path:
    """A logistic stock, K 100 and r 0.8, fished for 14 years, with 5 % scatter."""
    rng = np.random.default_rng(1)
    b, rows = 90.0, []
    for year in range(2001, 2015):
        catch = 0.25 * b if year < 2008 else 0.1 * b
        rows.append(f"{year},{catch:.6g},{factor * b:.6g}")
        s = b - catch
        b = (s + 0.8 * s * (1.0 - s / 100.0)) * float(np.exp(0.05 * rng.standard_normal()))
    path = folder / f"{column}.csv"
    path.write_text("\n".join([f"# catch_unit: t\n# {column}_unit: t\nyear,catch,{column}", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("growth")


@pytest.fixture(scope="module")
def printed(folder: Path) -> Any:
    return json.loads(growth(write(folder), "--json").stdout)


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(COMMAND, "_learn", lambda *_: pytest.fail("the long work had begun"))


def test_json_has_its_keys_and_plain_values(printed: Any) -> None:
    assert set(printed) == {
        "stock", "unit", "learned_from", "mean_growth", "hyperparameters", "known", "extrapolated",
        "one_step_ahead", "leave_one_out", "curve", "figure", "ecodecide_version",
    }  # fmt: skip
    assert printed["learned_from"] == {
        "pairs": 13, "first_year": 2001, "last_year": 2013, "origin": "the biomass in the history",
        "independent": True, "law": None, "assessment_output": False, "years_left_out": 0, "scale": 98.5378,
    }  # fmt: skip
    assert set(printed["mean_growth"]) == set(printed["extrapolated"]) == {
        "carrying_capacity", "msy", "escapement_msy", "allee_threshold",
    }  # fmt: skip
    assert set(printed["hyperparameters"]) == {"signal_sd", "length_scale", "noise_sd"}
    assert [entry["model"] for entry in printed["leave_one_out"]] == ["gp", "ricker", "allen", "myers"]
    assert set(printed["leave_one_out"][0]) == {
        "model",
        "total",
        "per_pair",
        "difference",
        "difference_se",
        "place",
    }
    ahead = printed["one_step_ahead"]
    assert ahead["years"] == [2010, 2011, 2012, 2013, 2014]
    assert set(ahead["coverage"]) == {"50 %", "90 %"}
    assert np.shape(ahead["rank"]) == np.shape(ahead["log_score"]) == (1, 5)
    assert len({len(values) for values in printed["curve"].values()}) == 1
    assert printed["figure"] is None
    assert printed["ecodecide_version"] == ecodecide.__version__


def test_text_says_what_the_json_says(folder: Path, printed: Any) -> None:
    result = growth(write(folder))
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    text = flat(result.stdout)
    assert "growth learned from 13 pairs of years, 2001 to 2013, of the biomass in the history" in text
    assert "not independent" not in text and "too kind" not in text
    assert f"carrying capacity: {printed['mean_growth']['carrying_capacity']:.4g}" in text
    threshold = printed["mean_growth"]["allee_threshold"]
    assert f"threshold: {'none' if threshold is None else format(threshold, '.4g')}" in text
    (low, high), seen = printed["known"]["ranges"][0], printed["known"]["seen"]
    assert f"escapements of {low:.4g} to {high:.4g} t; data from {seen[0]:.4g} to {seen[1]:.4g} t" in text
    assert "One year ahead, 2010 to 2014: the 50 % interval held" in text
    for entry in printed["leave_one_out"]:
        assert f"{entry['model']} {entry['total']:.2f} {entry['per_pair']:.3f}" in text
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_what_lies_beyond_the_data_says_so() -> None:
    summary = {
        "unit": "t",
        "mean_growth": {"carrying_capacity": 90.0, "msy": 20.0, "escapement_msy": 45.0, "allee_threshold": 5.0},
        "extrapolated": {
            "carrying_capacity": True, "msy": False, "escapement_msy": False, "allee_threshold": True,
        },
        "hyperparameters": {"noise_sd": 0.1},
        "known": {"ranges": [[10.0, 20.0], [40.0, 60.0]], "seen": [9.0, 61.0]},
    }  # fmt: skip
    text = flat("\n".join(COMMAND._growth_lines(summary)))
    assert "carrying capacity: 90 t, extrapolated MSY: 20 t per year (escapement 45 t)" in text
    assert "threshold: 5 t, extrapolated" in text
    assert "escapements of 10 to 20 t and 40 to 60 t; data from 9 to 61 t; outside, its prior speaks" in text
    shrinks: Any = {**summary, "known": {"ranges": [], "seen": [9.0, 61.0]}}
    shrinks["mean_growth"] = {**summary["mean_growth"], "carrying_capacity": 0.0, "allee_threshold": None}  # type: ignore[dict-item]
    text = flat("\n".join(COMMAND._growth_lines(shrinks)))
    assert "carrying capacity: none: it shrinks" in text and "MSY" not in text
    assert "known: nowhere" in text


def test_a_figure_is_written(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "growth.svg"
    result = growth(write(folder), "-o", path)
    assert (result.exit_code, result.stderr) == (0, f"saved {path}\n")
    assert path.read_text().startswith("<?xml")
    assert json.loads(growth(write(folder), "-o", path, "--json", "-q").stdout)["figure"] == str(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_figure_that_cannot_be_written_does_not_cost_the_result(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecodecide.errors import EvaluationError

    def full(*_: Any) -> None:
        raise EvaluationError("cannot write it: No space left on device")

    monkeypatch.setattr(FIGURE, "save_figure", full)
    result = growth(write(folder), "-o", tmp_path / "growth.png", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["figure"] is None
    assert result.stderr == "error: cannot write it: No space left on device\n"


def test_a_relative_biomass_is_that_of_a_fit_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder, "index", factor=0.01)
    laws = []
    rows = np.genfromtxt(path, delimiter=",", skip_header=3)

    def fit(history: Any, law: str) -> Any:
        laws.append(law)
        return SimpleNamespace(
            trajectory_biomass=100.0 * rows[:, 2] * np.array([[0.95], [1.0], [1.05]]), unit="t"
        )

    monkeypatch.setattr(FITTING, "fit", fit)
    result = growth(path, "--fit", "ricker")
    assert result.exit_code == 0, result.output
    assert laws == ["ricker"]
    text = flat(result.stdout)
    assert "not independent: the biomass is that of a fitted ricker stock" in text
    assert "of 3 draws of the biomass of the fitted growth law" in text
    assert "One year ahead, 2010 to 2014, 3 draws:" in text
    # an absolute biomass needs no law
    growth(write(folder), "--fit", "ricker")
    assert laws == ["ricker"]


def test_catches_alone_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FITTING, "fit", lambda *_: pytest.fail("there is nothing to fit"))
    check_one_line(growth("flathead-tiger-australia"), "this history has none: give a biomass column")
    check_one_line(growth("no-such-stock"), "no-such-stock")


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fit", "gompertz"], "'gompertz' is none of logistic"),
        (["-o", "growth.jpg"], "growth.jpg does not end in one of .png, .svg, .pdf"),
        (["-o", "nowhere/growth.png"], "the folder nowhere does not exist"),
    ],
)
def test_wrong_usage_is_refused_before_any_work(arguments: list[str], told: str) -> None:
    result = growth("hake-argentina-north", *arguments)
    assert result.exit_code == 2
    assert told in flat(result.stderr)


def test_help_names_it_and_imports_nothing_heavy() -> None:
    assert "growth" in CliRunner().invoke(main, ["--help"]).stdout
    code = "from ecodecide.cli import main; import sys; main(['growth', '--help'], standalone_mode=False)\n"
    heavy = "{'numpy', 'scipy', 'torch', 'matplotlib', 'xarray', 'rich'}"
    code += f"assert not {heavy} & set(sys.modules), set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "STOCK" in done.stdout and ".png, .svg or .pdf" in done.stdout
