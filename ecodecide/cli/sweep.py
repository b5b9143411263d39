"""`ecodecide sweep`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecodecide.cli.lines import width, wrapped

if TYPE_CHECKING:
    from ecodecide.evaluation.sweep.run import Progress
    from ecodecide.evaluation.sweep.status import SweepStatus

_FEW = 5
"""Failures that are told one by one."""


class _RunByDefault(click.Group):
    """A group that takes what is none of its commands for the plan of `run`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in context.help_option_names:
            args = ["run", *args]
        return super().parse_args(context, args)


@click.group(cls=_RunByDefault)
def sweep() -> None:
    """Compare many stocks times many solvers, on one machine or a cluster.

    \b
    ecodecide sweep PLAN.toml -o DIR    run a plan, or go on with it
    ecodecide sweep status DIR          show how far it has come

    PLAN.toml has one table [sweep]: stocks (a list of names, files or FILE:STOCKID; a folder; or a table of the RAM
    Legacy database), solvers, and any of worlds, growth, survey, discount, years, replicates, seed, collapse,
    implementation_cv, cells, gap, draws, fit_cells and units.

    DIR then has the zarr store results.zarr, and the tables summary.csv and cells.csv. What is finished there is not
    computed again: after an interruption the same command goes on.
    """  # noqa: D301, click's mark of lines that are not to be wrapped is the character itself


@sweep.command()
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the results; one with part of them is gone on with.",
)
@click.option(
    "--workers",
    type=click.IntRange(0),
    help="Processes on this machine; 0 works in the command's own. [default: one per core]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="A dask scheduler to work on instead, such as tcp://10.0.0.1:8786; its workers must see DIR, and have one "
    "thread each.",
)
@click.option("--retry-failed", is_flag=True, help="Try again what failed before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress: the table alone.")
def run(
    plan: Path,
    output: Path,
    workers: int | None,
    scheduler: str | None,
    retry_failed: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run PLAN, or go on with it. This is what `ecodecide sweep PLAN -o DIR` does."""
    if scheduler is not None and workers is not None:
        raise click.BadParameter("with --scheduler, that decides about workers", param_hint="--workers")
    from ecodecide.evaluation.sweep.folder import SweepFolder
    from ecodecide.evaluation.sweep.plan import read_plan
    from ecodecide.evaluation.sweep.run import run_sweep
    from ecodecide.evaluation.sweep.summary import read_summary

    wanted = read_plan(plan)
    try:
        with _progress(quiet) as progress:
            status = run_sweep(
                wanted,
                output,
                workers_here=workers,
                scheduler=scheduler,
                retry_failed=retry_failed,
                progress=progress,
            )
    except KeyboardInterrupt:
        from ecodecide.cli.main import fail

        fail(f"interrupted: what is finished is kept in {output}; the same command goes on from there")
    summary = read_summary(SweepFolder(output))
    if as_json:
        click.echo(json.dumps({**status.to_dict(), "summary": summary}, indent=2))
        return
    from rich.console import Console

    from ecodecide.report.sweep_table import summary_table

    Console(highlight=False, width=width()).print(summary_table(summary))
    _show_failures(status)
    if not quiet:
        click.echo(wrapped(f"saved {output}: results.zarr, summary.csv, cells.csv"), err=True)


@sweep.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(folder: Path, as_json: bool) -> None:
    """Show how far the sweep in DIR has come."""
    from ecodecide.evaluation.sweep.status import sweep_status

    found = sweep_status(folder)
    told = found.to_dict()
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    from rich.console import Console

    from ecodecide.report.sweep_table import status_table

    Console(highlight=False, width=width()).print(status_table(told))
    _show_failures(found)


def _show_failures(status: SweepStatus) -> None:
    """Tell why cells failed; those that failed for one reason together."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for (stock, solver), reason in status.failures.items():
        by_reason.setdefault((stock, reason), []).append(solver)
    for (stock, reason), solvers in list(by_reason.items())[:_FEW]:
        click.echo(wrapped(f"failed: {stock} ({', '.join(solvers)}): {reason}"))
    if len(by_reason) > _FEW:
        click.echo(
            wrapped(f"and {len(by_reason) - _FEW} more, see `ecodecide sweep status {status.folder} --json`")
        )


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Show on a terminal how many cells are finished; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns: tuple[Any, ...] = (
        MofNCompleteColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task("begin", total=None)

        def show(progress: Progress) -> None:
            failed = f"{progress.failed} failed; " if progress.failed else ""
            bar.update(
                row,
                total=progress.total,
                completed=progress.done + progress.failed,
                description=f"{failed}{progress.words}",
            )

        yield show
