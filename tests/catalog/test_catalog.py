"""Every published model can be loaded, cited and checked; what its file must say, and what it may leave out.

Its formula and its published figures are computed anew in tests/published/test_catalog_*.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecodecide import catalog
from ecodecide.catalog import load_model, published_models
from ecodecide.cli.models import models
from ecodecide.errors import CatalogError
from ecodecide.shipped import shipped_files
from ecodecide.stock.noise import LognormalNoise, NormalNoise

MODELS = {model.id: model for model in published_models()}
REIMPLEMENTED = "".join(
    path.read_text() for path in (Path(__file__).parents[1] / "published").glob("test_catalog_*.py")
)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_models_can_be_cited_and_have_checks(model):
    assert model.checks
    assert model.doi.startswith("10.") or (not model.doi and model.url.startswith("https://"))
    for text in (model.title, model.citation, model.source, model.unit):
        assert text.strip()
        assert "\n" not in text


@pytest.mark.parametrize("id", MODELS)
def test_every_model_is_written_out_again_from_its_paper(id):
    assert f'"{id}"' in REIMPLEMENTED


def test_the_catalog_holds_every_file_under_its_name():
    assert list(MODELS) == list(shipped_files("models", ".toml"))
    assert load_model("memarzadeh2019").stock.noise.sd == 0.15
    assert load_model("boettiger2015-allen").stock.reference_points().allee_threshold == 5.0


def test_an_unknown_name_is_met_with_close_ones():
    with pytest.raises(
        CatalogError, match=r"named 'memarzadeh'; did you mean memarzadeh2019-hake or .* or memarzadeh2019\?"
    ):
        load_model("memarzadeh")
    with pytest.raises(CatalogError, match="expected one of boettiger2015-allen, boettiger2020-bistable, "):
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
        ('unit = "K = 1"', "", r"the key 'unit' is missing"),
        ('doi = "10.1086/702704"', "", r"neither a doi nor a url; add the one"),
        ('group = "fish"', 'group = "fishes"', r"group 'fishes', expected one of bird, fish"),
        ('group = "fish"', 'group = "fish"\norder = "both"', r"order 'both', expected one of harvest-first"),
        ('group = "fish"', 'group = "fish"\nstep = "month"', r"step 'month', expected one of year"),
        ('title = "Resolving', 'title = "" # "Resolving', r"the key 'title' empty; fill it in"),
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


def test_a_model_may_lack_what_was_not_published(tmp_path, monkeypatch):
    path = tmp_path / "bare.toml"
    path.write_text(
        """
        id = "bare"
        title = "A title"
        citation = "Somebody 2000"
        url = "https://example.org"
        source = "table 1"
        group = "bird"
        unit = "birds"
        growth = {law = "ricker", r = 0.5, K = 100.0}
        checks = [{quantity = "carrying capacity", value = 100, tolerance = 1}]
        """
    )
    monkeypatch.setattr(catalog, "shipped_files", lambda folder, suffix: {"bare": path})
    model = load_model("bare")
    assert (model.order, model.step, model.group) == ("harvest-first", "year", "bird")
    left_out = (model.noise, model.survey, model.discount, model.initial, model.grid_upper, model.grid_cells)
    assert left_out == (None,) * 6
    assert model.growth(100.0) == 100.0
    with pytest.raises(CatalogError, match=r"bare was published without a noise .*ParametricStock\(model"):
        model.stock  # noqa: B018


PERFECT = "PerfectSurvey()"
# noise, survey, discount, initial biomass, end of the grid and its states, copied from the papers
DECISIONS = {
    "boettiger2015-allen": (("lognormal", 0.05, "median"), PERFECT, 0.99, 10.0, 15.0, 50),
    "boettiger2020-bistable": (("lognormal", 0.05, "mean"), PERFECT, 0.999, 20.0, 120.0, 121),
    "boettiger2020-ghost": (("lognormal", 0.05, "mean"), PERFECT, 0.999, 20.0, 120.0, 121),
    "boettiger2022-herring": (("lognormal", 0.01, "median"), None, None, 0.796, None, None),
    "boettiger2022-model-1": (("lognormal", 0.05, "mean"), PERFECT, 0.99, 6.0, 24.0, 240),
    "boettiger2022-model-2": (("lognormal", 0.075, "mean"), PERFECT, 0.99, 6.0, 24.0, 240),
    "hilborn1997-namibian-hake": (None, None, None, None, None, None),
    "lapeyrolerie2022": (None, PERFECT, None, 0.75, None, None),
    "memarzadeh2019": (("normal", 0.15), "NormalSurvey(sd=0.1)", 0.95, 8 * 2 / 99, 2.0, 100),
    "memarzadeh2019-hake": (("normal", 0.1122), "NormalSurvey(sd=0.1)", 0.95, None, 4.0, 150),
    "memarzadeh2019-plaice": (("normal", 0.127), "NormalSurvey(sd=0.1)", 0.95, None, 4.0, 150),
    "winker2018-swordfish": (("lognormal", 0.055, "median"), None, None, None, None, None),
    "zerbini2011-humpback": (None, None, None, None, None, None),
}
RECRUIT_FIRST = {
    "hilborn1997-namibian-hake",
    "memarzadeh2019-hake",
    "memarzadeh2019-plaice",
    "winker2018-swordfish",
    "zerbini2011-humpback",
}


@pytest.mark.parametrize("id", MODELS)
def test_noise_survey_and_decision_are_those_of_the_paper(id):
    model = MODELS[id]
    noise, survey, discount, initial, grid_upper, grid_cells = DECISIONS[id]
    made = {"lognormal": LognormalNoise, "normal": NormalNoise}
    assert repr(model.noise) == repr(made[noise[0]](*noise[1:]) if noise else None)
    assert repr(model.survey) == str(survey)
    assert (model.discount, model.grid_upper, model.grid_cells) == (discount, grid_upper, grid_cells)
    assert model.initial == (None if initial is None else pytest.approx(initial, rel=1e-9))
    assert model.order == ("recruit-first" if id in RECRUIT_FIRST else "harvest-first")
    assert model.step == ("generation" if id.startswith("boettiger2020") else "year")
    if noise:
        assert model.stock.growth is model.growth
        assert model.stock.noise is model.noise
        assert (model.stock.unit, model.stock.initial_biomass) == (model.unit, model.initial)


# --- ecodecide models ---


def words(text):
    return " ".join(text.split())


def test_the_list_tells_law_and_kind_of_every_model():
    done = CliRunner().invoke(models, [])
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if not line.startswith(" ")] == list(MODELS)
    assert "mammal: humpback whale (Megaptera novaeangliae), western South Atlantic" in words(done.stdout)
    assert "logistic: r = 0.39, K = 2709; no noise; unit of biomass: thousand t; recruit-first" in words(
        done.stdout
    )
    assert "one step is a generation" in words(done.stdout)


def test_cite_tells_what_to_cite_and_where_the_numbers_stand():
    done = CliRunner().invoke(models, ["--cite"])
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if not line.startswith(" ")] == list(MODELS)
    printed = words(done.stdout)
    for model in MODELS.values():
        assert f"{model.citation}: {model.title} " in printed
        assert f"doi:{model.doi} source: {model.source}" in printed or f"{model.url} source:" in printed
        for text in (model.read_in, model.comment):
            assert text in printed
    # each line has something to say
    assert not any(line.strip() in ("doi:", "read in:", "comment:") for line in done.stdout.splitlines())


def test_json_has_all_that_is_cited():
    rows = json.loads(CliRunner().invoke(models, ["--json"]).stdout)
    assert [row["id"] for row in rows] == list(MODELS)
    for row in rows:
        model = MODELS[row["id"]]
        for key in (
            "title",
            "citation",
            "doi",
            "url",
            "source",
            "read_in",
            "comment",
            "group",
            "order",
            "step",
        ):
            assert row[key] == getattr(model, key)
    assert {row["id"]: row["noise"] for row in rows}["lapeyrolerie2022"] is None
