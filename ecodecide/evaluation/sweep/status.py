"""How far a sweep has come."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecodecide.evaluation.sweep.folder import SweepFolder, read_failure

DONE, FAILED, OPEN = "done", "failed", "open"


@dataclass(frozen=True)
class SweepStatus:
    """How far a sweep has come.

    Attributes
    ----------
    folder
        Where it is.
    stocks, solvers
        Their names.
    fitted
        How many stocks are fitted.
    cells
        By stock and solver: ``done``, ``failed`` or ``open``.
    failures
        By stock and solver: why a cell failed, or could not be begun.
    """

    folder: Path
    stocks: tuple[str, ...]
    solvers: tuple[str, ...]
    fitted: int
    cells: Mapping[tuple[str, str], str]
    failures: Mapping[tuple[str, str], str]

    def count(self, state: str) -> int:
        """Return the number of cells that are done, failed or open."""
        return sum(found == state for found in self.cells.values())

    @property
    def finished(self) -> bool:
        """Whether no cell is open."""
        return self.count(OPEN) == 0

    def to_dict(self) -> dict[str, Any]:
        """Return the status as plain values that JSON can hold."""
        return {
            "folder": str(self.folder),
            "stocks": len(self.stocks),
            "solvers": list(self.solvers),
            "fitted": self.fitted,
            "cells": {state: self.count(state) for state in (DONE, FAILED, OPEN)},
            "finished": self.finished,
            "by_solver": {
                solver: {
                    state: sum(self.cells[stock, solver] == state for stock in self.stocks)
                    for state in (DONE, FAILED, OPEN)
                }
                for solver in self.solvers
            },
            "failures": [
                {"stock": stock, "solver": solver, "reason": reason}
                for (stock, solver), reason in self.failures.items()
            ],
        }


def sweep_status(folder: str | os.PathLike[str]) -> SweepStatus:
    """Return how far a sweep has come, by what is in its folder.

    Raises
    ------
    EvaluationError
        When there is no sweep in it.
    """
    place = SweepFolder(Path(folder))
    begun = place.begun()
    stocks, solvers = tuple(begun["stocks"]), tuple(begun["solvers"])
    cells: dict[tuple[str, str], str] = {}
    failures: dict[tuple[str, str], str] = {}
    fitted = 0
    for stock in stocks:
        fitted += (has_fit := place.fit(stock).exists())
        before = None if has_fit else read_failure(place.history(stock)) or read_failure(place.fit(stock))
        for solver in solvers:
            file = place.cell(stock, solver)
            if file.exists():
                cells[stock, solver] = DONE
                continue
            reason = before or read_failure(file)
            cells[stock, solver] = OPEN if reason is None else FAILED
            if reason is not None:
                failures[stock, solver] = reason
    return SweepStatus(place.root, stocks, solvers, fitted, cells, failures)
