"""The shipped histories are complete, and found by name."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history import load_history, shipped_histories
from ecodecide.shipped import shipped_files

# id: years, number of catches and what is observed, catch of the first year, last value of the last column
SHIPPED = {
    "albacore-south-atlantic": ((1967, 1989), "index", 15.9, 21.91),
    "anchoveta-peru": ((1953, 2019), "assessment biomass", 64000, None),
    "cod-northern-newfoundland": ((1962, 1992), "assessment biomass", 502800, 22000),
    "flathead-tiger-australia": ((1915, 2012), "catch only", 446.988, None),
    "hake-argentina-north": ((1986, 2018), "assessment biomass", 196008, 170125),
    "hake-namibia": ((1965, 1988), "index", 93.51, 0.63),
    "herring-north-sea": ((1950, 2019), "assessment biomass", 491700, 3243613),
    "herring-norwegian-spring": ((1950, 1996), "assessment biomass", 933000, 5557589),
    "lobster-new-zealand": ((1945, 1990), "index", 809, 0.54),
    "plaice-north-sea": ((1957, 2019), "assessment biomass", 78443.36, None),
    "sardine-japan-pacific": ((1975, 2019), "assessment biomass", 430000, 3415000),
    "sole-irish-sea": ((1970, 2014), "assessment biomass", 1785, 1024),
    "swordfish-south-atlantic": ((1950, 2015), "index", 100, None),
    "yellowfin-eastern-pacific": ((1934, 1955), "index", 60913, 7.895148),
}
EXCESS = {
    "anchoveta-peru": (1987, 1993, 1999),
    "cod-northern-newfoundland": (1975, 1976, 1977, 1978, 1979, 1990, 1991, 1992),
    "herring-norwegian-spring": (1967, 1968, 1970, 1971, 1972),
}


def load(name):
    with pytest.warns(HistoryWarning) if name in EXCESS else contextlib.nullcontext():
        return load_history(name)


def test_every_file_is_listed_under_its_name():
    assert (
        [summary.id for summary in shipped_histories()]
        == list(shipped_files("data", ".csv"))
        == list(SHIPPED)
    )


@pytest.mark.parametrize("summary", shipped_histories(), ids=lambda summary: summary.id)
def test_summaries_agree_with_the_histories(summary):
    history = load(summary.id)
    assert (summary.years, summary.observed) == SHIPPED[summary.id][:2]
    assert (summary.years, summary.observed) == (history.years, history.observed)
    assert summary.units == history.units
    for text in (summary.species, summary.region, summary.source, summary.license):
        assert text.strip()
    assert history.source == summary.source
    assert history.license == summary.license
    assert history.origin == "shipped"


@pytest.mark.parametrize("name", SHIPPED)
def test_units_are_known_and_nothing_had_to_be_tolerated(name):
    history = load(name)
    assert history.id == name
    assert "unknown" not in history.units.values()
    assert history.remarks == ()
    assert history.excess_years == EXCESS.get(name, ())
    _, _, first_catch, last = SHIPPED[name]
    assert history.catch[0] == first_catch
    if last is not None:
        assert next(iter(history.observations.values()))[-1] == last


def test_only_series_that_end_with_a_survey_lack_their_last_catch():
    unknown = [name for name in SHIPPED if np.isnan(load(name).catch[-1])]
    assert unknown == ["herring-north-sea", "plaice-north-sea"]


def test_overlapping_indices_have_their_standard_errors():
    history = load("swordfish-south-atlantic")
    assert list(history.index) == ["BRA_LL2", "SPA_LL1", "SPA_LL2", "JPN_LL1", "JPN_LL2", "URU_LL", "SA_LL"]
    assert list(history.index_se) == list(history.index)
    assert history.index["JPN_LL2"][-1] == 1.007
    assert history.index_se["JPN_LL2"][-1] == 0.03647934


def test_spawning_biomass_is_not_called_biomass():
    for name in ("cod-northern-newfoundland", "herring-norwegian-spring"):
        history = load(name)
        assert history.biomass is None
        assert history.biomass_like()[0] == "ssb"
        assert history.free_catchability


def test_effort_is_kept():
    history = load("yellowfin-eastern-pacific")
    assert history.effort[0] == 5879
    assert history.units["effort"] == "standard clipper days"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cod", r"no history is named 'cod'.*did you mean cod-northern-newfoundland\?.*`ecodecide stocks`"),
        ("hake-argentina", r"did you mean hake-argentina-north"),
        ("Plaice-North-Sea", r"did you mean plaice-north-sea"),
        ("herrring-north-sea", r"did you mean herring-north-sea"),
        ("zzz", r"no history is named 'zzz', and there is no such file; `ecodecide stocks` lists"),
        ("", r"no history is named ''"),
        ("missing.csv", r"missing.csv was not found; check the path"),
        ("no/such/file", r"file was not found; check the path"),
    ],
)
def test_unknown_names_are_met_with_close_ones(name, message):
    with pytest.raises(HistoryError, match=message):
        load_history(name)


def test_a_path_is_read_as_a_file(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("year,catch,biomass\n2001,1,10\n2002,2,11\n")
    for given in (path, str(path)):
        history = load_history(given)
        assert history.id == "mine"
        assert history.origin == str(path)
