"""The stocks of a sweep: names, files, a folder or a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from ecodecide.errors import EvaluationError
from ecodecide.evaluation.sweep.plan import SweepPlan
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.library import load_history
from ecodecide.history.ram_portfolio import ram_histories
from ecodecide.shipped import shipped_files

_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".rdata", ".rda", ".rds")

Source = Callable[[], CatchHistory]
"""Makes a history when it is called, or says why it cannot."""


def stock_sources(plan: SweepPlan) -> dict[str, Source]:
    """Return what makes the history of each stock, by a name that the sweep knows it by.

    A shipped history goes by its name, a file by its own without the ending, a stock of a table by its stockid.

    Raises
    ------
    EvaluationError
        When there is no such file or name, or two stocks would have one name.
    HistoryError
        When a table cannot be read.
    """
    if not isinstance(plan.stocks, str):
        return _unique((_name(one), partial(load_history, _place(plan.root, one))) for one in plan.stocks)
    path = plan.root / plan.stocks
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in _SUFFIXES)
        if not files:
            raise EvaluationError(f"stocks: the folder {path} has no histories ({', '.join(_SUFFIXES)})")
        return _unique((one.stem, partial(load_history, one)) for one in files)
    if not path.is_file():
        raise EvaluationError(
            f"stocks: found {plan.stocks!r}, which is no folder or file in {plan.root}; a single stock is given as a "
            "list of one"
        )
    return dict(ram_histories(path, plan.units))


def _place(root: Path, one: str) -> str:
    """Return a name, or a file's path that starts from a folder; refuse what is neither."""
    if one in shipped_files("data", ".csv"):
        return one
    place = str(root / one)
    if not os.path.exists(place) and not os.path.exists(place.rpartition(":")[0]):
        try:
            load_history(one)
        except Exception as problem:
            raise EvaluationError(f"stocks: {problem}") from None
        return one
    return place


def _name(one: str) -> str:
    if one in shipped_files("data", ".csv"):
        return one
    path, colon, stock = one.rpartition(":")
    return stock.strip() if colon and path and "/" not in stock and "\\" not in stock else Path(one).stem


def _unique(pairs: Iterable[tuple[str, Source]]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for name, source in pairs:
        if name in found:
            raise EvaluationError(
                f"stocks: found {name!r} twice, expected names that differ; rename one of the two"
            )
        found[name] = source
    return found
