"""The reader takes what it can read without a guess, and names the place of everything else."""

from __future__ import annotations

import io
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history import read_history_csv

GOOD = "year,catch,biomass\n1990,10,100\n1991,12,101.5\n1992,9,\n"


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, name="my.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_history_csv(path)

    return write_and_read


def check_good(history):
    np.testing.assert_array_equal(history.year, [1990, 1991, 1992])
    np.testing.assert_array_equal(history.catch, [10, 12, 9])
    np.testing.assert_array_equal(history.biomass, [100, 101.5, np.nan])


def test_a_plain_file(read, tmp_path):
    history = read(GOOD)
    check_good(history)
    assert history.remarks == ()
    assert history.id == "my"
    assert history.origin == str(tmp_path / "my.csv")
    assert history.units == {"catch": "unknown", "biomass": "unknown"}


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD + "\n\n,,\n   \n",
        "\n\n" + GOOD,
        GOOD.replace(",", ";").replace("101.5", "101,5"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", "\t").replace("101.5", "101,5"),
        GOOD.replace(",", " , "),
        '"year","catch","biomass"\n"1990","10","100"\n"1991","12","101.5"\n"1992","9",""\n',
        "year,catch,biomass,\n1990,10,100,\n1991,12,101.5,\n1992,9,,\n",
        "year,catch,biomass\n1990,10,100,,\n1991,12,101.5\n1992,9,,,\n",
        GOOD.replace("9,\n", "9,NA\n"),
        GOOD.replace("9,\n", "9,NaN\n"),
        GOOD.replace("9,\n", "9,-\n"),
        GOOD.replace("9,\n", "9,n/a\n"),
        "# a comment\n" + GOOD + "# the end,,\n",
        "catch,biomass,year\n10,1e2,1990\n12,+101.50,1991\n9,,1992\n",
        "year,catch,biomass\n1992,9,\n1990,10,100\n1991,12,101.5\n",
    ],
)
def test_layouts_that_are_read(read, text):
    check_good(read(text))


@pytest.mark.parametrize(
    ("encoding", "remark"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "read as UTF-16 text"),
        ("utf-16-le", "read as UTF-16-LE text"),
        ("utf-16-be", "read as UTF-16-BE text"),
        ("cp1252", "read as Windows-1252 text"),
        ("latin-1", "read as Windows-1252 text"),
    ],
)
def test_encodings(read, encoding, remark):
    history = read(("# region: Mar Cantábrico\n" + GOOD).encode(encoding))
    check_good(history)
    assert history.region == "Mar Cantábrico"
    assert history.remarks == (() if remark is None else (remark,))


@pytest.mark.parametrize(
    ("header", "remarks"),
    [
        ("Year,CATCH,Biomass", ["'Year' read as year", "'CATCH' read as catch", "'Biomass' read as biomass"]),
        ("yr,catch,TB", ["'yr' read as year", "'TB' read as biomass"]),
        (
            "year,Landings,total-biomass",
            ["'Landings' read as catch; discards are not in landings", "total-bio"],
        ),
        ("year,catch,SSB", ["'SSB' read as ssb"]),
        ("year,catch,cpue", ["'cpue' read as index"]),
        ("year,catch,Index Spring", ["'Index Spring' read as index_Spring"]),
        ("year,catch,cpue_fleet 1", ["'cpue_fleet 1' read as index_fleet 1"]),
    ],
)
def test_names_of_columns_are_tolerated_and_told(read, header, remarks):
    history = read(GOOD.replace("year,catch,biomass", header))
    np.testing.assert_array_equal(next(iter(history.observations.values())), [100, 101.5, np.nan])
    assert len(history.remarks) == len(remarks)
    for remark, found in zip(remarks, history.remarks, strict=True):
        assert remark in found


def test_standard_errors_in_several_spellings(read):
    for title in ("index_se", "Index SE", "index-se", "INDEX_SE", "se"):
        history = read(f"year,catch,index,{title}\n1990,1,2,0.1\n1991,2,3,0.2\n")
        np.testing.assert_array_equal(history.index_se["index"], [0.1, 0.2])
    history = read("year,catch,index_A,se_A,index_b c,index_se_b c\n1990,1,2,0.1,5,0.3\n1991,2,,,6,0.4\n")
    assert list(history.index) == list(history.index_se) == ["A", "b c"]
    np.testing.assert_array_equal(history.index_se["A"], [0.1, np.nan])


def test_an_index_of_seine_is_no_standard_error(read):
    history = read("year,catch,index_seine,index_se_seine\n2001,1,2,0.2\n2002,2,3,0.3\n")
    assert history.index["seine"].tolist() == [2, 3]
    assert history.index_se["seine"].tolist() == [0.2, 0.3]


def test_unknown_columns_are_named_and_ignored(read):
    history = read("year,catch,biomass,Recruits,\n1990,10,100,7,\n1991,12,101.5,x,\n1992,9,,,note\n")
    check_good(history)
    assert history.remarks == ("unknown columns ignored: Recruits, number 5, without a name",)


def test_header_lines_say_what_the_history_is(read):
    history = read(
        "# id: here\n#Species: cod (Gadus morhua)\n# source: A, B & C 1999: a title\n# license: CC0\n"
        "# observed: assessment biomass\n# catch_unit: thousand t\n# biomass_unit: thousand t\n# color: red\n"
        + GOOD
    )
    assert (history.id, history.species, history.license) == ("here", "cod (Gadus morhua)", "CC0")
    assert history.source == "A, B & C 1999: a title"
    assert history.observed == "assessment biomass"
    assert history.units == {"catch": "thousand t", "biomass": "thousand t"}
    assert history.remarks == ("header line ignored: unknown key 'color'",)


def test_header_lines_survive_a_spreadsheet(read):
    history = read('"# source: A ""B"", 1999",,\n# species: cod,,\n' + GOOD)
    assert history.source == 'A "B", 1999'
    assert history.species == "cod"


def test_a_unit_in_the_title_of_a_column_is_taken(read):
    history = read(GOOD.replace("catch", "Catch (t)").replace("biomass", "Biomass [tonnes]"))
    assert history.units == {"catch": "t", "biomass": "tonnes"}
    with pytest.raises(
        HistoryError, match=r"unit of catch is 't' and that of biomass 'thousand t'.*convert one"
    ):
        read(GOOD.replace("catch", "Catch (t)").replace("biomass", "Biomass [thousand t]"))


def test_effort_is_kept(read):
    history = read("year,catch,effort\n1990,10,5\n1991,10,6\n")
    np.testing.assert_array_equal(history.effort, [5, 6])


def test_decimal_commas_that_might_be_thousands_warn(read):
    with pytest.warns(
        HistoryWarning, match=r"my\.csv: 12,345 was read as 12.345, but every decimal mark might"
    ):
        history = read("year;catch\n1990;12,345\n1991;1,500\n")
    np.testing.assert_array_equal(history.catch, [12.345, 1.5])
    with pytest.warns(HistoryWarning, match="12.345 was read as 12.345"):
        read("year;catch\n1990;12.345\n1991;1.500\n")
    assert read("year;catch\n1990;12,345\n1991;1,5\n").remarks == ("commas were read as decimal marks",)


def test_catch_above_biomass_warns(read):
    with pytest.warns(HistoryWarning, match=r"my: catch exceeds biomass in 1 year \(1991\)"):
        history = read("year,catch,biomass\n1990,10,100\n1991,120,100\n")
    assert history.free_catchability


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # numbers
        (
            "year,catch\n1990,1\n1991,abc\n",
            "my.csv, row 3, column catch: found 'abc', expected a number of at",
        ),
        ("# id: x\n\nyear,catch\n1990,1\n\n1991,abc\n", "my.csv, row 6, column catch: found 'abc', expected"),
        ("year,Landings\n1990,1\n1991,abc\n", "my.csv, row 3, column Landings: found 'abc', expected"),
        (
            "year,catch\n1990,1\n1991,-2\n",
            "my.csv, row 3, column catch: found -2, expected a finite number of",
        ),
        (
            "year,catch\n1990,1\n1991,inf\n",
            "my.csv, row 3, column catch: found 'inf', expected a finite number",
        ),
        (
            "year,catch\n1990,1\n1991,1e999\n",
            "my.csv, row 3, column catch: found inf, expected a finite number",
        ),
        (
            "year,catch\n1990,\n1991,1\n",
            "my.csv, row 2, column catch: found nothing, expected a number of at",
        ),
        (
            "year,catch,biomass\n1990,1,-9\n1991,1,9\n",
            "my.csv, row 2, column biomass: found -9, expected a fin",
        ),
        ("year,catch,index\n1990,1,0\n1991,1,9\n", "my.csv, row 2, column index: found 0, expected a finite"),
        (
            "year,catch,index\n1990,1,x\n1991,1,9\n",
            "my.csv, row 2, column index: found 'x', expected a number ab",
        ),
        (
            "year,catch,index,se\n1990,1,2,0\n1991,1,9,1\n",
            "my.csv, row 2, column se: found 0, expected a fin",
        ),
        (
            "year,catch,index,se\n1990,1,2,\n1991,1,9,1\n",
            "my.csv, row 2, column se: found nothing, expected the",
        ),
        ("year,catch\n1990,1_000\n1991,1\n", "my.csv, row 2, column catch: found '1_000', expected"),
        ("year,catch\n1990,0x10\n1991,1\n", "my.csv, row 2, column catch: found '0x10', expected"),
        # thousands separators
        (
            'year,catch\n1990,"1,234"\n1991,1\n',
            "found '1,234', expected a number of at least 0; thousands sep",
        ),
        ("year;catch\n1990;1.234,5\n1991;1\n", "found '1.234,5', expected a number of at least 0; thousands"),
        (
            "year;catch\n1990;1,234,567\n1991;1\n",
            "found '1,234,567', expected a number of at least 0; thousands",
        ),
        ("year,catch\n1990,1 234\n1991,1\n", "found '1 234', expected a number of at least 0; thousands"),
        ("year,catch\n1990,1'234\n1991,1\n", 'found "1\'234", expected a number of at least 0; thousands'),
        (
            "year;catch\n1990;1,5\n1991;1.5\n",
            "row 3, column catch: found '1.5', expected the other decimal mark",
        ),
        # years
        (
            "year,catch\n1990,1\n1992,1\n",
            "my.csv, row 3, column year: found 1992 after 1990, expected 1991; add",
        ),
        ("year,catch\n1991,1\n1990,1\n1991,1\n", "my.csv, row 4, column year: found 1991 a second time"),
        ("year,catch\n1990/91,1\n1991,1\n", "my.csv, row 2, column year: found '1990/91', expected a year"),
        (
            "year,catch\n1990.25,1\n1991,1\n",
            "my.csv, row 2, column year: found 1990.25, expected a whole year",
        ),
        (
            "year,catch\n1990,1\n,1\n",
            "my.csv, row 3, column year: found nothing, expected a year such as 1990",
        ),
        # rows and columns
        ("year,catch\n1990,1\n", "my.csv: found 1 row, expected at least 2 years"),
        ("year,catch\n", "my.csv: found 0 rows, expected at least 2 years"),
        ("# id: x\n", "my.csv: the file has no table, expected the columns year and catch"),
        (
            "year,catch,ssb\n1990,1,1\n1991,1\n",
            "my.csv, row 3: found 2 fields, expected 3 as in the header; leave",
        ),
        (
            "year,catch\n1990,1\n1991,1,5\n",
            "my.csv, row 3: found 3 fields, expected 2 as in the header; decimal",
        ),
        ("year,biomass\n1990,1\n1991,1\n", "my.csv, row 1: no column catch; found year, biomass; rename the"),
        ("a,b\n1990,1\n1991,1\n", "my.csv, row 1: no column year and no column catch; found a, b; rename"),
        ("1990,1\n1991,1\n", "my.csv, row 1: found 1990, 1, expected a header such as year,catch; add one"),
        (
            "year catch\n1990 1\n",
            "my.csv, row 1: no column year and no column catch; found year catch; separate",
        ),
        ("year,catch,Catch\n1990,1,1\n", "my.csv, row 1: the columns 'catch' and 'Catch' both mean catch"),
        (
            "year,catch,TB,biomass\n1990,1,1,1\n",
            "my.csv, row 1: the columns 'TB' and 'biomass' both mean biomass",
        ),
        ("year,catch,se\n1990,1,1\n1991,1,1\n", "my.csv: there is a column index_se but no column index"),
        ('year,catch\n1990,"1\n1991,1\n', "my.csv, row 2: found a line that cannot be split into fields"),
        ("year,catch\n1990,0\n1991,0\n", "my.csv: catch is 0 in every year and there is no biomass"),
        # the file
        ("", "my.csv: the file is empty, expected a table with the columns year and catch"),
        (" \n\n", "my.csv: the file is empty, expected a table with the columns year and catch"),
        (b"PK\x03\x04\x14\x00\x00\x01", "my.csv: found a workbook, expected text; save the table as CSV"),
        (b"\x00\x01\x02\x00\x00\xff", "my.csv: found binary data, expected text"),
        (b"year,catch\n1990,\x001\n", "my.csv: found binary data, expected text"),
        (b"year,catch\n1990,\x00\n", "my.csv: found binary data, expected text"),
        (b"\xff\xfey\x00e", "my.csv: found binary data, expected text"),
    ],
)
def test_refusals_name_file_row_column_and_what_was_found(read, text, message):
    with pytest.raises(HistoryError) as caught:
        read(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("my.csv")
    assert "\n" not in str(caught.value)


def test_wrong_paths(tmp_path):
    with pytest.raises(HistoryError, match="is a folder, expected a CSV file"):
        read_history_csv(tmp_path)
    with pytest.raises(HistoryError, match=r"none\.csv was not found; check the path"):
        read_history_csv(tmp_path / "none.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(HistoryError, match="is not a plain file"):
        read_history_csv(tmp_path / "pipe.csv")


def test_a_file_too_large(tmp_path):
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.truncate(12_000_000)
    with pytest.raises(HistoryError, match=r"big\.csv: the file has 12 MB, expected at most 10 MB"):
        read_history_csv(path)


def test_a_cell_too_large(read):
    with pytest.raises(HistoryError, match=r"my\.csv, row 2: found a line that cannot be split"):
        read("year,catch\n1990," + "1" * 200_000 + "\n")
    with pytest.raises(HistoryError, match=r"^my\.csv, row 1: ") as caught:
        read("x" * 200_000 + "\n1990,1\n")
    assert len(str(caught.value)) < 400
    with pytest.raises(HistoryError, match=r"column catch: found 'x+\.\.\.'"):
        read("year,catch\n1990," + "x" * 1000 + "\n")


biomasses = st.one_of(st.none(), st.floats(min_value=1e-6, max_value=1e9))
tables = st.lists(
    st.tuples(st.floats(min_value=0.0, max_value=1e9), biomasses, biomasses, biomasses),
    min_size=2,
    max_size=12,
)


@settings(max_examples=200)
@given(
    table=tables,
    first=st.integers(min_value=1800, max_value=2100),
    separator=st.sampled_from(",;\t"),
    decimal=st.sampled_from(".,"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    missing=st.sampled_from(["", "NA", "NaN", "-", " "]),
    quoted=st.booleans(),
    titles=st.sampled_from(
        [("year", "catch", "biomass", "ssb", "index"), ("Year", "CATCH", "TB", "SSB", "cpue")]
    ),
    shuffle=st.randoms(use_true_random=False),
)
def test_any_valid_table_reads_back_equal(
    table, first, separator, decimal, encoding, ending, missing, quoted, titles, shuffle
):
    if separator == ",":
        decimal = "."
    if all(catch == 0.0 for catch, *_ in table):
        table[0] = (1.0, *table[0][1:])

    def cell(value):
        text = missing if value is None else repr(value).replace(".", decimal)
        return f'"{text}"' if quoted else text

    rows = [(first + i, *values) for i, values in enumerate(table)]
    written = shuffle.sample(rows, len(rows))
    out = io.StringIO()
    out.write("# region: Mar Cantábrico" + ending + separator.join(titles) + ending)
    out.writelines(separator.join(cell(value) for value in row) + ending for row in written)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", HistoryWarning)
        path = Path(folder) / "table.csv"
        path.write_bytes(out.getvalue().encode(encoding))
        history = read_history_csv(path)

    assert history.region == "Mar Cantábrico"
    np.testing.assert_array_equal(history.year, [row[0] for row in rows])
    np.testing.assert_array_equal(history.catch, [row[1] for row in rows])
    index = None if history.index is None else history.index["index"]
    for column, series in zip((2, 3, 4), (history.biomass, history.ssb, index), strict=True):
        expected = [np.nan if row[column] is None else row[column] for row in rows]
        if np.isnan(expected).all():
            assert series is None
        else:
            np.testing.assert_array_equal(series, expected)
