"""The long table of FIMS, in the three releases of its columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from r_data_bytes import Value, frame, rds, reals, strings

from ecodecide.errors import HistoryError
from ecodecide.history import CatchHistory, read_foreign

DATED = "type,name,age,length,datestart,dateend,value,unit,uncertainty"
TIMED = "type,fleet,age,length,timing,value,unit,uncertainty"
FORMULA = "type,fleet,age,length,timing,observed,unit,uncertainty"
CATCH = {2001: 10.0, 2002: 12.5, 2003: 9.0}
INDEX = {2001: 1.5, 2002: -999.0, 2003: 1.25}


def dates(year: int) -> str:
    return f"{year}-01-01,{year}-12-31"


def dated(kind: str, fleet: str, values: dict[int, float], error: str = "0.1", unit: str = "mt") -> list[str]:
    return [f"{kind},{fleet},NA,NA,{dates(year)},{value},{unit},{error}" for year, value in values.items()]


def timed(kind: str, fleet: str, values: dict[int, float], error: str = "0.1", unit: str = "mt") -> list[str]:
    return [f'{kind},{fleet},NA,NA,{year},{value},{unit},"{error}"' for year, value in values.items()]


def lognormal(expected: str, error: float) -> str:
    # with the blanks that R's paste() leaves
    return f"~ dlnorm(meanlog = log_{expected}_expected, sdlog =  {error} )"


AGES = [
    "age,fleet1,3,NA,2001-01-01,2001-12-31,0.2,proportion,200",
    "weight-at-age,fleet1,3,NA,NA,NA,0.1,mt,NA",
]
RELEASES = {
    "dated": [DATED, *AGES, *dated("landings", "fleet1", CATCH), *dated("index", "survey1", INDEX, "0.2")],
    "timed": [TIMED, *timed("landings", "fleet1", CATCH), *timed("index", "survey1", INDEX, "0.2")],
    "formula": [
        FORMULA,
        "age_comp,fleet1,3,NA,2001,0.2,proportion,~ dmultinom(prob = agecomp_proportion; size = 200)",
        *timed("catch", "fleet1", CATCH, lognormal("catch", 0.01)),
        *timed("index", "survey1", INDEX, lognormal("index", 0.2)),
    ],
}


def save(folder: Path, rows: list[str], name: str = "fims.csv") -> Path:
    (folder / name).write_text("\n".join(rows) + "\n")
    return folder / name


def read(folder: Path, *parts: list[str], header: str = DATED, **options: object) -> CatchHistory:
    return read_foreign(save(folder, [header, *(row for part in parts for row in part)]), "fims", **options)  # type: ignore[arg-type]


def refusal(folder: Path, *parts: list[str], header: str = DATED, **options: object) -> str:
    with pytest.raises(HistoryError) as caught:
        read(folder, *parts, header=header, **options)
    message = str(caught.value)
    assert message.startswith("fims.csv")
    assert "\n" not in message
    return message


LANDINGS, SURVEY = dated("landings", "fleet1", CATCH), dated("index", "survey1", INDEX, "0.2")


@pytest.mark.parametrize("release", RELEASES)
def test_catch_and_index(tmp_path, release):
    history = read_foreign(save(tmp_path, RELEASES[release]), "fims")
    np.testing.assert_array_equal(history.year, [2001, 2002, 2003])
    np.testing.assert_array_equal(history.catch, [10, 12.5, 9])
    np.testing.assert_array_equal(history.index["survey1"], [1.5, np.nan, 1.25])
    np.testing.assert_array_equal(history.index_se["survey1"][[0, 2]], [0.2, 0.2])
    assert history.units == {"catch": "t", "index": "t"}
    assert (history.id, history.observed, history.remarks) == ("fims", "index", ())


def test_fleets_are_added_up_and_surveys_kept_apart(tmp_path):
    history = read(
        tmp_path,
        LANDINGS,
        dated("landings", "fleet2", {2001: 1, 2002: 0, 2003: 3}),
        SURVEY,
        dated("index", "CPUE (spring)", {2002: 2, 2004: 3}, "0.3", "number"),
    )
    np.testing.assert_array_equal(history.catch, [11, 12.5, 12, np.nan])
    assert list(history.index) == ["survey1", "CPUE_spring"]
    np.testing.assert_array_equal(history.index["CPUE_spring"], [np.nan, 2, np.nan, 3])
    for words in (
        "catch added up over 2 fleets: fleet1, fleet2",
        "index 'CPUE (spring)' read as 'CPUE_spring'",
        "the indices have several units (t, number): each is used as it is",
    ):
        assert words in history.notes
    assert history.units == {"catch": "t", "index": "unknown"}


def test_the_error_of_another_distribution_is_not_of_the_logarithm(tmp_path):
    normal = "~dnorm(mean = index_expected, sd = 0.3)"
    parts = [timed("catch", "a", CATCH), timed("index", "b", INDEX, normal)]
    history = read(tmp_path, *parts, header=FORMULA)
    assert history.index_se is None
    assert "uncertainty of b is of the distribution dnorm, not of the logarithm: not used" in history.notes
    assert "index 'b' has no standard error" in history.notes
    parts[1] = timed("index", "b", INDEX, "~ dlnorm(sdlog = 0.5, meanlog = log_index_expected)")
    np.testing.assert_array_equal(read(tmp_path, *parts, header=FORMULA).index_se["b"][[0, 2]], [0.5, 0.5])
    parts[1] = timed("index", "b", INDEX, "~ dlnorm(meanlog = log_index_expected, sdlog = sigma)")
    assert "row 5, column uncertainty of b: found 'sigma', expected a number" in refusal(
        tmp_path, *parts, header=FORMULA
    )
    parts[1] = timed("index", "b", INDEX, "~ dlnorm(log_index_expected)")
    assert "found '~ dlnorm(log_index_expected)', expected a number" in refusal(
        tmp_path, *parts, header=FORMULA
    )


def test_spelling_is_tolerated_and_told(tmp_path):
    header = "Type,Name,age,length,Date_Start,dateend,VALUE,Unit,uncertainty"
    history = read(tmp_path, [row.replace("landings", "Landings") for row in LANDINGS], SURVEY, header=header)
    np.testing.assert_array_equal(history.catch, [10, 12.5, 9])
    assert "column 'Date_Start' read as datestart" in history.notes
    assert "column 'VALUE' read as value" in history.notes


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([SURVEY], "fims.csv: no rows of the type catch or landings, expected some"),
        (
            [LANDINGS, dated("catch", "b", CATCH)],
            "row 5: found rows of the type landings and of the type catch",
        ),
        ([LANDINGS, LANDINGS[:1]], "row 5, column value of fleet1: found the year 2001 a second time"),
        (
            [LANDINGS, dated("landings", "b", {2001: 1})],
            "year 2002: found no catch of 'b' beside that of other fleets",
        ),
        (
            [dated("landings", "a", CATCH | {2002: -1})],
            "row 3, column value of a: found -1, expected a number of at",
        ),
        (
            [dated("landings", "a", CATCH | {2002: -999})],
            "year 2002, column value of a: found nothing, expected a",
        ),
        ([LANDINGS[:1], LANDINGS[2:]], "the year: found 2003 after 2001, expected 2002"),
        (
            [LANDINGS, dated("index", "s", {2001: 0})],
            "year 2001, column value of s: found 0, expected a finite",
        ),
        ([LANDINGS, dated("index", "s", INDEX, "NA")[:1], SURVEY], ""),
        (
            [LANDINGS, dated("index", "s", {2001: 1}), dated("index", "s", {2002: 1}, "NA")],
            "year 2002, column uncertainty of s: found nothing, expected the standard error",
        ),
        (
            [[LANDINGS[0].replace("NA,NA", "3,NA")]],
            "row 2, column age: found '3', expected none in a row of landings",
        ),
        (
            [[LANDINGS[0].replace("2001-01-01", "1/1/01")]],
            "row 2, column datestart: found '1/1/01', expected a date such as",
        ),
        (
            [[LANDINGS[0].replace("2001-12-31", "2002-06-30")]],
            "found 2002-06-30 after a start in 2001, expected the",
        ),
        ([[LANDINGS[0].replace("10.0", "ten")]], "row 2, column value: found 'ten', expected a number"),
        (
            [LANDINGS, dated("landings", "b", CATCH, unit="kg")],
            "row 5: found the unit kg of catch, expected t as",
        ),
        ([dated("landings", "a", CATCH, unit="number")], "the catch is in numbers, which have no weight"),
        (
            [LANDINGS, dated("index", "a b", INDEX), dated("index", "a_b", INDEX)],
            "two fleets would both be the index",
        ),
    ],
)
def test_refusals_name_the_place(tmp_path, parts, words):
    if not words:
        history = read(tmp_path, *parts)
        assert list(history.index_se) == ["survey1"]
        assert "index 's' has no standard error" in history.notes
    else:
        assert words in refusal(tmp_path, *parts)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (DATED.replace("type", "kind"), "row 1: no column type; found kind, name, age"),
        (DATED.replace("name", "who"), "no column name; found type, who"),
        (DATED.replace("dateend", "end"), "no column dateend"),
        (DATED.replace("datestart", "start"), "no column timing"),
        (DATED.replace("value", "x"), "no column value"),
        (DATED.replace("unit", "in"), "no column unit"),
        (
            DATED.replace("age", "observed"),
            "the columns 'observed' and 'value' both mean value, expected one",
        ),
    ],
)
def test_a_renamed_column_is_an_error_with_what_was_found(tmp_path, header, words):
    assert words in refusal(tmp_path, LANDINGS, header=header)


def test_units_are_told_or_asked_for(tmp_path):
    parts = [dated("landings", "a", CATCH, unit="NA"), dated("index", "b", INDEX, unit="")]
    assert read(tmp_path, *parts).units == {"catch": "unknown", "index": "unknown"}
    assert read(tmp_path, *parts, units={"catch": "t"}).units["catch"] == "t"
    assert "the unit of the catch is 't' in the table and 'kg' was given" in refusal(
        tmp_path, LANDINGS, units={"catch": "kg"}
    )


def test_a_data_frame_of_r(tmp_path):
    def day(first: float) -> Value:
        return reals([first, first + 365], **{"class": strings(["Date"])})

    table = frame(
        {
            "type": ["landings", "landings"],
            "name": ["fleet1", "fleet1"],
            "age": [None, None],
            "datestart": day(11323.0),  # the first of 2001
            "dateend": day(11687.0),
            "value": [10.5, 12],
            "unit": ["mt", "mt"],
            "uncertainty": [0.1, 0.1],
        }
    )
    (tmp_path / "fims.rds").write_bytes(rds(table))
    history = read_foreign(tmp_path / "fims.rds", "fims")
    np.testing.assert_array_equal(history.year, [2001, 2002])
    np.testing.assert_array_equal(history.catch, [10.5, 12])
