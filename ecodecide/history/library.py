"""The catch histories that ecodecide ships."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.read_csv import read_fields, read_history_csv
from ecodecide.shipped import shipped_files


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
    """Load a shipped history by its name, or one from a CSV file by its path.

    Parameters
    ----------
    name_or_path
        A name such as ``"hake-argentina-north"``, or a path. A name that is shipped is taken as such; a file
        of that name is read as ``./name``.

    Returns
    -------
    CatchHistory

    Raises
    ------
    HistoryError
        When it is neither, with the names that come close; or when the file is refused.

    Warns
    -----
    HistoryWarning
        As `CatchHistory` and `read_history_csv` do.

    Examples
    --------
    >>> load_history("hake-argentina-north")
    CatchHistory('hake-argentina-north', 1986-2018, assessment biomass, catch in t)
    """
    shipped = shipped_files("data", ".csv")
    name = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and name in shipped:
        return CatchHistory(**{**read_fields(shipped[name]), "origin": "shipped"})
    is_path = not isinstance(name_or_path, str) or Path(name).suffix.lower() in (".csv", ".txt", ".tsv")
    if is_path or os.sep in name or "/" in name or (name.strip() and os.path.exists(name)):
        return read_history_csv(name_or_path)
    wanted = name.lower().strip()
    close = [known for known in shipped if wanted and wanted in known]
    close += [known for known in difflib.get_close_matches(wanted, shipped, cutoff=0.5) if known not in close]
    hint = f"did you mean {' or '.join(close[:3])}? " if close else ""
    raise HistoryError(
        f"no history is named {name!r}, and there is no such file; "
        f"{hint}`ecodecide stocks` lists the shipped ones"
    )
