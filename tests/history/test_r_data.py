"""R data files: what is in them, as another reader has it; and what is broken, refused in a line."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import struct
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import rdata
from hypothesis import given, settings
from hypothesis import strategies as st
from r_data_bytes import (
    Value,
    frame,
    function,
    integers,
    listed,
    matrix,
    number,
    rds,
    reals,
    sequence,
    strings,
    workspace,
)

from ecodecide.errors import HistoryError
from ecodecide.history import r_data
from ecodecide.history.r_data import RFile, is_r_data, objects

NA = float("nan")
VALUES: dict[str, Value] = {
    "odd": listed([strings(["a"]), function(), integers([1])]),
    "table": frame(
        {
            "stock": ["COD", None, "é"],
            "biomass": [1.5, NA, 1e-7],
            "year": integers([2001, -(2**31), 2003]),
            "kind": integers([2, 1, -(2**31)], levels=strings(["a", "b"]), **{"class": strings(["factor"])}),
            "day": reals([0.0, 11322.0, NA], **{"class": strings(["Date"])}),
            "row": sequence(7, 3),
        }
    ),
    "grid": matrix({2001: [1, 2], 2002: [3, NA]}, ["A", "B"]),
    "plain": reals([1.0, 2.0]),
}
TABLE = [
    ["stock", "biomass", "year", "kind", "day", "row"],
    ["COD", "1.5", "2001", "b", "1970-01-01", "7"],
    ["", "", "", "a", "2000-12-31", "8"],
    ["é", "1e-07", "2003", "", "", "9"],
]


def save(folder: Path, data: bytes, name: str = "x.RData") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def rows(file: RFile, name: str) -> list[list[str]]:
    return [list(cells) for _, cells in file.rows(name)]


def refusal(path: Path) -> str:
    with pytest.raises(HistoryError) as caught:
        RFile(path)
    message = str(caught.value)
    assert message.startswith("x.RData")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("version", [2, 3])
def test_data_frames_and_matrices(tmp_path, version, pack):
    path = save(tmp_path, workspace(VALUES, version, pack))
    assert is_r_data(path)
    file = RFile(path)
    assert (file.names, file.others) == (["table", "grid"], ["odd", "plain"])
    assert rows(file, "table") == TABLE
    assert [row for row, _ in file.rows("table")] == [0, 1, 2, 3]
    assert rows(file, "grid") == [["", "A", "B"], ["2001", "1", "2"], ["2002", "3", ""]]


def test_one_object(tmp_path):
    file = RFile(save(tmp_path, rds(VALUES["table"]), "x.rds"))
    assert file.names == [""]
    assert rows(file, "") == TABLE


def test_what_is_not_wanted_is_not_kept(tmp_path):
    path = save(tmp_path, workspace(VALUES))
    found = dict(objects(path, lambda name: name == "grid"))
    assert list(found) == list(VALUES)
    assert [name for name, value in found.items() if value is not None] == ["grid"]


def test_the_other_reader_finds_the_same(tmp_path):
    # rdata knows no environments of functions such as ours, and gives a missing word as NaN
    values = {name: value for name, value in VALUES.items() if name != "odd"}
    path = save(tmp_path, workspace(values, pack=gzip.compress))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = rdata.read_rda(path)
    ours = RFile(path)
    table = theirs["table"]
    assert list(table.columns) == TABLE[0]
    for j, title in enumerate(("stock", "biomass", "year", "kind")):
        column = [None if value != value or value is None else value for value in map(plain, table[title])]
        for cells, value in zip(rows(ours, "table")[1:], column, strict=True):
            assert (cells[j] or None) == (value if isinstance(value, str) or value is None else repr(value))
    np.testing.assert_array_equal(np.asarray(theirs["grid"]), [[1, 2], [3, NA]])


def plain(value: object) -> object:
    """A missing integer and a missing word are marks of pandas's own; a whole number is no float here."""
    if value is None or isinstance(value, str):
        return value
    try:
        found = float(value)  # type: ignore[arg-type]
    except TypeError:
        return None
    return int(found) if found.is_integer() and found > 1 else found


@pytest.mark.parametrize("name", ["test_dataframe.rda", "test_dataframe.rds"])
def test_files_that_r_has_written(name):
    file = RFile(Path(str(rdata.TESTDATA_PATH / name)))
    assert rows(file, file.names[0]) == [["class", "value"], ["a", "1"], ["b", "2"], ["b", "3"]]


def test_a_table_longer_than_what_is_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(r_data, "_PIECE", 50)
    count = 500
    values = [f"stock {i}" for i in range(count)]
    table = frame({"a": values, "b": list(range(count))})
    file = RFile(
        save(tmp_path, workspace({"passed by": table, "table": table})), lambda name: name == "table"
    )
    assert rows(file, "table")[1:] == [[f"stock {i}", str(i)] for i in range(count)]


def vector(kind: int, length: int, rest: bytes = b"") -> Value:
    return lambda w: number(kind) + number(length) + rest


def nested(depth: int) -> Value:
    return listed([]) if depth == 0 else listed([nested(depth - 1)])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (vector(14, 2_000_000_000), "found a vector of 2000000000 values, expected at most 50000000"),
        (vector(14, -1), "found a vector of very many values"),
        (vector(14, 40_000_000), "ends in the middle of a value"),
        (vector(16, 1, number(9) + number(2_000_000_000)), "found a word of 2000000000 bytes"),
        (vector(16, 1, number(13)), "found no word where one is expected"),
        (vector(21, 0), "found compiled R code, which is not read"),
        (vector(99, 0), "found a value of the unknown kind 99"),
        (lambda w: number(255 | 7 << 8), "found a reference to a value that is not there"),
        (sequence(1, 1, listed([listed([])] * 3)), "found a broken R data file"),
        (sequence(1, 10**9), "found a sequence of 1000000000 values from 1.0, expected a smaller one"),
        (nested(150), "found values nested more than 100 deep"),
    ],
)
def test_what_no_table_has_is_refused(tmp_path, value, words):
    message = refusal(save(tmp_path, workspace({"x": value})))
    assert words in message


def test_a_file_that_unpacks_to_too_much(tmp_path, monkeypatch):
    path = save(tmp_path, workspace({"x": reals([0.0] * 10**6)}))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(r_data, "LARGEST_UNPACKED", 5_000_000)
    assert "found more than 5 MB unpacked, expected fewer" in refusal(path)


def test_forms_and_versions_that_are_not_read(tmp_path):
    for data in (b"RDA3\nA\n3\n", b"RDB3\nB\n\3\0\0\0"):
        assert "found an R data file in text or in a machine's own form" in refusal(save(tmp_path, data))
    header = b"RDX3\nX\n" + struct.pack(">III", 4, 0, 0)
    assert "found version 4 of R's data files, expected 2 or 3" in refusal(save(tmp_path, header))
    assert not is_r_data(save(tmp_path, b"X\nis the title of a text"))
    assert not is_r_data(save(tmp_path, gzip.compress(b"stockid,year")))


def test_a_packed_file_that_is_damaged(tmp_path):
    data = bytearray(workspace(VALUES))
    data[-6] ^= 255  # of its check sum
    assert "found a broken R data file" in refusal(save(tmp_path, bytes(data)))
    assert "x.RData: " in refusal(save(tmp_path, workspace(VALUES)[:-30]))


PLAIN = workspace(VALUES, pack=bytes)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_a_file_with_wrong_bytes_is_refused_or_read_and_nothing_else(data):
    found = bytearray(PLAIN)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(12, len(found) - 1))
        found[at] = data.draw(st.sampled_from([0, 1, 2, 9, 10, 13, 16, 19, 127, 238, 254, 255]))
    with tempfile.TemporaryDirectory() as folder:
        path = save(Path(folder), bytes(found[: data.draw(st.integers(len(found) // 2, len(found)))]))
        with contextlib.suppress(HistoryError):
            file = RFile(path)
            for name in file.names:
                assert all(isinstance(cell, str) for cells in rows(file, name) for cell in cells)
