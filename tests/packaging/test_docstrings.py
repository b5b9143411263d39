"""Every public name says what it takes, what it raises, and how it is used."""

import inspect

import pytest

import ecodecide as eco
from ecodecide.stock.growth import LAWS

SECTIONS = {
    "function": ("Parameters", "Returns", "Raises", "Examples"),
    "class": ("Parameters", "Raises", "Examples"),
}
EXCEPTIONS = {
    "PerfectSurvey": ("Parameters", "Raises"),  # it takes nothing
    "Solution": ("Parameters", "Raises"),  # what solvers return: it has Attributes
}


@pytest.mark.parametrize("name", eco.__all__)
def test_a_docstring_has_its_sections(name: str) -> None:
    thing = getattr(eco, name)
    text = inspect.getdoc(thing) or ""
    wanted = SECTIONS["class" if inspect.isclass(thing) else "function"]
    missing = [
        one
        for one in wanted
        if f"{one}\n{'-' * len(one)}" not in text and one not in EXCEPTIONS.get(name, ())
    ]
    assert missing == []
    if inspect.isclass(thing) and thing in LAWS.values():
        assert "f(s) = " in text and "References\n----------" in text
    for parameter in inspect.signature(thing).parameters:
        assert parameter in text, f"{name} does not say what {parameter} is"
