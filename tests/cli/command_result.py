"""What the tests of every command look at."""

from __future__ import annotations

from click.testing import Result


def flat(text: str) -> str:
    """Return a text without its line breaks, which depend on the width."""
    return " ".join(text.split())


def check_one_line(result: Result, *words: str) -> None:
    """A failure of the run: one line on stderr that says why, nothing on stdout, the status 1."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith("\n")
    for word in words:
        assert word in result.stderr
