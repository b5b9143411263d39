"""The stocks of a sweep: names, files, a folder or a table."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from ecodecide.errors import EvaluationError, HistoryError
from ecodecide.evaluation.sweep.folder import folder_name
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
        return _listed(plan, plan.stocks)
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
    return _unique(ram_histories(path, plan.units).items())


def _listed(plan: SweepPlan, names: Iterable[str]) -> dict[str, Source]:
    """Return the sources of a list; a table with several of them is read once."""
    tables: dict[str, dict[str, Source]] = {}
    pairs: list[tuple[str, Source]] = []
    for one in names:
        place, (file, _, stock) = str(plan.root / one), one.rpartition(":")
        if one in shipped_files("data", ".csv"):
            pairs.append((one, partial(load_history, one)))
        elif os.path.exists(place):
            pairs.append((Path(one).stem, partial(load_history, Path(place))))
        elif os.path.isfile(plan.root / file):
            if file not in tables:
                tables[file] = ram_histories(plan.root / file, plan.units)
            if stock not in tables[file]:
                close = difflib.get_close_matches(stock, tables[file], n=3, cutoff=0.5)
                raise EvaluationError(
                    f"stocks: {file} has no {stock!r}, expected one of its {len(tables[file])} stocks"
                    + (f", such as {' or '.join(close)}" if close else "")
                )
            pairs.append((stock, tables[file][stock]))
        else:
            try:
                load_history(one)
            except HistoryError as problem:
                # what is in no file is a mistake in the plan: it is refused before the long work
                raise EvaluationError(f"stocks: {problem}") from None
            # it is there for whoever stands in another folder, and not for the plan
            raise EvaluationError(
                f"stocks: found no {one!r} in {plan.root}, where paths start: the folder of the plan; give the path "
                "from there, or a whole one"
            )
    return _unique(pairs)


def _unique(pairs: Iterable[tuple[str, Source]]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    # some systems take folders for one whose names differ in capitals alone
    by_folder: dict[str, str] = {}
    for name, source in pairs:
        other = by_folder.setdefault(folder_name(name).casefold(), name)
        if name in found:
            raise EvaluationError(
                f"stocks: found {name!r} twice, expected names that differ; rename one of the two"
            )
        if other != name:
            raise EvaluationError(
                f"stocks: found {other!r} and {name!r}, expected names that differ by more than capitals; rename one "
                "of the two"
            )
        found[name] = source
    return found
