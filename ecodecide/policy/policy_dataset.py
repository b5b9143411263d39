"""A policy as an xarray Dataset, which a file can hold, and back to the last bit.

Every kind of policy that solvers return is known here; one of the user's own is code, which no file holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.decision.discretize import DiscreteProblem
from ecodecide.decision.grid import Grid
from ecodecide.errors import PolicyError
from ecodecide.policy import rules
from ecodecide.policy.belief_policy import BeliefPolicy
from ecodecide.policy.protocol import Policy
from ecodecide.policy.rules import RulePolicy, SeriesPolicy
from ecodecide.policy.surface import SurfacePolicy
from ecodecide.policy.table import NearestPointPolicy, TablePolicy

SCHEMA = "ecodecide-policy-1"
"""The version of the layout."""

_RULES: dict[str, Any] = {
    name: getattr(rules, name)
    for name in rules.__all__
    if name not in ("Rule", "RulePolicy", "SeriesPolicy", "SeriesRule")
}
_PER_YEAR = ("rate", "growth")
_YEARS = ("years", "delay", "interval")
_BIOMASS = (
    *(
        "expected",
        "last",
        "this_year",
        "catch",
        "escapement",
        "closed",
        "full",
        "limit",
        "target",
        "threshold",
    ),
    *("b_trigger", "b_lim", "trigger", "average"),
)


def policy_dataset(policy: Policy, unit: str = "unknown") -> xr.Dataset:
    """Return a policy as plain arrays with names and units.

    Parameters
    ----------
    policy
        A table over observed biomass, alpha vectors over a belief, or a rule, as solvers return them.
    unit
        Of biomass.

    Raises
    ------
    PolicyError
        For a policy or rule of the user's own.

    Examples
    --------
    >>> table = TablePolicy(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.1, 0.5]), expected=1.0)
    >>> dataset = policy_dataset(table, "kt")
    >>> dataset.attrs["kind"], dataset.quota.attrs["units"], policy_of(dataset).quotas
    ('TablePolicy', 'kt', array([0. , 0.1, 0.5]))
    """
    kind = type(policy).__name__
    if kind not in _KINDS:
        raise PolicyError(
            f"cannot write a policy of the kind {kind}: expected one of {', '.join(_KINDS)}; one of your own is code: "
            "keep that instead"
        )
    to, _ = _KINDS[kind]
    dataset: xr.Dataset = to(policy, unit)
    dataset.attrs = {"schema": SCHEMA, "kind": kind, "unit": unit, **dataset.attrs}
    return dataset


def policy_of(dataset: xr.Dataset) -> Policy:
    """Return the policy that `policy_dataset` put into a Dataset.

    Raises
    ------
    PolicyError
        When the Dataset is another one.
    """
    schema, kind = dataset.attrs.get("schema"), dataset.attrs.get("kind")
    if schema != SCHEMA or kind not in _KINDS:
        raise PolicyError(
            f"found a policy of schema {schema!r} and kind {kind!r}, expected {SCHEMA!r} and one of "
            f"{', '.join(_KINDS)}; solve again, or use the version of ecodecide that wrote it"
        )
    try:
        found: Policy = _KINDS[kind][1](dataset)
    except (KeyError, TypeError, ValueError) as problem:
        raise PolicyError(f"a policy of kind {kind} is damaged: {problem!r}; solve again") from None
    return found


# --- tables over observed biomass ---


def _from_table(policy: TablePolicy | NearestPointPolicy, unit: str) -> xr.Dataset:
    biomass = ("observed_biomass", policy.points, _words("biomass observed before harvest", unit))
    return xr.Dataset(
        {
            "quota": ("observed_biomass", policy.quotas, _words("quota", unit)),
            "expected": ((), policy.expected, _words("biomass taken for granted before a survey", unit)),
        },
        coords={"observed_biomass": biomass},
    )


def _table(found: xr.Dataset) -> TablePolicy:
    return TablePolicy(found["observed_biomass"].values, found["quota"].values, float(found["expected"]))


def _nearest(found: xr.Dataset) -> NearestPointPolicy:
    return NearestPointPolicy(
        found["observed_biomass"].values, found["quota"].values, float(found["expected"])
    )


def _from_surface(policy: SurfacePolicy, unit: str) -> xr.Dataset:
    dataset = xr.Dataset(
        {
            "quota": (("observed_biomass", "level"), policy.quotas, _words("quota", unit)),
            "expected": ((), policy.expected, _words("biomass taken for granted before a survey", unit)),
            "chances": ("level", policy.chances, _words("probability of the level in the first year", "1")),
        },
        coords={
            "observed_biomass": (
                "observed_biomass",
                policy.points,
                _words("biomass observed before harvest", unit),
            ),
            "level": ("level", policy.levels, {"long_name": "second state: last escapement, or environment"}),
        },
    )
    if policy.transition is not None:
        words = _words("probability of the next level", "1")
        dataset["transition"] = (("level", "next_level"), policy.transition, words)
    return dataset


def _surface(found: xr.Dataset) -> SurfacePolicy:
    return SurfacePolicy(
        points=found["observed_biomass"].values,
        levels=found["level"].values,
        quotas=found["quota"].values,
        expected=float(found["expected"]),
        chances=found["chances"].values,
        transition=found["transition"].values if "transition" in found else None,
    )


# --- alpha vectors over a belief ---


def _from_belief(policy: BeliefPolicy, unit: str) -> xr.Dataset:
    arrays = policy.arrays
    grid = arrays.grid
    probability = "probability of the {}, given the {}"
    return xr.Dataset(
        {
            "alpha": (
                ("vector", "biomass"),
                policy.vectors,
                _words("value of a state under a vector", "profit"),
            ),
            "quota": ("vector", grid.quotas[policy.actions], _words("quota of the vector", unit)),
            "action": (
                "vector",
                np.asarray(policy.actions, dtype=np.int64),
                _words("number of the quota", "1"),
            ),
            "kernel": (
                ("escapement", "biomass"),
                arrays.kernel,
                _words(probability.format("next biomass", "escapement"), "1"),
            ),
            "observation": (
                ("biomass", "observed_biomass"),
                arrays.observation,
                _words(probability.format("observed biomass", "biomass"), "1"),
            ),
            "reward": (("biomass", "step"), arrays.reward, _words("profit of biomass and quota", "profit")),
            "initial": ("biomass", arrays.initial, _words("belief when the first quota is set", "1")),
        },
        coords={
            "biomass": ("biomass", grid.points, _words("biomass before harvest", unit)),
            "escapement": ("escapement", grid.points, _words("escapement", unit)),
            "observed_biomass": ("observed_biomass", grid.points, _words("biomass observed", unit)),
            "step": ("step", grid.quotas, _words("quota on offer", unit)),
        },
        attrs={
            "grid": json.dumps({"upper": grid.upper, "cells": int(grid.cells), "scheme": grid.scheme}),
            "discount": arrays.discount,
            "off_grid": arrays.off_grid,
            "implementation_cv": arrays.implementation_cv,
        },
    )


def _belief(found: xr.Dataset) -> BeliefPolicy:
    arrays = DiscreteProblem(
        grid=Grid(**json.loads(found.attrs["grid"])),
        kernel=found["kernel"].values,
        observation=found["observation"].values,
        reward=found["reward"].values,
        initial=found["initial"].values,
        discount=float(found.attrs["discount"]),
        off_grid=float(found.attrs["off_grid"]),
        implementation_cv=float(found.attrs["implementation_cv"]),
    )
    return BeliefPolicy(arrays, found["alpha"].values, found["action"].values.astype(np.intp))


# --- rules ---


def _from_rule(policy: RulePolicy | SeriesPolicy, unit: str) -> xr.Dataset:
    rule = type(policy.rule).__name__
    if rule not in _RULES:
        raise PolicyError(
            f"cannot write the rule {rule}: expected one of {', '.join(_RULES)}; one of your own is code: keep that "
            "instead"
        )
    variables: dict[str, Any] = _numbers(vars(policy.rule), unit, "rule_")
    own = {one.name: getattr(policy, one.name) for one in fields(policy) if one.name != "rule"}
    surveys = own.pop("surveys", None)
    variables |= _numbers(own, unit)
    if surveys is not None:
        words = _words("surveys before the first decision, oldest first (NaN: none)", unit)
        variables["surveys"] = ("past_year", np.asarray(surveys, dtype=float), words)
    return xr.Dataset(variables, attrs={"rule": rule})


def _numbers(values: Mapping[str, Any], unit: str, head: str = "") -> dict[str, Any]:
    """Return numbers by name, those that are None left out."""
    return {
        f"{head}{name}": ((), value, {"units": _unit(name, unit)})
        for name, value in values.items()
        if value is not None
    }


def _unit(name: str, unit: str) -> str:
    if name in _BIOMASS:
        return unit
    return "per year" if name in _PER_YEAR else "years" if name in _YEARS else "1"


def _read_numbers(found: xr.Dataset, names: list[str], head: str = "") -> dict[str, Any]:
    return {
        name: int(found[head + name]) if name in _YEARS else float(found[head + name])
        for name in names
        if head + name in found
    }


def _rule(found: xr.Dataset) -> RulePolicy:
    return RulePolicy(_named_rule(found), **_read_numbers(found, ["expected", "cap", "delay"]))


def _series(found: xr.Dataset) -> SeriesPolicy:
    numbers = _read_numbers(found, ["last", "this_year", "interval", "cap", "delay"])
    return SeriesPolicy(_named_rule(found), surveys=tuple(found["surveys"].values.tolist()), **numbers)


def _named_rule(found: xr.Dataset) -> Any:
    kind = _RULES[found.attrs["rule"]]
    return kind(**_read_numbers(found, [one.name for one in fields(kind)], "rule_"))


def _words(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}


_KINDS: dict[str, tuple[Any, Any]] = {
    "TablePolicy": (_from_table, _table),
    "NearestPointPolicy": (_from_table, _nearest),
    "SurfacePolicy": (_from_surface, _surface),
    "BeliefPolicy": (_from_belief, _belief),
    "RulePolicy": (_from_rule, _rule),
    "SeriesPolicy": (_from_rule, _series),
}
