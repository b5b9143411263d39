"""The state-space fit of a growth law to a history.

    x[t+1] = f(x[t] - h[t]) exp(sigma z[t])         process error, lognormal with median f
    y[t]   = q x[t] exp(tau w[t])                    observation error, lognormal with median q x
    h[t]   = reported catch, within its own error    (observe, catch, recruit: the order of events)

q is 1 for a biomass, free for an index. tau is assumed where the observations are an assessment's output,
which is smooth and conditioned on the same catch, so that its error cannot be told from them; it is
estimated from an index. The search is for the maximum of the posterior; Laplace's approximation there
proposes draws, which are weighed by the posterior itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.grid_filter import (
    FilteredHistory,
    filter_history,
    log_cells,
)
from ecodecide.fitting.importance import importance_sample
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.priors import (
    CATCHABILITY_SPREAD,
    OBSERVATION_SIGMA,
    PARAMETRIZATIONS,
    PROCESS_SIGMA,
    Prior,
    carrying_capacity_prior,
    log_prior,
)
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Array
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, Survey

_ASSUMED_CV = 0.2
"""Observation error of an assessment's output: it cannot be estimated from it."""

_START = (0.75, 0.6)
"""Median, as a share of K, and standard deviation of the log of the biomass in the first year."""

_IMPOSSIBLE = -1e9

_PROPOSALS_PER_DRAW, _FEWEST_PROPOSALS, _TOO_FEW = 4, 200, 50.0
"""Proposals of the importance sampler for each draw asked for, at least so many, and what is too few of worth."""


@dataclass(frozen=True, eq=False)
class StateSpaceModel:
    """A history and a law, as a function of searched numbers. Biomass is in units of `scale` inside.

    Attributes
    ----------
    priors
        Of the searched numbers: K, the law's own, process sigma, then observation sigma (if it is estimated) and
        one catchability per series (if free).
    """

    history: CatchHistory
    law: str
    priors: tuple[Prior, ...]
    scale: float
    catch: Array
    series: tuple[tuple[str, Array, Array], ...]
    free_q: bool
    assumed: LognormalSurvey | None
    catch_cv: float
    points: Array
    edges: Array

    @classmethod
    def of(
        cls, history: CatchHistory, law: str, assumed: Survey | None, catch_cv: float, cells: int
    ) -> StateSpaceModel:
        """Set the model up: what is observed, what is estimated and what is assumed."""
        if law not in PARAMETRIZATIONS:
            raise FitError(
                f"unknown growth law {law!r}: expected one of {', '.join(PARAMETRIZATIONS)}, or gp"
            )
        observations = history.observations
        if not observations:
            raise FitError(
                f"{history.id}: there is a catch but neither a biomass nor an index, so nothing tells how large "
                "the stock is: it can be looked at, but not fitted or compared; add a column index or biomass"
            )
        free_q = history.free_catchability
        largest = max(float(np.nanmax(values)) for values in observations.values())
        largest_catch = float(np.nanmax(history.catch))
        if free_q and largest_catch <= 0.0:
            raise FitError(
                f"{history.id}: nothing was ever caught, so an index cannot tell how large the stock is"
            )
        scale = largest_catch if free_q else largest
        known: LognormalSurvey | None = None
        if history.observed != "index":
            known = assumed if isinstance(assumed, LognormalSurvey) else LognormalSurvey(_ASSUMED_CV)
        k_prior = carrying_capacity_prior(None if free_q else largest / scale, largest_catch / scale)
        priors = [k_prior, *PARAMETRIZATIONS[law].priors, PROCESS_SIGMA]
        if known is None:
            priors.append(OBSERVATION_SIGMA)
        errors = history.index_se or {}
        series = []
        for name, values in observations.items():
            given = errors.get(name) if history.observed == "index" else None
            series.append((name, values, np.zeros_like(values) if given is None else np.nan_to_num(given)))
            if free_q:
                # the center makes the series' typical value that of half of K
                typical = float(np.exp(np.nanmean(np.log(values[values > 0.0]))))
                center = typical / (0.5 * k_prior.center)
                priors.append(Prior(f"q:{name}", center, CATCHABILITY_SPREAD))
        highest = k_prior.center * np.exp(2.5 * k_prior.spread)
        if not free_q:
            positive = np.concatenate([v[v > 0.0] for v in observations.values()])
            lowest = min(float(positive.min()) / scale / 20.0, 1e-3)
        else:
            lowest = 2e-3
        points, edges = log_cells(lowest, highest, cells)
        return cls(
            history,
            law,
            tuple(priors),
            scale,
            history.catch / scale,
            tuple(series),
            free_q,
            known,
            catch_cv,
            points,
            edges,
        )

    def stock(self, searched: Array, unit: float = 1.0) -> ParametricStock:
        """Return the stock of searched numbers, shape (numbers,) or (numbers, batch), in units of biomass."""
        values = [p.value(x) for p, x in zip(self.priors, searched, strict=True)]
        own = len(PARAMETRIZATIONS[self.law].priors)
        law = PARAMETRIZATIONS[self.law].make(values[0] * unit, *values[1 : 1 + own])
        return ParametricStock(law, LognormalNoise(values[1 + own]), self.history.units.get("catch", ""))

    def sigma(self, searched: Array) -> float:
        """Return the observation error, as a standard deviation of the log."""
        if self.assumed is not None:
            return self.assumed.sigma
        return float(np.exp(searched[2 + len(PARAMETRIZATIONS[self.law].priors)]))

    def likelihood(self, searched: Array) -> Array:
        """Return the probability density of each year's observations at each point, shape (years, n)."""
        sigma = self.sigma(searched)
        log_density = np.zeros((len(self.catch), len(self.points)))
        with np.errstate(divide="ignore"):
            log_points = np.log(self.points)
        for i, (_, values, given) in enumerate(self.series):
            own = len(searched) - len(self.series) + i
            log_q = float(searched[own]) if self.free_q else float(np.log(self.scale))
            seen = np.isfinite(values) & (values > 0.0)
            spread = np.sqrt(sigma**2 + given[seen] ** 2)[:, None]
            z = (np.log(values[seen])[:, None] - log_q - log_points) / spread
            log_density[seen] += -0.5 * z**2 - np.log(spread) - 0.5 * np.log(2.0 * np.pi)
            extinct = np.isfinite(values) & (values == 0.0)
            log_density[np.ix_(extinct, self.points > 0.0)] = -np.inf
        return np.exp(log_density)

    def initial(self, searched: Array) -> Array:
        """Return the belief about the first year's biomass: lognormal around a share of the law's scale."""
        median, spread = _START
        row = np.diff(LognormalNoise(spread).cdf(self.edges, median * self.priors[0].value(searched[0])))
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
            return _IMPOSSIBLE + prior
        value = self.run(searched).log_likelihood
        return value + prior if np.isfinite(value) else _IMPOSSIBLE + prior


def fit_state_space(
    history: CatchHistory,
    law: str,
    *,
    survey: Survey | None,
    catch_cv: float,
    cells: int,
    draws: int,
    seed: int,
    progress: Callable[[str, float], None] | None,
) -> Posterior:
    """Fit one growth law; see `ecodecide.fit` for the parameters.

    Raises
    ------
    FitError
        When the history has no abundance, or no stock of this law can have borne its catches.
    """
    model = StateSpaceModel.of(history, law, survey, catch_cv, cells)
    tell = progress or (lambda words, share: None)
    with threadpool_limits(limits=1):
        best, value, words, converged = _search(model, seed, tell)
        covariance, curved = _laplace(model, best, value)
        return _posterior(
            model, best, value, covariance, words, converged and curved, draws, seed, survey, tell
        )


def _search(
    model: StateSpaceModel, seed: int, tell: Callable[[str, float], None]
) -> tuple[Array, float, str, bool]:
    """Find the maximum of the posterior from the two best of a handful of prior draws."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    location = np.array([p.location for p in model.priors])
    spread = np.array([min(p.spread, 1.0) for p in model.priors])
    starts = [location, *(location + spread * rng.standard_normal((24, len(location))))]
    ranked = sorted(starts, key=lambda start: -model.log_posterior(start))
    if model.log_posterior(ranked[0]) <= _IMPOSSIBLE / 2:
        raise FitError(
            f"{model.history.id}: no {model.law} stock within the priors can have borne these catches and shown these "
            "observations; check the units of catch and biomass, or try another --growth"
        )
    results = []
    for i, start in enumerate(ranked[:2]):
        tell("fit", 0.1 + 0.25 * i)
        results.append(
            minimize(
                lambda x: -model.log_posterior(x),
                start,
                method="L-BFGS-B",
                options={"maxiter": 200, "ftol": 1e-10, "gtol": 1e-4, "eps": 1e-6},
            )
        )
    found = min(results, key=lambda r: float(r.fun))
    converged = bool(found.success)
    words = f"maximum of the posterior found in {sum(r.nit for r in results)} iterations from 2 starts"
    apart = abs(float(results[0].fun) - float(results[1].fun))
    if apart > 0.1:
        words += (
            f", which ended {apart:.1f} units of log posterior apart: the higher is taken, others may exist"
        )
    if not converged:
        words = f"the search for the maximum of the posterior ended early ({found.message}): read with care"
    return np.asarray(found.x, dtype=float), -float(found.fun), words, converged


def _laplace(model: StateSpaceModel, best: Array, value: float) -> tuple[Array, bool]:
    """Return the inverse of minus the curvature at the maximum, by central differences.

    Directions in which the likelihood does not curve down keep at least the prior's curvature.
    """
    k = len(best)
    step = np.array([0.05 * min(p.spread, 1.0) for p in model.priors])
    hessian = np.empty((k, k))
    for i in range(k):
        for j in range(i + 1):
            if i == j:
                up, down = best.copy(), best.copy()
                up[i] += step[i]
                down[i] -= step[i]
                second = (model.log_posterior(up) - 2.0 * value + model.log_posterior(down)) / step[i] ** 2
            else:
                corners = 0.0
                for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                    at = best.copy()
                    at[i] += a * step[i]
                    at[j] += b * step[j]
                    corners += a * b * model.log_posterior(at)
                second = corners / (4.0 * step[i] * step[j])
            hessian[i, j] = hessian[j, i] = -second
    root = np.array([p.spread for p in model.priors])
    # in units of the prior's spread the prior's own curvature is 1: less than that is noise of the differences
    eigenvalues, vectors = np.linalg.eigh(hessian * np.outer(root, root))
    curved = bool(np.isfinite(eigenvalues).all() and eigenvalues.min() > 0.0)
    safe = np.where(np.isfinite(eigenvalues), np.maximum(eigenvalues, 1.0), 1.0)
    return (vectors / safe) @ vectors.T * np.outer(root, root), curved


def _posterior(
    model: StateSpaceModel,
    best: Array,
    value: float,
    covariance: Array,
    words: str,
    converged: bool,
    draws: int,
    seed: int,
    survey: Survey | None,
    tell: Callable[[str, float], None],
) -> Posterior:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    proposals = max(_PROPOSALS_PER_DRAW * draws, _FEWEST_PROPOSALS)
    sample = importance_sample(
        model.log_posterior, best, covariance, proposals, rng, lambda share: tell("fit", 0.6 + 0.3 * share)
    )
    effective = sample.effective_size
    if effective <= 0.0:
        raise FitError(
            f"{model.history.id}: hardly any {model.law} stock near the best one can have borne these "
            "catches; check the units of catch and biomass, or try another --growth"
        )
    words += f"; {draws} draws of the posterior, worth {effective:.0f} of {proposals} independent proposals"
    if effective < min(_TOO_FEW, 0.1 * proposals):
        converged = False
        words += ", which is few: its intervals are rough; ask for more draws or another growth law"
    chosen = sample.resample(draws, rng)
    terminals, trajectories = np.empty(draws), np.empty((draws, len(model.catch)))
    mass = np.zeros(len(model.points))
    for i, place in enumerate(chosen):
        if i == 0 or place != chosen[i - 1]:
            run = model.run(sample.points[place])
        uniforms = rng.random(len(model.catch) + 1)
        trajectories[i], terminals[i] = run.draw(uniforms)
        mass += run.terminal
        tell("fit", 0.9 + 0.1 * i / draws)
    # in no order, so that the first replicates of a run are as good a sample as any
    order = rng.permutation(draws)
    numbers, terminals, trajectories = sample.points[chosen][order], terminals[order], trajectories[order]
    smoothed = model.run(best).smoothed
    members = model.stock(numbers.T, model.scale)
    if not converged:
        warnings.warn(f"{model.history.id}, {model.law}: {words}", ConvergenceWarning, stacklevel=4)
    return Posterior(
        law=model.law,
        best=model.stock(best, model.scale),
        members=ParametricStock(members.growth, members.noise, members.unit, terminals * model.scale),
        survey=model.assumed or LognormalSurvey(float(np.sqrt(np.expm1(model.sigma(best) ** 2)))),
        observed=model.history.observed,
        terminal_edges=model.edges * model.scale,
        terminal_mass=mass / mass.sum(),
        best_biomass=smoothed @ model.points * model.scale,
        trajectory_biomass=trajectories * model.scale,
        log_posterior=value,
        assumptions=_assumptions(model, best, survey),
        status=words,
        converged=converged,
        settings={
            "growth": model.law,
            "draws": draws,
            "seed": seed,
            "catch_cv": model.catch_cv,
            "cells": len(model.points) - 1,
            "history": model.history.id,
            "effective_draws": effective,
        },
        # the priors are given up to their constants
        log_evidence=sample.log_mass - sum(np.log(p.spread * np.sqrt(2.0 * np.pi)) for p in model.priors),
    )


def _assumptions(model: StateSpaceModel, best: Array, survey: Survey | None) -> tuple[str, ...]:
    lines = [
        f"growth law {model.law}, process error lognormal with median f(s); order of events: observe, catch, recruit",
        f"reported catch within a CV of {model.catch_cv:g}",
        f"biomass in the first year around {_START[0]:g} K, within a factor of {np.exp(_START[1]):.1f}",
    ]
    sigma = model.sigma(best)
    if model.assumed is not None:
        chosen = "as asked for" if isinstance(survey, LognormalSurvey) else "an assumption"
        what = (
            "an assessment's output" if model.history.observed == "assessment biomass" else "biomass as given"
        )
        lines.append(
            f"observations are {what}: error CV {np.sqrt(np.expm1(sigma**2)):.2g} {chosen}, not estimated"
        )
    else:
        lines.append(f"observation error of the index estimated: CV {np.sqrt(np.expm1(sigma**2)):.2g}")
    if model.free_q:
        lines.append(
            "observations are relative: catchability is free, and the size of the stock rests on the catch; yet "
            "surveys to come are taken to be in units of biomass and unbiased"
        )
    seen = int(sum(np.isfinite(values).sum() for _, values, _ in model.series))
    if seen < len(model.priors) + 3:
        lines.append(
            f"WARNING: {seen} observations for {len(model.priors)} estimated numbers: the figures rest on the priors"
        )
    return tuple(lines)
