"""Table 1 of Boettiger, Mangel & Munch 2015: selection criteria, as printed, as its code has them, and righted.

With D the deviance, -2 log likelihood, of the 39 pairs and of the first biomass, which is uniform on [0, 10] and
adds 4.605 to all; k the numbers of a law without sigma; and mode(D) the mean of the shortest half of the
posterior's deviances, the code has

    AIC = -mode(D) + 2 (k + 1),    BIC = -mode(D) + log(40) (k + 1),    DIC = E[D] + p + 2 k,

where p is Plummer's optimism. The sign of the deviance is flipped, and the penalty is counted twice. Righted, mode(D)
has its own sign and 2 k is left out. By maximum likelihood, min(D) stands where the mode stood, which is what AIC
and BIC are defined by.
"""

from __future__ import annotations

import numpy as np

from ecodecide.fitting.candidates import Candidate, CandidatePosterior
from ecodecide.stock.growth import Array

CRITERIA = ("DIC", "AIC", "BIC")
"""The criteria, in the order of the table."""

LAWS = ("allen", "ricker", "myers")
"""The laws, in the order of the table; the first made the data."""

SOURCES = (
    "as printed",
    "as its code computes, by us",
    "sign and penalty righted, by us",
    "by maximum likelihood, by us",
)
"""Where a criterion comes from."""

PRINTED = {
    "DIC": (50.75, 50.45, 50.41),
    "AIC": (-24.51, -30.13, -27.01),
    "BIC": (-17.75, -25.06, -20.25),
}
"""Table 1 as printed, by law."""

FIRST_BIOMASS = -2.0 * float(np.log(0.1))
"""What the first biomass, uniform on [0, 10], adds to the deviance."""

_COUNTED = 40
"""What the published BIC takes the logarithm of: years, of which all but the first have a pair."""


def deviance_mode(deviance: Array) -> float:
    """Return the mean of the shortest interval that holds half of the values.

    Parameters
    ----------
    deviance
        Shape (draws,).

    Examples
    --------
    >>> deviance_mode(np.array([1.0, 10.0, 11.0, 12.0, 30.0, 50.0]))
    11.0
    """
    ordered = np.sort(deviance)
    half = (len(ordered) + 1) // 2
    first = int(np.argmin(ordered[half - 1 :] - ordered[: len(ordered) - half + 1]))
    return float(ordered[first : first + half].mean())


def optimism(posterior: CandidatePosterior, escapement: Array, pairings: int = 30, seed: int = 1) -> float:
    """Return Plummer's optimism: what a deviance gains from being judged by the data it was fitted to.

    For each pair the sum of both Kullback-Leibler divergences between the predictions of two independent
    draws, weighed by one over the likelihood of the pair under both, which leaves it out of the fit; summed.

    Parameters
    ----------
    posterior
        Draws of a law.
    escapement
        Shape (pairs,): that they were fitted to.
    pairings
        How many times the draws are paired at random.
    seed
        Of the pairings.

    References
    ----------
    Plummer 2008, Biostatistics 9:523, doi:10.1093/biostatistics/kxm049; the type "popt" of JAGS.
    """
    log_mean = np.log(posterior.growth(escapement[:, None])).T
    # one factor for all draws of a pair cancels out
    log_weight = -posterior.log_likelihood
    weight = np.exp(log_weight - log_weight.max(axis=0))
    sigma, half = posterior.sigma, len(posterior.sigma) // 2
    rng = np.random.default_rng(seed)
    total, mass = np.zeros(log_mean.shape[1]), np.zeros(log_mean.shape[1])
    for _ in range(pairings):
        order = rng.permutation(len(sigma))
        a, b = order[:half], order[half : 2 * half]
        apart = (log_mean[a] - log_mean[b]) ** 2 / 2.0
        precision = (sigma[a] ** -2 + sigma[b] ** -2)[:, None]
        spread = (sigma[a] / sigma[b]) ** 2 / 2.0 + (sigma[b] / sigma[a]) ** 2 / 2.0 - 1.0
        both = weight[a] * weight[b]
        total += (both * (apart * precision + spread[:, None])).sum(axis=0)
        mass += both.sum(axis=0)
    return float(np.sum(total / mass))


def criteria(candidate: Candidate, posterior: CandidatePosterior, escapement: Array) -> dict[str, Array]:
    """Return the criteria of a law by source, each of shape (criteria,); NaN where there is none.

    Parameters
    ----------
    candidate
        The law at its maximum of likelihood.
    posterior
        Draws of it.
    escapement
        Shape (pairs,).
    """
    deviance = -2.0 * posterior.log_likelihood.sum(axis=1) + FIRST_BIOMASS
    mode, mean = deviance_mode(deviance), float(deviance.mean())
    fitted = candidate.parameters
    k, pay = fitted - 1, float(np.log(_COUNTED)) * fitted
    penalized = mean + optimism(posterior, escapement)
    best = -2.0 * candidate.log_likelihood + FIRST_BIOMASS
    found = {
        SOURCES[1]: (penalized + 2.0 * k, -mode + 2.0 * fitted, -mode + pay),
        SOURCES[2]: (penalized, mode + 2.0 * fitted, mode + pay),
        SOURCES[3]: (np.nan, best + 2.0 * fitted, best + float(np.log(candidate.pairs)) * fitted),
    }
    printed = [PRINTED[name][LAWS.index(candidate.law)] for name in CRITERIA]
    return {SOURCES[0]: np.array(printed)} | {name: np.array(values) for name, values in found.items()}
