"""The historical fits of Memarzadeh & Boettiger 2019, with the paper's likelihood and priors, on its printed series."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import norm

import ecodecide as eco
from ecodecide.cli import main
from ecodecide.errors import FitError
from ecodecide.fitting.process_error import fit_process_error
from ecodecide.shipped import shipped_files

SERIES = shipped_files("data/published", ".csv")["memarzadeh2019_hindcast"]

# Posterior means of r, K and sigma, K and sigma in units of the largest biomass. The paper's archived run of 2019 has
# 1.038, 1.198, .1122 and .906, 1.777, .127, on the series before they were snapped to the grid; its likelihood on the
# snapped series gives the values below, to two digits.
PUBLISHED = {"hake": (1.05, 1.18, 0.110), "plaice": (0.90, 1.79, 0.125)}


def printed(stock):
    """The series; a year that the paper leaves out has no biomass here, and any catch."""
    lines = [line for line in SERIES.read_text().splitlines() if not line.startswith("#")]
    rows = {int(row["year"]): row for row in csv.DictReader(lines) if row["stock"] == stock}
    years = np.arange(min(rows), max(rows) + 1)
    return eco.CatchHistory(
        year=years,
        catch=[float(rows[y]["catch"]) if y in rows else 0.0 for y in years],
        biomass=[float(rows[y]["biomass"]) if y in rows else np.nan for y in years],
        id=stock,
    )


@pytest.mark.parametrize("stock", PUBLISHED)
def test_the_paper_s_fits(stock):
    fitted = fit_process_error(printed(stock))
    for name, published in zip(("r", "K", "sigma"), PUBLISHED[stock], strict=True):
        assert abs(fitted.mean(name) - published) < fitted.deviation(name), name
        # the likelihood is the paper's: only rounding, and the Monte Carlo error of its chains, lie between
        assert fitted.mean(name) == pytest.approx(published, rel=0.03), name


def test_the_grid_against_importance_sampling_of_the_same_posterior():
    """A twin: prior draws weighed by the density of each transition, one after the other."""
    history, rng = printed("hake"), np.random.default_rng(0)
    seen = np.isfinite(history.biomass)
    x, h = (
        history.biomass[seen] / np.nanmax(history.biomass),
        history.catch[seen] / np.nanmax(history.biomass),
    )
    r, K, sigma = rng.uniform(0, 2, 400_000), rng.uniform(0, 2, 400_000), rng.uniform(0, 1, 400_000)
    log = np.zeros_like(r)
    for t in range(len(x) - 1):
        log += norm.logpdf(x[t + 1], x[t] + r * x[t] * (1 - x[t] / K) - min(h[t], x[t]), sigma)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    effective, fitted = 1.0 / np.sum(weight**2), fit_process_error(history)
    for name, values in (("r", r), ("K", K), ("sigma", sigma)):
        error = fitted.deviation(name) / np.sqrt(effective)
        assert abs(fitted.mean(name) - weight @ values) < 4.0 * error + 1e-3, name
        at = fitted.quantile(name, 0.9)
        assert np.sum(weight[values < at]) == pytest.approx(0.9, abs=4.0 * 0.3 / np.sqrt(effective))


def test_the_command_says_what_the_fit_is(tmp_path):
    history = printed("plaice")
    rows = [f"{y},{c},{b}" for y, c, b in zip(history.year, history.catch, history.biomass, strict=True)]
    (tmp_path / "plaice.csv").write_text("# unit: t\nyear,catch,biomass\n" + "\n".join(rows))
    asked = ["fit", str(tmp_path / "plaice.csv"), "--growth", "logistic", "--order", "recruit-first"]
    done = CliRunner().invoke(main, [*asked, "--process-error-only", "--json"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)["laws"]["logistic"]
    largest = np.nanmax(history.biomass)
    assert found["parameters"]["K"]["mean"] / largest == pytest.approx(1.79, rel=0.03)
    assert "10.1086/702704" in found["assumptions"][0]
    words = CliRunner(env={"COLUMNS": "100"}).invoke(main, [*asked, "--process-error-only"]).stdout
    assert "process error only, recruit-first" in words and "K ~ U(0, 2)" in words


def test_what_it_cannot_fit_is_said():
    with pytest.raises(FitError, match="there is no biomass"):
        fit_process_error(eco.load_history("albacore-south-atlantic"))
    with pytest.raises(
        FitError, match="3 years whose catch does not exceed the biomass, expected at least 4"
    ):
        fit_process_error(eco.CatchHistory(year=[1, 2, 3], catch=[1.0, 1.0, 2.0], biomass=[5.0, 5.0, 5.0]))
