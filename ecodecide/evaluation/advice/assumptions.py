"""What a recommendation rests on, in words."""

from __future__ import annotations

from collections.abc import Iterable

from ecodecide.evaluation.managed_stock import (
    ManagedStock,
)
from ecodecide.evaluation.named_worlds import FITTED
from ecodecide.evaluation.provenance import assumptions
from ecodecide.evaluation.world import World
from ecodecide.fitting.posterior import Posterior
from ecodecide.policy.rules import SeriesPolicy


def advice_assumptions(
    managed: ManagedStock,
    posterior: Posterior,
    years: int,
    year: int,
    heard: bool,
    anew: Iterable[str] | None,
) -> tuple[str, ...]:
    """Return what the advice rests on, one line each; `anew` are the rules that an update made so."""
    told = assumptions(
        managed.problem, posterior, managed.history, managed.solutions, years, [World(posterior, FITTED)]
    )
    mean = (
        "the survey to be expected, as if it had been made"
        if managed.history.free_catchability
        else "the mean biomass believed in, as if it had been surveyed"
    )
    when = (
        f"the quota of {year} rests on the survey of that year, which is known; the next follows it"
        if heard
        else f"the quota of {year} is advised before any survey of that year: beliefs go by the years before, rules on "
        f"a series of surveys by those that were made, other rules and tables by {mean} "
        "(with a delay by last year's survey, where one was made)"
    )
    of_series = [] if anew is None else _of_series(managed, set(anew))
    return (*(line for line in told if not line.startswith("the first quota rests on")), *of_series, when)


def _of_series(managed: ManagedStock, anew: set[str]) -> list[str]:
    """Say what rules on a series of surveys start from after an update."""
    led = [
        name for name, one in managed.policies.items() if isinstance(one, SeriesPolicy) and name not in anew
    ]
    made = [name for name in managed.policies if name in anew]
    lines = []
    if made:
        lines.append(
            f"{', '.join(made)}: made anew from the catches and surveys of the history and of the update: its first "
            "advice is due"
        )
    if led:
        lines.append(
            f"{', '.join(led)}: could not be made anew from the update, and so starts from its last catch: its own "
            "advice of those years nobody followed"
        )
    return lines
