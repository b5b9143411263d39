"""New years on an old fit: Kalman's answer, that of many thousand draws, and the order of events."""

from typing import Any

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import ConvergenceWarning, FitError, HistoryError
from ecodecide.fitting.grid_filter import log_cells
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.update import update
from ecodecide.history.later_years import LaterYears, later_years
from ecodecide.stock.survey import Survey

SURVEY = eco.LognormalSurvey(cv=0.2)


def posterior_of(
    growth: Any, sigma: Any, trajectories: Any, survey: Survey = SURVEY, catch_cv: float = 0.0
) -> Posterior:
    """A posterior made by hand, its members as they stand at the end of their trajectories."""
    trajectories = np.asarray(trajectories, dtype=float)
    _, edges = log_cells(1.0, 2e3, 200)
    members = eco.ParametricStock(growth, eco.LognormalNoise(sigma), "t", initial_biomass=trajectories[:, -1])
    return Posterior(
        law="by hand",
        best=members.member(0),
        members=members,
        survey=survey,
        observed="biomass",
        terminal_edges=edges,
        terminal_mass=np.full(len(edges) - 1, 1.0 / (len(edges) - 1)),
        best_biomass=trajectories.mean(axis=0),
        trajectory_biomass=trajectories,
        log_posterior=0.0,
        assumptions=(),
        status="",
        converged=True,
        settings={"catch_cv": catch_cv},
    )


def history_of(catch: Any, **series: Any) -> eco.CatchHistory:
    return eco.CatchHistory(year=2000 + np.arange(len(catch)), catch=catch, units={"catch": "t"}, **series)


def years_after(history: eco.CatchHistory, catch: Any, **series: Any) -> LaterYears:
    first = history.years[1] + int(np.isfinite(history.catch[-1]))
    return later_years(history, {"year": first + np.arange(len(catch)), "catch": catch, **series})


def moments(mass: Any, edges: Any) -> tuple[float, float]:
    """Mean and standard deviation of the log of a belief on cells."""
    logs = np.log(0.5 * (edges[2:-1] + edges[3:]))
    weights = mass[2:] / mass[2:].sum()
    mean = float(weights @ logs)
    return mean, float(np.sqrt(weights @ (logs - mean) ** 2))


def even(size: int) -> Any:
    """Standard normals, evenly spread, so that a test needs no luck."""
    from scipy.special import ndtri

    return ndtri((np.arange(size) + 0.5) / size)


def test_a_random_walk_is_kalmans() -> None:
    """Allen's law at r = 0 grows nothing: log x is a random walk, and without catches all is linear and Gaussian.

    Kalman filter: predict P + Q, gain P / (P + R), and so on, year by year.
    """
    size, process, prior_sd = 400, 0.15, 0.3
    before = 200.0 * np.exp(prior_sd * even(size))
    trajectories = np.column_stack([before, before])
    history = history_of([0.0, 0.0], biomass=[200.0, 210.0])
    walk = eco.Allen(r=np.full(size, 1e-12), K=np.full(size, 1e3), C=np.full(size, 1.0))
    observed = [150.0, np.nan, 140.0, 170.0]
    later = years_after(history, [0.0, 0.0, 0.0, np.nan], biomass=observed)
    found = update(posterior_of(walk, np.full(size, process), trajectories), history, later)
    mean, variance, noise = np.log(200.0), prior_sd**2, np.log1p(0.2**2)
    for value in observed:
        variance += process**2
        if np.isfinite(value):
            gain = variance / (variance + noise)
            mean, variance = mean + gain * (np.log(value) - mean), (1.0 - gain) * variance
    told = moments(found.posterior.terminal_mass, found.posterior.terminal_edges)
    # cells of 2.5 % and 400 members leave errors of a few thousandths
    assert told == pytest.approx((mean, np.sqrt(variance)), abs=4e-3)
    drawn = np.log(np.asarray(found.posterior.members.initial_biomass))
    assert drawn.mean() == pytest.approx(mean, abs=4.0 * np.sqrt(variance / size))
    assert drawn.std() == pytest.approx(np.sqrt(variance), rel=0.15)
    # the first half is as good a sample as all, though the members were in order
    came_from = np.log(found.posterior.trajectory_biomass[:, -1])
    error = 4.0 * came_from.std() / np.sqrt(size // 2)
    assert came_from[: size // 2].mean() == pytest.approx(came_from.mean(), abs=error)
    assert 1.0 < found.effective_size < size


def test_parameters_catches_and_an_index_as_in_many_draws() -> None:
    """Importance sampling of everything at once: member, catchability, process noise; then Bayes' rule."""
    rng = np.random.default_rng(3)
    size, sigma, tau = 300, 0.2, SURVEY.sigma
    r = np.exp(np.log(0.5) + 0.5 * even(size)[rng.permutation(size)])
    K = 500.0 * np.exp(0.3 * rng.standard_normal(size))
    trajectories = K[:, None] * np.array([0.9, 0.7, 0.6]) * np.exp(0.1 * rng.standard_normal((size, 3)))
    history = history_of([60.0, 50.0, 40.0], index=[1.0, 0.75, 0.7])
    later = years_after(history, [90.0, 100.0], index=[0.8, 0.9])
    # a flat catchability of n = 3 values: standard deviation tau / sqrt(3)
    found = update(posterior_of(eco.Logistic(r=r, K=K), np.full(size, sigma), trajectories), history, later)
    draws = 1_000_000
    m = np.arange(draws) % size
    apart = np.log([1.0, 0.75, 0.7]) - np.log(trajectories)
    log_q = apart.mean(axis=1)[m] + tau / np.sqrt(3.0) * rng.standard_normal(draws)
    x, caught, log_weight = trajectories[m, -1], 40.0, np.zeros(draws)
    for survey, catch in ((0.8, 90.0), (0.9, 100.0)):
        left = np.maximum(x - caught, 0.0)
        x = np.maximum(left + r[m] * left * (1.0 - left / K[m]), 1e-9) * np.exp(
            sigma * rng.standard_normal(draws)
        )
        log_weight += -0.5 * ((np.log(survey) - log_q - np.log(x)) / tau) ** 2 + np.where(
            x > catch, 0.0, -np.inf
        )
        caught = catch
    left = np.maximum(x - caught, 0.0)
    x = np.maximum(left + r[m] * left * (1.0 - left / K[m]), 1e-9) * np.exp(
        sigma * rng.standard_normal(draws)
    )
    weights = np.exp(log_weight - log_weight.max())
    weights /= weights.sum()
    by_member = np.bincount(m, weights, size)
    # catchability is drawn once a member in the update: the two agree over the members, not one by one
    assert found.weights @ r == pytest.approx(by_member @ r, rel=0.02)
    assert found.weights @ K == pytest.approx(by_member @ K, rel=0.02)
    assert by_member @ r != pytest.approx(r.mean(), rel=0.05)
    mean, sd = moments(found.posterior.terminal_mass, found.posterior.terminal_edges)
    logs = np.log(x)
    assert mean == pytest.approx(weights @ logs, abs=0.02)
    assert sd == pytest.approx(np.sqrt(weights @ (logs - weights @ logs) ** 2), rel=0.05)


def one_world(biomass: float, sigma: float = 1e-3) -> Any:
    return (
        eco.Logistic(r=np.array([0.5, 0.5]), K=np.array([1e3, 1e3])),
        np.full(2, sigma),
        [[biomass] * 2] * 2,
    )


def test_observe_then_catch_then_recruit() -> None:
    """Where nothing is uncertain, the biomass is that of the same steps by hand; surveys come before catches."""
    history = history_of([100.0, 50.0], biomass=[400.0, 400.0])
    law, sigma, trajectories = one_world(400.0)
    now = 350.0 + 0.5 * 350.0 * (1.0 - 0.35)
    later = years_after(history, [250.0, np.nan], biomass=[now, np.nan])
    told = update(posterior_of(law, sigma, trajectories), history, later).posterior
    left = now - 250.0
    expected = left + 0.5 * left * (1.0 - left / 1e3)
    # to cells of 2.5 %, two of them; recruiting before the catch would leave 14 % more
    assert np.asarray(told.members.initial_biomass) == pytest.approx(expected, rel=0.05)


def test_the_last_year_may_get_its_catch() -> None:
    """The survey of that year was heard by the fit: it does not weigh a second time, its catch does."""
    history = history_of([100.0, 50.0, np.nan], biomass=[400.0, 400.0, 420.0])
    growth = eco.Logistic(r=np.full(200, 0.5), K=np.full(200, 1e3))
    before = 400.0 * np.exp(0.1 * even(200))
    base = posterior_of(growth, np.full(200, 0.2), np.column_stack([before] * 3))
    # said again, it is not heard again
    later = years_after(history, [80.0], biomass=[420.0])
    found = update(base, history, later)
    assert found.weights == pytest.approx(1.0 / 200)
    left = before - 50.0
    grown = np.log(left + 0.5 * left * (1.0 - left / 1e3))
    # the belief of each in that year, by Bayes' rule of two normals of the log; then catch and growth of its draws
    gain = 0.2**2 / (0.2**2 + SURVEY.sigma**2)
    now = np.exp(grown + gain * (np.log(420.0) - grown) + np.sqrt((1.0 - gain) * 0.2**2) * even(200)[:, None])
    left = now - 80.0
    expected = np.log(left + 0.5 * left * (1.0 - left / 1e3))
    told = moments(found.posterior.terminal_mass, found.posterior.terminal_edges)
    assert told == pytest.approx((expected.mean(), np.hypot(expected.std(), 0.2)), abs=0.005)


@pytest.mark.parametrize("survey", [eco.PerfectSurvey(), eco.LognormalSurvey(cv=0.01)])
def test_a_perfect_survey_pins_the_biomass(survey: Survey) -> None:
    history = history_of([100.0, 50.0], biomass=[400.0, 400.0])
    law, _, trajectories = one_world(400.0)
    later = years_after(history, [np.nan], biomass=[333.0])
    told = update(posterior_of(law, np.full(2, 0.4), trajectories), history, later, survey=survey).posterior
    assert np.asarray(told.members.initial_biomass) == pytest.approx(333.0, rel=0.03)


def test_no_news_leaves_the_members_equally_likely() -> None:
    history = history_of([100.0, 50.0], biomass=[400.0, 400.0])
    law, sigma, trajectories = one_world(400.0)
    nothing = LaterYears(np.array([2002]), np.array([np.nan]), {"biomass": np.array([np.nan])}, {})
    assert update(posterior_of(law, sigma, trajectories), history, nothing).weights == pytest.approx(
        [0.5, 0.5]
    )


def test_the_same_seed_gives_the_same_draws() -> None:
    history = history_of([100.0, 50.0], index=[1.0, 1.0])
    law, _, trajectories = one_world(400.0)
    base, later = posterior_of(law, np.full(2, 0.3), trajectories), years_after(history, [50.0], index=[0.9])
    first, same, other = (
        np.asarray(update(base, history, later, seed=seed).posterior.members.initial_biomass)
        for seed in (1, 1, 2)
    )
    assert (first == same).all()
    assert (first != other).any()


def test_what_the_fit_did_not_expect_is_warned_of() -> None:
    size = 100
    history = history_of([0.0, 0.0], biomass=[200.0, 210.0])
    before = 200.0 * np.exp(0.5 * even(size))
    base = posterior_of(
        eco.Allen(r=np.full(size, 1e-12), K=np.full(size, 1e3), C=np.full(size, 1.0)),
        np.full(size, 0.05),
        np.column_stack([before, before]),
    )
    with pytest.warns(ConvergenceWarning, match="fit again, with the new years"):
        update(
            base, history, years_after(history, [0.0], biomass=[1000.0]), survey=eco.LognormalSurvey(cv=0.05)
        )


def test_what_cannot_be_is_refused() -> None:
    history = history_of([100.0, 50.0], biomass=[400.0, 400.0])
    law, sigma, trajectories = one_world(400.0)
    base = posterior_of(law, sigma, trajectories)
    with pytest.raises(FitError, match="check the units of catch"):
        update(base, history, years_after(history, [5e3]))
    once = update(base, history, years_after(history, [50.0])).posterior
    with pytest.raises(FitError, match="updated to 2002 already"):
        update(once, history, years_after(history, [50.0]))
    with pytest.raises(FitError, match="the posterior is of 2 years"):
        update(base, history_of([1.0, 1.0, 1.0], biomass=[9.0, 9.0, 9.0]), years_after(history, [50.0]))
    relative = history_of([100.0, 50.0], index=[1.0, 1.0])
    with pytest.raises(FitError, match="expected LognormalSurvey"):
        update(base, relative, years_after(relative, [1.0], index=[1.0]), survey=eco.PerfectSurvey())


HISTORY = history_of([10.0, 12.0, np.nan], biomass=[100.0, 90.0, np.nan])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"year": [2003], "catch": [5.0]}, "found 2003 first, expected 2002"),
        ({"year": [2002, 2003], "catch": [np.nan, 4.0]}, "only the last year may lack its catch"),
        ({"year": [2001, 2002], "catch": [13.0, 5.0]}, "found 13, and custom has 12"),
        ({"year": [2001, 2002], "catch": [12.0, np.nan]}, "found nothing that custom does not say"),
        ({"year": [1999, 2000], "catch": [1.0, 1.0]}, "where custom begins"),
        ({"year": [2002], "catch": [5.0], "index": [1.0]}, "column index, which the fit"),
        ({"year": [2002, 2003], "catch": [5.0]}, "catch has 1 values and year has 2"),
        ({"year": [2002], "catch": [5.0], "units": {"catch": "kg"}}, "the unit of catch is 'kg'"),
        ({"year": [2002]}, "there is no catch"),
        ({"year": [], "catch": []}, "found no rows, expected one per year from 2002 on"),
        ({"year": [2002], "catch": ["many"]}, "must be one number per year"),
    ],
)
def test_an_update_that_does_not_follow_its_history_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(HistoryError, match=words):
        later_years(HISTORY, given)


def test_a_file_may_hold_the_history_too(tmp_path: Any) -> None:
    file = tmp_path / "new.csv"
    file.write_text("year,catch (t),biomass\n2003,9,80\n2001,12,90\n2002,11,85\n2004,,70\n")
    found = later_years(HISTORY, file)
    assert found.year.tolist() == [2002, 2003, 2004]
    assert found.catch[:2].tolist() == [11.0, 9.0]
    assert found.observations["biomass"].tolist() == [85.0, 80.0, 70.0]
    assert found.decision_year == 2004
    assert found.ends_with_a_survey
    file.write_text("year,catch\n2002,11\n")
    one = later_years(HISTORY, file)
    assert (one.decision_year, one.ends_with_a_survey) == (2003, False)


def test_standard_errors_come_with_their_index() -> None:
    history = history_of([10.0, 12.0], index={"a": [1.0, 2.0]}, index_se={"a": [0.1, 0.2]})
    later = {"year": [2002], "catch": [5.0], "index": {"a": [1.0]}}
    assert later_years(history, {**later, "index_se": {"a": [0.3]}}).errors["a"].tolist() == [0.3]
    with pytest.raises(HistoryError, match="expected the standard error"):
        later_years(history, {**later, "index_se": {"a": [np.nan]}})
