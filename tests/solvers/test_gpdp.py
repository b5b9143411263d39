"""GPDP: on the paper's own example, and in what it says of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ecodecide.decision.discretize import discretize
from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import FewDataWarning, FitError, GridError, HistoryWarning, SolverError
from ecodecide.fitting.gaussian_process import fit_gaussian_process
from ecodecide.fitting.growth_prior import GrowthPrior
from ecodecide.fitting.lesson import DRAWS
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.library import load_history
from ecodecide.solvers import gpdp
from ecodecide.solvers.gpdp import Gpdp, gp_stock
from ecodecide.solvers.optimal_control import OptimalControl
from ecodecide.solvers.pomdp import Pomdp
from ecodecide.stock.growth import Allen
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, NormalSurvey

TRAINING = Path(__file__).parents[1] / "published" / "boettiger2015_training.csv"
TRUTH = ParametricStock(Allen(r=2.0, K=8.0, C=5.0), LognormalNoise(sigma=0.05))
DISCOUNT = 1.0 / 1.01


def paper_history():
    """The paper's 39 pairs as a history without catch: 40 years of biomass."""
    pairs = np.loadtxt(TRAINING, delimiter=",", skiprows=6)[1:]
    assert pairs.shape == (39, 2)
    np.testing.assert_array_equal(pairs[1:, 0], pairs[:-1, 1])
    biomass = np.append(pairs[:, 0], pairs[-1, 1])
    return history(biomass, np.zeros(40))


def history(biomass, catch, **columns):
    """A catch history in tonnes."""
    given = {"units": {"biomass": "t", "ssb": "t", "catch": "t"}}
    return CatchHistory(np.arange(len(catch)), catch, biomass=biomass, **(given | columns))


def paper_problem(cells=100, upper=15.0):
    return HarvestProblem(
        history=paper_history(), economy=Economy(discount=DISCOUNT), grid=Grid(upper=upper, cells=cells)
    )


def live(policy, truth, start, years, replicates, seed=0):
    """Return the net present value of each replicate and its smallest escapement, under a perfect survey."""
    z = np.random.default_rng(seed).standard_normal((years, replicates))
    biomass, caught = np.full(replicates, start), None
    memory = policy.start(replicates)
    value, least = np.zeros(replicates), np.full(replicates, np.inf)
    for t in range(years):
        quota, memory = policy.decide(memory, biomass, caught)
        caught = np.minimum(quota, biomass)
        value += DISCOUNT**t * caught
        least = np.minimum(least, biomass - caught)
        biomass = truth.step(biomass - caught, z[t])
        least = np.minimum(least, biomass)
    return value, least


def test_never_crosses_the_threshold_and_earns_close_to_the_optimum():
    """Boettiger, Mangel & Munch 2015, the example. Measured: 96.5 % of the optimum; of 2,000 runs one crosses."""
    problem = paper_problem(cells=150, upper=24.0)
    learned = Gpdp().solve(problem)
    known = OptimalControl().solve(problem.with_stock(TRUTH))
    value, least = live(learned.policy, TRUTH, 10.0, 50, 2000)
    best, _ = live(known.policy, TRUTH, 10.0, 50, 2000)
    assert np.mean(least < 5.0) <= 0.002
    assert 0.95 < value.mean() / best.mean() < 1.0
    assert learned.settings["noise_sd"] == pytest.approx(0.05, abs=0.01)  # the truth's


def test_owns_no_dynamic_programming(monkeypatch):
    problem = paper_problem(cells=60)
    by_hand = OptimalControl().solve(problem.with_stock(gp_stock(problem)))
    clock = iter([100.0, 107.0])  # read before learning and after planning
    monkeypatch.setattr(gpdp, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    solution = Gpdp().solve(problem)
    np.testing.assert_array_equal(solution.policy.quotas, by_hand.policy.quotas)
    # the belief is passed on as probabilities and normalized once more: a last digit
    assert solution.upper == pytest.approx(by_hand.upper, rel=1e-13)
    assert by_hand.status in solution.status
    assert solution.seconds == 7.0
    assert solution.settings["solver"] == "gpdp"
    assert solution.settings["independent"] is True
    assert solution.settings["pairs"] == 39


def test_neither_growth_nor_biomass_is_taken_for_known():
    """The learned stock goes to Pomdp: under a survey error of a fifth its own belief policy earns what it promises."""
    biomass = 90.0 * np.exp(0.2 * np.random.default_rng(4).standard_normal(41))
    catch = np.clip(biomass - np.linspace(30.0, 75.0, 41), 0.0, None)
    s = (biomass - catch)[:-1]
    biomass[1:] = (
        s * np.exp(0.9 * (1.0 - s / 100.0)) * np.exp(0.1 * np.random.default_rng(5).standard_normal(40))
    )
    catch = np.minimum(catch, 0.9 * biomass)
    problem = HarvestProblem(
        history=history(biomass, catch),
        survey=LognormalSurvey(cv=0.2),
        economy=Economy(discount=0.9),
        grid=Grid(upper=500.0, cells=50),
    )
    solution = Gpdp(planner=Pomdp(gap=0.02, seconds=600.0, iterations=60)).solve(problem)
    alone = Pomdp(gap=0.02, seconds=600.0, iterations=60).solve(problem.with_stock(gp_stock(problem)))
    assert solution.lower == pytest.approx(alone.lower, rel=1e-9)
    assert solution.lower <= solution.upper <= Gpdp().solve(problem).upper * (1.0 + 1e-9)
    assert solution.settings["solver"] == "gp-pomdp"
    assert solution.settings["planner"]["gap"] == 0.02
    assert "learned growth" in solution.status
    for settings in ({"lagged": True}, {"scheme": "boettiger2015"}):
        with pytest.raises(SolverError, match="bring their own planner"):
            Gpdp(planner=Pomdp(), **settings)


def test_the_prior_reaches_the_fit():
    problem = paper_problem(cells=60)
    settings = Gpdp(prior=GrowthPrior(decline=0.1, length_scale=(0.6, 0.2), noise_sd=(0.2, 0.0)))
    stock = gp_stock(problem, settings)
    assert stock.prior == settings.prior
    assert stock.weight @ stock.noise_sd > 2.0 * (gp_stock(problem).weight @ gp_stock(problem).noise_sd)
    solution = settings.solve(problem)
    assert solution.settings["prior"]["decline"] == 0.1
    assert solution.settings["length_scale"] == stock.weight @ stock.length_scale[:, 0]
    assert stock.scale == paper_history().biomass.max()
    assert stock.unit == "t"
    with pytest.raises(SolverError, match="scheme must be 'default' or 'boettiger2015', got 'paper'"):
        Gpdp(scheme="paper")


def test_status_tells_where_the_lesson_came_from():
    status = Gpdp().solve(paper_problem(cells=40)).status
    assert "39 pairs of years of the biomass in the history" in status
    assert "quadrature nodes" in status
    assert "warning" not in status


def test_few_years_are_a_warning():
    """Eight pairs around one biomass: a policy, and a warning that it rests on the prior."""
    biomass = 8.0 * np.exp(0.05 * np.random.default_rng(3).standard_normal(9))
    problem = HarvestProblem(history=history(biomass, np.zeros(9)), grid=Grid(upper=16.0, cells=60))
    with pytest.warns(FewDataWarning, match="the policy rests on its prior: 8 pairs of years"):
        solution = Gpdp().solve(problem)
    assert "warning: the policy rests on its prior" in solution.status


def test_extrapolation_is_told():
    """Growth that rises towards low stock draws the policy below all that was seen."""
    s = np.linspace(60.0, 100.0, 30)
    scatter = np.tile([0.97, 1.03], 15)
    biomass = np.empty(31)
    biomass[0] = 110.0
    catch = biomass[0] - s[0] + np.zeros(30)
    for t in range(30):
        catch[t] = max(biomass[t] - s[t], 0.0)
        left = biomass[t] - catch[t]
        biomass[t + 1] = left * np.exp(1.2 * (1.0 - left / 110.0)) * scatter[t]
    problem = HarvestProblem(
        history=history(biomass, np.append(catch, 0.0)),
        grid=Grid(upper=400.0, cells=80),
        economy=Economy(discount=0.9),
    )
    status = Gpdp().solve(problem).status
    assert "less than the smallest escapement that was seen" in status


def test_liquidation_is_told():
    """A manager who cares for this year alone takes all, and the status says so."""
    problem = replace(paper_problem(cells=60), economy=Economy(discount=0.3))
    assert (
        "the policy leaves 0, less than the smallest escapement that was seen" in Gpdp().solve(problem).status
    )


class FittedStock(ParametricStock):
    """A stand-in for a fitted posterior: trajectories of biomass and a belief at their end."""

    trajectory_biomass: np.ndarray

    def terminal_belief(self, edges):
        belief = np.zeros(len(edges) - 1)
        belief[[5, 6]] = 0.25, 0.75
        return belief


def fitted(biomass):
    stock = FittedStock(TRUTH.growth, TRUTH.noise, unit="kg")
    rng = np.random.default_rng(0)
    wobble = rng.standard_normal((200, 1)) * 0.1
    object.__setattr__(stock, "trajectory_biomass", biomass * (1.0 + wobble - wobble.mean()))
    return stock


def test_an_index_alone_is_read_through_the_fitted_stock(monkeypatch):
    monkeypatch.setattr(gpdp, "expected_survey", lambda problem: 3.25)
    base, catch = paper_history(), np.full(40, 0.25)
    for years in (40, 41):  # with and without the biomass after the last catch
        biomass = np.append(base.biomass, 7.0)[:years]
        problem = replace(
            paper_problem(cells=40),
            history=history(None, catch, index={"index": base.biomass / 3.0}),
            stock=fitted(biomass),
        )
        solution = Gpdp().solve(problem)
        stock = gp_stock(problem)
        drawn = problem.stock.trajectory_biomass[:DRAWS]
        np.testing.assert_allclose(stock.escapement, drawn[:, :-1] - 0.25)
        np.testing.assert_allclose(stock.next_biomass, drawn[:, 1:])
        assert stock.unit == "kg"
        assert "not independent" in solution.status
        assert solution.settings["independent"] is False
        assert solution.policy.expected == 3.25  # before a survey it acts on the one to be expected
    # the history's own biomass comes first
    assert "not independent" not in Gpdp().solve(replace(problem, history=base)).status


def test_relative_biomass_is_read_through_the_fitted_stock():
    base = paper_history()
    catch = base.catch.copy()
    catch[[3, 9]] = 9.0
    with pytest.warns(HistoryWarning, match="catch exceeds biomass in 2 years"):
        exceeded = history(base.biomass, catch)
    for relative in (exceeded, history(None, base.catch + 0.25, ssb=base.biomass)):
        problem = replace(paper_problem(cells=40), history=relative)
        with pytest.raises(FitError, match="relative: fit a growth law first and use Gpdp with that stock"):
            Gpdp().solve(problem)
        solution = Gpdp().solve(replace(problem, stock=fitted(base.biomass)))
        assert "not independent" in solution.status
        if relative is exceeded:
            assert "37 pairs" in solution.status
            assert "2 years left out because their catch takes all of the biomass or more" in solution.status


def test_keeps_the_belief_of_the_fitted_stock():
    problem = replace(paper_problem(cells=40), stock=fitted(paper_history().biomass))
    belief = np.zeros(41)
    belief[[5, 6]] = 0.25, 0.75
    expected = Gpdp().solve(replace(problem, initial=belief)).upper
    assert Gpdp().solve(problem).upper == expected
    assert Gpdp().solve(replace(problem, initial="history")).upper == expected
    uniform = Gpdp().solve(replace(problem, initial="uniform")).upper
    assert uniform != expected
    assert Gpdp().solve(replace(problem, stock=None)).upper == uniform


def test_refuses_with_one_clear_line():
    base = paper_history()
    with pytest.raises(SolverError, match="none: give HarvestProblem"):
        Gpdp().solve(HarvestProblem(stock=TRUTH, grid=Grid(upper=15.0)))
    index_alone = history(None, base.catch + 0.25, index={"index": base.biomass})
    with pytest.raises(FitError, match="an index, which is relative"):
        Gpdp().solve(replace(paper_problem(), history=index_alone))
    with pytest.raises(FitError, match="at least 5 pairs"):
        Gpdp().solve(replace(paper_problem(), history=history(base.biomass[:5], base.catch[:5])))


def noisy_problem():
    """A grid that just holds 20 years of a biomass that scatters by a third: the next year may be higher."""
    biomass = 10.0 + 3.0 * np.random.default_rng(2).standard_normal(20)
    cells = int(np.ceil(4.0 * biomass.max()))
    return HarvestProblem(history=history(biomass, np.zeros(20)), grid=Grid(upper=0.25 * cells, cells=cells))


def test_a_short_grid_is_lengthened_by_cells_of_the_same_width():
    problem = noisy_problem()
    with pytest.raises(GridError, match="the grid is too short"):
        discretize(problem.with_stock(gp_stock(problem)))
    with pytest.warns(FewDataWarning):  # the policy goes where few years were
        points = Gpdp().solve(problem).policy.points
    np.testing.assert_allclose(np.diff(points)[1:], 0.25, rtol=1e-12)
    assert problem.grid.upper < points[-1] < 4.0 * problem.grid.upper


def test_a_grid_that_ends_below_the_data_is_refused_at_once(monkeypatch):
    problem = HarvestProblem(
        survey=NormalSurvey(sd=0.1),
        economy=Economy(discount=0.95),
        grid=Grid(upper=2.0, cells=100),
        history=load_history("hake-argentina-north"),
    )
    monkeypatch.setattr(gpdp, "_learn", None)  # nothing is learned first
    with pytest.raises(
        GridError, match=r"biomass up to 6000.. \w+, above the grid's upper end 2; use Grid\("
    ):
        Gpdp().solve(problem)
    monkeypatch.undo()
    seen = paper_history().biomass
    relative = history(None, np.full(40, 0.25), index={"index": seen})
    problem = replace(paper_problem(upper=7.0), history=relative, stock=fitted(seen))
    with pytest.raises(GridError, match="the fitted stock had biomass up to"):
        Gpdp().solve(problem)


def test_lengthening_ends_after_a_few_kernels(monkeypatch):
    tried = []
    monkeypatch.setattr(gpdp, "falls_off", lambda stock, grid: tried.append(grid.cells) or 1.0)
    problem = noisy_problem()
    with pytest.raises(GridError, match="the grid is too short: an unfished stock grows above its upper end"):
        Gpdp().solve(problem)
    assert tried[0] == problem.grid.cells and len(tried) < 10 and max(tried) <= 4 * problem.grid.cells


def test_warns_of_a_stock_that_only_shrinks():
    biomass = 100.0 * 0.8 ** np.arange(12) * np.tile([1.0, 1.05, 0.97], 4)
    problem = HarvestProblem(history=history(biomass, np.zeros(12)), grid=Grid(upper=300.0, cells=60))
    assert gp_stock(problem).carrying_capacity == 0.0
    assert "shrinks at every biomass" in Gpdp().solve(problem).status


def test_units_change_no_decision():
    problem = paper_problem(cells=60)
    base = problem.history
    big = replace(
        problem, history=history(1024.0 * base.biomass, base.catch), grid=Grid(upper=1024.0 * 15.0, cells=60)
    )
    np.testing.assert_array_equal(
        Gpdp().solve(big).policy.quotas, 1024.0 * Gpdp().solve(problem).policy.quotas
    )


def test_the_learned_stock_is_a_stock():
    """The Gaussian process lives in the closed loop as any stock does, on its own persistent paths."""
    problem = paper_problem(cells=60)
    stock = fit_gaussian_process(gp_stock(problem).escapement, gp_stock(problem).next_biomass)
    worlds = stock.draw(200, np.random.default_rng(0))
    value, _ = live(Gpdp().solve(problem).policy, worlds, 8.0, 30, 200)
    assert worlds.carrying_capacity.shape == (200,)
    assert np.median(worlds.carrying_capacity) == pytest.approx(7.7, abs=0.4)
    assert value.mean() > 5.0
