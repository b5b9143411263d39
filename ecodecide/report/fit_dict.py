"""Fitted laws as plain values that JSON can hold: medians and 90 % intervals in the units of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecodecide.fitting.criteria import Criteria, shares
from ecodecide.fitting.laws import FittedLaws
from ecodecide.fitting.posterior import Posterior, interval
from ecodecide.fitting.residuals import residuals
from ecodecide.fitting.retrospective import Retrospective
from ecodecide.fitting.selection import Selection
from ecodecide.fitting.status import StockStatus, status
from ecodecide.history.catch_history import CatchHistory

_POINTS = ("msy", "b_msy", "escapement_msy", "f_msy", "carrying_capacity")
_NOW = ("biomass_now", "b_bmsy")


def fit_dict(
    fitted: FittedLaws,
    selected: Selection | None = None,
    retrospectives: Mapping[str, Retrospective] | None = None,
) -> dict[str, Any]:
    """Return a fit as plain values.

    Parameters
    ----------
    fitted
        The laws.
    selected
        How often selection overlooks a tipping point in data like these.
    retrospectives
        By law.
    """
    peeled = retrospectives or {}
    weights = _weights(fitted.criteria)
    found = {
        "stock": fitted.history.id,
        "laws": {law: _law(fitted, law, weights[law], peeled.get(law)) for law in fitted.posteriors},
        "failures": dict(fitted.failures),
        "p_tipping_point": fitted.tipping_point,
        "p_below_threshold": fitted.below_threshold,
        "average": _stand(fitted.average, fitted.history),
        "selection": None,
    }
    if selected is not None:
        found["selection"] = {
            "law": selected.law,
            "simulations": selected.simulations,
            "overlooked": {name: selected.interval(name) for name in selected.overlooked},
        }
    return found


def _weights(scores: Mapping[str, Criteria]) -> dict[str, dict[str, float]]:
    """Return the share of each law by each criterion, and the criteria themselves."""
    by = {
        "marginal_likelihood": shares({law: c.log_evidence for law, c in scores.items()}),
        "loo": shares({law: c.loo for law, c in scores.items()}),
        "aic": shares({law: c.aic for law, c in scores.items()}, -0.5),
        "bic": shares({law: c.bic for law, c in scores.items()}, -0.5),
        "dic": shares({law: c.dic for law, c in scores.items()}, -0.5),
    }
    return {law: {name: each[law] for name, each in by.items()} for law in scores}


def _law(
    fitted: FittedLaws, law: str, weights: Mapping[str, float], peeled: Retrospective | None
) -> dict[str, Any]:
    posterior, scores, tipping = fitted.posteriors[law], fitted.criteria[law], fitted.tipping_points[law]
    record = posterior.record
    assert record is not None
    table = posterior.summary()
    return {
        "parameters": {name: each for name, each in table.items() if name not in (*_POINTS, *_NOW)},
        **_stand(posterior, fitted.history),
        "tipping_point": {
            "exists": tipping.exists,
            "below": tipping.below,
            "number": tipping.number or None,
            "moved": tipping.moved,
            "finding": tipping.words or None,
        },
        "weights": dict(weights),
        "criteria": {
            "log_evidence": _finite(scores.log_evidence),
            "log_evidence_se": _finite(record.evidence_error),
            "loo": _finite(scores.loo),
            "loo_se": _finite(scores.loo_se),
            "loo_doubtful": scores.doubtful,
            "aic": _finite(scores.aic),
            "bic": _finite(scores.bic),
            "dic": _finite(scores.dic),
            "log_likelihood": _finite(scores.log_likelihood),
            "estimated_numbers": scores.numbers,
            "observations": scores.observations,
        },
        "residuals": {
            one.series: {
                "year": list(one.year),
                "residual": one.residual.tolist(),
                "p_runs": one.runs,
                "p_bias": one.bias,
                "p_normality": one.normality,
            }
            for one in residuals(record)
        },
        "retrospective": None
        if peeled is None
        else {
            "peels": peeled.peels,
            "mohns_rho": peeled.rho,
            "mase": peeled.mase,
            "foretold": peeled.foretold,
        },
        "diagnostics": {
            "rhat_max": _finite(record.chains.rhat),
            "ess_min": _finite(record.chains.effective),
            "converged": posterior.converged,
            "status": posterior.status,
            "seconds": posterior.seconds,
        },
        "settings": dict(posterior.settings),
        "assumptions": list(posterior.assumptions),
    }


def _finite(value: float) -> float | None:
    """Return a plain number, None for what JSON cannot hold."""
    return float(value) if np.isfinite(value) else None


def _stand(posterior: Posterior, history: CatchHistory) -> dict[str, Any]:
    """Return reference points and status, of one law or of the average."""
    table, stand = posterior.summary(), status(posterior, history)
    at = int(np.flatnonzero(stand.year == stand.kobe_year)[0])
    thresholds = np.array([world.allee_threshold or 0.0 for world in posterior.members.worlds])
    now = np.asarray(posterior.members.initial_biomass)
    return {
        "reference_points": {name: table.get(name) for name in _POINTS},
        "status": {
            "biomass": table.get("biomass_now"),
            "b_bmsy": table.get("b_bmsy"),
            "f_fmsy": interval(stand.f_fmsy[:, at]),
            "p_tipping_point": float((thresholds > 0.0).mean()),
            "p_below_threshold": float((now < thresholds).mean()),
            "kobe_year": stand.kobe_year,
            "kobe": dict(stand.kobe),
            "by_year": _by_year(stand),
        },
    }


def _by_year(stand: StockStatus) -> dict[str, Any]:
    found: dict[str, Any] = {"year": [int(year) for year in stand.year]}
    for name in ("b_bmsy", "f_fmsy"):
        columns = [interval(column) for column in getattr(stand, name).T]
        found[name] = {
            end: [None if each is None else each[end] for each in columns]
            for end in ("low", "median", "high")
        }
    return found
