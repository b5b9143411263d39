"""One run at a time in a sweep's folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.sweep.folder import writing

_NAME = ".ecodecide-lock"


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Make the folder, and keep other runs out of it: two would compute every cell twice.

    The lock is a file that names the host and the process. That of a process of this machine that has ended, killed
    or not, is passed over; whether one of another machine still works cannot be known from here.

    Raises
    ------
    EvaluationError
        When another run holds the folder, or it cannot be made.
    """
    file = root / _NAME
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
    _take(file)
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink()


def _take(file: Path) -> None:
    mine = {"host": socket.gethostname(), "process": os.getpid(), "begun": psutil.Process().create_time()}
    for _ in range(2):
        with writing(file):
            try:
                with file.open("x", encoding="utf-8") as new:
                    json.dump(mine, new)
                return
            except FileExistsError:
                holder = _holder(file)
            if not _ended(holder):
                break
            file.unlink(missing_ok=True)
    raise EvaluationError(
        f"another run works in {file.parent}: process {holder.get('process', '?')} of "
        f"{holder.get('host', 'a host that is not told')}; wait for it, or, if it has ended, remove {file}"
    )


def _holder(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _ended(holder: dict[str, Any]) -> bool:
    """Whether a process is known to have ended."""
    if holder.get("host") != socket.gethostname():
        return False
    try:
        # the same number may be another process by now
        return bool(abs(psutil.Process(int(holder["process"])).create_time() - holder["begun"]) > 1.0)
    except psutil.NoSuchProcess:
        return True
    except (KeyError, TypeError, ValueError, psutil.Error):
        return False
