"""`ecodecide models`."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(as_json: bool) -> None:
    """List the published stock models that come with ecodecide."""
    from ecodecide.catalog import published_models
    from ecodecide.stock.growth import parameters

    found = published_models()
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
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        numbers = ", ".join(f"{name} = {value:g}" for name, value in row["parameters"].items())
        click.echo(f"{row['id']}")
        click.echo(f"    {row['law']}: {numbers}; {row['noise']}; {row['survey']}; unit of biomass: {row['unit']}")
        click.echo(f"    source: {row['citation']}, doi:{row['doi']}")
