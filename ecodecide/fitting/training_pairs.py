"""What a Gaussian process learns from: pairs of an escapement and the biomass that it grew to."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import FitError
from ecodecide.stock.growth import Array

MINIMUM_PAIRS = 5
"""Fewer pairs of escapement and next biomass than this cannot tell noise from growth."""


class _History(Protocol):
    """What is needed of a catch history: arrays with one value per year, NaN where missing, or None."""

    @property
    def catch(self) -> Any: ...

    @property
    def biomass(self) -> Any: ...

    @property
    def ssb(self) -> Any: ...


def pair_up(biomass: ArrayLike, catch: ArrayLike) -> tuple[Array, Array, int]:
    """Return the escapement of each year and the biomass that it grew to.

    Parameters
    ----------
    biomass
        Shape (years,) or (years + 1,): biomass before harvest, NaN where missing.
    catch
        Shape (years,), in the unit of the biomass, NaN where missing.

    Returns
    -------
    escapement, next_biomass
        Shape (pairs,): biomass - catch of a year, and the biomass of the year after.
    left_out
        The years that are no pair because the catch exceeds the biomass.

    Examples
    --------
    >>> pair_up([5.0, 6.0, 4.0], [1.0, 2.0, 1.0])
    (array([4., 4.]), array([6., 4.]), 0)
    """
    biomass, catch = np.asarray(biomass, dtype=float), np.asarray(catch, dtype=float)
    following = biomass[1:]
    years = min(len(following), len(catch))
    left, following = biomass[:years] - catch[:years], following[:years]
    known = np.isfinite(left) & np.isfinite(following)
    bearable = known & (left >= 0.0)
    return left[bearable], following[bearable], int(np.sum(known & ~bearable))


def training_pairs(history: _History) -> tuple[Array, Array]:
    """Return what a Gaussian process learns from: escapements and the biomass that each grew to.

    Spawning biomass stands in where there is no biomass. Years in which the catch exceeds it are left out.

    Parameters
    ----------
    history
        A catch history with catch, and biomass or spawning biomass.

    Returns
    -------
    escapement, next_biomass
        Shape (pairs,), in the history's unit.

    Raises
    ------
    FitError
        When there is no biomass or there are fewer than 5 pairs.
    """
    biomass = history.ssb if history.biomass is None else history.biomass
    if biomass is None:
        raise FitError(
            "a Gaussian process learns from biomass, and this history has none: "
            "give a biomass column, or fit a growth law first and let the process learn from that fit"
        )
    escapement, following, left_out = pair_up(biomass, history.catch)
    require_enough(len(escapement), left_out)
    return escapement, following


def require_enough(pairs: int, left_out: int = 0) -> None:
    """Raise a FitError when there are too few pairs to learn from."""
    if pairs < MINIMUM_PAIRS:
        beyond = f" ({left_out} more years have a catch above their biomass)" if left_out else ""
        raise FitError(
            f"a Gaussian process needs at least {MINIMUM_PAIRS} pairs of successive years with catch and "
            f"biomass, found {pairs}{beyond}; give a longer history, or assume a growth law and fit that"
        )
