"""Bridge sampling against integrals that are known."""

import numpy as np
import pytest
from scipy import stats

from ecodecide.fitting.chains import CHAINS, Chains
from ecodecide.fitting.evidence import bridge


def exact_chains(draw, log_density, steps, seed):
    """Chains of independent draws."""
    rng = np.random.default_rng(seed)
    points = np.stack([draw(steps, rng) for _ in range(CHAINS)])
    log = np.array([[log_density(x) for x in chain] for chain in points])
    return Chains(points, log, 1.0, 400.0, True)


@pytest.mark.parametrize(("steps", "count"), [(150, 300), (500, 40)])
def test_the_mass_of_a_skewed_density_and_its_error(steps, count):
    """7 times two logs of gamma variables: the integral is 7, and the error is as large as it says.

    With many points of the posterior and few of the proposal most of the error comes from the former.
    """

    def log_density(y):
        return float(np.log(7.0) + np.sum(2.0 * y - np.exp(y)))

    found = [
        bridge(
            log_density,
            exact_chains(lambda n, rng: np.log(rng.gamma(2.0, size=(n, 2))), log_density, steps, seed),
            count,
            np.random.default_rng(seed),
            lambda share: None,
        )
        for seed in range(12)
    ]
    apart = np.array([one.log_mass for one in found]) - np.log(7.0)
    said = np.array([one.error for one in found])
    assert np.all(said < (0.1 if steps == 150 else 0.4))
    # twelve standardized errors: the mean square is about 1, with a standard deviation of .41
    assert 0.1 < np.mean((apart / said) ** 2) < 3.0
    assert abs(apart.mean()) < 4.0 * said.mean() / np.sqrt(12)


@pytest.mark.parametrize("k", [1, 17])
def test_many_numbers_are_no_harder_than_few(k):
    normal = stats.multivariate_normal(np.zeros(k), np.diag(np.linspace(0.1, 3.0, k)))

    def log_density(x):
        return float(normal.logpdf(x)) - 2.0

    chains = exact_chains(lambda n, rng: normal.rvs(n, random_state=rng).reshape(n, k), log_density, 300, 1)
    found = bridge(log_density, chains, 600, np.random.default_rng(2), lambda share: None)
    assert abs(found.log_mass + 2.0) < 4.0 * found.error and found.error < 0.2


def test_where_the_density_is_zero_nothing_breaks():
    """A half of a normal density: half of the proposals fall where there is none."""

    def log_density(x):
        return -0.5 * float(x[0] ** 2) if x[0] > 0.0 else -1e9

    chains = exact_chains(lambda n, rng: np.abs(rng.standard_normal((n, 1))), log_density, 300, 3)
    found = bridge(log_density, chains, 600, np.random.default_rng(4), lambda share: None)
    assert found.log_mass == pytest.approx(0.5 * np.log(np.pi / 2.0), abs=4.0 * found.error)
