"""`ecodecide recommend`."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecodecide.cli import options
from ecodecide.cli.lines import law_names, width, wrapped
from ecodecide.cli.long_work import progress_bar, require_writable
from ecodecide.cli.outcome import tell
from ecodecide.cli.usage import check_fit_usage

if TYPE_CHECKING:
    from ecodecide.evaluation.managed_stock import ManagedStock
    from ecodecide.history.catch_history import CatchHistory
    from ecodecide.solvers.solution import Solution

_OF_THE_FIT = ("growth", "survey", "discount", "implementation", "cells", "gap")
"""Options that say how to fit and to solve: a run has its own."""


@click.command()
@click.argument("stock")
@options.solvers("whose advice to take")
@click.option(
    "--policy",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Policies that were saved, which are not solved again; may be repeated. A file of compare -o or recommend -o "
    "also has the fit, which is then not made again either.",
)
@click.option(
    "--update",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="New years, without a new fit: a CSV file with the columns year, catch and the history's own of biomass, ssb "
    "and index. The last year may lack its catch: then it is the one that is decided.",
)
@options.growth
@options.survey
@click.option(
    "--years",
    multiple=True,
    default=(5, 10, 20),
    show_default=True,
    type=click.IntRange(1, 500),
    help="Years ahead to tell the consequences of; may be repeated.",
)
@click.option(
    "--replicates", default=2000, show_default=True, type=click.IntRange(1), help="Futures to simulate."
)
@options.seed
@options.collapse
@options.discount
@options.implementation
@options.cells
@options.gap
@options.output(
    "Save the futures, and the fit and policies for the next recommendation (--policy), as NetCDF."
)
@options.as_json
@options.quiet
@options.verbose
@click.pass_context
def recommend(
    context: click.Context,
    stock: str,
    solvers: tuple[str, ...],
    files: tuple[Path, ...],
    update: Path | None,
    growth: str,
    survey: str | None,
    years: tuple[int, ...],
    replicates: int,
    seed: int,
    collapse: str,
    discount: float,
    implementation: float,
    cells: int,
    gap: float,
    output: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Advise next year's quota for STOCK, and say why.

    What is believed of the biomass, the quota of each policy, what follows from it, and which survey would change it.
    STOCK is the id of a shipped history (see `ecodecide stocks`), a CSV file with the columns year, catch and any of
    biomass, ssb, index, index_se, or a table of another tool, such as RAM.xlsx:COD2J3KL.
    """
    from ecodecide.decision.economy import Economy
    from ecodecide.errors import EcodecideWarning
    from ecodecide.evaluation.advice import recommend as run
    from ecodecide.history.library import load_history

    if solvers and files:
        raise click.BadParameter("give --solver or --policy: saved policies are not solved again")
    known = check_fit_usage(solvers, growth, survey, collapse, discount)
    require_writable(output)
    with warnings.catch_warnings(record=True) as caught, progress_bar(quiet) as progress:
        warnings.simplefilter("always", EcodecideWarning)
        history = load_history(stock)
        managed, policies = _saved(files, history, context)
        result = run(
            managed or history, tuple(dict.fromkeys(solvers)) or None,
            policies=policies or None, update=update, growth=law_names(growth), survey=known,
            economy=Economy(discount=discount), years=years, replicates=replicates, seed=seed, collapse=collapse,
            implementation_cv=implementation, cells=cells, gap=gap, progress=progress,
        )  # fmt: skip
    tell(
        result,
        caught,
        lambda found: _show(found, quiet, verbose),
        output=output,
        as_json=as_json,
        quiet=quiet,
    )


def _saved(
    files: tuple[Path, ...], history: CatchHistory, context: click.Context
) -> tuple[ManagedStock | None, dict[str, Solution]]:
    """Return the fit and the policies of files, or refuse options that say how to make another fit."""
    if not files:
        return None, {}
    from click.core import ParameterSource

    from ecodecide.evaluation.saved_policies import load_policies, managed_with

    managed, policies = load_policies(files, history.units.get("catch", "unknown"))
    if managed is not None:
        for name in _OF_THE_FIT:
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise click.BadParameter(
                    "the run given as --policy has its own: leave the option out, or fit again without that run",
                    param_hint=f"--{name}",
                )
    return managed_with(managed, policies, history), policies


def _show(found: dict[str, Any], quiet: bool, verbose: bool) -> None:
    from rich.console import Console

    from ecodecide.report.recommendation_table import advice_lines, belief_lines, recommendation_table
    from ecodecide.report.table import number

    console = Console(highlight=False, width=width())
    if not quiet:
        for line in belief_lines(found):
            click.echo(wrapped(line))
        click.echo()
    console.print(recommendation_table(found))
    for entry in found["policies"]:
        if entry["status"].startswith("failed") or "stopped" in entry["status"]:
            click.echo(wrapped(f"{entry['name']}: {entry['status']}"))
    if quiet:
        return
    click.echo()
    for line in advice_lines(found):
        click.echo(wrapped(line))
    for heading in ("Assumptions", "Cite"):
        click.echo(f"\n{heading}")
        for line in found[heading.lower()]:
            click.echo(wrapped(line, indent=2))
    if not verbose:
        return
    click.echo()
    click.echo(wrapped(f"Fit ({found['fit']['law']}): {found['fit']['status']}"))
    for name, value in found["fit"].items():
        if isinstance(value, dict):
            interval = f"{number(value['low'])} to {number(value['high'])}"
            click.echo(f"  {name}: {number(value['median'])} (90 %: {interval})")
    click.echo("\nPolicies")
    for entry in found["policies"]:
        click.echo(wrapped(f"{entry['name']}: {entry['status']}", indent=2))
    # in one line, to be copied
    click.echo(f"\nSettings\n  {json.dumps(found['settings'])}")
