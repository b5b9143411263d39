"""Set-up of the whole suite."""

import atexit
import os
import shutil
import tempfile
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits

# Compiled kernels go to a fresh folder, before numba is imported: an edited kernel is never tested in its old form.
_CACHE = tempfile.mkdtemp(prefix="ecodecide-kernels-")
os.environ["NUMBA_CACHE_DIR"] = _CACHE
atexit.register(shutil.rmtree, _CACHE, ignore_errors=True)

# Matrices here are small: threads of linear algebra would wait for each other where other work keeps the cores busy.
# What must not depend on their number is tested with other numbers.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
threadpool_limits(limits=1)  # a plugin may have loaded NumPy already

# What is printed depends on the terminal; a test that is about it makes one.
for _name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
    os.environ.pop(_name, None)

# No example fails because the machine is busy, and each run tries the same ones: a rare one that fails would be blamed
# on whatever change it came with. `pytest --hypothesis-profile=explore` looks for new ones.
for _name, _same in (("suite", True), ("explore", False)):
    settings.register_profile(
        _name, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=_same
    )
settings.load_profile("suite")


@pytest.fixture(scope="session")
def plain_run() -> Any:
    """A comparison for tests of what is shown of one: three kinds of policy, two worlds, coarse and quick."""
    import ecodecide as eco

    return eco.compare(
        "hake-argentina-north", ["pomdp", "tac", "no-fishing"], worlds=["fitted", "fitted,trend=-0.05"],
        growth="logistic", cells=30, replicates=50, years=10,
    )  # fmt: skip
