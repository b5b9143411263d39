"""Set-up of the whole suite."""

import atexit
import os
import shutil
import tempfile
from typing import Any

import pytest

# Compiled kernels go to a fresh folder, before numba is imported: an edited kernel is never tested in its old form.
_CACHE = tempfile.mkdtemp(prefix="ecodecide-kernels-")
os.environ["NUMBA_CACHE_DIR"] = _CACHE
atexit.register(shutil.rmtree, _CACHE, ignore_errors=True)


@pytest.fixture(scope="session")
def plain_run() -> Any:
    """A comparison for tests of what is shown of one: three kinds of policy, two worlds, coarse and quick."""
    import ecodecide as eco

    return eco.compare(
        "hake-argentina-north", ["pomdp", "tac", "no-fishing"], worlds=["fitted", "fitted,trend=-0.05"],
        growth="logistic", cells=30, replicates=50, years=10,
    )  # fmt: skip
