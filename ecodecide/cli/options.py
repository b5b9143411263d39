"""Options that several commands have, with the same words in each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Option = Callable[[Any], Any]


def solvers(what: str) -> Option:
    """Return the option --solver of a command that does something with each."""
    return click.option(
        "--solver",
        "solvers",
        multiple=True,
        metavar="NAME",
        help=f"A solver {what}; may be repeated. [default: pomdp, gpdp, tac, optimal-control, no-fishing]",
    )


def output(what: str) -> Option:
    """Return the option --output of a command that saves something."""
    return click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help=what)


growth: Option = click.option(
    "--growth",
    default="logistic,pella-tomlinson,ricker,allen",
    show_default=True,
    metavar="LAWS",
    help="Growth laws that managers believe in, each as likely as the fit has it: logistic, pella-tomlinson, ricker, "
    "allen, beverton-holt, myers, may.",
)
survey: Option = click.option(
    "--survey",
    metavar="KIND:ERROR",
    help="Error of the surveys: lognormal:CV, normal:SD (in units of biomass) or perfect; where the history's "
    "observations are an assessment's output, also the error assumed of them in the fit. [default: that of the fit]",
)
seed: Option = click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="The same seed gives the same figures.",
)
collapse: Option = click.option(
    "--collapse",
    default="0.1K",
    show_default=True,
    metavar="LIMIT",
    help="0.1K, 0.2BMSY, Blim, allee, or a biomass.",
)
discount: Option = click.option(
    "--discount", default=0.95, show_default=True, type=float, help="Yearly discount factor in (0, 1)."
)
implementation: Option = click.option(
    "--implementation",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0.0),
    help="CV between quota and catch.",
)
cells: Option = click.option(
    "--cells",
    default=100,
    show_default=True,
    type=click.IntRange(10, 2000),
    help="Cells of the decision grid.",
)
gap: Option = click.option(
    "--gap",
    default=0.01,
    show_default=True,
    type=click.FloatRange(0.0, 1.0, max_open=True),
    help="Gap between bounds at which pomdp stops.",
)
as_json: Option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
quiet: Option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="No progress, no notes: the tables alone, and a warning of a search that stopped early.",
)
verbose: Option = click.option(
    "-v", "--verbose", is_flag=True, help="Also the fit, how each solver ended, and settings."
)
