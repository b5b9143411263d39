"""Surveys: sample, likelihood and cdf must describe one and the same observation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from ecodecide.errors import StockError
from ecodecide.stock.survey import LognormalSurvey, NormalSurvey, PerfectSurvey, parse_survey

NOISY = [NormalSurvey(sd=0.2), LognormalSurvey(cv=0.3)]
IDS = ["normal", "lognormal"]


@pytest.mark.parametrize("survey", NOISY, ids=IDS)
@pytest.mark.parametrize("biomass", [0.05, 0.4, 3.0])
def test_likelihood_integrates_to_one_with_the_mass_at_zero(survey, biomass):
    top = float(survey.sample(biomass, 9.0))  # a probability of 1e-19 lies above
    density = integrate.quad(
        lambda y: float(survey.likelihood(y, biomass)), 1e-300, top, points=[biomass], limit=200, epsabs=1e-12
    )[0]
    assert density + float(survey.likelihood(0.0, biomass)) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("survey", NOISY, ids=IDS)
@given(biomass=st.floats(0.1, 3), z=st.floats(-2, 3))
def test_likelihood_is_the_slope_of_the_cdf(survey, biomass, z):
    y = float(survey.sample(biomass, z))
    if y <= 1e-3:  # at the atom the cdf jumps and has no slope
        return
    h = 1e-5 * y
    slope = (float(survey.cdf(y + h, biomass)) - float(survey.cdf(y - h, biomass))) / (2 * h)
    # central differences: an error of h^2 times the third derivative, and 1e-16/h of rounding
    assert slope == pytest.approx(float(survey.likelihood(y, biomass)), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("survey", NOISY, ids=IDS)
@given(biomass=st.floats(0.01, 50), z=st.floats(-5, 5))
def test_cdf_of_a_sample_is_its_probability(survey, biomass, z):
    y = float(survey.sample(biomass, z))
    if y == 0.0:
        assert float(survey.cdf(0.0, biomass)) == pytest.approx(
            stats.norm.cdf(-biomass / survey.sd), rel=1e-12
        )
        assert z <= -biomass / survey.sd
    else:
        assert float(survey.cdf(y, biomass)) == pytest.approx(stats.norm.cdf(z), rel=1e-6, abs=1e-12)


def test_normal_likelihood_by_hand():
    # N(0.5, 0.2) at 0.7, one sd up: exp(-1/2) / (0.2 sqrt(2 pi)); at 0 the mass Phi(-0.5/0.2)
    survey = NormalSurvey(sd=0.2)
    assert float(survey.likelihood(0.7, 0.5)) == pytest.approx(
        math.exp(-0.5) / (0.2 * math.sqrt(2 * math.pi)), rel=1e-13
    )
    assert float(survey.likelihood(0.0, 0.5)) == pytest.approx(0.5 * math.erfc(2.5 / math.sqrt(2)), rel=1e-12)
    # a negative reading is one of the events that are reported as 0
    assert float(survey.likelihood(-0.3, 0.5)) == float(survey.likelihood(0.0, 0.5))


@given(cv=st.floats(0.02, 1.5))
def test_lognormal_survey_has_its_cv_and_its_median(cv):
    survey = LognormalSurvey(cv=cv)
    # of a lognormal, (CV)^2 = exp(sigma^2) - 1
    assert math.sqrt(math.expm1(survey.sigma**2)) == pytest.approx(cv, rel=1e-10)
    assert float(survey.sample(2.0, 0.0)) == 2.0
    assert float(survey.cdf(2.0, 2.0)) == 0.5
    expected = stats.lognorm(s=survey.sigma, scale=2.0)
    for y in (0.5, 2.0, 7.0):
        assert float(survey.likelihood(y, 2.0)) == pytest.approx(expected.pdf(y), rel=1e-10)


@pytest.mark.parametrize("survey", [*NOISY, PerfectSurvey()], ids=[*IDS, "perfect"])
def test_extinct_stock_is_seen_as_zero_always(survey):
    np.testing.assert_array_equal(survey.sample(np.zeros(5), np.array([-3.0, -1, 0, 1, 3])), 0.0)
    np.testing.assert_array_equal(survey.cdf(np.array([-1e-9, 0.0, 2.0]), 0.0), [0.0, 1.0, 1.0])
    assert float(survey.likelihood(0.0, 0.0)) == 1.0
    assert float(survey.likelihood(0.3, 0.0)) == 0.0


def test_zero_is_evidence_of_extinction_for_lognormal_and_only_suggests_it_for_normal():
    biomass = np.array([0.0, 0.1, 1.0])
    np.testing.assert_array_equal(LognormalSurvey(0.2).likelihood(0.0, biomass), [1.0, 0.0, 0.0])
    seen = NormalSurvey(0.2).likelihood(0.0, biomass)
    assert 1.0 == seen[0] > seen[1] > seen[2] > 0.0


@pytest.mark.parametrize("survey", [*NOISY, PerfectSurvey()], ids=[*IDS, "perfect"])
def test_no_survey_says_nothing(survey):
    np.testing.assert_array_equal(survey.likelihood(np.nan, np.array([0.0, 0.1, 2.0])), [1.0, 1.0, 1.0])


def test_perfect_survey_sees_the_biomass():
    survey = PerfectSurvey()
    np.testing.assert_array_equal(survey.sample(np.array([0.2, 3.0]), np.array([5.0, -5.0])), [0.2, 3.0])
    np.testing.assert_array_equal(survey.likelihood(0.2, np.array([0.0, 0.2, 0.3])), [0.0, 1.0, 0.0])
    np.testing.assert_array_equal(survey.cdf(np.array([0.1, 0.2, 0.3]), 0.2), [0.0, 1.0, 1.0])


def test_parse_survey_reads_what_its_message_promises():
    assert parse_survey("perfect") == PerfectSurvey()
    assert parse_survey("lognormal:0.2") == LognormalSurvey(cv=0.2)
    assert parse_survey("normal:0.1") == NormalSurvey(sd=0.1)
    # a share of the scale, for normal alone: a CV has no unit
    assert parse_survey("normal:0.1", scale=50.0) == NormalSurvey(sd=5.0)
    assert parse_survey("lognormal:0.2", scale=50.0) == LognormalSurvey(cv=0.2)


@pytest.mark.parametrize(
    "text", ["", "perfect:1", "lognormal", "lognormal:", "lognormal:x", "gamma:0.2", "0.2", "normal:0.1:0.2"]
)
def test_parse_survey_refuses_with_an_example(text):
    with pytest.raises(StockError, match=r"cannot read the survey .*such as lognormal:0\.2"):
        parse_survey(text)


@pytest.mark.parametrize("text", ["lognormal:0", "normal:-1", "lognormal:nan", "normal:inf"])
def test_parse_survey_refuses_meaningless_numbers(text):
    with pytest.raises(StockError, match="must be positive and finite"):
        parse_survey(text)
