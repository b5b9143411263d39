"""The closed loop against a loop over one replicate at a time, and the laws of a paired comparison."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import xarray as xr
from threadpoolctl import threadpool_info, threadpool_limits

import ecodecide as eco
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.evaluation.luck import luck
from ecodecide.policy.rules import ConstantCatch, ConstantRate, Ramp, RulePolicy

R, K, SIGMA = 0.75, 1.0, 0.2
STOCK = eco.ParametricStock(eco.Logistic(r=R, K=K), eco.LognormalNoise(sigma=SIGMA))
SURVEY = eco.LognormalSurvey(cv=0.3)
ECONOMY = eco.Economy(price=2.0, effort_cost=0.1, fixed_cost=0.01, discount=0.9)
CAUTIOUS = RulePolicy(Ramp(rate=0.4, closed=0.1, full=0.4), expected=0.6, cap=0.2, delay=1)
STEADY = RulePolicy(ConstantRate(0.15), expected=0.6)
NOTHING = RulePolicy(ConstantCatch(0.0), expected=0.6)


def run(policies: Any, **changes: Any) -> xr.Dataset:
    settings: dict[str, Any] = {
        "truth": STOCK, "survey": SURVEY, "economy": ECONOMY, "initial_biomass": 0.5,
        "years": 8, "replicates": 20, "seed": 3,
    }  # fmt: skip
    return eco.evaluate(policies, **{**settings, **changes})


@dataclass
class Ensemble:
    """A stock of which replicate r lives in a world with a carrying capacity, and a start, of its own."""

    unit: str = "K = 1"
    carrying_capacity: float = 1.0

    def draw(self, replicates: int, rng: np.random.Generator) -> eco.ParametricStock:
        capacity = 1.0 + 0.1 * (np.arange(replicates) % 7)
        law = eco.Logistic(r=np.full(replicates, R), K=capacity)
        return eco.ParametricStock(law, eco.LognormalNoise(sigma=SIGMA), initial_biomass=0.5 * capacity)


def one_replicate(
    policy: Any, r: int, x: float, capacity: float, years: int, seed: int, cv: float, first_survey: bool
) -> dict[str, list[float]]:
    """The evaluator again, for one replicate, with nothing but scalars and the policy."""
    z = luck(seed, 1, years, first=r)[0]
    told: dict[str, list[float]] = {k: [] for k in ("biomass", "observed", "quota", "catch", "profit")}
    memory, caught = policy.start(1), None
    for t in range(years):
        y = x * np.exp(np.sqrt(np.log(1.0 + 0.3**2)) * z[t, 1])  # LognormalSurvey(cv=0.3)
        if t == 0 and not first_survey:
            y = np.nan
        quotas, memory = policy.decide(memory, np.array([y]), caught)
        q = float(quotas[0])
        h = min(q * np.exp(np.sqrt(np.log(1.0 + cv**2)) * z[t, 2]), x)
        profit = 2.0 * h - 0.1 * h / x - 0.01 if h > 0.0 else 0.0
        for key, value in zip(told, (x, y, q, h, profit), strict=True):
            told[key].append(value)
        s, caught = x - h, np.array([h])
        x = max(s + R * s * (1.0 - s / capacity), 0.0) * np.exp(SIGMA * z[t, 0])
    return {**told, "final_biomass": [x]}


@pytest.mark.parametrize("first_survey", [True, False])
@pytest.mark.parametrize("cv", [0.0, 0.4])
def test_agrees_with_a_loop_over_one_replicate_at_a_time(cv: float, first_survey: bool) -> None:
    policies = {"cautious": CAUTIOUS, "steady": STEADY}
    # 300 replicates fill one block of 256 and part of a second
    found = run(
        policies, truth=Ensemble(), initial_biomass=None, replicates=300, implementation_cv=cv,
        first_survey=first_survey,
    )  # fmt: skip
    assert dict(found.sizes) == {"policy": 2, "world": 1, "replicate": 300, "year": 8}
    for name, policy in policies.items():
        for r in (0, 1, 100, 255, 256, 299):
            capacity = 1.0 + 0.1 * (r % 7)
            wanted = one_replicate(policy, r, 0.5 * capacity, capacity, 8, 3, cv, first_survey)
            one = found.sel(policy=name, replicate=r, world="truth")
            for key, values in wanted.items():
                # the same arithmetic in another order: a few units in the last place over eight years
                np.testing.assert_allclose(np.atleast_1d(one[key].values), values, rtol=1e-12, err_msg=key)
    assert np.isnan(found.observed.isel(year=0)).all() == (not first_survey)
    assert not np.isnan(found.observed.isel(year=slice(1, None))).any()


def test_harvest_comes_before_growth_and_the_first_profit_is_not_discounted() -> None:
    # f(s) = 2 s and a quarter taken: x_t = 1.5^t, catch 0.25 * 1.5^t, so at discount 0.5 and price 1 the
    # value is 0.25 (1 + 0.75 + 0.75^2). Growth first would give x_1 = 2 * 1 - 0.5 and other catches.
    stock = eco.ParametricStock(eco.growth(lambda s: 2.0 * s, scale=1.0), eco.LognormalNoise(sigma=1e-13))
    found = run(
        {"quarter": RulePolicy(ConstantRate(0.25), 1.0)}, truth=stock, survey=eco.PerfectSurvey(),
        economy=eco.Economy(discount=0.5), initial_biomass=1.0, years=3, replicates=2,
    )  # fmt: skip
    one = found.isel(policy=0, world=0, replicate=0)
    # the noise of 1e-13 moves nothing that these tolerances see
    np.testing.assert_allclose(one.biomass, [1.0, 1.5, 2.25], rtol=1e-11)
    np.testing.assert_allclose(one.catch, [0.25, 0.375, 0.5625], rtol=1e-11)
    assert float(one.final_biomass) == pytest.approx(3.375, rel=1e-11)
    value = eco.score(found, collapse=0.1).scores.sel(metric="npv", estimate="value").item()
    assert value == pytest.approx(0.25 * (1.0 + 0.75 + 0.75**2), rel=1e-11)


def test_a_quota_beyond_the_stock_takes_all_and_the_stock_stays_gone() -> None:
    found = run({"greedy": RulePolicy(ConstantCatch(5.0), 1.0)}, implementation_cv=0.1)
    assert (found.catch.isel(year=0) == 0.5).all()
    assert (found.quota == 5.0).all()
    for later in (found.biomass.isel(year=slice(1, None)), found.final_biomass):
        assert (later == 0.0).all()
    for later in (found.catch, found.profit, found.observed):
        assert (later.isel(year=slice(1, None)) == 0.0).all()


class SameQuotas:
    """STEADY's quotas by other means, from the history that it keeps itself."""

    def start(self, replicates: int) -> Any:
        return None

    def decide(self, memory: Any, observed: Any, caught: Any) -> tuple[Any, Any]:
        return 0.15 * observed, memory


def test_policies_meet_the_same_luck() -> None:
    found = run({"steady": STEADY, "same": SameQuotas(), "nothing": NOTHING}, implementation_cv=0.3, years=20)
    # one is simulated in a compiled loop and the other not: apart by rounding, over twenty years
    xr.testing.assert_allclose(
        found.sel(policy="steady", drop=True), found.sel(policy="same", drop=True), rtol=1e-12
    )
    # growth is known, so each year's recruitment luck can be solved for: the same under every policy
    s = (found.biomass - found.catch).isel(year=slice(0, -1)).values
    luck = np.log(found.biomass.values[..., 1:] / (s + R * s * (1.0 - s / K))) / SIGMA
    np.testing.assert_allclose(luck[0], luck[2], atol=1e-12)  # O(1) numbers, through one log and one exp
    heard = np.log(found.observed / found.biomass).values
    np.testing.assert_allclose(heard[0], heard[2], atol=1e-12)
    assert np.abs(luck[0]).max() > 1.0


def test_no_fishing_does_not_depend_on_who_else_is_there() -> None:
    alone = run({"nothing": NOTHING})
    among = run({"greedy": RulePolicy(ConstantCatch(9.0), 1.0), "nothing": NOTHING, "steady": STEADY})
    xr.testing.assert_identical(alone, among.sel(policy=["nothing"]))


def test_luck_differs_between_replicates_years_purposes_and_seeds() -> None:
    found = run({"nothing": NOTHING}, replicates=300)
    biomass = found.biomass.values[0, 0]
    s = biomass[:, :-1]
    luck = np.log(biomass[:, 1:] / (s + R * s * (1.0 - s / K))) / SIGMA
    heard = np.log(found.observed.values[0, 0] / biomass)[:, :-1] / SURVEY.sigma
    assert np.unique(luck).size == luck.size
    # 2,100 pairs: a correlation has standard error 0.022, so 0.1 is 4.6 of them
    assert abs(np.corrcoef(luck.ravel(), heard.ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(luck[:, 1:].ravel(), luck[:, :-1].ravel())[0, 1]) < 0.1
    other = run({"nothing": NOTHING}, replicates=300, seed=4)
    assert not np.isin(other.final_biomass, found.final_biomass).any()


class LastDigits:
    """A policy that multiplies matrices, whose last digits may depend on how many rows there are."""

    def __init__(self) -> None:
        self.weights = np.random.default_rng(0).standard_normal((300, 3))
        self.sizes: set[int] = set()

    def start(self, replicates: int) -> Any:
        self.sizes.add(replicates)
        return np.zeros((replicates, 3))

    def decide(self, memory: Any, observed: Any, caught: Any) -> tuple[Any, Any]:
        self.sizes |= {len(observed), len(memory), len(observed if caught is None else caught)}
        features = np.cos(observed[:, None] * np.arange(1, 301))
        memory = 0.5 * memory + features @ self.weights
        return 0.01 * np.abs(memory).sum(axis=1), memory


def test_replicate_17_is_the_same_in_any_run() -> None:
    policy = LastDigits()
    short = run({"p": policy}, truth=Ensemble(), initial_biomass=None, replicates=20, years=10)
    many = run({"p": policy}, truth=Ensemble(), initial_biomass=None, replicates=600, years=10)
    long = run({"p": policy}, truth=Ensemble(), initial_biomass=None, replicates=20, years=20)
    for name in ("biomass", "observed", "quota", "catch", "profit"):
        wanted = short[name].sel(replicate=17).values
        np.testing.assert_array_equal(wanted, many[name].sel(replicate=17).values)
        np.testing.assert_array_equal(wanted, long[name].sel(replicate=17).values[..., :10])
    np.testing.assert_array_equal(short.final_biomass, long.biomass.isel(year=10))
    # what makes it so: a policy decides for 256 replicates, always
    assert policy.sizes == {256}


class Watchful:
    """A policy that spoils what it is given, and checks that its own memory is left alone."""

    def __init__(self) -> None:
        self.given: dict[int, Any] = {}
        self.starts = 0

    def start(self, replicates: int) -> Any:
        self.starts += 1
        return self._keep(np.full((replicates, 1), float(self.starts)))

    def _keep(self, memory: Any) -> Any:
        self.given[id(memory)] = (memory, memory.copy())
        return memory

    def decide(self, memory: Any, observed: Any, caught: Any) -> tuple[Any, Any]:
        held, as_given = self.given.pop(id(memory))
        assert held is memory
        np.testing.assert_array_equal(memory, as_given)
        quota = 0.1 * observed * memory[:, 0]
        observed[:] = -1.0
        if caught is not None:
            caught[:] = -1.0
        return quota, self._keep(memory.copy())


def test_memory_is_the_policys_own_and_the_record_cannot_be_spoiled() -> None:
    policy = Watchful()
    found = run({"watchful": policy}, replicates=300)
    assert policy.starts == 2
    # the first block of 256 remembers 1 and the second 2
    np.testing.assert_array_equal(found.quota[0, 0, :256], 0.1 * found.observed[0, 0, :256])
    np.testing.assert_array_equal(found.quota[0, 0, 256:], 0.1 * found.observed[0, 0, 256:] * 2.0)
    assert (found.catch >= 0.0).all()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(0.3, np.full(20, 0.3)), (np.linspace(0.1, 1.0, 20), np.linspace(0.1, 1.0, 20))],
    ids=["number", "array"],
)
def test_initial_biomass_as_given(given: Any, wanted: Any) -> None:
    found = run({"steady": STEADY}, initial_biomass=given)
    np.testing.assert_array_equal(found.biomass[0, 0, :, 0], wanted)


def test_initial_biomass_from_the_worlds_and_their_reference_points() -> None:
    found = run({"steady": STEADY}, truth=Ensemble(), initial_biomass=None)
    capacity = 1.0 + 0.1 * (np.arange(20) % 7)
    np.testing.assert_allclose(found.carrying_capacity[0], capacity, rtol=1e-12)
    np.testing.assert_array_equal(found.biomass[0, 0, :, 0], 0.5 * capacity)
    # logistic: B_MSY before harvest = f(K/2) = K/2 + r K/4
    np.testing.assert_allclose(found.b_msy[0], capacity * (0.5 + R / 4.0), rtol=1e-12)
    assert np.isnan(found.allee_threshold).all()
    np.testing.assert_array_equal(run({"a": STEADY}, truth=Ensemble()).biomass[0, 0, :, 0], 0.5)


def test_allee_threshold_of_a_single_world_is_that_of_every_replicate() -> None:
    stock = eco.ParametricStock(eco.Allen(r=2.0, K=8.0, C=5.0), eco.LognormalNoise(sigma=0.05))
    found = run({"nothing": NOTHING}, truth=stock, initial_biomass=6.0)
    np.testing.assert_array_equal(found.allee_threshold, np.full((1, 20), 5.0))


def test_worlds_drawn_already_serve_as_a_truth_when_their_number_is_right() -> None:
    worlds = Ensemble().draw(20, np.random.default_rng(0))
    drawn = run({"steady": STEADY}, truth=worlds, initial_biomass=None)
    xr.testing.assert_equal(drawn, run({"steady": STEADY}, truth=Ensemble(), initial_biomass=None))
    with pytest.raises(EvaluationError, match="20 worlds and replicates is 21"):
        run({"steady": STEADY}, truth=worlds, replicates=21)


@pytest.mark.parametrize("quota", [np.nan, -0.1, np.inf])
def test_a_quota_that_means_nothing_names_policy_and_year(quota: float) -> None:
    class Bad:
        def start(self, replicates: int) -> Any:
            return np.zeros(replicates)

        def decide(self, memory: Any, observed: Any, caught: Any) -> tuple[Any, Any]:
            return np.where(memory >= 2.0, quota, 0.1), memory + 1.0

    with pytest.raises(PolicyError, match=f"'bad' set the quota {quota} in year 2"):
        run({"good": STEADY, "bad": Bad()})


def test_quotas_of_the_wrong_shape_and_what_is_no_policy() -> None:
    class Scalar(SameQuotas):
        def decide(self, memory: Any, observed: Any, caught: Any) -> tuple[Any, Any]:
            return 0.1, memory

    with pytest.raises(PolicyError, match="'scalar' decided quotas of shape"):
        run({"scalar": Scalar()})
    solution = eco.Precautionary("tac").solve(eco.HarvestProblem(stock=STOCK))
    with pytest.raises(EvaluationError, match=r"'tac' is a Solution, not a policy: .* give its \.policy"):
        run({"tac": solution})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"years": 0}, "years"),
        ({"years": 5.0}, "years"),
        ({"replicates": 0}, "replicates"),
        ({"replicates": "many"}, "replicates"),
        ({"seed": -1}, "seed"),
        ({"implementation_cv": -0.1}, "implementation_cv"),
        ({"implementation_cv": np.nan}, "implementation_cv"),
        ({"initial_biomass": -0.1}, "initial_biomass"),
        ({"initial_biomass": np.nan}, "initial_biomass"),
        ({"initial_biomass": np.ones(19)}, r"one per replicate \(20\), got shape \(19,\)"),
        ({"initial_biomass": np.ones(256)}, r"one per replicate \(20\), got shape \(256,\)"),
        ({"initial_biomass": None}, "give initial_biomass"),
    ],
)
def test_arguments_that_mean_nothing(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        run({"steady": STEADY}, **changes)


def test_no_policies() -> None:
    with pytest.raises(EvaluationError, match="no policies"):
        run({})


def test_provenance_and_units() -> None:
    found = run({"steady": STEADY}, truth=eco.World(STOCK, "here"), implementation_cv=0.1)
    assert found.world.values.tolist() == ["here"]
    assert found.attrs["seed"] == 3
    assert found.attrs["ecodecide_version"] == eco.__version__
    assert found.attrs["schema"] == "ecodecide-evaluation-2"
    assert json.loads(found.attrs["settings"]) == {
        "economy": {"price": 2.0, "effort_cost": 0.1, "fixed_cost": 0.01, "discount": 0.9},
        "survey": "LognormalSurvey(cv=0.3)", "implementation_cv": 0.1, "first_survey": True,
        "order_of_events": "observe, set quota, catch, recruit",
        "worlds": [
            {"name": "here", "stock": "Logistic(r=0.75, K=1.0), LognormalNoise(sigma=0.2, center='median')"}
        ],
    }  # fmt: skip
    for name in found.data_vars:
        assert found[name].attrs["units"] == ("price x unit of catch" if name == "profit" else "K = 1")


def test_progress_names_the_policy_and_rises_to_one() -> None:
    told: list[tuple[str, float]] = []
    run({"a": SameQuotas(), "b": NOTHING}, progress=lambda words, share: told.append((words, share)))
    # year by year, and a policy in a compiled loop all at once
    assert [name for name, _ in told] == ["a"] * 8 + ["b"]
    np.testing.assert_allclose([share for _, share in told], [*(np.arange(1, 9) / 16.0), 1.0], rtol=1e-12)


def test_policies_decide_on_one_thread() -> None:
    class Counting(SameQuotas):
        threads: set[int] = set()  # noqa: RUF012

        def decide(self, memory: Any, observed: Any, caught: Any) -> tuple[Any, Any]:
            self.threads |= {pool["num_threads"] for pool in threadpool_info()}
            return super().decide(memory, observed, caught)

    with threadpool_limits(limits=2):
        run({"counting": Counting()})
    assert Counting.threads == {1}


def test_the_same_bits_whatever_the_number_of_threads() -> None:
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.1))
    survey = eco.NormalSurvey(sd=0.1)
    problem = eco.HarvestProblem(stock=stock, survey=survey, grid=eco.Grid(2.0, 100), initial="uniform")
    policy = eco.Pomdp(gap=0.2, iterations=3).solve(problem).policy

    class Loud:
        start = policy.start

        def __init__(self) -> None:
            self.beliefs: list[bytes] = []

        def decide(self, memory: Any, observed: Any, caught: Any) -> tuple[Any, Any]:
            quota, memory = policy.decide(memory, observed, caught)
            self.beliefs.append(memory.tobytes())
            return quota, memory

    found = []
    for threads in (1, 2):
        loud = Loud()
        with threadpool_limits(limits=threads):
            runs = eco.evaluate(
                {"pomdp": loud},
                truth=stock,
                survey=survey,
                economy=problem.economy,
                initial_biomass=0.5,
                years=10,
                replicates=300,
                seed=1,
            )
        found.append((loud.beliefs, runs.biomass.values.tobytes()))
    assert found[0] == found[1]
    assert len(found[0][0]) >= 10
