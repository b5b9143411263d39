"""The diagnostics of a Gaussian process: predictions are what dense refits say, ranks are uniform, flags are right."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.candidates import fit_candidates, leave_one_out
from ecodecide.fitting.diagnostics import diagnose, diagnose_lesson, extrapolation
from ecodecide.fitting.gaussian_process import fit_gaussian_process
from ecodecide.fitting.growth_prior import GrowthPrior
from ecodecide.fitting.lesson import lesson
from ecodecide.fitting.predictive_checks import QUANTILES, leave_one_out_scores, one_step_ahead
from ecodecide.history.catch_history import CatchHistory
from ecodecide.policy.table import TablePolicy

# numbers of the tests' own, so that a better default changes no expectation
PRIOR = GrowthPrior(decline=0.5, signal_sd=(0.7, 0.5), length_scale=(1.2, 0.4), noise_sd=(0.1, 0.8))


def prior_mean(s: Any, scale: float) -> Any:
    """The prior mean of log growth up to the scale; above it the prior is another, and no test goes there."""
    assert np.all(s <= scale)
    return np.full(len(s), -PRIOR.decline)


def simulated(pairs: int = 14, seed: int = 4) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A Ricker stock, r 0.8 and K 80 t, with 10 % scatter."""
    rng = np.random.default_rng(seed)
    s = rng.uniform(15.0, 75.0, pairs)
    return s, s * np.exp(0.8 * (1.0 - s / 80.0) + 0.1 * rng.standard_normal(pairs))


@pytest.fixture(scope="module")
def found() -> Any:
    return diagnose(*simulated(), unit="t", year=np.arange(2001, 2015))


@pytest.fixture(scope="module")
def drawn() -> Any:
    """Five draws of one history; the first lacks two pairs."""
    s, x = simulated()
    rng = np.random.default_rng(1)
    error = np.exp(0.05 * rng.standard_normal((5, 1)))
    s, x = s * error, x * error
    s[0, :2] = np.nan
    return diagnose(s, x, unit="t")


# --- dense twins ---


def dense(
    s: Any, y: Any, signal: float, length: float, noise: float, scale: float, at: Any
) -> tuple[float, Any, Any]:
    """Log likelihood of y = log(x / s), and mean and variance of a new y, noise included, at one node."""

    def k(a: Any, b: Any) -> Any:
        apart = (2.0 * np.sqrt(a / scale))[:, None] - (2.0 * np.sqrt(b / scale))[None, :]
        return signal**2 * np.exp(-0.5 * (apart / length) ** 2)

    K = k(s, s) + noise**2 * np.eye(len(s))
    inverse, residual = np.linalg.inv(K), y - prior_mean(s, scale)
    log_det = np.linalg.slogdet(K)[1]
    log_likelihood = -0.5 * (residual @ inverse @ residual + log_det + len(s) * np.log(2.0 * np.pi))
    cross = k(at, s)
    variance = signal**2 + noise**2 - np.einsum("ij,jk,ik->i", cross, inverse, cross)
    return float(log_likelihood), prior_mean(at, scale) + cross @ inverse @ residual, variance


def normal(y: Any, mean: Any, variance: Any) -> Any:
    return np.exp(-0.5 * (y - mean) ** 2 / variance) / np.sqrt(2.0 * np.pi * variance)


def test_the_total_left_out_is_that_of_refits_without_each_pair() -> None:
    """The nodes are those of the fit to all pairs; each refit weighs them anew by its own likelihood and prior."""
    s, x = simulated(10)
    stock = fit_gaussian_process(s, x, prior=PRIOR)
    total = 0.0
    for i in range(len(s)):
        kept = np.arange(len(s)) != i
        log_weight, density = [], []
        for a, ell, sigma in zip(stock.signal_sd, stock.length_scale[:, 0], stock.noise_sd, strict=True):
            y = np.log(x / s)
            numbers = (a, ell, sigma, stock.scale)
            log_likelihood, mean, variance = dense(s[kept], y[kept], *numbers, s[[i]])
            given = ((a, PRIOR.signal_sd), (ell, PRIOR.length_scale), (sigma, PRIOR.noise_sd))
            log_prior = -0.5 * sum((np.log(value / median) / sd) ** 2 for value, (median, sd) in given)
            log_weight.append(log_likelihood + log_prior)
            density.append(normal(y[i], mean[0], variance[0]))
        weight = np.exp(np.array(log_weight) - max(log_weight))
        total += np.log(weight @ np.array(density) / weight.sum()) - np.log(x[i])
    found = leave_one_out_scores(stock, rivals=[])
    # the same sums in another order: what is left is rounding in 10 matrix inverses
    assert float(found["loo_total"][0]) == pytest.approx(total, abs=1e-6)


def test_predictions_ahead_are_those_of_a_stock_that_learned_from_the_years_before() -> None:
    s, x = simulated(9)
    found = one_step_ahead(s, x, year=np.arange(9), scale=90.0, prior=PRIOR)
    np.testing.assert_array_equal(found["ahead_year"], [7.0, 8.0, 9.0])
    for i, t in enumerate((6, 7, 8)):
        stock = fit_gaussian_process(s[:t], x[:t], scale=90.0, prior=PRIOR)
        # the density is the slope of the probability below; a central difference is good to its step squared
        h = 1e-4 * x[t]
        slope = stock.kernel(s[[t]], np.array([x[t] - h, x[t] + h]))[0, 0] / (2.0 * h)
        assert float(found["ahead_log_score"][0, i]) == pytest.approx(np.log(slope), abs=1e-5)
        # the rank is the kernel's probability below, and the quantiles are the stock's own
        below = stock.kernel(s[[t]], np.array([-np.inf, x[t]]))[0, 0]
        assert float(found["ahead_rank"][0, i]) == pytest.approx(below, abs=1e-9)
        np.testing.assert_allclose(
            found["ahead_quantiles"][:, 0, i], stock.quantiles(s[[t]], QUANTILES)[:, 0], rtol=1e-9
        )


def test_no_prediction_ahead_sees_what_it_predicts() -> None:
    s, x = simulated(9)
    other = x.copy()
    other[7:] *= 3.0  # and the scale with it
    one, two = (one_step_ahead(s, data, year=np.arange(9)) for data in (x, other))
    np.testing.assert_array_equal(one["ahead_quantiles"][..., :2], two["ahead_quantiles"][..., :2])
    assert not np.allclose(one["ahead_quantiles"][..., 2], two["ahead_quantiles"][..., 2])


# --- laws ---


def test_ranks_are_uniform_where_the_truth_is_of_the_prior() -> None:
    """Of truths drawn from the prior the ranks ahead are independent and uniform (Dawid 1984).

    But for the half of the posterior variance by which the stock's predictive lies lower, on purpose: small beside
    the scatter, as these escapements lie among the data.
    """
    rng = np.random.default_rng(20)
    ranks, inside = [], []
    for _ in range(45):
        a, ell, sigma = (
            median * np.exp(sd * rng.standard_normal())
            for median, sd in (PRIOR.signal_sd, PRIOR.length_scale, PRIOR.noise_sd)
        )
        s = rng.uniform(0.02, 1.0, 9)
        u = 2.0 * np.sqrt(s)
        covariance = a**2 * np.exp(-0.5 * ((u[:, None] - u[None]) / ell) ** 2) + 1e-10 * np.eye(9)
        g = prior_mean(s, 1.0) + np.linalg.cholesky(covariance) @ rng.standard_normal(9)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            x = s * np.exp(g + sigma * rng.standard_normal(9))
            found = one_step_ahead(s, x, year=s, scale=1.0, prior=PRIOR)
        ranks.extend(found["ahead_rank"].values[0])
        inside.append(found["coverage"].sel(estimate="value").values)
    ranks = np.sort(ranks)
    n = len(ranks)
    assert n == 45 * 3
    steps = np.arange(n + 1) / n
    apart = max(np.max(ranks - steps[:-1]), np.max(steps[1:] - ranks))
    assert apart < 1.63 / np.sqrt(n)  # Kolmogorov and Smirnov: 1 % of right models fail it
    # what is inside of an interval is binomial: three standard deviations
    for share, width in zip(np.mean(inside, axis=0), (0.5, 0.9), strict=True):
        assert abs(share - width) < 3.0 * np.sqrt(width * (1.0 - width) / n)


def test_coverage_counts_ranks_and_has_wilsons_interval(found: Any) -> None:
    ranks = found["ahead_rank"].values[0]
    n = len(ranks)
    assert n == 5
    for width, (value, low, high) in zip((0.5, 0.9), found["coverage"].values, strict=True):
        assert value == np.mean((ranks >= 0.5 - width / 2) & (ranks <= 0.5 + width / 2))
        # Wilson's ends are where the score test has z = 1.96
        for end in {low, high} - {value}:
            assert abs(value - end) / np.sqrt(end * (1.0 - end) / n) == pytest.approx(1.96, abs=1e-3)


def test_curves_are_those_of_the_stock(found: Any) -> None:
    stock = fit_gaussian_process(*simulated(), unit="t")
    s = found["escapement"].values
    assert s[-1] == pytest.approx(1.5 * stock.scale)
    np.testing.assert_allclose(found["next_biomass"], stock.quantiles(s, QUANTILES), rtol=1e-9)
    np.testing.assert_allclose(found["mean_growth"], stock.growth(s))
    # f without noise: sample node and value by hand; 3 % is 5 standard errors of a 5 % point of 100,000
    rng = np.random.default_rng(0)
    for i in (20, 60, 110):
        mean, variance = stock.posterior(s[[i]])
        node = rng.choice(len(stock.weight), 100_000, p=stock.weight)
        f = s[i] * np.exp(mean[node, 0] + np.sqrt(variance[node, 0]) * rng.standard_normal(100_000))
        np.testing.assert_allclose(found["growth"][:, i], np.quantile(f, QUANTILES), rtol=0.03)
    assert np.all(found["growth"].values[0, 1:] > found["next_biomass"].values[0, 1:])


def test_growth_is_extrapolated_outside_of_the_data_and_where_little_was_learned(found: Any) -> None:
    s = simulated()[0]
    at, ignorance = found["escapement"].values, found["ignorance"].values
    assert (float(found["seen_low"]), float(found["seen_high"])) == (s.min(), s.max())
    expected = (at < s.min()) | (at > s.max()) | (ignorance > 0.5)
    np.testing.assert_array_equal(found["extrapolates"], expected)
    # the curves know the ends of the data themselves
    assert not expected.all() and (at[~expected][0], at[~expected][-1]) == (s.min(), s.max())
    # two clusters, and growth that forgets fast: nothing is known between them
    two = np.concatenate([np.linspace(5.0, 6.0, 6), np.linspace(94.0, 95.0, 6)])
    gap = diagnose(two, two * np.tile([1.1, 0.9], 6), prior=GrowthPrior(length_scale=(0.15, 0.0)), rivals=[])
    assert bool(gap["extrapolates"].sel(escapement=40.0, method="nearest"))
    assert not bool(gap["extrapolates"].sel(escapement=94.5, method="nearest"))


def test_every_variable_has_a_unit(found: Any) -> None:
    assert all("units" in variable.attrs for variable in found.variables.values())
    assert found["growth"].attrs["units"] == "t" and found["msy"].attrs["units"] == "t per year"
    with pytest.raises(FitError, match="each of the 14 pairs"):
        diagnose(*simulated(), year=[1.0, 2.0])


# --- the rivals ---


def test_scores_of_rivals_and_their_differences(found: Any) -> None:
    s, x = simulated()
    assert found["model"].values.tolist() == ["gp", "ricker", "allen", "myers"]
    gp = fit_gaussian_process(s, x).leave_one_out()[0]
    for i, law in enumerate(("ricker", "allen", "myers"), start=1):
        scores = leave_one_out(law, s, x)
        np.testing.assert_allclose(found["loo_log_score"][i], scores)
        assert float(found["loo_total"][i]) == pytest.approx(scores.sum())
        assert float(found["loo_per_pair"][i]) == pytest.approx(scores.mean())
        assert float(found["loo_difference"][i]) == pytest.approx((scores - gp).sum())
        error = np.sqrt(14.0) * np.std(scores - gp, ddof=1)
        assert float(found["loo_difference_se"][i]) == pytest.approx(error)
        curve = fit_candidates(s, x, laws=(law,))[law].growth(found["escapement"].values)
        np.testing.assert_allclose(found["rival_growth"][i - 1], curve)
    total = found["loo_total"].values
    assert found["loo_place"].values.tolist() == [1.0 + np.sum(total > one) for one in total]


def test_what_a_law_cannot_be_scored_on_counts_for_none() -> None:
    s, x = simulated(8)
    x[3] = 0.0  # extinct: no law with lognormal noise has a density there
    found = diagnose(s, x)
    assert np.isnan(found["loo_log_score"].values[:, 3]).all()
    np.testing.assert_allclose(found["loo_total"], np.nansum(found["loo_log_score"].values, axis=1))
    # five pairs are enough for a Gaussian process, for no rival without one of them, and for no prediction
    few = diagnose(*simulated(5))
    assert np.isnan(few["loo_total"].values[1:]).all() and np.isfinite(few["loo_total"].values[0])
    assert few["loo_place"].values[0] == 1.0
    assert few.sizes["ahead"] == 0 and np.isnan(few["coverage"].values).all()
    with pytest.raises(FitError, match="unknown candidate 'gompertz'"):
        diagnose(*simulated(5), rivals=["gompertz"])


# --- draws ---


def test_several_draws_are_averaged(drawn: Any) -> None:
    assert drawn.sizes["draw"] == 5 and drawn.sizes["ahead_draw"] == 3
    s, x = drawn["pair_escapement"].values, drawn["pair_next_biomass"].values
    density = np.full(s.shape, np.nan)
    for draw in range(5):
        known = np.isfinite(s[draw])
        density[draw, known] = np.exp(leave_one_out("ricker", s[draw, known], x[draw, known]))
    expected = np.log(np.nanmean(density, axis=0))
    np.testing.assert_allclose(drawn["loo_log_score"].sel(model="ricker"), expected)
    # each draw is predicted as if it were the history
    known = np.isfinite(s[0])
    alone = one_step_ahead(s[0, known], x[0, known], year=np.arange(12.0))
    np.testing.assert_allclose(drawn["ahead_rank"][0, -4:], alone["ahead_rank"][0], rtol=1e-9)
    # what counts is years, 5 of them, and not their draws
    for value, low, high in drawn["coverage"].values:
        assert low < value or high > value
        for end in {low, high} - {value}:
            assert abs(value - end) / np.sqrt(end * (1.0 - end) / 5.0) == pytest.approx(1.96, abs=1e-3)
    lows = np.nanmin(s, axis=1)
    assert float(drawn["seen_low"]) == np.median(lows)


def test_a_lesson_is_diagnosed_about_its_own_scale_and_predicted_without_it() -> None:
    biomass = np.array([20.0, 14.0, 10.0, 8.0, 7.0, 6.5, 6.0, 5.8, 6.9, 8.2, 9.0, 8.5])
    history = CatchHistory(np.arange(2001, 2013), np.tile([2.0, 1.0, 1.5], 4), biomass=biomass)
    learned = lesson(history)
    found = diagnose_lesson(learned, rivals=[])
    assert found.attrs["scale"] == learned.scale == 20.0
    assert found.attrs["independent"] == 1 and found.attrs["origin"] == "the biomass in the history"
    np.testing.assert_array_equal(found["year"], np.arange(2001, 2012))
    stock = fit_gaussian_process(learned.escapement, learned.next_biomass, scale=20.0)
    np.testing.assert_allclose(found["mean_growth"], stock.growth(found["escapement"].values))
    np.testing.assert_array_equal(found["ahead_observed"][0], biomass[-4:])
    # the biomass of the first year, before its catch, is in no pair
    then = one_step_ahead(learned.escapement, learned.next_biomass, year=learned.year)
    np.testing.assert_array_equal(found["ahead_rank"], then["ahead_rank"])


# --- policies ---


def test_where_a_policy_extrapolates() -> None:
    """Data from 40.1 to 60 alone, and growth that forgets fast."""
    s = np.linspace(40.1, 60.0, 12)
    prior = GrowthPrior(length_scale=(0.3, 0.0))
    stock = fit_gaussian_process(s, s * np.tile([1.1, 0.9], 6), scale=100.0, prior=prior, unit="t")
    points = np.array([0.0, 20.0, 38.0, 45.0, 70.0, 70.0, 64.0, 100.0])
    left = np.array([0.0, 20.0, 38.0, 45.0, 50.0, 0.0, 62.0, 100.0])
    order = np.argsort(points, kind="stable")
    found = extrapolation(stock, TablePolicy(points[order], (points - left)[order], 50.0))
    np.testing.assert_allclose(found["escapement"], left[order])
    by_escapement = {float(one): i for i, one in enumerate(left[order]) if points[order][i] > 0.0}

    def flags(escapement: float) -> tuple[bool, ...]:
        i = by_escapement[escapement]
        return tuple(bool(found[name][i]) for name in ("mostly_prior", "below_seen", "above_seen", "relies"))

    assert flags(45.0) == flags(50.0) == (False, False, False, False)
    assert flags(38.0) == (False, True, False, True)  # near the data, and yet below
    assert flags(62.0) == (False, False, True, True)
    assert flags(20.0) == flags(0.0) == (True, True, False, True)
    assert flags(100.0) == (True, False, True, True)
    assert not bool(found["relies"][0])  # no biomass, no decision
    np.testing.assert_allclose(found["ignorance"], stock.ignorance(left[order]))
    assert found["quota"].attrs["units"] == "t"
    # the smallest that was seen is seen, whatever the subtraction rounds
    assert 104.12 - (104.12 - 40.1) < 40.1
    edge = extrapolation(stock, TablePolicy(np.array([0.0, 104.12]), np.array([0.0, 104.12 - 40.1]), 50.0))
    assert not bool(edge["relies"][1])
