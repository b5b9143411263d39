"""Every score on futures small enough to be scored by hand."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtri
from scipy.stats import binomtest

import ecodecide as eco
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.limits import collapse_limit
from ecodecide.evaluation.metrics import METRICS
from ecodecide.policy.rules import ConstantRate, RulePolicy

Z = 1.959963984540054  # the 97.5 % point of the standard normal distribution


def futures(
    biomass: Any, final: Any, catch: Any = None, quota: Any = None, profit: Any = None,
    capacity: Any = 10.0, b_msy: Any = 5.0, allee: Any = np.nan, discount: float = 0.5, policies: Any = ("a",),
    draw: Any = None, msy: Any = 4.0,
) -> xr.Dataset:  # fmt: skip
    """Futures of one world: arrays of shape (replicate, year), or (policy, replicate, year) for profits."""
    biomass = np.asarray(biomass, dtype=float)
    zeros = np.zeros_like(biomass)
    shape = (len(policies), 1, *biomass.shape)

    def years(values: Any) -> Any:
        values = np.asarray(zeros if values is None else values, dtype=float)
        values = values[:, None] if values.ndim == 3 else values
        return ("policy", "world", "replicate", "year"), np.broadcast_to(values, shape).copy()

    def worlds(values: Any) -> Any:
        return ("world", "replicate"), np.broadcast_to(np.asarray(values, dtype=float), shape[1:3]).copy()

    runs = xr.Dataset(
        {
            "biomass": years(biomass), "catch": years(catch), "profit": years(profit),
            "quota": years(catch if quota is None else quota),
            "final_biomass": (
                ("policy", "world", "replicate"),
                np.broadcast_to(np.asarray(final, dtype=float), shape[:3]).copy(),
            ),
            "carrying_capacity": worlds(capacity), "b_msy": worlds(b_msy), "allee_threshold": worlds(allee),
            "msy": worlds(msy),
        },
        coords={"policy": list(policies), "world": ["w"]},
        attrs={"discount": discount},
    )  # fmt: skip
    return runs if draw is None else runs.assign(draw=(("world", "replicate"), np.asarray(draw)[None]))


def estimate(runs: xr.Dataset, metric: str, collapse: Any = "0.1K", policy: str = "a") -> tuple[float, ...]:
    cells = eco.score(runs, collapse).scores.sel(policy=policy, metric=metric).isel(world=0)
    return tuple(float(cells.sel(estimate=e)) for e in ("low", "value", "high"))


# Four futures of three years; K = 10, so the default limit is 1.
HAND = futures(
    biomass=[
        [5.0, 0.5, 2.0],  # below at t = 1
        [5.0, 4.0, 3.0],  # below at t = 3, after the last catch
        [0.8, 0.9, 1.5],  # starts below, still below at t = 1, above from t = 2
        [5.0, 5.0, 5.0],  # never below
    ],
    final=[3.0, 0.9, 2.0, 1.0],  # 1.0 is the limit itself, which is not below it
    catch=[[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [2.0, 2.0, 4.0], [3.0, 0.0, 3.0]],
    quota=[[1.0, 2.0, 1.0], [0.0, 0.0, 1.0], [2.0, 2.0, 4.0], [3.0, 0.0, 3.0]],
    profit=[[1.0, 2.0, 4.0], [0.0, 0.0, 0.0], [2.0, 0.0, 4.0], [-1.0, 2.0, 8.0]],
)
BY_HAND = {
    "collapse_probability": 2 / 3,  # two of the three that start above
    # discount 0.5: 1 + 2/2 + 4/4 = 3; 0; 2 + 0 + 1 = 3; -1 + 1 + 2 = 2
    "npv": (3 + 0 + 3 + 2) / 4,
    "mean_catch": (4 / 3 + 0 + 8 / 3 + 6 / 3) / 4,
    # |changes| / catches: (1 + 1)/4; nothing caught; (0 + 2)/8; (3 + 3)/6
    "aav": (2 / 4 + 2 / 8 + 6 / 6) / 3,
    "closed_years": (0 + 2 + 0 + 1) / 4,  # a quota that nothing came of is not a closure
    "long_closure_probability": 1 / 4,  # the second; a closure of one year is not a long one
    "extinction_probability": 0.0,
    "years_below_limit": (1 + 1 + 1 + 0) / 4,  # t = 0 does not count
    "time_to_collapse": (1 + 3) / 2,
    "npv_lower_tail": 0.0,  # of four, the worst
    "recovery_probability": 1.0,
    "recovery_time": 2.0,
    "npv_difference": 0.0,  # the policy is its own reference
    "NPV": (3 + 0 + 3 + 2) / 4,
    "C": (4 / 3 + 0 + 8 / 3 + 6 / 3) / 4,
    # |changes| / later catch: (1/2 + 1/1)/2; nothing caught; (0 + 2/4)/2; fishing stops
    "AAVC": (3 / 4 + 1 / 4) / 2,
    "AAVY": 0.0,  # of the first, third and fourth
    # MSY = 4: catches above 2, of three years
    "STY": (0 + 0 + 1 / 3 + 2 / 3) / 4,
    "LTY": (0 + 0 + 1 / 3 + 2 / 3) / 4,
    "PC0": (0 + 3 / 3 + 0 + 1 / 3) / 4,  # catches below 0.4
    "PNOF": (2 / 3 + 1 + 0 + 1) / 4,  # F_MSY = 4/5: catches below 0.8 B
    # B_MSY = 5: later biomass above 0.5, 2.5, 5
    "P10": (2 / 3 + 1 + 1 + 1) / 4,
    "P50": (1 / 3 + 2 / 3 + 0 + 2 / 3) / 4,
    "P100": 0.0,
    # B_lim = 1.5: the first and third at t = 1, the second and fourth at t = 3
    "risk1": 1 / 3,
    "risk2": 1.0,
    "risk3": 1 / 2,
}


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_by_hand(metric: str) -> None:
    low, value, high = estimate(HAND, metric)
    assert value == pytest.approx(BY_HAND[metric], rel=1e-14, abs=1e-15)
    if metric in ("npv_lower_tail", "recovery_time"):  # one future tells no interval
        assert np.isnan(low) and np.isnan(high)
    else:
        assert low <= value <= high


def test_every_way_to_count_a_collapse_by_hand() -> None:
    risk = eco.score(HAND).collapse_risk.sel(limit="0.1K", estimate="value").isel(policy=0, world=0)
    # two of the three that start above; the second, below at t = 3; three with one year of three, one with none
    assert risk.sel(when=["ever", "at end", "mean years"]).values.tolist() == pytest.approx(
        [2 / 3, 1 / 4, 1 / 4]
    )


def test_intervals_by_hand() -> None:
    # values 3, 0, 3, 2: mean 2, squared deviations 1 + 4 + 1 + 0, so sd = sqrt(6/3) and s.e. = sqrt(2)/2
    half = Z * np.sqrt(2.0) / 2.0
    np.testing.assert_allclose(estimate(HAND, "npv"), (2.0 - half, 2.0, 2.0 + half), rtol=1e-14)


def test_the_table_is_labelled() -> None:
    scores = eco.score(HAND)
    assert scores.metric.values.tolist() == list(METRICS) == list(BY_HAND)
    assert scores.definition.values.tolist() == [metric.words for metric in METRICS.values()]
    assert scores.attrs["collapse"] == "0.1K"
    assert scores.attrs["reference"] == "a"
    assert scores.attrs["schema"] == "ecodecide-scores-2"


def test_extinction() -> None:
    runs = futures([[5.0, 3.0], [5.0, 0.0], [0.0, 0.0]], final=[0.0, 0.0, 0.0])
    assert estimate(runs, "extinction_probability")[1] == 1.0
    runs = futures([[5.0, 3.0], [5.0, 1e-300]], final=[1.0, 1e-300])
    assert estimate(runs, "extinction_probability")[1] == 0.0
    assert estimate(runs, "collapse_probability")[1] == 0.5


@pytest.mark.parametrize(
    ("runs", "undefined"),
    [
        # nobody starts below, nobody falls, nothing is caught
        (
            futures([[5.0, 5.0]], [5.0]),
            {"aav", "AAVC", "AAVY", "time_to_collapse", "recovery_probability", "recovery_time"},
        ),
        # all start below, none recovers
        (
            futures([[0.5, 0.5]], [0.5], catch=[[1.0, 1.0]]),
            {"collapse_probability", "time_to_collapse", "recovery_time"},
        ),
        # a single year has no change of catch, and the one future collapses
        (
            futures([[5.0]], [0.5], catch=[[1.0]]),
            {"aav", "AAVC", "AAVY", "recovery_probability", "recovery_time"},
        ),
    ],
)
def test_what_is_not_defined_is_nan_and_nothing_else_is(runs: xr.Dataset, undefined: set[str]) -> None:
    values = eco.score(runs).scores.isel(policy=0, world=0).sel(estimate="value")
    assert {m for m in METRICS if np.isnan(values.sel(metric=m))} == undefined


def test_one_future_tells_no_interval_of_a_mean() -> None:
    runs = futures([[5.0, 5.0]], [0.5], catch=[[1.0, 2.0]], profit=[[1.0, 2.0]])
    for metric in METRICS:
        low, value, high = estimate(runs, metric)
        if METRICS[metric].kind in ("share", "fraction"):
            # Wilson's interval of one future is wide: z^2/(1 + z^2) between 0 and 1
            at_an_end = (
                np.isnan(value) or 0.0 < value < 1.0 or high - low == pytest.approx(Z**2 / (1.0 + Z**2))
            )
            assert at_an_end, metric
        elif METRICS[metric].kind == "worst year":
            wider = ndtri(1.0 - 0.025 / 2)  # of two years at once
            assert high - low == pytest.approx(wider**2 / (1.0 + wider**2)), metric
        else:
            assert np.isnan([low, high]).all(), metric
    assert estimate(runs, "npv")[1] == 2.0


@given(st.integers(1, 3000), st.floats(0.0, 1.0))
def test_wilson_interval_is_the_closed_formula(n: int, share: float) -> None:
    k = round(share * n)
    biomass = np.full((n, 1), 5.0)
    final = np.where(np.arange(n) < k, 0.0, 5.0)
    p = k / n
    center = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    low, value, high = estimate(futures(biomass, final), "collapse_probability")
    assert value == p
    # at k = 0 and k = n the formula's ends are 0 and 1 up to rounding
    np.testing.assert_allclose((low, high), (center - half, center + half), rtol=1e-10, atol=1e-14)
    assert 0.0 <= low <= value <= high <= 1.0
    scipy = binomtest(k, n).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose((low, high), (scipy.low, scipy.high), rtol=1e-10, atol=1e-14)


numbers = st.floats(-1e6, 1e6, width=32, allow_subnormal=False) | st.sampled_from([0.0, 1.0, -1.0])
amounts = st.floats(1e-9, 1e6) | st.sampled_from([0.0, 0.5, 1.0, 2.0])


@given(st.data(), st.integers(1, 6), st.integers(1, 5))
def test_low_value_high_always(data: st.DataObject, replicates: int, years: int) -> None:
    shape = (replicates, years)
    runs = futures(
        data.draw(arrays(float, shape, elements=amounts)),
        data.draw(arrays(float, replicates, elements=amounts)),
        catch=data.draw(arrays(float, shape, elements=amounts)),
        profit=data.draw(arrays(float, (2, *shape), elements=numbers)),
        policies=("a", "b"),
        draw=data.draw(st.none() | arrays(int, replicates, elements=st.integers(0, 3))),
    )
    low, value, high = np.moveaxis(eco.score(runs).scores.values, -1, 0)
    assert (np.isnan(low) == np.isnan(high)).all()
    assert np.isnan(low[np.isnan(value)]).all()
    known = ~np.isnan(low)
    assert (low[known] <= value[known]).all()
    assert (value[known] <= high[known]).all()


# --- replicates that share a world ---


def test_the_interval_of_a_mean_over_shared_worlds_by_hand() -> None:
    # values 1, 3 | 4 | 8 of three worlds; mean 4; n_g (m_g - 4) = -4, 0, 4
    runs = futures(np.ones((4, 1)), np.ones(4), profit=[[1.0], [4.0], [3.0], [8.0]], draw=[7, 2, 7, 9])
    half = Z * np.sqrt(3.0 / 2.0 * (16.0 + 0.0 + 16.0) / 16.0)
    np.testing.assert_allclose(estimate(runs, "npv"), (4.0 - half, 4.0, 4.0 + half), rtol=1e-14)


def test_the_interval_of_a_share_of_years_by_hand() -> None:
    # one of a hundred futures is below B_lim in one year of four: that tells little of how often it may be
    later = np.full((100, 4), 5.0)
    later[0, 2] = 1.0
    start = np.full((100, 1), 5.0)
    one = futures(np.column_stack([start, later[:, :-1]]), later[:, -1])
    np.testing.assert_allclose(estimate(one, "risk1"), wilson(0.0025, 100.0), rtol=1e-12)
    # of fifty futures half are so: the variance of the mean is that of so many trials
    later[:50, 2] = 1.0
    many = futures(np.column_stack([start, later[:, :-1]]), later[:, -1])
    values = np.where(np.arange(100) < 50, 0.25, 0.0)
    trials = 0.125 * 0.875 / (values.var(ddof=1) / 100.0)
    np.testing.assert_allclose(estimate(many, "risk1"), wilson(0.125, trials), rtol=1e-12)


def wilson(p: float, n: float) -> tuple[float, float, float]:
    center = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return (center - half, p, center + half)


def collapses(falls: list[int], draw: list[int]) -> tuple[float, ...]:
    n = len(falls)
    runs = futures(np.full((n, 1), 5.0), np.where(falls, 0.0, 5.0), draw=draw)
    return estimate(runs, "collapse_probability")


def test_the_interval_of_a_share_over_shared_worlds_by_hand() -> None:
    # two falls of two in three worlds, none in nine more: p = 1/4 of 24, n_g (m_g - p) = 3/2 and -1/2
    variance = 12.0 / 11.0 * (3.0 * 9.0 + 9.0 * 1.0) / 4.0 / 576.0
    effect = variance / (3.0 / 16.0 / 23.0)  # against independent replicates
    assert effect == pytest.approx(23.0 / 11.0)
    fall, worlds = [1, 0, 0, 0] * 6, [*range(12), *range(12)]
    found = collapses(fall, worlds)
    np.testing.assert_allclose(found, wilson(0.25, 24.0 / effect), rtol=1e-12)
    # worlds that differ less than chance would have it do not narrow the interval
    found = collapses([1] * 6 + [0] * 6, [*range(6), *range(6)])
    np.testing.assert_allclose(found, wilson(0.5, 12.0), rtol=1e-12)
    # where fewer than five fall, eight replicates of four worlds may be worth four
    found = collapses([0] * 8, [0, 1, 2, 3, 0, 1, 2, 3])
    np.testing.assert_allclose(found, wilson(0.0, 4.0), rtol=1e-12, atol=1e-15)
    # a subset from one world of several: its replicates may be worth one
    runs = futures([[5.0], [5.0], [0.5]], [0.0, 5.0, 0.5], profit=[[1.0], [2.0], [3.0]], draw=[0, 0, 1])
    np.testing.assert_allclose(estimate(runs, "collapse_probability"), wilson(0.5, 1.0), rtol=1e-12)
    runs = futures([[5.0], [5.0], [5.0]], [0.0, 0.0, 5.0], draw=[0, 0, 1])
    low, value, high = estimate(runs, "time_to_collapse")
    assert value == 1.0
    assert np.isnan(low) and np.isnan(high)


def test_worlds_of_one_replicate_each_and_a_single_world_are_as_without_draws() -> None:
    wanted = eco.score(HAND).scores
    for draw in ([0, 1, 2, 3], [3, 11, 7, 5], [4, 4, 4, 4]):
        numbered = HAND.assign(draw=(("world", "replicate"), [draw]))
        np.testing.assert_array_equal(eco.score(numbered).scores, wanted)
        np.testing.assert_array_equal(eco.score(numbered.transpose("replicate", ...)).scores, wanted)


def test_an_interval_holds_the_truth_as_often_as_it_says_where_worlds_are_shared() -> None:
    """1000 replicates of 100 worlds, between which half of the variance lies; the truth is a mean of zero."""
    rng = np.random.default_rng(1)
    draw = np.arange(1000) % 100
    times, held, naive = 400, 0, 0
    for _ in range(times):
        profit = rng.standard_normal(100)[draw] + rng.standard_normal(1000)
        runs = futures(np.full((1000, 1), 5.0), np.full(1000, 5.0), profit=profit[:, None], draw=draw)
        low, _, high = estimate(runs, "npv")
        held += low <= 0.0 <= high
        low, _, high = estimate(runs.drop_vars("draw"), "npv")
        naive += low <= 0.0 <= high
    # binomial sd of 400 coverages: 4.4; the naive interval is sqrt(11/2) times too narrow and holds 60 %
    assert abs(held - 0.95 * times) < 4 * 4.4
    assert naive < 0.7 * times


def test_scores_go_by_names_of_dimensions_not_by_position() -> None:
    other = HAND.assign(carrying_capacity=HAND.carrying_capacity * 2).assign_coords(world=["v"])
    both = xr.concat([HAND, other], "world", join="outer", data_vars="all", combine_attrs="override")
    wanted = eco.score(both)
    found = eco.score(both.transpose("year", "replicate", "world", "policy"))
    xr.testing.assert_identical(wanted, found)
    # the limit of the second world is 2; below it at t >= 1 are 0.5; 0.9; 0.9 and 1.5; 1.0
    for metric, value in BY_HAND.items():
        assert float(wanted.scores.sel(world="w", metric=metric, estimate="value").item()) == pytest.approx(
            value
        )
    assert float(wanted.scores.sel(world="v", metric="years_below_limit", estimate="value").item()) == 5 / 4


def test_each_replicate_has_the_limit_of_its_own_world() -> None:
    runs = futures([[5.0], [5.0], [5.0]], final=[1.5, 1.5, 1.5], capacity=[10.0, 20.0, 10.0])
    assert estimate(runs, "collapse_probability")[1] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("collapse", "limit"),
    [
        ("0.1K", [1.0, 2.0]), ("0.1 k", [1.0, 2.0]), ("1e-1*K", [1.0, 2.0]), ("0.2BMSY", [1.0, 1.4]),
        ("0.2 B_MSY", [1.0, 1.4]), ("0.2bmsy", [1.0, 1.4]), ("allee", [3.0, 4.0]), ("Allee", [3.0, 4.0]),
        ("2.5", [2.5, 2.5]), (2.5, [2.5, 2.5]), (3, [3.0, 3.0]), (".5", [0.5, 0.5]), ("0", [0.0, 0.0]),
    ],
)  # fmt: skip
def test_limits(collapse: Any, limit: list[float]) -> None:
    runs = futures(np.ones((2, 2)), np.ones(2), capacity=[10.0, 20.0], b_msy=[5.0, 7.0], allee=[3.0, 4.0])
    np.testing.assert_allclose(collapse_limit(runs, collapse), [limit], rtol=1e-15)
    transposed = runs.transpose("replicate", ...)
    np.testing.assert_allclose(collapse_limit(transposed, collapse), [limit], rtol=1e-15)


@pytest.mark.parametrize(
    "collapse",
    ["K", "", "0.1L", "-0.1K", "nan", "inf", "1e999K", ".", "0.1KK", "0.1 0.2", -1, np.nan, None, "e5"],
)
def test_limits_that_cannot_be_read(collapse: Any) -> None:
    with pytest.raises(EvaluationError, match=r"cannot read the collapse limit .* such as 0.1K"):
        eco.score(HAND, collapse)


@pytest.mark.parametrize(
    ("collapse", "changes"),
    [
        ("allee", {"allee": np.nan}),
        ("0.2BMSY", {"b_msy": np.nan}),
        ("0.1K", {"capacity": 0.0}),
    ],
)
def test_limits_that_the_stock_does_not_have(collapse: str, changes: dict[str, Any]) -> None:
    with pytest.raises(
        EvaluationError, match=f"the collapse limit '{collapse}' does not exist for this stock"
    ):
        eco.score(futures(np.ones((2, 2)), np.ones(2), **changes), collapse)


def test_a_world_without_a_threshold_cannot_fall_below_it() -> None:
    runs = futures([[5.0], [5.0]], final=[0.1, 0.1], allee=[np.nan, 3.0])
    np.testing.assert_array_equal(collapse_limit(runs, "allee"), [[0.0, 3.0]])
    assert estimate(runs, "collapse_probability", "allee")[1] == 0.5


def test_a_stock_that_must_die_out_collapses() -> None:
    # a share of a carrying capacity of zero would be a limit that nothing ever falls below
    runs = futures([[5.0]] * 3, final=[0.5, 5.0, 5.0], capacity=[0.0, 10.0, 30.0])
    np.testing.assert_allclose(collapse_limit(runs, "0.1K"), [[2.0, 1.0, 3.0]], rtol=1e-15)
    assert estimate(runs, "collapse_probability")[1] == pytest.approx(1 / 3)


@pytest.mark.parametrize(("n", "worst"), [(200, 10), (1000, 50), (60, 3), (20, 1)])
def test_lower_tail_is_the_mean_of_the_worst_twentieth(n: int, worst: int) -> None:
    npv = np.random.default_rng(n).standard_normal(n)
    runs = futures(np.ones((n, 1)), np.ones(n), profit=npv[:, None])
    low, value, high = estimate(runs, "npv_lower_tail")
    # two ways to add the same numbers up, of order 1
    assert value == pytest.approx(np.sort(npv)[:worst].mean(), rel=1e-12)
    if 0.05 * n >= 2:
        assert low < value < high
    else:
        assert np.isnan(low) and np.isnan(high)


def test_lower_tail_of_a_part_of_a_replicate() -> None:
    # a twentieth of 30 is one replicate and a half of the next: (v1 + v2/2) / 1.5
    npv = np.random.default_rng(1).standard_normal(30)
    first, second = np.sort(npv)[:2]
    runs = futures(np.ones((30, 1)), np.ones(30), profit=npv[:, None])
    assert estimate(runs, "npv_lower_tail")[1] == pytest.approx((first + second / 2) / 1.5, rel=1e-12)


def test_a_sure_difference_has_no_width() -> None:
    # b earns 1 more than a in the first year of every future, whatever else happens
    profit = np.stack([HAND.profit.values[0, 0], HAND.profit.values[0, 0] + np.array([1.0, 0.0, 0.0])])
    runs = futures(np.ones((4, 3)), np.ones(4), profit=profit, policies=("a", "b"))
    np.testing.assert_allclose(estimate(runs, "npv_difference", policy="b"), (1.0, 1.0, 1.0), rtol=1e-14)
    scores = eco.score(runs, reference="b").scores
    assert float(scores.sel(policy="a", metric="npv_difference", estimate="value").item()) == pytest.approx(
        -1.0
    )


def test_pairing_narrows_the_interval_of_a_difference() -> None:
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.3))
    runs = eco.evaluate(
        {"a": RulePolicy(ConstantRate(0.25), 0.5), "b": RulePolicy(ConstantRate(0.3), 0.5)},
        truth=stock, survey=eco.LognormalSurvey(cv=0.2), economy=eco.Economy(), initial_biomass=0.7,
        years=30, replicates=400,
    )  # fmt: skip
    width = {m: np.diff(estimate(runs, m, policy="b")[::2])[0] for m in ("npv", "npv_difference")}
    unpaired = np.hypot(width["npv"], np.diff(estimate(runs, "npv")[::2])[0])
    # rules this close share nearly all of their luck; their difference is known several times better
    assert width["npv_difference"] < unpaired / 4.0


def test_an_unknown_reference_and_years_that_were_cut_off() -> None:
    with pytest.raises(EvaluationError, match="no policy 'z' to compare with: expected one of a"):
        eco.score(HAND, reference="z")
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.3))
    runs = eco.evaluate(
        {"a": RulePolicy(ConstantRate(0.25), 0.5)}, truth=stock, survey=eco.PerfectSurvey(),
        economy=eco.Economy(), initial_biomass=0.7, years=5, replicates=3,
    )  # fmt: skip
    eco.score(runs)
    # the biomass after the last catch is that of the fifth year
    with pytest.raises(EvaluationError, match="the runs hold 3 of their 5 years"):
        eco.score(runs.isel(year=slice(0, 3)))
