"""What a rule does in the paper's chain, without simulation."""

from __future__ import annotations

import numpy as np

from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.decision.economy import Economy
from ecodecide.policy.managed_chain import ManagedChain
from ecodecide.policy.protocol import Policy

_LIMIT = 0.1


def exact_outcome(arrays: DiscreteProblem, rule: Policy, start: str, years: int) -> dict[str, float]:
    """Return the expectation of each metric of `memarzadeh2019.METRICS`.

    Parameters
    ----------
    arrays
        The discrete problem.
    rule
        A policy on observed biomass, whose quotas are multiples of the grid's step.
    start
        ``"K/6"`` or ``"belief"``: where the biomass is at the first survey.
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
    first = 1.0 / 6.0 if start == "K/6" else arrays.initial @ arrays.kernel
    chain = ManagedChain.of(arrays, rule, Economy(discount=arrays.discount))
    found = chain.futures(first, years, _LIMIT)
    # the paper's simulation has one decision less, and discounts the first
    values = found.profit[:-1] * arrays.discount ** np.arange(years)
    return {
        "npv": float(found.npv),
        "npv_published": arrays.discount * float(np.sum(values[: max(years - 1, 1)])),
        "late_biomass": float(found.biomass[years // 2 : years].mean()),
        "collapse": float(found.collapse),
    }
