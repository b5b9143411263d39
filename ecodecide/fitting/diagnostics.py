"""What a Gaussian process of growth has learned, how well it predicts, and where it only extrapolates.

One Dataset holds what a person looks at before trusting it: the growth that was learned beside the data, the
predictions of years that it had not seen, and how it scores against growth laws on pairs that were left out. The
figure of it is in `ecodecide.report.growth_figure`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ecodecide.errors import FitError
from ecodecide.fitting.candidates import LAWS, fit_candidates
from ecodecide.fitting.gaussian_process import fit_gaussian_process
from ecodecide.fitting.gaussian_process_stock import GaussianProcessStock
from ecodecide.fitting.growth_prior import GrowthPrior
from ecodecide.fitting.lesson import MINIMUM_PAIRS, Lesson
from ecodecide.fitting.predictive_checks import (
    QUANTILES,
    leave_one_out_scores,
    log_quantiles,
    one_step_ahead,
    pairs_of,
)
from ecodecide.policy.table import TablePolicy
from ecodecide.stock.growth import Array

MOSTLY_PRIOR = 0.5
"""Where more than this share of the prior variance of log growth is left, the prior speaks and not the data."""

_UPPER, _POINTS = 1.5, 121
"""How far the curves reach, in scales, and on how many even points."""


def diagnose(
    escapement: ArrayLike,
    next_biomass: ArrayLike,
    *,
    year: ArrayLike | None = None,
    scale: float | None = None,
    unit: str = "K = 1",
    prior: GrowthPrior | None = None,
    rivals: Sequence[str] = LAWS,
) -> xr.Dataset:
    """Fit a Gaussian process to pairs of escapement and next biomass, and show what there is to see of it.

    Parameters
    ----------
    escapement, next_biomass, scale, unit, prior
        See `ecodecide.fitting.gaussian_process.fit_gaussian_process`; the pairs in the order of time.
    year
        Shape (pairs,): of each escapement; 0, 1, 2, ... by default.
    rivals
        Growth laws to compare it with, of `ecodecide.fitting.candidates.LAWS`.

    Returns
    -------
    xarray.Dataset
        Biomass in `unit`, rates per year. Along ``escapement``, from 0 to 1.5 scales: ``growth`` (quantiles of f,
        without noise), ``next_biomass`` (quantiles with noise), ``mean_growth`` (E f), ``ignorance`` (share of the
        prior variance left), ``extrapolates`` (no data on both sides, or more than half of the prior variance
        left) and ``rival_growth`` (medians f of the laws, the median over draws). Without a dimension: the
        reference points of E f, ``seen_low`` and ``seen_high`` (the range of escapements seen, of several
        draws the medians) and the posterior
        means of the hyperparameters. Along ``pair`` the data. What `one_step_ahead` and `leave_one_out_scores`
        return is in it too.

    Raises
    ------
    FitError
        When there is too little to learn from, or a rival is unknown.

    Examples
    --------
    >>> s = np.linspace(0.3, 1.0, 12)
    >>> found = diagnose(s, (s + 0.5 * s * (1.0 - s)) * np.tile([0.97, 1.03], 6), rivals=["ricker"])
    >>> found["ahead_rank"].shape, found["model"].values.tolist()
    ((1, 4), ['gp', 'ricker'])
    >>> bool(found["extrapolates"].sel(escapement=0.6, method="nearest"))
    False
    """
    stock = fit_gaussian_process(escapement, next_biomass, scale=scale, unit=unit, prior=prior)
    pairs = stock.escapement.shape[1]
    years = np.arange(float(pairs)) if year is None else np.asarray(year, dtype=float)
    if years.shape != (pairs,):
        raise FitError(f"year must name each of the {pairs} pairs, got shape {years.shape}")
    return _diagnosis(stock, years, scale, rivals)


def diagnose_lesson(
    learned: Lesson, prior: GrowthPrior | None = None, rivals: Sequence[str] = LAWS
) -> xr.Dataset:
    """Return `diagnose` of what a history teaches.

    Predictions ahead take for scale the largest biomass in the pairs before them, which is what there was to see at
    the time. They are still no test where the biomass is an assessment's output or the draws of a fit: those know
    the later years.

    Parameters
    ----------
    learned
        What `ecodecide.fitting.lesson.lesson` returns.
    prior, rivals
        See `diagnose`.

    Raises
    ------
    FitError
        See `diagnose`.

    Examples
    --------
    >>> from ecodecide.fitting.lesson import lesson
    >>> from ecodecide.history.catch_history import CatchHistory
    >>> biomass = np.array([9.0, 7.7, 6.9, 6.2, 5.8, 5.5, 5.3, 5.2, 6.9, 8.2, 9.0])
    >>> catch = np.array([2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.5, 0.5, 0.5, 0.5])
    >>> history = CatchHistory(year=np.arange(2001, 2012), catch=catch, biomass=biomass)
    >>> found = diagnose_lesson(lesson(history))
    >>> found.sizes["pair"], found["ahead_year"].values.tolist()
    (10, [2008.0, 2009.0, 2010.0, 2011.0])
    """
    stock = fit_gaussian_process(
        learned.escapement, learned.next_biomass, scale=learned.scale, unit=learned.unit, prior=prior
    )
    found = _diagnosis(stock, learned.year, None, rivals)
    found.attrs |= {"origin": learned.origin, "independent": int(learned.independent)}
    return found


def _diagnosis(
    stock: GaussianProcessStock, years: Array, scale_ahead: float | None, rivals: Sequence[str]
) -> xr.Dataset:
    ahead = one_step_ahead(
        stock.escapement, stock.next_biomass, year=years, scale=scale_ahead, prior=stock.prior
    )
    parts = [_learned(stock, rivals), ahead, leave_one_out_scores(stock, rivals)]
    found = xr.merge(parts, join="exact", combine_attrs="drop").assign_coords(year=("pair", years))
    for name, variable in found.variables.items():
        variable.attrs["units"] = _units(str(name), stock.unit)
    found.attrs = {
        "unit": stock.unit,
        "scale": stock.scale,
        "origin": "pairs that were given",
        "independent": 1,
    }
    return found


# --- what was learned ---


def _learned(stock: GaussianProcessStock, rivals: Sequence[str]) -> xr.Dataset:
    low, high = _seen(stock)
    # with the ends of what was seen, so that what is extrapolated begins where it does
    s = np.unique([*np.linspace(0.0, _UPPER * stock.scale, _POINTS), low, high])
    ignorance = stock.ignorance(s)
    mean, variance = stock.posterior(s)  # of the log growth, at each node
    noisy = np.sqrt(variance + stock.noise_sd[:, None] ** 2)
    along, curves = ("escapement",), ("quantile", "escapement")
    data = ("draw", "pair")
    points = stock.reference_points()
    threshold = np.nan if points.allee_threshold is None else points.allee_threshold
    return xr.Dataset(
        {
            "growth": (curves, s * np.exp(log_quantiles(stock.weight, mean, np.sqrt(variance)))),
            "next_biomass": (curves, s * np.exp(log_quantiles(stock.weight, mean, noisy))),
            "mean_growth": (along, stock.growth(s)),
            "ignorance": (along, ignorance),
            "extrapolates": (along, (ignorance > MOSTLY_PRIOR) | (s < low) | (s > high)),
            "rival_growth": (("rival", "escapement"), _rival_growth(stock, rivals, s)),
            "pair_escapement": (data, stock.escapement),
            "pair_next_biomass": (data, stock.next_biomass),
            "seen_low": low,
            "seen_high": high,
            "msy": points.msy,
            "escapement_msy": points.escapement_msy,
            "carrying_capacity": points.carrying_capacity,
            "allee_threshold": threshold,
            "signal_sd": stock.weight @ stock.signal_sd,
            "length_scale": stock.weight @ stock.length_scale[:, 0],
            "noise_sd": stock.weight @ stock.noise_sd,
        },
        coords={"escapement": s, "quantile": list(QUANTILES), "rival": list(rivals)},
    )


def _seen(stock: GaussianProcessStock) -> tuple[float, float]:
    """The smallest and the largest escapement that growth was seen at; of several draws the medians of these."""
    with np.errstate(invalid="ignore"):
        seen = (stock.escapement > 0.0) & np.isfinite(stock.next_biomass)
    taught = seen.any(axis=1)
    low = np.where(seen, stock.escapement, np.inf).min(axis=1)[taught]
    high = np.where(seen, stock.escapement, -np.inf).max(axis=1)[taught]
    return float(np.median(low)), float(np.median(high))


def _rival_growth(stock: GaussianProcessStock, rivals: Sequence[str], s: Array) -> Array:
    """The median next biomass under each law, shape (rivals, s): the median over draws; NaN with too few pairs."""
    found = np.full((len(rivals), len(stock.escapement), len(s)), np.nan)
    for draw, known in enumerate(pairs_of(stock)):
        for i, law in enumerate(rivals):
            if known.sum() > MINIMUM_PAIRS or law not in LAWS:
                pairs = stock.escapement[draw, known], stock.next_biomass[draw, known]
                with np.errstate(all="ignore"):
                    found[i, draw] = fit_candidates(*pairs, laws=(law,))[law].growth(s)
    return np.asarray(np.median(found, axis=1))


# --- how well it predicts ---


def extrapolation(stock: GaussianProcessStock, policy: TablePolicy) -> xr.Dataset:
    """Show where a policy relies on growth that was never seen.

    Parameters
    ----------
    stock
        What was learned.
    policy
        A table over biomass in the unit of the stock.

    Returns
    -------
    xarray.Dataset
        Along ``biomass``, the points of the table: ``quota``; ``escapement``, what the policy leaves; ``ignorance``,
        the share of the prior variance of log growth left there; ``mostly_prior``, where that is more than half;
        ``below_seen`` and ``above_seen``, where it leaves less or more than was ever left; and ``relies``, where any
        of the three holds. A biomass of 0 leaves nothing to decide and relies on nothing.

    Examples
    --------
    >>> s = np.linspace(0.3, 1.0, 12)
    >>> stock = fit_gaussian_process(s, (s + 0.5 * s * (1.0 - s)) * np.tile([0.97, 1.03], 6))
    >>> to_a_half = TablePolicy(np.array([0.0, 0.2, 0.5, 1.0]), np.array([0.0, 0.0, 0.0, 0.5]), 1.0)
    >>> extrapolation(stock, to_a_half)["relies"].values   # 0.2 is less than was ever left
    array([False,  True, False, False])
    """
    biomass = np.asarray(policy.points, dtype=float)
    escapement = np.maximum(biomass - policy.quotas, 0.0)
    ignorance, (low, high) = stock.ignorance(escapement), _seen(stock)
    alive = biomass > 0.0
    # the arithmetic of biomass - quota moves an escapement by a rounding
    slack = 1e-9 * stock.scale
    below, above = alive & (escapement < low - slack), alive & (escapement > high + slack)
    mostly = alive & (ignorance > MOSTLY_PRIOR)
    flags = {
        "mostly_prior": mostly,
        "below_seen": below,
        "above_seen": above,
        "relies": mostly | below | above,
    }
    values = {"quota": np.asarray(policy.quotas), "escapement": escapement, "ignorance": ignorance, **flags}
    found = xr.Dataset(
        {name: ("biomass", value) for name, value in values.items()}, coords={"biomass": biomass}
    )
    for name, variable in found.variables.items():
        variable.attrs["units"] = stock.unit if name in ("quota", "escapement", "biomass") else "1"
    found.attrs = {"unit": stock.unit, "seen_low": low, "seen_high": high}
    return found


# --- units ---

_BIOMASS = (
    "escapement", "growth", "next_biomass", "mean_growth", "rival_growth", "pair_escapement", "pair_next_biomass",
    "seen_low", "seen_high", "escapement_msy", "carrying_capacity", "allee_threshold", "ahead_quantiles",
    "ahead_observed",
)  # fmt: skip


def _units(name: str, unit: str) -> str:
    """Return the unit of a variable of `diagnose`."""
    if name in _BIOMASS:
        return unit
    words = {"msy": f"{unit} per year", "year": "year", "ahead_year": "year"}
    if name in (
        "ahead_log_score",
        "loo_log_score",
        "loo_total",
        "loo_per_pair",
        "loo_difference",
        "loo_difference_se",
    ):
        return "nat"
    return words.get(name, "1")
