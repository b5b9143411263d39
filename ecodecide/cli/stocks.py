"""`ecodecide stocks`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from ecodecide.cli.lines import wrapped


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stocks(as_json: bool) -> None:
    """List the catch histories that come with ecodecide."""
    from ecodecide.history import shipped_histories

    summaries = shipped_histories()
    if as_json:
        click.echo(json.dumps([asdict(summary) for summary in summaries], indent=2))
        return
    for one in summaries:
        units = ", ".join(f"{column} {unit}" for column, unit in one.units.items())
        click.echo(f"{one.id}")
        for line in (
            f"{one.species}, {one.region}, {one.years[0]}-{one.years[1]}: {one.observed}",
            f"units: {units}",
            f"source: {one.source}",
            f"license: {one.license}",
        ):
            click.echo(wrapped(line, indent=4))
