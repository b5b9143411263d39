"""A manager's beliefs through a year, but for its matrix products: the catch and the survey.

States are evenly spaced: a catch of c moves what is left down by c / step of them. They are cells, of which the
first is an atom at 0 (`ecodecide.decision.belief.harvest` and `condition` do the same for any cells, and are what
these kernels are tested against), or points.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.compile import kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

_inside = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy")
"""Compiles what only kernels of this file call."""

_adding = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, fastmath={"reassoc"})
"""Likewise, of sums whose terms may be added up in any order, as many at a time as the processor's vectors hold:
their last digits are the same on machines with vectors of one width, and may differ between others."""

_WHOLE = 1e-9
"""A catch this close to a whole number of states is one: a shift lands on points exactly, whatever the rounding."""


@_adding
def _sum(values):  # type: ignore[no-untyped-def]
    total = 0.0
    for x in values:
        total += x
    return total


@_inside
def _fill(values, number):  # type: ignore[no-untyped-def]
    for i in range(len(values)):
        values[i] = number


@_inside
def _copy(values, to):  # type: ignore[no-untyped-def]
    for i in range(len(values)):
        to[i] = values[i]


@_inside
def _shift(belief, share, escaped):  # type: ignore[no-untyped-def]
    """Write a belief, and a share of it one state further on."""
    if share == 0.0:
        _copy(belief, escaped)
        return
    earlier, between = belief[:-1], escaped[1:]
    escaped[0] = (1.0 - share) * belief[0]
    for i in range(len(earlier)):
        between[i] = (1.0 - share) * belief[i + 1] + share * earlier[i]
    escaped[len(belief)] = share * belief[-1]


@_inside
def _harvest(belief, catch, step, cells, escaped):  # type: ignore[no-untyped-def]
    """Take a catch out of a belief; return the probability that the stock could bear it, the sum of `escaped`."""
    n = len(belief)
    _fill(escaped, 0.0)
    moved = catch / step
    if not moved < n:
        return 0.0
    whole = np.round(moved)
    share = 0.0 if abs(moved - whole) < _WHOLE else math.ceil(moved) - moved
    down = np.int64(whole if share == 0.0 else math.ceil(moved))
    # state i lands on i - down, and for the share on the next one up
    # of the cell in which the catch ends the part above it remains, and is of the first cell
    end = np.int64(math.floor(moved)) + 1
    least = end + 1 if cells else down
    if least < n:
        _shift(belief[least:], share, escaped[least - down :])
    if cells:
        if end < n:
            escaped[1] += belief[end] * min(max((end * step - catch) / step, 0.0), 1.0)
        escaped[0] = belief[0] if catch <= 0.0 else 0.0
    return _sum(escaped)


@_inside
def _share_out(values, total, mass):  # type: ignore[no-untyped-def]
    """Scale values that sum to `total` > 0 to the sum `mass`."""
    factor = mass / total
    if total > 1e-290:
        for i in range(len(values)):
            values[i] *= factor
    else:  # whose inverse is not a number
        for i in range(len(values)):
            values[i] = values[i] / total * mass


@_inside
def _shortfall(belief, quota, catch, located, step, error, possible):  # type: ignore[no-untyped-def]
    """Weigh the stock running out at this catch against the fleet taking so much of a larger stock."""
    if not quota > 0.0:
        return 0.0, 1.0
    if catch <= 0.0:
        return belief[0], 0.0
    z = math.log(catch / quota) / error
    density = math.exp(-0.5 * z * z) / (max(catch, 1e-300) * error * math.sqrt(2.0 * math.pi))
    above = 0.5 * math.erfc(z * math.sqrt(0.5))
    return belief[located] / step * above, possible * density


@kernel
def after_catch(
    memory: Numbers,
    caught: Numbers,
    located: Indices,
    step: float,
    cells: bool,
    error: float,
    escaped: Numbers,
) -> None:
    """Write what each belief makes of a catch to `escaped`, shape (rows, n): beliefs about the escapement.

    A row of `memory` is a belief and the quota that was set on it. A catch short of its quota means that the stock
    ran out, or, with implementation error of standard deviation `error` of the log, that the fleet fell short.
    What was impossible starts again from every biomass. `located` is the state of each catch. A catch that is
    negative, which rounding can make it, is none, and one that no state could bear is the last state's.
    """
    rows, n = escaped.shape
    everywhere = np.full(n, 1.0 / n)
    last = (n - 1.5) * step if cells else (n - 1) * step  # the last state's point
    for row in range(rows):
        belief, quota, after, catch = memory[row, :n], memory[row, n], escaped[row], max(caught[row], 0.0)
        borne = last if catch >= (n - 1) * step else catch
        possible = _harvest(belief, borne, step, cells, after)
        if possible <= 0.0:
            belief = everywhere
            possible = _harvest(belief, borne, step, cells, after)
        ran_out = 1.0 if catch < quota * (1.0 - 1e-9) else 0.0
        if error > 0.0:
            ended, fell_short = _shortfall(belief, quota, catch, located[row], step, error, possible)
            if ended + fell_short > 0.0:
                ran_out = ended / (ended + fell_short)
        if possible <= 0.0:
            ran_out = 1.0
        if ran_out == 1.0:
            _fill(after, 0.0)
        else:
            _share_out(after, possible, 1.0 - ran_out)
        after[0] += ran_out


@_adding
def _weigh(belief, likelihood, posterior):  # type: ignore[no-untyped-def]
    """Write belief times likelihood, and return its sum."""
    total = 0.0
    for i in range(len(belief)):
        weighed = belief[i] * likelihood[i]
        posterior[i] = weighed
        total += weighed
    return total


@kernel
def after_survey(
    grown: Numbers, observed: Numbers, located: Indices, likelihood: Numbers, memory: Numbers
) -> None:
    """Write each belief, shape (rows, n), as its survey makes it to `memory`; without a survey as it is.

    `likelihood[o]` is that of observation o in each state, `located` the observation of each row. Impossible
    evidence starts the belief again from the survey alone, or, where no state makes it, from its own state.
    """
    rows, n = grown.shape
    for row in range(rows):
        before, after = grown[row], memory[row, :n]
        if np.isnan(observed[row]):
            _copy(before, after)
            total = _sum(before)
        else:
            heard = likelihood[located[row]]
            total = _weigh(before, heard, after)
            if total <= 0.0:
                _copy(heard, after)
                total = _sum(heard)
            if total <= 0.0:
                after[located[row]] = 1.0
                total = 1.0
        _share_out(after, total, 1.0)
