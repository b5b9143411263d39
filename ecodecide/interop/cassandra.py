"""The `.pomdp` format of pomdp-solve, which most POMDP programs read.

The grammar is Anthony Cassandra's (pomdp.org, "POMDP file format"): a preamble of counts and names, then
assignments T, O and R to single entries, rows or whole matrices, the last of which counts.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import FormatError
from ecodecide.interop.assignments import EVERY, Assignments, entries
from ecodecide.interop.source_file import (
    LARGEST_NONZEROS,
    ROUNDING,
    check_counts,
    read_text,
    write_whole,
    wrong,
)
from ecodecide.stock.growth import Array

_KIND = "a .pomdp file"
_TOKEN = re.compile(r"[:*]|[^\s:*]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_PREAMBLE = ("discount", "values", "states", "actions", "observations", "start")
_RESERVED = {
    *_PREAMBLE,
    "T",
    "O",
    "R",
    "uniform",
    "identity",
    "reward",
    "cost",
    "include",
    "exclude",
    "reset",
}
_AT_ONCE = 200_000
"""Transitions whose rewards are averaged together: bounds the memory that this takes."""


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
    return _Reader(file, _Tokens(read_text(file, _KIND), file)).read()


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


# Reading


class _Tokens:
    """Words of the text, each with its line; what follows a # is no word."""

    def __init__(self, text: str, file: Path) -> None:
        self.file = file
        self._lines = text.split("\n")
        self._next_line = 0
        self._ahead: list[str] = []
        self._at = 0
        self.line = 1

    @property
    def end(self) -> int:
        """The last line of the file that says anything."""
        return max((i for i, words in enumerate(self._lines, 1) if words.strip()), default=1)

    def _fill(self) -> bool:
        while self._at >= len(self._ahead):
            if self._next_line >= len(self._lines):
                return False
            self._ahead = _TOKEN.findall(self._lines[self._next_line].partition("#")[0])
            self._at = 0
            self._next_line += 1
        return True

    def peek(self) -> str:
        """Return the next word without taking it, an empty one at the end."""
        return self._ahead[self._at] if self._fill() else ""

    def take(self) -> str:
        """Return the next word, an empty one at the end."""
        if not self._fill():
            self.line = self.end
            return ""
        self.line = self._next_line
        self._at += 1
        return self._ahead[self._at - 1]

    def lonely_number(self) -> bool:
        """Whether the next word is a whole number that no other number follows."""
        word = self.peek()
        after = self._ahead[self._at + 1 :]
        for text in self._lines[self._next_line :]:
            if after:
                break
            after = _TOKEN.findall(text.partition("#")[0])
        return word.isascii() and word.isdecimal() and not (after and after[0][0].isdigit())

    def fail(self, words: str, line: int | None = None) -> FormatError:
        """Return an error at the last word taken."""
        return wrong(self.file, line or self.line, words)

    def expect(self, word: str, where: str) -> None:
        """Take a word that must come now."""
        found = self.take()
        if found != word:
            raise self.fail(f"{_shown(found)} {where}, expected {word!r}")

    def number(self, what: str) -> float:
        """Take one finite number; a sign may stand apart from it."""
        return self.numbers(1, what)[0]

    def numbers(self, count: int, what: str) -> list[float]:
        """Take numbers, which may run over several lines."""
        found: list[float] = []
        while len(found) < count:
            if not self._fill():
                self.line = self.end
                raise self.fail(f"the file ends after {len(found)} of {count} numbers for {what}")
            self.line = self._next_line
            words = self._ahead[self._at : self._at + count - len(found)]
            try:
                values = [float(word) for word in words]
            except ValueError:
                words, values = self._one_by_one(words, len(found), count, what)
            else:
                self._at += len(words)
            for word, value in zip(words, values, strict=True):
                if not math.isfinite(value) or "_" in word:
                    raise self.fail(f"{_shown(word)} for {what}, expected a finite number")
            found += values
        return found

    def _one_by_one(
        self, words: list[str], have: int, count: int, what: str
    ) -> tuple[list[str], list[float]]:
        """Take one number where not all of these words are numbers: its sign may be a word of its own."""
        sign = words[0] in "+-"
        if sign:
            self._at += 1
        word = self.peek()
        self.line = self._next_line
        try:
            value = float(word)
        except ValueError:
            if have:
                raise self.fail(f"{_shown(word)} after {have} of {count} numbers for {what}") from None
            raise self.fail(f"{_shown(word)}, expected a number for {what}") from None
        self._at += 1
        return [word], [-value if sign and words[0] == "-" else value]


def _shown(word: str) -> str:
    return f"found {word[:40]!r}" if word else "the file ends"


@dataclass(frozen=True)
class _Names:
    """What a kind of thing may be called."""

    kind: str
    names: tuple[str, ...]
    number: dict[str, int]

    def __len__(self) -> int:
        return len(self.names)

    def find(self, tokens: _Tokens) -> int:
        """Take a name, a number or ``*``."""
        word = tokens.take()
        if word == "*":
            return EVERY
        found = self.number.get(word, -1)
        if found < 0 and word.isascii() and word.isdecimal() and int(word) < len(self.names):
            found = int(word)
        if found < 0:
            some = ", ".join(self.names[:5]) + (", ..." if len(self.names) > 5 else "")
            raise tokens.fail(f"{_shown(word)}, expected one of the {len(self.names)} {self.kind}: {some}")
        return found


@dataclass
class _Reader:
    """The file as read so far."""

    file: Path
    tokens: _Tokens
    discount: float = 0.0
    sign: float = 0.0
    names: dict[str, _Names] = field(default_factory=dict)
    start: Array | None = None
    reset: bool = False
    """Whether a row was already made the start."""

    def read(self) -> FinitePomdp:
        while (word := self.tokens.peek()) in _PREAMBLE:
            self.tokens.take()
            self._preamble(word)
        for missing in ("states", "actions"):
            if missing not in self.names:
                raise self._lacks(missing, word)
        if self.discount == 0.0:
            raise self._lacks("discount", word)
        if self.sign == 0.0:
            raise self._lacks("values", word)
        fully = "observations" not in self.names
        if fully:
            self.names["observations"] = _Names("observations", ("none",), {})
        s, a, o = (len(self.names[kind]) for kind in ("states", "actions", "observations"))
        self.transition = Assignments(self.file, (a, s), s)
        self.observation = Assignments(self.file, (a, s), o)
        self.reward = Assignments(self.file, (a, s, s), o)
        if fully:
            self.observation.set_row((EVERY, EVERY), (), (), 1, fill=1.0)
        while self.tokens.peek():
            self._assignment(fully)
        return self._problem(fully)

    def _lacks(self, what: str, word: str) -> FormatError:
        self.tokens.take()
        return self.tokens.fail(f"{_shown(word)} before `{what}:`, expected {', '.join(_PREAMBLE)} first")

    def _preamble(self, word: str) -> None:
        tokens = self.tokens
        if word == "start":
            if self.start is not None:
                raise tokens.fail("a second start, expected one")
            self.start = self._start()
            return
        tokens.expect(":", f"after {word}")
        if word == "discount":
            self.discount = tokens.number("the discount")
            if not 0.0 < self.discount < 1.0:
                raise tokens.fail(f"a discount of {self.discount:g}, expected a factor in (0, 1)")
        elif word == "values":
            found = tokens.take()
            if found not in ("reward", "cost"):
                raise tokens.fail(f"{_shown(found)} after values, expected reward or cost")
            self.sign = 1.0 if found == "reward" else -1.0
        else:
            if word in self.names:
                raise tokens.fail(f"a second list of {word}, expected one")
            self.names[word] = self._declared(word)

    def _declared(self, kind: str) -> _Names:
        tokens, words, seen = self.tokens, [], set()
        while (word := tokens.peek()) and word not in _RESERVED and word not in ":*":
            tokens.take()
            if word in seen:
                raise tokens.fail(f"a second {word!r} among the {kind}, expected different names")
            seen.add(word)
            words.append(word)
        if not words:
            tokens.take()
            raise tokens.fail(f"{_shown(word)}, expected how many {kind} there are, or their names")
        line = tokens.line
        if len(words) == 1 and words[0].isascii() and words[0].isdecimal():
            # no more digits than a machine word holds: int() of a million digits takes minutes
            count = int(words[0][:18])
            if count < 1:
                raise tokens.fail(f"{count} {kind}, expected at least 1")
            self._check_sizes(kind, count, line)
            words = [str(i) for i in range(count)]
        self._check_sizes(kind, len(words), line)
        for i, word in enumerate(words):
            if word.isascii() and word.isdecimal() and word != str(i):
                raise tokens.fail(f"the name {word!r} for number {i} of the {kind}, expected a word")
        return _Names(kind, tuple(words), {word: i for i, word in enumerate(words)})

    def _check_sizes(self, kind: str, count: int, line: int) -> None:
        sizes = {known: len(names) for known, names in self.names.items()} | {kind: count}
        check_counts(self.file, line, *(sizes.get(k, 1) for k in ("states", "actions", "observations")))

    def _start(self) -> Array:
        tokens = self.tokens
        if "states" not in self.names:
            raise tokens.fail("start before states, expected `states:` first")
        if self.reset:
            raise tokens.fail("start after a reset, expected it before")
        states = self.names["states"]
        belief = np.zeros(len(states))
        word = tokens.take()
        if word in ("include", "exclude"):
            tokens.expect(":", f"after {word}")
            while tokens.peek() and tokens.peek() not in _RESERVED:
                one = states.find(tokens)
                belief[slice(None) if one == EVERY else one] = 1.0
            belief = belief if word == "include" else 1.0 - belief
            if belief.sum() == 0.0:
                raise tokens.fail(f"start {word} leaves no state, expected at least one")
            return belief / float(belief.sum())
        if word != ":":
            raise tokens.fail(f"{_shown(word)} after start, expected ':', include or exclude")
        return self._start_at(states)

    def _start_at(self, states: _Names) -> Array:
        tokens = self.tokens
        word = tokens.peek()
        if word == "uniform":
            tokens.take()
            return np.full(len(states), 1.0 / len(states))
        named = word in states.number and not word.isdecimal()
        if named or (len(states) > 1 and tokens.lonely_number()):
            belief = np.zeros(len(states))
            belief[states.find(tokens)] = 1.0
            return belief
        first = tokens.line
        found = np.array(tokens.numbers(len(states), "the start, one for each state"))
        if np.any(found < 0.0) or abs(float(found.sum()) - 1.0) > ROUNDING:
            words = f"start probabilities of at least {found.min():g} that sum to {found.sum():.6g}"
            raise tokens.fail(f"{words}, expected at least 0 and a sum of 1", max(first, tokens.line))
        return found / float(found.sum())

    # Assignments

    def _assignment(self, fully: bool) -> None:
        tokens = self.tokens
        word = tokens.take()
        line = tokens.line
        if word == "start":
            self._preamble(word)
            return
        if word not in ("T", "O", "R"):
            raise tokens.fail(f"{_shown(word)}, expected T, O or R and a colon")
        if word == "O" and fully:
            raise tokens.fail("O in a file without observations, expected `observations:` in the preamble")
        kinds = {
            "T": ("actions", "states", "states"),
            "O": ("actions", "states", "observations"),
            "R": ("actions", "states", "states", "observations"),
        }[word]
        tokens.expect(":", f"after {word}")
        at = [self.names[kinds[0]].find(tokens)]
        while len(at) < len(kinds) and tokens.peek() == ":":
            tokens.take()
            at.append(self.names[kinds[len(at)]].find(tokens))
        if word == "R":
            self._rewards(at, line, fully)
        else:
            self._probabilities(word, at, line)

    def _probabilities(self, word: str, at: list[int], line: int) -> None:
        tokens = self.tokens
        table = self.transition if word == "T" else self.observation
        columns = table.columns
        if len(at) == 3:
            value = self._checked(tokens.numbers(1, "a probability"))[0]
            table.set_entry(at[:2], at[2], value, line)
            return
        rows = [at] if len(at) == 2 else [[at[0], i] for i in range(len(self.names["states"]))]
        keyword = tokens.peek()
        if keyword not in ("uniform", "identity", "reset"):
            for i, row in enumerate(rows):
                what = f"row {i} of {len(rows)} of {word}" if len(rows) > 1 else f"a row of {word}"
                values = self._checked(tokens.numbers(columns, what))
                self._set_row(table, row, values, line if len(rows) == 1 else tokens.line)
            return
        tokens.take()
        if keyword == "uniform":
            table.set_row([at[0], at[1] if len(at) == 2 else EVERY], (), (), line, fill=1.0 / columns)
        elif keyword == "identity" and word == "T" and len(at) == 1:
            for i, row in enumerate(rows):
                table.set_row(row, (i,), (1.0,), line)
        elif keyword == "reset" and word == "T" and len(at) == 2:
            self.reset = True
            if self.start is None:
                table.set_row(at, (), (), line, fill=1.0 / columns)
            else:
                self._set_row(table, at, self.start.tolist(), line)
        else:
            raise tokens.fail(
                f"{keyword} here, expected identity for a whole T, reset for a row of T, or numbers"
            )

    def _checked(self, values: list[float]) -> list[float]:
        if min(values) < 0.0 or max(values) > 1.0 + ROUNDING:
            bad = next(value for value in values if not 0.0 <= value <= 1.0 + ROUNDING)
            raise self.tokens.fail(f"a probability of {bad:g}, expected one from 0 to 1")
        return values

    @staticmethod
    def _set_row(table: Assignments, at: Sequence[int], values: list[float], line: int) -> None:
        columns = [i for i, value in enumerate(values) if value != 0.0]
        table.set_row(at, columns, [values[i] for i in columns], line)

    def _rewards(self, at: list[int], line: int, fully: bool) -> None:
        tokens, table, columns = self.tokens, self.reward, self.reward.columns
        states = len(self.names["states"])
        if len(at) == 4:
            table.set_entry(at[:3], at[3], tokens.number("a reward"), line)
            return
        if len(at) == 1 and not fully:
            word = tokens.take()
            raise tokens.fail(f"{_shown(word)} after the action of R, expected ':' and a state")
        if len(at) == 3:
            self._set_row(table, at, tokens.numbers(columns, "a row of R"), line)
            return
        starts = [at[1]] if len(at) == 2 else range(states)
        for start in starts:
            for end in range(states):
                values = tokens.numbers(columns, f"row {end} of {states} of R")
                self._set_row(table, (at[0], start, end), values, tokens.line)

    # The problem

    def _problem(self, fully: bool) -> FinitePomdp:
        states, actions, observations = (self.names[k] for k in ("states", "actions", "observations"))
        s = len(states)
        transition = self._arrays("T", self.transition)
        observation = self._arrays("O", self.observation)
        reward = np.column_stack(
            [self._expected(a, transition[a], observation[a]) for a in range(len(actions))]
        )
        return FinitePomdp(
            transition=transition,
            observation=observation,
            reward=self.sign * reward + 0.0,  # + 0.0 so that a cost of 0 is not a reward of -0
            discount=self.discount,
            initial=np.full(s, 1.0 / s) if self.start is None else self.start,
            state_names=states.names,
            action_names=actions.names,
            observation_names=observations.names,
            visible=np.arange(s) if fully else None,
        )

    def _arrays(self, word: str, table: Assignments) -> tuple[csr_array, ...]:
        actions, states = self.names["actions"].names, self.names["states"].names
        arrays, total, every = [], 0, np.arange(len(states))
        end = self.tokens.end
        for a in range(len(actions)):

            def words(i: int, a: int = a) -> str:
                return f"{word} of action {actions[a]!r} and state {states[i]!r}"

            row, column, value = table.probabilities([np.full_like(every, a), every], len(states), end, words)
            total += row.size
            if total > LARGEST_NONZEROS:
                raise wrong(self.file, end, f"{word} has more than {LARGEST_NONZEROS:,} entries above zero")
            arrays.append(csr_array((value, (row, column)), shape=(len(states), table.columns)))
        return tuple(arrays)

    def _expected(self, action: int, transition: csr_array, observation: csr_array) -> Array:
        """Return the expected reward of an action in each state."""
        table, states = self.reward, transition.shape[0]
        every = np.arange(states)
        if not table.has_entries and not table.depends_on(2):
            return table.find([np.full(states, action), every, every], states).fill
        start = np.repeat(every, np.diff(transition.indptr))
        total = np.zeros(states)
        for first in range(0, start.size, _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            here, there, chance = start[part], transition.indices[part], transition.data[part]
            found = table.find([np.full(here.size, action), here, there], here.size)
            worth = found.fill.copy()
            seen = entries(observation, there[found.row], found.column)
            np.add.at(worth, found.row, seen * (found.value - found.fill[found.row]))
            total += np.bincount(here, weights=chance * worth, minlength=states)
        return total


# Writing


def _lines(pomdp: FinitePomdp) -> Iterator[str]:
    states, named_states = _written(pomdp.state_names)
    actions, named_actions = _written(pomdp.action_names)
    observations, named_observations = _written(pomdp.observation_names)
    yield f"discount: {pomdp.discount!r}\nvalues: reward\n"
    for kind, words, named, original in (
        ("states", states, named_states, pomdp.state_names),
        ("actions", actions, named_actions, pomdp.action_names),
        ("observations", observations, named_observations, pomdp.observation_names),
    ):
        yield f"{kind}: {' '.join(words) if named else len(words)}\n"
        if not named and original != tuple(words):
            for i, name in enumerate(original):
                yield f"# {kind} {i}: {' '.join(name.split())}\n"
    yield f"start: {' '.join(repr(float(p)) for p in pomdp.initial)}\n"
    for word, arrays, columns in (("T", pomdp.transition, states), ("O", pomdp.observation, observations)):
        for action, array in zip(actions, arrays, strict=True):
            row = np.repeat(np.arange(array.shape[0]), np.diff(array.indptr))
            for i, j, p in zip(row.tolist(), array.indices.tolist(), array.data.tolist(), strict=True):
                yield f"{word}: {action} : {states[i]} : {columns[j]} {p!r}\n"
    for a, i in zip(*(index.tolist() for index in np.nonzero(pomdp.reward.T)), strict=True):
        yield f"R: {actions[a]} : {states[i]} : * : * {float(pomdp.reward[i, a])!r}\n"


def _written(names: Sequence[str]) -> tuple[list[str], bool]:
    """Return the words for things in the file, and whether these are their names."""
    if all(_NAME.fullmatch(name) and name not in _RESERVED for name in names):
        return list(names), True
    return [str(i) for i in range(len(names))], False
