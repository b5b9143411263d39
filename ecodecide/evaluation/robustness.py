"""How policies compare over several worlds: values, risks, regret, and how far a ranking can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import kendalltau

from ecodecide.evaluation.intervals import Counts
from ecodecide.evaluation.scores import draws_of
from ecodecide.stock.growth import Array

_RESAMPLES = 1000
_BATCH = 100
_BOOTSTRAP = 2
"""The spawn key of the resampling, apart from those of worlds and luck."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """The policies of one world in order, best first.

    Attributes
    ----------
    order
        Names, best first.
    stability
        The share of bootstrap resamples of the futures with the very same order; NaN where policies tie.
    best
        By policy: the share of resamples in which it is first; those that tie share it.
    """

    order: tuple[str, ...]
    stability: float
    best: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, None for what is not defined."""
        stability = None if np.isnan(self.stability) else self.stability
        return {"order": list(self.order), "stability": stability, "best": self.best}


@dataclass(frozen=True, eq=False)
class Robustness:
    """Policies in every plausible world.

    Attributes
    ----------
    worlds, policies
        Their names.
    value, collapse
        Shape (worlds, policies): mean net present value, and the probability of collapse as it was asked for; NaN
        where it is not defined.
    regret
        Shape (policies,): the largest over worlds of what the best policy of that world earns more (Savage 1951, J. Am.
        Stat. Assoc. 46:55).
    regret_interval
        Shape (policies, 2): its 95 % interval, from the differences between all policies in all worlds, which hold at
        once: so it does not take the luckiest for the best.
    rankings
        By world, then by ``"value"`` and ``"collapse"``; the latter is missing where collapse is not defined.
    definitions
        By world: of each limit and way to count, the order of the policies by risk, how stable it is, and its agreement
        (Kendall's tau-b; None where all are alike) with the order by the collapse that was asked for.
    """

    worlds: tuple[str, ...]
    policies: tuple[str, ...]
    value: Array
    collapse: Array
    regret: Array
    regret_interval: Array
    rankings: dict[str, dict[str, Ranking]]
    definitions: dict[str, list[dict[str, Any]]]

    @property
    def minimax_regret(self) -> str:
        """The policy whose largest regret is the smallest."""
        return self.policies[int(np.argmin(self.regret))]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold, None for what is not defined."""

        def matrix(values: Array) -> dict[str, dict[str, float | None]]:
            return {
                world: {
                    policy: float(x) if np.isfinite(x) else None
                    for policy, x in zip(self.policies, row, strict=True)
                }
                for world, row in zip(self.worlds, values, strict=True)
            }

        return {
            "worlds": list(self.worlds),
            "policies": list(self.policies),
            "value": matrix(self.value),
            "collapse": matrix(self.collapse),
            "regret": dict(zip(self.policies, self.regret.tolist(), strict=True)),
            "regret_interval": dict(zip(self.policies, self.regret_interval.tolist(), strict=True)),
            "minimax_regret": self.minimax_regret,
            "ranking": {
                world: {by: ranking.to_dict() for by, ranking in found.items()}
                for world, found in self.rankings.items()
            },
            "collapse_definitions": self.definitions,
        }


def robustness(measured: xr.Dataset, seed: int = 1) -> Robustness:
    """Compare policies over worlds.

    Parameters
    ----------
    measured
        What `ecodecide.evaluation.scores.measure` returns, of one world or several.
    seed
        Of the bootstrap, which draws futures anew, those that share a draw of the stock together, and the same for all
        policies and worlds: so what pairs them is kept. Where worlds share draws differently, those of the world with
        the fewest are drawn together.

    Returns
    -------
    Robustness

    Examples
    --------
    >>> import ecodecide as eco
    >>> from ecodecide.evaluation.scores import measure
    >>> noise, survey = eco.LognormalNoise(sigma=0.2), eco.LognormalSurvey(cv=0.2)
    >>> slow = eco.ParametricStock(eco.Logistic(r=0.3, K=1.0), noise)
    >>> quick = eco.ParametricStock(eco.Logistic(r=0.9, K=1.0), noise)
    >>> problem = eco.HarvestProblem(stock=quick, survey=survey)
    >>> policies = {rule: eco.Precautionary(rule).solve(problem).policy for rule in ("msy", "no-fishing")}
    >>> runs = eco.evaluate(policies, truth=[eco.World(slow, "slow"), eco.World(quick, "quick")], survey=survey,
    ...                     economy=problem.economy, initial_biomass=1.0, years=20, replicates=50)
    >>> robustness(measure(runs)).minimax_regret
    'msy'
    """
    policies = tuple(str(p) for p in measured["policy"].values)
    worlds = tuple(str(w) for w in measured["world"].values)
    asked = measured.attrs["collapse"]
    npv = measured["outcome"].sel(metric="npv").transpose("world", "policy", "replicate").values
    flags = measured["collapsed"].transpose("world", "limit", "when", "policy", "replicate")
    draws = min((draws_of(measured.isel(world=w)) for w in range(len(worlds))), key=lambda one: len(set(one)))
    values, resampled, risks = [], [], []
    rankings: dict[str, dict[str, Ranking]] = {}
    definitions = {}
    for w, world in enumerate(worlds):
        kinds = [(str(limit), str(when)) for limit in flags["limit"].values for when in flags["when"].values]
        risk = [flags.sel(limit=limit, when=when).values[w].astype(float) for limit, when in kinds]
        means, again = _bootstrap(
            np.stack([npv[w], *risk]), draws, np.random.SeedSequence(seed, spawn_key=(_BOOTSTRAP,))
        )
        values.append(means[0])
        resampled.append(again[:, 0])
        main = 1 + kinds.index((asked, "ever"))
        risks.append(means[main])
        rankings[world] = {"value": _ranking(policies, -means[0], -again[:, 0])}
        if np.isfinite(means[main]).all():
            rankings[world]["collapse"] = _ranking(policies, means[main], again[:, main])
        definitions[world] = [
            {
                "limit": limit,
                "when": when,
                **_ranking(policies, means[k], again[:, k]).to_dict(),
                "agreement": _agreement(means[k], means[main]),
            }
            for k, (limit, when) in enumerate(kinds, 1)
            if np.isfinite(means[k]).all()
        ]
    table = np.stack(values)
    regret = (table.max(axis=1, keepdims=True) - table).max(axis=0)
    return Robustness(
        worlds,
        policies,
        table,
        np.stack(risks),
        regret,
        _regret_interval(table, np.stack(resampled)),
        rankings,
        definitions,
    )


def _bootstrap(values: Array, draws: Counts, seed: np.random.SeedSequence) -> tuple[Array, Array]:
    """Return means over replicates and over resamples of them.

    Parameters
    ----------
    values
        Shape (quantities, policies, replicates), NaN where something is not defined.
    draws
        Shape (replicates,): those of one number are drawn together.

    Returns
    -------
    means
        Shape (quantities, policies).
    resampled
        Shape (resamples, quantities, policies).
    """
    groups = int(draws.max()) + 1
    flat = values.reshape(-1, values.shape[-1])
    known = np.isfinite(flat)
    total = np.stack([np.bincount(draws, row, groups) for row in np.where(known, flat, 0.0)], axis=1)
    count = np.stack([np.bincount(draws, row, groups) for row in known.astype(float)], axis=1)
    rng = np.random.default_rng(seed)
    parts = []
    with np.errstate(invalid="ignore"):
        for _ in range(_RESAMPLES // _BATCH):
            weights = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=_BATCH).astype(float)
            parts.append((weights @ total) / (weights @ count))
        means = total.sum(axis=0) / count.sum(axis=0)
    shape = values.shape[:-1]
    return means.reshape(shape), np.concatenate(parts).reshape(-1, *shape)


def _ranking(policies: tuple[str, ...], loss: Array, resampled: Array) -> Ranking:
    """Return the order by a loss, shape (policies,), and how it fares in resamples, shape (resamples, policies)."""
    order = np.argsort(loss, kind="stable")
    ranked = np.where(np.isfinite(resampled), resampled, np.inf)[:, order]
    same = (ranked[:, 1:] > ranked[:, :-1]).all(axis=1)
    first = ranked == ranked.min(axis=1, keepdims=True)
    share = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    best = {policies[place]: float(share[i]) for i, place in enumerate(order)}
    ties = len(set(loss.tolist())) < len(policies)
    return Ranking(tuple(policies[i] for i in order), np.nan if ties else float(same.mean()), best)


def _regret_interval(value: Array, resampled: Array) -> Array:
    """Return a 95 % interval of the largest regret of each policy, shape (policies, 2).

    A regret is the largest of many differences; that of the sample is the larger, the more of them there are. So all
    differences are bounded at once, by the quantile of the largest of their standardized deviations in the resamples
    (Hsu 1984, Annals of Statistics 12:1136, compares with the best so), and the largest of the bounds bound the
    largest.

    Parameters
    ----------
    value
        Shape (worlds, policies).
    resampled
        Shape (worlds, resamples, policies).
    """
    difference = value[:, None, :] - value[:, :, None]  # what the other earns more than the policy
    again = resampled[:, :, None, :] - resampled[:, :, :, None]
    error = again.std(axis=1)
    deviation = np.abs(again - difference[:, None])
    standardized = np.divide(deviation, error[:, None], out=np.zeros(again.shape), where=error[:, None] > 0.0)
    critical = float(np.quantile(standardized.max(axis=(0, 2, 3)), 0.95))
    low = (difference - critical * error).max(axis=(0, 2))
    high = (difference + critical * error).max(axis=(0, 2))
    return np.column_stack([np.maximum(low, 0.0), np.maximum(high, 0.0)])


def _agreement(one: Array, other: Array) -> float | None:
    if len(one) < 2 or not np.isfinite([*one, *other]).all():
        return None
    tau = float(kendalltau(one, other).statistic)
    return tau if np.isfinite(tau) else None
