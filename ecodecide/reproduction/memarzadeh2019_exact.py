"""What a rule does in the paper's chain, without simulation.

A rule's quota depends on the observation alone, so that biomass is a Markov chain, with the transition
P(x, x') = sum over o of O(x, o) K(max(x - a(o), 0), x').
"""

from __future__ import annotations

import numpy as np

from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.policy.protocol import Policy
from ecodecide.stock.growth import Array

_LIMIT = 0.1


def exact_outcome(arrays: DiscreteProblem, rule: Policy, start: str, years: int) -> dict[str, float]:
    """Return the expectation of each metric of `memarzadeh2019.METRICS`.

    Parameters
    ----------
    arrays
        The discrete problem.
    rule
        A policy without memory, whose quotas are multiples of the grid's step.
    start
        ``"K/6"`` or ``"belief"``.
    years
        Number of decisions.

    Examples
    --------
    >>> from ecodecide.decision.discretize import discretize
    >>> from ecodecide.reproduction.memarzadeh2019 import problem, rules
    >>> given = problem(0.15, 0.15)
    >>> tac = exact_outcome(discretize(given), rules(given)["tac"], "K/6", 100)
    >>> round(tac["collapse"], 2)
    0.68
    """
    points = arrays.grid.points
    chain, profit = _closed_loop(arrays, rule)
    above = points >= _LIMIT
    now = _first(arrays, start)
    lasting = now * above
    lasting = lasting / lasting.sum()
    late, values = 0.0, []
    for year in range(years):
        values.append(arrays.discount**year * float(now @ profit))
        if year >= years // 2:
            late += float(now @ points) / (years - years // 2)
        now = now @ chain
        lasting = (lasting @ chain) * above
    return {
        "npv": float(np.sum(values)),
        "npv_published": arrays.discount * float(np.sum(values[: max(years - 1, 1)])),
        "late_biomass": late,
        "collapse": 1.0 - float(lasting.sum()),
    }


def _first(arrays: DiscreteProblem, start: str) -> Array:
    """Return the distribution of the biomass at the first survey."""
    points = arrays.grid.points
    if start == "K/6":
        return np.asarray(np.eye(len(points))[np.argmin(np.abs(points - 1.0 / 6.0))], dtype=float)
    return np.asarray(arrays.initial @ arrays.kernel, dtype=float)


def _closed_loop(arrays: DiscreteProblem, rule: Policy) -> tuple[Array, Array]:
    """Return the transition of the managed stock and the expected profit of each state."""
    points = arrays.grid.points
    quota, _ = rule.decide(rule.start(len(points)), points, None)
    action = np.round(quota / arrays.grid.step).astype(np.intp)
    left = arrays.left[:, action]
    chain = np.einsum("xo,xoy->xy", arrays.observation, arrays.kernel[left])
    return chain, (arrays.observation * arrays.reward[:, action]).sum(axis=1)
