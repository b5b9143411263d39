"""The historical stocks of Memarzadeh & Boettiger 2019 in that paper's own order: recruitment first, then the catch.

Next year's stock is then f(x) less the catch, not f(x less the catch), so it depends on stock and quota and not on
the escapement alone: a harvest problem cannot say it, a `FinitePomdp` can.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import norm

import ecodecide as eco
from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import ProblemError

Floats = np.ndarray[Any, np.dtype[np.float64]]

STOCKS = {"hake": (1.038, 1.198, 0.1122), "plaice": (0.906, 1.777, 0.127)}
"""r, K and sigma of the Argentine hake (north) and the North Sea plaice, biomass as a share of its largest."""

UPPER = 4.0
DISCOUNT = 0.95
_NEGLIGIBLE = 1e-12


def recruit_first(stock: str, survey_sd: float, points: int = 150) -> FinitePomdp:
    """Return the paper's problem of a historical stock, on its grid and with its discretization.

    With stock x, quota a and logistic growth f,

        x' ~ N(f(x) - min(a, x), sigma),   y' ~ N(x', survey_sd),   reward min(x, a).

    States, quotas and observations are the same points, linspace(0, 4, points). A probability is the normal
    density at a point; the density below zero is reflected onto the first point, the rest scaled to the cdf at
    the last point, which takes what lies above. Where f(x) - min(a, x) is not positive the stock is extinct, and
    an extinct stock is seen to be.

    Parameters
    ----------
    stock
        ``"hake"`` (r 1.038, K 1.198, sigma .1122) or ``"plaice"`` (r .906, K 1.777, sigma .127).
    survey_sd
        Standard deviation of the survey, in units of biomass; the paper has .1 and .15.
    points
        Number of points.

    Returns
    -------
    FinitePomdp
        Discounted by .95, from a uniform belief. Probabilities below 1e-12 are left out, and rows sum to one
        without them.

    Raises
    ------
    ProblemError
        When the stock is not known or a number means nothing.

    Notes
    -----
    Over a stock of less than K the harvest of everything leaves the surplus f(x) - x alive, so here
    no quota can end a stock but by chance. A stock above K (1 + 1/r) dies out whatever is done: the uniform start
    holds many such states (41 % for hake), in which the best quota takes everything. The paper's solver stopped at
    absolute gaps of .0089 and .0317 (hake, survey_sd .1 and .15) and .0117 and .0455 (plaice).

    References
    ----------
    Memarzadeh & Boettiger 2019, American Naturalist 193:645, doi:10.1086/702704.

    Examples
    --------
    >>> problem = recruit_first("hake", 0.1, points=20)
    >>> problem.states, problem.actions, problem.observations
    (20, 20, 20)
    """
    if stock not in STOCKS:
        raise ProblemError(f"recruit_first: stock must be one of {sorted(STOCKS)}, got {stock!r}")
    if not (np.isfinite(survey_sd) and survey_sd > 0.0):
        raise ProblemError(f"recruit_first: survey_sd must be positive, got {survey_sd}")
    if points < 2:
        raise ProblemError(f"recruit_first: points must be a whole number of at least 2, got {points}")
    r, K, sigma = STOCKS[stock]
    grid = np.linspace(0.0, UPPER, points)
    grown = eco.Logistic(r=r, K=K)(grid)
    catch = np.minimum(grid[:, None], grid[None, :])
    names = tuple(f"{x:.12g}" for x in grid)
    seen = csr_array(_rows(grid, grid, survey_sd))
    return FinitePomdp(
        transition=tuple(csr_array(_rows(grid, grown - caught, sigma)) for caught in catch.T),
        observation=(seen,) * points,
        reward=catch,
        discount=DISCOUNT,
        initial=np.full(points, 1.0 / points),
        state_names=names,
        action_names=names,
        observation_names=names,
    )


def _rows(grid: Floats, centers: Floats, sd: float) -> Floats:
    """Return a row of the paper's probabilities for each center."""
    rows = np.asarray(norm.pdf(grid, centers[:, None], sd), dtype=float)
    rows[:, 0] += norm.pdf(-grid[1:], centers[:, None], sd).sum(axis=1)
    # not one point has any density only where a center lies many sd from all of them: on coarse grids
    empty = rows.sum(axis=1) == 0.0
    rows[empty, np.abs(grid - centers[empty, None]).argmin(axis=1)] = 1.0
    inside = norm.cdf(grid[-1], centers, sd)
    rows *= (inside / rows.sum(axis=1))[:, None]
    rows[:, -1] += 1.0 - inside
    rows[centers <= 0.0] = np.eye(len(grid))[0]
    rows[rows < _NEGLIGIBLE] = 0.0
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=float)
