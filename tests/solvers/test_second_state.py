"""Two states against a dumb dense value iteration, the problems of one state that they hold, and play."""

import dataclasses

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import ProblemError, SolverError
from ecodecide.solvers.optimal_control import policy_iteration
from ecodecide.solvers.second_state import SecondStateProblem, solve_second_state, surface_policy

CHAIN = np.array([[0.7, 0.3, 0.0], [0.2, 0.5, 0.3], [0.0, 0.4, 0.6]])
ECONOMIES = {
    "plain": eco.Economy(discount=0.9),
    "costs": eco.Economy(price=2.0, effort_cost=0.3, fixed_cost=0.05, discount=0.9),
    "patient": eco.Economy(discount=0.99),
}


def one_state(capacity=0.9, cells=12, economy=None):
    stock = eco.ParametricStock(eco.Ricker(r=1.2, K=capacity), eco.LognormalNoise(sigma=0.2))
    economy = economy or ECONOMIES["plain"]
    problem = eco.HarvestProblem(stock=stock, economy=economy, grid=eco.Grid(upper=2.0, cells=cells))
    return eco.discretize(problem, tolerance=0.5)


def two_states(kind, capacities=(0.4, 0.9, 1.4), economy=None, levels=None, transition=CHAIN, cells=12):
    """The capacity differs between the levels; of the lag kind the levels leave escapements beyond both ends."""
    each = [one_state(capacity, cells, economy) for capacity in capacities]
    n, m = len(each[0].initial), len(capacities)
    chances = np.arange(1.0, n * m + 1.0).reshape(n, m)
    return SecondStateProblem(
        grid=each[0].grid,
        levels=np.array([0.2, 0.5, 1.1][:m] if levels is None else levels),
        kernel=np.stack([one.kernel for one in each]),
        reward=each[0].reward,
        initial=chances / chances.sum(),
        discount=each[0].discount,
        transition=transition if kind == "environment" else None,
    )


def dense_value_iteration(arrays, error):
    """Textbook value iteration over pairs of states, their moves filled in one by one; to an error."""
    points, levels, g = arrays.grid.points, arrays.levels, arrays.discount
    n, m = len(points), len(levels)
    moves = np.zeros((n, m, n, n, m))
    for x in range(n):
        for a in range(n):
            s = x - a if x > a else 0
            # by hand, where the escapement falls between the levels
            shares = np.zeros(m)
            if points[s] <= levels[0]:
                shares[0] = 1.0
            elif points[s] >= levels[-1]:
                shares[-1] = 1.0
            else:
                k = int(np.argmax(levels > points[s]))
                shares[k] = (points[s] - levels[k - 1]) / (levels[k] - levels[k - 1])
                shares[k - 1] = 1.0 - shares[k]
            for w in range(m):
                onward = shares if arrays.transition is None else arrays.transition[w]
                moves[x, w, a] = np.outer(arrays.kernel[w, s], onward)
    flat = moves.reshape(n * m, n, n * m)
    value, change = np.zeros(n * m), np.inf
    while change * g / (1.0 - g) > error:
        q = np.repeat(arrays.reward, m, axis=0) + g * flat @ value
        value, change = q.max(axis=1), np.abs(q.max(axis=1) - value).max()
    return value.reshape(n, m), q.reshape(n, m, n).swapaxes(1, 2), flat


@pytest.mark.parametrize("kind", ["environment", "lag"])
@pytest.mark.parametrize("economy", ECONOMIES)
def test_two_states_agree_with_dense_value_iteration(kind, economy):
    arrays = two_states(kind, economy=ECONOMIES[economy])
    twin, q, _ = dense_value_iteration(arrays, 1e-12)
    value, action, _, error = solve_second_state(arrays, tolerance=1e-11)
    assert error <= 1e-11 * twin.max()
    # the two errors, and rounding
    assert np.abs(value - twin).max() <= error + 2e-12
    best = q.max(axis=1)
    # it is the smallest of the quotas that are equally good, to ten times the errors above
    assert np.array_equal(action, np.argmax(q >= best[:, None] - 1e-9, axis=1))
    # growth differs, so the second state must count
    assert np.ptp(action, axis=1).max() > 0


@pytest.mark.parametrize("kind", ["environment", "lag"])
@pytest.mark.parametrize("tolerance", [0.2, 1e-2, 1e-6])
def test_the_bound_bounds(kind, tolerance):
    """The optimum lies between the value and the value plus the error, and the policy earns the value."""
    arrays = two_states(kind, economy=ECONOMIES["patient"])
    twin, _, flat = dense_value_iteration(arrays, 1e-10)
    value, action, _, error = solve_second_state(arrays, tolerance=tolerance)
    assert error <= tolerance * value.max()
    assert (value <= twin + 1e-9).all()
    assert (twin <= value + error + 1e-9).all()
    states, quotas = np.arange(value.size), action.ravel()
    profit = np.repeat(arrays.reward, len(arrays.levels), axis=0)[states, quotas]
    earned = np.linalg.solve(np.eye(value.size) - arrays.discount * flat[states, quotas], profit)
    assert (value.ravel() <= earned + 1e-9).all()


@pytest.mark.parametrize("kind", ["environment", "lag"])
@pytest.mark.parametrize("levels", [3, 1])
def test_a_second_state_that_changes_nothing_is_the_problem_of_one(kind, levels):
    transition = CHAIN if levels == 3 else np.eye(1)
    arrays = two_states(kind, capacities=(0.9,) * levels, transition=transition, cells=40)
    value, action, _, error = solve_second_state(arrays, tolerance=1e-11)
    known, quota, _, known_error = policy_iteration(one_state(cells=40))
    assert np.abs(value - known[:, None]).max() <= error + known_error + 1e-13
    assert (action == quota[:, None]).all()


def test_an_environment_that_never_changes_is_a_problem_for_each_level():
    capacities = (0.6, 1.0, 1.5)
    arrays = two_states("environment", capacities, transition=np.eye(3), cells=40)
    value, action, _, error = solve_second_state(arrays, tolerance=1e-11)
    for w, capacity in enumerate(capacities):
        known, quota, _, known_error = policy_iteration(one_state(capacity, cells=40))
        assert np.abs(value[:, w] - known).max() <= error + known_error + 1e-13
        assert np.array_equal(action[:, w], quota)


def test_a_level_is_worth_what_its_problem_is_where_all_move_there():
    """After one year in any level the environment stays in the last one: V = max r + g K_w V_last."""
    transition = np.tile([0.0, 0.0, 1.0], (3, 1))
    arrays = two_states("environment", transition=transition, cells=30)
    value, _, _, error = solve_second_state(arrays, tolerance=1e-11)
    last, _, _, _ = policy_iteration(one_state(1.4, cells=30))
    ahead = arrays.kernel @ last
    expected = (arrays.reward[:, :, None] + arrays.discount * ahead.T[arrays.left]).max(axis=1)
    assert np.abs(value - expected).max() <= error + 1e-10


@pytest.mark.parametrize("kind", ["environment", "lag"])
def test_units_of_biomass_and_money_change_no_quota(kind):
    arrays = two_states(kind)
    value, action, _, _ = solve_second_state(arrays)
    tons = dataclasses.replace(
        arrays,
        grid=eco.Grid(upper=2e6, cells=12),
        levels=1e6 * arrays.levels,
        reward=2e9 * arrays.reward,
    )
    in_tons, same, _, _ = solve_second_state(tons)
    assert np.array_equal(action, same)
    np.testing.assert_allclose(in_tons, 2e9 * value, rtol=1e-8)
    quotas = (surface_policy(one, action).quotas for one in (arrays, tons))
    np.testing.assert_allclose(1e6 * next(quotas), next(quotas), rtol=1e-12)


def test_this_years_escapement_is_shared_between_the_two_levels_beside_it():
    arrays = two_states("lag")
    points, levels = arrays.grid.points, arrays.levels
    assert np.count_nonzero(arrays.carry, axis=1).max() == 2
    np.testing.assert_allclose(arrays.carry.sum(axis=1), 1.0, rtol=1e-15)
    # the mean is kept, but at the ends
    np.testing.assert_allclose(arrays.carry @ levels, np.clip(points, levels[0], levels[-1]), rtol=1e-14)


@pytest.mark.parametrize("kind", ["environment", "lag"])
def test_play_earns_the_value(kind):
    """The policy itself, by its own books, in the world it was solved for, from its initial state.

    Levels are the points of the grid or the table is that of the level, so that nothing is interpolated.
    """
    # more room after a small escapement
    capacities = np.linspace(1.6, 0.2, 13) if kind == "lag" else (0.4, 0.9, 1.4)
    levels = one_state().grid.points if kind == "lag" else None
    arrays = two_states(kind, capacities, levels=levels)
    start = np.zeros_like(arrays.initial)
    start[8, 1] = 1.0
    arrays = dataclasses.replace(arrays, initial=start)
    value, action, _, error = solve_second_state(arrays)
    policy, rng = surface_policy(arrays, action), np.random.default_rng(1)
    replicates, years = 20_000, 100
    x, w, memory, caught = np.full(replicates, 8), np.full(replicates, 1), policy.start(replicates), None
    earned = np.zeros(replicates)
    tables = [policy.at(level) for level in arrays.levels]
    upto_x = arrays.kernel.cumsum(axis=2)
    for year in range(years):
        biomass = arrays.grid.points[x]
        if kind == "lag":
            quota, memory = policy.decide(memory, biomass, caught)
        else:
            quota = np.choose(
                w, [table.decide(table.start(replicates), biomass, None)[0] for table in tables]
            )
        q = np.rint(quota / arrays.grid.step).astype(int)
        s = np.maximum(x - q, 0)
        caught = biomass - arrays.grid.points[s]
        earned += arrays.discount**year * arrays.reward[x, q]
        x = (rng.random(replicates)[:, None] > upto_x[w, s] / upto_x[w, s, -1:]).sum(axis=1)
        onward = arrays.carry[s] if kind == "lag" else arrays.transition[w]
        w = (rng.random(replicates)[:, None] > onward.cumsum(axis=1)).sum(axis=1)
    # five standard errors; after 100 years .9^100 = 3e-5 of the value is left out
    spread = 5.0 * earned.std() / np.sqrt(replicates) + 1e-4 * value.max() + error
    assert abs(earned.mean() - value[8, 1]) <= spread
    # narrow enough to tell anything
    assert spread <= 0.02 * value[8, 1]


@pytest.mark.parametrize("kind", ["environment", "lag"])
def test_before_any_survey_the_policy_acts_on_what_the_initial_state_expects(kind):
    arrays = two_states(kind)
    _, action, _, _ = solve_second_state(arrays)
    policy = surface_policy(arrays, action)
    biomass = arrays.initial.sum(axis=1) @ arrays.grid.points
    level = arrays.initial.sum(axis=0) @ arrays.levels
    missing, memory, caught = np.array([np.nan]), policy.start(1), None
    for _ in range(2):
        quota, memory = policy.decide(memory, missing, caught)
        table = policy.at(level)
        assert quota == pytest.approx(table.decide(table.start(1), np.array([biomass]), None)[0], rel=1e-12)
        # next year: what the chain expects, or what is left of the biomass taken for granted
        level = arrays.initial.sum(axis=0) @ CHAIN @ arrays.levels if kind == "environment" else biomass - 0.7
        caught = np.array([0.7])


def test_two_states_that_stop_early_are_never_silent():
    with pytest.raises(SolverError, match=r"after 1 rounds.*rounds="):
        solve_second_state(two_states("lag"), rounds=1)


@pytest.mark.parametrize("setting", [{"tolerance": 0.0}, {"rounds": 0}])
def test_settings_of_two_states_that_mean_nothing(setting):
    with pytest.raises(SolverError, match="tolerance must be positive and rounds at least 1"):
        solve_second_state(two_states("lag"), **setting)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": np.array([0.2, 0.5, 0.5])}, "levels must be one or more that increase"),
        ({"levels": np.array([0.2, 0.5])}, r"kernel must have the shape \(2, 13, 13\)"),
        ({"transition": np.eye(2)}, r"transition must have the shape \(3, 3\).*got \(2, 2\)"),
        ({"transition": 0.9 * np.eye(3)}, "transition must hold probabilities that sum to one"),
        ({"initial": np.full((13, 3), 0.1)}, "initial must hold probabilities"),
        ({"reward": np.full((13, 13), np.nan)}, "reward must hold finite numbers"),
        ({"discount": 1.0}, "discount must be a factor"),
    ],
)
def test_two_states_that_mean_nothing(wrong, message):
    with pytest.raises(ProblemError, match=message):
        dataclasses.replace(two_states("environment"), **wrong)


def test_two_states_need_no_array_larger_than_the_kernel():
    """Beside the kernel: GMRES holds 40 vectors of n m = 3,232 numbers, and a few are n x n."""
    import tracemalloc

    arrays = two_states("lag", np.linspace(0.5, 1.5, 16), levels=np.arange(16.0), cells=200)
    for one in (arrays, dataclasses.replace(arrays, transition=np.full((16, 16), 1 / 16))):
        tracemalloc.start()
        solve_second_state(one)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < arrays.kernel.nbytes
