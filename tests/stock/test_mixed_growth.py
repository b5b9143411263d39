"""Worlds of several laws in one batch are each what they are alone."""

import numpy as np
import pytest

from ecodecide import Allen, Logistic, LognormalNoise, ParametricStock, Ricker
from ecodecide.stock.growth import parameters
from ecodecide.stock.mixed_growth import MixedGrowth


@pytest.fixture
def mixed():
    laws = (
        Logistic(r=np.array([0.2, 0.4]), K=np.array([10.0, 20.0])),
        Ricker(r=np.array([0.5]), K=np.array([30.0])),
        Allen(r=np.array([1.0, 2.0]), K=np.array([10.0, 12.0]), C=np.array([-1.0, 3.0])),
    )
    return MixedGrowth(laws, which=np.array([2, 0, 1, 0, 2]), row=np.array([1, 0, 0, 1, 0]))


ALONE = [
    Allen(r=2.0, K=12.0, C=3.0),
    Logistic(r=0.2, K=10.0),
    Ricker(r=0.5, K=30.0),
    Logistic(r=0.4, K=20.0),
    Allen(r=1.0, K=10.0, C=-1.0),
]


@pytest.mark.parametrize("shape", [(), (1,), (5,), (7, 1), (3, 5)])
def test_each_replicate_grows_by_its_own_law(mixed, shape):
    s = np.random.default_rng(1).uniform(0.0, 15.0, shape)
    expected = np.stack(
        [law(np.broadcast_to(s, np.broadcast_shapes(s.shape, (5,)))[..., i]) for i, law in enumerate(ALONE)],
        -1,
    )
    np.testing.assert_array_equal(mixed(s), expected)


def test_a_part_of_a_mixture_is_a_mixture_and_one_place_is_a_law(mixed):
    some = mixed.take(np.array([4, 0]))
    np.testing.assert_array_equal(some(5.0), [ALONE[4](5.0), ALONE[0](5.0)])
    for place, law in enumerate(ALONE):
        one = mixed.take(place)
        assert type(one) is type(law) and parameters(one) == parameters(law)
    np.testing.assert_array_equal(mixed.scale, [12.0, 10.0, 30.0, 20.0, 10.0])


def test_a_stock_of_a_mixture_is_a_batch_of_worlds(mixed):
    stock = ParametricStock(mixed, LognormalNoise(sigma=np.linspace(0.1, 0.5, 5)), "t", np.arange(5.0))
    alone = [ParametricStock(law, LognormalNoise(sigma=0.1)).reference_points() for law in ALONE]
    assert list(stock.worlds) == alone
    np.testing.assert_array_equal(stock.carrying_capacity, [w.carrying_capacity for w in alone])
    z = np.random.default_rng(2).standard_normal(5)
    expected = [
        law(4.0) * np.exp(sigma * n) for law, sigma, n in zip(ALONE, np.linspace(0.1, 0.5, 5), z, strict=True)
    ]
    np.testing.assert_allclose(stock.step(np.full(5, 4.0), z), expected, rtol=1e-15)
    # worlds are told apart by law and by place: only what is drawn twice is the same
    assert (
        list(stock.take(np.array([0, 1, 0, 3])).world_numbers[[0, 2]])
        == [stock.take(np.array([0, 1, 0, 3])).world_numbers[0]] * 2
    )
    assert len(set(stock.world_numbers)) == 5
