"""Every published model is what its paper says, computed here by other means than the package's own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from ecodecide import catalog
from ecodecide.catalog import load_model, published_models
from ecodecide.errors import CatalogError
from ecodecide.shipped import shipped_files

MODELS = {model.id: model for model in published_models()}


def growth(model):
    """Return the law written out again, from the papers."""
    law = model.stock.growth
    if law.name == "logistic":
        return lambda s: s + law.r * s * (1 - s / law.K)
    if law.name == "allen":
        return lambda s: s * np.exp(law.r * (1 - s / law.K) * (s - law.C) / law.K)
    raise AssertionError(f"write out {law.name} here")


def escapement(model):
    f = growth(model)
    found = minimize_scalar(
        lambda s: s - model.discount * f(s), bounds=(0, model.grid_upper), options={"xatol": 1e-10}
    )
    return found.x


def settle(model, quota):
    f, biomass = growth(model), model.initial
    for _ in range(2000):
        biomass = f(biomass - min(quota(biomass), biomass))
    return biomass


def mortality(model):
    f, s = growth(model), escapement(model)
    return (f(s) - s) / f(s)


def root(model, low, high):
    f = growth(model)
    sign = np.sign(f(low) - low)
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.sign(f(middle) - middle) == sign else (low, middle)
    return low


def years_of_decline(model, start):
    f, biomass, years = growth(model), start, 0
    while years < 7 and f(biomass) < biomass:
        biomass, years = f(biomass), years + 1
    return years


COMPUTE = {
    "settled biomass, constant escapement": lambda m, at: settle(m, lambda y: max(y - escapement(m), 0)),
    "settled biomass, MSY rule": lambda m, at: settle(m, lambda y: mortality(m) * y),
    "settled biomass, TAC rule": lambda m, at: settle(m, lambda y: 0.8 * mortality(m) * y),
    "quota, constant escapement": lambda m, at: max(at - escapement(m), 0),
    "carrying capacity": lambda m, at: root(
        m, 0.5 * (m.stock.growth.K + m.stock.growth.C), 2 * m.stock.growth.K
    ),
    "Allee threshold": lambda m, at: root(
        m, 0.1 * m.stock.growth.C, 0.5 * (m.stock.growth.K + m.stock.growth.C)
    ),
    "years of decline without harvest": years_of_decline,
}


@pytest.mark.parametrize(
    ("model", "check"),
    [
        pytest.param(model, check, id=f"{model.id}: {check.quantity} {check.at or ''}")
        for model in MODELS.values()
        for check in model.checks
    ],
)
def test_published_figures_are_met(model, check):
    assert COMPUTE[check.quantity](model, check.at) == pytest.approx(check.value, abs=check.tolerance)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_package_has_the_same_law_as_the_paper(model):
    s = np.linspace(0.0, model.grid_upper, 41)
    np.testing.assert_allclose(model.stock.growth(s), np.maximum(growth(model)(s), 0.0), rtol=1e-12)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_models_can_be_cited_and_have_checks(model):
    assert model.checks
    assert model.doi.startswith("10.")
    for text in (model.title, model.citation, model.source, model.unit):
        assert text.strip()


def test_the_catalog_holds_every_file_under_its_name():
    assert list(MODELS) == list(shipped_files("models", ".toml"))
    assert load_model("memarzadeh2019").stock.noise.sd == 0.15
    assert load_model("boettiger2015-allen").stock.reference_points().allee_threshold == 5.0


def test_an_unknown_name_is_met_with_close_ones():
    with pytest.raises(
        CatalogError, match=r"'memarzadeh' .* did you mean memarzadeh2019\?|named 'memarzadeh'; did"
    ):
        load_model("memarzadeh")
    with pytest.raises(CatalogError, match="expected one of boettiger2015-allen, memarzadeh2019"):
        load_model("zzz")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('law = "logistic"', 'law = "gompertz"', r"growth: found law 'gompertz', expected one of logistic"),
        ('kind = "normal"', 'kind = "cauchy"', r"noise: found kind 'cauchy', expected one of lognormal"),
        ("r = 0.75", "r = -1.0", r"Logistic: r must be positive"),
        ("r = 0.75", "rate = 0.75", r"unexpected keyword argument 'rate'"),
        (
            "discount = 0.95",
            "discount = 1.05",
            r"discount 1.05, expected a factor between 0 and 1, not a rate",
        ),
        ("discount = 0.95", "", r"the key 'discount' is missing"),
        ("discount = 0.95", "discount = 0.95\ncolour = 1", r"found the key 'colour', expected some of"),
        (
            "initial = 0.1616161616",
            "initial = 3.0",
            r"initial biomass of 3.0, expected one between 0 and 2.0",
        ),
        ('id = "memarzadeh2019"', 'id = "other"', r"found the id 'other', expected 'broken'"),
        ("[growth]", "[growth", r"cannot be read"),
    ],
)
def test_a_broken_file_is_refused_with_its_name(tmp_path, monkeypatch, old, new, message):
    text = shipped_files("models", ".toml")["memarzadeh2019"].read_text()
    assert old in text
    path = tmp_path / "broken.toml"
    path.write_text(text.replace(old, new, 1))
    monkeypatch.setattr(catalog, "shipped_files", lambda folder, suffix: {"broken": path})
    with pytest.raises(CatalogError, match=r"broken\.toml.*" + message):
        load_model("broken")
