"""What a Gaussian process learns from: pairs of an escapement and the biomass that it grew to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import FitError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Array
from ecodecide.stock.protocol import Stock

MINIMUM_PAIRS = 5
"""Fewer pairs of escapement and next biomass than this cannot tell noise from growth."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What there is to learn from, and where it comes from.

    Attributes
    ----------
    escapement, next_biomass
        Shape (pairs,): biomass after harvest, and the biomass before harvest of the year after.
    left_out
        The years that are no pair because the catch exceeds the biomass.
    scale
        The largest biomass.
    unit
        The unit of biomass.
    origin
        Where the biomass comes from, in words.
    independent
        False where it comes from the fit of a growth law.
    """

    escapement: Array
    next_biomass: Array
    left_out: int
    scale: float
    unit: str
    origin: str
    independent: bool


def lesson(history: CatchHistory, fitted: Stock | None = None) -> Lesson:
    """Return what a Gaussian process can learn from a history.

    Parameters
    ----------
    history
        With a biomass that the catch never exceeds: catch is taken from biomass, so that the two must be in
        one unit. Any other series is relative.
    fitted
        A stock that was fitted to this history: its mean biomass stands in where the history has none or a
        relative one. A stock that was not fitted to a history is as good as none.

    Returns
    -------
    Lesson

    Raises
    ------
    FitError
        When there is no biomass or a relative one, and no fitted stock; or fewer than 5 pairs.

    Examples
    --------
    >>> import ecodecide as eco
    >>> learned = lesson(eco.load_history("hake-argentina-north"))
    >>> len(learned.escapement), learned.origin
    (32, 'the biomass in the history')
    """
    trajectory = getattr(fitted, "trajectory_biomass", None)
    if history.biomass is not None and not history.free_catchability:
        biomass, unit, independent = history.biomass, history.units["biomass"], True
        origin = "the biomass in the history"
    elif fitted is not None and trajectory is not None:
        biomass, unit, independent = np.asarray(trajectory, dtype=float).mean(axis=0), fitted.unit, False
        origin = "the mean biomass of the fitted growth law, so not independent of that law"
    else:
        raise FitError(_refusal(history))
    escapement, following, left_out = pair_up(biomass, history.catch)
    require_enough(len(escapement), left_out)
    return Lesson(escapement, following, left_out, float(np.nanmax(biomass)), unit, origin, independent)


def _refusal(history: CatchHistory) -> str:
    """Say why nothing can be learned without the fit of a growth law, and what to do."""
    if not history.observations:
        return "a Gaussian process learns from biomass, and this history has none: give a biomass column"
    if history.observed == "index":
        found = "an index"
    elif history.biomass is None:
        found = "spawning biomass"
    else:
        years = len(history.excess_years)
        found = f"a biomass that the catch exceeds in {years} year{'s' * (years > 1)}"
    return (
        f"a Gaussian process learns from absolute biomass, and this history has {found}, which is relative: "
        "fit a growth law first and use Gpdp with that stock, or give the biomass that the fishery takes from"
    )


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


def require_enough(pairs: int, left_out: int = 0) -> None:
    """Raise a FitError when there are too few pairs to learn from."""
    if pairs < MINIMUM_PAIRS:
        beyond = f" ({left_out} more years have a catch above their biomass)" if left_out else ""
        raise FitError(
            f"a Gaussian process needs at least {MINIMUM_PAIRS} pairs of successive years with catch and "
            f"biomass, found {pairs}{beyond}; give a longer history, or assume a growth law and fit that"
        )
