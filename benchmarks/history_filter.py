"""The likelihood of a history: the compiled filter beside the same steps in NumPy, in one run.

    python benchmarks/history_filter.py

A logistic stock of 50 years seen through an index, catches with an error of 5 %, one thread. The plain version takes
the dense matrix of growth from the stock and the steps of a manager's belief from `ecodecide.decision.belief`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

import ecodecide as eco
from ecodecide.decision.belief import condition, harvest
from ecodecide.fitting.state_space import climb, search
from ecodecide.fitting.state_space_model import StateSpaceModel

_NODES = np.exp(np.sqrt(np.log1p(0.05**2)) * np.sqrt(3.0) * np.array([-1.0, 0.0, 1.0]))
_WEIGHTS = np.array([1.0, 4.0, 1.0]) / 6.0


def history(years: int = 50) -> eco.CatchHistory:
    """Return a stock that is fished down and let go."""
    rng = np.random.default_rng(3)
    rate = np.where(np.arange(years) < years // 2, 0.35, 0.1)
    x, biomass = 900.0, np.empty(years)
    for t in range(years):
        biomass[t] = x
        s = x * (1.0 - rate[t])
        x = (s + 0.6 * s * (1.0 - s / 1000.0)) * np.exp(0.1 * rng.standard_normal())
    index = 0.01 * biomass * np.exp(0.15 * rng.standard_normal(years))
    return eco.CatchHistory(year=np.arange(years), catch=rate * biomass, index=index)


def plain(model: StateSpaceModel, searched: np.ndarray) -> float:
    """Return the log-likelihood by NumPy alone."""
    growth = model.stock(searched).kernel(model.points, model.edges)
    growth[:, -1] += np.maximum(1.0 - growth.sum(axis=1), 0.0)
    likelihood, belief, total = model.likelihood(searched), model.initial(searched)[None], 0.0
    for t, caught in enumerate(model.catch):
        belief, evidence = condition(belief, likelihood[t])
        left = _WEIGHTS @ harvest(np.repeat(belief, 3, axis=0), caught * _NODES, model.points, model.edges)[0]
        total += float(np.log(evidence[0]) + np.log(left.sum()))
        belief = (left / left.sum())[None] @ growth
    return total


def milliseconds(work: Callable[[], float], repeats: int) -> float:
    """Return the median of several runs."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(taken))


def main() -> None:
    print("| cells | compiled, ms | plain, ms | ratio | difference of the log-likelihood |")
    print("|--:|--:|--:|--:|--:|")
    with threadpool_limits(limits=1):
        for cells in (100, 150, 200, 400):
            rough = StateSpaceModel.of(history(), "logistic", None, 0.05, 80)
            best, *_ = search(rough, 1, lambda words, share: None)
            model = rough.focused(best, cells)
            best, _ = climb(model, best)
            ours, theirs = model.run(best).log_likelihood, plain(model, best)
            fast = milliseconds(lambda: model.run(best).log_likelihood, 200)  # noqa: B023
            slow = milliseconds(lambda: plain(model, best), 30)  # noqa: B023
            print(f"| {cells} | {fast:.2f} | {slow:.1f} | {slow / fast:.0f} | {abs(ours - theirs):.0e} |")


if __name__ == "__main__":
    main()
