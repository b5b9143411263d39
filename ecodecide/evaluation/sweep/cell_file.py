"""A cell's file: NetCDF, written whole, the same bytes for the same figures."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.sweep.cell import SCHEMA
from ecodecide.whole_file import whole_file


def save_cell(cell: xr.Dataset, path: Path) -> None:
    """Write a cell, whole or not at all.

    Raises
    ------
    EvaluationError
        When the file cannot be written.
    """
    with whole_file(path, EvaluationError) as new:
        cell.to_netcdf(new, engine="h5netcdf")


def load_cell(path: Path) -> xr.Dataset:
    """Read a cell.

    Raises
    ------
    EvaluationError
        When the file cannot be read, or is another one.
    """
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            found = file.load()
    except (OSError, ValueError, KeyError) as problem:
        raise EvaluationError(
            f"{path} cannot be read as a cell of a sweep: {problem}; remove it, and it is computed again"
        ) from None
    if found.attrs.get("schema") != SCHEMA:
        raise EvaluationError(
            f"{path}: found schema {found.attrs.get('schema')!r}, expected {SCHEMA!r}; remove it"
        )
    return found
