"""The parts of a page: sections, the figures drawn in them, and tables that scroll in a box of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ecodecide.report.html.markup import Child, Markup, join, tag
from ecodecide.report.table import Estimate

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure of the page.

    Attributes
    ----------
    figure
        A trace whose `meta` names a policy, a world or one of `choices` is shown where that is chosen.
    choices
        What can be chosen in this figure alone: the values, by their key in `meta`.
    names_policies
        Whether the figure has its own legend; else `legend` stands below it, in which no name is cut.
    """

    figure: Figure
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    names_policies: bool = True

    @property
    def shown(self) -> Figure:
        """The figure as the page shows it."""
        return self.figure if self.names_policies else self.figure.update_layout(showlegend=False)


@dataclass(frozen=True, eq=False)
class Section:
    """A section of the page.

    Attributes
    ----------
    name
        Its address within the page.
    title
        Its heading; short, for the list of contents.
    body
        What it holds.
    drawings
        The figures in it, by the name of the element that they are drawn in.
    """

    name: str
    title: str
    body: Markup
    drawings: Mapping[str, Drawing] = field(default_factory=dict)

    def markup(self) -> Markup:
        """Return the section as HTML."""
        return tag(
            "section",
            tag("h2", self.title, id=self.name),
            self.body,
            aria_labelledby=self.name,
        )


def figure_box(
    name: str, height: int, sees: str, caption: Child, *controls: Child, legend: Markup | None = None
) -> Markup:
    """Return the place of a figure, with its controls above and its caption below.

    Parameters
    ----------
    name
        Of the figure, in `Section.drawings`.
    height
        Of the figure in pixels, kept free for it before it is drawn.
    sees
        What is seen, for those who do not see it.
    caption
        What it means.
    *controls
        Such as `slider`.
    legend
        Names below the figure.
    """
    return tag("figure", *controls, plot_box(name, height, sees), legend, tag("figcaption", caption))


def plot_box(name: str, height: int, sees: str) -> Markup:
    """Return the element that a figure is drawn in."""
    return tag(
        "div",
        id=f"figure-{name}",
        class_="plot",
        style=f"min-height:{height}px",
        role="group",
        aria_label=sees,
    )


def slider(label: str, of: str, chooses: str, count: int, at: int) -> Markup:
    """Return a control that chooses one of many values in order.

    Parameters
    ----------
    label
        What is chosen.
    of
        The figures that it chooses in, the first with the values among its `choices`; with spaces between.
    chooses
        The key of the choice.
    count, at
        How many values there are, and which is chosen at first.
    """
    name = f"{of.split()[0]}-{chooses}"
    return tag(
        "div",
        tag("label", label, for_=name),
        tag(
            "input",
            type="range",
            id=name,
            min=0,
            max=count - 1,
            value=at,
            step=1,
            data_chooses=chooses,
            data_of=of,
        ),
        tag("output", for_=name),
        class_="control kept needs-program",
        hidden=True,
    )


def table(caption: str, head: Iterable[Child], *bodies: Markup) -> Markup:
    """Return a table; one that is too wide for the page scrolls in a box of its own.

    Parameters
    ----------
    caption
        What it holds, with units.
    head
        The cells of the first row.
    *bodies
        ``<tbody>`` elements.
    """
    row = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    inner = tag("table", tag("caption", tag("span", caption)), tag("thead", row), *bodies)
    return tag("div", inner, class_="scroll", tabindex=0, role="group", aria_label=f"Table: {caption}")


def numbers_table(
    summary: str, caption: str, head: Iterable[Child], rows: Iterable[Sequence[Child]]
) -> Markup:
    """Return a folded table of what a figure shows."""
    body = tag(
        "tbody",
        *(tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows),
    )
    return tag("details", tag("summary", summary), table(caption, head, body))


def estimate_words(estimate: Estimate, show: Callable[[float | None], str]) -> Markup:
    """Return a value with its interval below it in small print; none where it is known to be the value itself."""
    value, low, high = (estimate[key] for key in ("value", "low", "high"))
    if value is None or low is None or high is None or low == high:
        return join(show(value))
    return join(show(value), tag("small", f"{show(low).removesuffix(' %')} to {show(high)}"))


def items(lines: Iterable[Child]) -> Markup:
    """Return a list."""
    return tag("ul", *(tag("li", line) for line in lines), class_="plain")
