"""What the sections of a page are made of: a comparison, and what is made of it once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from ecodecide.evaluation.comparison import Comparison
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.report.html.markup import Markup, join, tag
from ecodecide.report.interactive.trade_off import RISK_WORDS
from ecodecide.report.palette import PolicyStyle, policy_styles
from ecodecide.report.table import Amounts
from ecodecide.report.views import belief_view, futures_view, history_view, policy_view, trade_off_view

_WORMS = 10
"""Futures shown whole: as many as can be followed with the eye."""


@dataclass(frozen=True, eq=False)
class Material:
    """A comparison, as plain values and as the views that several sections show.

    Attributes
    ----------
    comparison
        What `ecodecide.compare` returned.
    """

    comparison: Comparison

    @property
    def managed(self) -> ManagedStock:
        """The stock as its managers know it."""
        return self.comparison.managed

    @cached_property
    def found(self) -> Mapping[str, Any]:
        """The comparison as plain values."""
        return self.comparison.to_dict()

    @cached_property
    def policies(self) -> list[str]:
        """The names of the policies that were found."""
        return list(self.comparison.solutions)

    @cached_property
    def worlds(self) -> list[str]:
        """The names of the worlds."""
        return list(self.comparison.robustness.worlds)

    @property
    def in_world(self) -> Markup | None:
        """Which world a figure is of, where there are several: the program keeps it to the one that is chosen."""
        first, *others = self.worlds
        return join("In the world ", tag("b", first, class_="world-shown"), ". ") if others else None

    @cached_property
    def styles(self) -> Mapping[str, PolicyStyle]:
        """The look of each policy."""
        return policy_styles(self.policies)

    @cached_property
    def history(self) -> xr.Dataset:
        """See `history_view`."""
        return history_view(self.managed)

    @cached_property
    def policy(self) -> xr.Dataset:
        """See `policy_view`."""
        return policy_view(self.managed)

    @cached_property
    def futures(self) -> xr.Dataset:
        """See `futures_view`."""
        return futures_view(self.comparison, worms=_WORMS)

    @cached_property
    def belief(self) -> xr.Dataset:
        """See `belief_view`."""
        return belief_view(self.managed)

    @cached_property
    def trade_off(self) -> xr.Dataset:
        """See `trade_off_view`."""
        return trade_off_view(self.comparison)

    def risk(self, policy: str, world: str) -> dict[str, float | None]:
        """Return what a policy risks in a world, with its interval; see `risk_kind`."""
        one = self.trade_off["risk"].sel(policy=policy, world=world)
        numbers = {key: float(one.sel(estimate=key)) for key in ("value", "low", "high")}
        return {key: x if np.isfinite(x) else None for key, x in numbers.items()}

    def risk_kind(self, world: str) -> str:
        """Return what is risked in a world: a collapse, or where the stock has collapsed, that it stays so."""
        return str(self.trade_off["risk_kind"].sel(world=world).values)

    @cached_property
    def risk_words(self) -> str:
        """The risk of all worlds in words, for the head of a table."""
        return " or ".join(RISK_WORDS[kind] for kind in dict.fromkeys(map(self.risk_kind, self.worlds)))

    @property
    def unit(self) -> str:
        """The unit of biomass and catch, nothing where it is not known."""
        unit = str(self.found["unit"])
        return "" if unit == "unknown" else unit

    @property
    def start(self) -> int:
        """The year of the first decision."""
        return int(self.history.attrs["decision_year"])

    @property
    def limit(self) -> str:
        """The limit of collapse in words."""
        return limit_words(str(self.found["settings"]["collapse"]))

    def amount(self, value: float) -> str:
        """Return an amount of biomass or catch in words, such as ``2.603 million t``."""
        size = Amounts([{"value": value}], self.unit)
        return f"{size(value)} {size.head}".strip()

    def between(self, low: float, high: float) -> str:
        """Return two amounts in words, such as ``2.572 to 2.635 million t``."""
        size = Amounts([{"low": low, "high": high}], self.unit)
        return f"{size(low)} to {size(high)} {size.head}".strip()

    @property
    def earned(self) -> str:
        """What follows an amount in words to make it one of value: nothing where a catch is worth what it weighs."""
        economy = self.found["settings"]["economy"]
        plain = economy["price"] == 1.0 and not economy["effort_cost"] and not economy["fixed_cost"]
        return "" if plain else " × price"


def limit_words(collapse: str) -> str:
    """Return a limit of collapse in words.

    Examples
    --------
    >>> limit_words("0.1K"), limit_words("0.2BMSY")
    ('0.1 of the carrying capacity', '0.2 of B_MSY')
    """
    from ecodecide.evaluation.limits import read_limit

    factor, of = read_limit(collapse)
    if of is None:
        return f"a biomass of {factor:g}"
    if of == "allee_threshold":
        return "the Allee threshold, where the stock has one"
    return f"{factor:g} of {'the carrying capacity' if of == 'carrying_capacity' else 'B_MSY'}"
