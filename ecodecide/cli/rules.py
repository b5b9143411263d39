"""`ecodecide rules`."""

from __future__ import annotations

import json

import click

from ecodecide.cli.lines import wrapped

_LETTERS = (
    "B is this year's survey, of the biomass before harvest; F a share of it per year; F_MSY = MSY / B_MSY; B0 the "
    "carrying capacity; I are the surveys of several years, this one the last; C past catches."
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rules(as_json: bool) -> None:
    """List the harvest control rules, with formulas and sources.

    Each is a --solver of compare.
    """
    from ecodecide.solvers.named_rules import NAMED_RULES

    if as_json:
        keys = ("name", "words", "formula", "source", "needs_history")
        click.echo(json.dumps([{key: getattr(rule, key) for key in keys} for rule in NAMED_RULES], indent=2))
        return
    click.echo(wrapped(_LETTERS))
    for rule in NAMED_RULES:
        click.echo(rule.name)
        start = " (starts from the catch history)" if rule.needs_history else ""
        for line in (rule.words + start, f"quota: {rule.formula}", f"source: {rule.source}"):
            click.echo(wrapped(line, indent=4))
