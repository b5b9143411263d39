"""Noise on recruitment: draws, means and distributions must be of one and the same random variable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from ecodecide.errors import StockError
from ecodecide.stock.noise import LognormalNoise, NormalNoise, UniformNoise

NOISES = [
    LognormalNoise(sigma=0.3),
    LognormalNoise(sigma=0.3, center="mean"),
    NormalNoise(sd=0.25),
    UniformNoise(half_width=0.4),
    UniformNoise(half_width=1.0),
]
IDS = ["lognormal-median", "lognormal-mean", "normal", "uniform", "uniform-widest"]


@pytest.mark.parametrize("noise", NOISES, ids=IDS)
@given(f=st.floats(0.01, 100), z=st.floats(-5, 5))
def test_cdf_of_the_quantile_is_its_probability(noise, f, z):
    """Where apply(f, z) is strictly increasing in z, cdf(apply(f, z), f) = Phi(z)."""
    x = float(noise.apply(f, z))
    if isinstance(noise, NormalNoise) and z <= -f / noise.sd:
        # censored: all z below -f/sd give 0, where the cdf jumps to the mass of all of them
        assert x == 0.0
        assert float(noise.cdf(0.0, f)) == pytest.approx(stats.norm.cdf(-f / noise.sd), rel=1e-12)
        return
    # rounding of x by 1e-16 f moves z by 1e-16 f / (dx/dz) < 1e-13: 400 for the normal at f = 100
    assert float(noise.cdf(x, f)) == pytest.approx(stats.norm.cdf(z), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("noise", NOISES, ids=IDS)
@pytest.mark.parametrize("f", [0.02, 0.3, 2.0])
def test_mean_is_the_integral_over_z(noise, f):
    kinks = [-f / noise.sd] if isinstance(noise, NormalNoise) else []
    kinks = [k for k in kinks if -9 < k < 9]
    # beyond |z| = 9 lies a probability of 2e-19
    expected, _ = integrate.quad(
        lambda z: float(noise.apply(f, z)) * stats.norm.pdf(z), -9, 9, points=kinks or None, epsabs=1e-12
    )
    assert float(noise.mean(f)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("noise", NOISES, ids=IDS)
@pytest.mark.parametrize("f", [0.02, 0.3, 2.0])
def test_mean_is_the_integral_of_the_survival_function(noise, f):
    """E[X] = integral of 1 - F for X >= 0, which ties the cdf to the mean without going through z."""
    top = float(noise.apply(f, 8.0))  # what lies above has a probability of 6e-16
    survival = integrate.quad(
        lambda x: 1.0 - float(noise.cdf(x, f)), 0, top, points=[float(noise.apply(f, 0.0))], limit=200
    )[0]
    assert float(noise.mean(f)) == pytest.approx(survival, rel=1e-7)


def test_each_center_is_what_its_name_says():
    # lognormal moments: median e^mu, mean e^(mu + sigma^2/2)
    assert float(LognormalNoise(0.5).apply(2.0, 0.0)) == 2.0
    assert float(LognormalNoise(0.5).mean(2.0)) == pytest.approx(2.0 * np.exp(0.125), rel=1e-15)
    assert float(LognormalNoise(0.5, center="mean").mean(2.0)) == 2.0
    assert float(LognormalNoise(0.5, center="mean").apply(2.0, 0.0)) == pytest.approx(2.0 * np.exp(-0.125))
    # uniform on f [1 - w, 1 + w]
    assert float(UniformNoise(0.4).mean(2.0)) == 2.0
    np.testing.assert_allclose(UniformNoise(0.4).apply(2.0, np.array([-40.0, 40.0])), [1.2, 2.8], rtol=1e-15)


def test_absolute_and_relative_spread():
    """Normal noise is as wide for a large stock as for a small one; the others widen with the stock."""
    for f in (10.0, 1000.0):
        assert float(NormalNoise(0.25).apply(f, 1.0)) - f == pytest.approx(0.25, rel=1e-12)
        assert float(LognormalNoise(0.3).apply(f, 1.0)) / f == pytest.approx(np.exp(0.3))
        # Phi(1) = 0.8413447 (any table of the normal distribution)
        assert float(UniformNoise(0.4).apply(f, 1.0)) / f == pytest.approx(1 + 0.4 * (2 * 0.8413447 - 1))


@given(f=st.floats(0.001, 5))
def test_censored_normal_mean_is_above_f_and_closed(f):
    """E max(f + sd Z, 0) = f Phi(f/sd) + sd phi(f/sd) (Greene, Econometric Analysis, censored normal)."""
    sd = 0.25
    mean = float(NormalNoise(sd).mean(f))
    assert mean == pytest.approx(f * stats.norm.cdf(f / sd) + sd * stats.norm.pdf(f / sd), rel=1e-13)
    assert mean >= f * (1 - 1e-15)  # far above 0 nothing is censored, and both are f up to rounding


@pytest.mark.parametrize("noise", NOISES, ids=IDS)
def test_zero_absorbs(noise):
    z = np.linspace(-6, 6, 25)
    np.testing.assert_array_equal(noise.apply(np.zeros(25), z), 0.0)
    assert float(noise.mean(0.0)) == 0.0
    np.testing.assert_array_equal(
        noise.cdf(np.array([-np.inf, -1e-9, 0.0, 1.0, np.inf]), 0.0), [0, 0, 1, 1, 1]
    )


@pytest.mark.parametrize("noise", NOISES, ids=IDS)
def test_cdf_runs_from_zero_to_one_and_never_falls(noise):
    x = np.concatenate([[-np.inf, -1.0], np.linspace(0, 8, 400), [np.inf]])
    below = noise.cdf(x[None, :], np.array([0.05, 0.5, 2.0])[:, None])
    assert below.shape == (3, 403)
    assert np.all(np.diff(below, axis=1) >= 0.0)
    np.testing.assert_array_equal(below[:, :2], 0.0)
    np.testing.assert_array_equal(below[:, -1], 1.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda v: LognormalNoise(sigma=v),
        lambda v: LognormalNoise(sigma=v, center="mean"),
        lambda v: NormalNoise(sd=v),
        lambda v: UniformNoise(half_width=v),
    ],
    ids=IDS[:4],
)
def test_array_parameters_are_each_scalar(make):
    values = np.array([0.1, 0.3, 0.8])
    grown, z, x = np.array([0.5, 1.0, 2.0]), np.array([-0.7, 0.2, 1.9]), np.array([0.4, 1.2, 2.2])
    together = make(values)
    for i, value in enumerate(values):
        alone = make(float(value))
        assert together.apply(grown, z)[i] == pytest.approx(float(alone.apply(grown[i], z[i])), rel=1e-14)
        assert together.mean(grown)[i] == pytest.approx(float(alone.mean(grown[i])), rel=1e-14)
        assert together.cdf(x, grown)[i] == pytest.approx(float(alone.cdf(x[i], grown[i])), rel=1e-14)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LognormalNoise(sigma=0.0), "LognormalNoise: sigma must be positive"),
        (lambda: LognormalNoise(sigma=0.1, center="mode"), "'median' or 'mean', got 'mode'"),
        (lambda: NormalNoise(sd=-0.1), "NormalNoise: sd must be positive"),
        (lambda: NormalNoise(sd=np.array([0.1, np.nan])), "NormalNoise: sd must be positive"),
        (lambda: UniformNoise(half_width=1.5), "half_width must be at most 1, got 1.5"),
        (lambda: UniformNoise(half_width=0.0), "half_width must be positive"),
    ],
)
def test_meaningless_parameters_are_refused(make, words):
    with pytest.raises(StockError, match=words):
        make()
