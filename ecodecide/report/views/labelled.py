"""What all views share: labelled variables, quantiles over draws, and the year in which a decision is due."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Array

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The median and the ends of the intervals of 50 % and 90 %."""

ESTIMATE = ("value", "low", "high")
"""An estimate and the ends of its 95 % interval."""

Variable = tuple[tuple[str, ...], Any, dict[str, Any]]


def labelled(dims: tuple[str, ...], values: ArrayLike, words: str, units: str = "1") -> Variable:
    """Return a variable as xarray takes it, with its long name and its units."""
    return dims, np.asarray(values), {"long_name": words, "units": units}


def quantiles_of(draws: Array, levels: tuple[float, ...] = QUANTILES) -> Array:
    """Return quantiles over the first axis, as a last one; NaN where no draw is known.

    Examples
    --------
    >>> quantiles_of(np.array([[1.0, np.nan], [3.0, np.nan]]), (0.5,)).tolist()
    [[2.0], [nan]]
    """
    known = np.isfinite(draws)
    some = known.any(axis=0)
    found = np.full((*draws.shape[1:], len(levels)), np.nan)
    if some.any():
        found[some] = np.moveaxis(
            np.nanquantile(np.where(known, draws, np.nan)[:, some], levels, axis=0), 0, -1
        )
    return found


def median_point(posterior: Posterior, name: str) -> float:
    """Return the median of a reference point over the draws, NaN where none has it."""
    values = np.array([getattr(world, name) for world in posterior.members.worlds], dtype=float)
    return float(quantiles_of(values[:, None], (0.5,))[0, 0])


def decision_year(history: CatchHistory) -> int:
    """Return the year of the first decision: the last of the history where its catch is not known, or the next."""
    return int(history.year[-1]) + int(not np.isnan(history.catch[-1]))


def names(runs: xr.Dataset, dim: str) -> list[str]:
    """Return the names along a dimension, of policies or of worlds."""
    return [str(name) for name in runs[dim].values]


def money(unit: str) -> str:
    """Return the unit of what a catch earns."""
    return f"price x {unit}"


def view(variables: dict[str, Variable], coords: dict[str, Any], **attrs: Any) -> xr.Dataset:
    """Return a view: variables with their labels, coordinates, and what it is of."""
    return xr.Dataset(dict(variables), coords=coords, attrs=attrs)
