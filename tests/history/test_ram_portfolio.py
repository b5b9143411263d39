"""Every stock of a table in one pass, each as `read_foreign` reads it alone."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from ecodecide.errors import HistoryError
from ecodecide.history import read_foreign
from ecodecide.history.ram_portfolio import ram_histories
from ecodecide.history.write_csv import history_text

UNITS = dict.fromkeys(("biomass", "ssb", "catch"), "t")
WIDE = """stockid,stocklong,year,TB,SSB,TC
COD,Cod of here,2001,100,40,20
COD,Cod of here,2002,90,35,15
EEL,,2001,,8,2
EEL,,2002,,7,3
EEL,,2003,,6,
"""
LONG = """assessid,stockid,tsid,tsyear,tsvalue
A,COD,TB-MT,2001,100
A,COD,TB-MT,2002,90
A,COD,TC-MT,2001,20
A,COD,TC-MT,2002,15
B,EEL,TC-MT,2001,5
B,EEL,TC-MT,2002,6
"""
EXTRACT = """# an extract
stockid,stocklong,year,biomass,biomass_type,catch,tb,ssb
COD,Cod of here,2001,100,TB,20,100,40
COD,Cod of here,2002,90,TB,15,90,35
EEL,,2001,8,SSB,2,77,8
EEL,,2002,7,SSB,3,66,7
EEL,,2003,6,SSB,,55,6
BAD,,2001,6,R,1,,
"""


@pytest.mark.parametrize("text", [WIDE, LONG], ids=["wide", "long"])
def test_each_stock_is_as_read_alone(text: str, tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text(text)
    units = UNITS if text is WIDE else None
    found = ram_histories(file, units)
    assert list(found) == ["COD", "EEL"]
    for stock, make in found.items():
        alone = read_foreign(file, "ram", stock, units=units)
        assert history_text(make()) == history_text(alone)
        assert (make().origin, make().note) == (alone.origin, alone.note)


@pytest.mark.parametrize("packed", [False, True])
def test_an_extract_goes_by_its_biomass_type(packed: bool, tmp_path: Path) -> None:
    file = tmp_path / ("extract.csv.gz" if packed else "extract.csv")
    file.write_bytes(gzip.compress(EXTRACT.encode()) if packed else EXTRACT.encode())
    found = ram_histories(file, UNITS)
    assert list(found) == ["COD", "EEL", "BAD"]
    cod, eel = found["COD"](), found["EEL"]()
    np.testing.assert_array_equal(cod.biomass, [100.0, 90.0])
    # not the total biomass that stands beside
    np.testing.assert_array_equal(eel.ssb, [8.0, 7.0, 6.0])
    assert eel.biomass is None
    assert (cod.observed, eel.observed, cod.units["catch"]) == (*["assessment biomass"] * 2, "t")
    # of one stock: the others do not suffer for it
    with pytest.raises(HistoryError, match="biomass_type R, expected one of TB and SSB"):
        found["BAD"]()


def test_no_unit_is_guessed(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text(WIDE)
    with pytest.raises(HistoryError, match="the unit of TC is not told"):
        ram_histories(file)["COD"]()


def test_what_cannot_be_unpacked_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(EXTRACT.encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(HistoryError, match=r"cut.csv.gz cannot be read"):
        ram_histories(tmp_path / "cut.csv.gz")
    with pytest.raises(HistoryError, match="no column stockid"):
        ram_histories(tmp_path / "other.csv")
