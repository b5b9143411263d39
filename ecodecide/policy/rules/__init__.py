"""Harvest control rules: the quota that an agency sets on what it saw and caught.

`fixed`, `ramps` and `removal` hold rules that need this year's biomass alone, and `RulePolicy` makes a policy of
one; `index_rules` holds those that need the surveys of several years and the last advice, and `SeriesPolicy` makes a
policy of one. The names that managers use, with the numbers of a stock, are in `ecodecide.solvers.named_rules`.
"""

from ecodecide.policy.rules.fixed import ConstantCatch, ConstantEscapement, ConstantRate
from ecodecide.policy.rules.index_rules import IndexSlope, IndexTarget, RatioWithSafeguard, TwoOverThree
from ecodecide.policy.rules.ramps import IcesAdvice, IcesPercentile, Ramp, RateAbove, RelativeRamp
from ecodecide.policy.rules.removal import PotentialBiologicalRemoval
from ecodecide.policy.rules.rule_policy import Rule, RulePolicy
from ecodecide.policy.rules.series_policy import SeriesPolicy, SeriesRule

__all__ = [
    "ConstantCatch",
    "ConstantEscapement",
    "ConstantRate",
    "IcesAdvice",
    "IcesPercentile",
    "IndexSlope",
    "IndexTarget",
    "PotentialBiologicalRemoval",
    "Ramp",
    "RateAbove",
    "RatioWithSafeguard",
    "RelativeRamp",
    "Rule",
    "RulePolicy",
    "SeriesPolicy",
    "SeriesRule",
    "TwoOverThree",
]
