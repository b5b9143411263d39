"""What every check asks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecodecide.errors import ConformanceError
from ecodecide.stock.growth import Array


def require(holds: Any, words: str) -> None:
    """Raise a ConformanceError with these words unless something holds, all of it."""
    if not np.all(holds):
        raise ConformanceError(words)


def require_methods(thing: Any, kind: str, names: tuple[str, ...]) -> None:
    """Refuse what lacks a method of its protocol."""
    missing = [name for name in names if not callable(getattr(thing, name, None))]
    require(
        not missing,
        f"{type(thing).__name__} has no method {', '.join(missing)}: a {kind} has {', '.join(names)}",
    )


def require_numbers(values: Any, shape: tuple[int, ...], what: str) -> Array:
    """Return an array of finite numbers of at least 0, of a shape."""
    found = np.asarray(values)
    require(
        found.dtype.kind in "fiu" and found.shape == shape,
        f"{what} gave {found.dtype} of shape {found.shape}, expected numbers of shape {shape}",
    )
    bad = ~(np.isfinite(found) & (found >= 0.0))
    words = f"{found[bad].ravel()[0]}" if bad.any() else ""
    require(not bad.any(), f"{what} gave {words}, expected finite numbers of at least 0")
    return np.asarray(found, dtype=float)
