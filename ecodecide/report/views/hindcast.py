"""A hindcast that was saved."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from ecodecide.errors import EvaluationError

_SCHEMA = "ecodecide-hindcast-1"
_GROUP = "counterfactual"


def read_hindcast(path: str | os.PathLike[str]) -> tuple[xr.Dataset, xr.Dataset | None]:
    """Return what a hindcast that was saved holds: advice and beliefs year by year, and the counterfactual if any.

    Parameters
    ----------
    path
        A file of `ecodecide hindcast -o`.

    Raises
    ------
    EvaluationError
        When the file cannot be read, or is another one.
    """
    name = Path(path).name
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            root = file.load()
    except (OSError, ValueError) as problem:
        raise EvaluationError(f"{name} cannot be read: {problem}") from None
    schema = root.attrs.get("schema")
    if schema != _SCHEMA:
        raise EvaluationError(
            f"{name}: found schema {schema!r}, expected {_SCHEMA!r}: a figure of a hindcast needs the file that "
            "`ecodecide hindcast -o` saves"
        )
    try:
        with xr.open_dataset(path, engine="h5netcdf", group=_GROUP) as file:
            return root, file.load()
    except OSError:  # no such group: nothing could be said of what would have come of it
        return root, None
