"""Where a quota leaves a stock, on the states of a grid, with or without implementation error.

The catch is c = min(q m, x), m lognormal with median 1 (m = 1 without implementation error), and the escapement
x - c is split between the two points around it so that its mean stays; what is left below the first cell's point
is all of that cell, and only a stock that is caught whole goes to extinction (as in `ecodecide.decision.belief`).

Such a split is linear in c between the points, so that its expectation needs no quadrature: with the call
C(k) = E[max(q m - k, 0)], the chance of the point that lies d below x is (C(d - h) - 2 C(d) + C(d + h)) / h for a
step h, and C has the closed form of Black & Scholes 1973 (J. Political Economy 81:637).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from ecodecide.decision.grid import Grid
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class HarvestChances:
    """What quotas do to each state of a grid.

    Parameters
    ----------
    grid
        The grid.
    quotas
        Shape (k,), finite and at least 0, in units of biomass.
    implementation_cv
        The CV of the catch about the quota; 0 for none.

    Examples
    --------
    >>> chances = HarvestChances(Grid(upper=2.0, cells=4), np.array([0.5, 0.625]))
    >>> chances.escapement(np.array([1.0, 0.0]))[4]   # half a unit off 1.75 leaves 1.25, exactly
    array([0., 0., 0., 1., 0.])
    >>> chances.escapement(np.array([0.0, 1.0]))[4]   # 1.125 lies between 0.75 and 1.25
    array([0.  , 0.  , 0.25, 0.75, 0.  ])
    """

    grid: Grid
    quotas: Array
    implementation_cv: float = 0.0

    def escapement(self, weights: Array) -> Array:
        """Return the chance of each escapement, averaged over the quotas.

        Parameters
        ----------
        weights
            Shape (k,) for the same chances of the quotas in every state, or (n, k) for their own.

        Returns
        -------
        ndarray, shape (n, n)
            P(escapement at point j | biomass at point i); rows sum to one.
        """
        n = len(self.grid.points)
        weights = np.asarray(np.broadcast_to(weights, (n, len(self.quotas))), dtype=float)
        steps, depths = np.arange(n), np.arange(n, dtype=float)
        hats, ramps = weights @ self._hats(depths), weights @ self._ramps(depths)
        emptied = (weights * self._emptied()).sum(axis=1)
        apart = np.maximum(steps[:, None] - steps[None, :], 0)
        rows = np.where(steps[:, None] >= steps[None, :], np.take_along_axis(hats, apart, axis=1), 0.0)
        rows[:, 0] = emptied
        rows[1:, 1] = np.maximum(ramps[steps[1:], steps[:-1]] - emptied[1:], 0.0)
        rows[0] = steps == 0
        return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=float)

    def catch(self, weights: Array) -> Array:
        """Return the expected catch in each state, shape (n,): E[q m] - C(x), averaged over the quotas."""
        n = len(self.grid.points)
        weights = np.broadcast_to(weights, (n, len(self.quotas)))
        expected = self._mean()[:, None] - self._excess(self._levels())
        return np.asarray((weights * expected.T).sum(axis=1) * self.grid.step, dtype=float)

    # --- all below counts biomass in steps of the grid ---

    def _levels(self) -> Array:
        """Return the states' biomass: 0, and from the first cell on half a step less than its number."""
        offset = 0.5 if self.grid.scheme == "cells" else 0.0
        return np.asarray(np.maximum(np.arange(len(self.grid.points)) - offset, 0.0), dtype=float)

    def _places(self) -> Array:
        """Return the quotas; one that is a whole or half number but for rounding is that number."""
        places = np.asarray(self.quotas, dtype=float) / self.grid.step
        whole = np.round(2.0 * places) / 2.0
        return np.where(np.abs(places - whole) < 1e-9 * np.maximum(whole, 1.0), whole, places)

    @property
    def _sigma(self) -> float:
        return float(np.sqrt(np.log1p(self.implementation_cv**2)))

    def _mean(self) -> Array:
        return np.asarray(self._places() * np.exp(0.5 * self._sigma**2), dtype=float)

    def _depth(self, levels: Array) -> Array:
        """Return z at which the catch would be the level, shape (k, levels): the chance to exceed it is Phi(-z)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = np.log(levels)[None, :] - np.log(self._places())[:, None]
            z = apart / self._sigma if self._sigma > 0.0 else np.where(apart <= 0.0, -np.inf, np.inf)
        # a quota of 0 catches nothing, and every quota has caught "0 or more"
        z = np.where((self._places() <= 0.0)[:, None], np.inf, z)
        return np.where((levels <= 0.0)[None, :], -np.inf, z)

    def _excess(self, levels: Array) -> Array:
        """Return C(level) = E[max(q m - level, 0)], shape (k, levels)."""
        mean, z = self._mean()[:, None], self._depth(levels)
        call = mean * ndtr(self._sigma - z) - levels * ndtr(-z)
        return np.where(levels > 0.0, np.maximum(call, 0.0), mean - levels)

    def _shortfall(self, levels: Array) -> Array:
        """Return E[max(level - q m, 0)], shape (k, levels)."""
        mean, z = self._mean()[:, None], self._depth(levels)
        put = levels * ndtr(z) - mean * ndtr(z - self._sigma)
        return np.where(levels > 0.0, np.maximum(put, 0.0), 0.0)

    def _hats(self, steps: Array) -> Array:
        """Return E[max(1 - |q m - d|, 0)] for d steps, shape (k, steps)."""
        if self._sigma == 0.0:
            return np.maximum(1.0 - np.abs(self._places()[:, None] - steps), 0.0)
        around = np.arange(-1.0, len(steps) + 1.0)
        # puts below the mean and calls above it have the same second difference, and small ones keep their digits
        below = self._mean()[:, None] > steps
        bent = [np.diff(f(around), n=2, axis=1) for f in (self._shortfall, self._excess)]
        return np.maximum(np.where(below, *bent), 0.0)

    def _ramps(self, steps: Array) -> Array:
        """Return E[q m - d + 1 cut to between 0 and 1] for d steps, shape (k, steps)."""
        if self._sigma == 0.0:
            return np.clip(self._places()[:, None] - steps + 1.0, 0.0, 1.0)
        return np.asarray(-np.diff(self._excess(np.arange(-1.0, len(steps) + 0.0)), axis=1), dtype=float)

    def _emptied(self) -> Array:
        """Return the chance that a quota takes all there is, shape (n, k)."""
        taken = ndtr(-self._depth(self._levels()))
        if self._sigma == 0.0:
            taken = (self._places()[:, None] >= self._levels()) * 1.0
        return np.asarray(taken.T, dtype=float)
