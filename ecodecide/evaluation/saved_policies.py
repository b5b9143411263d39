"""Policies from files: of single policies, and of runs, which hold the fit that theirs were made for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.evaluation.provenance import fingerprint
from ecodecide.history.catch_history import CatchHistory
from ecodecide.policy.policy_dataset import SCHEMA as POLICY
from ecodecide.solvers.solution import Solution
from ecodecide.solvers.solution_file import load_solution


def load_policies(paths: Sequence[str | os.PathLike[str]]) -> tuple[ManagedStock | None, dict[str, Solution]]:
    """Return the policies of files by name, and the managed stock of the one among them that holds a fit.

    The name of a single policy is that of its file; those of a run keep theirs.

    Raises
    ------
    EvaluationError
        When a file cannot be read, two hold a fit, or two policies share a name.

    Examples
    --------
    >>> import tempfile
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.05))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     eco.Precautionary("40-10").solve(eco.HarvestProblem(stock=stock)).save(f"{folder}/ramp.nc")
    ...     managed, policies = load_policies([f"{folder}/ramp.nc"])
    >>> managed is None, list(policies)
    (True, ['ramp'])
    """
    managed: ManagedStock | None = None
    found: dict[str, Solution] = {}
    for path in paths:
        if _schema(path) == POLICY:
            more = {Path(path).stem: load_solution(path)}
        else:
            one = ManagedStock.load(path)
            if managed is not None:
                raise EvaluationError(
                    f"{path}: found a second fit, expected policies for the one fit; give one run"
                )
            managed, more = one, dict(one.solutions)
        shared = sorted(set(more) & set(found))
        if shared:
            raise EvaluationError(
                f"{path}: found another policy {shared[0]!r}, expected each name once; rename the file, or give one"
            )
        found |= more
    return managed, found


def managed_with(
    managed: ManagedStock | None, policies: dict[str, Solution], history: CatchHistory
) -> ManagedStock | None:
    """Return a managed stock with policies, or refuse one that is of another history.

    Raises
    ------
    EvaluationError
        When the numbers of the histories differ.
    """
    if managed is None:
        return None
    if fingerprint(managed.history)["sha256"] != fingerprint(history)["sha256"]:
        raise EvaluationError(
            f"the run holds a fit of {managed.history.id} {managed.history.years[0]}-{managed.history.years[1]}, and "
            f"{history.id} {history.years[0]}-{history.years[1]} has other numbers: give the history of the run, and "
            "new years as an update"
        )
    return replace(managed, solutions=policies, failures={})


def _schema(path: str | os.PathLike[str]) -> str:
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            return str(file.attrs.get("schema", ""))
    except (OSError, ValueError, KeyError) as problem:
        raise EvaluationError(f"{path} cannot be read as policies: {problem}") from None
