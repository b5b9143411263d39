"""A batch of worlds that do not all grow by the same law."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecodecide.stock.growth import Array, GrowthLaw, Parameter, take


@dataclass(frozen=True, eq=False)
class MixedGrowth:
    """Growth laws of several kinds, one per replicate.

    Parameters
    ----------
    laws
        Batches of laws, each of one kind.
    which, row
        Shape (replicates,): which of them a replicate grows by, and its place in that batch.

    Examples
    --------
    >>> from ecodecide.stock.growth import Logistic, Ricker
    >>> one_each = (Logistic(np.array([0.5]), np.array([1.0])), Ricker(np.array([0.5]), np.array([1.0])))
    >>> law = MixedGrowth(one_each, which=np.array([0, 1]), row=np.array([0, 0]))
    >>> law(0.5).round(3)
    array([0.625, 0.642])
    """

    laws: tuple[GrowthLaw, ...]
    which: NDArray[np.int64]
    row: NDArray[np.int64]
    name: ClassVar[str] = "mixed"

    def parameters(self) -> dict[str, Parameter]:
        """Return which law each replicate grows by: of their own parameters they share no names."""
        return {"which": self.which, "row": self.row}

    def take(self, places: Any) -> GrowthLaw:
        """Return the laws at some places; at one place that law itself."""
        which, row = self.which[places], self.row[places]
        if np.ndim(which) == 0:
            return take(self.laws[int(which)], int(row))
        return MixedGrowth(self.laws, which, row)

    @cached_property
    def _parts(self) -> list[tuple[NDArray[np.intp], GrowthLaw]]:
        """Where each law is, and the batch of it that is there."""
        places = [np.flatnonzero(self.which == number) for number in range(len(self.laws))]
        return [(at, take(self.laws[n], self.row[at])) for n, at in enumerate(places) if at.size]

    @cached_property
    def scale(self) -> Parameter:
        """A biomass of the order of the carrying capacity, one per replicate."""
        scale = np.empty(self.which.size)
        for at, law in self._parts:
            scale[at] = law.scale
        return scale

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return f(escapement), replicates last."""
        s = np.asarray(escapement, dtype=float)
        s = np.broadcast_to(s, np.broadcast_shapes(s.shape, self.which.shape))
        grown = np.empty(s.shape)
        for at, law in self._parts:
            grown[..., at] = law(s[..., at])
        return grown
