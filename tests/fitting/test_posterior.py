"""A fitted stock as a stock: a mixture for planning, fixed members for simulation."""

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.decision.discretize import initial_belief
from ecodecide.errors import GridError


@pytest.fixture(scope="module")
def posterior():
    return eco.fit(eco.load_history("hake-argentina-north"), growth="allen", draws=40, cells=150)


def test_kernel_and_mean_are_averages_over_the_members(posterior):
    s = np.array([0.0, 5e4, 2e5, 4e5])
    edges = np.concatenate([[-np.inf], np.linspace(0, 1e6, 31)])
    members = [posterior.members.member(i) for i in range(posterior.size)]
    np.testing.assert_allclose(
        posterior.kernel(s, edges), np.mean([m.kernel(s, edges) for m in members], axis=0), atol=1e-14
    )
    np.testing.assert_allclose(posterior.mean(s), np.mean([m.mean(s) for m in members], axis=0), rtol=1e-12)
    assert posterior.mean(2e5).shape == ()


def test_drawn_worlds_are_members_with_their_own_biomass_today(posterior):
    few, many = (posterior.draw(n, np.random.default_rng(1)) for n in (10, 100))
    assert np.array_equal(few.initial_biomass, many.initial_biomass[:10])
    assert np.array_equal(few.growth.C, many.growth.C[:10])
    for i in (0, 7, 63):
        j = i % posterior.size
        assert many.initial_biomass[i] == posterior.members.initial_biomass[j]
        assert many.growth.C[i] == posterior.members.growth.C[j]
        assert many.noise.sigma[i] == posterior.members.noise.sigma[j]


def test_belief_about_today_keeps_probability_and_mean(posterior):
    coarse = eco.Grid(upper=8e5, cells=80)
    belief = posterior.terminal_belief(coarse.edges)
    assert belief.shape == (81,)
    assert belief.sum() == pytest.approx(1.0, abs=1e-12)
    points = np.concatenate([[0.0], 0.5 * (posterior.terminal_edges[1:-1] + posterior.terminal_edges[2:])])
    # moving mass between cells shifts a mean by at most half a cell, on average far less
    assert belief @ coarse.points == pytest.approx(posterior.terminal_mass @ points, abs=0.1 * coarse.step)
    short = eco.Grid(upper=1e5, cells=10)
    assert posterior.terminal_belief(short.edges)[-1] > 0.5, "what lies above the grid is in its last cell"
    with pytest.raises(GridError, match="the history ends above its upper end 100000"):
        initial_belief(eco.HarvestProblem(stock=posterior, grid=short))


def test_belief_agrees_with_the_drawn_biomass(posterior):
    mean = posterior.terminal_mass @ np.concatenate(
        [[0.0], 0.5 * (posterior.terminal_edges[1:-1] + posterior.terminal_edges[2:])]
    )
    drawn = np.asarray(posterior.members.initial_biomass)
    # the belief averages the members' own beliefs; each member drew one value from its own
    assert abs(drawn.mean() - mean) < 4 * drawn.std() / np.sqrt(len(drawn))


def test_a_problem_starts_from_the_belief_about_today(posterior):
    grid = eco.Grid(upper=1e6, cells=50)
    arrays = eco.discretize(eco.HarvestProblem(stock=posterior, survey=posterior.survey, grid=grid))
    np.testing.assert_allclose(arrays.initial, posterior.terminal_belief(grid.edges))
