"""The rules that agencies use today, with their parameters taken from the stock."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace

import numpy as np

from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import SolverError
from ecodecide.policy.rules import ConstantEscapement, Rule, RulePolicy, SeriesPolicy
from ecodecide.solvers.named_rules import NAMED_RULES, RAMPS
from ecodecide.solvers.past_surveys import PastSurveys, expected_survey
from ecodecide.solvers.rule_inputs import RuleInputs
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array

RULES = {rule.name: rule.words for rule in NAMED_RULES}
"""The rules by name, in words; `ecodecide.solvers.named_rules` has their formulas and sources."""

_NAMED = {rule.name: rule for rule in NAMED_RULES}


@dataclass(frozen=True)
class Precautionary:
    """A harvest control rule, its numbers from the reference points of the stock's best estimate.

    F_MSY = MSY / B_MSY with B_MSY before harvest, as this package's order of events has it (observe, quota,
    catch, growth); B0 is the carrying capacity. Of a stock that was fitted to an index they are turned into the
    biomass in which surveys are heard, see `ecodecide.solvers.past_surveys.past_surveys`: a quota is then what the
    best estimate makes of the index, F_MSY I / q.

    Parameters
    ----------
    rule
        One of `RULES`, such as ``"40-10"``, ``"2-over-3"`` or ``"pbr"``; ``ecodecide rules`` prints them with their
        formulas and sources. Those that go by catches and surveys of the past start from the problem's history.
    cap
        The largest change of a quota from year to year, as a share (0.2 is 20 %); None for none. In `recommend` and
        `hindcast` the first quota of a rule on this year's biomass goes from the last catch; elsewhere it is free.
    delay
        1 to act on last year's survey, 0 on this year's.
    references
        ``"msy"``, or ``"memarzadeh2019"`` to take F at the discounted escapement S*(g), growth without noise,
        as that paper does.
    catch
        What was caught of late, per year in units of biomass, for the rules that start from it; None for the mean of
        the history's last years, as each rule has it.
    rate
        The share caught of late, for ``constant-f`` and SPiCT's scenarios of the current F; None for the history's.
    relative_f
        relF_min and relF_max of the ramps 40-10, 60-20 and 80-40-msy: the F at and below the limit, and at and above
        the target, relative to F_MSY.

    Raises
    ------
    SolverError
        For an unknown rule, a stock that has no sustainable yield where a rule needs one, or a problem without the
        history that a rule starts from.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.05))
    >>> Precautionary("40-10").solve(eco.HarvestProblem(stock=stock)).policy.rule
    Ramp(rate=0.2727..., closed=0.1, full=0.4)
    """

    rule: str = "tac"
    cap: float | None = None
    delay: int = 0
    references: str = "msy"
    catch: float | None = None
    rate: float | None = None
    relative_f: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise SolverError(f"unknown rule {self.rule!r}: expected one of {', '.join(RULES)}")
        if self.references not in ("msy", "memarzadeh2019"):
            raise SolverError(f"references must be 'msy' or 'memarzadeh2019', got {self.references!r}")
        for name, value, most in (("catch", self.catch, np.inf), ("rate", self.rate, 1.0)):
            if value is not None and not (np.isfinite(value) and 0.0 <= value <= most):
                limit = "" if most == np.inf else " and at most 1"
                raise SolverError(f"{name} must be a number of at least 0{limit}, got {value}")
        low, high = self.relative_f
        if not 0.0 <= low <= high:
            raise SolverError(
                f"relative_f must be two numbers of at least 0, in order, got {self.relative_f}"
            )
        if tuple(self.relative_f) != (0.0, 1.0) and self.rule not in RAMPS:
            raise SolverError(f"relative_f is of the ramps {', '.join(RAMPS)}; {self.rule!r} is none")

    def solve(
        self, problem: HarvestProblem, *, seen: PastSurveys | None = None, biomass: Array | None = None
    ) -> Solution:
        """Return the rule as a policy.

        Parameters
        ----------
        problem
            With a stock, and the history that some rules start from.
        seen, biomass
            The surveys of the history in units of biomass, and what was believed of each year's biomass, where they
            are not to be taken from the history and its fit: a hindcast gives what was known at the time.
        """
        begin = time.perf_counter()
        if problem.stock is None:
            raise SolverError(f"the rule {self.rule!r} needs a stock for its reference points: fit one first")
        named = _NAMED[self.rule]
        inputs = RuleInputs(
            self.rule,
            problem,
            problem.stock,
            self.references,
            self.catch,
            self.rate,
            self.relative_f,
            seen,
            biomass,
        )
        made = named.make(inputs)
        words = named.words + _numbers(made) + _warning(made, inputs)
        if isinstance(made, SeriesPolicy):
            policy: SeriesPolicy | RulePolicy = replace(made, cap=self.cap, delay=self.delay)
        else:
            policy = RulePolicy(made, expected_survey(problem), self.cap, self.delay)
        return Solution(
            policy,
            status=words,
            seconds=time.perf_counter() - begin,
            settings={"solver": self.rule, **asdict(self), "formula": named.formula, "source": named.source},
        )


def _numbers(made: Rule | SeriesPolicy) -> str:
    numbers = {**vars(made.rule), "last": made.last} if isinstance(made, SeriesPolicy) else vars(made)
    return f" ({', '.join(f'{name} = {value:.4g}' for name, value in numbers.items())})"


def _warning(made: Rule | SeriesPolicy, inputs: RuleInputs) -> str:
    """Say where the optimal escapement empties the stock, or nearly."""
    if not isinstance(made, ConstantEscapement):
        return ""
    if made.escapement == 0.0:
        return "; WARNING: at this discount it pays to liquidate the stock"
    if float(inputs.stock.mean(made.escapement)) < 0.2 * inputs.b0:
        return "; WARNING: at this discount the stock is kept close to collapse"
    return ""
