"""`ecodecide fit`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecodecide.cli.lines import law_names, width, wrapped
from ecodecide.cli.long_work import progress_bar, require_writable

if TYPE_CHECKING:
    from ecodecide.fitting.priors import Prior


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
    help="Order of events in a year; recruit-first is for the two fits of the literature.",
)
@click.option(
    "--observation-error-only",
    "observation_error_only",
    is_flag=True,
    help="The logistic fit of the literature, to compare with: no process error, the first biomass K.",
)
@click.option(
    "--process-error-only",
    "process_error_only",
    is_flag=True,
    help="The logistic fit of Memarzadeh & Boettiger 2019, to compare with: biomass is taken for exact.",
)
@click.option(
    "--survey", help="Error of a biomass or an assessment's output, such as lognormal:0.2, its default."
)
@click.option(
    "--catch-cv",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0.0),
    help="Error of the reported catches.",
)
@click.option(
    "--prior",
    "priors",
    multiple=True,
    metavar="NAME=KIND(A,B)",
    help="A prior, such as r=lognormal(0.3,0.5), K=range(1000,4000), psi=lognormal(0.5,0.3) or C/K=normal(0.1,0.1), in "
    "the units of the history; may be repeated. allen.r=... is of one law alone.",
)
@click.option(
    "--resilience",
    type=click.Choice(["very low", "low", "medium", "high"]),
    help="A prior of r by category, as CMSY has it.",
)
@click.option(
    "--draws", default=400, show_default=True, type=click.IntRange(1), help="Posterior draws of each law."
)
@click.option(
    "--retrospective",
    "peels",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    metavar="YEARS",
    help="Fit again without the last 1, 2, ... years: Mohn's rho and the skill of a hindcast.",
)
@click.option(
    "--selection",
    "simulations",
    default=20,
    show_default=True,
    type=click.IntRange(0),
    metavar="STOCKS",
    help="Simulated stocks that tell how often selection would overlook a tipping point.",
)
@click.option(
    "--seed",
    default=1,
    show_default=True,
    type=click.IntRange(0),
    help="The same seed gives the same figures.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save draws, biomass and scores as NetCDF, for xarray and ArviZ.",
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
    process_error_only: bool,
    survey: str | None,
    catch_cv: float,
    priors: tuple[str, ...],
    resilience: str | None,
    draws: int,
    peels: int,
    simulations: int,
    seed: int,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fit growth laws to the history of STOCK, and say how much each is to be believed.

    STOCK is the id of a shipped history (see `ecodecide stocks`), a CSV file, or a table of another tool, such as
    RAM.xlsx:COD2J3KL. Figures are medians with 90 % intervals, in the units of the history; laws are weighed by their
    marginal likelihoods, all being as likely before.
    """
    from ecodecide.errors import ConvergenceWarning, EcodecideError, EcodecideWarning, FitError
    from ecodecide.fitting.fit_tree import save_fit
    from ecodecide.fitting.laws import fit_laws
    from ecodecide.fitting.retrospective import retrospective
    from ecodecide.fitting.selection import selection
    from ecodecide.history.library import load_history
    from ecodecide.report.fit_dict import fit_dict
    from ecodecide.stock.growth import LAWS
    from ecodecide.stock.survey import parse_survey

    if observation_error_only or process_error_only:
        _check_of_the_literature(observation_error_only, process_error_only, laws, order)
        of_the_literature = _fit_observation_error if observation_error_only else _fit_process_error
        of_the_literature(stock, order, draws, seed, as_json)
        return
    if order != "harvest-first":
        raise click.BadParameter(
            "the state-space fit knows harvest-first alone; add --observation-error-only or --process-error-only",
            param_hint="--order",
        )
    names = law_names(laws)
    if any(name not in LAWS for name in names) or len({*names}) < len(names):
        raise click.BadParameter(
            f"{laws!r} is not some of {', '.join(LAWS)}, each once", param_hint="--growth"
        )
    require_writable(output)
    asked = _priors(priors, resilience, names)
    try:
        error = None if survey is None else parse_survey(survey)
    except EcodecideError as problem:
        raise click.BadParameter(str(problem), param_hint="--survey") from None
    with warnings.catch_warnings(record=True) as caught, progress_bar(quiet) as progress:
        tell: Callable[[str, float], None] = progress or (lambda words, share: None)
        warnings.simplefilter("always", EcodecideWarning)
        history = load_history(stock)
        fitted = fit_laws(
            history, names, survey=error, catch_cv=catch_cv, draws=draws, seed=seed, priors=asked, progress=tell
        )  # fmt: skip
        selected = selection(
            fitted.posteriors, simulations, seed, lambda share: tell("simulate selection", share)
        )
        peeled = {}
        for law, posterior in fitted.posteriors.items() if peels else ():
            try:
                peeled[law] = retrospective(
                    posterior, history, peels, seed=seed, progress=partial(_tell_peel, tell, law)
                )  # fmt: skip
            except FitError as problem:
                # the fit itself is done: a peel that cannot be does not cost it
                warnings.warn(f"no retrospective of {law}: {problem}", ConvergenceWarning, stacklevel=1)
        found = _provenance(seed, draws, dict(history.units)) | fit_dict(fitted, selected, peeled)
    found["cite"] = [*_cited(history.source)]
    found["warnings"] = [
        " ".join(str(w.message).split()) for w in caught if issubclass(w.category, EcodecideWarning)
    ]
    unsaved = None
    if output is not None:
        try:
            save_fit(
                fitted,
                output,
                {key: found[key] for key in ("ecodecide_version", "settings", "units", "cite")},
            )
        except EcodecideError as problem:
            unsaved = problem
    click.echo(json.dumps(found, indent=2, allow_nan=False)) if as_json else _show(found, quiet)
    if unsaved is not None:
        raise unsaved
    for words in found["warnings"]:
        if not quiet:
            click.echo(f"warning: {words}", err=True)
    if output is not None and not quiet:
        click.echo(f"saved {output}", err=True)


def _priors(words: tuple[str, ...], category: str | None, laws: list[str]) -> dict[str, Prior]:
    """Read the priors that were asked for; `check_priors` refuses those of numbers that there are not."""
    from ecodecide.errors import FitError
    from ecodecide.fitting.priors import read_prior, resilience

    try:
        found = [read_prior(one) for one in words]
        names = [prior.name for prior in found]
        if len({*names}) < len(names):
            raise FitError(f"a number has two priors: {', '.join(names)}")
        if category is not None and "r" in names:
            raise FitError("r has a prior of its own; leave --resilience out")
    except FitError as problem:
        raise click.BadParameter(str(problem), param_hint="--prior") from None
    by_name = {prior.name: prior for prior in found}
    return by_name | ({} if category is None else {"r": resilience(category)})


def _tell_peel(tell: Callable[[str, float], None], law: str, share: float) -> None:
    tell(f"peel {law}", share)


def _cited(source: str) -> Iterator[str]:
    from ecodecide import __version__

    yield f"ecodecide {__version__}"
    if source:
        yield f"data: {source}"
    yield "emcee: Foreman-Mackey et al. 2013, doi:10.1086/670067"
    yield "R-hat and effective sample size: Vehtari et al. 2021, doi:10.1214/20-BA1221, by ArviZ"
    yield "PSIS-LOO: Vehtari, Gelman & Gabry 2017, doi:10.1007/s11222-016-9696-4, by ArviZ"


def _check_of_the_literature(observation: bool, process: bool, laws: str, order: str) -> None:
    """Refuse what the fits of the literature do not have."""
    if observation and process:
        raise click.UsageError("--observation-error-only and --process-error-only are two fits; choose one")
    own = "--observation-error-only" if observation else "--process-error-only"
    if laws.strip() != "logistic":
        raise click.BadParameter(f"{own} is for --growth logistic", param_hint="--growth")
    if process and order != "recruit-first":
        raise click.BadParameter(
            f"{own} is of the paper's order; add --order recruit-first", param_hint="--order"
        )
    context = click.get_current_context()
    for option in ("survey", "catch_cv", "priors", "resilience", "peels", "simulations", "output"):
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":
            flag = next(p.opts[-1] for p in context.command.params if p.name == option)
            raise click.UsageError(f"{flag} is of the state-space fit; leave it out with {own}")


def _fit_observation_error(stock: str, order: str, draws: int, seed: int, as_json: bool) -> None:
    from ecodecide.fitting.observation_error import ORDERS, fit_observation_error, to_dict
    from ecodecide.history.library import load_history

    history = load_history(stock)
    fitted, other = (
        fit_observation_error(history, one, draws, seed)
        for one in (order, next(one for one in ORDERS if one != order))
    )
    found = to_dict(history, fitted, other)
    _print_logistic(_provenance(seed, draws, dict(history.units)) | found, "best", as_json)


def _fit_process_error(stock: str, order: str, draws: int, seed: int, as_json: bool) -> None:
    from ecodecide.fitting.process_error import fit_process_error, to_dict
    from ecodecide.history.library import load_history

    history = load_history(stock)
    found = to_dict(history, fit_process_error(history))
    _print_logistic(_provenance(seed, draws, dict(history.units)) | found, "mean", as_json)


def _print_logistic(found: dict[str, Any], center: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    one = found["laws"]["logistic"]
    click.echo(wrapped(f"{found['stock']}: {one['diagnostics']['status']}"))
    for name, estimate in (one["parameters"] | one.get("reference_points", {})).items():
        low, middle, high = (f"{estimate[end]:.4g}" for end in ("low", center, "high"))
        click.echo(f"  {name:<6} {middle:>9}   90 % interval {low} to {high}")
    for line in one["assumptions"]:
        click.echo(wrapped(line, indent=2))


def _provenance(seed: int, draws: int, units: dict[str, str]) -> dict[str, Any]:
    from ecodecide import __version__

    return {"ecodecide_version": __version__, "settings": {"seed": seed, "draws": draws}, "units": units}


def _show(found: dict[str, Any], quiet: bool) -> None:
    from rich.console import Console

    from ecodecide.report.laws_table import findings, laws_table

    units = found["units"]
    unit = next((units[name] for name in ("biomass", "ssb", "catch") if units.get(name)), "unknown")
    Console(highlight=False, width=width()).print(laws_table(found, unit))
    click.echo()
    for line in findings(found):
        click.echo(wrapped(line))
    if quiet:
        return
    click.echo("\nHow each fit ended")
    for law, one in found["laws"].items():
        click.echo(wrapped(f"{law}: {one['diagnostics']['status']}", indent=2))
    click.echo("\nAssumptions")
    for line in dict.fromkeys(line for one in found["laws"].values() for line in one["assumptions"]):
        click.echo(wrapped(line, indent=2))
    click.echo("\nCite")
    for line in found["cite"]:
        click.echo(wrapped(line, indent=2))
