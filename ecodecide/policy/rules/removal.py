"""Potential biological removal, the rule for marine mammals."""

from __future__ import annotations

from dataclasses import dataclass

from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class PotentialBiologicalRemoval:
    """PBR = N_min * R_max / 2 * F_r.

    Parameters
    ----------
    growth
        R_max, the largest net growth per head and year.
    minimum_share
        N_min as a share of the estimate: exp(z s) with z = -0.842, the 20th percentile of the standard normal, and
        s = sqrt(log(1 + CV^2)) the standard deviation of the log of a lognormal estimate.
    recovery
        F_r: 0.1 for endangered stocks, 0.5 for depleted and threatened ones and those of unknown status, up to 1.

    References
    ----------
    Wade 1998, Mar. Mamm. Sci. 14:1.

    Examples
    --------
    1,000 whales known without error, R_max = 0.04, F_r = 0.5:

    >>> import numpy as np
    >>> PotentialBiologicalRemoval(0.04, minimum_share=1.0, recovery=0.5).quota(np.array([1000.0]))
    array([10.])
    """

    growth: float
    minimum_share: float
    recovery: float = 0.5

    def quota(self, biomass: Array) -> Array:
        """Return the removal at an estimate of biomass or numbers."""
        return self.minimum_share * biomass * (0.5 * self.growth * self.recovery)
