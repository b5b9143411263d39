"""Reads the `.pomdpx` format of APPL: factored problems as XML, parts of whose state may be visible.

The format is described by its authors (National University of Singapore, "PomdpX file format", version 1.0). A
state variable with ``fullyObs="true"`` is seen at every step: mixed observability (Ong, Png, Hsu & Lee 2010, Int.
J. Robotics Research 29:1053).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.interop.file_numbers import check_discount
from ecodecide.interop.pomdpx_arrays import expected_reward, initial_belief, probabilities
from ecodecide.interop.pomdpx_state_order import in_order
from ecodecide.interop.pomdpx_tables import Table, read_distributions, read_rewards
from ecodecide.interop.pomdpx_variables import Variables, read_variables
from ecodecide.interop.source_file import check_nonzeros, wrong
from ecodecide.interop.xml_tree import Element, numbers_in, read_xml

_KIND = "a .pomdpx file"
_SECTIONS = (
    "Description",
    "Discount",
    "Variable",
    "InitialStateBelief",
    "StateTransitionFunction",
    "ObsFunction",
    "RewardFunction",
)


def read_pomdpx(path: str | os.PathLike[str]) -> FinitePomdp:
    """Read a `.pomdpx` file.

    Several state variables make one state, numbered row by row in the order declared (the last one changes
    fastest), and so for actions and observations; several rewards add up. Tables (``type="TBL"``) are read with
    ``*``, ``-``, ``uniform`` and ``identity``; a later entry replaces an earlier one. Rewards may depend on the
    state after the action and on the observation, and become their expectation.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    FinitePomdp
        With `visible` where a state variable is fully observed: classes are numbered as `obsValue` is in a policy
        of APPL. A state is called by its values joined with ``_``.

    Raises
    ------
    FormatError
        When the file cannot be read or breaks the format, with the line; for decision diagrams (``type="DD"``),
        which APPL does not read either; and when its sizes pass the limits of `ecodecide.interop.source_file`.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from ecodecide.interop.pomdpx_writer import write_pomdpx
    >>> still = FinitePomdp(
    ...     (np.eye(2),), (np.ones((2, 1)),), np.array([[1.0], [2.0]]), 0.9, np.array([1.0, 0.0]), visible=[0, 1]
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_pomdpx(still, Path(folder) / "still.pomdpx")
    ...     read_pomdpx(Path(folder) / "still.pomdpx").visible.tolist()
    [0, 1]
    """
    file = Path(path)
    root, instructions = read_xml(file, _KIND)
    if root.name != "pomdpx":
        raise wrong(file, root.line, f"found <{root.name}>, expected <pomdpx> and so {_KIND}")
    return in_order(file, root.line, _problem(file, root), instructions)


def _problem(file: Path, root: Element) -> FinitePomdp:
    """Return the problem state by state as it is in the file."""
    sections = _sections(file, root)
    variables = read_variables(file, sections["Variable"])
    # the tables are of the first state's variables: given none, or one another
    first = read_distributions(file, variables, sections["InitialStateBelief"], "s", "s")
    initial = initial_belief(file, variables, first)
    following = read_distributions(file, variables, sections["StateTransitionFunction"], "t", "ast")
    seen: list[Table] = []
    if "ObsFunction" in sections:
        seen = read_distributions(file, variables, sections["ObsFunction"], "o", "ato")
    elif variables.of["o"]:
        raise wrong(file, root.line, "no <ObsFunction> for the observations declared, expected one")
    rewards = read_rewards(file, variables, sections["RewardFunction"])
    transition, observation = _arrays(
        file, variables, following, seen, sections["StateTransitionFunction"].line
    )
    reward = np.column_stack(
        [
            sum(expected_reward(table, a, transition[a], observation[a]) for table in rewards)
            for a in range(variables.size("a"))
        ]
    )
    discount = numbers_in(file, sections["Discount"], 1)[0]
    check_discount(file, sections["Discount"].line, discount)
    return FinitePomdp(
        transition=transition,
        observation=observation,
        reward=reward,
        discount=discount,
        initial=initial,
        state_names=variables.names("s"),
        action_names=variables.names("a"),
        observation_names=variables.names("o"),
        visible=variables.classes(),
    )


def _sections(file: Path, root: Element) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for one in root.children:
        if one.name not in _SECTIONS:
            raise wrong(file, one.line, f"found <{one.name}>, expected one of {', '.join(_SECTIONS)}")
        if one.name in found:
            raise wrong(file, one.line, f"a second <{one.name}>, expected one")
        found[one.name] = one
    for name in _SECTIONS:
        if name not in found and name not in ("Description", "ObsFunction"):
            raise wrong(file, root.line, f"<pomdpx> without <{name}>, expected one")
    return found


def _arrays(
    file: Path, variables: Variables, following: Sequence[Table], seen: Sequence[Table], line: int
) -> tuple[tuple[csr_array, ...], tuple[csr_array, ...]]:
    """Return the arrays of transitions and of observations, one each for each action."""
    transition, observation, total = [], [], 0
    for a in range(variables.size("a")):
        transition.append(probabilities(file, variables, following, "t", a))
        observation.append(probabilities(file, variables, seen, "o", a))
        total += transition[-1].nnz + observation[-1].nnz
        check_nonzeros(file, line, total)
    return tuple(transition), tuple(observation)
