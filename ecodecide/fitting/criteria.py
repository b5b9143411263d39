"""How well a fitted law explains a history, by the criteria in use.

The marginal likelihood is what the laws are averaged by; the others stand beside it, because readers ask for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.record import FitRecord
from ecodecide.fitting.state_space_model import IMPOSSIBLE, StateSpaceModel
from ecodecide.stock.growth import Array

_BOX = 5.0
"""The likelihood is climbed within so many prior standard deviations: on a flat ridge it would run away for ever."""
_GOOD_K = 0.7
"""Pareto k above which an observation's share of leave-one-out is not to be relied on (Vehtari et al. 2024)."""


@dataclass(frozen=True)
class Criteria:
    """Scores of one law on one history.

    Attributes
    ----------
    log_evidence
        Log marginal likelihood, over all of the priors, up to a constant that all laws share.
    log_likelihood
        The largest.
    numbers, observations
        How many numbers were estimated, and from how many observations.
    loo, loo_se
        Expected log predictive density of an observation left out, summed, and its standard error; larger is better.
    doubtful
        How many observations leave-one-out cannot judge well (Pareto k above 0.7).
    dic
        Deviance information criterion; smaller is better.
    """

    log_evidence: float
    log_likelihood: float
    numbers: int
    observations: int
    loo: float
    loo_se: float
    doubtful: int
    dic: float

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 k - 2 log L; smaller is better."""
        return 2.0 * self.numbers - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """The Bayesian (Schwarz) criterion, k log n - 2 log L; smaller is better."""
        return self.numbers * float(np.log(self.observations)) - 2.0 * self.log_likelihood


def criteria(posterior: Posterior) -> Criteria:
    """Score a fitted law.

    Parameters
    ----------
    posterior
        Of one law, with its record.

    References
    ----------
    Leave-one-out by Pareto-smoothed importance sampling over the parameters, biomass being summed over exactly:
    Vehtari, Mononen, Tolvanen, Sivula & Winther 2016, Journal of Machine Learning Research 17:103; Vehtari, Gelman &
    Gabry 2017, doi:10.1007/s11222-016-9696-4. DIC = mean D + (mean D - D at the mean): Spiegelhalter, Best, Carlin &
    van der Linde 2002, doi:10.1111/1467-9868.00353.
    """
    record = posterior.record
    assert record is not None
    elpd, doubtful = leave_one_out(record)
    points = record.points.reshape(record.size, -1)
    starts = [record.best, points[int(record.log_likelihood.argmax())]]
    _, highest = largest_log_likelihood(record.model, starts)
    deviance = -2.0 * float(record.log_likelihood.mean())
    saved = deviance + 2.0 * record.model.run(points.mean(axis=0)).log_likelihood
    count = len(elpd)
    return Criteria(
        log_evidence=posterior.log_evidence,
        log_likelihood=max(highest, float(record.log_likelihood.max())),
        numbers=len(record.model.priors),
        observations=count,
        loo=float(elpd.sum()),
        loo_se=float(np.sqrt(count * elpd.var())),
        doubtful=doubtful,
        dic=deviance + saved,
    )


def leave_one_out(record: FitRecord) -> tuple[Array, int]:
    """Return the log predictive density of each observation left out, and how many of them are doubtful."""
    from arviz_stats.base.array import array_stats

    log_density = np.moveaxis(record.left_out, -1, 0)
    elpd, k, _ = array_stats.loo(log_density)
    return np.asarray(elpd, dtype=float), int((np.asarray(k) > _GOOD_K).sum())


def largest_log_likelihood(model: StateSpaceModel, starts: Sequence[Array]) -> tuple[Array, float]:
    """Return the numbers of the largest log-likelihood within five prior standard deviations, and that."""
    bounds = [(p.location - _BOX * p.spread, p.location + _BOX * p.spread) for p in model.priors]

    def loss(searched: Array) -> float:
        value = model.run(searched).log_likelihood
        return -value if np.isfinite(value) else -IMPOSSIBLE

    found = [
        minimize(loss, start, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-9}) for start in starts
    ]
    best = min(found, key=lambda one: float(one.fun))
    return np.asarray(best.x, dtype=float), -float(best.fun)


def shares(scores: Mapping[str, float], scale: float = 1.0) -> dict[str, float]:
    """Return weights in proportion to exp(scale times score), with sum 1; what has no score has no weight.

    Where nothing has a score, all weigh the same.
    """
    log = scale * np.array(list(scores.values()))
    log = np.where(np.isfinite(log), log, -np.inf)
    top = float(log.max())
    weight = np.exp(log - top) if np.isfinite(top) else np.ones_like(log)
    return dict(zip(scores, (weight / weight.sum()).tolist(), strict=True))
