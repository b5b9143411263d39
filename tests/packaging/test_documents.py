"""What the documents say is so: links lead somewhere, commands and options exist, code runs."""

import ast
import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import click
import jupytext
import pytest
from click.testing import CliRunner

import ecodecide
from ecodecide.cli import main
from ecodecide.shipped import shipped_files
from ecodecide.solvers.registry import solver_names

REPOSITORY = Path(__file__).resolve().parents[2]
TUTORIALS = sorted((REPOSITORY / "tutorials").glob("[0-9][0-9]-*.md"))
DOCUMENTS = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    REPOSITORY / "tutorials" / "README.md",
    *TUTORIALS,
]
SLOW = {"Gpdp", "compare", "fit"}
"""Functions that take many seconds: README's blocks that call them are checked here, and run by `make tutorials`."""


def named(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def commands(path: Path) -> list[str]:
    """Return the command lines of a document that call ecodecide, without their comments."""
    lines = [line for block in blocks(path, "sh") for line in block.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.startswith("ecodecide ")]


def cells(path: Path) -> list[str]:
    return [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]


# --- links ---


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_relative_links_resolve(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    relative = [target.split("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in relative if not (path.parent / target).exists()] == []


def test_every_tutorial_is_in_the_list() -> None:
    listed = (REPOSITORY / "tutorials" / "README.md").read_text()
    assert TUTORIALS
    assert [path.name for path in TUTORIALS if f"({path.name})" not in listed] == []


# --- commands ---


@pytest.mark.parametrize(
    "line", sorted({line for path in DOCUMENTS for line in commands(path)}), ids=lambda line: line[:60]
)
def test_commands_and_options_exist(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def parsed(context: click.Context, *_: Any, **__: Any) -> None:
        asked.append(dict(context.params))

    # parsed by click, down to the last subcommand, and not run
    monkeypatch.setattr(click.Context, "invoke", parsed)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    for word in words:
        if re.fullmatch(r"[\w-]+\.\w+", word):
            Path(word).touch()
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    for options in asked:
        if "solvers" in options:
            assert set(options["solvers"]) <= set(solver_names())
            assert options["stock"] in shipped_files("data", ".csv") or "." in options["stock"]


def test_a_wrong_command_would_be_found() -> None:
    assert CliRunner().invoke(main, ["compare", "x", "--no-such-option"]).exit_code == 2
    assert CliRunner().invoke(main, ["no-such-command"]).exit_code == 2


# --- code ---


def calls_of(tree: ast.AST) -> list[tuple[str, list[str]]]:
    """Return what is called of ecodecide as `eco.NAME(...)`, with the names of the arguments."""
    return [
        (node.func.attr, [word.arg for word in node.keywords if word.arg])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "eco"
    ]


def test_code_of_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    found = blocks(REPOSITORY / "README.md", "python")
    assert found
    for block in found:
        calls = calls_of(ast.parse(block))
        for name, arguments in calls:
            inspect.signature(getattr(ecodecide, name)).bind_partial(**dict.fromkeys(arguments))
        if not SLOW & {name for name, _ in calls}:
            exec(compile(block, "README.md", "exec"), namespace)


# --- tutorials ---


@pytest.mark.parametrize("path", TUTORIALS, ids=named)
def test_tutorials_are_notebooks_that_hold_their_claims(path: Path) -> None:
    notebook = jupytext.read(path)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    code = cells(path)
    for source in code:
        compile(source, path.name, "exec")  # a cell with a magic command would be no plain Python
        for name, arguments in calls_of(ast.parse(source)):
            inspect.signature(getattr(ecodecide, name)).bind_partial(**dict.fromkeys(arguments))
    assert any("assert " in source for source in code)
    imports = [
        node for source in code for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)
    ]
    taken = {
        name.name for node in imports if f"{node.module}".startswith("ecodecide.") for name in node.names
    }
    assert taken & set(ecodecide.__all__) == set(), (
        "public names are taught as eco.NAME, and not by their room"
    )
    text = path.read_text()
    assert re.findall(r"(?<![\w.:/])/(?:home|root|tmp|usr|Users|work|mnt)/\S*|[A-Z]:\\\S*", text) == []
    assert "\n## Exercises\n" in text and "\n## Answers\n" in text
