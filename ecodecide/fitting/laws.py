"""Several growth laws fitted to one history, and how much each is to be believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.errors import FitError
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.state_space import fit_state_space
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import LAWS, Array
from ecodecide.stock.survey import Survey


@dataclass(frozen=True, eq=False)
class FittedLaws:
    """The posterior of each growth law.

    Attributes
    ----------
    history
        What they were fitted to.
    posteriors
        By the law's name.
    seconds
        How long each took.
    """

    history: CatchHistory
    posteriors: Mapping[str, Posterior]
    seconds: Mapping[str, float]

    @property
    def weights(self) -> dict[str, float]:
        """The posterior probability of each law, all being as likely before: its share of the marginal likelihoods."""
        log = np.array([posterior.log_evidence for posterior in self.posteriors.values()])
        weight = np.exp(log - log.max())
        return dict(zip(self.posteriors, (weight / weight.sum()).tolist(), strict=True))

    @property
    def tipping_point(self) -> float:
        """The probability that there is a tipping point, over all laws."""
        weights = self.weights
        return float(sum(weights[law] * has_threshold(p).mean() for law, p in self.posteriors.items()))

    @property
    def below_threshold(self) -> float:
        """The probability that there is a tipping point and that the stock is below it, over all laws."""
        weights = self.weights
        return float(sum(weights[law] * is_below(p).mean() for law, p in self.posteriors.items()))


def has_threshold(posterior: Posterior) -> Array:
    """Return, for each draw, 1 where its law has a threshold below which the stock dies, and 0 where not."""
    return np.array([float(bool(world.allee_threshold)) for world in posterior.members.worlds])


def is_below(posterior: Posterior) -> Array:
    """Return, for each draw, 1 where the stock is below its threshold today, and 0 where not, or where it has none."""
    thresholds = np.array([world.allee_threshold or 0.0 for world in posterior.members.worlds])
    return np.asarray(np.asarray(posterior.members.initial_biomass) < thresholds, dtype=float)


def fit_laws(
    history: CatchHistory,
    laws: Sequence[str],
    *,
    survey: Survey | None = None,
    catch_cv: float = 0.05,
    cells: int = 250,
    draws: int = 400,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> FittedLaws:
    """Fit several growth laws to one history; see `ecodecide.fit` for the parameters.

    Parameters
    ----------
    history
        With a biomass or an index.
    laws
        Names of laws, each once.
    survey, catch_cv, cells, draws, seed, progress
        As in `ecodecide.fit`.

    Returns
    -------
    FittedLaws

    Raises
    ------
    FitError
        For an unknown law or one named twice, or when a law cannot be fitted.

    Examples
    --------
    >>> import ecodecide as eco
    >>> fitted = fit_laws(eco.load_history("plaice-north-sea"), ["logistic", "ricker"], draws=20, cells=80)
    >>> bool(abs(sum(fitted.weights.values()) - 1.0) < 1e-12), fitted.tipping_point
    (True, 0.0)
    """
    unknown = [law for law in laws if law not in LAWS]
    if unknown or not laws or len(set(laws)) < len(laws):
        raise FitError(f"laws must be some of {', '.join(LAWS)}, each once, got {', '.join(laws) or 'none'}")
    posteriors, seconds = {}, {}
    for number, law in enumerate(laws):
        begin = time.perf_counter()

        def tell(words: str, share: float, law: str = law, number: int = number) -> None:
            if progress is not None:
                progress(f"{words} {law}", (number + share) / len(laws))

        posteriors[law] = fit_state_space(
            history, law, survey=survey, catch_cv=catch_cv, cells=cells, draws=draws, seed=seed, progress=tell
        )
        seconds[law] = time.perf_counter() - begin
    return FittedLaws(history, posteriors, seconds)


def to_dict(fitted: FittedLaws) -> dict[str, Any]:
    """Return the fit as plain values that JSON can hold: medians and 90 % intervals in the units of the history."""
    weights = fitted.weights
    return {
        "stock": fitted.history.id,
        "laws": {law: _law(fitted, law, weights[law]) for law in fitted.posteriors},
        "p_tipping_point": fitted.tipping_point,
        "p_below_threshold": fitted.below_threshold,
    }


def _law(fitted: FittedLaws, law: str, weight: float) -> dict[str, Any]:
    posterior = fitted.posteriors[law]
    table = posterior.summary()
    points = ("msy", "b_msy", "f_msy")
    shown = ("carrying_capacity", "biomass_now", "b_bmsy", *points)
    return {
        "parameters": {name: found for name, found in table.items() if name not in shown},
        "carrying_capacity": table.get("carrying_capacity"),
        "reference_points": {name: table.get(name) for name in points},
        "status": {
            "biomass": table.get("biomass_now"),
            "b_bmsy": table.get("b_bmsy"),
            "f_fmsy": _fishing(fitted.history, posterior),
            "p_tipping_point": float(has_threshold(posterior).mean()),
            "p_below_threshold": float(is_below(posterior).mean()),
        },
        "weights": {"marginal_likelihood": weight, "log_evidence": posterior.log_evidence},
        "diagnostics": {
            "effective_draws": posterior.settings["effective_draws"],
            "converged": posterior.converged,
            "status": posterior.status,
            "seconds": fitted.seconds[law],
        },
        "assumptions": list(posterior.assumptions),
    }


def _fishing(history: CatchHistory, posterior: Posterior) -> dict[str, float] | None:
    """Return the fishing mortality of the last year with a catch, over F_MSY: catch / biomass before harvest."""
    known = np.flatnonzero(np.isfinite(history.catch))
    if known.size == 0:
        return None
    f_msy = np.array([world.f_msy for world in posterior.members.worlds])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = history.catch[known[-1]] / posterior.trajectory_biomass[:, known[-1]] / f_msy
    ratio = ratio[np.isfinite(ratio)]
    if ratio.size == 0:
        return None
    low, median, high = np.quantile(ratio, [0.05, 0.5, 0.95])
    return {"low": float(low), "median": float(median), "high": float(high)}
