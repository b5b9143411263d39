"""`ecodecide metrics`."""

from __future__ import annotations

import json

import click

from ecodecide.cli.lines import wrapped

_LETTERS = (
    "B_t is the biomass before harvest in year t = 0 ... T - 1, and B_T what is left at the end; C_t the catch; "
    "F_t = C_t / B_t; reference points are those of the replicate's own world, B_MSY before harvest, F_MSY = MSY / "
    "B_MSY, B_lim = 0.3 B_MSY; the limit is that of --collapse."
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def metrics(as_json: bool) -> None:
    """List the metrics of a comparison, with their formulas.

    Those in capitals, and risk1 to risk3, go by their names in openMSE and FLR.
    """
    from ecodecide.evaluation.metrics import METRICS

    if as_json:
        found = [{"name": name, "definition": metric.words} for name, metric in METRICS.items()]
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(wrapped(_LETTERS))
    for name, metric in METRICS.items():
        click.echo(name)
        click.echo(wrapped(metric.words, indent=4))
