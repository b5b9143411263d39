"""Where a quota leaves a stock: the closed form against a split that is done catch by catch."""

import numpy as np
import pytest
from scipy.special import ndtri

from ecodecide.decision.grid import Grid
from ecodecide.decision.harvest_chances import HarvestChances

GRID = Grid(upper=2.0, cells=16)
QUOTAS = np.array([0.0, 0.125, 0.3, 0.0625, 1.0, 3.0, 0.77])


def split(points, left):
    """A dumb split of what is left between two points: below the first all of it is there."""
    row = np.zeros(len(points))
    if left <= 0.0:
        row[0] = 1.0
    elif left <= points[1]:
        row[1] = 1.0
    else:
        j = int(np.searchsorted(points, left, side="right")) - 1
        if j == len(points) - 1:
            row[j] = 1.0
        else:
            share = (left - points[j]) / (points[j + 1] - points[j])
            row[j], row[j + 1] = 1.0 - share, share
    return row


def twin(quota, multipliers):
    """Mean escapement row and catch of each state over many multipliers of the quota."""
    points = GRID.points
    rows, catches = np.zeros((len(points), len(points))), np.zeros(len(points))
    for m in multipliers:
        for i, x in enumerate(points):
            catch = min(quota * m, x)
            rows[i] += split(points, x - catch) / len(multipliers)
            catches[i] += catch / len(multipliers)
    return rows, catches


@pytest.mark.parametrize("quota", QUOTAS)
def test_without_error_it_is_the_split(quota):
    chances = HarvestChances(GRID, np.array([quota]))
    rows, catch = twin(quota, [1.0])
    np.testing.assert_allclose(chances.escapement(np.ones(1)), rows, atol=1e-12)
    np.testing.assert_allclose(chances.catch(np.ones(1)), catch, atol=1e-12)


@pytest.mark.parametrize("quota", [0.0, 0.3, 1.0])
def test_with_error_it_is_the_mean_split(quota):
    """The midpoint rule at 400 quantiles: catches off by up to 1e-3 on the flanks."""
    cv, n = 0.3, 400
    multipliers = np.exp(np.sqrt(np.log1p(cv**2)) * ndtri((np.arange(n) + 0.5) / n))
    chances = HarvestChances(GRID, np.array([quota]), cv)
    rows, catch = twin(quota, multipliers)
    np.testing.assert_allclose(chances.escapement(np.ones(1)), rows, atol=3e-3)
    np.testing.assert_allclose(chances.catch(np.ones(1)), catch, atol=1e-3)


def test_a_small_error_is_nearly_none():
    weights = np.full(len(QUOTAS), 1.0 / len(QUOTAS))
    # quotas that empty no state exactly: there any error leaves half of it
    some = QUOTAS[[1, 2, 6]]
    sure, nearly = (HarvestChances(GRID, some, cv).escapement(weights[:3] * 7.0 / 3.0) for cv in (0.0, 1e-4))
    np.testing.assert_allclose(nearly, sure, atol=2e-3)


def test_mean_biomass_is_conserved_and_weights_mix():
    rng = np.random.default_rng(1)
    weights = rng.dirichlet(np.ones(len(QUOTAS)), len(GRID.points))
    for cv in (0.0, 0.4):
        chances = HarvestChances(GRID, QUOTAS, cv)
        rows = chances.escapement(weights)
        assert np.all(rows >= 0.0)
        np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-12)
        assert np.all(np.triu(rows, k=1) == 0.0)
        parts = [HarvestChances(GRID, QUOTAS[k : k + 1], cv) for k in range(len(QUOTAS))]
        mixed = sum(weights[:, k, None] * part.escapement(np.ones(1)) for k, part in enumerate(parts))
        np.testing.assert_allclose(rows, mixed, atol=1e-12)
    # of quotas that leave more than the first point the mean stays what it is
    chances = HarvestChances(GRID, np.array([0.3]))
    high = GRID.points > 0.5
    kept = chances.escapement(np.ones(1)) @ GRID.points + chances.catch(np.ones(1))
    np.testing.assert_allclose(kept[high], GRID.points[high], atol=1e-12)


def test_whole_steps_are_exact_on_the_points_of_a_paper_too():
    grid = Grid(upper=2.0, cells=100, scheme="memarzadeh2019")
    rows = HarvestChances(grid, grid.quotas).escapement(np.eye(100)[37])
    left = np.maximum(np.arange(100) - 37, 0)
    np.testing.assert_array_equal(rows, np.eye(100)[left])
