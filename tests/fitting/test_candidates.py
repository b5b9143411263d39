"""Growth laws fitted to pairs: closed forms, brute force, laws of scale, and posteriors against integrals."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import gammaln, logsumexp

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting import candidate_posterior
from ecodecide.fitting.candidate_laws import FAMILIES
from ecodecide.fitting.candidates import (
    LAWS,
    Candidate,
    candidate_log_density,
    fit_candidates,
    leave_one_out,
    log_marginal_likelihood,
    sample_candidate,
)
from ecodecide.stock.growth import Allen, Myers, Ricker

FILE = Path(__file__).parents[1] / "published" / "boettiger2015_training.csv"


@pytest.fixture(scope="module")
def pairs() -> tuple[np.ndarray, np.ndarray]:
    """The 39 pairs of Boettiger, Mangel & Munch 2015, without the point (0, 0)."""
    rows = csv.DictReader(line for line in FILE.read_text().splitlines() if not line.startswith("#"))
    numbers = np.array([[float(r["escapement"]), float(r["next_biomass"])] for r in rows])[1:]
    return numbers[:, 0], numbers[:, 1]


def few() -> tuple[np.ndarray, np.ndarray]:
    """Eight scattered pairs that tell little: their posteriors are as wide as integrals by brute force need."""
    s = np.array([1.5, 3.0, 4.0, 5.0, 6.5, 7.5, 8.0, 8.5])
    return s, s * np.exp(0.9 * (1.0 - s / 7.0) + 0.4 * np.array([1, -1, 0.5, -1, 1, -0.5, 1, -1]))


# --- maximum likelihood ---


def test_ricker_is_a_straight_line(pairs):
    """log(x'/s) = r - (r/K) s: ordinary least squares, to 1e-6 for the search's own stopping rule."""
    s, x = pairs
    slope, intercept = np.polyfit(s, np.log(x / s), 1)
    found = fit_candidates(s, x, ("ricker",))["ricker"]
    assert found.growth.r == pytest.approx(intercept, rel=1e-6)
    assert pytest.approx(-intercept / slope, rel=1e-6) == found.growth.K
    residual = np.log(x / s) - np.polyval([slope, intercept], s)
    assert found.sigma == pytest.approx(math.sqrt(np.mean(residual**2)), rel=1e-6)


def test_allen_is_a_parabola_with_roots_k_and_c(pairs):
    s, x = pairs
    bend = np.polyfit(s, np.log(x / s), 2)
    low, high = sorted(np.roots(bend).real)
    found = fit_candidates(s, x, ("allen",))["allen"]
    assert (pytest.approx(low, rel=1e-5), pytest.approx(high, rel=1e-5)) == (found.growth.C, found.growth.K)
    assert found.growth.r == pytest.approx(-bend[0] * high**2, rel=1e-5)


def test_myers_is_as_good_as_a_general_search_finds(pairs):
    s, x = pairs

    def residual(p):
        return np.log(x) - np.log(p[0] * s ** p[1] / (1.0 + s ** p[1] / p[2]))

    starts = [(10.0 / K, t, K) for K in (2.0, 10.0, 30.0) for t in (1.0, 2.0, 4.0)]
    bounds = ([1e-4] * 3, [10.0, 10.0, 40.0])
    best = min(optimize.least_squares(residual, p, bounds=bounds, x_scale=p).cost for p in starts)
    found = fit_candidates(s, x, ("myers",), scale=1.0)["myers"]
    assert found.sigma == pytest.approx(math.sqrt(2.0 * best / len(s)), rel=1e-5)
    assert pytest.approx(40.0, rel=1e-3) == found.growth.K  # at its bound, which is the paper's


@pytest.mark.parametrize(
    "law", [Ricker(r=0.8, K=7.0), Allen(r=2.0, K=8.0, C=3.0), Myers(r=1.1, theta=2.0, K=9.0)]
)
def test_a_law_is_found_again_where_there_is_hardly_any_noise(law):
    s = np.linspace(2.0, 9.0, 15)
    x = law(s) * np.exp(1e-6 * np.cos(7.0 * np.arange(15)))
    found = fit_candidates(s, x, (law.name,), scale=1.0)[law.name]
    # noise of 1e-6 moves numbers by some 1e-5
    np.testing.assert_allclose(list(vars(found.growth).values()), list(vars(law).values()), rtol=1e-3)
    assert found.sigma < 2e-6


def test_likelihood_and_criteria_are_those_of_the_lognormal(pairs):
    s, x = pairs
    for law, found in fit_candidates(s, x).items():
        logs = stats.lognorm(s=found.sigma, scale=found.growth(s)).logpdf(x)
        np.testing.assert_allclose(candidate_log_density(found, s, x), logs, rtol=1e-10)
        assert found.log_likelihood == pytest.approx(logs.sum(), rel=1e-10)
        p = {"ricker": 3, "allen": 4, "myers": 4}[law]
        assert found.aic == pytest.approx(-2.0 * logs.sum() + 2 * p)
        assert found.bic == pytest.approx(-2.0 * logs.sum() + p * math.log(39))
        assert found.stock("t").step(np.array([6.0]), np.array([1.0])) == pytest.approx(
            found.growth(6.0) * math.exp(found.sigma)
        )


def test_allen_made_the_data_and_aic_and_bic_say_so(pairs):
    found = fit_candidates(*pairs)
    for criterion in ("aic", "bic"):
        assert min(found, key=lambda law: getattr(found[law], criterion)) == "allen"


def test_another_unit_changes_no_fit(pairs):
    """Biomass in units a thousand times smaller: numbers scale, densities are per unit (rounding alone differs)."""
    s, x = pairs
    here, there = fit_candidates(s, x), fit_candidates(1000.0 * s, 1000.0 * x)
    for law in LAWS:
        assert there[law].sigma == pytest.approx(here[law].sigma, rel=1e-9)
        assert there[law].log_likelihood == pytest.approx(here[law].log_likelihood - 39 * math.log(1000.0))
        np.testing.assert_allclose(there[law].growth(1000.0 * s), 1000.0 * here[law].growth(s), rtol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_leaving_one_out_is_refitting_without_it(law, pairs):
    s, x = (values[::4] for values in pairs)
    found = leave_one_out(law, s, x, scale=1.0)
    for i in range(len(s)):
        rest = np.arange(len(s)) != i
        other = fit_candidates(s[rest], x[rest], (law,), scale=1.0)[law]
        expected = candidate_log_density(other, s[i : i + 1], x[i : i + 1])[0]
        assert found[i] == pytest.approx(expected, abs=1e-4)  # both searches stop at 1e-12 of the squares


@pytest.mark.parametrize("law", LAWS)
def test_slopes_are_differences(law):
    family, s = FAMILIES[law], np.array([0.5, 3.0, 9.0])
    x = np.array(family.starts[-1])
    slope = family.slope(x, s)
    for j in range(len(x)):
        step = 1e-6 * np.eye(len(x))[j]
        by_differences = (family.curve(x + step, s) - family.curve(x - step, s)) / 2e-6
        np.testing.assert_allclose(slope[:, j], by_differences, rtol=1e-6, atol=1e-9)
    made = family.growth(x, 1.0)
    np.testing.assert_allclose(np.exp(family.curve(x, s)), made(s), rtol=1e-12)


@pytest.mark.parametrize(
    ("escapement", "following", "words"),
    [
        ([1.0, 2.0, 3.0, 0.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0], "missing or zero"),
        ([1.0, 2.0, 3.0, np.nan, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0], "missing or zero"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], "one pair per year"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "at least 4 pairs"),
    ],
)
def test_pairs_that_cannot_be_fitted_are_refused(escapement, following, words):
    with pytest.raises(FitError, match=words):
        fit_candidates(escapement, following)


def test_an_unknown_law_is_refused_with_those_there_are(pairs):
    with pytest.raises(FitError, match=r"unknown candidate 'logistic'.*ricker, allen, myers"):
        fit_candidates(*pairs, laws=("logistic",))


def test_a_law_that_leaves_nothing_gives_a_biomass_no_density():
    dying = Candidate("allen", Allen(r=500.0, K=1.0, C=0.9), 0.1, 0.0, 10, 4)
    assert candidate_log_density(dying, [0.01], [1.0])[0] < -1e3


# --- posteriors ---


@pytest.mark.parametrize("law", LAWS)
def test_marginal_likelihood_is_the_mean_over_the_prior(law):
    """Brute force: numbers drawn from the flat box, sigma integrated in closed form.

    The integral over sigma of sigma^-n exp(-S/2 sigma^2) is Gamma(m) 2^(m - 1) S^-m, m = (n - 1)/2; its bounds
    cut off nothing that counts. Within 4 standard errors of the two, each of 2 % or so.
    """
    s, x = few()
    n, rng = len(s), np.random.default_rng(1)
    low, high = np.array(FAMILIES[law].bounds).T
    logs = []
    for _ in range(20):
        numbers = rng.uniform(low, high, (50_000, len(low)))
        with np.errstate(over="ignore"):
            log_f = {
                "ricker": lambda r, K: np.log(s) + r * (1.0 - s / K),
                "allen": lambda r, K, C: np.log(s) + r * (1.0 - s / K) * (s - C) / K,
                "myers": lambda r, t, K: np.log(r) + t * np.log(s) - np.log1p(s**t / K),
            }[law](*(column[:, None] for column in numbers.T))
        squares = ((np.log(x) - log_f) ** 2).sum(axis=1)
        m = (n - 1) / 2.0
        logs.append(gammaln(m) + (m - 1.0) * math.log(2.0) - m * np.log(squares))
    values = np.concatenate(logs) - math.log(100.0) - n / 2.0 * math.log(2.0 * math.pi) - np.log(x).sum()
    expected = logsumexp(values) - math.log(len(values))
    error = math.sqrt(np.exp(logsumexp(2.0 * values) - 2.0 * logsumexp(values)))
    assert error < 0.05
    found, own = log_marginal_likelihood(law, s, x, scale=1.0)
    assert own < 0.05
    assert abs(found - expected) < 4.0 * math.hypot(own, error)


def test_ricker_posterior_is_that_of_a_dense_grid(pairs):
    """A tenth of it lies at r below .05, where K is free and a sampler that stays near the maximum never goes.

    Of 4000 draws, worth 3000 or more, P(r < .05) = .102 has a standard error of .006, the mean deviance of .06.
    """
    s, x = pairs
    log_ratio, n = np.log(x / s), len(s)
    r = np.geomspace(0.01, 3.0, 200)[:, None, None]
    K = np.geomspace(0.01, 40.0, 1500)[None, :, None]
    sigma = np.geomspace(0.03, 0.12, 24)[None, None, :]
    a, b = np.mean(log_ratio), np.mean(s)
    v, c, d = np.var(log_ratio), np.var(s), np.mean((log_ratio - a) * (s - b))
    # the mean square of log(x'/s) - r (1 - s/K), from moments
    square = (a - r * (1.0 - b / K)) ** 2 + v + 2.0 * (r / K) * d + (r / K) ** 2 * c
    deviance = (
        n * square / sigma**2 + 2.0 * n * np.log(sigma) + n * math.log(2.0 * math.pi) + 2.0 * np.log(x).sum()
    )
    weight = np.exp(-0.5 * (deviance - deviance.min())) * r * K * sigma  # the axes are logarithmic
    step = (
        math.log(r[1, 0, 0] / r[0, 0, 0])
        * math.log(K[0, 1, 0] / K[0, 0, 0])
        * math.log(sigma[0, 0, 1] / sigma[0, 0, 0])
    )
    log_total = math.log(weight.sum() * step) - 0.5 * deviance.min() - math.log(19.99 * 39.99 * 100.0)
    value, error = log_marginal_likelihood("ricker", s, x, scale=1.0)
    assert error < 0.05
    assert abs(value - log_total) < 4.0 * error
    weight /= weight.sum()
    found = sample_candidate("ricker", s, x, draws=4000, scale=1.0)
    assert found.converged and found.effective_draws > 3000
    drawn = found.parameters["r"]
    assert np.mean(drawn < 0.05) == pytest.approx(weight[r[:, 0, 0] < 0.05].sum(), abs=4 * 0.006)
    mean = -2.0 * found.log_likelihood.sum(axis=1).mean()
    assert mean == pytest.approx(float((weight * deviance).sum()), abs=4 * 0.06)


def test_allen_draws_have_the_threshold_below_the_capacity(pairs):
    found = sample_candidate("allen", *pairs, draws=300, scale=1.0)
    assert np.all(found.parameters["C"] <= found.parameters["K"])
    assert found.log_likelihood.shape == (300, 39)
    np.testing.assert_allclose(
        found.log_likelihood[7],
        stats.lognorm(s=found.sigma[7], scale=found.stock().member(7).growth(pairs[0])).logpdf(pairs[1]),
        rtol=1e-9,
    )


def test_the_same_seed_gives_the_same_draws_and_another_gives_others():
    one, same, other = (sample_candidate("ricker", *few(), draws=50, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.sigma, same.sigma)
    assert not np.array_equal(one.sigma, other.sigma)
    assert log_marginal_likelihood("allen", *few()) == log_marginal_likelihood("allen", *few())


def test_chains_that_are_too_short_say_so(monkeypatch):
    monkeypatch.setattr(candidate_posterior, "_STEPS", 60)
    monkeypatch.setattr(candidate_posterior, "_DOUBLINGS", 1)
    with pytest.warns(ConvergenceWarning, match="ricker: .* too short for this posterior"):
        found = sample_candidate("ricker", *few(), draws=10)
    assert not found.converged and "too short" in found.status


def test_no_draws_are_refused():
    with pytest.raises(FitError, match="at least 1 draw"):
        sample_candidate("ricker", *few(), draws=0)
