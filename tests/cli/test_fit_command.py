"""`ecodecide fit`, as a user meets it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from ecodecide.cli import main


def run(*arguments: str):
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["fit", *arguments])


@pytest.fixture(scope="module")
def asked():
    return "plaice-north-sea", "--growth", "logistic, ricker", "--draws", "30"


def test_json_tells_each_law_and_its_weight(asked):
    done = run(*asked, "--json", "-q")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert [*found["laws"]] == ["logistic", "ricker"]
    assert sum(one["weights"]["marginal_likelihood"] for one in found["laws"].values()) == pytest.approx(1.0)
    for one in found["laws"].values():
        for group in (one["reference_points"], one["parameters"]):
            for estimate in group.values():
                assert estimate["low"] <= estimate["median"] <= estimate["high"]
        assert {"msy", "b_msy", "f_msy", "escapement_msy"} <= {*one["reference_points"]}
        assert one["diagnostics"]["rhat_max"] < 1.2 and one["diagnostics"]["ess_min"] > 25.0
        assert one["status"]["p_tipping_point"] == 0.0
        assert one["diagnostics"]["seconds"] > 0.0
    # in the units of the history: plaice yields some hundred thousand tonnes
    assert 1e5 < found["laws"]["logistic"]["reference_points"]["msy"]["median"] < 4e5
    assert found["units"]["biomass"] and found["settings"] == {"seed": 1, "draws": 30}
    again = json.loads(run(*asked, "--json", "-q").stdout)
    for one in (*found["laws"].values(), *again["laws"].values()):
        del one["diagnostics"]["seconds"]
    assert again == found


def test_the_table_fits_80_columns_and_says_what_it_rests_on(asked):
    done = run(*asked)
    assert done.exit_code == 0
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    for words in (
        "weight",
        "B / B_MSY",
        "thousand t",
        "tipping point exists: 0 %",
        "Assumptions",
        "effective sample size",
        "Status in 20",
        "by PSIS-LOO",
    ):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("plaice-north-sea", "--growth", "magic"), 2, "'magic' is not some of logistic,"),
        (("plaice-north-sea", "--growth", "ricker,ricker"), 2, "each once"),
        (("plaice-north-sea", "--survey", "moon:1"), 2, "--survey"),
        (("flathead-tiger-australia",), 1, "neither a biomass nor an index"),
        (("no-such-stock",), 1, "no-such-stock"),
    ],
)
def test_what_cannot_be_fitted_ends_in_one_line(arguments, code, words):
    done = run(*arguments, "-q")
    assert done.exit_code == code
    assert words in done.stderr
    if code == 1:
        assert done.stderr.count("\n") == 1


LITERATURE = ("albacore-south-atlantic", "--growth", "logistic", "--order", "recruit-first")


def test_the_fit_of_the_literature_and_why_the_default_differs():
    """Polacheck, Hilborn & Punt 1993, doi:10.1139/f93-284: r .33, K 240, MSY 19.6; ours is close."""
    done = run(*LITERATURE, "--observation-error-only", "--draws", "50", "--json")
    found = json.loads(done.stdout)["laws"]["logistic"]
    best = {name: each["best"] for name, each in (found["parameters"] | found["reference_points"]).items()}
    assert (best["r"], best["K"], best["msy"]) == pytest.approx((0.32, 243.0, 19.5), rel=0.01)
    said = " ".join(found["assumptions"])
    # harvest first, the same data say .25, 285, 17.9
    assert "harvest-first, the best are r 0.25, K 285.3 and MSY 17.9" in said
    assert "the default fit" in said and "growth that varies from year to year" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--observation-error-only", "--process-error-only"), "two fits; choose one"),
        (("--observation-error-only", "--prior", "r=lognormal(1,1)"), "--prior is of the state-space fit"),
        (("--process-error-only", "-o", "x.nc"), "--output is of the state-space fit"),
        ((), "--observation-error-only or --process-error-only"),
    ],
)
def test_options_that_a_fit_does_not_have_are_refused(arguments, words):
    done = run(*LITERATURE, *arguments)
    assert done.exit_code == 2 and words in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--prior", "r=0.3"), "expected NAME=lognormal"),
        (("--prior", "r=lognormal(1,1)", "--prior", "r=range(1,2)"), "a number has two priors"),
        (("--prior", "r=lognormal(1,1)", "--resilience", "low"), "leave --resilience out"),
        (("-o", "/no/such/folder/fit.nc"), "does not exist"),
    ],
)
def test_what_means_nothing_is_refused_before_the_fit(arguments, words):
    done = run("plaice-north-sea", *arguments)
    assert done.exit_code == 2 and words in " ".join(done.stderr.split())


def test_priors_peels_and_the_file(tmp_path):
    """All options at once: the figures are those of the file, and the priors asked for are told."""
    file = tmp_path / "fit.nc"
    done = run(
        "hake-argentina-north", "--growth", "logistic,allen", "--draws", "40", "--prior", "r=lognormal(0.5,0.2)",
        "--prior", "C/K=normal(0.2,0.05)", "--retrospective", "2", "--selection", "3", "-o", str(file), "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    allen = found["laws"]["allen"]
    # without the prior asked for its 90 % interval ends at -0.36: these data know of no threshold
    assert allen["parameters"]["C/K"]["low"] > -0.15
    assert allen["retrospective"]["peels"] == 2 and {*allen["retrospective"]["mohns_rho"]} == {
        "biomass",
        "b_bmsy",
        "f_fmsy",
    }
    assert allen["settings"]["priors"]["r"] == "r around 2, within a factor of 1.2"
    assert any(line.startswith("priors under allen: K around") for line in allen["assumptions"])
    assert found["selection"]["law"] == "allen" and found["selection"]["simulations"] <= 3
    assert sum(allen["status"]["kobe"].values()) == pytest.approx(1.0)
    assert (
        len(allen["status"]["by_year"]["year"]) == len(allen["status"]["by_year"]["b_bmsy"]["median"]) == 33
    )
    with xr.open_datatree(file, engine="h5netcdf") as tree:
        assert tree["allen/posterior"]["r"].attrs["prior"] == "r around 2, within a factor of 1.2"
        median = float(np.median(tree["logistic/posterior"]["K"]))
    assert found["laws"]["logistic"]["parameters"]["K"]["median"] == pytest.approx(median)
    assert any("emcee" in line for line in found["cite"])


def test_peels_that_cannot_be_do_not_cost_the_fit():
    done = run(
        "hake-argentina-north", "--growth", "logistic", "--draws", "20", "--retrospective", "40", "--json"
    )
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["laws"]["logistic"]["retrospective"] is None
    assert any("40 peels, expected at least 1 peel and 5 years left" in line for line in found["warnings"])
    assert "warning: no retrospective of logistic" in " ".join(done.stderr.split())
