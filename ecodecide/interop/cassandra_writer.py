"""Writes the `.pomdp` format of pomdp-solve (pomdp.org, "POMDP file format")."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.interop.cassandra_tokens import RESERVED
from ecodecide.interop.source_file import write_whole
from ecodecide.interop.sparse_access import in_parts

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def write_cassandra(pomdp: FinitePomdp, path: str | os.PathLike[str]) -> None:
    """Write a `.pomdp` file, with every number in full precision.

    Only what is not zero is written, one entry a line. Names stay where all names of their kind are words of the
    grammar (a letter, then letters, digits, ``-`` and ``_``, no word of the grammar itself); otherwise that kind
    is counted, and comments say what each number stands for. What is visible becomes part of the observation
    (`FinitePomdp.folded`).

    Parameters
    ----------
    pomdp
        The problem.
    path
        The file; what was there before is replaced.

    Raises
    ------
    FormatError
        When the file cannot be written.
    ProblemError
        When the initial belief spreads over several visible classes, which the format cannot say.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> still = FinitePomdp((np.eye(2),), (np.ones((2, 1)),), np.array([[1.0], [2.0]]), 0.9, np.array([0.5, 0.5]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_cassandra(still, Path(folder) / "still.pomdp")
    ...     print((Path(folder) / "still.pomdp").read_text().splitlines()[-1])
    R: 0 : 1 : * : * 2.0
    """
    write_whole(Path(path), _lines(pomdp.folded()))


def _lines(pomdp: FinitePomdp) -> Iterator[str]:
    states, actions = _words(pomdp.state_names), _words(pomdp.action_names)
    observations = _words(pomdp.observation_names)
    yield f"discount: {pomdp.discount!r}\nvalues: reward\n"
    yield from _listed("states", states, pomdp.state_names)
    yield from _listed("actions", actions, pomdp.action_names)
    yield from _listed("observations", observations, pomdp.observation_names)
    yield f"start: {' '.join(repr(float(p)) for p in pomdp.initial)}\n"
    for word, arrays, columns in (("T", pomdp.transition, states), ("O", pomdp.observation, observations)):
        for action, array in zip(actions, arrays, strict=True):
            for part in in_parts(array):
                for i, j, p in zip(*(values.tolist() for values in part), strict=True):
                    yield f"{word}: {action} : {states[i]} : {columns[j]} {p!r}\n"
    for a, i in zip(*(index.tolist() for index in np.nonzero(pomdp.reward.T)), strict=True):
        yield f"R: {actions[a]} : {states[i]} : * : * {float(pomdp.reward[i, a])!r}\n"


def _listed(kind: str, words: list[str], names: Sequence[str]) -> Iterator[str]:
    """Write the names of a kind, or how many there are and what each is called."""
    if _are_words(names):
        yield f"{kind}: {' '.join(words)}\n"
        return
    yield f"{kind}: {len(words)}\n"
    if list(names) != words:
        for i, name in enumerate(names):
            yield f"# {kind} {i}: {' '.join(name.split())}\n"


def _words(names: Sequence[str]) -> list[str]:
    """Return what things are called in the file: their names, or numbers."""
    return list(names) if _are_words(names) else [str(i) for i in range(len(names))]


def _are_words(names: Sequence[str]) -> bool:
    """Whether the grammar can say these names."""
    return all(_NAME.fullmatch(name) and name not in RESERVED for name in names)
