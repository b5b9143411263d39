"""What must have happened in each draw of a fit: biomass, catch, process error and survey error, year by year."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.hindcast.past_years import PastYears
from ecodecide.fitting.posterior import Posterior
from ecodecide.stock.growth import Array
from ecodecide.stock.parametric import ParametricStock

_UNLIKELY = 5.0
"""Standard deviations of process error that a draw's reported catch may ask for before it is taken for too large."""

_SHARES = np.linspace(1.0, 0.0, 101)
"""Shares of the reported catch that are tried, the largest first."""


@dataclass(frozen=True, eq=False)
class InferredPast:
    """Joint posterior draws of a stock and its past: B[t+1] = f(B[t] - C[t]) exp(e[t]), y[t] = B[t] exp(w[t]).

    Attributes
    ----------
    stock
        One world per draw.
    member
        Shape (draws,): which member of the fit each draw is.
    year
        Shape (years,): those whose catch is known.
    biomass
        Shape (draws, years + 1): before harvest, and after the last catch and growth.
    catch
        Shape (draws, years): what was taken; see `infer_past` for where it is not the reported one.
    ratio
        Shape (draws, years): exp(e), the next biomass over what growth alone would have made.
    seen
        Shape (draws, years): exp(w), the survey in units of biomass over the biomass; NaN where there was none.
    reduced
        The number of draws in which the reported catch is too large in some year.
    left_out
        The number of draws that growth cannot explain at all.
    """

    stock: ParametricStock
    member: NDArray[np.intp]
    year: Array
    biomass: Array
    catch: Array
    ratio: Array
    seen: Array
    reduced: int
    left_out: int

    @property
    def draws(self) -> int:
        """The number of draws."""
        return len(self.biomass)

    def grown(self, place: int, escapement: Array) -> Array:
        """Return the biomass that an escapement of the year at a place would have grown to, shape (draws,)."""
        return np.asarray(self.stock.growth(escapement) * self.ratio[:, place], dtype=float)


def infer_past(posterior: Posterior, past: PastYears) -> InferredPast:
    """Take the errors of the past out of each draw of a fit.

    Parameters
    ----------
    posterior
        The fit of the whole history; its members and trajectories are joint draws.
    past
        That history.

    Raises
    ------
    EvaluationError
        When the trajectories are not of that history, or growth explains none of them.

    Notes
    -----
    The fit lets the catch differ from what was reported, by a CV of 0.05. Here it is what was reported, and what the
    difference did is part of the process error. But a reported catch may exceed a draw's biomass, or leave so little
    that no growth would bring it to the next year's: a draw's catch is then the
    largest share of the reported one, in percent, that needs no process error above 5 standard deviations of that
    draw's; or, if all do, that which needs the least. Where growth is zero and the next biomass too, the error is
    taken for none; a draw in which something grew out of nothing is left out. Both kinds are counted.

    Examples
    --------
    >>> import ecodecide as eco
    >>> history = eco.load_history("hake-argentina-north")
    >>> fitted = eco.fit(history, growth="logistic", draws=20, cells=80)
    >>> found = infer_past(fitted, PastYears.of(eco.HarvestProblem(stock=fitted, history=history)))
    >>> again = found.grown(0, found.biomass[:, 0] - found.catch[:, 0])
    >>> bool(np.allclose(again, found.biomass[:, 1]))
    True
    """
    biomass = np.asarray(posterior.trajectory_biomass, dtype=float)
    if biomass.shape != (posterior.size, len(past.year)):
        raise EvaluationError(
            f"the fit has trajectories of shape {biomass.shape}, expected {(posterior.size, len(past.year))}, one per "
            "member over the years of the history: give the fit of this history"
        )
    if not np.isnan(past.catch[-1]):
        biomass = np.column_stack([biomass, np.asarray(posterior.members.initial_biomass, dtype=float)])
    years = biomass.shape[1] - 1
    reported = past.catch[:years]
    sigma = np.broadcast_to(posterior.members.noise.sigma, posterior.size)  # type: ignore[attr-defined]
    share, ratio = _shares_taken(posterior.members, biomass, reported, sigma)
    kept = np.isfinite(ratio).all(axis=1)
    if not kept.any():
        raise EvaluationError(
            f"{past.history.id}: none of the {posterior.size} draws of the fit can be explained by its growth, so that "
            "nothing can be said of what might have been; try another --growth"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.where(biomass[:, :-1] > 0.0, past.surveys[:years] / biomass[:, :-1], np.nan)
    return InferredPast(
        stock=posterior.members.take(np.flatnonzero(kept)),
        member=np.flatnonzero(kept),
        year=past.year[:years],
        biomass=biomass[kept],
        catch=(share * reported)[kept],
        ratio=ratio[kept],
        seen=seen[kept],
        reduced=int((share[kept] < 1.0).any(axis=1).sum()),
        left_out=int((~kept).sum()),
    )


def _shares_taken(
    stock: ParametricStock, biomass: Array, reported: Array, sigma: Array
) -> tuple[Array, Array]:
    """Return the share of each reported catch that was taken, and the ratio to growth it leaves: (draws, years)."""
    before, after = biomass[:, :-1], biomass[:, 1:]
    share, ratio = np.ones(before.shape), np.full(before.shape, np.inf)
    limit = np.exp(_UNLIKELY * sigma)[:, None]
    for part in _SHARES:
        # zero shares count: no catch at all may still not explain what came after
        open_years = ~(ratio <= limit)
        if not open_years.any():
            break
        new = _ratio(stock, np.maximum(before - part * reported, 0.0), after)
        better = open_years & (new < ratio)
        share[better], ratio[better] = part, new[better]
    return share, ratio


def _ratio(stock: ParametricStock, escapement: Array, after: Array) -> Array:
    """Return the next biomass over growth, 1 where both are nothing; infinite where something grew of nothing."""
    grown = np.asarray(stock.growth(escapement.T)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((grown <= 0.0) & (after <= 0.0), 1.0, after / grown)
