"""The rules that managers use, by the names they use: formula, source, and how the numbers come from a stock.

In the formulas B is this year's survey, of the biomass before harvest, and F a share of it per year;
F_MSY = MSY / B_MSY; B0 is the carrying capacity. I are the surveys of several years, C past catches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from ecodecide.errors import SolverError
from ecodecide.policy.rules import (
    ConstantCatch,
    ConstantEscapement,
    ConstantRate,
    IcesAdvice,
    IcesPercentile,
    IndexSlope,
    IndexTarget,
    PotentialBiologicalRemoval,
    Ramp,
    RateAbove,
    RatioWithSafeguard,
    RelativeRamp,
    Rule,
    SeriesPolicy,
    SeriesRule,
    TwoOverThree,
)
from ecodecide.solvers.rule_inputs import RuleInputs
from ecodecide.stock.growth import Array

Maker = Callable[[RuleInputs], Rule | SeriesPolicy]

A_REFERENCE = "a reference"
"""The source of a rule that needs none to be cited."""

RAMPS = ("40-10", "60-20", "80-40-msy")
"""The rules whose relF_min and relF_max can be chosen."""

_PFMC = (
    "SAMtool HCR40_10, a ramp of F (the Pacific Fishery Management Council's own 40-10 ramps the catch); Deroba & "
    "Bence 2008, Fish. Res. 94:210"
)
_SAMTOOL = "SAMtool HCR60_20; Deroba & Bence 2008, Fish. Res. 94:210"
_SAMTOOL_MSY = "SAMtool HCR80_40MSY; Deroba & Bence 2008, Fish. Res. 94:210"
_SPICT = "SPiCT, function manage; Pedersen & Berg 2017, Fish and Fisheries 18:226"
_ICES_2012 = "ICES 2012, DLS guidance, method 3.2, ICES CM 2012/ACOM 68"
_ICES_2022 = "ICES 2022, technical guidance for categories 2 and 3, doi:10.17895/ices.advice.19801564"
_GEROMONT = "Geromont & Butterworth 2015, ICES J. Mar. Sci. 72:251, doi:10.1093/icesjms/fst232; DLMtool {}"


@dataclass(frozen=True)
class NamedRule:
    """A rule as managers know it.

    Attributes
    ----------
    name
        As it is asked for.
    words
        What it does.
    formula
        Its quota, in the letters of this module.
    source
        Where it comes from, to be cited.
    needs_history
        Whether it starts from the catches, and if there are any the surveys, of the past.
    make
        Takes its numbers from a problem.
    """

    name: str
    words: str
    formula: str
    source: str
    make: Maker
    needs_history: bool = False


def _ramp(limit: float, target: float, of: str) -> Maker:
    def make(inputs: RuleInputs) -> Rule:
        rate, base = inputs.f_msy, inputs.b0 if of == "b0" else inputs.b_msy
        low, high = inputs.relative_f
        if (low, high) == (0.0, 1.0):
            return Ramp(rate, limit * base, target * base)
        return RelativeRamp(rate, limit * base, target * base, low, high)

    return make


def _constant_f(inputs: RuleInputs) -> Rule:
    if inputs.rate is not None:
        return ConstantRate(inputs.rate)
    rates = inputs.past_rates() if hasattr(inputs.stock, "best_biomass") else np.empty(0)
    return ConstantRate(float(rates[-5:].mean()) if rates.size else inputs.f_msy)


def _constant_catch(inputs: RuleInputs) -> Rule:
    if inputs.catch is None and not inputs.known_catches.size:
        return ConstantCatch(0.8 * inputs.points.msy)
    return ConstantCatch(inputs.recent_catch(5))


def _times_current_f(factor: float) -> Maker:
    return lambda inputs: ConstantRate(min(factor * inputs.current_rate(), 1.0))


def _average_catch(share: float) -> Maker:
    return lambda inputs: ConstantCatch(share * inputs.recent_catch(5))


def _ices_percentile(inputs: RuleInputs) -> Rule:
    z, survey = float(ndtri(0.35)), inputs.survey_log_sd()
    return IcesPercentile(
        inputs.f_msy,
        0.5 * inputs.b_msy,
        f_share=float(np.exp(z * np.hypot(survey, inputs.log_sd("f_msy")))),
        b_share=float(np.exp(z * np.hypot(survey, inputs.log_sd("b_msy")))),
        c_share=float(np.exp(z * survey)),
    )


def _removal(inputs: RuleInputs) -> Rule:
    minimum = float(np.exp(ndtri(0.2) * inputs.survey_log_sd()))
    # growth per head of the best estimate, of which there may be fewer heads
    return PotentialBiologicalRemoval(inputs.largest_growth() / inputs.over_best, minimum)


def _corrected_catch(inputs: RuleInputs) -> Rule:
    inputs.require_catches()
    biomass = inputs.past_biomass[: len(inputs.known_catches) + 1]
    seen = biomass[~np.isnan(biomass)]
    if seen.size < 2:
        raise SolverError(
            f"the rule {inputs.name!r} corrects for the change of biomass over the history, which has fewer than two "
            "biomasses: fit the stock to it, or use cc1"
        )
    # the MSY is the best estimate's, and so is its biomass
    windfall = max(float(seen[0] - seen[-1]), 0.0) / inputs.over_best / inputs.msy
    return ConstantCatch(float(inputs.known_catches.sum() / (len(inputs.known_catches) + windfall)))


def _series(rule: SeriesRule, inputs: RuleInputs, start: float, interval: int = 1) -> SeriesPolicy:
    if not start > 0.0:
        raise SolverError(
            f"the rule {inputs.name!r} moves the last catch up and down, and that was {start:g}: it would never open "
            "the fishery; give the catch to start from, as Precautionary(..., catch=...)"
        )
    past = inputs.past
    return SeriesPolicy(rule, start, tuple(past.surveys.tolist()), past.this_year, interval)


def _two_over_three(buffer: float) -> Maker:
    return lambda inputs: _series(TwoOverThree(), inputs, buffer * inputs.recent_catch(3))


def _with_safeguard(multiplier: float) -> Maker:
    def make(inputs: RuleInputs) -> SeriesPolicy:
        start, seen = inputs.recent_catch(3), _positive_surveys(inputs, "lowest survey")
        rule = RatioWithSafeguard(1.4 * float(seen.min()), multiplier)
        return _series(rule, inputs, start, interval=2)

    return make


def _index_slope(gain: float, share: float) -> Maker:
    return lambda inputs: _series(IndexSlope(gain), inputs, share * inputs.recent_catch(5))


def _index_target(multiple: float, share: float) -> Maker:
    def make(inputs: RuleInputs) -> SeriesPolicy:
        catch = share * inputs.recent_catch(5)
        seen = _positive_surveys(inputs, "mean survey of ten years", years=10)
        return _series(IndexTarget(catch, float(seen.mean()), multiple), inputs, catch)

    return make


def _positive_surveys(inputs: RuleInputs, what: str, years: int | None = None) -> Array:
    """Return the surveys of the last years, or of all, that were made and above zero."""
    past = inputs.past
    series = past.surveys if np.isnan(past.this_year) else np.append(past.surveys, past.this_year)
    seen = series[-years:] if years else series
    seen = seen[seen > 0.0]
    if not seen.size:
        raise SolverError(
            f"the rule {inputs.name!r} needs the {what} of the history, which has none: give the problem a history "
            "with a biomass or an index, or use 2-over-3 or islope1, which do without"
        )
    return np.asarray(seen)


NAMED_RULES = (
    NamedRule(
        "tac",
        "0.8 F_MSY of the survey",
        "0.8 F_MSY B",
        "Memarzadeh & Boettiger 2019, Am. Nat. 193:645, doi:10.1086/702704",
        lambda inputs: ConstantRate(0.8 * inputs.f_msy),
    ),
    NamedRule(
        "msy",
        "F_MSY of the survey",
        "F_MSY B",
        _SPICT + ", where it is Fmsy",
        lambda inputs: ConstantRate(inputs.f_msy),
    ),
    NamedRule(
        "40-10",
        "F from 0 at 0.1 B0 up to F_MSY at 0.4 B0",
        "F_MSY B clip((B/B0 - 0.1) / 0.3, 0, 1)",
        _PFMC,
        _ramp(0.1, 0.4, "b0"),
    ),
    NamedRule(
        "60-20",
        "F from 0 at 0.2 B0 up to F_MSY at 0.6 B0",
        "F_MSY B clip((B/B0 - 0.2) / 0.4, 0, 1)",
        _SAMTOOL,
        _ramp(0.2, 0.6, "b0"),
    ),
    NamedRule(
        "80-40-msy",
        "F from 0 at 0.4 B_MSY up to F_MSY at 0.8 B_MSY",
        "F_MSY B clip((B/B_MSY - 0.4) / 0.4, 0, 1)",
        _SAMTOOL_MSY,
        _ramp(0.4, 0.8, "b_msy"),
    ),
    NamedRule(
        "ices",
        "F_MSY above B_trigger = 0.5 B_MSY, F_MSY B/B_trigger below, 0 below B_lim = 0.3 B_MSY",
        "F_MSY B min(1, B / (0.5 B_MSY)), 0 if B < 0.3 B_MSY",
        "ICES 2017, advice rule; B_trigger and B_lim as shares of B_MSY after Pedersen & Berg 2017, Fish and Fisheries "
        "18:226",
        lambda inputs: IcesAdvice(inputs.f_msy, 0.5 * inputs.b_msy, 0.3 * inputs.b_msy),
    ),
    NamedRule(
        "msy-hockey-stick",
        "F_MSY above B_trigger = 0.5 B_MSY, F_MSY B/B_trigger below",
        "F_MSY B min(1, B / (0.5 B_MSY))",
        "ICES 2017, WKMSYCat34, ICES CM 2017/ACOM 47; " + _SPICT + " (msyHockeyStick)",
        lambda inputs: IcesAdvice(inputs.f_msy, 0.5 * inputs.b_msy, 0.0),
    ),
    NamedRule(
        "ices-35th",
        "the hockey stick on the 35th percentiles of F_MSY, B/B_MSY and catch: SPiCT's scenario ices",
        "c f F_MSY B min(1, b B / (0.5 B_MSY)); f, b, c = exp(-0.385 s), s the log sd of F/F_MSY, B/B_MSY and B",
        _SPICT + " (ices)",
        _ices_percentile,
    ),
    NamedRule(
        "no-fishing-below",
        "F_MSY from 0.2 B0 on, no fishing below it; not constant-escapement",
        "F_MSY B if B >= 0.2 B0, else 0",
        "SAMtool HCR_escapement; Deroba & Bence 2008, Fish. Res. 94:210",
        lambda inputs: RateAbove(inputs.f_msy, 0.2 * inputs.b0),
    ),
    NamedRule(
        "constant-escapement",
        "all above the escapement S* that maximizes g E[x'] - s (Reed 1979)",
        "max(B - S*, 0)",
        "Reed 1979, J. Environ. Econ. Manage. 6:350, doi:10.1016/0095-0696(79)90014-7",
        lambda inputs: ConstantEscapement(inputs.reed_escapement()),
    ),
    NamedRule(
        "constant-f",
        "the same share every year: that of the last five years, or F_MSY",
        "F B, F the mean of C/B over five years",
        "Deroba & Bence 2008, Fish. Res. 94:210",
        _constant_f,
    ),
    NamedRule(
        "constant-catch",
        "the same catch every year: the mean of the last five years, or 0.8 MSY",
        "mean of C over five years",
        "Deroba & Bence 2008, Fish. Res. 94:210",
        _constant_catch,
    ),
    NamedRule(
        "current-catch",
        "the last catch, every year",
        "the last C",
        _SPICT + " (currentCatch)",
        lambda inputs: ConstantCatch(inputs.recent_catch(1)),
        needs_history=True,
    ),
    NamedRule(
        "current-f",
        "the last year's share, every year",
        "F B, F the last C/B",
        _SPICT + " (currentF)",
        _times_current_f(1.0),
        needs_history=True,
    ),
    NamedRule(
        "fmsy",
        "F_MSY of the survey: another name of msy",
        "F_MSY B",
        _SPICT + " (Fmsy)",
        lambda inputs: ConstantRate(inputs.f_msy),
    ),
    NamedRule(
        "no-f",
        "a thousandth of the last year's share",
        "0.001 F B, F the last C/B",
        _SPICT + " (noF)",
        _times_current_f(0.001),
        needs_history=True,
    ),
    NamedRule(
        "reduce-f25",
        "the last year's share less a quarter",
        "0.75 F B, F the last C/B",
        _SPICT + " (reduceF25)",
        _times_current_f(0.75),
        needs_history=True,
    ),
    NamedRule(
        "increase-f25",
        "the last year's share and a quarter, at most all",
        "min(1.25 F, 1) B, F the last C/B",
        _SPICT + " (increaseF25)",
        _times_current_f(1.25),
        needs_history=True,
    ),
    NamedRule(
        "2-over-3",
        "the last advice times the mean survey of two years over that of the three before, within 20 %",
        "last clip(mean(I of 2 years) / mean(I of the 3 before), 0.8, 1.2); the first from the mean C of 3 years",
        _ICES_2012,
        _two_over_three(1.0),
        needs_history=True,
    ),
    NamedRule(
        "2-over-3-buffer",
        "2-over-3 with the precautionary buffer: 20 % off the first advice, once",
        "2-over-3, the first from 0.8 mean C of 3 years",
        _ICES_2012,
        _two_over_three(0.8),
        needs_history=True,
    ),
    NamedRule(
        "rfb",
        "2 over 3 with a biomass safeguard and a multiplier, every second year; without lengths, so f = 1 and the "
        "multiplier compounds: rb is ICES's own rule where there are none",
        "last r f b m within +20 % and -30 % if b = 1; r of 2-over-3, f = 1, b = min(1, I / (1.4 lowest I)), m = 0.9",
        _ICES_2022 + "; Fischer et al. 2021, ICES J. Mar. Sci. 78:1311, doi:10.1093/icesjms/fsab018",
        _with_safeguard(0.9),
        needs_history=True,
    ),
    NamedRule(
        "rb",
        "rfb of stocks without lengths, every second year",
        "last r b m within +20 % and -30 % if b = 1; r and b of rfb, m = 0.5",
        _ICES_2022,
        _with_safeguard(0.5),
        needs_history=True,
    ),
    *(
        NamedRule(
            f"islope{number}",
            f"the last quota moved by {gain} times the slope of the log index of five years, from {share} of the mean "
            "catch",
            f"last (1 + {gain} slope(log I of 5 years)); the first from {share} mean C of 5 years",
            _GEROMONT.format(f"Islope{number}"),
            _index_slope(gain, share),
            needs_history=True,
        )
        for number, gain, share in ((1, 0.4, 0.8), (2, 0.4, 0.7), (3, 0.4, 0.6), (4, 0.2, 0.6))
    ),
    *(
        NamedRule(
            f"itarget{number}",
            f"steers the index to {multiple} times its mean of ten years, at {share} of the mean catch",
            f"with Q = {share} mean C of 5 years, A = mean I of the last 10 of the history, I = mean of 5 years: "
            f"Q/2 (1 + (I - 0.8 A) / ({multiple} A - 0.8 A)), Q/2 (I / (0.8 A))^2 below 0.8 A",
            _GEROMONT.format(f"Itarget{number}"),
            _index_target(multiple, share),
            needs_history=True,
        )
        for number, multiple, share in ((1, 1.5, 1.0), (2, 2.0, 1.0), (3, 2.5, 1.0), (4, 2.5, 0.7))
    ),
    *(
        NamedRule(
            f"cc{number}",
            f"{share} of the mean catch of the last five years, every year",
            f"{share} mean C of 5 years",
            _GEROMONT.format(f"CC{number}"),
            _average_catch(share),
            needs_history=True,
        )
        for number, share in enumerate((1.0, 0.9, 0.8, 0.7, 0.6), start=1)
    ),
    NamedRule(
        "dcac",
        "depletion-corrected average catch: the mean catch less the windfall of fishing the stock down",
        "sum of C / (n + max(B_first - B_last, 0) / MSY), n years; 0.4 c M B0 of the paper is MSY here",
        "MacCall 2009, ICES J. Mar. Sci. 66:2267; DLMtool DCACs",
        _corrected_catch,
        needs_history=True,
    ),
    NamedRule(
        "pbr",
        "potential biological removal, F_r = 0.5",
        "N_min R_max/2 F_r; N_min = B exp(-0.842 s), s the log sd of the survey; R_max the largest growth per head",
        "Wade 1998, Mar. Mamm. Sci. 14:1",
        _removal,
    ),
    NamedRule("no-fishing", "no catch at all", "0", A_REFERENCE, lambda inputs: ConstantCatch(0.0)),
)
"""All of them, kin beside kin."""
