"""POMDP files and policy files by their suffix."""

from __future__ import annotations

import os
from pathlib import Path

from ecodecide.decision.finite_pomdp import FinitePomdp
from ecodecide.errors import FormatError
from ecodecide.interop.alpha_file import read_alpha_file, write_alpha_file
from ecodecide.interop.cassandra_reader import read_cassandra
from ecodecide.interop.cassandra_writer import write_cassandra
from ecodecide.interop.policyx import read_policyx, write_policyx
from ecodecide.interop.pomdpx_reader import read_pomdpx
from ecodecide.interop.pomdpx_writer import write_pomdpx
from ecodecide.policy.alpha_vectors import AlphaVectors

_READ_POMDP = {".pomdp": read_cassandra, ".pomdpx": read_pomdpx}
_WRITE_POMDP = {".pomdp": write_cassandra, ".pomdpx": write_pomdpx}
_READ_POLICY = {".policyx": read_policyx, ".policy": read_policyx, ".alpha": read_alpha_file}
_WRITE_POLICY = {".policyx": write_policyx, ".policy": write_policyx, ".alpha": write_alpha_file}

POMDP_SUFFIXES = tuple(_READ_POMDP)
POLICY_SUFFIXES = tuple(_READ_POLICY)


def read_pomdp(path: str | os.PathLike[str]) -> FinitePomdp:
    """Read a problem from a `.pomdp` or `.pomdpx` file.

    Parameters
    ----------
    path
        The file; capitals in its suffix do not matter.

    Raises
    ------
    FormatError
        When the suffix is another one, the file cannot be read, or it breaks its format, with the line.

    Examples
    --------
    >>> read_pomdp("tiger.txt")
    Traceback (most recent call last):
    ecodecide.errors.FormatError: tiger.txt has the suffix '.txt', expected one of .pomdp, .pomdpx; rename it
    """
    return _READ_POMDP[_suffix(path, POMDP_SUFFIXES)](path)


def write_pomdp(pomdp: FinitePomdp, path: str | os.PathLike[str]) -> None:
    """Write a problem to a `.pomdp` or `.pomdpx` file, whole or not at all.

    Parameters
    ----------
    pomdp
        The problem; what is visible stays visible in `.pomdpx` alone.
    path
        The file.

    Raises
    ------
    FormatError
        When the suffix is another one or the file cannot be written.

    Examples
    --------
    See `ecodecide.interop.cassandra_writer.write_cassandra`.
    """
    _WRITE_POMDP[_suffix(path, POMDP_SUFFIXES)](pomdp, path)


def read_alpha_vectors(path: str | os.PathLike[str], pomdp: FinitePomdp) -> AlphaVectors:
    """Read a policy from a `.policyx`, `.policy` (APPL) or `.alpha` (pomdp-solve) file.

    Parameters
    ----------
    path
        The file.
    pomdp
        The problem that it is a policy of: the files do not hold it.

    Raises
    ------
    FormatError
        When the suffix is another one, the file cannot be read, breaks its format, or does not fit the problem.

    Examples
    --------
    See `ecodecide.interop.alpha_file.read_alpha_file`.
    """
    return _READ_POLICY[_suffix(path, POLICY_SUFFIXES)](path, pomdp)


def write_alpha_vectors(policy: AlphaVectors, path: str | os.PathLike[str]) -> None:
    """Write a policy to a `.policyx`, `.policy` or `.alpha` file, whole or not at all.

    Parameters
    ----------
    policy
        The policy.
    path
        The file.

    Raises
    ------
    FormatError
        When the suffix is another one or the file cannot be written.

    Examples
    --------
    See `ecodecide.interop.alpha_file.write_alpha_file`.
    """
    _WRITE_POLICY[_suffix(path, POLICY_SUFFIXES)](policy, path)


def _suffix(path: str | os.PathLike[str], known: tuple[str, ...]) -> str:
    file = Path(path)
    found = file.suffix.lower()
    if found not in known:
        raise FormatError(
            f"{file.name} has the suffix {found!r}, expected one of {', '.join(known)}; rename it"
        )
    return found
