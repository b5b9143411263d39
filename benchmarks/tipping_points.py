"""Gaussian-process dynamic programming on many stocks with a tipping point that the data do not show.

The trial of the supplement of Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631, with more truths: a
stock is watched for 40 years without harvest, and then managed for 50 by policies that learned from those years.
Their rivals fit Ricker's, Allen's and Myers' law by maximum likelihood and believe one of them.

    python benchmarks/tipping_points.py                                     # 96 scenarios
    python benchmarks/tipping_points.py --only trial,selection --truths 24 --seeds 4
    python benchmarks/tipping_points.py --only ablation --truths 24 --seeds 1
    python benchmarks/tipping_points.py --only example,poor

Fewer truths or training series are the first of more: 96 scenarios are among the 384 of the second line.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pomdp import machine, table_of, text
from rich.console import Console
from scipy.special import ndtr
from scipy.stats import gamma
from threadpoolctl import threadpool_limits

import ecodecide as eco
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.errors import EcodecideWarning
from ecodecide.fitting.candidates import LAWS, fit_candidates, leave_one_out, log_marginal_likelihood
from ecodecide.fitting.gaussian_process import fit_gaussian_process
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.growth_prior import GrowthPrior
from ecodecide.policy.table import TablePolicy
from ecodecide.solvers.optimal_control import policy_iteration
from ecodecide.stock.growth import Array

MODELS = ("allen", "myers")
SIGMAS = (0.01, 0.05)
TRAINED, START = 40, 5.5
MANAGED, FIRST = 50, 8.0
DISCOUNT = 0.99
GRID = eco.Grid(upper=24.0, cells=160)

GREATEST_B_MSY = 15.0
"""The upper end of the paper's grid."""

SUSTAINED, WATCHED = 0.01, 2000
"""A truth is kept where its own optimal policy collapses in less than this share of so many runs."""

EXAMPLES = 40
"""Training series of the paper's own example."""

POOR = ((40, 5.5, 0.0), (20, 5.5, 0.0), (10, 5.5, 0.0), (40, 8.0, 0.0), (40, 5.5, 0.1), (20, 8.0, 0.1))
"""Years, biomass in the first of them, and CV of the survey: worse and worse data of the paper's example."""

REDRAWS = 50
"""A truth that leaves nothing to learn from, so often in a row, is drawn again."""

CRITERIA = ("aic", "bic", "leave-one-out", "marginal likelihood")
POLICIES = (
    "optimum",
    "gpdp",
    "gpdp as published",
    *(f"selected by {criterion}" for criterion in CRITERIA),
    *(f"assumed {law}" for law in LAWS),
)
SUBSETS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "all kept": lambda record: True,
    "with a threshold": lambda record: record["threshold"] is not None,
}
RESAMPLES = 2000

Record = dict[str, Any]
"""One scenario: model, sigma, truth, training, threshold, and `share` and `collapse` of each policy."""


# --- scenarios ---


@dataclass(frozen=True, eq=False)
class Truth:
    """A stock to be managed, and what a manager who knows it would earn.

    `limit` is the biomass below which it has collapsed: its Allee threshold, or a tenth of its carrying capacity
    where it has none. `z` holds the noise of the managed runs, shape (years, replicates), the same for all
    policies.
    """

    model: str
    sigma: float
    numbers: dict[str, float]
    stock: eco.ParametricStock
    threshold: float | None
    limit: float
    optimum: TablePolicy
    z: Array
    best: float


@dataclass(frozen=True, eq=False)
class Scenario:
    """A truth and the biomass of the years in which it was watched."""

    truth: Truth
    number: int
    training: int
    biomass: Array

    @property
    def escapement(self) -> Array:
        return self.biomass[:-1]

    @property
    def next_biomass(self) -> Array:
        return self.biomass[1:]


def law_of(model: str, rng: np.random.Generator) -> Any:
    """Draw a growth law as the supplement does; None where a number is not positive."""
    if model == "allen":
        drawn = rng.normal([2.0, 10.0, 4.0], 1.0)
        return eco.Allen(*map(float, drawn)) if drawn.min() > 0.0 else None
    theta = 2.0 if rng.random() < 0.5 else 2.5
    drawn = rng.normal([1.5, theta, 10.0], 1.0)
    return eco.Myers(*map(float, drawn)) if drawn.min() > 0.0 else None


def truth_of(model: str, sigma: float, replicates: int, rng: np.random.Generator) -> Truth | None:
    """Draw a truth; None where it is not to be kept."""
    law = law_of(model, rng)
    return None if law is None else kept_truth(model, law, sigma, replicates, rng)


def kept_truth(model: str, law: Any, sigma: float, replicates: int, rng: np.random.Generator) -> Truth | None:
    """Return a growth law as a truth; None where it is not to be kept."""
    stock = eco.ParametricStock(law, eco.LognormalNoise(sigma=sigma))
    points = stock.reference_points()
    if points.carrying_capacity <= 0.0 or points.b_msy > GREATEST_B_MSY:
        return None
    threshold = points.allee_threshold
    limit = 0.1 * points.carrying_capacity if threshold is None else threshold
    z = rng.standard_normal((MANAGED, WATCHED))
    truth = Truth(model, sigma, vars(law), stock, threshold, limit, planned(stock), z, np.nan)
    if lived(truth, truth.optimum)[1].mean() >= SUSTAINED:
        return None
    truth = replace(truth, z=rng.standard_normal((MANAGED, replicates)))
    return replace(truth, best=float(lived(truth, truth.optimum)[0].mean()))


def watched_series(truth: Truth, rng: np.random.Generator) -> tuple[Array | None, int]:
    """Return the biomass of years without harvest, and how many series before it ended below the threshold.

    A stock that died out is not managed; None where all of `REDRAWS` did.
    """
    for redrawn in range(REDRAWS):
        biomass = np.full(TRAINED, START)
        for t in range(1, TRAINED):
            biomass[t] = truth.stock.step(biomass[t - 1 : t], rng.standard_normal(1))[0]
        if biomass[-1] >= (truth.threshold or 0.0):
            return biomass, redrawn
    return None, REDRAWS


def scenarios(given: argparse.Namespace, counts: dict[str, int]) -> Iterator[Scenario]:
    """Draw truths and training series; `counts` is told what was drawn and left out."""
    for name in ("laws drawn", "truths", "never survived training", "series", "series drawn again"):
        counts[name] = 0
    for place in [(i, j) for i in range(len(MODELS)) for j in range(len(SIGMAS))]:
        model, sigma, number, drawn = MODELS[place[0]], SIGMAS[place[1]], 0, 0
        while number < given.truths:
            truth = truth_of(model, sigma, given.replicates, stream(given.seed, *place, 0, drawn))
            drawn += 1
            if truth is None:
                continue
            found = [
                watched_series(truth, stream(given.seed, *place, 1, drawn, k)) for k in range(given.seeds)
            ]
            series = [biomass for biomass, _ in found if biomass is not None]
            if len(series) < given.seeds:
                counts["never survived training"] += 1
                continue
            counts["series drawn again"] += sum(redrawn for _, redrawn in found)
            yield from (Scenario(truth, number, k, biomass) for k, biomass in enumerate(series))
            number += 1
        counts["laws drawn"] += drawn
        counts["truths"] += number
        counts["series"] += number * given.seeds


def stream(*words: int) -> np.random.Generator:
    """Return the random numbers of one purpose, so that more truths or replicates change no others."""
    return np.random.default_rng(np.random.SeedSequence([2015, *words]))


# --- policies and their lives ---


def problem_of(biomass: Array, grid: eco.Grid) -> eco.HarvestProblem:
    """Return the problem of a manager who knows the training years and no more."""
    years, units = np.arange(TRAINED), {"biomass": "t", "catch": "t"}
    history = eco.CatchHistory(years, np.zeros(TRAINED), biomass=biomass, units=units)
    return eco.HarvestProblem(
        history=history, grid=grid, economy=eco.Economy(discount=DISCOUNT), initial=FIRST
    )


def own_grid(biomass: Array) -> eco.Grid:
    """Return the grid, with more cells where biomass was seen above it: it has to hold what is learned from."""
    cells = GRID.cells if biomass.max() <= GRID.upper else int(np.ceil(1.5 * biomass.max() / GRID.step))
    return eco.Grid(upper=GRID.step * cells, cells=cells)


def paper_grid(biomass: Array) -> eco.Grid:
    """Return the paper's 50 points up to 15, and more at its step where biomass was larger."""
    step = 15.0 / 49
    count = max(50, int(np.ceil(biomass.max() / step)) + 1)
    return eco.Grid(upper=step * (count - 1), cells=count, scheme="boettiger2015")


def planned(stock: Any) -> TablePolicy:
    """Return the optimal policy for a stock; what grows above the grid is held in its last cell.

    As `OptimalControl` does, which refuses a stock that leaves the grid, as a badly fitted one may.
    """
    points, n = GRID.points, len(GRID.points)
    kernel = stock.kernel(points, GRID.edges)
    kernel[:, -1] += 1.0 - kernel.sum(axis=1)
    reward = np.minimum(points[:, None], GRID.quotas)
    arrays = DiscreteProblem(GRID, kernel, np.eye(n), reward, np.full(n, 1.0 / n), DISCOUNT, 0.0)
    with threadpool_limits(limits=1):
        _, action, _, _ = policy_iteration(arrays)
    return TablePolicy(points, GRID.quotas[action], FIRST)


def lived(truth: Truth, policy: Any) -> tuple[Array, Array]:
    """Return the net present value of each replicate, and whether it ever fell below the limit."""
    replicates = truth.z.shape[1]
    biomass, memory, caught = np.full(replicates, FIRST), policy.start(replicates), None
    value, least = np.zeros(replicates), np.full(replicates, np.inf)
    for year, z in enumerate(truth.z):
        quota, memory = policy.decide(memory, biomass, caught)
        caught = np.minimum(quota, biomass)
        value += DISCOUNT**year * caught
        biomass = truth.stock.step(biomass - caught, z)
        least = np.minimum(least, biomass)
    return value, least < truth.limit


def score(truth: Truth, policy: Any) -> tuple[float, float]:
    """Return the mean value as a share of the optimum's, and the share of replicates that collapsed."""
    value, collapsed = lived(truth, policy)
    return float(value.mean() / truth.best), float(collapsed.mean())


def selected(scenario: Scenario, candidates: dict[str, Any]) -> dict[str, str]:
    """Return the law that each criterion prefers."""
    pairs = scenario.escapement, scenario.next_biomass
    losses = {
        "aic": {law: c.aic for law, c in candidates.items()},
        "bic": {law: c.bic for law, c in candidates.items()},
        "leave-one-out": {law: -leave_one_out(law, *pairs).sum() for law in candidates},
        "marginal likelihood": {law: -log_marginal_likelihood(law, *pairs)[0] for law in candidates},
    }
    return {criterion: min(loss, key=loss.__getitem__) for criterion, loss in losses.items()}


def trial_record(scenario: Scenario) -> Record:
    """Let every policy of the trial manage one scenario."""
    truth, candidates = scenario.truth, fit_candidates(scenario.escapement, scenario.next_biomass)
    gpdp = eco.Gpdp().solve(problem_of(scenario.biomass, own_grid(scenario.biomass)))
    published = eco.Gpdp(scheme="boettiger2015").solve(
        problem_of(scenario.biomass, paper_grid(scenario.biomass))
    )
    scores = {
        "optimum": score(truth, truth.optimum),
        "gpdp": score(truth, gpdp.policy),
        "gpdp as published": score(truth, published.policy),
        **{f"assumed {law}": score(truth, planned(c.stock())) for law, c in candidates.items()},
    }
    chosen = selected(scenario, candidates)
    scores |= {f"selected by {criterion}": scores[f"assumed {law}"] for criterion, law in chosen.items()}
    return record_of(scenario, scores) | {"selected": chosen, "warned": "warning" in gpdp.status}


def record_of(scenario: Scenario, scores: dict[str, tuple[float, float]]) -> Record:
    truth = scenario.truth
    return {
        "model": truth.model,
        "sigma": truth.sigma,
        "truth": scenario.number,
        "training": scenario.training,
        **truth.numbers,
        "threshold": truth.threshold,
        "share": {name: share for name, (share, _) in scores.items()},
        "collapse": {name: collapse for name, (_, collapse) in scores.items()},
    }


# --- the ablation: the default with one choice changed ---

_DEFAULT = GrowthPrior()
VARIANTS: dict[str, GrowthPrior] = {
    "default": _DEFAULT,
    **{f"decline {rate:g}": GrowthPrior(decline=rate) for rate in (0.0, 1.0, 4.0)},
    "kernel matern-5/2": GrowthPrior(kernel="matern-5/2"),
    **{f"signal sd {sd:g}, fixed": GrowthPrior(signal_sd=(sd, 0.0)) for sd in (0.7, 2.0)},
    **{
        f"length scale {length:g}": GrowthPrior(length_scale=(length, _DEFAULT.length_scale[1]))
        for length in (0.6, 2.4)
    },
    "smooth: sd 0.7, decline 0.3": GrowthPrior(decline=0.3, signal_sd=(0.7, 0.5)),
}
ONE_NODE = "the best node alone"
PLAIN = "uncertainty raises the mean"
OF_BIOMASS = {"process of the biomass, with (0, 0)": True, "process of the biomass, without": False}
ABLATED = (*VARIANTS, PLAIN, ONE_NODE, *OF_BIOMASS)


def ablation_record(scenario: Scenario) -> Record:
    """Let every variant manage one scenario."""
    truth, pairs = scenario.truth, (scenario.escapement, scenario.next_biomass)
    stocks: dict[str, Any] = {
        name: fit_gaussian_process(*pairs, prior=prior) for name, prior in VARIANTS.items()
    }
    stocks[ONE_NODE] = best_node(stocks["default"])
    stocks[PLAIN] = PlainProcess(**vars(stocks["default"]))
    stocks |= {name: ProcessOfBiomass(*pairs, pseudo) for name, pseudo in OF_BIOMASS.items()}
    return record_of(scenario, {name: score(truth, planned(stock)) for name, stock in stocks.items()})


def best_node(stock: GaussianProcessStock) -> GaussianProcessStock:
    """Return a stock that takes the likeliest hyperparameters for certain."""
    k = int(np.argmax(stock.weight))
    per_node = ("signal_sd", "length_scale", "noise_sd", "_draw", "_alpha", "_whiten")
    return replace(stock, weight=np.ones(1), **{name: getattr(stock, name)[k : k + 1] for name in per_node})


class PlainProcess(GaussianProcessStock):
    """The same process without the rule that what is not known never raises what is expected."""

    def posterior(self, escapement: Any) -> tuple[Array, Array]:
        mean, variance = super().posterior(escapement)
        return mean + 0.5 * variance, variance


class ProcessOfBiomass:
    """The Gaussian process of Boettiger, Mangel & Munch 2015, of the biomass itself, discretized as ours.

    x = f(s) + sigma z with f of mean 0 and covariance exp(-(s - s')^2 / (2 l^2)); l ~ Gamma(10, scale 10) and
    sigma ~ Gamma(5, rate 5) are integrated on a grid. With `pseudo` the pair (0, 0) is among the data.
    """

    def __init__(self, escapement: Array, next_biomass: Array, pseudo: bool) -> None:
        self.s = np.append(0.0, escapement) if pseudo else escapement
        x = np.append(0.0, next_biomass) if pseudo else next_biomass
        length, noise = np.meshgrid(np.geomspace(0.5, 300.0, 30), np.geomspace(0.02, 5.0, 24), indexing="ij")
        self.length, self.noise = length.ravel(), noise.ravel()
        eye = np.eye(len(x))
        covariance = self.covariance(self.s) + (self.noise**2)[:, None, None] * eye + 1e-9 * eye
        factor = np.linalg.cholesky(covariance)
        self.whiten = np.linalg.solve(factor, np.broadcast_to(eye, factor.shape))
        self.z = self.whiten @ x
        log_weight = -0.5 * np.sum(self.z**2, axis=1)
        log_weight -= np.sum(np.log(np.diagonal(factor, axis1=1, axis2=2)), axis=1)
        # the nodes are even in the logarithms of l and sigma
        log_weight += gamma.logpdf(self.length, 10.0, scale=10.0) + np.log(self.length)
        log_weight += gamma.logpdf(self.noise, 5.0, scale=0.2) + np.log(self.noise)
        weight = np.exp(log_weight - log_weight.max())
        kept = weight > 1e-4
        self.length, self.noise, self.weight = (
            self.length[kept],
            self.noise[kept],
            weight[kept] / weight[kept].sum(),
        )
        self.whiten, self.z = self.whiten[kept], self.z[kept]

    def covariance(self, at: Array) -> Array:
        """Shape (nodes, at, data)."""
        return np.exp(-0.5 * ((at[:, None] - self.s) / self.length[:, None, None]) ** 2)

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Return P(next biomass in (edges[j], edges[j+1]] | escapements[i]); below 0 the stock is extinct."""
        seen = self.covariance(escapements) @ self.whiten.transpose(0, 2, 1)
        mean = np.sum(seen * self.z[:, None, :], axis=2)
        sd = np.sqrt(np.maximum(1.0 - np.sum(seen**2, axis=2), 0.0) + self.noise[:, None] ** 2)
        below = np.zeros((len(escapements), len(edges)))
        for k, weight in enumerate(self.weight):
            below += weight * ndtr((edges - mean[k][:, None]) / sd[k][:, None])
        below[:, edges < 0.0] = 0.0
        below[escapements <= 0.0] = edges >= 0.0
        return np.diff(below, axis=1)


# --- figures: scenarios of one truth are not independent, so truths are drawn again, each with all of its own ---


def by_truth(records: Sequence[Record], values: Sequence[float]) -> tuple[Array, np.ndarray[Any, Any]]:
    """Return values of shape (truths, training series), and the stratum of each truth."""
    keys = [(record["model"], record["sigma"], record["truth"]) for record in records]
    truths = list(dict.fromkeys(keys))
    table = [[value for key, value in zip(keys, values, strict=True) if key == truth] for truth in truths]
    strata = [(MODELS.index(model), SIGMAS.index(sigma)) for model, sigma, _ in truths]
    return np.array(table, dtype=float), np.array([i * len(SIGMAS) + j for i, j in strata])


def interval(
    records: Sequence[Record], values: Sequence[float], statistic: Callable[[Array], Array]
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a statistic along the last axis, over truths within their stratum."""
    table, strata = by_truth(records, values)
    rng = np.random.default_rng(1)
    drawn = np.empty((RESAMPLES, len(table)), dtype=int)
    for stratum in np.unique(strata):
        here = np.flatnonzero(strata == stratum)
        drawn[:, here] = rng.choice(here, (RESAMPLES, len(here)))
    low, high = np.quantile(statistic(table[drawn].reshape(RESAMPLES, -1)), [0.025, 0.975])
    return float(low), float(high)


def fifth(values: Any) -> Array:
    return np.asarray(np.quantile(values, 0.05, axis=-1))


def mean(values: Any) -> Array:
    return np.asarray(np.mean(values, axis=-1))


def summary(records: Sequence[Record], policy: str) -> dict[str, Any]:
    """Return the figures of one policy over scenarios."""
    share = [record["share"][policy] for record in records]
    collapse = [record["collapse"][policy] for record in records]
    return {
        "policy": policy,
        "scenarios": len(records),
        "median": float(np.median(share)),
        "fifth": float(fifth(share)),
        "fifth interval": interval(records, share, fifth),
        "minimum": min(share),
        "collapse": float(mean(collapse)),
        "collapse interval": interval(records, collapse, mean),
        "above 1 %": sum(value > 0.01 for value in collapse),
    }


def difference(records: Sequence[Record], policy: str, rival: str) -> dict[str, Any]:
    """Return how much oftener a policy collapses than a rival does, on the same scenarios."""
    less = [record["collapse"][policy] - record["collapse"][rival] for record in records]
    return {
        "policy": policy,
        "less": rival,
        "collapse": float(mean(less)),
        "interval": interval(records, less, mean),
        "oftener": sum(value > 0.0 for value in less),
        "more seldom": sum(value < 0.0 for value in less),
    }


def selection_rows(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return how often each criterion prefers each law, by truth and noise."""
    rows = []
    for model in MODELS:
        for sigma in SIGMAS:
            here = [r for r in records if (r["model"], r["sigma"]) == (model, sigma)]
            for criterion in CRITERIA:
                chosen = [record["selected"][criterion] for record in here]
                shares = {law: chosen.count(law) / len(chosen) for law in LAWS if chosen}
                rows.append({"truth": model, "sigma": sigma, "criterion": criterion, **shares})
    return rows


# --- told ---


def trial(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """What every policy earns and how often it collapses."""
    records, counts = run_all(given, trial_record)
    subsets, told_all = {}, [told_counts(counts)]
    for name, belongs in SUBSETS.items():
        here = [record for record in records if belongs(record)]
        rows = [summary(here, policy) for policy in POLICIES]
        less = [difference(here, "gpdp", f"selected by {criterion}") for criterion in CRITERIA]
        subsets[name] = {"rows": rows, "differences": less}
        told_all += [figures_table(f"{name}: {len(here)} scenarios", rows), told_difference(less[0])]
    strata = [
        {"stratum": f"{model}, sigma {sigma:g}", **summary(here, policy)}
        for model in MODELS
        for sigma in SIGMAS
        if (here := [r for r in records if (r["model"], r["sigma"]) == (model, sigma)])
        for policy in ("gpdp", "gpdp as published", "selected by aic")
    ]
    told_all.append(figures_table("By truth and noise", strata, {"truth": text("stratum")}))
    warned = sum(record["warned"] for record in records)
    told_all.append(f"gpdp warned that it rests on its prior, or of what it leaves, in {warned} scenarios.")
    return {"counts": counts, "subsets": subsets, "strata": strata, "records": records}, told_all


def selection(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """Which law each criterion prefers."""
    rows = selection_rows(run_all(given, trial_record)[0])
    columns = {name: text(name) for name in ("truth", "sigma", "criterion")}
    columns |= {law: percent(law) for law in LAWS}
    return {"rows": rows}, [table_of("How often each criterion prefers each law, %", columns, rows)]


def ablation(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """What each choice of the prior buys."""
    records, counts = run_all(given, ablation_record)
    subsets, told_all = {}, [told_counts(counts)]
    for name, belongs in SUBSETS.items():
        here = [record for record in records if belongs(record)]
        subsets[name] = [summary(here, variant) for variant in ABLATED]
        told_all.append(figures_table(f"One choice changed, {name}: {len(here)} scenarios", subsets[name]))
    return {"counts": counts, "subsets": subsets, "records": records}, told_all


def example(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """The paper's own example, whose threshold lies just below all that is seen, with many training series."""
    truth = kept_truth("allen", eco.Allen(r=2.0, K=8.0, C=5.0), 0.05, given.replicates, stream(given.seed, 9))
    assert truth is not None
    records, counts = [], {"series": 0, "series drawn again": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EcodecideWarning)
        for k in range(EXAMPLES):
            biomass, redrawn = watched_series(truth, stream(given.seed, 9, k))
            assert biomass is not None
            # each series counts as a truth of its own: the intervals are over series
            scenario = Scenario(truth, k, 0, biomass)
            both = trial_record(scenario), ablation_record(scenario)
            merged = {key: both[1][key] | both[0][key] for key in ("share", "collapse")}
            records.append(both[0] | merged)
            counts = {"series": k + 1, "series drawn again": counts["series drawn again"] + redrawn}
    policies = [*POLICIES, *(name for name in ABLATED if name != "default")]
    rows = [summary(records, policy) for policy in policies]
    title = f"The paper's example, {EXAMPLES} training series"
    told_all = [told_counts(counts), figures_table(title, rows)]
    return {"counts": counts, "rows": rows, "records": records}, told_all


def poor_data(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """How often each criterion prefers Ricker's law, which knows no threshold, where data say less of one."""
    law = eco.Allen(r=2.0, K=8.0, C=5.0)
    truth = kept_truth("allen", law, 0.05, given.replicates, stream(given.seed, 9))
    assert truth is not None
    rows = []
    for place, (years, start, cv) in enumerate(POOR):
        chosen: dict[str, list[str]] = {criterion: [] for criterion in CRITERIA}
        for k in range(EXAMPLES):
            series = poor_series(truth, years, start, cv, stream(given.seed, 10, place, k))
            scenario = Scenario(truth, k, 0, series)
            for criterion, law_name in selected(
                scenario, fit_candidates(scenario.escapement, scenario.next_biomass)
            ).items():
                chosen[criterion].append(law_name)
        shares = {
            criterion: float(np.mean([name == "ricker" for name in chosen[criterion]]))
            for criterion in CRITERIA
        }
        rows.append({"years": str(years), "start": f"{start:g}", "survey CV": f"{cv:g}", **shares})
    columns = {name: text(name) for name in ("years", "start", "survey CV")}
    columns |= {criterion: percent(criterion) for criterion in CRITERIA}
    title = f"Ricker preferred on the paper's example, % of {EXAMPLES} series"
    return {"rows": rows}, [table_of(title, columns, rows)]


def poor_series(truth: Truth, years: int, start: float, cv: float, rng: np.random.Generator) -> Array:
    """Return what surveys tell of a stock that survived its years without harvest."""
    while True:
        biomass = np.full(years, start)
        for t in range(1, years):
            biomass[t] = truth.stock.step(biomass[t - 1 : t], rng.standard_normal(1))[0]
        if biomass.min() >= truth.limit:
            return np.asarray(biomass * np.exp(np.sqrt(np.log1p(cv**2)) * rng.standard_normal(years)))


PARTS = {"trial": trial, "selection": selection, "ablation": ablation, "example": example, "poor": poor_data}
_RUNS: dict[Any, tuple[list[Record], dict[str, int]]] = {}


def run_all(
    given: argparse.Namespace, record: Callable[[Scenario], Record]
) -> tuple[list[Record], dict[str, int]]:
    """Return the record of every scenario, and what was drawn; once for the same."""
    key = (record.__name__, given.truths, given.seeds, given.replicates, given.seed)
    if key not in _RUNS:
        console, counts, records = Console(stderr=True), {}, []
        total = len(MODELS) * len(SIGMAS) * given.truths * given.seeds
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EcodecideWarning)  # counted by what the status says
            for scenario in scenarios(given, counts):
                records.append(record(scenario))
                if len(records) % 24 == 0:
                    done = f"{record.__name__}: {len(records)} of {total} scenarios"
                    console.print(done, style="dim", highlight=False)
        _RUNS[key] = records, counts
    return _RUNS[key]


Column = Callable[[dict[str, Any]], str]


def percent(key: str, style: str = ".0f") -> Column:
    return lambda row: format(100.0 * row[key], style)


def fixed(key: str) -> Column:
    return lambda row: f"{row[key]:.3f}"


def between(key: str, factor: float, style: str) -> Column:
    return lambda row: " to ".join(format(factor * end, style) for end in row[key])


def figures_table(title: str, rows: Sequence[dict[str, Any]], first: dict[str, Column] | None = None) -> Any:
    columns = (first or {}) | {
        "policy": text("policy"),
        "median": fixed("median"),
        "5th percentile": fixed("fifth"),
        "interval": between("fifth interval", 1.0, ".3f"),
        "minimum": fixed("minimum"),
        "collapse %": percent("collapse", ".2f"),
        "interval ": between("collapse interval", 100.0, ".2f"),
        "> 1 %": text("above 1 %"),
    }
    return table_of(f"{title}; values as shares of the optimum's", columns, rows)


def told_difference(less: dict[str, Any]) -> str:
    low, high = (100.0 * end for end in less["interval"])
    return (
        f"Collapse of {less['policy']} less that of '{less['less']}': {100.0 * less['collapse']:.2f} percentage "
        f"points ({low:.2f} to {high:.2f}); more in {less['oftener']} scenarios, less in {less['more seldom']}.\n"
    )


def told_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{what} {count}" for what, count in counts.items()) + "."


def parts(words: str) -> list[str]:
    found = words.split(",")
    unknown = sorted({*found} - {*PARTS})
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected some of {','.join(PARTS)}")
    return found


def positive(word: str) -> int:
    if not word.isdigit() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word}: expected a whole number of at least 1")
    return int(word)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument(
        "--only", type=parts, default=[*PARTS], metavar="PARTS", help=f"some of {','.join(PARTS)}"
    )
    for flag, default, what in (
        ("--truths", 8, "truths of each model and noise (default 8)"),
        ("--seeds", 3, "training series of each truth (default 3)"),
        ("--replicates", 500, "managed runs of each policy (default 500)"),
        ("--seed", 1, "of all draws (default 1)"),
    ):
        made.add_argument(flag, type=positive, default=default, help=what)
    made.add_argument("--json", metavar="FILE", help="write every figure there")
    return made


def main() -> None:
    given = parser().parse_args()
    console = Console()
    console = Console(width=max(console.width, 132))  # narrower, columns would be cut
    found: dict[str, Any] = {"machine": machine()}
    for name in (name for name in PARTS if name in given.only):
        begin = time.perf_counter()
        found[name], told_all = PARTS[name](given)
        found[name]["seconds"] = time.perf_counter() - begin
        console.print(*told_all, f"{name}: {found[name]['seconds']:.0f} s", sep="\n", highlight=False)
    console.print(
        "Intervals: 95 %, bootstrap over truths; 0 to 0 where no replicate of any truth collapsed. '> 1 %': scenarios "
        "in which more than 1 % of the replicates collapsed."
    )
    console.print(", ".join(f"{what} {value}" for what, value in found["machine"].items()), highlight=False)
    if given.json:
        Path(given.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
