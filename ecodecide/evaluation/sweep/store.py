"""One zarr store of all cells of a sweep, a block of stocks at a time."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ecodecide import __version__
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.limits import LIMITS
from ecodecide.evaluation.metrics import METRICS
from ecodecide.evaluation.provenance import versions
from ecodecide.evaluation.scores import WHEN
from ecodecide.evaluation.sweep.cell import LAYOUT, OUTCOMES
from ecodecide.evaluation.sweep.cell_file import load_cell
from ecodecide.evaluation.sweep.folder import SweepFolder, replace_folder
from ecodecide.evaluation.sweep.plan import SweepPlan
from ecodecide.evaluation.sweep.status import DONE, FAILED, OPEN, SweepStatus

SCHEMA = "ecodecide-sweep-1"
"""The version of the store's layout."""

STATES = (OPEN, DONE, FAILED)
"""What the numbers of the variable `state` stand for."""

_CHUNK = 1 << 22
"""Bytes of a chunk, at most."""
_ESTIMATES = ("low", "value", "high")


def assemble(folder: SweepFolder, plan: SweepPlan, status: SweepStatus) -> None:
    """Write the store anew from the cells that are finished.

    It opens with ``xarray.open_zarr(DIR / "results.zarr")``: `scores` over (stock, solver, world, metric, estimate),
    `collapse_risk` over (stock, solver, world, limit, when, estimate), each replicate's `npv` and `collapsed` over
    (stock, solver, world, replicate), and `state` over (stock, solver). What is not there is missing. Replicates are
    paired: replicate 17 is one future for every solver of a stock.

    Parameters
    ----------
    folder, plan
        Of the sweep.
    status
        What is finished.

    Raises
    ------
    EvaluationError
        When a cell cannot be read, or has a world that the plan does not have.
    """
    # in the folder itself, so that it can be renamed
    with tempfile.TemporaryDirectory(dir=folder.root, prefix=".ecodecide-") as room:
        new = Path(room) / folder.store.name
        _write(new, folder, plan, status)
        replace_folder(new, folder.store)


def _write(new: Path, folder: SweepFolder, plan: SweepPlan, status: SweepStatus) -> None:
    import zarr

    # the second format: any reader of zarr opens it, and its strings are of the standard
    group = zarr.open_group(str(new), mode="w", zarr_format=2)
    coordinates: dict[str, Any] = {
        "stock": list(status.stocks),
        "solver": list(status.solvers),
        "world": list(plan.worlds),
        "metric": list(METRICS),
        "limit": list(dict.fromkeys((*LIMITS, plan.collapse))),
        "when": list(WHEN),
        "estimate": list(_ESTIMATES),
    }
    sizes = {name: len(values) for name, values in coordinates.items()} | {"replicate": plan.replicates}
    for name, values in coordinates.items():
        _array(group, name, (name,), np.array(values, dtype=str))
    _array(group, "replicate", ("replicate",), np.arange(plan.replicates))
    _array(
        group, "definition", ("metric",), np.array([metric.words for metric in METRICS.values()], dtype=str)
    )

    by_replicate = sizes["solver"] * sizes["world"] * plan.replicates * 8
    block = max(1, min(sizes["stock"], _CHUNK // by_replicate))
    each = max(1, min(plan.replicates, _CHUNK // 8))
    chunks = {"stock": block, "solver": sizes["solver"], "world": sizes["world"], "replicate": each}
    if by_replicate > _CHUNK:
        chunks |= {"solver": 1, "world": 1}
    dims = {name: ("stock", "solver", *within) for name, within in LAYOUT.items()}
    arrays = {
        name: _empty(group, name, dims[name], sizes, chunks, "f8", np.nan)
        for name in ("scores", "collapse_risk")
    }
    for name, words in OUTCOMES.items():
        kind, missing = ("i1", -1) if name == "collapsed" else ("f8", np.nan)
        arrays[name] = _empty(group, name, dims[name], sizes, chunks, kind, missing)
        arrays[name].attrs["long_name"] = words
    states = np.array(
        [[STATES.index(status.cells[stock, solver]) for solver in status.solvers] for stock in status.stocks]
    ).astype("i1")
    _array(group, "state", ("stock", "solver"), states)
    group["state"].attrs["flag_meanings"] = " ".join(STATES)
    group["state"].attrs["flag_values"] = list(range(len(STATES)))

    units = [""] * sizes["stock"]
    for first in range(0, sizes["stock"], block):
        here = range(first, min(first + block, sizes["stock"]))
        for number, solver in enumerate(status.solvers):
            cells = [
                load_cell(folder.cell(status.stocks[i], solver)) if states[i, number] == 1 else None
                for i in here
            ]
            for i, cell in zip(here, cells, strict=True):
                if cell is not None and not {*cell.worlds} <= {*plan.worlds}:
                    raise EvaluationError(
                        f"{folder.cell(status.stocks[i], solver)}: found worlds {', '.join(cell.worlds)}, expected "
                        f"some of {', '.join(plan.worlds)}; remove it, and it is computed again"
                    )
            for name, array in arrays.items():
                told = np.full((len(cells), *array.shape[2:]), array.fill_value, dtype=array.dtype)
                for at, cell in enumerate(cells):
                    if cell is not None:
                        # a world that could not be fitted is missing
                        told[at][[plan.worlds.index(world) for world in cell.worlds]] = cell.values[name]
                array[first : here.stop, number] = told
            for i, cell in zip(here, cells, strict=True):
                if cell is not None:
                    units[i] = cell.attributes["unit"]
    _array(group, "unit", ("stock",), np.array(units, dtype=str))
    group.attrs.update(
        {
            "schema": SCHEMA,
            "ecodecide_version": __version__,
            "plan": json.dumps(plan.settings()),
            "versions": json.dumps(versions()),
        }
    )
    zarr.consolidate_metadata(str(new), zarr_format=2)


def _array(group: Any, name: str, dims: tuple[str, ...], values: np.ndarray[Any, Any]) -> None:
    # without a fill value: nothing in it is missing, a zero no more than others
    array = group.create_array(
        name, shape=values.shape, chunks=values.shape, dtype=values.dtype, fill_value=None
    )
    array[...] = values
    array.attrs["_ARRAY_DIMENSIONS"] = list(dims)


def _empty(
    group: Any,
    name: str,
    dims: tuple[str, ...],
    sizes: dict[str, int],
    chunks: dict[str, int],
    kind: str,
    missing: float,
) -> Any:
    array = group.create_array(
        name,
        shape=tuple(sizes[dim] for dim in dims),
        chunks=tuple(chunks.get(dim, sizes[dim]) for dim in dims),
        dtype=kind,
        fill_value=missing,
    )
    array.attrs["_ARRAY_DIMENSIONS"] = list(dims)
    return array
