"""Independent fits on the cores of one machine.

The filter's kernels let go of Python's lock, so threads are enough. Each task has random numbers of its own, so that
the figures are the same whatever the number of cores.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock
from typing import TypeVar

Result = TypeVar("Result")

_PATIENCE = 1e-4
"""Seconds that a thread may hold Python's lock while others wait."""


class _Stopped(BaseException):
    """Ends a task whose result nobody waits for any more."""


def side_by_side(
    tasks: Sequence[Callable[[Callable[[float], None]], Result]], progress: Callable[[float], None]
) -> list[Result]:
    """Run tasks, and return their results in the order of the tasks.

    Parameters
    ----------
    tasks
        Each is given a function to call with the share of its work that is done, and often: that is where it ends when
        another one failed, or the user broke off.
    progress
        Called with the share of all of the work, by one thread at a time.
    """
    shares, stop, lock = [0.0] * len(tasks), Event(), Lock()

    def run(number: int) -> Result:
        def tell(share: float) -> None:
            if stop.is_set():
                raise _Stopped
            with lock:
                shares[number] = share
                progress(sum(shares) / len(tasks))

        return tasks[number](tell)

    if len(tasks) == 1:
        return [run(0)]
    patience = sys.getswitchinterval()
    # a kernel takes a third of a millisecond: then its thread must not wait for five
    sys.setswitchinterval(_PATIENCE)
    try:
        with ThreadPoolExecutor(min(len(tasks), os.cpu_count() or 1)) as pool:
            futures: list[Future[Result]] = []
            try:
                futures.extend(pool.submit(run, number) for number in range(len(tasks)))
                return [future.result() for future in futures]
            except BaseException:
                stop.set()
                for future in futures:
                    future.cancel()
                raise
    finally:
        sys.setswitchinterval(patience)
