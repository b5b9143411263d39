"""Several laws fitted to one history: their weights, and what they say of a tipping point."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from ecodecide.errors import FitError
from ecodecide.fitting.importance import importance_sample
from ecodecide.fitting.laws import fit_laws
from ecodecide.fitting.tipping_point import has_threshold, is_below
from ecodecide.history.catch_history import CatchHistory
from ecodecide.report.fit_dict import fit_dict
from ecodecide.stock.growth import Allen, Ricker
from ecodecide.stock.survey import LognormalSurvey


def test_the_mass_of_a_normal_density_is_its_factor():
    """A density 7 times a normal one has the integral 7, whatever the proposals."""
    covariance = np.array([[1.0, 0.6], [0.6, 0.8]])
    normal = multivariate_normal([1.0, -2.0], covariance)
    sample = importance_sample(
        lambda x: np.log(7.0) + float(normal.logpdf(x)),
        np.array([1.2, -1.8]),
        0.7 * covariance,
        4000,
        np.random.default_rng(0),
        lambda share: None,
    )
    # the relative standard error is about 1 / sqrt(effective size)
    assert sample.log_mass == pytest.approx(np.log(7.0), abs=4.0 / np.sqrt(sample.effective_size))


def history_of(law, seed=3, start=60.0, rate=0.1):
    """Forty years of a law fished up and down, seen with an error of 5 %."""
    rng = np.random.default_rng(seed)
    biomass, catch = np.empty(40), np.empty(40)
    biomass[0] = start
    for t in range(40):
        catch[t] = biomass[t] * rate * (1.0 + np.sin(t / 4.0))
        if t < 39:
            grown = float(law(np.array(biomass[t] - catch[t])))
            biomass[t + 1] = grown * np.exp(0.05 * rng.standard_normal())
    seen = biomass * np.exp(0.05 * rng.standard_normal(40))
    return CatchHistory(np.arange(1980, 2020), catch, biomass=seen, units={"biomass": "t", "catch": "t"})


@pytest.fixture(scope="module")
def fitted():
    history = history_of(Allen(r=3.0, K=100.0, C=35.0), start=42.0, rate=0.02)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit_laws(
            history, ["ricker", "allen"], survey=LognormalSurvey(cv=0.05), draws=60, cells=120, seed=2
        )


def test_the_law_that_made_the_data_is_believed(fitted):
    """Growth that falls towards low stock, as the first years show: no Ricker stock does that."""
    assert fitted.weights["allen"] > 0.95
    assert fitted.tipping_point == pytest.approx(
        fitted.weights["allen"] * has_threshold(fitted.posteriors["allen"]).mean()
    )
    assert fitted.tipping_point > 0.9
    assert not has_threshold(fitted.posteriors["ricker"]).any()


def test_a_stock_without_a_threshold_is_not_given_one():
    history = history_of(Ricker(r=0.5, K=100.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fit_laws(
            history, ["ricker", "allen"], survey=LognormalSurvey(cv=0.05), draws=60, cells=120, seed=2
        )
    assert found.weights["ricker"] > 0.5
    assert found.tipping_point < 0.3


def test_below_is_below_the_threshold_of_the_same_draw(fitted):
    posterior = fitted.posteriors["allen"]
    thresholds = np.array([world.allee_threshold or 0.0 for world in posterior.members.worlds])
    expected = np.asarray(posterior.members.initial_biomass) < thresholds
    np.testing.assert_array_equal(is_below(posterior), expected)
    assert fitted.below_threshold <= fitted.tipping_point


def test_the_summary_is_plain_and_of_the_history_s_units(fitted):
    found = json.loads(json.dumps(fit_dict(fitted), allow_nan=False))
    assert {*found["laws"]} == {"ricker", "allen"}
    allen = found["laws"]["allen"]
    assert {"K", "C", "r"} <= {*allen["parameters"]}
    assert allen["parameters"]["K"]["low"] < 100.0 < allen["parameters"]["K"]["high"]
    assert sum(one["weights"]["marginal_likelihood"] for one in found["laws"].values()) == pytest.approx(1.0)
    fishing = allen["status"]["f_fmsy"]
    last = fitted.history.catch[-1] / fitted.posteriors["allen"].trajectory_biomass[:, -1]
    f_msy = np.array([world.f_msy for world in fitted.posteriors["allen"].members.worlds])
    assert fishing["median"] == pytest.approx(np.median(last / f_msy))


@pytest.mark.parametrize("laws", [[], ["ricker", "ricker"], ["magic"]])
def test_laws_are_known_and_named_once(laws, fitted):
    with pytest.raises(FitError, match="laws must be some of"):
        fit_laws(fitted.history, laws)
