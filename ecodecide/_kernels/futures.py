"""Futures of a stock under a policy that is a table: luck, growth, survey, quota and catch in one pass.

Luck is counter-based: a block of four words is a function of the seed, the replicate and the year alone, so that
no replicate depends on how many others there are, on how long they run, or on who computes them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.compile import kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

LOGISTIC, PELLA_TOMLINSON, BEVERTON_HOLT, RICKER, ALLEN, MYERS, MAY = range(7)
LOGNORMAL, NORMAL, UNIFORM = range(3)
SEEN_EXACTLY, SEEN_LOGNORMAL, SEEN_NORMAL = range(3)

_LANES = 64
"""Replicates that are stepped side by side, always as many: what is computed for those beyond the last is dropped."""

_LARGEST = np.finfo(np.float64).max

_YEARS = 16
"""Years that wait to be written: a row of many replicates at a time would be a miss of the cache for each number."""

_inside = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")
"""Compiles what only kernels of this file call; a division by zero gives an infinity, as in NumPy."""


class Worlds(NamedTuple):
    """How the stocks grow: eras one after another, of one world or of one per replicate."""

    from_year: Indices  # (eras,): the first year of each
    law: Indices  # (eras, worlds)
    parameters: Numbers  # (eras, worlds, 5), in the order of the law's fields
    noise: Indices  # (eras,)
    spread: Numbers  # (eras, worlds): sigma, sd or half-width
    shift: Numbers  # (eras, worlds): what is added to sigma z
    productivity: Numbers  # (years,): factor on the surplus production
    autocorrelation: float


class Seen(NamedTuple):
    """What is observed, and what of the quota is caught."""

    kind: int
    spread: float
    first: bool  # whether there is a survey in the first year
    implementation: float  # standard deviation of the log of catch over quota


class Table(NamedTuple):
    """A quota that is piecewise quadratic in the biomass last seen: a0 + a1 d + a2 d^2, d from the last point."""

    points: Numbers  # (n + 1,), increasing, the last infinite; what lies below the first counts as the first
    constant: Numbers  # (n,)
    linear: Numbers
    quadratic: Numbers
    guide: Indices  # (buckets,): how many points lie in the buckets of biomass before, at least 1
    crowd: int  # the most points in a bucket
    per_width: float  # one over the width of a bucket
    expected: float
    delay: int
    cap: float  # infinity: none


class Money(NamedTuple):
    """What a catch earns."""

    price: Numbers  # (years,)
    effort_cost: float
    fixed_cost: float


SERIES = ("biomass", "observed", "quota", "catch", "profit")
"""What is written of each replicate and year, in this order."""


# --- luck ---


@_inside
def _high(a, b):  # type: ignore[no-untyped-def]
    """Return the upper 64 of the 128 bits of a product, from halves: in plain numbers, so that it vectorizes."""
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    a_low, a_high, b_low, b_high = a & mask, a >> half, b & mask, b >> half
    cross = a_low * b_high + ((a_low * b_low) >> half)
    other = a_high * b_low + (cross & mask)
    return a_high * b_high + (cross >> half) + (other >> half)


@_inside
def _words(seed, replicate, year):  # type: ignore[no-untyped-def]
    """Return the block of Philox4x64-10 with key (seed, replicate) and counter (year, 0, 0, 0).

    Salmon et al. 2011, doi:10.1145/2063384.2063405.
    """
    first, second = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
    a, b, c, d = year, np.uint64(0), np.uint64(0), np.uint64(0)
    for _ in range(10):
        a, b, c, d = (
            _high(second, c) ^ b ^ seed,
            second * c,
            _high(first, a) ^ d ^ replicate,
            first * a,
        )
        seed += np.uint64(0x9E3779B97F4A7C15)
        replicate += np.uint64(0xBB67AE8584CAA73B)
    return a, b, c, d


@_inside
def _centered(word):  # type: ignore[no-untyped-def]
    """Return a word as a number in (-1/2, 1/2), on the middles of 2^52 cells: exact, symmetric, never an end."""
    return (np.float64(np.int64(word >> np.uint64(12))) - 2251799813685247.5) * 2.220446049250313e-16


# coefficients of AS 241, PPND16 (Wichura 1988, Applied Statistics 37:477), the highest power first
_MIDDLE_ABOVE = (
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
    13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.3871328727963666080,
)  # fmt: skip
_MIDDLE_BELOW = (
    5226.4952788528545610, 28729.085735721942674, 39307.895800092710610, 21213.794301586595867,
    5394.1960214247511077, 687.18700749205790830, 42.313330701600911252, 1.0,
)  # fmt: skip
_TAIL_ABOVE = (
    7.74545014278341407640e-4, 0.0227238449892691845833, 0.241780725177450611770, 1.27045825245236838258,
    3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734,
)  # fmt: skip
_TAIL_BELOW = (
    1.05075007164441684324e-9, 5.47593808499534494600e-4, 0.0151986665636164571966, 0.148103976427480074590,
    0.689767334985100004550, 1.67638483018380384940, 2.05319162663775882187, 1.0,
)  # fmt: skip
_END_ABOVE = (
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.00124266094738807843860, 0.0265321895265761230930,
    0.296560571828504891230, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720,
)  # fmt: skip
_END_BELOW = (
    2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
    0.0148753612908506148525, 0.136929880922735805310, 0.599832206555887937690, 1.0,
)  # fmt: skip


@_inside
def _polynomial(coefficients, x):  # type: ignore[no-untyped-def]
    value = coefficients[0]
    for i in range(1, 8):
        value = value * x + coefficients[i]
    return value


@_inside
def _middle(q):  # type: ignore[no-untyped-def]
    """Return the standard normal quantile of 1/2 + q where |q| <= 0.425."""
    r = 0.180625 - q * q
    return q * _polynomial(_MIDDLE_ABOVE, r) / _polynomial(_MIDDLE_BELOW, r)


@_inside
def _tail(q):  # type: ignore[no-untyped-def]
    """Return the standard normal quantile of 1/2 + q where |q| > 0.425."""
    r = math.sqrt(-math.log(0.5 - abs(q)))
    if r <= 5.0:
        z = _polynomial(_TAIL_ABOVE, r - 1.6) / _polynomial(_TAIL_BELOW, r - 1.6)
    else:
        z = _polynomial(_END_ABOVE, r - 5.0) / _polynomial(_END_BELOW, r - 5.0)
    return math.copysign(z, q)


@_inside
def _normals(q, z, tails):  # type: ignore[no-untyped-def]
    """Write the standard normal quantile of each 1/2 + q to z: all as if in the middle, then those that are not."""
    for i in range(_LANES):
        z[i] = _middle(q[i])
    found = 0
    for i in range(_LANES):
        tails[found] = i
        found += abs(q[i]) > 0.425
    for j in range(found):
        z[tails[j]] = _tail(q[tails[j]])


@_inside
def _draw(seed, replicate, year, q):  # type: ignore[no-untyped-def]
    """Fill q, shape (4, lanes), with the centered words of each purpose, from a replicate on."""
    for i in range(_LANES):
        a, b, c, d = _words(np.uint64(seed), np.uint64(replicate + i), np.uint64(year))
        q[0, i] = _centered(a)
        q[1, i] = _centered(b)
        q[2, i] = _centered(c)
        q[3, i] = _centered(d)


# 1/k! for k from 13 down to 0
_INVERSE_FACTORIALS = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))


@_inside
def _exp(x):  # type: ignore[no-untyped-def]
    """Return exp(x) to about a unit in the last place, without a branch: so compilers make it eight at a time.

    2^k times the Taylor series of what is left, |r| <= log(2)/2, whose next term is below 5e-18.
    """
    x = min(max(x, -745.2), 709.8)
    k = math.floor(x * 1.4426950408889634 + 0.5)
    r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10
    value = _INVERSE_FACTORIALS[0]
    for i in range(1, 14):
        value = value * r + _INVERSE_FACTORIALS[i]
    # in two halves, for 2^k itself may not be a number
    half = np.int64(k) >> 1
    rest = np.int64(k) - half
    return (
        value
        * np.int64((half + 1023) << 52).view(np.float64)
        * np.int64((rest + 1023) << 52).view(np.float64)
    )


@kernel
def draw_luck(seed: int, first: int, out: Numbers) -> None:
    """Fill out, shape (replicates, years, 4), from replicate number `first` on."""
    replicates, years, purposes = out.shape
    q, z, tails = np.empty((4, _LANES)), np.empty((4, _LANES)), np.empty(_LANES + 1, dtype=np.int64)
    for begin in range(0, replicates, _LANES):
        for year in range(years):
            _draw(seed, first + begin, year, q)
            for purpose in range(purposes):
                _normals(q[purpose], z[purpose], tails)
                for i in range(min(_LANES, replicates - begin)):
                    out[begin + i, year, purpose] = z[purpose, i]


# --- a year of all lanes ---


@_inside
def _grow(law, p, s, grown):  # type: ignore[no-untyped-def]
    """Write f(s), clipped at 0, to `grown`; `ecodecide.stock.growth` says which law is which."""
    if law == LOGISTIC:
        for i in range(_LANES):
            grown[i] = max(s[i] + p[0, i] * s[i] * (1.0 - s[i] / p[1, i]), 0.0)
    elif law == PELLA_TOMLINSON:
        for i in range(_LANES):
            log_depletion = math.log(s[i] / p[2, i])
            surplus = -log_depletion
            if abs(p[1, i]) >= 1e-100:
                surplus = -math.expm1(p[1, i] * log_depletion) / p[1, i]
            grown[i] = max(s[i] + p[0, i] * s[i] * surplus, 0.0) if s[i] > 0.0 else 0.0
    elif law == BEVERTON_HOLT:
        for i in range(_LANES):
            grown[i] = p[0, i] * s[i] / (1.0 + p[1, i] * s[i])
    elif law == RICKER:
        for i in range(_LANES):
            grown[i] = s[i] * _exp(p[0, i] * (1.0 - s[i] / p[1, i]))
    elif law == ALLEN:
        for i in range(_LANES):
            exponent = p[0, i] * (1.0 - s[i] / p[1, i]) * (s[i] - p[2, i]) / p[1, i]
            grown[i] = s[i] * _exp(min(exponent, 700.0))
    elif law == MYERS:
        for i in range(_LANES):
            grown[i] = p[0, i] * p[2, i] / (1.0 + p[2, i] * s[i] ** -p[1, i])
    else:
        for i in range(_LANES):
            consumed = p[2, i] / (1.0 + (p[3, i] / s[i]) ** p[4, i])
            grown[i] = max(s[i] + p[0, i] * s[i] * (1.0 - s[i] / p[1, i]) - consumed, 0.0)


@_inside
def _scatter(noise, spread, shift, z, grown):  # type: ignore[no-untyped-def]
    """Replace growth by the next biomass."""
    if noise == LOGNORMAL:
        for i in range(_LANES):
            grown[i] *= _exp(spread[i] * z[i] + shift[i])
    elif noise == NORMAL:
        for i in range(_LANES):
            grown[i] = max(grown[i] + spread[i] * z[i], 0.0) if grown[i] > 0.0 else 0.0
    else:
        for i in range(_LANES):
            # 2 Phi(z) - 1 = erf(z / sqrt(2))
            grown[i] *= 1.0 + spread[i] * math.erf(z[i] * 0.7071067811865476)


@_inside
def _observe(seen, biomass, z, observed):  # type: ignore[no-untyped-def]
    if seen.kind == SEEN_EXACTLY:
        for i in range(_LANES):
            observed[i] = biomass[i]
    elif seen.kind == SEEN_LOGNORMAL:
        for i in range(_LANES):
            observed[i] = biomass[i] * _exp(seen.spread * z[i])
    else:
        for i in range(_LANES):
            observed[i] = max(biomass[i] + seen.spread * z[i], 0.0) if biomass[i] > 0.0 else 0.0


@_inside
def _look_up(table, quota):  # type: ignore[no-untyped-def]
    """Replace each biomass by the table's quota there; a point belongs to what follows it."""
    last = len(table.guide) - 1
    least = table.points[0]
    for i in range(_LANES):
        x = min(max(quota[i], least), _LARGEST)
        # unsigned, as an index that may be negative costs a branch
        low = np.uint64(table.guide[np.uint64(min((x - least) * table.per_width, last))])
        for _ in range(table.crowd):
            low += np.uint64(table.points[low] <= x)
        at = low - np.uint64(1)
        d = x - table.points[at]
        quota[i] = table.constant[at] + d * (table.linear[at] + d * table.quadratic[at])


@_inside
def _decide(table, observed, known, last, quota):  # type: ignore[no-untyped-def]
    """Set the quotas, and bring up to date what was seen last and the last quota; return whether all are good."""
    for i in range(_LANES):
        before = known[i]
        known[i] = observed[i] if observed[i] == observed[i] else before
        quota[i] = before if table.delay == 1 else known[i]
    _look_up(table, quota)
    if table.cap < np.inf:
        for i in range(_LANES):
            if last[i] > 0.0:
                quota[i] = min(max(quota[i], last[i] * (1.0 - table.cap)), last[i] * (1.0 + table.cap))
            last[i] = quota[i]
    good = 0
    for i in range(_LANES):
        good += (quota[i] >= 0.0) & (quota[i] < np.inf)
    return good == _LANES


@_inside
def _harvest(seen, money, year, z, biomass, quota, catch, profit):  # type: ignore[no-untyped-def]
    """Write what is caught of the quota, and what it earns."""
    price, fixed_cost = money.price[year], money.fixed_cost
    if seen.implementation > 0.0:
        for i in range(_LANES):
            catch[i] = min(quota[i] * _exp(seen.implementation * z[i]), biomass[i])
    else:
        for i in range(_LANES):
            catch[i] = min(quota[i], biomass[i])
    for i in range(_LANES):
        profit[i] = price * catch[i] - (fixed_cost if catch[i] > 0.0 else 0.0)
    if money.effort_cost > 0.0:
        for i in range(_LANES):
            profit[i] -= money.effort_cost * (catch[i] / biomass[i] if biomass[i] > 0.0 else 0.0)


@_inside
def _write(waiting, count, series, begin, size, year):  # type: ignore[no-untyped-def]
    """Write some years of each replicate from `year` on to the series, one replicate after another."""
    for k in range(waiting.shape[0]):
        for i in range(size):
            row = series[k, begin + i]
            for at in range(count):
                row[year + at] = waiting[k, at, i]


@kernel
def table_futures(
    seed: int,
    first: int,
    start: Numbers,
    worlds: Worlds,
    seen: Seen,
    table: Table,
    money: Money,
    series: Numbers,
    final: Numbers,
) -> tuple[int, int]:
    """Fill the series, shape (5, replicates, years), and `final` with the biomass after them.

    Return the year and the replicate of the first bad quota, negative or not a number: of several that of the
    earliest year, and there of the first replicate. Without one, the number of years and 0.
    """
    _, replicates, years = series.shape
    q, z, tails = np.empty((4, _LANES)), np.empty((3, _LANES)), np.empty(_LANES + 1, dtype=np.int64)
    luck, known, last = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    escapement, grown = np.empty(_LANES), np.empty(_LANES)
    wanted = np.array([True, seen.kind != SEEN_EXACTLY, seen.implementation > 0.0])
    law, present = np.empty(_LANES, dtype=np.int64), np.empty(7, dtype=np.bool_)
    parameters, spread, shift = np.empty((5, _LANES)), np.empty(_LANES), np.empty(_LANES)
    year_of, waiting = np.empty((5, _LANES)), np.empty((5, _YEARS, _LANES))
    biomass, observed, quota, catch, profit = year_of[0], year_of[1], year_of[2], year_of[3], year_of[4]
    rho = worlds.autocorrelation
    fresh = math.sqrt(1.0 - rho * rho)
    bad_year, bad_replicate = years, 0
    for begin in range(0, replicates, _LANES):
        size = min(_LANES, replicates - begin)
        biomass[:] = 0.0
        biomass[:size] = start[begin : begin + size]
        known[:] = table.expected
        last[:] = np.nan
        era = -1
        for year in range(years):
            if era + 1 < len(worlds.from_year) and worlds.from_year[era + 1] == year:
                era += 1
                present[:] = False
                for i in range(_LANES):
                    row = min(begin + i, worlds.law.shape[1] - 1)
                    law[i] = worlds.law[era, row]
                    present[law[i]] = True
                    parameters[:, i] = worlds.parameters[era, row]
                    spread[i] = worlds.spread[era, row]
                    shift[i] = worlds.shift[era, row]
            _draw(seed, first + begin, year, q)
            for purpose in range(3):
                if wanted[purpose]:
                    _normals(q[purpose], z[purpose], tails)
            for i in range(_LANES):
                luck[i] = rho * luck[i] + fresh * z[0, i] if year > 0 else z[0, i]
            _observe(seen, biomass, z[1], observed)
            if year == 0 and not seen.first:
                observed[:] = np.nan
            if not _decide(table, observed, known, last, quota):
                for i in range(size):
                    if not 0.0 <= quota[i] < np.inf and year < bad_year:
                        bad_year, bad_replicate = year, begin + i
            _harvest(seen, money, year, z[2], biomass, quota, catch, profit)
            at = year % _YEARS
            for k in range(5):
                for i in range(_LANES):
                    waiting[k, at, i] = year_of[k, i]
            if at == _YEARS - 1 or year == years - 1:
                _write(waiting, at + 1, series, begin, size, year - at)
            for i in range(_LANES):
                escapement[i] = biomass[i] - catch[i]
            for code in range(7):
                if present[code]:
                    _grow(code, parameters, escapement, grown)
                    for i in range(_LANES):
                        biomass[i] = grown[i] if law[i] == code else biomass[i]
            factor = worlds.productivity[year]
            if factor != 1.0:
                for i in range(_LANES):
                    biomass[i] = max(escapement[i] + factor * (biomass[i] - escapement[i]), 0.0)
            _scatter(worlds.noise[era], spread, shift, luck, biomass)
        final[begin : begin + size] = biomass[:size]
    return bad_year, bad_replicate
