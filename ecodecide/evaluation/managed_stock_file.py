"""A managed stock in a file: history, fit, decision problem and policies, each a group that xarray opens."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import xarray as xr

from ecodecide.decision.economy import Economy
from ecodecide.decision.grid import Grid
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EcodecideError, EvaluationError, PolicyError
from ecodecide.evaluation.grouped_file import own_names, read_groups, write_groups
from ecodecide.evaluation.managed_stock import CodePolicy, ManagedStock
from ecodecide.fitting.stock_file import STOCK, stock_dataset, stock_of
from ecodecide.history.history_dataset import history_dataset, history_of
from ecodecide.solvers.solution import Solution
from ecodecide.solvers.solution_file import solution_dataset, solution_of
from ecodecide.stock.survey import parse_survey, survey_text

SCHEMA = "ecodecide-managed-stock-1"
"""The version of the layout of the groups, the attribute ``managed_stock`` of the root."""

_POLICIES = "policies"


def save_managed_stock(managed: ManagedStock, path: str | os.PathLike[str]) -> None:
    """Write a managed stock to a NetCDF file, whole or not at all; see `ManagedStock.save`."""
    attributes, groups = managed_stock_groups(managed)
    write_groups(xr.Dataset(attrs=attributes), groups, path)


def load_managed_stock(path: str | os.PathLike[str]) -> ManagedStock:
    """Return the managed stock of a file: one saved alone, or that of a comparison or of an advice.

    How long solvers took is not in a file. A policy of the user's own is not either: it refuses to decide.

    Raises
    ------
    EvaluationError
        When the file cannot be read, or holds none.
    """
    return managed_stock_of(read_groups(path), path)


def managed_stock_groups(managed: ManagedStock) -> tuple[dict[str, Any], dict[str, xr.Dataset]]:
    """Return a managed stock as attributes of the root, and as Datasets by the names of their groups.

    Raises
    ------
    EvaluationError
        When survey or growth law are of the user's own.
    """
    problem = managed.problem
    try:
        groups = {
            "history": history_dataset(managed.history),
            STOCK: stock_dataset(managed.posterior),
            "problem": xr.Dataset(
                attrs={
                    "survey": survey_text(problem.survey),
                    "economy": json.dumps(vars(problem.economy)),
                    "grid": json.dumps(
                        {
                            "upper": problem.grid.upper,
                            "cells": int(problem.grid.cells),
                            "scheme": problem.grid.scheme,
                        }
                    ),
                    "implementation_cv": problem.implementation_cv,
                }
            ),
        }
    except EcodecideError as refused:
        raise EvaluationError(str(refused)) from None
    places: dict[str, str] = {}
    for name, solution in managed.solutions.items():
        try:
            dataset = solution_dataset(solution, managed.posterior.unit)
        except PolicyError as refused:
            words = {
                "status": solution.status,
                "converged": int(solution.converged),
                "iterations": int(solution.iterations),
                "settings": json.dumps(dict(solution.settings), default=str),
            }
            bounds = {"lower": solution.lower, "upper": solution.upper}
            dataset = xr.Dataset(
                attrs={
                    "why_not": getattr(solution.policy, "why", str(refused)),
                    **words,
                    **{key: value for key, value in bounds.items() if value is not None},
                }
            )
        # a name may hold what the name of a group may not, such as a slash, which parts groups
        plain = re.sub(r"[^\w +-]", "_", name).strip() or "policy"
        while plain in places.values():
            plain += "_"
        places[name] = plain
        groups[f"{_POLICIES}/{plain}"] = dataset
    attributes = {
        "managed_stock": SCHEMA,
        "policies": json.dumps(places),
        "failures": json.dumps(dict(managed.failures)),
    }
    return attributes, groups


def managed_stock_of(groups: Mapping[str, xr.Dataset], path: str | os.PathLike[str]) -> ManagedStock:
    """Return the managed stock that groups hold.

    Raises
    ------
    EvaluationError
        When they hold none; `path` names the file.
    """
    root = groups["/"]
    schema = root.attrs.get("managed_stock")
    if schema != SCHEMA:
        raise EvaluationError(
            f"{path}: found {f'schema {schema!r}' if schema else 'no managed stock'}, expected {SCHEMA!r}: give a file "
            "that `ecodecide compare -o` or `ecodecide recommend -o` of this version wrote"
        )
    try:
        history = history_of(own_names(groups["history"], "history"))
        posterior = stock_of(own_names(groups[STOCK], STOCK))
        told = groups["problem"].attrs
        problem = HarvestProblem(
            stock=posterior,
            survey=parse_survey(told["survey"]),
            economy=Economy(**json.loads(told["economy"])),
            grid=Grid(**json.loads(told["grid"])),
            history=history,
            implementation_cv=float(told["implementation_cv"]),
        )
        solutions = {
            name: _solution(groups[f"{_POLICIES}/{place}"])
            for name, place in json.loads(root.attrs["policies"]).items()
        }
        return ManagedStock(history, posterior, problem, solutions, json.loads(root.attrs["failures"]))
    except (AttributeError, KeyError, TypeError, ValueError) as problem_met:
        raise EvaluationError(f"{path} is damaged: {problem_met!r}; write it again") from None


def _solution(dataset: xr.Dataset) -> Solution:
    why = dataset.attrs.get("why_not")
    if why is None:
        return solution_of(own_names(dataset, _POLICIES))
    told = dataset.attrs
    return Solution(
        CodePolicy(str(why)),
        status=str(told["status"]),
        lower=told.get("lower"),
        upper=told.get("upper"),
        converged=bool(told["converged"]),
        iterations=int(told["iterations"]),
        seconds=float("nan"),
        settings=json.loads(told["settings"]),
    )
