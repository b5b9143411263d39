"""What commands that fit a stock and solve for policies refuse before any long work begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ecodecide.cli.lines import law_names

if TYPE_CHECKING:
    from ecodecide.stock.survey import Survey


def check_fit_usage(
    solvers: Sequence[str], growth: str, survey: str | None, collapse: str, discount: float
) -> Survey | None:
    """Return the survey that was asked for.

    Parameters
    ----------
    solvers
        Names.
    growth
        Names of laws, separated by commas.
    survey, collapse, discount
        As on the command line.

    Raises
    ------
    click.BadParameter
        For the first option that means nothing.
    """
    from ecodecide.errors import EcodecideError
    from ecodecide.evaluation.limits import read_limit
    from ecodecide.solvers.registry import solver_names
    from ecodecide.stock.growth import LAWS
    from ecodecide.stock.survey import parse_survey

    for name in solvers:
        if name not in solver_names():
            raise click.BadParameter(
                f"{name!r} is none of {', '.join(solver_names())}", param_hint="--solver"
            )
    names = law_names(growth)
    if any(name not in LAWS for name in names) or len({*names}) < len(names):
        raise click.BadParameter(
            f"{growth!r} is not some of {', '.join(LAWS)}, each once", param_hint="--growth"
        )
    if not 0.0 < discount < 1.0:
        raise click.BadParameter(f"{discount} is not a factor in (0, 1)", param_hint="--discount")
    option = "--collapse"
    try:
        read_limit(collapse)
        option = "--survey"
        return None if survey is None else parse_survey(survey)
    except EcodecideError as problem:
        raise click.BadParameter(str(problem), param_hint=option) from None
