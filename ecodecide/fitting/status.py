"""Where a stock stands, year by year, against the biomass and the fishing of maximum sustainable yield.

B is biomass before harvest and F = catch / B, as B_MSY and F_MSY = MSY / B_MSY are.
Each draw of the posterior is measured with the reference points of its own world.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ecodecide.errors import FitError
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Array

KOBE = ("green", "yellow", "orange", "red")


@dataclass(frozen=True, eq=False)
class StockStatus:
    """The status of a stock.

    Attributes
    ----------
    year
        Shape (years,).
    b_bmsy, f_fmsy
        Shape (draws, years): NaN where B_MSY or F_MSY is 0, or the catch is not known.
    """

    year: Array
    b_bmsy: Array
    f_fmsy: Array

    @property
    def kobe_year(self) -> int:
        """The last year with a catch, of which both ratios are known."""
        return int(self.year[np.isfinite(self.f_fmsy).any(axis=0)][-1])

    @property
    def kobe(self) -> Mapping[str, float]:
        """The probability of each quadrant of the Kobe plot in the last year with a catch.

        green: B >= B_MSY and F <= F_MSY; yellow: overfished, B < B_MSY and F <= F_MSY; orange: overfishing,
        B >= B_MSY and F > F_MSY; red: both.
        """
        at = int(np.flatnonzero(self.year == self.kobe_year)[0])
        b, f = self.b_bmsy[:, at], self.f_fmsy[:, at]
        known = np.isfinite(b) & np.isfinite(f)
        large, hard = b[known] >= 1.0, f[known] > 1.0
        each = (large & ~hard, ~large & ~hard, large & hard, ~large & hard)
        return {color: float(inside.mean()) for color, inside in zip(KOBE, each, strict=True)}


def status(posterior: Posterior, history: CatchHistory) -> StockStatus:
    """Return the status of a fitted stock.

    Parameters
    ----------
    posterior
        Of the history.
    history
        What it was fitted to.

    Raises
    ------
    FitError
        When the history knows no catch, or is not the one that was fitted.

    Examples
    --------
    >>> import ecodecide as eco
    >>> history = eco.load_history("hake-argentina-north")
    >>> found = status(eco.fit(history, draws=20), history)
    >>> found.b_bmsy.shape, round(sum(found.kobe.values()), 6)
    ((20, 33), 1.0)
    """
    if not np.isfinite(history.catch).any():
        raise FitError(f"{history.id}: there is no catch, so there is no fishing to measure")
    if posterior.trajectory_biomass.shape[1] != len(history.year):
        raise FitError(
            f"{history.id} has {len(history.year)} years and the fit {posterior.trajectory_biomass.shape[1]}: "
            "give the history that was fitted"
        )
    worlds = posterior.members.worlds
    b_msy, f_msy = (np.array([getattr(w, name) for w in worlds])[:, None] for name in ("b_msy", "f_msy"))
    biomass = posterior.trajectory_biomass
    with np.errstate(divide="ignore", invalid="ignore"):
        b, f = biomass / b_msy, history.catch / biomass / f_msy
    return StockStatus(
        np.asarray(history.year),
        np.where(np.isfinite(b), b, np.nan),
        np.where(np.isfinite(f), f, np.nan),
    )
