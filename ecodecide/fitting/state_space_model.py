"""The state-space model of a history: a growth law with its errors, as a function of a few numbers.

    x[1]   = psi K exp(.6 z)                         the first year, around a share of K
    x[t+1] = f(x[t] - h[t]) exp(sigma z[t])          process error, lognormal with median f
    y[t]   = q x[t] exp(tau w[t])                    observation error, lognormal with median q x
    h[t]   = reported catch, within its own error    (observe, catch, recruit: the order of events)

q is 1 for a biomass, free for an index. tau is assumed where the observations are a biomass: that of an assessment's
output, which is smooth and conditioned on the same catch, cannot be told from it; it is estimated from an index, on top
of the standard errors given. Biomass and first year are summed over by the filter, exactly up to the grid; what
remains to be searched are the numbers named in `priors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ecodecide.errors import FitError
from ecodecide.fitting.grid_filter import FilteredHistory, filter_history, log_cells
from ecodecide.fitting.priors import (
    CATCHABILITY_SPREAD,
    OBSERVATION_SIGMA,
    PROCESS_SIGMA,
    PSI,
    GrowthFamily,
    Prior,
    carrying_capacity_prior,
    chosen,
    growth_family,
    log_prior,
)
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Array
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, Survey

ASSUMED_CV = 0.2
"""Observation error of an assessment's output: it cannot be estimated from it."""

_ROOM = 10.0
"""How far the cells of a fit go below the lowest biomass that its best numbers allow."""

_LEAST_SPREAD = 0.6
"""Spread of log K that the cells leave room for at least."""

IMPOSSIBLE = -1e9
"""The log posterior of what cannot be."""


@dataclass(frozen=True, eq=False)
class Series:
    """One series of observations, and which of the searched numbers it depends on.

    Attributes
    ----------
    name
        Of the series.
    values
        Shape (years,): NaN where nothing was seen.
    given
        Shape (years,): standard errors of the log that came with the values; zeros where none did.
    catchability, error
        Places of log q and of the log of tau among the searched numbers; None where q is 1, or tau assumed.
    """

    name: str
    values: Array
    given: Array
    catchability: int | None
    error: int | None

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Shape (years,): whether there is a value."""
        return np.isfinite(self.values)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Shape (years,): whether there is one above 0, which a density can be of."""
        return self.seen & (self.values > 0.0)


@dataclass(frozen=True, eq=False)
class StateSpaceModel:
    """A history and a law, as a function of searched numbers. Biomass is in units of `scale` inside.

    Attributes
    ----------
    priors
        Of the searched numbers: K, the law's own, process sigma, then observation sigmas and catchabilities.
    psi
        Of the first year's biomass, as a share of K.
    assumed
        The error of a biomass; None where there are indices alone.
    """

    history: CatchHistory
    family: GrowthFamily
    priors: tuple[Prior, ...]
    psi: Prior
    scale: float
    catch: Array
    series: tuple[Series, ...]
    assumed: LognormalSurvey | None
    catch_cv: float
    points: Array
    edges: Array

    @classmethod
    def of(
        cls,
        history: CatchHistory,
        law: str | GrowthFamily,
        assumed: Survey | None,
        catch_cv: float,
        cells: int,
        asked: Mapping[str, Prior] | None = None,
    ) -> StateSpaceModel:
        """Set the model up: what is observed, what is estimated and what is assumed.

        Raises
        ------
        FitError
            When the law is unknown, or nothing tells how large the stock is.
        """
        family = growth_family(law)
        law, asked = family.name, asked or {}
        observations = history.observations
        if not observations:
            raise FitError(
                f"{history.id}: there is a catch but neither a biomass nor an index, so nothing tells how large "
                "the stock is: it can be looked at, but not fitted or compared; add a column index or biomass"
            )
        free = history.free_catchability
        largest = max(float(np.nanmax(values)) for values in observations.values())
        largest_catch = float(np.nanmax(history.catch))
        if free and largest_catch <= 0.0:
            raise FitError(
                f"{history.id}: nothing was ever caught, so an index cannot tell how large the stock is"
            )
        scale = largest_catch if free else largest
        k_prior = carrying_capacity_prior(None if free else largest / scale, largest_catch / scale)
        k_prior = chosen(law, k_prior, asked, factor=1.0 / scale)
        own = [
            chosen(law, p, asked, factor=family.growth_factor if p.name == "r" else 1.0)
            for p in family.priors
        ]
        priors = [k_prior, *own, chosen(law, PROCESS_SIGMA, asked)]
        observed = observed_series(history)
        several = sum(one.estimated for one in observed) > 1
        series = []
        for one in observed:
            error = catchability = None
            if one.estimated:
                error = len(priors)
                name = f"{OBSERVATION_SIGMA.name}:{one.name}" if several else OBSERVATION_SIGMA.name
                priors.append(chosen(law, replace(OBSERVATION_SIGMA, name=name), asked))
            if one.relative:
                catchability = len(priors)
                # the center makes the series' typical value that of half of K
                typical = float(np.exp(np.nanmean(np.log(one.values[one.values > 0.0]))))
                prior = Prior(f"q:{one.name}", typical / (0.5 * k_prior.center), CATCHABILITY_SPREAD)
                priors.append(chosen(law, prior, asked, factor=scale))
            series.append(Series(one.name, one.values, one.given, catchability, error))
        known: LognormalSurvey | None = None
        if any(one.error is None for one in series):
            known = assumed if isinstance(assumed, LognormalSurvey) else LognormalSurvey(ASSUMED_CV)
        # a K that is known well leaves good years above it, and what was seen, all the same
        highest = k_prior.center * np.exp(2.5 * max(k_prior.spread, _LEAST_SPREAD))
        known_q = [one.values[one.judged] for one in series if one.catchability is None]
        positive = np.concatenate([np.empty(0), *known_q])
        if positive.size:
            highest = max(highest, 3.0 * float(positive.max()) / scale)
        lowest = min(float(positive.min()) / scale / 20.0, 1e-3) if positive.size else 2e-3
        points, edges = log_cells(lowest, highest, cells)
        psi = chosen(law, PSI, asked)
        caught = history.catch / scale
        return cls(
            history, family, tuple(priors), psi, scale, caught, tuple(series), known, catch_cv, points, edges
        )

    def focused(self, searched: Array, cells: int) -> StateSpaceModel:
        """Return the model on as many cells, none of them wasted far below where these numbers ever put the stock."""
        ever = np.cumsum(self.run(searched).smoothed.max(axis=0))
        low = self.edges[1 + max(int(np.searchsorted(ever, 1e-6)), 1)] / _ROOM
        if not low > self.edges[2]:
            low = self.edges[2]
        points, edges = log_cells(low, self.edges[-1], cells)
        return replace(self, points=points, edges=edges)

    def regridded(self, cells: int) -> StateSpaceModel:
        """Return the model on as many cells between the same ends."""
        points, edges = log_cells(self.edges[2], self.edges[-1], cells)
        return replace(self, points=points, edges=edges)

    def observe(self, searched: Array, biomass: Array, rng: np.random.Generator) -> list[Array]:
        """Draw the values of each series for a biomass, shape (years,), where and as well as they were observed."""
        found = []
        for series in self.series:
            log_q = np.log(self.scale) if series.catchability is None else searched[series.catchability]
            spread = np.sqrt(self.sigma(searched, series) ** 2 + series.given**2)
            seen = np.exp(log_q + spread * rng.standard_normal(len(biomass))) * biomass
            found.append(np.where(series.seen, seen, np.nan))
        return found

    @property
    def own(self) -> int:
        """The number of the law's own numbers besides K."""
        return len(self.family.priors)

    @property
    def law(self) -> str:
        """The name of the growth law."""
        return self.family.name

    @property
    def free_q(self) -> bool:
        """Whether all observations are relative."""
        return all(one.catchability is not None for one in self.series)

    @property
    def natural_priors(self) -> tuple[Prior, ...]:
        """The priors in units of the history: K in those of biomass, q in those of the index over them."""
        factor = {"K": self.scale, "q": 1.0 / self.scale}
        return tuple(p.times(factor.get(p.name.partition(":")[0], 1.0)) for p in self.priors)

    def stock(self, searched: Array, unit: float = 1.0) -> ParametricStock:
        """Return the stock of searched numbers, shape (numbers,) or (numbers, batch), in units of biomass."""
        values = [p.value(x) for p, x in zip(self.priors, searched, strict=True)]
        law = self.family.make(values[0] * unit, *values[1 : 1 + self.own])
        noise = LognormalNoise(values[1 + self.own])
        return ParametricStock(law, noise, self.history.units.get("catch", ""))

    def sigma(self, searched: Array, series: Series | None = None) -> float:
        """Return the observation error of a series, by default the first, as a standard deviation of the log."""
        error = (series or self.series[0]).error
        if error is not None:
            return float(np.exp(searched[error]))
        assert self.assumed is not None
        return self.assumed.sigma

    def likelihood_of(self, series: Series, searched: Array) -> Array:
        """Return the probability density of a series' observations at each point, shape (years, n); ones where none."""
        rows = np.zeros((len(self.catch), len(self.points)))
        z, spread = self._standardized(series, searched)
        rows[series.judged] = -0.5 * z**2 - np.log(spread) - 0.5 * np.log(2.0 * np.pi)
        extinct = series.seen & (series.values == 0.0)
        rows[np.ix_(extinct, self.points > 0.0)] = -np.inf
        return np.exp(rows)

    def _standardized(self, series: Series, searched: Array) -> tuple[Array, Array]:
        seen = series.judged
        log_q = np.log(self.scale) if series.catchability is None else searched[series.catchability]
        spread = np.sqrt(self.sigma(searched, series) ** 2 + series.given[seen] ** 2)[:, None]
        with np.errstate(divide="ignore"):
            z = (np.log(series.values[seen])[:, None] - log_q - np.log(self.points)) / spread
        return z, spread

    def likelihood(self, searched: Array) -> Array:
        """Return the probability density of each year's observations at each point, shape (years, n)."""
        rows = self.likelihood_of(self.series[0], searched)
        for one in self.series[1:]:
            rows *= self.likelihood_of(one, searched)
        return rows

    def ranks(self, run: FilteredHistory, searched: Array) -> list[Array]:
        """Return, for each series, P(a value below the one seen | all before it), one per value.

        They are uniform and independent where the model is right (Smith 1985, Journal of Forecasting 4:283); of one
        year's series each is given the years before alone.
        """
        found = []
        for series in self.series:
            z, _ = self._standardized(series, searched)
            found.append((run.predicted[series.judged] * ndtr(z)).sum(axis=1))
        return found

    def left_out(self, run: FilteredHistory, searched: Array) -> list[Array]:
        """Return, for each series, the log density of each value given all other observations."""
        each = [self.likelihood_of(series, searched) for series in self.series]
        found = []
        for i, series in enumerate(self.series):
            others = np.ones_like(each[0])
            for j, rows in enumerate(each):
                if j != i:
                    others = others * rows
            found.append(run.without(each[i], others)[series.judged])
        return found

    def initial(self, searched: Array) -> Array:
        """Return the belief about the first year's biomass: lognormal around a share of K."""
        median = self.psi.center * self.priors[0].value(searched[0])
        row = np.diff(LognormalNoise(self.psi.spread).cdf(self.edges, median))
        return np.asarray(row / row.sum(), dtype=float)

    def run(self, searched: Array) -> FilteredHistory:
        """Run the filter."""
        return filter_history(
            self.stock(searched),
            self.catch,
            self.likelihood(searched),
            self.initial(searched),
            self.points,
            self.edges,
            self.catch_cv,
        )

    def log_posterior(self, searched: Array) -> float:
        """Return the log posterior density, up to a constant; a very low number where it is zero."""
        prior = log_prior(self.priors, searched)
        if prior < -200.0:
            return IMPOSSIBLE + prior
        value = self.run(searched).log_likelihood
        return value + prior if np.isfinite(value) else IMPOSSIBLE + prior


class ObservedSeries(NamedTuple):
    """A series, whether its catchability is free, and whether its error is estimated."""

    name: str
    values: Array
    given: Array
    relative: bool
    estimated: bool


def observed_series(history: CatchHistory) -> list[ObservedSeries]:
    """Return all that is to be fitted.

    A biomass that was measured is fitted along with the indices; one that an assessment put out is fitted alone,
    because the assessment has seen the indices already.
    """
    found = []
    if history.observed != "index":
        for name, values in history.observations.items():
            found.append(
                ObservedSeries(name, values, np.zeros_like(values), history.free_catchability, False)
            )
    if history.observed != "assessment biomass":
        for name, values in (history.index or {}).items():
            given = (history.index_se or {}).get(name)
            errors = np.zeros_like(values) if given is None else np.nan_to_num(given)
            found.append(ObservedSeries(name, values, errors, True, True))
    return found
