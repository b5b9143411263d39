"""The fit of a logistic stock of the literature: no process error, the stock untouched in the first year.

    B[1] = K,   B[t+1] = f(B[t]) - h[t]                    "recruit-first": growth, then the catch of the year
    B[1] = K,   B[t+1] = f(B[t] - h[t])                    "harvest-first", the order of ecodecide elsewhere
    I[t] = q B[t] exp(tau w[t])

It stands beside the state-space fit for comparison with published fits such as those of Polacheck, Hilborn & Punt
1993, doi:10.1139/f93-284, and for nothing else: what it calls certain, the path of the biomass, is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ecodecide.errors import FitError
from ecodecide.fitting.importance import importance_sample
from ecodecide.history.catch_history import CatchHistory
from ecodecide.stock.growth import Array

ORDERS = ("recruit-first", "harvest-first")

_IMPOSSIBLE = -1e9
_RATES = (0.05, 0.15, 0.3, 0.6, 1.0)
_SIZES = (6.0, 10.0, 20.0, 40.0)
"""Where the search begins: growth rates, and carrying capacities in mean catches."""


@dataclass(frozen=True, eq=False)
class ObservationErrorFit:
    """A logistic stock fitted with observation error alone.

    Attributes
    ----------
    order
        The order of events.
    best
        The maximum of the likelihood: ``r``, ``K``, and ``msy`` = r K / 4.
    draws
        Weighted draws made equal, shape (draws,) each, under flat priors of log r and log K; catchability and error
        are integrated with their usual flat priors, of the logarithms.
    biomass
        Shape (years,): at the best.
    effective_draws
        How many independent draws these are worth.
    log_likelihood
        At the best, of the logarithms of the index, up to a constant.
    """

    order: str
    best: Mapping[str, float]
    draws: Mapping[str, Array]
    biomass: Array
    effective_draws: float
    log_likelihood: float


def fit_observation_error(
    history: CatchHistory, order: str = "recruit-first", draws: int = 400, seed: int = 1
) -> ObservationErrorFit:
    """Fit a logistic stock to an index with observation error alone.

    Parameters
    ----------
    history
        With an index or a biomass in some years.
    order
        ``"recruit-first"`` or ``"harvest-first"``.
    draws
        Draws of r and K.
    seed
        The same seed gives the same draws.

    Returns
    -------
    ObservationErrorFit

    Raises
    ------
    FitError
        For another order, without observations, or when no stock bears the catches.

    Examples
    --------
    >>> import ecodecide as eco
    >>> fitted = fit_observation_error(eco.load_history("albacore-south-atlantic"), draws=20)
    >>> {name: float(f"{value:.3g}") for name, value in fitted.best.items()}
    {'r': 0.32, 'K': 243.0, 'msy': 19.5}
    """
    if order not in ORDERS:
        raise FitError(f"order must be one of {', '.join(ORDERS)}, got {order!r}")
    catch, series = _observed(history)

    def log_likelihood(searched: Array) -> float:
        r, k = np.exp(searched)
        return _log_likelihood(biomass_path(float(r), float(k), catch, order), series)

    size = float(np.mean(catch[catch > 0.0]))
    starts = [np.log([r, k * size]) for r in _RATES for k in _SIZES]
    start = max(starts, key=log_likelihood)
    if log_likelihood(start) <= _IMPOSSIBLE:
        raise FitError(
            f"{history.id}: no logistic stock that began untouched can have borne these catches; check the units, or "
            "fit it with process error"
        )
    found = minimize(
        lambda x: -log_likelihood(x), start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}
    )
    sample = importance_sample(
        log_likelihood,
        found.x,
        _curvature(log_likelihood, found.x),
        max(4 * draws, 400),
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,))),
        lambda share: None,
    )
    chosen = sample.points[sample.resample(draws, np.random.default_rng(seed))]
    r, k = np.exp(found.x)
    drawn_r, drawn_k = np.exp(chosen).T
    return ObservationErrorFit(
        order,
        {"r": float(r), "K": float(k), "msy": float(r * k / 4.0)},
        {"r": drawn_r, "K": drawn_k, "msy": drawn_r * drawn_k / 4.0},
        biomass_path(r, k, catch, order),
        sample.effective_size,
        -float(found.fun),
    )


def biomass_path(r: float, K: float, catch: Array, order: str) -> Array:
    """Return the biomass at the start of each year, from K on; NaN from the year on that the stock cannot bear.

    Parameters
    ----------
    r, K
        Of logistic growth f(s) = s + r s (1 - s / K).
    catch
        Shape (years,).
    order
        One of `ORDERS`.
    """
    path = np.full(len(catch), np.nan)
    biomass = K
    for year, caught in enumerate(catch):
        path[year] = biomass
        escapement = biomass if order == "recruit-first" else biomass - caught
        biomass = escapement + r * escapement * (1.0 - escapement / K)
        biomass -= caught if order == "recruit-first" else 0.0
        if biomass <= 0.0 or escapement <= 0.0:
            break
    return path


def _observed(history: CatchHistory) -> tuple[Array, list[Array]]:
    """Return the catch up to the last observation, and the series of observations."""
    if not history.observations:
        raise FitError(
            f"{history.id}: neither a biomass nor an index, so nothing tells how large the stock is"
        )
    series = [np.asarray(values, dtype=float) for values in history.observations.values()]
    last = max(int(np.flatnonzero(np.isfinite(values))[-1]) for values in series)
    catch = np.asarray(history.catch, dtype=float)[: last + 1].copy()
    # the catch of the last year comes after its observation
    catch[last] = 0.0 if np.isnan(catch[last]) else catch[last]
    return catch, [values[: last + 1] for values in series]


def _log_likelihood(path: Array, series: list[Array]) -> float:
    """The likelihood of r and K, with catchability and error of each series integrated, flat in their logarithms."""
    total = 0.0
    for values in series:
        seen = np.isfinite(values) & (values > 0.0)
        if np.any(np.isnan(path[seen])):
            return _IMPOSSIBLE
        rest = np.log(values[seen] / path[seen])
        variance = float(np.mean((rest - rest.mean()) ** 2))
        total -= 0.5 * (len(rest) - 1) * np.log(max(variance, 1e-300))
    return total


def _curvature(log_likelihood: object, best: Array) -> Array:
    """Return the covariance that the curvature at the maximum implies, by differences of 1 %."""
    assert callable(log_likelihood)
    k, step = len(best), 0.01
    hessian = np.empty((k, k))
    for i in range(k):
        for j in range(k):
            corners = [
                a * b * log_likelihood(best + step * (a * np.eye(k)[i] + b * np.eye(k)[j]))
                for a in (1, -1)
                for b in (1, -1)
            ]
            hessian[i, j] = -sum(corners) / (4.0 * step**2)
    values, vectors = np.linalg.eigh(hessian)
    return np.asarray((vectors / np.maximum(values, 1.0)) @ vectors.T)


def to_dict(
    history: CatchHistory, fitted: ObservationErrorFit, other: ObservationErrorFit | None = None
) -> dict[str, Any]:
    """Return the fit as plain values that JSON can hold, in the form of `ecodecide.report.fit_dict.fit_dict`.

    Parameters
    ----------
    history
        What was fitted.
    fitted
        The fit.
    other
        The same in the other order of events, to be told of beside it.
    """
    r, k, msy = (np.append(fitted.best[name], fitted.draws[name]) for name in ("r", "K", "msy"))
    # at MSY the biomass at the start of a year is K / 2 if growth comes first, and what K / 2 grows to if not
    b_msy = k / 2.0 if fitted.order == "recruit-first" else k / 2.0 + msy
    ends = f"B_1 = K, observation error only, {fitted.order}"
    return {
        "stock": history.id,
        "laws": {
            "logistic": {
                "parameters": {"r": _estimate(r), "K": _estimate(k)},
                "reference_points": {
                    "msy": _estimate(msy), "b_msy": _estimate(b_msy), "f_msy": _estimate(msy / b_msy)
                },
                "diagnostics": {
                    "effective_draws": fitted.effective_draws,
                    "status": f"{ends}; best: r {fitted.best['r']:.3g}, K {fitted.best['K']:.4g}, "
                    f"MSY {fitted.best['msy']:.3g}",
                },
                "assumptions": [
                    f"logistic growth, {ends}: for comparison with published fits, not for a decision",
                    "flat priors of log r, log K, log q and log tau; intervals leave process error out",
                    *_differences(other),
                ],
            }
        },
    }  # fmt: skip


def _differences(other: ObservationErrorFit | None) -> list[str]:
    """Say why the default fit answers otherwise."""
    lines = [] if other is None else [
        f"in the other order, {other.order}, the best are r {other.best['r']:.3g}, K {other.best['K']:.4g} and MSY "
        f"{other.best['msy']:.3g}: r is of the biomass that grows, which the catch has left in one order and not yet "
        "touched in the other"
    ]  # fmt: skip
    return [
        *lines,
        "the default fit (without --observation-error-only) answers otherwise again: harvest first, growth that "
        "varies from year to year, a first biomass that is not held at K, catches with an error, and priors; MSY is "
        "what compares best",
    ]


def _estimate(values: Array) -> dict[str, float]:
    """Best, and median with 90 % interval of the draws; the best comes first."""
    low, median, high = np.quantile(values[1:], [0.05, 0.5, 0.95])
    return {"best": float(values[0]), "low": float(low), "median": float(median), "high": float(high)}
