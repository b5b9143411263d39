"""Priors as a user writes them, and where they end up."""

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import FitError
from ecodecide.fitting.priors import GROWTH_FAMILIES, RESILIENCE, Prior, check_priors, read_prior, resilience
from ecodecide.fitting.state_space_model import StateSpaceModel


def test_a_range_holds_95_percent_of_its_prior():
    found = read_prior("r=range(0.2, 0.8)")
    draws = found.draw(200_000, np.random.default_rng(0))
    # two standard deviations either side: 95.45 %, give or take .05 % of Monte Carlo error
    assert np.mean((draws > 0.2) & (draws < 0.8)) == pytest.approx(0.9545, abs=0.003)
    assert np.median(draws) == pytest.approx(0.4, rel=0.01)
    share = read_prior("C/K = range(-0.1, 0.3)")
    assert not share.positive and (share.center, share.spread) == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize("category", RESILIENCE)
def test_resilience_is_the_range_of_cmsy(category):
    low, high = RESILIENCE[category]
    assert resilience(category.upper().replace(" ", "_")) == read_prior(f"r=range({low},{high})")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("r", "expected NAME=lognormal"),
        ("r=0.3", "expected NAME=lognormal"),
        ("r=lognormal(a,b)", "expected NAME=lognormal"),
        ("r=beta(1,2)", "expected lognormal or range"),
        ("r=normal(0.3,0.1)", "expected lognormal or range"),
        ("C/K=lognormal(0.3,0.1)", "expected normal or range"),
        ("r=lognormal(-1,0.5)", "median above 0"),
        ("r=lognormal(1,0)", "spread above 0"),
        ("r=lognormal(nan,1)", "median above 0"),
        ("K=range(5,2)", "lower end above 0 and a higher one"),
        ("K=range(0,2)", "lower end above 0"),
        ("C/K=range(0.5,0.2)", "expected a lower end and a higher one"),
    ],
)
def test_a_prior_that_says_nothing_is_refused(words, complaint):
    with pytest.raises(FitError, match=complaint):
        read_prior(words)


def test_what_no_law_has_is_refused_by_name():
    with pytest.raises(FitError, match=r"'theta', expected one of r, K, psi"):
        check_priors({"theta": Prior("theta", 1.0, 1.0)}, [GROWTH_FAMILIES["logistic"]], [])
    with pytest.raises(FitError, match="found the resilience 'huge', expected one of very low"):
        resilience("huge")
    check_priors(
        {"allen.r": Prior("r", 1.0, 1.0), "q:spring": Prior("q", 1.0, 1.0)},
        [GROWTH_FAMILIES["logistic"], GROWTH_FAMILIES["allen"]],
        ["spring"],
    )
    with pytest.raises(FitError, match="a prior of 'm'"):
        eco.fit(eco.load_history("hake-argentina-north"), "logistic", priors={"m": Prior("m", 2.0, 0.1)})


def model(law, index=False, **priors):
    history = eco.CatchHistory(
        year=np.arange(2000, 2010),
        catch=np.full(10, 50.0),
        **({"index": np.linspace(2.0, 1.0, 10)} if index else {"biomass": np.linspace(400.0, 300.0, 10)}),
    )
    asked = {words: read_prior(f"{words}={value}") for words, value in priors.items()}
    return StateSpaceModel.of(history, law, None, 0.05, 40, asked)


def test_priors_are_in_units_of_the_history():
    found = model("logistic", K="lognormal(1000,0.3)", r="lognormal(0.3,0.2)", psi="lognormal(0.4,0.1)")
    assert found.scale == 400.0
    assert found.priors[0] == Prior("K", pytest.approx(2.5), 0.3)
    assert str(found.natural_priors[0]) == "K around 1e+03, within a factor of 1.3"
    assert found.priors[1] == Prior("r", 0.3, 0.2) and found.psi == Prior("psi", 0.4, 0.1)
    # the belief about the first year follows: 40 % of K = 1, within a tenth
    first = found.initial(np.array([0.0, 0.0, 0.0])) @ found.points
    assert first == pytest.approx(0.4, rel=0.05)
    relative = model("logistic", index=True, q="lognormal(0.005,0.5)")
    place = [p.name for p in relative.priors].index("q:index")
    assert relative.scale == 50.0 and relative.priors[place].center == pytest.approx(0.005 * 50.0)
    assert relative.natural_priors[place].center == pytest.approx(0.005)


def test_one_r_means_the_same_growth_under_every_law():
    """Allen's growth at best is r (1 - C/K)^2 / 4 a year: four times the r for the same growth without a threshold."""
    shared, own = model("allen", r="lognormal(0.3,0.2)"), model("allen", **{"allen.r": "lognormal(0.3,0.2)"})
    assert shared.priors[1].center == pytest.approx(1.2)
    assert own.priors[1].center == pytest.approx(0.3)
    assert GROWTH_FAMILIES["allen"].growth_factor == 4.0


def test_a_tight_prior_of_K_leaves_room_for_years_above_it():
    """The likelihood of given numbers is that of the wide default, whatever was believed of K before."""
    history = eco.CatchHistory(
        year=np.arange(2000, 2010), catch=np.full(10, 50.0), biomass=400.0 + 150.0 * np.sin(np.arange(10.0))
    )
    wide = StateSpaceModel.of(history, "logistic", None, 0.05, 600)
    at = np.log([400.0 / wide.scale, 0.6, 0.3])
    tight = StateSpaceModel.of(
        history, "logistic", None, 0.05, 600, {"K": read_prior("K=lognormal(400,0.01)")}
    )
    # to the error of the cells, which are of another width
    assert tight.run(at).log_likelihood == pytest.approx(wide.run(at).log_likelihood, abs=0.02)


def test_a_tight_prior_is_believed():
    history = eco.load_history("hake-argentina-north")
    free = eco.fit(history, draws=100, cells=80).summary()["r"]
    tight = eco.fit(history, draws=100, cells=80, priors={"r": read_prior("r=lognormal(0.2,0.01)")})
    assert free["low"] > 0.25
    # within three prior standard deviations, 1 % each
    assert tight.summary()["r"]["low"] > 0.194 and tight.summary()["r"]["high"] < 0.206
    assert tight.settings["priors"]["r"] == "r around 0.2, within a factor of 1"
