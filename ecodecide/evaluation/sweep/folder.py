"""Where a sweep keeps what it has: one folder, in which a finished file is a finished piece of work.

DIR/plan.json                            the settings, the stocks and the solvers
DIR/stocks/STOCK/history.csv             what was fitted
DIR/stocks/STOCK/fit.nc                  the fitted stock, and fit.LAW.nc where worlds are of other laws
DIR/stocks/STOCK/cell.SOLVER.nc          the scores and futures of a cell
DIR/stocks/STOCK/*.failed.json           why one of these is not there
DIR/results.zarr, cells.csv, summary.csv what is assembled from the cells
DIR/log.jsonl                            when and where each piece was worked on
DIR/.ecodecide-lock                      which process works in it, while one does
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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

_OURS = ".ecodecide-"
"""How the names begin of the lock and of what is not finished."""

_LONGEST = 120
"""Characters of a stock's folder, at most: systems take 255 bytes, some of them 260 with all that is before."""


def folder_name(stock: str) -> str:
    """Return the name of a stock's folder: good on every system, and another for every stock.

    Examples
    --------
    >>> [folder_name(stock) for stock in ("Cod 4a", "a/b", "..", "end.")]
    ['Cod 4a', 'a%2Fb', '%2E%2E', 'end%2E']
    """
    # a dot first is a folder of another kind, and a dot or a space last is dropped by some systems
    name = re.sub(r"^[. ]|[. ]$", lambda found: f"%{ord(found[0]):02X}", quote(stock, safe=" "))
    if len(name) <= _LONGEST:
        return name
    # a plus, which is in no quoted name
    return f"{name[: _LONGEST - 17]}+{hashlib.sha256(stock.encode()).hexdigest()[:16]}"


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
        return self.root / "stocks" / folder_name(stock)

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
            found: Any = json.loads(self.plan.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise EvaluationError(
                f"{self.root} has no sweep in it: found no readable plan.json; start one with "
                f"`ecodecide sweep plan.toml -o {self.root}`"
            ) from None
        schema = found.get("schema") if isinstance(found, dict) else None
        if schema != SCHEMA:
            raise EvaluationError(
                f"{self.plan}: schema is {schema!r}, expected {SCHEMA}; begin in another folder"
            )
        parts = {"ecodecide_version": str, "settings": dict, "solvers": list, "stocks": list}
        missing = [name for name, kind in parts.items() if not isinstance(found.get(name), kind)]
        if missing:
            raise EvaluationError(
                f"{self.plan}: found no {' and no '.join(missing)}: it was changed; begin in another folder"
            )
        return dict(found)

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
        elif self.root.exists() and any(not _ours(file) for file in self.root.iterdir()):
            raise EvaluationError(
                f"{self.root} is not empty and has no sweep in it: give another folder with -o"
            )
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
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
        with suppress(OSError):
            for left in self.root.glob(f"**/{_OURS}*"):
                # what is left of a run on a cluster may take it away as well
                with suppress(OSError):
                    if left.is_dir() and time.time() - left.stat().st_mtime > _ABANDONED:
                        shutil.rmtree(left, ignore_errors=True)


def _ours(file: Path) -> bool:
    return file.name.startswith(_OURS)


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


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell in one line what cannot be written, such as on a full disk.

    Raises
    ------
    EvaluationError
        When the system refuses.
    """
    try:
        yield
    except OSError as problem:
        raise EvaluationError(
            f"cannot write {path}: {problem.strerror or problem}; what is finished is kept, and the same command goes "
            "on from there"
        ) from None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write plain values, whole or not at all."""
    with whole_file(path, EvaluationError) as new:
        new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def replace_folder(new: Path, old: Path) -> None:
    """Put a folder in the place of another.

    Folders cannot be exchanged in one step everywhere: whoever is killed between the two steps leaves neither, and
    has to make it again.
    """
    if old.exists():
        aside = Path(tempfile.mkdtemp(dir=old.parent, prefix=_OURS))
        os.replace(old, aside / old.name)
        os.replace(new, old)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(new, old)
