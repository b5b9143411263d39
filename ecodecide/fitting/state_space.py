"""The state-space fit of a growth law to a history.

The search is for the maximum of the posterior of the model's few numbers; Laplace's approximation there proposes draws,
which are weighed by the posterior itself; Markov chains that propose from what was learned then run until they agree,
and bridge sampling between them and their shape gives the marginal likelihood.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import OptimizeResult, minimize
from threadpoolctl import threadpool_limits

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.chains import CHAINS, run_chains
from ecodecide.fitting.evidence import bridge
from ecodecide.fitting.importance import importance_sample
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.priors import GrowthFamily, Prior
from ecodecide.fitting.record import record
from ecodecide.fitting.state_space_model import IMPOSSIBLE, StateSpaceModel
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Array
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, Survey

_PROPOSALS_PER_DRAW, _FEWEST_PROPOSALS = 2, 400
"""Proposals of the importance sampler for each draw asked for, and at least so many."""
_VAGUE = 0.3
"""The standard error of the log marginal likelihood that is said aloud: weights differ by a third for it."""
_ROUGH = 80
"""Cells on which the maximum is searched before it is climbed on all."""


def fit_state_space(
    history: CatchHistory,
    law: str | GrowthFamily,
    *,
    survey: Survey | None,
    catch_cv: float,
    cells: int,
    draws: int,
    seed: int,
    priors: Mapping[str, Prior] | None = None,
    progress: Callable[[str, float], None] | None,
) -> Posterior:
    """Fit one growth law; see `ecodecide.fit` for the parameters.

    Raises
    ------
    FitError
        When the history has no abundance, or no stock of this law can have borne its catches.
    """
    begin = time.perf_counter()
    rough = StateSpaceModel.of(history, law, survey, catch_cv, min(cells, _ROUGH), priors)
    tell = progress or (lambda words, share: None)
    with threadpool_limits(limits=1):
        found, _, words, converged = search(rough, seed, tell)
        model = rough.focused(found, cells)
        best, value = climb(model, found)
        covariance, curved = laplace(model, best, value)
        return _posterior(
            model, best, value, covariance, words, converged and curved, draws, seed, survey, tell, begin
        )


def search(
    model: StateSpaceModel, seed: int, tell: Callable[[str, float], None]
) -> tuple[Array, float, str, bool]:
    """Find the maximum of the posterior from the two best of a handful of prior draws."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    location = np.array([p.location for p in model.priors])
    spread = np.array([min(p.spread, 1.0) for p in model.priors])
    starts = [location, *(location + spread * rng.standard_normal((24, len(location))))]
    ranked = sorted(starts, key=lambda start: -model.log_posterior(start))
    if model.log_posterior(ranked[0]) <= IMPOSSIBLE / 2:
        raise FitError(
            f"{model.history.id}: no {model.law} stock within the priors can have borne these catches and shown these "
            "observations; check the units of catch and biomass, or try another --growth"
        )
    results = []
    for i, start in enumerate(ranked[:2]):
        tell("fit", 0.1 + 0.1 * i)
        results.append(_minimum(model, start))
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


def climb(model: StateSpaceModel, start: Array) -> tuple[Array, float]:
    """Return the maximum of the posterior near a start, and the log posterior there."""
    found = _minimum(model, start)
    return np.asarray(found.x, dtype=float), -float(found.fun)


def _minimum(model: StateSpaceModel, start: Array) -> OptimizeResult:
    return minimize(
        lambda x: -model.log_posterior(x),
        start,
        method="L-BFGS-B",
        options={"maxiter": 200, "ftol": 1e-10, "gtol": 1e-4, "eps": 1e-6},
    )


def laplace(model: StateSpaceModel, best: Array, value: float) -> tuple[Array, bool]:
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
    begin: float,
) -> Posterior:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    proposals = max(_PROPOSALS_PER_DRAW * draws, _FEWEST_PROPOSALS)
    sample = importance_sample(
        model.log_posterior, best, covariance, proposals, rng, lambda share: tell("fit", 0.3 + 0.2 * share)
    )
    if sample.effective_size <= 0.0:
        raise FitError(
            f"{model.history.id}: hardly any {model.law} stock near the best one can have borne these "
            "catches; check the units of catch and biomass, or try another --growth"
        )
    chains = run_chains(
        model.log_posterior,
        sample,
        draws,
        int(rng.integers(2**31)),
        lambda share: tell("fit", 0.5 + 0.3 * share),
    )
    words += (
        f"; {CHAINS} chains of {chains.points.shape[1]} steps, R-hat {chains.rhat:.3f}, "
        f"effective sample size {chains.effective:.0f}"
    )
    if not chains.converged:
        words += ": the chains do not agree well enough, and the intervals are rough; ask for more draws or another law"
    evidence = bridge(
        model.log_posterior, chains, proposals // 2, rng, lambda share: tell("fit", 0.8 + 0.05 * share)
    )
    if evidence.error > _VAGUE:
        words += f"; its marginal likelihood is vague, by a factor of {np.exp(evidence.error):.2g}"
    kept = record(
        model,
        best,
        chains,
        evidence.error,
        draws,
        rng,
        lambda share: tell("fit", 0.85 + 0.15 * share),
    )
    order = kept.order
    numbers = kept.points.reshape(kept.size, -1)[order]
    members = model.stock(numbers.T, model.scale)
    converged = converged and chains.converged
    if not converged:
        warnings.warn(f"{model.history.id}, {model.law}: {words}", ConvergenceWarning, stacklevel=4)
    terminals, trajectories = kept.terminal.reshape(-1)[order], kept.biomass.reshape(kept.size, -1)[order]
    return Posterior(
        law=model.law,
        best=model.stock(best, model.scale),
        members=ParametricStock(members.growth, members.noise, members.unit, terminals),
        survey=model.assumed or LognormalSurvey(float(np.sqrt(np.expm1(model.sigma(best) ** 2)))),
        observed=model.history.observed,
        terminal_edges=model.edges * model.scale,
        terminal_mass=kept.terminal_mass,
        best_biomass=model.run(best).smoothed @ model.points * model.scale,
        trajectory_biomass=trajectories,
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
            "priors": {p.name: str(p) for p in (*model.natural_priors, model.psi)},
        },
        # the priors are given up to their constants
        log_evidence=evidence.log_mass - sum(np.log(p.spread * np.sqrt(2.0 * np.pi)) for p in model.priors),
        record=kept,
        seconds=time.perf_counter() - begin,
    )


def _assumptions(model: StateSpaceModel, best: Array, survey: Survey | None) -> tuple[str, ...]:
    lines = [
        f"growth law {model.law}, process error lognormal with median f(s); order of events: observe, catch, recruit",
        f"reported catch within a CV of {model.catch_cv:g}",
        f"biomass in the first year around {model.psi.center:g} K, within a factor of {np.exp(model.psi.spread):.1f}",
    ]
    told = [str(prior) for prior in model.natural_priors if not prior.name.startswith("q:")]
    lines.append(f"priors under {model.law}: {'; '.join(told)}")
    for series in model.series:
        cv = np.sqrt(np.expm1(model.sigma(best, series) ** 2))
        if series.error is None:
            chosen = "as asked for" if isinstance(survey, LognormalSurvey) else "an assumption"
            what = (
                "an assessment's output"
                if model.history.observed == "assessment biomass"
                else "biomass as given"
            )
            lines.append(f"observations are {what}: error CV {cv:.2g} {chosen}, not estimated")
        else:
            named = "" if len(model.series) == 1 else f" {series.name}"
            beyond = " beyond its standard errors" if series.given.any() else ""
            lines.append(f"observation error of the index{named} estimated: CV {cv:.2g}{beyond}")
    if model.free_q:
        lines.append(
            "observations are relative: catchability is free, and the size of the stock rests on the catch; yet "
            "surveys to come are taken to be in units of biomass and unbiased"
        )
    seen = sum(int(series.seen.sum()) for series in model.series)
    if seen < len(model.priors) + 3:
        lines.append(
            f"WARNING: {seen} observations for {len(model.priors)} estimated numbers: the figures rest on the priors"
        )
    return tuple(lines)
