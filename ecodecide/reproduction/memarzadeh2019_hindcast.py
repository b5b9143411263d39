"""The hindcasts of Memarzadeh & Boettiger 2019: what its policies would have set for two stocks, year by year.

Am. Nat. 193:645, doi:10.1086/702704, figure 5 and appendix B. Logistic growth with the posterior means of the paper's
archived run; biomass in units of its largest value before it was snapped to 150 points on [0, 4], which serve as
states, quotas and observations; discount 0.95; profit min(x, h). Here one year is, other than in the paper's
simulations and everywhere else in this package: recruit, then catch,

    x[t+1] = N(f(x[t]) - min(h[t], x[t]), sigma),

so that growth does not depend on the escapement alone, and the POMDP is solved as a general finite one. Its belief is
uniform before the first year, whose survey it does not hear; from then on it hears each survey, and is told what was
really caught. The published columns are in `data/published`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ecodecide import __version__
from ecodecide.decision.discretize import memarzadeh_row
from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.provenance import versions
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.reproduction.memarzadeh2019_hindcast_claims import claims
from ecodecide.reproduction.verdict import judged
from ecodecide.shipped import shipped_files
from ecodecide.solvers.pomdp.finite import FiniteSolution, solve_finite
from ecodecide.solvers.registry import CITATIONS
from ecodecide.stock.growth import Array, Logistic

States = NDArray[np.intp]

POINTS = 150
"""Points of the paper's grid."""

UPPER = 4.0
"""Its upper end, in units of the largest biomass."""

DISCOUNT = 0.95

SURVEY_ERRORS = (0.10, 0.15)
"""Standard deviations of the survey that the paper's POMDP takes for true, in units of the largest biomass."""

RULES = ("msy", "tac", "constant-escapement")

POMDPS = tuple(f"pomdp, {error:.2f}" for error in SURVEY_ERRORS)

COLUMNS = ("msy", "tac", "constant_escapement", "pomdp_10", "pomdp_15")
"""Of the published file, in the order of `RULES` and `POMDPS`."""


@dataclass(frozen=True)
class PaperStock:
    """A stock of the paper.

    Attributes
    ----------
    name, words
        In the file of published figures, and in words.
    r, K, sigma
        Posterior means of the paper's archived run, in units of the largest biomass.
    step
        Tonnes from one point of the paper's grid to the next: what all its figures are multiples of.
    """

    name: str
    words: str
    r: float
    K: float
    sigma: float
    step: float

    @property
    def growth(self) -> Logistic:
        """The growth law."""
        return Logistic(self.r, self.K)

    @property
    def escapement(self) -> float:
        """S*, which maximizes .95 f(s) - s: f'(S*) = 1/.95.

        Examples
        --------
        >>> [round(stock.escapement, 3) for stock in STOCKS]
        [0.569, 0.837]
        """
        return 0.5 * self.K * (1.0 + 1.0 / self.r - 1.0 / (DISCOUNT * self.r))

    def quotas(self, biomass: Array) -> dict[str, Array]:
        """Return the quotas of the paper's rules in its own order: growth first, then the catch.

        MSY = F y with F = (f(S*) - S*) / S*, TAC = .8 F y, CE = max(f(y) - S*, 0).
        """
        best = self.escapement
        rate = (float(self.growth(best)) - best) / best
        return {
            "msy": rate * biomass,
            "tac": 0.8 * rate * biomass,
            "constant-escapement": np.maximum(self.growth(biomass) - best, 0.0),
        }


STOCKS = (
    PaperStock("hake", "Argentine hake (north)", 1.038, 1.198, 0.1122, 477821.0 / 37.0),
    PaperStock("plaice", "North Sea plaice", 0.906, 1.777, 0.127, 457616.0 / 37.0),
)


@dataclass(frozen=True, eq=False)
class Published:
    """The published series and quotas of a stock, in tonnes.

    Attributes
    ----------
    year
        Shape (years,).
    biomass, catch
        Shape (years,).
    quotas
        Shape (years, policies): NaN where the paper has none.
    """

    year: Array
    biomass: Array
    catch: Array
    quotas: Array


def published(stock: PaperStock) -> Published:
    """Return what the paper shows of a stock.

    Examples
    --------
    >>> published(STOCKS[0]).quotas[1]
    array([206626., 167883., 232454., 206626., 180797.])
    """
    text = shipped_files("data/published", ".csv")["memarzadeh2019_hindcast"].read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = [row for row in csv.DictReader(lines) if row["stock"] == stock.name]
    columns = {
        name: np.array([float(row[name] or "nan") for row in rows])
        for name in ("year", "biomass", "catch", *COLUMNS)
    }
    return Published(
        columns["year"].astype(int),
        columns["biomass"],
        columns["catch"],
        np.column_stack([columns[name] for name in COLUMNS]),
    )


@dataclass(frozen=True, eq=False)
class PaperGrid:
    """The paper's grid, or one with fewer points."""

    size: int = POINTS

    @cached_property
    def points(self) -> Array:
        """Shape (points,): in units of the largest biomass."""
        return np.linspace(0.0, UPPER, self.size)

    def nearest(self, biomass: Array) -> States:
        """Return the nearest point of each biomass in units of the largest."""
        return np.asarray(np.round(biomass / self.points[1]), dtype=np.intp)


def paper_pomdp(stock: PaperStock, survey_error: float, grid: PaperGrid) -> FinitePomdp:
    """Return the paper's decision problem for a stock.

    Parameters
    ----------
    stock
        One of `STOCKS`.
    survey_error
        Standard deviation of the survey, in units of the largest biomass.
    grid
        States, quotas and observations.
    """
    points = grid.points
    left = stock.growth(points) - np.minimum(points[:, None], points)
    observation = csr_array(_rows(points, points, survey_error))
    return FinitePomdp(
        transition=tuple(csr_array(rows) for rows in _rows(points, left, stock.sigma)),
        observation=(observation,) * grid.size,
        reward=np.minimum(points[:, None], points),
        discount=DISCOUNT,
        initial=np.full(grid.size, 1.0 / grid.size),
    )


def _rows(points: Array, center: Array, sd: float) -> Array:
    """Return published rows around each center, points last, without what is hardly there and makes arrays dense."""
    each, place = np.unique(np.round(center, 10), return_inverse=True)
    extinct = np.eye(len(points))[0]
    table = np.array([memarzadeh_row(points, x, sd) if x > 0.0 else extinct for x in each])
    table[table < 1e-12] = 0.0
    table /= table.sum(axis=1, keepdims=True)
    return np.asarray(table[place.reshape(center.shape)])


def led(policy: AlphaVectors, seen: States, caught: States) -> Array:
    """Return the quota of each year but the first, as a state, when others decided what was caught.

    Parameters
    ----------
    policy
        Alpha vectors, whose problem's initial belief is that of the first year, before its survey.
    seen, caught
        Shape (years,): observation and catch, as states and quotas.
    """
    belief, quotas = policy.pomdp.initial, [np.nan]
    for year in range(1, len(seen)):
        belief = policy.update(belief, int(caught[year - 1]), int(seen[year]))
        quotas.append(policy.best(belief)[0])
    return np.array(quotas, dtype=float)


def run(
    *,
    replicates: int = 0,
    years: int | None = None,
    seed: int = 1,
    cells: int = POINTS,
    gap: float = 0.005,
    iterations: int = 120,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Reproduce the hindcasts.

    Parameters
    ----------
    replicates, seed
        Not used: nothing is drawn.
    years
        None: they are those of the histories.
    cells, progress
        See `ecodecide.reproduction.reproduce`.
    gap, iterations
        Where each POMDP's solver stops, whichever comes first; neither depends on the machine's speed.

    Returns
    -------
    xarray.Dataset
        `published` and `advised` (record, policy) in tonnes, NaN where there is none; `biomass`, `catch`, `stock` and
        `year` of each record; `apart` (record, policy), the latter less the former in steps of the paper's grid;
        `bounds` (stock_name, survey_error, bound) of the POMDPs' value, and the claims.

    Raises
    ------
    EvaluationError
        When years are asked for.
    """
    if years is not None:
        raise EvaluationError("the hindcast has the years of its histories: leave out the number of years")
    tell = progress or (lambda words, share: None)
    grid, solutions = PaperGrid(cells), dict[tuple[str, float], FiniteSolution]()
    parts = []
    for s, stock in enumerate(STOCKS):
        known = published(stock)
        # tonnes to units of the largest biomass, and to the nearest of the points
        unit = stock.step / (UPPER / (POINTS - 1))
        seen, caught = grid.nearest(known.biomass / unit), grid.nearest(known.catch / unit)
        rules = stock.quotas(grid.points[seen])
        states = {name: grid.nearest(rules[name]).astype(float) for name in RULES}
        for e, (name, error) in enumerate(zip(POMDPS, SURVEY_ERRORS, strict=True)):
            tell(f"solve {stock.name}, {error:g}", (s + 0.5 * e) / len(STOCKS))
            # no time limit that matters: the same iterations give the same policy everywhere
            found = solve_finite(paper_pomdp(stock, error, grid), gap, 3600.0, iterations)
            solutions[stock.name, error] = found
            states[name] = led(found.policy, seen, caught)
        advised = np.column_stack([states[name] for name in (*RULES, *POMDPS)]) * grid.points[1] * unit
        parts.append(_records(stock, known, advised))
    study = xr.concat(parts, "record").assign(_bounds(solutions))
    study = study.assign_coords(start=["as published"])
    study = study.assign(judged(study, claims()))
    tell("done", 1.0)
    study.attrs = _provenance(cells, gap, iterations, seed, study.sizes["record"])
    return study


def _records(stock: PaperStock, known: Published, advised: Array) -> xr.Dataset:
    dims = ("record", "policy")
    found = xr.Dataset(
        {
            "published": (dims, known.quotas),
            "advised": (dims, advised),
            "apart": (dims, (advised - known.quotas) / stock.step),
            "biomass": ("record", known.biomass),
            "catch": ("record", known.catch),
        },
        coords={
            "policy": [*RULES, *POMDPS],
            "stock": ("record", [stock.name] * len(known.year)),
            "year": ("record", known.year),
        },
    )
    words = {
        "published": ("quota that the paper shows (NaN: none)", "t"),
        "advised": ("quota found here (NaN: none)", "t"),
        "apart": ("quota found here less that of the paper", "steps of the paper's grid"),
        "biomass": ("observed biomass", "t"),
        "catch": ("what was caught", "t"),
    }
    for name, (long_name, units) in words.items():
        found[name].attrs = {"long_name": long_name, "units": units}
    return found


def _bounds(solutions: Mapping[tuple[str, float], FiniteSolution]) -> xr.Dataset:
    """Return the bounds of the POMDPs' value, uniform belief, in units of the largest biomass."""
    each = [[solutions[stock.name, error] for error in SURVEY_ERRORS] for stock in STOCKS]
    where = ("stock_name", "survey_error")
    return xr.Dataset(
        {
            "bounds": ((*where, "bound"), [[(one.lower, one.upper) for one in row] for row in each]),
            "status": (where, [[one.status for one in row] for row in each]),
        },
        coords={
            "stock_name": [stock.name for stock in STOCKS],
            "survey_error": list(SURVEY_ERRORS),
            "bound": ["lower", "upper"],
        },
    )


NOTES = (
    "growth first, then the catch, as in the paper's appendix; everywhere else here the catch comes first",
    "parameters are posterior means of the paper's fit to the whole series, without survey error: they know the "
    "future, and the biomass is an assessment's output, so that nothing here is causal",
    "rules agree exactly: same S*, same order, rounded to the same points",
    "the POMDP's belief is uniform before the first year, whose survey it does not hear, as in the paper; its catch is "
    "the one that was caught",
    "the paper's solver stopped after 25,000 s, .0077 to .0455 between its bounds, and ours as the bounds say: between "
    "policies that are this close in value, quotas differ by some steps where the value is flat",
    "what has less than 1e-12 of a row of probabilities is left out",
)
"""What the figures rest on, and why they differ from the paper's."""


def _provenance(
    cells: int, gap: float, iterations: int, seed: int, records: int
) -> dict[str, str | int | float]:
    settings = {"gap": gap, "iterations": iterations, "discount": DISCOUNT, "upper": UPPER}
    return {
        "schema": "ecodecide-reproduction-1",
        "study": "memarzadeh2019_hindcast",
        "ecodecide_version": __version__,
        "replicates": 0,
        "years": records,
        "seed": seed,
        "cells": cells,
        "unit": "t",
        "settings": json.dumps(settings),
        "notes": json.dumps(list(NOTES)),
        "cite": json.dumps([f"ecodecide {__version__}", CITATIONS["pomdp"]]),
        "versions": json.dumps(versions()),
    }
