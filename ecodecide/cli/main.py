"""The command `ecodecide`: its subcommands, and what happens when one fails."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NoReturn

import click

import ecodecide
from ecodecide.errors import EcodecideError

_COMMANDS = {
    "compare": "Compare ways of managing a stock on its catch history.",
    "fit": "Fit growth laws to a catch history, and weigh them.",
    "growth": "Show what a Gaussian process learns of a stock's growth.",
    "hindcast": "Ask what policies would have advised in each year of a history.",
    "history": "Import a catch history from the tables of another tool.",
    "metrics": "List the metrics of a comparison, with their formulas.",
    "models": "List the published stock models that come with ecodecide.",
    "plot": "Draw a figure of a saved comparison.",
    "recommend": "Advise next year's quota, and say why.",
    "report": "Write the report of a comparison, one HTML file that can be mailed.",
    "reproduce": "Reproduce a published study, claim by claim.",
    "rules": "List the harvest control rules, with formulas and sources.",
    "solve": "Solve a POMDP file and write its policy.",
    "stocks": "List the catch histories that come with ecodecide.",
    "sweep": "Compare many stocks times many solvers, on one machine or a cluster.",
}
"""The subcommands; each is the function of its name in the module of its name, imported when it is called."""


class _Commands(click.Group):
    """Subcommands that are imported when they are called, so that --help is quick."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"ecodecide.cli.{name}"), name)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))

    def invoke(self, context: click.Context) -> Any:
        """Run a subcommand; an error of ours is one line and the exit status 1."""
        try:
            return super().invoke(context)
        except EcodecideError as problem:
            fail(str(problem))
        except KeyboardInterrupt:
            fail("interrupted: nothing was written")


def fail(words: str) -> NoReturn:
    """Say in one line why the run failed, and end with the status 1."""
    click.echo(f"error: {' '.join(words.split())}", err=True)
    raise click.exceptions.Exit(1)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ecodecide.__version__, prog_name="ecodecide")
def main() -> None:
    """Ecological decisions under uncertainty: catch quotas for a stock that may have a tipping point."""
