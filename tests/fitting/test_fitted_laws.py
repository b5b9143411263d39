"""What is told of fitted laws: criteria, status, tipping point, selection, the average, peels and the file."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import ecodecide as eco
from ecodecide.errors import ConvergenceWarning, EcodecideWarning, FitError
from ecodecide.fitting.averaging import AVERAGED, average
from ecodecide.fitting.criteria import criteria, leave_one_out, shares
from ecodecide.fitting.fit_tree import fit_tree, save_fit
from ecodecide.fitting.laws import fit_laws
from ecodecide.fitting.priors import GrowthFamily, read_prior
from ecodecide.fitting.retrospective import retrospective, until
from ecodecide.fitting.selection import CRITERIA, selection
from ecodecide.fitting.status import status
from ecodecide.fitting.tipping_point import has_threshold, tipping_point
from ecodecide.report.fit_dict import fit_dict
from ecodecide.stock.mixed_growth import MixedGrowth


def history(years=24, seed=2):
    """A logistic stock, r .5 and K 1000, fished down and let go, seen with an error of 10 %."""
    rng = np.random.default_rng(seed)
    rate = np.concatenate([np.linspace(0.1, 0.4, years // 2), np.linspace(0.4, 0.1, years - years // 2)])
    x, biomass, catch = 900.0, [], []
    for f in rate:
        biomass.append(x)
        catch.append(f * x)
        s = x - f * x
        x = (s + 0.5 * s * (1.0 - s / 1000.0)) * np.exp(0.1 * rng.standard_normal())
    seen = np.array(biomass) * np.exp(0.1 * rng.standard_normal(years))
    return eco.CatchHistory(
        year=np.arange(1990, 1990 + years),
        catch=catch,
        biomass=seen,
        id="made",
        units={"catch": "t", "biomass": "t"},
    )


@pytest.fixture(scope="module")
def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EcodecideWarning)
        return fit_laws(history(), ["logistic", "allen"], draws=120, cells=100)


# --- criteria ---


def test_criteria_are_what_they_are_defined_as(fitted):
    for law, scores in fitted.criteria.items():
        record = fitted.posteriors[law].record
        assert scores.numbers == {"logistic": 3, "allen": 4}[law] and scores.observations == 24
        assert scores.aic == pytest.approx(2 * scores.numbers - 2 * scores.log_likelihood)
        assert scores.bic - scores.aic == pytest.approx(scores.numbers * (np.log(24) - 2))
        # nothing that a chain visited is likelier than the largest likelihood
        assert scores.log_likelihood >= record.log_likelihood.max()
        assert scores.log_likelihood >= record.model.run(record.best).log_likelihood
        # D = -2 log L; DIC = mean D + (mean D - D at the mean), about as many as the numbers that the data determine
        deviance, mean = -2.0 * record.log_likelihood.mean(), record.points.mean(axis=(0, 1))
        penalty = deviance + 2.0 * record.model.run(mean).log_likelihood
        assert scores.dic == pytest.approx(deviance + penalty) and 0.5 < penalty < scores.numbers + 1.5


def test_leaving_out_is_what_refitting_without_says(fitted):
    """PSIS against the definition, p(y_t | the others) by another fit without y_t, at the worst observation."""
    record = fitted.posteriors["logistic"].record
    elpd, doubtful = leave_one_out(record)
    assert doubtful <= 2
    worst = int(np.argmin(elpd))
    full = history()
    seen = full.biomass.copy()
    seen[worst] = np.nan
    without = eco.fit(
        eco.CatchHistory(year=full.year, catch=full.catch, biomass=seen, id="made"),
        "logistic",
        draws=120,
        cells=100,
        priors={"K": record.model.natural_priors[0]},
    ).record
    # the same likelihood of the left out value, over draws that have not seen it
    model = record.model
    log_density = []
    for point in without.points.reshape(without.size, -1):
        run = model.run(point)
        log_density.append(model.left_out(run, point)[0][worst])
    refitted = float(np.log(np.mean(np.exp(log_density))))
    # about a hundred independent draws of a density that varies by some 30 %: .03 each side, five of them
    assert elpd[worst] == pytest.approx(refitted, abs=0.2)


def test_shares_are_in_proportion():
    assert shares({"a": 0.0, "b": np.log(3.0)}) == pytest.approx({"a": 0.25, "b": 0.75})
    assert shares({"a": 0.0, "b": -np.inf, "c": np.nan}) == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert shares({"a": -np.inf, "b": np.nan}) == {"a": 0.5, "b": 0.5}
    assert shares({"a": 1e6, "b": 1e6 + 2 * np.log(3.0)}, -0.5) == pytest.approx({"a": 0.75, "b": 0.25})


# --- status ---


def test_status_measures_each_draw_with_its_own_reference_points(fitted):
    posterior = fitted.posteriors["logistic"]
    found = status(posterior, fitted.history)
    r, K = np.asarray(posterior.members.growth.r), np.asarray(posterior.members.growth.K)
    # logistic: B_MSY = K/2 + rK/4 before harvest, F_MSY = (r/4) / (1/2 + r/4)
    b_msy, f_msy = K / 2 + r * K / 4, (r / 4) / (0.5 + r / 4)
    np.testing.assert_allclose(found.b_bmsy, posterior.trajectory_biomass / b_msy[:, None], rtol=1e-9)
    rate = fitted.history.catch / posterior.trajectory_biomass
    np.testing.assert_allclose(found.f_fmsy, rate / f_msy[:, None], rtol=1e-9)
    b, f = found.b_bmsy[:, -1], found.f_fmsy[:, -1]
    assert found.kobe_year == 2013
    assert found.kobe["green"] == np.mean((b >= 1) & (f <= 1))
    assert found.kobe["yellow"] == np.mean((b < 1) & (f <= 1))
    assert found.kobe["orange"] == np.mean((b >= 1) & (f > 1))
    assert found.kobe["red"] == np.mean((b < 1) & (f > 1))
    with pytest.raises(FitError, match="give the history that was fitted"):
        status(posterior, until(fitted.history, 10))


def test_the_kobe_year_is_the_last_with_a_catch():
    herring = eco.load_history("herring-north-sea")
    assert np.isnan(herring.catch[-1])
    found = status(eco.fit(herring, draws=20, cells=60), herring)
    assert found.kobe_year == herring.years[1] - 1


# --- tipping point ---


def with_shares(posterior, shares_of_K):
    """The posterior with other draws of C/K."""
    record = posterior.record
    place = [p.name for p in record.model.priors].index("C/K")
    points = record.points.copy()
    points[..., place] = shares_of_K.reshape(points.shape[:2])
    return replace(posterior, record=replace(record, points=points))


def test_the_data_cannot_tell_when_prior_and_posterior_hardly_differ(fitted):
    posterior = fitted.posteriors["allen"]
    size = posterior.record.size
    prior = stats.norm(0.0, 0.25).ppf((np.arange(size) + 0.5) / size)
    same = tipping_point(with_shares(posterior, prior))
    assert same.moved < 0.01 and not same.told and "the data cannot tell" in same.words
    # moved by 0.6 prior standard deviations: the largest difference of the two normal laws is 2 Phi(.3) - 1 = .236
    moved = tipping_point(with_shares(posterior, prior + 0.15))
    assert moved.moved == pytest.approx(2 * stats.norm.cdf(0.3) - 1, abs=0.01)
    assert moved.told and "the data tell of C/K" in moved.words
    logistic = tipping_point(fitted.posteriors["logistic"])
    assert (logistic.exists, logistic.below, logistic.moved, logistic.words) == (0.0, 0.0, None, "")


# --- selection ---


def test_selection_counts_and_depends_on_the_seed_alone(fitted):
    # an Allen posterior whose every draw has a threshold far below the data: then it is overlooked
    found, again = (selection(fitted.posteriors, 6, seed=4) for _ in range(2))
    assert found is not None and found == again
    assert found.law == "allen" and 1 <= found.simulations <= 6
    for name in CRITERIA:
        share = found.interval(name)
        assert 0.0 <= share["low"] <= share["value"] <= share["high"] <= 1.0
        assert share["value"] == found.overlooked[name] / found.simulations
    assert selection({"logistic": fitted.posteriors["logistic"]}, 6) is None
    assert selection(fitted.posteriors, 0) is None


def test_a_threshold_that_the_data_show_is_not_overlooked():
    """A stock that starts below its threshold and dies, and no law without one does that."""
    rng = np.random.default_rng(5)
    law, x, biomass = eco.Allen(r=3.0, K=100.0, C=40.0), 33.0, []
    for _ in range(30):
        biomass.append(x)
        x = float(law(np.asarray(x * 0.99))) * np.exp(0.05 * rng.standard_normal())
    seen = np.array(biomass) * np.exp(0.05 * rng.standard_normal(30))
    made = eco.CatchHistory(year=np.arange(30), catch=0.01 * np.array(biomass), biomass=seen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EcodecideWarning)
        dying = fit_laws(
            made, ["logistic", "allen"], survey=eco.LognormalSurvey(0.05), draws=40, cells=80,
            priors={"K": read_prior("K=lognormal(100,0.1)")},
        )  # fmt: skip
    assert dying.tipping_point > 0.95 and dying.below_threshold > 0.9
    assert dying.tipping_points["allen"].told
    found = selection(dying.posteriors, 5)
    assert max(found.overlooked.values()) <= 1


# --- average ---


def test_the_average_holds_each_law_by_its_weight(fitted):
    weights = {"logistic": 0.7, "allen": 0.3}
    found = average(fitted.posteriors, weights, seed=3)
    growth = found.members.growth
    assert isinstance(growth, MixedGrowth) and found.law == AVERAGED and found.size == 120
    assert np.bincount(growth.which).tolist() == [84, 36]
    for place in range(found.size):
        law = ["logistic", "allen"][growth.which[place]]
        one, row = fitted.posteriors[law], growth.row[place]
        assert (
            np.asarray(found.members.initial_biomass)[place] == np.asarray(one.members.initial_biomass)[row]
        )
        assert found.members.noise.sigma[place] == one.members.noise.sigma[row]
        np.testing.assert_array_equal(found.trajectory_biomass[place], one.trajectory_biomass[row])
    # its kernel is the mixture of theirs, up to which of their draws it holds
    edges = np.concatenate([[-np.inf], np.linspace(0.0, 2000.0, 41)])
    each = [fitted.posteriors[law].kernel(np.array([300.0]), edges)[0] for law in weights]
    np.testing.assert_allclose(
        found.kernel(np.array([300.0]), edges)[0], 0.7 * each[0] + 0.3 * each[1], atol=0.03
    )
    assert found.terminal_mass.sum() == pytest.approx(1.0)
    expected = sum(w * fitted.posteriors[law].terminal_belief(edges) for law, w in weights.items())
    np.testing.assert_allclose(found.terminal_belief(edges), expected, atol=0.01)
    # reference points and the biomass that they are compared with are of one estimate
    assert found.reference_points() == fitted.posteriors["logistic"].reference_points()
    np.testing.assert_array_equal(found.best_biomass, fitted.posteriors["logistic"].best_biomass)
    assert any("logistic 70 %" in line for line in found.assumptions)
    assert (
        average({"logistic": fitted.posteriors["logistic"]}, {"logistic": 1.0})
        is fitted.posteriors["logistic"]
    )


def test_the_average_is_a_stock_that_solvers_and_the_evaluator_take(fitted):
    stock = average(fitted.posteriors, {"logistic": 0.5, "allen": 0.5})
    problem = eco.HarvestProblem(stock=stock, survey=stock.survey, grid=eco.Grid(upper=2500.0, cells=40))
    solution = eco.Precautionary("tac").solve(problem)
    runs = eco.evaluate(
        {"tac": solution.policy},
        truth=stock,
        survey=stock.survey,
        economy=eco.Economy(),
        replicates=60,
        years=8,
        seed=1,
    )
    members = stock.members
    np.testing.assert_array_equal(runs.biomass[0, 0, :, 0], np.asarray(members.initial_biomass)[:60])
    capacity = [world.carrying_capacity for world in members.worlds[:60]]
    np.testing.assert_allclose(runs.carrying_capacity[0], capacity)
    # a threshold where the replicate's law has one, nothing where it has none
    known = np.isfinite(runs.allee_threshold[0].values)
    np.testing.assert_array_equal(known, has_threshold(stock)[:60] > 0)


# --- a law that cannot be fitted ---


def test_a_law_that_cannot_be_fitted_is_left_out_and_said():
    """A stock that dies in steps which Allen's law, as the priors have it, cannot follow."""
    dying = eco.CatchHistory(
        year=np.arange(2000, 2012),
        catch=[5.0, 4.0, 3.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        biomass=[50.0, 40.0, 30.0, 20.0, 10.0, 5.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    )
    with pytest.raises(FitError, match="no allen stock within the priors"):
        fit_laws(dying, ["allen"], draws=20, cells=60)
    with pytest.warns(ConvergenceWarning) as told:
        found = fit_laws(dying, ["logistic", "allen"], draws=20, cells=60)
    assert any("no allen stock" in str(one.message) and "left out" in str(one.message) for one in told)
    assert [*found.posteriors] == ["logistic"] == [*found.weights] and [*found.failures] == ["allen"]
    assert json.loads(json.dumps(fit_dict(found)))["failures"]["allen"].startswith("custom: no allen stock")
    assert found.average is found.posteriors["logistic"]


# --- a law of one's own ---


def theta_logistic(s, K, r, theta):
    """A plain function that knows nothing of us."""
    return s * np.exp(r * (1.0 - (s / K) ** theta))


def test_a_law_of_ones_own_is_fitted_like_ours():
    """With theta = 1 it is Ricker's, whose fit is ours: the same draws, but for rounding."""
    own = GrowthFamily(
        "own",
        (read_prior("r=lognormal(0.4,0.7)"),),
        lambda K, r: eco.growth(theta_logistic, scale=K, K=K, r=r, theta=1.0),
    )
    ricker = eco.fit(history(), "ricker", draws=60, cells=80)
    found = eco.fit(history(), own, draws=60, cells=80)
    assert found.law == "own" and found.settings["growth"] == "own"
    for name in ("K", "r", "msy", "b_bmsy"):
        assert found.summary()[name]["median"] == pytest.approx(ricker.summary()[name]["median"], rel=0.02), (
            name
        )
    assert found.log_evidence == pytest.approx(ricker.log_evidence, abs=0.02)


def test_a_law_of_ones_own_takes_part_in_the_average(tmp_path):
    own = GrowthFamily(
        "theta-logistic",
        (read_prior("r=lognormal(0.4,0.7)"), read_prior("theta=lognormal(1,0.5)")),
        lambda K, r, theta: eco.growth(theta_logistic, scale=K, K=K, r=r, theta=theta),
    )
    found = fit_laws(
        history(),
        ["logistic", own],
        draws=60,
        cells=80,
        priors={"theta-logistic.theta": read_prior("theta=range(0.8,1.2)")},
    )
    assert found.posteriors["theta-logistic"].settings["priors"]["theta"].startswith("theta around 0.98")
    stock = found.average
    assert np.isfinite(stock.carrying_capacity) and {*found.weights} == {"logistic", "theta-logistic"}
    save_fit(found, tmp_path / "own.nc")
    with xr.open_datatree(tmp_path / "own.nc", engine="h5netcdf") as tree:
        assert {"r", "theta", "K"} <= {*tree["theta-logistic/posterior"].data_vars}
    with pytest.raises(FitError, match="each once"):
        fit_laws(history(), [own, own])


# --- peels ---


def test_peels_are_the_first_years_and_rho_is_anchored_at_their_last(fitted, monkeypatch):
    posterior = fitted.posteriors["logistic"]
    asked = []

    def refit(short, law, **settings):
        """A fit that knows all but is 10 % too high in every peel."""
        asked.append((short.years, settings["priors"]["logistic.K"]))
        end = len(short.year)
        record = replace(posterior.record, terminal=np.full((4, 30), 500.0))
        return replace(
            posterior, trajectory_biomass=1.1 * posterior.trajectory_biomass[:, :end], record=record
        )

    monkeypatch.setattr("ecodecide.fitting.retrospective.fit_state_space", refit)
    found = retrospective(posterior, fitted.history, 3)
    assert [years for years, _ in asked] == [(1990, 2012), (1990, 2011), (1990, 2010)]
    # K's prior is made of the data: it is that of the whole history in every peel
    assert {prior for _, prior in asked} == {posterior.record.model.natural_priors[0]}
    assert found.rho["biomass"] == pytest.approx(0.1) and found.rho["b_bmsy"] == pytest.approx(0.1)
    assert found.rho["f_fmsy"] == pytest.approx(1 / 1.1 - 1)
    # each peel foretells the next year as 500; 'as last time' is the observation before
    seen = fitted.history.biomass
    ours = np.mean(np.abs(np.log(seen[[23, 22, 21]] / 500.0)))
    naive = np.mean(np.abs(np.log(seen[[23, 22, 21]] / seen[[22, 21, 20]])))
    assert found.mase == {"biomass": pytest.approx(ours / naive)} and found.foretold == {"biomass": 3}


def test_a_stock_as_the_law_has_it_has_no_retrospective_pattern(fitted):
    found = retrospective(fitted.posteriors["logistic"], fitted.history, 3, draws=60)
    # the rule of thumb of Hurtado-Ferro et al. 2015 for short-lived stocks
    assert -0.22 < found.rho["biomass"] < 0.30 and found.mase["biomass"] < 3.0
    with pytest.raises(FitError, match="expected at least 1 peel and 5 years left"):
        retrospective(fitted.posteriors["logistic"], fitted.history, 20)
    with pytest.raises(FitError, match="not of an average"):
        retrospective(fitted.average, fitted.history)


# --- the file ---


def test_the_file_opens_in_plain_xarray_and_speaks_to_arviz(fitted, tmp_path):
    import arviz_stats

    save_fit(fitted, tmp_path / "fit.nc", {"seed": 1})
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        assert tree.attrs["schema"] == 2 and tree.attrs["stock"] == "made"
        assert json.loads(tree.attrs["provenance"]) == {"seed": 1}
        assert json.loads(tree.attrs["weights"]) == pytest.approx(fitted.weights)
        one = tree["allen"]
        assert (
            one["posterior"]["r"].dims == ("chain", "draw")
            and one["posterior"]["biomass"].attrs["units"] == "t"
        )
        record = fitted.posteriors["allen"].record
        np.testing.assert_allclose(one["posterior"]["K"].values.ravel(), record.numbers(0))
        # the reference points are in the order of the draws, as r and K are
        r, K = (tree["logistic/posterior"][name].values for name in ("r", "K"))
        msy = tree["logistic/posterior"]["msy"].values
        kept = np.isfinite(msy)
        np.testing.assert_allclose(msy[kept], (r * K / 4)[kept], rtol=1e-6)
        summary = arviz_stats.summary(one, var_names=["r", "K", "C_over_K"])
        assert list(summary.index) == ["r", "K", "C_over_K"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of Pareto k, for so few draws
            loo = arviz_stats.loo(one)
        assert loo.elpd == pytest.approx(fitted.criteria["allen"].loo, abs=1e-6)
        np.testing.assert_allclose(tree["history"]["catch"], fitted.history.catch)
    back = eco.load_stock(tmp_path / "fit.nc")
    np.testing.assert_array_equal(back.members.initial_biomass, fitted.average.members.initial_biomass)


def test_a_file_that_cannot_be_written_leaves_nothing(fitted, tmp_path):
    with pytest.raises(FitError):
        save_fit(fitted, tmp_path / "none" / "fit.nc")
    assert list(tmp_path.iterdir()) == []


def test_the_tree_of_a_fit_names_several_series():
    rng = np.random.default_rng(1)
    base = history(20)
    made = eco.CatchHistory(
        year=base.year,
        catch=base.catch,
        biomass=np.where(np.arange(20) % 3 == 0, base.biomass, np.nan),
        index={
            "spring": 0.1 * base.biomass * np.exp(0.2 * rng.standard_normal(20)),
            "b/c": 3.0 * base.biomass,
        },
        index_se={"spring": np.full(20, 0.1)},
        observed="biomass",
    )
    fitted = fit_laws(made, ["logistic"], draws=30, cells=80)
    names = [prior.name for prior in fitted.posteriors["logistic"].record.model.priors]
    assert names[3:] == ["observation_sigma:spring", "q:spring", "observation_sigma:b/c", "q:b/c"]
    tree = fit_tree(fitted)
    assert {*tree["logistic/log_likelihood"].data_vars} == {"biomass", "spring", "b_over_c"}
    assert tree["logistic/log_likelihood"]["biomass"].sizes["biomass_year"] == 7
    assert criteria(fitted.posteriors["logistic"]).observations == 47
    q = tree["logistic/posterior"]["q:spring"]
    assert 0.07 < float(q.median()) < 0.14
