"""A harvest problem refuses what contradicts itself, and says what to do."""

import numpy as np
import pytest

from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import ProblemError
from ecodecide.stock.growth import Logistic
from ecodecide.stock.noise import NormalNoise
from ecodecide.stock.parametric import ParametricStock

STOCK = ParametricStock(Logistic(r=0.75, K=1.0), NormalNoise(0.1))
GRID = Grid(upper=2.0, cells=4)


def test_a_stock_or_a_history_is_needed():
    with pytest.raises(ProblemError, match="needs a stock, or a history"):
        HarvestProblem()


@pytest.mark.parametrize("cv", [-0.1, np.nan, np.inf])
def test_implementation_error_must_be_a_cv(cv):
    with pytest.raises(ProblemError, match="implementation_cv must be a number of at least 0"):
        HarvestProblem(stock=STOCK, implementation_cv=cv)


@pytest.mark.parametrize("initial", ["uniform", "history", 0.0, 2.0, 1, None, [0.2] * 5, np.eye(5)[3]])
def test_beliefs_that_are_ones(initial):
    assert HarvestProblem(stock=STOCK, grid=GRID, initial=initial).initial is initial


@pytest.mark.parametrize(
    ("initial", "words"),
    [
        ("flat", "got 'flat'"),
        (2.1, "initial biomass must lie on the grid, between 0 and 2, got 2.1"),
        (-0.1, "between 0 and 2, got -0.1"),
        (np.nan, "between 0 and 2, got nan"),
        ([0.25] * 4, r"5 numbers of at least 0 that sum to 1; got shape \(4,\)"),
        ([0.3] * 5, "with sum 1.5"),
        ([0.5, 0.5, 0.5, -0.5, 0.0], "5 numbers of at least 0"),
        ([np.nan, 1.0, 0.0, 0.0, 0.0], "with sum nan"),
        (np.full((5, 1), 0.2), r"got shape \(5, 1\)"),
    ],
)
def test_beliefs_that_are_none(initial, words):
    with pytest.raises(ProblemError, match=words):
        HarvestProblem(stock=STOCK, grid=GRID, initial=initial)


def test_another_stock_changes_nothing_else():
    problem = HarvestProblem(stock=STOCK, grid=GRID, initial=0.5, implementation_cv=0.1)
    other = ParametricStock(Logistic(r=0.3, K=1.0), NormalNoise(0.1))
    changed = problem.with_stock(other)
    assert changed.stock is other
    assert problem.stock is STOCK
    assert (changed.grid, changed.initial, changed.implementation_cv) == (GRID, 0.5, 0.1)
