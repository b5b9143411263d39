"""Write a figure to a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ecodecide.errors import EvaluationError
from ecodecide.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
"""The endings of files that `save_figure` writes."""


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure to a .png, .svg or .pdf file, whole or not at all; the same figure gives the same file.

    Parameters
    ----------
    figure
        A figure.
    path
        The file; one that exists is replaced.

    Raises
    ------
    EvaluationError
        For another ending, or when the file cannot be written.
    """
    import matplotlib as mpl

    target = Path(path)
    kind = target.suffix.lower()
    if kind not in FORMATS:
        raise EvaluationError(f"{target.name} does not end in one of {', '.join(FORMATS)}")
    # no date, and names that do not change, so that equal figures are equal files
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(kind)
    with whole_file(target, EvaluationError) as new, mpl.rc_context({"svg.hashsalt": "ecodecide"}):
        figure.savefig(new, dpi=200, metadata=undated)
