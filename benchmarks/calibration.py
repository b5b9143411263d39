"""Does a fit know what it says it knows? Simulated stocks, drawn from the priors, and how often intervals hold them.

    python benchmarks/calibration.py [--stocks 100] [--years 30] [--law logistic] [--jobs 2]
    python benchmarks/calibration.py --threshold --stocks 40

Truths are drawn from the priors, data from the truths, and the fit is given the data: then a 90 % interval holds the
truth in 90 % of the stocks, whatever the prior (Cook, Gelman & Rubin 2006, doi:10.1198/106186006X136976). Observations
are an index with an error that is estimated, the catches a given series with an error of 5 %; truths that cannot bear
them are drawn again, as the likelihood has it. For a law with a threshold, the probabilities that one exists are
counted in bins beside how often one does.

The second line draws stocks with a threshold at 25 to 50 % of K: half of them begin about it, where some grow and some
die, and half never come near it. Does the fit find it in the ones, and say of the others that the data cannot tell?
"""

from __future__ import annotations

import argparse
import time
import warnings
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy.stats import binom

import ecodecide as eco
from ecodecide.errors import EcodecideWarning
from ecodecide.fitting.priors import (
    GROWTH_FAMILIES,
    OBSERVATION_SIGMA,
    PROCESS_SIGMA,
    PSI,
    carrying_capacity_prior,
)
from ecodecide.fitting.tipping_point import tipping_point
from ecodecide.stock.reference_points import law_reference_points

CATCH_CV = 0.05
QUANTITIES = ("K", "msy", "b_bmsy", "depletion", "process_sigma")


def truth(law: str, catch: np.ndarray, rng: np.random.Generator) -> dict:
    """Draw a stock that bears the catches, with its index."""
    shape = GROWTH_FAMILIES[law]
    while True:
        K, sigma, tau, psi = (
            float(prior.draw(1, rng)[0])
            for prior in (
                carrying_capacity_prior(None, float(catch.max())),
                PROCESS_SIGMA,
                OBSERVATION_SIGMA,
                PSI,
            )
        )
        grow = shape.make(K, *(float(prior.draw(1, rng)[0]) for prior in shape.priors))
        x, biomass = psi * K, []
        for caught in catch:
            biomass.append(x)
            left = x - caught * np.exp(np.sqrt(np.log1p(CATCH_CV**2)) * rng.standard_normal())
            if left <= 0.0:
                break
            x = float(grow(np.asarray(left))) * np.exp(sigma * rng.standard_normal())
        if left > 0.0 and min(*biomass, x) > 0.0:
            break
    index = 0.003 * np.array(biomass) * np.exp(tau * rng.standard_normal(len(catch)))
    points = law_reference_points(grow)
    return {
        "index": index,
        "K": K,
        "msy": points.msy,
        "b_bmsy": x / points.b_msy if points.b_msy > 0.0 else np.nan,
        "depletion": x / K,
        "process_sigma": sigma,
        "threshold": points.allee_threshold is not None,
        # the data are said to show a threshold when the stock was ever seen below one and a half of it
        "visited": points.allee_threshold is not None and min(biomass) < 1.5 * points.allee_threshold,
    }


def one(law: str, years: int, seed: int, draws: int) -> dict:
    """Return, for each quantity, the share of the posterior below the truth."""
    rng = np.random.default_rng([seed, 5])
    up = years // 2
    catch = np.concatenate([np.linspace(0.3, 1.0, up), np.linspace(1.0, 0.4, years - up)])
    made = truth(law, catch, rng)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EcodecideWarning)
        history = eco.CatchHistory(year=np.arange(1990, 1990 + years), catch=catch, index=made["index"])
        posterior = eco.fit(history, law, draws=draws, seed=seed)
    worlds, members = posterior.members.worlds, posterior.members
    now = np.asarray(members.initial_biomass)
    K = np.exp(posterior.record.points[..., 0].ravel()) * posterior.record.model.scale
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "K": K,
            "msy": np.array([w.msy for w in worlds]),
            "b_bmsy": now / np.array([w.b_msy for w in worlds]),
            "depletion": posterior.record.terminal.ravel() / K,
            "process_sigma": np.asarray(members.noise.sigma),
        }
    rank = {
        name: float(np.nanmean(found[name] < made[name])) for name in QUANTITIES if np.isfinite(made[name])
    }
    return {
        "rank": rank,
        "threshold": made["threshold"],
        "visited": made["visited"],
        "told": tipping_point(posterior).told,
        "p": tipping_point(posterior).exists,
        "converged": posterior.converged,
        "seconds": time.perf_counter() - begin,
    }


def with_threshold(near: bool, years: int, seed: int, draws: int) -> dict:
    """Fit a stock whose data show the threshold, or do not."""
    rng = np.random.default_rng([seed, 6])
    for _ in range(1000):
        law = eco.Allen(r=float(rng.uniform(1.5, 2.5)), K=100.0, C=float(rng.uniform(25.0, 50.0)))
        x, rate, biomass = law.C * rng.uniform(0.9, 1.15) if near else 95.0, 0.01 if near else 0.05, []
        for _ in range(years):
            biomass.append(x)
            x = float(law(np.asarray(x * (1.0 - rate)))) * np.exp(0.1 * rng.standard_normal())
        if near or min(biomass) > 1.5 * law.C:
            break
    catch, seen = rate * np.array(biomass), np.array(biomass) * np.exp(0.1 * rng.standard_normal(years))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EcodecideWarning)
        history = eco.CatchHistory(year=np.arange(years), catch=catch, biomass=seen)
        posterior = eco.fit(history, "allen", survey=eco.LognormalSurvey(0.1), draws=draws, seed=seed)
    found = tipping_point(posterior)
    return {"near": near, "told": found.told, "exists": found.exists}


def threshold_study(count: int, years: int, draws: int, jobs: int) -> None:
    with ProcessPoolExecutor(jobs) as pool:
        near = [number % 2 == 0 for number in range(count)]
        found = list(pool.map(with_threshold, near, [years] * count, range(count), [draws] * count))
    for words, kind in (("begin about their threshold", True), ("never come near it", False)):
        some = [one for one in found if one["near"] == kind]
        exists = np.array([one["exists"] for one in some])
        told, likely = sum(one["told"] for one in some), int((exists > 0.9).sum())
        print(
            f"{len(some)} stocks that {words}: the data tell in {told}; P(there is one) above 0.9 in {likely}"
        )
        print(f"  its median {np.median(exists):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stocks", type=int, default=100)
    parser.add_argument("--years", type=int, default=30)
    parser.add_argument("--law", default="logistic")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threshold", action="store_true")
    given = parser.parse_args()
    if given.threshold:
        threshold_study(given.stocks, given.years, given.draws, given.jobs)
        return
    with ProcessPoolExecutor(given.jobs) as pool:
        count = given.stocks
        found = list(
            pool.map(one, [given.law] * count, [given.years] * count, range(count), [given.draws] * count)
        )
    seconds = np.array([one["seconds"] for one in found])
    print(f"{given.law}: {count} stocks of {given.years} years; {sum(one['converged'] for one in found)} converged; "
          f"{np.median(seconds):.1f} s a fit, at most {seconds.max():.1f} s")  # fmt: skip
    for level in (0.5, 0.9):
        low, high = binom.ppf([0.025, 0.975], count, level).astype(int)
        print(f"{level:.0%} intervals; of {count}, {low} to {high} is within the binomial error of 95 %")
        for name in QUANTITIES:
            ranks = np.array([one["rank"][name] for one in found if name in one["rank"]])
            inside = int((np.abs(ranks - 0.5) <= 0.5 * level).sum())
            print(f"  {name:<14} {inside} of {len(ranks)}")
    if any(one["threshold"] for one in found):
        for words, kind in (("came near it", True), ("never did", False)):
            told = [one for one in found if one["threshold"] and one["visited"] == kind]
            if told:
                share, p = np.mean([one["told"] for one in told]), np.mean([one["p"] for one in told])
                print(
                    f"{len(told)} stocks with a threshold {words}: the data tell in {share:.0%}, mean P {p:.2f}"
                )
        p, there = np.array([one["p"] for one in found]), np.array([one["threshold"] for one in found])
        print("probability of a threshold, and how often there is one")
        for low, high in ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
            at = (p >= low) & (p < high)
            if at.any():
                said, is_there = p[at].mean(), there[at].mean()
                print(f"  {low:.1f} to {min(high, 1.0):.1f}: {said:.2f} said, {is_there:.2f} of {at.sum()}")


if __name__ == "__main__":
    main()
