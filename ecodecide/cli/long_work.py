"""What every command that works for long does alike: refuse a bad output first, and show progress on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click


def require_writable(output: Path | None, suffixes: Sequence[str] = ()) -> None:
    """Refuse an output that cannot be written before the long work begins.

    Parameters
    ----------
    output
        The file; None where nothing is saved.
    suffixes
        The endings allowed; any where there are none.

    Raises
    ------
    click.BadParameter
        When its ending, or its folder, will not do.
    """
    if output is None:
        return
    if suffixes and output.suffix.lower() not in suffixes:
        raise click.BadParameter(
            f"{output.name} does not end in one of {', '.join(suffixes)}", param_hint="--output"
        )
    if not output.parent.is_dir():
        raise click.BadParameter(f"the folder {output.parent} does not exist", param_hint="--output")
    if not os.access(output.parent, os.W_OK):
        raise click.BadParameter(f"the folder {output.parent} cannot be written to", param_hint="--output")


@contextmanager
def spinner(words: str, quiet: bool) -> Iterator[None]:
    """Show on a terminal for how long the work has gone on; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task(words, total=None)
        yield


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[str, float], None] | None]:
    """Show progress on a terminal; nothing elsewhere. Yields what takes words and the share of work done."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("begin", total=1.0)
        yield lambda words, share: bar.update(task, description=words, completed=share)
