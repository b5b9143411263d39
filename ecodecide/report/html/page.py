"""The report of a comparison: one HTML file that needs nothing else."""

from __future__ import annotations

import os

from ecodecide import __version__
from ecodecide.errors import EvaluationError
from ecodecide.evaluation.comparison import Comparison
from ecodecide.report.html.assets import asset, source_hash
from ecodecide.report.html.markup import Markup, inline_json, tag
from ecodecide.report.html.material import Material
from ecodecide.report.html.plain_figure import plain_figure
from ecodecide.report.html.policy_name import policy_name
from ecodecide.report.html.section import Section
from ecodecide.report.html.sections import SECTIONS
from ecodecide.whole_file import whole_file


def report(comparison: Comparison) -> str:
    """Return the report of a comparison as one HTML page.

    The page carries its figures, its style, and the program that draws them, and asks no network for anything: its
    Content-Security-Policy would not let it. The same comparison gives the same page.

    Parameters
    ----------
    comparison
        What `ecodecide.compare` returned, or `Comparison.load` read.

    Examples
    --------
    >>> import ecodecide as eco
    >>> settings = {"growth": "logistic", "worlds": "fitted", "replicates": 20, "years": 5}
    >>> result = eco.compare("hake-argentina-north", ["tac", "no-fishing"], **settings)
    >>> page = report(result)
    >>> page[:15], len(page) < 3_000_000
    ('<!DOCTYPE html>', True)
    """
    material = Material(comparison)
    sections = [section(material) for section in SECTIONS]
    drawings = {name: drawing for section in sections for name, drawing in section.drawings.items()}
    figures = {
        name: {
            **plain_figure(drawing.shown),
            "choices": {k: list(v) for k, v in drawing.choices.items()},
        }
        for name, drawing in drawings.items()
    }
    body = tag(
        "body",
        _header(material, sections),
        _choices(material),
        tag("p", class_="note on-paper", id="not-drawn"),
        tag("main", *(section.markup() for section in sections)),
        tag(
            "footer",
            tag("p", f"Written by ecodecide {__version__}. Figures drawn by plotly.js (MIT license)."),
        ),
        tag("script", inline_json(figures), type="application/json", id="figures"),
        *(tag("script", Markup(asset(program))) for program in _PROGRAMS),
    )
    return "<!DOCTYPE html>\n" + tag("html", _head(material), body, lang="en") + "\n"


def save_report(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Write the report of a comparison to a file, whole or not at all.

    Parameters
    ----------
    comparison
        See `report`.
    path
        The file; one that exists is replaced.

    Raises
    ------
    EvaluationError
        When the file cannot be written.
    """
    page = report(comparison)
    with whole_file(path, EvaluationError) as new:
        new.write_text(page, encoding="utf-8", newline="\n")


_PROGRAMS = ("plotly-basic.min.js", "report.js")


def _head(material: Material) -> Markup:
    # nothing but the programs of this page may run, and nothing may be fetched; plotly styles what it draws as it goes
    allowed = " ".join(source_hash(asset(program)) for program in _PROGRAMS)
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"ecodecide {__version__}"),
        tag("title", f"{material.comparison.history.id}: ways to manage the stock"),
        tag("style", Markup(asset("report.css"))),
    )


def _header(material: Material, sections: list[Section]) -> Markup:
    history, settings = material.comparison.history, material.found["settings"]
    first, last = history.years
    where = " · ".join(word for word in (history.region, f"{first} to {last}", history.id) if word)
    license_words = f" License: {history.license}." if history.license else ""
    links = (tag("li", tag("a", section.title, href=f"#{section.name}")) for section in sections)
    return tag(
        "header",
        tag("h1", f"{history.species or history.id}: ways to manage the stock"),
        tag("p", where, class_="lead"),
        tag("p", f"Data: {history.source}.{license_words}", class_="note") if history.source else None,
        tag("p", f"Computed by ecodecide {settings['ecodecide_version']}, seed {settings['seed']}.", class_="note"),
        tag("nav", tag("ul", *links), aria_label="Contents"),
        tag("noscript", tag("p", "The figures need JavaScript; words and tables do not.", class_="note")),
    )  # fmt: skip


def _choices(material: Material) -> Markup:
    """Return the controls that choose policies and the world in all figures and tables."""

    def choice(kind: str, name: str, value: str, checked: bool, words: Markup) -> Markup:
        box = tag("input", type=kind, name=name, value=value, checked=checked, autocomplete="off")
        return tag("label", box, words, title=value)

    policies = [
        choice("checkbox", "policy", name, True, policy_name(name, look))
        for name, look in material.styles.items()
    ]
    worlds = [
        choice("radio", "world", name, number == 0, tag("span", name, class_="policy"))
        for number, name in enumerate(material.worlds)
    ]
    alone = len(worlds) == 1
    form = tag(
        "form",
        tag("fieldset", tag("span", "Policies", class_="title"), *policies, aria_label="Policies shown"),
        tag("fieldset", tag("span", "World", class_="title"), *worlds, aria_label="World shown", hidden=alone),
        tag("button", "Theme: auto", id="theme", type="button"),
    )  # fmt: skip
    return tag("div", form, class_="choices needs-program", role="region", aria_label="Choices", hidden=True)
