"""What the page is dressed in and moved by: its style sheet, its program, and plotly.js with its license."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files


@cache
def asset(name: str) -> str:
    """Return the text of one of the files of this folder.

    Examples
    --------
    >>> asset("plotly-LICENSE.txt").startswith("MIT License")
    True
    """
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def source_hash(program: str) -> str:
    """Return what a Content-Security-Policy calls a program by, and so allows it alone to run.

    Examples
    --------
    >>> source_hash("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()}'"
