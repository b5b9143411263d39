"""`ecodecide fit`."""

from __future__ import annotations

import json
import warnings
from typing import Any

import click

from ecodecide.cli.lines import width, wrapped
from ecodecide.cli.long_work import progress_bar


@click.command()
@click.argument("stock")
@click.option(
    "--growth",
    "laws",
    default="logistic,pella-tomlinson,ricker,allen",
    show_default=True,
    metavar="LAWS",
    help="Growth laws, separated by commas: logistic, pella-tomlinson, beverton-holt, ricker, allen, myers, may.",
)
@click.option(
    "--order",
    type=click.Choice(["harvest-first", "recruit-first"]),
    default="harvest-first",
    show_default=True,
    help="Order of events in a year; recruit-first is for --observation-error-only.",
)
@click.option(
    "--observation-error-only",
    "observation_error_only",
    is_flag=True,
    help="The logistic fit of the literature, to compare with: no process error, the first biomass K.",
)
@click.option("--survey", help="Error of an assessment's output, such as lognormal:0.2, its default.")
@click.option(
    "--draws", default=400, show_default=True, type=click.IntRange(1), help="Posterior draws of each law."
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="The same seed gives the same figures.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "-q", "--quiet", is_flag=True, help="No progress, no warnings, no assumptions: the figures alone."
)
def fit(
    stock: str,
    laws: str,
    order: str,
    observation_error_only: bool,
    survey: str | None,
    draws: int,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fit growth laws to the history of STOCK, and say how much each is to be believed.

    STOCK is the id of a shipped history (see `ecodecide stocks`) or a CSV file. Figures are medians with 90 %
    intervals, in the units of the history; laws are weighed by their marginal likelihoods, all being as likely before.
    """
    from ecodecide.errors import EcodecideError, EcodecideWarning
    from ecodecide.fitting.laws import fit_laws, to_dict
    from ecodecide.history.library import load_history
    from ecodecide.stock.growth import LAWS
    from ecodecide.stock.survey import parse_survey

    if observation_error_only:
        _fit_observation_error(stock, laws, order, draws, seed, as_json)
        return
    if order != "harvest-first":
        raise click.BadParameter(
            "the state-space fit knows harvest-first alone; add --observation-error-only",
            param_hint="--order",
        )
    names = [name.strip() for name in laws.split(",")]
    if any(name not in LAWS for name in names) or len({*names}) < len(names):
        raise click.BadParameter(
            f"{laws!r} is not some of {', '.join(LAWS)}, each once", param_hint="--growth"
        )
    try:
        error = None if survey is None else parse_survey(survey)
    except EcodecideError as problem:
        raise click.BadParameter(str(problem), param_hint="--survey") from None
    with warnings.catch_warnings(record=True) as caught, progress_bar(quiet) as progress:
        warnings.simplefilter("always", EcodecideWarning)
        history = load_history(stock)
        fitted = fit_laws(history, names, survey=error, draws=draws, seed=seed, progress=progress)
    found = _provenance(seed, draws, dict(history.units)) | to_dict(fitted)
    click.echo(json.dumps(found, indent=2, allow_nan=False)) if as_json else _show(found, quiet)
    for warning in caught:
        if not quiet and issubclass(warning.category, EcodecideWarning):
            click.echo(f"warning: {' '.join(str(warning.message).split())}", err=True)


def _fit_observation_error(stock: str, laws: str, order: str, draws: int, seed: int, as_json: bool) -> None:
    from ecodecide.fitting.observation_error import fit_observation_error, to_dict
    from ecodecide.history.library import load_history

    if laws.strip() != "logistic":
        raise click.BadParameter("observation error alone is for --growth logistic", param_hint="--growth")
    history = load_history(stock)
    fitted = fit_observation_error(history, order, draws, seed)
    found = _provenance(seed, draws, dict(history.units)) | to_dict(history, fitted)
    if as_json:
        click.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    one = found["laws"]["logistic"]
    click.echo(wrapped(f"{history.id}: {one['diagnostics']['status']}"))
    for name, estimate in (one["parameters"] | one["reference_points"]).items():
        low, best, high = (f"{estimate[end]:.4g}" for end in ("low", "best", "high"))
        click.echo(f"  {name:<6} {best:>9}   90 % interval {low} to {high}")
    for line in one["assumptions"]:
        click.echo(wrapped(line, indent=2))


def _provenance(seed: int, draws: int, units: dict[str, str]) -> dict[str, Any]:
    from ecodecide import __version__

    return {"ecodecide_version": __version__, "settings": {"seed": seed, "draws": draws}, "units": units}


def _show(found: dict[str, Any], quiet: bool) -> None:
    from rich.console import Console

    from ecodecide.report.laws_table import laws_table

    units = found["units"]
    unit = next((units[name] for name in ("biomass", "ssb", "catch") if units.get(name)), "unknown")
    Console(highlight=False, width=width()).print(laws_table(found, unit))
    exists, below = 100.0 * found["p_tipping_point"], 100.0 * found["p_below_threshold"]
    click.echo()
    click.echo(
        wrapped(
            f"Probability that a tipping point exists: {exists:.0f} %; that it does and the stock is below it: "
            f"{below:.0f} %. Laws are weighed by their marginal likelihoods, all being as likely before."
        )
    )
    if quiet:
        return
    click.echo("\nHow each fit ended")
    for law, one in found["laws"].items():
        click.echo(wrapped(f"{law}: {one['diagnostics']['status']}", indent=2))
    click.echo("\nAssumptions")
    for line in dict.fromkeys(line for one in found["laws"].values() for line in one["assumptions"]):
        click.echo(wrapped(line, indent=2))
