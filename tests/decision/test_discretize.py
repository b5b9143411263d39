"""The finite arrays: probability conserved, extinction an atom, the published scheme retyped, refinement."""

import math

import numpy as np
import pytest
from scipy import stats

from ecodecide.decision.discretize import discretize, lognormal_rows, suggest_grid
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import GridError, ProblemError
from ecodecide.stock.growth import Allen, BevertonHolt, Logistic, Ricker
from ecodecide.stock.noise import LognormalNoise, NormalNoise, UniformNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, NormalSurvey, PerfectSurvey

LOGISTIC = ParametricStock(Logistic(r=0.75, K=1.0), NormalNoise(0.15))
STOCKS = [
    LOGISTIC,
    ParametricStock(Allen(r=2.0, K=1.0, C=0.5), LognormalNoise(0.1)),
    ParametricStock(Ricker(r=0.8, K=1.0), UniformNoise(0.3)),
]
SURVEYS = [NormalSurvey(0.1), LognormalSurvey(0.2), PerfectSurvey()]


def stochastic(rows):
    """Whether each row is a distribution; sums of a hundred terms are good to 1e-14."""
    return np.all(rows >= 0.0) and np.allclose(rows.sum(axis=1), 1.0, rtol=0, atol=1e-13)


@pytest.mark.parametrize("survey", SURVEYS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("stock", STOCKS, ids=lambda s: s.growth.name)
def test_probability_is_conserved_and_extinction_absorbs(stock, survey):
    arrays = discretize(HarvestProblem(stock=stock, survey=survey, grid=Grid(upper=2.5, cells=40)))
    atom = np.eye(41)[0]
    for rows in (arrays.kernel, arrays.observation):
        assert rows.shape == (41, 41)
        assert stochastic(rows)
        np.testing.assert_array_equal(rows[0], atom)
    np.testing.assert_array_equal(arrays.reward[0], 0.0)


def test_cells_hold_the_probability_between_their_edges():
    grid = Grid(upper=2.0, cells=10)
    arrays = discretize(HarvestProblem(stock=LOGISTIC, survey=NormalSurvey(0.1), grid=grid))
    for i, s in enumerate(grid.points[1:], start=1):
        for rows, center, sd in ((arrays.kernel, s + 0.75 * s * (1 - s), 0.15), (arrays.observation, s, 0.1)):
            below = stats.norm(center, sd).cdf
            expected = [below(0.0)] + [below(0.2 * (j + 1)) - below(0.2 * j) for j in range(9)]
            expected.append(1.0 - below(1.8))  # the last state holds all above it
            np.testing.assert_allclose(rows[i], expected, atol=1e-14)


def test_a_perfect_survey_sees_the_state():
    arrays = discretize(HarvestProblem(stock=LOGISTIC, grid=Grid(upper=2.0, cells=10)))
    np.testing.assert_array_equal(arrays.observation, np.eye(11))


@pytest.mark.parametrize("scheme", ["cells", "memarzadeh2019"])
def test_harvest_moves_state_i_by_quota_j_to_i_less_j_and_the_catch_is_the_difference(scheme):
    grid = Grid(upper=2.0, cells=9, scheme=scheme)
    economy = Economy(price=2.0, effort_cost=0.3, fixed_cost=0.05)
    arrays = discretize(HarvestProblem(stock=LOGISTIC, grid=grid, economy=economy))
    for i, x in enumerate(grid.points):
        for j in range(len(grid.quotas)):
            left = i - j if i > j else 0
            assert arrays.left[i, j] == left
            h = x - grid.points[left]
            profit = 2.0 * h - 0.3 * h / x - 0.05 if h > 0 else 0.0
            assert arrays.reward[i, j] == pytest.approx(profit, rel=1e-13, abs=1e-15)


def test_what_falls_off_the_grid_is_counted():
    # a dumb retelling: an unfished stock walks the grid year by year, and in each year the harvest leaves the
    # escapement, of those it can leave, from which most grows above the upper end
    grid, stock = Grid(upper=1.2, cells=6), ParametricStock(Logistic(0.75, 0.9), NormalNoise(0.15))
    arrays = discretize(HarvestProblem(stock=stock, grid=grid), tolerance=0.2)
    above = [0.0] + [float(stats.norm.sf((1.2 - stock.growth(s)) / 0.15)) for s in grid.points[1:]]
    belief, worst = np.eye(7)[5], 0.0  # K = 0.9 lies in (0.8, 1]
    for _ in range(300):
        worst = max(worst, sum(p * max(above[: i + 1]) for i, p in enumerate(belief)))
        belief = np.array([sum(belief[i] * arrays.kernel[i, j] for i in range(7)) for j in range(7)])
    assert arrays.off_grid == pytest.approx(worst, rel=1e-9)
    # less than from the worst escapement of all, since the stock is not always there
    assert 0.0 < arrays.off_grid < max(above)
    assert stochastic(arrays.kernel)


@pytest.mark.parametrize("scheme", ["cells", "memarzadeh2019"])
def test_a_grid_too_short_is_refused_with_its_end_and_the_remedy(scheme):
    grid = Grid(upper=1.2, cells=6, scheme=scheme)
    with pytest.raises(
        GridError, match=r"too short: .* upper end 1\.2 .* up to \d+\.\d% .*larger Grid\(upper="
    ):
        discretize(HarvestProblem(stock=LOGISTIC, grid=grid))


def test_a_slow_stock_needs_no_endless_grid():
    # from escapements far above K half of the noise goes up, but hardly any stock is ever there
    slow = ParametricStock(Logistic(0.066, 1.0), LognormalNoise(0.2))
    assert suggest_grid(slow).upper < 4.0


def test_a_stock_is_needed():
    problem = HarvestProblem(stock=LOGISTIC)
    object.__setattr__(problem, "stock", None)  # as it is with a history alone
    with pytest.raises(ProblemError, match="has no stock"):
        discretize(problem)


# --- the scheme of Memarzadeh & Boettiger 2019, doi:10.1086/702704, typed from its description ---


def normal_density(x, center, sd):
    return math.exp(-0.5 * ((x - center) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))


def published_row(points, center, sd):
    """Density at each point, those mirrored below 0 on the first, scaled to the cdf at the last point."""
    row = [normal_density(x, center, sd) for x in points]
    row[0] += sum(normal_density(-x, center, sd) for x in points[1:])
    inside = 0.5 * math.erfc(-(points[-1] - center) / sd / math.sqrt(2))
    total = sum(row)
    row = [value / total * inside for value in row]
    row[-1] += 1 - inside
    return row


@pytest.mark.parametrize(("sigma_g", "sigma_m"), [(0.02, 0.15), (0.1, 0.1), (0.15, 0.1)])
def test_published_scheme(sigma_g, sigma_m):
    """The paper's main settings: r = .75, K = 1, 100 points on [0, 2]."""
    grid = Grid(upper=2.0, cells=100, scheme="memarzadeh2019")
    stock = ParametricStock(Logistic(r=0.75, K=1.0), NormalNoise(sigma_g))
    arrays = discretize(HarvestProblem(stock=stock, survey=NormalSurvey(sigma_m), grid=grid))
    points = [2.0 * i / 99 for i in range(100)]
    extinct = [1.0] + [0.0] * 99
    for i, s in enumerate(points):
        f = s + 0.75 * s * (1 - s)
        # 1e-12: pdf, cdf and sums of a hundred terms in another order
        np.testing.assert_allclose(
            arrays.kernel[i], published_row(points, f, sigma_g) if f > 0 else extinct, atol=1e-12
        )
        np.testing.assert_allclose(
            arrays.observation[i], published_row(points, s, sigma_m) if s > 0 else extinct, atol=1e-12
        )
    np.testing.assert_array_equal(arrays.observation[0], extinct)


def test_published_scheme_where_growth_ends_at_or_below_zero():
    # s + 2 s (1 - s) <= 0 from s = 3/2: clipped, and all of it extinct
    stock = ParametricStock(Logistic(r=2.0, K=1.0), NormalNoise(0.1))
    grid = Grid(upper=2.0, cells=5, scheme="memarzadeh2019")
    arrays = discretize(HarvestProblem(stock=stock, survey=NormalSurvey(0.2), grid=grid))
    np.testing.assert_array_equal(arrays.kernel[[0, 3, 4]], np.eye(5)[[0, 0, 0]])
    assert arrays.kernel[2, 0] < 1e-6


def test_published_scheme_with_noise_too_narrow_for_its_points_goes_to_the_nearest():
    """All densities underflow 38 sd away from a point; the mass must not turn up in extinction."""
    stock = ParametricStock(Logistic(r=0.75, K=1.0), NormalNoise(1e-3))
    grid = Grid(upper=2.0, cells=5, scheme="memarzadeh2019")
    arrays = discretize(HarvestProblem(stock=stock, grid=grid))
    # f(0.5) = 0.6875 -> 0.5; f(1) = 1; f(1.5) = 0.9375 -> 1; f(2) = 0.5
    np.testing.assert_allclose(arrays.kernel, np.eye(5)[[0, 1, 2, 2, 1]], atol=1e-12)


@pytest.mark.parametrize(
    ("stock", "survey"),
    [
        (ParametricStock(Logistic(0.75, 1.0), LognormalNoise(0.1)), NormalSurvey(0.1)),
        (LOGISTIC, LognormalSurvey(0.1)),
    ],
)
def test_published_scheme_is_for_normal_noise_alone(stock, survey):
    grid = Grid(upper=2.0, cells=20, scheme="memarzadeh2019")
    with pytest.raises(GridError, match="'memarzadeh2019' is defined for"):
        discretize(HarvestProblem(stock=stock, survey=survey, grid=grid))


# --- the scheme of Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631, typed from its description ---


def ratio_density(ratio, sigma):
    return math.exp(-0.5 * (math.log(ratio) / sigma) ** 2) / (ratio * sigma * math.sqrt(2 * math.pi))


def published_lognormal_row(points, f, sigma):
    """Density of point / f at each point but 0, scaled to 1; all on 0 where f is nearest to it."""
    if f <= points[1] / 2:
        return [1.0] + [0.0] * (len(points) - 1)
    row = [0.0] + [ratio_density(x / f, sigma) for x in points[1:]]
    return [value / sum(row) for value in row]


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_published_scheme_of_lognormal_noise(sigma):
    """The paper's truth and grid: Allen with r = 2, K = 8, C = 5, 50 points on [0, 15]."""
    stock = ParametricStock(Allen(r=2.0, K=8.0, C=5.0), LognormalNoise(sigma))
    grid = Grid(upper=15.0, cells=50, scheme="boettiger2015")
    arrays = discretize(HarvestProblem(stock=stock, grid=grid))
    points = [15.0 * i / 49 for i in range(50)]
    np.testing.assert_allclose(grid.points, points, rtol=1e-14)
    for i, s in enumerate(points):
        f = s * math.exp(2.0 * (1 - s / 8.0) * (s - 5.0) / 8.0)
        np.testing.assert_allclose(arrays.kernel[i], published_lognormal_row(points, f, sigma), atol=1e-12)
    np.testing.assert_array_equal(arrays.observation, np.eye(50))
    assert stochastic(arrays.kernel)


def test_published_rows_of_several_draws_are_sums_of_densities_scaled_to_1():
    points = np.linspace(0.0, 3.0, 4)
    grown, sigma = np.array([[0.0, 0.4, 1.2, 2.5], [0.0, 0.9, 1.7, 2.2]]), np.array([0.2, 0.5])
    rows = lognormal_rows(points, grown, sigma)
    for i in range(4):
        total = np.zeros(4)
        for f, s in zip(grown[:, i], sigma, strict=True):
            total += [1, 0, 0, 0] if f <= 0.5 else [0.0, *(ratio_density(x / f, s) for x in points[1:])]
        np.testing.assert_allclose(rows[i], total / total.sum(), rtol=1e-12)


def test_a_published_row_without_any_density_is_on_0():
    # log(1.5) is 400 sd from log(1) and log(2)
    rows = lognormal_rows(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.5]), 1e-3)
    np.testing.assert_array_equal(rows, np.eye(3)[[0, 1, 0]])


@pytest.mark.parametrize(
    ("stock", "survey"),
    [
        (LOGISTIC, PerfectSurvey()),
        (ParametricStock(Logistic(0.75, 1.0), LognormalNoise(0.1, center="mean")), PerfectSurvey()),
        (ParametricStock(Logistic(0.75, 1.0), LognormalNoise(0.1)), NormalSurvey(0.1)),
        (ParametricStock(Logistic(np.array([0.7, 0.8]), 1.0), LognormalNoise(0.1)), PerfectSurvey()),
    ],
)
def test_published_scheme_of_lognormal_noise_is_for_that_alone(stock, survey):
    grid = Grid(upper=2.0, cells=20, scheme="boettiger2015")
    with pytest.raises(GridError, match="'boettiger2015' is"):
        discretize(HarvestProblem(stock=stock, survey=survey, grid=grid))


# --- refinement ---


def value_of_escapement(cells, escapement, start):
    """Value, from `start`, of leaving a fixed escapement: a dense linear system in the chain."""
    grid = Grid(upper=2.0, cells=cells)
    arrays = discretize(HarvestProblem(stock=LOGISTIC, grid=grid, economy=Economy(discount=0.9)))
    goal = int(grid.locate(np.array(escapement)))
    assert grid.points[goal] == pytest.approx(escapement)
    n = cells + 1
    left = np.minimum(np.arange(n), goal)
    profit = grid.points - grid.points[left]
    value = np.linalg.solve(np.eye(n) - 0.9 * arrays.kernel[left], profit)
    return value[int(grid.locate(np.array(start)))]


def value_of_escapement_by_quadrature(escapement, start):
    """The same without a grid: a linear system in V at e and at 400 Gauss-Legendre nodes of [0, e].

    From x <= e nothing is taken, and from above x - e is, so V(x) = x - e + V(e) there and
    E V(x') = integral over (0, e) of V p + E (x' - e)^+ + V(e) P(x' > e), with V(0) = 0.
    """
    nodes, width = np.polynomial.legendre.leggauss(400)
    x = np.append((nodes + 1) * escapement / 2, escapement)
    width = width * escapement / 2
    f = x + 0.75 * x * (1 - x)
    sd = 0.15
    density = stats.norm.pdf(x[None, :-1], f[:, None], sd) * width
    u = (f - escapement) / sd
    above = stats.norm.cdf(u)
    gain = (f - escapement) * above + sd * stats.norm.pdf(u)
    matrix = np.column_stack([density, above])
    value = np.linalg.solve(np.eye(len(x)) - 0.9 * matrix, 0.9 * gain)
    assert start > escapement
    return start - escapement + value[-1]


def test_value_of_a_fixed_policy_converges_to_the_one_without_a_grid():
    """Midpoints of 20 cells are midpoints of 60 and of 180 too; the error falls ninefold, as h^2 should.

    A midpoint stands for its cell to second order in its width; the discount is 0.9 and the policy leaves
    0.45 of a stock that starts at 0.95.
    """
    exact = value_of_escapement_by_quadrature(0.45, 0.95)
    errors = [abs(value_of_escapement(cells, 0.45, 0.95) - exact) for cells in (20, 60, 180)]
    assert errors[1] < errors[0] / 6
    assert errors[2] < errors[1] / 6
    assert errors[2] < 1e-4 * exact


# --- beliefs and grids ---


class Fitted:
    """A stock that knows where it ended, as a fitted one does."""

    def __init__(self, stock):
        self._stock = stock

    def __getattr__(self, name):
        return getattr(self._stock, name)

    def terminal_belief(self, edges):
        belief = np.zeros(len(edges) - 1)
        belief[3] = 1.0
        return belief


def test_initial_beliefs():
    grid = Grid(upper=2.0, cells=4)

    def initial(value, stock=LOGISTIC):
        return discretize(HarvestProblem(stock=stock, grid=grid, initial=value), tolerance=0.1).initial

    np.testing.assert_array_equal(initial(None), [0.2] * 5)
    np.testing.assert_array_equal(initial("uniform"), [0.2] * 5)
    np.testing.assert_array_equal(initial(0.0), np.eye(5)[0])
    np.testing.assert_array_equal(initial(0.6), np.eye(5)[2])
    np.testing.assert_array_equal(initial(2.0), np.eye(5)[4])
    np.testing.assert_array_equal(initial([0.1, 0.2, 0.3, 0.4, 0.0]), [0.1, 0.2, 0.3, 0.4, 0.0])
    # a history's belief is the default where there is one, and can be asked for only there
    np.testing.assert_array_equal(initial(None, Fitted(LOGISTIC)), np.eye(5)[3])
    np.testing.assert_array_equal(initial("history", Fitted(LOGISTIC)), np.eye(5)[3])
    np.testing.assert_array_equal(initial("uniform", Fitted(LOGISTIC)), [0.2] * 5)
    with pytest.raises(ProblemError, match="needs a stock that was fitted"):
        initial("history")


@pytest.mark.parametrize(
    "stock", [*STOCKS, ParametricStock(Logistic(0.5, 3e5), LognormalNoise(0.8))], ids=range(4)
)
def test_suggested_grid_holds_the_stock(stock):
    grid = suggest_grid(stock, cells=60, tolerance=0.005)
    assert grid.cells == 60
    assert discretize(HarvestProblem(stock=stock, grid=grid), tolerance=0.005).off_grid <= 0.005
    # the next smaller of the ladder 1.5 K, 1.5 K 1.25, ... does not
    base = 1.5 * stock.carrying_capacity
    steps = math.log(grid.upper / base) / math.log(1.25)
    assert steps == pytest.approx(round(steps), abs=1e-9)
    if round(steps) > 0:
        with pytest.raises(GridError):
            discretize(HarvestProblem(stock=stock, grid=Grid(grid.upper / 1.25, 60)), tolerance=0.005)


def test_suggested_grid_holds_what_it_is_told_to():
    assert suggest_grid(LOGISTIC, largest=5.0).upper >= 5.5
    assert suggest_grid(LOGISTIC, largest=5.0).upper < 5.5 * 1.25


def test_no_grid_is_suggested_for_a_stock_without_capacity_or_without_end():
    with pytest.raises(GridError, match="dies out from any start"):
        suggest_grid(ParametricStock(BevertonHolt(A=0.9, B=1.0), NormalNoise(0.1)))
    with pytest.raises(GridError, match="no grid up to"):
        suggest_grid(ParametricStock(BevertonHolt(A=2.0, B=1.0), LognormalNoise(4.0)), cells=5)
