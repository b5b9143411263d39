"""What Memarzadeh & Boettiger 2019 show of two stocks' past, and whether their policies, solved again, agree."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ecodecide.reproduction.verdict import Claim, exactly

_ANY = float("inf")

_RULES = {"msy": "MSY", "tac": "TAC", "constant-escapement": "CE"}

_NEAR = 2.05
"""Steps of the grid: two, and what rounding adds."""


def _farthest(study: xr.Dataset, stock: str, policy: str) -> float:
    """Return the largest distance from the published quotas, in steps."""
    apart = study["apart"].sel(policy=policy).values[study["stock"].values == stock]
    return float(np.nanmax(np.abs(apart)))


def _total(study: xr.Dataset, stock: str, policy: str) -> float:
    """Return the sum of quotas found here over that of the paper's, less 1."""
    here = study["stock"].values == stock
    known = study.sel(policy=policy).isel(record=here)
    seen = np.isfinite(known["published"].values)
    return float(known["advised"].values[seen].sum() / known["published"].values[seen].sum() - 1.0)


def claims() -> tuple[Claim, ...]:
    """Return the claims: every published quota of the rules, and those of the POMDPs as near as can be expected."""
    found = []
    for stock, figure in (("hake", "5, B"), ("plaice", "5, B")):
        for policy, name in _RULES.items():
            found.append(
                Claim(figure, f"{stock}, {name}: the published quota in every year (largest distance)", "figure",
                      exactly(lambda s, a=stock, p=policy: _farthest(s, a, p)), -_ANY, 1e-3, "steps", False)  # type: ignore[misc]
            )  # fmt: skip
        for error in ("0.10", "0.15"):
            policy = f"pomdp, {error}"
            found.append(
                Claim(figure, f"{stock}, POMDP, survey error {error}: within 2 steps in every year (largest distance)",
                      "its solver stopped early",
                      exactly(lambda s, a=stock, p=policy: _farthest(s, a, p)), -_ANY, _NEAR, "steps", False)  # type: ignore[misc]
            )  # fmt: skip
            found.append(
                Claim(figure, f"{stock}, POMDP, survey error {error}: the sum of all quotas (within 10 %)", "figure",
                      exactly(lambda s, a=stock, p=policy: _total(s, a, p)), -0.1, 0.1, "%", False)  # type: ignore[misc]
            )  # fmt: skip
    return tuple(found)
