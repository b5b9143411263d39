"""The historical stocks of Memarzadeh & Boettiger 2019 in the paper's order: first recruitment, then the catch."""

from functools import cache
from math import erf, exp, sqrt

import numpy as np
import pytest
from recruit_first import STOCKS, recruit_first

import ecodecide as eco
from ecodecide.errors import ProblemError

PROBLEMS = [("hake", 0.1), ("hake", 0.15), ("plaice", 0.1), ("plaice", 0.15)]
LEFT_OUT = 150 * 1e-12  # the most that a row of 150 can lose by leaving out what is below 1e-12

build = cache(recruit_first)


def twin(grid, center, sd):
    """A row of the paper's probabilities, from its description alone, one number at a time."""
    if center <= 0.0:
        return [1.0] + [0.0] * (len(grid) - 1)
    density = [exp(-(((x - center) / sd) ** 2) / 2.0) for x in grid]
    density[0] += sum(exp(-(((-x - center) / sd) ** 2) / 2.0) for x in grid[1:])
    inside = (1.0 + erf((grid[-1] - center) / sd / sqrt(2.0))) / 2.0
    row = [inside * d / sum(density) for d in density]
    row[-1] += 1.0 - inside
    return row


@pytest.mark.parametrize(("stock", "survey_sd"), PROBLEMS)
def test_against_a_dense_twin(stock, survey_sd):
    problem, grid = build(stock, survey_sd), [4.0 * i / 149.0 for i in range(150)]
    r, K, sigma = {"hake": (1.038, 1.198, 0.1122), "plaice": (0.906, 1.777, 0.127)}[stock]
    for i, a in [(0, 0), (0, 5), (1, 1), (7, 149), (20, 3), (40, 0), (45, 44), (50, 51), (60, 20), (149, 2)]:
        x, quota = grid[i], grid[a]
        grown = x + r * x * (1.0 - x / K)
        found = problem.transition[a][[i], :].toarray().ravel()
        assert found == pytest.approx(twin(grid, grown - min(quota, x), sigma), abs=LEFT_OUT)
        assert problem.reward[i, a] == pytest.approx(min(x, quota))
        seen = problem.observation[a][[i], :].toarray().ravel()
        assert seen == pytest.approx(twin(grid, x, survey_sd), abs=LEFT_OUT)


@pytest.mark.parametrize(("stock", "survey_sd"), PROBLEMS)
def test_without_a_harvest_the_order_does_not_matter(stock, survey_sd):
    r, K, sigma = STOCKS[stock]
    arrays = eco.discretize(
        eco.HarvestProblem(
            stock=eco.ParametricStock(eco.Logistic(r=r, K=K), eco.NormalNoise(sd=sigma)),
            survey=eco.NormalSurvey(sd=survey_sd),
            grid=eco.Grid(upper=4.0, cells=150, scheme="memarzadeh2019"),
            initial="uniform",
        )
    )
    problem = build(stock, survey_sd)
    assert problem.transition[0].toarray() == pytest.approx(arrays.kernel, abs=LEFT_OUT)
    assert problem.observation[7].toarray() == pytest.approx(arrays.observation, abs=LEFT_OUT)
    assert problem.reward == pytest.approx(arrays.reward)
    assert problem.initial == pytest.approx(arrays.initial)
    # and with one it does
    after = arrays.kernel[arrays.left[:, 10]]
    assert np.abs(problem.transition[10].toarray() - after).max() > 0.1


@pytest.mark.parametrize(("stock", "survey_sd"), PROBLEMS)
def test_laws(stock, survey_sd):
    problem = build(stock, survey_sd)
    assert (problem.states, problem.actions, problem.observations) == (150, 150, 150)
    assert problem.discount == 0.95
    extinct = np.eye(150)[0]
    for transition, observation in zip(problem.transition, problem.observation, strict=True):
        assert transition.sum(axis=1) == pytest.approx(np.ones(150), abs=1e-14)
        assert observation.sum(axis=1) == pytest.approx(np.ones(150), abs=1e-14)
        assert transition[[0], :].toarray().ravel().tolist() == extinct.tolist()  # no way back
        assert observation[[0], :].toarray().ravel().tolist() == extinct.tolist()


def test_a_harvest_of_everything_leaves_the_surplus():
    """Hake at .6: f = .6 + 1.038 * .6 * (1 - .6 / 1.198) = .910, so .310 is left on average."""
    problem = recruit_first("hake", 0.1, points=201)  # .6 is point 30
    after = problem.transition[30][[30], :].toarray().ravel()
    assert after @ np.linspace(0.0, 4.0, 201) == pytest.approx(0.3109, abs=0.002)  # reflection adds .001
    assert np.array_equal(
        after, problem.transition[200][[30], :].toarray().ravel()
    )  # there is no more to take


def test_largest_stocks_die_out():
    """Above K (1 + 1/r) growth is negative: 2.352 for hake, states 88 (2.362) to 149."""
    problem = build("hake", 0.1)
    assert problem.transition[0].toarray()[:, 0].nonzero()[0].tolist()[-62:] == list(range(88, 150))
    assert problem.transition[0].toarray()[88:, 0].min() == 1.0
    assert problem.transition[0].toarray()[87, 0] < 1.0


def greedy(problem):
    """The best policy of a manager who sees the stock, by value iteration."""
    value = np.zeros(problem.states)
    for _ in range(400):  # .95^400 is 1e-9
        ahead = np.stack([t @ value for t in problem.transition], axis=1)
        worth = problem.reward + problem.discount * ahead
        value = worth.max(axis=1)
    # of quotas that promise the same, the smallest: any quota of at least the stock takes the stock
    return (worth >= value[:, None] - 1e-9).argmax(axis=1)


@pytest.mark.parametrize(("stock", "target"), [("hake", 0.568), ("plaice", 0.837)])
def test_seen_stocks_are_kept_at_the_paper_s_target(stock, target):
    """Constant escapement: the quota is f(x) - S*. A grid step: half of it for
    the quota, which lies on the grid, and half for the noise, which the rule ignores."""
    r, K, _ = STOCKS[stock]
    grid = np.linspace(0.0, 4.0, 150)
    step = grid[1]
    grown = grid + r * grid * (1.0 - grid / K)
    quota = grid[greedy(build(stock, 0.1))]
    rule = np.maximum(grown - target, 0.0)
    # from where the rule has something to take to where the stock's peak begins to matter, K itself
    ordinary = (grid > 0.0) & (grid < K) & (rule <= grid)
    assert np.abs(quota - rule)[ordinary].max() <= step
    assert np.ptp((grown - quota)[ordinary & (rule > 2.0 * step)]) <= 1.01 * step
    died = grown <= 0.0
    assert np.array_equal(quota[died], grid[died])


def test_what_means_nothing_is_refused():
    with pytest.raises(ProblemError, match=r"one of \['hake', 'plaice'\], got 'cod'"):
        recruit_first("cod", 0.1)
    with pytest.raises(ProblemError, match="survey_sd must be positive, got 0"):
        recruit_first("hake", 0.0)
    with pytest.raises(ProblemError, match="at least 2, got 1"):
        recruit_first("hake", 0.1, points=1)
