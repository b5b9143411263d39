"""`ecodecide models`."""

from __future__ import annotations

import json

import click

from ecodecide.cli.lines import wrapped


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(as_json: bool) -> None:
    """List the published stock models that come with ecodecide."""
    from ecodecide.catalog import published_models
    from ecodecide.stock.growth import parameters

    found = published_models()
    if as_json:
        rows = [
            {
                "id": model.id,
                "title": model.title,
                "law": model.stock.growth.name,
                "parameters": parameters(model.stock.growth),
                "noise": repr(model.stock.noise),
                "survey": repr(model.survey),
                "unit": model.unit,
                "citation": model.citation,
                "doi": model.doi,
            }
            for model in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for model in found:
        law = model.stock.growth
        numbers = ", ".join(f"{name} = {value:g}" for name, value in parameters(law).items())
        click.echo(f"{model.id}")
        for line in (
            f"{law.name}: {numbers}; {model.stock.noise!r}; {model.survey!r}; unit of biomass: {model.unit}",
            f"source: {model.citation}, doi:{model.doi}",
        ):
            click.echo(wrapped(line, indent=4))
