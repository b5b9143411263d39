"""Reference points against closed forms, each derived or cited where it stands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecodecide.stock.growth import Allen, BevertonHolt, Logistic, May, Myers, PellaTomlinson, Ricker, growth
from ecodecide.stock.noise import LognormalNoise, NormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.reference_points import (
    best_escapement,
    equilibria,
    is_persistent,
    law_reference_points,
    numerical_reference_points,
)

rates = st.floats(0.02, 1.0)
sizes = st.floats(0.01, 1e6)
# A maximum found from function values alone is flat to rounding within sqrt(1e-16) = 1e-8 of where it lies,
# times the inverse square root of its curvature: a few 1e-8 of the scale. Its height is then good to 1e-15.
PLACE = 2e-7
HEIGHT = 1e-12


@given(r=rates, K=sizes)
def test_logistic(r, K):
    """MSY = rK/4 at K/2 after harvest (Schaefer 1954); before it K/2 + rK/4."""
    for points in (
        law_reference_points(Logistic(r=r, K=K)),
        numerical_reference_points(Logistic(r=r, K=K), K),
    ):
        assert points.msy == pytest.approx(r * K / 4, rel=HEIGHT / r)
        assert points.escapement_msy == pytest.approx(K / 2, rel=PLACE / np.sqrt(r))
        assert points.b_msy == pytest.approx(K / 2 + r * K / 4, rel=PLACE / np.sqrt(r))
        assert points.f_msy == pytest.approx(r / (2 + r), rel=PLACE / np.sqrt(r))
        assert points.carrying_capacity == pytest.approx(K, rel=1e-12)
        assert points.allee_threshold is None


@given(r=rates, p=st.floats(-0.8, 4), K=sizes)
def test_pella_tomlinson(r, p, K):
    """S_MSY/K = (1/(p+1))^(1/p), e^-1 at p = 0; MSY = r S_MSY/(p+1), from (1 - u^p)/p at u^p = 1/(p+1)."""
    share = np.exp(-1) if p == 0 else np.exp(-np.log1p(p) / p)
    law = PellaTomlinson(r=r, p=p, K=K)
    for points in (law_reference_points(law), numerical_reference_points(law, K)):
        assert points.escapement_msy == pytest.approx(K * share, rel=5 * PLACE / np.sqrt(r))
        assert points.msy == pytest.approx(r * K * share / (p + 1), rel=10 * HEIGHT / r)
        assert points.carrying_capacity == pytest.approx(K, rel=1e-11)
        assert points.allee_threshold is None


@pytest.mark.parametrize("p", [1e-3, 1e-6, 1e-9, 1e-12, 1e-16, -1e-9, -1e-16])
def test_pella_tomlinson_reaches_fox_smoothly(p):
    """-log(1+p)/p = -1 + p/2 - ...: within |p| of e^-1; written as (1/(p+1))^(1/p) it loses its digits."""
    share = law_reference_points(PellaTomlinson(r=0.3, p=p, K=1.0)).escapement_msy
    assert share == pytest.approx(np.exp(-1.0), abs=abs(p) / 2 + 1e-15)


@given(A=st.floats(1.05, 20), B=st.floats(1e-5, 100))
def test_beverton_holt(A, B):
    """f' = A/(1+Bs)^2 = 1 at S = (sqrt(A)-1)/B, where f - s = (sqrt(A)-1)^2/B and f = sqrt(A) S."""
    law = BevertonHolt(A=A, B=B)
    root = np.sqrt(A)
    for points in (law_reference_points(law), numerical_reference_points(law, law.scale)):
        assert points.carrying_capacity == pytest.approx((A - 1) / B, rel=1e-10)
        # at A = 1.05 the maximum lies 40 times below the scale, and is as flat
        assert points.escapement_msy == pytest.approx((root - 1) / B, rel=1e-5)
        assert points.msy == pytest.approx((root - 1) ** 2 / B, rel=1e-9)
        assert points.f_msy == pytest.approx(1 - 1 / root, rel=1e-5)


def test_beverton_holt_that_cannot_persist():
    for points in (
        law_reference_points(BevertonHolt(A=0.9, B=1.0)),
        numerical_reference_points(BevertonHolt(A=0.9, B=1.0), 0.9),
    ):
        assert (points.carrying_capacity, points.msy, points.escapement_msy, points.f_msy) == (0, 0, 0, 0)
        assert not is_persistent(BevertonHolt(A=0.9, B=1.0), points.carrying_capacity)


@given(r=st.floats(0.1, 1.9), K=sizes)
def test_ricker_solves_its_first_order_condition(r, K):
    """f' = (1 - r s/K) exp(r (1 - s/K)) = 1; the left side falls with s up to 2K/r, so the root is one."""
    for points in (law_reference_points(Ricker(r=r, K=K)), numerical_reference_points(Ricker(r=r, K=K), K)):
        u = points.escapement_msy / K
        assert (1 - r * u) * np.exp(r * (1 - u)) == pytest.approx(1.0, abs=5e-7)
        assert u < 1 / r
        assert points.carrying_capacity == pytest.approx(K, rel=1e-11)
        assert points.allee_threshold is None


@pytest.mark.parametrize("r", [2.3, 2.9])
def test_capacity_of_a_cycling_stock_is_the_center_of_the_cycle(r):
    assert numerical_reference_points(Ricker(r=r, K=2.0), 2.0).carrying_capacity == pytest.approx(
        2.0, rel=1e-12
    )


@given(r=st.floats(0.2, 3), K=st.floats(0.5, 50), share=st.floats(0.02, 0.95))
def test_allen(r, K, share):
    """f(s) = s where the exponent is 0, at C and K: C is the threshold, K the capacity."""
    law = Allen(r=r, K=K, C=share * K)
    for points in (law_reference_points(law), numerical_reference_points(law, K)):
        assert points.carrying_capacity == pytest.approx(K, rel=1e-10)
        assert points.allee_threshold == pytest.approx(share * K, rel=1e-10)
        assert points.msy > 0.0
        assert share * K < points.escapement_msy < K


@given(r=st.floats(0.2, 3), C=st.floats(-3, 0))
def test_allen_without_threshold(r, C):
    law = Allen(r=r, K=2.0, C=C)
    for points in (law_reference_points(law), numerical_reference_points(law, 2.0)):
        assert points.allee_threshold is None
        assert points.carrying_capacity == pytest.approx(2.0, rel=1e-10)


def test_allen_whose_threshold_is_its_capacity_has_neither():
    """With C = K the exponent -r (s - K)^2/K^2 is nowhere positive: every stock shrinks."""
    points = law_reference_points(Allen(r=1.0, K=2.0, C=2.0))
    assert (points.carrying_capacity, points.msy, points.allee_threshold) == (0.0, 0.0, None)


@given(r=st.floats(0.3, 5), K=st.floats(0.1, 50))
def test_myers_with_theta_2(r, K):
    """f(s) = s is s^2/K - r s + 1 = 0: roots K (r +- sqrt(r^2 - 4/K))/2, real only if r^2 > 4/K."""
    law = Myers(r=r, theta=2.0, K=K)
    points = law_reference_points(law)
    discriminant = r**2 - 4 / K
    if discriminant < -1e-6:
        assert (points.carrying_capacity, points.allee_threshold, points.msy) == (0.0, None, 0.0)
    elif discriminant > 1e-2:  # roots wider apart than the trial escapements
        root = np.sqrt(discriminant)
        assert points.carrying_capacity == pytest.approx(K * (r + root) / 2, rel=1e-8)
        # the smaller root by the product of both, K, to keep its digits
        assert points.allee_threshold == pytest.approx(2 / (r + root), rel=1e-8)


def test_myers_without_depensation_has_no_threshold():
    """theta = 1 is Beverton-Holt with A = r, B = 1/K, and capacity (r - 1) K."""
    points = law_reference_points(Myers(r=1.5, theta=1.0, K=10.0))
    assert points.carrying_capacity == pytest.approx(5.0, rel=1e-12)
    assert points.allee_threshold is None


def test_may_has_two_stable_states_and_the_fold_takes_the_upper_one():
    """r = 1/2, K = 10, a = b = 1, q = 2: f = s where s^3 - 10 s^2 + 21 s - 10 = (s - 2)(s^2 - 8 s + 5) = 0.

    So 4 - sqrt(11) and 4 + sqrt(11) are stable and 2 is the tipping point. With a = 3/2 the cubic
    s^3 - 10 s^2 + 31 s - 10 has a single real root.
    """
    law = May(r=0.5, K=10.0, a=1.0, b=1.0, q=2.0)
    capacity, threshold = equilibria(law, law.scale)
    assert capacity == pytest.approx(4 + np.sqrt(11), rel=1e-12)
    assert threshold == pytest.approx(2.0, rel=1e-11)
    below, above = np.array(1.99), np.array(2.01)
    for _ in range(3000):
        below, above = law(below), law(above)
    assert float(below) == pytest.approx(4 - np.sqrt(11), rel=1e-9)
    assert float(above) == pytest.approx(4 + np.sqrt(11), rel=1e-9)

    consumed = law_reference_points(May(r=0.5, K=10.0, a=1.5, b=1.0, q=2.0))
    roots = np.roots([1, -10, 31, -10])
    only = roots[np.abs(roots.imag) < 1e-9].real
    assert len(only) == 1
    assert consumed.carrying_capacity == pytest.approx(only[0], rel=1e-10)
    assert consumed.allee_threshold is None


def test_of_several_thresholds_the_largest_below_capacity_counts():
    """Gain 5 s (s - .1)(.3 - s)(.6 - s)(1 - s): unstable at .1 and .6, stable at .3 and 1."""
    law = growth(lambda s: s + 5 * s * (s - 0.1) * (0.3 - s) * (0.6 - s) * (1 - s), scale=1.0)
    capacity, threshold = equilibria(law, 1.0)
    assert capacity == pytest.approx(1.0, rel=1e-11)
    assert threshold == pytest.approx(0.6, rel=1e-10)


def test_growth_that_starts_too_slowly_to_be_seen_is_no_threshold():
    """s + s^4 (1 - s) grows from every start below 1; up to s = 6e-6 the gain is less than an ulp of s."""
    points = numerical_reference_points(growth(lambda s: s + s**4 * (1 - s)), 1.0)
    assert points.carrying_capacity == pytest.approx(1.0, rel=1e-9)
    assert points.allee_threshold is None
    # d/ds s^4 (1 - s) = 0 at s = 4/5
    assert points.escapement_msy == pytest.approx(0.8, rel=PLACE)


@given(r=st.floats(0.06, 1.5), g=st.floats(0.9, 1.0), K=sizes)
def test_reeds_escapement_of_logistic_growth(r, g, K):
    """g f'(S) = 1, so g (1 + r (1 - 2 S/K)) = 1 and S = K (1 - (1/g - 1)/r)/2, or 0 once g (1 + r) <= 1."""
    expected = max(K / 2 * (1 - (1 / g - 1) / r), 0.0)
    found = best_escapement(Logistic(r=r, K=K), g, K)
    if expected < 1e-5 * K:  # at the foot of the trial escapements, 1e-6 of the scale
        assert found <= 2e-5 * K
    else:
        assert found == pytest.approx(expected, abs=PLACE * K / np.sqrt(r))


@given(r=st.floats(0.2, 1.0), sigma=st.floats(0.01, 0.5))
def test_reeds_escapement_under_lognormal_noise_of_median_one(r, sigma):
    """g E[z] f'(S) = 1 with E[z] = exp(sigma^2/2): noise with a mean above 1 acts as a smaller discount."""
    g = 0.9
    stock = ParametricStock(Logistic(r=r, K=1.0), LognormalNoise(sigma))
    expected = (1 - (1 / (g * np.exp(sigma**2 / 2)) - 1) / r) / 2
    assert best_escapement(stock.mean, g, 1.0) == pytest.approx(expected, abs=PLACE / np.sqrt(r))
    centered = ParametricStock(Logistic(r=r, K=1.0), LognormalNoise(sigma, center="mean"))
    assert best_escapement(centered.mean, g, 1.0) == pytest.approx(
        (1 - (1 / g - 1) / r) / 2, abs=PLACE / np.sqrt(r)
    )


def test_slow_growth_is_liquidated():
    """g (1 + r) <= 1: money in the bank outgrows the stock at every size (Clark 1973)."""
    assert best_escapement(Logistic(r=0.05, K=1.0), 0.95, 1.0) == 0.0
    assert best_escapement(Logistic(r=0.06, K=1.0), 0.95, 1.0) > 0.0


def test_the_maximum_is_global_when_an_allee_effect_makes_two():
    """g f(s) - s is 0 at s = 0 and falls at first; its hump decides, found by a dumb search."""
    law = Allen(r=2.0, K=8.0, C=5.0)
    s = np.linspace(0, 20, 200_001)
    for g in (1.0, 0.97, 0.9, 0.7):
        assert best_escapement(law, g, 8.0) == pytest.approx(s[np.argmax(g * law(s) - s)], abs=2e-4)
    assert best_escapement(law, 0.9, 8.0) == 0.0 < best_escapement(law, 0.97, 8.0)


def test_memarzadeh_and_boettiger_2019():
    """r = .75, K = 1, discount .95: the paper's MSY and escapement rules settle at .6515, doi:10.1086/702704.

    The escapement is (1 - (1/.95 - 1)/.75)/2 = .464912.
    """
    law = Logistic(r=0.75, K=1.0)
    escapement = best_escapement(law, 0.95, 1.0)
    assert escapement == pytest.approx(0.4649, abs=5e-5)
    assert float(law(escapement)) == pytest.approx(0.6515, abs=5e-5)


def test_noise_that_adds_nothing_moves_nothing():
    """The reference points are of the growth law, whatever the noise."""
    law = Logistic(r=0.75, K=1.0)
    assert (
        ParametricStock(law, NormalNoise(0.3)).reference_points()
        == ParametricStock(law, LognormalNoise(0.1)).reference_points()
    )
