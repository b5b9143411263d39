"""Write a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecodecide.errors import EcodecideError


@contextmanager
def whole_file(path: str | os.PathLike[str], error: type[EcodecideError]) -> Iterator[Path]:
    """Give a new file to write, which takes the place of another when the block ends well.

    After an error, an interrupt or a power cut what was there before is still there, and nothing else.

    Parameters
    ----------
    path
        The file; what was there before is replaced.
    error
        Raised when it cannot be written.

    Yields
    ------
    Path
        A file that does not exist yet, in a folder of its own beside `path`, with the same ending.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "a.txt"
    ...     with whole_file(target, EcodecideError) as new:
    ...         _ = new.write_text("whole")
    ...     target.read_text(), os.listdir(folder)
    ('whole', ['a.txt'])
    """
    target = Path(path)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".ecodecide-") as folder:
            new = Path(folder) / f"whole{target.suffix}"
            yield new
            # on the disk before it has its name: or a power cut may leave the name of an empty file
            with new.open("rb+") as written:
                os.fsync(written.fileno())
            os.replace(new, target)
    except OSError as problem:
        raise error(f"cannot write {target}: {problem.strerror or problem}; choose another file") from None
