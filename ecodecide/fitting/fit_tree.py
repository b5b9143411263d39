"""A fit as an xarray tree that ArviZ reads, and as a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.errors import FitError
from ecodecide.fitting.laws import FittedLaws
from ecodecide.fitting.posterior import Posterior
from ecodecide.fitting.record import FitRecord
from ecodecide.fitting.stock_file import STOCK, stock_dataset
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.history_dataset import history_dataset
from ecodecide.stock.growth import Array
from ecodecide.whole_file import whole_file

SCHEMA = 2
"""The version of the layout."""
_POINTS = {
    "msy": True,
    "b_msy": True,
    "escapement_msy": True,
    "f_msy": False,
    "carrying_capacity": True,
    "allee_threshold": True,
}
"""Reference points, and whether each is an amount of biomass."""


def fit_tree(fitted: FittedLaws, attributes: Mapping[str, Any] | None = None) -> xr.DataTree:
    """Return a fit as a tree: a branch for each law, each as ArviZ wants it, and the history.

    Parameters
    ----------
    fitted
        The laws.
    attributes
        What else is to be said of it, as plain values: they stand as JSON in the attribute ``provenance``.

    Returns
    -------
    xarray.DataTree
        ``tree["logistic"]`` has the groups ``posterior`` (dims chain, draw: the law's parameters, ``biomass`` by year,
        ``biomass_now``, reference points, ``allee_threshold``), ``sample_stats`` (``lp``), ``log_likelihood`` (of each
        observation given all others, biomass being summed over) and ``observed_data``; units are attributes.
        ``tree["stock"]`` is the average over the laws, which `ecodecide.load_stock` reads as a stock.

    Examples
    --------
    >>> import ecodecide as eco
    >>> from ecodecide.fitting.laws import fit_laws
    >>> tree = fit_tree(fit_laws(eco.load_history("hake-argentina-north"), ["logistic"], draws=20))
    >>> sorted(tree["logistic"].children), tree["logistic/posterior"]["r"].dims
    (['log_likelihood', 'observed_data', 'posterior', 'sample_stats'], ('chain', 'draw'))
    """
    weights = fitted.weights
    branches: dict[str, xr.Dataset] = {
        "/": xr.Dataset(
            attrs={
                "schema": SCHEMA,
                "stock": fitted.history.id,
                "weights": json.dumps(weights),
                "p_tipping_point": fitted.tipping_point,
                "p_below_threshold": fitted.below_threshold,
                "provenance": json.dumps(dict(attributes or {}), default=str),
            }
        ),
        "/history": history_dataset(fitted.history),
    }
    for law, posterior in fitted.posteriors.items():
        for group, dataset in _groups(posterior).items():
            branches[f"/{law}/{group}"] = dataset
        branches[f"/{law}"] = xr.Dataset(
            attrs={
                "weight": weights[law],
                "log_evidence": posterior.log_evidence,
                "status": posterior.status,
                "settings": json.dumps(dict(posterior.settings)),
                "assumptions": json.dumps(list(posterior.assumptions)),
            }
        )
    # a law or survey of the user's own is code, which no file holds: then the draws alone are there
    with suppress(FitError):
        branches[f"/{STOCK}"] = stock_dataset(fitted.average)
    return xr.DataTree.from_dict(branches)


def save_fit(
    fitted: FittedLaws, path: str | os.PathLike[str], attributes: Mapping[str, Any] | None = None
) -> None:
    """Write `fit_tree` to a NetCDF file, whole or not at all.

    Raises
    ------
    FitError
        When the file cannot be written.
    """
    tree = fit_tree(fitted, attributes)
    with whole_file(path, FitError) as new:
        tree.to_netcdf(new, engine="h5netcdf")


def _groups(posterior: Posterior) -> dict[str, xr.Dataset]:
    record = posterior.record
    assert record is not None
    model, unit = record.model, posterior.unit
    dims, shape = ("chain", "draw"), record.log_posterior.shape
    variables: dict[str, xr.DataArray] = {}
    for place, prior in enumerate(model.natural_priors):
        # a slash is the tree's own
        name = prior.name.replace("/", "_over_")
        values = record.numbers(place).reshape(shape)
        variables[name] = xr.DataArray(values, dims=dims, attrs={"prior": str(prior)})
    variables["biomass"] = xr.DataArray(record.biomass, dims=(*dims, "year"), attrs={"units": unit})
    variables["biomass_now"] = xr.DataArray(record.terminal, dims=dims, attrs={"units": unit})
    for name, attributes in _POINTS.items():
        # the members are the draws in another order; a few draws may have been left out
        by_draw: Array = np.full(record.size, np.nan)
        by_draw[record.order] = np.array([getattr(world, name) or 0.0 for world in posterior.members.worlds])
        units = unit if attributes else "per year"
        variables[name] = xr.DataArray(by_draw.reshape(shape), dims=dims, attrs={"units": units})
    coordinates = {
        "chain": np.arange(shape[0]),
        "draw": np.arange(shape[1]),
        "year": np.asarray(model.history.year),
    }
    return {
        "posterior": xr.Dataset(variables, coords=coordinates),
        "sample_stats": xr.Dataset(
            {"lp": (dims, record.log_posterior), "log_likelihood": (dims, record.log_likelihood)}
        ),
        "log_likelihood": _observations(record, record.left_out, dims),
        "observed_data": xr.Dataset(
            {
                _plain(one.name): ("year", one.values, {"units": _unit(model.history, one.name)})
                for one in model.series
            },
            coords={"year": coordinates["year"]},
        ),
    }


def _observations(record: FitRecord, values: np.ndarray, dims: tuple[str, str]) -> xr.Dataset:
    """Return what is of single observations, by series: years differ between them."""
    found = {}
    for name in dict.fromkeys(record.series):
        at = [i for i, series in enumerate(record.series) if series == name]
        dim = f"{_plain(name)}_year"
        years = [record.year[i] for i in at]
        found[_plain(name)] = xr.DataArray(values[..., at], dims=(*dims, dim), coords={dim: years})
    return xr.Dataset(found)


def _unit(history: CatchHistory, name: str) -> str:
    return str(
        history.units.get(name, "")
        or history.units.get("index" if name in (history.index or {}) else name, "")
    )


def _plain(name: str) -> str:
    """Return a name without the slash, which parts groups."""
    return name.replace("/", "_over_")
