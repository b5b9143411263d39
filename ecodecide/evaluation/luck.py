"""The luck of simulated futures: standard normals that belong to a replicate, a year and a purpose.

The generator is counter-based (Philox4x64-10: Salmon et al. 2011, doi:10.1145/2063384.2063405): every number is
a function of the seed, the replicate, the year and the purpose alone. So all policies meet the same luck, and
replicate 17 is the same in a run of 100 and of 10,000, of 20 years and of 50, on one machine and on many.
"""

from __future__ import annotations

import numpy as np

from ecodecide._kernels.futures import draw_luck
from ecodecide.stock.growth import Array

PURPOSES = ("recruitment", "survey", "implementation", "start")
"""What the four numbers of a replicate and year are for, in this order."""


def seed_word(seed: int) -> np.uint64:
    """Return the 64 bits by which a seed enters the generator's key.

    Examples
    --------
    >>> int(seed_word(1)) == int(np.random.SeedSequence(1).generate_state(1, np.uint64)[0])
    True
    """
    word: np.uint64 = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    return word


def luck(seed: int, replicates: int, years: int, first: int = 0) -> Array:
    """Return independent standard normals.

    A block of four words, with the key (word of the seed, replicate) and the counter (year, 0, 0, 0), makes four
    uniform numbers on the middles of 2^52 cells of (0, 1), and these their normal quantiles (AS 241: Wichura 1988,
    Applied Statistics 37:477, doi:10.2307/2347330).

    Parameters
    ----------
    seed
        A whole number of at least 0.
    replicates, years
        How many.
    first
        The number of the first replicate.

    Returns
    -------
    ndarray
        Shape (replicates, years, 4), by `PURPOSES`.

    Examples
    --------
    >>> many = luck(seed=1, replicates=100, years=50)
    >>> bool((luck(seed=1, replicates=1, years=20, first=17)[0] == many[17, :20]).all())
    True
    """
    drawn = np.empty((replicates, years, len(PURPOSES)))
    draw_luck(seed_word(seed), first, drawn)
    return drawn
