"""What could be believed of the biomass in each year, given what had been seen by then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from ecodecide.decision.discretize import discretize, initial_belief
from ecodecide.decision.grid import Grid
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.report.views.history import observed_biomass
from ecodecide.report.views.labelled import decision_year, labelled, view
from ecodecide.stock.growth import Array

_LEVELS = (0.05, 0.5, 0.95)


def belief_view(managed: ManagedStock) -> xr.Dataset:
    """Return the belief about the biomass of each year of the history, and of the year of decision.

    It is what a belief policy would have believed that knew the fit, on the cells of the decision: before the first
    year every cell is as likely as any other, and each year the survey of the year is heard, the catch taken out and
    the rest grown by the mixture of all draws. What came later changes nothing. But the fit is of all years, and so is
    the catchability of an index, which is taken for known: of an index the belief is narrower than that of the fit,
    which stands beside it in the year of decision.

    Parameters
    ----------
    managed
        A fitted stock.

    Returns
    -------
    xarray.Dataset
        Over (year, biomass): ``probability`` of each cell, the first of which is extinction, and ``density``, the
        probability over the width of a cell; ``biomass_quantile`` over (year, quantile), median and 90 % interval;
        ``observed`` over year; ``decision_belief`` over biomass, and ``decision_quantile`` over quantile: what the fit
        itself, all its draws weighed, believes of the year of decision, from which policies start.
    """
    history, posterior = managed.history, managed.posterior
    problem = replace(managed.problem, survey=posterior.survey, initial="uniform")
    arrays = discretize(problem)
    # one vector and no quota: nothing but the belief is asked for, and no catch falls short of a quota of none
    believer = BeliefPolicy(arrays, np.zeros((1, len(arrays.initial))), np.zeros(1, dtype=np.intp))
    year = np.arange(int(history.year[0]), decision_year(history) + 1)
    observed = np.append(observed_biomass(managed), np.full(len(year) - len(history.year), np.nan))
    memory, caught, beliefs = believer.start(1), None, []
    for t in range(len(year)):
        _, memory = believer.decide(memory, observed[t : t + 1], caught)
        beliefs.append(believer.belief(memory)[0])
        caught = history.catch[t : t + 1] if t < len(history.year) else None
    belief, unit = np.array(beliefs), posterior.unit
    today = initial_belief(managed.problem)
    return view(
        {
            "probability": labelled(("year", "biomass"), belief, "belief: probability of the cell"),
            "density": labelled(
                ("year", "biomass"),
                belief / arrays.grid.step,
                "belief: probability per unit of biomass",
                f"1/({unit})",
            ),
            "biomass_quantile": labelled(
                ("year", "quantile"), belief_quantiles(belief, arrays.grid), "quantiles of the belief", unit
            ),
            "observed": labelled(("year",), observed, "observed biomass", unit),
            "decision_belief": labelled(
                ("biomass",), today, "belief of the fit in the year of decision: probability of the cell"
            ),
            "decision_quantile": labelled(
                ("quantile",),
                belief_quantiles(today[None], arrays.grid)[0],
                "quantiles of the belief of the fit in the year of decision",
                unit,
            ),
        },
        {
            "year": year,
            "biomass": labelled(("biomass",), arrays.grid.points, "biomass before harvest", unit),
            "quantile": list(_LEVELS),
        },
        stock=history.id,
        unit=unit,
        cell=arrays.grid.step,
        survey=repr(posterior.survey),
    )


def belief_quantiles(belief: Array, grid: Grid) -> Array:
    """Return quantiles of beliefs, shape (rows, levels): biomass is spread evenly within a cell.

    Examples
    --------
    >>> belief_quantiles(np.array([[0.0, 0.5, 0.5]]), Grid(upper=2.0, cells=2)).round(9).tolist()
    [[0.1, 1.0, 1.9]]
    """
    found = []
    for row in belief:
        below = np.cumsum(row)
        # quantiles within the atom of extinction are 0
        found.append(np.interp(_LEVELS, below / below[-1], np.maximum(grid.edges[1:], 0.0)))
    return np.array(found)
