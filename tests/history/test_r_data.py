"""R data files: what is in them, as it was written by hand or by R; and what is broken, refused in a line."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import struct
import tempfile
from pathlib import Path

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
from ecodecide.history.r_data import RFile, is_r_data

pytestmark = pytest.mark.filterwarnings("error")  # those of the library are not for the user

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
            "wide": listed([strings(["within", "a", "table"])] * 3),
        }
    ),
    "grid": matrix({2001: [1, 2], 2002: [3, NA]}, ["A", "B"]),
    "plain": reals([1.0, 2.0]),
}
TABLE = [
    ["stock", "biomass", "year", "kind", "day", "row", "wide"],
    ["COD", "1.5", "2001", "b", "1970-01-01", "7", ""],
    ["", "", "", "a", "2000-12-31", "8", ""],
    ["é", "1e-07", "2003", "", "", "9", ""],
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
    assert message.startswith("x.RData: found R data that cannot be read (")
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


def test_days_and_numbers_at_the_end_of_what_there_is(tmp_path):
    kind = {"class": strings(["Date"])}
    day = reals([-0.5, 1e9, float("inf")], **kind)
    table = frame({"day": day, "due": integers([1, 2, -(2**31)], **kind), "x": [float("inf"), 2.5e15, -1.0]})
    assert rows(RFile(save(tmp_path, workspace({"x": table}))), "x")[1:] == [
        ["1969-12-31", "1970-01-02", "inf"],
        ["1000000000", "1970-01-03", "2500000000000000.0"],
        ["", "", "-1"],
    ]


@pytest.mark.parametrize("step", [1, -1])
def test_sequences_rise_and_fall(tmp_path, step):
    table = frame({"year": sequence(2003, 3, reals([3, 2003, step]))})
    assert rows(RFile(save(tmp_path, workspace({"x": table}))), "x")[1:] == [
        [str(2003 + i * step)] for i in range(3)
    ]


def as_frame(columns: list[Value], titles: list[str | None]) -> Value:
    return listed(columns, names=strings(titles), **{"class": strings(["tbl_df", "data.frame"])})


def with_names(values: list[float], *names: list[str | None], dim: list[int] | None = None) -> Value:
    size = [len(part) for part in names] if dim is None else dim
    return reals(values, dim=integers(size), dimnames=listed([strings(part) for part in names]))


@pytest.mark.parametrize(
    "value",
    [
        as_frame([reals([1.0, 2.0]), reals([1.0])], ["a", "b"]),
        as_frame([reals([1.0])], []),
        as_frame([], []),
        listed([reals([1.0])], names=strings(["a"])),
        reals([1.0, 2.0], dim=integers([2, 1])),
        with_names([1.0, 2.0], ["a", "b"]),
        with_names([1.0, 2.0], ["a", "b"], ["c"], ["d"]),
        with_names([1.0, 2.0], ["a", "b"], ["c"], dim=[1, 2]),
        with_names([1.0], ["a", "b"], ["c"]),
    ],
    ids=[
        "columns of two lengths",
        "a column without a title",
        "no columns",
        "a list",
        "a matrix without names",
        "one dimension",
        "three dimensions",
        "names of other sizes",
        "too few values",
    ],
)
def test_what_is_no_table(tmp_path, value):
    file = RFile(save(tmp_path, workspace({"x": value})))
    assert (file.names, file.others) == ([], ["x"])


def test_words_are_utf_8_or_else_latin_1(tmp_path):
    data = workspace({"x": frame({"a": ["é", "ñ"]})}, pack=bytes)
    found = data.replace(number(2) + "é".encode(), number(1) + "é".encode("latin-1"))
    assert found != data
    assert rows(RFile(save(tmp_path, found)), "x")[1:] == [["é"], ["ñ"]]


FRAME = [["class", "value"], ["a", "1"], ["b", "2"], ["b", "3"]]
MISSING = [
    ["int", "float", "string", "bool", "complex"],
    ["10", "1.1", "x", "True", "(4+5j)"],
    ["20", "2.2", "y", "False", "(6+7j)"],
    ["30", "3.3", "z", "True", "(8+9j)"],
    ["", "", "", "", ""],
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test_dataframe.rda", FRAME),
        ("test_dataframe.rds", FRAME),
        ("generated/test_dataframe_dtypes_with_na__xdr__version_2.rda", MISSING),
        ("generated/test_dataframe_dtypes_with_na__ascii__version_3.rda", MISSING),
        ("generated/test_dataframe_dtypes_with_na__ascii__version_3.rds", MISSING),
        ("generated/test_dataframe_dtypes_with_na__binary__version_3.rds", MISSING),
    ],
)
def test_files_that_r_has_written(name, expected):
    path = Path(str(rdata.TESTDATA_PATH / name))
    assert is_r_data(path)
    file = RFile(path)
    assert rows(file, file.names[0]) == expected


def test_a_file_is_parsed_once_and_again_when_it_changes(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(
        r_data, "_opened", lambda path, real=r_data._opened: opened.append(path) or real(path)
    )
    path = save(tmp_path, workspace(VALUES))
    assert rows(RFile(path), "table") == rows(RFile(path), "table")
    assert len(opened) == 1
    save(tmp_path, workspace({"plain": VALUES["plain"]}))
    assert RFile(path).names == []
    os.utime(path, ns=(0, 0))
    RFile(path)
    assert len(opened) == 3


def vector(kind: int, length: int, rest: bytes = b"") -> Value:
    return lambda w: number(kind) + number(length) + rest


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (vector(14, 2_000_000_000), ""),
        (vector(14, -1), ""),
        (vector(14, 40_000_000), ""),
        (vector(16, 1, number(9) + number(2_000_000_000)), ""),
        (frame({"x": vector(16, 1, number(14) + number(1) + bytes(8))}), "unhashable"),
        (vector(99, 0), "99 is not a valid RObjectType"),
        (vector(23, 0), "WEAKREF not implemented"),
        (lambda w: number(255 | 7 << 8), "a part of it is missing"),
        (sequence(1, 1, listed([listed([])] * 3)), ""),
        (sequence(1, 10**9), "a sequence of 1000000000 values"),
        (lambda w: (number(19) + number(1)) * 1000 + number(254), "maximum recursion depth"),
    ],
)
def test_what_no_table_has_is_refused(tmp_path, value, words):
    assert words in refusal(save(tmp_path, workspace({"x": value})))


def test_a_file_that_unpacks_to_too_much(tmp_path, monkeypatch):
    path = save(tmp_path, workspace({"x": reals([0.0] * 10**6)}))
    assert path.stat().st_size < 20_000
    monkeypatch.setattr(r_data, "LARGEST_UNPACKED", 5_000_000)
    assert "(more than 5 MB unpacked)" in refusal(path)


def test_versions_and_texts_that_are_not_read(tmp_path):
    header = b"RDX3\nX\n" + struct.pack(">III", 4, 0, 0)
    assert "Format version 4 unsupported" in refusal(save(tmp_path, header))
    assert not is_r_data(save(tmp_path, b"X\nis the title of a text"))
    assert not is_r_data(save(tmp_path, b"A\n2001\n"))
    assert not is_r_data(save(tmp_path, gzip.compress(b"stockid,year")))
    assert not is_r_data(save(tmp_path, gzip.compress(b"")[:10] + b"\xff" * 20))
    assert not is_r_data(save(tmp_path, lzma.compress(b"RDX3\n")[:12] + b"\1" * 20))
    assert not is_r_data(tmp_path / "is not there")


def test_a_packed_file_that_is_damaged(tmp_path):
    data = bytearray(workspace(VALUES))
    data[-6] ^= 255
    assert "CRC check failed" in refusal(save(tmp_path, bytes(data)))
    refusal(save(tmp_path, workspace(VALUES)[:-30]))


@pytest.mark.parametrize("write", [lambda value: workspace({"x": value}), rds], ids=["save", "saveRDS"])
def test_a_file_that_is_cut_short_is_never_a_shorter_table(tmp_path, write):
    plain = gzip.decompress(write(VALUES["table"]))
    for length in range(20, len(plain)):
        refusal(save(tmp_path, plain[:length]))


PLAIN = workspace(VALUES, pack=bytes)


@settings(max_examples=300)
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
