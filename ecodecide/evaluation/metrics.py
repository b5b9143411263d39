"""What is measured of each future: every metric with its words and its formula.

B is biomass before harvest, C catch, F = C / B the harvest rate, t = 0 ... T - 1 the years; reference points are those
of the replicate's own world, B_MSY before harvest, F_MSY = MSY / B_MSY. B_lim is 0.3 B_MSY (Pedersen & Berg 2017, Fish
and Fisheries 18:226). Names in capitals, and risk1 to risk3, are those of FLR's mse and openMSE. risk2 follows the
definition of ICES; some statistics in circulation for FLR have the formula of risk1 under its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ecodecide.stock.growth import Array

Flags = np.ndarray[Any, np.dtype[np.bool_]]

B_LIM = 0.3
"""B_lim as a share of B_MSY."""

_TERM = 10
"""Years of the short and of the long term."""


@dataclass(frozen=True, eq=False)
class Futures:
    """The futures of one policy in one world, as arrays.

    Attributes
    ----------
    biomass, catch, quota, profit
        Shape (replicates, years).
    final_biomass, b_msy, msy, limit
        Shape (replicates,); the limit is that of collapse.
    discount
        The yearly factor.
    """

    biomass: Array
    catch: Array
    quota: Array
    profit: Array
    final_biomass: Array
    b_msy: Array
    msy: Array
    limit: Array
    discount: float

    @cached_property
    def later(self) -> Array:
        """Biomass before harvest at t = 1 ... T, shape (replicates, years)."""
        return np.column_stack([self.biomass[:, 1:], self.final_biomass])

    @cached_property
    def below(self) -> Flags:
        """Whether the biomass at t = 1 ... T is below the limit."""
        flags: Flags = self.later < self.limit[:, None]
        return flags

    @cached_property
    def starts_above(self) -> Flags:
        """Whether a future starts at the limit or above it."""
        flags: Flags = self.biomass[:, 0] >= self.limit
        return flags

    @cached_property
    def fell(self) -> Flags:
        """Whether a future starts above the limit and falls below it."""
        return self.starts_above & self.below.any(axis=1)

    @cached_property
    def rose(self) -> Flags:
        """Whether a future starts below the limit and rises to it."""
        return ~self.starts_above & (~self.below).any(axis=1)

    @cached_property
    def npv(self) -> Array:
        """The sum of discount^t times profit."""
        weights = self.discount ** np.arange(self.profit.shape[1])
        # a sum in a fixed order, not a matrix product, so that the digits do not depend on the batch
        return np.asarray((self.profit * weights).sum(axis=1), dtype=float)

    @cached_property
    def changes(self) -> Array:
        """|C_t - C_{t-1}| for t = 1 ... T - 1, shape (replicates, years - 1)."""
        return np.abs(np.diff(self.catch, axis=1))

    @cached_property
    def below_b_lim(self) -> Array:
        """Whether the biomass at t = 1 ... T is below B_lim, NaN where there is no B_MSY."""
        return compared(self.later < B_LIM * self.b_msy[:, None], self.b_msy)

    def share_above(self, share: float) -> Array:
        """Return the share of the years t = 1 ... T with a biomass above a share of B_MSY."""
        return _yearly_mean(compared(self.later > share * self.b_msy[:, None], self.b_msy))

    def share_of_yields(self, years: slice, share: float) -> Array:
        """Return the share of some years with a catch above a share of MSY."""
        return _yearly_mean(compared(self.catch[:, years] > share * self.msy[:, None], self.msy))

    def relative_changes(self) -> Array:
        """Return the mean of |C_t - C_{t-1}| / C_t; where a year is without catch infinite, never any: NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(self.changes == 0.0, 0.0, self.changes / self.catch[:, 1:])
        return _yearly_mean(relative) if relative.size else np.full(len(relative), np.nan)


@dataclass(frozen=True)
class Metric:
    """One number of a policy in a world.

    Attributes
    ----------
    words
        What it is, with its formula.
    of
        Takes `Futures` and returns a value per replicate, NaN where it is not defined; of ``"worst year"`` one per
        replicate and year.
    kind
        How replicates are summarized: ``"share"`` of those with 1, ``"mean"``, ``"fraction"``, the mean of
        numbers from 0 to 1, ``"lower tail"`` (CVaR 5 %), ``"difference"`` from the reference policy, or
        ``"worst year"``, the largest of the yearly shares.
    """

    words: str
    of: Callable[[Futures], Array]
    kind: str = "mean"


def compared(flags: Flags, reference: Array) -> Array:
    """Return flags as numbers, NaN where the reference point is not known."""
    return np.where(np.isfinite(reference)[:, None], flags * 1.0, np.nan)


def _yearly_mean(values: Array) -> Array:
    return np.asarray(values.mean(axis=1), dtype=float)


def _defined(values: Any, where: Any) -> Array:
    return np.where(where, values, np.nan)


def _aav(futures: Futures) -> Array:
    total = futures.catch.sum(axis=1)
    varies = (total > 0.0) & (futures.catch.shape[1] > 1)
    return _defined(futures.changes.sum(axis=1) / np.where(total > 0.0, total, 1.0), varies)


def _aavc(futures: Futures) -> Array:
    mean = futures.relative_changes()
    return _defined(mean, np.isfinite(mean) & (futures.catch > 0.0).any(axis=1))


def _aavy(futures: Futures) -> Array:
    mean = futures.relative_changes()
    return _defined(mean < 0.2, ~np.isnan(mean) & (futures.catch > 0.0).any(axis=1))


def _not_overfishing(futures: Futures) -> Array:
    # fishing at F_MSY exactly is not overfishing, whatever the rounding
    taken = futures.catch * futures.b_msy[:, None] <= (1.0 + 1e-9) * futures.msy[:, None] * futures.biomass
    # nothing is overfished where nothing is caught, extinct or not
    flags = taken | (futures.catch <= 0.0)
    return _yearly_mean(compared(flags, futures.b_msy))


def _long_closure(futures: Futures) -> Array:
    closed = futures.quota <= 0.0
    return np.asarray((closed[:, 1:] & closed[:, :-1]).any(axis=1) * 1.0)


METRICS = {
    "collapse_probability": Metric(
        "share of replicates whose biomass before harvest falls below the limit at t >= 1, of those that start above",
        lambda f: _defined(f.fell, f.starts_above),
        "share",
    ),
    "npv": Metric("net present value: sum of discount^t times profit, t = 0, 1, ...", lambda f: f.npv),
    "mean_catch": Metric("catch per year", lambda f: _yearly_mean(f.catch)),
    "aav": Metric(
        "average annual variability: sum of |C_t - C_{t-1}| / sum of C_t; undefined where nothing is caught",
        _aav,
    ),
    "closed_years": Metric(
        "years with a quota of zero", lambda f: np.asarray((f.quota <= 0.0).sum(axis=1) * 1.0)
    ),
    "long_closure_probability": Metric(
        "share of replicates with two years or more in a row with a quota of zero", _long_closure, "share"
    ),
    "extinction_probability": Metric(
        "share of replicates whose biomass reaches zero",
        lambda f: np.asarray((f.later <= 0.0).any(axis=1) * 1.0),
        "share",
    ),
    "years_below_limit": Metric(
        "years t >= 1 below the limit", lambda f: _defined(f.below.sum(axis=1) * 1.0, np.isfinite(f.limit))
    ),
    "time_to_collapse": Metric(
        "years until first below the limit, of the replicates that collapse",
        lambda f: _defined(1.0 + f.below.argmax(axis=1), f.fell),
    ),
    "npv_lower_tail": Metric(
        "CVaR 5 %: mean net present value of the worst twentieth of replicates", lambda f: f.npv, "lower tail"
    ),
    "recovery_probability": Metric(
        "share of the replicates that start below the limit and rise above it",
        lambda f: _defined(f.rose, np.isfinite(f.limit) & ~f.starts_above),
        "share",
    ),
    "recovery_time": Metric(
        "years until first above the limit, of those that start below and recover",
        lambda f: _defined(1.0 + (~f.below).argmax(axis=1), np.isfinite(f.limit) & f.rose),
    ),
    "npv_difference": Metric(
        "net present value less that of the reference policy, replicate by replicate",
        lambda f: f.npv,
        "difference",
    ),
    "NPV": Metric(
        "npv by its name in FLBEIA: sum of discount^t times profit, t = 0, 1, ...", lambda f: f.npv
    ),
    "C": Metric("mean_catch by its name in FLR: mean over years of C_t", lambda f: _yearly_mean(f.catch)),
    "AAVC": Metric(
        "mean over t >= 1 of |C_t - C_{t-1}| / C_t (FLR), 0 where nothing changes; undefined where fishing stops",
        _aavc,
    ),
    "AAVY": Metric(
        "share of replicates with AAVC < 20 % (openMSE); one in which fishing stops is not among them",
        _aavy,
        "share",
    ),
    "STY": Metric(
        "share of the first 10 years with C_t > 0.5 MSY (openMSE; its reference yield is MSY here)",
        lambda f: f.share_of_yields(slice(0, _TERM), 0.5),
        "fraction",
    ),
    "LTY": Metric(
        "share of the last 10 years with C_t > 0.5 MSY (openMSE; its reference yield is MSY here)",
        lambda f: f.share_of_yields(slice(-_TERM, None), 0.5),
        "fraction",
    ),
    "PC0": Metric(
        "share of years with C_t < 0.1 MSY (FLR)",
        lambda f: 1.0 - _yearly_mean(compared(f.catch >= 0.1 * f.msy[:, None], f.msy)),
        "fraction",
    ),
    "PNOF": Metric("share of years with F_t <= F_MSY (openMSE, where it is <)", _not_overfishing, "fraction"),
    "P10": Metric(
        "share of years t >= 1 with B_t > 0.1 B_MSY (openMSE)", lambda f: f.share_above(0.1), "fraction"
    ),
    "P50": Metric(
        "share of years t >= 1 with B_t > 0.5 B_MSY (openMSE)", lambda f: f.share_above(0.5), "fraction"
    ),
    "P100": Metric(
        "share of years t >= 1 with B_t > B_MSY (openMSE)", lambda f: f.share_above(1.0), "fraction"
    ),
    "risk1": Metric(
        "mean over years t >= 1 of the share of replicates with B_t < B_lim (ICES, FLR)",
        lambda f: _yearly_mean(f.below_b_lim),
        "fraction",
    ),
    "risk2": Metric(
        "share of replicates with B_t < B_lim in at least one year t >= 1 (ICES, FLR)",
        lambda f: np.asarray(f.below_b_lim.max(axis=1)),
        "share",
    ),
    "risk3": Metric(
        "the largest over years t >= 1 of the share of replicates with B_t < B_lim (ICES, FLR)",
        lambda f: f.below_b_lim,
        "worst year",
    ),
}
"""The metrics by name."""
