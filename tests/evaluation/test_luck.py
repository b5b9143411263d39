"""The generator against NumPy's own, its normals against SciPy's, and what must not change a replicate."""

import numpy as np
from scipy.special import ndtri

from ecodecide.evaluation.luck import PURPOSES, luck, seed_word


def words(seed, replicate, year):
    """The block of NumPy's Philox, which steps its counter before it draws: from the one before the year."""
    before = year - 1 if year else -1
    counter = [(before >> (64 * k)) & (2**64 - 1) for k in range(4)]
    key = np.array([seed_word(seed), replicate], dtype=np.uint64)
    return np.random.Philox(key=key, counter=np.array(counter, dtype=np.uint64)).random_raw(4)


def test_luck_is_that_of_numpys_philox_and_scipys_quantile():
    for seed, first in ((1, 0), (7, 2**33), (2**70, 12)):
        drawn = luck(seed, 70, 3, first)  # more than the replicates stepped side by side
        for replicate in (0, 1, 63, 64, 69):
            for year in range(3):
                uniform = [((int(w) >> 12) + 0.5) / 2**52 for w in words(seed, first + replicate, year)]
                # an algorithm good to 1e-16 of the quantile, and one good to a few 1e-16
                np.testing.assert_allclose(drawn[replicate, year], ndtri(uniform), rtol=2e-15, atol=2e-16)


def test_words_survive_bit_for_bit():
    """A quantile within 4 of 0 gives back all but the last few of its uniform number's 52 bits."""
    from scipy.special import ndtr

    drawn = luck(3, 40, 5)
    expected = np.array([[words(3, r, t) for t in range(5)] for r in range(40)])
    np.testing.assert_allclose(ndtr(drawn), (expected >> np.uint64(12)) / 2.0**52, rtol=1e-13)


def test_a_replicate_does_not_know_how_many_others_there_are_or_for_how_long_it_runs():
    many = luck(5, 200, 50)
    assert many.shape == (200, 50, len(PURPOSES))
    np.testing.assert_array_equal(luck(5, 101, 20), many[:101, :20])
    np.testing.assert_array_equal(luck(5, 3, 50, first=77), many[77:80])


def test_luck_is_standard_normal_and_independent():
    """Moments of 400,000 numbers, within five standard errors: 1/sqrt(n), sqrt(2/n), sqrt(15/n), sqrt(96/n)."""
    z = luck(11, 2000, 50)
    n = z.size
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs((z**2).mean() - 1) < 5 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 5 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(96 / n)
    by_purpose = np.corrcoef(z.reshape(-1, 4).T)
    assert np.abs(by_purpose - np.eye(4)).max() < 5 / np.sqrt(n / 4)
    for lag in (1, 2):
        assert abs((z[:, lag:] * z[:, :-lag]).mean()) < 5 / np.sqrt(n * (1 - lag / 50))
    assert abs((z[1:] * z[:-1]).mean()) < 5 / np.sqrt(n)
    assert abs((z * luck(12, 2000, 50)).mean()) < 5 / np.sqrt(n)


def test_tails_are_drawn():
    """Of 4 million numbers some 254 lie beyond 4: binomial, so within five of 16; the middle ends at 1.44."""
    z = luck(13, 20_000, 50)
    beyond = (np.abs(z) > 4).sum()
    assert abs(beyond - 4e6 * 6.334e-5) < 5 * 16
    near = (np.abs(z) > 1.4395).mean()  # P = 0.15 where |u - 1/2| > 0.425
    assert abs(near - 0.15) < 5 * np.sqrt(0.15 * 0.85 / 4e6) + 1e-4
