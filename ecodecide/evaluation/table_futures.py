"""Policies that are tables, on parametric stocks: all years of all replicates in one compiled pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ecodecide._kernels import futures
from ecodecide.decision.economy import Economy
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.evaluation.luck import seed_word
from ecodecide.policy.protocol import Policy
from ecodecide.policy.rules import (
    ConstantCatch,
    ConstantEscapement,
    ConstantRate,
    IcesAdvice,
    Ramp,
    Rule,
    RulePolicy,
)
from ecodecide.policy.table import NearestPointPolicy, TablePolicy
from ecodecide.stock.growth import (
    Allen,
    Array,
    BevertonHolt,
    GrowthLaw,
    Logistic,
    May,
    Myers,
    PellaTomlinson,
    Ricker,
    parameters,
)
from ecodecide.stock.mixed_growth import MixedGrowth
from ecodecide.stock.noise import LognormalNoise, Noise, NormalNoise, UniformNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import LognormalSurvey, NormalSurvey, PerfectSurvey, Survey

_LAWS: dict[type, int] = {
    Logistic: futures.LOGISTIC,
    PellaTomlinson: futures.PELLA_TOMLINSON,
    BevertonHolt: futures.BEVERTON_HOLT,
    Ricker: futures.RICKER,
    Allen: futures.ALLEN,
    Myers: futures.MYERS,
    May: futures.MAY,
}
_MOST_PARAMETERS = 5


def table_futures(
    policy: Policy,
    eras: Sequence[tuple[int, Stock]],
    survey: Survey,
    economy: Economy,
    start: Array,
    *,
    seed: int,
    years: int,
    first: int = 0,
    implementation_cv: float = 0.0,
    first_survey: bool = True,
    autocorrelation: float = 0.0,
    productivity: Array | None = None,
    prices: Array | None = None,
    name: str = "table",
) -> dict[str, Array] | None:
    """Simulate a policy that is a function of the last survey, in a compiled loop.

    The recruitment of year t has the luck z_t = rho z_{t-1} + sqrt(1 - rho^2) e_t, with z_0 = e_0 and rho the
    autocorrelation; the escapement s grows to noise(max(s + productivity[t] (f(s) - s), 0), z_t), where f and noise are
    of the era of year t. The catch is min(quota exp(sigma z), biomass) with sigma^2 = log(1 + implementation_cv^2).
    All luck is that of `ecodecide.evaluation.luck.luck`. The answer is that of the same steps in NumPy, but for
    rounding, and does not depend on how replicates are split into calls, to the last bit.

    Parameters
    ----------
    policy
        A `TablePolicy`, a `NearestPointPolicy`, or a `RulePolicy` of a constant rate, catch or escapement, a ramp or
        the ICES advice rule.
    eras
        (first year, drawn stock), from year 0 on: the stock as it grows from the escapement of that year on. Each
        is a `ParametricStock` of one world, or of one for each replicate.
    survey, economy
        What is observed, and what a catch is worth.
    start
        Shape (replicates,): biomass before the first harvest.
    seed, years
        As of `luck`.
    first
        The number of the first replicate, by which it draws its luck.
    implementation_cv
        The CV of the lognormal of median 1 between quota and catch.
    first_survey
        Whether a survey precedes the first quota.
    autocorrelation
        Of recruitment, in (-1, 1).
    productivity, prices
        Shape (years,): factors on the surplus production and on the price; None: 1.
    name
        What an error calls the policy.

    Returns
    -------
    dict or None
        `biomass` before harvest, `observed`, `quota`, `catch` and `profit` of shape (replicates, years), and
        `final_biomass`; None where any of policy, stock, survey and economy is of another kind than these.

    Raises
    ------
    EvaluationError
        When eras do not start at year 0 and ascend, or have another number of worlds than there are replicates.
    PolicyError
        When the policy sets a quota that is negative or not a number.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    >>> policy = RulePolicy(ConstantRate(0.2), expected=1.0)
    >>> runs = table_futures(
    ...     policy, [(0, stock)], eco.PerfectSurvey(), eco.Economy(), np.full(5, 0.5), seed=1, years=10
    ... )
    >>> runs["catch"].shape, bool(np.allclose(runs["catch"], 0.2 * runs["biomass"]))
    ((5, 10), True)
    """
    table, seen = _table(policy), _seen(survey, first_survey, implementation_cv)
    worlds = _worlds(eras, len(start), _path(productivity, years), autocorrelation)
    if table is None or seen is None or worlds is None or type(economy) is not Economy:
        return None
    money = futures.Money(
        economy.price * _path(prices, years), float(economy.effort_cost), float(economy.fixed_cost)
    )
    series, final = np.empty((5, len(start), years)), np.empty(len(start))
    # copies: a kernel would be compiled anew for arrays that must not be written to
    year, replicate = futures.table_futures(
        seed_word(seed), first, np.array(start, dtype=float), worlds, seen, table, money, series, final
    )
    if year < years:
        raise PolicyError(
            f"policy {name!r} set the quota {series[2, replicate, year]} in year {year}: "
            "expected a number of at least 0"
        )
    return dict(zip(futures.SERIES, series, strict=True)) | {"final_biomass": final}


def _path(factors: Array | None, years: int) -> Array:
    return np.ones(years) if factors is None else np.array(factors, dtype=float)


# --- worlds ---


def _worlds(
    eras: Sequence[tuple[int, Stock]], replicates: int, productivity: Array, autocorrelation: float
) -> futures.Worlds | None:
    from_year = np.array([year for year, _ in eras], dtype=np.int64)
    if len(eras) == 0 or from_year[0] != 0 or np.any(np.diff(from_year) <= 0):
        raise EvaluationError(f"eras must start at year 0 and ascend, got first years {from_year.tolist()}")
    law, numbers, noise, spread, shift = [], [], [], [], []
    for _, stock in eras:
        if type(stock) is not ParametricStock:
            return None
        growth, scatter = _growth(stock.growth, replicates), _noise(stock.noise)
        if growth is None or scatter is None:
            return None
        law.append(growth[0])
        numbers.append(growth[1])
        noise.append(scatter[0])
        spread.append(_rows(scatter[1], replicates))
        shift.append(_rows(scatter[2], replicates))
    worlds = max(len(row) for row in [*law, *spread, *shift])
    return futures.Worlds(
        from_year,
        np.array([np.broadcast_to(row, worlds) for row in law]),
        np.array([np.broadcast_to(row, (worlds, _MOST_PARAMETERS)) for row in numbers]),
        np.array(noise, dtype=np.int64),
        np.array([np.broadcast_to(row, worlds) for row in spread]),
        np.array([np.broadcast_to(row, worlds) for row in shift]),
        productivity,
        float(autocorrelation),
    )


def _rows(value: object, replicates: int) -> Array:
    """Return a parameter with one row, or one per replicate."""
    rows = np.atleast_1d(np.asarray(value, dtype=float))
    if rows.shape not in ((1,), (replicates,)):
        raise EvaluationError(
            f"the stock has {rows.size} worlds and there are {replicates} replicates: give one world per replicate"
        )
    return rows


def _growth(law: GrowthLaw, replicates: int) -> tuple[np.ndarray, Array] | None:
    """Return the code of each world's law, and its parameters, shape (worlds, 5)."""
    if isinstance(law, MixedGrowth):
        codes = np.empty(len(_rows(law.which, replicates)), dtype=np.int64)
        numbers = np.zeros((len(codes), _MOST_PARAMETERS))
        for number, kind in enumerate(law.laws):
            part = _growth(kind, len(np.atleast_1d(kind.scale)))
            if part is None:
                return None
            here = law.which == number
            codes[here] = part[0][0]
            numbers[here] = part[1][law.row[here]]
        return codes, numbers
    if type(law) not in _LAWS:
        return None
    columns = np.broadcast_arrays(*(_rows(value, replicates) for value in parameters(law).values()))
    numbers = np.zeros((len(columns[0]), _MOST_PARAMETERS))
    numbers[:, : len(columns)] = np.column_stack(columns)
    return np.full(len(numbers), _LAWS[type(law)], dtype=np.int64), numbers


def _noise(noise: Noise) -> tuple[int, object, object] | None:
    """Return a noise's code, its spread, and what is added to sigma z."""
    if type(noise) is LognormalNoise:
        shift = 0.0 if noise.center == "median" else -0.5 * np.asarray(noise.sigma, dtype=float) ** 2
        return futures.LOGNORMAL, noise.sigma, shift
    if type(noise) is NormalNoise:
        return futures.NORMAL, noise.sd, 0.0
    if type(noise) is UniformNoise:
        return futures.UNIFORM, noise.half_width, 0.0
    return None


def _seen(survey: Survey, first: bool, implementation_cv: float) -> futures.Seen | None:
    spread = float(np.sqrt(np.log1p(implementation_cv**2)))
    if type(survey) is PerfectSurvey:
        return futures.Seen(futures.SEEN_EXACTLY, 0.0, bool(first), spread)
    if type(survey) is LognormalSurvey:
        return futures.Seen(futures.SEEN_LOGNORMAL, survey.sigma, bool(first), spread)
    if type(survey) is NormalSurvey:
        return futures.Seen(futures.SEEN_NORMAL, float(survey.sd), bool(first), spread)
    return None


# --- policies: quotas that are piecewise quadratic in the biomass last seen ---


def _table(policy: Policy) -> futures.Table | None:
    delay, cap = 0, None
    pieces: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]
    if type(policy) is TablePolicy:
        # above the table every unit of biomass is a unit of quota
        slopes = np.append(np.diff(policy.quotas) / np.diff(policy.points), 1.0)
        pieces = policy.points, policy.quotas, slopes, np.zeros(len(slopes))
    elif type(policy) is NearestPointPolicy:
        # half-way the lower point is taken
        middle = np.nextafter((policy.points[1:] + policy.points[:-1]) / 2.0, np.inf)
        flat = np.zeros(len(policy.points))
        pieces = np.append(0.0, middle), policy.quotas, flat, flat
    elif type(policy) is RulePolicy:
        found = _rule(policy.rule)
        if found is None:
            return None
        pieces, delay, cap = found, policy.delay, policy.cap
    else:
        return None
    points, constant, linear, quadratic = (np.array(piece, dtype=float) for piece in pieces)
    if not (np.isfinite(points).all() and np.all(np.diff(points) > 0.0) and np.isfinite(policy.expected)):
        return None
    guide, crowd, per_width = _guide(points)
    return futures.Table(
        np.append(points, np.inf),
        constant,
        linear,
        quadratic,
        guide,
        crowd,
        per_width,
        float(policy.expected),
        delay,
        np.inf if cap is None else float(cap),
    )


def _rule(rule: Rule) -> tuple[list[float], list[float], list[float], list[float]] | None:
    """Return the points of a rule from which on its quota is a0 + a1 d + a2 d^2, with d the biomass above."""
    if type(rule) is ConstantRate:
        return [0.0], [0.0], [rule.rate], [0.0]
    if type(rule) is ConstantCatch:
        return [0.0], [rule.catch], [0.0], [0.0]
    if type(rule) is ConstantEscapement and rule.escapement > 0.0:
        return [0.0, rule.escapement], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0]
    if type(rule) is Ramp and 0.0 < rule.closed < rule.full:
        # rate (x - c) / (f - c) x with x = c + d
        steep = rule.rate / (rule.full - rule.closed)
        points = [0.0, rule.closed, rule.full]
        return (
            points,
            [0.0, 0.0, rule.rate * rule.full],
            [0.0, steep * rule.closed, rule.rate],
            [0.0, steep, 0.0],
        )
    if type(rule) is IcesAdvice and 0.0 < rule.b_lim < rule.b_trigger:
        # rate x^2 / trigger with x = lim + d
        steep, lim = rule.rate / rule.b_trigger, rule.b_lim
        points = [0.0, lim, rule.b_trigger]
        constant = [0.0, steep * lim**2, rule.rate * rule.b_trigger]
        return points, constant, [0.0, 2.0 * steep * lim, rule.rate], [0.0, steep, 0.0]
    return None


def _guide(points: Array) -> tuple[np.ndarray, int, float]:
    """Return how many points lie in the even buckets before each, the most in one, and a bucket's inverse width.

    So a point is found without a search (Chen & Asau 1974, AIIE Transactions 6:163). Buckets are made narrower
    until none holds two points, within reason.
    """
    n, extent = len(points), points[-1] - points[0]
    if n == 1:
        return np.ones(1, dtype=np.int64), 0, 0.0
    for each in (4, 8, 16, 32, 64):
        buckets = each * n
        per_width = float((buckets - 1) / extent)
        # by the arithmetic of the kernel, so that rounding falls alike
        bucket = np.minimum((points - points[0]) * per_width, buckets - 1).astype(np.int64)
        crowd = int(np.bincount(bucket[1:]).max())
        if crowd == 1:
            break
    return np.maximum(np.searchsorted(bucket, np.arange(buckets)), 1), crowd, per_width
