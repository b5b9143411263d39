"""The belief policy against a dense Bayes filter that enumerates states, and against a simulated fishery."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ecodecide.decision.discretize import DiscreteProblem, discretize
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import PolicyError
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.stock.growth import Logistic
from ecodecide.stock.noise import NormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import NormalSurvey

N = 6
CELLS = Grid(upper=2.5, cells=5)  # step 1/2
POINTS = Grid(upper=2.5, cells=6, scheme="memarzadeh2019")  # step 1/2
GRIDS = pytest.mark.parametrize("grid", [CELLS, POINTS], ids=["cells", "points"])
NONE = np.array([np.nan])


def problem(seed, grid=CELLS, cv=0.0, kernel=None, observation=None):
    """Return random arrays in which extinction absorbs and is seen as 0, and a policy of random vectors."""
    rng = np.random.default_rng(seed)

    def rows():
        matrix = rng.dirichlet(np.full(N, 0.7), N)
        matrix[0] = np.eye(N)[0]
        return matrix

    arrays = DiscreteProblem(
        grid,
        rows() if kernel is None else kernel,
        rows() if observation is None else observation,
        np.zeros((N, N)),
        rng.dirichlet(np.ones(N)),
        0.95,
        0.0,
        cv,
    )
    vectors = rng.uniform(0, 1, (8, N))
    vectors[:, 0] = 0.0  # nothing is ever earned from an extinct stock
    return BeliefPolicy(arrays, vectors, rng.integers(0, N, 8))


def remember(belief, quota):
    return np.append(belief, quota)[None, :]


def updated(policy, belief, quota, caught, observed):
    """Return the belief on which the next quota is set."""
    _, memory = policy.decide(remember(belief, quota), np.atleast_1d(float(observed)), np.atleast_1d(caught))
    return policy.belief(memory)[0]


def catch_of(grid, i, j):
    """What quota j takes of state i in the discrete problem: the difference of two points."""
    return grid.points[i] - grid.points[max(i - j, 0)]


def dense_filter(arrays, belief, j, caught, heard):
    """Bayes by enumeration of (state, escapement, next state); None if nothing in it fits the evidence."""
    joint = np.zeros(N)
    for i in range(N):
        if abs(catch_of(arrays.grid, i, j) - caught) > 1e-9:
            continue
        for after in range(N):
            seen = 1.0 if heard is None else arrays.observation[after, heard]
            joint[after] += belief[i] * arrays.kernel[max(i - j, 0), after] * seen
    return joint / joint.sum() if joint.sum() > 0 else None


beliefs = st.lists(st.floats(0, 1), min_size=N, max_size=N).filter(lambda w: sum(w) > 0.1)
index = st.integers(0, N - 1)


@GRIDS
@given(seed=st.integers(0, 1000), weights=beliefs, i=index, j=index, heard=st.one_of(st.none(), index))
def test_update_is_the_dense_filter(grid, seed, weights, i, j, heard):
    """For every catch that the discrete problem can produce: the whole quota, or whatever there was."""
    policy = problem(seed, grid)
    belief = np.array(weights) / sum(weights)
    caught = catch_of(grid, i, j)
    expected = dense_filter(policy.arrays, belief, j, caught, heard)
    if expected is None or belief[i] < 1e-6:  # impossible or next to it: tested by hand below
        return
    observed = np.nan if heard is None else grid.points[heard]
    # rounding of the catch leaks up to 1e-15 of a cell, which dividing by the evidence magnifies
    got = updated(policy, belief, grid.quotas[j], caught, observed)
    np.testing.assert_allclose(got, expected, atol=1e-8)
    assert got.sum() == pytest.approx(1.0, abs=1e-12)


@GRIDS
def test_a_known_state_stays_known(grid):
    """From a certain state, with growth that keeps it, every quota leaves state max(i - j, 0) for certain."""
    policy = problem(0, grid, kernel=np.eye(N), observation=np.eye(N))
    for i in range(N):
        for j in range(N):
            got = updated(policy, np.eye(N)[i], grid.quotas[j], catch_of(grid, i, j), np.nan)
            np.testing.assert_allclose(got, np.eye(N)[max(i - j, 0)], atol=1e-12)


def test_a_catch_short_of_its_quota_means_extinction():
    policy = problem(1, kernel=np.eye(N))
    got = updated(policy, np.full(N, 1 / N), 1.0, 0.8, np.nan)
    np.testing.assert_allclose(got, np.eye(N)[0], atol=1e-15)


def test_a_quota_caught_in_full_truncates():
    policy = problem(1, kernel=np.eye(N))
    belief = np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.1])
    # a catch of two steps: cells 0 to 2 could not bear it, 3, 4, 5 are now 1, 2, 3, of 0.4 together
    np.testing.assert_allclose(
        updated(policy, belief, 1.0, 1.0, np.nan), [0, 0.25, 0.5, 0.25, 0, 0], rtol=1e-13
    )
    # half a step more: the upper half of cell 3 and all of 4 and 5; what is left of cell 3 is a quarter step
    # on average and stays in the first cell; points 1.75 and 2.25 less 1.25 are half-way between two points
    by_hand = np.array([0, 0.05 + 0.1, 0.1 + 0.05, 0.05, 0, 0]) / 0.35
    np.testing.assert_allclose(updated(policy, belief, 1.25, 1.25, np.nan), by_hand, rtol=1e-13)


def test_no_quota_and_no_catch_say_nothing():
    policy = problem(2)
    belief = np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.1])
    for cv in (0.0, 0.3):
        policy = problem(2, cv=cv)
        np.testing.assert_allclose(
            updated(policy, belief, 0.0, 0.0, np.nan), belief @ policy.arrays.kernel, rtol=1e-13
        )


@pytest.mark.parametrize(
    ("cv", "quota", "caught"), [(0.2, 1.0, 0.9), (0.2, 1.0, 1.1), (0.5, 0.8, 0.35), (0.5, 0.3, 0.6)]
)
def test_implementation_error_is_weighed_against_an_empty_sea(cv, quota, caught):
    """Simulated on a lattice: catch = min(quota e^(sigma e), x), kept where it is within 0.004 of the catch.

    Extinction afterwards is the share of kept cases that took all there was; the mean escapement of the rest
    follows from the same cases.
    """
    policy = problem(3, cv=cv, kernel=np.eye(N))
    belief = np.array([0.05, 0.25, 0.3, 0.2, 0.1, 0.1])
    cell = 500
    x = np.concatenate([(np.arange(5 * cell) + 0.5) / (5 * cell) * 2.5])
    weight = np.repeat(belief[1:] / cell, cell)
    sigma = np.sqrt(np.log1p(cv**2))
    meant = quota * np.exp(sigma * stats.norm.ppf((np.arange(4000) + 0.5) / 4000))
    took = np.minimum(meant[None, :], x[:, None])
    kept = (np.abs(took - caught) < 0.004) * weight[:, None]
    emptied = (took == x[:, None]) * kept
    got = updated(policy, belief, quota, caught, np.nan)
    # eight slices of x and, at the least, some forty of the error make up the window: two in a hundred
    assert got[0] == pytest.approx(emptied.sum() / kept.sum(), rel=0.05)
    # with the remainder of a cell moved up to the first point, the mean is at most half a step too high
    survived = kept - emptied
    left = ((x[:, None] - caught) * survived).sum() / survived.sum()
    assert left - 0.02 <= got[1:] @ CELLS.points[1:] / got[1:].sum() <= left + 0.25


def test_small_implementation_error_is_none_in_the_limit():
    """A catch equal to the quota, or short of it by much more than the error allows."""
    belief = np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.1])
    exact, nearly = problem(4, kernel=np.eye(N)), problem(4, cv=1e-6, kernel=np.eye(N))
    for caught in (1.0, 0.8, 0.0):
        # at the quota itself the density of the error beats that of the stock a millionfold
        np.testing.assert_allclose(
            updated(nearly, belief, 1.0, caught, np.nan),
            updated(exact, belief, 1.0, caught, np.nan),
            atol=1e-5,
        )


def test_nothing_caught_under_implementation_error_means_extinction():
    policy = problem(4, cv=0.3, kernel=np.eye(N))
    for belief in (np.full(N, 1 / N), np.eye(N)[3]):
        np.testing.assert_array_equal(updated(policy, belief, 1.0, 0.0, np.nan), np.eye(N)[0])


# --- evidence that the belief holds for impossible ---


@pytest.mark.parametrize("cv", [0.0, 0.1])
def test_an_impossible_catch_restarts_from_every_biomass_that_could_have_borne_it(cv):
    """Certain of cell 1, (0, 0.5], and yet 1.5 were caught: cells 4 and 5 could, alike, and are now 1 and 2.

    With an error, cell 3, which ends at 1.5, might have been emptied: its density 1/6 per half unit against
    that of the error at its median, 1/(1.5 sigma sqrt(2 pi)), times the third of a chance of more.
    """
    policy = problem(5, cv=cv, kernel=np.eye(N))
    got = updated(policy, np.eye(N)[1], 1.5, 1.5, np.nan)
    emptied = 0.0
    if cv:
        sigma = np.sqrt(np.log1p(cv**2))
        ended = (1 / 6) / 0.5 * 0.5
        short = (2 / 6) / (1.5 * sigma * np.sqrt(2 * np.pi))
        emptied = ended / (ended + short)
    np.testing.assert_allclose(
        got, [emptied, (1 - emptied) / 2, (1 - emptied) / 2, 0, 0, 0], rtol=1e-12, atol=1e-15
    )


def test_a_catch_far_above_its_quota_shows_that_the_stock_was_there():
    """So far out that the error's density underflows: the stock is not extinct for it."""
    policy = problem(5, cv=0.01, kernel=np.eye(N))
    got = updated(policy, np.full(N, 1 / N), 0.5, 1.5, np.nan)
    np.testing.assert_allclose(got, [0, 0.5, 0.5, 0, 0, 0], atol=1e-12)


@pytest.mark.parametrize("cv", [0.0, 0.2])
@pytest.mark.parametrize("belief", [np.full(N, 1 / N), np.eye(N)[2]], ids=["possible", "restarted"])
def test_a_catch_above_the_grid_is_the_last_states(cv, belief):
    """The last cell stands for all beyond it: what it has left above its point is of the first cell.

    With an error it may have been emptied: its density 1/6 per half unit times half a chance of more, against
    the half of it above its point, 1/12, times the density of the error at its median.
    """
    policy = problem(5, cv=cv, kernel=np.eye(N))
    emptied = 0.0
    if cv:
        ended = (1 / 6) / 0.5 * 0.5
        fell_short = (1 / 12) / (4.0 * np.sqrt(np.log1p(cv**2)) * np.sqrt(2 * np.pi))
        emptied = ended / (ended + fell_short)
    got = updated(policy, belief, 4.0, 4.0, np.nan)
    np.testing.assert_allclose(got, [emptied, 1.0 - emptied, 0, 0, 0, 0], rtol=1e-12, atol=1e-15)


def test_a_catch_that_is_no_number_is_refused():
    policy, memory = problem(5), np.tile(remember(np.full(N, 1 / N), 1.0), (2, 1))
    with pytest.raises(PolicyError, match=r"not known in 1 of 2 replicates"):
        policy.decide(memory, np.full(2, np.nan), np.array([1.0, np.nan]))


def test_an_impossible_survey_restarts_from_the_survey_alone():
    observation = np.array(
        [
            [1, 0, 0, 0, 0, 0],
            [0.5, 0.5, 0, 0, 0, 0],
            [0, 0.2, 0.6, 0.2, 0, 0],
            [0, 0, 0.3, 0.7, 0, 0],
            [0, 0, 0, 1.0, 0, 0],
            [0, 0, 0, 1.0, 0, 0],
        ]
    )
    policy = problem(6, observation=observation)
    at = CELLS.points
    _, memory = policy.decide(
        np.stack([np.append(np.eye(N)[1], np.nan)] * 4), np.array([at[2], at[4], at[1], np.nan]), None
    )
    belief = policy.belief(memory)
    # the column of observation 2 alone: 0.6 to 0.3
    np.testing.assert_allclose(belief[0], [0, 0, 2 / 3, 1 / 3, 0, 0], rtol=1e-14)
    # an observation that no state makes is taken at its word
    np.testing.assert_array_equal(belief[1], np.eye(N)[4])
    # possible, and missing: the belief stands
    np.testing.assert_array_equal(belief[2:], np.eye(N)[[1, 1]])


# --- laws ---


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), weights=beliefs, j=index)
@pytest.mark.parametrize("grid", [CELLS, POINTS], ids=["cells", "points"])
def test_a_catch_known_to_be_below_its_quota_changes_the_belief_but_not_the_value(grid, seed, weights, j):
    """V(b) = max over i of alpha_i . b, homogeneous, and no vector is worth anything in extinction.

    A catch tells whether the stock ran out. If so it is worth nothing; if not, the rest of the belief is
    scaled up by what it is now the more likely. So the expected value after hearing the catch is that of not
    hearing it: this is why a solver may plan without catches as evidence.
    """
    policy = problem(seed, grid)
    arrays = policy.arrays
    belief = np.array(weights) / sum(weights)
    chances = {}
    for i in range(N):
        if belief[i] > 1e-9:
            caught = round(catch_of(grid, i, j), 9)
            chances[caught] = chances.get(caught, 0.0) + belief[i]
    told = 0.0
    for caught, chance in chances.items():
        predicted = updated(policy, belief, grid.quotas[j], caught, np.nan)
        for heard in range(N):
            seen = float(predicted @ arrays.observation[:, heard])
            if seen > 1e-12:
                after = updated(policy, belief, grid.quotas[j], caught, grid.points[heard])
                told += chance * seen * float((policy.vectors @ after).max())
    escapement = np.zeros(N)
    for i in range(N):
        escapement[max(i - j, 0)] += belief[i]
    grown = escapement @ arrays.kernel
    untold = sum(float((policy.vectors @ (grown * arrays.observation[:, o])).max()) for o in range(N))
    # neglected: states of probability 1e-9, observations of 1e-12
    assert told == pytest.approx(untold, abs=1e-7)


@given(seed=st.integers(0, 1000), weights=beliefs)
def test_beliefs_are_a_martingale_under_surveys(seed, weights):
    """The mean over observations of the belief after is the belief before (the law of total probability)."""
    policy = problem(seed)
    belief = np.array(weights) / sum(weights)
    mean = np.zeros(N)
    for heard in range(N):
        chance = float(belief @ policy.arrays.observation[:, heard])
        _, memory = policy.decide(remember(belief, np.nan), CELLS.points[[heard]], None)
        mean += chance * policy.belief(memory)[0]
    np.testing.assert_allclose(mean, belief, atol=1e-12)


@pytest.mark.parametrize("cv", [0.0, 0.3])
def test_a_batch_is_its_replicates_one_by_one_and_no_memory_is_changed(cv):
    rng = np.random.default_rng(7)
    policy = problem(7, cv=cv)
    rows = 40
    memory = np.column_stack([rng.dirichlet(np.ones(N), rows), CELLS.quotas[rng.integers(0, N, rows)]])
    observed = np.where(rng.uniform(size=rows) < 0.3, np.nan, rng.uniform(0, 3, rows))
    caught = np.where(rng.uniform(size=rows) < 0.5, memory[:, -1], rng.uniform(0, 3, rows))
    before = memory.copy()
    quota, after = policy.decide(memory, observed, caught)
    np.testing.assert_array_equal(memory, before)
    assert not np.shares_memory(memory, after)
    np.testing.assert_allclose(policy.belief(after).sum(axis=1), 1.0, atol=1e-13)
    for i in range(rows):
        alone, memory_alone = policy.decide(memory[[i]], observed[[i]], caught[[i]])
        assert alone[0] == quota[i]
        # BLAS may add up in another order for one row
        np.testing.assert_allclose(memory_alone[0], after[i], rtol=1e-13, atol=1e-300)


def test_it_starts_from_the_initial_belief_and_acts_by_the_best_vector():
    policy = problem(8)
    memory = policy.start(3)
    np.testing.assert_array_equal(policy.belief(memory), np.tile(policy.arrays.initial, (3, 1)))
    quota, after = policy.decide(memory, np.full(3, np.nan), None)
    worth = [float(np.dot(vector, policy.arrays.initial)) for vector in policy.vectors]
    assert list(quota) == [CELLS.quotas[policy.actions[worth.index(max(worth))]]] * 3
    # normalized again, which may move the last digit
    np.testing.assert_allclose(policy.belief(after), policy.belief(memory), rtol=1e-14)


def test_a_filter_that_is_fed_the_chain_it_believes_in_is_calibrated():
    """Simulated on its own grid, events believed in with probability p come true in a share p of cases.

    4,000 replicates, 6 years, quotas of two steps: the share of stocks in a range is binomial about the mean
    belief in it, with a standard error of at most 0.5/sqrt(4000) = 0.008; four of them are allowed.
    """
    grid = Grid(upper=2.0, cells=16)
    stock = ParametricStock(Logistic(r=0.75, K=1.0), NormalNoise(0.25))
    arrays = discretize(
        HarvestProblem(stock=stock, survey=NormalSurvey(0.3), grid=grid, economy=Economy(discount=0.9))
    )
    policy = BeliefPolicy(arrays, np.ones((1, 17)), np.array([2]))
    rng = np.random.default_rng(11)
    state = rng.integers(0, 17, 4000)
    memory, caught = policy.start(4000), None
    for _ in range(6):
        heard = (rng.uniform(size=(4000, 1)) > arrays.observation.cumsum(axis=1)[state][:, :-1]).sum(axis=1)
        quota, memory = policy.decide(memory, grid.points[heard], caught)
        belief = policy.belief(memory)
        for event in (slice(0, 1), slice(1, 5), slice(5, 9)):
            believed = belief[:, event].sum(axis=1)
            true = (state >= event.start) & (state < event.stop)
            assert abs(believed.mean() - true.mean()) < 0.032
            sure = believed > 0.5
            if sure.sum() > 400:
                assert abs(believed[sure].mean() - true[sure].mean()) < 4 * 0.5 / np.sqrt(sure.sum())
        left = np.maximum(state - 2, 0)
        caught = grid.points[state] - grid.points[left]
        assert np.all(quota == grid.quotas[2])
        state = (rng.uniform(size=(4000, 1)) > arrays.kernel.cumsum(axis=1)[left][:, :-1]).sum(axis=1)
