"""The chains and their proposals, against densities that are known."""

import numpy as np
import pytest
from scipy import stats

from ecodecide.fitting.chains import CHAINS, diagnose, run_chains
from ecodecide.fitting.importance import WeightedDraws, importance_sample
from ecodecide.fitting.kernel_proposal import KernelProposal


def banana(x):
    """A standard normal number and one around its square: curved, with moments in closed form."""
    return -0.5 * x[0] ** 2 - 0.5 * ((x[1] - x[0] ** 2) / 0.5) ** 2


def known(log_density, k, count=800):
    return importance_sample(
        log_density, np.zeros(k), np.eye(k), count, np.random.default_rng(3), lambda share: None
    )


def test_a_kernel_proposal_has_the_density_that_it_draws_from():
    rng = np.random.default_rng(0)
    proposal = KernelProposal.of(rng.standard_normal((40, 2)) @ [[1.0, 0.4], [0.0, 0.5]])
    draws = proposal.draw(200_000, rng)
    # of a Student t with 5 degrees of freedom, the share within a box against the integral of the density over it
    ends = np.linspace(-0.6, 0.6, 61)
    middle = 0.5 * (ends[1:] + ends[:-1])
    grid = np.stack(np.meshgrid(middle, middle, indexing="ij"), axis=-1).reshape(-1, 2)
    inside = np.exp(proposal.log_density(grid)).sum() * (ends[1] - ends[0]) ** 2
    share = np.mean(np.all(np.abs(draws) < 0.6, axis=1))
    # the standard error of the share is .001, the midpoint rule is good to 1e-4
    assert share == pytest.approx(inside, abs=0.005)


def test_points_that_agree_in_one_direction_still_make_a_proposal():
    points = np.column_stack([np.random.default_rng(1).standard_normal(30), np.full(30, 2.0)])
    proposal = KernelProposal.of(points)
    assert np.isfinite(proposal.log_density(proposal.draw(20, np.random.default_rng(2)))).all()


def test_chains_of_a_curved_density_have_its_moments():
    found = run_chains(banana, known(banana, 2), 400, 7, lambda share: None)
    assert found.converged and found.rhat <= 1.01 and found.effective >= 400
    points = found.points.reshape(-1, 2)
    # E x = 0, E x^2 = 1, E y = 1, var y = 2 + .25; five standard errors at the effective sample size
    error = 5.0 / np.sqrt(found.effective)
    assert abs(points[:, 0].mean()) < error
    assert abs(points[:, 0].var() - 1.0) < error * np.sqrt(2.0)
    assert abs(points[:, 1].mean() - 1.0) < error * 1.5
    np.testing.assert_allclose(found.log_density.reshape(-1), [banana(x) for x in points])


def test_the_same_seed_gives_the_same_chains_and_another_gives_others():
    first, again, other = (
        run_chains(banana, known(banana, 2), 50, seed, lambda share: None).points for seed in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.array_equal(first, other)


def test_chains_that_cannot_agree_say_so():
    """Two far modes of which the importance sampler knew both, but which no small effort weighs alike."""

    def two(x):
        return float(np.logaddexp(-0.5 * ((x[0] + 40.0) / 0.01) ** 2, -0.5 * ((x[0] - 40.0) / 0.01) ** 2))

    rng = np.random.default_rng(0)
    points = np.concatenate([-40.0 + 0.01 * rng.standard_normal(50), 40.0 + 0.01 * rng.standard_normal(50)])[
        :, None
    ]
    found = run_chains(two, WeightedDraws(points, np.full(100, 0.01)), 400, 1, lambda share: None)
    assert not found.converged
    assert found.rhat > 1.01 or found.effective < 400


def test_diagnosis_finds_chains_apart_and_chains_that_crawl():
    rng = np.random.default_rng(4)
    good = rng.standard_normal((CHAINS, 500, 1))
    rhat, effective = diagnose(good)
    assert rhat < 1.01 and effective > 1000
    apart = good + np.array([0.0, 0.0, 0.0, 1.0])[:, None, None]
    assert diagnose(apart)[0] > 1.1
    crawling = stats.zscore(np.cumsum(good, axis=1), axis=1)
    assert diagnose(crawling)[1] < 100


def test_thinned_draws_are_those_of_the_chains():
    found = run_chains(banana, known(banana, 2), 50, 5, lambda share: None)
    points, log_density = found.thinned(40)
    assert points.shape == (CHAINS, 10, 2) and log_density.shape == (CHAINS, 10)
    np.testing.assert_allclose(log_density.reshape(-1), [banana(x) for x in points.reshape(-1, 2)])
    np.testing.assert_array_equal(points[:, [0, -1]], found.points[:, [0, -1]])
