"""What each policy would have advised in each year of a history, by one fit of all of it or by a fit for each year.

Strictly, advice of a year rests on the years before it and on that year's survey. With one fit, parameters are those
of the whole history: the parameters know the future, the beliefs do not. With a fit for each year nothing does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ecodecide.decision.discretize import discretize
from ecodecide.decision.grid import Grid
from ecodecide.errors import EcodecideError
from ecodecide.evaluation.hindcast.belief_track import belief_track, member_limits, quantiles
from ecodecide.evaluation.hindcast.counterfactual import Standing
from ecodecide.evaluation.hindcast.past_years import PastYears, known_in
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.history.catch_history import CatchHistory
from ecodecide.policy.protocol import Policy
from ecodecide.policy.resumed import lead_through
from ecodecide.policy.rules import SeriesPolicy
from ecodecide.solvers.after_history import after_history
from ecodecide.solvers.past_surveys import PastSurveys
from ecodecide.solvers.precautionary import Precautionary
from ecodecide.solvers.solution import Solver
from ecodecide.stock.growth import Array

FEWEST = 5
"""Surveys that a fit for one year needs at least, and years that go before a counterfactual."""

UNSEEN = "nothing had been observed of the stock by then"

FIRST = "it starts from past catches, and no year had gone before"


@dataclass(frozen=True, eq=False)
class YearOfAdvice:
    """What would have been said in one year.

    Attributes
    ----------
    quotas
        By policy, of those that have advice.
    reasons
        By policy, of those that have none.
    belief
        Shape (states,): about the biomass before harvest, on the decision grid of the whole history; None: none.
    mean, quantiles, below
        Of that belief: its mean, `QUANTILES`, and the probability of being below each limit.
    """

    quotas: Mapping[str, float]
    reasons: Mapping[str, str]
    belief: Array | None = None
    mean: float = np.nan
    quantiles: Array | None = None
    below: Mapping[str, float] | None = None


class Advisor(Protocol):
    """Says what would have been advised."""

    def advise(self, place: int) -> YearOfAdvice:
        """Return the advice of the year at a place."""
        ...

    def standings(self, place: int) -> dict[str, Standing]:
        """Return the policies as they stood before the year at a place; those that had no advice are left out."""
        ...


class OneFit:
    """Advice by the fit of the whole history.

    Policies on beliefs, and those that are tables, are solved once, before any survey, and led through the years.
    Rules with numbers from past catches and surveys are made anew each year from what was known then.

    Parameters
    ----------
    managed
        The stock, its problem with the initial belief before the first survey, and its policies.
    solvers
        What solved for them, by name.
    past
        What happened; its surveys are in units of biomass by the catchability of the whole fit.
    collapse
        The limit that was asked for.
    """

    def __init__(
        self, managed: ManagedStock, solvers: Mapping[str, Solver], past: PastYears, collapse: str | float
    ) -> None:
        self._managed, self._past = managed, past
        self._names = tuple(solvers)
        self._rules = {name: s for name, s in solvers.items() if isinstance(s, Precautionary)}
        problem = managed.problem
        self._beliefs = belief_track(discretize(problem), past.surveys, past.catch)
        self._mean = self._beliefs @ problem.grid.points
        self._shares = {
            name: problem.grid.share_below(limit).mean(axis=0)
            for name, limit in member_limits(managed.posterior, collapse).items()
        }
        self._led = {
            name: [quota for quota, _ in lead_through(policy, past.surveys, past.catch)]
            for name, policy in managed.policies.items()
            if name not in self._rules
        }

    def advise(self, place: int) -> YearOfAdvice:
        """Return the advice of the year at a place."""
        quotas: dict[str, float] = {}
        reasons = {name: why for name, why in self._managed.failures.items() if name not in self._rules}
        if not np.isfinite(self._past.surveys[: place + 1]).any():
            reasons = dict.fromkeys(self._names, UNSEEN)
        else:
            quotas |= {name: led[place] for name, led in self._led.items()}
            for name, rule in self._rules.items():
                try:
                    quotas[name] = self._quota_of_rule(rule, place)
                except EcodecideError as problem:
                    reasons[name] = str(problem) if place else FIRST
        belief, grid = self._beliefs[place], self._managed.problem.grid
        return YearOfAdvice(
            quotas,
            reasons,
            belief,
            float(self._mean[place]),
            quantiles(belief, grid.edges),
            {name: float(belief @ share) for name, share in self._shares.items()},
        )

    def _rule_in(self, rule: Precautionary, place: int) -> Policy:
        """Return a rule with numbers from what was known in a year."""
        surveys, problem = self._past.surveys, self._managed.problem
        seen = PastSurveys(surveys[:place], float(surveys[place]), self._past.over_best)
        known = replace(problem, history=known_in(self._past.history, place) if place else None)
        return rule.solve(known, seen=seen, biomass=self._mean[: place + 1]).policy

    def _quota_of_rule(self, rule: Precautionary, place: int) -> float:
        policy = self._rule_in(rule, place)
        # a series is in such a policy already; others hear it, so that they know the last survey and the last catch
        first = place if isinstance(policy, SeriesPolicy) else 0
        years = slice(first, place + 1)
        *_, (quota, _) = lead_through(policy, self._past.surveys[years], self._past.catch[years])
        return quota

    def standings(self, place: int) -> dict[str, Standing]:
        """Return the policies as they stood before the year at a place."""
        found = {}
        surveys, catch = self._past.surveys[:place], self._past.catch[:place]
        for name in self._names:
            if name not in self._led and name not in self._rules:
                continue
            try:
                policy = (
                    self._rule_in(self._rules[name], place)
                    if name in self._rules
                    else self._managed.policies[name]
                )
            except EcodecideError:
                continue
            memory, caught = policy.start(1), None
            if not isinstance(policy, SeriesPolicy):
                for _, memory in lead_through(policy, surveys, catch):  # noqa: B007
                    caught = float(catch[-1])
            found[name] = Standing(policy, memory, caught)
        return found


class FitForEachYear:
    """Advice by a fit, and policies, of what was known in each year: that of the year after the fit's last catch.

    The fit has heard the year's own survey. Policies on observed biomass act on the mean of the belief it ends with.

    Parameters
    ----------
    fit
        Returns a stock with its policies for what was known in a year; called once a year.
    names
        Of the policies.
    past
        What happened; its surveys are in units of biomass by the catchability of the whole fit.
    grid
        On which beliefs are told.
    collapse
        The limit that was asked for.
    """

    def __init__(
        self,
        fit: Callable[[CatchHistory], ManagedStock],
        names: Iterable[str],
        past: PastYears,
        grid: Grid,
        collapse: str | float,
    ) -> None:
        self._fit, self._names, self._past = fit, tuple(names), past
        self._grid, self._collapse = grid, collapse
        self._stocks: dict[int, ManagedStock] = {}

    def advise(self, place: int) -> YearOfAdvice:
        """Return the advice of the year at a place."""
        seen = int(np.isfinite(self._past.surveys[: place + 1]).sum())
        if seen < FEWEST:
            few = f"{seen} surveys by then, expected at least {FEWEST} to fit a stock to"
            return YearOfAdvice({}, dict.fromkeys(self._names, few if seen else UNSEEN))
        try:
            managed = self._stocks[place] = self._fit(known_in(self._past.history, place))
        except EcodecideError as problem:
            return YearOfAdvice({}, dict.fromkeys(self._names, str(problem)))
        posterior = managed.posterior
        quotas = {
            name: float(standing.policy.decide(standing.memory, np.array([np.nan]), None)[0][0])
            for name, standing in self.standings(place).items()
        }
        today = np.asarray(posterior.members.initial_biomass)
        middle = np.append(0.0, 0.5 * (posterior.terminal_edges[1:-1] + posterior.terminal_edges[2:]))
        limits = member_limits(posterior, self._collapse)
        return YearOfAdvice(
            quotas,
            dict(managed.failures),
            posterior.terminal_belief(self._grid.edges),
            float(posterior.terminal_mass @ middle),
            quantiles(posterior.terminal_mass, posterior.terminal_edges),
            {name: float((today < limit).mean()) for name, limit in limits.items()},
        )

    def _survey_factor(self, managed: ManagedStock) -> float:
        """Return the surveys of a fit over those of the whole fit."""
        ours = PastYears.of(managed.problem).surveys
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = ours / self._past.surveys[: len(ours)]
        known = ratio[np.isfinite(ratio)]
        return float(np.median(known)) if known.size else 1.0

    def standings(self, place: int) -> dict[str, Standing]:
        """Return the policies as they stood before the year at a place, made of what was known then."""
        managed = self._stocks.get(place)
        if managed is None:
            return {}
        factor = self._survey_factor(managed)
        ready = {name: after_history(policy, managed.problem) for name, policy in managed.policies.items()}
        # the fit has heard the year's survey, if there was one, as when its policies are compared or asked for advice
        return {
            name: Standing(policy, policy.start(1), None, heard=True, survey_factor=factor)
            for name, policy in ready.items()
        }


def each_year(
    advisor: Advisor, places: Iterable[int], tell: Callable[[int], None]
) -> Iterator[tuple[int, YearOfAdvice]]:
    """Yield the advice of years by their places; an interrupt ends it after the first of them."""
    done = False
    for place in places:
        tell(place)
        try:
            found = advisor.advise(place)
        except KeyboardInterrupt:
            if not done:
                raise
            return
        done = True
        yield place, found
