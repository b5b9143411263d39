"""`ecodecide models`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ecodecide.cli.lines import wrapped

if TYPE_CHECKING:
    from ecodecide.catalog import StockModel


@click.command()
@click.option("--cite", is_flag=True, help="Print what to cite for each, and where its numbers were read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which holds both.")
def models(cite: bool, as_json: bool) -> None:
    """List the published stock models that come with ecodecide."""
    from ecodecide.catalog import published_models

    found = published_models()
    if as_json:
        click.echo(json.dumps([_row(model) for model in found], indent=2))
        return
    for model in found:
        click.echo(model.id)
        for line in _cited(model) if cite else _listed(model):
            click.echo(wrapped(line, indent=4))


def _listed(model: StockModel) -> list[str]:
    """Say what a model is, and by whom."""
    from ecodecide.stock.growth import parameters

    numbers = ", ".join(f"{name} = {value:g}" for name, value in parameters(model.growth).items())
    parts = [f"{model.growth.name}: {numbers}", repr(model.noise) if model.noise else "no noise"]
    if model.survey:
        parts.append(repr(model.survey))
    parts.append(f"unit of biomass: {model.unit}")
    if model.order != "harvest-first":
        parts.append(model.order)
    if model.step != "year":
        parts.append(f"one step is a {model.step}")
    address = f", doi:{model.doi}" if model.doi else ""
    return [_kind(model), "; ".join(parts), f"source: {model.citation}{address}"]


def _cited(model: StockModel) -> list[str]:
    """Say what to cite, and where the numbers stand."""
    lines = [
        f"{model.citation}: {model.title}",
        f"doi:{model.doi}" if model.doi else model.url,
        f"source: {model.source}",
        f"read in: {model.read_in}" if model.read_in else "",
        f"comment: {model.comment}" if model.comment else "",
    ]
    return [line for line in lines if line]


def _kind(model: StockModel) -> str:
    return f"{model.group}: {model.species}" if model.species else f"{model.group}, no species in particular"


def _row(model: StockModel) -> dict[str, Any]:
    """Return a model as values that JSON has."""
    from ecodecide.stock.growth import parameters

    return {
        "id": model.id,
        "title": model.title,
        "group": model.group,
        "species": model.species,
        "law": model.growth.name,
        "parameters": parameters(model.growth),
        "noise": repr(model.noise) if model.noise else None,
        "survey": repr(model.survey) if model.survey else None,
        "unit": model.unit,
        "order": model.order,
        "step": model.step,
        "discount": model.discount,
        "initial": model.initial,
        "citation": model.citation,
        "doi": model.doi,
        "url": model.url,
        "source": model.source,
        "read_in": model.read_in,
        "comment": model.comment,
    }
