"""A reproduced study as rows of words, for tables, and as plain values, for JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from ecodecide.reproduction.memarzadeh2019_claims import (
    OBSERVED,
    PUBLISHED_BIOMASS_99,
    PUBLISHED_HARVEST,
)
from ecodecide.reproduction.verdict import FAILS, HOLDS, OPEN

Row: TypeAlias = tuple[str, ...]
"""The cells of a row."""

SHORT = {"constant-escapement": "CE", "msy": "MSY", "tac": "TAC", "pomdp": "POMDP"}
"""The paper's names of the policies."""

_LAST = 98
"""The index of the paper's last year; its first is 1 and ours 0."""


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


def score_rows(study: xr.Dataset, start: str) -> list[Row]:
    """Return a row per scenario and policy: errors, policy, then value, collapse and biomass, exact ones beside.

    Parameters
    ----------
    study
        A reproduced study.
    start
        One of its starts.
    """
    rows: list[Row] = []
    for process in study["process_error"].values:
        for survey in study["survey_error"].values:
            for policy in study["policy"].values:
                where = {"process_error": process, "survey_error": survey, "policy": policy, "start": start}
                one, exact = study["scores"].sel(where), study["exact"].sel(where)
                cells = [
                    _shown(values.sel(metric=metric).values, metric)
                    for metric in ("npv", "collapse", "late_biomass")
                    for values in (one, exact)
                ]
                name = SHORT.get(str(policy), str(policy))
                rows.append((f"{process:.2f}", f"{survey:.2f}", name, *cells))
    return rows


def _shown(values: Any, metric: str) -> str:
    """Return an estimate with its interval, a plain value alone, and nothing for what is not known."""
    low, value, high = values if np.ndim(values) else (values, values, values)
    if np.isnan(value):
        return ""
    if metric == "collapse":
        words = f"{100.0 * value:.1f}"
        return f"{words} ({100.0 * low:.0f}-{100.0 * high:.0f})" if np.ndim(values) else words
    words = f"{value:.3f}"
    return f"{words} ±{(high - low) / 2.0:.3f}".replace("±0.", "±.") if np.ndim(values) else words


def bound_rows(study: xr.Dataset) -> list[Row]:
    """Return a row per scenario: errors, lower and upper bound of the POMDP's value, and their gap."""
    rows: list[Row] = []
    for process in study["process_error"].values:
        for survey in study["survey_error"].values:
            lower, upper = study["bounds"].sel(process_error=process, survey_error=survey).values
            gap = f"{100.0 * (upper - lower) / upper:.2f} %"
            rows.append((f"{process:g}", f"{survey:g}", f"{lower:.4f}", f"{upper:.4f}", gap))
    return rows


def overestimate_rows(study: xr.Dataset) -> list[Row]:
    """Return figure 3 in its last year: policy, the paper's mean biomass, ours with its interval."""
    year = min(_LAST, study.sizes["year"] - 1)
    known = year == _LAST
    root = np.sqrt(study.sizes["replicate"])
    rows: list[Row] = []
    for policy, published in PUBLISHED_BIOMASS_99.items():
        if policy == "pomdp":
            path = study["assumed_trajectory"].sel(assumed_error=0.15, survey_error=0.0, start="K/6")
        else:
            path = study["trajectory"].sel(process_error=0.15, survey_error=0.0, start="K/6", policy=policy)
        mean, sd = path.isel(year=year).values
        words = "POMDP, assumes 0.15" if policy == "pomdp" else SHORT[policy]
        rows.append((words, f"{published:.3f}" if known else "-", f"{mean:.3f} ±{1.96 * sd / root:.3f}"))
    return rows


def harvest_rows(study: xr.Dataset) -> list[Row]:
    """Return figure 4: a row per policy and prior, its harvest at each published observation, ours over theirs."""
    rows = [("observed", *(f"{y:.3f}" for y in OBSERVED))]
    for curve in study["curve"].values:
        ours = study["harvest_at"].sel(curve=curve).values
        theirs = PUBLISHED_HARVEST.get(str(curve))
        rows.append((SHORT.get(str(curve), str(curve)), *(f"{h:.3f}" for h in ours)))
        if theirs is not None:
            rows.append(("  published", *(f"{h:.3f}" for h in theirs)))
    return rows


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
    return f"Of {len(verdicts)} claims, from the paper's start: {counts}."


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
        "scores": _scores(study),
        "bounds": _bounds(study),
        "harvest": {
            "observed": [_plain(y) for y in study["observed"].values],
            "curves": {
                str(c): [_plain(h) for h in study["harvest"].sel(curve=c)] for c in study["curve"].values
            },
        },
        "claims": _claims(study),
        "notes": json.loads(attrs["notes"]),
        "cite": json.loads(attrs["cite"]),
    }


def _plain(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None


def _estimate(values: Iterable[Any]) -> dict[str, float | None]:
    return {key: _plain(value) for key, value in zip(("low", "value", "high"), values, strict=True)}


def _scores(study: xr.Dataset) -> list[dict[str, Any]]:
    found = []
    scores = study["scores"]
    for place in np.ndindex(*scores.shape[:4]):
        names = {str(dim): scores[dim].values[i].item() for dim, i in zip(scores.dims, place, strict=False)}
        entry: dict[str, Any] = dict(names)
        for m, metric in enumerate(study["metric"].values):
            exact = {"exact": _plain(study["exact"].values[(*place, m)])}
            entry[str(metric)] = _estimate(scores.values[(*place, m)]) | exact
        found.append(entry)
    for place in np.ndindex(*study["assumed_scores"].shape[:3]):
        assumed, survey, start = place
        entry = {
            "process_error": 0.15,
            "survey_error": float(study["survey_error"].values[survey]),
            "start": str(study["start"].values[start]),
            "policy": f"pomdp assuming {study['assumed_error'].values[assumed]:g}",
        }
        for m, metric in enumerate(study["metric"].values):
            entry[str(metric)] = _estimate(study["assumed_scores"].values[(*place, m)])
        found.append(entry)
    return found


def _bounds(study: xr.Dataset) -> list[dict[str, Any]]:
    return [
        {
            "process_error": float(process),
            "survey_error": float(survey),
            "lower": float(one.sel(bound="lower")),
            "upper": float(one.sel(bound="upper")),
            "status": str(study["status"].sel(process_error=process, survey_error=survey).item()),
        }
        for process in study["process_error"].values
        for survey in study["survey_error"].values
        for one in [study["bounds"].sel(process_error=process, survey_error=survey)]
    ]


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
                    **_estimate(told["claim_value"].values),
                    "must_exceed": _plain(one["claim_low"]),
                    "must_be_below": _plain(one["claim_high"]),
                }
            )
            if not bool(one["claim_simulated"].item()):
                break
    return found
