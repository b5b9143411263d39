"""Boettiger, Mangel & Munch 2015 reproduced, as tables and as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ecodecide.reproduction.boettiger2015_claims import ARCHIVED_RELATIVE
from ecodecide.reproduction.rows import Row, Table, plain, plain_estimate

NAMES = {
    "true": "true model",
    "gp": "GPDP as published",
    "gp-default": "GPDP, ours",
    "allen-mle": "Allen, ML",
    "allen": "Allen",
    "ricker": "Ricker",
    "myers": "Myers",
}
"""The policies in words."""

CLAIM_HEADS = ("fig.", "claim", "the paper", "here")
"""The heads of the table of claims."""

CLAIMS_OF = ""
"""What the claims are about, after the word."""

_EVERY = 7
"""Points from one row of figure 3 to the next."""


def tables(study: xr.Dataset) -> list[Table]:
    """Return table 1 and figures 3 to 5."""
    years, replicates = study.attrs["years"], study.attrs["replicates"]
    heads = ("policy", "median", "mean", "archive", "below .6, %", "crossed, %")
    title = f"Figures 4 and 5, profit relative to the true model's: {years} years, {replicates} runs"
    laws = tuple(NAMES[str(law)] for law in study["law"].values)
    escapements = escapement_rows(study)
    return [
        Table(
            "Table 1, selection criteria; less is better",
            ("", "", *laws, "prefers"),
            criterion_rows(study),
            every=4,
        ),
        Table("Figure 3, escapement at a biomass", escapements[0], escapements[1:]),
        Table(title, heads, score_rows(study)),
    ]


def criterion_rows(study: xr.Dataset) -> list[Row]:
    """Return a row per criterion and source: its value for each law, and the law that it prefers."""
    rows: list[Row] = []
    for criterion in study["criterion"].values:
        for source in study["source"].values:
            values = study["criteria"].sel(criterion=criterion, source=source).values
            if np.isfinite(values).all():
                best = NAMES[str(study["law"].values[int(np.argmin(values))])]
                rows.append((str(criterion), str(source), *(f"{v:.2f}" for v in values), best))
            else:
                rows.append((str(criterion), str(source), *["-"] * len(values), ""))
    return rows


def escapement_rows(study: xr.Dataset) -> list[Row]:
    """Return figure 3: a row of heads, then what each policy leaves at some of the points."""
    points = study["biomass"].values[::-_EVERY][::-1]
    rows: list[Row] = [("policy", *(f"{x:.1f}" for x in points))]
    for policy in study["policy"].values:
        quota = study["quota"].sel(policy=policy, biomass=points).values
        rows.append(
            (NAMES[str(policy)], *(f"{max(x - h, 0.0):.1f}" for x, h in zip(points, quota, strict=True)))
        )
    return rows


def score_rows(study: xr.Dataset) -> list[Row]:
    """Return a row per policy: relative profit here and in the archive, and how often it fails."""
    rows: list[Row] = []
    one = study.isel(start=0)
    for policy in study["policy"].values:
        scores = one["scores"].sel(policy=policy)
        low, mean, high = scores.sel(metric="relative").values
        shares = [
            f"{100.0 * value:.1f} ({100.0 * low:.0f}-{100.0 * high:.0f})"
            for low, value, high in (scores.sel(metric=m).values for m in ("poor", "crossed"))
        ]
        told = f"{mean:.3f} ±{(high - low) / 2.0:.3f}".replace("±0.", "±.")
        median = f"{float(one['median'].sel(policy=policy)):.3f}"
        rows.append((NAMES[str(policy)], median, told, ARCHIVED_RELATIVE.get(str(policy), ""), *shares))
    return rows


def details(study: xr.Dataset) -> dict[str, Any]:
    """Return scores, criteria and quotas as plain values."""
    one = study.isel(start=0)
    scores = [
        {"policy": str(policy), "median_relative": plain(one["median"].sel(policy=policy))}
        | {
            str(metric): plain_estimate(one["scores"].sel(policy=policy, metric=metric).values)
            for metric in study["metric"].values
        }
        for policy in study["policy"].values
    ]
    criteria = [
        {"criterion": str(criterion), "source": str(source)}
        | {
            str(law): plain(study["criteria"].sel(criterion=criterion, source=source, law=law))
            for law in study["law"].values
        }
        for criterion in study["criterion"].values
        for source in study["source"].values
    ]
    policies = {str(p): [plain(h) for h in study["quota"].sel(policy=p)] for p in study["policy"].values}
    return {
        "scores": scores,
        "criteria": criteria,
        "quota": {"biomass": [plain(x) for x in study["biomass"].values], "policies": policies},
    }
