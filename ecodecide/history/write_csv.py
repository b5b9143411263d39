"""Write a catch history as a CSV file of our own layout."""

from __future__ import annotations

import csv
import io
import math
import os
import warnings
from pathlib import Path

import numpy as np

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history.catch_history import UNIT_KEYS, Array, CatchHistory, column_name
from ecodecide.history.read_csv import read_history_csv
from ecodecide.whole_file import whole_file

_WORDS = ("id", "species", "region", "source", "license", "observed", "note")


def write_history_csv(history: CatchHistory, path: str | os.PathLike[str]) -> None:
    """Write a history so that `read_history_csv` returns it.

    The file is written whole or not at all, and read back before it takes its place. What a reader noticed of the
    history stands in it as comments.

    Parameters
    ----------
    history
        The history.
    path
        The file; what was there before is replaced.

    Raises
    ------
    HistoryError
        When the file cannot be written, or a name or a word in it would not be read back as it is.

    Examples
    --------
    >>> import tempfile
    >>> from ecodecide.history import load_history, read_history_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_history_csv(load_history("hake-namibia"), Path(folder) / "hake.csv")
    ...     read_history_csv(Path(folder) / "hake.csv").id
    'hake-namibia'
    """
    with whole_file(path, HistoryError) as new:
        new.write_text(history_text(history), encoding="utf-8", newline="\n")
        _check_same(history, new)


def history_text(history: CatchHistory) -> str:
    """Return the text of the file.

    Examples
    --------
    >>> print(history_text(CatchHistory(year=[2001, 2002], catch=[3, 4], id="cod", units={"catch": "t"})), end="")
    # id: cod
    # observed: catch only
    # catch_unit: t
    year,catch
    2001,3.0
    2002,4.0
    """
    head = [f"# {key}: {_line(getattr(history, key))}" for key in _WORDS if _line(getattr(history, key))]
    head += [
        f"# {k}_unit: {_line(u)}" for k in UNIT_KEYS if (u := history.units.get(k, "unknown")) != "unknown"
    ]
    head += [f"# - {_line(remark)}" for remark in history.remarks]
    columns = _columns(history)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["year", *columns])
    for row, year in enumerate(history.year):
        cells = (float(values[row]) for values in columns.values())
        writer.writerow([int(year), *("" if math.isnan(value) else repr(value) for value in cells)])
    return "\n".join([*head, out.getvalue()])


def _columns(history: CatchHistory) -> dict[str, Array]:
    """Return the series by the name of their column."""
    columns = {
        name: getattr(history, name)
        for name in ("catch", "biomass", "ssb", "effort")
        if getattr(history, name) is not None
    }
    for name, values in (history.index or {}).items():
        columns[column_name("index", name)] = values
        if history.index_se and name in history.index_se:
            columns[column_name("index_se", name)] = history.index_se[name]
    return columns


def _line(words: str) -> str:
    return " ".join(str(words).split())


def _check_same(history: CatchHistory, written: Path) -> None:
    """Refuse a file that would not be read back as the history that it is of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HistoryWarning)
        try:
            back = read_history_csv(written)
        except HistoryError as problem:
            raise HistoryError(
                f"history {history.id!r} cannot be written so that it is read again: {problem}"
            ) from None
    ours, theirs = _columns(history), _columns(back)
    lost = [name for name in ours if name not in theirs]
    lost += [n for n in ours if n in theirs and not np.array_equal(ours[n], theirs[n], equal_nan=True)]
    lost += [name for name in theirs if name not in ours]
    lost += [key for key in _WORDS if _line(getattr(history, key)) != getattr(back, key)]
    if {k: _line(u) for k, u in history.units.items()} != back.units:
        lost.append("units")
    if lost or not np.array_equal(history.year, back.year):
        raise HistoryError(
            f"history {history.id!r}: {(lost or ['year'])[0]!r} would not be read back as it is, expected names "
            "and words without brackets, commas or semicolons at their end; rename it"
        )
