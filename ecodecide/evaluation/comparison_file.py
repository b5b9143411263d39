"""A comparison as a file, and back."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.errors import EcodecideError, EvaluationError
from ecodecide.evaluation.comparison import Comparison
from ecodecide.evaluation.grouped_file import own_names, read_groups, write_groups
from ecodecide.evaluation.managed_stock_file import managed_stock_groups, managed_stock_of
from ecodecide.evaluation.rare_collapse import RareCollapse
from ecodecide.evaluation.robustness import robustness
from ecodecide.evaluation.scores import measure

SCHEMA = "ecodecide-run-1"
"""The version of the layout, the attribute ``run`` of the root."""


def save_comparison(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Write a comparison; see `Comparison.save`.

    Where survey or growth law are of the user's own, which no file holds, figures and scores are written alone, with
    the reason in the attribute ``why_not``.
    """
    root = comparison.to_dataset()
    contents = {
        "runs": [str(name) for name in comparison.runs.variables],
        "scores": [str(name) for name in comparison.scores.variables],
        "runs_attributes": dict(comparison.runs.attrs),
        "scores_attributes": dict(comparison.scores.attrs),
        "settings": dict(comparison.settings),
        "rare": {name: vars(found) for name, found in comparison.rare.items()},
    }
    root.attrs["run"] = SCHEMA
    root.attrs["contents"] = json.dumps(contents, default=_plain)
    groups = {} if comparison.exact is None else {"exact": comparison.exact}
    try:
        attributes, more = managed_stock_groups(comparison.managed)
        root.attrs |= attributes
        groups |= more
    except EcodecideError as refused:
        root.attrs["why_not"] = str(refused)
    write_groups(root, groups, path)


def load_comparison(path: str | os.PathLike[str]) -> Comparison:
    """Return the comparison that `Comparison.save`, or ``ecodecide compare -o``, wrote.

    All its figures are the same, and its policies decide the same, to the last bit. How long solvers took is not in
    the file, and a policy of the user's own is code that no file holds: it refuses to decide.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Comparison

    Raises
    ------
    EvaluationError
        When the file cannot be read, or is another one.

    Examples
    --------
    >>> import tempfile
    >>> import ecodecide as eco
    >>> settings = {"growth": "logistic", "worlds": "fitted", "replicates": 20, "years": 5}
    >>> result = eco.compare("hake-argentina-north", ["tac", "no-fishing"], **settings)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result.save(f"{folder}/run.nc")
    ...     back = eco.load_comparison(f"{folder}/run.nc")
    >>> back.estimate("tac", "npv") == result.estimate("tac", "npv")
    True
    """
    groups = read_groups(path)
    root = groups["/"]
    told = root.attrs
    if told.get("run") != SCHEMA:
        words = f"run {told['run']!r}" if "run" in told else f"schema {told.get('schema')!r}"
        raise EvaluationError(
            f"{path}: found {words}, expected run {SCHEMA!r}: give a file that `ecodecide compare -o` of this version "
            "wrote"
        )
    if "why_not" in told:
        raise EvaluationError(f"{path} holds futures and scores alone: {told['why_not']}")
    managed = managed_stock_of(groups, path)
    try:
        contents = json.loads(told["contents"])
        runs = _part(root, contents["runs"], contents["runs_attributes"])
        measured = measure(runs, told["collapse"])
        return Comparison(
            managed,
            runs,
            _part(root, contents["scores"], contents["scores_attributes"]),
            robustness(measured, int(told["seed"])),
            contents["settings"],
            tuple(json.loads(told["assumptions"])),
            tuple(json.loads(told["cite"])),
            json.loads(told["fit"]),
            json.loads(told["versions"]),
            own_names(groups["exact"], "exact") if "exact" in groups else None,
            {name: _rare(found) for name, found in contents["rare"].items()},
            tuple(json.loads(told["warnings"])),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise EvaluationError(f"{path} is damaged: {problem!r}; compare again") from None


def _part(root: xr.Dataset, names: list[str], attributes: dict[str, Any]) -> xr.Dataset:
    found = root[names]
    found.attrs = attributes
    return found


def _rare(found: dict[str, Any]) -> RareCollapse:
    levels = tuple(tuple(one) for one in found["levels"])
    return RareCollapse(**{**found, "estimates": np.array(found["estimates"]), "levels": levels})


def _plain(value: Any) -> Any:
    """Return what JSON can hold of numpy's numbers and arrays."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
