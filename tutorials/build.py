"""Run the tutorials, and what README shows, from top to bottom, and keep the executed copies.

    python tutorials/build.py               # all of them; `make tutorials` installs what they need and does this
    python tutorials/build.py 07 first      # those whose names hold one of these words

A tutorial fails when a cell raises, when anything at all is written to stderr (a warning, that is), or when it takes
too long. The executed copies are notebooks with their figures in them, in build/tutorials/. README's blocks of Python
and its commands must run as well; a command on a file of the reader's own is left out.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import jupytext
import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "build" / "tutorials"
README = HERE.parent / "README.md"

PROMISED = 180.0
"""Seconds that a tutorial may take on two cores that have nothing else to do."""

LIMIT = 3.0 * PROMISED
"""Seconds after which it has failed: a machine may be busy, or may have to compile everything first."""

COMMAND = """\
import subprocess, sys

done = subprocess.run([sys.executable, "-m", "ecodecide", *{!r}], capture_output=True, text=True)
print(done.stdout)
assert done.returncode == 0, done.stderr"""
"""A cell that runs a command, given its words."""


def documents() -> list[Path]:
    """Return README and all tutorials, in their order."""
    return [README, *sorted(HERE.glob("[0-9][0-9]-*.md"))]


def chosen(words: list[str]) -> list[Path]:
    """Return the documents whose names hold one of some words, all without words; words that name none are refused."""
    every = documents()
    strange = [word for word in words if not any(word in path.stem for path in every)]
    if strange:
        sys.exit(f"nothing is named {strange[0]!r}: expected {', '.join(path.stem for path in every)}")
    return [path for path in every if not words or any(word in path.stem for word in words)]


def notebook_of(path: Path) -> nbformat.NotebookNode:
    """Return a tutorial as a notebook, or what README shows as one."""
    if path != README:
        return jupytext.read(path)
    cells = []
    made: set[str] = set()
    for language, block in re.findall(
        r"^```(python|sh)\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL
    ):
        lines = [shlex.split(line, comments=True) for line in block.splitlines() if language == "sh"]
        commands = [words[1:] for words in lines if words[:1] == ["ecodecide"]]
        if language == "python":
            cells.append(nbformat.v4.new_code_cell(block))
        for words in commands:
            output = {after for word, after in pairwise(words) if word in ("-o", "--output")}
            files = {word for word in words if re.fullmatch(r"[\w./-]+\.[a-z]\w*", word)}
            if files - output - made:
                continue
            made |= output
            cells.append(nbformat.v4.new_code_cell(COMMAND.format(words)))
    return nbformat.v4.new_notebook(cells=cells)


def run(path: Path) -> tuple[float, list[str]]:
    """Execute a document and keep its copy; return how many seconds it took, and what is wrong with it."""
    notebook = notebook_of(path)
    faults: list[str] = []
    begin = time.perf_counter()
    # in a folder of its own: a tutorial finds nothing there that it has not made, and leaves nothing behind
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as wires:
        # by files and not by the network, where there is a choice: no other machine can listen
        kernel = AsyncKernelManager(
            kernel_name="python3",
            transport="tcp" if sys.platform == "win32" else "ipc",
            connection_file=f"{wires}/kernel.json",
        )
        client = NotebookClient(
            notebook, km=kernel, timeout=int(LIMIT), resources={"metadata": {"path": folder}}
        )
        try:
            client.execute(cleanup_kc=True)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as problem:
            faults.append(str(problem).strip())
    seconds = time.perf_counter() - begin
    # commands write notes to stderr, so of README nothing is asked but that it runs
    for cell in notebook.cells if path != README else ():
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                faults.append(f"a cell wrote to stderr: {output.text.strip()}\nthe cell:\n{cell.source}")
    if path != README and seconds > LIMIT:
        faults.append(f"it took {seconds:.0f} s, expected at most {PROMISED:.0f} s on two cores")
    BUILT.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, BUILT / f"{path.stem}.ipynb")
    return seconds, faults


def main(words: list[str]) -> int:
    """Run documents, tell of each, and return the number of those that failed."""
    failed = 0
    for path in chosen(words):
        print(f"{path.stem:28}", end=" ", flush=True)
        seconds, faults = run(path)
        late = path != README and seconds > PROMISED
        slow = f", longer than the {PROMISED:.0f} s that are promised" if late else ""
        print(f"{'FAILED' if faults else 'passed'} {seconds:6.1f} s{slow}", flush=True)
        for fault in faults:
            print(f"\n{fault}\n", flush=True)
        failed += bool(faults)
    print(f"{failed} failed; executed copies are in {BUILT.relative_to(HERE.parent)}/")
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="parts of the names of tutorials, or README; all without")
    sys.exit(min(main(parser.parse_args().words), 1))
