"""`ecodecide plot`."""

from __future__ import annotations

import warnings
from pathlib import Path

import click

from ecodecide.cli.long_work import require_writable, spinner

ALL = "all"
"""The kind that is every figure of a comparison."""

HINDCAST = "hindcast"
"""The kind that is of another file."""


_KINDS = """\b
KIND is one of:
  history          catches, observations and fitted biomass
  kobe             status: B/B_MSY against F/F_MSY
  belief           belief about the biomass, year by year
  policies         quota and escapement against observed biomass
  belief-policies  quota and escapement against the belief, known well or badly
  worms            biomass of the futures: bands and single ones
  catches          catches of the futures: bands and single ones
  trade-off        value against risk, and the Pareto front
  collapse         probability of collapse by each year
  robustness       value, risk and regret in every world
  hindcast         advice and belief in each past year; RUN is then of `ecodecide hindcast -o`
  all              every other figure that the run has data for, into a folder
"""


@click.command(epilog=_KINDS)
@click.argument("kind")
@click.argument("run", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The file to write, .png, .svg or .pdf; of all figures a folder.",
)
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME",
    help="A policy to show; may be repeated. [default: all]",
)
@click.option(
    "--world", metavar="NAME", help="The truth to show. [default: all where each has a panel, else the first]"
)
@click.option(
    "--format",
    "ending",
    type=click.Choice(["png", "svg", "pdf"]),
    default="png",
    show_default=True,
    help="Of the files of all figures.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing of what was written.")
def plot(
    kind: str, run: Path, output: Path, policies: tuple[str, ...], world: str | None, ending: str, quiet: bool
) -> None:
    """Draw a figure of the file RUN that `ecodecide compare -o` saved.

    The same run gives the same file.
    """
    from ecodecide.errors import EcodecideWarning
    from ecodecide.report.figure_file import FORMATS

    _check_usage(kind, output, FORMATS)
    with warnings.catch_warnings(record=True) as caught, spinner(f"draw {kind}", quiet):
        warnings.simplefilter("always", EcodecideWarning)
        written, left_out = _draw(kind, run, output, policies, world, f".{ending}")
    for warning in caught:
        if not issubclass(warning.category, EcodecideWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif not quiet:
            click.echo(f"warning: {' '.join(str(warning.message).split())}", err=True)
    if not quiet:
        for line in (*left_out, *(f"saved {path}" for path in written)):
            click.echo(line, err=True)


def _check_usage(kind: str, output: Path, formats: tuple[str, ...]) -> None:
    """Refuse what is wrong before any work."""
    from ecodecide.report.plots.figures import KINDS

    if kind not in (*KINDS, HINDCAST, ALL):
        raise click.BadParameter(
            f"{kind!r} is none of {', '.join((*KINDS, HINDCAST, ALL))}", param_hint="KIND"
        )
    if kind != ALL:
        require_writable(output, formats)
    elif output.exists() and not output.is_dir():
        raise click.BadParameter(f"{output} is a file: all figures need a folder", param_hint="--output")
    else:
        require_writable(output)


def _draw(
    kind: str, run: Path, output: Path, policies: tuple[str, ...], world: str | None, ending: str
) -> tuple[list[Path], list[str]]:
    """Write the figures; return their files, and of all figures why some are left out."""
    from ecodecide.errors import EcodecideError
    from ecodecide.evaluation.comparison import Comparison
    from ecodecide.report.figure_file import save_figure
    from ecodecide.report.plots.figures import KINDS, check_choice, draw, draw_hindcast

    if kind == HINDCAST:
        if world is not None:
            raise click.BadParameter("a hindcast has one past, and no worlds", param_hint="--world")
        save_figure(draw_hindcast(run, policies), output)
        return [output], []
    comparison = Comparison.load(run)
    if kind != ALL:
        save_figure(draw(kind, comparison, policies=policies, world=world), output)
        return [output], []
    check_choice(comparison, policies, world)
    output.mkdir(exist_ok=True)
    written, left_out = [], []
    try:
        for name in KINDS:
            try:
                figure = draw(name, comparison, policies=policies, world=world)
            except EcodecideError as problem:
                left_out.append(f"no {name}: {' '.join(str(problem).split())}")
                continue
            save_figure(figure, output / f"{name}{ending}")
            written.append(output / f"{name}{ending}")
    except KeyboardInterrupt:
        click.echo(f"interrupted: of all figures {len(written)} are in {output}", err=True)
        raise click.exceptions.Exit(130) from None
    return written, left_out
