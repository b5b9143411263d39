"""Tables of other tools: what is in them is taken as it is, what is not is asked for, and nothing is joined."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import math
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history import CatchHistory, load_history, read_history_csv, shipped_histories
from ecodecide.history.foreign import FORMATS, read_foreign
from ecodecide.history.write_csv import write_history_csv

LONG_HEADER = "assessid,stockid,stocklong,tsid,tsyear,tsvalue"


def long_rows(
    series: dict[str, dict[int, object]],
    stock: str = "COD2J3KL",
    assessment: str = "DFO-COD-2011",
    name: str = "Atlantic cod",
) -> list[str]:
    return [
        f"{assessment},{stock},{name},{tsid},{year},{value}"
        for tsid, values in series.items()
        for year, value in values.items()
    ]


def save(folder: Path, text: str | bytes, name: str = "timeseries.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def save_long(folder: Path, *rows: list[str], header: str = LONG_HEADER) -> Path:
    return save(folder, "\n".join([header, *(row for part in rows for row in part)]) + "\n")


def refusal(*arguments: object, **options: object) -> str:
    with pytest.raises(HistoryError) as caught:
        read_foreign(*arguments, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


CATCH = {2001: 20, 2002: 25.5, 2003: 30}
TOTAL = {2001: 100, 2002: 90, 2003: 80}
SPAWNING = {2000: 60, 2001: 50, 2002: 40, 2003: 35}
OTHER = long_rows(
    {"TB-MT": {2001: 1, 2002: 2}, "TC-MT": {2001: 1, 2002: 1}}, "COD3M", "A2", "cod Flemish Cap"
)


# --- RAM, long ---


def test_ram_takes_the_stock_that_was_named_and_no_other(tmp_path):
    path = save_long(tmp_path, OTHER, long_rows({"TB-MT": TOTAL, "SSB-MT": SPAWNING, "TC-MT": CATCH}), OTHER)
    with pytest.raises(HistoryError, match="a second time"):  # OTHER is there twice
        read_foreign(path, "ram", "COD3M")
    history = read_foreign(path, "ram", "COD2J3KL")
    np.testing.assert_array_equal(history.year, [2001, 2002, 2003])
    np.testing.assert_array_equal(history.catch, [20, 25.5, 30])
    np.testing.assert_array_equal(history.biomass, [100, 90, 80])
    assert history.ssb is None
    assert history.id == "COD2J3KL"
    assert history.observed == "assessment biomass"
    assert history.units == {"catch": "t", "biomass": "t"}
    assert "10.1111/j.1467-2979.2011.00435.x" in history.source
    assert history.source.endswith("assessment DFO-COD-2011")
    assert history.note == "Atlantic cod"


def test_ram_spawning_biomass_where_there_is_no_total(tmp_path):
    path = save_long(tmp_path, long_rows({"SSB-MT": SPAWNING, "TL-MT": CATCH}))
    history = read_foreign(path, "ram", "COD2J3KL")
    assert history.biomass is None
    np.testing.assert_array_equal(history.ssb, [50, 40, 35])
    assert history.observed == "assessment biomass"
    assert "TL-MT read as catch; landings, discards are not in them" in history.notes
    assert "left out, without a catch: 2000" in history.notes


def test_ram_total_biomass_is_never_continued_by_spawning_biomass(tmp_path):
    path = save_long(
        tmp_path, long_rows({"TB-MT": {2002: 90}, "SSB-MT": SPAWNING, "TC-MT": CATCH, "TL-MT": {2004: 9}})
    )
    history = read_foreign(path, "ram", "COD2J3KL")
    np.testing.assert_array_equal(history.biomass, [np.nan, 90, np.nan])
    assert history.ssb is None
    assert history.years == (2001, 2003)  # nor is the catch continued by the landings


def test_ram_several_assessments_are_asked_about_and_never_joined(tmp_path):
    late = {2003: 70, 2004: 60}
    path = save_long(
        tmp_path,
        long_rows({"TB-MT": TOTAL, "TC-MT": CATCH}, assessment="OLD-1999"),
        long_rows({"TB-MT": late, "TC-MT": {2003: 31, 2004: 32}}, assessment="NEW-2010"),
    )
    message = refusal(path, "ram", "COD2J3KL")
    assert "found 2 assessments (OLD-1999, NEW-2010), expected one; give assessment (--assess" in message
    assert "none is 'NEWER'" in refusal(path, "ram", "COD2J3KL", assessment="NEWER")
    history = read_foreign(path, "ram", "COD2J3KL", assessment="NEW-2010")
    np.testing.assert_array_equal(history.biomass, [70, 60])
    np.testing.assert_array_equal(history.catch, [31, 32])


@pytest.mark.parametrize(
    ("stock", "words"),
    [
        (
            None,
            "no stock was chosen of 2; it has: COD2J3KL (Atlantic cod), COD3M (cod Flemish Cap)",
        ),
        ("COD2J3K", "no stock 'COD2J3K' is in it; close to it: COD2J3KL (Atlantic cod)"),
        ("flemish", "close to it: COD3M (cod Flemish Cap); give the stockid"),
        ("herring", "no stock 'herring' is in it; it has: COD2J3KL"),
    ],
)
def test_ram_asks_for_the_stock(tmp_path, stock, words):
    path = save_long(tmp_path, long_rows({"TB-MT": TOTAL, "TC-MT": CATCH}), OTHER)
    message = refusal(path, "ram", stock)
    assert message.startswith("timeseries.csv: ")
    assert words in message


def test_ram_one_stock_in_the_file_is_asked_for_too(tmp_path):
    path = save_long(tmp_path, OTHER)
    assert "no stock was chosen of 1; it has: COD3M" in refusal(path, "ram")


def test_ram_units_are_tonnes_or_made_so(tmp_path):
    path = save_long(tmp_path, long_rows({"TB-E03MT": {2001: 1.5, 2002: 2}, "TC-MT": {2001: 100, 2002: 200}}))
    history = read_foreign(path, "ram", "COD2J3KL")
    np.testing.assert_array_equal(history.biomass, [1500, 2000])
    np.testing.assert_array_equal(history.catch, [100, 200])
    assert history.units == {"catch": "t", "biomass": "t"}
    assert "TB-E03MT read as biomass, times 1,000" in history.notes


def test_ram_an_unknown_unit_is_asked_for(tmp_path):
    path = save_long(tmp_path, long_rows({"TB-relative": TOTAL, "TC-MT": CATCH}))
    message = refusal(path, "ram", "COD2J3KL")
    assert "the unit of TB-relative is 'relative', expected MT" in message
    assert "--units biomass=t" in message
    history = read_foreign(path, "ram", "COD2J3KL", units={"biomass": "thousand t"})
    np.testing.assert_array_equal(history.biomass, [100e3, 90e3, 80e3])
    path = save_long(tmp_path, long_rows({"TB-MT": TOTAL, "TC": CATCH}))
    assert "the unit of TC is not told" in refusal(path, "ram", "COD2J3KL")
    assert read_foreign(path, "ram", "COD2J3KL", units={"catch": "t"}).units["catch"] == "t"


def test_ram_a_unit_that_contradicts_the_table_is_refused(tmp_path):
    path = save_long(tmp_path, long_rows({"TB-E03MT": TOTAL, "TC-MT": CATCH}))
    message = refusal(path, "ram", "COD2J3KL", units={"biomass": "t"})
    assert "the unit of TB-E03MT is E03MT and 't' was given" in message
    read_foreign(path, "ram", "COD2J3KL", units={"biomass": "thousand t", "catch": "t"})


def test_ram_numbers_are_no_biomass(tmp_path):
    path = save_long(tmp_path, long_rows({"TB-E00": TOTAL, "TC-MT": CATCH}))
    assert (
        "no biomass: TB-E00 is in numbers (E00), which have no weight: not used; expected TBbest"
        in refusal(path, "ram", "COD2J3KL")
    )
    path = save_long(tmp_path, long_rows({"TB-MT": TOTAL, "TC-E00": CATCH}))
    assert "no catch: TC-E00 is in numbers" in refusal(path, "ram", "COD2J3KL")
    path = save_long(tmp_path, long_rows({"TB-E03": TOTAL, "SSB-MT": SPAWNING, "TC-MT": CATCH}))
    history = read_foreign(path, "ram", "COD2J3KL")
    assert history.biomass is None
    assert any("TB-E03 is in numbers" in note for note in history.notes)


def test_ram_numbered_alternatives_are_not_joined(tmp_path):
    rows = long_rows({"TB-1-MT": {2001: 1, 2002: 1}, "TB-MT": TOTAL, "TC-MT": CATCH})
    history = read_foreign(save_long(tmp_path, rows), "ram", "COD2J3KL")
    np.testing.assert_array_equal(history.biomass, [100, 90, 80])
    assert "TB-MT taken; not used: TB-1-MT" in history.notes
    rows = long_rows({"TB-1-MT": TOTAL, "TB-2-MT": TOTAL, "TC-MT": CATCH})
    assert "found the series TB-1-MT, TB-2-MT, expected one of TB" in refusal(
        save_long(tmp_path, rows), "ram", "COD2J3KL"
    )


def test_ram_catch_alone_is_a_history(tmp_path):
    history = read_foreign(save_long(tmp_path, long_rows({"TC-MT": CATCH})), "ram", "COD2J3KL")
    assert history.observed == "catch only"


def test_ram_the_year_after_the_last_catch_is_kept(tmp_path):
    path = save_long(tmp_path, long_rows({"TB-MT": TOTAL | {2004: 70, 2005: 60}, "TC-MT": CATCH}))
    history = read_foreign(path, "ram", "COD2J3KL")
    np.testing.assert_array_equal(history.biomass, [100, 90, 80, 70])
    assert np.isnan(history.catch[-1])
    assert "left out, without a catch: 2005" in history.notes


def test_ram_a_year_without_catch_has_its_place_named(tmp_path):
    path = save_long(tmp_path, long_rows({"TB-MT": TOTAL, "TC-MT": {2001: 1, 2002: "NA", 2003: 3}}))
    message = refusal(path, "ram", "COD2J3KL")
    assert message.startswith("timeseries.csv, row 6, year 2002, column TC-MT: found nothing")
    path = save_long(tmp_path, long_rows({"TB-MT": TOTAL, "TC-MT": {2001: 1, 2003: 3}}))
    assert "timeseries.csv, year 2002, column TC-MT: found nothing" in refusal(path, "ram", "COD2J3KL")
    path = save_long(tmp_path, long_rows({"TB-MT": {1990: 5, 1991: 6}, "TC-MT": CATCH}))
    assert "TB-MT (1990-1991) and the catch (2001-2003) share no year" in refusal(path, "ram", "COD2J3KL")


# --- RAM, wide ---

WIDE = """stockid,stocklong,year,TBbest,TCbest,TB,SSB,TC,TL
COD,Atlantic cod,2001,100,20,NA,50,21,19
COD,Atlantic cod,2002,90,25,NA,45,26,24
HERR,herring,2001,1,1,1,1,1,1
"""
UNITS = """stockid,stocklong,TBbest,TCbest,TB,SSB,TC,TL
COD,Atlantic cod,MT,MT,NA,MT,MT,MT
HERR,herring,MT,MT,MT,E00,MT,MT
"""


def test_ram_wide_joins_the_units_beside_it(tmp_path):
    path = save(tmp_path, WIDE, "timeseries_values_views.csv")
    assert "the unit of TCbest is not told" in refusal(path, "ram", "COD")
    save(tmp_path, UNITS, "timeseries_units_views.csv")
    history = read_foreign(path, "ram", "COD")
    np.testing.assert_array_equal(history.catch, [20, 25])
    np.testing.assert_array_equal(history.biomass, [100, 90])
    assert history.units == {"catch": "t", "biomass": "t"}


def test_ram_wide_takes_the_series_whose_unit_is_told(tmp_path):
    path = save(tmp_path, WIDE, "my.csv")
    units = save(tmp_path, "stockid,SSB,TC\nCOD,E03MT,MT\n", "units.csv")
    message = refusal(path, "ram", "COD", unit_table=units)
    assert "the unit of TBbest is not told" in message  # spawning biomass does not stand in for it
    history = read_foreign(path, "ram", "COD", unit_table=units, units={"biomass": "t"})
    np.testing.assert_array_equal(history.catch, [21, 26])
    assert "found 0 rows of the stock HERR" in refusal(path, "ram", "HERR", unit_table=units)
    assert "found no column assessid" in refusal(path, "ram", "COD", assessment="A")


# --- JABBA ---

CATCH_TABLE = "Year,Longline,Trawl\n1990,10,1.5\n1991,12,0\n1992,8,2\n"
CPUE_TABLE = "Year,Spring,Autumn (kg)\n1990,,0.9\n1991,1.2,\n1992,1.1,0.8\n"
SE_TABLE = "Year,Spring,Autumn (kg)\n1990,0.2,0.3\n1991,0.25,\n1992,0.2,0.35\n"


def save_jabba(folder: Path, catch=CATCH_TABLE, cpue=CPUE_TABLE, se=SE_TABLE):
    files = {"cpue": save(folder, cpue, "cpue.csv"), "se": save(folder, se, "se.csv")}
    return save(folder, catch, "catch.csv"), files


def test_jabba_adds_up_fleets_and_pairs_indices_with_their_errors(tmp_path):
    path, files = save_jabba(tmp_path)
    history = read_foreign(path, "jabba", **files)
    np.testing.assert_array_equal(history.catch, [11.5, 12, 10])
    assert list(history.index) == ["Spring", "Autumn_kg"]
    np.testing.assert_array_equal(history.index["Spring"], [np.nan, 1.2, 1.1])
    np.testing.assert_array_equal(history.index_se["Autumn_kg"], [0.3, np.nan, 0.35])
    assert history.observed == "index"
    assert history.units["catch"] == "unknown"
    assert "catch added up over 2 fleets: Longline, Trawl" in history.notes
    assert "index 'Autumn (kg)' read as 'Autumn_kg'" in history.notes
    assert read_foreign(path, "jabba", units={"catch": "t"}).observed == "catch only"


def test_jabba_agrees_with_a_plain_reading(tmp_path):
    rng = np.random.default_rng(5)
    years, fleets, indices = range(1970, 1990), 4, 3
    rows = {"catch": [], "cpue": [], "se": []}
    for year in years:
        rows["catch"].append([year, *rng.uniform(0, 100, fleets)])
        seen = rng.random(indices) < 0.6
        rows["cpue"].append([year, *np.where(seen, rng.uniform(0.1, 2, indices), np.nan)])
        rows["se"].append([year, *np.where(seen, rng.uniform(0.1, 0.5, indices), np.nan)])
    files = {}
    for name, values in rows.items():
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["Year", *(f"c{i}" for i in range(len(values[0]) - 1))])
        writer.writerows([["" if math.isnan(v) else repr(float(v)) for v in row] for row in values])
        files[name] = save(tmp_path, out.getvalue(), f"{name}.csv")
    history = read_foreign(files["catch"], "jabba", cpue=files["cpue"], se=files["se"])
    # the sum is exact, NumPy's is rounded: four terms, a few units in the last place
    np.testing.assert_allclose(history.catch, [sum(row[1:]) for row in rows["catch"]], rtol=1e-15)
    for i in range(indices):
        np.testing.assert_array_equal(history.index[f"c{i}"], [row[i + 1] for row in rows["cpue"]])
        np.testing.assert_array_equal(history.index_se[f"c{i}"], [row[i + 1] for row in rows["se"]])


@pytest.mark.parametrize(
    ("table", "text", "words"),
    [
        (
            "catch",
            "1990,10,",
            "catch.csv, row 2, column Trawl: found nothing beside the catch of other fleets",
        ),
        ("catch", "1990,10,-1", "catch.csv, row 2, column Trawl: found -1, expected a number of at least 0"),
        ("catch", "1990.5,10,1", "catch.csv, row 2, column Year: found 1990.5, expected a whole year"),
        ("catch", "1990,1e,1", "catch.csv, row 2, column Longline: found '1e', expected a number"),
        ("catch", "1990,10", "catch.csv, row 2: found 2 fields, expected 3 as in the header"),
        ("catch", "1991,10,1", "catch.csv, row 3, column Longline: found the year 1991 a second time"),
        (
            "cpue",
            "1980,3,0.9",
            "cpue.csv, row 2, column Spring: found a value in 1980, which has no row in the",
        ),
        (
            "cpue",
            "1990,0,0.9",
            "cpue.csv, row 2, year 1990, column Spring: found 0, expected a finite number abo",
        ),
        (
            "se",
            "1990,0.2,",
            "se.csv, row 2, year 1990, column Autumn (kg): found nothing, expected the standard",
        ),
    ],
)
def test_jabba_refusals_name_the_place(tmp_path, table, text, words):
    tables = {"catch": CATCH_TABLE, "cpue": CPUE_TABLE, "se": SE_TABLE}
    lines = tables[table].split("\n")
    tables[table] = "\n".join([lines[0], text, *lines[2:]])
    path, files = save_jabba(tmp_path, **tables)
    assert refusal(path, "jabba", **files).startswith(words)


def test_jabba_nothing_is_lost_by_a_name(tmp_path):
    path, files = save_jabba(tmp_path, se=SE_TABLE.replace("Spring", "Sprng"))
    message = refusal(path, "jabba", **files)
    assert (
        "se.csv: the column 'Sprng' is the error of no index; expected some of Spring, Autumn (kg)" in message
    )
    path, files = save_jabba(tmp_path, se="Year,Spring\n1990,\n1991,0.1\n1992,0.2\n")
    history = read_foreign(path, "jabba", **files)
    assert list(history.index_se) == ["Spring"]
    assert "index 'Autumn (kg)' has no standard error" in history.notes
    path, files = save_jabba(tmp_path, cpue="Year,Spring\n1990,1\n1991,1\n1992,1\n")
    assert "the column 'Autumn (kg)' is the error of no index" in refusal(path, "jabba", **files)
    path, files = save_jabba(tmp_path, catch=CATCH_TABLE.replace("Year", "When"))
    assert "catch.csv, row 1: no column Year; found When, Longline, Trawl; expected" in refusal(path, "jabba")
    path, _ = save_jabba(tmp_path, catch=CATCH_TABLE.replace("Trawl", "Total"))
    assert "the column 'Total' stands beside 1 others and fleets are added up" in refusal(path, "jabba")
    assert "standard errors without indices" in refusal(path, "jabba", se=files["se"])


@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_row_numbers_are_not_a_fleet(tmp_path, name):
    lines = CATCH_TABLE.strip().split("\n")
    text = "\n".join([f"{name},{lines[0]}", *(f"{i},{line}" for i, line in enumerate(lines[1:], 1))])
    assert "catch.csv, row 1: column 1 has values and no name" in refusal(
        save(tmp_path, text, "catch.csv"), "jabba"
    )


def test_an_index_whose_name_begins_like_a_standard_error(tmp_path):
    path, files = save_jabba(
        tmp_path, cpue=CPUE_TABLE.replace("Spring", "seine"), se=SE_TABLE.replace("Spring", "Seine")
    )
    history = read_foreign(path, "jabba", **files)
    assert list(history.index) == list(history.index_se) == ["seine", "Autumn_kg"]
    np.testing.assert_array_equal(history.index["seine"], [np.nan, 1.2, 1.1])
    write_history_csv(history, tmp_path / "out.csv")
    check_same(history, read_history_csv(tmp_path / "out.csv"))


# --- SPiCT ---


def test_spict(tmp_path):
    path = save(tmp_path, "time,catch,index\n1967,15.9,61.89\n1968,25.7,78.98\n1969,28.5,\n", "albacore.csv")
    history = read_foreign(path, "spict", units={"catch": "thousand t"})
    np.testing.assert_array_equal(history.catch, [15.9, 25.7, 28.5])
    np.testing.assert_array_equal(history.index["index"], [61.89, 78.98, np.nan])
    assert history.id == "albacore"
    assert history.units == {"catch": "thousand t", "index": "unknown"}
    assert history.remarks == ()


def test_spict_names_of_its_list_and_several_indices(tmp_path):
    text = "timeC;obsC;obsI1;obsI 2;se_1;depth\n2001;1,5;2;3,25;0,1;7\n2002;2;2,5;;0,2;8\n"
    history = read_foreign(save(tmp_path, text), "spict")
    np.testing.assert_array_equal(history.catch, [1.5, 2])
    assert list(history.index) == ["1", "2"]
    np.testing.assert_array_equal(history.index["2"], [3.25, np.nan])
    np.testing.assert_array_equal(history.index_se["1"], [0.1, 0.2])
    for words in ("'obsI1' read as index_1", "unknown columns ignored: depth", "commas were read as decimal"):
        assert any(words in note for note in history.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "time,catch,index\n2001.25,1,2\n",
            "row 2, column time: found 2001.25, expected a whole year such as 2001",
        ),
        (
            "time,catch\n2001,1\n2002,1\n",
            "row 1: no index; found time, catch; expected time, catch and index",
        ),
        ("when,catch,index\n2001,1,1\n", "row 1: no column time; found when, catch, index; expected time"),
        ("time,yield,index\n2001,1,1\n", "row 1: no column catch; found time, yield, index"),
        ("time,catch,index,obsI\n2001,1,1,1\n", "row 1: two columns both mean index, expected one"),
        ("time,Catch,catch,index\n2001,1,1,1\n", "row 1: the columns 'Catch' and 'catch' both mean catch"),
        (
            "time;catch;index\n2001;1,5;1.5\n",
            "row 2, column index: found '1.5', expected the other decimal mark",
        ),
        ('time,catch,index\n2001,"1,5",1\n', "row 2, column catch: found '1,5', expected a number"),
        ("time,catch,index\n2001,-1,1\n2002,1,1\n", "row 2, year 2001, column catch: found -1"),
        ("time,catch,index\n2001,1e999,1\n2002,1,1\n", "row 2, year 2001, column catch: found inf"),
        ('time,catch,index\n2001,"1\n', "row 2: found a line that cannot be split into fields"),
        ("time,catch,index\n2001,1,1\n2003,1,1\n", "row 3, the year: found 2003 after 2001, expected 2002"),
        ("time,catch,index\n,1,1\n", "row 2, column time: found nothing, expected a year"),
    ],
)
def test_spict_refusals_name_the_place(tmp_path, text, words):
    assert refusal(save(tmp_path, text), "spict").startswith(f"timeseries.csv, {words}")


def test_the_reason_why_a_part_of_a_year_is_refused(tmp_path):
    path = save(tmp_path, "time,catch,index\n2001.25,1,2\n")
    assert "add up the catch of parts of a year, and move an index to the start" in refusal(path, "spict")


def test_marks_that_might_be_thousands_warn(tmp_path):
    path = save(tmp_path, "time;catch;index\n2001;1,500;1\n2002;1,250;2\n")
    with pytest.warns(HistoryWarning, match="1,500 was read as 1.5, but every decimal mark might be"):
        read_foreign(path, "spict")


# --- MSEtool ---

DATA = """Name,Cobia Gulf
Common name,Cobia
Species,Rachycentron canadum
Region,Gulf of Mexico
Year,2001,2002,2003,
Catch,10,12.5,11,
CV Catch,0.2,,,
abundance_index,1.1,NA,0.9,
CV Abundance index,0.5,,,
Units,metric tonnes
LHYear,2003
"""


def test_msetool(tmp_path):
    history = read_foreign(save(tmp_path, DATA, "Cobia.csv"), "msetool")
    assert history.id == "Cobia Gulf"
    assert (history.species, history.region) == ("Rachycentron canadum", "Gulf of Mexico")
    assert history.units == {"catch": "t", "index": "unknown"}
    np.testing.assert_array_equal(history.year, [2001, 2002, 2003])
    np.testing.assert_array_equal(history.catch, [10, 12.5, 11])
    np.testing.assert_array_equal(history.index["index"], [1.1, np.nan, 0.9])
    # a lognormal of log-sd s has the coefficient of variation sqrt(exp(s^2) - 1)
    np.testing.assert_allclose(np.sqrt(np.expm1(history.index_se["index"] ** 2)), 0.5, rtol=1e-12)
    for words in (
        "row 'abundance_index' read as Abundance index",
        "rows not used: Common name, CV Catch, LHYear",
        "the one value of CV Abundance index holds for all years",
    ):
        assert words in history.notes


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Year,2001", "Years,2001", "timeseries.csv: no row Year; found Name, Species"),
        (
            "Year,2001,2002,2003",
            "Year,,NA,",
            "timeseries.csv, row 5, column Year: found no value, expected years",
        ),
        ("Catch,10", "Landings,10", "timeseries.csv: no row Catch; found Name"),
        (
            "11,\nCV Catch",
            "11,9\nCV Catch",
            "timeseries.csv, row 6, column 5 (Catch): found '9' in a column without",
        ),
        ("Catch,10", "Catch,ten", "timeseries.csv, row 6, column Catch: found 'ten', expected a number"),
        ("LHYear,2003", "catch,1,2,3", "timeseries.csv, row 11: found the key 'catch' a second time"),
        (
            "CV Abundance index,0.5",
            "CV Abundance index,-0.5",
            "timeseries.csv, row 9, column CV Abundance index",
        ),
    ],
)
def test_msetool_refusals_name_the_place(tmp_path, old, new, words):
    assert old in DATA
    assert refusal(save(tmp_path, DATA.replace(old, new)), "msetool").startswith(words)


def test_msetool_a_unit_that_contradicts_the_file(tmp_path):
    path = save(tmp_path, DATA)
    assert "'metric tonnes' in the row Units and 'kg' was given" in refusal(
        path, "msetool", units={"catch": "kg"}
    )
    assert read_foreign(path, "msetool", units={"catch": "t"}).units["catch"] == "t"


# --- every format ---


def test_spelling_of_columns_is_tolerated_and_told(tmp_path):
    rows = long_rows({"TB-MT": TOTAL, "TC-MT": CATCH})
    path = save_long(tmp_path, rows, header="Assess ID,STOCK_ID,stocklong,tsid,ts.year,TsValue")
    history = read_foreign(path, "ram", "cod2j3kl")
    np.testing.assert_array_equal(history.biomass, [100, 90, 80])
    for words in (
        "'STOCK_ID' read as stockid",
        "'ts.year' read as tsyear",
        "stock 'cod2j3kl' read as 'COD2J3KL'",
    ):
        assert any(words in note for note in history.notes)


@pytest.mark.parametrize("column", ["assessid", "stockid", "tsyear", "tsvalue"])
def test_a_renamed_column_is_an_error_with_what_was_found(tmp_path, column):
    path = save_long(tmp_path, OTHER, header=LONG_HEADER.replace(column, "renamed"))
    message = refusal(path, "ram", "COD3M")
    assert message.startswith(f"timeseries.csv, row 1: no column {column}; found ")
    assert "renamed" in message
    assert "expected the columns assessid, stockid, tsid, tsyear and tsvalue" in message


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("ram.xlsx", b"PK\x03\x04", "found a broken workbook (File is not a zip file), expected one that a"),
        ("ram.csv", b"PK\x03\x04\x00", "found a broken workbook"),
        (
            "ram.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1",
            "found a workbook of the old kind (.xls) or with a password",
        ),
        ("ram.RData", b"RDX3\n", "found R data that cannot be read (Unknown file format), expected what"),
        ("ram.RData", b"RDA3\nA\n3\n", "found R data that cannot be read ("),
        ("ram.dat", b"\x1f\x8b\x08\x00", "found a packed file, expected text, .xlsx or .RData; unpack it"),
        ("ram.csv.gz", gzip.compress(b"stockid,year\n"), "found a packed file"),
        ("ram.csv", b"\x80\x04\x95\x00\x00", "found binary data, expected text"),
        ("ram.csv", b"a,b\n1,\x00\n", "found binary data, expected text"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(tmp_path, form, name, data, words):
    assert refusal(save(tmp_path, data, name), form).startswith(f"{name}: {words}")


@pytest.mark.parametrize("form", FORMATS)
def test_wrong_paths_and_empty_files(tmp_path, form):
    assert "none.csv was not found" in refusal(tmp_path / "none.csv", form)
    assert "is a folder" in refusal(tmp_path, form)
    refusal(save(tmp_path, " \n\n"), form)


def test_a_file_too_large(tmp_path):
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.truncate(12_000_000)
    assert "the file has 12 MB, expected at most 10 MB" in refusal(path, "spict")


def test_options_of_another_format_are_refused(tmp_path):
    path = save_long(tmp_path, OTHER)
    assert "cpue was given with the format 'ram'" in refusal(path, "ram", "COD3M", cpue=path)
    assert "stock was given with the format 'spict'" in refusal(path, "spict", "COD3M")
    assert "expected one of ram, jabba, spict, msetool, fims" in refusal(path, "aspic")
    assert "units has the key 'tb'" in refusal(path, "ram", "COD3M", units={"tb": "t"})


# --- written and read again ---


def check_same(ours: CatchHistory, theirs: CatchHistory) -> None:
    for name in ("id", "species", "region", "source", "license", "observed", "note", "units"):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("year", "catch", "biomass", "ssb", "effort"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a, b)
    for name in ("index", "index_se"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert list(a or {}) == list(b or {})
        for key in a or {}:
            np.testing.assert_array_equal(a[key], b[key])


def test_every_format_is_written_and_read_again(tmp_path):
    jabba, files = save_jabba(tmp_path)
    ram = save_long(
        tmp_path, long_rows({"SSB-E03MT": {2001: 0.1, 2002: 1 / 3}, "TC-MT": {2001: 1, 2002: 1e-7}})
    )
    spict = save(tmp_path, "time,catch,index_a,se_a\n2001,1,2,0.1\n2002,2,2,0.2\n", "spict.csv")
    histories = [
        read_foreign(ram, "ram", "COD2J3KL"),
        read_foreign(jabba, "jabba", **files),
        read_foreign(spict, "spict"),
        read_foreign(save(tmp_path, DATA, "data.csv"), "msetool"),
    ]
    for history in histories:
        write_history_csv(history, tmp_path / "out.csv")
        back = read_history_csv(tmp_path / "out.csv")
        check_same(history, back)
        assert back.remarks == ()
        for remark in history.remarks:
            assert f"# - {remark}\n" in (tmp_path / "out.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [summary.id for summary in shipped_histories()])
def test_the_shipped_histories_are_written_and_read_again(tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HistoryWarning)
        history = load_history(name)
        write_history_csv(history, tmp_path / "out.csv")
        check_same(history, read_history_csv(tmp_path / "out.csv"))


def test_what_would_not_be_read_again_is_not_written(tmp_path):
    out = save(tmp_path, "what was there\n", "out.csv")
    history = CatchHistory(year=[2001, 2002], catch=[1, 2], index={"spring (kg)": [1, 2]})
    with pytest.raises(HistoryError, match="would not be read back as it is"):
        write_history_csv(history, out)
    with pytest.raises(HistoryError, match="cannot be written so that it is read again"):
        write_history_csv(CatchHistory(year=[2001, 2002], catch=[1, 2], note="a\x00b"), out)
    assert out.read_text() == "what was there\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


CELLS = [
    "",
    "NA",
    "x",
    "-1",
    "0",
    "1e999",
    "2001",
    "2001.5",
    "1,5",
    '"',
    "Year",
    "stockid",
    "TB-MT",
    "A1",
    "\x00",
    "é",
]
WHOLE = {
    "ram": "\n".join([LONG_HEADER, *OTHER]),
    "jabba": CATCH_TABLE,
    "spict": "time,catch,index,se\n2001,1,2,0.1\n2002,2,,\n",
    "msetool": DATA,
    "fims": "\n".join(
        [
            "type,fleet,timing,observed,unit,uncertainty",
            *("catch,a,2001,1,mt,", "catch,a,2002,2,mt,", "index,b,2001,3,mt,0.1"),
        ]
    ),
}


@settings(max_examples=300)
@given(data=st.data(), form=st.sampled_from(list(FORMATS)))
def test_a_broken_table_is_refused_or_read_and_nothing_else(data, form):
    rows = [line.split(",") for line in WHOLE[form].split("\n")]
    for _ in range(data.draw(st.integers(1, 4))):
        i = data.draw(st.integers(0, len(rows) - 1))
        j = data.draw(st.integers(0, len(rows[i]) - 1))
        action = data.draw(st.sampled_from(["set", "drop", "row", "twice"]))
        if action == "set":
            rows[i][j] = data.draw(st.sampled_from(CELLS))
        elif action == "drop" and len(rows[i]) > 1:
            del rows[i][j]
        elif action == "row" and len(rows) > 1:
            del rows[i]
        elif action == "twice":
            rows.insert(i, list(rows[i]))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", HistoryWarning)
        path = save(Path(folder), "\n".join(",".join(row) for row in rows))
        with contextlib.suppress(HistoryError):
            history = read_foreign(path, form, "COD3M" if form == "ram" else None)
            assert len(history.year) >= 2
            write_history_csv(history, Path(folder) / "out.csv")
            check_same(history, read_history_csv(Path(folder) / "out.csv"))
