"""Files are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecodecide.errors import HistoryError
from ecodecide.whole_file import whole_file


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ValueError])
def test_what_was_there_before_stays_after_an_interrupt_or_an_error(tmp_path: Path, trouble) -> None:
    file = tmp_path / "run.nc"
    file.write_text("before")

    def write_half() -> None:
        with whole_file(file, HistoryError) as new:
            new.write_text("half")
            raise trouble

    with pytest.raises(trouble):
        write_half()
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(HistoryError, match=r"cannot write .*none.run\.nc: No such file"),
        whole_file(tmp_path / "none" / "run.nc", HistoryError),
    ):
        pass


def test_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, seen = tmp_path / "run.nc", []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append((os.fstat(number).st_size, file.exists())))
    with whole_file(file, HistoryError) as new:
        new.write_text("whole")
    assert seen == [(5, False)]
