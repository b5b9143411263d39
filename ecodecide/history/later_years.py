"""The years after a catch history: what was caught and seen since, for an update of a fit without a new one."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecodecide.errors import HistoryError, HistoryWarning
from ecodecide.history.catch_history import Array, CatchHistory, check_rows, column_name, column_of, same_unit
from ecodecide.history.read_csv import read_fields

Years = np.ndarray[Any, np.dtype[np.int64]]
_FIELDS = ("year", "catch", "biomass", "ssb", "index", "index_se", "effort", "units")

Update = str | os.PathLike[str] | Mapping[str, Any]
"""A CSV file with the columns of a history, or the same as a mapping from names to one value per year."""


@dataclass(frozen=True, eq=False)
class LaterYears:
    """Years that follow a history.

    Attributes
    ----------
    year
        Shape (years,): the first is the year after the history, or its last where that has no catch yet.
    catch
        Shape (years,): NaN in the last year alone, where that is still to be decided.
    observations
        By the names of the history's own series, shape (years,): NaN where nothing was seen that the history has not.
    errors
        Standard errors of the logarithm, of the indices that came with some.
    """

    year: Years
    catch: Array
    observations: Mapping[str, Array]
    errors: Mapping[str, Array]

    @property
    def decision_year(self) -> int:
        """The year of the next decision: that whose catch is not known, or the one after the last."""
        return int(self.year[-1]) + int(np.isfinite(self.catch[-1]))

    @property
    def ends_with_a_survey(self) -> bool:
        """Whether the year of the next decision was surveyed already."""
        seen = any(np.isfinite(values[-1]) for values in self.observations.values())
        return bool(np.isnan(self.catch[-1])) and seen


def decision_year(history: CatchHistory) -> int:
    """Return the year of the first decision after a history: that whose catch is not known, or the next.

    Examples
    --------
    >>> decision_year(CatchHistory(year=[2001, 2002], catch=[20, 30], index=[1, 2]))
    2003
    """
    return history.years[1] + int(np.isfinite(history.catch[-1]))


def later_years(history: CatchHistory, update: Update) -> LaterYears:
    """Return the years after a history, from a file or a mapping that may hold the history's own years too.

    Parameters
    ----------
    history
        The history.
    update
        A CSV file with the columns year, catch and any of the history's series, in its units; or a mapping from the
        same names to one value per year, that of several indices (``"index"``) to a mapping in turn. Years that the
        history has must say what it says; the last may lack its catch.

    Returns
    -------
    LaterYears

    Raises
    ------
    HistoryError
        When it cannot be read, its years do not follow the history, or it says something else than the history.

    Examples
    --------
    >>> history = CatchHistory(year=[2001, 2002], catch=[20, 30], index=[1.0, 0.9], units={"catch": "t"})
    >>> later = later_years(history, {"year": [2003, 2004], "catch": [25, np.nan], "index": [0.8, 0.7]})
    >>> later.decision_year, later.ends_with_a_survey
    (2004, True)
    """
    fields, name = _fields(update)
    year, columns = _columns(fields, name)
    if not year.size:
        raise HistoryError(
            f"{name}: found no rows, expected one per year from {decision_year(history)} on; add what was caught "
            "and seen"
        )
    check_rows(year, columns, lambda row, column: f"{name}, year {year[row]:.15g}, column {column}")
    order = np.argsort(year)
    years, columns = year[order].astype(np.int64), {key: values[order] for key, values in columns.items()}
    _check_units(history, fields, name)
    known = _series(history)
    found = _in_history(years, columns, history, known, name)
    first = decision_year(history)
    later = years >= first
    if not later.any() or not any(np.isfinite(values[later]).any() for values in found.values()):
        raise HistoryError(
            f"{name}: found nothing that {history.id} does not say up to {history.years[1]}; expected catches and "
            f"surveys from {first} on; nothing has to be updated without them"
        )
    if years[later][0] != first:
        raise HistoryError(
            f"{name}: found {years[later][0]} first, expected {first}, which follows {history.id}; add a row for each "
            "missing year with its catch (0 if nothing was caught)"
        )
    errors = {
        key: columns[column][later]
        for key in known
        if (column := column_name("index_se", key)) in columns and key not in ("biomass", "ssb")
    }
    _check_errors(years[later], found, errors, later, name)
    observations = {key: found[key][later] for key in known if key in found}
    return LaterYears(years[later], columns["catch"][later], observations, errors)


def _fields(update: Update) -> tuple[dict[str, Any], str]:
    """Return what an update says, and what it is called."""
    if isinstance(update, Mapping):
        strange = [str(key) for key in update if key not in _FIELDS]
        if strange:
            raise HistoryError(
                f"the update: found {strange[0]!r}, expected some of {', '.join(_FIELDS)}; rename it, or remove it"
            )
        return dict(update), "the update"
    name, fields = os.path.basename(update), read_fields(update, whole=False)
    for remark in fields.get("remarks", ()):
        # a survey that is not read would be missed in silence
        if remark.startswith("unknown column"):
            warnings.warn(f"{name}: {remark}", HistoryWarning, stacklevel=4)
    return fields, name


def _columns(fields: Mapping[str, Any], name: str) -> tuple[Array, dict[str, Array]]:
    """Return the years, and the columns by name."""
    given: dict[str, Any] = {}
    for key in ("year", "catch", "biomass", "ssb", "index", "index_se"):
        value = fields.get(key)
        if key in ("year", "catch") and value is None:
            raise HistoryError(f"{name}: there is no {key}, expected one value per year; add it")
        if isinstance(value, Mapping):
            given |= {column_name(key, str(one)): values for one, values in value.items()}  # type: ignore[arg-type]
        elif value is not None:
            given[key] = value
    columns: dict[str, Array] = {}
    for key, values in given.items():
        try:
            columns[key] = np.array(np.atleast_1d(np.ma.array(values, dtype=float).filled(np.nan)))
        except (TypeError, ValueError):
            raise HistoryError(f"{name}: {key} must be one number per year, NaN if not known") from None
        if columns[key].shape != columns["year"].shape:
            raise HistoryError(
                f"{name}: {key} has {columns[key].size} values and year has {columns['year'].size}; give one value per "
                "year, NaN where it is not known"
            )
    return columns.pop("year"), columns


def _check_units(history: CatchHistory, fields: Mapping[str, Any], name: str) -> None:
    for key, unit in dict(fields.get("units") or {}).items():
        own = history.units.get(key, "unknown")
        if "unknown" not in (own, unit) and not same_unit(own, str(unit)):
            raise HistoryError(
                f"{name}: the unit of {key} is {unit!r} and that of {history.id} {own!r}, expected one and the same; "
                "convert the column"
            )


def _series(history: CatchHistory) -> dict[str, Array]:
    """Return the series that a fit of the history rests on, by name."""
    found = dict(history.observations)
    if history.observed == "biomass":
        found |= history.index or {}
    return found


def _in_history(
    year: Years,
    columns: Mapping[str, Array],
    history: CatchHistory,
    known: Mapping[str, Array],
    name: str,
) -> dict[str, Array]:
    """Return catch and series with what the history says struck out, or refuse what contradicts it."""
    found = {}
    place = year - history.years[0]
    inside = place < len(history.year)
    if (place < 0).any():
        raise HistoryError(
            f"{name}: found {year[0]}, expected years from {history.years[0]} on, where {history.id} begins; "
            "fit again, with the longer history"
        )
    for column, values in columns.items():
        key = next((one for one in known if _column(one) == column), None)
        if column == "catch":
            own: Array = history.catch
        elif key is not None:
            own = known[key]
        elif column_of(column)[0] != "index_se" and np.isfinite(values).any():
            raise HistoryError(
                f"{name}: there is a column {column}, which the fit of {history.id} does not rest on; expected some of "
                f"{', '.join(map(_column, known))}; rename it, or fit again with it"
            )
        else:
            continue
        told = own[place[inside]]
        # one may say what the other leaves out, of the last year's catch and survey alone
        last = year[inside] == decision_year(history)
        clash = ~(np.isclose(values[inside], told, rtol=1e-6, equal_nan=True) | (last & np.isnan(told)))
        clash &= ~np.isnan(values[inside])
        if clash.any():
            row = int(np.flatnonzero(clash)[0])
            raise HistoryError(
                f"{name}, year {year[inside][row]}, column {column}: found {values[inside][row]:.15g}, and "
                f"{history.id} has {'nothing' if np.isnan(told[row]) else f'{told[row]:.15g}'}; an update adds years: "
                "fit again where the past was revised"
            )
        fresh = np.array(values)
        fresh[np.flatnonzero(inside)[np.isfinite(told)]] = np.nan
        found[column if column == "catch" else str(key)] = fresh
    return found


def _column(series: str) -> str:
    return series if series in ("biomass", "ssb") else column_name("index", series)


def _check_errors(
    year: Years, found: Mapping[str, Array], errors: Mapping[str, Array], later: Any, name: str
) -> None:
    for key, given in errors.items():
        missing = np.isnan(given) & np.isfinite(found[key][later])
        if missing.any():
            raise HistoryError(
                f"{name}, year {year[missing][0]}, column {column_name('index_se', key)}: found nothing, expected the "
                "standard error of that year's index; give it, or remove the column"
            )
