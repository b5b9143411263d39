"""The simulator against exact numbers: 20 policies on 5 stocks, each a Markov chain on a grid.

The simulator runs in the very chain whose futures are known (`ecodecide.decision.chain`), with quotas that are
multiples of the step, so that nothing but chance may differ.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, norm

import ecodecide as eco
from ecodecide.decision.chain import ChainStock, ChainSurvey
from ecodecide.policy.managed_chain import ManagedChain
from ecodecide.policy.rules import ConstantCatch, ConstantEscapement, ConstantRate, Ramp, RulePolicy
from ecodecide.policy.table import NearestPointPolicy, TablePolicy

YEARS, REPLICATES, CELLS = 8, 2500, 25

FALSE_ALARM = 0.01
"""How often a faultless simulator may fail, by all comparisons together (Bonferroni); the seed is fixed."""

ECONOMY = eco.Economy(price=2.0, effort_cost=0.3, fixed_cost=0.02, discount=0.85)
"""A discount far from 1, so that a wrong exponent shows."""


def stocks() -> dict[str, tuple[Any, Any, int, int]]:
    """Stock, survey, the state to start from, and the first that is not below the limit."""
    return {
        "logistic": (
            eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15)),
            eco.NormalSurvey(sd=0.1), 7, 3,
        ),
        "allen": (
            eco.ParametricStock(eco.Allen(r=1.5, K=1.0, C=0.3), eco.LognormalNoise(sigma=0.25)),
            eco.LognormalSurvey(cv=0.3), 10, 5,
        ),
        "beverton-holt": (
            eco.ParametricStock(eco.BevertonHolt(A=1.6, B=0.6), eco.LognormalNoise(sigma=0.4)),
            eco.PerfectSurvey(), 9, 4,
        ),
        "ricker": (
            eco.ParametricStock(eco.Ricker(r=0.5, K=1.0), eco.UniformNoise(half_width=0.6)),
            eco.LognormalSurvey(cv=0.2), 13, 4,
        ),
        "may": (
            eco.ParametricStock(eco.May(r=0.8, K=1.5, a=0.2, b=0.2), eco.LognormalNoise(sigma=0.3)),
            eco.NormalSurvey(sd=0.2), 11, 4,
        ),
    }  # fmt: skip


def policies(grid: eco.Grid) -> dict[str, Any]:
    """Twenty policies on observed biomass whose quotas are multiples of the step at every point."""
    points, step = grid.points, grid.step
    expected = points[10]

    def snapped(rule: Any) -> Any:
        return np.round(rule.quota(points) / step) * step

    def ramp(rate: float, closed: float, full: float) -> TablePolicy:
        return TablePolicy(points, snapped(Ramp(rate, closed, full)), expected)

    random = np.random.default_rng(5).integers(0, 8, len(points)) * step
    return {
        **{f"rate {f}": TablePolicy(points, snapped(ConstantRate(f)), expected) for f in (0.1, 0.2, 0.3, 0.45, 0.7)},
        **{f"ramp {i}": ramp(*of) for i, of in enumerate([(0.3, 0.1, 0.4), (0.5, 0.3, 0.8), (0.9, 0.6, 1.2)])},
        **{f"escape {k}": RulePolicy(ConstantEscapement(points[k]), expected) for k in (3, 6, 9, 12, 16)},
        **{f"catch {k}": RulePolicy(ConstantCatch(k * step), expected) for k in (0, 1, 2, 3)},
        "nearest": NearestPointPolicy(points, snapped(ConstantRate(0.25)), expected),
        "nearest ramp": NearestPointPolicy(points, snapped(Ramp(0.6, 0.4, expected)), expected),
        "no sense": TablePolicy(points, random, expected),
    }  # fmt: skip


@cache
def chain_of(name: str) -> tuple[Any, float, float]:
    stock, survey, start, limit = stocks()[name]
    problem = eco.HarvestProblem(stock=stock, survey=survey, economy=ECONOMY, grid=eco.Grid(2.5, CELLS))
    arrays = eco.discretize(problem, tolerance=0.2)
    # an edge: a point of the chain is its whole cell
    return arrays, arrays.grid.points[start], arrays.grid.edges[limit]


@cache
def compared(first_survey: bool) -> tuple[dict[Any, float], dict[Any, float]]:
    """Two-sided probabilities of a difference as large, of all collapse probabilities and of all values."""
    collapse, value = {}, {}
    for number, name in enumerate(stocks()):
        arrays, start, limit = chain_of(name)
        given = policies(arrays.grid)
        assert len(given) == 20
        runs = eco.evaluate(
            given, truth=ChainStock(arrays), survey=ChainSurvey(arrays), economy=ECONOMY, initial_biomass=start,
            years=YEARS, replicates=REPLICATES, seed=number, first_survey=first_survey,
        )  # fmt: skip
        scores = eco.score(runs, collapse=limit).scores.isel(world=0)
        for policy, one in given.items():
            exact = ManagedChain.of(arrays, one, ECONOMY, first_survey).futures(start, YEARS, limit)
            share, npv = (
                scores.sel(policy=policy, metric=metric) for metric in ("collapse_probability", "npv")
            )
            hits = round(float(share.sel(estimate="value")) * REPLICATES)
            chance = float(np.clip(exact.collapse, 0.0, 1.0))
            collapse[name, policy] = binomtest(hits, REPLICATES, chance).pvalue
            error = float(npv.sel(estimate="high") - npv.sel(estimate="low")) / (2.0 * norm.ppf(0.975))
            # where nothing varies the value is exact
            apart = float(npv.sel(estimate="value")) - float(exact.npv)
            value[name, policy] = 2.0 * norm.sf(abs(apart) / max(error, 1e-9))
    return collapse, value


@pytest.mark.parametrize("first_survey", [True, False], ids=["survey first", "quota first"])
@pytest.mark.parametrize("which", [0, 1], ids=["collapse probability", "net present value"])
def test_simulated_and_exact_agree(which: int, first_survey: bool) -> None:
    """The most extreme of 100 comparisons is no more so than chance makes it."""
    chances = compared(first_survey)[which]
    assert len(chances) == 100
    least = min(chances, key=chances.__getitem__)
    assert chances[least] > FALSE_ALARM / 400, (least, chances[least])


def test_the_comparison_is_not_empty() -> None:
    """Many of the 100 collapse probabilities are neither 0 nor 1."""
    between = 0
    for name in stocks():
        arrays, start, limit = chain_of(name)
        for one in policies(arrays.grid).values():
            between += (
                0.01 < ManagedChain.of(arrays, one, ECONOMY).futures(start, YEARS, limit).collapse < 0.99
            )
    assert between >= 60
