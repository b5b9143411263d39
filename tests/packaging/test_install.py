"""An install carries the data and the models, and works where nothing can be written."""

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.caching import CacheImpl

from ecodecide._kernels.compile import kernel
from ecodecide.errors import CacheWarning

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED = {"data": "*.csv", "models": "*.toml"}

FIND = """
import ecodecide.shipped
for place in (ecodecide.shipped.__file__, *ecodecide.shipped.shipped_files("data", ".csv").values()):
    print(place)
"""
IMPORT_KERNELS = """
import importlib, pkgutil, warnings
from ecodecide import _kernels, errors
warnings.simplefilter("error", errors.EcodecideWarning)
for module in pkgutil.iter_modules(_kernels.__path__, "ecodecide._kernels."):
    importlib.import_module(module.name)
"""


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def python(code: str, path: Path, home: Path) -> list[str]:
    """Run code in a new process that finds ecodecide in `path`, and return the lines it prints."""
    unwanted = ("PYTHONPATH", "PYTHONPYCACHEPREFIX", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment |= {"PYTHONPATH": str(path), "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def listing(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def set_writable(folder: Path, writable: bool) -> None:
    write = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IWUSR if writable else mode & ~write)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(REPOSITORY / name, source)
    for name in ("ecodecide", *SHIPPED):
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", built, source)
    (path,) = built.glob("ecodecide-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with ecodecide installed from the wheel, where nothing can be written.

    Root may write there all the same, so tests also compare what is there before and after.
    """
    target = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-index", "--target", target, wheel)
    set_writable(target, False)
    yield target
    set_writable(target, True)


@pytest.mark.parametrize("folder", SHIPPED)
def test_wheel_carries_shipped_files(wheel: Path, folder: str) -> None:
    files = (REPOSITORY / folder).glob(SHIPPED[folder])
    expected = {f"ecodecide/_shipped/{folder}/{path.name}" for path in files}
    assert expected
    assert expected <= set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_package_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "ecodecide/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"ecodecide"}


def test_installed_package_finds_its_own_files_and_writes_nothing(installed: Path, tmp_path: Path) -> None:
    before = listing(installed)
    module, *files = map(Path, python(FIND, installed, home=tmp_path))
    assert module.is_relative_to(installed)
    assert {path.name for path in files} == {path.name for path in (REPOSITORY / "data").glob("*.csv")}
    assert all(path.is_relative_to(installed) for path in files)
    assert listing(installed) == before
    assert listing(tmp_path) == {}


def test_installed_kernels_need_no_writable_package(installed: Path, tmp_path: Path) -> None:
    before = listing(installed)
    python(IMPORT_KERNELS, installed, home=tmp_path)
    assert listing(installed) == before


def test_checkout_finds_files_beside_the_package(tmp_path: Path) -> None:
    module, *files = map(Path, python(FIND, REPOSITORY, home=tmp_path))
    assert module.is_relative_to(REPOSITORY)
    assert set(files) == set((REPOSITORY / "data").glob("*.csv"))
    assert files


def twice(values: np.ndarray) -> np.ndarray:
    return 2.0 * values


def test_kernel_without_any_writable_folder_warns_and_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    with pytest.warns(CacheWarning, match="NUMBA_CACHE_DIR"):
        compiled = kernel(twice)
    np.testing.assert_array_equal(compiled(np.arange(3.0)), [0.0, 2.0, 4.0])


def test_kernel_hides_no_other_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(numba, "njit", refuse)
    with pytest.raises(RuntimeError, match="something else"):
        kernel(twice)
