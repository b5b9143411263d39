"""`ecodecide reproduce`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ecodecide.cli.lines import width, wrapped
from ecodecide.cli.long_work import progress_bar, require_writable

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from ecodecide.reproduction.rows import Table


@click.command()
@click.argument("study")
@click.option(
    "--replicates", default=2000, show_default=True, type=click.IntRange(2), help="Futures to simulate."
)
@click.option("--years", type=click.IntRange(2), help="Years to simulate; the study's own by default.")
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="The same seed gives the same figures.",
)
@click.option(
    "--cells",
    type=click.IntRange(10, 400),
    help="Points of the study's grid; its own by default.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Save everything as NetCDF."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress and no notes: the claims alone.")
def reproduce(
    study: str,
    replicates: int,
    years: int | None,
    seed: int,
    cells: int | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Reproduce a published STUDY, claim by claim: boettiger2015, memarzadeh2019 or memarzadeh2019_hindcast.

    Its model is solved and simulated again; each of its claims gets a paired difference with a 95 % interval, and
    holds, does not hold, or cannot be told. boettiger2015 takes some seconds, the others some minutes.
    """
    from ecodecide.errors import EvaluationError
    from ecodecide.reproduction import reproduce as run
    from ecodecide.reproduction import save
    from ecodecide.reproduction.rows import to_dict

    require_writable(output)
    with progress_bar(quiet) as progress:
        found = run(study, replicates=replicates, years=years, seed=seed, cells=cells, progress=progress)
    # neither a full disk nor a reader that closes the pipe costs the other half of the result
    unsaved = None
    if output is not None:
        try:
            save(found, output)
        except EvaluationError as problem:
            unsaved = problem
    if as_json:
        click.echo(json.dumps(to_dict(found), indent=2, allow_nan=False))
    else:
        _show(found, quiet)
    if unsaved is not None:
        raise unsaved
    if output is not None and not quiet:
        click.echo(f"saved {output}", err=True)


def _show(study: xr.Dataset, quiet: bool) -> None:
    from rich.console import Console

    from ecodecide.reproduction import rows

    console = Console(highlight=False, width=width())
    for table in [] if quiet else rows.tables(study):
        _table(console, table)
    _table(console, rows.claim_table(study))
    click.echo(wrapped(rows.tally(study)))
    if quiet:
        return
    for heading in ("notes", "cite"):
        click.echo(f"\n{heading.capitalize()}")
        for line in json.loads(study.attrs[heading]):
            click.echo(wrapped(line, indent=2))


def _table(console: Console, given: Table) -> None:
    """Draw a table."""
    from rich import box
    from rich.table import Table as Drawn

    table = Drawn(
        title=given.title, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True
    )
    for number, head in enumerate(given.heads):
        words = given.wraps or not any(row[number][:1].isdigit() for row in given.rows)
        table.add_column(head, justify="left" if words else "right", no_wrap=not given.wraps)
    for number, row in enumerate(given.rows, 1):
        table.add_row(*row, end_section=given.wraps or bool(given.every and number % given.every == 0))
    console.print(table)
    console.print()
