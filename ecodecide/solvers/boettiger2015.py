"""Gaussian-process dynamic programming as Boettiger, Mangel & Munch 2015 computed it, quirks kept.

doi:10.1098/rspb.2014.1631; its code is public, https://github.com/cboettig/nonparametric-bayes and
https://github.com/cboettig/pdg_control. To compare with that paper, and for nothing else: use `Gpdp` as it
comes for a decision. Biomass is taken in the unit it is given in, and the priors know one in which the largest
biomass is about 9. What the code does that its text does not say, or that its formulas would not:

likelihood
    The log-determinant of the marginal likelihood stands without its half.
no Jacobian
    The priors are densities of length scale and noise, the posterior is one of their logs.
noise at the origin
    The pseudo-observation (0, 0) carries the same noise as a datum.
mean a cell low
    From biomass i by quota j the process mean is read at escapement i - j - 1, and is 0 where that is 0 or less.
variance before harvest
    The variance is read at the biomass before harvest.
no noise
    The variance is that of the growth curve; the noise of a year is not added.
densities at points
    The next biomass has the normal density at each point, averaged over the posterior, in rows scaled to 1. A
    row whose mean is nearest to the first point, 0, and one without any density are all on 0.
profit, not future
    Value iteration multiplies the profit by 1 - delta, which changes no policy, and discounts nothing; it ends
    after 999 rounds.

One thing differs on purpose: the paper samples the posterior of length scale and noise by a Metropolis chain
(1e5 steps, every 300th of the last 9e4); here the same density is integrated on a grid, and so repeats exactly.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from ecodecide.errors import SolverError
from ecodecide.policy.table import NearestPointPolicy
from ecodecide.solvers.solution import Solution
from ecodecide.stock.growth import Array

if TYPE_CHECKING:
    from ecodecide.decision.problem import HarvestProblem
    from ecodecide.fitting.lesson import Lesson

QUIRKS = (
    "likelihood: log-determinant without its half",
    "no Jacobian: priors of length scale and noise, posterior of their logs",
    "noise at the origin: the pseudo-observation (0, 0) is as noisy as a datum",
    "mean a cell low: read at escapement i - j - 1, 0 where that is 0 or less",
    "variance before harvest: read at the biomass before harvest",
    "no noise: the variance is that of the growth curve",
    "densities at points: normal, averaged, rows scaled to 1, all on 0 where the mean is nearest to 0",
    "profit, not future: the profit times 1 - delta, no discount, 999 rounds",
)
"""What is kept of the published code, one by one."""

LENGTH_PRIOR = (10.0, 10.0)
"""Shape and scale of the gamma prior of the length scale."""

NOISE_PRIOR = (5.0, 0.2)
"""Shape and scale of the gamma prior of the noise's standard deviation; the paper gives the rate, 5."""

DELTA = 0.01
"""The paper's discount rate."""

ROUNDS = 999
"""The most rounds of value iteration."""

_NEGLIGIBLE = 1e-5


@dataclass(frozen=True, eq=False)
class Hyperparameters:
    """The posterior of length scale and noise, as weighted nodes.

    Attributes
    ----------
    length_scale, noise_sd
        Shape (nodes,), in the unit of the data.
    weight
        Shape (nodes,), with sum 1.
    border
        The share of the posterior at the border of the grid that was integrated; near 0 when it holds all.
    """

    length_scale: Array
    noise_sd: Array
    weight: Array
    border: float


def with_origin(escapement: Array, next_biomass: Array) -> tuple[Array, Array]:
    """Return the pairs with the paper's pseudo-observation (0, 0) before them."""
    return np.append(0.0, escapement), np.append(0.0, next_biomass)


def log_posterior(x: Array, y: Array, length_scale: Array, noise_sd: Array) -> Array:
    """Return the published log density of (log l, log sigma), up to a constant.

        log g(l) + log g(sigma) - y' M^-1 y / 2 - log |M| - n/2 log 2 pi,    M = K(x, x; l) + sigma^2 I

    Parameters
    ----------
    x, y
        Shape (n,): the pairs, the origin among them.
    length_scale, noise_sd
        Shape (nodes,).

    Returns
    -------
    ndarray, shape (nodes,)
    """
    found = np.empty(len(length_scale))
    for i, (length, noise) in enumerate(zip(length_scale, noise_sd, strict=True)):
        factor = np.linalg.cholesky(_covariance(x, x, length) + noise**2 * np.eye(len(x)))
        white = np.linalg.solve(factor, y)
        log_determinant = 2.0 * float(np.log(np.diagonal(factor)).sum())
        found[i] = -0.5 * float(white @ white) - log_determinant  # its half is missing, as published
    found -= 0.5 * len(x) * np.log(2.0 * np.pi)
    for value, (shape, scale) in ((length_scale, LENGTH_PRIOR), (noise_sd, NOISE_PRIOR)):
        found += (shape - 1.0) * np.log(value) - value / scale
    return found


def hyperparameters(x: Array, y: Array, nodes: int = 32) -> Hyperparameters:
    """Return the published posterior of length scale and noise on a grid of their logs.

    Parameters
    ----------
    x, y
        Shape (n,): the pairs, the origin among them.
    nodes
        Nodes of the grid to a side.
    """
    axes = [np.geomspace(0.02, 600.0, 48), np.geomspace(0.02, 20.0, 48)]
    for count in (nodes, nodes, 0):
        length, noise = (a.ravel() for a in np.meshgrid(*axes, indexing="ij"))
        log_density = log_posterior(x, y, length, noise)
        weight = np.exp(log_density - log_density.max())
        square = (weight / weight.sum()).reshape(len(axes[0]), len(axes[1]))
        if count:
            axes = [_zoom(axis, square.sum(axis=1 - i), count) for i, axis in enumerate(axes)]
    kept = np.flatnonzero(square.ravel() >= _NEGLIGIBLE)
    chosen = square.ravel()[kept]
    border = 1.0 - float(square[1:-1, 1:-1].sum())
    return Hyperparameters(length[kept], noise[kept], chosen / chosen.sum(), border)


def _zoom(axis: Array, weight: Array, count: int) -> Array:
    held = np.flatnonzero(weight > 1e-7)
    low, high = axis[max(held[0] - 1, 0)], axis[min(held[-1] + 1, len(axis) - 1)]
    return np.asarray(np.geomspace(low, high, count))


def _covariance(a: Array, b: Array, length: float) -> Array:
    return np.asarray(np.exp(-0.5 * ((a[:, None] - b[None, :]) / length) ** 2))


def growth_posterior(x: Array, y: Array, points: Array, found: Hyperparameters) -> tuple[Array, Array]:
    """Return mean and variance of the growth curve at the points, without the noise of a year.

    Parameters
    ----------
    x, y
        Shape (n,): the pairs, the origin among them.
    points
        Shape (points,).
    found
        The nodes.

    Returns
    -------
    mean, variance
        Shape (nodes, points).
    """
    mean, variance = (np.empty((len(found.weight), len(points))) for _ in range(2))
    for i, (length, noise) in enumerate(zip(found.length_scale, found.noise_sd, strict=True)):
        factor = np.linalg.cholesky(_covariance(x, x, length) + noise**2 * np.eye(len(x)))
        white = np.linalg.solve(factor, _covariance(x, points, length))
        mean[i] = white.T @ np.linalg.solve(factor, y)
        variance[i] = np.maximum(1.0 - np.sum(white**2, axis=0), 1e-12)
    return mean, variance


def transition(
    mean: Array, variance: Array, weight: Array, points: Array, scaled_first: bool = False
) -> Array:
    """Return P(next point | point i, quota j) as published, shape (n quotas, n, n).

    Parameters
    ----------
    mean, variance
        Shape (nodes, n): of the growth curve at the points.
    weight
        Shape (nodes,).
    points
        Shape (n,): evenly spaced from 0.
    scaled_first
        Whether the rows of a node are scaled to 1 before they are averaged, rather than after; which of the two
        the paper did is not known.
    """
    n = len(points)
    rows = np.zeros((n, n, n))  # escapement as it is read, biomass before harvest, next biomass
    for m, v, w in zip(mean, variance, weight, strict=True):
        read = np.append(0.0, m[1:])
        for k in range(n):
            if read[k] <= points[1] / 2.0:
                rows[k, :, 0] += w
                continue
            sd = np.sqrt(v[k:, None])  # the escapement is never above the biomass
            density = np.exp(-0.5 * ((points - read[k]) / sd) ** 2) / (sd * np.sqrt(2.0 * np.pi))
            if scaled_first:
                density = _scaled(density)
            rows[k, k:] += w * density
    rows = _scaled(rows)
    biomass, quota = np.arange(n)[None, :], np.arange(n)[:, None]
    return np.asarray(rows[np.maximum(biomass - quota - 1, 0), biomass])


def _scaled(rows: Array) -> Array:
    """Scale rows to 1; one without any density goes to the first point."""
    rows = rows.copy()
    rows[..., 0] += rows.sum(axis=-1) == 0.0
    return np.asarray(rows / rows.sum(axis=-1, keepdims=True))


def escapement_transition(kernel: Array) -> Array:
    """Return P(next point | point i, quota j), shape (n, n, n), of a kernel of escapements, shape (n, n)."""
    i = np.arange(len(kernel))
    return np.asarray(kernel[np.maximum(i[None, :] - i[:, None], 0)])


def value_iteration(
    moves: Array, profit: Array, delta: float = DELTA, rounds: int = ROUNDS
) -> tuple[np.ndarray[Any, np.dtype[np.intp]], int, int]:
    """Iterate values as published: the profit is multiplied by 1 - delta and nothing is discounted.

    Parameters
    ----------
    moves
        Shape (n quotas, n, n): P(next point | point, quota).
    profit
        Shape (n, n): of point and quota.
    delta, rounds
        The published discount rate and most rounds.

    Returns
    -------
    action
        Shape (n,): the index of the best quota, the smallest of equals.
    rounds
        Used.
    unchanged
        The last rounds in which no action changed.
    """
    n = len(profit)
    enough = delta * 1e-4 / (2.0 - 2.0 * delta)
    value, action, since = np.zeros(n), np.full(n, -1, dtype=np.intp), 0
    flat = moves.reshape(-1, n)
    for used in range(1, rounds + 1):  # noqa: B007
        worth = (flat @ value).reshape(n, n).T + profit * (1.0 - delta)
        best = worth.max(axis=1)
        # equals to rounding are equals
        chosen = np.argmax(worth >= best[:, None] - 1e-12 * max(float(best.max()), 1.0), axis=1)
        since = since + 1 if np.array_equal(chosen, action) else 0
        change, value, action = float(np.abs(best - value).max()), best, chosen
        if change < enough:
            break
    return action, used, since


def solve_as_published(
    escapement: Array, next_biomass: Array, points: Array, profit: Array | None = None, delta: float = DELTA
) -> tuple[Array, dict[str, Any]]:
    """Learn the growth and return the quota of each point, all as published.

    Parameters
    ----------
    escapement, next_biomass
        Shape (pairs,), in a unit in which the largest biomass is about 9.
    points
        Shape (n,): biomass, evenly spaced from 0; quotas are the same points.
    profit
        Shape (n, n): of point and quota; min(x, h) by default.
    delta
        The published discount rate.

    Returns
    -------
    quota
        Shape (n,).
    diagnostics
        Means of length scale and noise, nodes, weight at the border, rounds, and the last rounds in which no
        quota changed.

    Examples
    --------
    >>> biomass = 8.0 + 0.4 * np.sin(np.arange(12.0))
    >>> quota, told = solve_as_published(biomass[:-1], biomass[1:], np.linspace(0.0, 15.0, 20))
    >>> len(quota), told["border_weight"] < 0.001
    (20, True)
    """
    x, y = with_origin(np.asarray(escapement, dtype=float), np.asarray(next_biomass, dtype=float))
    if profit is None:
        profit = np.minimum(points[:, None], points[None, :])
    with threadpool_limits(limits=1):
        found = hyperparameters(x, y)
        mean, variance = growth_posterior(x, y, points, found)
        moves = transition(mean, variance, found.weight, points)
        action, rounds, unchanged = value_iteration(moves, profit, delta)
    return points[action], {
        "length_scale": float(found.weight @ found.length_scale),
        "noise_sd": float(found.weight @ found.noise_sd),
        "nodes": len(found.weight),
        "border_weight": found.border,
        "rounds": rounds,
        "unchanged": unchanged,
    }


def published_solution(problem: HarvestProblem, learned: Lesson) -> Solution:
    """Return the published policy for what was learned, on the problem's grid.

    Parameters
    ----------
    problem
        Its grid must be one of points; profit and delta, 1 - discount, are those of its economy.
    learned
        The pairs, in the paper's unit or in one near it.

    Returns
    -------
    Solution
        Its policy acts on the point nearest to what is observed; its settings name every quirk.

    Raises
    ------
    SolverError
        When the grid is one of cells.
    """
    begin = time.perf_counter()
    grid, economy = problem.grid, problem.economy
    if grid.scheme == "cells":
        raise SolverError(
            "the published GPDP works on points, got a grid of cells: "
            "give Grid(upper, cells, scheme='boettiger2015')"
        )
    points = grid.points
    biomass = np.broadcast_to(points[:, None], (len(points), len(points)))
    profit = economy.profit(np.minimum(biomass, points), biomass)
    # the paper knows no error in the biomass: of several draws it gets the mean
    pairs = np.nanmean(learned.escapement, axis=0), np.nanmean(learned.next_biomass, axis=0)
    quota, told = solve_as_published(*pairs, points, profit, 1.0 - economy.discount)
    return Solution(
        NearestPointPolicy(points, quota, float(points.mean())),
        status=_tell(learned, told),
        converged=told["unchanged"] > 0,
        iterations=told["rounds"],
        seconds=time.perf_counter() - begin,
        settings={"solver": "gpdp", "scheme": "boettiger2015", "quirks": QUIRKS, **told},
    )


def _tell(learned: Lesson, told: dict[str, Any]) -> str:
    words = (
        f"GPDP as published in 2015, from {learned.pairs} pairs of {learned.origin}; "
        f"value iteration without discount, {told['rounds']} rounds, no quota changed in the last "
        f"{told['unchanged']}"
    )
    if not 3.0 <= learned.scale <= 30.0:
        words += (
            f"; warning: its priors know a largest biomass of about 9, and this one is {learned.scale:.3g}: "
            "give the biomass in other units"
        )
    return words
