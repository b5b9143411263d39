"""The POMDP solvers in one run: time to a gap, size, memory, and beside other programs, as ratios.

Each case is measured in a process of its own, one at a time, on one thread, and after a tiny solve of the same
kind, so that nothing is compiled while the clock runs. Only ratios mean something on another machine.

    python benchmarks/pomdp.py --only core,finite
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

# numpy, numba and ecodecide are imported by the measuring processes alone: a child's peak memory is counted from
# its parent's size at the start, and OMP_NUM_THREADS is read when numpy loads

Trace = Sequence[Sequence[float]]

GAPS = (0.01, 0.005, 0.002, 0.001)
MAIN = (0.15, 0.1)
SCENARIOS = (MAIN, (0.1, 0.1), (0.02, 0.1), (0.02, 0.15))
"""(sigma_g, sigma_m) of Memarzadeh & Boettiger 2019; the first is the main one."""

FINITE_SIZES = (20, 50, 100)
"""Without the structure a problem of n states has n x n x n probabilities to go through."""

CLASSICS = {
    "tiger": (19.3714, 19.3714),
    "hallway": (0.994, 1.206),
    "tag, as the file": (-5.96, -2.70),
    "tag, robot seen": (-5.96, -2.70),
    "rock sample 7, 8": (21.10, 24.66),
}
"""Bounds of stock APPL SARSOP after 60 seconds on a 2-core machine; both forms of tag stand beside the same ones."""

RECRUIT_FIRST = {
    ("hake", 0.1): 0.0089,
    ("hake", 0.15): 0.0317,
    ("plaice", 0.1): 0.0117,
    ("plaice", 0.15): 0.0455,
}
"""(stock, survey_sd) -> upper - lower where the solver of Memarzadeh & Boettiger 2019 stopped."""

MEGABYTES = 400.0
"""What a fishery's solver may remember: the default of both solvers."""

CLASSIC_MEGABYTES = 2000.0

_WARM_CELLS, _WARM_WALKS = 30, 12
"""After 8 walks the upper bound is sharpened: 12 walks run every kernel once."""

_COLD_STARTS = 3


def seconds_to(trace: Trace, share: float) -> float | None:
    """Return the first time when upper - lower is at most a share of the larger bound, None if it never is."""
    for seconds, lower, upper in trace:
        if upper - lower <= share * max(abs(lower), abs(upper)):
            return seconds
    return None


def exponent(sizes: Iterable[float], seconds: Iterable[float | None]) -> float | None:
    """Return p of seconds ~ size^p by least squares of the logarithms, None with fewer than two points."""
    known = [(math.log(n), math.log(s)) for n, s in zip(sizes, seconds, strict=True) if s]
    if len(known) < 2:
        return None
    x_mean, y_mean = (sum(values) / len(known) for values in zip(*known, strict=True))
    return sum((x - x_mean) * (y - y_mean) for x, y in known) / sum((x - x_mean) ** 2 for x, _ in known)


def pomdpsol_trace(log: str) -> list[tuple[float, float, float]]:
    """Return (seconds, lower, upper) for each row that APPL's pomdpsol printed.

    A row holds time, trials, backups, lower bound, upper bound, precision, alpha vectors and beliefs, in this
    order. Time counts from after the model is loaded. The last row is printed again at the end.
    """
    trace: list[tuple[float, float, float]] = []
    for line in log.splitlines():
        fields = line.split()
        if len(fields) != 8:
            continue
        try:
            numbers = [float(field) for field in fields]
        except ValueError:  # words
            continue
        row = (numbers[0], numbers[3], numbers[4])
        if not trace or row != trace[-1]:
            trace.append(row)
    return trace


# --- measured, each in a process of its own ---


def fishery(cells: int, sigma_g: float, sigma_m: float) -> Any:
    """Return the problem of Memarzadeh & Boettiger 2019 with their discretization."""
    import ecodecide as eco

    return eco.HarvestProblem(
        stock=eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=sigma_g)),
        survey=eco.NormalSurvey(sd=sigma_m),
        economy=eco.Economy(discount=0.95),
        grid=eco.Grid(upper=2.0, cells=cells, scheme="memarzadeh2019"),
        initial="uniform",
    )


def core_case(cells: int, sigma_g: float, sigma_m: float, gap: float, seconds: float) -> dict[str, Any]:
    """Solve a published scenario with the structure."""
    import ecodecide as eco

    eco.Pomdp(gap=0.0, iterations=_WARM_WALKS).solve(fishery(_WARM_CELLS, *MAIN))
    problem, before = fishery(cells, sigma_g, sigma_m), peak_megabytes()
    solution = eco.Pomdp(gap=gap, seconds=seconds, memory=MEGABYTES).solve(problem)
    return {**told(solution), "megabytes before": before}


def finite_case(cells: int, gap: float, seconds: float) -> dict[str, Any]:
    """Solve the main scenario as any finite problem; that it is made into one is not timed."""
    import ecodecide as eco
    from ecodecide.decision.finite_pomdp import as_finite_pomdp
    from ecodecide.solvers.pomdp.finite import solve_finite

    tiny, problem = (as_finite_pomdp(eco.discretize(fishery(n, *MAIN))) for n in (_WARM_CELLS, cells))
    solve_finite(tiny, gap=0.0, iterations=_WARM_WALKS)
    return told(solve_finite(problem, gap, seconds, None, MEGABYTES))


def classic_case(name: str, seconds: float) -> dict[str, Any]:
    """Solve a classic problem until the time is over."""
    import classic_problems

    from ecodecide.solvers.pomdp.finite import solve_finite

    make: dict[str, Callable[[], Any]] = {
        "tiger": classic_problems.tiger,
        "hallway": classic_problems.hallway,
        "tag, as the file": lambda: classic_problems.tag(as_file=True),
        "tag, robot seen": classic_problems.tag,
        "rock sample 7, 8": classic_problems.rock_sample,
    }
    solve_finite(classic_problems.rock_sample(5, 5), gap=0.0, iterations=_WARM_WALKS)
    return told(solve_finite(make[name](), 1e-5, seconds, None, CLASSIC_MEGABYTES))


def recruit_first_case(stock: str, survey_sd: float, seconds: float) -> dict[str, Any]:
    """Solve a historical stock until the time is over."""
    from recruit_first import recruit_first

    from ecodecide.solvers.pomdp.finite import solve_finite

    solve_finite(recruit_first(stock, survey_sd, points=_WARM_CELLS), gap=0.0, iterations=_WARM_WALKS)
    return told(solve_finite(recruit_first(stock, survey_sd), 1e-5, seconds, None, CLASSIC_MEGABYTES))


def planners_case(**options: Any) -> dict[str, Any]:
    """Return what the planners of pomdp-py need and earn."""
    import pomdp_py_planners

    solution, found = pomdp_py_planners.compare(argparse.Namespace(**options))
    return {"rows": pomdp_py_planners.rows_of(found), "seconds": solution.seconds}


def pomdpsol_case(program: str, cells: int, precision: float, timeout: float) -> dict[str, Any]:
    """Run APPL's pomdpsol on the main scenario."""
    import ecodecide as eco
    from ecodecide.decision.finite_pomdp import as_finite_pomdp
    from ecodecide.interop.files import write_pomdp

    with tempfile.TemporaryDirectory() as folder:
        model, policy = Path(folder, "model.pomdpx"), Path(folder, "model.policy")
        write_pomdp(as_finite_pomdp(eco.discretize(fishery(cells, *MAIN))), model)
        limits = ["--precision", f"{precision:.3g}", "--timeout", f"{timeout:.6g}", "--output", str(policy)]
        ran = subprocess.run([program, str(model), *limits], capture_output=True, text=True, check=False)
    trace = pomdpsol_trace(ran.stdout)
    if not trace:
        raise SystemExit(f"{program} printed no bounds; it ended so: {(ran.stdout + ran.stderr)[-500:]}")
    return {"trace": trace, "lower": trace[-1][1], "upper": trace[-1][2]}


def cold_start_case(cells: int, gap: float, seconds: float, again: int) -> dict[str, Any]:
    """Solve the main scenario twice where nothing was loaded before; `again` tells one process from the next."""
    begin = time.perf_counter()
    import ecodecide as eco

    # imports are lazy: making both loads numpy, scipy and numba
    problem, solver = fishery(cells, *MAIN), eco.Pomdp(gap=gap, seconds=seconds)
    imported = time.perf_counter() - begin
    first, second = (solver.solve(problem).seconds for _ in range(2))
    return {"import": imported, "first": first, "second": second}


def told(solution: Any) -> dict[str, Any]:
    return {
        "trace": solution.trace,
        "lower": solution.lower,
        "upper": solution.upper,
        "walks": solution.iterations,
        "status": solution.status,
    }


CASES: dict[str, Callable[..., dict[str, Any]]] = {
    "core": core_case,
    "finite": finite_case,
    "planners": planners_case,
    "pomdpsol": pomdpsol_case,
    "classic": classic_case,
    "recruit-first": recruit_first_case,
    "cold-start": cold_start_case,
}


def run_case(told_case: str) -> None:
    """Measure one case, and print it with the peak memory of this process."""
    case = json.loads(told_case)
    found = CASES[case.pop("part")](**case)
    print(json.dumps({**found, "megabytes": peak_megabytes()}))


def peak_megabytes() -> float:
    """Return the largest memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)  # bytes there, kilobytes elsewhere


def measure(part: str, **case: Any) -> dict[str, Any]:
    """Return what a case gave in a process of its own, once for the same case."""
    return _measured(json.dumps({"part": part, **case}))


@cache
def _measured(case: str) -> dict[str, Any]:
    Console(stderr=True).print(f"measuring {case}", style="dim", highlight=False, soft_wrap=True)
    ran = subprocess.run(
        [sys.executable, __file__, "--case", case],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if ran.returncode:
        raise SystemExit(f"the case {case} ended with status {ran.returncode}; its message is above")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


# --- told ---


def core(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """Published scenarios and sizes."""
    cases = [(MAIN, n) for n in given.sizes]
    if 100 in given.sizes:
        cases += [(sds, 100) for sds in SCENARIOS[1:]]
    base_size = 100 if 100 in given.sizes else max(given.sizes)
    base = seconds_to(scenario(MAIN, base_size, given)["trace"], GAPS[0])
    rows = []
    for sds, n in cases:
        found = scenario(sds, n, given)
        times = times_of(found, given.seconds)
        rows.append(
            {"sds": f"{sds[0]:g}, {sds[1]:g}", "states": n, **times, **ends_of(found)}
            | {"x base": ratio(times[TIMES[0]], base), "megabytes before": found["megabytes before"]}
        )
    columns = {"sigmas": text("sds"), "states": text("states"), **TIME_COLUMNS}
    columns |= {f"1 % x {base_size}": factor("x base"), **ENDS, "gap": percent("gap"), **PEAK}
    told_all: list[Any] = [
        table_of("Published scenarios (sigma_g, sigma_m), with the structure", columns, rows)
    ]
    before = median(row["megabytes before"] for row in rows)
    told_all.append(
        f"Of the peak memory {before:.0f} MB were in use before the solve (Python and its libraries)."
    )
    large = sorted(n for n in given.sizes if n >= 100)
    power = exponent(large, [seconds_to(scenario(MAIN, n, given)["trace"], GAPS[0]) for n in large])
    if power is not None:
        told_all.append(f"Time to 1 % grows as states^{power:.2f} from {large[0]} to {large[-1]} states.")
    return {"rows": rows, "exponent": power}, told_all


def scenario(sds: tuple[float, float], cells: int, given: argparse.Namespace) -> dict[str, Any]:
    case = {"cells": cells, "sigma_g": sds[0], "sigma_m": sds[1], "gap": GAPS[-1], "seconds": given.seconds}
    return measure("core", **case)


def others(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """The main scenario without its structure, and pomdpsol."""
    rows, limit = [], given.finite_seconds
    named = given.pomdpsol if "pomdpsol" in given.only else None
    for n in (n for n in given.sizes if n in FINITE_SIZES):
        ours = scenario(MAIN, n, given)
        rows.append(beside("ecodecide", n, ours, ours, given.seconds))
        if "finite" in given.only:
            found = measure("finite", cells=n, gap=GAPS[0], seconds=limit)
            # asked for 1 %, it stopped there
            rows.append(beside("without the structure", n, found, ours, limit, TIMES[:1]))
        if named:
            case = {"program": named, "cells": n, "precision": GAPS[-1] * ours["upper"], "timeout": limit}
            rows.append(beside("pomdpsol", n, measure("pomdpsol", **case), ours, limit))
    if "pomdpsol" in given.only and not named:
        rows.append({"solver": "pomdpsol: none named", "states": "any"})
    columns = {"solver": text("solver"), "states": text("states")}
    columns |= {f"s to {name}": compared(name) for name in TIMES}
    title = "The main scenario beside other solvers (in brackets: times ours)"
    return {"rows": rows}, [table_of(title, {**columns, **ENDS}, rows)]


def beside(
    name: str,
    states: int,
    found: dict[str, Any],
    ours: dict[str, Any],
    limit: float,
    asked: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return what a solver needed for each gap that it was asked for, and the ratio to ours."""
    times, our_times = times_of(found, limit), times_of(ours, limit)
    row = {"solver": name, "states": states, "limit": limit, **ends_of(found)}
    for gap in asked or TIMES:
        row |= {gap: times[gap], f"x ours to {gap}": ratio(times[gap], our_times[gap])}
    return row


def planners(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """The online planners of pomdp-py."""
    if importlib.util.find_spec("pomdp_py") is None:
        return {}, ["pomdp-py is not installed here: its planners are left out."]
    options = {"cells": 20, "discount": 0.95, "seconds": given.seconds, "seed": 1}
    options |= {"episodes": given.episodes, "years": given.years, "simulations": given.simulations}
    found = measure("planners", **options)
    columns: dict[str, Column] = {
        "20 cells": text("planner"),
        "ms a decision": lambda row: f"{row['milliseconds']:.3g}",
        "x ours": factor("x ours"),
        "mean return": lambda row: f"{row['return']:.3f} ± {row['return_error']:.3f}",
        "return x ours": factor("return x ours"),
        # paired: all lived in the same worlds
        "ours less it": lambda row: f"{row['ours less it']:.3f} ± {row['ours less it, error']:.3f}",
    }
    title = (
        f"pomdp-py, {given.episodes} worlds of {given.years} years, {given.simulations} simulations each time"
    )
    return {**options, **found}, [table_of(title, columns, found["rows"])]


def classic(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """The classic problems."""
    rows = []
    for name, (lower, upper) in CLASSICS.items():
        found = measure("classic", name=name, seconds=given.classic_seconds)
        width = ratio(found["upper"] - found["lower"], upper - lower)
        rows.append(
            {"problem": name, "seconds": found["trace"][-1][0], "status": found["status"], **ends_of(found)}
            | {"published lower": lower, "published upper": upper, "width x published": width}
        )
    columns = {"problem": text("problem"), "s": hundredths("seconds"), **ENDS}
    columns |= {"SARSOP lower": text("published lower"), "SARSOP upper": text("published upper")}
    columns |= {"width x SARSOP": factor("width x published"), **PEAK}
    title = f"Classic problems, at most {given.classic_seconds:g} s beside SARSOP's 60 s"
    return {"rows": rows}, [table_of(title, columns, rows)]


def recruit_first(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """The historical stocks of Memarzadeh & Boettiger 2019."""
    rows = []
    for (stock, survey_sd), published in RECRUIT_FIRST.items():
        found = measure("recruit-first", stock=stock, survey_sd=survey_sd, seconds=given.recruit_first)
        width = found["upper"] - found["lower"]
        reached = next((s for s, lower, upper in found["trace"] if upper - lower <= published), None)
        rows.append(
            {"stock": stock, "survey_sd": survey_sd, "width": width, "published width": published}
            | {"width x published": ratio(width, published), "limit": given.recruit_first}
            | {"seconds to published width": reached, **ends_of(found)}
        )
    columns = {"stock": text("stock"), "sigma_m": text("survey_sd"), **ENDS, "width": digits("width")}
    columns |= {"paper's": text("published width"), "x paper's": factor("width x published")}
    columns |= {"s to paper's": seconds("seconds to published width"), **PEAK}
    title = f"Recruitment first, {given.recruit_first:g} s each, beside the widths of the paper"
    return {"rows": rows}, [table_of(title, columns, rows)]


def cold_start(given: argparse.Namespace) -> tuple[dict[str, Any], list[Any]]:
    """What a fresh process spends on loading compiled kernels."""
    n = 100 if 100 in given.sizes else max(given.sizes)
    scenario(MAIN, n, given)  # so that the kernels are compiled and kept
    case = {"cells": n, "gap": GAPS[0], "seconds": given.seconds}
    runs = [measure("cold-start", again=i, **case) for i in range(_COLD_STARTS)]
    found = {part: median(run[part] for run in runs) for part in ("import", "first", "second")}
    found["loading"] = median(run["first"] - run["second"] for run in runs)
    return found, [
        f"Cold start, {n} states to 1 %, medians of {_COLD_STARTS} processes: import {found['import']:.2f} s, first "
        f"solve {found['first']:.2f} s, second {found['second']:.2f} s; loading the kernels {found['loading']:.2f} s, "
        f"{found['loading'] / found['second']:.2f} of the solve itself."
    ]


# --- rows and columns ---

Column = Callable[[dict[str, Any]], str]


def ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None


def times_of(found: dict[str, Any], limit: float) -> dict[str, Any]:
    times = {name: seconds_to(found["trace"], share) for share, name in zip(GAPS, TIMES, strict=True)}
    return {**times, "limit": limit}


def ends_of(found: dict[str, Any]) -> dict[str, Any]:
    lower, upper = found["lower"], found["upper"]
    gap = ratio(upper - lower, max(abs(lower), abs(upper)))
    return {"lower": lower, "upper": upper, "gap": gap, "megabytes": found["megabytes"]}


def text(key: str) -> Column:
    return lambda row: str(row.get(key, ""))


def seconds(key: str) -> Column:
    """Show a time, or the limit that it exceeds; nothing where it was not asked for."""

    def show(row: dict[str, Any]) -> str:
        value = row.get(key, "")
        return value if value == "" else f"> {row['limit']:g}" if value is None else f"{value:.2f}"

    return show


def compared(key: str) -> Column:
    """Show a time and, in brackets, its ratio to ours."""

    def show(row: dict[str, Any]) -> str:
        times_ours = factor(f"x ours to {key}")(row)
        return seconds(key)(row) + (f" ({times_ours})" if times_ours else "")

    return show


def formatted(key: str, style: str) -> Column:
    return lambda row: "" if row.get(key) is None else format(row[key], style)


def factor(key: str) -> Column:
    return lambda row: (
        "" if row.get(key) is None else f"{row[key]:.2f}" if row[key] < 10.0 else f"{row[key]:.0f}"
    )


def hundredths(key: str) -> Column:
    return formatted(key, ".2f")


def digits(key: str) -> Column:
    return formatted(key, ".4f")


def percent(key: str) -> Column:
    return formatted(key, ".2%")


def whole(key: str) -> Column:
    return formatted(key, ".0f")


TIMES = [f"{100 * share:g} %" for share in GAPS]
"""Names of the times to each gap, in seconds."""

TIME_COLUMNS = {f"s to {name}": seconds(name) for name in TIMES}
ENDS = {"lower": digits("lower"), "upper": digits("upper")}
PEAK = {"peak MB": whole("megabytes")}


def table_of(title: str, columns: dict[str, Column], rows: Iterable[dict[str, Any]]) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", collapse_padding=True)
    for i, head in enumerate(columns):
        table.add_column(head, justify="right" if i else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(show(row) for show in columns.values()))
    return table


def machine() -> dict[str, Any]:
    """Return when and where it was measured, and with what."""
    versions = {name: importlib.metadata.version(name) for name in ("ecodecide", "numpy", "numba", "scipy")}
    return {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **versions,
    }


PARTS: dict[str, Callable[[argparse.Namespace], tuple[dict[str, Any], list[Any]]]] = {
    "core": core,
    "finite": others,
    "planners": planners,
    "classic": classic,
    "recruit-first": recruit_first,
    "cold-start": cold_start,
}


def parts(words: str) -> list[str]:
    found = words.split(",")
    unknown = sorted({*found} - {*CASES})
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: expected some of {','.join(CASES)}")
    return found


def sizes(words: str) -> list[int]:
    return [int(word) for word in words.split(",")]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made.add_argument(
        "--only", type=parts, default=[*CASES], metavar="PARTS", help=f"some of {','.join(CASES)}"
    )
    made.add_argument(
        "--sizes", type=sizes, default=[20, 50, 100, 200, 400], help="states (default 20,50,100,200,400)"
    )
    for flag, default, what in (
        ("--seconds", 15.0, "limit of each solve with the structure (default 15)"),
        ("--finite-seconds", 120.0, "limit without it, and of pomdpsol (default 120)"),
        ("--classic-seconds", 60.0, "limit of each classic problem; 0 skips them (default 60)"),
        ("--recruit-first", 0.0, "limit of each historical stock; 0 skips them (default 0)"),
    ):
        made.add_argument(flag, type=float, default=default, metavar="SECONDS", help=what)
    made.add_argument("--episodes", type=int, default=24, help="worlds of the planners (default 24)")
    made.add_argument("--years", type=int, default=20, help="years of each world (default 20)")
    made.add_argument("--simulations", type=int, default=200, help="of a planner's decision (default 200)")
    made.add_argument("--pomdpsol", metavar="PATH", help="APPL's program, to run it as well")
    made.add_argument("--json", metavar="FILE", help="write every figure there")
    made.add_argument("--case", help=argparse.SUPPRESS)
    return made


def main() -> None:
    reader = parser()
    given = reader.parse_args()
    if given.case:
        run_case(given.case)
        return
    if given.pomdpsol and not shutil.which(given.pomdpsol):
        reader.error(f"--pomdpsol: {given.pomdpsol} is not a program; name APPL's pomdpsol")
    asked = {"finite" if part == "pomdpsol" else part for part in given.only}  # they share a table
    asked -= {"classic"} if not given.classic_seconds else set()
    asked -= {"recruit-first"} if not given.recruit_first else set()
    console = Console()
    console = Console(width=max(console.width, 132))  # narrower, columns would be cut
    found: dict[str, Any] = {"machine": machine()}
    for name in (name for name in PARTS if name in asked):
        found[name], told_all = PARTS[name](given)
        console.print(*told_all, sep="\n", highlight=False)
    console.print(", ".join(f"{what} {value}" for what, value in found["machine"].items()), highlight=False)
    if given.json:
        Path(given.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
