"""Importing ecodecide is light, and the rooms import in one direction."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import ecodecide

REPOSITORY = Path(__file__).resolve().parents[2]
HEAVY = {
    "dask",
    "distributed",
    "gpytorch",
    "h5netcdf",
    "linear_operator",
    "numba",
    "openpyxl",
    "pandas",
    "pomdp_py",
    "rdata",
    "rich",
    "scipy.optimize",
    "scipy.stats",
    "torch",
    "xarray",
    "zarr",
}


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, ecodecide; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_every_public_name_loads_and_is_hidden_by_no_room() -> None:
    # Importing the room ecodecide.x binds the name ecodecide.x to the module, whatever else has that name.
    assert ecodecide.__all__
    for _ in ("first use", "second use"):
        values = {name: getattr(ecodecide, name) for name in ecodecide.__all__}
        assert [name for name, value in values.items() if isinstance(value, ModuleType)] == []


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = ecodecide.no_such_name


def test_rooms_import_in_one_direction() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
