"""The chain of a managed stock against a loop that writes out every sum, and which policies have one."""

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.managed_chain import ManagedChain, is_memoryless
from ecodecide.policy.rules import ConstantRate, RulePolicy
from ecodecide.policy.table import NearestPointPolicy, TablePolicy

ECONOMY = eco.Economy(price=2.0, effort_cost=0.3, fixed_cost=0.1, discount=0.8)


@pytest.fixture(scope="module")
def arrays():
    problem = eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.2)),
        survey=eco.LognormalSurvey(cv=0.3),
        grid=eco.Grid(upper=2.4, cells=12),
    )
    return eco.discretize(problem, tolerance=0.2)


def table(arrays):
    steps = np.array([0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8])
    return TablePolicy(arrays.grid.points, steps * arrays.grid.step, 1.0)


@pytest.mark.parametrize("first_survey", [True, False])
@pytest.mark.parametrize(("limit", "shares"), [(0.4, [1, 1, 1, 0]), (0.45, [1, 1, 1, 0.25])])
def test_every_path_written_out(arrays, first_survey, limit, shares):
    """Three years of all futures, one state, survey and successor at a time; 0.45 is a quarter into (0.4, 0.6]."""
    policy, points = table(arrays), arrays.grid.points
    lost = np.append(shares, np.zeros(len(points) - 4))
    steps = np.round(policy.quotas / arrays.grid.step).astype(int)
    policy = TablePolicy(points, policy.quotas, points[5])
    blind = steps[5]
    n, start = len(points), 4
    # (state, fallen) -> probability
    now = {(start, False): 1.0}
    npv, catches, fallen = 0.0, [], []
    for year in range(3):
        after: dict = {}
        caught = 0.0
        for (x, fell), p in now.items():
            for o in range(n):
                seen = p * arrays.observation[x, o]
                quota = steps[o] if first_survey or year > 0 else blind
                left = max(x - quota, 0)
                catch = points[x] - points[left]
                caught += seen * catch
                cost = 0.3 * catch / points[x] + 0.1 if catch > 0.0 else 0.0
                npv += seen * 0.8**year * (2.0 * catch - cost)
                for y in range(n):
                    reached = seen * arrays.kernel[left, y]
                    for key, share in (((y, True), fell or lost[y]), ((y, False), 1 - (fell or lost[y]))):
                        after[key] = after.get(key, 0.0) + share * reached
        now = after
        catches.append(caught)
        fallen.append(sum(p for (_, fell), p in now.items() if fell))
    found = ManagedChain.of(arrays, policy, ECONOMY, first_survey).futures(points[start], 3, limit)
    np.testing.assert_allclose(found.fallen, [0.0, *fallen], atol=1e-12)
    np.testing.assert_allclose(found.catch[:-1], catches, atol=1e-12)
    assert found.npv == pytest.approx(npv, rel=1e-12)
    assert found.below[-1] == pytest.approx(sum(p * lost[x] for (x, _), p in now.items()))
    assert found.extinct[-1] == pytest.approx(sum(p for (x, _), p in now.items() if x == 0))
    assert np.isnan(found.catch[-1])


def test_a_start_below_the_limit_is_not_a_collapse(arrays):
    chain = ManagedChain.of(arrays, table(arrays), ECONOMY)
    points = arrays.grid.points
    half = 0.5 * (np.eye(13)[1] + np.eye(13)[6])
    # of the half that starts above the limit, which the other half says nothing about
    assert chain.futures(half, 5, 0.5).collapse == pytest.approx(chain.futures(points[6], 5, 0.5).collapse)
    assert np.isnan(chain.futures(points[1], 5, 0.5).collapse)
    assert chain.futures(half, 5, 0.5).below[0] == 0.5


def test_probabilities_are_of_one_whole(arrays):
    chain = ManagedChain.of(arrays, RulePolicy(ConstantRate(0.37), 1.0), ECONOMY, implementation_cv=0.2)
    np.testing.assert_allclose(chain.transition.sum(axis=1), 1.0, atol=1e-12)
    assert chain.transition[0, 0] == 1.0
    found = chain.futures(1.0, 30, 0.3)
    assert np.all(np.diff(found.fallen) >= 0.0) and np.all(np.diff(found.extinct) >= -1e-15)
    assert np.all(found.fallen >= found.below - 1e-12)


def test_rounding_makes_nothing_surer_than_certain(arrays):
    """A hundred starts that are all bound to fall, each a sum of its own many shares of one."""
    chain = ManagedChain.of(arrays, RulePolicy(ConstantRate(1.0), 1.0), ECONOMY, implementation_cv=0.3)
    starts = np.random.default_rng(1).dirichlet(np.ones(13), 100)
    found = [chain.futures(start, 60, 0.45) for start in starts]
    for key in ("fallen", "below", "extinct"):
        values = np.array([getattr(one, key) for one in found])
        assert values.max() <= 1.0 and values.max() > 0.99, key


def test_which_policies_have_a_chain(arrays):
    points = arrays.grid.points
    assert is_memoryless(table(arrays)) and is_memoryless(NearestPointPolicy(points, points / 2.0, 1.0))
    belief = BeliefPolicy(arrays, np.zeros((1, 13)), np.array([0]))
    capped = RulePolicy(ConstantRate(0.2), 1.0, cap=0.2)
    late = RulePolicy(ConstantRate(0.2), 1.0, delay=1)
    for policy, name in ((belief, "BeliefPolicy"), (capped, "RulePolicy"), (late, "RulePolicy")):
        assert not is_memoryless(policy)
        with pytest.raises(PolicyError, match=f"a {name} .* decides on more than this year's survey"):
            ManagedChain.of(arrays, policy, ECONOMY)


def test_what_means_nothing_is_refused(arrays):
    chain = ManagedChain.of(arrays, table(arrays), ECONOMY)
    for initial in (3.0, np.ones(5) / 5, np.full(13, 0.5)):
        with pytest.raises(EvaluationError, match="initial must be a biomass between 0 and"):
            chain.futures(initial, 5, 0.5)
    with pytest.raises(EvaluationError, match="years"):
        chain.futures(1.0, 0, 0.5)
    with pytest.raises(PolicyError, match=r"quota -1\.0"):
        ManagedChain.of(arrays, TablePolicy(arrays.grid.points, np.full(13, -1.0), 1.0), ECONOMY)
