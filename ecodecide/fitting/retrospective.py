"""What would have been said some years ago? Refits without the last years, against the fit of all.

Mohn's rho is the mean over the peels of (estimate of a peel's own last year - estimate of that year now) / the latter:
each peel is anchored at its own terminal year. (Mohn 1999, doi:10.1006/jmsc.1999.0481, has the sum; the mean is what is
used since. Rule of thumb of Hurtado-Ferro et al. 2015, doi:10.1093/icesjms/fsu198: -0.15 to 0.20 for long-lived stocks,
-0.22 to 0.30 for short-lived ones.)

The hindcast asks more: each peel foretells the next observation, and the mean absolute scaled error (MASE) sets the
error of its log against that of saying 'as last time' (Hyndman & Koehler 2006, doi:10.1016/j.ijforecast.2006.03.001;
Kell, Kimoto & Kitakado 2016, Fisheries Research 183:119). Below 1 the fit foretells better than that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecodecide.errors import FitError
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.state_space import fit_state_space
from ecodecide.fitting.status import status
from ecodecide.history.catch_history import CatchHistory

QUANTITIES = ("biomass", "b_bmsy", "f_fmsy")


@dataclass(frozen=True)
class Retrospective:
    """What the peels tell.

    Attributes
    ----------
    peels
        How many there are.
    rho
        Mohn's rho of biomass, B/B_MSY and F/F_MSY.
    mase
        By series; None where fewer than two observations were foretold.
    foretold
        How many observations of each series were foretold.
    """

    peels: int
    rho: dict[str, float]
    mase: dict[str, float | None]
    foretold: dict[str, int]


def until(history: CatchHistory, years: int) -> CatchHistory:
    """Return the first years of a history."""

    def cut(values: Any) -> Any:
        if isinstance(values, dict):
            return {name: one[:years] for name, one in values.items()}
        return None if values is None else values[:years]

    names = ("year", "catch", "biomass", "ssb", "index", "index_se", "effort")
    return replace(history, **{name: cut(getattr(history, name)) for name in names})


def retrospective(
    posterior: Posterior,
    history: CatchHistory,
    peels: int = 5,
    *,
    draws: int = 200,
    seed: int = 1,
    progress: Callable[[float], None] = lambda share: None,
) -> Retrospective:
    """Fit again without the last 1, 2, ... years.

    Parameters
    ----------
    posterior
        The fit of one law to the whole history.
    history
        What it was fitted to.
    peels
        How many years to take off, one after the other.
    draws, seed
        Of the refits; everything else is as in the fit.

    Raises
    ------
    FitError
        When too few years remain, or a peel cannot be fitted.
    """
    record = posterior.record
    if record is None:
        raise FitError(
            "a retrospective is of the fit of one law, not of an average: give one of its posteriors"
        )
    model = record.model
    last = len(history.year) - (1 if np.isnan(history.catch[-1]) else 0)
    if peels < 1 or last - peels < 5:
        raise FitError(
            f"{history.id}: {last} years with a catch and {peels} peels, expected at least 1 peel and 5 years left"
        )
    now = _medians(posterior, history)
    apart: dict[str, list[float]] = {name: [] for name in QUANTITIES}
    errors: dict[str, list[tuple[float, float]]] = {series.name: [] for series in model.series}
    for peel in range(1, peels + 1):
        progress((peel - 1) / peels)
        end = last - peel
        short = until(history, end)
        found = fit_state_space(
            short,
            posterior.law,
            survey=model.assumed,
            catch_cv=model.catch_cv,
            cells=posterior.settings["cells"],
            draws=draws,
            seed=seed,
            priors=_fixed_priors(posterior),
            progress=None,
        )
        then = _medians(found, short)
        for name in QUANTITIES:
            apart[name].append(float(then[name][-1] / now[name][end - 1] - 1.0))
        for name, pair in _foretold(found, history, end).items():
            errors[name].append(pair)
    mase = {}
    for name, pairs in errors.items():
        ours, naive = (float(np.mean([pair[i] for pair in pairs])) if pairs else 0.0 for i in (0, 1))
        mase[name] = ours / naive if len(pairs) > 1 and naive > 0.0 else None
    rho = {name: float(np.mean(values)) for name, values in apart.items()}
    return Retrospective(peels, rho, mase, {name: len(pairs) for name, pairs in errors.items()})


def _fixed_priors(posterior: Posterior) -> dict[str, Any]:
    """Return the priors of the whole fit: those made of the data, such as K's, must not change from peel to peel."""
    assert posterior.record is not None
    model = posterior.record.model
    return {f"{model.law}.{p.name}": p for p in (*model.natural_priors, model.psi)}


def _medians(posterior: Posterior, history: CatchHistory) -> dict[str, Any]:
    stand = status(posterior, history)
    values = {"biomass": posterior.trajectory_biomass, "b_bmsy": stand.b_bmsy, "f_fmsy": stand.f_fmsy}
    found = {}
    for name, rows in values.items():
        known = np.isfinite(rows).any(axis=0)
        found[name] = np.full(rows.shape[1], np.nan)
        found[name][known] = np.nanmedian(rows[:, known], axis=0)
    return found


def _foretold(found: Posterior, history: CatchHistory, end: int) -> dict[str, tuple[float, float]]:
    """Return, for each series seen in year `end`, the absolute log errors of the fit and of 'as last time'."""
    record = found.record
    assert record is not None
    errors = {}
    for series in record.model.series:
        values = {**history.observations, **(history.index or {})}[series.name]
        before = values[:end][np.isfinite(values[:end]) & (values[:end] > 0.0)]
        if not (np.isfinite(values[end]) and values[end] > 0.0 and before.size):
            continue
        q = 1.0 if series.catchability is None else record.numbers(series.catchability)
        expected = float(np.median(record.terminal.ravel() * q))
        if expected > 0.0:
            errors[series.name] = tuple(float(abs(np.log(values[end] / x))) for x in (expected, before[-1]))
    return errors  # type: ignore[return-value]
