"""The compiled futures against the same years in NumPy, with the real policies, stocks and surveys."""

from dataclasses import replace

import numpy as np
import pytest

from ecodecide.decision.economy import Economy
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.evaluation.luck import luck
from ecodecide.evaluation.table_futures import table_futures
from ecodecide.policy.rules import (
    ConstantCatch,
    ConstantEscapement,
    ConstantRate,
    IcesAdvice,
    Ramp,
    RulePolicy,
)
from ecodecide.policy.table import NearestPointPolicy, TablePolicy
from ecodecide.stock.growth import (
    Allen,
    BevertonHolt,
    Logistic,
    May,
    Myers,
    PellaTomlinson,
    Ricker,
    growth,
)
from ecodecide.stock.mixed_growth import MixedGrowth
from ecodecide.stock.noise import LognormalNoise, NormalNoise, UniformNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, NormalSurvey, PerfectSurvey

YEARS, REPLICATES = 6, 70  # more replicates than are stepped side by side
EVEN = np.concatenate([[0.0], (np.arange(40) + 0.5) * 0.05])
UNEVEN = np.concatenate([[0.0], np.geomspace(1e-4, 3.0, 30)])
QUOTAS = np.linspace(0.0, 1.0, 41) ** 2
LAWS = {
    "logistic": Logistic(0.75, 1.0),
    "pella-tomlinson": PellaTomlinson(0.5, 0.4, 1.0),
    "fox": PellaTomlinson(0.5, 0.0, 1.0),
    "beverton-holt": BevertonHolt(2.0, 1.0),
    "ricker": Ricker(1.1, 1.0),
    "allen": Allen(1.2, 1.0, 0.2),
    "myers": Myers(2.5, 2.0, 0.7),
    "may": May(0.9, 1.5, 0.1, 0.2, 2.5),
}
NOISES = {
    "median": LognormalNoise(0.3),
    "mean": LognormalNoise(0.3, "mean"),
    "normal": NormalNoise(0.25),
    "uniform": UniformNoise(0.4),
}
SURVEYS = {"perfect": PerfectSurvey(), "lognormal": LognormalSurvey(0.3), "normal": NormalSurvey(0.2)}
POLICIES = {
    "even table": TablePolicy(EVEN, QUOTAS, 0.9),
    "uneven table": TablePolicy(UNEVEN, QUOTAS[:31], 0.9),
    "short table": TablePolicy(np.array([0.0, 0.4, 0.7]), np.array([0.0, 0.1, 0.3]), 0.9),
    "nearest": NearestPointPolicy(EVEN, QUOTAS, 0.9),
    "rate": RulePolicy(ConstantRate(0.3), 0.9),
    "ramp": RulePolicy(Ramp(0.3, 0.1, 0.6), 0.9),
    "ices": RulePolicy(IcesAdvice(0.3, 0.6, 0.2), 0.9),
    "catch": RulePolicy(ConstantCatch(0.12), 0.9),
    "escapement": RulePolicy(ConstantEscapement(0.5), 0.9),
    "late": RulePolicy(Ramp(0.3, 0.1, 0.6), 0.9, delay=1),
    "capped": RulePolicy(ConstantEscapement(0.5), 0.9, cap=0.2),
    "late and capped": RulePolicy(IcesAdvice(0.3, 0.6, 0.2), 0.9, cap=0.15, delay=1),
}
ECONOMY = Economy(price=2.0, effort_cost=0.1, fixed_cost=0.05)
START = np.concatenate([[0.0, 1e-7], np.linspace(0.02, 3.0, REPLICATES - 2)])


def in_numpy(policy, eras, survey, economy, start, seed, years, first=0, cv=0.0, first_survey=True, rho=0.0,
             productivity=None, prices=None):  # fmt: skip
    """One year at a time: observe, set the quota, catch, recruit."""
    z = luck(seed, len(start), years, first)
    biomass, caught, memory, recruitment = start, None, policy.start(len(start)), None
    series = {key: [] for key in ("biomass", "observed", "quota", "catch", "profit")}
    for t in range(years):
        fresh = z[:, t, 0]
        recruitment = fresh if t == 0 else rho * recruitment + np.sqrt(1 - rho**2) * fresh
        observed = survey.sample(biomass, z[:, t, 1])
        if t == 0 and not first_survey:
            observed = np.full(len(start), np.nan)
        quota, memory = policy.decide(memory, observed, caught)
        caught = np.minimum(quota * np.exp(np.sqrt(np.log1p(cv**2)) * z[:, t, 2]), biomass)
        priced = replace(economy, price=economy.price * (1.0 if prices is None else prices[t]))
        for key, value in zip(series, (biomass, observed, quota, caught, priced.profit(caught, biomass)),
                              strict=True):  # fmt: skip
            series[key].append(value)
        stock = [stock for year, stock in eras if year <= t][-1]
        s, factor = biomass - caught, 1.0 if productivity is None else productivity[t]
        grown = np.maximum(s + factor * (stock.growth(s) - s), 0.0) if factor != 1.0 else stock.growth(s)
        biomass = stock.noise.apply(grown, recruitment)
    return {key: np.column_stack(value) for key, value in series.items()} | {"final_biomass": biomass}


def agree(policy, eras, survey=SURVEYS["lognormal"], economy=ECONOMY, start=START, years=YEARS, **more):
    fast = table_futures(policy, eras, survey, economy, start, seed=5, years=years, **more)
    names = {"implementation_cv": "cv", "autocorrelation": "rho"}
    slow = in_numpy(policy, eras, survey, economy, start, 5, years,
                    **{names.get(key, key): value for key, value in more.items()})  # fmt: skip
    assert fast.keys() == slow.keys()
    for key, value in slow.items():
        # rounding, some 1e-16 an operation, that a year of growth may double; nothing left of a stock is 0
        np.testing.assert_allclose(fast[key], value, rtol=1e-12, atol=1e-13, err_msg=key)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise", NOISES)
def test_every_law_under_every_noise(law, noise):
    agree(POLICIES["ramp"], [(0, ParametricStock(LAWS[law], NOISES[noise]))])


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("survey", SURVEYS)
def test_every_policy_under_every_survey(policy, survey):
    stock = ParametricStock(LAWS["ricker"], NOISES["median"])
    agree(POLICIES[policy], [(0, stock)], SURVEYS[survey])
    agree(POLICIES[policy], [(0, stock)], SURVEYS[survey], first_survey=False, implementation_cv=0.3)


def test_batches_eras_trends_prices_and_memory_of_recruitment():
    rng = np.random.default_rng(2)
    spread = LognormalNoise(rng.uniform(0.1, 0.5, REPLICATES), "mean")
    batch = ParametricStock(
        Ricker(rng.uniform(0.3, 2.0, REPLICATES), rng.uniform(0.5, 2.0, REPLICATES)), spread
    )
    half = ParametricStock(Ricker(1.0, rng.uniform(0.5, 2.0, REPLICATES)), NOISES["normal"])
    which = rng.integers(0, 3, REPLICATES)
    laws = (
        Logistic(rng.uniform(0.3, 1, 20), np.ones(20)),
        Allen(rng.uniform(0.3, 1, 20), np.ones(20), np.full(20, 0.1)),
        May(np.full(20, 0.9), rng.uniform(0.8, 1.2, 20), np.full(20, 0.1), np.full(20, 0.2)),
    )
    mixed = ParametricStock(MixedGrowth(laws, which, rng.integers(0, 20, REPLICATES)), NOISES["median"])
    single = ParametricStock(LAWS["myers"], NOISES["uniform"])
    for eras in ([(0, batch)], [(0, mixed)], [(0, single), (2, mixed), (3, half), (9, batch)]):
        agree(
            POLICIES["even table"],
            eras,
            autocorrelation=0.7,
            productivity=np.linspace(1.0, 0.4, YEARS),
            prices=np.linspace(1.0, 3.0, YEARS),
            implementation_cv=0.1,
        )


def test_decades_are_as_long_as_in_numpy():
    """More years than wait to be written at a time, by a law that forgets where it was, and rounding with it."""
    stock = ParametricStock(LAWS["beverton-holt"], NOISES["median"])
    agree(POLICIES["rate"], [(0, stock)], years=40, autocorrelation=-0.5)


def test_a_replicate_does_not_know_how_futures_are_split_into_calls_or_years():
    stock = ParametricStock(LAWS["allen"], NOISES["median"])
    more = dict(
        survey=SURVEYS["lognormal"], economy=ECONOMY, seed=3, implementation_cv=0.2, autocorrelation=0.4
    )
    whole = table_futures(POLICIES["capped"], [(0, stock)], start=START, years=20, **more)
    for first, last in ((0, 17), (17, 18), (33, 70)):
        part = table_futures(
            POLICIES["capped"], [(0, stock)], start=START[first:last], years=9, first=first, **more
        )
        for key in ("biomass", "observed", "quota", "catch", "profit"):
            np.testing.assert_array_equal(part[key], whole[key][first:last, :9])


def test_points_themselves_belong_to_what_follows_them():
    """A perfect survey of the very points, and of the floats around them."""
    for policy in POLICIES.values():
        points = getattr(policy, "points", np.array([0.1, 0.2, 0.5, 0.6]))
        middle = np.append((points[1:] + points[:-1]) / 2.0, points)
        start = np.concatenate([middle, np.nextafter(middle, np.inf), np.nextafter(middle, 0.0)])
        stock = ParametricStock(LAWS["ricker"], NOISES["median"])
        agree(policy, [(0, stock)], SURVEYS["perfect"], start=start, years=1)


@pytest.mark.parametrize("wrong", [np.nan, -0.1, np.inf])
def test_a_bad_quota_is_refused_with_its_year(wrong):
    quotas = np.array([0.0, 0.0, wrong, wrong])
    policy = NearestPointPolicy(np.array([0.0, 0.5, 2.5, 8.0]), quotas, 0.1)
    stock = ParametricStock(BevertonHolt(2.0, 0.001), LognormalNoise(1e-6))  # doubles: above 1.5 in year 2
    with pytest.raises(PolicyError, match=rf"'bad' set the quota {wrong} in year 2"):
        table_futures(policy, [(0, stock)], PerfectSurvey(), ECONOMY, np.array([0.1, 0.5]), seed=1, years=9,
                      name="bad")  # fmt: skip


def test_what_it_does_not_know_is_left_to_others():
    class Louder(LognormalSurvey):
        pass

    class MyRule(ConstantRate):
        pass

    stock = ParametricStock(LAWS["ricker"], NOISES["median"])
    own = ParametricStock(growth(lambda s: 2 * s / (1 + s), scale=1.0), NOISES["median"])
    good = (POLICIES["rate"], [(0, stock)], PerfectSurvey(), ECONOMY)
    for place, other in (
        (0, RulePolicy(MyRule(0.2), 1.0)),
        (0, object()),
        (1, [(0, own)]),
        (1, [(0, stock), (3, own)]),
        (1, [(0, object())]),
        (2, Louder(0.2)),
    ):
        asked = list(good)
        asked[place] = other
        assert table_futures(*asked, START, seed=1, years=3) is None
    assert table_futures(*good, START, seed=1, years=3) is not None


def test_eras_and_worlds_that_do_not_fit_are_refused():
    stock = ParametricStock(LAWS["ricker"], NOISES["median"])
    few = ParametricStock(Ricker(np.ones(3), np.ones(3)), NOISES["median"])
    for eras, words in (([(1, stock)], "start at year 0"), ([(0, stock), (0, stock)], "ascend"), ([], "start"),
                        ([(0, few)], "3 worlds and there are 70 replicates")):  # fmt: skip
        with pytest.raises(EvaluationError, match=words):
            table_futures(POLICIES["rate"], eras, PerfectSurvey(), ECONOMY, START, seed=1, years=3)
