"""What the sections of a page are made of: a comparison, and what is made of it once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xarray as xr

from ecodecide.evaluation.comparison import Comparison
from ecodecide.evaluation.managed_stock import ManagedStock
from ecodecide.report.palette import PolicyStyle, policy_styles
from ecodecide.report.table import Amounts
from ecodecide.report.views import belief_view, futures_view, history_view, policy_view

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
