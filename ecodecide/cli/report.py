"""`ecodecide report`."""

from __future__ import annotations

from pathlib import Path

import click

from ecodecide.cli.long_work import require_writable, spinner

_SUFFIXES = (".html", ".htm")


@click.command()
@click.argument("run", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The report. [default: RUN with the ending .html]",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def report(run: Path, output: Path | None, quiet: bool) -> None:
    """Write the report of a comparison: one HTML file that needs no network.

    RUN is a file that `ecodecide compare -o` wrote.
    """
    target = run.with_suffix(".html") if output is None else output
    require_writable(target, _SUFFIXES)
    if target.resolve() == run.resolve():
        raise click.BadParameter(f"{run} is the run itself: give another file", param_hint="--output")
    from ecodecide.evaluation.comparison import Comparison
    from ecodecide.report.html import save_report

    with spinner("report", quiet):
        save_report(Comparison.load(run), target)
    if not quiet:
        click.echo(f"saved {target}", err=True)
