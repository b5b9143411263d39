"""A reproduced study as rows of words, for tables, and as plain values, for JSON.

What is of one study alone is in the module of its name, such as `ecodecide.reproduction.memarzadeh2019_rows`:
its `tables`, the `details` of its JSON, and the heads of its claims.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import xarray as xr

from ecodecide.reproduction.verdict import FAILS, HOLDS, OPEN

Row: TypeAlias = tuple[str, ...]
"""The cells of a row."""


class Table(NamedTuple):
    """A table to be drawn: a gap follows `every` so many rows; `wraps` lets long cells wrap."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Row]
    every: int = 0
    wraps: bool = False


def tables(study: xr.Dataset) -> list[Table]:
    """Return the tables of a study's own figures."""
    found: list[Table] = _own(study).tables(study)
    return found


def claim_table(study: xr.Dataset) -> Table:
    """Return the claims of a study as a table."""
    own = _own(study)
    title = f"Claims{own.CLAIMS_OF}"
    # a hindcast has the years that were, and no futures
    if study.attrs["replicates"]:
        title += f": paired differences of {study.attrs['replicates']} futures, 95 % intervals"
    return Table(title, own.CLAIM_HEADS, claim_rows(study), wraps=True)


def _own(study: xr.Dataset) -> Any:
    return import_module(f"ecodecide.reproduction.{study.attrs['study']}_rows")


def estimate_words(estimate: Iterable[float], unit: str) -> str:
    """Return a quantity over its interval, which is left out where it is the quantity itself.

    Parameters
    ----------
    estimate
        Low, value and high.
    unit
        ``"%"`` and ``"points"`` are shares of 1, written in percent and in percentage points (pts); ``"steps"``,
        ``"K"`` and ``"value"`` are written as they are.

    Examples
    --------
    >>> print(estimate_words((0.012, 0.031, 0.05), "%"))
    +3.1 %
    1.2 to 5.0
    >>> print(estimate_words((-3.0, -3.0, -3.0), "steps"))
    -3.0 steps
    """
    factor, decimals = (100.0, 1) if unit in ("%", "points") else (1.0, 1 if unit == "steps" else 3)
    low, value, high = (factor * end for end in estimate)
    names = {"%": " %", "points": " pts", "steps": " steps", "K": " K"}
    words = f"{value:+.{decimals}f}{names.get(unit, '')}"
    return words if low == high else f"{words}\n{low:z.{decimals}f} to {high:z.{decimals}f}"


def claim_rows(study: xr.Dataset) -> list[Row]:
    """Return a row per claim: figure, words, what the paper says, and verdict and quantity for each start."""
    rows = []
    for c in range(study.sizes["claim"]):
        one = study.isel(claim=c)
        unit = str(one["claim_unit"].item())
        cells = []
        for start in study["start"].values:
            told = one.sel(start=start)
            words = estimate_words(told["claim_value"].values, unit)
            cells.append(f"{told['claim_verdict'].item()}\n{words}")
        if not bool(one["claim_simulated"].item()):
            cells[1:] = [""] * (len(cells) - 1)
        rows.append(
            (
                str(one["claim_figure"].item()),
                str(one["claim"].item()),
                str(one["claim_published"].item()),
                *cells,
            )
        )
    return rows


def tally(study: xr.Dataset) -> str:
    """Return how many claims hold, do not hold and cannot be told from the paper's own start, in a sentence."""
    verdicts = [str(v) for v in study["claim_verdict"].isel(start=0).values]
    words = {HOLDS: "hold", FAILS: "do not hold", OPEN: "cannot be told"}
    counts = ", ".join(f"{verdicts.count(key)} {word}" for key, word in words.items())
    start = ", from the paper's start" if study.sizes["start"] > 1 else ""
    return f"Of {len(verdicts)} claims{start}: {counts}."


def to_dict(study: xr.Dataset) -> dict[str, Any]:
    """Return a study as plain values that JSON can hold; None for what is not defined.

    Parameters
    ----------
    study
        A reproduced study.
    """
    attrs = dict(study.attrs)
    settings = {key: attrs[key] for key in ("replicates", "years", "seed", "cells", "unit")}
    return {
        "study": attrs["study"],
        "ecodecide_version": attrs["ecodecide_version"],
        "settings": settings | json.loads(attrs["settings"]),
        **_own(study).details(study),
        "claims": _claims(study),
        "notes": json.loads(attrs["notes"]),
        "cite": json.loads(attrs["cite"]),
    }


def plain(value: Any) -> float | None:
    """Return a number, None where it is not finite."""
    number = float(value)
    return number if np.isfinite(number) else None


def plain_estimate(values: Iterable[Any]) -> dict[str, float | None]:
    """Return low, value and high by name."""
    return {key: plain(value) for key, value in zip(("low", "value", "high"), values, strict=True)}


def _claims(study: xr.Dataset) -> list[dict[str, Any]]:
    found = []
    for c in range(study.sizes["claim"]):
        one = study.isel(claim=c)
        for start in study["start"].values:
            told = one.sel(start=start)
            found.append(
                {
                    "figure": str(one["claim_figure"].item()),
                    "claim": str(one["claim"].item()),
                    "published": str(one["claim_published"].item()),
                    "start": str(start) if bool(one["claim_simulated"].item()) else None,
                    "verdict": str(told["claim_verdict"].item()),
                    "unit": str(one["claim_unit"].item()),
                    **plain_estimate(told["claim_value"].values),
                    "must_exceed": plain(one["claim_low"]),
                    "must_be_below": plain(one["claim_high"]),
                }
            )
            if not bool(one["claim_simulated"].item()):
                break
    return found
