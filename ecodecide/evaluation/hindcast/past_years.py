"""A history as it was known year by year."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import HistoryWarning
from ecodecide.fitting.retrospective import until
from ecodecide.history.catch_history import CatchHistory
from ecodecide.solvers.past_surveys import past_surveys
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class PastYears:
    """What happened, and what was seen of it.

    Attributes
    ----------
    history
        The catch history.
    surveys
        Shape (years,): those of the history in units of biomass; NaN where none was made.
    over_best
        See `ecodecide.solvers.past_surveys.PastSurveys`.
    """

    history: CatchHistory
    surveys: Array
    over_best: float = 1.0

    @classmethod
    def of(cls, problem: HarvestProblem) -> PastYears:
        """Return the past of a problem's history; the catchability of an index is that of the problem's stock.

        Examples
        --------
        >>> history = CatchHistory(year=[2001, 2002, 2003], catch=[2, 3, np.nan], biomass=[10, np.nan, 9])
        >>> PastYears.of(HarvestProblem(history=history)).surveys
        array([10., nan,  9.])
        """
        assert problem.history is not None
        seen = past_surveys(problem)
        surveys = np.append(seen.surveys, seen.this_year)[: len(problem.history.year)]
        return cls(problem.history, surveys, seen.over_best)

    @property
    def year(self) -> Array:
        """Shape (years,)."""
        return np.asarray(self.history.year)

    @property
    def catch(self) -> Array:
        """Shape (years,): NaN where it is not known, which is the last year at most."""
        return np.asarray(self.history.catch)

    def surveyed(self, count: int) -> int:
        """Return the place of the first year by which so many surveys had been made, the number of years if never."""
        enough = np.cumsum(np.isfinite(self.surveys)) >= count
        return int(np.argmax(enough)) if enough.any() else len(enough)


def known_in(history: CatchHistory, place: int) -> CatchHistory:
    """Return what was known when the quota of a year was set: the years before, and the year's own survey.

    Parameters
    ----------
    history
        The whole history.
    place
        Of the year, from 0.

    Raises
    ------
    HistoryError
        When that is no history: there must be a year before, and what the history is said to show.

    Examples
    --------
    >>> history = CatchHistory(year=[2001, 2002, 2003], catch=[2, 3, 4], biomass=[10, 9, 8])
    >>> known_in(history, 1).catch, known_in(history, 1).biomass
    (array([ 2., nan]), array([10.,  9.]))
    """
    with warnings.catch_warnings():
        # of the whole history it is said once
        warnings.simplefilter("ignore", HistoryWarning)
        short = until(history, place + 1)
        return replace(short, catch=np.append(short.catch[:-1], np.nan))
