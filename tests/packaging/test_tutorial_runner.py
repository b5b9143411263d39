"""The runner of the tutorials passes what runs in silence, and tells of all else."""

import importlib.util
from pathlib import Path
from types import ModuleType

import jupytext
import nbformat
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_tutorials", REPOSITORY / "tutorials" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BUILT", tmp_path / "built")
    return module


def write(path: Path, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    jupytext.write(notebook, path, fmt="md:myst")
    return path


def test_a_warning_fails_a_tutorial_and_its_copy_is_kept(build: ModuleType, tmp_path: Path) -> None:
    path = write(tmp_path / "98-loud.md", "print(6 * 7)", "import warnings\nwarnings.warn('hm')")
    _, faults = build.run(path)
    assert len(faults) == 1
    assert "hm" in faults[0] and "wrote to stderr" in faults[0]
    copy = nbformat.read(tmp_path / "built" / "98-loud.ipynb", as_version=4)
    assert copy.cells[0].outputs[0].text == "42\n"


def test_a_claim_that_does_not_hold_fails_a_tutorial(build: ModuleType, tmp_path: Path) -> None:
    path = write(tmp_path / "99-wrong.md", "assert 1 > 2, 'the claim'")
    _, faults = build.run(path)
    assert len(faults) == 1 and "the claim" in faults[0]


def test_commands_of_readme_become_cells_but_for_those_on_files_that_are_not_there(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(
        "```sh\nmake test\necodecide stocks  # all\necodecide compare mine.csv -o mine.nc\necodecide report mine.nc\n"
        "ecodecide compare hake -o run.nc\necodecide plot worms run.nc\n```\n\n```python\nx = 1\n```\n"
    )
    monkeypatch.setattr(build, "README", readme)
    sources = [cell.source for cell in build.notebook_of(readme).cells]
    assert len(sources) == 4
    for source, words in zip(sources, ("'stocks'", "'hake'", "'worms', 'run.nc'", "x = 1"), strict=True):
        assert words in source
