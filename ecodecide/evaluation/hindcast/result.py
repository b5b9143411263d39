"""What a hindcast found, as plain values and as a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from ecodecide import __version__
from ecodecide.evaluation.grouped_file import write_groups
from ecodecide.evaluation.hindcast.counterfactual import ACTUAL, SUMS
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.evaluation.provenance import fingerprint, versions
from ecodecide.fitting.posterior import interval
from ecodecide.stock.growth import Array

SCHEMA = "ecodecide-hindcast-1"
"""The version of the layout of a hindcast's file."""

INTERRUPTED = "interrupted before this year"


@dataclass(frozen=True, eq=False)
class Hindcast:
    """What `hindcast` found.

    Attributes
    ----------
    managed
        The stock as the whole history shows it; with one fit, also its policies.
    data
        Dimensions (policy, year, quantile, limit, state): `advised` (policy, year), NaN where there is none; `catch`,
        `observed` in units of biomass, an index in hindsight: by its catchability in the whole history; the belief
        about each year's biomass as it was then, `belief` (year, state), `belief_mean`, `belief_quantile` (quantile,
        year), `belief_below` (limit, year); `hindsight` (quantile, year), what the whole history says of the same.
    reasons
        By policy and year, why there is no advice.
    counterfactual
        What would have happened, see `ecodecide.evaluation.hindcast.counterfactual`; None where it cannot be said,
        and `notes` say why.
    causal
        Whether no advice or belief of a year rests on a later one; the notes say what does.
    notes
        What the figures rest on.
    settings, assumptions, cite, warnings
        For the record.
    """

    managed: ManagedStock
    data: xr.Dataset
    reasons: Mapping[str, Mapping[int, str]]
    counterfactual: xr.Dataset | None
    causal: bool
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
    assumptions: tuple[str, ...] = ()
    cite: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def interrupted(self) -> bool:
        """Whether an interrupt ended it early."""
        return any(why == INTERRUPTED for years in self.reasons.values() for why in years.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the hindcast as plain values that JSON can hold; None for what is undefined."""
        data = self.data
        solutions = self.managed.solutions
        policies = [
            {
                "name": name,
                "advised": _plain(data["advised"].sel(policy=name)),
                "reasons": {str(year): why for year, why in self.reasons.get(name, {}).items()},
                "status": solutions[name].status if name in solutions else self.managed.failures.get(name),
            }
            for name in map(str, data["policy"].values)
        ]
        return {
            "stock": self.managed.history.id,
            "unit": self.managed.posterior.unit,
            "mode": self.settings["mode"],
            "causal": self.causal,
            "years": [int(year) for year in data["year"].values],
            "catch": _plain(data["catch"]),
            "observed": _plain(data["observed"]),
            "policies": policies,
            "belief": {
                "mean": _plain(data["belief_mean"]),
                "quantiles": _by(data["belief_quantile"], "quantile"),
                "below": _by(data["belief_below"], "limit"),
            },
            "hindsight": {"quantiles": _by(data["hindsight"], "quantile")},
            "counterfactual": None if self.counterfactual is None else _told(self.counterfactual),
            "fit": {"law": self.managed.posterior.law, "status": self.managed.posterior.status},
            "notes": list(self.notes),
            "settings": dict(self.settings),
            "assumptions": list(self.assumptions),
            "warnings": list(self.warnings),
            "cite": list(self.cite),
        }

    def to_dataset(self) -> xr.Dataset:
        """Return `data` with everything needed to tell where it comes from."""
        told = {
            "settings": dict(self.settings), "notes": list(self.notes), "assumptions": list(self.assumptions),
            "cite": list(self.cite), "warnings": list(self.warnings), "versions": versions(),
            "reasons": {n: {str(y): why for y, why in years.items()} for n, years in self.reasons.items()},
            "history": fingerprint(self.managed.history), "fit": self.managed.posterior.summary(),
        }  # fmt: skip
        words = {
            "schema": SCHEMA,
            "ecodecide_version": __version__,
            "stock": self.managed.history.id,
            "unit": self.managed.posterior.unit,
            "mode": self.settings["mode"],
            "causal": int(self.causal),
        }
        return self.data.assign_attrs(
            words | {name: json.dumps(value, default=str) for name, value in told.items()}
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_dataset` to a NetCDF file, and the counterfactual to its group, whole or not at all.

        Raises
        ------
        EvaluationError
            When the file cannot be written.
        """
        groups = {} if self.counterfactual is None else {"counterfactual": self.counterfactual}
        write_groups(self.to_dataset(), groups, path)


def _plain(values: Any) -> list[float | None]:
    """Return numbers as JSON can hold them."""
    return [float(value) if np.isfinite(value) else None for value in np.asarray(values)]


def _by(values: xr.DataArray, dim: str) -> dict[str, list[float | None]]:
    """Return the series of each label of a dimension."""
    return {str(label): _plain(values.sel({dim: label})) for label in values[dim].values}


def _told(found: xr.Dataset) -> dict[str, Any]:
    """Return a counterfactual as plain values."""
    actual = found.sel(policy=ACTUAL)
    policies = []
    for name in map(str, found["policy"].values):
        one = found.sel(policy=name)
        entry: dict[str, Any] = {"name": name}
        for key in ("biomass", "catch"):
            entry[key] = _by(one[key], "quantile")
        for key in SUMS:
            entry[key] = interval(one[key].values)
        fell = np.asarray(one["collapsed"].values)
        known: Array = fell[np.isfinite(fell)]
        entry["collapse_probability"] = float(known.mean()) if known.size else None
        entry["difference"] = {key: interval(one[key].values - actual[key].values) for key in SUMS}
        policies.append(entry)
    return {
        "start": int(found["year"].values[0]),
        "years": [int(year) for year in found["year"].values],
        "draws": int(found.attrs["draws"]),
        "draws_with_a_reduced_catch": int(found.attrs["reduced"]),
        "draws_left_out": int(found.attrs["left_out"]),
        "intervals": str(found.attrs["intervals"]),
        "policies": policies,
    }
