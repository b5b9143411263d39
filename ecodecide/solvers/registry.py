"""Solvers by name, for the command line and for `compare`.

A package of its own adds a solver by an entry point in the group ``ecodecide.solvers``: a callable without
arguments that returns the solver. It then shows up by being installed.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from ecodecide.errors import SolverError
from ecodecide.solvers.solution import Solver

_GROUP = "ecodecide.solvers"

CITATIONS = {
    "pomdp": "Memarzadeh & Boettiger 2019, Am. Nat. 193:645, doi:10.1086/702704 (POMDP planning)",
    "gpdp": "Boettiger, Mangel & Munch 2015, Proc. R. Soc. B 282:20141631, doi:10.1098/rspb.2014.1631 (GPDP)",
    "gp-pomdp": "Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631 (Gaussian process of growth) and "
    "Memarzadeh & Boettiger 2019, doi:10.1086/702704 (POMDP planning)",
    "optimal-control": "Reed 1979, J. Environ. Econ. Manage. 6:350, doi:10.1016/0095-0696(79)90014-7 "
    "(optimal escapement)",
    "best-ramp": "Punt et al. 2016, Fish and Fisheries 17:303, doi:10.1111/faf.12104 (tuning a rule to a risk)",
}
"""What to cite when a solver is used."""


def solver_names() -> list[str]:
    """Return the names of all solvers that are installed."""
    from ecodecide.solvers.precautionary import RULES

    added = sorted(point.name for point in entry_points(group=_GROUP))
    return ["pomdp", "gpdp", "gp-pomdp", "optimal-control", "best-ramp", *RULES, *added]


def solver_named(name: str, gap: float = 0.01, seconds: float = 600.0) -> Solver:
    """Return a solver by its name.

    Parameters
    ----------
    name
        One of `solver_names`.
    gap
        For `Pomdp`, alone or on growth that was learned: where to stop.
    seconds
        For the same: after how long to stop at the latest; infinite where the result must not depend on the machine.

    Raises
    ------
    SolverError
        When there is no such solver.

    Examples
    --------
    >>> solver_named("tac").rule
    'tac'
    """
    if name in ("pomdp", "gp-pomdp"):
        from ecodecide.solvers.gpdp import Gpdp
        from ecodecide.solvers.pomdp import Pomdp

        # the count ends a stubborn case, the same way everywhere; time is a safety stop only
        planner = Pomdp(gap=gap, seconds=seconds, iterations=100)
        return planner if name == "pomdp" else Gpdp(planner=planner)
    if name == "gpdp":
        from ecodecide.solvers.gpdp import Gpdp

        return Gpdp()
    if name == "optimal-control":
        from ecodecide.solvers.optimal_control import OptimalControl

        return OptimalControl()
    if name == "best-ramp":
        from ecodecide.solvers.best_ramp import BestRamp

        return BestRamp()
    from ecodecide.solvers.precautionary import RULES, Precautionary

    if name in RULES:
        return Precautionary(name)
    for point in entry_points(group=_GROUP, name=name):
        try:
            solver: Solver = point.load()()
        except Exception as problem:  # somebody else's code: whatever it raises is said in one line
            raise SolverError(f"the solver {name!r} of {point.value} does not load: {problem!r}") from problem
        return solver
    raise SolverError(f"unknown solver {name!r}: expected one of {', '.join(solver_names())}")
