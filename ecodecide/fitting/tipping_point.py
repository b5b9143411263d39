"""What a fit says of a tipping point: whether there is one, whether the stock is below it, and whether it can tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kstest

from ecodecide.fitting.posterior import Posterior
from ecodecide.stock.growth import Array

TELLING = 0.2
"""How far a probability must have moved, from prior to posterior, for the data to have told anything."""


@dataclass(frozen=True)
class TippingPoint:
    """What one law says.

    Attributes
    ----------
    exists
        The probability that there is a threshold below which the stock dies.
    below
        The probability that there is one and that the stock is below it.
    number
        The number that decides it, such as ``C/K``; empty where the law has none.
    moved
        The largest difference between prior and posterior probability that this number is below any value (the
        Kolmogorov-Smirnov distance); None without such a number.
    """

    exists: float
    below: float
    number: str
    moved: float | None

    @property
    def told(self) -> bool:
        """Whether the data had anything to say: some probability has moved by 20 points."""
        return self.moved is not None and self.moved >= TELLING

    @property
    def words(self) -> str:
        """The finding as a sentence; empty where the law has no tipping point by its making."""
        if self.moved is None:
            return ""
        if self.told:
            return (
                f"the data tell of {self.number}: a probability about it differs from what was believed before by "
                f"{100 * self.moved:.0f} points"
            )
        return (
            f"the data cannot tell: no probability about {self.number} differs from what was believed before by "
            f"{100 * TELLING:.0f} points (at most {100 * self.moved:.0f})"
        )


def tipping_point(posterior: Posterior) -> TippingPoint:
    """Return what the posterior of one law says of a tipping point."""
    number = "" if posterior.record is None else posterior.record.model.family.threshold
    moved = None
    if number and posterior.record is not None:
        names = [prior.name for prior in posterior.record.model.priors]
        place = names.index(number)
        prior = posterior.record.model.priors[place]
        standard = (posterior.record.points[..., place].ravel() - prior.location) / prior.spread
        moved = float(kstest(standard, "norm").statistic)
    exists, below = float(has_threshold(posterior).mean()), float(is_below(posterior).mean())
    return TippingPoint(exists, below, number, moved)


def has_threshold(posterior: Posterior) -> Array:
    """Return, for each draw, 1 where its law has a threshold below which the stock dies, and 0 where not."""
    return np.array([float(bool(world.allee_threshold)) for world in posterior.members.worlds])


def is_below(posterior: Posterior) -> Array:
    """Return, for each draw, 1 where the stock is below its threshold today, and 0 where not, or where it has none."""
    thresholds = np.array([world.allee_threshold or 0.0 for world in posterior.members.worlds])
    return np.asarray(np.asarray(posterior.members.initial_biomass) < thresholds, dtype=float)
