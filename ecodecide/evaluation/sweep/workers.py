"""Who does the work: processes of this machine, a cluster, or this process itself."""

from __future__ import annotations

import itertools
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from ecodecide import __version__
from ecodecide.errors import EcodecideError, EvaluationError
from ecodecide.evaluation.sweep.folder import SweepFolder, write_failure
from ecodecide.evaluation.sweep.plan import SweepPlan
from ecodecide.evaluation.sweep.task import Outcome, Task, work

_LOST = "the scheduler was lost: what is finished is kept, and the same command goes on from there"


_PATIENCE = 120.0
"""Seconds in which a scheduler should have a first worker."""


class Workers(Protocol):
    """What does tasks and gives them back in any order."""

    @property
    def width(self) -> int:
        """How many tasks can be under way at once."""
        ...

    def submit(self, task: Task) -> None:
        """Give a task to do."""
        ...

    def finished(self) -> tuple[Task, Outcome]:
        """Wait for one of the tasks given, and return it with how it ended."""
        ...


class InThisProcess:
    """Does each task when it is asked for, one after the other."""

    width = 1

    def __init__(self, folder: SweepFolder, plan: SweepPlan) -> None:
        self._folder, self._plan = folder, plan
        self._waiting: list[Task] = []

    def submit(self, task: Task) -> None:
        """Give a task to do."""
        self._waiting.append(task)

    def finished(self) -> tuple[Task, Outcome]:
        """Do the task that was given last: so the cells of a stock follow its fit."""
        task = self._waiting.pop()
        return task, work(task, self._folder.root, self._plan)


class OnScheduler:
    """Gives the tasks to a dask scheduler.

    A task whose worker dies goes to another. One that several workers died of may only have waited where another killed
    them: it is tried again with nothing beside it, and a failure if they die again.
    """

    def __init__(self, client: Any, folder: SweepFolder, plan: SweepPlan) -> None:
        from distributed import as_completed

        self._client, self._folder = client, folder
        self._token = uuid.uuid4().hex[:12]
        self._plan = plan
        self._queue = as_completed(loop=client.loop)
        self._count = itertools.count()
        self._tasks: dict[str, Task] = {}
        self._suspects: list[Task] = []

    @property
    def width(self) -> int:
        """The number of workers; they may come and go.

        Raises
        ------
        EvaluationError
            When one has several threads: warnings and the limit of threads are a whole process's.
        """
        threads: dict[str, int] = self._client.nthreads()
        for address, count in threads.items():
            if count != 1:
                raise EvaluationError(
                    f"the worker {address} has {count} threads, expected 1; start it with --nthreads 1, and more of "
                    "them instead"
                )
        return max(1, len(threads))

    def submit(self, task: Task) -> None:
        """Give a task to do."""
        # names may hold anything: the number tells the tasks apart
        key = f"{task.solver or 'fit'}-{self._token}-{next(self._count)}"
        self._tasks[key] = task
        # cells before the fits of further stocks: what is begun is finished first
        priority = 0 if task.solver is None else 1
        future = self._client.submit(
            work, task, self._folder.root, self._plan, key=key, pure=False, priority=priority
        )
        self._queue.add(future)

    def finished(self) -> tuple[Task, Outcome]:
        """Wait for one of the tasks given.

        Raises
        ------
        EvaluationError
            When the scheduler was lost, or a worker can do nothing.
        """
        while self._tasks:
            task, outcome = self._next()
            if outcome is not None:
                return task, outcome
            self._suspects.append(task)
        task = self._suspects.pop()
        self.submit(task)
        _, outcome = self._next()
        if outcome is None:
            reason = "the worker process died, again and again, with no other at work: it may have run out of memory; "
            reason = write_failure(
                task.file(self._folder), reason + "go on with fewer workers and --retry-failed"
            )
            outcome = Outcome(reason)
        return task, outcome

    def _next(self) -> tuple[Task, Outcome | None]:
        """Wait for a task, and return how it ended; None when the workers died."""
        from distributed import KilledWorker

        future = next(self._queue)
        while (status := future.status) == "lost":
            # its worker died with the result, before it was read: the scheduler has another one compute it again
            self._queue.add(future)
            future = next(self._queue)
        task = self._tasks.pop(future.key)
        if status == "finished":
            outcome: Outcome = future.result()
            return task, outcome
        if status != "error":
            raise EvaluationError(_LOST)
        problem = future.exception()
        if isinstance(problem, KilledWorker):
            return task, None
        told = str(problem) if isinstance(problem, EcodecideError) else f"{type(problem).__name__}: {problem}"
        raise EvaluationError(
            f"a worker can do nothing: {' '.join(told.split())}; expected every worker to be in an environment with "
            f"ecodecide {__version__}, and to see {self._folder.root} under this path and write to it"
        )


@contextmanager
def workers(
    folder: SweepFolder, plan: SweepPlan, count: int | None, scheduler: str | None
) -> Iterator[Workers]:
    """Give what does the work, and end it afterwards where it was begun here.

    Parameters
    ----------
    folder, plan
        Of the sweep.
    count
        Processes of this machine; None for one per core, 0 for this process alone.
    scheduler
        Address of a dask scheduler, such as ``"tcp://10.0.0.1:8786"``; None for processes of this machine.

    Raises
    ------
    EvaluationError
        When the scheduler cannot be reached, has no workers, or was lost.
    """
    if scheduler is None and count == 0:
        yield InThisProcess(folder, plan)
        return
    from distributed import Client
    from distributed.comm import CommClosedError

    with ExitStack() as stack:
        stack.enter_context(_quiet("distributed.client"))
        if scheduler is None:
            cluster = stack.enter_context(local_cluster(count or _cores()))
            client = stack.enter_context(Client(cluster, set_as_default=False))
        else:
            try:
                client = stack.enter_context(Client(scheduler, timeout=20, set_as_default=False))
            except (OSError, ValueError, TimeoutError) as problem:
                raise EvaluationError(
                    f"no dask scheduler at {scheduler}: {problem}; give its address, such as tcp://10.0.0.1:8786"
                ) from None
            try:
                client.wait_for_workers(1, timeout=_PATIENCE)
            except TimeoutError:
                raise EvaluationError(
                    f"the scheduler {scheduler} has no workers after {_PATIENCE:.0f} s; start some with one thread "
                    f"each, as by `dask worker {scheduler} --nthreads 1`, or wait until those that were asked for begin"
                ) from None
        try:
            yield OnScheduler(client, folder, plan)
        except CommClosedError:
            raise EvaluationError(_LOST) from None


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a logger from telling what is told anyway, with a traceback."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def local_cluster(count: int) -> Any:
    """Return a scheduler with processes of this machine, each with one thread; to be used with `with`.

    One that needs more than its share of the memory is ended, and its task fails. None is paused before: results are in
    files, so that there is nothing to spill, and nothing would ever go on.
    """
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        config={f"distributed.worker.memory.{limit}": False for limit in ("target", "spill", "pause")},
        silence_logs=logging.CRITICAL,
    )


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def shared(folder: str | os.PathLike[str]) -> SweepFolder:
    """Return a folder by a path that workers, wherever they were started, can use."""
    return SweepFolder(Path(folder).absolute())
