"""The tables of a `.pomdpx` file: the probabilities of a variable, or a reward, given other variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path

from ecodecide.interop.assignments import EVERY, Assignments
from ecodecide.interop.file_numbers import check_probabilities
from ecodecide.interop.pomdpx_variables import Variable, Variables
from ecodecide.interop.source_file import wrong
from ecodecide.interop.xml_tree import Element, numbers_in

At = list[int | None]
"""The value of each variable, `EVERY` for ``*``, None for ``-``, which the numbers run over."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table of one variable or reward.

    Attributes
    ----------
    name
        What it is of.
    own
        The variable of that name, None for a reward.
    parents
        What it is given.
    values
        A row for each value of the parents; a column for each value of the variable, one of a reward.
    line
        Where it begins.
    """

    name: str
    own: Variable | None
    parents: tuple[Variable, ...]
    values: Assignments
    line: int


def read_rewards(file: Path, variables: Variables, section: Element) -> list[Table]:
    """Read all rewards, which add up.

    Raises
    ------
    FormatError
        When the section breaks the format.
    """
    tables = [_table(file, variables, element, "r", "asto") for element in section.children]
    if not tables:
        raise wrong(file, section.line, "<RewardFunction> without <Func>, expected at least one")
    return tables


def read_distributions(
    file: Path, variables: Variables, section: Element, slot: str, given: str
) -> list[Table]:
    """Read the tables of all variables of a slot.

    Parameters
    ----------
    file
        Where the section is, for messages.
    variables
        What is declared.
    section
        The section.
    slot
        Which variables the tables are of.
    given
        The slots that parents may come from.

    Returns
    -------
    list
        In an order in which each table follows those of its parents.

    Raises
    ------
    FormatError
        When the section breaks the format.
    """
    waiting: dict[str, Table] = {}
    for element in section.children:
        name = element.child("Var")
        if name is not None and name.text.strip() in waiting:
            raise wrong(file, element.line, f"a second table of {name.text.strip()!r}, expected one")
        table = _table(file, variables, element, slot, given)
        waiting[table.name] = table
    for variable in variables.of[slot]:
        if variable.name not in waiting:
            raise wrong(file, section.line, f"<{section.name}> has no table of {variable.name!r}")
    ordered: list[Table] = []
    while waiting:
        ready = [table for table in waiting.values() if not any(p.name in waiting for p in table.parents)]
        if not ready:
            first = next(iter(waiting.values()))
            raise wrong(file, first.line, f"{first.name!r} depends on itself through its parents")
        for table in ready:
            del waiting[table.name]
        ordered += ready
    return ordered


def _table(file: Path, variables: Variables, element: Element, slot: str, given: str) -> Table:
    """Read one table; the slot of a reward is r."""
    expected = "Func" if slot == "r" else "CondProb"
    if element.name != expected:
        raise wrong(file, element.line, f"found <{element.name}>, expected <{expected}>")
    of, parent, parameter = (_part(file, element, name) for name in ("Var", "Parent", "Parameter"))
    name = of.text.strip()
    known = variables.rewards if slot == "r" else {v.name for v in variables.of[slot]}
    if name not in known:
        raise wrong(file, of.line, f"found {name!r}, expected one of {', '.join(sorted(known)) or 'none'}")
    parents = _parents(file, variables, parent, name, given)
    own = None if slot == "r" else variables.named[name]
    columns = 1 if own is None else len(own.values)
    values = Assignments(file, [len(p.values) for p in parents], columns)
    table = Table(name, own, parents, values, element.line)
    _fill(file, table, parameter)
    return table


def _part(file: Path, element: Element, name: str) -> Element:
    part = element.child(name)
    if part is None:
        raise wrong(file, element.line, f"<{element.name}> without <{name}>, expected one")
    return part


def _parents(
    file: Path, variables: Variables, element: Element, name: str, given: str
) -> tuple[Variable, ...]:
    words = tuple(element.text.split())
    if words == ("null",) or not words:
        return ()
    may = {v.name for slot in given for v in variables.of[slot]} - {name}
    for i, word in enumerate(words):
        if word not in may or word in words[:i]:
            told = f"found {word!r} as a parent of {name!r}, expected different ones of"
            raise wrong(file, element.line, f"{told} {', '.join(sorted(may)) or 'null'}")
    return tuple(variables.named[word] for word in words)


def _fill(file: Path, table: Table, element: Element) -> None:
    """Make the assignments of a table's entries."""
    kind = element.attributes.get("type", "TBL").strip()
    if kind != "TBL":
        words = f'type="{kind}", expected type="TBL": decision diagrams are not read; write the table out'
        raise wrong(file, element.line, words)
    tag = "ValueTable" if table.own is None else "ProbTable"
    variables = [*table.parents] if table.own is None else [*table.parents, table.own]
    for entry in element.children:
        if entry.name != "Entry":
            raise wrong(file, entry.line, f"found <{entry.name}>, expected <Entry>")
        instance, numbers = entry.child("Instance"), entry.child(tag)
        if instance is None or numbers is None:
            raise wrong(file, entry.line, f"<Entry> without <Instance> and <{tag}>, expected both")
        _assign(file, table, _instance(file, instance, variables), numbers)


def _instance(file: Path, element: Element, variables: Sequence[Variable]) -> At:
    words = element.text.split()
    if len(words) != len(variables):
        names = " ".join(v.name for v in variables)
        told = f"{len(words)} words in <Instance>, expected {len(variables)}"
        raise wrong(file, element.line, f"{told}: {names}")
    found: At = []
    for word, variable in zip(words, variables, strict=True):
        value = variable.number.get(word)
        if value is None and word not in "*-":
            some = ", ".join(variable.values[:5]) + (", ..." if len(variable.values) > 5 else "")
            told = f"found {word[:40]!r} for {variable.name!r}, expected one of"
            raise wrong(file, element.line, f"{told} {some}, * or -")
        found.append(value if value is not None else EVERY if word == "*" else None)
    return found


def _assign(file: Path, table: Table, at: At, element: Element) -> None:
    """Assign what one entry says: numbers, or a word that stands for them."""
    row, own = (at, 0) if table.own is None else (at[:-1], at[-1])
    if None not in at:
        # most entries of a large file
        value = _numbers(file, table, element, 1)[0]
        table.values.set_entry(row, own, value, element.line)  # type: ignore[arg-type]
        return
    keyword = "" if table.own is None else element.text.strip().lower()
    if keyword == "identity":
        _assign_identity(file, table, row, own, element.line)
    elif keyword == "uniform":
        if own is not None:
            raise wrong(file, element.line, "uniform, expected an <Instance> that ends with -")
        whole_row = [EVERY if i is None else i for i in row]
        table.values.set_row(whole_row, (), (), element.line, fill=1.0 / table.values.columns)
    else:
        _assign_run(file, table, row, own, element)


def _assign_identity(file: Path, table: Table, row: At, own: int | None, line: int) -> None:
    runs = _runs(table, row)
    if own is not None or prod(map(len, runs)) != table.values.columns or row.count(None) != 1:
        told = "identity, expected an <Instance> with - for the variable and for one parent as long"
        raise wrong(file, line, told)
    for i, one in enumerate(product(*runs)):
        table.values.set_row(one, (i,), (1.0,), line)


def _assign_run(file: Path, table: Table, row: At, own: int | None, element: Element) -> None:
    """Assign numbers that run over the values of each variable that is ``-``, of the last one fastest."""
    runs = _runs(table, row)
    width = table.values.columns if own is None else 1
    # before any row is made: a few words may run over more rows than there is memory for
    values = _numbers(file, table, element, prod(map(len, runs)) * width)
    for i, one in enumerate(product(*runs)):
        if own is None:
            table.values.set_values(one, values[i * width : (i + 1) * width], element.line)
        else:
            table.values.set_entry(one, own, values[i], element.line)


def _runs(table: Table, row: At) -> list[Sequence[int]]:
    """Return the values of each parent that a row with ``-`` runs over."""
    return [range(len(p.values)) if i is None else (i,) for p, i in zip(table.parents, row, strict=True)]


def _numbers(file: Path, table: Table, element: Element, count: int) -> list[float]:
    values = numbers_in(file, element, count)
    if table.own is not None:
        check_probabilities(file, element.line, values)
    return values
