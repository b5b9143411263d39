"""Where the figures of a comparison come from: what they rest on, what to cite, which numbers and versions."""

from __future__ import annotations

import contextlib
import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from ecodecide import __version__
from ecodecide.decision.problem import HarvestProblem
from ecodecide.evaluation.named_worlds import FITTED
from ecodecide.evaluation.world import World
from ecodecide.fitting.averaging import AVERAGED
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.last_survey import ends_with_a_survey as ends_with_a_survey
from ecodecide.solvers.named_rules import A_REFERENCE
from ecodecide.solvers.registry import CITATIONS
from ecodecide.solvers.solution import Solution


def assumptions(
    problem: HarvestProblem,
    posterior: Posterior,
    history: CatchHistory,
    solutions: Mapping[str, Solution],
    years: int,
    worlds: Sequence[World],
) -> tuple[str, ...]:
    """Return what the figures of a comparison rest on, one line each."""
    economy = problem.economy
    lines = [
        *history.notes,
        *posterior.assumptions,
        f"surveys to come: {problem.survey!r}; the catch is then known exactly",
        f"net present value: {years} years, price {economy.price:g}, effort cost {economy.effort_cost:g}, "
        f"discount factor {economy.discount:g}; the stock left at the end counts for nothing, though solvers plan "
        "for ever",
        "each replicate lives in one joint draw of parameters and of the biomass today; solvers plan for the "
        "mixture of the draws, redrawn every year, and their bounds are of that plan, not of the figures simulated "
        "here; rules take the best estimate"
        + (", turned into the biomass of the draws" if history.free_catchability else ""),
        "B_MSY and F_MSY are of the biomass before harvest; collapse counts futures that start above the limit, "
        "each with the carrying capacity of its own world",
        *_truths(worlds, posterior),
    ]
    if ends_with_a_survey(history):
        lines.append(
            f"the first quota rests on the survey of {history.years[1]}, which the fit has used; the next follows it"
        )
    kinds = {str(s.settings.get("solver")): (name, s) for name, s in solutions.items()}
    believers = [kinds[kind][0] for kind in ("gpdp", "optimal-control") if kind in kinds]
    if believers:
        lines.append(f"{' and '.join(believers)}: each survey is taken for the biomass, its error ignored")
    for name, solution in (kinds[kind] for kind in ("gpdp", "gp-pomdp") if kind in kinds):
        lines.append(
            f"{name} learned from the biomass of the history as if it were exact"
            if solution.settings.get("independent")
            else f"{name} learned from the biomass of the fitted growth law: not independent of that law"
        )
    if problem.implementation_cv > 0.0:
        lines.append(
            f"catch within a CV of {problem.implementation_cv:g} of the quota; quotas are planned without it"
        )
    return tuple(lines)


def citations(history: CatchHistory, solutions: Mapping[str, Solution]) -> tuple[str, ...]:
    """Return what to cite, one line each: the software, the data, the methods."""
    lines = [f"ecodecide {__version__}"]
    if history.source:
        lines.append(f"data: {history.source}")
    kinds = dict.fromkeys(str(solution.settings.get("solver")) for solution in solutions.values())
    lines += [CITATIONS[kind] for kind in kinds if kind in CITATIONS]
    for solution in solutions.values():
        kind, source = solution.settings.get("solver"), solution.settings.get("source")
        if source and source != A_REFERENCE and kind not in CITATIONS:
            lines.append(f"{source} ({kind})")
    return tuple(dict.fromkeys(lines))


def fingerprint(history: CatchHistory) -> dict[str, str]:
    """Tell which numbers were used: what the history is called, where it came from, and a digest of its columns."""
    digest = hashlib.sha256()
    columns = {"year": history.year, "catch": history.catch, "biomass": history.biomass, "ssb": history.ssb}
    for kind, given in (("index", history.index), ("index_se", history.index_se)):
        columns |= {f"{kind}_{name}": values for name, values in (given or {}).items()}
    for name, values in columns.items():
        if values is not None:
            digest.update(name.encode() + np.asarray(values, dtype=float).tobytes())
    return {"id": history.id, "origin": str(history.origin), "sha256": digest.hexdigest()}


def versions() -> dict[str, str]:
    """Return the versions of what the figures were computed with."""
    names = ("ecodecide", "gpytorch", "numba", "numpy", "scipy", "torch", "xarray")
    found = {}
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return {"python": platform.python_version(), **found}


def _truths(worlds: Sequence[World], posterior: Posterior) -> list[str]:
    """Return what the truths are."""
    lines = []
    if len(worlds) > 1:
        lines.append(
            f"figures of each policy alone are of the world {worlds[0].name!r}; in all of "
            f"{', '.join(world.name for world in worlds)} policies are those solved for the fit, and meet the same luck"
        )
    if worlds[0].name == FITTED:
        laws = f"law{'s' * (posterior.law == AVERAGED)}"
        lines.append(
            f"the truth of the world {FITTED!r} is of the fitted growth {laws}: rules that know the law are favored "
            "over gpdp, which does not"
        )
    return lines
