"""Residuals are normal scores where the model is right, and their tests find what is wrong."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

import ecodecide as eco
from ecodecide.fitting.residuals import few_runs, residuals
from ecodecide.fitting.state_space_model import StateSpaceModel


@pytest.mark.parametrize(("ups", "downs"), [(1, 1), (3, 4), (5, 2), (4, 4)])
def test_the_runs_test_counts_every_order(ups, downs):
    n = ups + downs
    orders = []
    for places in combinations(range(n), ups):
        signs = -np.ones(n)
        signs[list(places)] = 1.0
        orders.append(signs)
    runs = np.array([1 + np.count_nonzero(np.diff(signs)) for signs in orders])
    for signs, count in zip(orders, runs, strict=True):
        assert few_runs(signs) == pytest.approx(np.mean(runs <= count))
    assert few_runs(np.ones(5)) is None


def simulated(years, seed, drift=0.0):
    """A stock without fishing to speak of, with numbers that are known, and its ranks under them."""
    rng = np.random.default_rng(seed)
    catch = np.full(years, 1.0)
    biomass = np.empty(years)
    x = 70.0
    for t in range(years):
        biomass[t] = x
        s = x - catch[t]
        x = (s + 0.4 * s * (1.0 - s / 100.0)) * np.exp(0.15 * rng.standard_normal())
    seen = biomass * np.exp(0.2 * rng.standard_normal(years) + drift * np.linspace(0.0, 1.0, years))
    history = eco.CatchHistory(year=np.arange(years), catch=catch, biomass=seen, observed="biomass")
    model = StateSpaceModel.of(history, "logistic", None, 0.0, 300)
    at = np.log(np.array([100.0 / model.scale, 0.4, 0.15]))
    return model.ranks(model.run(at), at)[0]


def test_ranks_are_uniform_and_independent_under_the_truth():
    ranks = np.concatenate([simulated(150, seed) for seed in range(6)])
    # 900 ranks: a p-value of 1e-3 by chance once in a thousand such tests; the survey's error is the assumed CV of .2
    assert stats.kstest(ranks, "uniform").pvalue > 1e-3
    score = stats.norm.ppf(ranks)
    assert abs(np.corrcoef(score[:-1], score[1:])[0, 1]) < 4.0 / np.sqrt(900)


def test_a_survey_that_drifts_is_found():
    score = stats.norm.ppf(simulated(60, 3, drift=0.8))
    assert stats.ttest_1samp(score, 0.0).pvalue < 0.01


def test_residuals_are_by_series_and_of_the_years_that_were_seen():
    history = eco.load_history("albacore-south-atlantic")
    found = residuals(eco.fit(history, draws=40, cells=80).record)
    assert [one.series for one in found] == ["index"]
    assert len(found[0].year) == np.isfinite(history.index["index"]).sum() == found[0].residual.size
    for p in (found[0].runs, found[0].bias, found[0].normality):
        assert 0.0 < p <= 1.0
    short = eco.CatchHistory(year=[2001, 2002], catch=[1.0, 1.0], biomass=[9.0, 8.0])
    few = residuals(eco.fit(short, draws=20, cells=60).record)
    assert few[0].runs is few[0].bias is few[0].normality is None
