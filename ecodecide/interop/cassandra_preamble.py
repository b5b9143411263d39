"""The preamble of a `.pomdp` file: discount, kind of values, states, actions, observations and start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecodecide.errors import FormatError
from ecodecide.interop.assignments import EVERY
from ecodecide.interop.cassandra_tokens import PREAMBLE, RESERVED, Tokens, shown
from ecodecide.interop.file_numbers import check_discount, whole
from ecodecide.interop.source_file import ROUNDING, check_counts
from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class Names:
    """What the things of a kind are called, and the number of each name."""

    kind: str
    names: tuple[str, ...]
    number: dict[str, int]

    def __len__(self) -> int:
        return len(self.names)

    def find(self, tokens: Tokens) -> int:
        """Take a name, a number or ``*``, and return the number, of ``*`` `EVERY`."""
        word = tokens.take()
        if word == "*":
            return EVERY
        found = self.number.get(word, -1)
        if found < 0 and 0 <= whole(word) < len(self.names):
            found = whole(word)
        if found < 0:
            some = ", ".join(self.names[:5]) + (", ..." if len(self.names) > 5 else "")
            raise tokens.fail(f"{shown(word)}, expected one of the {len(self.names)} {self.kind}: {some}")
        return found


class Preamble:
    """The preamble, read as far as it goes.

    Attributes
    ----------
    discount
        The factor in (0, 1).
    sign
        1 where values are rewards, -1 where they are costs.
    names
        Of states, actions and observations.
    start
        Shape (states,): the initial belief, None as long as the file tells none.
    fully_observed
        Whether the file lists no observations, and so every state is seen.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.discount = 0.0
        self.sign = 0.0
        self.names: dict[str, Names] = {}
        self.start: Array | None = None
        self._tokens = tokens
        while (word := tokens.peek()) in PREAMBLE:
            tokens.take()
            self._part(word)
        for missing in ("states", "actions"):
            if missing not in self.names:
                raise self._lacks(missing)
        if self.discount == 0.0:
            raise self._lacks("discount")
        if self.sign == 0.0:
            raise self._lacks("values")
        self.fully_observed = "observations" not in self.names
        if self.fully_observed:
            self.names["observations"] = Names("observations", ("none",), {})

    def read_start(self, after_reset: bool = False) -> None:
        """Read what follows the word ``start``, which may also come among the assignments, but for a reset.

        Raises
        ------
        FormatError
            When it is no start or comes at the wrong time.
        """
        tokens = self._tokens
        if self.start is not None:
            raise tokens.fail("a second start, expected one")
        if "states" not in self.names:
            raise tokens.fail("start before states, expected `states:` first")
        if after_reset:
            raise tokens.fail("start after a reset, expected it before")
        word = tokens.take()
        if word in ("include", "exclude"):
            self.start = self._start_among(word)
        elif word == ":":
            self.start = self._start_at()
        else:
            raise tokens.fail(f"{shown(word)} after start, expected ':', include or exclude")

    def _lacks(self, what: str) -> FormatError:
        word = self._tokens.take()
        return self._tokens.fail(f"{shown(word)} before `{what}:`, expected {', '.join(PREAMBLE)} first")

    def _part(self, word: str) -> None:
        tokens = self._tokens
        if word == "start":
            self.read_start()
            return
        tokens.expect(":", f"after {word}")
        if word == "discount":
            self.discount = tokens.number("the discount")
            check_discount(tokens.file, tokens.line, self.discount)
        elif word == "values":
            found = tokens.take()
            if found not in ("reward", "cost"):
                raise tokens.fail(f"{shown(found)} after values, expected reward or cost")
            self.sign = 1.0 if found == "reward" else -1.0
        else:
            if word in self.names:
                raise tokens.fail(f"a second list of {word}, expected one")
            self.names[word] = self._listed(word)

    def _listed(self, kind: str) -> Names:
        words = self._list(kind)
        tokens = self._tokens
        line = tokens.line
        if len(words) == 1 and words[0].isascii() and words[0].isdecimal():
            count = whole(words[0])
            if count < 1:
                raise tokens.fail(f"{count} {kind}, expected at least 1")
            self._check_sizes(kind, count, line)
            words = [str(i) for i in range(count)]
        self._check_sizes(kind, len(words), line)
        for i, word in enumerate(words):
            if word.isascii() and word.isdecimal() and word != str(i):
                raise tokens.fail(f"the name {word!r} for number {i} of the {kind}, expected a word")
        return Names(kind, tuple(words), {word: i for i, word in enumerate(words)})

    def _list(self, kind: str) -> list[str]:
        """Take different words up to a word of the grammar."""
        tokens = self._tokens
        words: dict[str, None] = {}
        while (word := tokens.peek()) and word not in RESERVED and word not in ":*":
            tokens.take()
            if word in words:
                raise tokens.fail(f"a second {word!r} among the {kind}, expected different names")
            words[word] = None
        if not words:
            tokens.take()
            raise tokens.fail(f"{shown(word)}, expected how many {kind} there are, or their names")
        return list(words)

    def _check_sizes(self, kind: str, count: int, line: int) -> None:
        sizes = {known: len(names) for known, names in self.names.items()} | {kind: count}
        counts = (sizes.get(known, 1) for known in ("states", "actions", "observations"))
        check_counts(self._tokens.file, line, *counts)

    def _start_among(self, word: str) -> Array:
        """Read the states that a uniform start includes or excludes."""
        tokens, states = self._tokens, self.names["states"]
        belief = np.zeros(len(states))
        tokens.expect(":", f"after {word}")
        while tokens.peek() and tokens.peek() not in RESERVED:
            one = states.find(tokens)
            belief[slice(None) if one == EVERY else one] = 1.0
        belief = belief if word == "include" else 1.0 - belief
        if belief.sum() == 0.0:
            raise tokens.fail(f"start {word} leaves no state, expected at least one")
        return belief / float(belief.sum())

    def _start_at(self) -> Array:
        """Read ``uniform``, one state, or the probability of each."""
        tokens, states = self._tokens, self.names["states"]
        word = tokens.peek()
        if word == "uniform":
            tokens.take()
            return np.full(len(states), 1.0 / len(states))
        is_name = word in states.number and not word.isdecimal()
        if is_name or (len(states) > 1 and tokens.is_lonely_number()):
            belief = np.zeros(len(states))
            belief[states.find(tokens)] = 1.0
            return belief
        first = tokens.line
        found = np.array(tokens.numbers(len(states), "the start, one for each state"))
        if np.any(found < 0.0) or abs(float(found.sum()) - 1.0) > ROUNDING:
            words = f"start probabilities of at least {found.min():g} that sum to {found.sum():.6g}"
            raise tokens.fail(f"{words}, expected at least 0 and a sum of 1", max(first, tokens.line))
        return found / float(found.sum())
