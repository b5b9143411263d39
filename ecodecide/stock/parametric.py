"""A stock with a growth law and a noise, or a batch of such."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import StockError
from ecodecide.stock.growth import Array, GrowthLaw, Parameter, parameters, take, taken
from ecodecide.stock.noise import Noise
from ecodecide.stock.reference_points import ReferencePoints, law_reference_points


@dataclass(frozen=True, eq=False)
class ParametricStock:
    """A stock that grows by a law and is scattered by a noise.

    x' = noise(f(s), z): the next biomass before harvest depends on the escapement s alone.

    Parameters
    ----------
    growth
        A growth law, such as `Logistic`, or a user's own made by `growth`.
    noise
        `LognormalNoise`, `NormalNoise` or `UniformNoise`.
    unit
        The unit of biomass.
    initial_biomass
        Where the stock starts, before harvest, when that is known: one value per world of a batch.

    Raises
    ------
    StockError
        When growth or noise are not what they should be.

    Notes
    -----
    The parameters of law and noise may be arrays with one value per replicate: so a batch of fixed worlds is
    itself a ParametricStock (which is what `draw` of an ensemble returns), and `step` serves both.

    Examples
    --------
    >>> from ecodecide import Logistic, NormalNoise
    >>> stock = ParametricStock(Logistic(r=0.75, K=1.0), NormalNoise(sd=0.15))
    >>> stock.carrying_capacity
    1.0
    """

    growth: GrowthLaw
    noise: Noise
    unit: str = "K = 1"
    initial_biomass: Parameter | None = None

    def __post_init__(self) -> None:
        if not callable(self.growth) or not hasattr(self.growth, "scale"):
            raise StockError(
                f"growth must be a growth law, got {type(self.growth).__name__}; "
                "wrap a function of your own as ecodecide.growth(function)"
            )
        if not hasattr(self.noise, "cdf"):
            raise StockError(f"noise must be LognormalNoise, NormalNoise or UniformNoise, got {self.noise!r}")

    @cached_property
    def _batch(self) -> int | None:
        """The number of worlds when parameters are arrays, None for a single one."""
        sizes = [np.size(v) for v in parameters(self.growth).values() if np.ndim(v)]
        return sizes[0] if sizes else None

    def take(self, places: Any) -> ParametricStock:
        """Return the worlds of a batch at some places, as a batch; at one place, with scalar parameters."""
        noise = replace(self.noise, **{k: taken(v, places) for k, v in vars(self.noise).items()})  # type: ignore[type-var]
        initial = taken(self.initial_biomass, places)
        return ParametricStock(take(self.growth, places), noise, self.unit, initial)

    def member(self, index: int) -> ParametricStock:
        """Return one world of a batch, with scalar parameters."""
        return self.take(index)

    @cached_property
    def world_numbers(self) -> Any:
        """Shape (worlds,): for each world of a batch the place of the first that is like it; None for a single one."""
        if self._batch is None:
            return None
        everything = [*parameters(self.growth).values(), *vars(self.noise).values()]
        columns = [np.asarray(value, dtype=float) for value in everything if np.ndim(value)]
        _, place, like = np.unique(np.column_stack(columns), axis=0, return_index=True, return_inverse=True)
        return place[like.reshape(-1)]

    def reference_points(self) -> ReferencePoints:
        """Return MSY, where it is taken, the carrying capacity and the Allee threshold of the growth law."""
        if self._batch is not None:
            raise StockError("reference points are of one world; take stock.member(i) of a batch")
        return law_reference_points(self.growth)

    @cached_property
    def worlds(self) -> tuple[ReferencePoints, ...]:
        """The reference points of each world of a batch, or of the one."""
        if self._batch is None:
            return (self.reference_points(),)
        return tuple(self.member(i).reference_points() for i in range(self._batch))

    @cached_property
    def carrying_capacity(self) -> Any:
        """The largest stable unfished equilibrium, whatever the law's parameters are called."""
        capacity = np.array([w.carrying_capacity for w in self.worlds])
        return float(capacity[0]) if self._batch is None else capacity

    def mean(self, escapement: ArrayLike) -> Array:
        """Return E[next biomass | escapement], with the noise's own mean."""
        return self.noise.mean(self.growth(escapement))

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Return P(next biomass in (edges[j], edges[j+1]] | escapements[i]) from the noise's cdf."""
        if self._batch is not None or any(np.ndim(value) for value in vars(self.noise).values()):
            raise StockError("a kernel is of one world; take stock.member(i) of a batch")
        below = self.noise.cdf(edges[None, :], self.growth(escapements)[:, None])
        return np.diff(below, axis=1)

    def draw(self, replicates: int, rng: np.random.Generator) -> ParametricStock:
        """Return itself: its parameters are known, so every replicate lives in the same world."""
        return self

    def step(self, escapement: Array, z: Array) -> Array:
        """Return the next biomass of each replicate."""
        return self.noise.apply(self.growth(escapement), z)
