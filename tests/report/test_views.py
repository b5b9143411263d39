"""Views: what figures show agrees with the draws, the futures and the scores that it is made of."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import lognorm

import ecodecide as eco
from ecodecide.decision.discretize import discretize
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.evaluation.scores import score
from ecodecide.fitting.status import KOBE
from ecodecide.report import views
from ecodecide.report.views.belief_policy import lognormal_belief
from ecodecide.report.views.risk import risk_of
from ecodecide.report.views.trade_off import pareto_front

MANAGED = ("history_view", "status_view", "policy_view", "belief_policy_view", "belief_view")
COMPARED = ("futures_view", "trade_off_view", "collapse_view", "robustness_view")


@pytest.fixture(scope="module")
def found(plain_run: Any) -> dict[str, Any]:
    of = {name: plain_run.managed for name in MANAGED} | {name: plain_run for name in COMPARED}
    return {name: getattr(views, name)(given) for name, given in of.items()}


@pytest.mark.parametrize("name", [*MANAGED, *COMPARED])
def test_every_variable_says_what_it_is_and_in_which_unit(found: Any, name: str) -> None:
    for variable in found[name].data_vars.values():
        assert variable.attrs["long_name"] and variable.attrs["units"]
    assert found[name].attrs["stock"] == "hake-argentina-north" and found[name].attrs["unit"] == "t"


@pytest.mark.parametrize("name", [*MANAGED, *COMPARED])
def test_a_view_is_a_plain_dataset_that_a_file_can_hold(found: Any, name: str, tmp_path: Any) -> None:
    found[name].to_netcdf(tmp_path / "view.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "view.nc", engine="h5netcdf") as back:
        xr.testing.assert_equal(back.load(), found[name])


# --- history and status ---


def test_history_is_that_of_the_fit(found: Any, plain_run: Any) -> None:
    view, posterior = found["history_view"], plain_run.posterior
    np.testing.assert_array_equal(view.catch, plain_run.history.catch)
    np.testing.assert_array_equal(view.observed, plain_run.history.biomass)
    for quantile in view["quantile"].values:
        expected = [np.quantile(year, quantile) for year in posterior.trajectory_biomass.T]
        np.testing.assert_allclose(view.biomass.sel(quantile=quantile), expected)
    assert float(view.msy) == pytest.approx(np.median([world.msy for world in posterior.members.worlds]))
    assert view.attrs["decision_year"] == plain_run.history.years[1] + 1


def test_an_index_is_shown_in_units_of_biomass(plain_run: Any) -> None:
    """Of an index that is the biomass of the draws times 0.001 in every year, the catchability is 0.001."""
    fitted = np.exp(np.log(plain_run.posterior.trajectory_biomass).mean(axis=0))
    history = eco.CatchHistory(
        year=plain_run.history.year,
        catch=plain_run.history.catch,
        index=fitted[: len(plain_run.history.year)] * 1e-3,
    )
    managed = replace(plain_run.managed, history=history, problem=replace(plain_run.problem, history=history))
    view = views.history_view(managed)
    np.testing.assert_allclose(view.observed, fitted[: len(history.year)])
    assert "catchability" in view.attrs["observed"]


def test_kobe_probabilities_are_the_shares_of_draws(found: Any, plain_run: Any) -> None:
    view, worlds = found["status_view"], plain_run.posterior.members.worlds
    assert float(view.kobe.sum()) == pytest.approx(1.0) and view["quadrant"].values.tolist() == list(KOBE)
    at = plain_run.history.year.tolist().index(int(view.kobe_year))
    biomass = plain_run.posterior.trajectory_biomass[:, at]
    count = dict.fromkeys(KOBE, 0)
    for x, world in zip(biomass, worlds, strict=True):
        large = x / world.b_msy >= 1.0
        hard = plain_run.history.catch[at] / x / (world.msy / world.b_msy) > 1.0
        count[
            {(True, False): "green", (False, False): "yellow", (True, True): "orange"}.get(
                (large, hard), "red"
            )
        ] += 1
    assert {c: float(view.kobe.sel(quadrant=c)) for c in KOBE} == pytest.approx(
        {c: n / len(worlds) for c, n in count.items()}
    )
    # the draws that are shown are draws, at most 400 of them
    assert 0 < view.sizes["draw"] <= 400
    ratio = biomass / np.array([world.b_msy for world in worlds])
    np.testing.assert_allclose(view.draw_b_bmsy, ratio[view["draw"].values])
    low, high = view.b_bmsy_interval.transpose("quantile", "year").values
    assert (low <= view.b_bmsy.values).all() and (view.b_bmsy.values <= high).all()


# --- policies ---


def test_quota_and_escapement_make_up_the_biomass(found: Any) -> None:
    view = found["policy_view"]
    taken = np.minimum(view.quota, view.biomass)
    np.testing.assert_allclose(
        (view.escapement + taken).values, np.broadcast_to(view.biomass, view.quota.shape)
    )
    assert (view.escapement.sel(policy="no-fishing") == view.biomass).all()
    assert float(view.biomass[0]) == 0.0 and float(view.quota.sel(policy="pomdp")[0]) == 0.0


def test_the_first_quota_is_what_the_policy_decides(found: Any, plain_run: Any) -> None:
    view = found["policy_view"]
    for name, policy in plain_run.managed.policies.items():
        for at in (40, 80, 120):
            quota, _ = policy.decide(policy.start(1), view.biomass.values[at : at + 1], None)
            assert float(view.quota.sel(policy=name)[at]) == quota[0]


def test_a_policy_that_was_not_kept_is_not_shown(plain_run: Any) -> None:
    class Lost:
        def start(self, replicates: int) -> None:
            return None

        def decide(self, *_: Any) -> Any:
            raise PolicyError("its code is not here")

    solutions = {"lost": SimpleNamespace(policy=Lost()), "tac": plain_run.solutions["tac"]}
    view = views.policy_view(replace(plain_run.managed, solutions=solutions))
    assert np.isnan(view.quota.sel(policy="lost")).all() and np.isfinite(view.quota.sel(policy="tac")).all()


def test_lognormal_beliefs_have_their_mean_and_spread(plain_run: Any) -> None:
    arrays = replace(plain_run.managed.policies["pomdp"].arrays, grid=eco.Grid(upper=1.2e6, cells=1200))
    (belief,) = lognormal_belief(arrays, np.array([4e5]), 0.2)
    mean = belief @ arrays.grid.points
    spread = np.sqrt(belief @ (arrays.grid.points - mean) ** 2) / mean
    # cells of 0.25 % of the mean
    assert mean == pytest.approx(4e5, rel=1e-3) and spread == pytest.approx(0.2, rel=5e-3)
    expected = lognorm(np.sqrt(np.log1p(0.04)), scale=4e5 / np.sqrt(1.04)).cdf(5e5)
    assert belief[arrays.grid.points < 5e5].sum() == pytest.approx(expected, abs=2e-3)
    assert lognormal_belief(arrays, np.array([0.0]), 0.2)[0, 0] == 1.0


def test_belief_policies_take_the_vector_that_promises_most(found: Any, plain_run: Any) -> None:
    view, policy = found["belief_policy_view"], plain_run.managed.policies["pomdp"]
    assert view["policy"].values.tolist() == ["pomdp"]
    for cv in view["cv"].values:
        for at in (30, 90):
            belief = lognormal_belief(policy.arrays, view.belief_mean.values[[at]], cv)[0]
            worth = [vector @ belief for vector in policy.vectors]
            quota = policy.arrays.grid.quotas[policy.actions[int(np.argmax(worth))]]
            assert float(view.quota.sel(cv=cv)[0, at]) == quota
    assert (view.quota[..., 0] == 0.0).all()
    # known for certain the best escapement is one and the same: Reed 1979, where it is positive and left
    certain = view.certain_quota.sel(policy="pomdp").values
    left = (view.belief_mean.values - certain)[certain > 0.0]
    assert np.ptp(left) <= policy.arrays.grid.step


def test_without_belief_policies_there_is_no_such_view(plain_run: Any) -> None:
    tac = replace(plain_run.managed, solutions={"tac": plain_run.solutions["tac"]})
    assert views.belief_policy_view(tac) is None


# --- futures ---


def test_quantiles_are_in_order_and_those_of_the_futures(found: Any, plain_run: Any) -> None:
    view, runs = found["futures_view"], plain_run.runs
    for name in ("biomass", "catch", "profit"):
        assert (view[name].diff("quantile") >= 0.0).all()
        one = runs[name].sel(policy="pomdp", world="fitted,trend=-0.05").isel(year=7)
        shown = view[name].sel(policy="pomdp", world="fitted,trend=-0.05").isel(year=7)
        np.testing.assert_allclose(shown, np.quantile(one, view["quantile"].values))
    assert view["calendar_year"].values[0] == plain_run.history.years[1] + 1


def test_worms_are_the_first_futures_and_paired(found: Any, plain_run: Any) -> None:
    view = found["futures_view"]
    assert view.sizes["worm"] == 20
    worm = view.worm_biomass.sel(world="fitted", worm=3)
    np.testing.assert_array_equal(
        worm.sel(policy="tac"), plain_run.runs.biomass.sel(world="fitted", policy="tac", replicate=3)
    )
    # all start alike: in the same world, before any policy has done anything
    assert (worm.isel(year=0) == worm.isel(year=0, policy=0)).all()
    assert views.futures_view(plain_run, worms=1000).sizes["worm"] == 50
    with pytest.raises(EvaluationError, match="at least 0, got -1"):
        views.futures_view(plain_run, worms=-1)


def test_the_pareto_front_is_what_nothing_beats() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        value, risk = rng.integers(0, 4, 7).astype(float), rng.integers(0, 4, 7) / 4.0
        value[rng.random(7) < 0.1] = np.nan
        risk[rng.random(7) < 0.1] = np.nan
        expected = []
        for i in range(7):
            known = not (np.isnan(value[i]) or np.isnan(risk[i]))
            beaten = any(
                value[j] >= value[i] and risk[j] <= risk[i] and (value[j] > value[i] or risk[j] < risk[i])
                for j in range(7)
            )
            expected.append(known and not beaten)
        assert pareto_front(value, risk).tolist() == expected


def test_the_trade_off_is_that_of_the_scores(found: Any, plain_run: Any) -> None:
    view = found["trade_off_view"]
    for metric in ("npv", "collapse_probability", "mean_catch"):
        for world in view["world"].values:
            told = plain_run.estimate("tac", metric, world)
            one = view[metric].sel(policy="tac", world=world)
            assert {str(e): float(one.sel(estimate=e)) for e in one["estimate"].values} == pytest.approx(told)
    assert (view.risk == view.collapse_probability).all() and set(view["risk_kind"].values) == {"collapse"}


def limited(plain_run: Any, collapse: str) -> Any:
    """The same run with another limit of collapse."""
    settings = {**plain_run.settings, "collapse": collapse}
    return replace(plain_run, settings=settings, scores=score(plain_run.runs, collapse))


@pytest.mark.parametrize("limit", ["0.1K", "350000", "0.9K"])
def test_collapse_by_the_last_year_is_the_score(plain_run: Any, limit: str) -> None:
    view = views.collapse_view(limited(plain_run, limit))
    scores = score(plain_run.runs, limit).scores
    for name, metric in (("collapsed_by", "collapse_probability"), ("recovered_by", "recovery_probability")):
        expected = scores.sel(metric=metric).transpose("world", "policy", "estimate")
        last = view[name].isel(year=-1).sel(estimate=expected["estimate"].values)
        np.testing.assert_allclose(last, expected.values)
        value, low, high = (view[name].sel(estimate=e).values for e in ("value", "low", "high"))
        known = np.isfinite(value)
        assert (np.diff(value, axis=-1)[known[..., 1:]] >= 0.0).all()
        assert (low[known] <= value[known]).all() and (value[known] <= high[known]).all()
        assert (value[..., 0][known[..., 0]] == 0.0).all()


def test_collapse_by_a_year_by_hand(plain_run: Any) -> None:
    view = views.collapse_view(limited(plain_run, "350000"))
    one = plain_run.runs.sel(policy="tac", world="fitted")
    biomass = np.column_stack([one.biomass, one.final_biomass])
    starts = [path for path in biomass if path[0] >= 350000.0]
    for year in (1, 4, 10):
        fell = sum(any(x < 350000.0 for x in path[1 : year + 1]) for path in starts)
        shown = view.collapsed_by.sel(policy="tac", world="fitted", year=year, estimate="value")
        assert float(shown) == pytest.approx(fell / len(starts))
    assert float(view.starts_above.sel(world="fitted")) == pytest.approx(len(starts) / len(biomass))


def test_where_no_future_starts_above_the_limit_the_risk_is_not_to_recover(plain_run: Any) -> None:
    far = limited(plain_run, "2000000")
    risk, kinds = risk_of(far)
    assert kinds == ["no recovery"] * 2
    recovery = far.scores.scores.sel(metric="recovery_probability", world="fitted", policy="tac")
    np.testing.assert_allclose(risk[0, 1], 1.0 - recovery.sel(estimate=["value", "high", "low"]))
    assert set(views.robustness_view(far)["risk_kind"].values) == {"no recovery"}
    assert views.trade_off_view(far).on_front.any()


def test_regret_is_what_the_best_earns_more(found: Any, plain_run: Any) -> None:
    view = found["robustness_view"]
    for world in view["world"].values:
        best = max(plain_run.estimate(policy, "npv", world)["value"] for policy in view["policy"].values)
        for policy in view["policy"].values:
            own = plain_run.estimate(policy, "npv", world)["value"]
            assert float(view.regret.sel(policy=policy, world=world)) == pytest.approx(best - own)
    largest = view.largest_regret.sel(estimate="value")
    np.testing.assert_allclose(largest, view.regret.max("world"))
    assert str(view["policy"].values[int(largest.values.argmin())]) == view.attrs["minimax_regret"]


# --- belief ---


def test_the_belief_is_that_of_a_plain_filter(found: Any, plain_run: Any) -> None:
    """Bayes by loops over cells, biomass spread evenly within a cell and moved by the catch."""
    view, history = found["belief_view"], plain_run.history
    problem = replace(plain_run.problem, survey=plain_run.posterior.survey, initial="uniform")
    arrays = discretize(problem)
    grid, n = arrays.grid, len(arrays.grid.points)
    belief = np.full(n, 1.0 / n)
    for t in range(len(history.year) + 1):
        if t < len(history.year):
            heard = int(np.argmin(np.abs(grid.points - history.biomass[t])))
            belief = np.array([belief[i] * arrays.observation[i, heard] for i in range(n)])
            belief /= belief.sum()
        np.testing.assert_allclose(view.probability.values[t], belief, atol=1e-12)
        if t == len(history.year):
            break
        escaped, catch = np.zeros(n), history.catch[t]
        for i in range(1, n):
            low, high = grid.points[i] - grid.step / 2.0, grid.points[i] + grid.step / 2.0
            share = float(np.clip((high - catch) / grid.step, 0.0, 1.0))
            left = max((max(low, catch) + high) / 2.0 - catch, 0.0)
            place = (left - grid.points[1]) / grid.step  # in cells from the first point
            if place <= 0.0:
                escaped[1] += belief[i] * share
                continue
            below = int(place + 1e-9)
            escaped[1 + below] += belief[i] * share * (1.0 - (place - below))
            if place - below > 1e-9:
                escaped[2 + below] += belief[i] * share * (place - below)
        belief = (escaped / escaped.sum()) @ arrays.kernel
    assert view["year"].values[-1] == history.years[1] + 1 and np.isnan(view.observed[-1])


def test_beliefs_sum_to_one_and_their_quantiles_hold_what_they_say(found: Any) -> None:
    view = found["belief_view"]
    np.testing.assert_allclose(view.probability.sum("biomass"), 1.0)
    np.testing.assert_allclose(view.density.sum("biomass") * view.attrs["cell"], 1.0)
    assert (view.biomass_quantile.diff("quantile") > 0.0).all()
    edges = np.append(0.0, view.biomass.values[1:] + view.attrs["cell"] / 2.0)
    for year in range(view.sizes["year"]):
        below = np.interp(view.biomass_quantile[year], edges, np.cumsum(view.probability[year]))
        np.testing.assert_allclose(below, view["quantile"])


def test_what_came_later_changes_no_belief(found: Any, plain_run: Any) -> None:
    """With the fit held fixed, a history cut short gives the same beliefs up to there."""
    history = plain_run.history
    short = eco.CatchHistory(
        year=history.year[:20], catch=history.catch[:20], biomass=history.biomass[:20], id=history.id,
        observed=history.observed, units=history.units,
    )  # fmt: skip
    managed = replace(plain_run.managed, history=short, problem=replace(plain_run.problem, history=short))
    early = views.belief_view(managed)
    assert early.sizes["year"] == 21
    np.testing.assert_array_equal(early.probability[:20], found["belief_view"].probability[:20])


def test_a_history_that_ends_with_a_survey_ends_with_its_belief(found: Any, plain_run: Any) -> None:
    history = plain_run.history
    catch = np.append(history.catch[:20], np.nan)
    surveyed = eco.CatchHistory(
        year=history.year[:21],
        catch=catch,
        biomass=history.biomass[:21],
        id=history.id,
        observed=history.observed,
    )
    managed = replace(
        plain_run.managed, history=surveyed, problem=replace(plain_run.problem, history=surveyed)
    )
    view = views.belief_view(managed)
    assert view["year"].values[-1] == history.year[20]
    np.testing.assert_allclose(view.probability[20], found["belief_view"].probability[20])
