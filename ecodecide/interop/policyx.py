"""The `.policyx` (or `.policy`) format of APPL: alpha vectors as XML, by visible class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.interop.file_numbers import finite, whole
from ecodecide.interop.source_file import write_whole, wrong
from ecodecide.interop.xml_tree import Element, read_xml
from ecodecide.policy.alpha_vectors import AlphaVectors
from ecodecide.stock.growth import Array

_KIND = "a .policyx file"


def read_policyx(path: str | os.PathLike[str], pomdp: FinitePomdp) -> AlphaVectors:
    """Read a policy from a `.policyx` file, with full and sparse vectors.

    `numVectors` is not compared with what follows: files in use have been edited after it was written.

    Parameters
    ----------
    path
        The file.
    pomdp
        The problem that it is a policy of; `obsValue` is the number of a visible class.

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
    ...     write_policyx(policy, Path(folder) / "still.policyx")
    ...     read_policyx(Path(folder) / "still.policyx", still).vectors.tolist()
    [[10.0, 20.0]]
    """
    file = Path(path)
    root, _ = read_xml(file, _KIND)
    if root.name != "Policy":
        raise wrong(file, root.line, f"found <{root.name}>, expected <Policy> and so {_KIND}")
    if root.attributes.get("type", "value") != "value":
        raise wrong(file, root.line, f'type="{root.attributes["type"]}", expected type="value"')
    group = root.child("AlphaVector")
    if group is None:
        raise wrong(file, root.line, "<Policy> without <AlphaVector>, expected one")
    length = max(states.size for states in pomdp.members)
    for attribute, expected, what in (
        ("vectorLength", length, "states of the largest visible class"),
        ("numObsValue", len(pomdp.members), "visible classes"),
    ):
        if attribute in group.attributes:
            found = _whole(file, group, attribute, None)
            if found != expected:
                words = f"{attribute} is {found}, but the problem has {expected} {what}: is it of another problem?"
                raise wrong(file, group.line, words)
    return _policy(file, group, pomdp, length)


def write_policyx(policy: AlphaVectors, path: str | os.PathLike[str]) -> None:
    """Write a policy to a `.policyx` file, with every number in full precision.

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
    See `read_policyx`.
    """
    write_whole(Path(path), _lines(policy))


def _whole(file: Path, element: Element, attribute: str, limit: int | None) -> int:
    """Return a whole number from 0, below the limit where one is given."""
    word = element.attributes.get(attribute, "").strip()
    value = whole(word)
    if value < 0 or (limit is not None and value >= limit):
        expected = "a whole number" if limit is None else f"a whole number from 0 to {limit - 1}"
        raise wrong(
            file, element.line, f"{attribute} of <{element.name}> is {word[:40]!r}, expected {expected}"
        )
    return value


def _policy(file: Path, group: Element, pomdp: FinitePomdp, length: int) -> AlphaVectors:
    classes: list[int] = []
    actions: list[int] = []
    vectors = np.zeros((len(group.children), length))
    for k, element in enumerate(group.children):
        if element.name not in ("Vector", "SparseVector"):
            raise wrong(file, element.line, f"found <{element.name}>, expected <Vector> or <SparseVector>")
        actions.append(_whole(file, element, "action", pomdp.actions))
        seen = "obsValue" in element.attributes or len(pomdp.members) > 1
        classes.append(_whole(file, element, "obsValue", len(pomdp.members)) if seen else 0)
        read = _full if element.name == "Vector" else _sparse
        read(file, element, vectors[k])
        vectors[k, pomdp.members[classes[-1]].size :] = 0.0
    lacking = sorted(set(range(len(pomdp.members))) - set(classes))
    if lacking:
        raise wrong(
            file, group.line, f"no vector for obsValue {lacking[0]}, expected one for each visible class"
        )
    return AlphaVectors(pomdp, vectors, np.array(actions), np.array(classes))


def _full(file: Path, element: Element, vector: Array) -> None:
    words = element.text.split()
    if len(words) != vector.size:
        raise wrong(file, element.line, f"{len(words)} values in <Vector>, expected {vector.size}")
    vector[:] = [finite(file, element.line, word) for word in words]


def _sparse(file: Path, element: Element, vector: Array) -> None:
    for entry in element.children:
        words = entry.text.split()
        if entry.name != "Entry" or len(words) != 2:
            raise wrong(
                file, entry.line, f"found <{entry.name}> {entry.text[:40]!r}, expected <Entry>index value"
            )
        index = whole(words[0])
        if not 0 <= index < vector.size:
            told = f"found the index {words[0][:40]!r}, expected 0 to {vector.size - 1}"
            raise wrong(file, entry.line, told)
        vector[index] = finite(file, entry.line, words[1])


def _lines(policy: AlphaVectors) -> Iterator[str]:
    pomdp = policy.pomdp
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<Policy version="0.1" type="value" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    yield 'xsi:noNamespaceSchemaLocation="policyx.xsd">\n'
    length, vectors = policy.vectors.shape[1], len(policy.actions)
    counts = f'numObsValue="{len(pomdp.members)}" numVectors="{vectors}"'
    yield f'<AlphaVector vectorLength="{length}" {counts}>\n'
    # by class: programs that read the file expect the vectors of a class together
    for k in np.argsort(policy.classes, kind="stable"):
        values = " ".join(repr(v) for v in np.asarray(policy.vectors[k], dtype=float).tolist())
        yield f'<Vector action="{int(policy.actions[k])}" obsValue="{int(policy.classes[k])}">{values}</Vector>\n'
    yield "</AlphaVector>\n</Policy>\n"
