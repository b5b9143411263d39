"""HTML built from parts: what is not markup already is escaped, so that no word of the data can become a tag."""

from __future__ import annotations

import html
import json
from typing import Any

_EMPTY = frozenset({"input", "meta", "wbr"})
"""Elements that hold nothing and have no end tag."""


class Markup(str):
    """Text that is HTML already, and goes in as it is."""

    __slots__ = ()


Child = str | None
"""Words, which are escaped, markup, which is not, or nothing."""


def tag(element: str, /, *children: Child, **attributes: str | bool | int | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    element
        Its name.
    *children
        What it holds.
    **attributes
        ``_`` stands for ``-``, and one at the end is dropped (``class_``); True gives a bare attribute, None and
        False give none.

    Examples
    --------
    >>> tag("p", "a < b ", tag("b", "&"), class_="note", data_policy='"x"', hidden=True)
    '<p class="note" data-policy="&quot;x&quot;" hidden>a &lt; b <b>&amp;</b></p>'
    """
    words = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if element in _EMPTY:
        return Markup(f"<{element}{words}>")
    return Markup(f"<{element}{words}>{join(*children)}</{element}>")


def join(*children: Child) -> Markup:
    """Return several parts as one, words escaped.

    Examples
    --------
    >>> join("1 < 2", None, Markup("<wbr>"))
    '1 &lt; 2<wbr>'
    """
    return Markup(
        "".join(
            child if isinstance(child, Markup) else html.escape(child)
            for child in children
            if child is not None
        )
    )


def breakable(words: str) -> Markup:
    """Return words that may be broken after a comma, such as the name of a world.

    Examples
    --------
    >>> breakable("allen,autocorrelation=0.5")
    'allen,<wbr>autocorrelation=0.5'
    """
    first, *rest = words.split(",")
    return join(first, *(join(",", tag("wbr"), each) for each in rest))


def _attribute(name: str, value: str | bool | int | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'


def inline_json(value: Any) -> Markup:
    r"""Return plain values as JSON that can stand within a ``<script>`` element.

    No character can end the element (``</script>``), open a comment in it (``<!--``), or end a line of a program
    (U+2028, U+2029).

    Examples
    --------
    >>> inline_json({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    # ensure_ascii writes U+2028 and U+2029, as all beyond ASCII, as escapes
    words = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        words = words.replace(character, f"\\u{ord(character):04x}")
    return Markup(words)
