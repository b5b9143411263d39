"""The state-space fit: its likelihood against a particle filter, and what it finds in data it was made of."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.stats import norm

import ecodecide as eco
from ecodecide.errors import ConvergenceWarning, FitError, HistoryWarning
from ecodecide.fitting.priors import GROWTH_FAMILIES
from ecodecide.fitting.state_space_model import StateSpaceModel
from ecodecide.stock.growth import LAWS, parameters
from ecodecide.stock.survey import LognormalSurvey


def simulated(seed=3, years=40, r=0.6, K=1000.0, sigma=0.1, tau=0.15, index=False, q=0.01):
    """A fished-down and rebuilding logistic stock, in this package's order of events."""
    rng = default_rng(seed)
    rate = np.where(np.arange(years) < years // 2, 0.35, 0.1)
    x, biomass, catch = 0.9 * K, [], []
    for t in range(years):
        biomass.append(x)
        catch.append(rate[t] * x)
        s = x - catch[-1]
        x = (s + r * s * (1 - s / K)) * np.exp(sigma * rng.standard_normal())
    seen = np.array(biomass) * np.exp(tau * rng.standard_normal(years))
    series = {"index": q * seen} if index else {"biomass": seen}
    return eco.CatchHistory(year=np.arange(1980, 1980 + years), catch=catch, **series), np.array(biomass), x


def particle_log_likelihood(model, searched, catch_cv, particles, seed):
    """A bootstrap particle filter of the same model, written from the equations alone."""
    rng = default_rng(seed)
    stock = model.stock(searched)
    K = float(np.exp(searched[0]))
    x = 0.75 * K * np.exp(0.6 * rng.standard_normal(particles))
    total = 0.0
    values, sigma = model.series[0].values, model.sigma(searched)
    for t, seen in enumerate(values):
        if np.isfinite(seen):
            z = (np.log(seen / model.scale) - np.log(x)) / sigma
            weight = np.exp(-0.5 * z**2) / (sigma * np.sqrt(2 * np.pi))
            total += np.log(weight.mean())
            x = rng.choice(x, particles, p=weight / weight.sum())
        if np.isnan(model.catch[t]):
            continue
        left = x - model.catch[t] * np.exp(np.sqrt(np.log1p(catch_cv**2)) * rng.standard_normal(particles))
        total += np.log(np.mean(left > 0))
        x = rng.choice(left[left > 0], particles)
        x = stock.noise.apply(stock.growth(x), rng.standard_normal(particles))
    return total


def test_likelihood_agrees_with_a_particle_filter():
    history, _, _ = simulated()
    model = StateSpaceModel.of(history, "logistic", LognormalSurvey(0.2), 0.05, 400)
    at = np.array([p.location for p in model.priors])
    at[0] = np.log(1000.0 / model.scale)
    runs = np.array([particle_log_likelihood(model, at, 0.05, 20_000, seed) for seed in range(8)])
    exact = model.run(at).log_likelihood
    # 8 independent runs give the Monte Carlo error; 0.02 is the error of 400 cells, see the refinement test
    assert abs(runs.mean() - exact) < 4 * runs.std(ddof=1) / np.sqrt(8) + 0.02


def test_each_series_has_its_own_catchability_and_errors():
    """A measured biomass and two indices, one with standard errors: the density of a year is the product of theirs."""
    biomass, spring, autumn = [40.0, np.nan, 30.0], [4.0, 5.0, np.nan], [np.nan, 0.7, 0.9]
    history = eco.CatchHistory(
        year=[2000, 2001, 2002], catch=[5.0, 6.0, 4.0], biomass=biomass, observed="biomass",
        index={"spring": spring, "autumn": autumn}, index_se={"spring": [0.1, 0.3, np.nan]},
    )  # fmt: skip
    model = StateSpaceModel.of(history, "logistic", LognormalSurvey(0.25), 0.05, 50)
    names = [prior.name for prior in model.priors]
    assert names == ["K", "r", "process_sigma", "observation_sigma:spring", "q:spring", *names[5:]]
    assert names[5:] == ["observation_sigma:autumn", "q:autumn"]
    at = np.log([1.5, 0.4, 0.1, 0.2, 5.0, 0.3, 0.8])  # inside, biomass is in units of the largest, 40
    found, x = model.likelihood(at), model.points[1:]
    for year in range(3):
        expected = np.ones_like(x)
        for value, q, sigma in (
            (biomass[year], 40.0, np.sqrt(np.log(1 + 0.25**2))),
            (spring[year], 5.0, np.hypot(0.2, [0.1, 0.3, 0.0][year])),
            (autumn[year], 0.8, 0.3),
        ):
            if np.isfinite(value):
                expected = expected * norm.pdf(np.log(value), np.log(q * x), sigma)
        np.testing.assert_allclose(found[year, 1:], expected, rtol=1e-12)
    # each value given all others, the same year's other series among them: by a run without it
    run = model.run(at)
    for place, series in enumerate(model.series):
        for number, year in enumerate(np.flatnonzero(series.seen)):
            values = series.values.copy()
            values[year] = np.nan
            others = [replace(one, values=values) if one is series else one for one in model.series]
            rest = replace(model, series=tuple(others)).run(at).log_likelihood
            assert model.left_out(run, at)[place][number] == pytest.approx(run.log_likelihood - rest)
    # an assessment has seen the indices already: its biomass stands alone
    told = replace(history, observed="assessment biomass")
    assert [one.name for one in StateSpaceModel.of(told, "logistic", None, 0.05, 50).series] == ["biomass"]


def test_likelihood_settles_as_cells_are_refined():
    history, _, _ = simulated()
    values = []
    for cells in (125, 250, 500, 1000):
        model = StateSpaceModel.of(history, "logistic", None, 0.05, cells)
        values.append(model.run(np.array([p.location for p in model.priors])).log_likelihood)
    errors = np.abs(np.array(values[:-1]) - values[-1])
    assert errors[1] < 0.5 * errors[0]
    # at the default of 250 cells: a twentieth of the 1.9 by which a 95 % interval of one parameter is drawn
    assert errors[1] < 0.1


@pytest.fixture(scope="module")
def from_biomass():
    history, biomass, after = simulated()
    return history, biomass, after, eco.fit(history, draws=200)


def test_the_truth_lies_within_the_posterior(from_biomass):
    _, biomass, after, posterior = from_biomass
    summary = posterior.summary()
    # the 90 % interval; calibration over many histories is tested below
    for name, truth in (("r", 0.6), ("K", 1000.0), ("msy", 150.0), ("biomass_now", after)):
        assert summary[name]["low"] < truth < summary[name]["high"], name
    # 200 draws: the mean trajectory follows the true biomass within its survey error
    assert np.mean(np.abs(np.log(posterior.best_biomass / biomass))) < 0.12
    assert posterior.trajectory_biomass.shape == (200, len(biomass))


def test_units_change_nothing_but_the_scale(from_biomass):
    history, _, _, posterior = from_biomass
    tons = eco.CatchHistory(year=history.year, catch=1000 * history.catch, biomass=1000 * history.biomass)
    other = eco.fit(tons, draws=200)
    # the search ends where its gradient is small, not at a bitwise equal place
    assert float(other.best.growth.r) == pytest.approx(float(posterior.best.growth.r), rel=1e-4)
    assert float(other.best.growth.K) == pytest.approx(1000 * float(posterior.best.growth.K), rel=1e-4)
    np.testing.assert_allclose(other.best_biomass, 1000 * posterior.best_biomass, rtol=1e-4)


def test_the_same_seed_gives_the_same_fit(from_biomass):
    history, _, _, posterior = from_biomass
    again = eco.fit(history, draws=200)
    assert np.array_equal(again.members.initial_biomass, posterior.members.initial_biomass)
    other = eco.fit(history, draws=200, seed=2)
    assert not np.array_equal(other.members.initial_biomass, posterior.members.initial_biomass)


def test_an_index_is_fitted_with_its_own_error_and_catchability():
    history, _, after = simulated(index=True)
    posterior = eco.fit(history, draws=200)
    # the observation error is estimated: 0.15 was put in; with 40 observations its posterior sd is about 0.02
    assert posterior.survey.cv == pytest.approx(0.15, abs=0.06)
    summary = posterior.summary()
    assert summary["biomass_now"]["low"] < after < summary["biomass_now"]["high"]
    assert any("catchability" in line for line in posterior.assumptions)


def test_assumed_error_of_an_assessment_is_said():
    posterior = eco.fit(eco.load_history("hake-argentina-north"), draws=10)
    assert any("error CV 0.2 an assumption" in line for line in posterior.assumptions)
    asked = eco.fit(eco.load_history("hake-argentina-north"), draws=10, survey=LognormalSurvey(0.3))
    assert asked.survey == LognormalSurvey(0.3)
    assert any("CV 0.3 as asked for" in line for line in asked.assumptions)


@pytest.mark.parametrize("law", sorted(GROWTH_FAMILIES))
def test_every_law_can_be_fitted(law):
    history, _, _ = simulated(years=25)
    posterior = eco.fit(history, growth=law, draws=30, cells=120)
    assert posterior.law == law and type(posterior.best.growth) is LAWS[law]
    capacity = posterior.carrying_capacity
    # the truth is 1000; laws of another shape must at least agree on the size of the stock
    assert 500.0 < capacity < 2000.0
    assert all(np.shape(value) in ((30,), ()) for value in parameters(posterior.members.growth).values())


def test_published_schaefer_fits_lie_within_the_posterior():
    """MSY of Namibian hake and South Atlantic albacore.

    Polacheck, Hilborn & Punt 1993, doi:10.1139/f93-284, observation-error fits: hake MSY about 263, albacore
    19.6 thousand t. They let the catch follow the growth and have no process error, so only the yield, which
    the order of events hardly touches, is compared, and with the interval, not the point.
    """
    for name, msy in (("hake-namibia", 263.0), ("albacore-south-atlantic", 19.6)):
        summary = eco.fit(eco.load_history(name), draws=150).summary()["msy"]
        assert summary["low"] < msy < summary["high"], name


def test_a_catch_that_no_stock_can_bear_is_refused_in_one_line():
    year = np.arange(2000, 2010)
    with pytest.warns(HistoryWarning):
        history = eco.CatchHistory(year=year, catch=np.full(10, 50.0), biomass=np.full(10, 10.0))
    # catch above biomass makes the biomass an index: then a stock can be found
    assert history.free_catchability
    assert eco.fit(history, draws=5, cells=60).carrying_capacity > 50.0


def test_errors_say_what_to_do():
    only_catch = eco.load_history("flathead-tiger-australia")
    with pytest.raises(FitError, match=r"neither a biomass nor an index.*add a column"):
        eco.fit(only_catch)
    with pytest.raises(FitError, match="unknown growth law 'cubic'"):
        eco.fit(eco.load_history("hake-argentina-north"), growth="cubic")
    with pytest.raises(FitError, match="at least 1 draw"):
        eco.fit(eco.load_history("hake-argentina-north"), draws=0)


def test_gp_is_a_growth_too():
    stock = eco.fit(eco.load_history("hake-argentina-north"), growth="gp")
    assert stock.carrying_capacity > 0.0


def test_posteriors_hold_the_truth_as_often_as_they_say():
    """Truths drawn from the prior, data from the truths: then ranks are uniform, whatever the prior.

    Cook, Gelman & Rubin 2006, Journal of Computational and Graphical Statistics 15:675. The catches are given, and
    truths that cannot bear them are drawn again, as the likelihood has it. An index, so that everything is estimated.
    """
    rng = default_rng(4)
    years, stocks, cv = 18, 24, 0.05
    catch = np.concatenate([np.linspace(0.3, 1.0, 9), np.linspace(1.0, 0.4, 9)])
    inside = {"r": 0, "K": 0, "process_sigma": 0, "biomass_now": 0}
    for _ in range(stocks):
        while True:
            # the priors of ecodecide.fitting.priors, largest catch 1, and 0.75 K within a factor of e^0.6 at first
            K, r = 8.0 * np.exp(0.9 * rng.standard_normal()), 0.4 * np.exp(0.7 * rng.standard_normal())
            sigma, tau = 0.15 * np.exp(0.5 * rng.standard_normal()), 0.2 * np.exp(0.5 * rng.standard_normal())
            x, seen = 0.75 * K * np.exp(0.6 * rng.standard_normal()), []
            for caught in catch:
                seen.append(x)
                s = x - caught * np.exp(np.sqrt(np.log1p(cv**2)) * rng.standard_normal())
                x = (
                    max(s + r * s * (1.0 - s / K), 0.0) * np.exp(sigma * rng.standard_normal())
                    if s > 0.0
                    else -1.0
                )
                if x < 0.0:
                    break
            # a stock that overshot into extinction has no later index; such truths are not what the fit is for
            if x > 0.0 and min(seen) > 0.0:
                break
        index = 0.003 * np.array(seen) * np.exp(tau * rng.standard_normal(years))
        history = eco.CatchHistory(year=np.arange(1990, 1990 + years), catch=catch, index=index)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # some of these truths are wild
            summary = eco.fit(history, cells=100, draws=100).summary()
        for name, truth in (("r", r), ("K", K), ("process_sigma", sigma), ("biomass_now", x)):
            inside[name] += summary[name]["low"] < truth < summary[name]["high"]
    # 24 intervals of 90 %: binomial, 17 or fewer with a probability of 0.7 % each
    for name, count in inside.items():
        assert count >= 18, (name, count)
