"""Fit every stock of a table: how many can be fitted, how long it takes, and why the others cannot.

    python benchmarks/portfolio.py TABLE.csv [--law logistic] [--jobs 2] [--draws 100] [--stocks N]

The table has the columns stockid, year, catch, biomass and biomass_type (TB or SSB), in tonnes, as an extract of RAM
Legacy has them; lines that begin with # are left out. Each stock goes the way of a user's: through a table of
that database and its reader, and then through ecodecide.fit, total biomass as an assessment's output, spawning biomass
as an index with free catchability.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import ecodecide as eco
from ecodecide.errors import EcodecideError, EcodecideWarning
from ecodecide.history import read_foreign


def tables(path: Path, folder: Path) -> dict[str, Path]:
    """Write a table of the database for each stock, and return the files."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
        stocks: dict[str, list[str]] = {}
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            total = row["biomass"] if row["biomass_type"] == "TB" else ""
            spawning = row["biomass"] if row["biomass_type"] == "SSB" else ""
            line = ",".join([row["stockid"], row["year"], total, spawning, row["catch"]])
            stocks.setdefault(row["stockid"], ["stockid,year,TB,SSB,TC"]).append(line)
    files = {name: folder / f"{name}.csv" for name in stocks}
    for name, lines in stocks.items():
        files[name].write_text("\n".join(lines))
    return files


def one(name: str, file: Path, law: str, draws: int) -> dict:
    """Fit a stock, or say why not."""
    begin, years = time.perf_counter(), 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EcodecideWarning)
            history = read_foreign(file, "ram", name, units=dict.fromkeys(("biomass", "ssb", "catch"), "t"))
            years = len(history.year)
            posterior = eco.fit(history, law, draws=draws)
        found = {
            "converged": posterior.converged,
            "finite": all(np.isfinite(list(each.values())).all() for each in posterior.summary().values()),
            "reason": "" if posterior.converged else posterior.status,
            "failed": False,
        }
    except EcodecideError as problem:
        found = {"converged": False, "reason": str(problem), "failed": True}
    return {"stock": name, "years": years, "seconds": time.perf_counter() - begin} | found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--law", default="logistic")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--stocks", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(given.jobs) as pool:
        files = dict(list(tables(given.table, Path(folder)).items())[: given.stocks])
        settings = [given.law] * len(files), [given.draws] * len(files)
        found = list(pool.map(one, files, files.values(), *settings))
    fitted = [entry for entry in found if not entry["failed"]]
    seconds = np.array([entry["seconds"] for entry in fitted])
    converged = sum(entry["converged"] for entry in fitted)
    print(f"{given.law}: {len(fitted)} of {len(found)} stocks fitted ({len(fitted) / len(found):.1%})")
    print(
        f"{converged} of them converged; {sum(not entry['finite'] for entry in fitted)} with a figure not finite"
    )
    print(
        f"a fit takes {np.median(seconds):.1f} s, 95 % under {np.quantile(seconds, 0.95):.1f} s; "
        f"all of them {time.perf_counter() - begin:.0f} s on {given.jobs} cores"
    )
    for entry in found:
        if entry["reason"]:
            word = "not fitted" if entry["failed"] else "not converged"
            print(f"  {word}: {entry['stock']}, {entry['years']} years: {entry['reason']}")


if __name__ == "__main__":
    main()
