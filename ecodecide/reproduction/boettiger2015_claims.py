"""What Boettiger, Mangel & Munch 2015 claim, and whether their example, computed again, agrees.

Differences are of paired replicates. "Nearly optimal" is given a number here, which the paper does not do: within
5 % of what the policy of the true model earns. What the paper's archive shows stands beside what its text says.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.reproduction import interval
from ecodecide.reproduction.boettiger2015_scores import CRITERIA, SOURCES
from ecodecide.reproduction.interval import Estimate
from ecodecide.reproduction.verdict import Claim, Measure, estimated, exactly
from ecodecide.stock.growth import Array

METRICS = ("profit", "relative", "poor", "crossed", "crossed_early")
"""Of each replicate: profit summed over the years; the same relative to what the true model's policy earns; whether
that is below 0.6; whether biomass fell below the threshold at t >= 1; whether it did so in the first five years."""

SHARES = ("poor", "crossed", "crossed_early")
"""The metrics that are 0 or 1."""

ARCHIVED_RELATIVE = {
    "gp": ".988",
    "allen": ".975-1",
    "ricker": ".21",
    "myers": ".18-.29",
}
"""Figure 5, profit relative to the true model's policy in 100 replicates, median or range, from the archive of its
data, https://github.com/cboettig/nonparametric-bayes. Of the GP's, 9 are below 0.6, the lowest 0.471, and 5 more
below 0.9."""

ARCHIVED_POOR = (0.0481, 0.1623)
"""Wilson's 95 % interval of 9 in 100."""

ARCHIVED_QUOTA = {
    "true": (*range(15), *[0] * 8, *range(1, 28)),
    "gp": (*range(20), 0, 0, *range(1, 7), *range(6, 28)),
    "allen": (
        *range(10), *[0] * 12, 1, 2, 2, 4, 4, 5, 7, 7, 9, 10, 11, 12, 12, 14, 15, 15, 17, 18, 18, 20, 20, 22, 23, 24,
        24, 26, 27, 28,
    ),
}  # fmt: skip
"""Figure 3, quotas in steps of the grid by point, from the same archive."""

SAMPLER_NOISE = 0.5
"""By how much criteria of two samples of 4000 draws differ, at most, as found over ten seeds."""

_STEP = 15.0 / 49.0
_ANY = float("inf")


def _replicates(study: xr.Dataset, start: str, metric: str, policy: str) -> Array:
    return np.asarray(study["outcome"].sel(start=start, policy=policy, metric=metric).values)


def _mean(metric: str, policy: str) -> Measure:
    """Return the measure of a policy's mean, or of its share where the metric is one."""
    estimate = interval.share if metric in SHARES else interval.mean

    def measure(study: xr.Dataset, start: str) -> Estimate:
        return estimate(_replicates(study, start, metric, policy))

    return measure


def _over(a: str, b: str) -> Measure:
    """Return the measure profit of a / profit of b - 1."""

    def measure(study: xr.Dataset, start: str) -> Estimate:
        return interval.relative_difference(*(_replicates(study, start, "profit", one) for one in (a, b)))

    return measure


def preference(study: xr.Dataset, criterion: str, source: str) -> float:
    """Return by how much the best wrong law beats Allen's, which made the data; negative where it does not."""
    values = study["criteria"].sel(criterion=criterion, source=source)
    wrong = min(float(values.sel(law=law)) for law in ("ricker", "myers"))
    return float(values.sel(law="allen")) - wrong


def _preferring(criterion: str, source: str) -> Measure:
    """Return the measure of `preference`, give or take the sampler's noise where there is a sampler."""
    noise = 0.0 if source == SOURCES[3] else SAMPLER_NOISE

    def measure(study: xr.Dataset, start: str) -> Estimate:
        value = preference(study, criterion, source)
        return value - noise, value, value + noise

    return measure


def _table_1() -> list[Claim]:
    ways = ("as its code computes it", "righted", "by maximum likelihood")
    printed = {"DIC": "0.34", "AIC": "5.62", "BIC": "7.31"}
    return [
        Claim("1", f"{criterion}, {way}, prefers a wrong law to Allen's", f"printed: by {printed[criterion]}",
              _preferring(criterion, source), 0.0, _ANY, "value", False)
        for source, way in zip(SOURCES[1:], ways, strict=True)
        for criterion in CRITERIA
        if (criterion, source) != ("DIC", SOURCES[3])  # a maximum has no DIC
    ]  # fmt: skip


def _quota(study: xr.Dataset, policy: str) -> Array:
    return np.asarray(study["quota"].sel(policy=policy).values)


def _off_archive(study: xr.Dataset, policy: str) -> float:
    """Return the largest distance from the archived quotas, in steps; NaN on another grid."""
    archived = np.array(ARCHIVED_QUOTA[policy])
    ours = _quota(study, policy)
    if len(ours) != len(archived):
        return float("nan")
    return float(np.abs(np.round(ours / _STEP) - archived).max())


def _short_of_true(study: xr.Dataset) -> float:
    """Return how much less the Allen policy takes than the true one, on average where that leaves a stock."""
    true, allen = _quota(study, "true"), _quota(study, "allen")
    points = study["biomass"].values
    managed = (true > 0.0) & (true < points - 1e-9)
    return float((true - allen)[managed].mean() / _STEP)


def _figure_3() -> list[Claim]:
    claims = [
        Claim("3", f"{words}: the archived quotas (largest distance, less than a step)", "same method",
              exactly(lambda s, p=policy: _off_archive(s, p)), -_ANY, 1.0, "steps", False)  # type: ignore[misc]
        for policy, words in (("true", "true model"), ("gp", "GPDP as published"))
    ]  # fmt: skip
    claims.append(
        Claim("3", "Allen: takes less than the true model's policy where that fishes (mean shortfall)",
              "under-harvests; archive: takes 0.6 more", exactly(_short_of_true), 0.05, _ANY, "steps", False)
    )  # fmt: skip
    return claims


def _figures_4_and_5() -> list[Claim]:
    return [
        Claim("4", "GPDP as published: never crosses the tipping point (share of runs, less than 0.5 %)",
              "avoids ever; archive: not so", _mean("crossed", "gp"), -_ANY, 0.005, "points"),
        Claim("4", "Ricker: crosses within five years (share of runs, more than 95 %)", "at once",
              _mean("crossed_early", "ricker"), 0.95, _ANY, "points"),
        Claim("4", "Myers: crosses within five years (share of runs, more than 95 %)", "as Ricker",
              _mean("crossed_early", "myers"), 0.95, _ANY, "points"),
        Claim("5", "GPDP as published: earns what the true model's policy earns (within 5 %)", "nearly optimal",
              _over("gp", "true"), -0.05, 0.05, "%"),
        Claim("5", "GPDP as published: runs below 0.6 of the true model's, as often as archived",
              "archive: 9 of 100", _mean("poor", "gp"), *ARCHIVED_POOR, "points"),
        Claim("5", "Allen: earns what the true model's policy earns (within 5 %)", "archive: .975 to 1",
              _over("allen", "true"), -0.05, 0.05, "%"),
        Claim("5", "Ricker: earns less than 0.3 of the true model's policy", "archive: .17 to .29",
              _over("ricker", "true"), -_ANY, -0.7, "%"),
        Claim("5", "Myers: earns less than 0.3 of the true model's policy", "archive: .18 to .29",
              _over("myers", "true"), -_ANY, -0.7, "%"),
        Claim("5", "GPDP as published earns more than Ricker", "wrong laws collapse",
              _over("gp", "ricker"), 0.0, _ANY, "%"),
        Claim("5", "GPDP as published earns more than Myers", "wrong laws collapse",
              _over("gp", "myers"), 0.0, _ANY, "%"),
    ]  # fmt: skip


def claims() -> tuple[Claim, ...]:
    """Return the claims of the paper."""
    return (*_table_1(), *_figure_3(), *_figures_4_and_5())


def scored(study: xr.Dataset) -> xr.Dataset:
    """Add `scores`, the means of replicates with their 95 % intervals.

    Parameters
    ----------
    study
        With `outcome`, whose last dimensions are metric and replicate.
    """
    scores = estimated(study["outcome"], SHARES)
    return study.assign_coords(estimate=["low", "value", "high"]).assign(scores=scores)


def measurable(study: xr.Dataset) -> list[Claim]:
    """Return the claims that this study can be held against: archived quotas are of the paper's grid alone."""
    start = str(study["start"].values[0])
    return [claim for claim in claims() if not np.isnan(claim.measure(study, start)[1])]
