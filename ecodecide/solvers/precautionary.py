"""The rules that agencies use today, with their parameters taken from the stock."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import numpy as np

from ecodecide.decision.discretize import discretize
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.policy.rules import (
    ConstantCatch,
    ConstantEscapement,
    ConstantRate,
    IcesAdvice,
    Ramp,
    Rule,
    RulePolicy,
)
from ecodecide.solvers.solution import Solution
from ecodecide.stock.protocol import Stock
from ecodecide.stock.reference_points import ReferencePoints, best_escapement

RULES = {
    "tac": "0.8 F_MSY of the survey",
    "msy": "F_MSY of the survey",
    "40-10": "F from 0 at 0.1 B0 up to F_MSY at 0.4 B0",
    "ices": "F_MSY above B_trigger = 0.5 B_MSY, F_MSY B/B_trigger below, 0 below B_lim = 0.3 B_MSY",
    "constant-catch": "the same catch every year: the mean of the last five years, or 0.8 MSY",
    "constant-f": "the same share every year: that of the last five years, or F_MSY",
    "constant-escapement": "all above the escapement S* that maximizes g E[x'] - s (Reed 1979)",
    "no-fishing": "no catch at all",
}
"""The rules by name, in words."""


@dataclass(frozen=True)
class Precautionary:
    """A harvest control rule, its numbers from the reference points of the stock's best estimate.

    F_MSY = MSY / B_MSY with B_MSY before harvest, as this package's order of events has it (observe, quota,
    catch, growth); B0 is the carrying capacity.

    Parameters
    ----------
    rule
        One of ``tac`` (0.8 F_MSY), ``msy``, ``40-10``, ``ices``, ``constant-catch``, ``constant-f``,
        ``constant-escapement``, ``no-fishing``.
    cap
        The largest change of a quota from year to year, as a share (0.2 is 20 %); None for none.
    delay
        1 to act on last year's survey, 0 on this year's.
    references
        ``"msy"``, or ``"memarzadeh2019"`` to take F at the discounted escapement S*(g), growth without noise,
        as that paper does.
    catch
        The catch of ``constant-catch``, in units of biomass; None for the default named there.
    rate
        The share of ``constant-f``; None for the default named there.

    Raises
    ------
    SolverError
        For an unknown rule, or a stock that has no sustainable yield.

    References
    ----------
    40-10: Pacific Fishery Management Council; ICES advice rule: ICES 2017, with B_trigger and B_lim as shares
    of B_MSY after Pedersen & Berg 2017, Fish and Fisheries 18:226; tac: Memarzadeh & Boettiger 2019,
    doi:10.1086/702704; constant escapement: Reed 1979, doi:10.1016/0095-0696(79)90014-7.
    """

    rule: str = "tac"
    cap: float | None = None
    delay: int = 0
    references: str = "msy"
    catch: float | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise SolverError(f"unknown rule {self.rule!r}: expected one of {', '.join(RULES)}")
        if self.references not in ("msy", "memarzadeh2019"):
            raise SolverError(f"references must be 'msy' or 'memarzadeh2019', got {self.references!r}")

    def solve(self, problem: HarvestProblem) -> Solution:
        """Return the rule as a policy."""
        begin = time.perf_counter()
        if problem.stock is None:
            raise SolverError(f"the rule {self.rule!r} needs a stock for its reference points: fit one first")
        arrays = discretize(problem)
        rule, words = self._rule(problem, problem.stock)
        expected = float(arrays.initial @ arrays.grid.points)
        return Solution(
            RulePolicy(rule, expected, self.cap, self.delay),
            status=words,
            seconds=time.perf_counter() - begin,
            settings={"solver": self.rule, **asdict(self)},
        )

    def _rule(self, problem: HarvestProblem, stock: Stock) -> tuple[Rule, str]:
        words = RULES[self.rule]
        if self.rule == "no-fishing":
            return ConstantCatch(0.0), words
        points = stock.reference_points()
        f_msy, b_msy, b0 = points.f_msy, points.b_msy, points.carrying_capacity
        if points.msy <= 0.0 and self.rule not in ("constant-catch", "constant-f", "constant-escapement"):
            raise SolverError(
                f"the rule {self.rule!r} has no F_MSY: this stock's growth never exceeds what is left, so "
                "there is no sustainable yield; use no-fishing, or look at the fit"
            )
        discount = problem.economy.discount
        if self.references == "memarzadeh2019":
            f_msy, b_msy = _discounted_rate(stock, points, discount)
        match self.rule:
            case "tac":
                rule: Rule = ConstantRate(0.8 * f_msy)
            case "msy":
                rule = ConstantRate(f_msy)
            case "40-10":
                rule = Ramp(f_msy, 0.1 * b0, 0.4 * b0)
            case "ices":
                rule = IcesAdvice(f_msy, 0.5 * b_msy, 0.3 * b_msy)
            case "constant-catch":
                rule = ConstantCatch(self.catch if self.catch is not None else _recent_catch(problem, points))
            case "constant-f":
                rule = ConstantRate(self.rate if self.rate is not None else _recent_rate(problem, f_msy))
            case _:
                return _reed(stock, points, discount, words, noise=self.references == "msy")
        numbers = ", ".join(f"{k} = {v:.4g}" for k, v in vars(rule).items())
        return rule, f"{words} ({numbers})"


def _reed(
    stock: Stock, points: ReferencePoints, discount: float, words: str, noise: bool
) -> tuple[Rule, str]:
    growth = getattr(stock, "growth", None)
    mean = stock.mean if noise or growth is None else growth
    escapement = best_escapement(mean, discount, max(points.carrying_capacity, 1e-12))
    words = f"{words} (escapement = {escapement:.4g})"
    if escapement == 0.0:
        words += "; WARNING: at this discount it pays to liquidate the stock"
    elif float(stock.mean(escapement)) < 0.2 * points.carrying_capacity:
        words += "; WARNING: at this discount the stock is kept close to collapse"
    return ConstantEscapement(escapement), words


def _discounted_rate(stock: Stock, points: ReferencePoints, discount: float) -> tuple[float, float]:
    """F and B at S*(g), the escapement that maximizes g f(s) - s for growth without noise."""
    growth = getattr(stock, "growth", stock.mean)
    escapement = best_escapement(growth, discount, points.carrying_capacity)
    before = float(growth(np.asarray(escapement)))
    if before <= 0.0:
        raise SolverError(
            "references='memarzadeh2019' has no F: at this discount liquidating the stock pays most"
        )
    return (before - escapement) / before, before


def _recent_catch(problem: HarvestProblem, points: ReferencePoints) -> float:
    if problem.history is None:
        return 0.8 * points.msy
    catch = problem.history.catch[np.isfinite(problem.history.catch)]
    return float(catch[-5:].mean())


def _recent_rate(problem: HarvestProblem, f_msy: float) -> float:
    biomass = getattr(problem.stock, "best_biomass", None)
    if problem.history is None or biomass is None:
        return f_msy
    catch = problem.history.catch
    known = np.isfinite(catch)
    return float(np.mean((catch[known] / biomass[: len(catch)][known])[-5:]))
