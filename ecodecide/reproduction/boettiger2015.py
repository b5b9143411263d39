"""The worked example of Boettiger, Mangel & Munch 2015: GPDP against fitted growth laws, near a tipping point.

Proc. R. Soc. B 282:20141631, doi:10.1098/rspb.2014.1631: table 1 and figures 3 to 5. The truth is Allen's law with
r = 2, K = 8, C = 5 and lognormal noise of sigma 0.05. Forty unharvested years teach a Gaussian process and three
growth laws; each makes a policy, and all manage the truth from a biomass of 10 for 50 years. Profit is min(x, h),
summed without discount. One year: observe without error, set the quota, catch, recruit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ecodecide import __version__
from ecodecide.decision.discretize import lognormal_rows
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.closed_loop import check_settings, evaluate
from ecodecide.evaluation.provenance import versions
from ecodecide.fitting.candidates import Candidate, CandidatePosterior, fit_candidates, sample_candidate
from ecodecide.history.catch_history import CatchHistory
from ecodecide.policy.protocol import Policy
from ecodecide.policy.table import NearestPointPolicy
from ecodecide.reproduction.boettiger2015_claims import METRICS, measurable, scored
from ecodecide.reproduction.boettiger2015_scores import CRITERIA, LAWS, SOURCES, criteria
from ecodecide.reproduction.verdict import judged
from ecodecide.solvers.boettiger2015 import (
    QUIRKS,
    escapement_transition,
    solve_as_published,
    value_iteration,
)
from ecodecide.solvers.registry import CITATIONS
from ecodecide.stock.growth import Allen, Array
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import PerfectSurvey

TRAINING = (
    5.5, 5.38413843748528, 5.63349720391605, 6.23265019241262, 5.9333894518779, 6.43873200063419,
    7.08393550659268, 7.30639119770539, 7.47384462790079, 7.56750009954894, 7.49369682729906, 7.6114813852542,
    7.47410985305863, 7.48792723491738, 7.81720798400267, 8.33442690486934, 8.00473240004931, 7.7993319230127,
    7.58393789226019, 7.52153469764064, 8.81331853844151, 8.05302965667377, 7.81820251586818, 7.77130394886346,
    8.11101700532457, 7.75039845686052, 7.36535500887976, 7.94415397492145, 7.58666139683521, 7.83848973507748,
    7.58805396036932, 8.28964272603427, 7.85736696297526, 7.68073808953333, 7.69367293087691, 7.27707793828183,
    7.22675867864241, 6.83868573815973, 6.83648550214447, 7.20181723741119,
)  # fmt: skip
"""Biomass of the 40 unharvested years that all learn from, made by the paper's code and kept in its archive,
https://github.com/cboettig/nonparametric-bayes."""

UPPER, START, THRESHOLD = 15.0, 10.0, 5.0
"""The upper end of the grid, the biomass that managed runs start from, and the tipping point C."""

POLICIES = ("true", "gp", "gp-default", "allen-mle", "allen", "ricker", "myers")
"""The optimum of the truth; GPDP as published; ours as `Gpdp` comes; Allen's law by maximum likelihood; the three
laws by their posteriors, as published."""

DRAWS = 4000
"""Draws of each posterior."""


def truth() -> ParametricStock:
    """Return the stock that made the training data and is managed."""
    return ParametricStock(Allen(r=2.0, K=8.0, C=THRESHOLD), LognormalNoise(sigma=0.05))


def history() -> CatchHistory:
    """Return the training data as a catch history without catch."""
    biomass = np.array(TRAINING)
    return CatchHistory(year=np.arange(1, len(biomass) + 1), catch=np.zeros(len(biomass)), biomass=biomass)


def quotas_of_rows(rows: Array, points: Array) -> Array:
    """Return the published optimum, a quota per point, of a kernel of escapements, shape (n, n)."""
    profit = np.minimum(points[:, None], points[None, :])
    return np.asarray(points[value_iteration(escapement_transition(rows), profit)[0]])


@dataclass(frozen=True, eq=False)
class Learned:
    """What the training data teach: laws at their best and as posteriors, and what the GP's solver told."""

    candidates: Mapping[str, Candidate]
    posteriors: Mapping[str, CandidatePosterior]
    told: Mapping[str, Any]


def policies(
    points: Array, seed: int = 1, draws: int = DRAWS, progress: Callable[[str, float], None] | None = None
) -> tuple[dict[str, Policy], Learned]:
    """Return the policies by name, and what they rest on.

    Parameters
    ----------
    points
        Shape (n,): the points of the grid; quotas are the same points.
    seed
        Of the posteriors' samplers.
    draws
        Of each posterior; all serve every quota, where the paper draws 100 afresh for each.
    progress
        Called with words and the share of the work done.
    """
    tell = progress or (lambda words, share: None)
    biomass = np.array(TRAINING)
    escapement, following = biomass[:-1], biomass[1:]
    tell("gp", 0.0)
    quota, told = solve_as_published(escapement, following, points)
    candidates = fit_candidates(escapement, following, LAWS, scale=1.0)
    best = candidates["allen"].stock()
    kernels = {
        "true": lognormal_rows(points, truth().growth(points), 0.05),
        "allen-mle": lognormal_rows(points, best.growth(points), candidates["allen"].sigma),
    }
    posteriors = {}
    for number, law in enumerate(LAWS, 1):
        tell(law, 0.2 * number)
        one = sample_candidate(law, escapement, following, draws=draws, seed=seed, scale=1.0)
        kernels[law] = lognormal_rows(points, one.growth(points[:, None]).T, one.sigma)
        posteriors[law] = one
    tables = {"gp": quota} | {name: quotas_of_rows(rows, points) for name, rows in kernels.items()}
    found: dict[str, Policy] = {
        name: NearestPointPolicy(points, table, START) for name, table in tables.items()
    }
    tell("gp-default", 0.9)
    found["gp-default"] = _default(points)
    return {name: found[name] for name in POLICIES}, Learned(candidates, posteriors, told)


def _default(points: Array) -> Policy:
    """Return the policy of `Gpdp` as it comes, for the paper's history, discount rate and range."""
    from ecodecide.solvers.gpdp import Gpdp

    grid = Grid(upper=float(points[-1]), cells=2 * len(points))
    given = HarvestProblem(history=history(), grid=grid, economy=Economy(discount=0.99), initial=START)
    return Gpdp().solve(given).policy


def simulate(
    managed: Mapping[str, Policy],
    years: int,
    replicates: int,
    seed: int,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[dict[str, dict[str, Array]], dict[str, Array]]:
    """Let policies manage the truth, all meeting the same luck.

    Returns
    -------
    outcome
        Per policy and metric, shape (replicates,).
    trajectory
        Per policy, shape (2, years): mean and standard deviation of the biomass before harvest.
    """
    runs = evaluate(
        managed,
        truth=truth(),
        survey=PerfectSurvey(),
        economy=Economy(discount=0.99),
        initial_biomass=START,
        years=years,
        replicates=replicates,
        seed=seed,
        progress=progress,
    ).isel(world=0)
    outcome, trajectory = {}, {}
    best = runs.sel(policy="true")["profit"].transpose("replicate", "year").values.sum(axis=1)
    for name in managed:
        one = runs.sel(policy=name)
        biomass = one["biomass"].transpose("replicate", "year").values
        profit = one["profit"].transpose("replicate", "year").values.sum(axis=1)
        later = np.column_stack([biomass[:, 1:], one["final_biomass"].values])
        outcome[name] = {
            "profit": profit,
            "relative": profit / best,
            "poor": (profit < 0.6 * best) * 1.0,
            "crossed": (later < THRESHOLD).any(axis=1) * 1.0,
            "crossed_early": (later[:, :5] < THRESHOLD).any(axis=1) * 1.0,
        }
        trajectory[name] = np.stack([biomass.mean(axis=0), biomass.std(axis=0)])
    return outcome, trajectory


def run(
    *,
    replicates: int = 2000,
    years: int = 50,
    seed: int = 1,
    cells: int = 50,
    draws: int = DRAWS,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Reproduce the worked example.

    Parameters
    ----------
    replicates, years, seed, cells, progress
        See `ecodecide.reproduction.reproduce`.
    draws
        Of each law's posterior.

    Returns
    -------
    xarray.Dataset
        `outcome` (start, policy, metric, replicate), see `boettiger2015_claims.METRICS`, and `scores`, its means
        with intervals; `median` (start, policy) of the profit relative to the true model's; `trajectory`, the mean
        and standard deviation of biomass; `quota` (policy, biomass) of figure 3; `criteria` (criterion, law,
        source) of table 1; and the claims: `claim_value` (start, claim, estimate), `claim_verdict`, and the range
        in which each must lie.

    Raises
    ------
    EvaluationError
        When an argument means nothing.
    """
    check_settings(years, replicates, seed, 0.0)
    if replicates < 2 or years < 2:
        raise EvaluationError(
            f"a study needs at least 2 replicates and 2 years for its intervals, got {replicates} and {years}"
        )
    tell = progress or (lambda words, share: None)
    points = np.linspace(0.0, UPPER, cells)
    managed, learned = policies(points, seed, draws, lambda words, share: tell(words, 0.6 * share))
    outcome, trajectory = simulate(
        managed, years, replicates, seed, lambda words, share: tell(f"simulate {words}", 0.6 + 0.4 * share)
    )
    study = _dataset(outcome, trajectory, managed, learned, points)
    study = scored(study)
    study = study.assign(judged(study, measurable(study)))
    tell("done", 1.0)
    study.attrs = _provenance(replicates, years, seed, cells, draws, learned)
    return study


def _dataset(
    outcome: Mapping[str, Mapping[str, Array]],
    trajectory: Mapping[str, Array],
    managed: Mapping[str, Policy],
    learned: Learned,
    points: Array,
) -> xr.Dataset:
    values = np.array([[[outcome[name][metric] for metric in METRICS] for name in POLICIES]])
    paths = np.array([trajectory[name] for name in POLICIES])
    quota = [managed[name].decide(managed[name].start(len(points)), points, None)[0] for name in POLICIES]
    escapement = np.array(TRAINING)[:-1]
    by_law = [criteria(learned.candidates[law], learned.posteriors[law], escapement) for law in LAWS]
    table = np.array([[one[source] for source in SOURCES] for one in by_law])
    return xr.Dataset(
        {
            "outcome": (("start", "policy", "metric", "replicate"), values),
            "median": (("start", "policy"), np.median(values[:, :, METRICS.index("relative")], axis=-1)),
            "trajectory": (("policy", "moment", "year"), paths),
            "quota": (("policy", "biomass"), np.array(quota)),
            "criteria": (("criterion", "law", "source"), table.transpose(2, 0, 1)),
        },
        coords={
            "start": [f"{START:g}"],
            "policy": list(POLICIES),
            "metric": list(METRICS),
            "replicate": np.arange(values.shape[-1]),
            "moment": ["mean", "sd"],
            "year": np.arange(paths.shape[-1]),
            "biomass": points,
            "criterion": list(CRITERIA),
            "law": list(LAWS),
            "source": list(SOURCES),
        },
    )


NOTES = (
    "one year: observe without error, set the quota, catch, recruit; biomass is continuous in the simulations and "
    "the quota is that of the nearest point of the grid",
    "profit: the sum of min(x, h) over all years, without discount, which is what the paper calls net present "
    "value; relative: to what the policy of the true model earns in the same future",
    "below the threshold: biomass before harvest below C = 5 at any t >= 1; the true model's own policy takes all "
    "of a stock that is below 4.5 or so, for it is doomed",
    "gp keeps the quirks of the published code, one by one: " + "; ".join(QUIRKS),
    "gp: the posterior of length scale and noise is integrated, where the paper samples it",
    "gp-default is not of the paper: Gpdp as it comes, from the same 40 years",
    "allen, ricker, myers: the draws of one posterior serve every quota, where the paper draws 100 afresh for each, "
    "which makes its Ricker and Myers policies noisy",
    "Allen's law is the same with K and C exchanged; K is the larger",
    "the paper's value iteration has no discount and ends after 999 rounds; simulations end after 50 years, and what "
    "is left at the end counts for nothing",
    "each interval holds 95 % by itself",
)
"""What the figures rest on."""


def _provenance(
    replicates: int, years: int, seed: int, cells: int, draws: int, learned: Learned
) -> dict[str, str | int | float]:
    settings = {
        "draws": draws,
        "threshold": THRESHOLD,
        "start": START,
        "quirks": list(QUIRKS),
        "gp": dict(learned.told),
        "samplers": {law: one.status for law, one in learned.posteriors.items()},
    }
    return {
        "schema": "ecodecide-reproduction-1",
        "study": "boettiger2015",
        "ecodecide_version": __version__,
        "replicates": replicates,
        "years": years,
        "seed": seed,
        "cells": cells,
        "unit": "arbitrary",
        "settings": json.dumps(settings),
        "notes": json.dumps(list(NOTES)),
        "cite": json.dumps([f"ecodecide {__version__}", CITATIONS["gpdp"]]),
        "versions": json.dumps(versions()),
    }
