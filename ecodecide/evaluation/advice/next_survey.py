"""The next survey: what it is expected to show, and what it would have to show to change a quota."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from ecodecide.decision.problem import HarvestProblem
from ecodecide.fitting.posterior import Posterior
from ecodecide.solvers.past_surveys import catchabilities
from ecodecide.stock.growth import Array
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, Survey

MATERIAL = 0.2
"""The share by which a quota has to change to be worth telling."""

_SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)
_SCANNED = 400
_TAIL = 1e-3
_LUCK = ndtri((np.arange(15) + 0.5) / 15)
"""Standard normals, evenly spread, for the growth of a year."""

Quota = Callable[[Array], Array]
"""Takes surveys and returns the quota that would follow each."""


@dataclass(frozen=True, eq=False)
class NextSurvey:
    """What a survey is expected to show.

    Attributes
    ----------
    year
        Of the survey.
    biomass
        Shape (any,): equally likely biomass in that year, as the survey shows it when it does not err.
    survey
        Its error.
    """

    year: int
    biomass: Array
    survey: Survey

    @classmethod
    def of(cls, year: int, members: ParametricStock, survey: Survey) -> NextSurvey:
        """Return the survey of the year in which the members stand."""
        return cls(year, np.asarray(members.initial_biomass, dtype=float), survey)

    @classmethod
    def after(cls, year: int, members: ParametricStock, survey: Survey, quota: float) -> NextSurvey:
        """Return the survey of the year after, when a quota has been caught as far as the stock allowed."""
        left = np.maximum(np.asarray(members.initial_biomass, dtype=float) - quota, 0.0)
        grown = [members.step(left, np.full(left.shape, z)) for z in _LUCK]
        return cls(year, np.concatenate(grown), survey)

    def heard(self, problem: HarvestProblem, posterior: Posterior) -> NextSurvey:
        """Return the survey in the units in which the policies of a problem hear it.

        A relative series is divided by one catchability, q, that of `past_surveys`, but each draw of the posterior has
        one of its own, which all but cancels its biomass: what is heard of draw m is (q_m / q) B_m, times the error.
        Given the draw's biomass over the history and a flat prior, log q_m is normal about the mean of
        log index - log biomass, each year weighed by its precision; its variance is added to that of the log of
        the survey, where that is lognormal. Several series are taken for one as `past_surveys` does: the means of their
        logs, with the error of the one survey. Of a posterior that was updated, log q_m rests on the history alone.

        Parameters
        ----------
        problem
            Whose stock says by which catchability surveys are read.
        posterior
            Whose members stand in the year of the survey, or the year before: in their order, once or many times.

        Returns
        -------
        NextSurvey
            Itself, where the history has no relative series.

        Examples
        --------
        >>> import ecodecide as eco
        >>> history = eco.load_history("hake-argentina-north")
        >>> posterior = eco.fit(history, "logistic", draws=20, cells=80)
        >>> coming = NextSurvey.of(2019, posterior.members, posterior.survey)
        >>> coming.heard(eco.HarvestProblem(stock=posterior, history=history), posterior) is coming
        True
        """
        history = problem.history
        if history is None or not history.free_catchability:
            return self
        # surveys that do not err by a factor weigh every year alike
        sigma = self.survey.sigma if isinstance(self.survey, LognormalSurvey) else 1.0
        with np.errstate(divide="ignore"):
            log_biomass = np.log(posterior.trajectory_biomass)
        shifts, variances = [], []
        for name, q in catchabilities(problem).items():
            values = history.observations[name]
            seen = np.isfinite(values) & (values > 0.0)
            given = (history.index_se or {}).get(name)
            errors = np.zeros(len(values)) if given is None else np.nan_to_num(given)
            precision = 1.0 / (sigma**2 + errors[seen] ** 2)
            apart = np.log(values[seen] / q) - log_biomass[:, seen]
            shifts.append(apart @ precision / precision.sum())
            variances.append(1.0 / precision.sum())
        factor = np.exp(np.mean(shifts, axis=0))
        # an extinct draw shows nothing, whatever its catchability
        factor[~np.isfinite(factor)] = 0.0
        survey = self.survey
        if isinstance(survey, LognormalSurvey):
            wider = sigma**2 + float(np.sum(variances)) / len(variances) ** 2
            survey = LognormalSurvey(cv=float(np.sqrt(np.expm1(wider))))
        biomass = np.tile(factor, len(self.biomass) // len(factor)) * self.biomass
        return replace(self, biomass=biomass, survey=survey)

    def chance_below(self, observed: Array) -> Array:
        """Return P(survey <= observed), one for each."""
        observed = np.atleast_1d(observed)
        return np.array([float(np.mean(self.survey.cdf(one, self.biomass))) for one in observed])

    def quantiles(self, chances: Array) -> Array:
        """Return the surveys that are fallen short of with some probabilities, to a ten thousandth."""
        low, high = 0.0, float(self.biomass.max())
        while self.chance_below(np.array([high]))[0] < float(np.max(chances)):
            high *= 2.0
        lows, highs = np.full(np.shape(chances), low), np.full(np.shape(chances), high)
        for _ in range(40):
            middle = 0.5 * (lows + highs)
            short = self.chance_below(middle) < chances
            lows, highs = np.where(short, middle, lows), np.where(short, highs, middle)
        return highs


@dataclass(frozen=True)
class Change:
    """The surveys that would change a quota in one way.

    Attributes
    ----------
    intervals
        Of surveys; None for an end that no survey to be expected is beyond.
    probability
        Of such a survey.
    """

    intervals: tuple[tuple[float | None, float | None], ...]
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: `below` and `above` are set where all such surveys are on one side of one number."""
        alone = self.intervals[0] if len(self.intervals) == 1 else (0.0, 0.0)
        return {
            "probability": self.probability,
            "below": alone[1] if alone[0] is None else None,
            "above": alone[0] if alone[1] is None else None,
            "intervals": [list(one) for one in self.intervals],
        }


@dataclass(frozen=True, eq=False)
class WhatWouldChange:
    """How a quota answers the next survey.

    Attributes
    ----------
    year
        Of the survey.
    quota
        What the changes are relative to: the quota advised now.
    this_year
        Whether the survey would change the quota now; else it is of the year after, and changes that year's.
    shown
        Rows (probability of a lower survey, survey, the quota that follows).
    closes, opens, falls, rises
        Surveys after which nothing may be caught, or something where nothing may be now, and those after which the
        quota is lower or higher by more than `MATERIAL`. None where no survey to be expected does that.
    """

    year: int
    quota: float
    this_year: bool
    shown: tuple[tuple[float, float, float], ...]
    closes: Change | None = None
    opens: Change | None = None
    falls: Change | None = None
    rises: Change | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        changes = ("closes", "opens", "falls", "rises")
        return {
            "year": self.year,
            "this_year": self.this_year,
            "surveys": [
                {"probability": chance, "survey": survey, "quota": quota}
                for chance, survey, quota in self.shown
            ],
            **{
                name: None if (change := getattr(self, name)) is None else change.to_dict()
                for name in changes
            },
        }


def what_would_change(survey: NextSurvey, quota: float, this_year: bool, answer: Quota) -> WhatWouldChange:
    """Return how a quota answers the surveys that may be expected.

    Of the surveys between the 0.1 % and the 99.9 % point 400 are tried, and between two that are answered differently
    the place where the answer changes is searched for.

    Parameters
    ----------
    survey
        The next one.
    quota
        The quota advised now.
    this_year
        Whether the survey is of this year.
    answer
        What quota follows a survey.

    Examples
    --------
    >>> import ecodecide as eco
    >>> even = NextSurvey(2020, np.array([100.0]), eco.LognormalSurvey(cv=0.2))
    >>> found = what_would_change(even, 50.0, True, lambda seen: np.maximum(seen - 50.0, 0.0))
    >>> found.closes is None or found.closes.probability < 0.001
    True
    >>> round(found.falls.to_dict()["below"], 1), round(found.falls.probability, 2)
    (90.0, 0.3)
    """
    low, high = survey.quantiles(np.array([_TAIL, 1.0 - _TAIL]))
    tried = np.geomspace(max(low, 1e-4 * high), high, _SCANNED)
    quotas = np.asarray(answer(tried), dtype=float)
    # a quota is told apart from nothing, and from another, beyond rounding
    nothing = 1e-9 * max(quota, float(quotas.max()), np.finfo(float).tiny)
    ways: dict[str, Callable[[Array], Any]] = (
        {
            "closes": lambda q: q <= nothing,
            "falls": lambda q: q < (1.0 - MATERIAL) * quota - nothing,
            "rises": lambda q: q > (1.0 + MATERIAL) * quota + nothing,
        }
        if quota > nothing
        else {"opens": lambda q: q > nothing}
    )
    shown = survey.quantiles(np.array(_SHOWN))
    rows = zip(_SHOWN, shown.tolist(), np.asarray(answer(shown), dtype=float).tolist(), strict=True)
    changes = {name: _change(survey, tried, quotas, is_so, answer) for name, is_so in ways.items()}
    return WhatWouldChange(survey.year, quota, this_year, tuple(rows), **changes)


def _change(
    survey: NextSurvey, tried: Array, quotas: Array, is_so: Callable[[Array], Any], answer: Quota
) -> Change | None:
    """Return the surveys whose answer is of a kind."""
    flags = np.asarray(is_so(quotas), dtype=bool)
    if not flags.any():
        return None
    turns = np.flatnonzero(flags[1:] != flags[:-1])
    lows, highs, before = tried[turns], tried[turns + 1], flags[turns]
    for _ in range(25 if turns.size else 0):
        middle = np.sqrt(lows * highs)
        same = np.asarray(is_so(np.asarray(answer(middle), dtype=float)), dtype=bool) == before
        lows, highs = np.where(same, middle, lows), np.where(same, highs, middle)
    edges: list[float | None] = list(highs.tolist())
    if flags[0]:
        edges.insert(0, None)
    if flags[-1]:
        edges.append(None)
    found = tuple(zip(edges[::2], edges[1::2], strict=True))
    chance = sum(
        (1.0 if high is None else float(survey.chance_below(np.array([high]))[0]))
        - (0.0 if low is None else float(survey.chance_below(np.array([low]))[0]))
        for low, high in found
    )
    return Change(found, chance)
