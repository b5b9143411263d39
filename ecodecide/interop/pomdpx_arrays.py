"""From the tables of a `.pomdpx` file to arrays over states, actions and observations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from ecodecide.decision.finite_pomdp import Index
from ecodecide.interop.pomdpx_tables import Table
from ecodecide.interop.pomdpx_variables import Variables
from ecodecide.interop.source_file import check_nonzeros
from ecodecide.interop.sparse_access import in_parts, spans
from ecodecide.stock.growth import Array


def initial_belief(file: Path, variables: Variables, tables: Sequence[Table]) -> Array:
    """Return the initial belief, shape (states,).

    Parameters
    ----------
    file
        For messages.
    variables
        What is declared.
    tables
        Of the first state's variables, in an order in which each follows those of its parents.

    Raises
    ------
    FormatError
        When probabilities do not sum to one.
    """
    _, flat, chance = _chained(file, tables, 1, {})
    belief = np.zeros(variables.size("s"))
    belief[flat] = chance
    return belief


def probabilities(
    file: Path, variables: Variables, tables: Sequence[Table], slot: str, action: int
) -> csr_array:
    """Return the probabilities of the next states, slot t, or of observations, slot o, for an action.

    Parameters
    ----------
    file
        For messages.
    variables
        What is declared.
    tables
        Of the variables of the slot, in an order in which each follows those of its parents.
    slot
        What the probabilities are of.
    action
        The number of the action.

    Returns
    -------
    csr_array
        Shape (states, states) or (states, observations): a row for each state before, or of observations after.

    Raises
    ------
    FormatError
        When probabilities do not sum to one, or there are more than `LARGEST_NONZEROS`.
    """
    states = variables.size("s")
    if not tables:
        return csr_array(np.ones((states, 1)))
    given = np.arange(states)
    known = {v.name: v.value(np.full(states, action)) for v in variables.of["a"]}
    known |= {v.name: v.value(given) for v in variables.of["s" if slot == "t" else "t"]}
    row, flat, chance = _chained(file, tables, states, known)
    return csr_array((chance, (row, flat)), shape=(states, variables.size(slot)))


def expected_reward(table: Table, action: int, transition: csr_array, observation: csr_array) -> Array:
    """Return the expectation of one reward for an action in each state.

    Parameters
    ----------
    table
        The reward, given any of the action, the states before and after it, and the observation.
    action
        The number of the action.
    transition, observation
        The probabilities for it.

    Returns
    -------
    Array
        Shape (states,).
    """
    slots = {p.slot for p in table.parents}
    states = transition.shape[0]
    if not slots & {"t", "o"}:
        start = np.arange(states)
        return _worth(table, action, start, start, start)
    total = np.zeros(states)
    for here, there, chance in in_parts(transition):
        seen = np.zeros_like(there)
        if "o" in slots:
            many = np.diff(observation.indptr)[there]
            stored = spans(observation.indptr[there], many)
            here, there = np.repeat(here, many), np.repeat(there, many)
            chance = np.repeat(chance, many) * observation.data[stored]
            seen = observation.indices[stored]
        worth = chance * _worth(table, action, here, there, seen)
        total += np.bincount(here, weights=worth, minlength=states)
    return total


def _chained(
    file: Path, tables: Sequence[Table], count: int, known: dict[str, Index]
) -> tuple[Index, Index, Array]:
    """Multiply the tables of some variables: from rows of known values, to all values with their chance."""
    row, chance = np.arange(count), np.ones(count)
    flat = np.zeros(count, dtype=np.intp)
    for table in tables:
        assert table.own is not None
        at = [known[p.name] for p in table.parents]
        before, value, weight = table.values.probabilities(
            at, row.size, table.line, partial(_described, table, at)
        )
        check_nonzeros(file, table.line, before.size)
        row, chance = row[before], chance[before] * weight
        flat = flat[before] + value * table.own.stride
        known = {name: values[before] for name, values in known.items()} | {table.name: value}
    return row, flat, chance


def _described(table: Table, at: Sequence[Index], i: int) -> str:
    """Return words for row i of those that a table was asked for."""
    given = [f"{p.name}={p.values[int(value[i])]}" for p, value in zip(table.parents, at, strict=True)]
    return f"{table.name!r}" + (f" given {', '.join(given)}" if given else "")


def _worth(table: Table, action: int, here: Index, there: Index, seen: Index) -> Array:
    """Return a reward for each state before, state after and observation."""
    flat = {"s": here, "t": there, "o": seen, "a": np.full(here.size, action)}
    found = table.values.find([p.value(flat[p.slot]) for p in table.parents], here.size)
    worth = found.fill
    worth[found.row] = found.value
    return worth
