"""Dynamic programming under full observation in one run: times, memory, and ratios to the plain ways.

Each case is measured in a process of its own, one at a time, on one thread, and after a tiny case of the same
kind, so that nothing is imported while the clock runs. Only ratios mean something on another machine.

    python benchmarks/dynamic_programming.py --only plain,sizes
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from pomdp import Column, factor, machine, peak_megabytes, ratio, sizes, table_of, text, whole
from rich.console import Console

# numpy and ecodecide are imported by the measuring processes alone, as in pomdp.py

TOLERANCE = 1e-9
"""The distance to the optimum, as a share of the largest value, at which all stop."""

LAWS = ("allen", "ricker")

SECOND_STATES = ((200, 20), (400, 40))
"""(cells, levels)"""

YEARS = (40, 100)
"""Of the histories that a Gaussian process learns from."""

_REPEATS = 5

# --- measured, each in a process of its own ---


def fishery(cells: int, law: str = "allen", r: float = 1.0) -> Any:
    """Return a stock with a tipping point (allen), or with none (ricker)."""
    import ecodecide as eco

    growth = eco.Allen(r=r, K=1.0, C=0.3) if law == "allen" else eco.Ricker(r=r, K=1.0)
    return eco.HarvestProblem(
        stock=eco.ParametricStock(growth, eco.LognormalNoise(sigma=0.1)),
        economy=eco.Economy(discount=0.99),
        grid=eco.Grid(upper=2.0, cells=cells),
    )


def plain_value_iteration(arrays: Any, transition: Any, tolerance: float) -> tuple[Any, int]:
    """Return the value by V = max_a (r_a + g P_a V), and the rounds.

    It stops at the first of two bounds on its distance to the optimum, as a share of the largest value: that
    from the largest change, and that from the span of the changes (MacQueen; Puterman 1994, section 6.6). They
    are close where the stock can die out, since the value of no stock is known at once.
    """
    import numpy as np

    ahead = arrays.discount / (1.0 - arrays.discount)
    value, rounds = np.zeros(len(arrays.initial)), 0
    while True:
        rounds += 1
        new = (arrays.reward.T + arrays.discount * (transition @ value)).max(axis=0)
        low, high = float((new - value).min()), float((new - value).max())
        value, accepted = new, tolerance * float(np.abs(new).max())
        if ahead * (high - low) / 2.0 <= accepted:
            return value + ahead * (high + low) / 2.0, rounds
        if ahead * max(high, -low) <= accepted:
            return value, rounds


def plain_case(cells: int, law: str) -> dict[str, Any]:
    """Solve one problem by OptimalControl's policy iteration and by value iteration over dense moves."""
    import numpy as np

    import ecodecide as eco
    from ecodecide.solvers.optimal_control import policy_iteration

    policy_iteration(eco.discretize(fishery(20)))
    arrays = eco.discretize(fishery(cells, law))
    value, _, rounds, error = policy_iteration(arrays)
    ours = repeated(lambda: policy_iteration(arrays))
    # neither is charged with making its arrays
    transition = np.ascontiguousarray(arrays.kernel[arrays.left.T])  # quota, state, next state
    begin = time.perf_counter()
    other, plain_rounds = plain_value_iteration(arrays, transition, TOLERANCE)
    plain_seconds = time.perf_counter() - begin
    largest = float(value.max())
    return {
        "seconds": ours,
        "rounds": rounds,
        "error": error / largest,
        "plain seconds": plain_seconds,
        "plain rounds": plain_rounds,
        "apart": float(np.abs(other - value).max()) / largest,
    }


def sizes_case(cells: int) -> dict[str, Any]:
    """Solve by OptimalControl, with the discretization."""
    import ecodecide as eco

    eco.OptimalControl().solve(fishery(20))
    before, problem = peak_megabytes(), fishery(cells)
    solve = repeated(lambda: eco.OptimalControl().solve(problem))
    return {"seconds": solve, "megabytes before": before}


def second_state_case(cells: int, levels: int, kind: str) -> dict[str, Any]:
    """Solve a stock whose growth rate follows a second state."""
    from ecodecide.solvers.second_state import solve_second_state

    solve_second_state(two_states(10, 3, kind))
    arrays = two_states(cells, levels, kind)
    value, _, rounds, error = solve_second_state(arrays, TOLERANCE)
    seconds = repeated(lambda: solve_second_state(arrays, TOLERANCE))
    return {"seconds": seconds, "rounds": rounds, "error": error / float(value.max())}


def two_states(cells: int, levels: int, kind: str) -> Any:
    import numpy as np

    import ecodecide as eco
    from ecodecide.solvers.second_state import SecondStateProblem

    level = np.linspace(-1.0, 1.0, levels)
    # fast growth overshoots this grid more often than is accepted for a stock of its own
    each = [eco.discretize(fishery(cells, r=1.0 + 0.3 * w), tolerance=1.0) for w in level]
    chain = np.exp(-0.5 * ((level[None, :] - 0.8 * level[:, None]) / 0.3) ** 2)
    environment = kind == "environment"
    return SecondStateProblem(
        grid=each[0].grid,
        levels=level if environment else np.linspace(0.0, 1.2, levels),
        kernel=np.stack([one.kernel for one in each]),
        reward=each[0].reward,
        initial=np.outer(each[0].initial, np.full(levels, 1.0 / levels)),
        discount=each[0].discount,
        transition=chain / chain.sum(axis=1, keepdims=True) if environment else None,
    )


def gp_case(years: int, cells: int) -> dict[str, Any]:
    """Fit a Gaussian process to a history; fit and solve by Gpdp; and fit scikit-learn's where it is installed."""
    import warnings

    import ecodecide as eco
    from ecodecide.fitting.gaussian_process import fit_gaussian_process

    warnings.simplefilter("ignore")  # what the fits think of the data: here times count
    known = history(years)
    pairs = (known.biomass - known.catch)[:-1], known.biomass[1:]
    problem = eco.HarvestProblem(history=known, grid=eco.Grid(2.0 * known.biomass.max(), cells))
    eco.Gpdp().solve(eco.HarvestProblem(history=history(10), grid=eco.Grid(4.0, 20)))
    found: dict[str, Any] = {"fit": repeated(lambda: fit_gaussian_process(*pairs))}
    found["fit and solve"] = repeated(lambda: eco.Gpdp().solve(problem))
    if importlib.util.find_spec("sklearn") is not None:
        for name, restarts in (("scikit-learn", 0), ("5 restarts", 5)):
            found[name] = repeated(lambda restarts=restarts: _fit_sklearn(*pairs, restarts))
    return found


def history(years: int) -> Any:
    """Return pairs of years of a stock with a tipping point, fished hard and less by turns."""
    import numpy as np

    import ecodecide as eco

    rng, growth = np.random.default_rng(1), eco.Allen(r=1.0, K=1.0, C=0.3)
    biomass, catch = np.ones(years + 1), np.zeros(years + 1)
    for year in range(years):
        catch[year] = biomass[year] * (0.4 if year % 20 < 10 else 0.05)
        grown = float(growth(biomass[year] - catch[year]))
        biomass[year + 1] = grown * np.exp(0.1 * rng.standard_normal())
    return eco.CatchHistory(year=np.arange(years + 1), catch=catch, biomass=biomass)


def _fit_sklearn(escapement: Any, next_biomass: Any, restarts: int) -> None:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    kernel = ConstantKernel(1.0) * RBF(1.0) + WhiteKernel(0.01)
    model = GaussianProcessRegressor(kernel, n_restarts_optimizer=restarts, random_state=1)
    model.fit(escapement[:, None], next_biomass)


def repeated(work: Callable[[], Any]) -> float:
    """Return the median of a few wall times."""
    times = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return median(times)


CASES: dict[str, Callable[..., dict[str, Any]]] = {
    "plain": plain_case,
    "sizes": sizes_case,
    "second-state": second_state_case,
    "gp": gp_case,
}


def run_case(told_case: str) -> None:
    """Measure one case, and print it with the peak memory of this process."""
    case = json.loads(told_case)
    found = CASES[case.pop("part")](**case)
    print(json.dumps({**found, "megabytes": peak_megabytes()}))


def measure(part: str, **case: Any) -> dict[str, Any]:
    """Return a case and what it gave in a process of its own."""
    told_case = json.dumps({"part": part, **case})
    Console(stderr=True).print(f"measuring {told_case}", style="dim", highlight=False, soft_wrap=True)
    ran = subprocess.run(
        [sys.executable, __file__, "--case", told_case],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if ran.returncode:
        raise SystemExit(f"the case {told_case} ended with status {ran.returncode}; its message is above")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return {**case, **found}


# --- told ---


def milliseconds(key: str) -> Column:
    return lambda row: f"{1e3 * row[key]:.3g}" if key in row else "none"


def plain(given: argparse.Namespace) -> tuple[list[dict[str, Any]], Any]:
    """Beside plain value iteration."""
    rows = [measure("plain", cells=n, law=law) for law in LAWS for n in given.sizes]
    for row in rows:
        row["x ours"] = ratio(row["plain seconds"], row["seconds"])
    columns = {"law": text("law"), "cells": text("cells"), "ms": milliseconds("seconds")}
    columns |= {"rounds": text("rounds"), "error": small("error"), "plain ms": milliseconds("plain seconds")}
    columns |= {
        "plain rounds": text("plain rounds"),
        "x ours": factor("x ours"),
        "values apart": small("apart"),
    }
    title = (
        f"OptimalControl beside plain value iteration, discount .99, to {TOLERANCE:g} of the largest value"
    )
    return rows, table_of(title, columns, rows)


def by_size(given: argparse.Namespace) -> tuple[list[dict[str, Any]], Any]:
    """Time and memory by size."""
    rows = [measure("sizes", cells=n) for n in given.large]
    columns = {"cells": text("cells"), "ms": milliseconds("seconds")}
    columns |= {"MB before": whole("megabytes before"), "peak MB": whole("megabytes")}
    return rows, table_of("OptimalControl, with the discretization", columns, rows)


def second_state(given: argparse.Namespace) -> tuple[list[dict[str, Any]], Any]:
    """Two states."""
    rows = [
        measure("second-state", cells=n, levels=m, kind=kind)
        for n, m in given.second
        for kind in ("environment", "lag")
    ]
    columns = {"second state": text("kind"), "cells": text("cells"), "levels": text("levels")}
    columns |= {"ms": milliseconds("seconds"), "rounds": text("rounds"), "error": small("error")}
    columns |= {"peak MB": whole("megabytes")}
    return rows, table_of(f"Two states, discount .99, to {TOLERANCE:g}", columns, rows)


def gp(given: argparse.Namespace) -> tuple[list[dict[str, Any]], Any]:
    """A Gaussian process, beside that of scikit-learn."""
    rows = [measure("gp", years=years, cells=200) for years in given.years]
    columns = {"pairs of years": text("years"), "ms to fit": milliseconds("fit")}
    for name in ("scikit-learn", "5 restarts"):
        for row in rows:
            row[f"x {name}"] = ratio(row.get(name), row["fit"])
        columns |= {f"ms {name}": milliseconds(name), f"{name} x ours": factor(f"x {name}")}
    columns |= {"ms to fit and solve": milliseconds("fit and solve"), "peak MB": whole("megabytes")}
    title = "Gaussian process beside scikit-learn's with optimized hyperparameters; Gpdp on 200 cells"
    return rows, table_of(title, columns, rows)


def small(key: str) -> Column:
    return lambda row: f"{row[key]:.1g}"


PARTS = {"plain": plain, "sizes": by_size, "second-state": second_state, "gp": gp}


def parts(words: str) -> list[str]:
    found = words.split(",")
    unknown = sorted({*found} - {*PARTS})
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected some of {','.join(PARTS)}")
    return found


def pairs(words: str) -> list[tuple[int, int]]:
    found = [word.split("x") for word in words.split(",")]
    return [(int(cells), int(levels)) for cells, levels in found]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument(
        "--only", type=parts, default=[*PARTS], metavar="PARTS", help=f"some of {','.join(PARTS)}"
    )
    for flag, kind, default, what in (
        ("--sizes", sizes, [100, 150, 200], "cells beside plain value iteration (default 100,150,200)"),
        ("--large", sizes, [200, 500, 1000], "cells by OptimalControl alone (default 200,500,1000)"),
        ("--second", pairs, [*SECOND_STATES], "cells and levels of two states (default 200x20,400x40)"),
        ("--years", sizes, [*YEARS], "lengths of the histories to learn from (default 40,100)"),
    ):
        made.add_argument(flag, type=kind, default=default, metavar="NUMBERS", help=what)
    made.add_argument("--json", metavar="FILE", help="write every figure there")
    made.add_argument("--case", help=argparse.SUPPRESS)
    return made


def main() -> None:
    given = parser().parse_args()
    if given.case:
        run_case(given.case)
        return
    console = Console()
    console = Console(width=max(console.width, 132))  # narrower, columns would be cut
    found: dict[str, Any] = {"machine": machine()}
    for name in (name for name in PARTS if name in given.only):
        found[name], table = PARTS[name](given)
        console.print(table, highlight=False)
    console.print(", ".join(f"{what} {value}" for what, value in found["machine"].items()), highlight=False)
    if given.json:
        Path(given.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
