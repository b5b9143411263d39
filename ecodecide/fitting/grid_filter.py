"""The likelihood of a history under a stock, exact up to the grid, for any growth law and noise.

Each year the belief about biomass is confronted with what was observed, the catch is taken out of it, and it
grows. The probability of all that was seen, year after year, is the likelihood; what is left of the belief
at the end is the present state of the stock. The belief's steps are those of a manager's belief
(`ecodecide.decision.belief`), here on log-spaced cells, because a history can span orders of magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecodecide.decision.belief import before_harvest, condition, harvest
from ecodecide.stock.growth import Array
from ecodecide.stock.protocol import Stock

# Gauss-Hermite nodes and weights of a standard normal: exact for polynomials up to degree 5
_NODES = np.array([-np.sqrt(3.0), 0.0, np.sqrt(3.0)])
_WEIGHTS = np.array([1.0, 4.0, 1.0]) / 6.0


def log_cells(lowest: float, highest: float, cells: int) -> tuple[Array, Array]:
    """Return points and edges of log-spaced cells; the first state is extinction, the second starts at 0.

    Examples
    --------
    >>> points, edges = log_cells(1.0, 100.0, 3)
    >>> edges
    array([-inf,   0.,   1.,  10., 100.])
    """
    inner = np.geomspace(lowest, highest, cells)
    edges = np.concatenate([[-np.inf, 0.0], inner])
    points = np.concatenate([[0.0], 0.5 * (edges[1:-1] + edges[2:])])
    return points, edges


@dataclass(frozen=True, eq=False)
class FilteredHistory:
    """What a filter makes of a history.

    Attributes
    ----------
    log_likelihood
        Log probability (density) of all observations and catches.
    beliefs
        Shape (years, n): belief about biomass before harvest, given all up to that year's observation.
    terminal
        Shape (n,): belief about biomass at the end: after the last catch and growth, or in the last year
        itself where its catch is not known.
    kernel, points, edges
        The cells and P(next cell | escapement point).
    """

    log_likelihood: float
    beliefs: Array
    terminal: Array
    kernel: Array
    points: Array
    edges: Array


def filter_history(
    stock: Stock,
    catch: Array,
    likelihood: Array,
    initial: Array,
    points: Array,
    edges: Array,
    catch_cv: float = 0.0,
) -> FilteredHistory:
    """Run the filter over a history.

    Parameters
    ----------
    stock
        How the stock grows.
    catch
        Shape (years,): catches; the last may be NaN.
    likelihood
        Shape (years, n): probability (density) of each year's observations at each point; ones where none.
    initial
        Shape (n,): belief before the first observation.
    points, edges
        The cells, any cells.
    catch_cv
        Error of the reported catch, lognormal; a reported catch that the stock cannot bear is thereby unlikely,
        not impossible.

    Returns
    -------
    FilteredHistory
        The likelihood is minus infinity when the stock cannot have borne its catches.
    """
    kernel = stock.kernel(points, edges)
    kernel[:, -1] += np.maximum(1.0 - kernel.sum(axis=1), 0.0)
    nodes, weights = _catch_nodes(catch_cv)
    belief = initial[None, :]
    beliefs = np.empty((len(catch), len(points)))
    total = 0.0
    with np.errstate(divide="ignore"):
        for t, caught in enumerate(catch):
            belief, evidence = condition(belief, likelihood[t])
            total += float(np.log(evidence[0]))
            beliefs[t] = belief[0]
            if np.isnan(caught):
                continue
            escaped, _ = harvest(np.repeat(belief, len(nodes), axis=0), caught * nodes, points, edges)
            left = weights @ escaped
            possible = float(left.sum())
            total += float(np.log(possible))
            if possible <= 0.0:
                return FilteredHistory(-np.inf, beliefs, initial, kernel, points, edges)
            belief = (left / possible)[None, :] @ kernel
    return FilteredHistory(total, beliefs, belief[0], kernel, points, edges)


def _catch_nodes(catch_cv: float) -> tuple[Array, Array]:
    if catch_cv == 0.0:
        return np.ones(1), np.ones(1)
    return np.exp(np.sqrt(np.log1p(catch_cv**2)) * _NODES), _WEIGHTS


def smooth_history(run: FilteredHistory, catch: Array, likelihood: Array, catch_cv: float = 0.0) -> Array:
    """Return the belief about each year's biomass given the whole history, shape (years, n).

    Parameters
    ----------
    run
        What `filter_history` returned for the same catch and likelihood.
    catch, likelihood, catch_cv
        As there.
    """
    nodes, weights = _catch_nodes(catch_cv)
    smoothed = np.empty_like(run.beliefs)
    later = np.ones(len(run.points))
    for t in range(len(catch) - 1, -1, -1):
        if not np.isnan(catch[t]) and t < len(catch) - 1:
            ahead = run.kernel @ (likelihood[t + 1] * later)
            later = weights @ before_harvest(ahead, catch[t] * nodes, run.points, run.edges)
            later /= later.max()
        elif not np.isnan(catch[t]):
            later = weights @ before_harvest(later, catch[t] * nodes, run.points, run.edges)
        row = run.beliefs[t] * later
        smoothed[t] = row / row.sum()
    return smoothed


def sample_trajectory(
    run: FilteredHistory, catch: Array, uniforms: Array, catch_cv: float = 0.0
) -> tuple[Array, float]:
    """Draw one biomass trajectory given the whole history, backward from its end.

    Parameters
    ----------
    run
        What `filter_history` returned.
    catch, catch_cv
        As there.
    uniforms
        Shape (years + 1,): uniform random numbers on (0, 1).

    Returns
    -------
    biomass
        Shape (years,): biomass before harvest in each year.
    terminal
        Biomass at the end; that of the last year itself where its catch is not known.

    References
    ----------
    Forward filtering on a grid: Kitagawa 1987, Journal of the American Statistical Association 82:1032; backward
    sampling: Carter & Kohn 1994, Biometrika 81:541.
    """
    nodes, weights = _catch_nodes(catch_cv)
    years = len(catch)
    biomass = np.empty(years)
    state, terminal = _pick(run.terminal, uniforms[years], run.edges)
    for t in range(years - 1, -1, -1):
        if np.isnan(catch[t]):
            biomass[t] = terminal
            continue
        ahead = weights @ before_harvest(run.kernel[:, state], catch[t] * nodes, run.points, run.edges)
        state, biomass[t] = _pick(run.beliefs[t] * ahead, uniforms[t], run.edges)
    return biomass, terminal


def _pick(mass: Array, uniform: float, edges: Array) -> tuple[int, float]:
    """Draw a state by inverse cdf, and a biomass evenly within its cell."""
    cumulative = np.cumsum(mass)
    target = uniform * cumulative[-1]
    state = min(int(np.searchsorted(cumulative, target, side="left")), len(mass) - 1)
    if state == 0:
        return 0, 0.0
    inside = (target - cumulative[state - 1]) / mass[state] if mass[state] > 0.0 else 0.5
    low, high = edges[state], edges[state + 1]
    return state, float(low + min(max(inside, 0.0), 1.0) * (high - low))
