"""The catch history: what was caught and what was seen of the stock, year by year.

The biomass or index of a year is of the start of that year, before its catch. A value that is not known is
NaN. The catch must be known for every year but the last, in which a survey may have come first.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecodecide.errors import HistoryError, HistoryWarning

Array = NDArray[np.float64]
Place = Callable[[int, str], str]
"""Names the place of a value, given its row (counted from 0) and its column."""

OBSERVED = ("assessment biomass", "biomass", "index", "catch only")
_TONNE = dict.fromkeys(("t", "mt", "ton", "tons", "tonne", "tonnes", "metric tons"), "t")
UNIT_KEYS = ("catch", "biomass", "ssb", "index", "effort")


@dataclass(frozen=True, eq=False, repr=False)
class CatchHistory:
    """Catches of a fishery, with what was observed of the stock.

    Parameters
    ----------
    year
        The years, without a gap; sorted if they are not, and the notes say so.
    catch
        Catch of each year, at least 0; NaN for the last year alone.
    biomass
        Biomass before harvest, at least 0; NaN where it is not known.
    ssb
        Spawning biomass. Without `biomass` it is the abundance series, as an index with free catchability.
    index
        A relative index of biomass, positive; NaN in years without one. Several are given as a mapping of
        name to array; one is stored under the name ``index``.
    index_se
        Standard error of the logarithm of the index, in the form of `index`.
    effort
        Fishing effort; carried along, used by nothing.
    id
        Short name of the history.
    species, region, source, license, note
        Words about it.
    units
        Unit of ``catch``, ``biomass``, ``ssb``, ``index`` and ``effort``. A unit that is not given is
        ``"unknown"``; none is ever guessed.
    observed
        ``"assessment biomass"`` (the output of an assessment), ``"biomass"``, ``"index"`` or
        ``"catch only"``. Derived from the columns when None; an assessment's output has to be declared.
    origin
        Where it came from: the path of a file, ``"shipped"``, or nothing.
    remarks
        What a reader noticed; part of `notes`.

    Raises
    ------
    HistoryError
        When years are missing or repeated, or values are negative, infinite or contradict each other.

    Warns
    -----
    HistoryWarning
        When catch exceeds the abundance series in some year.

    Examples
    --------
    >>> history = CatchHistory(year=[2001, 2002, 2003], catch=[20, 30, 25], biomass=[100, 90, np.nan])
    >>> history
    CatchHistory('custom', 2001-2003, biomass, catch in unknown unit)
    >>> history.scale
    100.0
    """

    year: Any
    catch: Any
    biomass: Any = None
    ssb: Any = None
    index: Any = None
    index_se: Any = None
    effort: Any = None
    id: str = "custom"
    species: str = ""
    region: str = ""
    units: Any = None
    source: str = ""
    license: str = ""
    observed: Any = None
    note: str = ""
    origin: str = ""
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        year = _series("year", self.year)
        columns = {"catch": _series("catch", self.catch)}
        for name in ("biomass", "ssb", "effort"):
            if getattr(self, name) is not None:
                columns[name] = _series(name, getattr(self, name))
        index = _named_series("index", self.index)
        index_se = _named_series("index_se", self.index_se)
        columns |= {column_name("index", name): values for name, values in index.items()}
        columns |= {column_name("index_se", name): values for name, values in index_se.items()}
        for name, values in columns.items():
            if len(values) != len(year):
                raise HistoryError(
                    f"history {self.id!r}: {name} has {len(values)} values and year has {len(year)}; "
                    "give one value per year, NaN where it is not known"
                )
        check_columns(
            year, columns, lambda row, name: _place(self.id, year, row, name), f"history {self.id!r}"
        )

        remarks = list(self.remarks)
        order = np.argsort(year)
        if np.any(np.diff(order) != 1):
            remarks.append("the years were not in order; they were sorted")
        kept = {n: _frozen(v[order]) for n, v in columns.items() if n == "catch" or not np.isnan(v).all()}
        empty = [name for name in columns if name not in kept]
        if empty:
            remarks.append(f"no value in {', '.join(empty)}: ignored")

        def named(kind: Literal["index", "index_se"], given: dict[str, Array]) -> dict[str, Array] | None:
            found = {
                n: kept[column_name(kind, n)]
                for n in given
                if column_name(kind, n) in kept and column_name("index", n) in kept
            }
            return found or None

        settled: dict[str, Any] = {
            "year": _frozen(year[order].astype(np.int64)),
            "index": named("index", index),
            "index_se": named("index_se", index_se),
            "remarks": tuple(dict.fromkeys(remarks)),
            **{name: kept.get(name) for name in ("catch", "biomass", "ssb", "effort")},
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "units", self._complete_units())
        object.__setattr__(self, "observed", self._complete_observed())
        if self.excess_years:
            warnings.warn(f"{self.id}: {self._excess_note()}", HistoryWarning, stacklevel=3)

    def _complete_units(self) -> dict[str, str]:
        if self.units is not None and not isinstance(self.units, Mapping):
            raise HistoryError(
                f"history {self.id!r}: units is {self.units!r}, expected a mapping such as "
                "{'catch': 't', 'biomass': 't'}"
            )
        given = dict(self.units or {})
        unknown = sorted(set(given) - set(UNIT_KEYS))
        if unknown:
            raise HistoryError(
                f"history {self.id!r}: units has the key {unknown[0]!r}, "
                f"expected some of {', '.join(UNIT_KEYS)}"
            )
        present = [name for name in UNIT_KEYS if getattr(self, name) is not None]
        units = {name: str(given.get(name) or "unknown") for name in present}
        known = {
            name: units[name] for name in ("catch", "biomass") if units.get(name, "unknown") != "unknown"
        }
        if len(known) == 2 and not same_unit(*known.values()):
            raise HistoryError(
                f"history {self.id!r}: the unit of catch is {known['catch']!r} and that of biomass "
                f"{known['biomass']!r}, expected one and the same; convert one of the two columns"
            )
        return units

    def _complete_observed(self) -> str:
        has_biomass = self.biomass_like() is not None
        derived = "biomass" if has_biomass else "index" if self.index is not None else "catch only"
        if self.observed is None:
            return derived
        possible = {
            "assessment biomass": has_biomass,
            "biomass": has_biomass,
            "index": self.index is not None,
            "catch only": derived == "catch only",
        }
        if self.observed not in possible:
            raise HistoryError(
                f"history {self.id!r}: observed is {self.observed!r}, expected one of {', '.join(OBSERVED)}"
            )
        if not possible[self.observed]:
            raise HistoryError(
                f"history {self.id!r}: observed is {self.observed!r}, which the columns do not bear out; "
                f"expected {derived!r}, or leave it out"
            )
        return str(self.observed)

    @property
    def years(self) -> tuple[int, int]:
        """The first and the last year."""
        return int(self.year[0]), int(self.year[-1])

    @property
    def scale(self) -> float:
        """The largest biomass (or spawning biomass, or else catch): a size to measure the stock with."""
        found = self.biomass_like()
        return float(np.nanmax(self.catch if found is None else found[1]))

    def biomass_like(self) -> tuple[str, Array] | None:
        """Return the abundance series in units of biomass and its name, or None where there is none.

        Returns
        -------
        tuple of str and array, or None
            ``("biomass", ...)`` if it was given, else ``("ssb", ...)``.
        """
        for name in ("biomass", "ssb"):
            if getattr(self, name) is not None:
                return name, getattr(self, name)
        return None

    @property
    def observations(self) -> dict[str, Array]:
        """What was observed of the stock, by name: the indices, or the one abundance series, or nothing."""
        if self.observed == "index":
            return dict(self.index)
        found = self.biomass_like()
        return {} if found is None else {found[0]: found[1]}

    @property
    def free_catchability(self) -> bool:
        """Whether the observations are relative: the biomass they stand for is known up to a factor.

        True of an index, of spawning biomass (part of what a fishery takes is not in it), and of a biomass
        that catch exceeds in some year.
        """
        return bool(self.observations) and (
            self.biomass is None or self.observed == "index" or self.excess_years != ()
        )

    @property
    def excess_years(self) -> tuple[int, ...]:
        """The years in which catch exceeds the abundance series."""
        found = self.biomass_like()
        if found is None:
            return ()
        return tuple(int(year) for year in self.year[self.catch > found[1]])

    @property
    def _abundance_word(self) -> str:
        return "spawning biomass" if self.biomass is None else "biomass"

    def _excess_note(self) -> str:
        count = len(self.excess_years)
        return (
            f"catch exceeds {self._abundance_word} in {count} year{'s' * (count > 1)} "
            f"({spans(self.excess_years)}): it is probably not the biomass that the fishery takes from, "
            "or not in the unit of the catch; "
            "it is used as an index with a free catchability"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user of this history should know, one line each."""
        notes = list(self.remarks)
        if self.excess_years:
            notes.append(self._excess_note())
        elif self.biomass is None and self.ssb is not None:
            notes.append(
                "spawning biomass is not exploitable biomass: used as an index with free catchability"
            )
        if self.observed == "assessment biomass":
            notes.append(
                f"{self._abundance_word} is the output of an assessment, smooth and conditioned on the "
                "catch: its observation error cannot be estimated and has to be assumed"
            )
        if self.observed == "catch only":
            notes.append(
                "catch only: it can be looked at and managed by rules of average catch; "
                "fit, Pomdp and Gpdp need an index or a biomass"
            )
        if np.isnan(self.catch[-1]):
            notes.append(f"the catch of {self.years[1]} is not known")
        if not np.nansum(self.catch) > 0.0:
            notes.append("nothing was ever caught")
        unknown = [name for name, unit in self.units.items() if unit == "unknown" and name != "effort"]
        if unknown:
            notes.append(f"the unit is not known of {', '.join(unknown)}; numbers are used as they are")
        return tuple(notes)

    def __repr__(self) -> str:
        first, last = self.years
        unit = self.units["catch"]
        unit = "unknown unit" if unit == "unknown" else unit
        return f"CatchHistory({self.id!r}, {first}-{last}, {self.observed}, catch in {unit})"


def same_unit(one: str, other: str) -> bool:
    """Return whether two words mean one unit.

    Examples
    --------
    >>> same_unit("t", "Tonnes"), same_unit("t", "kg")
    (True, False)
    """
    plain = [_TONNE.get(unit.strip().lower(), unit.strip().lower()) for unit in (one, other)]
    return plain[0] == plain[1]


def column_name(kind: Literal["index", "index_se"], name: str) -> str:
    """Return the column that holds an index or its standard error.

    Examples
    --------
    >>> column_name("index", "index"), column_name("index_se", "spring")
    ('index', 'index_se_spring')
    """
    return kind if name == "index" else f"{kind}_{name}"


def column_of(column: str) -> tuple[str, str]:
    """Return the field that a column belongs to and the name of its index, "" where it is of none.

    Examples
    --------
    >>> column_of("catch"), column_of("index"), column_of("index_se_spring"), column_of("index_seine")
    (('catch', ''), ('index', 'index'), ('index_se', 'spring'), ('index', 'seine'))
    """
    for kind in ("index_se", "index"):
        if column == kind:
            return kind, "index"
        if column.startswith(f"{kind}_"):
            return kind, column.removeprefix(f"{kind}_")
    return column, ""


def check_columns(year: Array, columns: Mapping[str, Array], place: Place, whole: str) -> None:
    """Refuse what a catch history cannot say.

    Parameters
    ----------
    year
        Years in any order.
    columns
        Series by column name: ``catch``, ``biomass``, ``ssb``, ``effort``, ``index``, ``index_NAME``,
        ``index_se``, ``index_se_NAME``.
    place
        Names the place of a value for the message.
    whole
        Names the history for a message about all of it.

    Raises
    ------
    HistoryError
        On the first thing that is wrong.
    """
    if len(year) < 2:
        raise HistoryError(
            f"{whole}: found {len(year)} row{'s' * (len(year) != 1)}, expected at least 2 years"
        )
    check_rows(year, columns, place)
    _check_size(columns, whole)
    for name in ("biomass", "ssb"):
        if name in columns and not np.isnan(columns[name]).all() and not np.nanmax(columns[name]) > 0.0:
            raise HistoryError(
                f"{whole}: column {name} is 0 in every year; expected a positive value; remove it"
            )
    _check_errors(columns, place, whole)


def check_rows(year: Array, columns: Mapping[str, Array], place: Place) -> None:
    """Refuse rows that no history has, be they few: years that do not follow each other, numbers that mean nothing.

    Parameters
    ----------
    year, columns, place
        As in `check_columns`.

    Raises
    ------
    HistoryError
        On the first thing that is wrong.
    """
    _check_years(year, place)
    for name, values in columns.items():
        positive = name.startswith("index")
        bound = "above 0" if positive else "of at least 0"
        for row in np.flatnonzero(np.isinf(values) | (values < 0.0) | (positive & (values == 0.0))):
            remedy = "leave it blank if it is not known"
            if name == "catch":
                remedy = "write 0 if nothing was caught"
            elif positive and values[row] == 0.0:
                remedy = "an index of 0 has no logarithm: leave it blank"
            raise HistoryError(
                f"{place(int(row), name)}: found {values[row]:.15g}, "
                f"expected a finite number {bound}; {remedy}"
            )
    for row in np.flatnonzero(np.isnan(columns["catch"]) & (year < year.max())):
        raise HistoryError(
            f"{place(int(row), 'catch')}: found nothing, expected a number of at least 0; "
            "only the last year may lack its catch: write 0 if nothing was caught"
        )


def _check_years(year: Array, place: Place) -> None:
    for row in np.flatnonzero(~np.isfinite(year) | (np.abs(year) > 1e6)):
        found = "nothing" if np.isnan(year[row]) else f"{year[row]:.15g}"
        raise HistoryError(f"{place(int(row), 'year')}: found {found}, expected a year such as 1990")
    for row in np.flatnonzero(year != np.round(year)):
        raise HistoryError(
            f"{place(int(row), 'year')}: found {year[row]:.15g}, expected a whole year; "
            "quarters and seasons must be added up to years first"
        )
    order = np.argsort(year, kind="stable")
    for before, after in pairwise(order):
        step = year[after] - year[before]
        if step == 0.0:
            raise HistoryError(
                f"{place(int(after), 'year')}: found {year[after]:.0f} a second time, expected it once; "
                "remove one of the two rows, or add up their catches"
            )
        if step > 1.0:
            raise HistoryError(
                f"{place(int(after), 'year')}: found {year[after]:.0f} after {year[before]:.0f}, expected "
                f"{year[before] + 1:.0f}; add a row with its catch for each missing year (0 if nothing was "
                "caught), other columns may stay blank"
            )


def _check_size(columns: Mapping[str, Array], whole: str) -> None:
    abundance = [values for name, values in columns.items() if name in ("biomass", "ssb")]
    if not np.nansum(columns["catch"]) > 0.0 and all(np.isnan(values).all() for values in abundance):
        raise HistoryError(
            f"{whole}: catch is 0 in every year and there is no biomass, expected some catch; "
            "the size of the stock cannot be told from this"
        )


def _check_errors(columns: Mapping[str, Array], place: Place, whole: str) -> None:
    for name, values in columns.items():
        kind, named = column_of(name)
        if kind != "index_se":
            continue
        index = column_name("index", named)
        if np.isnan(values).all():
            continue
        if index not in columns:
            raise HistoryError(
                f"{whole}: there is a column {name} but no column {index}; add it or remove {name}"
            )
        for row in np.flatnonzero(np.isnan(values) & ~np.isnan(columns[index])):
            raise HistoryError(
                f"{place(int(row), name)}: found nothing, expected the standard error of the index value "
                f"{columns[index][row]:.15g}; give it, or remove the column {name}"
            )


def spans(years: Iterable[int]) -> str:
    """Return years as spans.

    Examples
    --------
    >>> spans([1975, 1976, 1977, 1990])
    '1975-1977, 1990'
    """
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][1] + 1:
            runs[-1][1] = year
        else:
            runs.append([year, year])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _place(owner: str, year: Array, row: int, column: str) -> str:
    when = f" (year {year[row]:.0f})" if column != "year" else ""
    return f"history {owner!r}, row {row + 1}{when}, column {column}"


def _series(name: str, values: ArrayLike) -> Array:
    """Return a copy of one column as floats, NaN where a masked array is masked."""
    try:
        series: Array = np.array(np.ma.array(values, dtype=float).filled(np.nan))
    except (TypeError, ValueError):
        raise HistoryError(
            f"{name}: found {_bad(values)}, expected one number per year, NaN if not known"
        ) from None
    if series.ndim != 1:
        raise HistoryError(f"{name}: found an array of shape {series.shape}, expected one number per year")
    return series


def _bad(values: Any) -> str:
    """Name the first value that is not a number."""
    for value in values if isinstance(values, Iterable) and not isinstance(values, str) else [values]:
        try:
            float(value)
        except (TypeError, ValueError):
            return repr(value)[:40]
    return type(values).__name__


def _named_series(name: Literal["index", "index_se"], given: Any) -> dict[str, Array]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        given = {"index": given}
    for key in given:
        if not str(key).strip() or str(key).lower() == "se" or str(key).lower().startswith("se_"):
            raise HistoryError(
                f"an index is named {str(key)!r}, which reads as a standard error or as nothing; rename it"
            )
    return {str(key): _series(column_name(name, str(key)), values) for key, values in given.items()}


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values = np.ascontiguousarray(values)
    values.flags.writeable = False
    return values
