"""A fitted stock: an ensemble of laws with where each stands today, which every solver takes as a stock."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ecodecide.fitting.record import FitRecord
from ecodecide.stock.growth import Array, parameters
from ecodecide.stock.parametric import ParametricStock
from ecodecide.stock.reference_points import ReferencePoints
from ecodecide.stock.survey import Survey


@dataclass(frozen=True, eq=False)
class Posterior:
    """What a history says about a stock.

    As a stock it is a mixture: `kernel` and `mean` average over the members, which is what a solver plans
    for; `draw` gives each replicate one member for good, with its own biomass today.

    Attributes
    ----------
    law
        Name of the growth law.
    best
        The stock at the maximum of the posterior: what rules take their reference points from.
    members
        A batch of worlds, one per posterior draw; ``members.initial_biomass`` is the biomass of each after
        the last catch and growth (in the last year itself where its catch is not known).
    survey
        The error of an observation, as estimated from an index or assumed for an assessment's output.
    observed
        What the survey stands on, in words.
    terminal_edges, terminal_mass
        Cells and probabilities of the biomass today.
    best_biomass
        Shape (years,): mean biomass of each year of the history given all of it, at `best`.
    trajectory_biomass
        Shape (draws, years): joint posterior draws of the biomass of each year.
    log_posterior
        At `best`, up to a constant.
    assumptions
        What was assumed, one line each.
    status, converged
        How the search ended.
    settings
        For the record.
    log_evidence
        Log marginal likelihood of the history, over all of the priors, up to a constant that all laws share.
    record
        The draws, chain by chain, of a fit of one law; None of an average of several.
    seconds
        How long the fit took.
    """

    law: str
    best: ParametricStock
    members: ParametricStock
    survey: Survey
    observed: str
    terminal_edges: Array
    terminal_mass: Array
    best_biomass: Array
    trajectory_biomass: Array
    log_posterior: float
    assumptions: tuple[str, ...]
    status: str
    converged: bool
    settings: Mapping[str, Any] = field(default_factory=dict)
    log_evidence: float = float("nan")
    record: FitRecord | None = None
    seconds: float = float("nan")

    @property
    def unit(self) -> str:
        """The unit of biomass."""
        return self.best.unit

    @property
    def carrying_capacity(self) -> float:
        """The largest stable unfished equilibrium, at the best estimate."""
        return float(self.best.carrying_capacity)

    def reference_points(self) -> ReferencePoints:
        """Return the reference points of the best estimate."""
        return self.best.reference_points()

    def mean(self, escapement: ArrayLike) -> Array:
        """Return E[next biomass | escapement], averaged over the members."""
        s = np.asarray(escapement, dtype=float)
        return np.asarray(self.members.mean(s[..., None]).mean(axis=-1), dtype=float)

    def kernel(self, escapements: Array, edges: Array) -> Array:
        """Return P(next biomass in (edges[j], edges[j+1]] | escapements[i]), averaged over the members."""
        rows = np.empty((len(escapements), len(edges) - 1))
        for i, s in enumerate(escapements):
            grown = self.members.growth(np.asarray(s)[None])
            below = self.members.noise.cdf(edges[:, None], np.broadcast_to(grown, (1, self.size)))
            rows[i] = np.diff(below.mean(axis=1))
        return rows

    @property
    def size(self) -> int:
        """The number of members."""
        return int(np.asarray(self.members.initial_biomass).size)

    def draw(self, replicates: int, rng: np.random.Generator) -> ParametricStock:
        """Return one member per replicate, in turn: the members are draws already."""
        return self.members.take(np.arange(replicates) % self.size)

    def step(self, escapement: Array, z: Array) -> Array:
        """Return the next biomass of each replicate under the best estimate; draw worlds for anything else."""
        return self.best.step(escapement, z)

    def terminal_belief(self, edges: Array) -> Array:
        """Return the belief about the biomass today on other cells, the first of which is extinction.

        Probability is spread evenly within the cells it was computed on, and moved without loss.
        """
        cumulative = np.concatenate([[0.0], np.cumsum(self.terminal_mass[1:])])
        below = self.terminal_mass[0] + np.interp(edges[1:], self.terminal_edges[1:], cumulative)
        below[-1] = self.terminal_mass.sum()
        # rounding can turn an empty cell negative
        mass = np.maximum(np.diff(np.concatenate([[0.0], below])), 0.0)
        return np.asarray(mass / mass.sum(), dtype=float)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the stock to a NetCDF file, whole or not at all; `ecodecide.load_stock` reads it.

        Raises
        ------
        FitError
            When the file cannot be written, or the stock has a law or a survey of the user's own.
        """
        from ecodecide.fitting.stock_file import save_stock

        save_stock(self, path)

    def summary(self) -> dict[str, dict[str, float]]:
        """Return median and 90 % interval of what a manager asks about, by name, in units of the history."""
        worlds = self.members.worlds
        today = np.asarray(self.members.initial_biomass)
        points = {
            name: np.array([getattr(world, name) for world in worlds])
            for name in ("carrying_capacity", "msy", "b_msy", "escapement_msy", "f_msy")
        }
        with np.errstate(divide="ignore", invalid="ignore"):
            quantities = {
                **self._numbers(),
                "process_sigma": np.asarray(self.members.noise.sigma),  # type: ignore[attr-defined]
                **points,
                "biomass_now": today,
                "b_bmsy": today / points["b_msy"],
            }
        found = {name: interval(values) for name, values in quantities.items()}
        return {name: estimate for name, estimate in found.items() if estimate is not None}

    def _numbers(self) -> dict[str, Array]:
        """Return the draws of a law's parameters and of what else was estimated; none of an average of laws."""
        if self.record is None:
            return {}
        found = {name: np.asarray(values) for name, values in parameters(self.members.growth).items()}
        for place, prior in enumerate(self.record.model.natural_priors):
            if prior.name not in found:
                found[prior.name] = self.record.numbers(place)
        found["psi"] = self.record.biomass[..., 0].ravel() / self.record.numbers(0)
        return found


def interval(values: Array) -> dict[str, float] | None:
    """Return median and 90 % interval of draws, None where none is finite."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return None
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"low": float(low), "median": float(median), "high": float(high)}
