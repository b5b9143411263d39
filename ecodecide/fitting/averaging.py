"""One stock of several fitted laws, each in proportion to how much it is to be believed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ecodecide.fitting.grid_filter import log_cells
from ecodecide.fitting.posterior import Posterior
from ecodecide.stock.mixed_growth import MixedGrowth
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock

AVERAGED = "averaged"
"""The name of the law of such a stock."""


def average(posteriors: Mapping[str, Posterior], weights: Mapping[str, float], seed: int = 1) -> Posterior:
    """Return the mixture of several posteriors of one history (Bayesian model averaging).

    Parameters
    ----------
    posteriors
        By law.
    weights
        By law, with sum 1.
    seed
        Of the order of the members.

    Returns
    -------
    Posterior
        With as many members as the posteriors have on average, each law its share of them. Rules take their reference
        points from `best`, the best estimate under the law with the largest weight; `best_biomass` and the survey are
        of that law, too.

    References
    ----------
    Hoeting, Madigan, Raftery & Volinsky 1999, Statistical Science 14:382.
    """
    if len(posteriors) == 1:
        return next(iter(posteriors.values()))
    laws = list(posteriors)
    each = [posteriors[law] for law in laws]
    share = np.array([weights[law] for law in laws])
    draws = round(float(np.mean([p.size for p in each])))
    ticks = (np.arange(draws) + 0.5) / draws
    which = np.minimum(np.searchsorted(np.cumsum(share), ticks), len(laws) - 1)
    row = np.concatenate([np.arange(count) for count in np.bincount(which, minlength=len(laws))])
    row = row % np.array([p.size for p in each])[which]
    order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,))).permutation(draws)
    which, row = which[order], row[order]

    def chosen(values: list[np.ndarray]) -> np.ndarray:
        return np.array([values[w][r] for w, r in zip(which, row, strict=True)])

    heaviest = each[int(share.argmax())]
    lowest = min(float(p.terminal_edges[2]) for p in each)
    highest = max(float(p.terminal_edges[-1]) for p in each)
    _, edges = log_cells(lowest, highest, len(heaviest.terminal_edges) - 2)
    words = ", ".join(f"{law} {100.0 * weights[law]:.0f} %" for law in laws)
    members = ParametricStock(
        MixedGrowth(tuple(p.members.growth for p in each), which, row),
        LognormalNoise(chosen([p.members.noise.sigma for p in each])),  # type: ignore[attr-defined]
        heaviest.unit,
        chosen([np.asarray(p.members.initial_biomass) for p in each]),
    )
    lines = dict.fromkeys(
        line for p in each for line in p.assumptions if not line.startswith(("growth law", "priors under"))
    )
    return Posterior(
        law=AVERAGED,
        best=heaviest.best,
        members=members,
        survey=heaviest.survey,
        observed=heaviest.observed,
        terminal_edges=edges,
        terminal_mass=np.sum(
            [s * p.terminal_belief(edges) for s, p in zip(share, each, strict=True)], axis=0
        ),
        best_biomass=heaviest.best_biomass,
        trajectory_biomass=chosen([p.trajectory_biomass for p in each]),
        log_posterior=heaviest.log_posterior,
        assumptions=(
            f"growth laws averaged by their marginal likelihoods, all being as likely before: {words}; process error "
            "lognormal with median f(s); order of events: observe, catch, recruit",
            f"rules take their reference points from the best estimate under {heaviest.law}, the likeliest law",
            *lines,
        ),
        status="; ".join(f"{law}: {p.status}" for law, p in posteriors.items()),
        converged=all(p.converged for p in each),
        settings={
            **heaviest.settings,
            "growth": laws,
            "weights": {law: float(weights[law]) for law in laws},
            "priors": {law: p.settings["priors"] for law, p in posteriors.items()},
        },
        seconds=float(sum(p.seconds for p in each)),
    )
