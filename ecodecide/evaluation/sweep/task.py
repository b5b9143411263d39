"""What a worker is asked to do: one piece of work, whose outcome is a file."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from ecodecide.errors import EcodecideError, HistoryWarning
from ecodecide.evaluation.named_worlds import FITTED, read_world
from ecodecide.evaluation.sweep.cell import compute_cell, fit_stocks
from ecodecide.evaluation.sweep.cell_file import save_cell
from ecodecide.evaluation.sweep.folder import SweepFolder, write_failure
from ecodecide.evaluation.sweep.plan import SweepPlan
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.stock_file import load_stock, save_stock
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.read_csv import read_history_csv


@dataclass(frozen=True)
class Task:
    """The fit of a stock, or one of its cells.

    Parameters
    ----------
    stock
        Its name.
    solver
        Name of the cell's solver; None for the fit.
    """

    stock: str
    solver: str | None = None

    def file(self, folder: SweepFolder) -> Path:
        """Return the file that is there when the work is done."""
        return folder.fit(self.stock) if self.solver is None else folder.cell(self.stock, self.solver)


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ended.

    Attributes
    ----------
    failed
        Why it has failed, None where it has not.
    seconds, processor_seconds
        How long it took, and how much of it the process was at work: less where others want the same cores.
    worker
        The number of the process.
    megabytes
        Of memory that the process holds afterwards: it should not grow from one piece of work to the next.
    """

    failed: str | None
    seconds: float = 0.0
    processor_seconds: float = 0.0
    worker: int = 0
    megabytes: float = 0.0


def work(task: Task, root: Path, plan: SweepPlan) -> Outcome:
    """Do a piece of work, or record why it cannot be done.

    What is finished is not done again, so that work which a scheduler gives to a second worker is not lost.

    Raises
    ------
    EcodecideError
        When a result, or a failure, cannot be written: then there is no use in going on.
    """
    import dask

    folder, begin, busy = SweepFolder(root), time.perf_counter(), time.process_time()
    file = task.file(folder)
    failed = None
    if not file.exists():
        saving = False
        try:
            # else xarray would guard each file by a lock that the scheduler keeps, and fail when that is gone
            with dask.config.set(scheduler="synchronous"):
                save = _computed(task, folder, plan)
                saving = True
                save(file)
        except Exception as problem:  # whatever it is, the other cells are not to suffer for it
            nowhere = saving and isinstance(problem, EcodecideError)
            if nowhere or "interpreter shutdown" in str(problem):
                # a full disk, or the process was told to end: it is not the cell that failed
                raise
            failed = write_failure(file, problem)
    return Outcome(
        failed,
        time.perf_counter() - begin,
        time.process_time() - busy,
        os.getpid(),
        psutil.Process().memory_info().rss / 2**20,
    )


def _computed(task: Task, folder: SweepFolder, plan: SweepPlan) -> Callable[[Path], None]:
    """Return what writes the result."""
    history = _history(folder.history(task.stock))
    if task.solver is None:
        fitted = fit_stocks(history, plan)

        def save(file: Path) -> None:
            for law, posterior in fitted.items():
                if law != FITTED:
                    save_stock(posterior, folder.fit_of_law(task.stock, law))
            # last: it says that the others are there
            save_stock(fitted[FITTED], file)

        return save
    # from the files, always: a cell never depends on whether its fit was made in the same process
    cell = compute_cell(history, load_fits(folder, task.stock, plan), task.solver, plan)
    return lambda file: save_cell(cell, file)


def load_fits(folder: SweepFolder, stock: str, plan: SweepPlan) -> dict[str, Posterior]:
    """Return what `fit_stocks` found for a stock."""
    files = {law: folder.fit_of_law(stock, law) for name in plan.worlds for law in read_world(name).laws}
    files[FITTED] = folder.fit(stock)
    return {law: load_stock(file) for law, file in files.items() if file.exists()}


def _history(file: Path) -> CatchHistory:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HistoryWarning)
        return read_history_csv(file)
