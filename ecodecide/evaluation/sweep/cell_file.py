"""A cell's file: NetCDF, written whole, the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.sweep.cell import LAYOUT, SCHEMA
from ecodecide.whole_file import whole_file


@dataclass(frozen=True, eq=False)
class StoredCell:
    """A cell as it is in its file.

    Attributes
    ----------
    worlds, metrics
        Names along these dimensions.
    values
        Arrays by name, over the dimensions that `LAYOUT` gives.
    attributes
        Of the file.
    """

    worlds: tuple[str, ...]
    metrics: tuple[str, ...]
    values: Mapping[str, np.ndarray[Any, Any]]
    attributes: Mapping[str, Any]


def save_cell(cell: xr.Dataset, path: Path) -> None:
    """Write a cell, whole or not at all.

    Raises
    ------
    EvaluationError
        When the file cannot be written.
    """
    with whole_file(path, EvaluationError) as new:
        cell.to_netcdf(new, engine="h5netcdf")


def load_cell(path: Path) -> StoredCell:
    """Read a cell; without xarray, which takes ten times as long, for a sweep has thousands.

    Raises
    ------
    EvaluationError
        When the file cannot be read, or is another one.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            attributes = dict(file.attrs)
            if attributes.get("schema") != SCHEMA:
                raise EvaluationError(
                    f"{path}: found schema {attributes.get('schema')!r}, expected {SCHEMA!r}; remove it"
                )
            worlds, metrics = (tuple(file[name].asstr()[...]) for name in ("world", "metric"))
            return StoredCell(worlds, metrics, {name: file[name][...] for name in LAYOUT}, attributes)
    except (OSError, KeyError) as problem:
        raise EvaluationError(
            f"{path} cannot be read as a cell of a sweep: {problem}; remove it, and it is computed again"
        ) from None
