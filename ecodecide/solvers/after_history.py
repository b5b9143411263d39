"""A policy where its history ends."""

from __future__ import annotations

import numpy as np

from ecodecide.decision.problem import HarvestProblem
from ecodecide.policy.protocol import Policy
from ecodecide.policy.resumed import resumed
from ecodecide.policy.rules import RulePolicy
from ecodecide.solvers.past_surveys import past_surveys


def last_year(policy: Policy, problem: HarvestProblem) -> tuple[list[float], list[float]]:
    """Return the last survey and the last catch of a history, for policies that start without what they go by.

    The cap of a rule goes from last year's catch, and a delay takes last year's survey. All other policies start from
    the history as they are made: of them nothing is returned.

    Parameters
    ----------
    policy
        Made for the problem.
    problem
        With the history.

    Returns
    -------
    surveys, catches
        One each, or none: of the last year whose catch is known; the survey is NaN where none was made.
    """
    history = problem.history
    if not isinstance(policy, RulePolicy) or (policy.cap is None and not policy.delay) or history is None:
        return [], []
    known = history.catch[np.isfinite(history.catch)]
    return past_surveys(problem).surveys[-1:].tolist(), known[-1:].tolist()


def after_history(policy: Policy, problem: HarvestProblem) -> Policy:
    """Return a policy that sets its first quota in the year after its problem's history: see `last_year`.

    Examples
    --------
    The quota may change by a fifth from the last catch, and is a tenth of last year's survey:

    >>> import ecodecide as eco
    >>> from ecodecide.policy.rules import ConstantRate
    >>> history = eco.CatchHistory(year=[2001, 2002], catch=[6, 10], biomass=[80, 90])
    >>> policy = eco.RulePolicy(ConstantRate(0.1), expected=50.0, cap=0.2, delay=1)
    >>> first = after_history(policy, eco.HarvestProblem(history=history))
    >>> first.decide(first.start(1), np.array([70.0]), None)[0]
    array([9.])
    """
    surveys, catches = last_year(policy, problem)
    if not isinstance(policy, RulePolicy) or not catches:
        return policy
    return resumed(policy, surveys, catches, expected=policy.expected)
