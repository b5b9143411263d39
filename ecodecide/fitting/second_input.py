"""A second input of growth beside the escapement: a covariate, or the escapement of the year before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.errors import FitError
from ecodecide.fitting.growth_prior import coordinate
from ecodecide.stock.growth import Array


@dataclass(frozen=True, eq=False)
class SecondInput:
    """What growth depends on besides the escapement of the year.

    Attributes
    ----------
    kind
        ``"covariate"``: any number, such as a temperature, of the year in which the stock grows; ``"lag"``: the
        escapement of the year before.
    values
        Shape (draws, pairs): of each pair of escapement and next biomass; NaN where it is not known.

    Raises
    ------
    FitError
        For another kind, or values that never change.
    """

    kind: str
    values: Array

    def __post_init__(self) -> None:
        if self.kind not in ("covariate", "lag"):
            raise FitError(f"a second input is a 'covariate' or a 'lag', got {self.kind!r}")
        if np.any(np.isinf(self.values)) or (self.kind == "lag" and np.any(self.values < 0.0)):
            least = " and at least 0" if self.kind == "lag" else ""
            raise FitError(f"the {self.kind} must be finite{least}; use nan where it is not known")
        known = self.values[np.isfinite(self.values)]
        if known.size == 0 or np.ptp(known) == 0.0:
            raise FitError(
                f"the {self.kind} never changes (or is not known), so nothing of it can be learned; leave it out"
            )

    def scaled(self, values: ArrayLike, scale: float) -> Array:
        """Return values as the process sees them: a lag as the escapement, a covariate in standard deviations."""
        values = np.asarray(values, dtype=float)
        if self.kind == "lag":
            return np.where(
                np.isfinite(values), coordinate(np.where(np.isfinite(values), values, 0.0), scale), 0.0
            )
        centered = (values - np.nanmean(self.values)) / np.nanstd(self.values)
        return np.asarray(np.where(np.isfinite(centered), centered, 0.0))
