"""The grid filter against the Kalman filter and the Rauch-Tung-Striebel smoother on a linear-Gaussian stock.

x[t+1] = a (x[t] - h[t]) + b + q z, y[t] = x[t] + r w, far enough from zero that no censoring is felt: there the
Kalman recursions are exact (Durbin & Koopman 2012, Time Series Analysis by State Space Methods, chapter 4).
"""

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.fitting.grid_filter import filter_history
from ecodecide.stock.growth import FunctionGrowth

A, B, Q, R = 0.7, 4.0, 0.3, 0.4
START_MEAN, START_SD = 10.0, 0.8
CATCH = np.array([1.0, 0.5, 2.0, 0.0, 1.5, 1.0, 0.7, np.nan])
OBSERVED = np.array([10.3, 10.1, np.nan, 9.6, 10.9, 9.8, 10.4, 10.6])


def kalman(catch=CATCH):
    """Filtered and smoothed means and variances, log-likelihood and the terminal belief."""
    mean, variance, total = START_MEAN, START_SD**2, 0.0
    filtered, predicted = [], []
    for t, seen in enumerate(OBSERVED):
        if t:
            mean, variance = A * (mean - catch[t - 1]) + B, A**2 * variance + Q**2
        predicted.append((mean, variance))
        if np.isfinite(seen):
            spread = variance + R**2
            total += -0.5 * (np.log(2 * np.pi * spread) + (seen - mean) ** 2 / spread)
            gain = variance / spread
            mean, variance = mean + gain * (seen - mean), (1 - gain) * variance
        filtered.append((mean, variance))
    smoothed = [filtered[-1]]
    for t in range(len(CATCH) - 2, -1, -1):
        gain = filtered[t][1] * A / predicted[t + 1][1]
        later = smoothed[0]
        smoothed.insert(
            0,
            (
                filtered[t][0] + gain * (later[0] - predicted[t + 1][0]),
                filtered[t][1] + gain**2 * (later[1] - predicted[t + 1][1]),
            ),
        )
    return np.array(filtered), np.array(smoothed), total


def run(cells, catch=CATCH):
    grid = eco.Grid(upper=16.0, cells=cells)
    stock = eco.ParametricStock(
        FunctionGrowth(lambda s: np.where(s > 0.0, A * s + B, 0.0), 16.0), eco.NormalNoise(sd=Q)
    )
    survey = eco.NormalSurvey(sd=R)
    likelihood = np.array([survey.likelihood(y, grid.points) for y in OBSERVED])
    start = eco.ParametricStock(FunctionGrowth(lambda s: s, 16.0), eco.NormalNoise(sd=START_SD))
    initial = start.kernel(np.array([START_MEAN]), grid.edges)[0]
    return filter_history(stock, catch, likelihood, initial, grid.points, grid.edges), grid


def moments(beliefs, points):
    mean = beliefs @ points
    return mean, beliefs @ points**2 - mean**2


@pytest.mark.parametrize("cells", [400, 800])
def test_filter_and_smoother_agree_with_kalman(cells):
    filtered, smoothed, total = kalman()
    found, grid = run(cells)
    # cells add step^2/12 to a variance when mass is put on midpoints, and at most step^2/4 when a catch that is
    # no multiple of the step is split between two: both second order in the step
    width = grid.step**2
    mean, variance = moments(found.beliefs, grid.points)
    np.testing.assert_allclose(mean, filtered[:, 0], atol=2 * width)
    np.testing.assert_allclose(variance, filtered[:, 1], atol=width)
    assert found.log_likelihood == pytest.approx(total, abs=20 * width)
    mean, variance = moments(found.smoothed, grid.points)
    np.testing.assert_allclose(mean, smoothed[:, 0], atol=2 * width)
    np.testing.assert_allclose(variance, smoothed[:, 1], atol=width)


def test_refinement_is_of_second_order():
    # catches that are multiples of every step, so that all three grids face the same shifts
    catch = np.round(CATCH / 0.16) * 0.16
    _, _, total = kalman(catch)
    errors = [abs(run(cells, catch)[0].log_likelihood - total) for cells in (100, 200, 400)]
    # halving the step quarters the error of a second-order method and halves that of a first-order one
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_sampled_trajectories_have_the_smoothed_moments():
    _, smoothed, _ = kalman()
    found, _ = run(400)
    rng = np.random.default_rng(5)
    draws = 2000
    paths = np.array([found.draw(rng.random(len(CATCH) + 1))[0] for _ in range(draws)])
    error = np.sqrt(smoothed[:, 1] / draws)
    assert np.all(np.abs(paths.mean(axis=0) - smoothed[:, 0]) < 4 * error + 2 * 0.04**2)
    # the variance of a sample variance of a normal is 2 sigma^4 / n
    assert np.all(
        np.abs(paths.var(axis=0) - smoothed[:, 1]) < 4 * smoothed[:, 1] * np.sqrt(2 / draws) + 0.04**2
    )
    # successive years hang together: regression of x[4] on x[3] given all data is far from none
    assert np.corrcoef(paths[:, 3], paths[:, 4])[0, 1] > 0.2
