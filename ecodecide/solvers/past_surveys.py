"""The surveys of a history, in the biomass in which policies hear them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.decision.discretize import initial_belief
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.later_years import LaterYears
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class PastSurveys:
    """What was seen before the first decision.

    Attributes
    ----------
    surveys
        Shape (years,): of the years before that of the first decision, oldest first, in units of biomass; NaN where
        there was none.
    this_year
        The survey of the year of the first decision, where the history ends with it; else NaN.
    over_best
        Biomass in which they are told over that of the stock's best estimate; see `past_surveys`.
    """

    surveys: Array
    this_year: float = float("nan")
    over_best: float = 1.0

    @property
    def all(self) -> Array:
        """All that were made, oldest first."""
        every = np.append(self.surveys, self.this_year)
        return np.asarray(every[~np.isnan(every)])


def past_surveys(problem: HarvestProblem) -> PastSurveys:
    """Return the surveys of a problem's history, those of indices divided by their catchability.

    The catchability of a relative series is the one that the fitted biomass makes likeliest under lognormal errors:
    the geometric mean of index over biomass, in the years that have both. That biomass is the geometric mean of the
    posterior draws, on which policies are planned and beliefs rest. Several indices are averaged year by year, their
    logarithms with equal weight.

    An index tells little of the scale of a stock, so that the best estimate may be of another scale than most draws:
    `PastSurveys.over_best` is the catchability by the best estimate's biomass over that by the draws'. By it F_MSY and
    B_MSY of the best estimate are turned into those of the same stock in units of the surveys: in F_MSY / q and
    q B_MSY the scale cancels, as long as all three are of one estimate. It is 1 where observations are biomass.

    Parameters
    ----------
    problem
        With or without a history; without, nothing was seen.

    Returns
    -------
    PastSurveys

    Raises
    ------
    SolverError
        When the series is relative and the stock does not say what biomass it stood for.

    Examples
    --------
    >>> import ecodecide as eco
    >>> history = eco.CatchHistory(year=[2001, 2002, 2003], catch=[2, 3, np.nan], biomass=[10, np.nan, 9])
    >>> past_surveys(eco.HarvestProblem(history=history))
    PastSurveys(surveys=array([10., nan]), this_year=9.0, over_best=1.0)
    """
    history = problem.history
    if history is None or not history.observations:
        return PastSurveys(np.empty(0) if history is None else np.full(_decided(history), np.nan))
    seen = np.array(list(history.observations.values()))
    single = _in_biomass(seen, history, problem)
    first = _decided(history)
    return PastSurveys(
        single[:first],
        float(single[first]) if first < len(single) else float("nan"),
        over_best(problem),
    )


def later_surveys(problem: HarvestProblem, later: LaterYears) -> Array:
    """Return the surveys of the years after a problem's history, as `past_surveys` those of the history itself.

    Parameters
    ----------
    problem
        With a history.
    later
        The years after it.

    Returns
    -------
    ndarray
        Shape (years,): in units of biomass, NaN where none was made.

    Raises
    ------
    SolverError
        As `past_surveys`.

    Examples
    --------
    >>> import ecodecide as eco
    >>> from ecodecide.history.later_years import later_years
    >>> history = eco.CatchHistory(year=[2001, 2002], catch=[2, 3], biomass=[10, 9])
    >>> later = later_years(history, {"year": [2003, 2004], "catch": [2, np.nan], "biomass": [8, np.nan]})
    >>> later_surveys(eco.HarvestProblem(history=history), later)
    array([ 8., nan])
    """
    nothing = np.full(len(later.year), np.nan)
    history = problem.history
    if history is None or not history.observations:
        return nothing
    return _in_biomass(
        np.array([later.observations.get(name, nothing) for name in history.observations]), history, problem
    )


def catchabilities(problem: HarvestProblem) -> dict[str, float]:
    """Return what each relative series of a problem's history is of the biomass: index over biomass, by name.

    Raises
    ------
    SolverError
        As `past_surveys`.

    Examples
    --------
    >>> import ecodecide as eco
    >>> catchabilities(eco.HarvestProblem(history=eco.CatchHistory(year=[2001, 2002], catch=[2, 3], biomass=[10, 9])))
    {}
    """
    history = problem.history
    if history is None or not history.free_catchability:
        return {}
    found = np.exp(_log_catchability(history, problem)).tolist()
    return dict(zip(history.observations, found, strict=True))


def over_best(problem: HarvestProblem) -> float:
    """Return the biomass of a fitted stock's draws over that of its best estimate: `PastSurveys.over_best`.

    It is 1 where observations are biomass, and of a stock without draws.
    """
    history, stock = problem.history, problem.stock
    told = hasattr(stock, "trajectory_biomass") and hasattr(stock, "best_biomass")
    if history is None or not history.free_catchability or not told:
        return 1.0
    apart = _log_catchability(history, problem, "best_biomass") - _log_catchability(history, problem)
    return float(np.exp(_row_mean(apart[None])[0]))


def expected_survey(problem: HarvestProblem, belief: Array | None = None) -> float:
    """Return the mean survey to be expected when the first quota is set: what stands for one that was not made.

    Of a biomass it is the mean of the belief. An index is heard by one catchability, q, and each draw m of a fit has
    one of its own, q_m, which all but cancels its scale: of its biomass B_m today (q_m / q) B_m is expected to be
    heard, far less than B_m of the draws that are largest.

    Parameters
    ----------
    problem
        With its stock.
    belief
        Shape (states,): the initial belief on the problem's grid, where it is known already.

    Raises
    ------
    ProblemError, GridError
        As `initial_belief`.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.1))
    >>> expected_survey(eco.HarvestProblem(stock=stock, initial=0.8, grid=eco.Grid(upper=2.0, cells=100)))
    0.79
    """
    belief = initial_belief(problem) if belief is None else belief
    mean = float(belief @ problem.grid.points)
    of_history = problem.initial is None or (
        isinstance(problem.initial, str) and problem.initial == "history"
    )
    return mean * heard_share(problem, problem.stock) if of_history else mean


def heard_share(problem: HarvestProblem, fitted: Any) -> float:
    """Return the mean survey to be expected of a fit today over its mean biomass; see `expected_survey`.

    Parameters
    ----------
    problem
        By whose stock surveys are heard.
    fitted
        That stock, or the same after an update: with `members` and their `trajectory_biomass`.

    Returns
    -------
    float
        1 where observations are biomass, and of a stock without draws.
    """
    history = problem.history
    draws, members = (getattr(fitted, name, None) for name in ("trajectory_biomass", "members"))
    if history is None or not history.free_catchability or draws is None or members is None:
        return 1.0
    today, q = np.asarray(members.initial_biomass, dtype=float), _log_catchability(history, problem)
    seen = _logs(np.array(list(history.observations.values())))
    own = [_row_mean(seen - log_biomass[: seen.shape[1]]) for log_biomass in _logs(np.asarray(draws))]
    # an extinct draw shows nothing, whatever its catchability
    heard = np.nan_to_num(np.exp(_row_mean(np.array(own) - q))) * today
    return float(heard.mean() / today.mean()) if today.any() else 1.0


def log_means(values: Array) -> Array:
    """Return the mean of the logs of the positive values of each row, NaN where there is none.

    Examples
    --------
    >>> log_means(np.array([[1.0, 0.0, np.e**2], [0.0, 0.0, 0.0]]))
    array([ 1., nan])
    """
    return _row_mean(_logs(values))


def _decided(history: CatchHistory) -> int:
    """Return the place of the year of the first decision: that whose catch is not known, or the next."""
    return len(history.catch) - int(np.isnan(history.catch[-1]))


def _in_biomass(seen: Array, history: CatchHistory, problem: HarvestProblem) -> Array:
    """Return one survey a year of several series, one per row, each by its catchability in the history."""
    if history.free_catchability:
        seen = np.exp(_logs(seen) - _log_catchability(history, problem)[:, None])
    return np.asarray(seen[0] if len(seen) == 1 else np.exp(_row_mean(np.log(seen).T)))


def _logs(seen: Array) -> Array:
    return np.asarray(np.log(np.where(seen > 0.0, seen, np.nan)))


def _log_catchability(
    history: CatchHistory, problem: HarvestProblem, of: str = "trajectory_biomass"
) -> Array:
    """Return the log catchability of each of the history's series, of the draws or of the best estimate."""
    biomass = getattr(problem.stock, of, None)
    if biomass is None:
        raise SolverError(
            "the history has a relative series, and this stock does not say what biomass it stood for: fit the stock "
            "to the history (ecodecide.fit), or give a biomass in the unit of the catch"
        )
    seen = _logs(np.array(list(history.observations.values())))
    # of a draw in which the stock is extinct no logarithm is known
    fitted = log_means(np.atleast_2d(np.asarray(biomass, dtype=float)).T)
    return _row_mean(seen - fitted[: seen.shape[1]])


def _row_mean(values: Array) -> Array:
    """Return the mean of the finite values of each row, NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
