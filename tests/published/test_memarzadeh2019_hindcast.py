"""The hindcasts of Memarzadeh & Boettiger 2019, doi:10.1086/702704, figure 5 and appendix B."""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from scipy.stats import norm

from ecodecide.cli import main
from ecodecide.errors import EvaluationError
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.reproduction import memarzadeh2019_hindcast as study_of
from ecodecide.reproduction.memarzadeh2019_hindcast import (
    POMDPS,
    RULES,
    STOCKS,
    PaperGrid,
    led,
    paper_pomdp,
    published,
)


@pytest.fixture(scope="module")
def study() -> xr.Dataset:
    """A small run: fewer points and iterations."""
    return study_of.run(cells=21, iterations=2)


@pytest.mark.parametrize("stock", STOCKS, ids=lambda stock: stock.name)
def test_every_quota_of_the_rules_is_the_published_one(stock: Any) -> None:
    """In the paper's own order and on its own points, 0 steps apart in every year."""
    known, grid = published(stock), PaperGrid()
    states = np.round(known.biomass / stock.step).astype(int)
    np.testing.assert_allclose(states * stock.step, known.biomass, atol=2.0)  # tonnes, as printed
    quotas = stock.quotas(grid.points[states])
    for column, name in enumerate(RULES):
        here = np.round(quotas[name] / grid.points[1])
        np.testing.assert_array_equal(here, np.round(known.quotas[:, column] / stock.step), err_msg=name)
    # S* maximizes .95 f(s) - s: SCIENCE of the paper's appendix, .568 of hake and .837 of plaice
    s = np.linspace(0.0, 2.0, 20001)
    assert stock.escapement == pytest.approx(s[np.argmax(0.95 * stock.growth(s) - s)], abs=1e-4)


def test_the_order_of_the_year_is_the_paper_s() -> None:
    """Growth, then the catch: N(f(x) - min(h, x), sigma), and not a function of the escapement alone."""
    stock, grid = STOCKS[0], PaperGrid()
    pomdp = paper_pomdp(stock, 0.1, grid)
    points, step = grid.points, grid.points[1]
    for i, a in ((40, 10), (30, 0), (20, 20)):
        center = stock.growth(points[i]) - min(points[a], points[i])
        row = pomdp.transition[a][[i], :].toarray().ravel()
        density = norm.pdf(points, center, stock.sigma) * step
        # inside the grid the published rows are densities at the points, but for what is below 0 or off the end
        np.testing.assert_allclose(row[3:], density[3:], atol=2e-3)
        assert row.sum() == pytest.approx(1.0)
    same_escapement = [pomdp.transition[a][[i], :].toarray() for i, a in ((40, 10), (30, 0))]
    assert np.abs(same_escapement[0] - same_escapement[1]).max() > 0.01
    assert pomdp.reward[40, 10] == points[10] and pomdp.reward[10, 40] == points[10]


def test_the_belief_is_told_what_was_caught_and_not_what_was_advised() -> None:
    """Vectors that tell the likeliest state, and Bayes by hand."""
    grid = PaperGrid(25)
    pomdp = paper_pomdp(STOCKS[1], 0.15, grid)
    policy = AlphaVectors(pomdp, np.eye(25), np.arange(25))
    seen, caught = np.array([6, 9, 4, 12]), np.array([0, 6, 1, 3])
    belief, expected = np.full(25, 1 / 25), [np.nan]
    for t in (1, 2, 3):
        grown = belief @ pomdp.transition[caught[t - 1]].toarray()
        belief = grown * pomdp.observation[0].toarray()[:, seen[t]]
        belief /= belief.sum()
        expected.append(float(np.argmax(belief)))
    np.testing.assert_array_equal(led(policy, seen, caught), expected)


def test_the_study_and_its_claims(study: xr.Dataset) -> None:
    assert study.sizes["record"] == 15 + 54
    assert [str(name) for name in study["policy"].values] == [*RULES, *POMDPS]
    first = np.flatnonzero(study["year"].values == np.where(study["stock"].values == "hake", 1986, 1957))
    for name in ("published", "advised"):
        unknown = study[name].sel(policy=list(POMDPS)).isnull()
        assert int(unknown.sum()) == 4 and bool(unknown.isel(record=first).all())
    lower, upper = study["bounds"].transpose("bound", ...).values
    assert (lower <= upper).all() and (lower > 0.0).all()
    verdicts = study["claim_verdict"].isel(start=0)
    assert verdicts.size == 2 * (3 + 4)
    assert np.isfinite(study["claim_value"]).all()
    with pytest.raises(EvaluationError, match="has the years of its histories"):
        study_of.run(years=5)


def test_the_command_shows_the_years_side_by_side(study: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_of, "run", lambda **_: study)
    asked = ["reproduce", "memarzadeh2019_hindcast"]
    found = json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)
    assert len(found["records"]) == 69 and found["records"][0]["policies"]["pomdp, 0.10"]["published"] is None
    assert {entry["start"] for entry in found["claims"]} == {None}
    words = CliRunner(env={"COLUMNS": "110"}).invoke(main, asked).stdout
    for said in ("hake, thousand t", "plaice, thousand t", "growth first, then the catch", "Of 14 claims: "):
        assert said in words, said
    assert "futures" not in words
