"""Measures of futures that were simulated in parts, in little room."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

_UNKNOWN = -1
"""Stands for NaN among flags of years."""


class Gathered:
    """What `measure` found of all replicates, put together part by part, and given back a world at a time.

    Parameters
    ----------
    replicates
        How many there will be.

    Notes
    -----
    Each replicate and world takes 338 bytes in 50 years: 216 for the outcomes and 72 for the collapses, as they were
    measured, and one byte a year for the flags of the worst year, which `measure` has four for. A world that is given
    back has those four, for as long as it is used; `benchmarks/sweep.py` measures what it comes to. Nothing is rounded:
    scores are those of a run at once, to the last bit.
    """

    def __init__(self, replicates: int) -> None:
        self._replicates = replicates
        self._arrays: dict[str, tuple[tuple[str, ...], np.ndarray[Any, Any]]] = {}
        self._names = xr.Dataset()

    def add(self, part: xr.Dataset, first: int) -> None:
        """Take what was measured of the replicates from `first` on."""
        if not self._arrays:
            self._names = part.drop_dims("replicate")
            for name, values in part.data_vars.items():
                sizes = [self._replicates if dim == "replicate" else part.sizes[dim] for dim in values.dims]
                kind = np.dtype(np.int8) if _of_years(values) else values.dtype
                self._arrays[str(name)] = tuple(map(str, values.dims)), np.empty(sizes, dtype=kind)
        for name, (dims, room) in self._arrays.items():
            values = part[name]
            at = dims.index("replicate")
            here = np.moveaxis(room, at, 0)[first : first + part.sizes["replicate"]]
            found = np.moveaxis(values.values, at, 0)
            here[...] = np.where(np.isnan(found), _UNKNOWN, found) if _of_years(values) else found

    def world(self, number: int) -> xr.Dataset:
        """Return what `measure` returns for one world, all replicates at once."""
        found = self._names.isel(world=[number]).assign_coords(replicate=np.arange(self._replicates))
        for name, (dims, room) in self._arrays.items():
            at = dims.index("world")
            values = np.moveaxis(np.moveaxis(room, at, 0)[number : number + 1], 0, at)
            if values.dtype == np.int8:
                flags = values.astype(np.float32)
                flags[values == _UNKNOWN] = np.nan
                values = flags
            found[name] = (dims, values)
        return found


def _of_years(values: xr.DataArray) -> bool:
    """Whether these are flags of years, 0 and 1 and NaN."""
    return "year" in values.dims
