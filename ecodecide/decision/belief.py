"""The belief about biomass, on cells: harvested, grown and confronted with what is seen.

One piece of code serves two masters: with the survey's likelihood on log-spaced cells it is the filter that
fits a history, and on the decision grid it is the belief of a manager. A belief is a row of probabilities,
one per cell; the first cell is extinction, an atom at 0. All functions take a batch, one belief per row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecodecide.stock.growth import Array


def harvest(belief: Array, catch: Array, points: Array, edges: Array) -> tuple[Array, Array]:
    """Take a known catch out of each belief.

    Biomass is spread evenly within a cell. What could not have borne the catch is struck out: a catch is
    evidence. The remainder of a cell, moved down by the catch, is split between the two points around it so
    that its mean stays where it is; nothing that is left over goes to extinction.

    Parameters
    ----------
    belief
        Shape (rows, n), non-negative.
    catch
        Shape (rows,), what was caught, in units of biomass, not rounded to cells.
    points, edges
        Shapes (n,) and (n + 1,): the cells; points[0] = 0 is the atom.

    Returns
    -------
    escaped
        Shape (rows, n): belief about the escapement, not normalized.
    probability
        Shape (rows,): the probability that the stock could bear the catch, the sum of `escaped`.
    """
    rows, n = belief.shape
    below, share, possible = _landing(catch, points, edges)
    mass = belief[:, 1:] * possible
    offset = np.arange(rows)[:, None] * n
    above = np.minimum(below + 1, n - 1)
    stay = np.bincount((offset + below).ravel(), (mass * (1.0 - share)).ravel(), rows * n)
    move = np.bincount((offset + above).ravel(), (mass * share).ravel(), rows * n)
    escaped = np.asarray(stay + move, dtype=float).reshape(rows, n)
    escaped[:, 0] += belief[:, 0] * (catch <= 0.0)
    return escaped, np.asarray(escaped.sum(axis=1), dtype=float)


def before_harvest(values: Array, catch: Array, points: Array, edges: Array) -> Array:
    """Carry a function of the escapement back over a known catch: the transpose of `harvest`.

    Parameters
    ----------
    values
        Shape (n,): a value of each escapement.
    catch
        Shape (rows,).
    points, edges
        The cells.

    Returns
    -------
    ndarray
        Shape (rows, n): the expected value before harvest, 0 where the stock could not bear the catch.
    """
    below, share, possible = _landing(catch, points, edges)
    above = np.minimum(below + 1, len(points) - 1)
    carried = possible * ((1.0 - share) * values[below] + share * values[above])
    return np.column_stack([values[0] * (catch <= 0.0), carried])


def _landing(
    catch: Array, points: Array, edges: Array
) -> tuple[np.ndarray[Any, np.dtype[np.intp]], Array, Array]:
    """Return where each cell but the atom lands: the point below, the share of the next, and what could be.

    Each has the shape (rows, n - 1).
    """
    n = len(points)
    lower, upper = edges[1:-1], edges[2:]
    caught = catch[:, None]
    possible = np.clip((upper - caught) / (upper - lower), 0.0, 1.0)
    middle = np.where(caught > lower, 0.5 * (np.maximum(lower, caught) + upper), points[1:])
    left = np.maximum(middle - caught, 0.0)
    # the pair of points around what is left; below the first cell's point all of it is that cell
    below = np.clip(np.searchsorted(points, left, side="right") - 1, 1, max(n - 2, 1))
    gap = points[np.minimum(below + 1, n - 1)] - points[below]
    share = np.clip((left - points[below]) / np.where(gap > 0.0, gap, 1.0), 0.0, 1.0)
    # a shift by whole cells must land on points exactly, whatever the rounding of the subtraction
    share = np.where(share < 1e-9, 0.0, np.where(share > 1.0 - 1e-9, 1.0, share))
    return below, share, possible


def condition(belief: Array, likelihood: Array) -> tuple[Array, Array]:
    """Weigh each belief by the likelihood of what was seen (Bayes).

    Parameters
    ----------
    belief
        Shape (rows, n).
    likelihood
        Shape (rows, n) or (n,).

    Returns
    -------
    posterior
        Shape (rows, n), normalized; where the evidence is impossible, the belief as it was.
    evidence
        Shape (rows,): the probability (density) of what was seen.
    """
    weighed = belief * likelihood
    evidence = weighed.sum(axis=1)
    possible = evidence > 0.0
    posterior = np.where(possible[:, None], weighed / np.where(possible, evidence, 1.0)[:, None], belief)
    return posterior, evidence
