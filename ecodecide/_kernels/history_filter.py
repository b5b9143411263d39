"""The filter over a history, year by year, on cells: forward, backward, and one draw of what happened.

A belief is a row of n probabilities, the first of extinction. The matrix of growth is banded, because a year takes
a stock only so far: of row i nothing is used but columns first[i] to last[i] - 1. A year's catch moves the mass of
each cell down by as much, split between the two points around where it lands (`ecodecide.decision.belief.harvest`
does the same for a batch of beliefs, and is what these kernels are tested against); the error of the reported catch
is a few nodes with weights.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ecodecide._kernels.compile import kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

_REACH = 6.5
"""Standard deviations that a year of growth takes a stock at most: beyond lie 1e-10 of the probability."""


@kernel
def lognormal_band(log_grown: Numbers, sigma: float, log_edges: Numbers) -> tuple[Numbers, Indices, Indices]:
    """Return P(next cell | cell) of a lognormal noise with median grown, and the band of each row.

    Parameters
    ----------
    log_grown
        Shape (n,): log of the biomass that each point grows to; minus infinity where it dies.
    sigma
        Standard deviation of the log.
    log_edges
        Shape (n,): logs of the edges above each cell, that of extinction minus infinity. What exceeds the last edge
        counts to the last cell.

    Returns
    -------
    growth : shape (n, n)
    first, last : shape (n,)
    """
    n = len(log_grown)
    growth = np.zeros((n, n))
    first = np.zeros(n, dtype=np.int64)
    last = np.ones(n, dtype=np.int64)
    width = 1.0 / (sigma * math.sqrt(2.0))
    for i in range(n):
        middle = log_grown[i]
        if middle == -np.inf:
            growth[i, 0] = 1.0
            continue
        low, high = middle - _REACH * sigma, middle + _REACH * sigma
        begin = min(max(np.searchsorted(log_edges, low), 1), n - 1)
        end = min(np.searchsorted(log_edges, high), n - 1)
        below = 0.0
        for j in range(begin, end):
            # beyond the median by the complement, which keeps its digits there
            upto = 0.5 * math.erfc((middle - log_edges[j]) * width)
            growth[i, j] = upto - below
            below = upto
        growth[i, end] = 1.0 - below
        first[i], last[i] = begin, end + 1
    return growth, first, last


@kernel
def band(growth: Numbers) -> tuple[Indices, Indices]:
    """Return the first column and the one after the last of each row of a matrix that is not 0."""
    n = len(growth)
    first = np.zeros(n, dtype=np.int64)
    last = np.zeros(n, dtype=np.int64)
    for i in range(n):
        for j in range(growth.shape[1]):
            if growth[i, j] != 0.0:
                if last[i] == 0:
                    first[i] = j
                last[i] = j + 1
    return first, last


@kernel
def _land(
    caught: float, points: Numbers, edges: Numbers, below: Indices, share: Numbers, possible: Numbers
) -> None:
    """Fill, for each cell but extinction, the point below where it lands, the share of the next, and what could be."""
    n = len(points)
    j = 1
    for i in range(1, n):
        lower, upper = edges[i], edges[i + 1]
        possible[i] = min(max((upper - caught) / (upper - lower), 0.0), 1.0)
        middle = 0.5 * (max(lower, caught) + upper) if caught > lower else points[i]
        left = max(middle - caught, 0.0)
        # what is left grows with the cell, so that the search goes on from where it was
        while j < n - 2 and points[j + 1] <= left:
            j += 1
        below[i] = j
        gap = points[min(j + 1, n - 1)] - points[j]
        part = min(max((left - points[j]) / gap, 0.0), 1.0) if gap > 0.0 else 0.0
        # a shift by whole cells lands on points exactly
        share[i] = 0.0 if part < 1e-9 else (1.0 if part > 1.0 - 1e-9 else part)


@kernel
def forward(
    growth: Numbers,
    first: Indices,
    last: Indices,
    catch: Numbers,
    nodes: Numbers,
    weights: Numbers,
    likelihood: Numbers,
    initial: Numbers,
    points: Numbers,
    edges: Numbers,
) -> tuple[float, Numbers, Numbers, Numbers]:
    """Run the filter.

    Parameters
    ----------
    growth, first, last
        Shapes (n, n), (n,), (n,).
    catch
        Shape (years,); the last may be NaN.
    nodes, weights
        Factors of the catch and their probabilities.
    likelihood
        Shape (years, n): of each year's observations at each point.
    initial
        Shape (n,).
    points, edges
        Shapes (n,) and (n + 1,).

    Returns
    -------
    total : float
        The log-likelihood; minus infinity when no stock of this kind could have shown or borne it.
    predicted, beliefs : shape (years, n)
        Before and after each year's observations; the rest is left 0 when the likelihood is 0.
    terminal : shape (n,)
    """
    years, n = likelihood.shape
    predicted, beliefs = np.zeros((years, n)), np.zeros((years, n))
    terminal = initial.copy()
    left = np.empty(n)
    below = np.zeros(n, dtype=np.int64)
    share, possible = np.zeros(n), np.zeros(n)
    total = 0.0
    for t in range(years):
        evidence = 0.0
        for i in range(n):
            predicted[t, i] = terminal[i]
            evidence += terminal[i] * likelihood[t, i]
        if not evidence > 0.0:
            return -np.inf, predicted, beliefs, terminal
        total += math.log(evidence)
        for i in range(n):
            beliefs[t, i] = terminal[i] * likelihood[t, i] / evidence
            terminal[i] = beliefs[t, i]
        if np.isnan(catch[t]):
            continue
        left[:] = 0.0
        for k in range(len(nodes)):
            caught = catch[t] * nodes[k]
            _land(caught, points, edges, below, share, possible)
            if caught <= 0.0:
                left[0] += weights[k] * beliefs[t, 0]
            for i in range(1, n):
                mass = weights[k] * beliefs[t, i] * possible[i]
                j = below[i]
                left[j] += mass * (1.0 - share[i])
                left[min(j + 1, n - 1)] += mass * share[i]
        borne = left.sum()
        if not borne > 0.0:
            return -np.inf, predicted, beliefs, terminal
        total += math.log(borne)
        terminal[:] = 0.0
        for i in range(n):
            mass = left[i] / borne
            if mass > 0.0:
                for j in range(first[i], last[i]):
                    terminal[j] += mass * growth[i, j]
    return total, predicted, beliefs, terminal


@kernel
def backward(
    growth: Numbers,
    first: Indices,
    last: Indices,
    catch: Numbers,
    nodes: Numbers,
    weights: Numbers,
    likelihood: Numbers,
    points: Numbers,
    edges: Numbers,
) -> Numbers:
    """Return what all later years say of each year's biomass, up to a factor a year, shape (years, n)."""
    years, n = likelihood.shape
    later = np.ones((years, n))
    message, ahead = np.ones(n), np.empty(n)
    below = np.zeros(n, dtype=np.int64)
    share, possible = np.zeros(n), np.zeros(n)
    for t in range(years - 1, -1, -1):
        if np.isnan(catch[t]):
            continue
        if t < years - 1:
            for i in range(n):
                total = 0.0
                for j in range(first[i], last[i]):
                    total += growth[i, j] * likelihood[t + 1, j] * message[j]
                ahead[i] = total
        else:
            ahead[:] = 1.0
        message[:] = 0.0
        for k in range(len(nodes)):
            caught = catch[t] * nodes[k]
            _land(caught, points, edges, below, share, possible)
            if caught <= 0.0:
                message[0] += weights[k] * ahead[0]
            for i in range(1, n):
                j = below[i]
                carried = (1.0 - share[i]) * ahead[j] + share[i] * ahead[min(j + 1, n - 1)]
                message[i] += weights[k] * possible[i] * carried
        top = message.max()
        if top > 0.0:
            message /= top
        later[t] = message
    return later


@kernel
def draw_backward(
    growth: Numbers,
    catch: Numbers,
    nodes: Numbers,
    weights: Numbers,
    beliefs: Numbers,
    terminal: Numbers,
    points: Numbers,
    edges: Numbers,
    uniforms: Numbers,
) -> tuple[Numbers, float]:
    """Draw one trajectory given the whole history, from its end back to its beginning.

    Parameters
    ----------
    growth, catch, nodes, weights, points, edges
        As in `forward`.
    beliefs, terminal
        What it returned.
    uniforms
        Shape (years + 1,).

    Returns
    -------
    biomass : shape (years,)
    at_the_end : float
    """
    years, n = beliefs.shape
    biomass = np.empty(years)
    row = terminal.copy()
    below = np.zeros(n, dtype=np.int64)
    share, possible = np.zeros(n), np.zeros(n)
    state, at_the_end = _pick(row, uniforms[years], edges)
    for t in range(years - 1, -1, -1):
        if np.isnan(catch[t]):
            biomass[t] = at_the_end
            continue
        row[:] = 0.0
        for k in range(len(nodes)):
            caught = catch[t] * nodes[k]
            _land(caught, points, edges, below, share, possible)
            if caught <= 0.0:
                row[0] += weights[k] * growth[0, state]
            for i in range(1, n):
                j = below[i]
                carried = (1.0 - share[i]) * growth[j, state] + share[i] * growth[min(j + 1, n - 1), state]
                row[i] += weights[k] * possible[i] * carried
        for i in range(n):
            row[i] *= beliefs[t, i]
        state, biomass[t] = _pick(row, uniforms[t], edges)
    return biomass, at_the_end


@kernel
def _pick(mass: Numbers, uniform: float, edges: Numbers) -> tuple[int, float]:
    """Draw a state by inverse cdf, and a biomass evenly within its cell."""
    target = uniform * mass.sum()
    upto = 0.0
    state = len(mass) - 1
    for i in range(len(mass)):
        if upto + mass[i] >= target and mass[i] > 0.0:
            state = i
            break
        upto += mass[i]
    if state == 0:
        return 0, 0.0
    inside = (target - upto) / mass[state] if mass[state] > 0.0 else 0.5
    low, high = edges[state], edges[state + 1]
    return state, low + min(max(inside, 0.0), 1.0) * (high - low)
