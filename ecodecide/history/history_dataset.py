"""A catch history as an xarray Dataset, and back."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history.catch_history import CatchHistory, column_name, column_of

_WORDS = ("id", "species", "region", "source", "license", "observed", "note", "origin")
_NAMES = {
    "catch": "catch",
    "biomass": "biomass before harvest",
    "ssb": "spawning biomass",
    "effort": "fishing effort",
    "index": "relative index of biomass",
    "index_se": "standard error of the logarithm of the index",
}


def history_dataset(history: CatchHistory) -> xr.Dataset:
    """Return a history as a Dataset over its years, every column with its unit.

    Several indices are ``index_NAME``; a slash in a name, which parts groups in files, becomes ``_over_``.

    Examples
    --------
    >>> history = CatchHistory(year=[2001, 2002], catch=[3, 4], id="cod", units={"catch": "t"})
    >>> dataset = history_dataset(history)
    >>> dataset["catch"].attrs["units"], history_of(dataset)
    ('t', CatchHistory('cod', 2001-2002, catch only, catch in t))
    """
    columns: dict[str, Any] = {
        name: getattr(history, name)
        for name in ("catch", "biomass", "ssb", "effort")
        if getattr(history, name) is not None
    }
    for name, values in (history.index or {}).items():
        columns[column_name("index", name)] = values
    for name, values in (history.index_se or {}).items():
        columns[column_name("index_se", name)] = values
    variables = {}
    for column, values in columns.items():
        kind, _ = column_of(column)
        unit = "1" if kind == "index_se" else history.units.get(kind, "unknown")
        words = {"long_name": _NAMES[kind], "units": unit, "column": column}
        variables[column.replace("/", "_over_")] = ("year", np.asarray(values), words)
    attributes = {name: str(getattr(history, name)) for name in _WORDS}
    return xr.Dataset(
        variables,
        coords={"year": np.asarray(history.year)},
        attrs={
            **attributes,
            "units": json.dumps(dict(history.units)),
            "remarks": json.dumps(list(history.remarks)),
            "notes": json.dumps(list(history.notes)),
        },
    )


def history_of(dataset: xr.Dataset) -> CatchHistory:
    """Return the history that `history_dataset` put into a Dataset, every number of it the same.

    Raises
    ------
    HistoryError
        When the Dataset is another one.
    """
    columns: dict[str, Any] = {}
    try:
        for variable in dataset.data_vars.values():
            kind, name = column_of(str(variable.attrs["column"]))
            if name:
                columns.setdefault(kind, {})[name] = variable.values
            else:
                columns[kind] = variable.values
        columns |= {name: dataset.attrs[name] for name in _WORDS}
        columns["units"] = json.loads(dataset.attrs["units"])
        columns["remarks"] = tuple(json.loads(dataset.attrs["remarks"]))
        with warnings.catch_warnings():
            # it was told when the history was first read
            warnings.simplefilter("ignore", HistoryWarning)
            return CatchHistory(year=dataset["year"].values, **columns)
    except (KeyError, TypeError, ValueError) as problem:
        raise HistoryError(f"the Dataset holds no catch history: {problem!r}") from None
