"""Worlds against a loop over one replicate at a time, and worlds read from their names."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import lognorm

import ecodecide as eco
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.luck import luck
from ecodecide.evaluation.named_worlds import read_world
from ecodecide.policy.rules import ConstantRate, RulePolicy

R, SIGMA, YEARS, REPLICATES = 0.6, 0.2, 7, 300  # 300 replicates fill one block of 256 and part of a second
FIRST = eco.ParametricStock(eco.Logistic(r=R, K=1.0), eco.LognormalNoise(sigma=SIGMA))
AFTER = eco.ParametricStock(eco.Ricker(r=0.2, K=0.6), eco.LognormalNoise(sigma=0.4))
POLICY = RulePolicy(ConstantRate(0.2), expected=0.5)
ECONOMY = eco.Economy(price=2.0, effort_cost=0.1, discount=0.9)


class Watched:
    """The same policy, of a kind that no kernel knows."""

    def start(self, replicates: int) -> Any:
        return POLICY.start(replicates)

    def decide(self, memory: Any, observed: Any, caught: Any) -> Any:
        return POLICY.decide(memory, observed, caught)


def run(*worlds: eco.World, **changes: Any) -> xr.Dataset:
    given: dict[str, Any] = {
        "truth": list(worlds), "survey": eco.LognormalSurvey(cv=0.3), "economy": ECONOMY, "initial_biomass": 0.5,
        "years": YEARS, "replicates": REPLICATES, "seed": 5, "implementation_cv": 0.1,
    }  # fmt: skip
    return eco.evaluate({"kernel": POLICY, "plain": Watched()}, **{**given, **changes})


def one_replicate(
    world: eco.World, r: int, start: float, survey_cv: float, cv: float
) -> dict[str, list[float]]:
    """One future of a world, year by year, by the formulas of `World` and with scalars alone."""
    e = luck(5, REPLICATES, YEARS)[r]
    rho, x, z = world.autocorrelation, start, 0.0
    told: dict[str, list[float]] = {k: [] for k in ("biomass", "catch", "profit")}
    for t in range(YEARS):
        y = x * np.exp(np.sqrt(np.log(1 + survey_cv**2)) * e[t, 1])
        h = min(0.2 * y * np.exp(np.sqrt(np.log(1 + cv**2)) * e[t, 2]), x)
        price = 2.0 * (1.0 if world.prices is None else world.prices[t])
        for key, value in zip(told, (x, h, price * h - 0.1 * h / x), strict=True):
            told[key].append(value)
        z = e[t, 0] if t == 0 else rho * z + np.sqrt(1 - rho**2) * e[t, 0]
        s = x - h
        if world.shift is not None and t >= world.shift[0]:
            f, sigma = s * np.exp(0.2 * (1 - s / 0.6)), 0.4
        else:
            f, sigma = s + R * s * (1 - s), SIGMA
        surplus = (f - s) * (1.0 if world.productivity is None else world.productivity[t])
        x = max(s + surplus, 0.0) * np.exp(sigma * z)
    return {**told, "final_biomass": [x]}


PATH = 0.8 ** np.arange(YEARS)
WORLDS = {
    "as it is": (eco.World(FIRST), 0.5, 0.3, 0.1),
    "autocorrelated": (eco.World(FIRST, autocorrelation=0.7), 0.5, 0.3, 0.1),
    "trend": (eco.World(FIRST, productivity=PATH), 0.5, 0.3, 0.1),
    "shift": (eco.World(FIRST, shift=(3, AFTER)), 0.5, 0.3, 0.1),
    "prices": (eco.World(FIRST, prices=1.0 / PATH), 0.5, 0.3, 0.1),
    "own": (
        eco.World(FIRST, survey=eco.LognormalSurvey(0.6), implementation_cv=0.4, initial_biomass=0.8), 0.8, 0.6, 0.4,
    ),
    "all": (eco.World(FIRST, autocorrelation=-0.5, productivity=PATH, prices=PATH, shift=(1, AFTER)), 0.5, 0.3, 0.1),
}  # fmt: skip


@pytest.mark.parametrize("name", WORLDS)
def test_agrees_with_a_loop_over_one_replicate_at_a_time(name: str) -> None:
    world, start, survey_cv, cv = WORLDS[name]
    found = run(world)
    for r in (0, 17, 255, 256, 299):
        wanted = one_replicate(world, r, start, survey_cv, cv)
        for policy in ("kernel", "plain"):
            one = found.sel(policy=policy, replicate=r, world="truth")
            for key, values in wanted.items():
                # the same arithmetic in another order, over seven years
                np.testing.assert_allclose(np.atleast_1d(one[key].values), values, rtol=1e-12)


def test_worlds_share_their_luck_and_keep_their_order() -> None:
    worlds = [eco.World(FIRST, "first"), eco.World(AFTER, "after"), eco.World(FIRST, "again")]
    found = run(*worlds)
    assert found.world.values.tolist() == ["first", "after", "again"]
    xr.testing.assert_equal(found.sel(world="first", drop=True), found.sel(world="again", drop=True))
    # an observation is the biomass times the survey's luck, which is that of the replicate, not of the world
    error = np.log(found.observed / found.biomass).sel(policy="plain")
    np.testing.assert_allclose(error.sel(world="first"), error.sel(world="after"), rtol=1e-9, atol=1e-12)
    xr.testing.assert_equal(found.sel(world="after", drop=True), run(worlds[1]).sel(world="after", drop=True))


def test_a_first_biomass_may_be_a_distribution() -> None:
    given = lognorm(0.3, scale=0.5)
    found = run(eco.World(FIRST, initial_biomass=given)).biomass.isel(policy=0, world=0, year=0)
    z = luck(5, REPLICATES, YEARS)[:, 0, 3]
    np.testing.assert_allclose(found, 0.5 * np.exp(0.3 * z), rtol=1e-9)  # ppf(Phi(z)) of a lognormal


def test_autocorrelation_leaves_the_spread_of_one_year_as_it_is() -> None:
    # far below K and unfished log growth is a constant and the deviation
    stock = eco.ParametricStock(eco.Logistic(r=R, K=1e9), eco.LognormalNoise(sigma=SIGMA))
    rho, n = 0.6, 4000
    idle = {"no-fishing": RulePolicy(ConstantRate(0.0), expected=0.5)}
    runs = eco.evaluate(
        idle, truth=eco.World(stock, autocorrelation=rho), survey=eco.PerfectSurvey(), economy=ECONOMY,
        initial_biomass=1.0, years=8, replicates=n,
    ).isel(policy=0, world=0)  # fmt: skip
    deviation = np.diff(np.log(runs.biomass.values), axis=1) / SIGMA
    # of n independent normals the variance is known to sqrt(2/n), a correlation to 1/sqrt(n): four of each
    np.testing.assert_allclose(deviation.var(axis=0), 1.0, atol=4 * np.sqrt(2 / n))
    for lag in (1, 2, 3):
        found = np.corrcoef(deviation[:, 2], deviation[:, 2 + lag])[0, 1]
        assert found == pytest.approx(rho**lag, abs=4 / np.sqrt(n))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"autocorrelation": 1.0}, r"autocorrelation must be in \(-1, 1\)"),
        ({"productivity": [1.0, -0.1]}, "productivity must be one factor of at least 0 per year"),
        ({"productivity": np.ones((2, 2))}, "productivity must be one factor"),
        ({"prices": [np.nan]}, "prices must be one factor"),
        ({"shift": (0, AFTER)}, "shift must be a year from 1 on"),
        ({"shift": (3, eco.Logistic(r=1.0, K=1.0))}, "shift must be a year from 1 on"),
        ({"survey": "lognormal:0.2"}, "is no survey"),
        ({"implementation_cv": -0.1}, "implementation_cv"),
    ],
)
def test_a_world_that_means_nothing(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        eco.World(FIRST, **changes)


def test_what_is_no_stock_and_paths_that_end_too_soon() -> None:
    with pytest.raises(EvaluationError, match="a world needs a stock, got Logistic"):
        eco.World(eco.Logistic(r=1.0, K=1.0))  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match="prices has 3 years and 7 are simulated"):
        run(eco.World(FIRST, prices=np.ones(3)))
    with pytest.raises(EvaluationError, match="each with a name of its own, got truth, truth"):
        run(eco.World(FIRST), eco.World(AFTER))
    with pytest.raises(EvaluationError, match="worlds must be at least one"):
        run()
    other = eco.ParametricStock(FIRST.growth, FIRST.noise, unit="t")
    with pytest.raises(EvaluationError, match="one unit of biomass, got K = 1, t"):
        run(eco.World(FIRST), eco.World(other, "other"))


def test_worlds_by_name() -> None:
    plain = read_world(" fitted ")
    assert (plain.name, plain.laws, plain.world({"fitted": FIRST}, 5).stock) == ("fitted", ("fitted",), FIRST)
    text = "allen, autocorrelation=0.5,trend=-0.01,shift=20:ricker,survey=lognormal:0.4,implementation=0.2"
    named = read_world(text)
    assert named.laws == ("allen", "ricker")
    world = named.world({"allen": FIRST, "ricker": AFTER}, 3)
    assert (world.name, world.autocorrelation, world.implementation_cv) == (text, 0.5, 0.2)
    assert world.survey == eco.LognormalSurvey(0.4)
    assert world.shift == (20, AFTER) and world.stock is FIRST
    np.testing.assert_allclose(np.asarray(world.productivity), [1.0, 0.99, 0.99**2])


@pytest.mark.parametrize(
    "text",
    [
        "", "alien", "fitted,", "fitted,wind=3", "fitted,trend", "fitted,trend=x", "fitted,trend=-1",
        "allen,shift=0:ricker", "allen,shift=5:alien", "allen,shift=5", "fitted,autocorrelation=1",
        "fitted,trend=0.1,trend=0.2", "fitted,survey=good", "fitted,implementation=-1", "fitted,implementation=nan",
    ],
)  # fmt: skip
def test_names_that_are_no_worlds(text: str) -> None:
    with pytest.raises(EvaluationError, match="cannot read"):
        read_world(text)
