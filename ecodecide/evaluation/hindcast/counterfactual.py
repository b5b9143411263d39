"""Had it been followed: a policy in the years that were, with the process and survey errors that were.

Each posterior draw of the fit is a past of its own: its growth, its biomass in the first year, and the errors that
made what was seen of what was caught. A policy meets the same errors; only its catches differ, and what follows from
them. So the differences are between paired histories, and their intervals say how well the past is known: they are
posterior, not Monte Carlo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ecodecide.decision.economy import Economy
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.evaluation.hindcast.belief_track import QUANTILES
from ecodecide.evaluation.hindcast.inferred_past import InferredPast
from ecodecide.policy.protocol import Policy
from ecodecide.stock.growth import Array

ACTUAL = "as caught"
"""What was caught, among the policies."""

SUMS = ("total_catch", "npv", "final_biomass")
"""What is told of a draw's past as a whole."""


@dataclass(frozen=True, eq=False)
class Standing:
    """A policy as it stands before the first year in which it is followed.

    Attributes
    ----------
    policy
        The policy.
    memory
        Of one replicate.
    caught
        The catch of the year before, None where the policy begins.
    heard
        Whether its memory holds the first year's survey.
    survey_factor
        Surveys in its units of biomass over those of the inferred past: not 1 where it was made with another
        catchability.
    """

    policy: Policy
    memory: Any
    caught: float | None = None
    heard: bool = False
    survey_factor: float = 1.0


@dataclass(frozen=True, eq=False)
class Path:
    """What happens in each draw.

    Attributes
    ----------
    biomass
        Shape (draws, years + 1): before harvest, and at the end.
    catch
        Shape (draws, years).
    """

    biomass: Array
    catch: Array


def follow(name: str, standing: Standing, past: InferredPast, start: int) -> Path:
    """Return what would have happened under a policy from a year on.

    Parameters
    ----------
    name
        Of the policy, for messages.
    standing
        The policy.
    past
        What happened.
    start
        The place of the first year.

    Raises
    ------
    PolicyError
        When the policy sets a quota that is negative or not a number.
    """
    draws, years = past.catch.shape
    biomass, catch = np.empty((draws, years - start + 1)), np.empty((draws, years - start))
    biomass[:, 0] = past.biomass[:, start]
    policy = standing.policy
    memory = None if standing.memory is None else np.repeat(standing.memory, draws, axis=0)
    caught = None if standing.caught is None else np.full(draws, standing.caught)
    for i, place in enumerate(range(start, years)):
        observed = biomass[:, i] * past.seen[:, place] * standing.survey_factor
        if i == 0 and standing.heard:
            observed = np.full(draws, np.nan)
        quota, memory = policy.decide(memory, observed, caught)
        good = np.isfinite(quota) & (quota >= 0.0)
        if not good.all():
            raise PolicyError(
                f"policy {name!r} set the quota {quota[~good][0]} in {past.year[place]}: expected a number of at least "
                "0"
            )
        catch[:, i] = caught = np.minimum(quota, biomass[:, i])
        biomass[:, i + 1] = past.grown(place, biomass[:, i] - caught)
    return Path(biomass, catch)


def counterfactual(
    standings: Mapping[str, Standing],
    past: InferredPast,
    economy: Economy,
    limit: Array,
    start: int,
) -> xr.Dataset:
    """Return what would have happened under each policy, beside what did.

    Parameters
    ----------
    standings
        Policies by name, as they stood before the first year.
    past
        What happened.
    economy
        Price, costs and discount.
    limit
        Shape (draws,): the collapse limit of each draw.
    start
        The place of the first year in which policies are followed.

    Returns
    -------
    xarray.Dataset
        Dimensions (policy, quantile, year, draw), the first policy being `ACTUAL`: `biomass` and `catch` (policy,
        quantile, year); `total_catch`, `npv`, discounted to the first year, and `final_biomass` (policy, draw);
        `collapsed` (policy, draw), whether biomass fell below the limit after the first year, NaN of the draws that
        begin below it.

    Raises
    ------
    EvaluationError
        When no year is left.
    """
    years = past.catch.shape[1]
    if not 0 <= start < years:
        raise EvaluationError(
            f"a counterfactual needs a first year from {past.year[0]} to {past.year[-1]}, the last whose catch is known"
        )
    paths = {ACTUAL: Path(past.biomass[:, start:], past.catch[:, start:])}
    with threadpool_limits(limits=1):
        paths |= {name: follow(name, standing, past, start) for name, standing in standings.items()}
    weights = economy.discount ** np.arange(years - start)
    below = past.biomass[:, start] < limit

    def of_each(part: Any) -> Array:
        return np.array([part(path) for path in paths.values()])

    def spread(values: Array) -> Array:
        return np.quantile(values, QUANTILES, axis=0)

    def collapsed(path: Path) -> Array:
        return np.where(below, np.nan, (path.biomass[:, 1:] < limit[:, None]).any(axis=1))

    by_year, by_draw = ("policy", "quantile", "year"), ("policy", "draw")
    found = xr.Dataset(
        {
            "biomass": (by_year, of_each(lambda path: spread(path.biomass[:, :-1]))),
            "catch": (by_year, of_each(lambda path: spread(path.catch))),
            "total_catch": (by_draw, of_each(lambda path: path.catch.sum(axis=1))),
            "npv": (
                by_draw,
                of_each(lambda path: economy.profit(path.catch, path.biomass[:, :-1]) @ weights),
            ),
            "final_biomass": (by_draw, of_each(lambda path: path.biomass[:, -1])),
            "collapsed": (by_draw, of_each(collapsed)),
        },
        coords={
            "policy": list(paths),
            "quantile": list(QUANTILES),
            "year": past.year[start:],
            "draw": np.arange(past.draws),
        },
    )
    return _annotated(found, past)


def _annotated(found: xr.Dataset, past: InferredPast) -> xr.Dataset:
    unit = past.stock.unit
    words = {
        "biomass": ("biomass before harvest", unit),
        "catch": ("catch", unit),
        "total_catch": ("sum of the catches", unit),
        "npv": ("profit, discounted to the first year", "price x unit of catch"),
        "final_biomass": ("biomass after the last catch and growth", unit),
        "collapsed": (
            "whether biomass fell below the collapse limit after the first year (NaN: it began there)",
            "1",
        ),
        "policy": (f"policy; {ACTUAL!r} is what was caught", "1"),
        "quantile": ("quantile over the posterior draws", "1"),
        "year": ("year", "1"),
        "draw": ("posterior draw", "1"),
    }
    for name, (long_name, units) in words.items():
        found[name].attrs = {"long_name": long_name, "units": units}
    found.attrs = {
        "draws": past.draws,
        "reduced": past.reduced,
        "left_out": past.left_out,
        "intervals": "posterior: how well the past is known",
    }
    return found
