"""The limits below which a stock counts as collapsed."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.metrics import B_LIM
from ecodecide.stock.growth import Array

LIMITS = ("0.1K", "0.2BMSY", "0.5BMSY", "Blim", "allee")
"""The limits in use, all of which every comparison is scored by, besides the one that was asked for."""


def read_limit(collapse: str | float) -> tuple[float, str | None]:
    """Return a collapse limit as a factor and the reference point that it multiplies, None for a plain biomass.

    Parameters
    ----------
    collapse
        A share of the carrying capacity (``"0.1K"``) or of B_MSY before harvest (``"0.2BMSY"``), ``"Blim"`` for
        0.3 B_MSY (Pedersen & Berg 2017), ``"allee"`` for the Allee threshold, or a biomass.

    Raises
    ------
    EvaluationError
        When it is none of these.

    Examples
    --------
    >>> read_limit("0.1K"), read_limit("allee"), read_limit(2000)
    ((0.1, 'carrying_capacity'), (1.0, 'allee_threshold'), (2000.0, None))
    """
    text = str(collapse).strip()
    if text.lower() == "allee":
        return 1.0, "allee_threshold"
    if text.lower() in ("blim", "b_lim"):
        return B_LIM, "b_msy"
    match = re.fullmatch(r"(\d*\.?\d*(?:[eE][+-]?\d+)?)\s*\*?\s*(K|B_?MSY)?", text, flags=re.IGNORECASE)
    with contextlib.suppress(ValueError):
        if match and np.isfinite(factor := float(match[1])):
            unit = (match[2] or "").upper()
            return factor, {"": None, "K": "carrying_capacity"}.get(unit, "b_msy")
    raise EvaluationError(
        f"cannot read the collapse limit {text!r}: expected a share of the carrying capacity such as 0.1K, of "
        "B_MSY such as 0.2BMSY, Blim, allee, or a biomass"
    )


def collapse_limit(runs: xr.Dataset, collapse: str | float) -> Array:
    """Return the limit of each replicate's own world, shape (world, replicate).

    Where some worlds have an Allee threshold, those without have none to fall below: their limit ``"allee"`` is
    zero. A world in which the stock dies out from any start has no carrying capacity to take a share of: its
    limit is the median of the others'. One without B_MSY has none of its shares either: NaN.

    Parameters
    ----------
    runs
        An evaluation.
    collapse
        See `read_limit`.

    Raises
    ------
    EvaluationError
        When the limit cannot be read, or no world has such a thing.
    """
    factor, key = read_limit(collapse)
    like = runs["carrying_capacity"].transpose("world", "replicate")
    if key is None:
        return np.full(like.shape, factor)
    limit = factor * np.asarray(runs[key].transpose("world", "replicate").values, dtype=float)
    known = limit[np.isfinite(limit) & (limit > 0.0)] if factor > 0.0 else limit
    if known.size == 0:
        raise EvaluationError(
            f"the collapse limit {str(collapse)!r} does not exist for this stock: give another, or a biomass"
        )
    if key == "allee_threshold":
        return np.asarray(np.nan_to_num(limit), dtype=float)
    # what is not known stays so
    return np.where(limit > 0.0, limit, np.where(np.isnan(limit), np.nan, np.median(known)))
