"""Who does the work: processes of this machine, a cluster, or this process itself."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.sweep.folder import SweepFolder, write_failure
from ecodecide.evaluation.sweep.plan import SweepPlan
from ecodecide.evaluation.sweep.task import Outcome, Task, work

_LOST = "the scheduler was lost: what is finished is kept, and the same command goes on from there"


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

    A task whose worker dies goes to another; one that several workers died of is a failure.
    """

    def __init__(self, client: Any, folder: SweepFolder, plan: SweepPlan) -> None:
        from distributed import as_completed

        self._client, self._folder = client, folder
        self._token = uuid.uuid4().hex[:12]
        self._plan = plan
        self._queue = as_completed(loop=client.loop)
        self._tasks: dict[str, Task] = {}

    @property
    def width(self) -> int:
        """The number of threads of all workers; they may come and go."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def submit(self, task: Task) -> None:
        """Give a task to do."""
        key = f"{'fit' if task.solver is None else task.solver}-{task.stock}-{self._token}"
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
            When the scheduler was lost, or a result cannot be written.
        """
        from distributed import KilledWorker

        future = next(self._queue)
        task = self._tasks.pop(future.key)
        if future.status == "finished":
            outcome: Outcome = future.result()
            return task, outcome
        if future.status != "error":
            raise EvaluationError(_LOST)
        problem = future.exception()
        if not isinstance(problem, KilledWorker):
            raise problem
        reason = write_failure(
            task.file(self._folder),
            "the worker process died, again and again: it may have run out of memory; go on with fewer workers and "
            "--retry-failed",
        )
        return task, Outcome(reason)


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
        When the scheduler cannot be reached, or was lost.
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
    """Return a scheduler with processes of this machine, each with one thread; to be used with `with`."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
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
