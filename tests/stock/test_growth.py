"""Growth laws against plain formulas, one escapement at a time, in the standard library alone.

The formulas are those of the sources named in each law's docstring, typed again here with `math`.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecodecide.errors import StockError
from ecodecide.stock.growth import (
    LAWS,
    Allen,
    BevertonHolt,
    FunctionGrowth,
    Logistic,
    May,
    Myers,
    PellaTomlinson,
    Ricker,
    growth,
    parameters,
)

# a law, its parameters, and its formula before clipping
CASES = [
    (Logistic, {"r": 0.75, "K": 2.0}, lambda s, r, K: s + r * s * (1 - s / K)),
    (PellaTomlinson, {"r": 0.4, "p": 0.2, "K": 3.0}, lambda s, r, p, K: s + r / p * s * (1 - (s / K) ** p)),
    (PellaTomlinson, {"r": 0.4, "p": 2.5, "K": 3.0}, lambda s, r, p, K: s + r / p * s * (1 - (s / K) ** p)),
    (PellaTomlinson, {"r": 0.4, "p": -0.6, "K": 3.0}, lambda s, r, p, K: s + r / p * s * (1 - (s / K) ** p)),
    (BevertonHolt, {"A": 3.0, "B": 0.5}, lambda s, A, B: A * s / (1 + B * s)),
    (Ricker, {"r": 1.2, "K": 4.0}, lambda s, r, K: s * math.exp(r * (1 - s / K))),
    (Allen, {"r": 2.0, "K": 8.0, "C": 5.0}, lambda s, r, K, C: s * math.exp(r * (1 - s / K) * (s - C) / K)),
    (Myers, {"r": 1.5, "theta": 2.0, "K": 10.0}, lambda s, r, theta, K: r * s**theta / (1 + s**theta / K)),
    (
        May,
        {"r": 0.8, "K": 15.3, "a": 2.5, "b": 1.6, "q": 3.0},
        lambda s, r, K, a, b, q: s + r * s * (1 - s / K) - a * s**q / (s**q + b**q),
    ),
]
CASE_IDS = [f"{law.name}-{i}" for i, (law, _, _) in enumerate(CASES)]
ESCAPEMENTS = [1e-6, 0.01, 0.3, 1.0, 1.7, 2.0, 5.0, 8.0, 14.0, 40.0]
# formula and law round differently, a few ulp each, and subtraction below K loses at most two digits more
TIGHT = {"rel": 1e-12, "abs": 1e-14}


@pytest.mark.parametrize(("law", "values", "formula"), CASES, ids=CASE_IDS)
def test_law_is_its_formula_clipped_at_zero(law, values, formula):
    for s in ESCAPEMENTS:
        assert float(law(**values)(s)) == pytest.approx(max(formula(s, **values), 0.0), **TIGHT)


@pytest.mark.parametrize(("law", "values", "formula"), CASES, ids=CASE_IDS)
def test_vector_of_escapements_is_each_one(law, values, formula):
    one = law(**values)
    together = one(np.array(ESCAPEMENTS).reshape(2, 5))
    assert together.shape == (2, 5)
    # the same floating-point operations; SIMD and scalar transcendental functions may differ by an ulp or two
    np.testing.assert_allclose(together.ravel(), [float(one(s)) for s in ESCAPEMENTS], rtol=1e-14)


@pytest.mark.parametrize(("law", "values", "formula"), CASES, ids=CASE_IDS)
def test_array_parameters_are_each_scalar(law, values, formula):
    several = {name: value * np.array([1.0, 1.25, 0.5]) for name, value in values.items()}
    escapements = np.array([0.2, 1.1, 0.7])
    together = law(**several)(escapements)
    for i, s in enumerate(escapements):
        alone = law(**{name: float(value[i]) for name, value in several.items()})
        assert together[i] == pytest.approx(float(alone(s)), rel=1e-14)


@pytest.mark.parametrize(("law", "values", "formula"), CASES, ids=CASE_IDS)
def test_extinct_stays_extinct_exactly_and_nothing_is_negative_or_missing(law, values, formula):
    one = law(**values)
    assert float(one(0.0)) == 0.0
    with np.errstate(all="raise", under="ignore"):  # and no warning on the way
        far = one(np.array([0.0, 1e-300, 1e-12, 1.0, 1e3, 1e8]))
    assert np.all(np.isfinite(far))
    assert np.all(far >= 0.0)


def test_a_registered_law_can_be_found_by_name_and_rebuilt_from_its_parameters():
    assert set(LAWS) == {"logistic", "pella-tomlinson", "beverton-holt", "ricker", "allen", "myers", "may"}
    for law, values, _ in CASES:
        assert LAWS[law.name] is law
        assert parameters(law(**values)) == values


def test_logistic_below_zero_is_clipped():
    # s + r s (1 - s/K) < 0 once s > K (1 + 1/r): here above 3
    law = Logistic(r=0.5, K=1.0)
    assert float(law(2.99)) > 0.0
    assert float(law(3.01)) == 0.0


@given(r=st.floats(0.01, 3), K=st.floats(0.1, 1e4), u=st.floats(0, 5))
def test_pella_tomlinson_with_p_1_is_logistic(r, K, u):
    # both clip at 0; next to the zero of f the difference is rounding of terms as large as r u^2 K
    assert float(PellaTomlinson(r=r, p=1.0, K=K)(u * K)) == pytest.approx(
        float(Logistic(r=r, K=K)(u * K)), rel=1e-12, abs=1e-13 * K * (1 + r * u**2)
    )


@given(r=st.floats(0.01, 1), u=st.floats(1e-6, 2), sign=st.sampled_from([-1, 1]), k=st.integers(3, 15))
def test_pella_tomlinson_goes_to_fox_along_its_series_in_p(r, u, sign, k):
    # (1 - u^p)/p = -log u - p (log u)^2 / 2 - p^2 (log u)^3 / 6 - ...: what is left of Fox's s - r s log s
    # and the term in p is at most p^2 |log u|^3 exp(|p log u|) / 6 times r s, and rounding
    p = sign * 10.0**-k
    fox = u - r * u * math.log(u)
    expected = fox - r * u * p * math.log(u) ** 2 / 2
    bound = r * u * p**2 * abs(math.log(u)) ** 3 * math.exp(abs(p * math.log(u))) / 6
    assert abs(float(PellaTomlinson(r=r, p=p, K=1.0)(u)) - expected) <= bound + 1e-14
    assert float(PellaTomlinson(r=r, p=0.0, K=1.0)(u)) == pytest.approx(fox, rel=1e-13)


@given(r=st.floats(0.1, 3), C=st.floats(-3, 0), u=st.floats(1e-4, 0.999))
def test_allen_without_threshold_never_shrinks_below_capacity(r, C, u):
    assert float(Allen(r=r, K=1.0, C=C)(u)) >= u


@given(r=st.floats(0.1, 3), C=st.floats(0.01, 0.9), share=st.floats(0.01, 0.99))
def test_allen_with_threshold_shrinks_below_it_and_grows_above(r, C, share):
    law = Allen(r=r, K=1.0, C=C)
    below, above = share * C, C + share * (1.0 - C)
    assert float(law(below)) < below
    assert float(law(above)) > above
    assert float(law(C)) == pytest.approx(C, rel=1e-15)


def test_myers_is_beverton_holt_without_depensation_and_saturates_at_r_K():
    # theta = 1: r s / (1 + s/K) is Beverton-Holt with A = r, B = 1/K
    s = np.linspace(0, 20, 41)
    np.testing.assert_allclose(
        Myers(r=1.5, theta=1.0, K=10.0)(s), BevertonHolt(A=1.5, B=0.1)(s), rtol=1e-13, atol=0
    )
    assert float(Myers(r=1.5, theta=2.0, K=10.0)(1e200)) == pytest.approx(15.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Logistic(r=0.0, K=1.0), "Logistic: r must be positive, got 0"),
        (lambda: Logistic(r=0.5, K=-2.0), "Logistic: K must be positive, got -2"),
        (lambda: Logistic(r=np.nan, K=1.0), "r must be positive, got nan"),
        (lambda: Logistic(r=np.array([0.1, -0.2]), K=1.0), "r must be positive, got -0.2"),
        (lambda: PellaTomlinson(r=0.5, p=-1.0, K=1.0), "p must be above -1, got -1"),
        (lambda: PellaTomlinson(r=0.5, p=np.inf, K=1.0), "p must be finite, got inf"),
        (lambda: BevertonHolt(A=2.0, B=0.0), "B must be positive"),
        (lambda: Ricker(r=1.0, K=np.inf), "K must be positive, got inf"),
        (lambda: Allen(r=1.0, K=1.0, C=np.nan), "C must be finite, got nan"),
        (lambda: Myers(r=1.0, theta=0.0, K=1.0), "theta must be positive"),
        (lambda: May(r=1.0, K=1.0, a=1.0, b=-1.0), "May: b must be positive"),
    ],
)
def test_meaningless_parameters_are_refused_by_name(make, words):
    with pytest.raises(StockError, match=words):
        make()


def test_a_users_function_is_used_as_it_is_and_clipped():
    law = growth(lambda s: s + 0.5 * s * (1 - s / 2.0))
    assert isinstance(law, FunctionGrowth)
    np.testing.assert_array_equal(law(np.array([0.0, 1.0, 50.0])), [0.0, 1.25, 0.0])
    # trial escapements stand 100 to a decade (a factor 10^0.01 apart); the last that grows is below K = 2
    assert 2.0 / 10**0.01 <= law.scale <= 2.0
    assert growth(lambda s: s * np.exp(1 - s), scale=3).scale == 3.0
    assert parameters(law) == {}


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda s: 1.0, r"given an array of shape \(2,\), it returned shape \(\)"),
        (lambda s: s[:1], r"it returned shape \(1,\)"),
        (lambda s: np.where(s > 0, np.nan, 0.0), "values that are not finite"),
        (lambda s: np.where(s > 0, np.inf, 0.0), "values that are not finite"),
        (lambda s: s + 0.5, "must return 0 at an escapement of 0"),
    ],
)
def test_a_users_function_that_breaks_its_word_is_refused(function, words):
    with pytest.raises(StockError, match=words):
        growth(function, scale=1.0)(np.array([0.0, 1.0]))


@pytest.mark.parametrize("function", [lambda s: 0.9 * s, lambda s: 1.1 * s])
def test_a_users_function_without_capacity_is_refused(function):
    with pytest.raises(StockError, match="no carrying capacity between"):
        growth(function)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_a_meaningless_scale_is_refused(scale):
    with pytest.raises(StockError, match="scale must be positive"):
        growth(lambda s: s * np.exp(1 - s), scale=scale)


def test_numbers_of_a_user_s_function_may_be_one_per_replicate():
    law = growth(lambda s, r, K: s * np.exp(r * (1.0 - s / K)), scale=10.0, r=np.array([0.2, 0.4]), K=10.0)
    expected = [Ricker(r=r, K=10.0)(3.0) for r in (0.2, 0.4)]
    np.testing.assert_allclose(law(3.0), expected)
    np.testing.assert_allclose(law(np.array([[3.0], [3.0]])), [expected, expected])
    assert float(law.take(1)(3.0)) == pytest.approx(float(expected[1]))
    assert parameters(law.take(1)) == {"r": 0.4, "K": 10.0}
    # without a scale one is found for numbers, and asked for where there is one per replicate
    assert growth(lambda s, K: s * np.exp(1.0 - s / K), K=5.0).scale == pytest.approx(5.0, rel=0.05)
    with pytest.raises(StockError, match="arrays need a scale"):
        growth(lambda s, K: s * np.exp(1.0 - s / K), K=np.array([5.0, 6.0]))
