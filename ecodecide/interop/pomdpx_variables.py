"""The variables that a `.pomdpx` file declares: of the state before and after an action, actions, observations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from pathlib import Path

import numpy as np

from ecodecide.decision.finite_pomdp import Index
from ecodecide.interop.file_numbers import whole
from ecodecide.interop.source_file import LARGEST_COUNT, check_counts, wrong
from ecodecide.interop.xml_tree import Element

_SLOTS = {"StateVar": "s", "ActionVar": "a", "ObsVar": "o"}


@dataclass(frozen=True, eq=False)
class Variable:
    """A variable and the numbers of its values.

    Attributes
    ----------
    name
        Its name.
    slot
        What it is a part of: s, a, o, or t for the next state.
    values
        What its values are called.
    number
        The number of each value.
    stride
        How far apart two states, actions or observations are that differ in this value by one.
    is_visible
        Whether it is a fully observed part of the state.
    """

    name: str
    slot: str
    values: tuple[str, ...]
    number: dict[str, int]
    stride: int
    is_visible: bool

    def value(self, flat: Index) -> Index:
        """Return its value in states, actions or observations given by number."""
        return np.asarray(flat // self.stride % len(self.values), dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Variables:
    """All variables of a file, by name, and the names of its rewards."""

    named: dict[str, Variable]
    rewards: frozenset[str]

    @cached_property
    def of(self) -> dict[str, tuple[Variable, ...]]:
        """The variables of each slot."""
        return {slot: tuple(v for v in self.named.values() if v.slot == slot) for slot in "sato"}

    def size(self, slot: str) -> int:
        """Return the number of states, actions or observations."""
        return prod(len(v.values) for v in self.of[slot])

    def names(self, slot: str) -> tuple[str, ...]:
        """Return what states, actions or observations are called: their values joined, or numbers."""
        kinds = [v.values for v in self.of[slot]]
        names = tuple("_".join(values) for values in product(*kinds)) if kinds else ("none",)
        return names if len(set(names)) == len(names) else tuple(str(i) for i in range(len(names)))

    def classes(self) -> Index | None:
        """Return the visible class of each state: the values of the fully observed variables together."""
        visible = [v for v in self.of["s"] if v.is_visible]
        every = np.arange(self.size("s"))
        found = np.zeros_like(every)
        for v in visible:
            found = found * len(v.values) + v.value(every)
        return found if visible else None


def read_variables(file: Path, section: Element) -> Variables:
    """Read what ``<Variable>`` declares.

    Raises
    ------
    FormatError
        When it breaks the format or passes the limits of `ecodecide.interop.source_file`.
    """
    taken: set[str] = set()
    rewards: set[str] = set()
    declared: dict[str, list[tuple[Element, tuple[str, ...]]]] = {slot: [] for slot in _SLOTS.values()}
    for one in section.children:
        if one.name == "RewardVar":
            rewards.add(_fresh(file, one, "vname", taken))
        elif one.name in _SLOTS:
            slot = _SLOTS[one.name]
            declared[slot].append((one, _values(file, one, slot)))
            check_counts(
                file, one.line, *(prod(len(values) for _, values in declared[kind]) for kind in "sao")
            )
        else:
            words = f"found <{one.name}>, expected StateVar, ActionVar, ObsVar or RewardVar"
            raise wrong(file, one.line, words)
    named: dict[str, Variable] = {}
    for kind, slot in _SLOTS.items():
        if not declared[slot] and slot != "o":
            raise wrong(file, section.line, f"<Variable> without <{kind}>, expected at least one")
        stride = prod(len(values) for _, values in declared[slot])
        for element, values in declared[slot]:
            stride //= len(values)
            named |= {v.name: v for v in _variables(file, element, values, stride, taken)}
    return Variables(named, frozenset(rewards))


def _fresh(file: Path, element: Element, attribute: str, taken: set[str]) -> str:
    """Return a name that nothing else has, and note that it is taken."""
    name = element.attributes.get(attribute, "").strip()
    if not name:
        raise wrong(file, element.line, f"<{element.name}> without {attribute}, expected a name")
    if name in taken:
        raise wrong(file, element.line, f"a second variable {name!r}, expected different names")
    taken.add(name)
    return name


def _values(file: Path, element: Element, slot: str) -> tuple[str, ...]:
    """Return the names of a variable's values, made up where the file only counts them."""
    count, names = element.child("NumValues"), element.child("ValueEnum")
    if names is not None and count is None:
        return _listed(file, names)
    if count is None or names is not None:
        raise wrong(file, element.line, f"<{element.name}> needs either <NumValues> or <ValueEnum>")
    word = count.text.strip()
    if whole(word) < 1:
        raise wrong(file, count.line, f"found {word[:40]!r} in <NumValues>, expected a whole number")
    if whole(word) > LARGEST_COUNT:
        raise wrong(file, count.line, f"{word[:18]} values, expected at most {LARGEST_COUNT:,}")
    return tuple(f"{slot}{i}" for i in range(whole(word)))


def _listed(file: Path, element: Element) -> tuple[str, ...]:
    values = tuple(element.text.split())
    if not values:
        raise wrong(file, element.line, "no values, expected different names other than * and -")
    seen = {"*", "-"}
    for value in values:
        if value in seen:
            words = f"found {value!r} where it cannot be, expected different names other than * and -"
            raise wrong(file, element.line, words)
        seen.add(value)
    return values


def _variables(
    file: Path, element: Element, values: tuple[str, ...], stride: int, taken: set[str]
) -> list[Variable]:
    """Return the variable of an element, or two of a state variable: before and after an action."""
    number = {value: i for i, value in enumerate(values)}
    slot = _SLOTS[element.name]
    if slot != "s":
        return [Variable(_fresh(file, element, "vname", taken), slot, values, number, stride, False)]
    told = element.attributes.get("fullyObs", "false").strip().lower()
    if told not in ("true", "false", "1", "0"):
        raise wrong(file, element.line, f"fullyObs is {told[:40]!r}, expected true or false")
    return [
        Variable(_fresh(file, element, attribute, taken), part, values, number, stride, told in ("true", "1"))
        for attribute, part in (("vnamePrev", "s"), ("vnameCurr", "t"))
    ]
