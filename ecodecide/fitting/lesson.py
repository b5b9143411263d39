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


DRAWS = 10
"""How many draws of an uncertain biomass stand for all of them."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What there is to learn from, and where it comes from.

    Attributes
    ----------
    escapement, next_biomass
        Shape (draws, pairs): biomass after harvest, and the biomass before harvest of the year after; one draw
        where the biomass is taken as it is, NaN where a draw has no such pair.
    before
        Shape (draws, pairs): the escapement of the year before the pair's; NaN where it is not known.
    year
        Shape (pairs,): the year of each escapement.
    left_out
        The years that are no pair because the catch takes all of the biomass or more.
    scale
        The largest biomass.
    unit
        The unit of biomass.
    origin
        Where the biomass comes from, in words.
    independent
        False where it comes from the fit of a growth law.
    last
        The escapement of the last year with biomass and catch, which need not have a pair; of draws the mean.
    """

    escapement: Array
    next_biomass: Array
    before: Array
    year: Array
    left_out: int
    scale: float
    unit: str
    origin: str
    independent: bool
    last: float = float("nan")

    @property
    def pairs(self) -> int:
        """The number of pairs."""
        return int(self.escapement.shape[1])


def lesson(history: CatchHistory, fitted: Stock | None = None) -> Lesson:
    """Return what a Gaussian process can learn from a history.

    Parameters
    ----------
    history
        With a biomass that the catch never exceeds: catch is taken from biomass, so that the two must be in
        one unit. Any other series is relative.
    fitted
        A stock that was fitted to this history: joint posterior draws of its biomass stand in where the history has
        none or a relative one, so that the survey error is carried into what is learned. A stock that was not
        fitted to a history is as good as none.

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
    >>> learned.pairs, learned.origin
    (32, 'the biomass in the history')
    """
    trajectory = getattr(fitted, "trajectory_biomass", None)
    if history.biomass is not None and not history.free_catchability:
        biomass, unit, independent = history.biomass[None, :], history.units["biomass"], True
        origin = "the biomass in the history"
    elif fitted is not None and trajectory is not None:
        biomass, unit, independent = np.asarray(trajectory, dtype=float)[:DRAWS], fitted.unit, False
        origin = (
            f"{len(biomass)} draws of the biomass of the fitted growth law, so not independent of that law"
        )
    else:
        raise FitError(_refusal(history))
    left, following, left_out = pair_up(biomass, history.catch)
    known = np.isfinite(left) & np.isfinite(following)
    kept = known.any(axis=0)
    require_enough(int(kept.sum()), left_out)
    before = np.concatenate([np.full((len(left), 1), np.nan), left[:, :-1]], axis=1)
    return Lesson(
        np.where(known, left, np.nan)[:, kept],
        np.where(known, following, np.nan)[:, kept],
        before[:, kept],
        np.asarray(history.year, dtype=float)[: left.shape[1]][kept],
        left_out,
        float(np.nanmax(biomass)),
        unit,
        origin,
        independent,
        _last(biomass, history.catch),
    )


def _last(biomass: Array, catch: Array) -> float:
    years = min(biomass.shape[1], len(catch))
    left = np.maximum(biomass[:, :years] - catch[:years], 0.0)
    known = np.isfinite(left).any(axis=0)
    return float(np.nanmean(left[:, known][:, -1]))


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
        Shape (years,) or (years + 1,), or with an axis of draws before it: biomass before harvest, NaN where missing.
    catch
        Shape (years,), in the unit of the biomass, NaN where missing.

    Returns
    -------
    escapement, next_biomass
        Shape (pairs,), with the axis of draws where there is one: biomass - catch of a year, and the biomass of the
        year after. NaN in both where they are no pair: where one is not known, or nothing is left to grow.
    left_out
        The years in which nothing is left to grow, in most draws, because the catch is the biomass or more.

    Examples
    --------
    >>> pair_up([5.0, 6.0, 4.0], [1.0, 2.0, 1.0])
    (array([4., 4.]), array([6., 4.]), 0)
    """
    biomass, catch = np.asarray(biomass, dtype=float), np.asarray(catch, dtype=float)
    following = biomass[..., 1:]
    years = min(following.shape[-1], len(catch))
    left, following = biomass[..., :years] - catch[:years], following[..., :years]
    known = np.isfinite(left) & np.isfinite(following)
    gone = known & (left <= 0.0)
    left_out = int(np.sum(np.atleast_2d(gone).mean(axis=0) > 0.5))
    return np.where(known & ~gone, left, np.nan), np.where(known & ~gone, following, np.nan), left_out


def require_enough(pairs: int, left_out: int = 0) -> None:
    """Raise a FitError when there are too few pairs to learn from."""
    if pairs < MINIMUM_PAIRS:
        beyond = f" ({left_out} more years have a catch above their biomass)" if left_out else ""
        raise FitError(
            f"a Gaussian process needs at least {MINIMUM_PAIRS} pairs of successive years with catch and "
            f"biomass, found {pairs}{beyond}; give a longer history, or assume a growth law and fit that"
        )


def require_variety(escapement: Array, next_biomass: Array) -> None:
    """Raise a FitError when nothing ever changes, so that there is nothing to learn."""
    known = np.concatenate([values[np.isfinite(values)] for values in (escapement, next_biomass)])
    if known.size == 0 or np.ptp(known) <= 1e-9 * np.max(known):
        raise FitError(
            "a Gaussian process learns from change, and biomass and escapement are the same in every year "
            f"({known[0] if known.size else 0.0:g}); check the history: a constant series is no observation"
        )
