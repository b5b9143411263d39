"""Rules that keep something fixed: the share that is caught, the catch, or what is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecodecide.stock.growth import Array


@dataclass(frozen=True)
class ConstantRate:
    """A fixed share of the biomass: quota = rate * biomass.

    Parameters
    ----------
    rate
        The share of the biomass before harvest, per year.
    """

    rate: float

    def quota(self, biomass: Array) -> Array:
        """Return rate * biomass."""
        return self.rate * biomass


@dataclass(frozen=True)
class ConstantCatch:
    """The same quota every year, whatever the survey says; 0 is no fishing.

    Parameters
    ----------
    catch
        In units of biomass, per year.
    """

    catch: float

    def quota(self, biomass: Array) -> Array:
        """Return the constant."""
        return np.full_like(biomass, self.catch)


@dataclass(frozen=True)
class ConstantEscapement:
    """Everything above a fixed escapement: quota = max(biomass - escapement, 0).

    Not to be taken for `RateAbove`, which closes the fishery below a threshold too but catches a share above it.

    Parameters
    ----------
    escapement
        What is left after harvest, in units of biomass.

    References
    ----------
    Reed 1979, J. Environ. Econ. Manage. 6:350, doi:10.1016/0095-0696(79)90014-7.
    """

    escapement: float

    def quota(self, biomass: Array) -> Array:
        """Return what lies above the escapement."""
        return np.maximum(biomass - self.escapement, 0.0)
