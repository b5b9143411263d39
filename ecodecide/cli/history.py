"""`ecodecide history`."""

from __future__ import annotations

import warnings
from pathlib import Path

import click

from ecodecide.cli.lines import wrapped
from ecodecide.cli.long_work import require_writable

_FORMATS = ("ram", "jabba", "spict", "msetool", "fims")
_FILE = click.Path(path_type=Path)


@click.group()
def history() -> None:
    """Work on catch histories."""


@history.command("import", short_help="Turn a table of another tool into a history.")
@click.argument("file", type=_FILE)
@click.option("--format", "form", type=click.Choice(_FORMATS), required=True, help="Of which tool FILE is.")
@click.option("--stock", metavar="STOCKID", help="ram: the stock to take.")
@click.option(
    "--assessment", metavar="ASSESSID", help="ram: the assessment to take, where there are several."
)
@click.option(
    "--unit-table",
    type=_FILE,
    help="ram: timeseries_units_views; by default the one in the release or beside the values.",
)
@click.option("--cpue", type=_FILE, help="jabba: the table of indices.")
@click.option("--se", type=_FILE, help="jabba: the table of their standard errors.")
@click.option(
    "--units", metavar="NAME=UNIT,...", help="Units that the file does not give, as biomass=t,catch=t."
)
@click.option("-o", "--output", type=_FILE, required=True, help="The CSV file to write.")
@click.option("-q", "--quiet", is_flag=True, help="No warnings, no notes: errors alone.")
def import_history(
    file: Path,
    form: str,
    stock: str | None,
    assessment: str | None,
    unit_table: Path | None,
    cpue: Path | None,
    se: Path | None,
    units: str | None,
    output: Path,
    quiet: bool,
) -> None:
    """Turn a table of another tool into a catch history that every command takes.

    ram: a release of the RAM Legacy database (.xlsx or .RData), or its `timeseries` or `timeseries_values_views` as
    CSV. jabba: the table of catch, with --cpue and --se. spict: time, catch and indices. msetool: a Data file, a key
    in the first column. fims: the long table of FIMS.

    Every command that takes a STOCK also takes such a FILE as it is, except those of jabba; and FILE:STOCKID where it
    holds several stocks, as in `ecodecide fit RAM.xlsx:COD2J3KL`. Import it where units or an assessment are asked for,
    and to wait once only: a whole release as .RData takes about a minute to read.
    """
    from ecodecide.errors import EcodecideWarning
    from ecodecide.history.foreign import read_foreign
    from ecodecide.history.write_csv import write_history_csv

    given = _parsed(units)
    _check_output(output, [path for path in (file, unit_table, cpue, se) if path is not None])
    with warnings.catch_warnings():
        # the notes say it all
        warnings.simplefilter("ignore", EcodecideWarning)
        read = read_foreign(
            file, form, stock, assessment=assessment, unit_table=unit_table, cpue=cpue, se=se, units=given
        )
        write_history_csv(read, output)
    if quiet:
        return
    first, last = read.years
    told = ", ".join(
        f"{column} in {'unknown unit' if unit == 'unknown' else unit}" for column, unit in read.units.items()
    )
    click.echo(wrapped(f"{read.id}, {first}-{last}: {read.observed}; {told}"))
    for note in read.notes:
        click.echo(wrapped(f"note: {note}"), err=True)
    click.echo(f"saved {output}", err=True)


def _parsed(units: str | None) -> dict[str, str] | None:
    """Return the units by the name of the series."""
    from ecodecide.history.catch_history import UNIT_KEYS

    if units is None:
        return None
    given: dict[str, str] = {}
    for part in units.split(","):
        name, equals, unit = (word.strip() for word in part.partition("="))
        if not equals or not unit or name not in UNIT_KEYS or name in given:
            raise click.BadParameter(
                f"{part!r} is not NAME=UNIT with a name, given once, of {', '.join(UNIT_KEYS)}",
                param_hint="--units",
            )
        given[name] = unit
    return given


def _check_output(output: Path, inputs: list[Path]) -> None:
    """Refuse an output that cannot be written, is no CSV file or would overwrite an input."""
    require_writable(output, (".csv",))
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise click.BadParameter(f"{output} is the file that is read", param_hint="--output")
