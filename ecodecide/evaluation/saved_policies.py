"""Policies from files: of single policies, and of runs, which hold the fit that theirs were made for."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from ecodecide.errors import EvaluationError, HistoryWarning
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.evaluation.provenance import fingerprint
from ecodecide.history.catch_history import CatchHistory, same_unit
from ecodecide.policy.policy_dataset import SCHEMA as POLICY
from ecodecide.solvers.solution import Solution
from ecodecide.solvers.solution_file import load_solution


def load_policies(
    paths: Sequence[str | os.PathLike[str]], unit: str = "unknown"
) -> tuple[ManagedStock | None, dict[str, Solution]]:
    """Return the policies of files by name, and the managed stock of the one among them that holds a fit.

    The name of a single policy is that of its file; those of a run keep theirs.

    Parameters
    ----------
    paths
        The files.
    unit
        Of biomass of the stock that they are for; a policy in another is refused, where both are known.

    Raises
    ------
    EvaluationError
        When a file cannot be read, two hold a fit, two policies share a name, or one counts in another unit.

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
        told = _told(path)
        schema, own = str(told.get("schema", "")), str(told.get("unit", "unknown"))
        if schema == POLICY:
            if "unknown" not in (own, unit) and not same_unit(own, unit):
                raise EvaluationError(
                    f"{path}: the policy counts biomass in {own!r} and the stock in {unit!r}, expected one and the "
                    "same: give a policy that was made for this stock"
                )
            more = {Path(path).stem: load_solution(path)}
        else:
            one = ManagedStock.load(path)
            if managed is not None:
                raise EvaluationError(
                    f"{path}: found a second fit, expected policies for the one fit; give one run"
                )
            managed, more = one, dict(one.solutions)
            if told.get("updated_to"):
                warnings.warn(
                    f"{path} was updated to {told['updated_to']}, and holds fit and policies as they were before: give "
                    "those years again as an update",
                    HistoryWarning,
                    stacklevel=2,
                )
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


def _told(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a file tells of itself, and of an advice the last year of its update."""
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            advice = json.loads(file.attrs.get("recommendation", "{}"))
            return {**file.attrs, "updated_to": advice.get("settings", {}).get("updated_to")}
    except (OSError, ValueError, KeyError) as problem:
        raise EvaluationError(f"{path} cannot be read as policies: {problem}") from None
