"""Run a sweep, or go on with one."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ecodecide.errors import EcodecideError, EvaluationError, HistoryWarning
from ecodecide.evaluation.sweep.cell_file import load_cell
from ecodecide.evaluation.sweep.folder import SweepFolder, failure_of, read_failure, write_failure, writing
from ecodecide.evaluation.sweep.lock import locked
from ecodecide.evaluation.sweep.plan import SweepPlan
from ecodecide.evaluation.sweep.status import DONE, OPEN, SweepStatus, sweep_status
from ecodecide.evaluation.sweep.stocks import Source, stock_sources
from ecodecide.evaluation.sweep.store import assemble
from ecodecide.evaluation.sweep.summary import write_tables
from ecodecide.evaluation.sweep.task import Outcome, Task, load_fits
from ecodecide.evaluation.sweep.workers import Workers, shared, workers
from ecodecide.history.write_csv import history_text, write_history_csv

_AHEAD = 2
"""Stocks that are worked on at once, for each worker: enough that none waits, and few are half done."""


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes
    ----------
    done, failed, total
        Cells: finished, failed, all of them.
    words
        What was finished last.
    """

    done: int
    failed: int
    total: int
    words: str


def run_sweep(
    plan: SweepPlan,
    folder: str | os.PathLike[str],
    *,
    workers_here: int | None = None,
    scheduler: str | None = None,
    retry_failed: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> SweepStatus:
    """Compute every cell of a plan that its folder does not have yet, and assemble what is there.

    Each piece of work is one file, written whole: a run that was interrupted or killed goes on where it stopped, and
    the figures are the same whatever the number of workers and the order.

    Parameters
    ----------
    plan
        What to compute. Stocks and solvers may be added to a folder, or left out; nothing else may change.
    folder
        Where the results are kept. The workers of a cluster must see it under the same path.
    workers_here
        Processes of this machine; None for one per core, 0 to work in this process.
    scheduler
        Address of a dask scheduler to work on instead, of any kind of cluster.
    retry_failed
        Whether what failed before is tried again.
    progress
        Called at the beginning and whenever something is finished.

    Returns
    -------
    SweepStatus

    Raises
    ------
    EvaluationError
        When the plan does not go with the folder, another run works in it, or results cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> plan = SweepPlan(("plaice-north-sea",), ("tac", "no-fishing"), draws=20, fit_cells=40, replicates=5, years=5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run_sweep(plan, folder, workers_here=0).to_dict()["cells"]
    {'done': 2, 'failed': 0, 'open': 0}

    Notes
    -----
    A script of one's own that starts processes needs ``if __name__ == "__main__":`` around what it does.

    On a cluster of machines, start the workers with one thread each and in an environment with ecodecide, and hand over
    the scheduler's address. With SLURM::

        from dask_jobqueue import SLURMCluster
        cluster = SLURMCluster(cores=1, processes=1, memory="4GB", walltime="12:00:00")
        cluster.scale(jobs=100)
        cluster.get_client().wait_for_workers(1)  # as long as the queue is
        run_sweep(read_plan("plan.toml"), "/shared/results", scheduler=cluster.scheduler_address)

    and with Kubernetes, the folder being on a volume that all pods mount::

        from dask_kubernetes.operator import KubeCluster
        cluster = KubeCluster(name="sweep", image="an image with ecodecide", n_workers=100)
        run_sweep(read_plan("plan.toml"), "/shared/results", scheduler=cluster.scheduler_address)
    """
    place = shared(folder)
    sources = stock_sources(plan)
    with locked(place.root):
        place.begin(plan, list(sources))
        _forget_damaged(place, plan)
        if retry_failed:
            _forget_failures(place, sweep_status(place.root))
        _import(place, sources)
        sources.clear()
        return _run(place, plan, workers_here, scheduler, progress)


def _run(
    place: SweepFolder,
    plan: SweepPlan,
    workers_here: int | None,
    scheduler: str | None,
    progress: Callable[[Progress], None] | None,
) -> SweepStatus:
    before = sweep_status(place.root)
    tell = _Teller(place, before, progress)
    todo = {
        stock: cells
        for stock in before.stocks
        if (cells := [s for s in before.solvers if before.cells[stock, s] == OPEN])
    }
    if todo:
        with workers(place, plan, workers_here, scheduler) as crew:
            _work(crew, place, todo, tell)
    after = sweep_status(place.root)
    with writing(place.store):
        assemble(place, plan, after)
    write_tables(place, after)
    return after


def _import(place: SweepFolder, sources: dict[str, Source]) -> None:
    """Keep the history of each stock, and refuse one that is another than before."""
    for stock, source in sources.items():
        file = place.history(stock)
        if read_failure(file) is not None and not file.exists():
            # it is tried again when asked for
            continue
        with writing(file.parent):
            file.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            # what is warned of stands in the history's notes
            warnings.simplefilter("ignore", HistoryWarning)
            try:
                history = source()
                text = history_text(history)
                if not file.exists():
                    write_history_csv(history, file)
                failure_of(file).unlink(missing_ok=True)
            except EcodecideError as problem:
                write_failure(file, problem)
                continue
        if file.read_text(encoding="utf-8") != text:
            raise EvaluationError(
                f"the history of {stock} is another than when {place.root} was begun: figures of both are not put "
                f"together; begin in another folder, or remove {file.parent} to compute this stock again"
            )


def _forget_failures(place: SweepFolder, before: SweepStatus) -> None:
    for stock, solver in before.failures:
        for file in (place.history(stock), place.fit(stock), place.cell(stock, solver)):
            failure_of(file).unlink(missing_ok=True)


def _forget_damaged(place: SweepFolder, plan: SweepPlan) -> None:
    """Take away what cannot be read, as after a power cut, so that it is computed again."""
    unfinished = set()
    for (stock, solver), state in sweep_status(place.root).cells.items():
        try:
            if state == DONE:
                load_cell(place.cell(stock, solver))
                continue
        except EvaluationError:
            place.cell(stock, solver).unlink(missing_ok=True)
        unfinished.add(stock)
    # the fits that cells are still to be made of
    for stock in unfinished:
        if place.fit(stock).exists():
            try:
                load_fits(place, stock, plan)
            except EcodecideError:
                for file in place.stock(stock).glob("fit*.nc"):
                    file.unlink(missing_ok=True)


def _work(
    crew: Workers,
    place: SweepFolder,
    todo: dict[str, list[str]],
    tell: _Teller,
) -> None:
    """Have every open cell computed: the fit of a stock first, a few stocks at once."""
    waiting = iter(todo)
    left: dict[str, int] = {}
    while True:
        with suppress(StopIteration):
            while len(left) < _AHEAD * crew.width:
                stock = next(waiting)
                left[stock] = len(todo[stock])
                if place.fit(stock).exists():
                    _submit_cells(crew, stock, todo)
                else:
                    crew.submit(Task(stock))
        if not left:
            return
        task, outcome = crew.finished()
        tell.finished(task, outcome, len(todo[task.stock]))
        if task.solver is not None:
            left[task.stock] -= 1
        elif outcome.failed is None:
            _submit_cells(crew, task.stock, todo)
        else:
            left[task.stock] = 0
        if left[task.stock] == 0:
            del left[task.stock]


def _submit_cells(crew: Workers, stock: str, todo: dict[str, list[str]]) -> None:
    for solver in todo[stock]:
        crew.submit(Task(stock, solver))


class _Teller:
    """Counts what is finished, and writes the log."""

    def __init__(
        self, place: SweepFolder, before: SweepStatus, progress: Callable[[Progress], None] | None
    ) -> None:
        self._log, self._progress = place.root / "log.jsonl", progress
        self._done, self._failed = before.count("done"), before.count("failed")
        self._total = len(before.cells)
        self._show("begin")

    def finished(self, task: Task, outcome: Outcome, cells: int) -> None:
        """Count a piece of work; a fit that failed takes all of its stock's cells with it."""
        if outcome.failed is not None:
            self._failed += cells if task.solver is None else 1
        elif task.solver is not None:
            self._done += 1
        line = {
            "stock": task.stock,
            "solver": task.solver,
            "failed": outcome.failed,
            "seconds": round(outcome.seconds, 3),
            "processor_seconds": round(outcome.processor_seconds, 3),
            "worker": outcome.worker,
            "megabytes": round(outcome.megabytes, 1),
            "time": round(time.time(), 3),
        }
        with writing(self._log), self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._show(f"{task.solver or 'fit'} {task.stock}")

    def _show(self, words: str) -> None:
        if self._progress is not None:
            self._progress(Progress(self._done, self._failed, self._total, words))
