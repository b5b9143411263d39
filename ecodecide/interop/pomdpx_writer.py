"""Writes the `.pomdpx` format of APPL (National University of Singapore, "PomdpX file format", version 1.0)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from scipy.sparse import csr_array

from ecodecide.decision.finite_pomdp import FinitePomdp, Index
from ecodecide.interop.pomdpx_state_order import order_instructions, position_in_class
from ecodecide.interop.source_file import write_whole
from ecodecide.interop.sparse_access import rows
from ecodecide.stock.growth import Array

_Row = tuple[str, Index, Array]
"""A row of a table: the values of what it is given, its columns and their probabilities."""


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
    See `ecodecide.interop.pomdpx_reader.read_pomdpx`.
    """
    write_whole(Path(path), _Writer(pomdp).lines())


class _Writer:
    """The file of one problem, piece by piece."""

    def __init__(self, pomdp: FinitePomdp) -> None:
        self.pomdp = pomdp
        self.split = len(pomdp.members) > 1
        self.position = position_in_class(pomdp)
        self.actions, self.observations = _words(pomdp.action_names), _words(pomdp.observation_names)
        self.classes = [f"c{c}" for c in range(len(pomdp.members))]
        within = [f"s{i}" for i in range(int(self.position.max()) + 1)]
        self.states = within if self.split else _words(pomdp.state_names)
        # the words for each state, and the variables that they are values of before and after an action
        self.at = [
            f"{self.classes[c]} {self.states[i]}" if self.split else self.states[i]
            for c, i in zip(pomdp.visible.tolist(), self.position.tolist(), strict=True)
        ]
        self.before, self.after = (f"{'class_' + n + ' ' if self.split else ''}state_{n}" for n in "01")

    def lines(self) -> Iterator[str]:
        p = self.pomdp
        yield '<?xml version="1.0" encoding="UTF-8"?>\n'
        if self.split:
            yield from order_instructions(p, p.state_names if _are_words(p.state_names) else None)
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
        seen = self._given_state(list(zip(self.actions, p.observation, strict=True)))
        yield from self._table("observation", f"action {self.after}", self.observations, seen)
        yield "</ObsFunction>\n"
        yield from self._rewards()
        yield "</pomdpx>\n"

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
        if not self.split:
            yield from self._table(f"state_{slot}", given, self.states, self._given_state(arrays))
            return
        yield from self._table(f"class_{slot}", given, self.classes, self._to_classes(arrays))
        parents = "class_0" if slot == "0" else f"{given} class_1"
        yield from self._table(f"state_{slot}", parents, self.states, self._within_classes(arrays))

    def _given_state(self, arrays: Sequence[tuple[str, csr_array]]) -> Iterator[_Row]:
        """Go through the rows of each action's array, one for each state; of no action, through one row."""
        for action, array in arrays:
            for s, (column, value) in enumerate(rows(array)):
                yield f"{action} {self.at[s]}" if action else "", column, value

    def _to_classes(self, arrays: Sequence[tuple[str, csr_array]]) -> Iterator[_Row]:
        for words, column, value in self._given_state(arrays):
            mass = np.bincount(self.pomdp.visible[column], weights=value)
            yield words, np.flatnonzero(mass), mass[mass != 0.0]

    def _within_classes(self, arrays: Sequence[tuple[str, csr_array]]) -> Iterator[_Row]:
        for words, column, value in self._given_state(arrays):
            visible = self.pomdp.visible[column]
            for c in np.unique(visible):
                share = value[visible == c]
                told = f"{words} {self.classes[c]}".strip()
                yield told, self.position[column[visible == c]], share / share.sum()

    def _table(
        self, variable: str, parents: str, words: list[str], contents: Iterator[_Row]
    ) -> Iterator[str]:
        """Write the table of a variable whose values are called by the words given.

        In a problem with classes rows are missing, of states that fill a class up and of moves that cannot be.
        Other programs want every row: it is first the first value for sure, and what is known comes after.
        """
        yield f'<CondProb><Var>{variable}</Var><Parent>{parents}</Parent><Parameter type="TBL">\n'
        filled = self.split and parents != "null"
        if filled:
            certain = " ".join(["1"] + ["0"] * (len(words) - 1))
            yield _entry(f"{'* ' * len(parents.split())}-", certain, "ProbTable")
        for context, column, value in contents:
            if filled and 0 not in column:
                yield _entry(f"{context} {words[0]}", "0", "ProbTable")
            for i, p in zip(column.tolist(), value.tolist(), strict=True):
                yield _entry(f"{context} {words[i]}".strip(), repr(p), "ProbTable")
        yield "</Parameter></CondProb>\n"

    def _rewards(self) -> Iterator[str]:
        reward, parents = self.pomdp.reward, f"action {self.before}"
        yield f"<RewardFunction>\n<Func><Var>reward</Var><Parent>{parents}</Parent>"
        yield '<Parameter type="TBL">\n'
        if not np.any(reward):
            yield _entry(" ".join("*" for _ in parents.split()), "0", "ValueTable")
        for a, s in zip(*(index.tolist() for index in np.nonzero(reward.T)), strict=True):
            yield _entry(f"{self.actions[a]} {self.at[s]}", repr(float(reward[s, a])), "ValueTable")
        yield "</Parameter></Func>\n</RewardFunction>\n"


def _are_words(names: Sequence[str]) -> bool:
    """Whether the file can say these names."""
    return all(name.split() == [name] and name not in "*-" and name.isprintable() for name in names)


def _words(names: Sequence[str]) -> list[str]:
    """Return names as a file can say them: all of them, or numbers."""
    return list(names) if _are_words(names) else [str(i) for i in range(len(names))]


def _declared(kind: str, attributes: str, values: list[str]) -> str:
    return f"<{kind} {attributes}><ValueEnum>{escape(' '.join(values))}</ValueEnum></{kind}>\n"


def _entry(instance: str, numbers: str, table: str) -> str:
    return f"<Entry><Instance>{escape(instance)}</Instance><{table}>{numbers}</{table}></Entry>\n"
