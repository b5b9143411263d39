"""Bounds against lives lived: in the very chain that was solved, no policy beats the upper bound.

The discrete problem is simulated as a world of its own, begun in its initial belief and with a quota set
before the first survey, which is what the bounds are about.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.decision.chain import ChainStock, ChainSurvey
from ecodecide.evaluation.closed_loop import evaluate
from ecodecide.solvers.optimal_control import policy_iteration

REPLICATES, YEARS = 2048, 160


@dataclass(frozen=True)
class Snapped:
    """A policy with quotas moved to the nearest on offer, so that escapements stay on the points."""

    policy: Any
    step: float

    def start(self, replicates):
        return self.policy.start(replicates)

    def decide(self, memory, observed, caught):
        quota, memory = self.policy.decide(memory, observed, caught)
        return np.round(quota / self.step) * self.step, memory


def fishery(scheme, economy=None):
    return eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15)),
        survey=eco.NormalSurvey(sd=0.1),
        economy=economy or eco.Economy(),
        grid=eco.Grid(upper=2.0, cells=40, scheme=scheme),
        initial="uniform",
    )


ECONOMIES = {
    "plain": eco.Economy(),
    "costs": eco.Economy(price=2.0, effort_cost=0.3, fixed_cost=0.05, discount=0.93),
}


@cache
def lived(scheme, economy):
    """Solve, then simulate: the solution of the POMDP, and each policy's net present value by replicate."""
    problem = fishery(scheme, ECONOMIES[economy])
    arrays = eco.discretize(problem)
    solution = eco.Pomdp(gap=0.005).solve(problem)
    assert solution.converged
    policies = {
        "pomdp": solution.policy,
        "optimal-control": eco.OptimalControl().solve(problem).policy,
        "tac": eco.Precautionary("tac").solve(problem).policy,
        "constant-escapement": eco.Precautionary("constant-escapement").solve(problem).policy,
    }
    # stratified: each state has its share of replicates to within one, which only narrows the true error
    shares = (np.arange(REPLICATES) + 0.5) / REPLICATES
    start = arrays.grid.points[np.searchsorted(np.cumsum(arrays.initial), shares)]
    runs = evaluate(
        {name: Snapped(policy, arrays.grid.step) for name, policy in policies.items()},
        truth=ChainStock(arrays),
        survey=ChainSurvey(arrays),
        economy=problem.economy,
        initial_biomass=start,
        years=YEARS,
        replicates=REPLICATES,
        seed=5,
        first_survey=False,
    )
    weights = problem.economy.discount ** np.arange(YEARS)
    values = {
        name: (runs.profit.sel(policy=name, world="truth").values * weights).sum(axis=1) for name in policies
    }
    # beyond the horizon no policy earns more than one that sees the biomass, from the best of states
    known, _, _, _ = policy_iteration(arrays)
    tail = problem.economy.discount**YEARS * float(known.max())
    assert tail < 0.002  # .95^160 = 2.7e-4, times a value of about 5
    return solution, values, tail


CASES = [("cells", "plain"), ("memarzadeh2019", "plain"), ("cells", "costs")]


def mean_and_error(value):
    return value.mean(), value.std(ddof=1) / np.sqrt(len(value))


@pytest.mark.parametrize(("scheme", "economy"), CASES)
def test_own_policy_earns_the_lower_bound(scheme, economy):
    solution, values, tail = lived(scheme, economy)
    mean, error = mean_and_error(values["pomdp"])
    assert solution.lower <= mean + tail + 3.0 * error
    # three standard errors are a few percent of the value, not a licence
    assert 3.0 * error < 0.04 * solution.lower


@pytest.mark.parametrize("name", ["pomdp", "optimal-control", "tac", "constant-escapement"])
@pytest.mark.parametrize(("scheme", "economy"), CASES)
def test_no_policy_earns_more_than_the_upper_bound(scheme, economy, name):
    solution, values, _ = lived(scheme, economy)
    mean, error = mean_and_error(values[name])
    assert mean <= solution.upper + 3.0 * error


@pytest.mark.parametrize(("scheme", "economy"), CASES)
def test_belief_earns_more_than_trust(scheme, economy):
    """Paired: all meet the same luck, and the POMDP's policy beats the one that believes every survey."""
    _, values, _ = lived(scheme, economy)
    mean, error = mean_and_error(values["pomdp"] - values["optimal-control"])
    assert mean > 3.0 * error


@dataclass(frozen=True)
class SolversFilter:
    """The vectors of a POMDP on the solver's own filter: shift by the quota, grow, update; no more."""

    policy: Any

    def start(self, replicates):
        return np.column_stack([np.tile(self.policy.arrays.initial, (replicates, 1)), np.zeros(replicates)])

    def decide(self, memory, observed, caught):
        arrays, belief = self.policy.arrays, memory[:, :-1]
        if caught is not None:
            escaped = np.zeros_like(belief)
            for row, b, quota in zip(escaped, belief, memory[:, -1].astype(int), strict=True):
                np.add.at(row, arrays.left[:, quota], b)
            belief = escaped @ arrays.kernel
            belief = belief * arrays.observation.T[arrays.grid.locate(observed)]
            belief /= belief.sum(axis=1, keepdims=True)
        quota = self.policy.actions[np.argmax(belief @ self.policy.vectors.T, axis=1)]
        return arrays.grid.quotas[quota], np.column_stack([belief, quota])


@pytest.mark.parametrize(("scheme", "economy"), CASES)
def test_the_policys_belief_decides_as_the_solvers(scheme, economy):
    """The policy also hears what the catch says. In the chain that is only whether the stock ran out, and
    then no quota earns anything: so it must decide as the solver's filter does, but for ties."""
    problem = fishery(scheme, ECONOMIES[economy])
    arrays = eco.discretize(problem)
    policy = lived(scheme, economy)[0].policy
    runs = evaluate(
        {"policy": policy, "filter": SolversFilter(policy)},
        truth=ChainStock(arrays),
        survey=ChainSurvey(arrays),
        economy=problem.economy,
        initial_biomass=1.0,
        years=60,
        replicates=256,
        seed=6,
        first_survey=False,
    )
    alive = runs.biomass.values[0, 0] > 0.0
    one, other = (runs.quota.sel(policy=name, world="truth").values for name in ("policy", "filter"))
    assert (one != other)[alive].mean() < 1e-3
    assert alive.mean() > 0.3
    # profits agree to a hundredth of the bounds' own gap
    assert abs((runs.profit.values[0] - runs.profit.values[1]).mean()) < 1e-4


def chain(scheme="cells"):
    problem = fishery(scheme)
    arrays = eco.discretize(problem)
    return problem, arrays, ChainStock(arrays), ChainSurvey(arrays)


@pytest.mark.parametrize("scheme", ["cells", "memarzadeh2019"])
def test_the_chain_draws_its_own_rows(scheme):
    """Step and sample against kernel and observation: each state's frequency within 4.5 standard errors."""
    _, arrays, stock, survey = chain(scheme)
    z = np.random.default_rng(3).standard_normal(20_000)
    for state in (0, 1, 17, 39):
        here = np.full(20_000, arrays.grid.points[state])
        for drawn, row in (
            (stock.step(here, z), arrays.kernel[state]),
            (survey.sample(here, z), arrays.observation[state]),
        ):
            share = np.bincount(arrays.grid.locate(drawn), minlength=len(row)) / 20_000
            assert (np.abs(share - row) <= 4.5 * np.sqrt(row * (1.0 - row) / 20_000) + 1e-12).all()
    assert (np.diff(stock.step(np.full(100, 0.775), np.linspace(-3.0, 3.0, 100))) >= 0.0).all()


@pytest.mark.parametrize("scheme", ["cells", "memarzadeh2019"])
def test_the_chain_takes_a_rounded_difference_for_the_point(scheme):
    _, arrays, stock, _ = chain(scheme)
    points, quotas = arrays.grid.points, arrays.grid.quotas
    caught = np.minimum(quotas[None, :], points[:, None])
    left = stock.mean(points[:, None] - caught)
    assert np.array_equal(left, (arrays.kernel @ points)[arrays.left])


def test_the_chain_discretizes_to_itself():
    """Its kernel and its survey's cdf, on its own grid, are the matrices it was made of."""
    problem, arrays, stock, survey = chain()
    again = eco.discretize(
        eco.HarvestProblem(stock=stock, survey=survey, grid=problem.grid, initial="uniform")
    )
    assert again.kernel == pytest.approx(arrays.kernel, abs=1e-14)
    assert again.observation == pytest.approx(arrays.observation, abs=1e-14)
    seen = arrays.grid.points[20]
    assert survey.likelihood(seen, arrays.grid.points) == pytest.approx(arrays.observation[:, 20])
    assert (survey.likelihood(np.nan, arrays.grid.points) == 1.0).all()


def test_the_chain_has_a_carrying_capacity():
    """Near K = 1, to the width of a cell."""
    _, arrays, stock, _ = chain()
    assert stock.carrying_capacity == pytest.approx(1.0, abs=arrays.grid.step)
    assert stock.draw(3, np.random.default_rng(0)) is stock
