"""Releases of the RAM database, as a workbook and as R data: the tables that CSV has, from one file."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from r_data_bytes import Value, frame, function, matrix, sequence, strings, workspace

from ecodecide.errors import HistoryError
from ecodecide.history import read_foreign, workbook
from ecodecide.history.workbook import Workbook

LONG = ["assessid", "stockid", "stocklong", "tsid", "tsyear", "tsvalue"]
WIDE = ["stockid", "stocklong", "year", "TBbest", "TCbest", "ERbest", "SSB", "TC"]
UNITS = ["stockid", "stocklong", "TBbest", "TCbest", "ERbest", "SSB", "TC"]
Rows = list[list[object]]


def tables() -> dict[str, Rows]:
    """A release of two stocks, one with two assessments, in the order of the alphabet as R writes it."""
    long: Rows = [list(LONG)]
    for assessment, factor in (("OLD-1999", 1), ("NEW-2011", 2)):
        for series, values in {"TB-MT": (100, 90, 80), "TC-MT": (20, 25.5, 30)}.items():
            for year, value in zip((2001, 2002, 2003), values, strict=True):
                long.append([assessment, "COD2J3KL", "Atlantic cod", series, year, factor * value])
    wide: Rows = [
        list(WIDE),
        ["COD2J3KL", "Atlantic cod", 2001, 200, 40, 0.2, 80, None],
        ["COD2J3KL", "Atlantic cod", 2002, 180, 51, 0.3, None, None],
        ["COD2J3KL", "Atlantic cod", 2003, 160, 60, 0.4, 70, None],
        ["HERR", "herring", 2001, 1.5, 1, None, None, None],
        ["HERR", "herring", 2002, 2, 1, None, None, None],
    ]
    units: Rows = [
        list(UNITS),
        ["COD2J3KL", "Atlantic cod", "MT", "MT", "ratio", "MT", "MT"],
        ["HERR", "herring", "E03MT", None, "ratio", "MT", "MT"],
    ]
    return {
        "stock": [["stockid", "scientificname"], ["COD2J3KL", "Gadus morhua"], ["HERR", "Clupea harengus"]],
        "timeseries": long,
        "timeseries_units_views": units,
        "timeseries_values_views": wide,
    }


def save_workbook(folder: Path, sheets: dict[str, Rows], name: str = "RAM.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / name)
    return folder / name


def save_r(folder: Path, sheets: dict[str, Rows], name: str = "RAM.RData", **more: Value) -> Path:
    values = {
        title: frame({str(key): [row[j] for row in rows[1:]] for j, key in enumerate(rows[0])})
        for title, rows in sheets.items()
    }
    (folder / name).write_bytes(workspace(values | more))
    return folder / name


SAVE = {"workbook": save_workbook, "R data": save_r}
release = pytest.mark.parametrize("save", SAVE.values(), ids=SAVE)


def refusal(path: Path, *arguments: object, **options: object) -> str:
    with pytest.raises(HistoryError) as caught:
        read_foreign(path, "ram", *arguments, **options)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(path.name)
    assert "\n" not in message
    return message


@release
def test_the_wide_table_with_its_units(tmp_path, save):
    path = save(tmp_path, tables())
    history = read_foreign(path, "ram", "COD2J3KL")
    np.testing.assert_array_equal(history.year, [2001, 2002, 2003])
    np.testing.assert_array_equal(history.biomass, [200, 180, 160])
    np.testing.assert_array_equal(history.catch, [40, 51, 60])
    assert history.units == {"catch": "t", "biomass": "t"}
    assert (history.observed, history.note, history.id) == ("assessment biomass", "Atlantic cod", "COD2J3KL")
    assert history.origin == f"{path}:COD2J3KL"
    assert any("timeseries_values_views taken" in note for note in history.notes)


@release
def test_an_assessment_is_taken_from_the_long_table(tmp_path, save):
    path = save(tmp_path, tables())
    history = read_foreign(path, "ram", "COD2J3KL", assessment="OLD-1999")
    np.testing.assert_array_equal(history.catch, [20, 25.5, 30])
    assert history.source.endswith("assessment OLD-1999")
    assert "found 2 assessments (OLD-1999, NEW-2011), none is 'NEWER'" in refusal(
        path, "COD2J3KL", assessment="NEWER"
    )
    sheets = tables()
    del sheets["timeseries"]
    path = save(tmp_path, sheets)
    assert "found no table timeseries, so the assessment 'A' cannot" in refusal(
        path, "COD2J3KL", assessment="A"
    )


@release
def test_the_long_table_alone_asks_for_the_assessment(tmp_path, save):
    path = save(tmp_path, {"timeseries": tables()["timeseries"]})
    message = refusal(path, "COD2J3KL")
    assert "timeseries, stock COD2J3KL: found 2 assessments (OLD-1999, NEW-2011), expected one" in message
    assert "--assessment of `ecodecide history import`" in message


@release
def test_units_are_joined_and_never_guessed(tmp_path, save):
    path = save(tmp_path, tables())
    message = refusal(path, "HERR")
    assert "the unit of TCbest is not told, expected MT" in message
    assert "`ecodecide history import` with --units catch=t" in message
    history = read_foreign(path, "ram", "HERR", units={"catch": "t"})
    np.testing.assert_array_equal(history.biomass, [1500, 2000])
    sheets = tables()
    del sheets["timeseries_units_views"]
    assert "the unit of TCbest is not told" in refusal(save(tmp_path, sheets), "COD2J3KL")
    sheets = tables()
    sheets["timeseries_units_views"].pop()
    assert "timeseries_units_views: found 0 rows of the stock HERR, expected one" in refusal(
        save(tmp_path, sheets), "HERR", units={"catch": "t"}
    )


@release
def test_units_from_another_file(tmp_path, save):
    sheets = tables()
    units = save(tmp_path, {"timeseries_units_views": sheets.pop("timeseries_units_views")}, "units.bin")
    history = read_foreign(save(tmp_path, sheets), "ram", "COD2J3KL", unit_table=units)
    assert history.units == {"catch": "t", "biomass": "t"}


@release
def test_other_spellings_are_tolerated_and_told(tmp_path, save):
    sheets = tables()
    sheets["timeseries_values_views"][0] = [
        "Stock_ID",
        "stocklong",
        "YEAR",
        "TB best",
        "TCbest",
        "x",
        "SSB",
        "TC",
    ]
    sheets["Timeseries Values.Views"] = sheets.pop("timeseries_values_views")
    history = read_foreign(save(tmp_path, sheets), "ram", "cod2j3kl")
    np.testing.assert_array_equal(history.biomass, [200, 180, 160])
    for words in (
        "table 'Timeseries Values.Views' read as timeseries_values_views",
        "column 'Stock_ID' read as stockid",
        "column 'TB best' read as TBbest",
        "stock 'cod2j3kl' read as 'COD2J3KL'",
    ):
        assert words in history.notes


@release
def test_the_stock_is_asked_for_with_those_that_come_close(tmp_path, save):
    sheets = tables()
    sheets["timeseries_values_views"] += [[f"COD{i}", "cod", 2001, 1, 1, 1, 1, 1] for i in range(20)]
    path = save(tmp_path, sheets)
    assert "no stock was chosen of 22; it has: COD0 (cod), COD1 (cod), COD10 (cod)" in refusal(path)
    message = refusal(path, "COD")
    assert "no stock 'COD' is in it; close to it: COD2J3KL (Atlantic cod), COD0 (cod)" in message
    assert "and 16 more" in message
    assert message.endswith(f"or {path.name}:STOCKID where a command takes a stock")


@release
def test_a_file_without_its_tables_or_columns(tmp_path, save):
    path = save(tmp_path, {"stock": tables()["stock"]})
    assert "found stock, expected timeseries_values_views and timeseries_units_views, or" in refusal(
        path, "COD"
    )
    sheets = tables()
    sheets["timeseries_values_views"][0][0] = "stock"
    message = refusal(save(tmp_path, sheets), "COD2J3KL")
    assert "no column stockid; found stock, stocklong, year, TBbest" in message


@release
def test_two_tables_of_one_name(tmp_path, save):
    sheets = tables()
    values = sheets.pop("timeseries_values_views")
    sheets |= {"timeseries.values.views": values, "timeseriesvaluesviews": values}
    assert "found also timeseriesvaluesviews, expected one timeseries_values_views" in refusal(
        save(tmp_path, sheets), "COD2J3KL"
    )


# --- workbooks ---


def test_formulas_are_not_computed(tmp_path):
    sheets = tables()
    sheets["timeseries_values_views"][1][3] = "=100*2"
    message = refusal(save_workbook(tmp_path, sheets), "COD2J3KL")
    assert (
        "sheet timeseries_values_views, row 2, column TBbest: found the formula '=100*2', expected a"
        in message
    )
    assert "paste the cell as a value" in message
    sheets["timeseries_values_views"][1][3:6] = [200, 40, "=D2/E2"]  # in a column that is not read
    np.testing.assert_array_equal(
        read_foreign(save_workbook(tmp_path, sheets), "ram", "COD2J3KL").biomass, [200, 180, 160]
    )
    sheets["timeseries_values_views"][1][2] = "=2000+1"
    assert "column year: found the formula '=2000+1'" in refusal(save_workbook(tmp_path, sheets), "COD2J3KL")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("#N/A", "found '#N/A', expected a number"),
        ("1,500", "found '1,500', expected a number"),
        (True, "found 'True'"),
    ],
)
def test_cells_that_are_no_numbers_have_their_place_named(tmp_path, value, words):
    sheets = tables()
    sheets["timeseries_values_views"][2][4] = value
    message = refusal(save_workbook(tmp_path, sheets), "COD2J3KL")
    assert f"sheet timeseries_values_views, row 3, column TCbest: {words}" in message


def repacked(path: Path, change: dict[str, bytes | None], *, add: dict[str, bytes] | None = None) -> Path:
    """Return a workbook of which some parts are changed or, where None, left out."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts = {name: change.get(name, data) for name, data in parts.items()} | (add or {})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            if data is not None:
                new.writestr(name, data)
    return path


SPACE = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
CELL = b'<worksheet xmlns="' + SPACE + b'"><sheetData><row><c %s</v></c></row></sheetData></worksheet>'


@pytest.mark.parametrize(
    "change",
    [
        {"xl/worksheets/sheet4.xml": b"<worksheet><sheetData><row"},
        {"xl/workbook.xml": b"not XML"},
        {"xl/worksheets/sheet4.xml": CELL % b't="s"><v>7'},  # the eighth of no words
        {"xl/styles.xml": b"<"},
        {"[Content_Types].xml": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_broken_workbook_is_one_line(tmp_path, change):
    path = repacked(save_workbook(tmp_path, tables()), change)
    assert "found a broken workbook" in refusal(path, "COD2J3KL")


def test_a_workbook_that_is_cut_short_or_damaged(tmp_path):
    path = save_workbook(tmp_path, tables())
    data = path.read_bytes()
    path.write_bytes(data[:2000])
    assert "found a broken workbook" in refusal(path, "COD2J3KL")
    at = data.index(b"xl/worksheets/sheet4.xml") + 60
    path.write_bytes(data[:at] + bytes(40) + data[at + 40 :])
    assert "found a broken workbook" in refusal(path, "COD2J3KL")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"xl/workbook.bin": b""}, "found a binary workbook (.xlsb), expected .xlsx"),
        ({"mimetype": b"", "content.xml": b""}, "found a spreadsheet of another kind, such as .ods"),
        ({"timeseries.csv": b"stockid"}, "found a zip file, which is no workbook, expected .xlsx"),
    ],
)
def test_what_is_no_workbook(tmp_path, parts, words):
    path = tmp_path / "RAM.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    assert words in refusal(path, "COD2J3KL")


def test_a_workbook_with_a_password(tmp_path):
    path = tmp_path / "RAM.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))  # as a spreadsheet encrypts it
    assert "found a workbook of the old kind (.xls) or with a password" in refusal(path, "COD2J3KL")
    data = bytearray(save_workbook(tmp_path, tables()).read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1  # as a zip program does, with a mark on each part
    path.write_bytes(data)
    assert "found a workbook with a password, expected none" in refusal(path, "COD2J3KL")


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    path = save_workbook(tmp_path, tables())
    bomb = b"<worksheet>" + b" " * 3_000_000 + b"</worksheet>"
    repacked(path, {"xl/worksheets/sheet1.xml": bomb})
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(workbook, "LARGEST_SHEET", 2_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("a part was unpacked"))
    assert "a sheet would unpack to 3 MB, expected at most 2 MB" in refusal(path, "COD2J3KL")
    monkeypatch.setattr(workbook, "LARGEST_SHEET", 4_000_000)
    monkeypatch.setattr(workbook, "LARGEST_WORDS", 100)
    assert "its words would unpack to" in refusal(path, "COD2J3KL")


def test_rows_and_sizes_that_a_file_makes_up(tmp_path, monkeypatch):
    path = save_workbook(tmp_path, {"timeseries_values_views": [WIDE, ["COD", "cod", 2001, 1, 1, 1, 1, 1]]})
    with zipfile.ZipFile(path) as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml")
    assert b'<dimension ref="A1:H2" />' in sheet
    repacked(path, {"xl/worksheets/sheet1.xml": sheet.replace(b"A1:H2", b"A1:XFD1048576")})
    assert [row for row, _ in Workbook(path).rows("timeseries_values_views")] == [1, 2]
    monkeypatch.setattr(workbook, "MOST_ROWS", 1000)
    repacked(path, {"xl/worksheets/sheet1.xml": sheet.replace(b'<row r="2">', b'<row r="999999999">')})
    assert "found more than 1000 rows, which no sheet has" in refusal(path, "COD")


def test_a_sheet_with_gaps(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "timeseries_values_views"
    for i, row in enumerate(
        [["stockid", "year", "TCbest", "TBbest"], ["COD", 2001, 1.5, 2], ["COD", 2002.0, 1]]
    ):
        for j, value in enumerate(row):
            sheet.cell(2 + 2 * i, 1 + j, value)
    book.save(tmp_path / "RAM.xlsx")
    history = read_foreign(tmp_path / "RAM.xlsx", "ram", "COD", units={"catch": "t", "biomass": "t"})
    np.testing.assert_array_equal(history.biomass, [2, math.nan])
    np.testing.assert_array_equal(history.catch, [1.5, 1])


# --- R data ---


def test_what_else_is_in_r_data_is_passed_by(tmp_path):
    path = save_r(
        tmp_path, tables(), a_function=function(), words=strings(["x", None]), years=sequence(1, 10**6)
    )
    np.testing.assert_array_equal(read_foreign(path, "ram", "COD2J3KL").catch, [40, 51, 60])


def test_matrices_have_no_units(tmp_path):
    years = (2001, 2002, 2003)
    values = {"MCatch": (20, 25, 30), "Bio": (100, math.nan, 80), "SSB": (50, 40, 30)}
    matrices = {
        name: matrix({year: [9, row] for year, row in zip(years, column, strict=True)}, ["HERR", "COD2J3KL"])
        for name, column in values.items()
    }
    (tmp_path / "core.RData").write_bytes(workspace(matrices))
    message = refusal(tmp_path / "core.RData", "COD2J3KL")
    assert "stock COD2J3KL: the unit of MCatch is not told" in message
    history = read_foreign(
        tmp_path / "core.RData", "ram", "cod2j3kl", units={"catch": "t", "biomass": "thousand t"}
    )
    np.testing.assert_array_equal(history.catch, [20, 25, 30])
    np.testing.assert_array_equal(history.biomass, [100e3, math.nan, 80e3])
    assert "Bio read as biomass, times 1,000" in history.notes
    assert "no stock 'COD' is in it; close to it: COD2J3KL" in refusal(tmp_path / "core.RData", "COD")
    spelled = {"m_catch": matrices["MCatch"], "BIO": matrices["Bio"]}
    (tmp_path / "core.RData").write_bytes(workspace(spelled))
    notes = read_foreign(
        tmp_path / "core.RData", "ram", "COD2J3KL", units={"catch": "t", "biomass": "t"}
    ).notes
    assert {"table 'm_catch' read as MCatch", "table 'BIO' read as Bio"} <= {*notes}
    (tmp_path / "core.RData").write_bytes(workspace({"Bio": matrices["Bio"]}))
    assert "found Bio, expected timeseries_values_views" in refusal(tmp_path / "core.RData", "COD2J3KL")


def test_reading_a_workbook_is_paid_for_when_one_is_read():
    code = "import sys, ecodecide.history, ecodecide.history.foreign; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"openpyxl", "rdata", "pandas"} & set(done.stdout.split())


def test_a_workbook_of_another_tool_is_read_where_it_has_one_sheet(tmp_path):
    rows: Rows = [["time", "catch", "index"], [2001, 1.5, 2], [2002, 2, None]]
    history = read_foreign(save_workbook(tmp_path, {"data": rows}), "spict")
    np.testing.assert_array_equal(history.catch, [1.5, 2])
    path = save_workbook(tmp_path, {"data": rows, "notes": rows})
    with pytest.raises(
        HistoryError, match=r"RAM.xlsx: found 2 tables \(data, notes\), expected one; save the"
    ):
        read_foreign(path, "spict")


def test_r_data_is_read_by_its_bytes_and_not_by_its_name(tmp_path):
    path = save_r(tmp_path, tables(), name="RAM.csv")
    assert len(read_foreign(path, "ram", "COD2J3KL").year) == 3
    with io.BytesIO(path.read_bytes()) as data:
        assert data.read(2) == b"\x1f\x8b"
