"""The studies that can be reproduced, by name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from importlib import import_module

import xarray as xr

from ecodecide.errors import EvaluationError
from ecodecide.whole_file import whole_file

STUDIES = {
    "memarzadeh2019": "Memarzadeh & Boettiger 2019, Am. Nat. 193:645: figures 1 to 4, POMDP against rules",
    "memarzadeh2019_hindcast": "Memarzadeh & Boettiger 2019, figure 5 and appendix B: Argentine hake, North Sea plaice",
    "boettiger2015": "Boettiger, Mangel & Munch 2015, Proc. R. Soc. B 282:20141631: table 1, figures 3 to 5, GPDP",
}
"""The studies, each in the module of its name, which has a function `run`."""


def reproduce(
    study: str,
    *,
    replicates: int = 2000,
    years: int | None = None,
    seed: int = 1,
    cells: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Simulate a published study again and hold its claims against the outcome.

    Parameters
    ----------
    study
        One of `STUDIES`.
    replicates
        Simulated futures per policy and scenario; all policies meet the same.
    years
        Decisions per future; the study's own number by default.
    seed
        The same seed gives the same figures.
    cells
        Points of the study's grid; its own number by default.
    progress
        Called with words and the share of all work done.

    Returns
    -------
    xarray.Dataset
        See the module of the study, such as `ecodecide.reproduction.memarzadeh2019`.

    Raises
    ------
    EvaluationError
        For an unknown study, or settings that mean nothing.

    Examples
    --------
    >>> reproduce("memarzadeh2018")
    Traceback (most recent call last):
    ...
    ecodecide.errors.EvaluationError: unknown study 'memarzadeh2018': did you mean memarzadeh2019? ...
    """
    if study not in STUDIES:
        near = difflib.get_close_matches(study, STUDIES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise EvaluationError(f"unknown study {study!r}: {hint}expected one of {', '.join(STUDIES)}")
    module = import_module(f"ecodecide.reproduction.{study}")
    given = {name: value for name, value in (("years", years), ("cells", cells)) if value is not None}
    found: xr.Dataset = module.run(replicates=replicates, seed=seed, progress=progress, **given)
    return found


def save(study: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a reproduced study to a NetCDF file, whole or not at all.

    Parameters
    ----------
    study
        What `reproduce` returns.
    path
        The file.

    Raises
    ------
    EvaluationError
        When the file cannot be written.
    """
    with whole_file(path, EvaluationError) as new:
        study.to_netcdf(new, engine="h5netcdf")
