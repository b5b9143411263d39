"""The decorator of every kernel: compiled once, cached where a folder can be written."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numba

from ecodecide.errors import CacheWarning


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and scalars, and keep the machine code between processes.

    A kernel and all that it calls live in one file: the cache does not notice an edited callee elsewhere.
    Where neither the package's folder nor the user's cache can be written, the kernel is compiled again in
    each process, and a warning says so.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)  # type: ignore[no-any-return]
    except RuntimeError as problem:
        if "cannot cache function" not in str(problem):
            raise
        warnings.warn(
            "no folder is writable for compiled kernels, so they are compiled again each time; "
            "set NUMBA_CACHE_DIR to a folder of yours",
            CacheWarning,
            stacklevel=2,
        )
        return numba.njit(nogil=True)(function)  # type: ignore[no-any-return]
