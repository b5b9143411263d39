"""What the numbers of a named rule are taken from: the stock's reference points, its survey, and its past."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.solvers.past_surveys import PastSurveys, log_means, over_best, past_surveys
from ecodecide.stock.growth import Array
from ecodecide.stock.protocol import Stock
from ecodecide.stock.reference_points import ReferencePoints, best_escapement


@dataclass(frozen=True, eq=False)
class RuleInputs:
    """A problem as the makers of rules read it.

    Attributes
    ----------
    name
        Of the rule, for messages.
    problem, stock
        The problem and its stock.
    references
        ``"msy"`` or ``"memarzadeh2019"``, see `Precautionary`.
    catch, rate
        What the user says was caught of late, per year and as a share; None to take it from the history.
    relative_f
        relF_min and relF_max of a ramp.
    seen
        The surveys of the past in units of biomass; None takes them from the problem's history.
    biomass
        Shape (years,): what was believed of each year's biomass; None takes it from the fit, or the surveys.
    """

    name: str
    problem: HarvestProblem
    stock: Stock
    references: str = "msy"
    catch: float | None = None
    rate: float | None = None
    relative_f: tuple[float, float] = (0.0, 1.0)
    seen: PastSurveys | None = None
    biomass: Array | None = None

    @cached_property
    def points(self) -> ReferencePoints:
        """The reference points of the best estimate, without noise, in the biomass that surveys are told in."""
        best, scale = self.stock.reference_points(), self.over_best
        threshold = best.allee_threshold
        return ReferencePoints(
            msy=best.msy,
            escapement_msy=best.escapement_msy * scale,
            b_msy=best.b_msy * scale,
            f_msy=best.f_msy / scale,
            carrying_capacity=best.carrying_capacity * scale,
            allee_threshold=None if threshold is None else threshold * scale,
        )

    @property
    def msy(self) -> float:
        """MSY per year.

        Raises
        ------
        SolverError
            When there is none.
        """
        if self.points.msy <= 0.0:
            raise SolverError(
                f"the rule {self.name!r} has no F_MSY: this stock's growth never exceeds what is left, so "
                "there is no sustainable yield; use no-fishing, or look at the fit"
            )
        return self.points.msy

    @cached_property
    def _f_and_b_msy(self) -> tuple[float, float]:
        if self.msy > 0.0 and self.references == "memarzadeh2019":
            return _discounted(self.stock, self.points, self.problem.economy.discount)
        return self.points.f_msy, self.points.b_msy

    @property
    def f_msy(self) -> float:
        """F_MSY, as a share of the biomass before harvest."""
        return self._f_and_b_msy[0]

    @property
    def b_msy(self) -> float:
        """B_MSY before harvest."""
        return self._f_and_b_msy[1]

    @property
    def b0(self) -> float:
        """The carrying capacity."""
        return self.points.carrying_capacity

    @cached_property
    def over_best(self) -> float:
        """Biomass as surveys tell it over that of the best estimate; see `past_surveys`."""
        return over_best(self.problem) if self.seen is None else self.seen.over_best

    @cached_property
    def past(self) -> PastSurveys:
        """The surveys of the history."""
        return past_surveys(self.problem) if self.seen is None else self.seen

    @cached_property
    def past_biomass(self) -> Array:
        """Shape (years,): biomass of each year of the history, fitted where the stock says it, else surveyed."""
        fitted = getattr(self.stock, "best_biomass", None) if self.biomass is None else self.biomass
        if fitted is not None:
            return np.asarray(fitted, dtype=float) * (self.over_best if self.biomass is None else 1.0)
        return np.append(self.past.surveys, self.past.this_year)

    @cached_property
    def known_catches(self) -> Array:
        """The catches of the history that are known, of all years but perhaps the last; none without a history."""
        history = self.problem.history
        return np.empty(0) if history is None else np.asarray(history.catch[np.isfinite(history.catch)])

    def require_catches(self) -> None:
        """Refuse a problem without past catches.

        Raises
        ------
        SolverError
            When there are none.
        """
        if not self.known_catches.size:
            raise SolverError(
                f"the rule {self.name!r} starts from past catches, and the problem has no history: give the problem "
                "its catch history, or, where the rule takes it, the catch as Precautionary(..., catch=...)"
            )

    def recent_catch(self, years: int) -> float:
        """Return the mean catch of the last years, or what the user says.

        Raises
        ------
        SolverError
            When there is neither.
        """
        if self.catch is not None:
            return self.catch
        self.require_catches()
        return float(self.known_catches[-years:].mean())

    def current_rate(self) -> float:
        """Return the share caught in the last year of which catch and biomass are known, or what the user says.

        Raises
        ------
        SolverError
            When there is neither.
        """
        if self.rate is not None:
            return self.rate
        rates = self.past_rates()
        if not rates.size:
            raise SolverError(
                f"the rule {self.name!r} starts from the present F, and no year has both a catch and a biomass: give "
                "the problem its history, or the share, as Precautionary(..., rate=...)"
            )
        return float(min(rates[-1], 1.0))

    def past_rates(self) -> Array:
        """Return catch over biomass of the years that have both, oldest first."""
        if not self.known_catches.size:
            return np.empty(0)
        biomass = self.past_biomass[: len(self.known_catches)]
        both = biomass > 0.0
        return np.asarray(self.known_catches[: len(biomass)][both] / biomass[both])

    def survey_log_sd(self) -> float:
        """Return the standard deviation of the log of a survey: what one standard deviation adds to its log.

        Exact for a lognormal survey; a normal one is read at B0.
        """
        at = np.array([self.b0 if self.b0 > 0.0 else self.problem.grid.upper])
        one, none = (self.problem.survey.sample(at, np.array([z])) for z in (1.0, 0.0))
        return float(np.log(one / none)[0])

    def log_sd(self, quantity: str) -> float:
        """Return the standard deviation of the log of F_MSY or B_MSY over the draws of a fit; 0 without draws.

        Of a fit to an index it is that of F_MSY B or B_MSY / B, with the draw's own biomass B, as of F/F_MSY and
        B/B_MSY: the scale, of which an index tells little, cancels in what a rule makes of them.
        """
        worlds = getattr(getattr(self.stock, "members", None), "worlds", ())
        known = np.array([world.msy > 0.0 for world in worlds], dtype=bool)
        if not known.any():
            return 0.0
        logs = np.log([getattr(world, quantity) for world, ok in zip(worlds, known, strict=True) if ok])
        history, draws = self.problem.history, getattr(self.stock, "trajectory_biomass", None)
        if history is not None and history.free_catchability and draws is not None:
            sign = {"f_msy": 1.0, "b_msy": -1.0}[quantity]
            logs = logs + sign * log_means(np.asarray(draws)[known])
        return float(np.nanstd(logs))

    def largest_growth(self) -> float:
        """Return R_max, the largest f(s) / s - 1 up to B0, at least 0: at small s, unless there is an Allee effect."""
        if self.b0 <= 0.0:
            return 0.0
        s = self.b0 / self.over_best * np.geomspace(1e-6, 1.0, 2000)
        best = getattr(self.stock, "best", self.stock)
        return max(float(np.max(getattr(best, "growth", best.mean)(s) / s)) - 1.0, 0.0)

    def reed_escapement(self) -> float:
        """Return S*, of growth with its noise or, with the references of 2019, without."""
        grown = (
            self.stock.mean if self.references == "msy" else getattr(self.stock, "growth", self.stock.mean)
        )
        return best_escapement(grown, self.problem.economy.discount, max(self.b0, 1e-12))


def _discounted(stock: Stock, points: ReferencePoints, discount: float) -> tuple[float, float]:
    """F and B at S*(g), the escapement that maximizes g f(s) - s for growth without noise."""
    growth = getattr(stock, "growth", stock.mean)
    escapement = best_escapement(growth, discount, points.carrying_capacity)
    before = float(growth(np.asarray(escapement)))
    if before <= 0.0:
        raise SolverError(
            "references='memarzadeh2019' has no F: at this discount liquidating the stock pays most"
        )
    return (before - escapement) / before, before
