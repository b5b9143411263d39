"""The Gaussian-process stock, against a dense NumPy twin and against its own meaning."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from ecodecide.errors import ConvergenceWarning, FitError, StockError
from ecodecide.fitting import fit
from ecodecide.fitting import gaussian_process as gp
from ecodecide.fitting.gaussian_process import fit_gaussian_process
from ecodecide.fitting.gaussian_process_stock import GaussianProcessWorlds
from ecodecide.fitting.lesson import lesson, pair_up
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Logistic
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock

PSEUDO_VARIANCE = 1e-12  # of the added point (0, 0)
LOGISTIC = ParametricStock(Logistic(r=0.5, K=9.0), LognormalNoise(sigma=0.1))


def sample_data(pairs=25, seed=3, upper=80.0):
    """Escapements from 24 up of a logistic stock of 80, r 0.6, with 6 % scatter."""
    rng = np.random.default_rng(seed)
    s = rng.uniform(24.0, upper, pairs)
    return s, (s + 0.6 * s * (1.0 - s / 80.0)) * np.exp(0.06 * rng.standard_normal(pairs))


@pytest.fixture(scope="module")
def stock():
    s, x = sample_data()
    return fit_gaussian_process(s, x, scale=90.0, unit="t")


def dense_twin(inputs, outputs, signal_sd, length, noise_sd, at):
    """One node, dense: log marginal likelihood, posterior mean and covariance of f (Rasmussen & Williams)."""

    def covariance(a, b):
        return signal_sd**2 * np.exp(-0.5 * (a[:, None] - b[None, :]) ** 2 / length**2)

    noise = np.full(len(inputs), noise_sd**2)
    noise[0] = PSEUDO_VARIANCE
    K = covariance(inputs, inputs) + np.diag(noise)
    inverse = np.linalg.inv(K)
    sign, logdet = np.linalg.slogdet(K)
    assert sign == 1
    log_likelihood = -0.5 * outputs @ inverse @ outputs - 0.5 * logdet - 0.5 * len(inputs) * np.log(2 * np.pi)
    cross = covariance(at, inputs)
    return log_likelihood, cross @ inverse @ outputs, covariance(at, at) - cross @ inverse @ cross.T


def scaled_data():
    s, x = sample_data()
    return np.append(0.0, s / 90.0), np.append(0.0, x / 90.0)


def test_marginal_likelihood_is_exact():
    inputs, outputs = scaled_data()
    length, noise = np.array([0.3, 0.7, 1.5]), np.array([0.02, 0.1, 0.3])
    found = gp.log_marginal_likelihood(inputs, outputs, 0.5, length, noise)
    expected = [dense_twin(inputs, outputs, 0.5, a, b, inputs)[0] for a, b in zip(length, noise, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-8)


@pytest.fixture
def two_torch_threads():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield torch
    assert torch.get_num_threads() == 2  # a fit leaves them as they were
    torch.set_num_threads(before)


def test_posterior_agrees_with_twin_and_with_gpytorch(stock, two_torch_threads):
    at = np.array([0.5, 10.0, 24.0, 55.0, 90.0, 150.0])
    mean, variance = stock.posterior(at)
    inputs, outputs = scaled_data()
    for k in range(0, len(stock.weight), 7):
        _, m, v = dense_twin(
            inputs, outputs, stock.signal_sd, stock.length_scale[k], stock.noise_sd[k], at / 90.0
        )
        np.testing.assert_allclose(mean[k] / 90.0, m, rtol=0.0, atol=1e-8)
        np.testing.assert_allclose(variance[k] / 90.0**2, np.diag(v), rtol=0.0, atol=1e-8)
    torch = two_torch_threads
    nodes = (stock.length_scale, stock.noise_sd)
    with gp._gaussian_process(inputs, outputs, stock.signal_sd, *nodes) as (model, _):
        assert torch.get_num_threads() == 1  # so that no bit depends on the machine
        model.eval()
        x = torch.as_tensor(at / 90.0)[None, :, None].expand(len(stock.weight), -1, 1)
        predicted = model(x)
        np.testing.assert_allclose(mean / 90.0, predicted.mean.numpy(), rtol=0.0, atol=1e-8)
        np.testing.assert_allclose(variance / 90.0**2, predicted.variance.numpy(), rtol=0.0, atol=1e-8)


def test_weights_are_the_posterior_on_the_quadrature(stock):
    inputs, outputs = scaled_data()
    nodes = zip(stock.length_scale, stock.noise_sd, strict=True)
    log = np.array([dense_twin(inputs, outputs, stock.signal_sd, a, b, inputs)[0] for a, b in nodes])
    for value, (median, sd) in ((stock.length_scale, gp.LENGTH_PRIOR), (stock.noise_sd, gp.NOISE_PRIOR)):
        log -= 0.5 * (np.log(value / median) / sd) ** 2
    weight = np.exp(log - log.max())
    np.testing.assert_allclose(stock.weight, weight / weight.sum(), atol=1e-8)
    assert stock.weight.min() >= 1e-4
    assert stock.border_weight < 1e-3


def test_quadrature_is_fine_enough(monkeypatch, stock):
    s, x = sample_data()
    monkeypatch.setattr(gp, "_FINE", 60)
    monkeypatch.setattr(gp, "_NEGLIGIBLE", 1e-7)
    finer = fit_gaussian_process(s, x, scale=90.0)
    at = np.linspace(1.0, 150.0, 40)
    np.testing.assert_allclose(stock.mean(at), finer.mean(at), atol=0.002 * 90.0)
    edges = np.concatenate([[-np.inf], np.linspace(0.0, 200.0, 60)])
    np.testing.assert_allclose(stock.kernel(at, edges), finer.kernel(at, edges), atol=0.002)


def test_noise_and_growth_are_recovered():
    s, x = sample_data(pairs=150, seed=8, upper=110.0)
    stock = fit_gaussian_process(s, x)
    at = np.array([30.0, 50.0, 70.0])
    np.testing.assert_allclose(stock.growth(at), at + 0.6 * at * (1.0 - at / 80.0), rtol=0.03)
    assert stock.weight @ stock.noise_sd * stock.scale == pytest.approx(0.06 * x.mean(), rel=0.2)
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
    assert kernel[3, 0] < 1e-6 < 0.3 < kernel[1, 0]
    short = stock.kernel(s, np.array([-np.inf, 0.0, 50.0]))
    np.testing.assert_allclose(1.0 - short.sum(axis=1), kernel[:, 3], atol=1e-12)
    assert stock.mean(0.0) == 0.0


def test_kernel_and_mean_are_those_of_the_predictive(stock):
    """Sample node, function value and noise by hand; the kernel must be the histogram."""
    rng = np.random.default_rng(0)
    n = 200_000
    edges = np.array([-np.inf, 0.0, 10.0, 20.0, 40.0, 60.0, 90.0, np.inf])
    for s in (4.0, 15.0, 50.0, 130.0):
        mean, variance = stock.posterior([s])
        node = rng.choice(len(stock.weight), n, p=stock.weight)
        f = mean[node, 0] + np.sqrt(variance[node, 0]) * rng.standard_normal(n)
        x = np.maximum(f + stock.noise_sd[node] * 90.0 * rng.standard_normal(n), 0.0)
        counts = [np.mean((x > a) & (x <= b)) for a, b in pairwise(edges)]
        np.testing.assert_allclose(stock.kernel(np.array([s]), edges)[0], counts, atol=0.005)
        assert stock.mean(s) == pytest.approx(x.mean(), abs=5.0 * x.std() / np.sqrt(n))


def test_step_is_the_quantile_of_the_predictive(stock):
    s, z = np.array([0.0, 10.0, 50.0]), np.array([1.0, 0.5, -0.5])
    x = stock.step(s, z)
    assert x[0] == 0.0
    for a, b, chance in zip(s[1:], x[1:], (0.6914624612740131, 0.3085375387259869), strict=True):
        assert stock.kernel(np.array([a]), np.array([-np.inf, b])).sum() == pytest.approx(chance, abs=1e-9)


def test_far_from_data_the_prior_is_back(stock):
    mean, variance = stock.posterior([50.0, 110.0, 150.0, 900.0])
    assert stock.weight @ mean[:, 3] == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose(variance[:, 3], (stock.signal_sd * 90.0) ** 2, rtol=1e-6)
    spread = np.sqrt(stock.weight @ variance)
    assert np.all(np.diff(spread) > 0.0)
    growth = stock.growth(np.array([110.0, 150.0, 250.0, 900.0]))
    assert np.all(np.diff(growth) < 0.0)


def test_a_world_does_not_depend_on_how_many_are_drawn(stock):
    few = stock.draw(100, np.random.default_rng(5))
    many = stock.draw(700, np.random.default_rng(5))
    one = stock.draw(1, np.random.default_rng(5))
    np.testing.assert_array_equal(few.paths, many.paths[:100])
    np.testing.assert_array_equal(few.noise_sd, many.noise_sd[:100])
    np.testing.assert_array_equal(one.paths, many.paths[:1])
    assert not np.allclose(few.paths[0], few.paths[1])


def test_worlds_have_the_moments_of_the_predictive(stock):
    n = 10_000
    worlds = stock.draw(n, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    mean, variance = stock.posterior(worlds.escapement)
    center = stock.weight @ mean
    spread = np.sqrt(stock.weight @ (variance + mean**2) - center**2)
    assert np.abs(worlds.paths.mean(axis=0) - center).max() < 5.0 * spread.max() / np.sqrt(n)
    np.testing.assert_allclose(worlds.paths.std(axis=0)[1:], spread[1:], rtol=0.04, atol=0.05)
    for s in (6.0, 50.0, 120.0):
        x = worlds.step(np.full(n, s), rng.standard_normal(n))
        assert x.mean() == pytest.approx(stock.mean(s), abs=5.0 * x.std() / np.sqrt(n))
        extinct = stock.kernel(np.array([s]), np.array([-1.0, 0.0]))[0, 0]
        assert np.mean(x <= 0.0) == pytest.approx(extinct, abs=0.01)
    # paths are joint draws: the correlation between two escapements is that of the posterior, not zero
    i, j = 20, 24
    covariance = np.zeros((2, 2))
    for k in range(len(stock.weight)):
        inputs, outputs = scaled_data()
        at = worlds.escapement[[i, j]] / 90.0
        node = (stock.length_scale[k], stock.noise_sd[k])
        _, m, v = dense_twin(inputs, outputs, stock.signal_sd, *node, at)
        covariance += stock.weight[k] * (v + np.outer(m, m))
    m = center[[i, j]] / 90.0
    covariance -= np.outer(m, m)
    found = np.cov(worlds.paths[:, [i, j]].T / 90.0)
    assert found[0, 1] == pytest.approx(covariance[0, 1], rel=0.05)


def test_a_world_stays_what_it_is(stock):
    worlds = stock.draw(4, np.random.default_rng(1))
    s = np.array([0.0, 33.0, 33.0, 1e6])
    still = worlds.step(s, np.zeros(4))
    assert worlds.step(s, np.full(4, 3.0))[0] == 0.0  # luck raises no dead
    np.testing.assert_array_equal(still, worlds.step(s, np.zeros(4)))
    assert still[3] == max(worlds.paths[3, -1], 0.0)
    np.testing.assert_array_equal(worlds.paths[:, 0], 0.0)
    # linear between its points
    at = 0.25 * worlds.escapement[10] + 0.75 * worlds.escapement[11]
    np.testing.assert_allclose(
        worlds.growth(at), 0.25 * worlds.paths[:, 10] + 0.75 * worlds.paths[:, 11], rtol=1e-12
    )
    grid = np.array([0.0, 33.0, 70.0])
    np.testing.assert_allclose(worlds.growth(np.tile(grid, (4, 1)))[:, 1], worlds.growth(33.0))
    assert worlds.draw(4, np.random.default_rng(0)) is worlds
    with pytest.raises(StockError, match="4 worlds"):
        worlds.draw(5, np.random.default_rng(0))
    with pytest.raises(StockError, match="stock that they were drawn from"):
        worlds.kernel(s, s)


def test_reference_points_of_worlds():
    s = np.linspace(0.0, 3.0, 301)
    allee = s * np.exp(2.0 * (1.0 - s) * (s - 0.4))
    kinked = np.where(s < 0.495, 0.5 * s, 1.0)
    paths = np.vstack([allee, 0.5 * s, np.minimum(2.0 * s, 1.0), np.full_like(s, 5.0), kinked])
    paths[:, 0] = 0.0
    worlds = GaussianProcessWorlds("t", s, paths, np.full(5, 0.1))
    np.testing.assert_allclose(worlds.carrying_capacity, [1.0, 0.0, 1.0, 5.0, 1.0], atol=1e-3)
    assert worlds.worlds[0].allee_threshold == pytest.approx(0.4, abs=1e-3)
    assert [w.allee_threshold for w in worlds.worlds[1:4]] == [None, None, None]
    assert worlds.worlds[4].allee_threshold == pytest.approx(0.49 + 0.01 * 0.245 / 0.745)
    assert worlds.worlds[2].msy == pytest.approx(0.5)
    assert worlds.worlds[2].escapement_msy == pytest.approx(0.5)


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
    s, x, left_out = pair_up(biomass, catch)
    np.testing.assert_array_equal(s, [4.0, 4.0, 5.0, 4.0])
    np.testing.assert_array_equal(x, [6.0, 7.0, 5.0, 4.0])
    assert left_out == 1
    s, x, _ = pair_up([5.0, 6.0, 7.0], [1.0, 2.0])  # a biomass for the year after the last catch
    np.testing.assert_array_equal(x, [6.0, 7.0])


YEARS = np.arange(2001, 2013)
BIOMASS = np.array([9.0, 7.7, 6.9, 6.2, 5.8, 5.5, 5.3, 6.9, 8.2, 9.0, 8.5, 8.1])
CATCH = np.tile([2.0, 1.0, 1.5], 4)
UNITS = {"catch": "t", "biomass": "t"}


def fitted_to(biomass):
    return SimpleNamespace(trajectory_biomass=np.stack([0.9 * biomass, 1.1 * biomass]), unit="t")


def test_a_lesson_is_of_absolute_biomass():
    history = CatchHistory(YEARS, CATCH, biomass=BIOMASS, units=UNITS)
    learned = lesson(history)
    assert (learned.left_out, learned.scale, learned.unit, learned.independent) == (0, 9.0, "t", True)
    np.testing.assert_array_equal(learned.escapement, (BIOMASS - CATCH)[:-1])
    np.testing.assert_array_equal(learned.next_biomass, BIOMASS[1:])
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
    np.testing.assert_allclose(learned.escapement, (BIOMASS - CATCH)[:-1])
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
    with pytest.raises(FitError, match="teaches nothing"):
        fit_gaussian_process(np.zeros(6), np.zeros(6))


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
        "before = torch.get_num_threads()\n"
        "stock = fit_gaussian_process(s, x)\n"
        "assert torch.get_num_threads() == before\n"
        "grid = np.linspace(0.0, 250.0, 101)\n"
        "kernel = stock.kernel(grid, np.concatenate([[-np.inf], grid]))\n"
        "paths = stock.draw(200, np.random.default_rng(0)).paths\n"
        "digest = hashlib.sha256()\n"
        "for a in (stock.weight, kernel, paths, stock.mean(grid)):\n"
        "    digest.update(np.ascontiguousarray(a).tobytes())\n"
        "print(digest.hexdigest())\n"
    )
    digests = set()
    for threads in ("1", "2", "4"):
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        run = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(run.stdout.strip())
    assert len(digests) == 1
    assert len(digests.pop()) == hashlib.sha256().digest_size * 2
