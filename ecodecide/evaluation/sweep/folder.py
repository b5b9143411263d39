"""Where a sweep keeps what it has: one folder, in which a finished file is a finished piece of work.

DIR/plan.json                            the settings, the stocks and the solvers
DIR/stocks/STOCK/history.csv             what was fitted
DIR/stocks/STOCK/fit.nc                  the fitted stock, and fit.LAW.nc where worlds are of other laws
DIR/stocks/STOCK/cell.SOLVER.nc          the scores and futures of a cell
DIR/stocks/STOCK/*.failed.json           why one of these is not there
DIR/results.zarr, cells.csv, summary.csv what is assembled from the cells
DIR/log.jsonl                            when and where each piece was worked on
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ecodecide import __version__
from ecodecide.errors import EcodecideError, EvaluationError
from ecodecide.evaluation.sweep.plan import SCHEMA, SweepPlan
from ecodecide.whole_file import whole_file

_ABANDONED = 3600.0
"""Seconds after which the unfinished file of a process that was killed is taken away."""


@dataclass(frozen=True)
class SweepFolder:
    """The places in a sweep's folder.

    Parameters
    ----------
    root
        The folder.
    """

    root: Path

    @property
    def plan(self) -> Path:
        """The file with the settings."""
        return self.root / "plan.json"

    @property
    def store(self) -> Path:
        """The zarr store of all cells."""
        return self.root / "results.zarr"

    def stock(self, stock: str) -> Path:
        """Return the folder of a stock."""
        return self.root / "stocks" / quote(stock, safe=" ")

    def history(self, stock: str) -> Path:
        """Return the file of a stock's history."""
        return self.stock(stock) / "history.csv"

    def fit(self, stock: str) -> Path:
        """Return the file of a fitted stock; it is there when all of its fits are."""
        return self.stock(stock) / "fit.nc"

    def fit_of_law(self, stock: str, law: str) -> Path:
        """Return the file of the stock fitted with a law of another world."""
        return self.stock(stock) / f"fit.{law}.nc"

    def cell(self, stock: str, solver: str) -> Path:
        """Return the file of a cell."""
        return self.stock(stock) / f"cell.{quote(solver, safe='')}.nc"

    def begun(self) -> dict[str, Any]:
        """Return what `plan.json` says.

        Raises
        ------
        EvaluationError
            When this is no folder of a sweep.
        """
        try:
            found: dict[str, Any] = json.loads(self.plan.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise EvaluationError(
                f"{self.root} has no sweep in it: found no readable plan.json; start one with "
                f"`ecodecide sweep plan.toml -o {self.root}`"
            ) from None
        if found.get("schema") != SCHEMA:
            raise EvaluationError(
                f"{self.plan}: schema is {found.get('schema')!r}, expected {SCHEMA}; begin in another folder"
            )
        return found

    def begin(self, plan: SweepPlan, stocks: list[str]) -> None:
        """Make the folder, or go on in it where it is of the same settings; stocks and solvers may be others.

        Raises
        ------
        EvaluationError
            When something else is in it, or its figures are of other settings.
        """
        wanted = {
            "schema": SCHEMA,
            "ecodecide_version": __version__,
            "settings": plan.settings(),
            "solvers": list(plan.solvers),
            "stocks": stocks,
        }
        if self.plan.exists():
            found = self.begun()
            self._check_same(found, wanted)
            self._sweep_up()
        elif self.root.exists() and any(self.root.iterdir()):
            raise EvaluationError(
                f"{self.root} is not empty and has no sweep in it: give another folder with -o"
            )
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise EvaluationError(
                f"cannot make {self.root}: {problem.strerror or problem}; give another folder"
            ) from None
        write_json(self.plan, wanted)

    def _check_same(self, found: dict[str, Any], wanted: dict[str, Any]) -> None:
        theirs = {"ecodecide_version": found["ecodecide_version"], **found["settings"]}
        ours = {"ecodecide_version": wanted["ecodecide_version"], **wanted["settings"]}
        for key in sorted({*theirs, *ours}):
            if theirs.get(key) != ours.get(key):
                raise EvaluationError(
                    f"{self.root} was begun with {key} {theirs.get(key)!r}, and now it is {ours.get(key)!r}: figures "
                    "of both are not put together; set it back, or begin in another folder"
                )

    def _sweep_up(self) -> None:
        """Take away what processes left behind that were killed long ago."""
        for left in self.root.glob("**/.ecodecide-*"):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)


def failure_of(file: Path) -> Path:
    """Return where it is said why a file is not there.

    Examples
    --------
    >>> failure_of(Path("cell.tac.nc")).name
    'cell.tac.failed.json'
    """
    return file.with_suffix(".failed.json")


def read_failure(file: Path) -> str | None:
    """Return why a file is not there, None where it did not fail."""
    try:
        return str(json.loads(failure_of(file).read_text(encoding="utf-8"))["reason"])
    except (OSError, ValueError, KeyError):
        return None


def write_failure(file: Path, problem: BaseException | str) -> str:
    """Record why a file is not there, and return it in one line."""
    if isinstance(problem, str):
        words = problem
    elif isinstance(problem, EcodecideError):
        words = str(problem)
    else:
        # not foreseen: the kind says more than the words
        words = f"{type(problem).__name__}: {problem}"
    reason = " ".join(words.split())
    write_json(failure_of(file), {"reason": reason})
    return reason


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write plain values, whole or not at all."""
    with whole_file(path, EvaluationError) as new:
        new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def replace_folder(new: Path, old: Path) -> None:
    """Put a folder in the place of another."""
    if old.exists():
        aside = Path(tempfile.mkdtemp(dir=old.parent, prefix=".ecodecide-"))
        os.replace(old, aside / old.name)
        os.replace(new, old)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(new, old)
