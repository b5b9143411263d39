"""A parametric stock: its kernel, mean and steps are one distribution, its batches so many single worlds."""

import numpy as np
import pytest
from scipy import stats

from ecodecide.errors import StockError
from ecodecide.stock.growth import Allen, BevertonHolt, Logistic, growth
from ecodecide.stock.noise import LognormalNoise, NormalNoise, UniformNoise
from ecodecide.stock.parametric import ParametricStock

LOGISTIC = Logistic(r=0.75, K=1.0)
EDGES = np.concatenate([[-np.inf], np.linspace(0.0, 2.0, 9)])
ESCAPEMENTS = np.array([0.0, 0.02, 0.3, 0.9, 1.6])


def dumb_cdf(noise, x, f):
    """P(next <= x | f) by scipy.stats, and by hand for what scipy has not: the atoms."""
    if x < 0.0:
        return 0.0
    if f == 0.0:
        return 1.0
    match noise:
        case LognormalNoise(sigma=s, center="median"):
            return stats.lognorm(s=s, scale=f).cdf(x)
        case LognormalNoise(sigma=s):
            return stats.lognorm(s=s, scale=f * np.exp(-(s**2) / 2)).cdf(x)
        case NormalNoise(sd=sd):
            return stats.norm(f, sd).cdf(x)
        case UniformNoise(half_width=w):
            return stats.uniform(f * (1 - w), 2 * w * f).cdf(x)


NOISES = [LognormalNoise(0.2), LognormalNoise(0.2, center="mean"), NormalNoise(0.15), UniformNoise(0.3)]
IDS = ["lognormal-median", "lognormal-mean", "normal", "uniform"]


@pytest.mark.parametrize("noise", NOISES, ids=IDS)
def test_kernel_is_the_dumb_double_loop(noise):
    kernel = ParametricStock(LOGISTIC, noise).kernel(ESCAPEMENTS, EDGES)
    assert kernel.shape == (5, 9)
    for i, s in enumerate(ESCAPEMENTS):
        f = max(s + 0.75 * s * (1 - s), 0.0)
        for j in range(9):
            expected = dumb_cdf(noise, EDGES[j + 1], f) - dumb_cdf(noise, EDGES[j], f)
            # a difference of two probabilities, each good to an ulp or so of 1
            assert kernel[i, j] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("noise", NOISES, ids=IDS)
def test_kernel_is_where_steps_land(noise):
    stock = ParametricStock(LOGISTIC, noise)
    # midpoints of 4000 equal slices of probability: counts differ from the kernel by under two slices a cell
    z = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    for s in ESCAPEMENTS:
        after = stock.step(np.full(4000, s), z)
        cell = np.searchsorted(EDGES[1:], after, side="left")
        counts = np.bincount(cell, minlength=10)[:9] / 4000
        np.testing.assert_allclose(counts, stock.kernel(np.array([s]), EDGES)[0], atol=2 / 4000)
        # the slices cut the tails: a relative error well under 1e-3 for spreads of up to 0.3
        assert float(stock.mean(s)) == pytest.approx(after.mean(), rel=1e-3)


def test_extinction_is_an_atom_that_absorbs():
    for noise in NOISES:
        row = ParametricStock(LOGISTIC, noise).kernel(np.array([0.0]), EDGES)[0]
        np.testing.assert_array_equal(row, [1.0, 0, 0, 0, 0, 0, 0, 0, 0])


def test_a_batch_is_its_members():
    r, K, C, sigma = np.array([1.0, 2.0, 0.5]), np.array([8.0, 10.0, 4.0]), np.array([5.0, -1.0, 1.0]), 0.1
    batch = ParametricStock(
        Allen(r=r, K=K, C=C),
        LognormalNoise(np.array([0.05, 0.1, 0.2])),
        unit="t",
        initial_biomass=np.array([6.0, 7.0, 3.0]),
    )
    escapement, z = np.array([6.0, 3.0, 2.0]), np.array([0.3, -1.0, 1.5])
    for i in range(3):
        one = batch.member(i)
        assert one.unit == "t"
        assert one.initial_biomass == batch.initial_biomass[i]
        assert float(C[i]) == one.growth.C
        assert batch.step(escapement, z)[i] == pytest.approx(float(one.step(escapement[i], z[i])), rel=1e-14)
        assert batch.mean(escapement)[i] == pytest.approx(float(one.mean(escapement[i])), rel=1e-14)
        assert batch.carrying_capacity[i] == one.carrying_capacity == max(K[i], C[i])
        assert batch.worlds[i] == one.reference_points()
    assert batch.worlds[1].allee_threshold is None
    assert batch.worlds[2].allee_threshold == 1.0
    mixed = ParametricStock(Logistic(r=r, K=1.0), NormalNoise(sigma))
    assert mixed.member(2).growth.r == 0.5
    assert mixed.member(2).growth.K == 1.0
    np.testing.assert_array_equal(mixed.carrying_capacity, [1.0, 1.0, 1.0])


def test_a_batch_has_no_one_kernel_and_no_one_set_of_reference_points():
    """As many worlds as escapements would otherwise pair them off in silence."""
    several = ParametricStock(Logistic(r=np.full(5, 0.7), K=1.0), NormalNoise(0.1))
    spread = ParametricStock(LOGISTIC, NormalNoise(np.full(5, 0.1)))
    for batch in (several, spread):
        with pytest.raises(StockError, match=r"take stock\.member\(i\)"):
            batch.kernel(ESCAPEMENTS, EDGES)
    with pytest.raises(StockError, match=r"take stock\.member\(i\)"):
        several.reference_points()


def test_a_known_stock_draws_itself():
    stock = ParametricStock(LOGISTIC, NormalNoise(0.1))
    assert stock.draw(7, np.random.default_rng(0)) is stock
    assert stock.worlds == (stock.reference_points(),)
    assert stock.carrying_capacity == 1.0


def test_capacity_is_where_the_stock_settles_and_not_a_parameters_name():
    # Beverton-Holt: (A - 1)/B (Beverton & Holt 1957)
    assert ParametricStock(BevertonHolt(A=3.0, B=0.5), NormalNoise(0.1)).carrying_capacity == 4.0
    # Allen with C above K settles at C
    assert ParametricStock(Allen(r=1.0, K=1.0, C=2.0), NormalNoise(0.1)).carrying_capacity == 2.0


def test_a_users_law_makes_a_stock():
    stock = ParametricStock(growth(lambda s: s + 0.75 * s * (1 - s)), NormalNoise(0.15))
    twin = ParametricStock(LOGISTIC, NormalNoise(0.15))
    np.testing.assert_allclose(stock.kernel(ESCAPEMENTS, EDGES), twin.kernel(ESCAPEMENTS, EDGES), atol=1e-15)
    # a search to about 1e-13 of the scale
    assert stock.carrying_capacity == pytest.approx(1.0, abs=1e-12)
    assert stock.member(0).growth is not None


@pytest.mark.parametrize(
    ("growth_law", "noise", "words"),
    [
        (lambda s: s, NormalNoise(0.1), r"wrap a function of your own as ecodecide\.growth"),
        (0.75, NormalNoise(0.1), "growth must be a growth law, got float"),
        (LOGISTIC, 0.1, "noise must be LognormalNoise, NormalNoise or UniformNoise, got 0.1"),
    ],
)
def test_what_is_no_stock_is_refused(growth_law, noise, words):
    with pytest.raises(StockError, match=words):
        ParametricStock(growth_law, noise)


def test_worlds_of_a_batch_are_taken_and_told_apart():
    batch = ParametricStock(
        Logistic(r=np.array([0.5, 0.7, 0.5, 0.5]), K=1.0),
        LognormalNoise(np.array([0.1, 0.1, 0.1, 0.2])),
        initial_biomass=np.array([0.3, 0.4, 0.6, 0.7]),
    )
    # the third world is the first one again, wherever it starts
    numbers = batch.world_numbers
    assert numbers[0] == numbers[2]
    assert len(set(numbers.tolist())) == 3
    taken = batch.take(np.array([3, 1]))
    np.testing.assert_array_equal(taken.growth.r, [0.5, 0.7])
    np.testing.assert_array_equal(taken.initial_biomass, [0.7, 0.4])
    assert taken.growth.K == 1.0
    assert batch.member(1).world_numbers is None
