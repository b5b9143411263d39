"""Histories by their name or their file, and those that ecodecide ships."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.foreign import read_foreign
from ecodecide.history.read_csv import read_fields, read_history_csv
from ecodecide.history.recognize import recognized
from ecodecide.shipped import shipped_files

_SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".rdata", ".rda", ".rds")


@dataclass(frozen=True)
class HistorySummary:
    """One line about a shipped history.

    Attributes
    ----------
    id
        Its name for `load_history`.
    species, region
        What and where.
    years
        The first and the last.
    units
        Unit of each column.
    observed
        What is known of the stock besides the catch: see `CatchHistory`.
    source, license
        What to cite, and what is known of its license.
    """

    id: str
    species: str
    region: str
    years: tuple[int, int]
    units: dict[str, str]
    observed: str
    source: str
    license: str


def shipped_histories() -> list[HistorySummary]:
    """Return a summary of each shipped history, in alphabetical order.

    Examples
    --------
    >>> len(shipped_histories())
    14
    """
    summaries = []
    for path in shipped_files("data", ".csv").values():
        fields = read_fields(path)
        summaries.append(
            HistorySummary(
                id=fields["id"],
                species=fields["species"],
                region=fields["region"],
                years=(int(min(fields["year"])), int(max(fields["year"]))),
                units=fields["units"],
                observed=fields["observed"],
                source=fields["source"],
                license=fields["license"],
            )
        )
    return summaries


def load_history(name_or_path: str | os.PathLike[str]) -> CatchHistory:
    r"""Load a shipped history by its name, or one from a file by its path.

    A file is a history of our own, or of another tool, which is told by what is in it: the RAM Legacy database (a
    release as a workbook or R data, or its tables as CSV), SPiCT, MSEtool or FIMS. Where it holds several
    stocks, the stockid stands after the path and a colon. What takes more than one file, or needs more to be said, is
    made a history with `ecodecide history import` or `ecodecide.history.read_foreign` first.

    Parameters
    ----------
    name_or_path
        A name such as ``"hake-argentina-north"``; or a path; or a path with a stock, such as
        ``"RAM.xlsx:COD2J3KL"``. A name that is shipped is taken as such; a file of that name is read as ``./name``.
        A file whose name has a colon in it, and is there, is taken before a stock is looked for in the name; and the
        letter of a drive, as in ``C:\\RAM.xlsx``, is no file.

    Returns
    -------
    CatchHistory

    Raises
    ------
    HistoryError
        When it is neither, with the names that come close; when the file is refused; or when it holds several stocks
        and none was named.

    Warns
    -----
    HistoryWarning
        As `CatchHistory` and `ecodecide.history.read_history_csv` do.

    Examples
    --------
    >>> load_history("hake-argentina-north")
    CatchHistory('hake-argentina-north', 1986-2018, assessment biomass, catch in t)
    >>> import tempfile
    >>> rows = ["assessid,stockid,tsid,tsyear,tsvalue", "A1,COD,TC-MT,2001,20", "A1,COD,TC-MT,2002,15"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "timeseries.csv"
    ...     _ = file.write_text("\n".join(rows))
    ...     load_history(f"{file}:COD")
    CatchHistory('COD', 2001-2002, catch only, catch in t)
    """
    shipped = shipped_files("data", ".csv")
    name = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and name in shipped:
        return CatchHistory(**{**read_fields(shipped[name]), "origin": "shipped"})
    path, stock = _path_and_stock(name)
    if isinstance(name_or_path, str) and not _is_path(path):
        raise HistoryError(_unknown(name, shipped))
    form = recognized(Path(path)) if os.path.isfile(path) else None
    if form == "ram":
        return read_foreign(path, form, stock)
    if stock is not None and os.path.isfile(path):
        raise HistoryError(f"{path} holds one history, yet a stock {stock!r} was named; leave out ':{stock}'")
    return read_history_csv(path) if form is None else read_foreign(path, form)


def _path_and_stock(name: str) -> tuple[str, str | None]:
    r"""Take a path with a stock apart; a file of that very name comes first.

    Examples
    --------
    >>> _path_and_stock("RAM.xlsx:COD2J3KL"), _path_and_stock("RAM.xlsx")
    (('RAM.xlsx', 'COD2J3KL'), ('RAM.xlsx', None))
    >>> _path_and_stock(r"C:\RAM.xlsx"), _path_and_stock(r"C:\RAM.xlsx:COD2J3KL")
    (('C:\\RAM.xlsx', None), ('C:\\RAM.xlsx', 'COD2J3KL'))
    """
    path, colon, stock = name.rpartition(":")
    drive = len(path) == 1 or "/" in stock or "\\" in stock
    if not colon or not path or drive or os.path.exists(name) or not _is_path(path):
        return name, None
    return path, stock.strip()


def _is_path(name: str) -> bool:
    """Return whether a text is meant as the path of a file."""
    if Path(name).suffix.lower() in _SUFFIXES or os.sep in name or "/" in name:
        return True
    return bool(name.strip()) and os.path.exists(name)


def _unknown(name: str, shipped: Iterable[str]) -> str:
    wanted = name.lower().strip()
    close = [known for known in shipped if wanted and wanted in known]
    close += [known for known in difflib.get_close_matches(wanted, shipped, cutoff=0.5) if known not in close]
    hint = f"did you mean {' or '.join(close[:3])}? " if close else ""
    return (
        f"no history is named {name!r}, and there is no such file; "
        f"{hint}`ecodecide stocks` lists the shipped ones"
    )
