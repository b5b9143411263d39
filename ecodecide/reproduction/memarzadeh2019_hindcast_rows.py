"""The hindcasts of Memarzadeh & Boettiger 2019 reproduced, as tables and as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from ecodecide.reproduction.rows import Row, Table, plain

CLAIM_HEADS = ("fig.", "claim", "the paper", "here")
"""The heads of the table of claims."""

CLAIMS_OF = " of figure 5 and appendix B"
"""What the claims are about, after the word."""

_RULES = ("msy", "tac", "constant-escapement")
_POMDPS = ("pomdp, 0.10", "pomdp, 0.15")
_HEADS = (
    "year", "observed", "caught", "MSY", "TAC", "CE",
    "POMDP .10\nthe paper", "here", "POMDP .15\nthe paper", "here",
)  # fmt: skip


def tables(study: xr.Dataset) -> list[Table]:
    """Return a table for each stock, and one of the solver's bounds."""
    found = [
        Table(
            f"{stock}, thousand t: rules as published, to the step; POMDP of the paper and here", _HEADS, rows
        )
        for stock in study["stock_name"].values
        for rows in [hindcast_rows(study, str(stock))]
    ]
    title = "Bounds of the POMDP's value, uniform belief, in units of the largest biomass"
    return [*found, Table(title, ("stock", "σm", "lower", "upper", "gap"), bound_rows(study))]


def hindcast_rows(study: xr.Dataset, stock: str) -> list[Row]:
    """Return a row per year of a stock: observed, caught, the rules, and each POMDP as published and as found here."""
    rows: list[Row] = []
    for record in np.flatnonzero(study["stock"].values == stock):
        one = study.isel(record=int(record))
        cells = [one["biomass"], one["catch"], *(one["advised"].sel(policy=rule) for rule in _RULES)]
        for pomdp in _POMDPS:
            cells += [one["published"].sel(policy=pomdp), one["advised"].sel(policy=pomdp)]
        rows.append((str(int(one["year"])), *(_thousands(float(cell)) for cell in cells)))
    return rows


def _thousands(tonnes: float) -> str:
    return "-" if np.isnan(tonnes) else f"{tonnes / 1000.0:.0f}"


def bound_rows(study: xr.Dataset) -> list[Row]:
    """Return a row per stock and survey error: lower and upper bound of the POMDP's value, and their gap."""
    rows: list[Row] = []
    for stock in study["stock_name"].values:
        for error in study["survey_error"].values:
            lower, upper = study["bounds"].sel(stock_name=stock, survey_error=error).values
            gap = f"{100.0 * (upper - lower) / upper:.2f} %"
            rows.append((str(stock), f"{error:g}", f"{lower:.4f}", f"{upper:.4f}", gap))
    return rows


def details(study: xr.Dataset) -> dict[str, Any]:
    """Return every year with its quotas, and the bounds, as plain values."""
    records = []
    for record in range(study.sizes["record"]):
        one = study.isel(record=record)
        records.append(
            {
                "stock": str(one["stock"].item()),
                "year": int(one["year"]),
                "biomass": plain(one["biomass"]),
                "catch": plain(one["catch"]),
                "policies": {
                    str(policy): {
                        name: plain(one[name].sel(policy=policy))
                        for name in ("published", "advised", "apart")
                    }
                    for policy in study["policy"].values
                },
            }
        )
    bounds = [
        {
            "stock": str(stock),
            "survey_error": float(error),
            "lower": float(one.sel(bound="lower")),
            "upper": float(one.sel(bound="upper")),
            "status": str(study["status"].sel(stock_name=stock, survey_error=error).item()),
        }
        for stock in study["stock_name"].values
        for error in study["survey_error"].values
        for one in [study["bounds"].sel(stock_name=stock, survey_error=error)]
    ]
    return {"records": records, "bounds": bounds}
