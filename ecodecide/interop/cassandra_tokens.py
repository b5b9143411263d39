"""The words of a `.pomdp` file, one after the other."""

from __future__ import annotations

import math
import re
from pathlib import Path

from ecodecide.errors import FormatError
from ecodecide.interop.source_file import wrong

PREAMBLE = ("discount", "values", "states", "actions", "observations", "start")
"""Words that begin a part of the preamble."""

RESERVED = frozenset(
    (*PREAMBLE, "T", "O", "R", "uniform", "identity", "reward", "cost", "include", "exclude", "reset")
)
"""Words of the grammar, which nothing else may be called."""

_TOKEN = re.compile(r"[:*]|[^\s:*]+")


class Tokens:
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

    def is_lonely_number(self) -> bool:
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
            raise self.fail(f"{shown(found)} {where}, expected {word!r}")

    def number(self, what: str) -> float:
        """Take one finite number; a sign may stand apart from it."""
        return self.numbers(1, what)[0]

    def numbers(self, count: int, what: str) -> list[float]:
        """Take finite numbers, which may run over several lines; `what` they are is for the message."""
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
                    raise self.fail(f"{shown(word)} for {what}, expected a finite number")
            found += values
        return found

    def _fill(self) -> bool:
        """Make sure of a word ahead; False at the end of the file."""
        while self._at >= len(self._ahead):
            if self._next_line >= len(self._lines):
                return False
            self._ahead = _TOKEN.findall(self._lines[self._next_line].partition("#")[0])
            self._at = 0
            self._next_line += 1
        return True

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
                raise self.fail(f"{shown(word)} after {have} of {count} numbers for {what}") from None
            raise self.fail(f"{shown(word)}, expected a number for {what}") from None
        self._at += 1
        return [word], [-value if sign and words[0] == "-" else value]


def shown(word: str) -> str:
    """Return how a message begins that is about a word, an empty one at the end of the file."""
    return f"found {word[:40]!r}" if word else "the file ends"
