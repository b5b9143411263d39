"""What later years say of a fitted stock, without fitting it again.

The members of a posterior are joint draws of parameters and biomass. Each carries its own belief over the new years, by
the filter that fits a history (observe, catch, recruit), and the probability that it gave to what was seen and caught
weighs it against the others (Bayes' rule over parameters and biomass):

    p(theta, x | old, new)  ~  sum over members m of  p(new | theta_m, old) p(x | theta_m, old, new)

The belief of a member begins where its trajectory was in the year before, and grows from there; the draw itself, at the
end of that year, would leave nothing to learn about. The catchability of a relative series is drawn for each member,
given its trajectory: log q ~ N(mean of log index - log biomass, its variance), the prior on it being flat.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.grid_filter import catch_nodes, filter_history, log_cells
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.state_space_model import ObservedSeries, observed_series
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.later_years import LaterYears
from ecodecide.stock.growth import Array
from ecodecide.stock.survey import LognormalSurvey, PerfectSurvey, Survey

_FEW = 0.1
"""The share of the members, as an effective sample size, below which an update is rough."""

_CELLS = (300, 1500)
"""Cells of the beliefs: the fewest, and the most."""

UPDATED = "updated_to"
"""The setting of an updated posterior that tells the last year of it."""


@dataclass(frozen=True, eq=False)
class Updated:
    """A posterior after later years.

    Attributes
    ----------
    posterior
        As many members as before, each with its biomass in the year of the next decision. Rules keep their reference
        points: the best estimate is that of the fit.
    weights
        Shape (members,): how likely each member of the fit is now; with sum 1.
    """

    posterior: Posterior
    weights: Array

    @property
    def effective_size(self) -> float:
        """The number of equally likely members that would be as good a sample: 1 / sum of w^2 (Kong 1992)."""
        return float(1.0 / (self.weights**2).sum())


def update(
    posterior: Posterior,
    history: CatchHistory,
    later: LaterYears,
    *,
    survey: Survey | None = None,
    seed: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Updated:
    """Update a posterior by the years after its history, without fitting it again.

    Parameters
    ----------
    posterior
        Fitted to the history, and not updated before.
    history
        The history that it was fitted to.
    later
        The years after it.
    survey
        The error of the new surveys; None for that of the fit. Where a fit estimated the errors of several indices,
        each keeps its own.
    seed
        Of the draws.
    progress
        Called with the share of the work done.

    Returns
    -------
    Updated

    Raises
    ------
    FitError
        When the posterior is of another history, was updated already, or no member can have lived through the years.

    Warns
    -----
    ConvergenceWarning
        When few members are left that the new years are likely for: fit again with them.

    Notes
    -----
    Catches are known within the error of the fit. Exact up to the cells of the beliefs and the number of members, but
    for one thing: observation errors stay as the fit has them, new surveys teach nothing about them.

    References
    ----------
    Bayes' rule over draws: Smith & Gelfand 1992, The American Statistician 46:84; beliefs on a grid: Kitagawa 1987,
    Journal of the American Statistical Association 82:1032.

    Examples
    --------
    >>> import ecodecide as eco
    >>> from ecodecide.history.later_years import later_years
    >>> history = eco.load_history("hake-argentina-north")
    >>> posterior = eco.fit(history, "logistic", draws=40, cells=80)
    >>> low = later_years(history, {"year": [2019, 2020], "catch": [50e3, np.nan], "biomass": [2e5, 2e5]})
    >>> after = update(posterior, history, low).posterior
    >>> bool(after.members.initial_biomass.mean() < posterior.members.initial_biomass.mean())
    True
    """
    if UPDATED in posterior.settings:
        raise FitError(
            f"this posterior was updated to {posterior.settings[UPDATED]} already: update the fit itself, by all "
            "of the new years at once"
        )
    if posterior.trajectory_biomass.shape != (posterior.size, len(history.year)):
        raise FitError(
            f"the posterior is of {posterior.trajectory_biomass.shape[1]} years and {history.id} has "
            f"{len(history.year)}: give the history that it was fitted to"
        )
    error = survey or posterior.survey
    points, edges = _cells(posterior, error)
    catch_cv = float(posterior.settings.get("catch_cv", 0.0))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    sights = _sights(posterior, history, later, error, rng)
    rows = _before(posterior, history, points, edges, catch_cv)
    if np.isnan(history.catch[-1]):
        heard = {one.name: one.values[-1:] for one in observed_series(history)}
        given = {one.name: one.given[-1:] for one in observed_series(history)}
        rows = rows * np.array(
            [_seen(sights, heard, given, 1, m, points, edges)[0] for m in range(len(rows))]
        )
    totals = rows.sum(axis=1, keepdims=True)
    rows = np.divide(rows, totals, out=np.zeros_like(rows), where=totals > 0.0)
    evidence, ends = np.full(len(rows), -np.inf), np.zeros_like(rows)
    for m in np.flatnonzero(totals[:, 0] > 0.0).tolist():
        likelihood = _seen(sights, later.observations, later.errors, len(later.year), m, points, edges)
        run = filter_history(
            posterior.members.member(m), later.catch, likelihood, rows[m], points, edges, catch_cv
        )
        evidence[m], ends[m] = run.log_likelihood, run.terminal
        if progress is not None:
            progress((m + 1) / len(rows))
    weights = _weights(evidence, history, later)
    found = Updated(_resampled(posterior, later, weights, ends, edges, rng), weights)
    if found.effective_size < _FEW * posterior.size:
        warnings.warn(
            f"{history.id}: the years {later.year[0]} to {later.year[-1]} are likely for few of the {posterior.size} "
            f"draws of the fit (effective sample size {found.effective_size:.0f}): intervals are rough; fit again, "
            "with the new years in the history",
            ConvergenceWarning,
            stacklevel=2,
        )
    return found


def _cells(posterior: Posterior, survey: Survey) -> tuple[Array, Array]:
    """Return cells between the ends of the fit's, narrower than half of what a survey can tell apart."""
    low, high = float(posterior.terminal_edges[2]), float(posterior.terminal_edges[-1])
    width = survey.sigma / 2.0 if isinstance(survey, LognormalSurvey) else np.inf
    return log_cells(low, high, int(np.clip(np.log(high / low) / width, *_CELLS)))


def _before(posterior: Posterior, history: CatchHistory, points: Array, edges: Array, cv: float) -> Array:
    """Return each member's belief before the first new survey, grown from the year before, shape (members, n)."""
    place = -2 if np.isnan(history.catch[-1]) else -1
    before = posterior.trajectory_biomass[:, place]
    nodes, weights = catch_nodes(cv)
    left = before - history.catch[place] * nodes[:, None]
    borne = weights[:, None] * (left >= 0.0)
    grown = posterior.members.growth(np.maximum(left, 0.0))
    below = np.array([posterior.members.noise.cdf(edges[:, None], one) for one in grown])
    below[:, -1] = 1.0  # what exceeds the last cell counts to it
    return np.asarray(np.einsum("km,knm->mn", borne, np.diff(below, axis=1)))


@dataclass(frozen=True, eq=False)
class _Sight:
    """How a series sees the biomass: its catchability under each member, or 1; and its error."""

    log_q: Array | None
    survey: Survey
    sigma: float

    def likelihood(self, value: float, given: float, member: int, points: Array, edges: Array) -> Array:
        """Return the density of a value at each point."""
        if self.log_q is None:
            if isinstance(self.survey, PerfectSurvey):
                return ((edges[:-1] < value) & (value <= edges[1:])).astype(float)
            return self.survey.likelihood(value, points)
        spread = np.hypot(self.sigma, given)
        if value <= 0.0:
            return np.where(points > 0.0, 0.0, 1.0)
        with np.errstate(divide="ignore"):
            z = (np.log(value) - self.log_q[member] - np.log(points)) / spread
        return np.asarray(np.exp(-0.5 * z**2) / spread)


def _sights(
    posterior: Posterior, history: CatchHistory, later: LaterYears, survey: Survey, rng: np.random.Generator
) -> dict[str, _Sight]:
    """Return how each series sees the biomass."""
    series = observed_series(history)
    alone = sum(one.estimated for one in series) == 1 and len(series) == 1
    found = {}
    for one in series:
        z = rng.standard_normal(posterior.size)
        if not one.relative:
            found[one.name] = _Sight(None, survey, 0.0)
            continue
        sigma = _sigma(survey, history) if alone or not one.estimated else None
        log_q, sigma = _catchability(one, posterior.trajectory_biomass, sigma, z)
        found[one.name] = _Sight(log_q, survey, sigma)
    return found


def _sigma(survey: Survey, history: CatchHistory) -> float:
    if not isinstance(survey, LognormalSurvey):
        raise FitError(
            f"{history.id} has a relative series, whose surveys err by a factor: expected LognormalSurvey(cv), got "
            f"{survey!r}"
        )
    return survey.sigma


def _catchability(
    series: ObservedSeries, trajectories: Array, sigma: float | None, z: Array
) -> tuple[Array, float]:
    """Return a draw of each member's log catchability, and the standard deviation of the series' log.

    Without one of the fit it is that of the residuals of all members, beyond the standard errors given.
    """
    seen = np.isfinite(series.values) & (series.values > 0.0)
    with np.errstate(divide="ignore"):
        apart = np.log(series.values[seen]) - np.log(trajectories[:, seen])
    if sigma is None:
        residuals = apart - apart.mean(axis=1, keepdims=True)
        spread = (residuals**2).sum(axis=1).mean() / max(int(seen.sum()) - 1, 1)
        sigma = float(np.sqrt(max(spread - (series.given[seen] ** 2).mean(), 0.05**2)))
    precision = 1.0 / (sigma**2 + series.given[seen] ** 2)
    mean = apart @ precision / precision.sum()
    return np.asarray(mean + z / np.sqrt(precision.sum())), sigma


def _seen(
    sights: Mapping[str, _Sight],
    observations: Mapping[str, Array],
    errors: Mapping[str, Array],
    years: int,
    member: int,
    points: Array,
    edges: Array,
) -> Array:
    """Return the likelihood of all that was seen in each year at each point, shape (years, n)."""
    rows = np.ones((years, len(points)))
    for name, values in observations.items():
        given = np.nan_to_num(errors.get(name, np.zeros(years)))
        for t in np.flatnonzero(np.isfinite(values)):
            rows[t] *= sights[name].likelihood(float(values[t]), float(given[t]), member, points, edges)
    return rows


def _weights(evidence: Array, history: CatchHistory, later: LaterYears) -> Array:
    if not np.isfinite(evidence).any():
        raise FitError(
            f"no draw of the fit of {history.id} can have shown and borne the years {later.year[0]} to "
            f"{later.year[-1]}; check the units of catch and surveys, or fit again with them in the history"
        )
    weights = np.exp(evidence - evidence.max())
    return np.asarray(weights / weights.sum())


def _resampled(
    posterior: Posterior,
    later: LaterYears,
    weights: Array,
    ends: Array,
    edges: Array,
    rng: np.random.Generator,
) -> Posterior:
    """Return a posterior of equally likely members, by systematic resampling.

    Kitagawa 1996, Journal of Computational and Graphical Statistics 5:1.
    """
    size = posterior.size
    ticks = (np.arange(size) + rng.random()) / size
    places = np.minimum(np.searchsorted(np.cumsum(weights), ticks), size - 1)
    # in no order, so that the first replicates of a run are as good a sample as any
    places = rng.permutation(places)
    biomass = np.array([_draw(ends[m], edges, u) for m, u in zip(places, rng.random(size), strict=True)])
    chosen: Any = posterior.members.take(places)
    first, last = int(later.year[0]), int(later.year[-1])
    years = str(first) if first == last else f"{first} to {last}"
    return replace(
        posterior,
        members=replace(chosen, initial_biomass=biomass),
        terminal_edges=edges,
        terminal_mass=weights @ ends,
        trajectory_biomass=posterior.trajectory_biomass[places],
        record=None,
        assumptions=(
            *posterior.assumptions,
            f"updated by {years} without a new fit: draws of parameters and biomass weighed by what was seen and "
            f"caught, effective sample size {1.0 / (weights**2).sum():.0f} of {size}; reference points and observation "
            "errors stay those of the fit",
        ),
        settings={**posterior.settings, UPDATED: last},
    )


def _draw(mass: Array, edges: Array, uniform: float) -> float:
    """Draw a biomass from a belief: a cell, and evenly within it."""
    upto = np.cumsum(mass)
    target = uniform * upto[-1]
    cell = min(int(np.searchsorted(upto, target)), len(mass) - 1)
    if cell == 0:
        return 0.0
    share = (target - upto[cell - 1]) / mass[cell]
    return float(edges[cell] + share * (edges[cell + 1] - edges[cell]))
