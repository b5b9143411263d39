"""What the figures rest on: warnings, assumptions, what to cite, and every setting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ecodecide import __version__
from ecodecide.report.html.assets import asset
from ecodecide.report.html.markup import Markup, join, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.section import Section, items

_ADDRESS = re.compile(r"doi:(10\.\d{4,9}/[^\s;,]+)")


def warnings(material: Material) -> Section:
    """Return what was warned of on the way."""
    told = [*material.found["warnings"], *_doubtful(material)]
    body = items(told) if told else tag("p", "None: nothing was warned of on the way.")
    return Section("warnings", "Warnings", body)


def assumptions(material: Material) -> Section:
    """Return what the figures rest on, and how intervals are meant."""
    meaning = (
        "Intervals of scores are of the simulation alone (95 %, Wilson for shares, normal for means, robust to futures "
        "that share a draw of the fit): more futures make them narrower. What the fit does not know is in the futures "
        "themselves, each of which lives in one draw of the posterior."
    )
    return Section(
        "assumptions", "Assumptions", join(items(material.found["assumptions"]), tag("p", meaning))
    )


def cite(material: Material) -> Section:
    """Return what to cite."""
    return Section("cite", "What to cite", items(_linked(line) for line in material.found["cite"]))


def settings(material: Material) -> Section:
    """Return every setting and version."""
    found = material.found
    version = {"report written by": f"ecodecide {__version__}"}
    solvers = {
        entry["name"]: {"status": entry["status"], **_bounds(material, entry), **entry["settings"]}
        for entry in found["policies"]
    }
    parts = [
        ("Settings of the comparison", _list(found["settings"])),
        ("Solvers", join(*(join(tag("h3", name), _list(values)) for name, values in solvers.items()))),
        ("Versions", _list({**material.comparison.versions, **version})),
    ]
    folded = [tag("details", tag("summary", title), values, data_printed=True) for title, values in parts]
    license_words = tag(
        "details",
        tag("summary", "License of plotly.js, which draws the figures"),
        tag("pre", asset("plotly-LICENSE.txt")),
    )
    return Section("settings", "Settings and versions", join(*folded, license_words))


def _doubtful(material: Material) -> list[str]:
    """Return how solvers ended that did not end well."""
    return [
        f"{entry['name']}: {entry['status']}"
        for entry in material.found["policies"]
        if entry["status"].startswith("failed") or "stopped" in entry["status"]
    ]


def _bounds(material: Material, entry: Mapping[str, Any]) -> dict[str, str]:
    """Return between which bounds the value of the plan is known."""
    if entry["lower"] is None or entry["upper"] is None:
        return {}
    return {"value of the plan": f"{material.amount(entry['lower'])} to {material.amount(entry['upper'])}"}


def _linked(line: str) -> Markup:
    """Return words with the addresses of papers as links."""
    parts: list[Markup] = []
    end = 0
    for match in _ADDRESS.finditer(line):
        address = match[1].rstrip(".")
        # a parenthesis that an address does not open is not its own
        if address.count(")") > address.count("("):
            address = address.rstrip(").")
        parts += [
            join(line[end : match.start()]),
            tag("a", f"doi:{address}", href=f"https://doi.org/{address}", rel="noreferrer"),
        ]
        end = match.start() + len("doi:") + len(address)
    return join(*parts, line[end:])


def _list(values: Mapping[str, Any]) -> Markup:
    return tag("dl", *(tag("div", tag("dt", key), tag("dd", value)) for key, value in _flat(values)))


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Return nested settings as pairs of words.

    Examples
    --------
    >>> list(_flat({"economy": {"price": 1.0}, "worlds": ["a", "b"]}))
    [('economy: price', '1.0'), ('worlds', 'a, b')]
    """
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _flat(each, f"{key}: {name}" if key else str(name))
    elif isinstance(value, list | tuple) and any(isinstance(each, Mapping) for each in value):
        for number, each in enumerate(value, 1):
            yield from _flat(each, f"{key} {number}")
    elif isinstance(value, list | tuple):
        yield key, ", ".join(str(each) for each in value)
    else:
        yield key, str(value)
