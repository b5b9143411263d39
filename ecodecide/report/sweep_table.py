"""The tables that a sweep prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table


def summary_table(rows: Sequence[Mapping[str, str]]) -> Table:
    """Return the summary of a sweep, a row for each solver and world.

    Parameters
    ----------
    rows
        Of `summary.csv`.
    """
    table = Table(
        caption="over the stocks that all solvers finished; value: median, relative to the best solver of each",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    many = len({row["world"] for row in rows}) > 1
    for title in ("solver", *(("world",) * many)):
        table.add_column(title)
    for title in ("done", "failed", "compared", "value", "collapse", "best", "risk > 5 %", "closed years"):
        table.add_column(title, justify="right")
    for row in rows:
        table.add_row(
            row["solver"],
            *((row["world"],) * many),
            row["done"],
            row["failed"],
            row["compared"],
            _percent(row["relative_value"]),
            _percent(row["collapse_probability"]),
            _percent(row["best"]),
            _percent(row["risky"]),
            f"{float(row['closed_years']):.1f}" if row["closed_years"] else "-",
        )
    return table


def status_table(told: Mapping[str, Any]) -> Table:
    """Return how far a sweep has come, a row for each solver and one for all.

    Parameters
    ----------
    told
        `SweepStatus.to_dict()`.
    """
    table = Table(
        caption=f"{told['fitted']} of {told['stocks']} stocks fitted",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    states = ("done", "failed", "open")
    table.add_column("solver")
    for state in states:
        table.add_column(state, justify="right")
    for solver, counts in told["by_solver"].items():
        table.add_row(solver, *(str(counts[state]) for state in states))
    table.add_section()
    table.add_row("all cells", *(str(told["cells"][state]) for state in states))
    return table


def _percent(cell: str) -> str:
    return f"{100.0 * float(cell):.1f} %" if cell else "-"
