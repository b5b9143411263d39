"""What the table and the sentences under it say of a comparison."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from ecodecide.evaluation.metrics import METRICS
from ecodecide.report.table import comparison_table, conclusion, number, percent

NOTHING = {"value": None, "low": None, "high": None}


def about(value: float, half: float = 0.0) -> dict[str, float | None]:
    return {"low": value - half, "value": value, "high": value + half}


def policy(name: str, risk: Any = 0.0, npv: Any = 1.0, **others: Any) -> dict[str, Any]:
    given = {
        "collapse_probability": risk if isinstance(risk, dict) else about(risk),
        "npv": npv if isinstance(npv, dict) else about(npv),
        "mean_catch": about(1.0), "aav": about(0.25), "closed_years": about(0.0),
        "extinction_probability": about(0.0), "npv_difference": about(0.0),
    }  # fmt: skip
    return {
        "name": name, **{metric: dict(NOTHING) for metric in METRICS}, **given,
        **{key: value if isinstance(value, dict) else about(value) for key, value in others.items()},
    }  # fmt: skip


def result(*policies: dict[str, Any], unit: str = "t", law: str = "logistic") -> dict[str, Any]:
    return {
        "stock": "hake", "unit": unit, "policies": list(policies), "fit": {"law": law, "status": "found"},
        "settings": {"years": 50, "replicates": 1000, "collapse": "0.1K"}, "world": "fitted",
    }  # fmt: skip


def printed(found: dict[str, Any], width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width)
    console.print(comparison_table(found))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def cells(found: dict[str, Any], name: str) -> list[list[str]]:
    """Return the two lines of a policy, split where columns are apart by at least two spaces."""
    lines = printed(found)
    at = next(i for i, line in enumerate(lines) if line.startswith(name))
    return [[cell for cell in line.split("  ") if cell.strip()] for line in lines[at : at + 2]]


def stripped(rows: list[list[str]]) -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in rows]


# --- the table ---


def test_amounts_share_a_factor_and_decimals_and_nothing_is_0() -> None:
    found = result(
        policy(
            "tac", about(0.25, 0.0625), about(2_754_321.0, 13_210.0), mean_catch=about(154_060.0, 1_820.0)
        ),
        policy("msy", 0.0, about(41_000.0, 210.0), mean_catch=about(9_990.0, 10.0), closed_years=12.34),
        policy("no-fishing", 0.0, 0.0, mean_catch=0.0, aav=NOTHING, closed_years=50.0),
    )
    assert stripped(cells(found, "tac")) == [
        ["tac", "25 %", "2.754", "154.1", "25 %", "0.0"],
        ["19 to 31", "2.741 to 2.768", "152.2 to 155.9"],
    ]
    assert stripped(cells(found, "msy")) == [
        ["msy", "0 %", "0.041", "10.0", "25 %", "12.3"],
        ["0.041 to 0.041", "10.0 to 10.0"],
    ]
    # what is sure has no second line
    assert stripped(cells(found, "no-fishing"))[0] == ["no-fishing", "0 %", "0", "0", "-", "50.0"]
    heads = [str(column.header) for column in comparison_table(found).columns]  # type: ignore[union-attr]
    assert "net present\nvalue\n(million t)" in heads
    assert "mean catch\nper year\n(thousand t)" in heads


@pytest.mark.parametrize(
    ("unit", "amount", "head", "cell"),
    [
        ("t", 999.0, "\n(t)", "999.0"), ("t", 1000.0, "\n(thousand t)", "1.000"),
        ("thousand t", 5.0, "\n(thousand t)", "5.000"), ("thousand t", 0.5, "\n(thousand t)", "0.5000"),
        ("thousand t", 1234.0, "\n(million t)", "1.234"), ("million t", 2000.0, "\n(billion t)", "2.000"),
        ("unknown", 20.0, "", "20.00"), ("", 20_000.0, "\n(thousand)", "20.00"),
        ("K = 1", 0.01234, "\n(K = 1)", "0.01234"),
        ("t", -3e6, "\n(million t)", "-3.000"), ("t", 7e13, "\n(billion t)", "70,000"),
    ],
)  # fmt: skip
def test_the_factor_is_in_the_head(unit: str, amount: float, head: str, cell: str) -> None:
    found = result(policy("tac", 0.0, amount), unit=unit)
    heads = [str(column.header) for column in comparison_table(found).columns]  # type: ignore[union-attr]
    assert heads[2] == f"net present\nvalue{head}"
    assert stripped(cells(found, "tac"))[0][2] == cell


def test_a_little_less_than_nothing_is_not_minus_nothing() -> None:
    found = result(policy("a", 0.0, about(1e-9, 2e-9)), policy("b", 0.0, 1000.0))
    assert stripped(cells(found, "a")) == [
        ["a", "0 %", "0.000", "1.000", "25 %", "0.0"],
        ["0.000 to 0.000"],
    ]


def test_what_is_not_known_is_a_dash() -> None:
    one = {"value": 2.0, "low": None, "high": None}
    found = result(policy("tac", NOTHING, one), {**policy("bad"), **{m: NOTHING for m in METRICS}})
    assert stripped(cells(found, "tac")) == [["tac", "-", "2.000", "1.000", "25 %", "0.0"], ["-"]]
    assert stripped(cells(found, "bad"))[0] == ["bad", "-", "-", "-", "-", "-"]


@pytest.mark.parametrize(
    ("name", "value", "interval"),
    [
        ("constant-escapement", 12_345_678.0, "11.11 to 13.58"),
        ("optimal-control", -12_345_678.0, "-13.58 to -11.11"),
    ],
)
def test_the_table_fits_80_columns(name: str, value: float, interval: str) -> None:
    wide = {"low": 0.00271, "value": 0.0123, "high": 0.0364}
    amounts = about(value, 1_234_567.0)
    found = result(policy(name, wide, amounts, mean_catch=about(123_456.0, 3456.0)))
    lines = printed(found)
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert "0.27 to 3.6" in "\n".join(lines)
    assert interval in "\n".join(lines)


# --- the sentences ---


def risk(*policies: dict[str, Any]) -> str:
    (line,) = (line for line in conclusion(result(*policies)) if line.startswith("Risk of collapse: "))
    return line.removeprefix("Risk of collapse: ")


def test_the_least_and_the_most_risk_name_all_that_cannot_be_told_apart() -> None:
    assert risk(policy("a", 0.25)) == "a (25 %)."
    assert risk(policy("a", 0.25), policy("b", 0.5)) == "least with a (25 %), most with b (50 %)."
    assert risk(policy("a", 0.25), policy("b", 0.25)) == "a, b (25 %)."
    close = policy("tac", about(0.002, 0.002)), policy("pomdp", about(0.004, 0.002))
    assert risk(*close) == "tac, pomdp (0.2 to 0.4 %, not told apart by these futures)."
    assert risk(*close, policy("c", about(0.5, 0.1)), policy("d", about(0.25, 0.1))) == (
        "least with tac, pomdp (0.2 to 0.4 %, not told apart by these futures), most with c (50 %)."
    )
    assert risk(policy("a", 0.0), policy("c", about(0.5, 0.1)), policy("d", about(0.4, 0.1))) == (
        "least with a (0 %), most with c, d (40 to 50 %, not told apart by these futures)."
    )


def test_no_fishing_is_no_way_to_fish_and_a_failure_none_at_all() -> None:
    idle = policy("no-fishing", 0.0, 0.0, mean_catch=0.0)
    failed = {**policy("bad"), **{m: NOTHING for m in METRICS}}
    assert risk(idle, policy("a", 0.25), failed) == "a (25 %)."
    assert conclusion(result(failed)) == []
    assert conclusion(result(idle)) == []


@pytest.mark.parametrize("law", ["logistic", "pella-tomlinson", "may", "ricker", "beverton-holt"])
def test_why_a_stock_may_end_without_fishing(law: str) -> None:
    def said(risk: float, extinct: float) -> str:
        idle = policy("no-fishing", risk, 0.0, mean_catch=0.0, extinction_probability=extinct)
        return " ".join(conclusion(result(idle, law=law)))

    falls = "Even without fishing 12 % of the futures fall below the limit"
    assert said(0.0, 0.0) == ""
    assert said(0.125, 0.0) == f"{falls}."
    if law in ("ricker", "beverton-holt"):
        assert said(0.125, 0.1) == f"{falls}."
    else:
        brink = "K(1+p/r)^(1/p)" if law == "pella-tomlinson" else "K(1+1/r)"
        assert said(0.125, 0.1).startswith(
            f"{falls}, and some die out: in steps of a year {law} growth leaves"
        )
        assert f"about {brink}, so that a rich year" in said(0.125, 0.1)
        assert said(0.125, 0.1).endswith("--growth ricker or beverton-holt has no such end.")


def test_differences_in_value_and_recovery() -> None:
    lines = conclusion(
        result(
            policy("a", npv=5.0, recovery_probability=about(0.5, 0.1)),
            policy("more", npv=7.0, npv_difference=about(2.0, 1.0)),
            policy("less", npv=3.0, npv_difference=about(-2.0, 1.0)),
            policy("like", npv=5.5, npv_difference=about(0.5, 1.0)),
            policy("once", npv=9.0, npv_difference={"value": 4.0, "low": None, "high": None}),
        )
    )
    assert lines == [
        "Most valuable: once (net present value 9).",
        "Risk of collapse: a, more, less, like, once (0 %).",
        "Some futures start below the limit; the chance to recover from there: a 50 %.",
        "more earns 2 more than a (paired interval 1 to 3).",
        "less earns 2 less than a (paired interval 1 to 3).",
        "like and a: no difference in value that these futures can show.",
    ]


def test_numbers() -> None:
    assert [number(x) for x in (1234567.0, 0.0, None)] == ["1,235,000", "0", "-"]
    assert [percent(x) for x in (0.0123, 0.5, None)] == ["1.2 %", "50 %", "-"]
