"""The Gaussian-process stock, against a dense NumPy twin and against its own meaning."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from ecodecide.errors import ConvergenceWarning, FitError, StockError
from ecodecide.fitting import fit
from ecodecide.fitting import gaussian_process as gp
from ecodecide.fitting.gaussian_process import fit_gaussian_process
from ecodecide.fitting.gaussian_process_worlds import PATH_POINTS, PATH_UPPER, GaussianProcessWorlds
from ecodecide.fitting.growth_prior import GrowthPrior, coordinate
from ecodecide.fitting.lesson import DRAWS, lesson, pair_up
from ecodecide.fitting.second_input import SecondInput
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Logistic
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock

LOGISTIC = ParametricStock(Logistic(r=0.5, K=9.0), LognormalNoise(sigma=0.1))
PRIOR = GrowthPrior()


def sample_data(pairs=25, seed=3, upper=80.0):
    """Escapements from 24 up of a logistic stock of 80, r 0.6, with 6 % scatter."""
    rng = np.random.default_rng(seed)
    s = rng.uniform(24.0, upper, pairs)
    return s, (s + 0.6 * s * (1.0 - s / 80.0)) * np.exp(0.06 * rng.standard_normal(pairs))


@pytest.fixture(scope="module")
def stock():
    s, x = sample_data()
    return fit_gaussian_process(s, x, scale=90.0, unit="t")


def dense_twin(s, x, at, prior, signal_sd, length, noise_sd, scale=90.0, largest=None):
    """One node, dense: log marginal likelihood, posterior mean and covariance of g (Rasmussen & Williams)."""

    def covariance(a, b):
        gap = (2.0 * np.sqrt(a / scale))[:, None] - (2.0 * np.sqrt(b / scale))[None, :]
        if prior.kernel == "squared-exponential":
            correlation = np.exp(-(gap**2) / (2.0 * length**2))
        else:
            far = np.sqrt(5.0) * np.abs(gap) / length
            correlation = (1.0 + far + far**2 / 3.0) * np.exp(-far)
        return signal_sd**2 * correlation

    seen = largest or s.max()

    def mean(a):
        return -prior.decline - np.maximum(0.0, np.log(a / seen))

    K = covariance(s, s) + noise_sd**2 * np.eye(len(s))
    inverse, rest = np.linalg.inv(K), np.log(x / s) - mean(s)
    log_likelihood = -0.5 * rest @ inverse @ rest - 0.5 * np.linalg.slogdet(K)[1]
    cross, hold = covariance(at, s), np.minimum(1.0, seen / at) ** 2
    return (
        log_likelihood - 0.5 * len(s) * np.log(2.0 * np.pi),
        mean(at) + cross @ inverse @ rest,
        np.outer(hold, hold) * (covariance(at, at) - cross @ inverse @ cross.T),
    )


def node(stock, k):
    return stock.signal_sd[k], stock.length_scale[k, 0], stock.noise_sd[k]


AT = np.array([0.5, 10.0, 24.0, 55.0, 90.0, 150.0])


@pytest.fixture
def two_torch_threads():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield torch
    assert torch.get_num_threads() == 2  # a fit leaves them as they were
    torch.set_num_threads(before)


@pytest.mark.parametrize("kernel", ["squared-exponential", "matern-5/2"])
def test_posterior_and_weights_agree_with_the_twin(kernel, two_torch_threads):
    s, x = sample_data()
    prior = replace(PRIOR, kernel=kernel, decline=0.2)
    stock = fit_gaussian_process(s, x, scale=90.0, prior=prior)
    mean, variance = stock.posterior(AT)
    log = np.empty(len(stock.weight))
    for k in range(len(log)):
        log[k], m, v = dense_twin(s, x, AT, prior, *node(stock, k))
        np.testing.assert_allclose(mean[k], m - np.diag(v) / 2.0, rtol=0.0, atol=1e-8)
        np.testing.assert_allclose(variance[k], np.diag(v), rtol=0.0, atol=1e-8)
    values = (stock.signal_sd, stock.length_scale[:, 0], stock.noise_sd)
    for value, (median, sd) in zip(
        values, (prior.signal_sd, prior.length_scale, prior.noise_sd), strict=True
    ):
        log -= 0.5 * (np.log(value / median) / sd) ** 2
    weight = np.exp(log - log.max())
    np.testing.assert_allclose(stock.weight, weight / weight.sum(), atol=1e-8)
    assert stock.border_weight < 0.01


def test_marginal_likelihood_is_that_of_the_pairs_that_are_there():
    s, x = sample_data()
    nodes = gp._Nodes(np.array([0.4, 0.9]), np.array([0.05, 0.2]), np.array([[0.5], [1.3]]))
    known = np.arange(25) % 3 > 0
    expected = [
        dense_twin(s[known], x[known], AT, PRIOR, *values)[0]
        for values in ((0.4, 0.5, 0.05), (0.9, 1.3, 0.2))
    ]
    inputs, outputs = coordinate(s, 90.0)[:, None], np.log(x / s)
    found = gp.log_marginal_likelihood(inputs, outputs, known, PRIOR, nodes)
    # the pairs that are not there add a constant; their variance of 1e12 takes the last digits
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=0.0, atol=1e-4)
    found = gp.log_marginal_likelihood(inputs[known], outputs[known], known[known], PRIOR, nodes)
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-8)


def test_quadrature_is_fine_enough(monkeypatch, stock):
    s, x = sample_data()
    monkeypatch.setattr(gp, "_FINER", (14, 18))
    monkeypatch.setattr(gp, "_COARSE", 16)
    monkeypatch.setattr(gp, "_NEGLIGIBLE", 1e-6)
    finer = fit_gaussian_process(s, x, scale=90.0)
    assert len(finer.weight) > 4 * len(stock.weight)
    at = np.linspace(1.0, 150.0, 40)
    seen = at <= s.max()
    np.testing.assert_allclose(stock.mean(at)[seen], finer.mean(at)[seen], rtol=0.001)
    np.testing.assert_allclose(stock.mean(at), finer.mean(at), rtol=0.003)
    edges = np.concatenate([[-np.inf], np.linspace(0.0, 200.0, 60)])
    np.testing.assert_allclose(stock.kernel(at, edges), finer.kernel(at, edges), atol=0.002)


def test_noise_and_growth_are_recovered():
    s, x = sample_data(pairs=150, seed=8, upper=110.0)
    stock = fit_gaussian_process(s, x)
    at = np.array([30.0, 50.0, 70.0])
    np.testing.assert_allclose(stock.growth(at), at + 0.6 * at * (1.0 - at / 80.0), rtol=0.03)
    assert stock.weight @ stock.noise_sd == pytest.approx(0.06, rel=0.2)
    assert stock.carrying_capacity == pytest.approx(80.0, rel=0.04)
    points = stock.reference_points()
    assert points.escapement_msy == pytest.approx(40.0, rel=0.2)
    assert points.msy == pytest.approx(12.0, rel=0.15)


def test_kernel_rows_sum_to_one_and_zero_absorbs(stock):
    s = np.array([0.0, 1e-9, 5.0, 40.0, 90.0, 400.0])
    kernel = stock.kernel(s, np.array([-np.inf, 0.0, 10.0, 50.0, np.inf]))
    assert kernel.min() >= 0.0
    np.testing.assert_allclose(kernel.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_array_equal(kernel[0], [1.0, 0.0, 0.0, 0.0])
    assert np.all(kernel[1:, 0] == 0.0)  # nothing alive dies out in one year: it shrinks
    short = stock.kernel(s, np.array([-np.inf, 0.0, 50.0]))
    np.testing.assert_allclose(1.0 - short.sum(axis=1), kernel[:, 3], atol=1e-12)
    assert stock.mean(0.0) == 0.0


def test_kernel_mean_and_quantiles_are_those_of_the_predictive(stock):
    """Sample node, function value and noise by hand; the kernel must be the histogram."""
    rng = np.random.default_rng(0)
    n = 200_000
    edges = np.array([-np.inf, 0.0, 10.0, 20.0, 40.0, 60.0, 90.0, np.inf])
    for s in (4.0, 15.0, 50.0, 130.0):
        mean, variance = stock.posterior([s])
        k = rng.choice(len(stock.weight), n, p=stock.weight)
        g = mean[k, 0] + np.sqrt(variance[k, 0]) * rng.standard_normal(n)
        x = s * np.exp(g + stock.noise_sd[k] * rng.standard_normal(n))
        counts = [np.mean((x > a) & (x <= b)) for a, b in pairwise(edges)]
        np.testing.assert_allclose(stock.kernel(np.array([s]), edges)[0], counts, atol=0.005)
        assert stock.mean(s) == pytest.approx(x.mean(), abs=5.0 * x.std() / np.sqrt(n))
        below = np.mean(x <= stock.quantiles(s, [0.05, 0.5, 0.9]), axis=1)
        np.testing.assert_allclose(below, [0.05, 0.5, 0.9], atol=0.005)


def test_step_is_the_quantile_of_the_predictive(stock):
    s, z = np.array([0.0, 10.0, 50.0]), np.array([1.0, 0.5, -0.5])
    x = stock.step(s, z)
    assert x[0] == 0.0
    for a, b, chance in zip(s[1:], x[1:], (0.6914624612740131, 0.3085375387259869), strict=True):
        assert stock.kernel(np.array([a]), np.array([-np.inf, b])).sum() == pytest.approx(chance, abs=1e-9)


def test_far_from_data_the_stated_caution_is_back():
    """A short length scale knows nothing of 0.01 and 20 scales: a stock shrinks by the decline, from above to S."""
    s, x = sample_data()
    prior = GrowthPrior(decline=0.25, signal_sd=(0.5, 0.0), length_scale=(0.05, 0.0))
    stock = fit_gaussian_process(s, x, scale=90.0, prior=prior)
    assert stock.growth(np.array(0.9)) == pytest.approx(0.9 * np.exp(-0.25), rel=1e-9)
    assert stock.growth(np.array(1800.0)) == pytest.approx(s.max() * np.exp(-0.25), rel=1e-9)
    np.testing.assert_allclose(stock.ignorance([0.9, 1800.0]), 1.0, rtol=1e-9)


def test_spread_is_that_of_the_worlds(stock):
    at = path_escapements()[[20, 60, 100]]
    paths = stock.draw(4000, np.random.default_rng(3)).paths[:, [20, 60, 100]]
    # the sd of 4,000 draws is good to 2 % where they are near normal
    np.testing.assert_allclose(stock.spread(at), paths.std(axis=0), rtol=0.08)


def test_ignorance_grows_away_from_the_data(stock):
    unknown = stock.ignorance([50.0, 110.0, 150.0, 250.0, 500.0])
    assert np.all(np.diff(unknown) > 0.0) and unknown[0] < 0.01 and unknown[-1] > 0.8
    unknown = stock.ignorance([24.0, 12.0, 6.0, 1.0])
    assert np.all(np.diff(unknown) > 0.0)


def test_a_world_does_not_depend_on_how_many_are_drawn(stock):
    few = stock.draw(100, np.random.default_rng(5))
    many = stock.draw(700, np.random.default_rng(5))
    one = stock.draw(1, np.random.default_rng(5))
    np.testing.assert_array_equal(few.paths, many.paths[:100])
    np.testing.assert_array_equal(few.noise_sd, many.noise_sd[:100])
    np.testing.assert_array_equal(one.paths, many.paths[:1])
    assert not np.allclose(few.paths[0], few.paths[1])


def path_escapements():
    """Where the paths are drawn."""
    return 90.0 * PATH_UPPER * (np.arange(PATH_POINTS) / (PATH_POINTS - 1)) ** 2


def test_worlds_have_the_moments_of_the_posterior(stock):
    n = 10_000
    worlds = stock.draw(n, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    at = path_escapements()
    mean, variance = stock.posterior(at)
    center = stock.weight @ mean
    spread = np.sqrt(stock.weight @ (variance + mean**2) - center**2)
    assert np.abs(worlds.paths.mean(axis=0) - center).max() < 5.0 * spread.max() / np.sqrt(n)
    # of near-normal mixtures the sd of 10,000 is good to 1 %; atol for the jitter on the diagonal
    np.testing.assert_allclose(worlds.paths.std(axis=0), spread, rtol=0.06, atol=1e-3)
    for s in (6.0, 50.0, 120.0):
        x = worlds.step(np.full(n, s), rng.standard_normal(n))
        below = np.mean(x <= stock.quantiles(s, [0.1, 0.5, 0.9]), axis=1)
        np.testing.assert_allclose(below, [0.1, 0.5, 0.9], atol=0.02)
    # paths are joint draws: the correlation between two escapements is that of the posterior, not zero
    i, j = 35, 45
    s, x = sample_data()
    covariance = np.zeros((2, 2))
    for k in range(len(stock.weight)):
        _, m, v = dense_twin(s, x, at[[i, j]], PRIOR, *node(stock, k))
        m = m - np.diag(v) / 2.0
        covariance += stock.weight[k] * (v + np.outer(m, m))
    covariance -= np.outer(center[[i, j]], center[[i, j]])
    found = np.cov(worlds.paths[:, [i, j]].T)
    assert found[0, 1] == pytest.approx(covariance[0, 1], rel=0.08)


def test_a_world_stays_what_it_is(stock):
    worlds = stock.draw(4, np.random.default_rng(1))
    s = np.array([0.0, 33.0, 33.0, 1e6])
    still = worlds.step(s, np.zeros(4))
    assert worlds.step(s, np.full(4, 3.0))[0] == 0.0  # luck raises no dead
    np.testing.assert_array_equal(still, worlds.step(s, np.zeros(4)))
    assert still[3] == pytest.approx(1e6 * np.exp(worlds.paths[3, -1]))
    # log growth is linear between its points, in the coordinate
    u = 2.0 * np.sqrt(path_escapements()[[10, 11]] / 90.0)
    at = 90.0 * ((0.25 * u[0] + 0.75 * u[1]) / 2.0) ** 2
    rate = 0.25 * worlds.paths[:, 10] + 0.75 * worlds.paths[:, 11]
    np.testing.assert_allclose(worlds.growth(at), at * np.exp(rate), rtol=1e-12)
    grid = np.array([0.0, 33.0, 70.0])
    np.testing.assert_allclose(worlds.growth(np.tile(grid, (4, 1)))[:, 1], worlds.growth(33.0))
    mean = worlds.growth(33.0) * np.exp(0.5 * worlds.noise_sd**2)
    np.testing.assert_allclose(worlds.mean(33.0), mean)
    assert worlds.draw(4, np.random.default_rng(0)) is worlds
    with pytest.raises(StockError, match="4 worlds"):
        worlds.draw(5, np.random.default_rng(0))
    with pytest.raises(StockError, match="stock that they were drawn from"):
        worlds.kernel(s, s)


def test_reference_points_of_worlds():
    s = PATH_UPPER * (np.arange(PATH_POINTS) / (PATH_POINTS - 1)) ** 2
    allee = 2.0 * (1.0 - s) * (s - 0.4)
    flat = np.log(np.minimum(2.0, 1.0 / np.maximum(s, 1e-9)))
    worlds = GaussianProcessWorlds(
        "t", 1.0, np.vstack([allee, np.full_like(s, -0.7), flat, np.full_like(s, 0.1)]), np.full(4, 0.1)
    )
    np.testing.assert_allclose(worlds.carrying_capacity[:3], [1.0, 0.0, 1.0], atol=2e-3)
    assert worlds.worlds[0].allee_threshold == pytest.approx(0.4, abs=2e-3)
    assert [w.allee_threshold for w in worlds.worlds[1:]] == [None, None, None]
    # a kink between two points of the path is cut: they lie 0.016 apart there
    assert worlds.worlds[2].msy == pytest.approx(0.5, abs=8e-3)
    assert worlds.worlds[2].escapement_msy == pytest.approx(0.5, abs=1.6e-2)


# --- several equally likely histories, and a second input ---


def test_draws_of_the_biomass_are_averaged():
    """Two histories at once are the half-and-half mixture of the two stocks."""
    one, two = sample_data(seed=3), sample_data(seed=4)
    both = fit_gaussian_process(np.stack([one[0], two[0]]), np.stack([one[1], two[1]]), scale=90.0)
    parts = [fit_gaussian_process(s, x, scale=90.0) for s, x in (one, two)]
    # of two draws each leaves out nodes of twice as little weight
    np.testing.assert_allclose(both.mean(AT), 0.5 * (parts[0].mean(AT) + parts[1].mean(AT)), rtol=2e-4)
    edges = np.concatenate([[-np.inf], np.linspace(0.0, 200.0, 30)])
    expected = 0.5 * (parts[0].kernel(AT, edges) + parts[1].kernel(AT, edges))
    np.testing.assert_allclose(both.kernel(AT, edges), expected, atol=2e-4)
    # disagreement between the draws widens what is believed
    mean, variance = both.posterior(AT)
    spread = both.weight @ (variance + mean**2) - (both.weight @ mean) ** 2
    assert np.all(spread >= 0.5 * sum(part.weight @ part.posterior(AT)[1] for part in parts) - 1e-3)


def test_a_pair_that_a_draw_has_not_is_as_good_as_not_there():
    s, x = sample_data()
    whole = fit_gaussian_process(s[:20], x[:20], scale=90.0)
    gaps = fit_gaussian_process(
        np.where(np.arange(25) < 20, s, np.nan)[None],
        np.where(np.arange(25) < 20, x, np.nan)[None],
        scale=90.0,
    )
    np.testing.assert_allclose(gaps.mean(AT), whole.mean(AT), rtol=1e-6)


def test_a_covariate_is_learned():
    """Warm years grow half a log unit better: the stock at a temperature says so, and unknown years cost nothing."""
    rng = np.random.default_rng(6)
    s, x = sample_data(pairs=60)
    warmth = rng.standard_normal(60)
    x = x * np.exp(0.25 * warmth)
    stock = fit_gaussian_process(s, x, scale=90.0, second=SecondInput("covariate", warmth[None]))
    cold, warm = stock.at(-1.0).growth(np.array(50.0)), stock.at(1.0).growth(np.array(50.0))
    assert np.log(warm / cold) == pytest.approx(0.5, abs=0.1)
    assert stock.weight @ stock.noise_sd == pytest.approx(0.06, rel=0.35)
    with pytest.raises(
        StockError, match=r"depends on a covariate as well: say which, with stock.at\(value\)"
    ):
        stock.growth(50.0)
    with pytest.raises(StockError, match="second state"):
        stock.draw(3, rng)
    assert stock.at(0.0).draw(3, np.random.default_rng(0)).paths.shape == (3, PATH_POINTS)
    plain = fit_gaussian_process(s, x, scale=90.0)
    with pytest.raises(StockError, match="one input"):
        plain.at(1.0)
    # in other units the covariate says the same
    fahrenheit = fit_gaussian_process(
        s, x, scale=90.0, second=SecondInput("covariate", 32.0 + 1.8 * warmth[None])
    )
    np.testing.assert_allclose(fahrenheit.at(32.0).mean(AT), stock.at(0.0).mean(AT), rtol=1e-9)


def test_quadrature_over_two_inputs_is_fine_enough(monkeypatch):
    rng = np.random.default_rng(6)
    s, x = sample_data(pairs=30)
    second = SecondInput("covariate", rng.standard_normal((1, 30)))
    coarse = fit_gaussian_process(s, x, scale=90.0, second=second)
    monkeypatch.setattr(gp, "_COARSE_OF_TWO", 10)
    monkeypatch.setattr(gp, "_FINER_OF_TWO", (9, 10))
    finer = fit_gaussian_process(s, x, scale=90.0, second=second)
    seen = np.linspace(s.min(), s.max(), 20)
    np.testing.assert_allclose(coarse.at(0.5).mean(seen), finer.at(0.5).mean(seen), rtol=0.005)


def test_a_lag_is_learned():
    rng = np.random.default_rng(7)
    s, _ = sample_data(pairs=80)
    before = rng.uniform(24.0, 80.0, 80)
    x = s * np.exp(0.4 - 0.6 * before / 80.0 + 0.05 * rng.standard_normal(80))
    stock = fit_gaussian_process(s, x, scale=90.0, second=SecondInput("lag", before[None]))
    rate = [float(np.log(stock.at(b).growth(np.array(50.0)) / 50.0)) for b in (30.0, 70.0)]
    np.testing.assert_allclose(rate, [0.175, -0.125], atol=0.04)


def test_a_second_input_must_change():
    with pytest.raises(FitError, match="never changes"):
        SecondInput("covariate", np.full((1, 9), 3.0))
    with pytest.raises(FitError, match="a 'covariate' or a 'lag', got 'moon'"):
        SecondInput("moon", np.arange(9.0)[None])


def test_leaving_one_out_agrees_with_fits_without_it(stock):
    """In closed form, at the nodes of the whole fit; a fit without the pair has its own, so to two digits."""
    s, x = sample_data()
    found, rank = stock.leave_one_out()
    for i in (0, 7, 13, 24):
        others = np.arange(25) != i
        log, density, below = np.empty(len(stock.weight)), [], []
        for k in range(len(log)):
            signal, length, noise = node(stock, k)
            log[k], m, v = dense_twin(
                s[others], x[others], s[[i]], PRIOR, signal, length, noise, largest=s.max()
            )
            for value, (median, sd) in zip(
                (signal, length, noise), (PRIOR.signal_sd, PRIOR.length_scale, PRIOR.noise_sd), strict=True
            ):
                log[k] -= 0.5 * (np.log(value / median) / sd) ** 2
            spread = np.sqrt(v[0, 0] + noise**2)
            z = (np.log(x[i] / s[i]) - m[0]) / spread
            density.append(np.exp(-0.5 * z**2) / (spread * np.sqrt(2.0 * np.pi) * x[i]))
            below.append(0.5 * (1.0 + np.vectorize(__import__("math").erf)(z / np.sqrt(2.0))))
        weight = np.exp(log - log.max()) / np.exp(log - log.max()).sum()
        assert found[i] == pytest.approx(np.log(weight @ density), abs=1e-7)
        assert rank[i] == pytest.approx(weight @ below, abs=1e-7)
        refitted = fit_gaussian_process(s[others], x[others], scale=90.0)
        low, high = refitted.quantiles(s[i], [rank[i] - 0.02, rank[i] + 0.02])[:, 0]
        assert low < x[i] < high


def test_what_vanished_has_a_rank_and_no_density():
    s, x = sample_data()
    gone = np.stack([x, np.where(np.arange(25) == 3, 0.0, x)])
    log_density, rank = fit_gaussian_process(np.stack([s, s]), gone, scale=90.0).leave_one_out()
    assert np.all(np.isfinite(log_density)) and log_density.max() < 0.0
    assert np.all((rank >= 0.0) & (rank <= 1.0))
    alone, _ = fit_gaussian_process(s, gone[1], scale=90.0).leave_one_out()
    assert np.isnan(alone[3]) and np.isfinite(np.delete(alone, 3)).all()


def test_little_noise_is_weighed_as_it_is():
    """gpytorch would take a noise sd of 0.0001 for 0.001."""
    s, x = sample_data(8)
    inputs, known = coordinate(s, 90.0)[:, None], np.ones(8, dtype=bool)
    nodes = gp._Nodes(np.array([0.7]), np.array([1e-4]), np.array([[1.2]]))
    found = gp.log_marginal_likelihood(inputs, np.log(x / s), known, PRIOR, nodes)
    expected = dense_twin(s, x, AT, PRIOR, 0.7, 1.2, 1e-4)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_refuses_hostile_input(stock):
    s, x = sample_data(8)
    with pytest.raises(FitError, match="of the size of the largest escapement"):
        fit_gaussian_process(s, x, scale=s.max() / 10.0)
    with pytest.raises(FitError, match="0 in every pair"):
        fit_gaussian_process(s, 0.0 * x)
    with pytest.raises(FitError, match="a draw has no pair"):
        fit_gaussian_process(np.stack([s, np.nan * s]), np.stack([x, np.nan * x]))
    for values, words in (
        (np.where(np.arange(8) == 2, np.inf, s)[None], "must be finite"),
        (-s[None], "finite and at least 0"),
    ):
        with pytest.raises(FitError, match=words):
            SecondInput("lag", values)
    with pytest.raises(FitError, match=r"one value per pair, shape \(1, 8\), got \(1, 5\)"):
        fit_gaussian_process(s, x, second=SecondInput("covariate", s[None, :5]))
    lagged = fit_gaussian_process(s, x, second=SecondInput("lag", s[None, ::-1]))
    for value in (np.nan, -1.0):
        with pytest.raises(StockError, match="must be a known number"):
            lagged.at(value)
    assert stock.growth(np.array([])).shape == (0,)
    np.testing.assert_array_equal(stock.kernel(np.zeros(1), np.array([-1.0, 0.0, 9.0])), [[1.0, 0.0]])


def test_units_change_nothing_but_units(stock):
    s, x = sample_data()
    big = fit_gaussian_process(1000.0 * s, 1000.0 * x, scale=90_000.0)
    at = np.linspace(0.0, 150.0, 20)
    np.testing.assert_allclose(big.mean(1000.0 * at), 1000.0 * stock.mean(at), rtol=1e-7, atol=1e-7)
    edges = np.concatenate([[-np.inf], np.linspace(0.0, 200.0, 30)])
    np.testing.assert_allclose(big.kernel(1000.0 * at, 1000.0 * edges), stock.kernel(at, edges), atol=1e-9)
    assert big.carrying_capacity == pytest.approx(1000.0 * stock.carrying_capacity)


def test_pairs_of_a_history():
    biomass = np.array([5.0, 6.0, 7.0, 8.0, np.nan, 6.0, 5.0, 4.0])
    catch = np.array([1.0, 2.0, 9.0, 1.0, 1.0, 1.0, 1.0, np.nan])
    nan = np.nan
    s, x, left_out = pair_up(biomass, catch)
    np.testing.assert_array_equal(s, [4.0, 4.0, nan, nan, nan, 5.0, 4.0])
    np.testing.assert_array_equal(x, [6.0, 7.0, nan, nan, nan, 5.0, 4.0])
    assert left_out == 1
    # with draws a year is left out where most draws have nothing left
    s, x, left_out = pair_up([[5.0, 6.0, 7.0], [2.0, 6.0, 7.0], [2.5, 6.0, 7.0]], [2.2, 6.0])
    np.testing.assert_allclose(s, [[2.8, nan], [nan, nan], [0.3, nan]])
    assert left_out == 1
    s, x, _ = pair_up([5.0, 6.0, 7.0], [1.0, 2.0])  # a biomass for the year after the last catch
    np.testing.assert_array_equal(x, [6.0, 7.0])


YEARS = np.arange(2001, 2013)
BIOMASS = np.array([9.0, 7.7, 6.9, 6.2, 5.8, 5.5, 5.3, 6.9, 8.2, 9.0, 8.5, 8.1])
CATCH = np.tile([2.0, 1.0, 1.5], 4)
UNITS = {"catch": "t", "biomass": "t"}


def fitted_to(biomass):
    return SimpleNamespace(trajectory_biomass=biomass * np.linspace(0.9, 1.1, 40)[:, None], unit="t")


def test_a_lesson_is_of_absolute_biomass():
    history = CatchHistory(YEARS, CATCH, biomass=BIOMASS, units=UNITS)
    learned = lesson(history)
    assert (learned.left_out, learned.scale, learned.unit, learned.independent) == (0, 9.0, "t", True)
    np.testing.assert_array_equal(learned.escapement, (BIOMASS - CATCH)[None, :-1])
    np.testing.assert_array_equal(learned.next_biomass, BIOMASS[None, 1:])
    np.testing.assert_array_equal(learned.before[0, 1:], (BIOMASS - CATCH)[:-2])
    assert np.isnan(learned.before[0, 0])
    np.testing.assert_array_equal(learned.year, YEARS[:-1])
    # it comes before that of a fit, and a Gaussian process that is fitted learns it and nothing else
    assert lesson(history, fitted=fitted_to(2.0 * BIOMASS)).independent
    stock = fit(history, growth="gp")
    np.testing.assert_array_equal(stock.escapement, learned.escapement)
    assert (stock.scale, stock.unit) == (learned.scale, learned.unit)
    with pytest.raises(FitError, match=r"at least 5 pairs .* found 4"):
        lesson(CatchHistory(YEARS[:5], CATCH[:5], biomass=BIOMASS[:5]))


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"index": BIOMASS / 10.0}, "an index"),
        ({"index": BIOMASS / 10.0, "biomass": BIOMASS, "observed": "index"}, "an index"),
        ({"ssb": BIOMASS}, "spawning biomass"),
        ({"biomass": BIOMASS / 5.0}, "a biomass that the catch exceeds in 6 years"),
    ],
)
@pytest.mark.filterwarnings("ignore::ecodecide.errors.HistoryWarning")
def test_relative_biomass_is_learned_through_a_fit_alone(columns, found):
    history = CatchHistory(YEARS, CATCH, **columns)
    advice = (
        f"{found}, which is relative: fit a growth law first and use Gpdp with that stock, or give the bio"
    )
    for refuse in (lesson, lambda h: fit(h, growth="gp"), lambda h: lesson(h, fitted=LOGISTIC)):
        with pytest.raises(FitError, match=advice) as met:
            refuse(history)
        assert "\n" not in str(met.value)
    learned = lesson(history, fitted=fitted_to(BIOMASS))
    drawn = BIOMASS * np.linspace(0.9, 1.1, 40)[:DRAWS, None]
    np.testing.assert_allclose(learned.escapement, (drawn - CATCH)[:, :-1])
    np.testing.assert_allclose(learned.next_biomass, drawn[:, 1:])
    assert learned.unit == "t" and not learned.independent and "not independent" in learned.origin


def test_catch_alone_teaches_nothing():
    with pytest.raises(FitError, match="this history has none: give a biomass column"):
        fit(CatchHistory(YEARS, CATCH), growth="gp")


def test_refuses_what_it_cannot_learn_from():
    s, x = sample_data(4)
    with pytest.raises(FitError, match="at least 5 pairs"):
        fit_gaussian_process(s, x)
    s, x = sample_data(8)
    with pytest.raises(FitError, match="finite numbers"):
        fit_gaussian_process(np.where(s == s[0], np.nan, s), x)
    with pytest.raises(FitError, match="finite numbers"):
        fit_gaussian_process(s[1:], x)
    with pytest.raises(FitError, match="at least 5 pairs"):  # nothing that is left is no pair
        fit_gaussian_process(np.zeros(6), np.zeros(6))
    with pytest.raises(FitError, match="the same in every year"):
        fit_gaussian_process(np.full(9, 4.0), np.full(9, 4.0))
    with pytest.raises(FitError, match="scale must be a positive biomass, got -1"):
        fit_gaussian_process(s, x, scale=-1.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"decline": np.nan}, "decline must be a finite rate"),
        ({"signal_sd": (0.0, 0.5)}, "signal_sd must be a positive median"),
        ({"length_scale": (1.0, -0.1)}, "length_scale must be a positive median and a log-sd of at least 0"),
        ({"kernel": "rough"}, "kernel must be one of squared-exponential, matern-5/2, got 'rough'"),
    ],
)
def test_a_prior_must_mean_something(settings, words):
    with pytest.raises(FitError, match=words):
        GrowthPrior(**settings)


def test_a_stock_that_vanished_shrank_below_what_can_be_seen():
    s, x = sample_data(12)
    x[3] = 0.0
    seen = fit_gaussian_process(s, x, scale=90.0)
    x[3] = 0.5 * x[x > 0.0].min()
    np.testing.assert_array_equal(fit_gaussian_process(s, x, scale=90.0).mean(AT), seen.mean(AT))


def test_says_when_the_quadrature_is_too_narrow():
    s = np.linspace(0.3, 1.0, 20)
    with pytest.warns(ConvergenceWarning, match="border of its quadrature"):
        stock = fit_gaussian_process(s, s + 0.5 * s * (1.0 - s))  # no scatter at all
    assert stock.border_weight > 0.03


def test_import_is_light_and_threads_change_no_bit():
    code = (
        "import sys, hashlib, numpy as np\n"
        "import ecodecide.solvers.gpdp as solver\n"
        "from ecodecide.fitting.gaussian_process import fit_gaussian_process\n"
        "assert 'torch' not in sys.modules and 'gpytorch' not in sys.modules\n"
        "s = np.linspace(24.0, 80.0, 60)\n"
        "x = (s + 0.6 * s * (1.0 - s / 80.0)) * np.tile([0.95, 1.04, 1.0], 20)\n"
        "import torch\n"
        "from threadpoolctl import threadpool_limits\n"
        "for threads in (1, 2, 4):\n"
        "    torch.set_num_threads(threads)\n"
        "    with threadpool_limits(limits=threads, user_api='blas'):\n"
        "        stock = fit_gaussian_process(s, x)\n"
        "        assert torch.get_num_threads() == threads\n"
        "        grid = np.linspace(0.0, 250.0, 101)\n"
        "        kernel = stock.kernel(grid, np.concatenate([[-np.inf], grid]))\n"
        "        paths = stock.draw(200, np.random.default_rng(0)).paths\n"
        "    digest = hashlib.sha256()\n"
        "    for a in (stock.weight, kernel, paths, stock.mean(grid)):\n"
        "        digest.update(np.ascontiguousarray(a).tobytes())\n"
        "    print(digest.hexdigest())\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    digests = run.stdout.split()
    assert len(digests) == 3 and len(set(digests)) == 1
    assert len(digests[0]) == hashlib.sha256().digest_size * 2
