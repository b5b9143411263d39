"""Every command that takes a STOCK takes the files of other tools; a release of several stocks takes a name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from click.testing import CliRunner
from command_result import check_one_line, flat

from ecodecide.cli import main
from ecodecide.errors import HistoryError
from ecodecide.history import load_history, read_history_csv

OWN = "year,catch,biomass\n2001,1,10\n2002,2,11\n"
LONG = "assessid,stockid,tsid,tsyear,tsvalue\n" + "".join(
    f"A1,{stock},{series},{year},{value}\n"
    for stock in ("COD2J3KL", "COD3M", "HERR")
    for series, value in (("TB-MT", 100), ("TC-MT", 20))
    for year in (2001, 2002)
)
FILES = {
    "ram": (LONG, ":HERR"),
    "wide": ("stockid,year,TBbest,TCbest\nHERR,2001,100,20\nHERR,2002,100,20\n", ":HERR"),
    "spict": ("time,catch,index\n2001,20,2\n2002,20,3\n", ""),
    "spict in its list's names": ("timeC;obsC;obsI\n2001;20;2,5\n2002;20;3,5\n", ""),
    "msetool": ("Name,Herring\nYear,2001,2002\nCatch,20,20\nAbundance index,2,NA\nUnits,mt\n", ""),
    "fims": (
        "type,fleet,timing,observed,unit,uncertainty\ncatch,a,2001,20,mt,\ncatch,a,2002,20,mt,\nindex,b,2001,3,mt,0.1\n",
        "",
    ),
    "our own": ("# id: x\nyear,catch,index,time,type\n2001,20,2,0,a\n2002,20,3,0,b\n", ""),
}


@pytest.fixture(autouse=True)
def _there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def save(name: str, text: str | bytes = OWN) -> str:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def save_release(name: str = "RAM.xlsx") -> str:
    book = openpyxl.Workbook()
    book.active.title = "timeseries_values_views"
    units = book.create_sheet("timeseries_units_views")
    book.active.append(["stockid", "stocklong", "year", "TBbest", "TCbest"])
    units.append(["stockid", "stocklong", "TBbest", "TCbest"])
    for stock in ("COD2J3KL", "COD3M"):
        units.append([stock, "cod", "MT", "MT"])
        for i in range(30):
            book.active.append([stock, "cod", 1990 + i, 1000 - 10 * i, 50 + i % 7])
    book.save(name)
    return name


def refusal(name: str) -> str:
    with pytest.raises(HistoryError) as caught:
        load_history(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_told_by_what_is_in_it(name):
    text, stock = FILES[name]
    if name == "wide":
        save("units.csv", "stockid,TBbest,TCbest\nHERR,MT,MT\n")
        save("values.csv", text)
        history = load_history(f"values.csv{stock}")
    else:
        history = load_history(save("any.csv", text) + stock)
    np.testing.assert_array_equal(history.catch, [20, 20])
    assert history.years == (2001, 2002)
    encoded = save("utf16.csv", text.encode("utf-16")) + stock
    if name != "wide":
        np.testing.assert_array_equal(load_history(encoded).catch, [20, 20])


def test_commands_take_a_stock_of_a_release_and_ask_for_one():
    save_release()
    result = CliRunner().invoke(
        main,
        [
            "fit",
            "RAM.xlsx:COD3M",
            "--observation-error-only",
            "--growth",
            "logistic",
            "--draws",
            "20",
            "--json",
        ],
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["units"] == {"catch": "t", "biomass": "t"}
    for command in (["fit", "RAM.xlsx"], ["compare", "RAM.xlsx"], ["growth", "RAM.xlsx"]):
        result = CliRunner().invoke(main, command)
        check_one_line(
            result,
            "RAM.xlsx, sheet timeseries_values_views: no stock was chosen of 2; it has: COD2J3KL (cod)",
        )
        assert "RAM.xlsx:STOCKID where a command takes a stock" in result.stderr
        result = CliRunner().invoke(main, [*command[:1], "RAM.xlsx:COD3"])
        check_one_line(result, "no stock 'COD3' is in it; close to it: COD3M (cod)")


def test_import_writes_the_same_history():
    save_release()
    result = CliRunner().invoke(
        main, ["history", "import", "RAM.xlsx", "--format", "ram", "--stock", "COD2J3KL", "-o", "cod.csv"]
    )
    assert result.exit_code == 0, result.output
    direct, written = load_history("RAM.xlsx:COD2J3KL"), read_history_csv("cod.csv")
    for name in ("year", "catch", "biomass"):
        np.testing.assert_array_equal(getattr(direct, name), getattr(written, name))
    assert load_history(direct.origin).id == direct.id == written.id


@pytest.mark.parametrize("command", [["history", "import"], ["growth"]])
def test_the_help_says_how_a_stock_is_named(command):
    result = CliRunner().invoke(main, [*command, "--help"])
    assert "FILE:STOCKID" in flat(result.stdout)


def test_the_help_names_each_format():
    result = CliRunner().invoke(main, ["history", "import", "--help"])
    assert "fims" in flat(result.stdout)


def test_a_file_of_the_very_name_comes_first():
    save("ram.csv", LONG)
    assert load_history("ram.csv:COD3M").id == "COD3M"
    save("ram.csv:COD3M")
    history = load_history("ram.csv:COD3M")
    np.testing.assert_array_equal(history.biomass, [10, 11])
    assert load_history(Path("ram.csv:HERR")).id == "HERR"


@pytest.mark.skipif(os.name == "nt", reason="a drive is one there")
def test_the_letter_of_a_drive_is_no_file():
    save("C")
    assert r"C:\data\RAM.xlsx was not found" in refusal(r"C:\data\RAM.xlsx")
    assert "C:RAM.xlsx was not found" in refusal("C:RAM.xlsx")
    save("C:\\RAM.csv", LONG)
    assert load_history("C:\\RAM.csv:HERR").id == "HERR"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.xlsx:COD", "none.xlsx was not found; check the path"),
        ("none.csv", "none.csv was not found; check the path"),
        ("own.csv:COD", "own.csv holds one history, yet a stock 'COD' was named; leave out ':COD'"),
        ("herring:COD", "no history is named 'herring:COD'"),
        (
            "ram.csv",
            "ram.csv: no stock was chosen of 3; it has: COD2J3KL, COD3M, HERR; give the stockid of one",
        ),
        ("ram.csv:cod", "no stock 'cod' is in it; close to it: COD2J3KL, COD3M"),
        ("ram.csv:", "no stock was chosen of 3"),
        ("values.csv:HERR", "the unit of TCbest is not told"),
        (
            "fleets.csv",
            "no column catch; found Year, Longline, Trawl; rename the column that holds it; or if they are",
        ),
        (
            "fleets.csv",
            "`ecodecide history import fleets.csv --format jabba --cpue FILE --se FILE -o HISTORY.csv`",
        ),
        ("a.txt", "a.txt: the file is empty"),
        ("folder/", "is a folder"),
        (
            "book.xlsx",
            "book.xlsx: found the tables Sheet, expected those of a release of the RAM database, or one",
        ),
        ("broken.xlsx", "broken.xlsx: found a broken workbook"),
        ("old.xls", "old.xls: found a workbook of the old kind (.xls) or with a password"),
        ("broken.RData", "broken.RData: found R data that cannot be read (a part of it is missing)"),
    ],
)
def test_what_cannot_be_read_says_what_to_add(name, words):
    save("own.csv")
    save("ram.csv", LONG)
    save("values.csv", FILES["wide"][0])
    save("fleets.csv", "Year,Longline,Trawl\n2001,1,2\n2002,1,2\n")
    save("a.txt", "")
    save("broken.xlsx", b"PK\x03\x04")
    save("broken.RData", b"RDX3\nX\n\0\0\0\3")
    save("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    Path("folder").mkdir()
    book = openpyxl.Workbook()
    book.active.append(["year", "catch"])
    book.save("book.xlsx")
    assert words in refusal(name)
