"""What memory a sweep takes: a cell by its replicates, and the store by its stocks.

    python benchmarks/sweep.py               # 1 to 2 minutes
    python benchmarks/sweep.py --only cell   # or store

Each case runs in a process of its own, on one thread. The growth is the peak of its resident memory less what it held
before: for a cell after one of few replicates, which runs all that is compiled; for the store after it was imported.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPLICATES = (2_000, 20_000, 100_000)
STOCKS = (10, 300)
_WORLDS = ("fitted", "fitted,autocorrelation=0.5")
_SOLVERS = ("tac", "no-fishing", "40-10", "msy", "constant-escapement")


def peak() -> float:
    """Return the peak of the resident memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def report(words: str, before: float, begin: float, more: str = "") -> None:
    """Print a row of a table."""
    print(f"| {words} | {peak() - before:.0f} | {peak():.0f} | {time.perf_counter() - begin:.1f} |{more}")


def cell(replicates: int) -> None:
    """Compute a cell of two worlds."""
    import ecodecide as eco
    from ecodecide.evaluation.sweep import SweepPlan
    from ecodecide.evaluation.sweep.cell import compute_cell, fit_stocks

    def plan(count: int) -> SweepPlan:
        return SweepPlan(("plaice-north-sea",), ("tac",), _WORLDS, draws=100, fit_cells=80, replicates=count)

    history = eco.load_history("plaice-north-sea")
    stocks = fit_stocks(history, plan(1))
    compute_cell(history, stocks, "tac", plan(1024))
    before, begin = peak(), time.perf_counter()
    compute_cell(history, stocks, "tac", plan(replicates))
    per = (peak() - before) * 1e6 / replicates / len(_WORLDS)
    report(f"{replicates:,}", before, begin, f" {per:.0f} |")


def store(stocks: int) -> None:
    """Assemble the store and the tables of synthetic cells: of each the same file, of 1,000 replicates."""
    import ecodecide as eco
    from ecodecide.evaluation.sweep import SweepPlan, sweep_status
    from ecodecide.evaluation.sweep.cell import compute_cell, fit_stocks
    from ecodecide.evaluation.sweep.cell_file import save_cell
    from ecodecide.evaluation.sweep.folder import SweepFolder
    from ecodecide.evaluation.sweep.store import assemble
    from ecodecide.evaluation.sweep.summary import write_tables

    names = [f"stock-{number}" for number in range(stocks)]
    plan = SweepPlan(tuple(names), _SOLVERS, _WORLDS, draws=100, fit_cells=80)
    history = eco.load_history("plaice-north-sea")
    one = compute_cell(history, fit_stocks(history, plan), "tac", plan)
    with tempfile.TemporaryDirectory() as folder:
        place = SweepFolder(Path(folder))
        place.begin(plan, names)
        save_cell(one, Path(folder) / "cell.nc")
        for name in names:
            place.stock(name).mkdir(parents=True)
            for solver in _SOLVERS:
                os.link(Path(folder) / "cell.nc", place.cell(name, solver))
        status = sweep_status(folder)
        before, begin = peak(), time.perf_counter()
        assemble(place, plan, status)
        write_tables(place, status)
        report(f"{stocks}", before, begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("cell", "store"))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        {"cell": cell, "store": store}[options.only](options.one)
        return
    cases = {"cell": REPLICATES, "store": STOCKS}
    titles = {
        "cell": "| replicates | growth, MB | peak, MB | s | bytes a replicate and world |\n|--:|--:|--:|--:|--:|",
        "store": "| stocks | growth, MB | peak, MB | s |\n|--:|--:|--:|--:|",
    }
    threads = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    for part in cases if options.only is None else (options.only,):
        print(f"\n{titles[part]}", flush=True)
        for count in cases[part]:
            command = [sys.executable, __file__, "--only", part, "--one", str(count)]
            subprocess.run(command, check=True, env={**os.environ, **threads})


if __name__ == "__main__":
    main()
