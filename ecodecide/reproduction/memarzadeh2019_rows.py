"""Memarzadeh & Boettiger 2019 reproduced, as tables and as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ecodecide.reproduction.memarzadeh2019_claims import (
    OBSERVED,
    PUBLISHED_BIOMASS_99,
    PUBLISHED_HARVEST,
)
from ecodecide.reproduction.rows import Row, Table, plain, plain_estimate

SHORT = {"constant-escapement": "CE", "msy": "MSY", "tac": "TAC", "pomdp": "POMDP"}
"""The paper's names of the policies."""

CLAIM_HEADS = ("fig.", "claim", "the paper", "from K/6", "from the belief")
"""The heads of the table of claims."""

CLAIMS_OF = ", σg = 0.15"
"""What the claims are about, after the word."""

_LAST = 98
"""The index of the paper's last year; its first is 1 and ours 0."""

_SCORES = ("σg", "σm", "policy", "npv", "exact", "collapse, %", "exact", "biomass", "exact")
_STARTS = {"K/6": "from K/6, as in the paper", "belief": "from the POMDP's own belief"}


def tables(study: xr.Dataset) -> list[Table]:
    """Return the tables of figures 1 to 4 and of the solver's bounds."""
    years, replicates = study.attrs["years"], study.attrs["replicates"]
    found = []
    for start in study["start"].values:
        title = f"Figures 1 and 2, {_STARTS[str(start)]}: {years} years, {replicates} futures"
        found.append(Table(title, _SCORES, score_rows(study, str(start)), every=4))
    title = "Figure 3, mean biomass in year 99: perfect survey, σg = 0.15"
    found.append(Table(title, ("policy", "the paper", "here"), overestimate_rows(study)))
    harvests = harvest_rows(study)
    found.append(Table("Figure 4, harvest: σg = 0.15, σm = 0.1", harvests[0], harvests[1:]))
    title = "Bounds of the POMDP's value, uniform belief before any survey"
    found.append(Table(title, ("σg", "σm", "lower", "upper", "gap"), bound_rows(study)))
    return found


def details(study: xr.Dataset) -> dict[str, Any]:
    """Return scores, bounds and harvests as plain values."""
    return {
        "scores": _scores(study),
        "bounds": _bounds(study),
        "harvest": {
            "observed": [plain(y) for y in study["observed"].values],
            "curves": {
                str(c): [plain(h) for h in study["harvest"].sel(curve=c)] for c in study["curve"].values
            },
        },
    }


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


def _scores(study: xr.Dataset) -> list[dict[str, Any]]:
    found = []
    scores = study["scores"]
    for place in np.ndindex(*scores.shape[:4]):
        names = {str(dim): scores[dim].values[i].item() for dim, i in zip(scores.dims, place, strict=False)}
        entry: dict[str, Any] = dict(names)
        for m, metric in enumerate(study["metric"].values):
            exact = {"exact": plain(study["exact"].values[(*place, m)])}
            entry[str(metric)] = plain_estimate(scores.values[(*place, m)]) | exact
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
            entry[str(metric)] = plain_estimate(study["assumed_scores"].values[(*place, m)])
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
