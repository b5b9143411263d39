"""`ecodecide rules`: every rule with its formula and source."""

import json

import pytest
from click.testing import CliRunner
from command_result import flat

from ecodecide.cli import main
from ecodecide.solvers.named_rules import NAMED_RULES
from ecodecide.solvers.registry import solver_named, solver_names


def test_rules_as_text_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    rows = json.loads(CliRunner().invoke(main, ["rules", "--json"]).stdout)
    assert [row["name"] for row in rows] == [rule.name for rule in NAMED_RULES]
    done = CliRunner().invoke(main, ["rules"])
    assert done.exit_code == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert {row["name"] for row in rows} <= set(lines)
    for row in rows:
        for words in (row["words"], f"quota: {row['formula']}", f"source: {row['source']}"):
            assert flat(words) in flat(done.stdout)


def test_every_rule_is_a_solver() -> None:
    for rule in NAMED_RULES:
        assert rule.name in solver_names()
        assert solver_named(rule.name).rule == rule.name
