"""Several Datasets in one NetCDF file: one at its root, the others in groups, all of which xarray opens as one tree."""

from __future__ import annotations

import os
from collections.abc import Mapping

import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.whole_file import whole_file


def write_groups(root: xr.Dataset, groups: Mapping[str, xr.Dataset], path: str | os.PathLike[str]) -> None:
    """Write a Dataset with groups beside it to one NetCDF file, whole or not at all.

    A dimension that a group shares with the root by name and not by meaning has the group's name before its own, as
    ``history_year``, so that the file also opens as one tree.

    Raises
    ------
    EvaluationError
        When the file cannot be written.
    """
    try:
        with whole_file(path, EvaluationError) as new:
            root.to_netcdf(new, engine="h5netcdf")
            for name, dataset in groups.items():
                head = name.partition("/")[0]
                shared = {dim: f"{head}_{dim}" for dim in dataset.dims if dim in root.dims}
                dataset.rename(shared).to_netcdf(new, mode="a", group=name, engine="h5netcdf")
    except EvaluationError:
        raise
    except ValueError as problem:  # a name that no file holds, such as one with a NUL
        raise EvaluationError(
            f"cannot write {path}: {problem}; give policies and worlds plain names"
        ) from None


def read_groups(path: str | os.PathLike[str]) -> dict[str, xr.Dataset]:
    """Return all groups of a file by name, the root under ``"/"``, loaded.

    Raises
    ------
    EvaluationError
        When the file cannot be read.
    """
    try:
        found = xr.open_groups(path, engine="h5netcdf")
        try:
            return {name.strip("/") or "/": dataset.load() for name, dataset in found.items()}
        finally:
            for dataset in found.values():
                dataset.close()
    except (OSError, ValueError, KeyError) as problem:
        raise EvaluationError(f"{path} cannot be read: {problem}") from None


def own_names(dataset: xr.Dataset, group: str) -> xr.Dataset:
    """Return a group with the names that `write_groups` may have lengthened."""
    head = f"{group}_"
    return dataset.rename({n: str(n).removeprefix(head) for n in dataset.dims if str(n).startswith(head)})
