"""What the table and the sentences say of a recommendation."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from ecodecide.report.recommendation_table import advice_lines, belief_lines, recommendation_table


def about(value: float | None, half: float = 0.0) -> dict[str, float | None]:
    return {
        "value": value,
        "low": None if value is None else value - half,
        "high": None if value is None else value + half,
    }


def survey(this_year: bool = True, **changes: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("closes", "opens", "falls", "rises"))
    told = {
        name: {"probability": chance, "intervals": intervals} for name, (chance, intervals) in changes.items()
    }
    return {"year": 2020 if this_year else 2021, "this_year": this_year, **nothing, **told}


def policy(name: str, quota: float | None, risk: float | None = 0.1, **others: Any) -> dict[str, Any]:
    if quota is None:
        return {"name": name, "quota": None, "status": "failed: no luck"}
    by_year = {"5": about(risk), "10": about(risk), "20": about(risk)}
    return {
        "name": name, "quota": quota, "status": f"how {name} works", "share_of_biomass": quota / 4e5,
        "over_last_catch": quota / 5e4, "belief": None, "collapse": by_year,
        "recovery": {key: about(None) for key in by_year}, "catch": {key: about(quota) for key in by_year},
        "npv": about(10.0 * quota), "next_survey": survey(), "start_below": 0, **others,
    }  # fmt: skip


def result(*policies: dict[str, Any], unit: str = "t", **others: Any) -> dict[str, Any]:
    spread = {"mean": 4e5, "median": 4e5, "low": 3e5, "high": 6e5, "half": {"low": 3.5e5, "high": 4.5e5}}
    below = {"0.1K": 0.013, "Blim": 0.2, "allee": None, "BMSY": 1.0, "30000": 0.0}
    return {
        "stock": "hake", "unit": unit, "year": 2020, "last_catch": {"year": 2019, "catch": 5e4},
        "largest_catch": {"year": 1999, "catch": 2e5},
        "belief": {**spread, "b_bmsy": {"median": 0.8, "low": 0.61, "high": 1.23}, "below": below},
        "reference_points": {"msy": {"low": 1e5, "median": 1.2e5, "high": 1.4e5}},
        "catchability": {}, "policies": list(policies),
        "settings": {"years": [5, 10, 20], "replicates": 2000, "collapse": "0.1K"}, **others,
    }  # fmt: skip


def printed(found: dict[str, Any]) -> list[str]:
    console = Console(file=StringIO(), width=80)
    console.print(recommendation_table(found))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined, no-any-return]


def row(found: dict[str, Any], name: str) -> list[str]:
    line = next(line for line in printed(found) if line.startswith(name))
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_belief_in_words() -> None:
    assert belief_lines(result()) == [
        "Biomass of hake in 2020, before the catch: 400.0 thousand t (90 %: 300.0 to 600.0; 50 %: 350.0 to 450.0).",
        "That is 0.8 of B_MSY (90 %: 0.61 to 1.2).",
        "Probability to be below: 0.1 K 1.3 %, B_lim (0.3 B_MSY) 20 %, B_MSY 100 %, 30000 0 %.",
        "Caught in 2019: 50.0 thousand t; maximum sustainable yield 120.0 thousand t.",
    ]
    unknown = belief_lines(result(unit="unknown", reference_points={}))
    assert unknown[0].startswith("Biomass of hake in 2020, before the catch: 400.0 thousand (90 %")
    assert unknown[-1] == "Caught in 2019: 50.0 thousand."


def test_the_table_has_quota_change_risks_and_catch() -> None:
    found = result(policy("tac", 6e4, 0.1), policy("no-fishing", 0.0, None), policy("bad", None))
    lines = printed(found)
    assert max(map(len, lines)) <= 80
    assert "hake: quota of 2020, in thousand t" in lines[0]
    assert row(found, "tac") == ["tac", "60.00", "+20 %", "10 %", "10 %", "10 %", "60.00"]
    assert row(found, "no-fishing") == ["no-fishing", "0", "-100 %", "-", "-", "-", "0"]
    assert row(found, "bad") == ["bad", "-", "-", "-", "-", "-", "-"]
    assert any(line.split() == ["15", "%"] for line in lines)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (survey(), "No survey of 2020 that is to be expected changes it by more than 20 %."),
        (survey(False), "Next year: no survey of 2021 that is to be expected changes it by more than 20 %."),
        (
            survey(closes=(0.05, [[None, 1e5]]), falls=(0.2, [[None, 3e5]]), rises=(0.3, [[5e5, None]])),
            "A survey of 2020 below 100.0 thousand t (5 %) would close the fishery, one below 300.0 thousand t (20 %) "
            "would lower the quota by more than 20 %, one above 500.0 thousand t (30 %) would raise it by more than "
            "20 %.",
        ),
        (
            # closing is all of falling: said once
            survey(closes=(0.05, [[None, 1e5]]), falls=(0.05, [[None, 1e5]])),
            "A survey of 2020 below 100.0 thousand t (5 %) would close the fishery.",
        ),
        (
            survey(False, opens=(0.4, [[2e5, 3e5], [4e5, None]])),
            "Next year: a survey of 2021 from 200.0 to 300.0 thousand t or above 400.0 thousand t (40 %) would open "
            "the fishery.",
        ),
        (survey(opens=(1.0, [[None, None]])), "A survey of 2020 of any size (100 %) would open the fishery."),
    ],
)
def test_which_survey_changes_it_in_words(told: dict[str, Any], words: str) -> None:
    line = advice_lines(result(policy("tac", 6e4, next_survey=told)))[0]
    assert line == f"tac: 60.0 thousand t (how tac works). {words}"


def test_a_belief_of_its_own_and_a_quota_beyond_all_catches_are_told() -> None:
    own = {"median": 3.9e5, "low": 3e5, "high": 5e5}
    line = advice_lines(result(policy("pomdp", 4.2e5, belief=own)))[0]
    assert "on its own belief, 390.0 thousand t (90 %: 300.0 to 500.0)." in line
    assert "That is 2.1 times the largest catch, that of 1999." in line
    assert "more than the biomass" in line
    modest = advice_lines(result(policy("pomdp", 2.9e5)))
    assert "largest catch" not in modest[0]
    assert "Over 20 years pomdp has a net present value of 2,900,000." in modest


def test_an_index_is_told_in_its_own_unit_too() -> None:
    q = {
        "cpue": {"index_per_biomass": 5e-6, "unit": "kg per hook"},
        "ssb": {"index_per_biomass": 0.5, "unit": "unknown"},
    }
    words = "Surveys are told as biomass: 400.0 thousand t stand for 2 kg per hook of cpue, 200,000 of ssb."
    assert words in advice_lines(result(policy("tac", 6e4), catchability=q))


def test_who_earns_risks_and_recovers() -> None:
    recovery = {key: about(0.4, 0.1) for key in ("5", "10", "20")}
    lines = advice_lines(
        result(
            policy("tac", 6e4, 0.0),
            policy("bold", 9e4, 0.5, recovery=recovery, start_below=20),
            policy("bad", None),
        )
    )
    assert lines[2:] == [
        "Over 20 years bold is worth most, a net present value of 900,000.",
        "Risk of collapse: least with tac (0 %), most with bold (50 %).",
        "Of 2000 futures 20 start below 0.1K; the chance to recover from there within 20 years, with its 95 % Monte "
        "Carlo interval: bold 40 % (30 to 50 %).",
    ]


def test_a_chance_of_few_futures_is_not_told() -> None:
    recovery = {key: about(0.4, 0.1) for key in ("5", "10", "20")}
    lines = advice_lines(result(policy("bold", 9e4, recovery=recovery, start_below=19)))
    assert not any("recover" in line for line in lines)
