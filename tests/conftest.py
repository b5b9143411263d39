"""Set-up of the whole suite."""

import atexit
import os
import shutil
import tempfile

# Compiled kernels go to a fresh folder, before numba is imported: an edited kernel is never tested in its old form.
_CACHE = tempfile.mkdtemp(prefix="ecodecide-kernels-")
os.environ["NUMBA_CACHE_DIR"] = _CACHE
atexit.register(shutil.rmtree, _CACHE, ignore_errors=True)
