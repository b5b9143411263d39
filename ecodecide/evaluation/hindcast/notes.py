"""What the figures of a hindcast rest on, in words."""

from __future__ import annotations

from ecodecide.evaluation.hindcast.past_years import PastYears
from ecodecide.evaluation.managed_stock import ManagedStock


def notes(managed: ManagedStock, past: PastYears, mode: str, start: int | None) -> list[str]:
    """Return what the figures of a hindcast rest on, one line each."""
    history, last = managed.history, int(past.year[-1])
    lines = [
        "advice of a year rests on the catches before it and the surveys up to its own"
        if mode == "refit"
        else f"parameters, catchability and policies are those of the fit to all years up to {last}: they know the "
        "future, beliefs and the numbers that rules take from the past do not"
    ]
    if history.observed == "assessment biomass":
        lines.append(
            "NOT CAUSAL: the observations are the biomass of an assessment, which has seen later years when it put out "
            "that of a year; no manager knew it then"
        )
    if history.free_catchability:
        lines.append(
            "IN HINDSIGHT: observations in units of biomass are the surveys over the catchability of the fit to all "
            + ("years; advice goes by that of the year's own fit" if mode == "refit" else "years")
        )
    at_end = "the survey to be expected by" if history.free_catchability else "the mean of"
    taken = f"{at_end} the belief that the year's fit ends with" if mode == "refit" else "the survey"
    lines.append(
        f"policies on observed biomass take for it {taken}; rules that start from past catches or surveys are made "
        "anew each year; every catch is that of the reports"
    )
    if start is not None:
        lines.append(
            f"had it been followed from {past.year[start]}: each posterior draw of the past is lived through again "
            "with its own process and survey errors; intervals are posterior (how well the past is known), not Monte "
            "Carlo"
        )
        lines.append(
            f"the policies followed are those of {past.year[start]}, made of what was known then"
            if mode == "refit"
            else "policies that were fitted to the same years are flattered by what would have happened; --refit is not"
        )
    return lines
