"""Rare collapse against what is exact: tables on a chain, worlds of an ensemble, and plain runs of a belief policy."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import ecodecide as eco
from ecodecide.decision.chain import ChainStock, ChainSurvey
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.danger import danger
from ecodecide.evaluation.exact import exact_scores
from ecodecide.evaluation.rare_collapse import rare_collapse
from ecodecide.policy.managed_chain import ManagedChain
from ecodecide.policy.rules import ConstantRate, RulePolicy
from ecodecide.policy.table import TablePolicy


def chain(sigma):
    """Twenty cells, a table policy, where it starts, its limit, and its exact probability in 10 years."""
    stock = eco.ParametricStock(eco.BevertonHolt(A=2.0, B=1.0), eco.LognormalNoise(sigma=sigma))
    problem = eco.HarvestProblem(stock=stock, survey=eco.LognormalSurvey(cv=0.2), grid=eco.Grid(2.0, 20))
    arrays = eco.discretize(problem, tolerance=0.1)
    points, step = arrays.grid.points, arrays.grid.step
    policy = TablePolicy(points, np.round(0.2 * points / step) * step, 1.0)
    limit, start = 0.2, float(points[7])
    exact = ManagedChain.of(arrays, policy, problem.economy).futures(start, 10, limit).collapse
    settings = {
        "stock": ChainStock(arrays), "survey": ChainSurvey(arrays), "initial_biomass": start, "years": 10,
        "collapse": limit,
    }  # fmt: skip
    return policy, settings, arrays.grid, float(exact)


@pytest.mark.parametrize("guided", [False, True], ids=["by biomass", "by danger"])
def test_few_particles_are_without_bias(guided):
    """The mean of 1,500 runs of 20 particles each, to 3 %: an index wrong by one shows as a factor."""
    policy, settings, grid, exact = chain(sigma=0.3)
    assert 0.01 < exact < 0.02
    found = rare_collapse(policy, **settings, grid=grid if guided else None, particles=20, runs=1500, seed=5)
    assert found.relative_error < 0.035
    assert abs(found.probability - exact) < 3.5 * found.standard_error


@pytest.mark.parametrize("guided", [False, True], ids=["by biomass", "by danger"])
@pytest.mark.parametrize(("sigma", "size"), [(0.23, 1e-3), (0.132, 1e-6)])
def test_rare_collapse_of_a_table_is_the_exact_one(sigma, size, guided):
    """Three seeds each. A z of 4.5, as skewed estimates as these lie low more often than a normal law has it."""
    policy, settings, grid, exact = chain(sigma)
    assert size / 2.5 < exact < size * 2.5
    for seed in (1, 2, 3):
        found = rare_collapse(policy, **settings, grid=grid if guided else None, particles=400, seed=seed)
        assert found.relative_error < 0.5
        assert abs(found.probability - exact) < 4.5 * found.standard_error, seed
        assert found.low < found.probability < found.high
        # what it is for; near one in a thousand plain simulation does as well
        assert size > 1e-5 or found.stock_years * 30 < found.plain_stock_years


def test_worlds_of_an_ensemble():
    """Most of the risk is in the few worlds that grow slowly: each future keeps its world for good."""
    rng = np.random.default_rng(2)
    stock = eco.ParametricStock(
        eco.BevertonHolt(A=rng.uniform(1.4, 2.4, 40), B=rng.uniform(0.8, 1.2, 40)),
        eco.LognormalNoise(sigma=rng.uniform(0.1, 0.25, 40)),
        initial_biomass=rng.uniform(0.4, 0.8, 40),
    )
    fitted = Fitted(stock)
    policy, survey, grid = RulePolicy(ConstantRate(0.25), 1.0), eco.LognormalSurvey(cv=0.2), eco.Grid(3.0, 60)
    settings = {"survey": survey, "years": 15, "collapse": "0.2K", "implementation_cv": 0.1}
    exact = [
        exact_scores(
            {"a": policy}, stock=stock, economy=eco.Economy(), grid=eco.Grid(3.0, n), **settings
        ).collapse_probability.item()
        for n in (240, 480)
    ]
    for guide in (None, grid):
        found = rare_collapse(policy, stock=fitted, grid=guide, particles=500, seed=1, **settings)
        # the exact one is to the grid: what it changed by with the last halving of its cells is left open
        room = 4.0 * found.standard_error + abs(exact[1] - exact[0])
        assert abs(found.probability - exact[1]) < room, guide
        assert found.relative_error < 0.25


class Fitted:
    """As much of a fitted stock as has members."""

    def __init__(self, members):
        self.members = members


@pytest.fixture(scope="module")
def belief():
    problem = eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.13)),
        survey=eco.NormalSurvey(sd=0.1),
        grid=eco.Grid(2.0, 30),
        initial=0.6,
    )
    return problem, eco.Pomdp(gap=0.1).solve(problem).policy


def test_a_belief_policy_against_plain_simulation(belief):
    problem, policy = belief
    settings = {"survey": problem.survey, "initial_biomass": 0.6, "years": 15}
    runs = eco.evaluate(
        {"a": policy}, truth=problem.stock, economy=problem.economy, replicates=6000, **settings
    )
    low, plain, high = eco.score(runs).scores.sel(metric="collapse_probability").values.ravel()
    assert 0.003 < plain < 0.03
    found = rare_collapse(policy, stock=problem.stock, grid=problem.grid, particles=300, **settings)
    error = np.hypot(found.standard_error, (high - low) / 3.92)
    assert abs(found.probability - plain) < 3.5 * error
    assert found.standard_error < 0.1 * found.probability


class Watchful:
    """A rule that remembers what it saw and allowed, and checks that last year's catch follows from that."""

    def start(self, replicates):
        return np.full((replicates, 2), np.nan)

    def decide(self, memory, observed, caught):
        if caught is not None:
            # a perfect survey and no implementation error: the catch is the quota, or all there was
            np.testing.assert_array_equal(caught, memory.min(axis=1))
        quota = 0.6 * observed**2
        return quota, np.column_stack([observed, quota])


def test_a_life_is_taken_over_with_its_memory():
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.3))
    found = rare_collapse(
        Watchful(),
        stock=stock,
        survey=eco.PerfectSurvey(),
        initial_biomass=0.8,
        years=10,
        particles=50,
        runs=4,
    )
    assert all(len(level) > 3 for level in found.levels)


def test_the_same_seed_gives_the_same_and_a_run_is_its_own():
    policy, settings, _, _ = chain(sigma=0.3)
    few = rare_collapse(policy, **settings, particles=20, runs=4, seed=9)
    many = rare_collapse(policy, **settings, particles=20, runs=8, seed=9)
    np.testing.assert_array_equal(few.estimates, many.estimates[:4])


def test_what_cannot_happen_is_told_with_what_was_looked_at():
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.UniformNoise(half_width=0.05))
    policy = RulePolicy(ConstantRate(0.1), 1.0)
    found = rare_collapse(
        policy, stock=stock, survey=eco.PerfectSurvey(), initial_biomass=0.8, years=5, particles=50, runs=4
    )
    assert found.probability == found.low == 0.0 and np.isnan(found.relative_error)
    # 95 % that 200 futures meet what has this chance
    assert found.high == pytest.approx(1.0 - 0.05 ** (1.0 / 200))


@pytest.mark.parametrize(("particles", "runs", "held"), [(4, 2, 0.95), (20, 4, 0.85)])
def test_the_interval_of_few_runs_holds_the_truth(particles, runs, held):
    """Two runs of four futures often agree: an interval of no width then held the truth never."""
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.4))
    problem = eco.HarvestProblem(stock=stock, survey=eco.PerfectSurvey(), grid=eco.Grid(3.0, 15))
    arrays = eco.discretize(problem, tolerance=0.5)
    policy = TablePolicy(arrays.grid.points, np.zeros(16), 1.0)
    settings = {"initial_biomass": arrays.grid.points[5], "years": 3, "collapse": 0.8}
    exact = ManagedChain.of(arrays, policy, problem.economy).futures(settings["initial_biomass"], 3, 0.8)
    assert 0.2 < exact.collapse < 0.8
    covered, agreed = 0, 0
    for seed in range(100):
        found = rare_collapse(
            policy, stock=ChainStock(arrays), survey=ChainSurvey(arrays), particles=particles, runs=runs,
            share=0.5, seed=seed, **settings,
        )  # fmt: skip
        covered += found.low <= exact.collapse <= found.high
        agreed += found.standard_error == 0.0
        assert found.low < found.probability < found.high or found.probability in (0.0, 1.0)
    # of 100 with a chance of 0.95 fewer than 85 hold it once in 10,000 times
    assert covered >= 100 * held - 0.01
    assert agreed > 10 or particles > 4


def test_runs_that_agree_tell_what_as_many_plain_futures_do():
    """Clopper & Pearson: all of 200 collapsed leaves open 0.025^(1/200) to 1."""
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.UniformNoise(half_width=0.05))
    found = rare_collapse(
        RulePolicy(ConstantRate(0.9), 1.0), stock=stock, survey=eco.PerfectSurvey(), initial_biomass=0.8, years=5,
        collapse=0.3, particles=50, runs=4,
    )  # fmt: skip
    assert found.probability == found.high == 1.0 and found.low == pytest.approx(0.025 ** (1 / 200))


def test_some_futures_go_on_whatever_the_share():
    """Of four futures 0.9 is all but one: the risk is met, and not given up at once."""
    policy, settings, _, exact = chain(sigma=0.3)
    found = rare_collapse(policy, **settings, particles=4, runs=600, share=0.9, seed=2)
    assert any(found.levels) and found.floored == 0
    assert abs(found.probability - exact) < 4.5 * found.standard_error < 1.5 * exact


class Counting:
    """A survey that writes down with how many threads matrices are multiplied when it is asked."""

    def __init__(self, survey):
        self.survey, self.threads = survey, []

    def sample(self, biomass, z):
        return self.survey.sample(biomass, z)

    def cdf(self, observed, biomass):
        self.threads += [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        return self.survey.cdf(observed, biomass)


def test_a_guide_is_made_with_one_thread():
    policy, settings, grid, _ = chain(sigma=0.3)
    survey = Counting(settings.pop("survey"))
    with threadpool_limits(limits=2):
        rare_collapse(policy, survey=survey, grid=grid, particles=10, runs=2, **settings)
    assert survey.threads and set(survey.threads) == {1}


def test_a_guide_is_the_exact_chance_of_a_collapse():
    """In each of three worlds, with limits inside cells; its memory is bounded, whatever their number."""
    stock = eco.ParametricStock(
        eco.BevertonHolt(A=np.array([1.6, 1.8, 2.0]), B=np.array([0.8, 1.0, 0.9])),
        eco.LognormalNoise(sigma=0.25),
        initial_biomass=0.725,
    )
    policy, survey, grid = RulePolicy(ConstantRate(0.25), 1.0), eco.LognormalSurvey(cv=0.2), eco.Grid(3.0, 60)
    limit = 0.213 * stock.carrying_capacity
    exact = exact_scores(
        {"a": policy}, stock=stock, survey=survey, economy=eco.Economy(), grid=grid, years=8, collapse="0.213K",
        implementation_cv=0.1,
    ).draw_collapse[0]  # fmt: skip
    guide = danger(policy, stock, stock, limit, survey, grid, 8, 0.1, True)
    start = int(grid.locate(0.725))
    np.testing.assert_allclose(np.exp(-guide.safety[0, :, start]), exact, rtol=1e-9)
    many = stock.take(np.arange(3).repeat(20_000))
    shared = danger(policy, many, many, limit.repeat(20_000), survey, grid, 8, 0.1, True)
    assert shared.safety.nbytes <= 4e8
    assert exact.min() < np.exp(-shared.safety[0, 0, start]) < exact.max()


def test_what_means_nothing_is_refused():
    policy, settings, _, _ = chain(sigma=0.3)
    with pytest.raises(EvaluationError, match="start at or above the limit"):
        rare_collapse(policy, **{**settings, "collapse": 1.5})
    with pytest.raises(EvaluationError, match="runs of at least 2"):
        rare_collapse(policy, **settings, runs=1)
