"""Regret and rankings over worlds, on outcomes small enough to be reasoned about."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

import ecodecide as eco
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.robustness import _bootstrap, robustness
from ecodecide.evaluation.scores import measure, summarize
from ecodecide.policy.rules import ConstantCatch, ConstantRate, RulePolicy


def futures(npv: Any, collapsed: Any = None, draw: Any = None) -> xr.Dataset:
    """One year of (world, policy, replicate): its profit, and whether it ends below the limit of 1."""
    npv = np.moveaxis(np.asarray(npv, dtype=float), 0, 1)
    policies, worlds, replicates = npv.shape
    fell = np.zeros_like(npv) if collapsed is None else np.moveaxis(np.asarray(collapsed), 0, 1)
    dims = ("policy", "world", "replicate")
    runs = xr.Dataset(
        {
            "biomass": ((*dims, "year"), np.full((*npv.shape, 1), 5.0)),
            "catch": ((*dims, "year"), np.ones((*npv.shape, 1))),
            "quota": ((*dims, "year"), np.ones((*npv.shape, 1))),
            "profit": ((*dims, "year"), npv[..., None]),
            "final_biomass": (dims, np.where(fell, 0.5, 5.0)),
            **{
                key: (dims[1:], np.full((worlds, replicates), value))
                for key, value in (("carrying_capacity", 10.0), ("b_msy", 5.0), ("allee_threshold", np.nan))
            },
        },
        coords={"policy": list("abc")[:policies], "world": [f"w{i}" for i in range(worlds)]},
        attrs={"discount": 0.9},
    )
    return runs if draw is None else runs.assign(draw=(dims[1:], np.broadcast_to(draw, (worlds, replicates))))


def test_regret_by_hand() -> None:
    # means 4, 3, 0 in the first world and 1, 3, 2.5 in the second: largest regrets 2, 1, 4
    found = robustness(
        measure(futures([[[3, 5], [2, 4], [0, 0]], [[1, 1], [3, 3], [2, 3]]], [[[0, 1], [0, 0], [0, 0]]] * 2))
    )
    np.testing.assert_allclose(found.value, [[4, 3, 0], [1, 3, 2.5]])
    np.testing.assert_allclose(found.collapse, [[0.5, 0, 0], [0.5, 0, 0]])
    np.testing.assert_allclose(found.regret, [2, 1, 4])
    assert found.minimax_regret == "b"
    assert found.rankings["w0"]["value"].order == ("a", "b", "c")
    assert found.rankings["w1"]["value"].order == ("b", "c", "a")
    assert found.rankings["w0"]["collapse"].order == ("b", "c", "a")


def test_a_sure_order_is_stable_and_a_tossed_one_is_not() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(size=400)
    apart = rng.normal(size=400)
    apart -= apart.mean()
    # b is a less one, whatever the luck: pairing shows it; c is a but for noise of no mean
    found = robustness(measure(futures([[shared, shared - 1.0, shared + apart]])))
    ranking = found.rankings["w0"]["value"]
    assert ranking.best["b"] == 0.0
    # a resampled mean of 400 deviations of no mean is above or below zero as often: 1,000 tosses, four sigmas
    assert ranking.best["c"] == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 1000))
    assert ranking.best["a"] + ranking.best["c"] == pytest.approx(1.0)
    assert ranking.stability == pytest.approx(ranking.best[ranking.order[0]], abs=1e-12)
    # policies that tie have no order to be sure of
    assert np.isnan(found.rankings["w0"]["collapse"].stability)


def test_the_interval_of_regret_is_that_of_a_paired_difference() -> None:
    rng = np.random.default_rng(2)
    shared, difference = 10.0 * rng.normal(size=900), rng.normal(size=900) + 2.0
    found = robustness(measure(futures([[shared, shared + difference]])))
    # a regrets the mean difference, as certain as its standard error, though values vary ten times as much
    low, high = found.regret_interval[0]
    half = norm.ppf(0.975) * difference.std(ddof=1) / 30.0
    assert found.regret[0] == pytest.approx(difference.mean())
    # 2.5 % points of 1,000 resamples are known to some 7 % of the half width each
    assert low == pytest.approx(difference.mean() - half, abs=0.3 * half)
    assert high == pytest.approx(difference.mean() + half, abs=0.3 * half)
    np.testing.assert_allclose(found.regret_interval[1], 0.0)


def test_replicates_of_one_draw_are_drawn_together() -> None:
    rng = np.random.default_rng(3)
    world = np.arange(400) % 20
    apart = rng.normal(size=20)[world]  # all that differs is the draw: 20 numbers, not 400
    apart -= apart.mean()
    values = [[np.zeros(400), apart + 0.1]]
    alone = robustness(measure(futures(values))).rankings["w0"]["value"]
    shared = robustness(measure(futures(values, draw=world))).rankings["w0"]["value"]
    spread = apart.std()
    assert alone.best["b"] == pytest.approx(norm.cdf(0.1 / (spread / 20)), abs=0.06)
    assert shared.best["b"] == pytest.approx(norm.cdf(0.1 / (spread / np.sqrt(20))), abs=0.06)


def test_what_is_not_defined_is_resampled_with_what_is() -> None:
    # a risk of 1 among those that start above, who are few in some draws and many in others
    world = np.arange(60) % 6
    values = np.where(np.arange(60) // 6 < 1 + world, 1.0, np.nan)[None, None]
    means, again = _bootstrap(values, world, np.random.SeedSequence(1))
    assert means.item() == 1.0
    np.testing.assert_allclose(again, 1.0, rtol=1e-12)


def test_every_definition_of_collapse_is_kept_with_its_order() -> None:
    runs = futures([[[1.0, 2.0, 1.0], [2.0, 1.0, 2.0]]], [[[1, 1, 0], [1, 0, 0]]])
    measured = measure(runs, "0.3K")
    assert measured["limit"].values.tolist() == ["0.1K", "0.2BMSY", "0.5BMSY", "Blim", "allee", "0.3K"]
    scores = summarize(measured)
    risk = scores["collapse_risk"].sel(world="w0", estimate="value")
    for limit in ("0.1K", "0.2BMSY", "0.5BMSY", "0.3K"):  # 1, 1, 2.5 and 3; futures end at 0.5 or 5
        for when in ("ever", "at end", "mean years"):
            np.testing.assert_allclose(risk.sel(limit=limit, when=when), [2 / 3, 1 / 3])
    assert np.isnan(risk.sel(limit="allee")).all()
    told = robustness(measured).definitions["w0"]
    assert {(one["limit"], one["when"]) for one in told} == {
        (limit, when)
        for limit in ("0.1K", "0.2BMSY", "0.5BMSY", "Blim", "0.3K")
        for when in ("ever", "at end", "mean years")
    }
    assert all(one["order"] == ["b", "a"] and one["agreement"] == pytest.approx(1.0) for one in told)


def test_plain_values_hold_no_number_that_json_cannot() -> None:
    # every future starts below the limit of 60: collapse is not defined
    told = robustness(measure(futures([[[1.0, 2.0], [2.0, 1.0]]]), 60)).to_dict()
    assert told["collapse"] == {"w0": {"a": None, "b": None}}
    assert told["value"] == {"w0": {"a": 1.5, "b": 1.5}} and told["regret"] == {"a": 0.0, "b": 0.0}


STOCK = eco.ParametricStock(eco.Logistic(r=0.5, K=1.0), eco.LognormalNoise(sigma=0.3))
POLICIES = {
    "rate": RulePolicy(ConstantRate(0.3), expected=0.5),
    "catch": RulePolicy(ConstantCatch(0.15), expected=0.5),
}


def run(**changes: Any) -> xr.Dataset:
    given: dict[str, Any] = {
        "truth": STOCK, "survey": eco.LognormalSurvey(cv=0.2), "economy": eco.Economy(), "initial_biomass": 0.5,
        "years": 6, "replicates": 40,
    }  # fmt: skip
    return eco.evaluate(POLICIES, **{**given, **changes})


class Ensemble:
    """A stock of which replicate r lives in one of seven worlds."""

    def draw(self, replicates: int, rng: np.random.Generator) -> eco.ParametricStock:
        capacity = 2.0 - 0.1 * (np.arange(replicates) % 7)
        return eco.ParametricStock(eco.Logistic(r=np.full(replicates, 0.5), K=capacity), STOCK.noise)


@pytest.mark.parametrize("truth", [STOCK, Ensemble()])
def test_runs_in_parts_are_the_whole_run(truth: Any) -> None:
    whole = run(truth=truth)
    parts = [run(truth=truth, replicates=5), run(truth=truth, replicates=35, first=5)]
    xr.testing.assert_equal(xr.concat(parts, "replicate", data_vars="minimal"), whole)
    joined = xr.concat([measure(part) for part in parts], "replicate", data_vars="minimal")
    xr.testing.assert_equal(summarize(joined), eco.score(whole))


def test_a_metric_of_ones_own() -> None:
    runs = run()
    scores = eco.score(
        runs,
        metrics={
            "lowest": lambda one: one.biomass.min("year"),
            "ends_high": lambda one: one.final_biomass > 0.5,
        },
    ).scores.sel(policy="rate", world="truth")
    lowest = runs.biomass.sel(policy="rate", world="truth").min("year").values
    assert scores.sel(metric="lowest", estimate="value").item() == pytest.approx(lowest.mean())
    share = scores.sel(metric="ends_high")
    assert share.sel(estimate="value").item() == (runs.final_biomass.sel(policy="rate") > 0.5).mean().item()
    # Wilson's interval stays within 0 and 1
    assert 0.0 <= share.sel(estimate="low").item() <= share.sel(estimate="high").item() <= 1.0
    with pytest.raises(EvaluationError, match=r"'whole' returned values of shape \(\)"):
        eco.score(runs, metrics={"whole": lambda one: one.catch.mean()})
    with pytest.raises(EvaluationError, match="a name of its own, got npv"):
        eco.score(runs, metrics={"npv": lambda one: one.final_biomass})
