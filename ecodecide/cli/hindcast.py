"""`ecodecide hindcast`."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import click

from ecodecide.cli import options
from ecodecide.cli.lines import law_names, width, wrapped
from ecodecide.cli.long_work import progress_bar, require_writable
from ecodecide.cli.outcome import tell
from ecodecide.cli.usage import check_fit_usage


@click.command()
@click.argument("stock")
@options.solvers("to ask")
@click.option("--refit", is_flag=True, help="Fit and solve again for each year, on what was known then.")
@click.option(
    "--from",
    "first",
    type=int,
    metavar="YEAR",
    help="The first year that is told, and from which policies are followed. [default: all years are told, policies "
    "followed from the sixth, or that of the fifth survey]",
)
@click.option(
    "--every",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="With --refit: fit only every so many years.",
)
@options.growth
@options.survey
@options.collapse
@options.discount
@options.seed
@options.cells
@options.gap
@options.output("Save everything as NetCDF.")
@options.as_json
@options.quiet
@options.verbose
def hindcast(
    stock: str,
    solvers: tuple[str, ...],
    refit: bool,
    first: int | None,
    every: int,
    growth: str,
    survey: str | None,
    collapse: str,
    discount: float,
    seed: int,
    cells: int,
    gap: float,
    output: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Ask what policies would have advised in each year of STOCK's history.

    Given only what was known then, beside what was caught and what was believed of the biomass; and what would have
    happened, had they been followed. STOCK is the id of a shipped history (see `ecodecide stocks`), a CSV file with the
    columns year, catch and any of biomass, ssb, index, index_se, or a table of another tool.
    """
    from ecodecide.decision.economy import Economy
    from ecodecide.errors import EcodecideWarning
    from ecodecide.evaluation.hindcast import hindcast as run
    from ecodecide.evaluation.managed_stock import DEFAULT_SOLVERS

    if every > 1 and not refit:
        raise click.BadParameter("without --refit there is one fit, of all years", param_hint="--every")
    known = check_fit_usage(solvers, growth, survey, collapse, discount)
    require_writable(output)
    seen = tuple(dict.fromkeys(solvers)) or DEFAULT_SOLVERS
    with warnings.catch_warnings(record=True) as caught, progress_bar(quiet) as progress:
        warnings.simplefilter("always", EcodecideWarning)
        result = run(
            stock, seen, refit=refit, first=first, every=every, growth=law_names(growth), survey=known,
            economy=Economy(discount=discount), seed=seed, collapse=collapse, cells=cells, gap=gap, progress=progress,
        )  # fmt: skip
    tell(
        result,
        caught,
        lambda found: _show(found, quiet, verbose),
        output=output,
        as_json=as_json,
        quiet=quiet,
    )
    if result.interrupted:
        click.echo("interrupted: the years left have no advice", err=True)
        raise click.exceptions.Exit(130)


def _show(found: dict[str, Any], quiet: bool, verbose: bool) -> None:
    from rich.console import Console

    from ecodecide.report.hindcast_table import advice_table, counterfactual_table, hindcast_lines
    from ecodecide.report.table import number

    console = Console(highlight=False, width=width())
    console.print(advice_table(found))
    if found["counterfactual"]:
        console.print()
        console.print(counterfactual_table(found))
    if quiet:
        return
    click.echo()
    for line in hindcast_lines(found):
        click.echo(wrapped(line))
    for heading in ("Notes", "Assumptions", "Cite"):
        click.echo(f"\n{heading}")
        for line in found[heading.lower()]:
            click.echo(wrapped(line, indent=2))
    if not verbose:
        return
    click.echo()
    click.echo(wrapped(f"Fit ({found['fit']['law']}): {found['fit']['status']}"))
    click.echo("\nBelief of then: probability of being below each limit, in the last year told")
    for limit, series in found["belief"]["below"].items():
        click.echo(f"  {limit}: {number(series[-1])}")
    click.echo("\nSolvers")
    for entry in found["policies"]:
        click.echo(wrapped(f"{entry['name']}: {entry['status'] or 'solved anew each year'}", indent=2))
    # in one line, to be copied
    click.echo(f"\nSettings\n  {json.dumps(found['settings'])}")
