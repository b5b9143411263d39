"""The POMDP solver against dumb dense twins, exact brackets, and the laws that its bounds must obey."""

import dataclasses
import hashlib
import time
from itertools import combinations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import ecodecide as eco
from ecodecide._kernels.sawtooth import (
    add_depths,
    best_quotas,
    deepest,
    dominated,
    likely_shares,
    successor_shares,
)
from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.errors import SolverError
from ecodecide.solvers.optimal_control import policy_iteration
from ecodecide.solvers.pomdp import bounds as bounds_module
from ecodecide.solvers.pomdp import sharpen as sharpen_module
from ecodecide.solvers.pomdp import solver as pomdp_module
from ecodecide.solvers.pomdp.bounds import LowerBound, UpperBound
from ecodecide.solvers.pomdp.informed_bound import informed_bound
from ecodecide.solvers.pomdp.sharpen import sharpen
from ecodecide.solvers.pomdp.solver import _Search


def random_problem(seed, n=None, discount=None):
    """A random problem of the harvest kind: extinction absorbs, growth depends on the escapement alone.

    Rewards are of either sign; in every other problem no catch costs nothing, as in a fishery.
    """
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(3, 6))
    kernel = rng.dirichlet(np.full(n, 0.7), size=n)
    kernel[0] = np.eye(n)[0]
    observation = rng.dirichlet(np.full(n, 0.5), size=n)
    reward = rng.normal(size=(n, n))
    if seed % 2:
        reward[:, 0] = reward[0] = 0.0
    initial = rng.dirichlet(np.ones(n))
    grid = eco.Grid(upper=1.0, cells=n, scheme="memarzadeh2019")
    # the more states, the wider the exact bracket below, and the more patience widens it
    g = discount or float(rng.choice([0.5, 0.7, 0.85] if n == 3 else [0.5, 0.7]))
    return DiscreteProblem(grid, kernel, observation, reward, initial, g, 0.0)


def fishery(cells=20, sd=0.15, survey=None, economy=None, initial="uniform", scheme="cells", scale=1.0):
    return eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Logistic(r=0.75, K=scale), eco.NormalNoise(sd=sd * scale)),
        survey=survey or eco.NormalSurvey(sd=0.1 * scale),
        economy=economy or eco.Economy(),
        grid=eco.Grid(upper=2.0 * scale, cells=cells, scheme=scheme),
        initial=initial,
    )


def dense(arrays):
    """T[a, o][s, s'] = P(s' | s, a) O(s', o), filled in one by one: the problem without its structure."""
    n = len(arrays.initial)
    joint = np.zeros((n, n, n, n))
    for a in range(n):
        for s in range(n):
            for o in range(n):
                for after in range(n):
                    joint[a, o, s, after] = arrays.kernel[max(s - a, 0), after] * arrays.observation[after, o]
    return joint


def simplex(n, m):
    """Every belief over n states in multiples of 1/m, as rows of whole numbers."""
    bars = np.array(list(combinations(range(m + n - 1), n - 1)))
    ends = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), m + n - 1)])
    return np.diff(ends, axis=1) - 1


def interpolation(beliefs, counts, m):
    """Weights W with W @ counts / m = beliefs, each row over one cell of Freudenthal's triangulation."""
    place = {tuple(row): k for k, row in enumerate(counts)}
    n = counts.shape[1]
    weights = np.zeros((len(beliefs), len(counts)))
    for row, b in zip(weights, beliefs, strict=True):
        x = m * np.append(np.cumsum(b[::-1])[::-1], 0.0)
        x[0] = m
        x = np.where(np.abs(x - np.round(x)) < 1e-11, np.round(x), x)
        corner = np.floor(x)
        rest = x - corner
        order = np.argsort(-rest[:n], kind="stable")
        sizes = np.append(np.append(1.0, rest[order]), 0.0)
        for k in range(n + 1):
            if k:
                corner[order[k - 1]] += 1.0
            if sizes[k] - sizes[k + 1] > 0.0:
                row[place[tuple((corner[:n] - corner[1:]).astype(int))]] += sizes[k] - sizes[k + 1]
    return weights


def bracket(arrays, m):
    """Bound the optimal value at every belief in multiples of 1/m from both sides, without the solver.

    Above: V is convex, so interpolating it between grid beliefs overestimates it; value iteration with
    interpolation, begun above V, stays above V (Lovejoy 1991, Operations Research 39:162). Below: alpha
    vectors backed up at the grid beliefs, begun at a constant below V (Pineau, Gordon & Thrun 2003).
    """
    n, g = len(arrays.initial), arrays.discount
    joint = dense(arrays)
    counts = simplex(n, m)
    beliefs = counts / m
    following = np.einsum("ks,aosy->kaoy", beliefs, joint)
    chance = following.sum(axis=-1)
    normal = following / np.where(chance > 0.0, chance, 1.0)[..., None]
    normal[chance <= 0.0] = beliefs[0]
    weights = interpolation(normal.reshape(-1, n), counts, m)
    above = np.full(len(beliefs), arrays.reward.max() / (1.0 - g))
    vectors = np.full((1, n), arrays.reward.min() / (1.0 - g))
    for _ in range(int(np.ceil(np.log(1e-5) / np.log(g)))):
        ahead = (chance * (weights @ above).reshape(chance.shape)).sum(axis=-1)
        above = np.minimum(above, (beliefs @ arrays.reward + g * ahead).max(axis=1))
        best = np.argmax(following @ vectors.T, axis=-1)
        # alpha_a(s) = R(s, a) + g sum over o, s' of T[a, o][s, s'] alpha_o(s')
        each = arrays.reward.T[None] + g * np.einsum("aosy,kaoy->kas", joint, vectors[best])
        quota = np.einsum("ks,kas->ka", beliefs, each).argmax(axis=1)
        vectors = each[np.arange(len(beliefs)), quota]
    return beliefs, vectors, above


def search_of(arrays, gap=1e-3, iterations=300):
    search = _Search(arrays, 50.0)
    status, converged = eco.Pomdp(gap=gap, seconds=600.0, iterations=iterations)._run(
        search, time.perf_counter()
    )
    return search, converged, status


def assert_bounds_hold(search, arrays, m):
    """The solver's bounds against the bracket: at the root, and over the whole simplex."""
    beliefs, vectors, above = bracket(arrays, m)
    below = (beliefs @ vectors.T).max(axis=1)
    # the bracket is worth its name: narrow against the spread of rewards, or nothing is tested
    assert (above >= below - 1e-9).all()
    root = arrays.initial[None, :]
    exact_below = float((root @ vectors.T).max())
    exact_above = float((interpolation(root, beliefs * m, m) @ above)[0])
    lower, upper = search.root_bounds()
    # root_bounds takes rounding off; the bounds themselves must be in order
    assert float(search.lower.value(root)[0]) <= upper + 1e-9
    assert lower <= exact_above + 1e-9
    assert upper >= exact_below - 1e-9
    assert (search.lower.value(beliefs) <= above + 1e-9).all()
    after = np.einsum("ks,sy,yo->koy", beliefs, arrays.kernel, arrays.observation)
    worth = (after @ vectors.T).max(axis=-1).sum(axis=-1)
    bound = np.array([search.upper.value(e) for e in beliefs])
    assert (bound >= worth - 1e-9).all()
    return exact_above - exact_below


@pytest.mark.parametrize("seed", range(52))
def test_bounds_hold_the_exact_value(seed):
    """For 52 random problems with 3 to 5 states: lower <= exact <= upper, to rounding."""
    arrays = random_problem(seed)
    search, converged, _ = search_of(arrays)
    lower, upper = search.root_bounds()
    # a thousandth of the value; or, where it is small against rewards of both signs, of their spread
    assert converged or upper - lower <= 2e-3 * np.ptp(arrays.reward)
    width = assert_bounds_hold(search, arrays, {3: 16, 4: 8, 5: 6}[len(arrays.initial)])
    # with values up to 1/(1-g) times 3 or so, a bracket of this width would show a wrong bound
    assert width <= 0.08 * np.ptp(arrays.reward)


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 6, 8])
def test_bounds_hold_when_most_observations_are_lumped(seed, monkeypatch):
    """Observations too unlikely to follow are bounded all at once: loose, and still bounds."""
    monkeypatch.setattr(pomdp_module, "_UNLIKELY", 0.3)
    arrays = random_problem(seed, n=3)
    # blurred, so that no observation has much more than a third
    arrays = dataclasses.replace(arrays, observation=0.5 * arrays.observation + 0.5 / 3.0)
    search, _, _ = search_of(arrays, iterations=30)
    assert any(node.rest > 0.1 for node in search._nodes.values())
    assert_bounds_hold(search, arrays, 20)


@pytest.mark.parametrize("rounds", [2, 5, 20])
@pytest.mark.parametrize("seed", [0, 3, 5, 8, 12, 19])
def test_bounds_hold_when_sharpened_all_the_time(seed, rounds, monkeypatch):
    """After every walk, with coarse points that lack much of their tails, and stopped early or late."""
    monkeypatch.setattr(sharpen_module, "_ROUNDS", rounds)
    monkeypatch.setattr(sharpen_module, "_CORNERS_FIRST", 1)
    monkeypatch.setattr(bounds_module, "_TAIL", 0.5)
    arrays = random_problem(seed, n=4)
    search = _Search(arrays, 50.0)
    for _ in range(6):
        lower, upper = search.root_bounds()
        search.trace.append((0.0, lower, upper))
        search.walk(lower, upper, 0.0)
        q = search.upper.q.copy()
        sharpen(search.upper, search.lower, search.visited, 0.5, 1000, lambda: False)
        assert (search.upper.q <= q + 1e-12).all()
        search.sharpened += 1
    assert_monotone(search.trace)
    assert_bounds_hold(search, arrays, 9)


def test_sharpening_that_runs_out_of_time_changes_nothing():
    search, _, _ = search_of(eco.discretize(fishery()), gap=0.0, iterations=7)
    q, beliefs = search.upper.q.copy(), np.random.default_rng(1).dirichlet(np.ones(21), size=50)
    before = [search.upper.value(e) for e in beliefs]
    sharpen(search.upper, search.lower, search.visited, 0.5, 1000, lambda: True)
    assert np.array_equal(search.upper.q, q)
    assert [search.upper.value(e) for e in beliefs] == pytest.approx(before, abs=1e-12)


def test_sharpening_pays():
    """On a fishery of 40 cells, nine walks and one sharpening leave less than two thirds of the gap of walks alone."""
    arrays = eco.discretize(fishery(cells=40))
    search, _, _ = search_of(arrays, gap=0.0, iterations=9)
    lower, upper = search.root_bounds()
    plain = _Search(arrays, 50.0)
    for _ in range(9):
        plain.walk(*plain.root_bounds(), 0.0)
    assert upper - lower < (plain.root_bounds()[1] - plain.root_bounds()[0]) * 2.0 / 3.0
    # and the corners, which walks never touch, have come down
    assert (search.upper.q < plain.upper.q - 1e-3).any()


@pytest.mark.parametrize("what", ["upper bound too low", "corner too low", "lower bound too high"])
def test_a_broken_bound_is_found_out(what):
    """The checks of this file see a bound that is wrong by 3 % of the spread of rewards over 1 - g."""
    arrays = random_problem(0, n=3)
    search, _, _ = search_of(arrays)
    wrong = 0.03 * np.ptp(arrays.reward) / (1.0 - arrays.discount)
    assert_bounds_hold(search, arrays, 16)
    if what == "upper bound too low":
        search.upper.restore(search.upper.q, search.upper.values[: search.upper.count] - wrong)
    elif what == "corner too low":
        search.upper.corners(search.upper.q - wrong * (np.arange(3) == 1))
    else:
        search.lower.add(search.lower.vectors + wrong, search.lower.actions)
    with pytest.raises((AssertionError, SolverError)):
        assert_bounds_hold(search, arrays, 16)


@pytest.mark.parametrize("seed", range(4))
def test_forgetting_keeps_the_bounds(seed):
    """With room for three nodes almost every visit makes its node anew."""
    arrays = random_problem(seed, n=4, discount=0.85)
    search = _Search(arrays, 50.0)
    search._most_nodes = 3
    for _ in range(40):
        lower, upper = search.root_bounds()
        search.trace.append((0.0, lower, upper))
        search.walk(lower, upper, 0.0)
    assert len(search._nodes) <= 3
    assert_bounds_hold(search, arrays, 9)
    points = search.upper.points[: search.upper.count]
    assert len(np.unique(points, axis=0)) == len(points)
    assert_monotone(search.trace)


def test_nodes_know_their_points():
    """After pruning has moved the points about, each node still names its own, in its ascending order."""
    search, _, _ = search_of(eco.discretize(fishery()), gap=0.002, iterations=60)
    upper, named = search.upper, 0
    for node in search._nodes.values():
        if node.point is None:
            continue
        named += 1
        assert node.point < upper.count
        point, size = upper.points[node.point], upper._size[node.point]
        kept = point > 0.0
        # without its tails
        assert np.array_equal(point[kept], node.e[kept])
        assert size == np.count_nonzero(kept)
        assert (np.diff(point[upper._order[node.point, :size]]) >= 0.0).all()
        assert upper._inverse[node.point, :size] == pytest.approx(
            1.0 / point[upper._order[node.point, :size]]
        )
    assert named > 10


def assert_monotone(trace):
    lower, upper = np.array(trace)[:, 1], np.array(trace)[:, 2]
    # matrix products of another height round otherwise in the last digit
    assert (np.diff(lower) >= -1e-12).all()
    assert (np.diff(upper) <= 1e-12).all()
    assert (lower <= upper).all()


@pytest.mark.parametrize("scheme", ["cells", "memarzadeh2019"])
def test_bounds_only_narrow_and_stay_below_full_knowledge(scheme):
    problem = fishery(cells=30, scheme=scheme)
    solution = eco.Pomdp(gap=0.003, iterations=60).solve(problem)
    assert len(solution.trace) > 5
    assert_monotone(solution.trace)
    known = eco.OptimalControl().solve(problem).upper
    # who knows the biomass earns more; with a survey of sd .1 and a uniform start, visibly
    assert solution.upper < known - 0.01


def test_perfect_survey_is_optimal_control_after_one_blind_year():
    """V(b) = max_a [b.R_a + g sum_x b(x) sum_x' K(x - a, x') V_sdp(x')]: the first quota is set unseen."""
    arrays = eco.discretize(fishery(survey=eco.PerfectSurvey()))
    known, _, _, error = policy_iteration(arrays)
    n, b = len(arrays.initial), arrays.initial
    worth = np.zeros(n)
    for a in range(n):
        for x in range(n):
            worth[a] += b[x] * (arrays.reward[x, a] + arrays.discount * arrays.kernel[max(x - a, 0)] @ known)
    search, converged, _ = search_of(arrays)
    lower, upper = search.root_bounds()
    assert converged
    # the informed bound is exact here, to what its policy iteration leaves: 1e-12 / (1 - g) of a value near 4
    assert upper == pytest.approx(worth.max(), abs=1e-9)
    assert worth.max() * (1.0 - 1e-3) - error <= lower <= worth.max() + 1e-9


def test_worth_of_a_survey_grows_with_its_precision():
    """Blackwell: a noisier survey is worth no more: its lower bound is under the better one's upper."""
    solutions = [
        eco.Pomdp(gap=0.01).solve(fishery(sd=0.1, survey=survey))
        for survey in (eco.PerfectSurvey(), eco.NormalSurvey(sd=0.05), eco.NormalSurvey(sd=0.15))
    ]
    perfect, good, bad = solutions
    assert good.lower <= perfect.upper
    assert bad.lower <= good.upper
    # and the difference is far beyond the gaps
    assert perfect.lower > bad.upper


# --- the informed bound ---


def slow_informed_bound(arrays):
    """alpha_a(s) = R(s, a) + g sum_o max_a' sum_s' T[a, o][s, s'] alpha_a'(s'), by plain value iteration.

    The fast informed bound as Hauskrecht (2000, section 4.4) writes it, for any POMDP.
    """
    joint = dense(arrays)
    alpha, change = np.zeros_like(arrays.reward), 1.0
    while change > 1e-13:
        ahead = np.einsum("aosy,yb->aosb", joint, alpha).max(axis=-1).sum(axis=1)
        new = arrays.reward + arrays.discount * ahead.T
        alpha, change = new, np.abs(new - alpha).max()
    return alpha


@pytest.mark.parametrize("seed", range(8))
def test_informed_bound_is_that_of_hauskrecht(seed):
    arrays = random_problem(seed)
    twin = slow_informed_bound(arrays)
    fast = arrays.reward + arrays.discount * informed_bound(arrays)[arrays.left]
    # the twin stops at 1e-13/(1 - .85), ours at 1e-12 max(1, q)/(1 - .85)
    assert np.abs(fast - twin).max() <= 1e-10
    assert (fast >= twin - 1e-11).all()


def test_informed_bound_of_a_fishery():
    arrays = eco.discretize(fishery(cells=10, economy=eco.Economy(effort_cost=0.2, fixed_cost=0.02)))
    fast = arrays.reward + arrays.discount * informed_bound(arrays)[arrays.left]
    assert np.abs(fast - slow_informed_bound(arrays)).max() <= 1e-10


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_informed_bound_that_is_stopped_early_is_still_a_bound(rounds):
    arrays = random_problem(5, n=5, discount=0.85)
    exact, early = informed_bound(arrays), informed_bound(arrays, rounds=rounds)
    assert (early >= exact - 1e-10).all()
    if rounds == 1:
        assert (early > exact + 1e-3).all()


# --- the kernels ---


def deepest_twin(e, points, depth):
    """The deepest correction by plain arrays, of the points whose mean is near."""
    states = np.arange(len(e))
    if e.sum() <= 0.0:
        return 0.0
    mean = e @ states / e.sum()
    reach = np.sqrt(max(e @ states**2 / e.sum() - mean**2, 0.0)) + 1.0
    best = 0.0
    for point, d in zip(points, depth, strict=True):
        there = point > 0.0
        if abs(point @ states / point.sum() - mean) <= reach:
            best = min(best, d * (e[there] / point[there]).min())
    return best


def upper_arrays(rng, n, count):
    """Random points below a random corner bound: q, points, depths, and the shape that the kernels eat."""
    q = rng.uniform(1.0, 3.0, n)
    points = rng.dirichlet(np.full(n, 0.6), size=count) * rng.integers(0, 2, (count, n))
    points[points.sum(axis=1) == 0.0] = np.eye(n)[1]
    points /= points.sum(axis=1, keepdims=True)
    depth = -rng.uniform(0.0, 0.8, count)
    order, size = np.zeros((count, n), dtype=np.int64), np.zeros(count, dtype=np.int64)
    inverse = np.zeros((count, n))
    for k in range(count):
        states = np.flatnonzero(points[k])
        states = states[np.argsort(points[k][states])]
        size[k], order[k, : len(states)] = len(states), states
        inverse[k, : len(states)] = 1.0 / points[k, states]
    means = points @ np.arange(n)
    ranked = np.argsort(means)
    return q, points, depth, (inverse, order, size, depth, means[ranked], ranked, count)


@pytest.mark.parametrize("mass", [1.0, 0.4])
def test_deepest_agrees_with_its_twin(mass):
    """For beliefs, and for parts of beliefs that sum to less; and it names the point and the share."""
    rng = np.random.default_rng(1)
    _, points, depth, interpolation = upper_arrays(rng, 6, 40)
    deeper = 0
    for e in rng.dirichlet(np.ones(6), size=200) * mass:
        below, point, share = deepest(e, *interpolation)
        assert below == pytest.approx(deepest_twin(e, points, depth), abs=1e-13)
        if point >= 0:
            assert below == pytest.approx(share * depth[point], abs=1e-13)
            assert (share * points[point] <= e + 1e-13).all()
        deeper += below < -1e-6
    assert deeper > 50
    assert deepest(np.zeros(6), *interpolation) == (0.0, -1, 0.0)


def harvested(b, a):
    e = np.zeros_like(b)
    np.add.at(e, np.maximum(np.arange(len(b)) - a, 0), b)
    return e


def test_best_quotas_agrees_with_trying_them_all():
    rng = np.random.default_rng(2)
    q, points, depth, interpolation = upper_arrays(rng, 6, 40)
    reward, g = rng.normal(size=(6, 6)), 0.9
    beliefs = rng.dirichlet(np.ones(6), size=50)
    left = np.maximum(np.arange(6)[:, None] - np.arange(6), 0)
    worth = beliefs @ (reward + g * q[left])  # the corner bound: an upper bound on each quota
    exact = np.empty((50, 6))
    for i, b in enumerate(beliefs):
        for a in range(6):
            e = harvested(b, a)
            exact[i, a] = b @ reward[:, a] + g * (e @ q + deepest_twin(e, points, depth))
    quota, value = np.empty(50, dtype=np.int64), np.empty(50)
    best_quotas(beliefs, worth, reward, q, g, *interpolation, quota, value)
    assert value == pytest.approx(exact.max(axis=1), abs=1e-12)
    assert np.array_equal(quota, exact.argmax(axis=1))
    assert (worth >= exact - 1e-12).all()
    # some quotas were never brought up to date, which is the point
    assert (worth > exact + 1e-6).any()


def test_shares_of_successors_agree_with_trying_them_all():
    """Listed one by one, or found by their bounds: each the deepest correction of the belief that follows."""
    rng = np.random.default_rng(3)
    n, g = 6, 0.9
    q, points, depth, interpolation = upper_arrays(rng, n, 40)
    grown, seen = rng.dirichlet(np.ones(n), size=3), rng.dirichlet(np.ones(n), size=n).T.copy()
    exact = np.array(
        [
            [[deepest_twin(harvested(p * seen[o], a), points, depth) for a in range(n)] for o in range(n)]
            for p in grown
        ]
    )
    cell = np.tile(np.arange(n * n, dtype=np.int32), 3)
    start = np.arange(4) * n * n
    point, share = np.empty(len(cell), dtype=np.int32), np.empty(len(cell))
    successor_shares(grown, seen, start, cell, *interpolation, point, share)
    found = np.where(point >= 0, share * depth[point], 0.0).reshape(exact.shape)
    assert found == pytest.approx(exact, abs=1e-13)
    assert exact.min() < -0.01
    left = np.maximum(np.arange(n)[:, None] - np.arange(n), 0)
    informed = rng.uniform(size=(n, n)) + g * q[left]
    room = (np.empty(n * n, dtype=np.int32), np.empty(n * n, dtype=np.int32), np.empty(n * n))
    fewer = 0
    for i, p in enumerate(grown):
        plain = (seen * p) @ informed
        count = likely_shares(p, seen, plain, plain.copy(), g, 0.0, 1e-6, *interpolation, *room)
        fewer += count < n * n
        listed = room[0][:count]
        below = np.where(room[1][:count] >= 0, room[2][:count] * depth[room[1][:count]], 0.0)
        assert below == pytest.approx(exact[i].ravel()[listed], abs=1e-13)
        worth = plain.copy().ravel()
        worth[listed] += g * below
        # what is not listed cannot be best
        assert worth.reshape(n, n).max(axis=1) == pytest.approx((plain + g * exact[i]).max(axis=1), abs=1e-13)
    assert fewer == 3


def test_depths_mix_as_beliefs_do():
    rng = np.random.default_rng(4)
    n = 5
    dense = -rng.uniform(size=(n, n, n)) * (rng.uniform(size=(n, n, n)) < 0.4)
    each = [np.flatnonzero(d) for d in dense.reshape(n, -1)]
    start = np.cumsum([0, *(len(cells) for cells in each)])
    cell = np.concatenate(each).astype(np.int32)
    e, heard = rng.dirichlet(np.ones(n)), np.array([1, 3, 4])
    e[2] = 0.0
    row = np.full(n, -1)
    row[heard] = np.arange(3)
    worth = rng.normal(size=(3, n))
    expected = worth + 0.9 * np.einsum("s,soa->oa", e, dense)[heard]
    add_depths(e, start, cell, dense[dense != 0.0], row, 0.9, worth)
    assert worth == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("checked", [0, 25])
def test_dominated_agrees_with_its_twin(checked):
    """Vectors before `checked` do not dominate one another; of equal vectors the first is kept."""
    rng = np.random.default_rng(3)
    vectors = rng.integers(0, 4, (60, 4)).astype(float)

    def twin(rows):
        out = []
        for i, one in enumerate(rows):
            covers = (rows >= one).all(axis=1)
            same = (rows == one).all(axis=1)
            covers &= ~same | (np.arange(len(rows)) < i)
            out.append(covers.any())
        return np.array(out)

    if checked:
        old = rng.uniform(0.0, 3.0, (400, 4))
        old = old[~twin(old)][:checked]
        assert len(old) == checked
        vectors = np.concatenate([old, vectors])
    out = np.zeros(len(vectors), dtype=np.bool_)
    dominated(vectors, len(vectors), checked, out)
    assert np.array_equal(out, twin(vectors))
    assert out[:checked].any() == bool(checked)


# --- what the bounds forget ---


def test_pruning_the_lower_bound_changes_no_value():
    rng = np.random.default_rng(4)
    arrays = random_problem(3, n=5)
    bound = LowerBound(arrays)
    beliefs = rng.dirichlet(np.ones(5), size=300)
    for _ in range(6):
        bound.add(rng.normal(size=(30, 5)) + 3.0, rng.integers(0, 5, 30))
        before, count = bound.value(beliefs), bound.count
        bound.prune()
        assert bound.count < count
        assert bound.value(beliefs) == pytest.approx(before, abs=1e-12)
        rows = bound.vectors
        covered = (rows[None] >= rows[:, None]).all(axis=-1) & ~np.eye(len(rows), dtype=bool)
        assert not covered.any()


def test_pruning_the_upper_bound_raises_it_nowhere():
    """If the others are as deep at a point, they are as deep everywhere: ratios multiply."""
    rng = np.random.default_rng(5)
    bound = UpperBound(random_problem(3, n=5))
    tests = rng.dirichlet(np.full(5, 0.5), size=400)
    for e in rng.dirichlet(np.full(5, 0.5), size=300):  # more than the first 256 places
        assert bound.deepen(e, bound.value(e) - rng.uniform(0.0, 0.3), None) is not None
    before, count = [bound.value(e) for e in tests], bound.count
    places = bound.prune()
    assert 0 < bound.count < count == 300
    # what is dropped may have been deeper by 1e-10 of the value, a few times over
    assert [bound.value(e) for e in tests] == pytest.approx(before, abs=1e-8)
    assert sorted(places.values()) == list(range(bound.count))


def test_a_point_of_worthless_states_keeps_its_likeliest():
    """Extinction for sure is a point like any other, though no tail of it is worth anything."""
    arrays = eco.discretize(fishery())
    bound = UpperBound(arrays)
    bound.corners(np.where(np.arange(len(bound.q)) == 0, 0.0, bound.q))
    bound.add(np.eye(len(bound.q))[0], 0.0)
    assert bound._size[0] == 1
    assert bound.value(np.eye(len(bound.q))[0]) == 0.0


@pytest.mark.parametrize(
    ("cells", "growth", "noise", "discount"),
    [(12, 0.75, 0.1, 0.9), (16, 0.5, 0.1, 0.95), (5, 0.75, 0.15, 0.95)],
)
def test_coarse_fisheries_are_sharpened_from_extinction(cells, growth, noise, discount):
    """On coarse grids extinction is visited, and its value is 0 to the last digit."""
    problem = eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Logistic(r=growth, K=1.0), eco.NormalNoise(sd=noise)),
        survey=eco.NormalSurvey(sd=0.2),
        economy=eco.Economy(discount=discount),
        grid=eco.Grid(upper=2.0, cells=cells),
        initial="uniform",
    )
    solution = eco.Pomdp(gap=1e-4, iterations=40).solve(problem)
    assert solution.lower <= solution.upper
    assert solution.gap < 0.01
    assert_monotone(solution.trace)


def test_sharpening_without_a_point_does_nothing():
    arrays = eco.discretize(fishery())
    search = _Search(arrays, 50.0)
    q = search.upper.q.copy()
    sharpen(search.upper, search.lower, search.visited, 0.5, 1000, lambda: False)
    assert np.array_equal(search.upper.q, q)


def test_a_point_is_deepened_in_place():
    rng = np.random.default_rng(6)
    bound = UpperBound(random_problem(3, n=5))
    e = rng.dirichlet(np.ones(5))
    first = bound.value(e)
    point = bound.deepen(e, first - 0.1, None)
    assert bound.deepen(e, first - 0.3, point) == point
    assert bound.deepen(e, first - 0.2, point) == point  # no deeper than it is: nothing happens
    assert bound.count == 1
    assert bound.value(e) == pytest.approx(first - 0.3, abs=1e-12)


# --- the same again ---


def digest(solution):
    content = (
        solution.policy.vectors.tobytes() + np.asarray(solution.policy.actions, dtype=np.int64).tobytes()
    )
    rows = np.array(solution.trace)[:, 1:].tobytes()
    return hashlib.sha256(content + rows).hexdigest()


def test_same_iterations_same_result():
    problem = fishery(cells=40)
    one, other = (eco.Pomdp(gap=0.0, iterations=12).solve(problem) for _ in range(2))
    assert digest(one) == digest(other)
    assert digest(one) != digest(eco.Pomdp(gap=0.0, iterations=11).solve(problem))


def test_number_of_threads_changes_no_digit():
    """At 100 cells threaded matrix products do change digits, where they are let."""
    problem = fishery(cells=100)
    answers = set()
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            solution = eco.Pomdp(gap=0.0, iterations=8).solve(problem)
        answers.add((solution.policy.vectors.tobytes(), solution.lower, solution.upper))
    assert len(answers) == 1


# --- how it ends ---


def test_bounds_that_cross_are_never_hidden():
    """A vector that promises more than can be had is an error of the solver, and is not rounded away."""
    arrays = random_problem(3, n=4)
    search = _Search(arrays, 50.0)
    search.lower.add(np.full((1, 4), 1e3), np.array([0]))
    with pytest.raises(SolverError, match="bounds crossed"):
        search.root_bounds()


def test_converged():
    solution = eco.Pomdp(gap=0.02).solve(fishery())
    assert solution.converged
    assert solution.gap <= 0.02
    assert solution.status.startswith("converged")


def test_stopped_by_iterations():
    solution = eco.Pomdp(gap=0.0, iterations=3).solve(fishery())
    assert not solution.converged
    assert solution.iterations == 3
    assert len(solution.trace) == 4
    assert "stopped after 3 iterations" in solution.status
    assert "allow more iterations" in solution.status
    assert "not reproducible" not in solution.status


def test_stopped_by_time():
    solution = eco.Pomdp(gap=0.0, seconds=1e-6).solve(fishery())
    assert not solution.converged
    assert solution.iterations == 0
    assert "stopped by time, not reproducible" in solution.status
    assert solution.lower <= solution.upper


@pytest.mark.parametrize(
    "setting",
    [{"gap": -0.1}, {"gap": 1.0}, {"seconds": 0.0}, {"iterations": -1}, {"memory": 0.0}, {"memory": np.inf}],
)
def test_settings_that_mean_nothing(setting):
    with pytest.raises(SolverError, match=f"Pomdp: {next(iter(setting))} must be"):
        eco.Pomdp(**setting)


@pytest.mark.parametrize(
    "economy", [eco.Economy(effort_cost=2.5), eco.Economy(fixed_cost=3.0), eco.Economy(price=0.0)]
)
def test_nothing_to_be_earned(economy):
    """Where no catch pays the value is 0, both bounds say so, and no quota is set."""
    solution = eco.Pomdp().solve(fishery(economy=economy))
    assert solution.converged
    assert solution.lower == pytest.approx(0.0, abs=1e-9)
    assert solution.upper == pytest.approx(0.0, abs=1e-9)
    assert "inf" not in solution.status
    assert solution.status == "converged: the value is known to 0.00%"
    quota, _ = solution.policy.decide(solution.policy.start(1), np.array([1.0]), None)
    assert quota == 0.0


def test_costs_are_planned_for():
    economy = eco.Economy(price=2.0, effort_cost=0.4, fixed_cost=0.1, discount=0.9)
    problem = fishery(economy=economy)
    solution = eco.Pomdp(gap=0.01).solve(problem)
    assert solution.converged
    assert 0.0 < solution.lower <= solution.upper <= eco.OptimalControl().solve(problem).upper


def test_a_survey_that_is_never_made_is_worth_the_best_blind_plan():
    """All observations alike: the value of a known plan, the best escapement rate without looking.

    With an observation matrix of equal rows the belief moves without chance: V(b) is the best sequence of
    quotas, found by trying all sequences of 6 years at g = .5 on 3 states, to g^6 max V = .5^6 * 1 / .5.
    """
    arrays = random_problem(7, n=3, discount=0.5)
    arrays = dataclasses.replace(arrays, observation=np.tile([0.2, 0.3, 0.5], (3, 1)))
    search, converged, _ = search_of(arrays)
    assert converged

    def best(b, years):
        if years == 0:
            return 0.0
        totals = []
        for a in range(3):
            e = np.array([b[: a + 1].sum(), *b[a + 1 :], *np.zeros(a)])[:3]
            totals.append(b @ arrays.reward[:, a] + 0.5 * best(e @ arrays.kernel, years - 1))
        return max(totals)

    tail = 0.5**8 * np.abs(arrays.reward).max() / 0.5
    exact = best(arrays.initial, 8)
    lower, upper = search.root_bounds()
    assert lower <= exact + tail
    assert upper >= exact - tail
    assert abs(upper - exact) <= tail + 1e-3 * abs(upper)


# --- units ---


def decisions(solution, scale, years=5):
    """Quotas over some years of surveys between .05 and 1.6, in units of the first problem."""
    seen = np.random.default_rng(8).uniform(0.05, 1.6, (years, 64))
    memory, caught, quotas = solution.policy.start(64), None, []
    for observed in seen:
        quota, memory = solution.policy.decide(memory, observed * scale, caught)
        quotas.append(quota / scale)
        caught = np.minimum(quota, 0.9 * observed * scale)
    return np.array(quotas)


def test_units_and_price_in_powers_of_two_change_no_digit():
    """Multiplying by a power of two rounds nothing: the search must take the very same walks."""
    one = eco.Pomdp(gap=0.0, iterations=15).solve(fishery())
    two = eco.Pomdp(gap=0.0, iterations=15).solve(fishery(economy=eco.Economy(price=0.25), scale=1024.0))
    assert two.lower == 256.0 * one.lower
    assert two.upper == 256.0 * one.upper
    assert np.array_equal(two.policy.vectors, 256.0 * one.policy.vectors)
    assert np.array_equal(decisions(two, 1024.0), decisions(one, 1.0))
    assert np.ptp(decisions(one, 1.0)) > 0.3


@pytest.mark.parametrize(("price", "scale"), [(7.0, 1.0), (1.0, 1000.0), (1e-6, 1e5)])
def test_units_and_price_change_no_decision(price, scale):
    """With other factors the last digits differ, and where two quotas tie a walk may turn the other way: the
    bounds then agree to a tenth of the gap of half a percent, and the quotas to a cell."""
    one = eco.Pomdp(gap=0.005).solve(fishery())
    two = eco.Pomdp(gap=0.005).solve(fishery(economy=eco.Economy(price=price), scale=scale))
    assert two.lower == pytest.approx(price * scale * one.lower, rel=5e-4)
    assert two.upper == pytest.approx(price * scale * one.upper, rel=5e-4)
    assert decisions(two, scale) == pytest.approx(decisions(one, 1.0), abs=0.01)


def test_policy_earns_at_least_the_first_step_of_its_bound():
    """Acting by the best vector attains the lower bound: so at every belief the bound is at most the profit
    under that quota and the discounted bound of the beliefs that follow."""
    arrays = eco.discretize(fishery())
    search, _, _ = search_of(arrays, gap=0.005)
    vectors, actions = search.lower.vectors, search.lower.actions
    beliefs = np.random.default_rng(9).dirichlet(np.full(len(arrays.initial), 0.3), size=200)
    best = np.argmax(beliefs @ vectors.T, axis=1)
    for b, k in zip(beliefs, best, strict=True):
        a = actions[k]
        e = np.zeros_like(b)
        np.add.at(e, arrays.left[:, a], b)
        after = arrays.observation.T * (e @ arrays.kernel)
        ahead = (after @ vectors.T).max(axis=1).sum()
        assert b @ vectors[k] <= b @ arrays.reward[:, a] + arrays.discount * ahead + 1e-9


def test_from_a_stock_that_is_gone_nothing_is_asked_for() -> None:
    """All vectors promise 0 there, and the policy follows that of the smallest quota."""
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    problem = eco.HarvestProblem(stock=stock, survey=eco.NormalSurvey(sd=0.1), grid=eco.Grid(2.0, 30))
    policy = eco.Pomdp(gap=0.05, seconds=600.0).solve(problem).policy
    assert np.all(np.diff(policy.actions) >= 0)
    gone = np.eye(1, len(problem.grid.points))
    worth = gone @ policy.vectors.T
    assert worth.max() == 0.0 and policy.actions[np.argmax(worth)] == 0
    # a perfect survey of nothing after certain extinction leaves the belief there
    memory = np.column_stack([gone, [[np.nan]]])
    assert policy.decide(memory, np.array([0.0]), np.array([0.0]))[0][0] == 0.0
