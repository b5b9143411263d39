"""Posteriors of growth laws under flat priors: draws, and the probability of the data under each law.

The priors are flat within the bounds of `ecodecide.fitting.candidate_laws`. A number x is sampled as
u = log((x - low)/(high - x)), so that its prior density is a logistic one; Myers' r, which the data tie to theta
and K, as the log of the growth at the mean escapement. Allen's law stays the same when K and C change places and
r becomes r (C/K)^2: the half of its prior with K < C is folded onto the other, so that K is the larger of the two
equilibria.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logsumexp

from ecodecide.errors import ConvergenceWarning, FitError
from ecodecide.fitting.candidate_laws import (
    FAMILIES,
    SIGMA,
    Family,
    Pairs,
    family_named,
    least_squares,
    log_density,
    ordered,
    residuals,
)
from ecodecide.stock.growth import Array, GrowthLaw
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock


@dataclass(frozen=True, eq=False)
class CandidatePosterior:
    """Draws of a growth law's posterior under its flat priors.

    Attributes
    ----------
    law
        One of `LAWS`.
    parameters
        By name, each of shape (draws,), in the unit of the data.
    sigma
        Shape (draws,).
    log_likelihood
        Shape (draws, pairs): the log density of each next biomass, per unit of biomass.
    autocorrelation
        Steps of the sampler that one independent draw takes, of its slowest number.
    effective_draws
        How many independent draws the chains are worth.
    split_rhat
        The largest potential scale reduction of the halves of the chains; 1 where they agree.
    converged
        Whether the chains are at least 50 autocorrelation times long and their halves agree to within 2 %.
    status
        The same in words.
    """

    law: str
    parameters: dict[str, Array]
    sigma: Array
    log_likelihood: Array
    autocorrelation: float
    effective_draws: float
    split_rhat: float
    converged: bool
    status: str

    @property
    def growth(self) -> GrowthLaw:
        """The law with one value per draw."""
        made: GrowthLaw = FAMILIES[self.law].law(**self.parameters)
        return made

    def stock(self, unit: str = "K = 1") -> ParametricStock:
        """Return the draws as a batch of stocks."""
        return ParametricStock(self.growth, LognormalNoise(self.sigma), unit)


def sample_candidate(
    law: str,
    escapement: ArrayLike,
    next_biomass: ArrayLike,
    *,
    draws: int = 1000,
    seed: int = 1,
    scale: float | None = None,
) -> CandidatePosterior:
    """Sample a growth law's posterior under its flat priors.

    Parameters
    ----------
    law
        One of `LAWS`.
    escapement, next_biomass, scale
        See `fit_candidates`.
    draws
        How many to return, taken from the chains at random.
    seed
        The same seed gives the same draws.

    Returns
    -------
    CandidatePosterior

    Raises
    ------
    FitError
        See `fit_candidates`; or when no draw is asked for.

    Warns
    -----
    ConvergenceWarning
        When the chains are too short for what they hold.

    References
    ----------
    Goodman & Weare 2010, doi:10.2140/camcos.2010.5.65; Foreman-Mackey et al. 2013, doi:10.1086/670067 (emcee,
    the sampler). Gelman & Rubin 1992, doi:10.1214/ss/1177011136, for the agreement of the halves.

    Examples
    --------
    >>> s = np.linspace(1.0, 9.0, 12)
    >>> x = s * np.exp(0.8 * (1.0 - s / 7.0)) * np.tile([0.98, 1.02], 6)
    >>> posterior = sample_candidate("ricker", s, x, draws=200)
    >>> bool(abs(posterior.parameters["K"].mean() - 7.0) < 0.1), posterior.converged
    (True, True)
    """
    if draws < 1:
        raise FitError(f"sample_candidate needs at least 1 draw, got {draws}")
    data = Pairs.of(escapement, next_biomass, scale)
    family = family_named(law, data.count)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    chain, steps_per_draw = _chains(law, family, data, rng)
    steps, walkers, k = chain.shape
    rhat = _split_rhat(chain)
    converged = steps >= 50.0 * steps_per_draw and rhat < 1.02
    words = (
        f"{walkers} walkers of {steps} steps, one independent draw in {steps_per_draw:.0f} steps, "
        f"halves agree to {rhat:.3f}"
    )
    if not converged:
        words += ": too short for this posterior, whose draws are to be read with care"
        warnings.warn(f"{law}: {words}", ConvergenceWarning, stacklevel=2)
    flat = chain.reshape(-1, k)
    x, sigma, _ = _numbers(family, flat[rng.integers(len(flat), size=draws)], data)
    growth = family.growth(x, data.scale)
    return CandidatePosterior(
        law,
        {name: np.asarray(getattr(growth, name)) for name in family.names},
        sigma,
        log_density(family, x, sigma[:, None], data),
        steps_per_draw,
        steps * walkers / steps_per_draw,
        rhat,
        bool(converged),
        words,
    )


def log_marginal_likelihood(
    law: str,
    escapement: ArrayLike,
    next_biomass: ArrayLike,
    *,
    seed: int = 1,
    scale: float | None = None,
) -> tuple[float, float]:
    """Return the log of the probability of the data under a law and its flat priors.

    Adaptive importance sampling: the proposals are Student's t of 5 degrees of freedom, moved and reshaped by
    what the ones before them found.

    Parameters
    ----------
    law
        One of `LAWS`.
    escapement, next_biomass, scale
        See `fit_candidates`.
    seed
        The same seed gives the same estimate.

    Returns
    -------
    value
        The log marginal likelihood, per unit of biomass of each pair.
    standard error
        Of the value: one over the root of the effective sample size.

    Raises
    ------
    FitError
        See `fit_candidates`.

    Warns
    -----
    ConvergenceWarning
        When the proposals are worth fewer than 100 independent draws.

    References
    ----------
    Cornuet et al. 2012, Scandinavian Journal of Statistics 39:798. Kong 1992 for the effective sample size.

    Examples
    --------
    >>> s = np.linspace(1.0, 9.0, 12)
    >>> x = s * np.exp(0.8 * (1.0 - s / 7.0)) * np.tile([0.98, 1.02], 6)
    >>> value, error = log_marginal_likelihood("ricker", s, x)
    >>> error < 0.05
    True
    """
    data = Pairs.of(escapement, next_biomass, scale)
    family = family_named(law, data.count)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    _, log_weight = _proposals(law, family, data, rng)
    total = float(logsumexp(log_weight))
    effective = float(np.exp(2.0 * total - logsumexp(2.0 * log_weight)))
    if effective < 100.0:
        warnings.warn(
            f"{law}: the marginal likelihood rests on {effective:.0f} effective draws of {len(log_weight)}; "
            "read it with care",
            ConvergenceWarning,
            stacklevel=2,
        )
    return total - float(np.log(len(log_weight))), float(np.sqrt(1.0 / effective - 1.0 / len(log_weight)))


# --- the posterior under flat priors, on the whole line ---

_WALKERS, _STEPS, _DOUBLINGS = 100, 2000, 4
_ROUND_SIZES = (10_000, 2_000, 4_000, 4_000)
_FREEDOM = 5.0


def _logistic(v: Array) -> Array:
    """Return the log density of v where its number is uniform within its bounds."""
    return np.asarray(-np.abs(v) - 2.0 * np.log1p(np.exp(-np.abs(v))))


def _reference(data: Pairs) -> Array:
    """Return the escapement at which the growth of an anchored law is sampled, shape (1,)."""
    return np.asarray(np.exp(np.log(data.escapement).mean(keepdims=True)))


def _numbers(family: Family, v: Array, data: Pairs) -> tuple[Array, Array, Array]:
    """Return the numbers of the law, sigma (the last of v), and the log prior density of v.

    Parameters
    ----------
    v
        Shape (n, k).
    """
    x = family.place(v[:, :-1])
    low, high = SIGMA
    sigma = low + (high - low) * expit(v[:, -1])
    prior = _logistic(v).sum(axis=1)
    if family.anchored:
        x[:, 0] = 1.0
        log_r = v[:, 0] - family.curve(x, _reference(data))[:, 0]
        x[:, 0] = np.exp(np.clip(log_r, -700.0, 700.0))
        lowest, highest = family.bounds[0]
        inside = (lowest <= x[:, 0]) & (x[:, 0] <= highest)
        flat = np.where(inside, log_r - np.log(highest - lowest), -np.inf)  # dr = r d log r
        prior = prior - _logistic(v[:, 0]) + flat
    return x, sigma, prior


def _log_posterior(law: str, family: Family, v: Array, data: Pairs) -> Array:
    """Return the log of likelihood times prior density of v, both normalized: shape (n, k) to (n,)."""
    x, sigma, value = _numbers(family, v, data)
    with np.errstate(over="ignore", invalid="ignore"):
        value = value + log_density(family, x, sigma[:, None], data).sum(axis=1)
    if law == "allen":
        r, K, C = x.T
        twin = (C / K) ** 2  # the Jacobian of the exchange, and what it makes of r
        lowest, highest = family.bounds[0]
        both = (lowest <= r * twin) & (r * twin <= highest)
        # where the exchange leaves the prior, there is nothing to fold
        value = np.where(C > K, np.where(both, -np.inf, value), value + np.where(both, np.log1p(twin), 0.0))
    # beyond 500 the numbers stand at their bounds
    known = np.isfinite(value) & np.all(np.abs(v) < 500.0, axis=1)
    return np.where(known, value, -np.inf)


def _proposals(law: str, family: Family, data: Pairs, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return points and their log weights, posterior over proposal, from rounds that learn from each other."""
    from scipy.stats import multivariate_t

    center, covariance = _start(law, family, data)
    # the first is as wide as the prior, whose far ends may hold a part of the posterior: no growth at all, say
    wide = covariance.copy()
    wide[:-1, :-1] += 9.0 * np.eye(len(center) - 1)
    if family.anchored:
        wide[0, 0] = 9.0 * covariance[0, 0]
    wide[-1, -1] *= 4.0
    sizes = np.array(_ROUND_SIZES)
    used: list[Any] = []
    points, targets = np.empty((0, len(center))), np.empty(0)
    for size in sizes:
        used.append(multivariate_t(center, covariance if used else wide, df=_FREEDOM, allow_singular=True))
        drawn = used[-1].rvs(size, random_state=rng).reshape(size, -1)
        points = np.concatenate([points, drawn])
        targets = np.append(targets, _log_posterior(law, family, drawn, data))
        # every point is weighed by the mixture of all that was proposed so far
        shares = np.log(sizes[: len(used)] / sizes[: len(used)].sum())
        log_mixture = logsumexp([a + q.logpdf(points) for a, q in zip(shares, used, strict=True)], axis=0)
        log_weight = targets - log_mixture
        weight = np.exp(log_weight - logsumexp(log_weight))
        effective = 1.0 / np.sum(weight**2)
        center = weight @ points
        spread = (points - center).T @ ((points - center) * weight[:, None])
        # few effective points know little of the shape: then the shape before has the say
        k = len(center)
        covariance = (effective * 1.2 * spread + 4.0 * k * covariance) / (effective + 4.0 * k)
    return points, np.array(log_weight, dtype=float)


def _start(law: str, family: Family, data: Pairs) -> tuple[Array, Array]:
    """Return the maximum of the likelihood on the whole line, and a covariance from its curvature there."""
    every = np.ones((1, data.count))
    u, mean_square = least_squares(family, data, every)
    # a number that ended at a bound is moved inside, where there is curvature to go by
    u = np.clip(family.search(ordered(law, family.place(u))), -6.0, 6.0)
    slope = residuals(family, u, data, every)[1][0]
    if family.anchored:
        at, there = _reference(data), np.ones((1, 1))
        reference = Pairs(at, np.zeros(1), data.scale)
        along = residuals(family, u, reference, there)[1][0, 0]
        slope = slope - slope[:, :1] * along / along[0]  # at the same growth at the reference
        slope[:, 0] = 1.0
        u[0, 0] = family.curve(family.place(u), at)[0, 0]
    sigma = float(np.clip(np.sqrt(mean_square[0]), 10.0 * SIGMA[0], 0.1 * SIGMA[1]))
    k = u.shape[1]
    precision = np.eye(k + 1) * 0.1
    precision[:k, :k] += slope.T @ slope / sigma**2
    precision[k, k] = 2.0 * data.count
    share = (sigma - SIGMA[0]) / (SIGMA[1] - SIGMA[0])
    covariance = np.asarray(1.5 * np.linalg.inv(precision), dtype=float)
    return np.append(u[0], np.log(share) - np.log1p(-share)), covariance


def _chains(law: str, family: Family, data: Pairs, rng: np.random.Generator) -> tuple[Array, float]:
    """Return the chains, shape (steps, walkers, k), and their autocorrelation time, from emcee.

    They start from weighted draws of the posterior and are lengthened until they are long enough.
    """
    import emcee

    points, log_weight = _proposals(law, family, data, rng)
    weight = np.exp(log_weight - logsumexp(log_weight))
    chosen = points[rng.choice(len(points), _WALKERS, p=weight)]
    # a hair apart, or walkers that start from one point stay on a line
    begin = chosen + 1e-3 * rng.standard_normal(chosen.shape)
    sampler = emcee.EnsembleSampler(
        _WALKERS,
        begin.shape[1],
        lambda v: _log_posterior(law, family, v, data),
        # along differences of walkers besides emcee's own stretch; not its snooker move, which weighs its
        # proposals wrongly in 3.1.6 and missed a third of Ricker's far end here
        moves=[(emcee.moves.DEMove(), 0.7), (emcee.moves.StretchMove(), 0.3)],
        vectorize=True,
    )
    sampler.random_state = np.random.RandomState(int(rng.integers(2**31))).get_state()
    state = sampler.run_mcmc(begin, _STEPS // 4)
    sampler.reset()
    for doubling in range(_DOUBLINGS):
        state = sampler.run_mcmc(state, _STEPS * max(2**doubling // 2, 1))
        time = float(np.max(sampler.get_autocorr_time(tol=0)))
        chain = np.asarray(sampler.get_chain())
        if len(chain) >= 50.0 * time and _split_rhat(chain) < 1.02:
            break
    return chain, time


def _split_rhat(chain: Array) -> float:
    """Return the potential scale reduction of the ensemble's halves in time, of the worst number.

    Walkers are one ensemble; each half of it is a chain of its own, with the variance of its mean judged by
    blocks of a tenth.
    """
    halves = np.array_split(chain, 2)
    within = np.mean([h.reshape(-1, chain.shape[2]).var(axis=0) for h in halves], axis=0)
    between = np.var([h.mean(axis=(0, 1)) for h in halves], axis=0, ddof=1)
    return float(np.sqrt(1.0 + np.max(between / within)))
