"""A hindcast that was saved."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.grouped_file import own_names, read_groups

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
    groups = read_groups(path)
    root = groups["/"]
    schema = root.attrs.get("schema")
    if schema != _SCHEMA:
        raise EvaluationError(
            f"{Path(path).name}: found schema {schema!r}, expected {_SCHEMA!r}: a figure of a hindcast needs the file "
            "that `ecodecide hindcast -o` saves"
        )
    # without a group nothing could be said of what would have come of it
    return root, own_names(groups[_GROUP], _GROUP) if _GROUP in groups else None
