"""The tables of a sweep: a row for each cell, and a row for each solver."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.sweep.cell_file import load_cell
from ecodecide.evaluation.sweep.folder import SweepFolder
from ecodecide.evaluation.sweep.status import DONE, FAILED, SweepStatus
from ecodecide.whole_file import whole_file

Row = dict[str, Any]

SUMMARY = {
    "solver": "the solver",
    "world": "the world it was simulated in",
    "done": "stocks that are finished",
    "failed": "stocks that failed",
    "compared": "stocks that every solver has finished in that world, but for solvers that have finished none: what "
    "follows is over them",
    "relative_value": "median over stocks of its net present value over that of the best solver of the stock",
    "collapse_probability": "mean over stocks",
    "best": "share of the stocks on which no other solver has a larger net present value",
    "risky": "share of the stocks on which its collapse probability is above 5 %",
    "closed_years": "mean over stocks of the years without a quota",
}
"""The columns of the summary, in words."""

_RISKY = 0.05
_ESTIMATES = ("low", "value", "high")


def write_tables(folder: SweepFolder, status: SweepStatus) -> None:
    """Write `cells.csv` and `summary.csv`.

    Raises
    ------
    EvaluationError
        When they cannot be written.
    """
    rows = cell_rows(folder, status)
    _write(folder.root / "cells.csv", rows)
    _write(folder.root / "summary.csv", summary_rows(rows, status))


def cell_rows(folder: SweepFolder, status: SweepStatus) -> list[Row]:
    """Return a row of plain values for each cell and world; None where there is no figure."""
    rows: list[Row] = []
    for (stock, solver), state in status.cells.items():
        head: Row = {"stock": stock, "solver": solver}
        if state != DONE:
            rows.append({**head, "state": state, "reason": status.failures.get((stock, solver), "")})
            continue
        cell = load_cell(folder.cell(stock, solver))
        at = _ESTIMATES.index("value")
        for world, values in zip(cell.worlds, cell.values["scores"][..., at], strict=True):
            figures = {metric: _finite(value) for metric, value in zip(cell.metrics, values, strict=True)}
            # against itself
            figures.pop("npv_difference", None)
            rows.append(
                {
                    **head,
                    "state": state,
                    "reason": "",
                    "world": world,
                    "unit": cell.attributes["unit"],
                    **figures,
                    "fit_converged": bool(cell.attributes["fit_converged"]),
                    "solver_converged": bool(cell.attributes["converged"]),
                }
            )
    return rows


def summary_rows(rows: list[Row], status: SweepStatus) -> list[Row]:
    """Return a row for each solver and world, with the columns `SUMMARY`.

    All but the counts is over stocks that every solver has finished: one that fails on hard stocks would look the
    better for it. A solver that has finished none is left out of that.

    Examples
    --------
    >>> cells = {("cod", "a"): "done", ("cod", "b"): "done"}
    >>> status = SweepStatus(Path(), ("cod",), ("a", "b"), 1, cells, {})
    >>> rows = [{"stock": "cod", "solver": s, "world": "w", "npv": v} for s, v in (("a", 2.0), ("b", 1.0))]
    >>> [(row["solver"], row["relative_value"], row["best"]) for row in summary_rows(rows, status)]
    [('a', 1.0, 1.0), ('b', 0.5, 0.0)]
    """
    told = _common([row for row in rows if "world" in row])
    best: dict[tuple[str, str], float] = {}
    for row in told:
        if row["npv"] is not None:
            key = row["stock"], row["world"]
            best[key] = max(best.get(key, -math.inf), row["npv"])
    found = []
    for solver in status.solvers:
        for world in dict.fromkeys(row["world"] for row in rows if "world" in row) or [""]:
            mine = [row for row in told if row["solver"] == solver and row["world"] == world]
            valued = [(row["npv"], best[row["stock"], world]) for row in mine if row["npv"] is not None]
            risks = [risk for row in mine if (risk := row.get("collapse_probability")) is not None]
            states = [status.cells[stock, solver] for stock in status.stocks]
            found.append(
                {
                    "solver": solver,
                    "world": world,
                    "done": states.count(DONE),
                    "failed": states.count(FAILED),
                    "compared": len(mine),
                    "relative_value": _of(median, (value / top for value, top in valued if top > 0.0)),
                    "collapse_probability": _of(fmean, risks),
                    "best": _of(fmean, (float(value >= top) for value, top in valued)),
                    "risky": _of(fmean, (float(risk > _RISKY) for risk in risks)),
                    "closed_years": _of(
                        fmean, (row["closed_years"] for row in mine if row.get("closed_years") is not None)
                    ),
                }
            )
    return found


def _common(told: list[Row]) -> list[Row]:
    """Return the rows of the stocks that all solvers of a world have finished."""
    solvers: dict[str, set[str]] = {}
    of_stock: dict[tuple[str, str], set[str]] = {}
    for row in told:
        solvers.setdefault(row["world"], set()).add(row["solver"])
        of_stock.setdefault((row["world"], row["stock"]), set()).add(row["solver"])
    return [row for row in told if of_stock[row["world"], row["stock"]] == solvers[row["world"]]]


def read_summary(folder: SweepFolder) -> list[Mapping[str, str]]:
    """Return the rows of `summary.csv` as they are written."""
    with (folder.root / "summary.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _of(statistic: Any, values: Iterable[float]) -> float | None:
    values = list(values)
    return float(statistic(values)) if values else None


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _write(path: Path, rows: list[Row]) -> None:
    titles = list(dict.fromkeys(title for row in rows for title in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, titles, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    with whole_file(path, EvaluationError) as new:
        new.write_text(out.getvalue(), encoding="utf-8")
