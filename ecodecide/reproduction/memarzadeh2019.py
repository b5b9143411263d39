"""The simulations of Memarzadeh & Boettiger 2019: a POMDP against the rules of fisheries, under survey error.

Am. Nat. 193:645, doi:10.1086/702704 (arXiv 1812.11184), figures 1 to 4 and the supplement's figures S2 and S3.
Logistic growth, r = 0.75 and K = 1; normal recruitment noise and survey error with absolute standard
deviations; 100 points on [0, 2] serve as states, quotas and observations; discount 0.95; profit min(x, h). One
year: observe, set the quota, catch, recruit. What is simulated is the very chain that is solved.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from ecodecide import __version__
from ecodecide.decision.chain import ChainStock, ChainSurvey
from ecodecide.decision.discretize import DiscreteProblem, discretize
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.closed_loop import check_settings, evaluate
from ecodecide.evaluation.provenance import versions
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.protocol import Policy
from ecodecide.policy.table import TablePolicy
from ecodecide.reproduction.memarzadeh2019_claims import CURVES, OBSERVED, claims, scored
from ecodecide.reproduction.memarzadeh2019_exact import exact_outcome
from ecodecide.reproduction.verdict import judged
from ecodecide.solvers.pomdp import Pomdp
from ecodecide.solvers.precautionary import Precautionary
from ecodecide.solvers.registry import CITATIONS
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array, Logistic
from ecodecide.stock.noise import NormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import NormalSurvey, PerfectSurvey

PROCESS_ERRORS = (0.02, 0.10, 0.15)
"""Standard deviations of recruitment; figures 1 to 4 are about the last."""

SURVEY_ERRORS = (0.0, 0.10, 0.15)
"""Standard deviations of the survey."""

STARTS = ("K/6", "belief")
"""Biomass at the first survey: the paper's point nearest K/6, or drawn from the POMDP's own belief."""

RULES = ("constant-escapement", "msy", "tac")
"""The paper's rules, with its own reference points, on its grid."""

METRICS = ("npv", "npv_published", "late_biomass", "collapse")
"""Of each replicate: net present value; the same as the paper counts it; mean biomass before harvest over the
second half of the years; whether biomass fell below 0.1 K at t >= 1 (NaN for those that start below)."""

COLLAPSE = 0.1
"""The collapse limit, a tenth of K."""

_MAIN = 0.15
"""The process error of the figures."""

_START = 2
"""The first number of the random streams of starts; `evaluate` has 0 and 1."""

Outcome: TypeAlias = dict[str, dict[str, Array]]
"""Of each policy and metric, one value per replicate."""


@dataclass(frozen=True, eq=False)
class Scenario:
    """One pair of errors, solved.

    Attributes
    ----------
    arrays
        The chain that is solved and simulated.
    pomdp
        The solution for the uniform belief, which sets its first quota before any survey, as in the paper.
    rules
        The rules by name.
    """

    arrays: DiscreteProblem
    pomdp: Solution
    rules: Mapping[str, Policy]


def problem(process_error: float, survey_error: float, cells: int = 100) -> HarvestProblem:
    """Return the paper's decision problem.

    Parameters
    ----------
    process_error, survey_error
        Absolute standard deviations, K being 1; a survey error of 0 is a perfect survey.
    cells
        Points of the grid.

    Examples
    --------
    >>> problem(0.15, 0.1).grid.points[8].round(4)   # the point nearest K/6
    np.float64(0.1616)
    """
    return HarvestProblem(
        stock=ParametricStock(Logistic(r=0.75, K=1.0), NormalNoise(sd=process_error)),
        survey=NormalSurvey(sd=survey_error) if survey_error > 0.0 else PerfectSurvey(),
        grid=Grid(upper=2.0, cells=cells, scheme="memarzadeh2019"),
        initial="uniform",
    )


def rules(given: HarvestProblem) -> dict[str, Policy]:
    """Return constant escapement, MSY and TAC as tables on the grid, quotas moved to the nearest on offer.

    Their reference points are those of the paper: S* maximizes .95 f(s) - s, and F = (f(S*) - S*)/f(S*).

    Examples
    --------
    >>> table = rules(problem(0.15, 0.1))["constant-escapement"]
    >>> float(table.decide(table.start(1), np.array([100 / 99]), None)[0][0].round(3))   # at 1.010
    0.545
    """
    points, step = given.grid.points, given.grid.step
    found: dict[str, Policy] = {}
    for name in RULES:
        policy = Precautionary(name, references="memarzadeh2019").solve(given).policy
        quota, _ = policy.decide(policy.start(len(points)), points, None)
        found[name] = TablePolicy(points, np.round(quota / step) * step, float(points.mean()))
    return found


def solve(process_error: float, survey_error: float, cells: int, gap: float, iterations: int) -> Scenario:
    """Solve one scenario; where the survey is perfect the bounds are closed until the policy is the optimum's."""
    given = problem(process_error, survey_error, cells)
    # no time limit that matters: the same iterations give the same policy everywhere
    solver = Pomdp(gap=gap if survey_error > 0.0 else min(gap, 1e-5), iterations=iterations, seconds=3600.0)
    return Scenario(discretize(given), solver.solve(given), rules(given))


def manager(scenario: Scenario) -> BeliefPolicy:
    """Return the POMDP policy as the paper simulates it.

    The uniform belief is of the year before the first survey: it grows for that year, without harvest, before
    it is updated with the survey.
    """
    policy = scenario.pomdp.policy
    assert isinstance(policy, BeliefPolicy)
    arrays = policy.arrays
    return replace(policy, arrays=replace(arrays, initial=arrays.initial @ arrays.kernel))


def starts(arrays: DiscreteProblem, start: str, replicates: int, seed: int) -> Array:
    """Return the biomass at the first survey, shape (replicates,), points of the grid.

    Parameters
    ----------
    arrays
        The discrete problem.
    start
        One of `STARTS`: ``"belief"`` draws a uniform biomass that grew for a year without harvest, which is
        what the POMDP believes.
    replicates, seed
        The same numbers are drawn for all scenarios.
    """
    points = arrays.grid.points
    if start == "K/6":
        return np.full(replicates, points[np.argmin(np.abs(points - 1.0 / 6.0))])
    luck = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_START,))).random(replicates)
    cumulative = np.cumsum(arrays.initial @ arrays.kernel)
    return np.asarray(points[np.searchsorted(cumulative[:-1], luck, side="right")])


def simulate(
    arrays: DiscreteProblem,
    policies: Mapping[str, Policy],
    start: str,
    years: int,
    replicates: int,
    seed: int,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[Outcome, dict[str, Array]]:
    """Run policies in the chain, all meeting the same luck.

    Returns
    -------
    outcome
        Per policy and metric, shape (replicates,).
    trajectory
        Per policy, shape (2, years): mean and standard deviation of the biomass before harvest.
    """
    runs = evaluate(
        policies,
        truth=ChainStock(arrays),
        survey=ChainSurvey(arrays),
        economy=Economy(discount=arrays.discount),
        initial_biomass=starts(arrays, start, replicates, seed),
        years=years,
        replicates=replicates,
        seed=seed,
        progress=progress,
    ).isel(world=0)
    outcome: Outcome = {}
    trajectory: dict[str, Array] = {}
    for name in policies:
        one = runs.sel(policy=name)
        biomass = one["biomass"].transpose("replicate", "year").values
        outcome[name] = _outcome(biomass, one["final_biomass"].values, one["profit"].values, arrays.discount)
        trajectory[name] = np.stack([biomass.mean(axis=0), biomass.std(axis=0)])
    return outcome, trajectory


def _outcome(biomass: Array, final: Array, profit: Array, discount: float) -> dict[str, Array]:
    years = biomass.shape[1]
    weights = discount ** np.arange(years)
    later = np.column_stack([biomass[:, 1:], final])
    fell = (later < COLLAPSE).any(axis=1) * 1.0
    return {
        "npv": (profit * weights).sum(axis=1),
        # 100 years are 99 decisions, the first discounted once
        "npv_published": discount * (profit * weights)[:, : max(years - 1, 1)].sum(axis=1),
        "late_biomass": biomass[:, years // 2 :].mean(axis=1),
        "collapse": np.where(biomass[:, 0] >= COLLAPSE, fell, np.nan),
    }


def run(
    *,
    replicates: int = 2000,
    years: int = 100,
    seed: int = 1,
    cells: int = 100,
    gap: float = 0.005,
    iterations: int = 60,
    process_errors: Sequence[float] = PROCESS_ERRORS,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Reproduce the simulation study.

    Parameters
    ----------
    replicates, years, seed, cells, progress
        See `ecodecide.reproduction.reproduce`.
    gap, iterations
        Where each POMDP's solver stops, whichever comes first; neither depends on the machine's speed.
    process_errors
        Standard deviations of recruitment, 0.15 among them.

    Returns
    -------
    xarray.Dataset
        `outcome` (process_error, survey_error, start, policy, metric, replicate), see `METRICS`; `scores`, its
        means with intervals, and `exact`, what a rule's Markov chain gives without simulation; `trajectory`,
        the mean and standard deviation of biomass of figure 1; `bounds` of each POMDP's value; `assumed`
        (assumed_error, survey_error, start, metric, replicate) and `assumed_trajectory` of figure 3, a POMDP that
        is wrong about its survey, at process error 0.15; `harvest` (curve, observed) of figure 4; and the claims:
        `claim_value` (start, claim, estimate), `claim_verdict`, and the range in which each must lie.

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
    if _MAIN not in process_errors:
        raise EvaluationError(f"process_errors must hold 0.15, that of the figures, got {process_errors}")
    tell = progress or (lambda words, share: None)
    pairs = [(p, s) for p in process_errors for s in SURVEY_ERRORS]
    scenarios = {}
    for number, (p, s) in enumerate(pairs):
        tell(f"solve {p:g}, {s:g}", 0.2 * number / len(pairs))
        scenarios[p, s] = solve(p, s, cells, gap, iterations)
    found = _simulated(scenarios, years, replicates, seed, tell)
    study = _dataset(scenarios, found, list(process_errors), years, replicates)
    study = study.assign(_curves(scenarios))
    study = scored(study)
    study = study.assign(judged(study, claims()))
    tell("done", 1.0)
    study.attrs = _provenance(replicates, years, seed, cells, gap, iterations)
    return study


Found: TypeAlias = dict[tuple[float, float, str], tuple[Outcome, dict[str, Array]]]
"""What `simulate` returned, by process error, survey error and start."""


def _simulated(
    scenarios: Mapping[tuple[float, float], Scenario],
    years: int,
    replicates: int,
    seed: int,
    tell: Callable[[str, float], None],
) -> Found:
    """Run every scenario from every start; where process error is that of figure 3, also with wrong POMDPs."""
    found: Found = {}
    total = len(scenarios) * len(STARTS)
    for (process, survey), scenario in scenarios.items():
        policies: dict[str, Policy] = {"pomdp": manager(scenario), **scenario.rules}
        if process == _MAIN:
            policies |= {_assuming(e): manager(scenarios[process, e]) for e in SURVEY_ERRORS if e != survey}
        for start in STARTS:
            done = len(found)

            def report(name: str, part: float, done: int = done) -> None:
                tell(f"simulate {name}", 0.2 + 0.8 * (done + part) / total)

            outcome, trajectory = simulate(scenario.arrays, policies, start, years, replicates, seed, report)
            if process == _MAIN:
                outcome[_assuming(survey)], trajectory[_assuming(survey)] = (
                    outcome["pomdp"],
                    trajectory["pomdp"],
                )
            found[process, survey, start] = outcome, trajectory
    return found


def _assuming(survey_error: float) -> str:
    return f"assuming {survey_error:g}"


def _dataset(
    scenarios: Mapping[tuple[float, float], Scenario],
    found: Found,
    process_errors: list[float],
    years: int,
    replicates: int,
) -> xr.Dataset:
    """Put what was simulated, the exact figures of the rules, and the solvers' bounds into one Dataset."""
    policies, unknown = ("pomdp", *RULES), dict.fromkeys(METRICS, np.nan)

    def everywhere(part: Callable[[float, float, str], Any]) -> Array:
        """Return what a part gives for each process error, survey error and start."""
        return np.array([[[part(p, s, a) for a in STARTS] for s in SURVEY_ERRORS] for p in process_errors])

    def outcome(p: float, s: float, a: str) -> Any:
        return [[found[p, s, a][0][name][metric] for metric in METRICS] for name in policies]

    def exact(p: float, s: float, a: str) -> Any:
        one = scenarios[p, s]
        rows = [exact_outcome(one.arrays, one.rules[name], a, years) for name in RULES]
        return [[row[metric] for metric in METRICS] for row in (unknown, *rows)]

    def assumed(part: Callable[[str, float, str], Any]) -> Array:
        """Return what a part gives for each assumed error, survey error and start."""
        names = [_assuming(e) for e in SURVEY_ERRORS]
        return np.array([[[part(name, s, a) for a in STARTS] for s in SURVEY_ERRORS] for name in names])

    def wrong(name: str, s: float, a: str) -> Any:
        return [found[_MAIN, s, a][0][name][metric] for metric in METRICS]

    pomdps = [[scenarios[p, s].pomdp for s in SURVEY_ERRORS] for p in process_errors]
    where, other = ("process_error", "survey_error", "start"), ("assumed_error", "survey_error", "start")
    return xr.Dataset(
        {
            "outcome": ((*where, "policy", "metric", "replicate"), everywhere(outcome)),
            "exact": ((*where, "policy", "metric"), everywhere(exact)),
            "trajectory": (
                (*where, "policy", "moment", "year"),
                everywhere(lambda p, s, a: [found[p, s, a][1][name] for name in policies]),
            ),
            "assumed": ((*other, "metric", "replicate"), assumed(wrong)),
            "assumed_trajectory": (
                (*other, "moment", "year"),
                assumed(lambda name, s, a: found[_MAIN, s, a][1][name]),
            ),
            "bounds": ((*where[:2], "bound"), [[(one.lower, one.upper) for one in row] for row in pomdps]),
            "status": (where[:2], [[one.status for one in row] for row in pomdps]),
        },
        coords=_coordinates(process_errors, policies, years, replicates),
    )


def _coordinates(
    process_errors: list[float], policies: Sequence[str], years: int, replicates: int
) -> dict[str, Any]:
    return {
        "process_error": process_errors,
        "survey_error": list(SURVEY_ERRORS),
        "assumed_error": list(SURVEY_ERRORS),
        "start": list(STARTS),
        "policy": list(policies),
        "metric": list(METRICS),
        "moment": ["mean", "sd"],
        "bound": ["lower", "upper"],
        "replicate": np.arange(replicates),
        "year": np.arange(years),
    }


def _curves(scenarios: Mapping[tuple[float, float], Scenario]) -> xr.Dataset:
    """Return the harvest at an observed biomass, of the rules and of the POMDP under several priors.

    The priors are the uniform one, and the chances to observe the point nearest K/4 or 3K/4 from each state;
    each grows for a year without harvest and is then updated with the observation, as in the paper.
    """
    main, sighted = scenarios[_MAIN, 0.10], scenarios[_MAIN, 0.0]
    arrays = main.arrays
    points = arrays.grid.points
    # of nothing, any quota catches nothing
    seen = np.append(points[(points > 0.0) & (points <= 1.0 + 1e-9)], OBSERVED)

    def planned(scenario: Scenario, prior: Array) -> Array:
        policy = scenario.pomdp.policy
        memory = np.tile(np.append(prior / prior.sum(), 0.0), (len(seen), 1))
        return np.asarray(policy.decide(memory, seen, np.zeros(len(seen)))[0])

    def centered(on: float) -> Array:
        return arrays.observation[:, int(np.argmin(np.abs(points - on)))]

    uniform = np.ones(len(points))
    known = {
        "pomdp, uniform prior": planned(main, uniform),
        "pomdp, low prior": planned(main, centered(0.25)),
        "pomdp, high prior": planned(main, centered(0.75)),
        "pomdp, perfect survey": planned(sighted, uniform),
    }
    heard = points[arrays.grid.locate(seen)]
    for name, policy in main.rules.items():
        known[name] = policy.decide(policy.start(len(seen)), heard, None)[0]
    harvest = np.array([known[curve] for curve in CURVES])
    return xr.Dataset(
        {
            "harvest": (("curve", "observed"), harvest[:, : -len(OBSERVED)]),
            "harvest_at": (("curve", "observed_published"), harvest[:, -len(OBSERVED) :]),
        },
        coords={
            "curve": list(CURVES),
            "observed": seen[: -len(OBSERVED)],
            "observed_published": list(OBSERVED),
        },
    )


NOTES = (
    "the truth is the grid chain that the POMDP is solved for; the paper simulates on its grid too",
    "one year: observe, set the quota, catch, recruit",
    "npv: sum of .95^t times the catch, t = 0, 1, ...; the paper has one decision less and discounts the first "
    "(npv_published)",
    "collapse: biomass before harvest below 0.1 K at any t >= 1, of the replicates that start above",
    "late biomass: mean biomass before harvest over the second half of the years, extinct stocks included",
    "the POMDP's belief is uniform a year before the first survey and grows for that year, as in the paper; start "
    "'belief' draws the biomass from that belief, for which the POMDP is optimal; for K/6 it is not",
    "rules take S* that maximizes .95 f(s) - s, and F = (f(S*) - S*)/f(S*), as the paper does; quotas are moved to "
    "the nearest point",
    "solvers plan for ever, simulations end; what is left at the end counts for nothing",
    "each interval holds 95 % by itself; among as many claims as these one or two may err",
)
"""What the figures rest on."""


def _provenance(
    replicates: int, years: int, seed: int, cells: int, gap: float, iterations: int
) -> dict[str, str | int | float]:
    settings = {"gap": gap, "iterations": iterations, "discount": 0.95, "collapse": COLLAPSE}
    return {
        "schema": "ecodecide-reproduction-1",
        "study": "memarzadeh2019",
        "ecodecide_version": __version__,
        "replicates": replicates,
        "years": years,
        "seed": seed,
        "cells": cells,
        "unit": "K = 1",
        "settings": json.dumps(settings),
        "notes": json.dumps(list(NOTES)),
        "cite": json.dumps([f"ecodecide {__version__}", CITATIONS["pomdp"]]),
        "versions": json.dumps(versions()),
    }
