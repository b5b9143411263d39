"""What a catch is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import ProblemError
from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class Economy:
    """Price, costs and discount of a fishery.

    The profit of a year is price h - effort_cost h/x - fixed_cost [h > 0], with h the catch and x the biomass
    before harvest, so h/x is the effort (Gordon-Schaefer). Net present value sums discount^t times the
    profit over decisions t = 0, 1, 2, ...

    Parameters
    ----------
    price
        Per unit of catch.
    effort_cost
        Per unit of effort h/x.
    fixed_cost
        Per year in which anything is caught.
    discount
        A factor in (0, 1), never a rate: a discount rate of 5 % is the factor 1/1.05.

    Raises
    ------
    ProblemError
        When the discount is not in (0, 1) or another value is negative.

    Examples
    --------
    >>> float(Economy(price=2.0, discount=0.95).profit(0.3, 1.0))
    0.6
    """

    price: float = 1.0
    effort_cost: float = 0.0
    fixed_cost: float = 0.0
    discount: float = 0.95

    def __post_init__(self) -> None:
        if not 0.0 < self.discount < 1.0:
            raise ProblemError(
                f"discount must be a factor in (0, 1), got {self.discount}; "
                "a discount rate d per year is the factor 1/(1 + d)"
            )
        for name in ("price", "effort_cost", "fixed_cost"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0.0):
                raise ProblemError(f"{name} must be a number of at least 0, got {value}")

    def profit(self, catch: ArrayLike, biomass: ArrayLike) -> Array:
        """Return the profit of a year, for catches and biomass before harvest of one shape."""
        catch, biomass = np.asarray(catch, dtype=float), np.asarray(biomass, dtype=float)
        zeros = np.zeros(np.broadcast_shapes(catch.shape, biomass.shape))
        effort = np.divide(catch, biomass, out=zeros, where=biomass > 0.0)
        profit: Array = self.price * catch - self.effort_cost * effort - self.fixed_cost * (catch > 0.0)
        return profit
