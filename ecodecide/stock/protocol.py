"""The protocol that every stock obeys."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.stock.growth import Array
from ecodecide.stock.reference_points import ReferencePoints


class Stock(Protocol):
    """What every stock offers: parametric, ensemble or Gaussian process.

    `kernel` is the predictive mixture, for solvers; `draw` gives fixed worlds, for the evaluator. The two
    differ on purpose: redrawing the member each year would hide the risk in the parameters.
    """

    @property
    def unit(self) -> str:
        """The unit of biomass."""
        ...

    @property
    def carrying_capacity(self) -> Any:
        """The largest stable unfished equilibrium; an array with one value per replicate for drawn worlds."""
        ...

    def reference_points(self) -> ReferencePoints:
        """Return the reference points of the stock's best estimate."""
        ...

    def mean(self, escapement: ArrayLike) -> Array:
        """Return E[next biomass | escapement], with the noise's own mean."""
        ...

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Return P(next biomass in (edges[j], edges[j+1]] | escapements[i]), the lowest edge left out."""
        ...

    def draw(self, replicates: int, rng: np.random.Generator) -> Stock:
        """Return one fixed world per replicate; row r depends on the first r + 1 draws alone."""
        ...

    def step(self, escapement: Array, z: Array) -> Array:
        """Return the next biomass of each replicate; z is standard normal, one per replicate."""
        ...
