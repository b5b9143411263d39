"""What a sweep is to compute: a TOML file, read strictly."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ecodecide.decision.economy import Economy
from ecodecide.errors import EcodecideError, EvaluationError
from ecodecide.evaluation.closed_loop import check_settings
from ecodecide.evaluation.limits import read_limit
from ecodecide.evaluation.named_worlds import read_world
from ecodecide.fitting.laws import families_of
from ecodecide.history.catch_history import UNIT_KEYS
from ecodecide.solvers.registry import solver_names
from ecodecide.stock.survey import parse_survey

SCHEMA = 1
"""The version of the plan's layout."""


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep is to compute: every stock with every solver, in every world.

    Parameters
    ----------
    stocks
        Names, files or ``FILE:STOCKID``, as `ecodecide.load_history` takes them; or a folder of histories; or a table
        with many stocks, of the RAM Legacy database or an extract of it.
    solvers
        Names of solvers.
    worlds
        The truths to simulate, as `ecodecide.compare` names them: ``"fitted"``, the joint posterior draws of what
        managers believe, or a growth law, the fit of that law alone; and more, as in ``"allen,autocorrelation=0.5"``.
    units
        Units that a table does not give, by ``catch``, ``biomass`` and ``ssb``.
    growth
        Growth laws of the fit; of several, the average.
    draws, fit_cells
        Of the fit: draws of the posterior, cells of the filter; see `ecodecide.fit`.
    survey
        Error of the surveys to come, such as ``"lognormal:0.2"``; None takes that of the fit.
    discount
        Yearly discount factor in (0, 1).
    years, replicates, seed, collapse, implementation_cv, cells, gap
        As in `ecodecide.compare`: a cell has the figures that `compare` gives for its stock and solver, and every
        stock meets the same luck.
    root
        The folder that paths in `stocks` start from.

    Raises
    ------
    EvaluationError
        For the first thing that means nothing.

    Examples
    --------
    >>> SweepPlan(stocks=("hake-argentina-north",), solvers=("tac", "no-fishing")).years
    50
    """

    stocks: str | tuple[str, ...]
    solvers: tuple[str, ...]
    worlds: tuple[str, ...] = ("fitted",)
    units: Mapping[str, str] = field(default_factory=dict)
    growth: tuple[str, ...] = ("logistic",)
    draws: int = 400
    fit_cells: int = 200
    survey: str | None = None
    discount: float = 0.95
    years: int = 50
    replicates: int = 1000
    seed: int = 1
    collapse: str = "0.1K"
    implementation_cv: float = 0.0
    cells: int = 100
    gap: float = 0.01
    root: Path = Path()

    def __post_init__(self) -> None:
        if not self.stocks:
            raise EvaluationError("stocks: found none, expected names, files, a folder or a table")
        _known("solvers", self.solvers, solver_names())
        _known("units", tuple(self.units), UNIT_KEYS, least=0)
        for name, value, low, high in (
            ("draws", self.draws, 1, 1_000_000),
            ("fit_cells", self.fit_cells, 20, 10_000),
            ("cells", self.cells, 10, 2_000),
        ):
            if not low <= value <= high:
                raise EvaluationError(f"{name}: found {value}, expected a whole number from {low} to {high}")
        if not 0.0 <= self.gap < 1.0:
            raise EvaluationError(f"gap: found {self.gap}, expected a number of at least 0 and below 1")
        checks: dict[str, Callable[[], object]] = {
            "growth": lambda: families_of(self.growth),
            # as results will name them
            "worlds": lambda: object.__setattr__(
                self, "worlds", tuple(read_world(name).name for name in self.worlds)
            ),
            "discount": lambda: Economy(discount=self.discount),
            "survey": lambda: self.survey is None or parse_survey(self.survey),
            "collapse": lambda: read_limit(self.collapse),
        }
        for name, check in checks.items():
            try:
                check()
            except EcodecideError as problem:
                raise EvaluationError(f"{name}: {problem}") from None
        _known("worlds", self.worlds, self.worlds)
        check_settings(self.years, self.replicates, self.seed, self.implementation_cv)

    def settings(self) -> dict[str, Any]:
        """Return, as plain values, what every figure depends on besides its stock and its solver."""
        found = asdict(self)
        for name in ("stocks", "solvers", "units", "root"):
            del found[name]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


_TEXTS = {"worlds", "solvers", "growth"}
_NUMBERS = {"discount", "implementation_cv", "gap"}
_COUNTS = {"draws", "fit_cells", "years", "replicates", "seed", "cells"}


def read_plan(path: str | os.PathLike[str]) -> SweepPlan:
    r"""Read a plan.

    Parameters
    ----------
    path
        A TOML file with a table ``[sweep]``, whose keys are those of `SweepPlan`, and ``schema = 1``. Paths in it start
        from its own folder.

    Raises
    ------
    EvaluationError
        When it cannot be read, or a key or a value means nothing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "plan.toml"
    ...     _ = file.write_text('[sweep]\nstocks = ["hake-namibia"]\nsolvers = ["tac"]\nyears = 20')
    ...     read_plan(file).years
    20
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as problem:
        raise EvaluationError(f"{file} cannot be read: {problem.strerror or problem}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise EvaluationError(f"{file} is not TOML: {problem}") from None
    table = content.get("sweep")
    if not isinstance(table, dict) or len(content) > 1:
        raise EvaluationError(
            f"{file}: found {', '.join(content) or 'nothing'} at the top, expected one table [sweep]"
        )
    given = dict(table)
    schema = given.pop("schema", SCHEMA)
    if schema != SCHEMA:
        raise EvaluationError(f"{file}: schema is {schema!r}, expected {SCHEMA}; use a version that reads it")
    keys = [one.name for one in fields(SweepPlan) if one.name != "root"]
    for key in given:
        if key not in keys:
            close = difflib.get_close_matches(key, keys, n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise EvaluationError(f"{file}: unknown key {key!r}; {hint}expected some of {', '.join(keys)}")
    for key in ("stocks", "solvers"):
        if key not in given:
            raise EvaluationError(f"{file}: no {key}; a plan needs at least stocks and solvers")
    try:
        return SweepPlan(
            **{key: _typed(key, value) for key, value in given.items()}, root=file.absolute().parent
        )
    except EvaluationError as problem:
        raise EvaluationError(f"{file}: {problem}") from None


def _typed(key: str, value: Any) -> Any:
    """Return a value of TOML as the plan has it, or refuse its type."""
    if key in _TEXTS or (key == "stocks" and not isinstance(value, str)):
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise EvaluationError(f"{key}: found {value!r}, expected a list of names")
        return tuple(value)
    if key == "units":
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise EvaluationError(f'{key}: found {value!r}, expected a table such as {{ catch = "t" }}')
        return value
    if key in _COUNTS:
        if not isinstance(value, int) or isinstance(value, bool):
            raise EvaluationError(f"{key}: found {value!r}, expected a whole number")
        return value
    if key in _NUMBERS:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise EvaluationError(f"{key}: found {value!r}, expected a number")
        return float(value)
    if key == "collapse" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise EvaluationError(f"{key}: found {value!r}, expected a text")
    return value


def _known(name: str, given: tuple[str, ...], known: Any, least: int = 1) -> None:
    """Refuse names that are not known, or are there twice."""
    for one in given:
        if one not in known:
            raise EvaluationError(f"{name}: found {one!r}, expected some of {', '.join(known)}")
    if len(given) < least or len({*given}) < len(given):
        raise EvaluationError(f"{name}: found {list(given)}, expected at least one, each once")
