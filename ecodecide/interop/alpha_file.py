"""The `.alpha` format of pomdp-solve: an action's number, its values of all states, and so on.

The format is described by Anthony Cassandra (pomdp.org, "alpha file format").
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.interop.class_vectors import by_class, on_all_states
from ecodecide.interop.file_numbers import finite, whole
from ecodecide.interop.source_file import read_text, write_whole, wrong
from ecodecide.policy.alpha_vectors import AlphaVectors

_KIND = "an .alpha file"


def read_alpha_file(path: str | os.PathLike[str], pomdp: FinitePomdp) -> AlphaVectors:
    """Read a policy from an `.alpha` file.

    Of a problem with visible classes each vector gives one for each class; those that promise no more than the
    worst reward for ever say nothing, and are left out where their class has others.

    Parameters
    ----------
    path
        The file: lines of an action's number, each followed by a line of one value for each state.
    pomdp
        The problem that it is a policy of.

    Raises
    ------
    FormatError
        When the file cannot be read, breaks the format, or does not fit the problem, with the line.

    Examples
    --------
    >>> import tempfile
    >>> still = FinitePomdp((np.eye(2),), (np.ones((2, 1)),), np.array([[1.0], [2.0]]), 0.9, np.array([0.5, 0.5]))
    >>> policy = AlphaVectors(still, np.array([[10.0, 20.0]]), np.array([0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_alpha_file(policy, Path(folder) / "still.alpha")
    ...     read_alpha_file(Path(folder) / "still.alpha", still).vectors.tolist()
    [[10.0, 20.0]]
    """
    file = Path(path)
    vectors, actions = [], []
    lines = [
        (i, words) for i, text in enumerate(read_text(file, _KIND).split("\n"), 1) if (words := text.split())
    ]
    for k in range(0, len(lines), 2):
        actions.append(_action(file, *lines[k], pomdp))
        if k + 1 == len(lines):
            raise wrong(
                file, lines[k][0], f"the file ends after an action, expected {pomdp.states} values next"
            )
        vectors.append(_values(file, *lines[k + 1], pomdp.states))
    numbers = np.array(actions, dtype=np.intp)
    return by_class(pomdp, np.array(vectors), numbers, lambda part: part.max(axis=1) > _floor(pomdp))


def write_alpha_file(policy: AlphaVectors, path: str | os.PathLike[str]) -> None:
    """Write a policy to an `.alpha` file, with every number in full precision.

    The format knows no visible classes. A vector of one class is worth, in all other states, the worst reward
    for ever, min R / (1 - discount): less than any policy is, so that no belief there will choose it.

    Parameters
    ----------
    policy
        The policy.
    path
        The file; what was there before is replaced.

    Raises
    ------
    FormatError
        When the file cannot be written.

    Examples
    --------
    See `read_alpha_file`.
    """
    write_whole(Path(path), _lines(policy))


def _floor(pomdp: FinitePomdp) -> float:
    return float(pomdp.reward.min()) / (1.0 - pomdp.discount)


def _action(file: Path, line: int, words: list[str], pomdp: FinitePomdp) -> int:
    word = words[0]
    if len(words) != 1 or not 0 <= whole(word) < pomdp.actions:
        told = f"found {' '.join(words)[:40]!r}, expected the number of an action, 0 to {pomdp.actions - 1}"
        raise wrong(file, line, told)
    return whole(word)


def _values(file: Path, line: int, words: list[str], states: int) -> list[float]:
    if len(words) != states:
        raise wrong(file, line, f"{len(words)} values, expected {states}, one for each state of the problem")
    return [finite(file, line, word) for word in words]


def _lines(policy: AlphaVectors) -> Iterator[str]:
    for values, action in zip(on_all_states(policy, _floor(policy.pomdp)), policy.actions, strict=True):
        yield f"{int(action)}\n{' '.join(repr(v) for v in values.tolist())}\n\n"
