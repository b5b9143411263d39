"""A solution as a file: its policy, how far it can be trusted, and with which settings it was found."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from typing import Any

import xarray as xr

from ecodecide.errors import PolicyError
from ecodecide.policy.policy_dataset import SCHEMA, policy_dataset, policy_of
from ecodecide.solvers.solution import Solution
from ecodecide.whole_file import whole_file


def solution_dataset(solution: Solution, unit: str = "unknown") -> xr.Dataset:
    """Return a solution as a Dataset: the arrays of its policy, and the rest as attributes.

    How long it took is left out, so that the same solution is the same Dataset.

    Raises
    ------
    PolicyError
        For a policy of the user's own.
    """
    dataset = policy_dataset(solution.policy, unit)
    dataset.attrs |= {
        "ecodecide_version": version("ecodecide"),
        "status": solution.status,
        "converged": int(solution.converged),
        "iterations": int(solution.iterations),
        "settings": json.dumps(dict(solution.settings), default=str),
        **{
            name: float(value)
            for name, value in (("lower", solution.lower), ("upper", solution.upper))
            if value is not None
        },
    }
    return dataset


def solution_of(dataset: xr.Dataset) -> Solution:
    """Return the solution that `solution_dataset` put into a Dataset.

    Raises
    ------
    PolicyError
        When the Dataset is another one.
    """
    told = dataset.attrs
    policy = policy_of(dataset)
    return Solution(
        policy,
        status=str(told.get("status", "")),
        lower=float(told["lower"]) if "lower" in told else None,
        upper=float(told["upper"]) if "upper" in told else None,
        converged=bool(told.get("converged", True)),
        iterations=int(told.get("iterations", 0)),
        seconds=float("nan"),
        settings=_tuples(json.loads(told.get("settings", "{}"))),
    )


def save_solution(solution: Solution, path: str | os.PathLike[str], unit: str = "unknown") -> None:
    """Write a solution to a NetCDF file, whole or not at all.

    Parameters
    ----------
    solution
        With a policy of one of the kinds that solvers return.
    path
        The file; what was there before is replaced.
    unit
        Of biomass.

    Raises
    ------
    PolicyError
        When the file cannot be written, or the policy is of the user's own.
    """
    dataset = solution_dataset(solution, unit)
    with whole_file(path, PolicyError) as new:
        dataset.to_netcdf(new, engine="h5netcdf")


def load_solution(path: str | os.PathLike[str]) -> Solution:
    """Return the solution that `Solution.save` wrote; its policy decides the same, to the last bit.

    How long it took is not in the file: `seconds` is NaN, and the trace is empty.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Solution

    Raises
    ------
    PolicyError
        When the file cannot be read, or is another one.

    Examples
    --------
    >>> import tempfile
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.05))
    >>> solution = eco.Precautionary("40-10").solve(eco.HarvestProblem(stock=stock))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     solution.save(f"{folder}/rule.nc")
    ...     back = eco.load_solution(f"{folder}/rule.nc")
    >>> back.policy == solution.policy
    True
    """
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            found = file.load()
    except (OSError, ValueError, KeyError) as problem:
        raise PolicyError(f"{path} cannot be read as a policy: {problem}") from None
    schema = str(found.attrs.get("schema"))
    if schema != SCHEMA:
        raise PolicyError(
            f"{path}: found schema {schema!r}, expected {SCHEMA!r}: give a file that Solution.save wrote"
        )
    return solution_of(found)


def _tuples(value: Any) -> Any:
    """Return what JSON gave with its lists as tuples, as settings have them."""
    if isinstance(value, dict):
        return {key: _tuples(one) for key, one in value.items()}
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
