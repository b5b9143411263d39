"""The compiled filter against its plain twin, and against what leaving an observation out means."""

import numpy as np
import pytest

from ecodecide import Allen, Logistic, LognormalNoise, NormalNoise, ParametricStock, growth
from ecodecide.decision.belief import before_harvest, condition, harvest
from ecodecide.fitting.grid_filter import filter_history, log_cells
from ecodecide.stock.survey import LognormalSurvey

CATCH = np.array([12.0, 0.0, 25.0, 8.0, 40.0, 3.0, 10.0, 5.0])
SEEN = np.array([90.0, 75.0, np.nan, 52.0, 60.0, 21.0, 30.0, 44.0])
CV = 0.1
STOCKS = {
    "logistic": ParametricStock(Logistic(r=0.5, K=100.0), LognormalNoise(sigma=0.12)),
    "wide": ParametricStock(Logistic(r=0.5, K=100.0), LognormalNoise(sigma=1.1)),
    "narrow": ParametricStock(Logistic(r=0.9, K=100.0), LognormalNoise(sigma=0.004)),
    "of the mean": ParametricStock(Logistic(r=0.5, K=100.0), LognormalNoise(sigma=0.3, center="mean")),
    "threshold": ParametricStock(Allen(r=1.5, K=100.0, C=20.0), LognormalNoise(sigma=0.12)),
    "a function of the user's": ParametricStock(
        growth(lambda s: s * np.exp(0.4 * (1.0 - (s / 100.0) ** 2))), LognormalNoise(sigma=0.2)
    ),
    "absolute noise": ParametricStock(Logistic(r=0.5, K=100.0), NormalNoise(sd=9.0)),
}


def cells(count=60):
    return log_cells(0.5, 400.0, count)


def likelihood_of(seen, points):
    survey = LognormalSurvey(0.3)
    rows = np.ones((len(seen), len(points)))
    for t in np.flatnonzero(np.isfinite(seen)):
        rows[t] = survey.likelihood(seen[t], points)
    return rows


def start(points, edges):
    row = np.diff(LognormalNoise(0.5).cdf(edges, 80.0))
    row[0] = 0.01  # it may be gone already
    return row / row.sum()


def run(stock, catch=CATCH, seen=SEEN, likelihood=None, count=60):
    points, edges = cells(count)
    given = likelihood_of(seen, points) if likelihood is None else likelihood
    return filter_history(stock, catch, given, start(points, edges), points, edges, CV)


def twin(stock, catch=CATCH, seen=SEEN, count=60):
    """The filter with dense matrices and the steps of a manager's belief."""
    points, edges = cells(count)
    likelihood = likelihood_of(seen, points)
    growth = stock.kernel(points, edges)
    growth[:, -1] += 1.0 - growth.sum(axis=1)
    factor = np.exp(np.sqrt(np.log1p(CV**2)) * np.sqrt(3.0) * np.array([-1.0, 0.0, 1.0]))
    weight = np.array([1.0, 4.0, 1.0]) / 6.0
    belief, total, beliefs = start(points, edges)[None], 0.0, []
    for t, caught in enumerate(catch):
        belief, evidence = condition(belief, likelihood[t])
        total += float(np.log(evidence[0]))
        beliefs.append(belief[0])
        if np.isnan(caught):
            continue
        left = weight @ harvest(np.repeat(belief, 3, axis=0), caught * factor, points, edges)[0]
        total += float(np.log(left.sum()))
        belief = (left / left.sum())[None] @ growth
    later, smoothed = np.ones(len(points)), np.empty((len(catch), len(points)))
    for t in range(len(catch) - 1, -1, -1):
        if not np.isnan(catch[t]):
            ahead = growth @ (likelihood[t + 1] * later) if t < len(catch) - 1 else later
            later = weight @ before_harvest(ahead, catch[t] * factor, points, edges)
        smoothed[t] = beliefs[t] * later / (beliefs[t] @ later)
    return total, np.array(beliefs), belief[0], smoothed


@pytest.mark.parametrize("name", STOCKS)
@pytest.mark.parametrize("last", [5.0, np.nan])
def test_the_compiled_filter_is_its_plain_twin(name, last):
    catch = np.append(CATCH[:-1], last)
    found = run(STOCKS[name], catch)
    total, beliefs, terminal, smoothed = twin(STOCKS[name], catch)
    # a growth matrix that leaves out what lies beyond 6.5 standard deviations, 1e-10, in each of 8 years
    assert found.log_likelihood == pytest.approx(total, rel=1e-9)
    np.testing.assert_allclose(found.beliefs, beliefs, atol=1e-9)
    np.testing.assert_allclose(found.terminal, terminal, atol=1e-9)
    np.testing.assert_allclose(found.smoothed, smoothed, atol=1e-9)


def test_an_impossible_history_has_no_likelihood():
    stock = STOCKS["logistic"]
    assert run(stock, np.full(8, 900.0)).log_likelihood == -np.inf
    points, _ = cells()
    nothing = likelihood_of(SEEN, points)
    nothing[3] = 0.0
    assert run(stock, likelihood=nothing).log_likelihood == -np.inf


@pytest.mark.parametrize("name", ["logistic", "threshold", "absolute noise"])
def test_leaving_an_observation_out_is_a_ratio_of_likelihoods(name):
    """p(y_t | the others) = p(all) / p(the others), and each side is a run of the filter."""
    found, (points, _) = run(STOCKS[name]), cells()
    out = found.without(likelihood_of(SEEN, points), np.ones((8, len(points))))
    for t in np.flatnonzero(np.isfinite(SEEN)):
        others = SEEN.copy()
        others[t] = np.nan
        assert out[t] == pytest.approx(found.log_likelihood - run(STOCKS[name], seen=others).log_likelihood)
    assert out[2] == pytest.approx(0.0, abs=1e-12)


def test_drawn_trajectories_are_distributed_as_the_smoothed_belief():
    found = run(STOCKS["threshold"])
    rng, draws = np.random.default_rng(0), 4000
    paths = np.array([found.draw(rng.random(9))[0] for _ in range(draws)])
    np.testing.assert_array_equal(np.isfinite(paths), True)
    for t in range(8):
        inside = np.histogram(paths[:, t], bins=np.append(-1e-9, found.edges[1:]))[0]
        expected = draws * found.smoothed[t]
        # every bin within 5 binomial standard deviations: 8 x 61 bins, so one in ten million runs fails by chance
        assert np.all(np.abs(inside - expected) < 5.0 * np.sqrt(expected) + 5.0)
