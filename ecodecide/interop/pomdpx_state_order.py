"""Visible classes of any size and order, which `.pomdpx` can only say as classes of one size, state by state.

Smaller classes are filled up with states that nothing reaches. Processing instructions, which other programs skip,
tell which these are, and what the others are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ecodecide.decision.finite_pomdp import FinitePomdp, Index
from ecodecide.interop.file_numbers import whole
from ecodecide.interop.source_file import wrong

_ORDER, _NAMES = "ecodecide-state-order", "ecodecide-state-names"


def position_in_class(pomdp: FinitePomdp) -> Index:
    """Return the number of each state within its visible class, shape (states,)."""
    position = np.zeros(pomdp.states, dtype=np.intp)
    for members in pomdp.members:
        position[members] = np.arange(members.size)
    return position


def order_instructions(pomdp: FinitePomdp, names: Sequence[str] | None) -> Iterator[str]:
    """Write which state of a problem each state of the file is.

    Parameters
    ----------
    pomdp
        The problem.
    names
        The words for its states, None where the file cannot say them.
    """
    position = position_in_class(pomdp)
    order = np.full((len(pomdp.members), int(position.max()) + 1), -1)
    order[pomdp.visible, position] = np.arange(pomdp.states)
    yield f"<?{_ORDER} {' '.join('-' if i < 0 else str(i) for i in order.ravel().tolist())}?>\n"
    if names is not None and not any(">" in name for name in names):
        yield f"<?{_NAMES} {' '.join(names)}?>\n"


def in_order(file: Path, line: int, pomdp: FinitePomdp, instructions: Mapping[str, str]) -> FinitePomdp:
    """Return a problem as it was before it was written, where the instructions tell how.

    Parameters
    ----------
    file, line
        For messages.
    pomdp
        The problem as it is in the file.
    instructions
        All that the file holds, by target.

    Raises
    ------
    FormatError
        When the instructions do not fit the problem.
    """
    if _ORDER not in instructions:
        return pomdp
    words = instructions[_ORDER].split()
    kept = [i for i, word in enumerate(words) if word != "-"]
    numbers = [whole(words[i]) for i in kept]
    if len(words) != pomdp.states or sorted(numbers) != list(range(len(kept))):
        told = f"<?{_ORDER}?> does not number the {pomdp.states} states, expected so; remove it"
        raise wrong(file, line, told)
    keep = np.array(kept, dtype=np.intp)[np.argsort(numbers)]
    lost = np.setdiff1d(np.arange(pomdp.states), keep)
    leaks = pomdp.initial[lost].sum() + sum(t[keep][:, lost].sum() for t in pomdp.transition)
    if leaks > 0.0:
        told = f"states that <?{_ORDER}?> calls unused are reached, expected none; remove it"
        raise wrong(file, line, told)
    names = tuple(instructions.get(_NAMES, "").split())
    if names and (len(names) != keep.size or len(set(names)) != keep.size):
        told = f"<?{_NAMES}?> has {len(names)} names, expected {keep.size} different ones; remove it"
        raise wrong(file, line, told)
    return FinitePomdp(
        tuple(t[keep][:, keep] for t in pomdp.transition),
        tuple(o[keep] for o in pomdp.observation),
        pomdp.reward[keep],
        pomdp.discount,
        pomdp.initial[keep],
        names,
        pomdp.action_names,
        pomdp.observation_names,
        pomdp.visible[keep],
    )
