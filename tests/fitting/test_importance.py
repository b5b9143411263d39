"""Importance sampling against densities that are known, and against Metropolis on a posterior that is not."""

import numpy as np
import pytest
from scipy import stats

import ecodecide as eco
from ecodecide.fitting.importance import WeightedDraws, importance_sample
from ecodecide.fitting.state_space import StateSpaceModel


def sample(log_density, center, covariance, count=4000, seed=1):
    return importance_sample(
        log_density,
        np.array(center),
        np.array(covariance),
        count,
        np.random.default_rng(seed),
        lambda share: None,
    )


def test_a_skewed_density_is_met_as_it_is():
    # y = log x of x ~ Gamma(2): mode 0.693, curvature 2; the normal there has mean .693, the truth psi(2) = 0.4228
    def log_density(y):
        return float(np.sum(2.0 * y - np.exp(y)))

    found = sample(log_density, [np.log(2.0)] * 2, np.eye(2) / 2.0)
    x = np.exp(found.points)
    # standard error of a weighted mean: sd / sqrt(effective size); 4 of them
    for power, moment, spread in ((1, 2.0, np.sqrt(2.0)), (2, 6.0, np.sqrt(120.0 - 36.0))):
        error = spread / np.sqrt(found.effective_size)
        assert np.all(np.abs(found.weights @ x**power - moment) < 4 * error), power
    assert found.effective_size > 1000
    chosen = found.resample(2000, np.random.default_rng(2))
    for q in (0.05, 0.5, 0.95):
        # the density of Gamma(2) at the quantile turns an error in probability into one in x
        exact = stats.gamma(2).ppf(q)
        error = np.sqrt(q * (1 - q) / found.effective_size) / stats.gamma(2).pdf(exact)
        assert abs(np.quantile(x[chosen][:, 0], q) - exact) < 5 * error, q


def test_a_bad_start_is_mended_by_the_second_half():
    target = stats.multivariate_normal([3.0, -2.0], [[1.0, 0.9], [0.9, 1.0]])
    found = sample(lambda y: float(target.logpdf(y)), [1.5, -1.0], np.eye(2))
    assert np.all(np.abs(found.weights @ found.points - [3.0, -2.0]) < 4 / np.sqrt(found.effective_size))
    assert found.effective_size > 400


def test_no_density_anywhere_is_worth_nothing():
    found = sample(lambda y: -1e9, [0.0], [[1.0]], count=50)
    assert found.effective_size == 0.0


def test_resampling_keeps_the_weights():
    drawn = WeightedDraws(np.arange(4.0)[:, None], np.array([0.5, 0.25, 0.25, 0.0]))
    places = drawn.resample(400, np.random.default_rng(0))
    # systematic resampling: each count is within one of its expectation
    np.testing.assert_allclose(np.bincount(places, minlength=4), [200, 100, 100, 0], atol=1)
    assert drawn.effective_size == pytest.approx(1 / (0.25 + 2 * 0.0625))


def test_the_posterior_agrees_with_metropolis():
    """A slow stock seen through an index, whose posterior is skewed: 16 years, r = 0.2, K = 1000."""
    rng = np.random.default_rng(8)
    x, biomass, catch = 800.0, [], []
    for t in range(16):
        biomass.append(x)
        catch.append((0.15 if t < 10 else 0.05) * x)
        s = x - catch[-1]
        x = (s + 0.2 * s * (1 - s / 1000.0)) * np.exp(0.1 * rng.standard_normal())
    index = 0.01 * np.array(biomass) * np.exp(0.2 * rng.standard_normal(16))
    history = eco.CatchHistory(year=np.arange(2000, 2016), catch=catch, index=index)

    model = StateSpaceModel.of(history, "logistic", None, 0.05, 60)
    posterior = eco.fit(history, cells=60, draws=400)
    found = np.log(np.asarray(posterior.members.growth.r))

    at = np.array([p.location for p in model.priors])
    at[:] = [np.log(8.0), np.log(0.3), np.log(0.15), np.log(0.2), np.log(index.mean() / 4.0)]
    value, chain = model.log_posterior(at), []
    for _ in range(5000):
        step = at + np.array([0.35, 0.35, 0.25, 0.12, 0.35]) * rng.standard_normal(5) * 0.7
        # K and catchability move against each other
        shared = 0.4 * rng.standard_normal()
        step[0] += shared
        step[4] -= shared
        new = model.log_posterior(step)
        if np.log(rng.random()) < new - value:
            at, value = step, new
        chain.append(at[1])
    chain = np.array(chain[1000:])
    # batch means tell the error of the chain, the effective size that of the sampler
    batches = chain.reshape(20, -1).mean(axis=1)
    error = np.hypot(batches.std(ddof=1) / np.sqrt(20), chain.std() / np.sqrt(200))
    assert abs(found.mean() - chain.mean()) < 4 * error
    assert found.std() == pytest.approx(chain.std(), rel=0.3)
