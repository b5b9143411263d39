"""How a command that found something ends: what it found is saved, printed and, last, warned of."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import click


class Saved(Protocol):
    """What a command found."""

    def save(self, path: Path) -> None:
        """Write it to a file."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, with its assumptions in words."""
        ...


def tell(
    result: Saved,
    caught: Sequence[warnings.WarningMessage],
    show: Callable[[dict[str, Any]], None],
    *,
    output: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Save what was found, print it, and tell of the warnings that no assumption tells of.

    Neither a full disk nor a reader that closes the pipe costs the other half of the result. A search that stopped
    early, and a quota beyond the stock, are told even where quiet was asked for.

    Parameters
    ----------
    result
        What was found.
    caught
        The warnings on the way.
    show
        Prints the plain values as tables and words.
    output
        The file to write; None for none.
    as_json, quiet
        As on the command line.

    Raises
    ------
    EvaluationError
        When the file cannot be written; what was found is printed all the same.
    """
    from ecodecide.errors import ConvergenceWarning, EcodecideWarning, EvaluationError, QuotaWarning

    found = result.to_dict()
    unsaved = None
    if output is not None:
        try:
            result.save(output)
        except EvaluationError as problem:
            unsaved = problem
    if as_json:
        click.echo(json.dumps(found, indent=2, allow_nan=False))
    else:
        show(found)
    if unsaved is not None:
        raise unsaved
    for warning in caught:
        words = " ".join(str(warning.message).split())
        if not issubclass(warning.category, EcodecideWarning):
            # not ours: as it would have been shown, or not, without us
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif issubclass(warning.category, ConvergenceWarning | QuotaWarning) or not (
            quiet or any(note in words for note in found["assumptions"])
        ):
            click.echo(f"warning: {words}", err=True)
    if output is not None and not quiet:
        click.echo(f"saved {output}", err=True)
