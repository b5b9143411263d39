"""Where the shipped files lie: the catch histories of `data/` and the models of `models/`.

A wheel carries both folders inside the package; an editable install, like a source checkout, has them
beside it. Nothing is ever written there.
"""

from __future__ import annotations

from pathlib import Path

from ecodecide.errors import EcodecideError

_PACKAGE = Path(__file__).resolve().parent


def shipped_files(folder: str, suffix: str) -> dict[str, Path]:
    """Return the shipped files of a folder by their names without the suffix.

    Parameters
    ----------
    folder
        ``"data"`` or ``"models"``.
    suffix
        The ending of the files wanted, such as ``".csv"``.

    Returns
    -------
    dict of str to Path
        In alphabetical order.

    Raises
    ------
    EcodecideError
        When the installation carries no such folder.

    Examples
    --------
    >>> "hake-argentina-north" in shipped_files("data", ".csv")
    True
    """
    for place in (_PACKAGE / "_shipped" / folder, _PACKAGE.parent / folder):
        if place.is_dir():
            return {path.stem: path for path in sorted(place.glob(f"*{suffix}"))}
    raise EcodecideError(
        f"this installation of ecodecide carries no {folder}/ folder (looked in {_PACKAGE}): install it again"
    )
