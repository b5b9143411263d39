"""Growth laws fitted to pairs of escapement and next biomass by maximum likelihood: the rivals of a Gaussian process.

The next biomass is lognormal with median f(s); see `ecodecide.fitting.candidate_laws` for the laws and the
bounds within which they are searched, and `ecodecide.fitting.candidate_posterior` for their posteriors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.fitting.candidate_laws import (
    LAWS,
    SIGMA,
    Pairs,
    family_named,
    least_squares,
    log_density,
    ordered,
)
from ecodecide.fitting.candidate_posterior import (
    CandidatePosterior,
    log_marginal_likelihood,
    sample_candidate,
)
from ecodecide.stock.growth import Array, GrowthLaw
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock

__all__ = [
    "LAWS",
    "Candidate",
    "CandidatePosterior",
    "candidate_log_density",
    "fit_candidates",
    "leave_one_out",
    "log_marginal_likelihood",
    "sample_candidate",
]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A growth law fitted to pairs by maximum likelihood, under lognormal noise with median f(s).

    Attributes
    ----------
    law
        One of `LAWS`.
    growth
        The law with its numbers, in the unit of the data.
    sigma
        Standard deviation of the log of the next biomass.
    log_likelihood
        The sum of the log density of each next biomass, per unit of biomass.
    pairs
        How many there are.
    parameters
        Numbers that were fitted, sigma among them.
    """

    law: str
    growth: GrowthLaw
    sigma: float
    log_likelihood: float
    pairs: int
    parameters: int

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 log L + 2 p; less is better."""
        return -2.0 * self.log_likelihood + 2.0 * self.parameters

    @property
    def bic(self) -> float:
        """Schwarz's criterion, -2 log L + p log n; less is better."""
        return -2.0 * self.log_likelihood + self.parameters * float(np.log(self.pairs))

    def stock(self, unit: str = "K = 1") -> ParametricStock:
        """Return the stock that grows so."""
        return ParametricStock(self.growth, LognormalNoise(self.sigma), unit)


def fit_candidates(
    escapement: ArrayLike,
    next_biomass: ArrayLike,
    laws: Sequence[str] = LAWS,
    *,
    scale: float | None = None,
) -> dict[str, Candidate]:
    """Fit growth laws to pairs by maximum likelihood, within the bounds of their flat priors.

    Parameters
    ----------
    escapement, next_biomass
        Shape (pairs,): biomass after harvest, and the biomass before harvest of the year after; positive.
    laws
        Some of `LAWS`.
    scale
        The biomass that is 1 in the unit of the bounds; a ninth of the largest biomass by default.

    Returns
    -------
    dict of str to Candidate
        In the order of `laws`.

    Raises
    ------
    FitError
        For an unknown law, fewer pairs than a law has numbers and one more, or values that are not positive.

    References
    ----------
    Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631, for laws and bounds.

    Examples
    --------
    >>> s = np.linspace(1.0, 9.0, 12)
    >>> scatter = np.tile([0.98, 1.02], 6)
    >>> found = fit_candidates(s, s * np.exp(0.8 * (1.0 - s / 7.0)) * scatter, laws=("ricker",))
    >>> round(found["ricker"].growth.K, 1), round(found["ricker"].sigma, 2)
    (7.0, 0.02)
    """
    data = Pairs.of(escapement, next_biomass, scale)
    found = {}
    for law in laws:
        family = family_named(law, data.count)
        u, mean_square = least_squares(family, data, np.ones((1, data.count)))
        x = family.place(u[0])
        sigma = float(np.clip(np.sqrt(mean_square[0]), *SIGMA))
        x = ordered(law, x)
        log_likelihood = float(log_density(family, x, sigma, data).sum())
        found[law] = Candidate(
            law, family.growth(x, data.scale), sigma, log_likelihood, data.count, len(x) + 1
        )
    return found


def leave_one_out(
    law: str, escapement: ArrayLike, next_biomass: ArrayLike, *, scale: float | None = None
) -> Array:
    """Return how well a law predicts each pair from all the others.

    Parameters
    ----------
    law
        One of `LAWS`.
    escapement, next_biomass, scale
        See `fit_candidates`.

    Returns
    -------
    ndarray, shape (pairs,)
        The log density of each next biomass under the law fitted, by maximum likelihood, without it.

    Raises
    ------
    FitError
        See `fit_candidates`.

    Examples
    --------
    >>> s = np.linspace(1.0, 9.0, 12)
    >>> x = s * np.exp(0.8 * (1.0 - s / 7.0)) * np.tile([0.98, 1.02], 6)
    >>> leave_one_out("ricker", s, x).shape
    (12,)
    """
    data = Pairs.of(escapement, next_biomass, scale)
    family = family_named(law, data.count - 1)
    u, mean_square = least_squares(family, data, 1.0 - np.eye(data.count))
    sigma = np.clip(np.sqrt(mean_square), *SIGMA)
    return np.diagonal(log_density(family, family.place(u), sigma[:, None], data)).copy()


def candidate_log_density(candidate: Candidate, escapement: ArrayLike, next_biomass: ArrayLike) -> Array:
    """Return the log density of next biomasses under a candidate, per unit of biomass.

    Parameters
    ----------
    candidate
        A fitted law.
    escapement, next_biomass
        Shape (pairs,); positive.

    Returns
    -------
    ndarray, shape (pairs,)
        Minus infinity where the law leaves nothing.

    Examples
    --------
    >>> from ecodecide import Ricker
    >>> one = Candidate("ricker", Ricker(r=1.0, K=1.0), 0.1, 0.0, 10, 3)
    >>> candidate_log_density(one, [1.0], [1.0]).round(3)   # -log(0.1 sqrt(2 pi))
    array([1.384])
    """
    s, x = np.asarray(escapement, dtype=float), np.asarray(next_biomass, dtype=float)
    with np.errstate(divide="ignore"):
        z = (np.log(x) - np.log(candidate.growth(s))) / candidate.sigma
    return np.asarray(-0.5 * z**2 - np.log(candidate.sigma * x) - 0.5 * np.log(2.0 * np.pi))
