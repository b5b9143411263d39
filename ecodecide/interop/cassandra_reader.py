"""Reads the `.pomdp` format of pomdp-solve, which most POMDP programs read.

The grammar is Anthony Cassandra's (pomdp.org, "POMDP file format"): a preamble of counts and names, then
assignments T, O and R to single entries, rows or whole matrices, the last of which counts.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.interop.assignments import EVERY, Assignments
from ecodecide.interop.cassandra_preamble import Preamble
from ecodecide.interop.cassandra_tokens import Tokens, shown
from ecodecide.interop.file_numbers import check_probabilities
from ecodecide.interop.source_file import LARGEST_NONZEROS, read_text, wrong
from ecodecide.interop.sparse_access import entries, in_parts
from ecodecide.stock.growth import Array

_KIND = "a .pomdp file"

_COORDINATES = {
    "T": ("actions", "states", "states"),
    "O": ("actions", "states", "observations"),
    "R": ("actions", "states", "states", "observations"),
}


def read_cassandra(path: str | os.PathLike[str]) -> FinitePomdp:
    """Read a `.pomdp` file.

    Every form of the grammar is read: names or numbers, ``*`` for all, entries, rows and matrices, ``uniform``,
    ``identity`` and ``reset``, costs, ``start`` in its four forms. Rewards become their expectation,

        R(s, a) = sum over s', o of T(s' | s, a) O(o | s', a) R(a, s, s', o).

    A file without ``observations`` is a Markov decision process: every state is then visible.

    Parameters
    ----------
    path
        The file, UTF-8.

    Returns
    -------
    FinitePomdp
        Named as in the file, by number where the file only counts.

    Raises
    ------
    FormatError
        When the file cannot be read or breaks the format, with the line; also when its sizes pass the limits of
        `ecodecide.interop.source_file`.

    Notes
    -----
    A. R. Cassandra (1999), POMDP file format, https://pomdp.org/code/pomdp-file-spec.html.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> text = '''discount: 0.9
    ... values: reward
    ... states: 2
    ... actions: wait
    ... observations: 1
    ... T: wait identity
    ... O: wait uniform
    ... R: wait : 1 : * : * 5
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "two.pomdp"
    ...     _ = file.write_text(text)
    ...     read_cassandra(file).reward.tolist()
    [[0.0], [5.0]]
    """
    file = Path(path)
    return _Reader(Tokens(read_text(file, _KIND), file)).read()


class _Reader:
    """The tables of the file as read so far."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.preamble = Preamble(tokens)
        self.names = self.preamble.names
        self.after_reset = False
        s, a, o = (len(self.names[kind]) for kind in ("states", "actions", "observations"))
        self.transition = Assignments(tokens.file, (a, s), s)
        self.observation = Assignments(tokens.file, (a, s), o)
        self.reward = Assignments(tokens.file, (a, s, s), o)
        if self.preamble.fully_observed:
            self.observation.set_row((EVERY, EVERY), (), (), 1, fill=1.0)

    def read(self) -> FinitePomdp:
        while self.tokens.peek():
            self._assignment()
        preamble, s = self.preamble, len(self.names["states"])
        transition = self._arrays("T", self.transition)
        observation = self._arrays("O", self.observation)
        reward = np.column_stack(
            [self._expected(a, transition[a], observation[a]) for a in range(len(transition))]
        )
        return FinitePomdp(
            transition=transition,
            observation=observation,
            reward=preamble.sign * reward + 0.0,  # + 0.0 so that a cost of 0 is not a reward of -0
            discount=preamble.discount,
            initial=np.full(s, 1.0 / s) if preamble.start is None else preamble.start,
            state_names=self.names["states"].names,
            action_names=self.names["actions"].names,
            observation_names=self.names["observations"].names,
            visible=np.arange(s) if preamble.fully_observed else None,
        )

    # Assignments

    def _assignment(self) -> None:
        tokens = self.tokens
        word = tokens.take()
        line = tokens.line
        if word == "start":
            self.preamble.read_start(self.after_reset)
            return
        if word not in _COORDINATES:
            raise tokens.fail(f"{shown(word)}, expected T, O or R and a colon")
        if word == "O" and self.preamble.fully_observed:
            raise tokens.fail("O in a file without observations, expected `observations:` in the preamble")
        kinds = _COORDINATES[word]
        tokens.expect(":", f"after {word}")
        at = [self.names[kinds[0]].find(tokens)]
        while len(at) < len(kinds) and tokens.peek() == ":":
            tokens.take()
            at.append(self.names[kinds[len(at)]].find(tokens))
        if word == "R":
            self._rewards(at, line)
        else:
            self._probabilities(word, at, line)

    def _probabilities(self, word: str, at: list[int], line: int) -> None:
        tokens = self.tokens
        table = self.transition if word == "T" else self.observation
        if len(at) == 3:
            table.set_entry(at[:2], at[2], self._checked(1, "a probability")[0], line)
            return
        if tokens.peek() in ("uniform", "identity", "reset"):
            self._keyword(tokens.take(), word, at, line)
            return
        rows = [at] if len(at) == 2 else [[at[0], i] for i in range(len(self.names["states"]))]
        for i, row in enumerate(rows):
            what = f"row {i} of {len(rows)} of {word}" if len(rows) > 1 else f"a row of {word}"
            values = self._checked(table.columns, what)
            table.set_values(row, values, tokens.line if len(rows) > 1 else line)

    def _keyword(self, keyword: str, word: str, at: Sequence[int], line: int) -> None:
        """Assign what a word says of a row, or of all rows of an action, of T or O."""
        table = self.transition if word == "T" else self.observation
        if keyword == "uniform":
            table.set_row([at[0], at[1] if len(at) == 2 else EVERY], (), (), line, fill=1.0 / table.columns)
        elif keyword == "identity" and word == "T" and len(at) == 1:
            for i in range(table.columns):
                table.set_row((at[0], i), (i,), (1.0,), line)
        elif keyword == "reset" and word == "T" and len(at) == 2:
            self.after_reset = True
            if self.preamble.start is None:
                table.set_row(at, (), (), line, fill=1.0 / table.columns)
            else:
                table.set_values(at, self.preamble.start.tolist(), line)
        else:
            raise self.tokens.fail(
                f"{keyword} here, expected identity for a whole T, reset for a row of T, or numbers"
            )

    def _checked(self, count: int, what: str) -> list[float]:
        values = self.tokens.numbers(count, what)
        check_probabilities(self.tokens.file, self.tokens.line, values)
        return values

    def _rewards(self, at: list[int], line: int) -> None:
        tokens, table, columns = self.tokens, self.reward, self.reward.columns
        states = len(self.names["states"])
        if len(at) == 4:
            table.set_entry(at[:3], at[3], tokens.number("a reward"), line)
            return
        if len(at) == 1 and not self.preamble.fully_observed:
            word = tokens.take()
            raise tokens.fail(f"{shown(word)} after the action of R, expected ':' and a state")
        if len(at) == 3:
            table.set_values(at, tokens.numbers(columns, "a row of R"), line)
            return
        starts = [at[1]] if len(at) == 2 else range(states)
        for start in starts:
            for end in range(states):
                values = tokens.numbers(columns, f"row {end} of {states} of R")
                table.set_values((at[0], start, end), values, tokens.line)

    # The problem

    def _arrays(self, word: str, table: Assignments) -> tuple[csr_array, ...]:
        actions, states = self.names["actions"].names, self.names["states"].names
        arrays, total, every = [], 0, np.arange(len(states))
        file, end = self.tokens.file, self.tokens.end
        for a in range(len(actions)):

            def words(i: int, a: int = a) -> str:
                return f"{word} of action {actions[a]!r} and state {states[i]!r}"

            row, column, value = table.probabilities([np.full_like(every, a), every], len(states), end, words)
            total += row.size
            if total > LARGEST_NONZEROS:
                raise wrong(file, end, f"{word} has more than {LARGEST_NONZEROS:,} entries above zero")
            arrays.append(csr_array((value, (row, column)), shape=(len(states), table.columns)))
        return tuple(arrays)

    def _expected(self, action: int, transition: csr_array, observation: csr_array) -> Array:
        """Return the expected reward of an action in each state."""
        table, states = self.reward, transition.shape[0]
        every = np.arange(states)
        if not table.has_entries and not table.depends_on(2):
            return table.find([np.full(states, action), every, every], states).fill
        total = np.zeros(states)
        for here, there, chance in in_parts(transition):
            found = table.find([np.full(here.size, action), here, there], here.size)
            worth = found.fill.copy()
            seen = entries(observation, there[found.row], found.column)
            np.add.at(worth, found.row, seen * (found.value - found.fill[found.row]))
            total += np.bincount(here, weights=chance * worth, minlength=states)
        return total
