"""What follows from a quota and the policy behind it, within some numbers of years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.evaluation import intervals
from ecodecide.evaluation.intervals import Counts, Estimate, Flags
from ecodecide.evaluation.limits import collapse_limit
from ecodecide.evaluation.scores import draws_of
from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class Consequences:
    """What the futures of a policy hold, each number with its 95 % Monte Carlo interval (low, value, high).

    Attributes
    ----------
    years
        The numbers of years that the tuples below are of, increasing.
    collapse
        P(below the limit at any t = 1 ... years), of futures that start at the limit or above.
    recovery
        P(at the limit or above at any t = 1 ... years), of futures that start below it; NaN where none does.
    below_limit, below_b_msy
        P(below the limit, and below B_MSY, at t = years).
    catch
        Mean catch per year over t = 0 ... years - 1.
    first_catch
        Mean catch of the first year, t = 0.
    npv
        Net present value over the largest number of years.
    start_below
        How many futures start below the limit: those that `recovery` is of.
    """

    years: tuple[int, ...]
    collapse: tuple[Estimate, ...]
    recovery: tuple[Estimate, ...]
    below_limit: tuple[Estimate, ...]
    below_b_msy: tuple[Estimate, ...]
    catch: tuple[Estimate, ...]
    first_catch: Estimate
    npv: Estimate
    start_below: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: estimates by numbers of years; None for what is undefined."""
        by_years = ("collapse", "recovery", "below_limit", "below_b_msy", "catch")
        return {
            **{
                key: {str(year): plain(one) for year, one in zip(self.years, getattr(self, key), strict=True)}
                for key in by_years
            },
            "first_catch": plain(self.first_catch),
            "npv": plain(self.npv),
            "start_below": self.start_below,
        }


def plain(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate for JSON.

    Examples
    --------
    >>> plain((0.1, 0.2, float("nan")))
    {'value': 0.2, 'low': 0.1, 'high': None}
    """
    low, value, high = (float(one) if np.isfinite(one) else None for one in estimate)
    return {"value": value, "low": low, "high": high}


def consequences(runs: xr.Dataset, policy: str, years: Sequence[int], collapse: str | float) -> Consequences:
    """Return the consequences of a policy, from futures of one world.

    Parameters
    ----------
    runs
        What `evaluate` returns, of at least as many years.
    policy
        Its name.
    years
        Numbers of years.
    collapse
        The limit, see `read_limit`: that of each replicate's own world.

    Raises
    ------
    EvaluationError
        When the limit does not exist for this stock.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.5, K=1.0), eco.LognormalNoise(sigma=0.1))
    >>> policy = eco.Precautionary("tac").solve(eco.HarvestProblem(stock=stock)).policy
    >>> runs = eco.evaluate({"tac": policy}, truth=stock, survey=eco.PerfectSurvey(), economy=eco.Economy(),
    ...                     initial_biomass=0.5, years=10, replicates=50)
    >>> found = consequences(runs, "tac", [5, 10], "0.1K")
    >>> found.collapse[1][1], found.years
    (0.0, (5, 10))
    """
    one = runs.sel(policy=policy).isel(world=0)
    limit = collapse_limit(runs, collapse)[0]
    draws = draws_of(one)

    def series(key: str) -> Array:
        return np.asarray(one[key].transpose("replicate", "year").values, dtype=float)

    biomass = np.column_stack([series("biomass"), one["final_biomass"].values])
    below = biomass < limit[:, None]
    known, starts_above = np.isfinite(limit), biomass[:, 0] >= limit
    later, catch = below[:, 1:], series("catch")
    b_msy = one["b_msy"].values
    told = tuple(sorted({int(year) for year in years}))
    most = told[-1]
    profit = (series("profit")[:, :most] * float(runs.attrs["discount"]) ** np.arange(most)).sum(axis=1)

    def chance(of: Flags, among: Flags) -> Estimate:
        return intervals.share(of[among], _numbered(draws[among]))

    return Consequences(
        years=told,
        collapse=tuple(chance(later[:, :h].any(axis=1), known & starts_above) for h in told),
        recovery=tuple(chance((~later[:, :h]).any(axis=1), known & ~starts_above) for h in told),
        below_limit=tuple(chance(below[:, h], known) for h in told),
        below_b_msy=tuple(chance(biomass[:, h] < b_msy, np.isfinite(b_msy)) for h in told),
        catch=tuple(intervals.mean(catch[:, :h].mean(axis=1), draws) for h in told),
        first_catch=intervals.mean(catch[:, 0], draws),
        npv=intervals.mean(profit, draws),
        start_below=int((known & ~starts_above).sum()),
    )


def _numbered(draws: Counts) -> Counts:
    """Return the numbers of draws without gaps."""
    return np.unique(draws, return_inverse=True)[1].reshape(-1)
