"""How fast futures are simulated: tables and beliefs beside what they cannot do without, and beside plain ways.

    python benchmarks/evaluation.py               # 20 seconds
    python benchmarks/evaluation.py --rounds 20   # the best of more
    python benchmarks/evaluation.py --matrix      # also a whole robustness matrix, a minute for its fit and solvers

Everything is measured in one process, on one thread, in turns; of each the fastest turn counts.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import time
from collections.abc import Callable

import numba
import numpy as np
from threadpoolctl import threadpool_limits

import ecodecide as eco
from ecodecide._kernels import futures
from ecodecide.decision.belief import condition, harvest
from ecodecide.decision.discretize import discretize
from ecodecide.evaluation.decision_grid import decision_grid
from ecodecide.evaluation.luck import seed_word
from ecodecide.evaluation.robustness import robustness
from ecodecide.evaluation.scores import measure, summarize
from ecodecide.evaluation.table_futures import table_futures
from ecodecide.fitting.laws import fit_laws
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.table import TablePolicy
from ecodecide.solvers.registry import solver_named

_REPLICATES, _YEARS = 20_000, 50
_STEPPED = 400
"""Replicates of the stepping, the slow one."""
_ROWS = 256
"""Replicates for which the evaluator lets a belief policy decide at a time."""


def fastest(rounds: int, work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the seconds of the fastest of several turns of each, after one that warms up."""
    best = dict.fromkeys(work, np.inf)
    for turn in range(rounds + 1):
        for name, run in work.items():
            begin = time.perf_counter()
            run()
            if turn:
                best[name] = min(best[name], time.perf_counter() - begin)
    return best


# --- tables ---


@numba.njit
def lognormals(seed: int, sigma: float, out: np.ndarray) -> None:
    """Fill out, shape (purposes, replicates, years): the generator of the futures, and nothing else."""
    purposes, replicates, years = out.shape
    lanes = futures._LANES
    block, waiting = futures._YEARS, np.empty((purposes, futures._YEARS, lanes))
    q, z, tails = np.empty((4, lanes)), np.empty(lanes), np.empty(lanes + 1, dtype=np.int64)
    for begin in range(0, replicates, lanes):
        size = min(lanes, replicates - begin)
        for year in range(years):
            futures._draw(seed, begin, year, q)
            for purpose in range(purposes):
                futures._normals(q[purpose], z, tails)
                for i in range(lanes):
                    z[i] = futures._exp(sigma * z[i])
                waiting[purpose, year % block] = z
            if year % block == block - 1 or year == years - 1:
                futures._write(waiting, year % block + 1, out, begin, size, year - year % block)


def plain(
    policy: TablePolicy,
    stock: eco.ParametricStock,
    survey: eco.Survey,
    economy: eco.Economy,
    start: np.ndarray,
) -> dict[str, np.ndarray]:
    """The same years in NumPy, all replicates at a time."""
    luck = np.random.default_rng(1).standard_normal((2, _YEARS, len(start)))
    series = {k: np.empty((len(start), _YEARS)) for k in ("biomass", "observed", "quota", "catch", "profit")}
    biomass, memory = start, policy.start(len(start))
    for year in range(_YEARS):
        observed = survey.sample(biomass, luck[1, year])
        quota, memory = policy.decide(memory, observed, None)
        catch = np.minimum(quota, biomass)
        profit = economy.profit(catch, biomass)
        for key, value in zip(series, (biomass, observed, quota, catch, profit), strict=True):
            series[key][:, year] = value
        biomass = stock.step(biomass - catch, luck[0, year])
    return series


class Fishery:
    """One stock as an environment of reinforcement learning: reset, step(quota) -> observation, reward, done, info.

    Plain numbers and `math`, no arrays of one element and no scaling of actions, which would make it slower.
    """

    def __init__(self, r: float, capacity: float, sigma: float, error: float, years: int) -> None:
        self.r, self.capacity, self.sigma, self.error, self.years = r, capacity, sigma, error, years
        self.rng = np.random.default_rng(1)

    def reset(self) -> float:
        self.biomass, self.year = self.capacity, 0
        return self.observe()

    def observe(self) -> float:
        if self.error == 0.0:
            return self.biomass
        return self.biomass * math.exp(self.error * self.rng.standard_normal())

    def step(self, quota: float) -> tuple[float, float, bool, dict[str, float]]:
        catch = min(quota, self.biomass)
        escapement = self.biomass - catch
        grown = escapement * math.exp(self.r * (1.0 - escapement / self.capacity))
        self.biomass = grown * math.exp(self.sigma * self.rng.standard_normal())
        self.year += 1
        return self.observe(), catch, self.year >= self.years, {"escapement": escapement}


def stepped(policy: TablePolicy, error: float) -> float:
    """Step one stock after another, the quota looked up by np.interp."""
    world, total = Fishery(0.7, 1.0, 0.2, error, _YEARS), 0.0
    for _ in range(_STEPPED):
        observed, done = world.reset(), False
        while not done:
            quota = np.interp(observed, policy.points, policy.quotas)
            observed, reward, done, _ = world.step(float(quota))
            total += reward
    return total


def tables(rounds: int) -> None:
    print("| survey | way | ns a stock-year | million stock-years a second | x drawing the lognormals |")
    print("|---|---|--:|--:|--:|")
    points = eco.Grid(upper=2.0, cells=99).points
    policy = TablePolicy(points, np.maximum(points - 0.5, 0.0), 1.0)
    stock = eco.ParametricStock(eco.Ricker(r=0.7, K=1.0), eco.LognormalNoise(sigma=0.2))
    economy, start = eco.Economy(), np.ones(_REPLICATES)
    word = seed_word(1)
    for survey, purposes in ((eco.PerfectSurvey(), 1), (eco.LognormalSurvey(cv=0.2), 2)):
        out = np.empty((purposes, _REPLICATES, _YEARS))
        error = getattr(survey, "sigma", 0.0)
        ways: dict[str, Callable[[], object]] = {
            "its lognormals alone": lambda out=out: lognormals(word, 0.2, out),
            "compiled futures": lambda survey=survey: table_futures(
                policy, [(0, stock)], survey, economy, start, seed=1, years=_YEARS
            ),
            "plain NumPy": lambda survey=survey: plain(policy, stock, survey, economy, start),
            "stepping": lambda error=error: stepped(policy, error),
        }
        seconds = fastest(rounds, ways)
        floor = seconds["its lognormals alone"] / (_REPLICATES * _YEARS)
        for name, taken in seconds.items():
            each = taken / (_YEARS * (_STEPPED if name == "stepping" else _REPLICATES))
            kind = type(survey).__name__
            print(f"| {kind} | {name} | {1e9 * each:,.1f} | {1e-6 / each:,.2f} | {each / floor:,.2f} |")


# --- beliefs ---


def beliefs(rounds: int) -> None:
    print("| error of the catch | way | ns an update | thousand updates a second | x matrix products alone |")
    print("|---|---|--:|--:|--:|")
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    for cv in (0.0, 0.1):
        problem = eco.HarvestProblem(
            stock=stock, survey=eco.NormalSurvey(sd=0.1), grid=eco.Grid(2.0, 100), implementation_cv=cv
        )
        arrays, rng = discretize(problem), np.random.default_rng(1)
        # vectors of a shape that real ones have: increasing; which is best does not matter here
        vectors = np.cumsum(rng.random((100, 101)), axis=1)
        policy = BeliefPolicy(arrays, vectors, np.sort(rng.integers(0, 30, 100)))
        memory, caught = policy.start(_ROWS), None
        for _ in range(4):
            observed = rng.uniform(0.2, 1.2, _ROWS)
            quota, memory = policy.decide(memory, observed, caught)
            # as a rule what is caught is no whole number of cells
            caught = np.minimum(quota, 0.1) * rng.uniform(0.9, 1.0 if cv == 0.0 else 1.1, _ROWS)
            memory[:, -1] = caught if cv == 0.0 else memory[:, -1]
        belief = np.array(policy.belief(memory))
        grid, kernel = arrays.grid, arrays.kernel

        def products(belief=belief, kernel=kernel, vectors=vectors) -> None:
            belief @ kernel
            belief @ vectors.T

        def in_numpy(
            belief=belief, caught=caught, observed=observed, arrays=arrays, grid=grid, vectors=vectors
        ) -> np.ndarray:
            escaped, possible = harvest(belief, caught, grid.points, grid.edges)
            grown = (escaped / possible[:, None]) @ arrays.kernel
            posterior, _ = condition(grown, arrays.observation.T[grid.locate(observed)])
            return np.argmax(posterior @ vectors.T, axis=1)

        ways: dict[str, Callable[[], object]] = {
            "its matrix products alone": products,
            "belief policy": lambda policy=policy, memory=memory, observed=observed, caught=caught: (
                policy.decide(memory, observed, caught)
            ),
            "NumPy (no shortfalls, no restarts)": in_numpy,
        }
        seconds = fastest(40 * rounds, ways)
        floor = seconds["its matrix products alone"]
        for name, taken in seconds.items():
            print(
                f"| {cv} | {name} | {1e9 * taken / _ROWS:,.0f} | {1e-3 * _ROWS / taken:,.0f} | {taken / floor:,.2f} |"
            )


# --- a robustness matrix ---


def matrix() -> None:
    """Six policies in four worlds of one stock: 2,000 futures of 50 years, measured, summarized and ranked."""
    history = eco.load_history("hake-argentina-north")
    fitted = fit_laws(history)
    stock = fitted.average
    problem = eco.HarvestProblem(
        stock=stock, survey=stock.survey, grid=decision_grid(stock, history, 100), history=history
    )
    names = ("pomdp", "gpdp", "40-10", "tac", "optimal-control", "no-fishing")
    policies = {name: solver_named(name).solve(problem).policy for name in names}
    worlds = [
        eco.World(stock, "fitted"),
        eco.World(fitted.posteriors["allen"], "allen"),
        eco.World(fitted.posteriors["ricker"], "persistent", autocorrelation=0.5),
        eco.World(stock, "trend", productivity=0.99 ** np.arange(_YEARS)),
    ]
    for turn in ("first (compiles)", "warm"):
        begin = time.perf_counter()
        runs = eco.evaluate(
            policies,
            truth=worlds,
            survey=problem.survey,
            economy=problem.economy,
            years=_YEARS,
            replicates=2000,
        )
        simulated = time.perf_counter() - begin
        measured = measure(runs)
        summarize(measured)
        robustness(measured)
        print(
            f"matrix, {turn}: {simulated:.1f} s to simulate, {time.perf_counter() - begin:.1f} s with all scores"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8, help="turns of each, of which the fastest counts")
    parser.add_argument("--matrix", action="store_true", help="also a whole robustness matrix")
    given = parser.parse_args()
    rounds = given.rounds
    print(
        f"{platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}, load {os.getloadavg()[0]:.1f}"
    )
    print()
    with threadpool_limits(limits=1):
        tables(rounds)
        print()
        beliefs(rounds)
    if given.matrix:
        print()
        matrix()


if __name__ == "__main__":
    main()
