"""Read a catch history from the tables of another tool, by the name of its format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ecodecide.errors import HistoryError
from ecodecide.history.catch_history import UNIT_KEYS, CatchHistory
from ecodecide.history.fims_table import read_fims
from ecodecide.history.jabba_tables import read_jabba
from ecodecide.history.msetool_data import read_msetool
from ecodecide.history.ram_tables import read_ram
from ecodecide.history.spict_table import read_spict

FORMATS: dict[str, tuple[Callable[..., CatchHistory], tuple[str, ...]]] = {
    "ram": (read_ram, ("stock", "assessment", "unit_table")),
    "jabba": (read_jabba, ("cpue", "se")),
    "spict": (read_spict, ()),
    "msetool": (read_msetool, ()),
    "fims": (read_fims, ()),
}
"""What reads each format, and the options of its own."""


def read_foreign(
    path: str | os.PathLike[str],
    format: str,
    stock: str | None = None,
    *,
    assessment: str | None = None,
    unit_table: str | os.PathLike[str] | None = None,
    cpue: str | os.PathLike[str] | None = None,
    se: str | os.PathLike[str] | None = None,
    units: Mapping[str, str] | None = None,
) -> CatchHistory:
    r"""Read a catch history from a file of another tool: CSV, a workbook or R data.

    What is missing or does not fit is an error with the file and the row. Case, blanks, underscores, dots and
    hyphens in names of columns are tolerated, and what was made of them is told in the history's notes. No unit
    is guessed.

    Parameters
    ----------
    path
        The file: the table as text; a workbook (.xlsx) with it as its one sheet, or R data (.RData, .rda, .rds) with
        it as the one data frame; of the RAM Legacy database a whole release in either.
    format
        ``"ram"``: the table `timeseries` or `timeseries_values_views` of the RAM Legacy database, or a release with
        both: then the wide one is read unless an assessment is named. Total biomass becomes `biomass`, or else
        spawning biomass `ssb`; both are output of an assessment and declared so. The matrices `MCatch`, `Bio` and
        `SSB` of its smaller releases come without units, which are asked for.
        ``"jabba"``: the table of catch, whose fleets are added up.
        ``"spict"``: one table of time, catch and indices.
        ``"msetool"``: a Data file, a key in the first column of each row.
        ``"fims"``: the long table of FIMS, whose catch is added up over the fleets.
    stock
        RAM: the stockid.
    assessment
        RAM: the assessid, where the stock has several.
    unit_table
        RAM: the table `timeseries_units_views`; by default the one in the same release or beside the values.
    cpue
        JABBA: the table of indices.
    se
        JABBA: the table of their standard errors, those of the logarithm.
    units
        Units that the file does not give, by ``catch``, ``biomass``, ``ssb``, ``index`` and ``effort``.

    Returns
    -------
    CatchHistory

    Raises
    ------
    HistoryError
        When the file cannot be read or what it says cannot be true.

    Warns
    -----
    HistoryWarning
        When catch exceeds the abundance series, or every decimal mark might be a thousands separator.

    Examples
    --------
    >>> import tempfile
    >>> rows = ["assessid,stockid,stocklong,tsid,tsyear,tsvalue"]
    >>> for series, values in {"TB-MT": (100, 90), "TC-MT": (20, 15)}.items():
    ...     rows += [f"A1,COD,cod,{series},{year},{value}" for year, value in zip((2001, 2002), values)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "timeseries.csv"
    ...     _ = file.write_text("\n".join(rows))
    ...     read_foreign(file, "ram", "COD")
    CatchHistory('COD', 2001-2002, assessment biomass, catch in t)
    """
    if format not in FORMATS:
        raise HistoryError(f"the format is {format!r}, expected one of {', '.join(FORMATS)}")
    read, own = FORMATS[format]
    given = {
        "stock": stock,
        "assessment": assessment,
        "unit_table": unit_table,
        "cpue": cpue,
        "se": se,
    }
    strange = [name for name, value in given.items() if value is not None and name not in own]
    if strange:
        whose = next(other for other, (_, names) in FORMATS.items() if strange[0] in names)
        raise HistoryError(
            f"{strange[0]} was given with the format {format!r}, which has none of it; it is of {whose!r}: leave it out"
        )
    unknown = sorted(set(units or {}) - set(UNIT_KEYS))
    if unknown:
        raise HistoryError(f"units has the key {unknown[0]!r}, expected some of {', '.join(UNIT_KEYS)}")
    options = {name: given[name] for name in own}
    for name in {"unit_table", "cpue", "se"} & set(own):
        found = given[name]
        options[name] = None if found is None else Path(found)
    return read(Path(path), units=units, **options)
