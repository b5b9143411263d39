"""`ecodecide fit`, as a user meets it."""

from __future__ import annotations

import json

import pytest
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
