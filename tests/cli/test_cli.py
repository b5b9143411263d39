"""The command line: what it prints where, how it ends, and what it says to input that is wrong."""

import importlib
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from command_result import check_one_line, flat
from threadpoolctl import threadpool_limits

import ecodecide
from ecodecide.cli import main
from ecodecide.cli.lines import width, wrapped
from ecodecide.errors import ConvergenceWarning, HistoryWarning, SolverError
from ecodecide.evaluation import managed_stock
from ecodecide.evaluation.managed_stock import DEFAULT_SOLVERS
from ecodecide.evaluation.metrics import METRICS
from ecodecide.fitting.laws import FittedLaws, fit_laws
from ecodecide.solvers.registry import solver_named, solver_names
from ecodecide.stock.growth import LAWS

COMPARE = importlib.import_module("ecodecide.evaluation.comparison")
SMALL = ["--solver", "tac", "--solver", "no-fishing", "--cells", "30", "--replicates", "50", "--years", "10"]
SMALL += ["--growth", "logistic", "--world", "fitted"]
HAKE = ["compare", "hake-argentina-north", *SMALL]


def ecodecide_cli(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed_stock, "fit_laws", lambda *_, **__: pytest.fail("the long work had begun"))


def quick_fit(history: Any, laws: Any, **settings: Any) -> FittedLaws:
    """Fit as a command does, with fewer draws on fewer cells."""
    return fit_laws(history, laws, **{**settings, "draws": 50, "cells": 60})


@pytest.fixture(scope="module")
def posterior() -> Any:
    return quick_fit(ecodecide.load_history("hake-argentina-north"), ["logistic"]).average


@pytest.fixture
def fitted(posterior: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare a test the fit, which is not what it is about."""
    monkeypatch.setattr(
        managed_stock,
        "fit_laws",
        lambda *_, **__: SimpleNamespace(
            average=posterior, posteriors=dict.fromkeys(["logistic", "allen"], posterior), failures={}
        ),
    )


# --- help, stocks, models ---


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "ecodecide", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in modules
    assert not modules & {
        "numpy",
        "xarray",
        "scipy",
        "numba",
        "torch",
        "gpytorch",
        "rich",
        "h5netcdf",
        "threadpoolctl",
    }
    for command_name in ("compare", "models", "stocks"):
        assert f"  {command_name} " in done.stdout


def test_help_of_compare_names_the_defaults_and_the_laws() -> None:
    # names may be broken at their hyphens
    words = " ".join(ecodecide_cli("compare", "-h").stdout.split()).replace("- ", "-")
    assert f"[default: {', '.join(DEFAULT_SOLVERS)}]" in words
    for law in LAWS:
        assert law in words


def test_version() -> None:
    assert ecodecide_cli("--version").stdout == f"ecodecide, version {ecodecide.__version__}\n"


def test_stocks_as_text_and_json() -> None:
    rows = json.loads(ecodecide_cli("stocks", "--json").stdout)
    assert len(rows) == 14
    assert {"id", "species", "region", "years", "units", "observed", "source", "license"} <= set(rows[0])
    assert all(row["license"] for row in rows)
    text = ecodecide_cli("stocks")
    assert text.exit_code == 0
    assert text.stderr == ""
    assert [line for line in text.stdout.splitlines() if not line.startswith(" ")] == [
        row["id"] for row in rows
    ]
    for row in rows:
        for words in (
            row["species"],
            f"{row['years'][0]}-{row['years'][1]}: {row['observed']}",
            f"source: {row['source']}",
            f"license: {row['license']}",
        ):
            assert flat(words) in flat(text.stdout)
    assert max(map(len, text.stdout.splitlines())) <= 100


def test_models_as_text_and_json() -> None:
    rows = json.loads(ecodecide_cli("models", "--json").stdout)
    assert len(rows) >= 2
    by_id = {row["id"]: row for row in rows}
    # the simulations of the 2019 paper: logistic with r = 0.75 and K = 1
    assert by_id["memarzadeh2019"]["law"] == "logistic"
    assert by_id["memarzadeh2019"]["parameters"] == {"r": 0.75, "K": 1.0}
    assert by_id["memarzadeh2019"]["doi"] == "10.1086/702704"
    text = ecodecide_cli("models")
    assert text.exit_code == 0
    assert "logistic: r = 0.75, K = 1; " in text.stdout
    for row in rows:
        assert row["id"] in text.stdout
        assert f"doi:{row['doi']}" in text.stdout
    assert max(map(len, text.stdout.splitlines())) <= 100


def test_lines_break_between_words_at_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    assert width() == 30
    address = "doi:10.1111/j.1467-2979.2011.00435.x"
    text = wrapped(f"Ricard, Minto, Jensen & Baum 2012, {address}, version 4", indent=2)
    assert text.splitlines() == [
        "  Ricard, Minto, Jensen & Baum",
        "    2012,",
        f"    {address},",
        "    version 4",
    ]
    for nothing in ("", "0", "wide", "-5"):
        monkeypatch.setenv("COLUMNS", nothing)
        monkeypatch.setattr(os, "get_terminal_size", lambda stream: os.terminal_size((77, 20)))
        assert width() == 77

        def none(stream: int) -> os.terminal_size:
            raise OSError

        monkeypatch.setattr(os, "get_terminal_size", none)
        assert width() == 100


# --- compare ---


def test_compare_json_fulfills_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed_stock, "fit_laws", quick_fit)
    result = ecodecide_cli(*HAKE, "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    found = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    assert {"stock", "policies", "settings", "assumptions", "cite"} <= set(found)
    assert found["stock"] == "hake-argentina-north"
    assert [entry["name"] for entry in found["policies"]] == ["tac", "no-fishing"]
    for entry in found["policies"]:
        assert {"seconds", "status"} <= set(entry)
        for metric in METRICS:
            values = [entry[metric][key] for key in ("low", "value", "high")]
            assert None in (values[0], values[2]) or values == sorted(values)
            assert (values[0] is None) == (values[2] is None)


@pytest.mark.usefixtures("fitted")
def test_compare_prints_a_table_and_what_follows_from_it() -> None:
    result = ecodecide_cli(*HAKE)
    assert result.exit_code == 0
    assert result.stderr == ""
    for words in (
        "hake-argentina-north: 10 years, 50 futures, world fitted",
        "below 0.1K",
        "Most valuable: tac",
        "Assumptions",
        "Cite",
    ):
        assert words in result.stdout
    assert "Settings" not in result.stdout
    assert "\x1b" not in result.stdout
    verbose = ecodecide_cli(*HAKE, "--verbose").stdout
    for words in ("Fit (logistic)", "msy: ", "Solvers", "Settings"):
        assert words in verbose
    settings = verbose.splitlines()[-1]
    assert json.loads(settings)["solvers"] == ["tac", "no-fishing"]
    assert max(len(line) for line in verbose.splitlines() if line != settings) <= 100


@pytest.mark.parametrize("columns", ["80", "100"])
@pytest.mark.usefixtures("fitted")
def test_nothing_is_wider_than_the_columns(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    result = ecodecide_cli(*HAKE, "--solver", "constant-escapement")
    assert max(map(len, result.stdout.splitlines())) <= int(columns)
    assert "…" not in result.stdout
    # what a broken line goes on with is indented by two more
    assert "\n  biomass is the output" in result.stdout
    assert "\n    its observation error" in result.stdout or columns == "100"


@pytest.mark.usefixtures("fitted")
def test_quiet_is_the_table_alone(tmp_path: Path) -> None:
    result = ecodecide_cli(*HAKE, "--quiet", "-o", str(tmp_path / "run.nc"))
    assert result.exit_code == 0
    assert result.stderr == ""
    assert (tmp_path / "run.nc").exists()
    lines = result.stdout.strip().splitlines()
    assert lines[0].strip() == "hake-argentina-north: 10 years, 50 futures, world fitted"
    assert lines[-1].strip() == "second line: 95 % Monte Carlo interval"
    assert [line.split()[0] for line in lines if line.startswith(("tac", "no-"))] == ["tac", "no-fishing"]


@pytest.mark.usefixtures("fitted")
def test_warnings_are_lines_on_stderr_and_in_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    evaluate = COMPARE.evaluate

    def warn(*arguments: Any, **options: Any) -> Any:
        for category, words in (
            (ConvergenceWarning, "the search\nended early"),
            (HistoryWarning, "a gap in 1999"),
            (UserWarning, "not ours"),
        ):
            warnings.warn(words, category, stacklevel=1)
        return evaluate(*arguments, **options)

    monkeypatch.setattr(COMPARE, "evaluate", warn)
    ours = ["warning: the search ended early", "warning: a gap in 1999"]
    with pytest.warns(UserWarning, match="not ours") as seen:
        result = ecodecide_cli(*HAKE)
    assert [str(w.message) for w in seen] == ["not ours"]
    assert result.stderr.splitlines() == ours
    assert "warning" not in result.stdout
    with pytest.warns(UserWarning, match="not ours"):
        result = ecodecide_cli(*HAKE, "--quiet", "-o", str(tmp_path / "run"))
    assert result.stderr.splitlines() == ours[:1]
    assert (tmp_path / "run").exists()  # a name needs no suffix
    with pytest.warns(UserWarning, match="not ours"):
        result = ecodecide_cli(*HAKE, "--json")
    assert result.stderr.splitlines() == ours
    assert json.loads(result.stdout)["warnings"] == ["the search\nended early", "a gap in 1999"]


@pytest.mark.usefixtures("fitted")
def test_options_arrive_where_they_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.nc"
    gaps = []

    def named(name: str, gap: float) -> Any:
        gaps.append(gap)
        return solver_named(name, gap)

    monkeypatch.setattr(managed_stock, "solver_named", named)
    result = ecodecide_cli(
        *HAKE, "--json", "--seed", "7", "--collapse", "0.2BMSY", "--discount", "0.9", "--implementation", "0.1",
        "--survey", "lognormal:0.3", "--gap", "0.05", "--solver", "tac", "-o", str(path),
    )  # fmt: skip
    assert result.stderr == f"saved {path}\n"
    settings = json.loads(result.stdout)["settings"]
    assert settings["solvers"] == ["tac", "no-fishing"]  # tac once, though asked for twice
    wanted = {
        "seed": 7,
        "collapse": "0.2BMSY",
        "implementation_cv": 0.1,
        "survey": "LognormalSurvey(cv=0.3)",
    }
    assert {key: settings[key] for key in wanted} == wanted
    assert gaps == [0.05, 0.05]
    assert settings["economy"]["discount"] == 0.9
    assert (settings["years"], settings["replicates"]) == (10, 50)
    assert settings["grid"]["cells"] == 30


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["--solver", "tca"], "--solver"),
        (["--growth", "exponential"], "--growth"),
        (["--growth", "gp"], "--growth"),
        (["--world", "alien"], "--world"),
        (["--world", "fitted,trend=-2"], "--world"),
        (["--survey", "lognormal"], "--survey"),
        (["--survey", "normal:-1"], "--survey"),
        (["--survey", "sonar:0.1"], "--survey"),
        (["--discount", "1"], "--discount"),
        (["--discount", "nan"], "--discount"),
        (["--discount", "5%"], "--discount"),
        (["--collapse", "0.1L"], "--collapse"),
        (["--collapse", "-3"], "--collapse"),
        (["--years", "0"], "--years"),
        (["--replicates", "0"], "--replicates"),
        (["--seed", "-1"], "--seed"),
        (["--cells", "1"], "--cells"),
        (["--gap", "1"], "--gap"),
        (["--output", "no/such/folder/run.nc"], "--output"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
@pytest.mark.usefixtures("no_fit")
def test_wrong_usage_ends_with_2_before_any_work(arguments: list[str], option: str) -> None:
    result = ecodecide_cli("compare", "hake-argentina-north", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert option in last


@pytest.mark.usefixtures("no_fit")
def test_implementation_error_that_is_no_number() -> None:
    check_one_line(ecodecide_cli(*HAKE, "--implementation", "nan"), "implementation_cv must be a number")


def test_no_stock_and_no_command() -> None:
    assert ecodecide_cli("compare").exit_code == 2
    assert ecodecide_cli("comparre").exit_code == 2


@pytest.mark.usefixtures("fitted")
def test_a_limit_that_the_law_does_not_have() -> None:
    check_one_line(ecodecide_cli(*HAKE, "--collapse", "allee"), "'allee' does not exist for this stock")


@pytest.mark.usefixtures("fitted")
def test_a_solver_that_fails_says_so_under_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def solve(self, problem: Any) -> Any:
            raise SolverError("this solver is broken [really]; use another")

    monkeypatch.setattr(
        managed_stock, "solver_named", lambda name, gap: Broken() if name == "tac" else solver_named(name)
    )
    result = ecodecide_cli(*HAKE, "--quiet")
    assert result.exit_code == 0
    assert "\ntac: failed: this solver is broken [really]; use another\n" in result.stdout


@pytest.mark.usefixtures("fitted")
def test_a_file_that_cannot_be_saved_does_not_cost_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, target: Any, **_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xarray.Dataset.to_netcdf", full)
    result = ecodecide_cli(*HAKE, "-o", str(tmp_path / "run.nc"))
    assert result.exit_code == 1
    assert "Most valuable: tac" in result.stdout
    assert result.stderr.startswith("error: cannot write ")
    assert "No space left on device" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_every_solver_of_the_command_line_is_to_be_had() -> None:
    for name in solver_names():
        assert callable(solver_named(name).solve)
    with pytest.raises(SolverError, match="unknown solver 'x': expected one of pomdp"):
        solver_named("x")


def test_a_solver_that_is_installed_shows_up_and_one_that_does_not_load_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "strange-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[ecodecide.solvers]\nstrange = strange_solver:make\nbad = no_such_module:x\n"
    )
    (tmp_path / "strange_solver.py").write_text(
        "from ecodecide import Precautionary\ndef make():\n    return Precautionary('msy')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert solver_names()[-2:] == ["bad", "strange"]
    assert solver_named("strange").rule == "msy"  # type: ignore[attr-defined]
    check_one_line(
        ecodecide_cli("compare", "hake-argentina-north", "--solver", "bad"), "'bad' of no_such_module:x"
    )


# --- histories that are wrong ---

GOOD = "year,catch,biomass\n2001,10,100\n2002,12,95\n2003,11,97\n2004,9,96\n2005,10,99\n2006,11,98\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("2003,11,97\n", ""), ["mine.csv", "2004 after 2002", "expected 2003"]),
        (GOOD.replace("2003", "2002"), ["mine.csv", "row 4", "2002 a second time"]),
        (GOOD.replace("2003,11", "2003,-11"), ["mine.csv", "row 4", "catch", "-11", "at least 0"]),
        (GOOD.replace("2003,11", "2003,eleven"), ["mine.csv", "row 4", "catch", "eleven"]),
        (GOOD.replace("2003,11", "2003,"), ["mine.csv", "row 4", "catch"]),
        (GOOD.replace("catch", "landing weight"), ["mine.csv", "catch"]),
        ("", ["mine.csv", "empty"]),
        ("year,catch,biomass\n", ["mine.csv", "0 rows"]),
    ],
    ids=["missing", "repeated", "negative", "not a number", "blank", "no catch", "empty", "header alone"],
)
@pytest.mark.usefixtures("no_fit")
def test_a_wrong_file_gets_one_clear_line(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    check_one_line(ecodecide_cli("compare", str(path), *SMALL), *words)


@pytest.mark.usefixtures("no_fit")
def test_a_directory_a_missing_file_and_a_name_that_is_nearly_right(tmp_path: Path) -> None:
    check_one_line(ecodecide_cli("compare", str(tmp_path)), str(tmp_path), "directory")
    check_one_line(ecodecide_cli("compare", str(tmp_path / "none.csv")), "none.csv")
    check_one_line(
        ecodecide_cli("compare", "hake-argentinia-north"),
        "'hake-argentinia-north'", "did you mean hake-argentina-north", "`ecodecide stocks`",
    )  # fmt: skip


def test_catch_alone_gets_one_line_on_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("year,catch\n" + "".join(f"{year},10\n" for year in range(2001, 2011)))
    check_one_line(
        ecodecide_cli("compare", str(path), *SMALL), "neither a biomass nor an index", "add a column"
    )
    check_one_line(
        ecodecide_cli("compare", "flathead-tiger-australia", *SMALL), "neither a biomass nor an index"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace(",", ";").replace("2003;11", "2003;11,5").encode(),
        GOOD.encode("utf-16"),
    ],
    ids=["byte order mark", "semicolons and decimal commas", "utf-16"],
)
@pytest.mark.usefixtures("fitted")
def test_files_as_spreadsheets_write_them(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(data)
    result = ecodecide_cli("compare", str(path), *SMALL, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["stock"] == "mine"


@pytest.mark.usefixtures("fitted")
def test_catch_above_biomass_is_said_once_with_the_years(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(GOOD.replace("2003,11", "2003,110"))
    result = ecodecide_cli("compare", str(path), *SMALL)
    assert result.exit_code == 0
    assert flat(result.stdout + result.stderr).count("catch exceeds biomass in 1 year (2003)") == 1


# --- a terminal, a pipe, an interrupt ---

PATIENCE = 600.0
"""Seconds after which what was waited for will not come; only a test that fails waits for so long."""

WITH_A_QUICK_FIT = """
from ecodecide.evaluation import managed_stock

fit_laws = managed_stock.fit_laws

def quick_fit(*arguments, **settings):
    return fit_laws(*arguments, **{**settings, "draws": 50, "cells": 60})

managed_stock.fit_laws = quick_fit
"""

INTERRUPTED_IN_THE_FIT = """
import os, signal, threading
from ecodecide.evaluation import managed_stock

# a suite that runs in the background of a shell hands down that interrupts are to be ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
fit_laws, pressed = managed_stock.fit_laws, threading.Event()

def interrupted(*arguments, progress, **settings):
    def tell(words, share):
        progress(words, share)
        if share > 0.02 and not pressed.is_set():
            pressed.set()
            os.kill(os.getpid(), signal.SIGINT)

    return fit_laws(*arguments, progress=tell, **settings)

managed_stock.fit_laws = interrupted
"""


def program(before: str) -> list[str]:
    """Return the command line of ecodecide, run after some lines of Python."""
    return [sys.executable, "-c", f"{before}\nfrom ecodecide.cli import main\nmain()"]


def run_on_a_terminal(*command: str) -> tuple[int, str, str]:
    """Return the status of a run, what it printed into a file, and what its stderr, a terminal, was told."""
    terminal, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with (
        tempfile.TemporaryFile() as printed,
        subprocess.Popen(command, stdout=printed, stderr=theirs, env=environment) as run,
    ):
        os.close(theirs)
        told, end = b"", time.monotonic() + PATIENCE
        while select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # as Linux says that the other end is closed
                part = b""
            if not part:
                break
            told += part
        else:
            run.kill()
            pytest.fail(f"the run has not ended; its terminal was told {told!r}")
        os.close(terminal)
        status = run.wait(PATIENCE)
        printed.seek(0)
        return status, printed.read().decode(), told.decode()


def test_progress_is_shown_on_a_terminal() -> None:
    status, printed, told = run_on_a_terminal(*program(WITH_A_QUICK_FIT), *HAKE, "--json")
    assert status == 0, told
    json.loads(printed)
    assert "fit" in told
    assert "━" in told  # the bar


def test_a_pipe_gets_the_table_and_nothing_else() -> None:
    command = [*program(WITH_A_QUICK_FIT), *HAKE]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "Most valuable: tac" in done.stdout


def test_the_figures_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 100 cells threaded matrix products do change digits, where they are let; at 30 they do not."""
    monkeypatch.setattr(managed_stock, "fit_laws", quick_fit)
    command = ["compare", "hake-argentina-north", "--json", "--replicates", "20", "--years", "5"]
    command += ["--cells", "100", "--growth", "logistic,allen", "--world", "fitted"]
    command += ["--solver", "pomdp", "--solver", "gpdp"]
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            printed = json.loads(ecodecide_cli(*command).stdout)
        for entry in printed["policies"]:
            assert entry.pop("seconds") >= 0.0
        found.append(json.dumps(printed))
    assert found[0] == found[1]


def test_an_interrupt_is_one_line_and_leaves_no_file(tmp_path: Path) -> None:
    status, printed, told = run_on_a_terminal(
        *program(INTERRUPTED_IN_THE_FIT), "compare", "hake-argentina-north", "-o", str(tmp_path / "run.nc")
    )
    assert status == 1, told
    assert printed == ""
    assert "fit" in told
    assert "Traceback" not in told, told
    assert told.count("error: interrupted: nothing was written") == 1, told
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(managed_stock, "fit_laws", interrupted)
    check_one_line(ecodecide_cli(*HAKE), "interrupted: nothing was written")


@pytest.mark.usefixtures("fitted")
def test_a_reader_that_closes_the_pipe_does_not_cost_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(importlib.import_module("ecodecide.cli.compare"), "_show", closed)
    ecodecide_cli(*HAKE, "-o", str(tmp_path / "run.nc"))
    assert (tmp_path / "run.nc").exists()


def test_metrics_as_text_and_json() -> None:
    listed = json.loads(ecodecide_cli("metrics", "--json").stdout)
    assert [entry["name"] for entry in listed] == list(METRICS)
    text = ecodecide_cli("metrics").stdout
    for name, words in (
        ("risk3", "largest over years"),
        ("AAVC", "|C_t - C_{t-1}| / C_t"),
        ("NPV", "discount^t"),
    ):
        assert name in text.splitlines()
        assert words in " ".join(text.split())


@pytest.mark.usefixtures("fitted")
def test_several_worlds_are_a_matrix_and_sentences() -> None:
    result = ecodecide_cli(*HAKE, "--world", "allen,trend=-0.05")
    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    for told in (
        "in every world: net present value",
        "what the best policy of a world earns more",
        "Least regret over fitted, allen,trend=-0.05: tac",
        "By value in fitted: tac > no-fishing; tac is first in 100 % of resampled futures",
        "Exact risk in fitted, computed on the grid and not sampled: tac",
    ):
        assert told in words, told
