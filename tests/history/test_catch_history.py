"""The type refuses what cannot be true, and tells what it tolerates."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history import CatchHistory

YEARS = [2001, 2002, 2003, 2004]
CATCH = [20.0, 30.0, 25.0, 10.0]
BIOMASS = [100.0, 90.0, 80.0, 85.0]
nan = np.nan


def test_columns_are_read_only_floats_and_years_integers():
    catch = np.array(CATCH)
    history = CatchHistory(YEARS, catch, biomass=BIOMASS, index=[1, 2, nan, 3])
    assert history.year.dtype == np.int64
    assert history.years == (2001, 2004)
    for series in (history.year, history.catch, history.biomass, history.index["index"]):
        with pytest.raises(ValueError, match="read-only"):
            series[0] = 1
    catch[0] = 99.0  # the caller's array is neither frozen nor shared
    assert history.catch[0] == 20.0


@pytest.mark.parametrize(
    ("columns", "observed", "observations", "scale"),
    [
        ({"biomass": BIOMASS}, "biomass", ["biomass"], 100.0),
        ({"ssb": BIOMASS}, "biomass", ["ssb"], 100.0),
        ({"biomass": BIOMASS, "ssb": [9, 9, 9, 9]}, "biomass", ["biomass"], 100.0),
        ({"index": [1, 2, 3, 4]}, "index", ["index"], 30.0),
        ({"index": {"a": [1, 2, 3, 4], "b": [nan, 1, nan, 2]}}, "index", ["a", "b"], 30.0),
        ({"biomass": BIOMASS, "index": [1, 2, 3, 4]}, "biomass", ["biomass"], 100.0),
        ({}, "catch only", [], 30.0),
    ],
)
def test_what_is_observed_is_derived(columns, observed, observations, scale):
    history = CatchHistory(YEARS, CATCH, **columns)
    assert history.observed == observed
    assert list(history.observations) == observations
    assert history.scale == scale


def test_the_abundance_series_is_biomass_before_spawning_biomass():
    ssb = [50.0, 40.0, 30.0, 35.0]
    name, values = CatchHistory(YEARS, CATCH, biomass=BIOMASS, ssb=ssb).biomass_like()
    assert name == "biomass"
    np.testing.assert_array_equal(values, BIOMASS)
    name, values = CatchHistory(YEARS, CATCH, ssb=ssb).biomass_like()
    assert name == "ssb"
    np.testing.assert_array_equal(values, ssb)
    assert CatchHistory(YEARS, CATCH).biomass_like() is None


def test_catchability_is_free_unless_the_biomass_is_exploitable():
    assert not CatchHistory(YEARS, CATCH, biomass=BIOMASS).free_catchability
    assert CatchHistory(YEARS, CATCH, ssb=BIOMASS).free_catchability
    assert CatchHistory(YEARS, CATCH, index=BIOMASS).free_catchability
    assert not CatchHistory(YEARS, CATCH).free_catchability


def test_catch_above_biomass_warns_names_the_years_and_frees_the_catchability():
    text = r"mine: catch exceeds biomass in 3 years \(2001-2002, 2004\): .*index with a free catchability"
    with pytest.warns(HistoryWarning, match=text):
        history = CatchHistory(YEARS, CATCH, biomass=[19, 29, 80, 9], id="mine")
    assert history.excess_years == (2001, 2002, 2004)
    assert history.free_catchability
    assert any("catch exceeds biomass" in note for note in history.notes)


def test_catch_above_spawning_biomass_matters_only_where_it_is_the_abundance_series():
    low = [19, 29, 24, 9]
    assert CatchHistory(YEARS, CATCH, biomass=BIOMASS, ssb=low).excess_years == ()
    with pytest.warns(HistoryWarning, match="catch exceeds spawning biomass in 4 years"):
        CatchHistory(YEARS, CATCH, ssb=low)


def test_catch_only_says_what_can_be_done_and_what_cannot():
    notes = " ".join(CatchHistory(YEARS, CATCH).notes)
    assert "rules of average catch" in notes
    assert "fit, Pomdp and Gpdp need an index or a biomass" in notes


def test_the_last_catch_may_be_missing_and_no_other():
    history = CatchHistory(YEARS, [20, 30, 25, nan], biomass=BIOMASS)
    assert "the catch of 2004 is not known" in history.notes
    with pytest.raises(HistoryError, match=r"row 2 \(year 2002\), column catch: found nothing, .*write 0"):
        CatchHistory(YEARS, [20, nan, 25, 10], biomass=BIOMASS)


def test_unsorted_years_are_sorted_with_a_note():
    history = CatchHistory([2003, 2001, 2002], [3, 1, 2], biomass=[30, 10, 20], index={"a": [6, 4, 5]})
    np.testing.assert_array_equal(history.catch, [1, 2, 3])
    np.testing.assert_array_equal(history.biomass, [10, 20, 30])
    np.testing.assert_array_equal(history.index["a"], [4, 5, 6])
    assert "the years were not in order; they were sorted" in history.notes


def test_units_are_never_guessed():
    history = CatchHistory(YEARS, CATCH, biomass=BIOMASS, units={"catch": "t"})
    assert history.units == {"catch": "t", "biomass": "unknown"}
    assert any("unit is not known of biomass" in note for note in history.notes)
    assert repr(history) == "CatchHistory('custom', 2001-2004, biomass, catch in t)"


def test_assessment_output_is_declared_and_noted():
    history = CatchHistory(YEARS, CATCH, biomass=BIOMASS, observed="assessment biomass")
    assert any("cannot be estimated and has to be assumed" in note for note in history.notes)


def test_columns_without_a_value_are_dropped_with_a_note():
    history = CatchHistory(YEARS, CATCH, biomass=[nan] * 4, index=[nan] * 4, index_se=[0.1] * 4)
    assert history.biomass is None
    assert history.index is None
    assert history.index_se is None
    assert history.observed == "catch only"
    assert "no value in biomass, index: ignored" in history.notes


def test_masked_values_are_missing():
    masked = np.ma.masked_array([100.0, -999.0, 80.0, 85.0], mask=[False, True, False, False])
    assert np.isnan(CatchHistory(YEARS, CATCH, biomass=masked).biomass[1])


def test_an_unharvested_stock_is_a_history():
    history = CatchHistory(YEARS, [0, 0, 0, 0], biomass=BIOMASS)
    assert "nothing was ever caught" in history.notes


def test_a_history_survives_pickling():
    history = pickle.loads(pickle.dumps(CatchHistory(YEARS, CATCH, index={"a": BIOMASS})))
    np.testing.assert_array_equal(history.index["a"], BIOMASS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"year": [2001, 2002, 2004, 2005]},
            r"row 3, column year: found 2004 after 2002, expected 2003; add",
        ),
        (
            {"year": [2001, 2002, 2002, 2003]},
            r"row 3, column year: found 2002 a second time, expected it once",
        ),
        ({"year": [2001, 2002, 2002.5, 2003]}, r"row 3, column year: found 2002.5, expected a whole year"),
        ({"year": [2001, nan, 2003, 2004]}, r"row 2, column year: found nothing, expected a year"),
        ({"year": [2001], "catch": [1]}, r"found 1 row, expected at least 2 years"),
        ({"year": [], "catch": []}, r"found 0 rows, expected at least 2 years"),
        (
            {"catch": [1, -5, 1, 1]},
            r"row 2 \(year 2002\), column catch: found -5, expected a finite number of",
        ),
        ({"catch": [1, np.inf, 1, 1]}, r"row 2 \(year 2002\), column catch: found inf, expected a finite"),
        ({"catch": [1, 1, 1]}, r"catch has 3 values and year has 4; give one value per year"),
        ({"catch": [1, "abc", 1, 1]}, r"catch: found 'abc', expected one number per year"),
        ({"catch": 7}, r"catch: found an array of shape \(\), expected one number per year"),
        ({"catch": [0, 0, 0, 0]}, r"catch is 0 in every year and there is no biomass"),
        ({"catch": [0, 0, 0, 0], "index": [1, 1, 1, 1]}, r"catch is 0 in every year and there is no biomass"),
        (
            {"biomass": [1e3, -1, 1e3, 1e3]},
            r"row 2 \(year 2002\), column biomass: found -1, expected a finite",
        ),
        ({"biomass": [0, 0, 0, 0]}, r"column biomass is 0 in every year"),
        ({"biomass": [1, 2]}, r"biomass has 2 values and year has 4"),
        (
            {"index": [1, 0, 1, 1]},
            r"column index: found 0, expected a finite number above 0; .*leave it blank",
        ),
        ({"index": {"a": [1, -1, 1, 1]}}, r"column index_a: found -1, expected a finite number above 0"),
        ({"index": {"se": [1, 1, 1, 1]}}, r"an index is named 'se', which reads as a standard error"),
        ({"index_se": [1, 1, 1, 1]}, r"there is a column index_se but no column index"),
        ({"index": {"a": CATCH}, "index_se": {"b": CATCH}}, r"a column index_se_b but no column index_b"),
        ({"index": CATCH, "index_se": [0.1, 0, 0.1, 0.1]}, r"column index_se: found 0, expected .* above 0"),
        ({"index": CATCH, "index_se": [0.1, nan, 0.1, 0.1]}, r"row 2 .*index_se: found nothing, .* value 30"),
        ({"units": {"weight": "t"}}, r"units has the key 'weight', expected some of catch, biomass"),
        ({"units": "t"}, r"units is 't', expected a mapping"),
        ({"observed": "survey"}, r"observed is 'survey', expected one of assessment biomass"),
        (
            {"observed": "index"},
            r"observed is 'index', which the columns do not bear out; expected 'catch only'",
        ),
    ],
)
def test_refusals_name_the_place_what_was_found_and_what_is_expected(arguments, message):
    with pytest.raises(HistoryError, match=message) as caught:
        CatchHistory(**{"year": YEARS, "catch": CATCH, **arguments})
    assert "\n" not in str(caught.value)
