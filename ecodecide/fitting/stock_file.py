"""A fitted stock as a file, from which it comes back to the last bit, good for solving and simulating."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.errors import FitError
from ecodecide.fitting.posterior import Posterior
from ecodecide.stock.growth import LAWS, Array, GrowthLaw, parameters
from ecodecide.stock.mixed_growth import MixedGrowth
from ecodecide.stock.noise import LognormalNoise
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.survey import LognormalSurvey, NormalSurvey, PerfectSurvey, Survey
from ecodecide.whole_file import whole_file

SCHEMA = "ecodecide-fitted-stock-1"
"""The version of the layout."""

STOCK = "stock"
"""The group of a larger file that holds one."""

_SURVEYS: dict[str, type[Any]] = {one.__name__: one for one in (LognormalSurvey, NormalSurvey, PerfectSurvey)}
_DIMS = {
    "terminal_edges": (("edge",), "edges of the cells of the belief about the biomass now"),
    "terminal_mass": (("cell",), "belief about the biomass now"),
    "best_biomass": (("year",), "mean biomass of each year of the history, at the best estimate"),
    "trajectory_biomass": (("draw", "year"), "posterior draws of the biomass of each year of the history"),
}
_SHARES = ("terminal_mass",)


def stock_dataset(posterior: Posterior) -> xr.Dataset:
    """Return a fitted stock as a Dataset with names and units.

    What it is made of is in it, not how it was found: `record` and `seconds` are left out, so that the same fit is
    the same Dataset.

    Raises
    ------
    FitError
        When the stock has a law or a survey of the user's own.
    """
    unit = posterior.unit
    variables: dict[str, Any] = {
        name: (
            dims,
            getattr(posterior, name),
            {"long_name": words, "units": "1" if name in _SHARES else unit},
        )
        for name, (dims, words) in _DIMS.items()
    }
    variables["biomass_now"] = (
        "member",
        np.asarray(posterior.members.initial_biomass),
        {"long_name": "biomass after the last catch and growth, of each posterior draw", "units": unit},
    )
    variables["process_sigma"] = (
        *_parameter(_lognormal(posterior.members).sigma, "member"),
        {"long_name": "standard deviation of the log of the process noise", "units": "1"},
    )
    growth = posterior.members.growth
    laws = growth.laws if isinstance(growth, MixedGrowth) else (growth,)
    if isinstance(growth, MixedGrowth):
        variables["which"] = ("member", growth.which, {"long_name": "number of the growth law", "units": "1"})
        variables["row"] = ("member", growth.row, {"long_name": "draw of that law", "units": "1"})
    for number, law in enumerate(laws):
        for name, value in parameters(law).items():
            words = {
                "long_name": f"parameter {name} of the growth law {_named(law)}, biomass in {unit}, per year"
            }
            variables[f"{number}.{_named(law)}.{name}"] = (*_parameter(value, f"member_{number}"), words)
    survey = posterior.survey
    if type(survey).__name__ not in _SURVEYS:
        raise FitError(f"cannot write the survey {survey!r}: expected one of {', '.join(_SURVEYS)}")
    best = posterior.best
    attributes = {
        "schema": SCHEMA,
        "unit": posterior.unit,
        "laws": json.dumps([_named(law) for law in laws]),
        "center": _lognormal(posterior.members).center,
        "best": json.dumps(
            {
                "law": _named(best.growth),
                "parameters": {name: float(value) for name, value in parameters(best.growth).items()},
                "noise": {"sigma": float(_lognormal(best).sigma), "center": _lognormal(best).center},
                "biomass": None if best.initial_biomass is None else float(best.initial_biomass),
            }
        ),
        "survey": json.dumps([type(survey).__name__, vars(survey)]),
        "assumptions": json.dumps(list(posterior.assumptions)),
        "settings": json.dumps(dict(posterior.settings), default=str),
        "converged": int(posterior.converged),
        "log_posterior": float(posterior.log_posterior),
        "log_evidence": float(posterior.log_evidence),
        "law": posterior.law,
        "observed": posterior.observed,
        "status": posterior.status,
    }
    return xr.Dataset(variables, attrs=attributes)


def save_stock(posterior: Posterior, path: str | os.PathLike[str]) -> None:
    """Write a fitted stock to a NetCDF file, whole or not at all.

    Parameters
    ----------
    posterior
        Of one of the growth laws that have a name, or an average of several.
    path
        The file; what was there before is replaced.

    Raises
    ------
    FitError
        When the file cannot be written, or the stock has a law or a survey of the user's own.
    """
    dataset = stock_dataset(posterior)
    with whole_file(path, FitError) as new:
        dataset.to_netcdf(new, engine="h5netcdf")


def load_stock(path: str | os.PathLike[str]) -> Posterior:
    """Return the stock that `Posterior.save` wrote, every number of it the same.

    Parameters
    ----------
    path
        The file, or a larger one with a fitted stock in it: of `Comparison.save`, or of ``ecodecide fit -o``.

    Returns
    -------
    Posterior

    Raises
    ------
    FitError
        When the file cannot be read, or is another one.

    Examples
    --------
    >>> import tempfile
    >>> import ecodecide as eco
    >>> posterior = eco.fit(eco.load_history("plaice-north-sea"), "logistic", draws=20, cells=80)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     posterior.save(f"{folder}/plaice.nc")
    ...     back = eco.load_stock(f"{folder}/plaice.nc")
    >>> bool(back.best.growth.r == posterior.best.growth.r), back.size == posterior.size
    (True, True)
    """
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            found = file.load()
        if found.attrs.get("schema", SCHEMA) != SCHEMA:
            with suppress(OSError), xr.open_dataset(path, engine="h5netcdf", group=STOCK) as file:
                found = file.load()
    except (OSError, ValueError, KeyError) as problem:
        raise FitError(f"{path} cannot be read as a fitted stock: {problem}") from None
    return stock_of(found, str(path))


def stock_of(found: xr.Dataset, place: str = "the Dataset") -> Posterior:
    """Return the stock that `stock_dataset` put into a Dataset.

    Raises
    ------
    FitError
        When the Dataset is another one; `place` names it.
    """
    if found.attrs.get("schema") != SCHEMA:
        raise FitError(f"{place}: found schema {found.attrs.get('schema')!r}, expected {SCHEMA!r}; fit again")
    told, unit = found.attrs, str(found.attrs["unit"])
    best, (kind, numbers) = json.loads(told["best"]), json.loads(told["survey"])
    survey: Survey = _SURVEYS[kind](**numbers)
    laws = tuple(_law(found, number, name) for number, name in enumerate(json.loads(told["laws"])))
    growth: GrowthLaw = laws[0]
    if "which" in found:
        growth = MixedGrowth(laws, found["which"].values, found["row"].values)
    noise = LognormalNoise(_value(found["process_sigma"]), str(told["center"]))
    return Posterior(
        best=ParametricStock(
            LAWS[best["law"]](**best["parameters"]), LognormalNoise(**best["noise"]), unit, best["biomass"]
        ),
        members=ParametricStock(growth, noise, unit, found["biomass_now"].values),
        survey=survey,
        log_posterior=float(told["log_posterior"]),
        log_evidence=float(told["log_evidence"]),
        assumptions=tuple(json.loads(told["assumptions"])),
        settings=json.loads(told["settings"]),
        converged=bool(told["converged"]),
        law=str(told["law"]),
        observed=str(told["observed"]),
        status=str(told["status"]),
        terminal_edges=found["terminal_edges"].values,
        terminal_mass=found["terminal_mass"].values,
        best_biomass=found["best_biomass"].values,
        trajectory_biomass=found["trajectory_biomass"].values,
    )


def _named(law: GrowthLaw) -> str:
    if law.name not in LAWS:
        raise FitError(f"cannot write the growth law {law.name!r}: expected one of {', '.join(LAWS)}")
    return law.name


def _lognormal(stock: ParametricStock) -> LognormalNoise:
    if not isinstance(stock.noise, LognormalNoise):
        raise FitError(f"cannot write {stock.noise!r}: a fitted stock has LognormalNoise")
    return stock.noise


def _parameter(value: Any, dim: str) -> tuple[tuple[str, ...], Array]:
    """Return a number, or one per member, with its dims."""
    values = np.asarray(value, dtype=float)
    return ((dim,) if values.ndim else (), values)


def _value(found: xr.DataArray) -> Any:
    return found.values if found.ndim else float(found)


def _law(found: xr.Dataset, number: int, name: str) -> GrowthLaw:
    head = f"{number}.{name}."
    values = {str(key).removeprefix(head): _value(found[key]) for key in found if str(key).startswith(head)}
    law: GrowthLaw = LAWS[name](**values)
    return law
