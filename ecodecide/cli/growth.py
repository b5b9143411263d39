"""`ecodecide growth`."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ecodecide.cli.lines import wrapped
from ecodecide.cli.long_work import require_writable, spinner

if TYPE_CHECKING:
    import xarray as xr

    from ecodecide.fitting.lesson import Lesson
    from ecodecide.history.catch_history import CatchHistory

_POINTS = ("carrying_capacity", "msy", "escapement_msy", "allee_threshold")
_SCORES = ("total", "per_pair", "difference", "difference_se", "place")


@click.command()
@click.argument("stock")
@click.option(
    "--fit",
    "law",
    default="logistic",
    show_default=True,
    metavar="LAW",
    help="The growth law whose biomass it learns from where that of the history is relative: logistic, "
    "pella-tomlinson, beverton-holt, ricker, allen, myers or may.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the figure: .png, .svg or .pdf.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no warnings, no notes: the result alone.")
def growth(stock: str, law: str, output: Path | None, as_json: bool, quiet: bool) -> None:
    """Show what a Gaussian process learns of how STOCK grows, and how far to trust it.

    STOCK is the id of a shipped history (see `ecodecide stocks`), a CSV file with the columns year, catch and any of
    biomass, ssb, index, index_se, or a FILE of another tool (see `ecodecide history import --help`), with
    FILE:STOCKID where it holds several stocks. Beside the growth that was learned: how it predicts years that it had
    not seen, how it scores against the laws of Ricker, Allen and Myers, and where it only extrapolates.
    """
    from ecodecide.errors import EcodecideWarning, EvaluationError

    _check_usage(law, output)
    with warnings.catch_warnings(record=True) as caught, spinner(f"learn {stock}", quiet):
        warnings.simplefilter("always", EcodecideWarning)
        history, learned, found = _learn(stock, law)
    summary = _summary(history, learned, found, law)
    # neither a full disk nor a reader that closes the pipe costs the other half of the result
    unsaved = None
    if output is not None:
        from ecodecide.report.figure_file import save_figure
        from ecodecide.report.growth_figure import growth_figure

        try:
            save_figure(growth_figure(found, title=history.id), output)
        except EvaluationError as problem:
            unsaved = problem
    summary["figure"] = None if output is None or unsaved else str(output)
    click.echo(json.dumps(summary, indent=2, allow_nan=False) if as_json else _text(summary))
    if unsaved is not None:
        raise unsaved
    for warning in caught:
        if not issubclass(warning.category, EcodecideWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif not quiet:
            click.echo(f"warning: {' '.join(str(warning.message).split())}", err=True)
    if output is not None and not quiet:
        click.echo(f"saved {output}", err=True)


def _check_usage(law: str, output: Path | None) -> None:
    """Refuse what is wrong before any long work begins."""
    from ecodecide.report.figure_file import FORMATS
    from ecodecide.stock.growth import LAWS

    if law not in LAWS:
        raise click.BadParameter(f"{law!r} is none of {', '.join(LAWS)}", param_hint="--fit")
    require_writable(output, FORMATS)


def _learn(stock: str, law: str) -> tuple[CatchHistory, Lesson, xr.Dataset]:
    """Read the history, fit the law where its biomass is relative, and diagnose what is learned from it."""
    from ecodecide.fitting import fit
    from ecodecide.fitting.diagnostics import diagnose_lesson
    from ecodecide.fitting.lesson import lesson
    from ecodecide.history.library import load_history

    history = load_history(stock)
    relative = history.biomass is None or history.free_catchability
    # without any abundance there is nothing to fit either, and the lesson says so
    posterior: Any = fit(history, law) if relative and history.observations else None
    learned = lesson(history, fitted=posterior)
    return history, learned, diagnose_lesson(learned)


# --- what is printed ---


def _summary(history: CatchHistory, learned: Lesson, found: xr.Dataset, law: str) -> dict[str, Any]:
    from ecodecide import __version__

    return {
        "stock": history.id,
        "unit": learned.unit,
        "learned_from": {
            "pairs": learned.pairs,
            "first_year": int(learned.year[0]),
            "last_year": int(learned.year[-1]),
            "origin": learned.origin,
            "independent": learned.independent,
            "law": None if learned.independent else law,
            "assessment_output": history.observed == "assessment biomass",
            "years_left_out": learned.left_out,
            "scale": learned.scale,
        },
        "mean_growth": {name: _number(found[name]) for name in _POINTS},
        "hyperparameters": {name: _number(found[name]) for name in ("signal_sd", "length_scale", "noise_sd")},
        "known": _known(found),
        "extrapolated": _extrapolated(found),
        "one_step_ahead": _ahead(found),
        "leave_one_out": [
            {"model": str(model), **{key: _number(found[f"loo_{key}"].sel(model=model)) for key in _SCORES}}
            for model in found["model"].values
        ],
        "curve": {
            name: [_number(value) for value in found[name].values]
            for name in ("escapement", "mean_growth", "ignorance")
        },
        "ecodecide_version": __version__,
    }


def _number(value: Any) -> float | None:
    """Return a plain number, None for what JSON cannot hold."""
    return float(value) if math.isfinite(float(value)) else None


def _known(found: xr.Dataset) -> dict[str, Any]:
    """The ranges of escapement in which growth is known, and that of the data."""
    s, beyond = found["escapement"].values, found["extrapolates"].values
    ranges: list[list[float]] = []
    for i in range(len(s)):
        if not beyond[i] and (i == 0 or beyond[i - 1]):
            ranges.append([float(s[i]), float(s[i])])
        elif not beyond[i]:
            ranges[-1][1] = float(s[i])
    return {"ranges": ranges, "seen": [float(found["seen_low"]), float(found["seen_high"])]}


def _extrapolated(found: xr.Dataset) -> dict[str, bool]:
    """Which reference points lie where growth is only extrapolated."""
    s, beyond = found["escapement"].values, found["extrapolates"].values
    told = {}
    for name in _POINTS:
        at = float(found["escapement_msy" if name == "msy" else name])
        told[name] = math.isfinite(at) and at > 0.0 and (at > s[-1] or bool(beyond[abs(s - at).argmin()]))
    return told


def _ahead(found: xr.Dataset) -> dict[str, Any]:
    score, rank = found["ahead_log_score"].values, found["ahead_rank"].values
    return {
        "years": [int(year) for year in found["ahead_year"].values],
        "draws": int(found.sizes["ahead_draw"]),
        "coverage": {
            f"{100 * float(width):.0f} %": {
                str(key): _number(found["coverage"].sel(interval=width, estimate=key))
                for key in found["estimate"].values
            }
            for width in found["interval"].values
        },
        "log_score": [[_number(value) for value in row] for row in score],
        "rank": [[_number(value) for value in row] for row in rank],
    }


def _text(summary: dict[str, Any]) -> str:
    lines = [*_heading(summary), "", *_growth_lines(summary), "", *_ahead_lines(summary)]
    return "\n".join([*lines, "", *_score_lines(summary)])


def _heading(summary: dict[str, Any]) -> list[str]:
    source = summary["learned_from"]
    span = f"{source['first_year']} to {source['last_year']}"
    lines = [
        f"{summary['stock']}: growth learned from {source['pairs']} pairs of years, {span}, of {source['origin']}"
    ]
    if not source["independent"]:
        lines.append(
            f"not independent: the biomass is that of a fitted {source['law']} stock, drawn with all years "
            "known, so what is learned leans on that law and the tests below are too kind"
        )
    elif source["assessment_output"]:
        lines.append(
            "the biomass is an assessment's output, smoothed with all years known: the tests below are too kind"
        )
    if source["years_left_out"]:
        lines.append(
            f"{source['years_left_out']} years left out: their catch takes all of the biomass or more"
        )
    return [wrapped(line) for line in lines]


def _growth_lines(summary: dict[str, Any]) -> list[str]:
    from ecodecide.report.table import number

    unit = "" if summary["unit"] == "unknown" else f" {summary['unit']}"
    points, beyond = summary["mean_growth"], summary["extrapolated"]
    noise = summary["hyperparameters"]["noise_sd"]

    def amount(name: str, per: str = "") -> str:
        mark = ", extrapolated" if beyond[name] else ""
        return f"{number(points[name])}{unit}{per}{mark}"

    rows = {
        "carrying capacity": amount("carrying_capacity")
        if points["carrying_capacity"]
        else "none: it shrinks"
    }
    if points["carrying_capacity"]:
        rows["MSY"] = f"{amount('msy', ' per year')} (escapement {number(points['escapement_msy'])}{unit})"
    rows["threshold"] = "none" if points["allee_threshold"] is None else amount("allee_threshold")
    rows["noise"] = f"{100.0 * noise:.3g} % a year (sd of the log)"
    ranges, seen = summary["known"]["ranges"], summary["known"]["seen"]
    if ranges:
        told = " and ".join(f"{number(low)} to {number(high)}{unit}" for low, high in ranges)
        known = f"escapements of {told}; data from {number(seen[0])} to {number(seen[1])}{unit}"
        outside = (
            "outside, its prior speaks: nothing was seen, or more than half of the prior variance is left"
        )
        rows["known"] = f"{known}; {outside}"
    else:
        rows["known"] = "nowhere: more than half of the prior variance is left at every escapement"
    return [
        "Mean growth learned",
        *(wrapped(f"{name + ':':<19}{value}", indent=2) for name, value in rows.items()),
    ]


def _ahead_lines(summary: dict[str, Any]) -> list[str]:
    from ecodecide.report.table import percent

    ahead = summary["one_step_ahead"]
    years, coverage = ahead["years"], ahead["coverage"]
    if all(entry["value"] is None for entry in coverage.values()):
        return ["One year ahead: too few pairs to try"]
    span = f"{years[0]} to {years[-1]}" if len(years) > 1 else str(years[0])
    draws = f", {ahead['draws']} draws" if ahead["draws"] > 1 else ""
    told = [
        f"the {width} interval held {percent(e['value'])} (95 % interval {percent(e['low'])} to {percent(e['high'])})"
        for width, e in coverage.items()
    ]
    return [wrapped(f"One year ahead, {span}{draws}: " + "; ".join(told))]


def _score_lines(summary: dict[str, Any]) -> list[str]:
    def cell(value: float | None, digits: int) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    lines = [
        f"{'Leave one out':<15}{'log score':>11}{'per pair':>10}{'less gp':>10}{'se':>8}{'place':>7}",
    ]
    for entry in summary["leave_one_out"]:
        gp = entry["model"] == "gp"
        apart = f"{'-' if gp else cell(entry['difference'], 2):>10}{'-' if gp else cell(entry['difference_se'], 2):>8}"
        lines.append(
            f"{entry['model']:<15}{cell(entry['total'], 2):>11}{cell(entry['per_pair'], 3):>10}{apart}"
            f"{cell(entry['place'], 0):>7}"
        )
    return lines
