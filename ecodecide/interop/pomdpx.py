"""The `.pomdpx` format of APPL: factored problems as XML, parts of whose state may be visible.

The format is described by its authors (National University of Singapore, "PomdpX file format", version 1.0). A
state variable with ``fullyObs="true"`` is seen at every step: mixed observability (Ong, Png, Hsu & Lee 2010, Int.
J. Robotics Research 29:1053).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from scipy.sparse import csr_array

from ecodecide.decision.finite_pomdp import FinitePomdp, Index
from ecodecide.interop.assignments import EVERY, Assignments, spans
from ecodecide.interop.source_file import (
    LARGEST_COUNT,
    LARGEST_NONZEROS,
    ROUNDING,
    check_counts,
    write_whole,
    wrong,
)
from ecodecide.interop.xml_tree import Element, read_xml
from ecodecide.stock.growth import Array

_KIND = "a .pomdpx file"
_SECTIONS = (
    "Description",
    "Discount",
    "Variable",
    "InitialStateBelief",
    "StateTransitionFunction",
    "ObsFunction",
    "RewardFunction",
)
_ORDER, _NAMES = "ecodecide-state-order", "ecodecide-state-names"
"""Processing instructions, which other programs skip: what this format cannot say of states within classes."""

_AT_ONCE = 200_000
"""Transitions whose rewards are averaged together: bounds the memory that this takes."""


def read_pomdpx(path: str | os.PathLike[str]) -> FinitePomdp:
    """Read a `.pomdpx` file.

    Several state variables make one state, numbered row by row in the order declared (the last one changes
    fastest), and so for actions and observations; several rewards add up. Tables (``type="TBL"``) are read with
    ``*``, ``-``, ``uniform`` and ``identity``; a later entry replaces an earlier one. Rewards may depend on the
    state after the action and on the observation, and become their expectation.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    FinitePomdp
        With `visible` where a state variable is fully observed: classes are numbered as `obsValue` is in a policy
        of APPL. A state is called by its values joined with ``_``.

    Raises
    ------
    FormatError
        When the file cannot be read or breaks the format, with the line; for decision diagrams (``type="DD"``),
        which APPL does not read either; and when its sizes pass the limits of `ecodecide.interop.source_file`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> still = FinitePomdp(
    ...     (np.eye(2),), (np.ones((2, 1)),), np.array([[1.0], [2.0]]), 0.9, np.array([1.0, 0.0]), visible=[0, 1]
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_pomdpx(still, Path(folder) / "still.pomdpx")
    ...     read_pomdpx(Path(folder) / "still.pomdpx").visible.tolist()
    [0, 1]
    """
    file = Path(path)
    root, instructions = read_xml(file, _KIND)
    if root.name != "pomdpx":
        raise wrong(file, root.line, f"found <{root.name}>, expected <pomdpx> and so {_KIND}")
    return _Reader(file, root, instructions).read()


def write_pomdpx(pomdp: FinitePomdp, path: str | os.PathLike[str]) -> None:
    """Write a `.pomdpx` file, with every number in full precision.

    Without visible classes there is one state variable. With them there are two, the class (fully observed) and
    the position within it; classes smaller than the largest are filled up with states that nothing reaches, and a
    processing instruction, which other programs skip, tells `read_pomdpx` which they are. A policy that APPL
    finds for the file has the classes of `pomdp` as `obsValue`, and its vectors those of `AlphaVectors`.

    Names stay where all of their kind hold no space and are not ``*`` or ``-``; otherwise they become numbers.

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

    Examples
    --------
    See `read_pomdpx`.
    """
    write_whole(Path(path), _Writer(pomdp).lines())


# Reading


@dataclass(frozen=True)
class _Variable:
    """A variable and the numbers of its values; `slot` says what it is of: s, a, o, or t for the next state."""

    name: str
    slot: str
    values: tuple[str, ...]
    number: dict[str, int]
    stride: int
    visible: bool = False


@dataclass(frozen=True)
class _Function:
    """A table: of which variable, given which, with the line where it begins."""

    variable: str
    parents: tuple[str, ...]
    table: Assignments
    line: int


@dataclass
class _Reader:
    file: Path
    root: Element
    instructions: dict[str, str]
    variables: dict[str, _Variable] = field(default_factory=dict)
    rewards: set[str] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    own: dict[str, tuple[_Variable, ...]] = field(default_factory=dict)
    """The variables of each slot."""

    def read(self) -> FinitePomdp:
        sections = self._sections()
        self._declare(sections["Variable"])
        initial = self._initial(sections["InitialStateBelief"])
        states, actions, observations = (self.sizes[slot] for slot in "sao")
        following = self._functions(sections["StateTransitionFunction"], "t", ("a", "s", "t"))
        if "ObsFunction" in sections:
            seen = self._functions(sections["ObsFunction"], "o", ("a", "t", "o"))
        elif self.own["o"]:
            raise wrong(
                self.file, self.root.line, "no <ObsFunction> for the observations declared, expected one"
            )
        else:
            seen = []
        worth = self._reward_functions(sections["RewardFunction"])
        transition, observation, total = [], [], 0
        reward = np.zeros((states, actions))
        for a in range(actions):
            transition.append(self._array(following, "t", a, self.own["t"], states))
            observation.append(self._array(seen, "o", a, self.own["o"], observations))
            total += transition[-1].nnz + observation[-1].nnz
            if total > LARGEST_NONZEROS:
                words = f"more than {LARGEST_NONZEROS:,} probabilities above zero, expected at most that many"
                raise wrong(self.file, sections["StateTransitionFunction"].line, words)
            for function in worth:
                reward[:, a] += self._expected(function, a, transition[-1], observation[-1])
        return self._restored(
            FinitePomdp(
                tuple(transition),
                tuple(observation),
                reward,
                self._discount(sections["Discount"]),
                initial,
                self._joined("s"),
                self._joined("a"),
                self._joined("o"),
                self._classes(),
            )
        )

    def _classes(self) -> Index | None:
        """Return the visible class of each state: the values of the fully observed variables together."""
        variables = [v for v in self.own["s"] if v.visible]
        every = np.arange(self.sizes["s"])
        found = np.zeros_like(every)
        for v in variables:
            found = found * len(v.values) + self._value(v, every)
        return found if variables else None

    def _sections(self) -> dict[str, Element]:
        found: dict[str, Element] = {}
        for one in self.root.children:
            if one.name not in _SECTIONS:
                raise wrong(
                    self.file, one.line, f"found <{one.name}>, expected one of {', '.join(_SECTIONS)}"
                )
            if one.name in found:
                raise wrong(self.file, one.line, f"a second <{one.name}>, expected one")
            found[one.name] = one
        for name in _SECTIONS:
            if name not in found and name not in ("Description", "ObsFunction"):
                raise wrong(self.file, self.root.line, f"<pomdpx> without <{name}>, expected one")
        return found

    def _discount(self, section: Element) -> float:
        value = self._numbers(section, section.text.split(), 1)[0]
        if not 0.0 < value < 1.0:
            raise wrong(self.file, section.line, f"a discount of {value:g}, expected a factor in (0, 1)")
        return value

    def _numbers(self, element: Element, words: list[str], count: int) -> list[float]:
        if len(words) != count:
            raise wrong(
                self.file, element.line, f"{len(words)} numbers in <{element.name}>, expected {count}"
            )
        try:
            values = [float(word) for word in words]
        except ValueError:
            values = [math.nan]
        if not all(map(math.isfinite, values)) or "_" in element.text:
            bad = next((word for word in words if not _is_number(word)), "")
            raise wrong(self.file, element.line, f"found {bad[:40]!r} in <{element.name}>, expected a number")
        return values

    # Variables

    def _declare(self, section: Element) -> None:
        slots = {"StateVar": "s", "ActionVar": "a", "ObsVar": "o"}
        declared: dict[str, list[tuple[Element, tuple[str, ...]]]] = {"s": [], "a": [], "o": []}
        for one in section.children:
            if one.name == "RewardVar":
                self.rewards.add(self._fresh(one, "vname"))
            elif one.name in slots:
                declared[slots[one.name]].append((one, self._values(one, slots[one.name])))
                sizes = {slot: prod(len(values) for _, values in kind) for slot, kind in declared.items()}
                check_counts(self.file, one.line, sizes["s"], sizes["a"], sizes["o"])
            else:
                words = f"found <{one.name}>, expected StateVar, ActionVar, ObsVar or RewardVar"
                raise wrong(self.file, one.line, words)
        for slot, kind in declared.items():
            if not kind and slot != "o":
                what = {"s": "StateVar", "a": "ActionVar"}[slot]
                raise wrong(self.file, section.line, f"<Variable> without <{what}>, expected at least one")
            stride = self.sizes[slot] = prod(len(values) for _, values in kind)
            for element, values in kind:
                stride //= len(values)
                self._add(element, slot, values, stride)
        for slot in "sato":
            self.own[slot] = tuple(v for v in self.variables.values() if v.slot == slot)

    def _fresh(self, element: Element, attribute: str) -> str:
        name = element.attributes.get(attribute, "").strip()
        if not name:
            raise wrong(self.file, element.line, f"<{element.name}> without {attribute}, expected a name")
        if name in self.variables or name in self.rewards:
            raise wrong(self.file, element.line, f"a second variable {name!r}, expected different names")
        return name

    def _values(self, element: Element, slot: str) -> tuple[str, ...]:
        count, names = element.child("NumValues"), element.child("ValueEnum")
        if (count is None) == (names is None):
            raise wrong(self.file, element.line, f"<{element.name}> needs either <NumValues> or <ValueEnum>")
        if names is not None:
            values = tuple(names.text.split())
            twice = [value for i, value in enumerate(values) if value in "*-" or value in values[:i]][:1]
            if not values or (len(set(values)) != len(values) or {"*", "-"} & set(values)):
                bad = f"found {twice[0]!r} where it cannot be" if twice else "no values"
                raise wrong(self.file, names.line, f"{bad}, expected different names other than * and -")
            return values
        assert count is not None
        word = count.text.strip()
        if not (word.isascii() and word.isdecimal()) or int(word[:18]) < 1:
            raise wrong(self.file, count.line, f"found {word[:40]!r} in <NumValues>, expected a whole number")
        if int(word[:18]) > LARGEST_COUNT:
            words = f"{word[:18]} values, expected at most {LARGEST_COUNT:,}"
            raise wrong(self.file, count.line, words)
        return tuple(f"{slot}{i}" for i in range(int(word)))

    def _add(self, element: Element, slot: str, values: tuple[str, ...], stride: int) -> None:
        number = {value: i for i, value in enumerate(values)}
        if slot != "s":
            name = self._fresh(element, "vname")
            self.variables[name] = _Variable(name, slot, values, number, stride)
            return
        told = element.attributes.get("fullyObs", "false").strip().lower()
        if told not in ("true", "false", "1", "0"):
            raise wrong(self.file, element.line, f"fullyObs is {told[:40]!r}, expected true or false")
        for attribute, part in (("vnamePrev", "s"), ("vnameCurr", "t")):
            name = self._fresh(element, attribute)
            self.variables[name] = _Variable(name, part, values, number, stride, told in ("true", "1"))

    def _joined(self, slot: str) -> tuple[str, ...]:
        kinds = [v.values for v in self.own[slot]]
        names = tuple("_".join(values) for values in product(*kinds)) if kinds else ("none",)
        return names if len(set(names)) == len(names) else tuple(str(i) for i in range(len(names)))

    @staticmethod
    def _value(variable: _Variable, flat: Index) -> Index:
        """Return a variable's value in states, actions or observations given by number."""
        return np.asarray(flat // variable.stride % len(variable.values), dtype=np.intp)

    # Tables

    def _functions(self, section: Element, slot: str, allowed: Sequence[str]) -> list[_Function]:
        """Return the tables of a section in an order in which each follows those that it depends on."""
        waiting: dict[str, _Function] = {}
        for element in section.children:
            name = element.child("Var")
            if name is not None and name.text.strip() in waiting:
                raise wrong(self.file, element.line, f"a second table of {name.text.strip()!r}, expected one")
            function = self._function(element, slot, allowed)
            waiting[function.variable] = function
        for variable in self.own[slot]:
            if variable.name not in waiting:
                raise wrong(self.file, section.line, f"<{section.name}> has no table of {variable.name!r}")
        ordered: list[_Function] = []
        while waiting:
            ready = [f for f in waiting.values() if not set(f.parents) & set(waiting)]
            if not ready:
                first = next(iter(waiting.values()))
                raise wrong(
                    self.file, first.line, f"{first.variable!r} depends on itself through its parents"
                )
            for function in ready:
                del waiting[function.variable]
            ordered += ready
        return ordered

    def _function(self, element: Element, slot: str, allowed: Sequence[str]) -> _Function:
        expected = "Func" if slot == "r" else "CondProb"
        if element.name != expected:
            raise wrong(self.file, element.line, f"found <{element.name}>, expected <{expected}>")
        parts = {}
        for name in ("Var", "Parent", "Parameter"):
            part = element.child(name)
            if part is None:
                raise wrong(self.file, element.line, f"<{expected}> without <{name}>, expected one")
            parts[name] = part
        name = parts["Var"].text.strip()
        known = self.rewards if slot == "r" else {v.name for v in self.own[slot]}
        if name not in known:
            words = f"found {name!r}, expected one of {', '.join(sorted(known)) or 'none'}"
            raise wrong(self.file, parts["Var"].line, words)
        parents = self._parents(parts["Parent"], name, allowed)
        columns = 1 if slot == "r" else len(self.variables[name].values)
        table = Assignments(self.file, [len(self.variables[p].values) for p in parents], columns)
        function = _Function(name, parents, table, element.line)
        self._fill(function, parts["Parameter"])
        return function

    def _parents(self, element: Element, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
        words = tuple(element.text.split())
        if words == ("null",) or not words:
            return ()
        may = {v.name for slot in allowed for v in self.own[slot]} - {name}
        for i, word in enumerate(words):
            if word not in may or word in words[:i]:
                told = f"found {word!r} as a parent of {name!r}, expected different ones of"
                raise wrong(self.file, element.line, f"{told} {', '.join(sorted(may)) or 'null'}")
        return words

    def _fill(self, function: _Function, element: Element) -> None:
        kind = element.attributes.get("type", "TBL").strip()
        if kind != "TBL":
            words = f'type="{kind}", expected type="TBL": decision diagrams are not read; write the table out'
            raise wrong(self.file, element.line, words)
        is_reward = function.variable in self.rewards
        names = [*function.parents] if is_reward else [*function.parents, function.variable]
        variables = [self.variables[name] for name in names]
        for entry in element.children:
            if entry.name != "Entry":
                raise wrong(self.file, entry.line, f"found <{entry.name}>, expected <Entry>")
            instance = entry.child("Instance")
            numbers = entry.child("ValueTable" if is_reward else "ProbTable")
            if instance is None or numbers is None:
                table = "ValueTable" if is_reward else "ProbTable"
                raise wrong(self.file, entry.line, f"<Entry> without <Instance> and <{table}>, expected both")
            at = self._instance(instance, variables)
            self._entry(function, variables, at, numbers, is_reward)

    def _instance(self, element: Element, variables: list[_Variable]) -> list[int | None]:
        """Return the value of each variable, `EVERY` for ``*``, None for ``-``, which the numbers run over."""
        words = element.text.split()
        if len(words) != len(variables):
            names = " ".join(v.name for v in variables)
            told = f"{len(words)} words in <Instance>, expected {len(variables)}"
            raise wrong(self.file, element.line, f"{told}: {names}")
        found: list[int | None] = []
        for word, variable in zip(words, variables, strict=True):
            value = variable.number.get(word)
            if value is None and word not in "*-":
                some = ", ".join(variable.values[:5]) + (", ..." if len(variable.values) > 5 else "")
                told = f"found {word[:40]!r} for {variable.name!r}, expected one of"
                raise wrong(self.file, element.line, f"{told} {some}, * or -")
            found.append(value if value is not None else EVERY if word == "*" else None)
        return found

    def _entry(
        self,
        function: _Function,
        variables: list[_Variable],
        at: list[int | None],
        element: Element,
        is_reward: bool,
    ) -> None:
        table, line = function.table, element.line
        own = 0 if is_reward else at[-1]
        rows = at if is_reward else at[:-1]
        if None not in at:
            # most entries of a large file
            value = self._numbers(element, element.text.split(), 1)
            self._check_probabilities(element, value, is_reward)
            table.set_entry(rows, own, value[0], line)  # type: ignore[arg-type]
            return
        runs = [range(len(v.values)) if i is None else (i,) for v, i in zip(variables, rows, strict=False)]
        count = prod(len(run) for run in runs)
        words = element.text.split()
        keyword = words[0].lower() if len(words) == 1 else ""
        if keyword == "identity" and not is_reward:
            if own is not None or count != table.columns or rows.count(None) != 1:
                told = "identity, expected an <Instance> with - for the variable and for one parent as long"
                raise wrong(self.file, line, told)
            for i, row in enumerate(product(*runs)):
                table.set_row(row, (i,), (1.0,), line)
            return
        if keyword == "uniform" and not is_reward:
            if own is not None:
                raise wrong(self.file, line, "uniform, expected an <Instance> that ends with -")
            table.set_row([EVERY if i is None else i for i in rows], (), (), line, fill=1.0 / table.columns)
            return
        width = table.columns if own is None else 1
        values = self._numbers(element, words, count * width)
        self._check_probabilities(element, values, is_reward)
        for i, row in enumerate(product(*runs)):
            if own is not None:
                table.set_entry(row, own, values[i], line)
                continue
            part = values[i * width : (i + 1) * width]
            columns = [j for j, value in enumerate(part) if value != 0.0]
            table.set_row(row, columns, [part[j] for j in columns], line)

    def _check_probabilities(self, element: Element, values: list[float], is_reward: bool) -> None:
        if not is_reward and (min(values) < 0.0 or max(values) > 1.0 + ROUNDING):
            bad = next(value for value in values if not 0.0 <= value <= 1.0 + ROUNDING)
            raise wrong(self.file, element.line, f"a probability of {bad:g}, expected one from 0 to 1")

    # From tables to arrays

    def _initial(self, section: Element) -> Array:
        # the tables are of the first state's variables: given none, or one another
        functions = self._functions(section, "s", ("s",))
        _, flat, chance = self._chained(functions, self.own["s"], 1, {})
        belief = np.zeros(self.sizes["s"])
        belief[flat] = chance
        return belief

    def _array(
        self, functions: list[_Function], slot: str, action: int, own: tuple[_Variable, ...], columns: int
    ) -> csr_array:
        """Return the probabilities of the next states, or of observations, one row for each state."""
        states = self.sizes["s"]
        if not own:
            return csr_array(np.ones((states, 1)))
        given = np.arange(states)
        known = {v.name: self._value(v, np.full(states, action)) for v in self.own["a"]}
        known |= {v.name: self._value(v, given) for v in self.own["s" if slot == "t" else "t"]}
        row, flat, chance = self._chained(functions, own, states, known)
        return csr_array((chance, (row, flat)), shape=(states, columns))

    def _chained(
        self, functions: list[_Function], own: tuple[_Variable, ...], count: int, known: dict[str, Index]
    ) -> tuple[Index, Index, Array]:
        """Multiply the tables of some variables: from rows of known values, to all values with their chance."""
        row, chance = np.arange(count), np.ones(count)
        flat = np.zeros(count, dtype=np.intp)
        known = dict(known)
        end = max((f.line for f in functions), default=1)
        for function in functions:
            at = [known[name] for name in function.parents]
            variable = self.variables[function.variable]

            def words(i: int, f: _Function = function, at: list[Index] = at) -> str:
                given = [
                    f"{p}={self.variables[p].values[int(k[i])]}" for p, k in zip(f.parents, at, strict=True)
                ]
                return f"{f.variable!r}" + (f" given {', '.join(given)}" if given else "")

            end = function.line
            before, value, weight = function.table.probabilities(at, row.size, end, words)
            if before.size > LARGEST_NONZEROS:
                words_ = (
                    f"more than {LARGEST_NONZEROS:,} probabilities above zero, expected at most that many"
                )
                raise wrong(self.file, function.line, words_)
            row, chance = row[before], chance[before] * weight
            flat = flat[before] + value * variable.stride
            known = {name: values[before] for name, values in known.items()}
            known[function.variable] = value
        return row, flat, chance

    def _reward_functions(self, section: Element) -> list[_Function]:
        functions = [self._function(element, "r", ("a", "s", "t", "o")) for element in section.children]
        if not functions:
            raise wrong(self.file, section.line, "<RewardFunction> without <Func>, expected at least one")
        return functions

    def _expected(
        self, function: _Function, action: int, transition: csr_array, observation: csr_array
    ) -> Array:
        """Return the expectation of one reward for an action in each state."""
        slots = {self.variables[name].slot for name in function.parents}
        states = self.sizes["s"]
        start = np.arange(states)
        if not slots & {"t", "o"}:
            return self._worth(function, action, start, start, start)
        start = np.repeat(start, np.diff(transition.indptr))
        total = np.zeros(states)
        for first in range(0, start.size, _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            here, there, chance = start[part], transition.indices[part], transition.data[part]
            seen = np.zeros_like(there)
            if "o" in slots:
                many = np.diff(observation.indptr)[there]
                stored = spans(observation.indptr[there], many)
                here, there = np.repeat(here, many), np.repeat(there, many)
                chance = np.repeat(chance, many) * observation.data[stored]
                seen = observation.indices[stored]
            worth = chance * self._worth(function, action, here, there, seen)
            total += np.bincount(here, weights=worth, minlength=states)
        return total

    def _worth(self, function: _Function, action: int, here: Index, there: Index, seen: Index) -> Array:
        flat = {"s": here, "t": there, "o": seen, "a": np.full(here.size, action)}
        variables = [self.variables[name] for name in function.parents]
        found = function.table.find([self._value(v, flat[v.slot]) for v in variables], here.size)
        worth = found.fill
        worth[found.row] = found.value
        return worth

    # States within classes

    def _restored(self, pomdp: FinitePomdp) -> FinitePomdp:
        """Undo what `_Writer` had to do to put classes of any size and order into the format."""
        if _ORDER not in self.instructions:
            return pomdp
        words = self.instructions[_ORDER].split()
        kept = [i for i, word in enumerate(words) if word != "-"]
        numbers = [int(words[i]) if words[i].isascii() and words[i].isdecimal() else -1 for i in kept]
        if len(words) != pomdp.states or sorted(numbers) != list(range(len(kept))):
            told = f"<?{_ORDER}?> does not number the {pomdp.states} states, expected so; remove it"
            raise wrong(self.file, self.root.line, told)
        keep = np.array(kept, dtype=np.intp)[np.argsort(numbers)]
        lost = np.setdiff1d(np.arange(pomdp.states), keep)
        leaks = pomdp.initial[lost].sum() + sum(t[keep][:, lost].sum() for t in pomdp.transition)
        if leaks > 0.0:
            told = f"states that <?{_ORDER}?> calls unused are reached, expected none; remove it"
            raise wrong(self.file, self.root.line, told)
        names = tuple(self.instructions.get(_NAMES, "").split())
        if names and (len(names) != keep.size or len(set(names)) != keep.size):
            told = f"<?{_NAMES}?> has {len(names)} names, expected {keep.size} different ones; remove it"
            raise wrong(self.file, self.root.line, told)
        return FinitePomdp(
            tuple(t[keep][:, keep] for t in pomdp.transition),
            tuple(o[keep] for o in pomdp.observation),
            pomdp.reward[keep],
            pomdp.discount,
            pomdp.initial[keep],
            names,
            pomdp.action_names,
            pomdp.observation_names,
            pomdp.visible[keep],
        )


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word)) and "_" not in word
    except ValueError:
        return False


# Writing


@dataclass
class _Writer:
    """The file of one problem, piece by piece."""

    pomdp: FinitePomdp

    def __post_init__(self) -> None:
        p = self.pomdp
        self.split = len(p.members) > 1
        self.largest = max(members.size for members in p.members)
        self.position = np.zeros(p.states, dtype=np.intp)
        for members in p.members:
            self.position[members] = np.arange(members.size)
        self.actions, self.observations = _words(p.action_names), _words(p.observation_names)
        self.classes = [f"c{c}" for c in range(len(p.members))]
        self.states = [f"s{i}" for i in range(self.largest)] if self.split else _words(p.state_names)
        # the words for each state, and the variables that they are values of before and after an action
        self.at = [
            f"{self.classes[c]} {self.states[i]}" if self.split else self.states[i]
            for c, i in zip(p.visible.tolist(), self.position.tolist(), strict=True)
        ]
        self.before, self.after = (f"{'class_' + n + ' ' if self.split else ''}state_{n}" for n in "01")

    def lines(self) -> Iterator[str]:
        p = self.pomdp
        yield '<?xml version="1.0" encoding="UTF-8"?>\n'
        if self.split:
            yield from self._instructions()
        yield '<pomdpx version="1.0" id="ecodecide" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        yield 'xsi:noNamespaceSchemaLocation="pomdpx.xsd">\n'
        yield f"<Description>{p.states} states, {p.actions} actions</Description>\n"
        yield f"<Discount>{float(p.discount)!r}</Discount>\n"
        yield from self._variables()
        yield "<InitialStateBelief>\n"
        yield from self._moves("0", [("", csr_array(p.initial[None, :]))])
        yield "</InitialStateBelief>\n<StateTransitionFunction>\n"
        yield from self._moves("1", list(zip(self.actions, p.transition, strict=True)))
        yield "</StateTransitionFunction>\n<ObsFunction>\n"
        seen = (
            (f"{action} {self.at[s]}", row, value)
            for action, array in zip(self.actions, p.observation, strict=True)
            for s, (row, value) in enumerate(_rows(array))
        )
        yield from self._table("observation", f"action {self.after}", self.observations, seen)
        yield "</ObsFunction>\n"
        yield from self._rewards()
        yield "</pomdpx>\n"

    def _instructions(self) -> Iterator[str]:
        p = self.pomdp
        order = np.full((len(p.members), self.largest), -1)
        order[p.visible, self.position] = np.arange(p.states)
        yield f"<?{_ORDER} {' '.join('-' if i < 0 else str(i) for i in order.ravel().tolist())}?>\n"
        names = _words(p.state_names)
        if names == list(p.state_names) and not any(">" in name for name in names):
            yield f"<?{_NAMES} {' '.join(names)}?>\n"

    def _variables(self) -> Iterator[str]:
        yield "<Variable>\n"
        if self.split:
            yield _declared(
                "StateVar", 'vnamePrev="class_0" vnameCurr="class_1" fullyObs="true"', self.classes
            )
        yield _declared("StateVar", 'vnamePrev="state_0" vnameCurr="state_1" fullyObs="false"', self.states)
        yield _declared("ObsVar", 'vname="observation"', self.observations)
        yield _declared("ActionVar", 'vname="action"', self.actions)
        yield '<RewardVar vname="reward"/>\n</Variable>\n'

    def _moves(self, slot: str, arrays: Sequence[tuple[str, csr_array]]) -> Iterator[str]:
        """Write where the state begins (0) or goes (1): the class, then the state within it."""
        given = "null" if slot == "0" else f"action {self.before}"

        def contexts() -> Iterator[tuple[str, Index, Array]]:
            for action, array in arrays:
                for s, (row, value) in enumerate(_rows(array)):
                    yield f"{action} {self.at[s]}" if action else "", row, value

        if not self.split:
            yield from self._table(f"state_{slot}", given, self.states, contexts())
            return

        def classes() -> Iterator[tuple[str, Index, Array]]:
            for words, row, value in contexts():
                mass = np.bincount(self.pomdp.visible[row], weights=value)
                yield words, np.flatnonzero(mass), mass[mass != 0.0]

        def within() -> Iterator[tuple[str, Index, Array]]:
            for words, row, value in contexts():
                visible = self.pomdp.visible[row]
                for c in np.unique(visible):
                    share = value[visible == c]
                    told = f"{words} {self.classes[c]}".strip()
                    yield told, self.position[row[visible == c]], share / share.sum()

        yield from self._table(f"class_{slot}", given, self.classes, classes())
        parents = "class_0" if slot == "0" else f"{given} class_1"
        yield from self._table(f"state_{slot}", parents, self.states, within())

    def _table(
        self, variable: str, parents: str, words: list[str], rows: Iterator[tuple[str, Index, Array]]
    ) -> Iterator[str]:
        """Write a table, given each row's context, columns and probabilities.

        In a problem with classes rows are missing, of states that fill a class up and of moves that cannot be.
        Other programs want every row: it is first the first value for sure, and what is known comes after.
        """
        yield f'<CondProb><Var>{variable}</Var><Parent>{parents}</Parent><Parameter type="TBL">\n'
        filled = self.split and parents != "null"
        if filled:
            certain = " ".join(["1"] + ["0"] * (len(words) - 1))
            yield _entry(f"{'* ' * len(parents.split())}-", certain, "ProbTable")
        for context, row, value in rows:
            if filled and 0 not in row:
                yield _entry(f"{context} {words[0]}", "0", "ProbTable")
            for i, p in zip(row.tolist(), value.tolist(), strict=True):
                yield _entry(f"{context} {words[i]}".strip(), repr(p), "ProbTable")
        yield "</Parameter></CondProb>\n"

    def _rewards(self) -> Iterator[str]:
        reward = self.pomdp.reward
        yield f"<RewardFunction>\n<Func><Var>reward</Var><Parent>action {self.before}</Parent>"
        yield '<Parameter type="TBL">\n'
        if not np.any(reward):
            yield _entry(" ".join("*" for _ in f"action {self.before}".split()), "0", "ValueTable")
        for a, s in zip(*(index.tolist() for index in np.nonzero(reward.T)), strict=True):
            yield _entry(f"{self.actions[a]} {self.at[s]}", repr(float(reward[s, a])), "ValueTable")
        yield "</Parameter></Func>\n</RewardFunction>\n"


def _rows(array: csr_array) -> Iterator[tuple[Index, Array]]:
    """Return the columns and values of each row."""
    for first, last in zip(array.indptr[:-1].tolist(), array.indptr[1:].tolist(), strict=True):
        yield array.indices[first:last], array.data[first:last]


def _words(names: Sequence[str]) -> list[str]:
    """Return names as a file can say them: all of them, or numbers."""
    plain = all(name.split() == [name] and name not in "*-" and name.isprintable() for name in names)
    return list(names) if plain else [str(i) for i in range(len(names))]


def _declared(kind: str, attributes: str, values: list[str]) -> str:
    return f"<{kind} {attributes}><ValueEnum>{escape(' '.join(values))}</ValueEnum></{kind}>\n"


def _entry(instance: str, numbers: str, table: str) -> str:
    return f"<Entry><Instance>{escape(instance)}</Instance><{table}>{numbers}</{table}></Entry>\n"
