"""What a Gaussian process believes of a stock's growth before it has seen any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import FitError
from ecodecide.stock.growth import Array

Lognormal = tuple[float, float]
"""Median and log-sd of a lognormal prior."""

KERNELS = ("squared-exponential", "matern-5/2")


@dataclass(frozen=True)
class GrowthPrior:
    """The prior of the yearly log growth g(s) = log(next biomass / escapement).

    g is a Gaussian process of the coordinate u(s) = 2 sqrt(s / scale), which runs as s / scale does near the
    largest biomass and faster below it, as growth curves bend more at low stock:

        next biomass = s exp(g(s) + sigma z),     g ~ GP( m(s),  a^2 k(|u - u'| / l) ),
        m(s) = -decline - max(0, log(s / S)),     S the largest escapement seen.

    Given data with posterior mean mu and variance v, the growth that a manager plans for and lives through is
    exp(g - v/2), whose mean is exp(mu): what is not known spreads next year's biomass, and never raises what is
    expected of it. Away from data, then, a stock is expected to shrink to exp(-decline) of its escapement in a
    year, and above S to exp(-decline) of S, for growth is crowded out; there the posterior sd of g is held to
    (S / s)^2 of itself as well. That is the caution of the method: who plans with it keeps the stock where growth was
    seen. The prior of Boettiger, Mangel & Munch 2015 has the same end by other means: a mean of zero for the biomass
    itself.

    Parameters
    ----------
    decline
        How fast a stock of which nothing is known shrinks, per year, on the log scale: 2 leaves an eighth.
    signal_sd
        Median and log-sd of the lognormal prior of a, how far log growth may lie from its prior mean.
    length_scale
        Of l, in the coordinate u: a growth curve bends once between no stock and the largest seen, rarely more.
    noise_sd
        Of sigma: recruitment scatters most stocks by 2 to 50 % a year, two log-sds to either side.
    second_length
        Of the length scale of a second input, where there is one: in u for last year's escapement, in standard
        deviations for a covariate.
    kernel
        ``"squared-exponential"``, or ``"matern-5/2"`` for growth that is rougher.

    Raises
    ------
    FitError
        When a value means nothing.

    Notes
    -----
    The defaults were chosen by trial, on several hundred simulated stocks of the kind of the 2015 paper's supplement
    (Allen and Myers truths), on 60 training series of its example and of one like it, and on fished logistic stocks;
    ``benchmarks/tipping_points.py`` shows on other draws what each choice buys. It is a compromise: where the
    threshold lies just below all that was seen, as in the paper's example, smoother curves (a of 0.7, a decline of
    0.3) cross it in three runs of ten; where there is none, or far away, a smoother prior earns more.

    Examples
    --------
    >>> GrowthPrior().decline
    2.0
    """

    decline: float = 2.0
    signal_sd: Lognormal = (2.0, 0.3)
    length_scale: Lognormal = (1.2, 0.3)
    noise_sd: Lognormal = (0.1, 0.8)
    second_length: Lognormal = (2.0, 0.7)
    kernel: str = "squared-exponential"

    def __post_init__(self) -> None:
        if not np.isfinite(self.decline):
            raise FitError(f"GrowthPrior: decline must be a finite rate per year, got {self.decline}")
        for name in ("signal_sd", "length_scale", "noise_sd", "second_length"):
            median, log_sd = getattr(self, name)
            if not (0.0 < median < np.inf and 0.0 <= log_sd < np.inf):
                raise FitError(
                    f"GrowthPrior: {name} must be a positive median and a log-sd of at least 0, got "
                    f"({median}, {log_sd})"
                )
        if self.kernel not in KERNELS:
            raise FitError(f"GrowthPrior: kernel must be one of {', '.join(KERNELS)}, got {self.kernel!r}")


def coordinate(biomass: ArrayLike, scale: float) -> Array:
    """Return u(s) = 2 sqrt(s / scale).

    Examples
    --------
    >>> coordinate([0.0, 4.0], scale=4.0)
    array([0., 2.])
    """
    return np.asarray(2.0 * np.sqrt(np.asarray(biomass, dtype=float) / scale))
