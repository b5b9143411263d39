"""The belief about the biomass of past years, and what it says of them."""

from __future__ import annotations

import contextlib

import numpy as np
import xarray as xr

from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.closed_loop import reference_points
from ecodecide.evaluation.limits import LIMITS, collapse_limit
from ecodecide.fitting.posterior import Posterior
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.resumed import lead_through
from ecodecide.stock.growth import Array

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles told of beliefs and of what might have been: median, and the ends of 50 % and 90 % intervals."""


def belief_track(arrays: DiscreteProblem, surveys: Array, catch: Array) -> Array:
    """Return the belief about each year's biomass, given the catches before and the surveys up to that year.

    It is that of a belief policy on the same arrays: of growth as the mixture of the fit has it, drawn anew each year.

    Parameters
    ----------
    arrays
        The discrete problem, whose initial belief is that before the first survey.
    surveys, catch
        Shape (years,), see `lead_through`.

    Returns
    -------
    ndarray
        Shape (years, states): before harvest, each year's probabilities sum to 1.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.1))
    >>> problem = eco.HarvestProblem(stock=stock, survey=eco.LognormalSurvey(cv=0.2), initial="uniform")
    >>> beliefs = belief_track(eco.discretize(problem), np.array([np.nan, 0.9, 0.8]), np.array([0.1, 0.2, 0.1]))
    >>> beliefs.shape, bool(np.allclose(beliefs.sum(axis=1), 1.0))
    ((3, 101), True)
    """
    idle = BeliefPolicy(arrays, np.zeros((1, len(arrays.initial))), np.zeros(1, dtype=np.intp))
    return np.array([idle.belief(memory)[0] for _, memory in lead_through(idle, surveys, catch)])


def quantiles(mass: Array, edges: Array) -> Array:
    """Return `QUANTILES` of a belief on cells, the first of which is extinction; evenly spread within the others.

    Examples
    --------
    >>> quantiles(np.array([0.1, 0.9]), np.array([-np.inf, 0.0, 9.0]))
    array([0. , 1.5, 4. , 6.5, 8.5])
    """
    return np.interp(QUANTILES, mass[0] + np.cumsum(np.append(0.0, mass[1:])), edges[1:])


def member_limits(posterior: Posterior, collapse: str | float) -> dict[str, Array]:
    """Return the limits that exist for a fitted stock, one value per member, that which was asked for first."""
    points = reference_points(posterior.members, posterior.size)
    columns = xr.Dataset({key: (("world", "replicate"), values[None]) for key, values in points.items()})
    found: dict[str, Array] = {}
    for name in (str(collapse), *LIMITS):
        with contextlib.suppress(EvaluationError):
            found.setdefault(name, collapse_limit(columns, name)[0])
    return found
