"""How often model selection would overlook a tipping point in data like those at hand.

Stocks with a tipping point are drawn from the posterior of a law that has one, fished as hard as the stock at hand in
the same years, and seen with the same errors in the same years; each is fitted by all laws, and the law that a
criterion prefers is asked whether it has a tipping point. (Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631,
warn that it may not; how often depends on the data: it is rare where they are many and near the threshold, and common
where they are few, noisy or far from it.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

from ecodecide.fitting.criteria import largest_log_likelihood
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.side_by_side import side_by_side
from ecodecide.fitting.state_space import climb, laplace
from ecodecide.fitting.tipping_point import has_threshold
from ecodecide.stock.growth import Array
from ecodecide.stock.reference_points import law_reference_points

CRITERIA = ("AIC", "BIC", "marginal likelihood")
_CELLS = 80
"""Cells of the filter: selection asks for the difference of large numbers, all of which share the grid's error."""
_ATTEMPTS, _HARDEST = 50, 0.95
"""Attempts at a simulated stock that outlives the history, as the one at hand has; the most of it that is caught."""


@dataclass(frozen=True)
class Selection:
    """How often selection overlooked the tipping point.

    Attributes
    ----------
    law
        Whose posterior the simulated stocks were drawn from.
    simulations
        How many there are.
    overlooked
        By criterion, in how many of them a law without a tipping point was preferred.
    """

    law: str
    simulations: int
    overlooked: Mapping[str, int]

    def interval(self, criterion: str) -> dict[str, float]:
        """Return the share with its 95 % interval (Wilson)."""
        found = binomtest(self.overlooked[criterion], self.simulations)
        low, high = found.proportion_ci(method="wilson")
        return {"value": float(found.statistic), "low": float(low), "high": float(high)}


def selection(
    posteriors: Mapping[str, Posterior],
    simulations: int = 20,
    seed: int = 1,
    progress: Callable[[float], None] = lambda share: None,
) -> Selection | None:
    """Simulate; None where no law, or hardly any of its draws, has a tipping point that a stock outlives.

    Parameters
    ----------
    posteriors
        By law, at least two, all of one history.
    simulations
        How many stocks to draw.
    seed
        Of the simulated stocks.
    """
    certain = {law: float(has_threshold(p).mean()) for law, p in posteriors.items()}
    law = max(certain, key=lambda name: certain[name])
    if certain[law] == 0.0 or len(posteriors) < 2:
        return None
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3,)))
    made = [one for one in (_simulated(posteriors[law], rng) for _ in range(simulations)) if one is not None]
    if not made:
        return None
    with threadpool_limits(limits=1):
        kept = side_by_side([partial(_prefers_one, posteriors, *one) for one in made], progress)
    overlooked = {name: sum(not each[name] for each in kept) for name in CRITERIA}
    return Selection(law, len(made), overlooked)


def _simulated(posterior: Posterior, rng: np.random.Generator) -> tuple[Array, list[Array]] | None:
    """Return catches and observations of a stock with a tipping point, or None where none outlives the history."""
    record = posterior.record
    assert record is not None
    model, places = record.model, record.order[np.flatnonzero(has_threshold(posterior))]
    for _ in range(_ATTEMPTS):
        place = int(rng.choice(places))
        point = record.points.reshape(record.size, -1)[place]
        stock, once = model.stock(point), record.biomass.reshape(record.size, -1)[place] / model.scale
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.clip(model.catch / once, 0.0, _HARDEST)
        x, truth = float(once[0]), np.empty(len(rate))
        for t, share in enumerate(np.nan_to_num(rate)):
            truth[t] = x
            x = float(stock.step(np.asarray(x * (1.0 - share)), np.asarray(rng.standard_normal())))
        if truth.min() > 0.0:
            error = np.exp(np.sqrt(np.log1p(model.catch_cv**2)) * rng.standard_normal(len(rate)))
            return truth * rate * error, model.observe(point, truth, rng)
    return None


def _prefers_one(
    posteriors: Mapping[str, Posterior], catch: Array, values: list[Array], tell: Callable[[float], None]
) -> dict[str, bool]:
    """Return, by criterion, whether the law that it prefers has a tipping point."""
    scores: dict[str, list[float]] = {name: [] for name in CRITERIA}
    has_one: dict[str, list[bool]] = {name: [] for name in CRITERIA}
    for number, posterior in enumerate(posteriors.values()):
        tell(number / len(posteriors))
        record = posterior.record
        assert record is not None
        old = record.model
        series = tuple(replace(one, values=new) for one, new in zip(old.series, values, strict=True))
        model = replace(old, catch=catch, series=series).regridded(_CELLS)
        best, value = climb(model, record.best)
        likeliest, height = largest_log_likelihood(model, [best])
        k, n = len(best), sum(int(one.judged.sum()) for one in series)
        covariance, _ = laplace(model, best, value)
        # Laplace's approximation; the priors' constants are those of each law's own numbers
        evidence = value + 0.5 * float(np.linalg.slogdet(covariance)[1])
        evidence -= sum(float(np.log(prior.spread)) for prior in model.priors)
        at = (likeliest, likeliest, best)
        found = (height - k, height - 0.5 * k * np.log(n), evidence)
        for name, score, point in zip(CRITERIA, found, at, strict=True):
            scores[name].append(float(score))
            has_one[name].append(law_reference_points(model.stock(point).growth).allee_threshold is not None)
    return {name: has_one[name][int(np.argmax(scores[name]))] for name in CRITERIA}
