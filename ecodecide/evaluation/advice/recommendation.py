"""What is recommended, as plain values and as a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from ecodecide.evaluation.advice.biomass_belief import BiomassBelief, Spread
from ecodecide.evaluation.advice.consequences import Consequences
from ecodecide.evaluation.advice.next_survey import WhatWouldChange
from ecodecide.evaluation.grouped_file import write_groups
from ecodecide.evaluation.managed_stock import (
    ManagedStock,
)
from ecodecide.evaluation.provenance import fingerprint
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.later_years import LaterYears
from ecodecide.solvers.past_surveys import catchabilities

SCHEMA = "ecodecide-recommendation-1"
"""The version of the layout of its file."""


@dataclass(frozen=True, eq=False)
class Advice:
    """What a policy advises.

    Attributes
    ----------
    name
        Of the policy.
    quota
        Of the year of the decision.
    share
        The same over the median biomass.
    over_last_catch
        The same over the last known catch; None where that is 0 or not known.
    status
        How far the policy can be trusted, in words.
    settings
        Of its solver.
    consequences
        What follows if it is kept to, this year and later.
    next_survey
        How the quota answers the next survey.
    belief
        About the biomass, that a policy on beliefs acts on; None of others.
    """

    name: str
    quota: float
    share: float | None
    over_last_catch: float | None
    status: str
    settings: Mapping[str, Any]
    consequences: Consequences
    next_survey: WhatWouldChange
    belief: Spread | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name,
            "quota": self.quota,
            "share_of_biomass": self.share,
            "over_last_catch": self.over_last_catch,
            "status": self.status,
            "belief": None if self.belief is None else self.belief.to_dict(),
            **self.consequences.to_dict(),
            "next_survey": self.next_survey.to_dict(),
            # through JSON and back: tuples become lists, and nothing else than plain values is left
            "settings": json.loads(json.dumps(dict(self.settings), default=str)),
        }


@dataclass(frozen=True, eq=False)
class Recommendation:
    """What `recommend` found.

    Attributes
    ----------
    managed
        The stock as its managers knew it when its policies were made.
    posterior
        The stock as it is known now: that of `managed`, or updated.
    later
        The years of the update; None without.
    year
        Of the decision.
    catches
        Rows (year, catch): those known, oldest first.
    belief
        About the biomass in that year, before its catch.
    advice
        By policy.
    runs
        The simulated futures, see `ecodecide.evaluate`; its first year is that of the decision.
    settings, assumptions, cite, versions, warnings
        For the record.
    """

    managed: ManagedStock
    posterior: Posterior
    later: LaterYears | None
    year: int
    catches: tuple[tuple[int, float], ...]
    belief: BiomassBelief
    advice: Mapping[str, Advice]
    runs: xr.Dataset
    settings: Mapping[str, Any]
    assumptions: tuple[str, ...]
    cite: tuple[str, ...]
    versions: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def history(self) -> CatchHistory:
        """The catch history."""
        return self.managed.history

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the recommendation to a NetCDF file, whole or not at all.

        The root of the file is `runs`, with what `to_dict` returns as its attribute ``recommendation``, in JSON.
        Beside it are the groups of the managed stock, so that `ManagedStock.load` gives back the fit and the policies
        for the next recommendation.

        Raises
        ------
        EvaluationError
            When the file cannot be written, or survey or growth law are of the user's own.
        """
        from ecodecide.evaluation.managed_stock_file import managed_stock_groups

        attributes, groups = managed_stock_groups(self.managed)
        root = self.runs.assign_attrs(
            **attributes, schema=SCHEMA, recommendation=json.dumps(self.to_dict(), allow_nan=False)
        )
        write_groups(root, groups, path)

    def to_dict(self) -> dict[str, Any]:
        """Return the recommendation as plain values that JSON can hold; None for what is undefined."""
        failed = [
            {"name": name, "quota": None, "status": f"failed: {why}"}
            for name, why in self.managed.failures.items()
            if name not in self.advice
        ]
        summary = self.posterior.summary()
        points = ("carrying_capacity", "b_msy", "escapement_msy", "msy", "f_msy")
        return {
            "stock": self.history.id,
            "unit": self.posterior.unit,
            "year": self.year,
            "last_catch": _year_and_catch(self.catches[-1]),
            "largest_catch": _year_and_catch(max(self.catches, key=lambda one: one[1])),
            "belief": self.belief.to_dict(),
            "catchability": {
                name: {"index_per_biomass": q, "unit": self.history.units.get(_unit_key(name), "unknown")}
                for name, q in catchabilities(self.managed.problem).items()
            },
            "reference_points": {name: summary[name] for name in points if name in summary},
            "policies": [one.to_dict() for one in self.advice.values()] + failed,
            "fit": {"law": self.posterior.law, "status": self.posterior.status, **summary},
            "settings": dict(self.settings),
            "assumptions": list(self.assumptions),
            "warnings": list(self.warnings),
            "cite": list(self.cite),
            "versions": dict(self.versions),
            "history": fingerprint(self.history),
        }


def _unit_key(series: str) -> str:
    return series if series in ("biomass", "ssb") else "index"


def _year_and_catch(known: tuple[int, float]) -> dict[str, float]:
    return {"year": known[0], "catch": known[1]}
