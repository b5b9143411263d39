"""XML as a tree that knows its lines, without document types and entities."""

from __future__ import annotations

import gc
import math
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from ecodecide.errors import FormatError
from ecodecide.interop.file_numbers import number
from ecodecide.interop.source_file import read_bytes, wrong

_DEEPEST = 64
"""Elements within elements; the formats read here need ten."""

_NO_ATTRIBUTES: dict[str, str] = {}


class Element:
    """An element: name, attributes, the line where it begins, its elements and its text."""

    __slots__ = ("attributes", "children", "line", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        # most elements of a large file have neither attributes nor children: they share these
        self.name, self.attributes, self.line = name, attributes or _NO_ATTRIBUTES, line
        self.children: list[Element] | tuple[Element, ...] = ()
        self.text = ""

    def add(self, child: Element) -> None:
        """Put an element inside, last."""
        if isinstance(self.children, tuple):
            self.children = []
        self.children.append(child)

    def child(self, name: str) -> Element | None:
        """Return the first element of that name inside."""
        return next((one for one in self.children if one.name == name), None)


class _Builder:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.root: Element | None = None
        self.open: list[Element] = []
        self.instructions: dict[str, str] = {}
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.ProcessingInstructionHandler = self.instructions.__setitem__
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse

    def _refuse(self, *_: object) -> NoReturn:
        words = (
            "a document type or an entity, expected neither: they can make a small file endless; remove them"
        )
        raise wrong(self.file, self.parser.CurrentLineNumber, words)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(name, attributes, self.parser.CurrentLineNumber)
        if len(self.open) >= _DEEPEST:
            raise wrong(self.file, element.line, f"<{name}> in {_DEEPEST} elements, expected fewer")
        if self.open:
            self.open[-1].add(element)
        else:
            self.root = element
        self.open.append(element)

    def _end(self, _: str) -> None:
        self.open.pop()

    def _text(self, text: str) -> None:
        if text.strip():
            self.open[-1].text += text


def read_xml(file: Path, kind: str) -> tuple[Element, dict[str, str]]:
    """Read an XML file.

    Parameters
    ----------
    file
        The file, in UTF-8 or the encoding that it declares.
    kind
        What it should be, for messages.

    Returns
    -------
    tuple
        The outermost element, and the processing instructions by target.

    Raises
    ------
    FormatError
        When the file cannot be read, is not XML, or has a document type or entities.
    """
    builder = _Builder(file)
    collecting = gc.isenabled()
    # a tree has no cycles, and looking for some among millions of elements would take most of the time
    gc.disable()
    try:
        builder.parser.Parse(read_bytes(file, kind), True)
    except expat.ExpatError as problem:
        words = f"this is not XML ({expat.ErrorString(problem.code)}), expected {kind}"
        raise wrong(file, problem.lineno, words) from None
    except FormatError:
        raise
    except (LookupError, ValueError) as problem:
        words = (
            f"the declared encoding cannot be read ({problem}), expected one of a byte per letter, or UTF-8"
        )
        raise wrong(file, builder.parser.CurrentLineNumber, words) from None
    finally:
        if collecting:
            gc.enable()
    assert builder.root is not None  # expat refuses a file without an element
    return builder.root, builder.instructions


def numbers_in(file: Path, element: Element, count: int) -> list[float]:
    """Return the numbers that are the text of an element.

    Parameters
    ----------
    file
        For messages.
    element
        The element.
    count
        How many numbers there must be.

    Raises
    ------
    FormatError
        When there are more or fewer, or words that say no finite number.
    """
    words = element.text.split()
    if len(words) != count:
        raise wrong(file, element.line, f"{len(words)} numbers in <{element.name}>, expected {count}")
    # all at once, as most files hold nothing else
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = [math.nan]
    if not all(map(math.isfinite, values)) or "_" in element.text:
        bad = next(word for word in words if math.isnan(number(word)))
        raise wrong(file, element.line, f"found {bad[:40]!r} in <{element.name}>, expected a number")
    return values
