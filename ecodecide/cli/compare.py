"""`ecodecide compare`."""

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
    from ecodecide.stock.survey import Survey


@click.command()
@click.argument("stock")
@options.solvers("to compare")
@options.growth
@click.option(
    "--world",
    "worlds",
    multiple=True,
    metavar="NAME",
    help="A truth that the policies meet; may be repeated: fitted, or a growth law, and after commas "
    "autocorrelation=RHO, trend=CHANGE, shift=YEAR:LAW, survey=KIND:ERROR, implementation=CV. "
    "[default: fitted, allen]",
)
@options.survey
@click.option("--years", default=50, show_default=True, type=click.IntRange(1), help="Years to simulate.")
@click.option(
    "--replicates", default=1000, show_default=True, type=click.IntRange(1), help="Futures to simulate."
)
@options.seed
@options.collapse
@options.discount
@options.implementation
@options.cells
@options.gap
@click.option(
    "--rare",
    is_flag=True,
    help="Also find small probabilities of collapse, where no exact ones are known, by splitting futures.",
)
@options.output("Save futures and scores as NetCDF.")
@options.as_json
@options.quiet
@options.verbose
def compare(
    stock: str,
    solvers: tuple[str, ...],
    growth: str,
    worlds: tuple[str, ...],
    survey: str | None,
    years: int,
    replicates: int,
    seed: int,
    collapse: str,
    discount: float,
    implementation: float,
    cells: int,
    gap: float,
    rare: bool,
    output: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compare ways of managing STOCK on its catch history.

    STOCK is the id of a shipped history (see `ecodecide stocks`), a CSV file with the columns year, catch and any of
    biomass, ssb, index, index_se, or a table of another tool, such as RAM.xlsx:COD2J3KL.
    """
    from ecodecide.decision.economy import Economy
    from ecodecide.errors import EcodecideWarning
    from ecodecide.evaluation.comparison import compare as run
    from ecodecide.evaluation.managed_stock import DEFAULT_SOLVERS
    from ecodecide.evaluation.named_worlds import DEFAULT_WORLDS

    known = _check_usage(solvers, growth, worlds, survey, collapse, discount, output)
    seen = tuple(dict.fromkeys(solvers)) or DEFAULT_SOLVERS
    with warnings.catch_warnings(record=True) as caught, progress_bar(quiet) as progress:
        warnings.simplefilter("always", EcodecideWarning)
        result = run(
            stock, seen, growth=law_names(growth), worlds=worlds or DEFAULT_WORLDS, survey=known,
            economy=Economy(discount=discount), years=years, replicates=replicates, seed=seed, collapse=collapse,
            implementation_cv=implementation, cells=cells, gap=gap, rare=rare, progress=progress,
        )  # fmt: skip
    tell(
        result,
        caught,
        lambda found: _show(found, quiet, verbose),
        output=output,
        as_json=as_json,
        quiet=quiet,
    )


def _check_usage(
    solvers: tuple[str, ...],
    growth: str,
    worlds: tuple[str, ...],
    survey: str | None,
    collapse: str,
    discount: float,
    output: Path | None,
) -> Survey | None:
    """Refuse what is wrong before any long work begins; return the survey that was asked for."""
    from ecodecide.errors import EcodecideError, EvaluationError
    from ecodecide.evaluation.named_worlds import read_world

    known = check_fit_usage(solvers, growth, survey, collapse, discount)
    require_writable(output)
    try:
        names = [read_world(world).name for world in worlds]
        if len({*names}) < len(names):
            raise EvaluationError("each world once")
    except EcodecideError as problem:
        raise click.BadParameter(str(problem), param_hint="--world") from None
    return known


def _show(found: dict[str, Any], quiet: bool, verbose: bool) -> None:
    from rich.console import Console

    from ecodecide.report.robustness_table import precise_lines, robustness_lines, robustness_table
    from ecodecide.report.table import comparison_table, conclusion, number

    console = Console(highlight=False, width=width())
    console.print(comparison_table(found))
    several = len(found["robustness"]["worlds"]) > 1
    if several:
        console.print()
        console.print(robustness_table(found))
    for entry in found["policies"]:
        if entry["status"].startswith("failed") or "stopped" in entry["status"]:
            click.echo(wrapped(f"{entry['name']}: {entry['status']}"))
    if quiet:
        return
    click.echo()
    for line in conclusion(found) + precise_lines(found) + robustness_lines(found):
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
    click.echo("\nSolvers")
    for entry in found["policies"]:
        seconds = "-" if entry["seconds"] is None else f"{entry['seconds']:.1f} s"
        click.echo(wrapped(f"{entry['name']} ({seconds}): {entry['status']}", indent=2))
    # in one line, to be copied
    click.echo(f"\nSettings\n  {json.dumps(found['settings'])}")
