"""Policies in closed loop with a stock, all meeting the same luck.

One year: observe, set the quota, catch h = min(quota * implementation error, x), and the escapement x - h grows
to the next biomass. Every replicate lives in one fixed world and has its own stream of random numbers, drawn
by year and purpose: so all policies, in all worlds, meet the same recruitment, surveys and implementation errors,
and replicate 17 is the same in a run of 100 and of 10,000, of 20 years and of 50.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ecodecide import __version__
from ecodecide.decision.economy import Economy
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.evaluation.luck import PURPOSES, luck
from ecodecide.evaluation.table_futures import table_futures
from ecodecide.evaluation.world import World, as_worlds, check_implementation
from ecodecide.policy.protocol import Policy
from ecodecide.stock.growth import Array
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import Survey

SCHEMA = "ecodecide-evaluation-2"
"""The version of the layout of an evaluation's Dataset and file."""

_BLOCK = 256
"""Policies decide for this many replicates at a time, always: the last digits of a matrix product can depend
on its size, and must not depend on how many replicates were asked for."""

_WORLDS = 0
"""The spawn key of the draws of the worlds."""

_SERIES = ("biomass", "observed", "quota", "catch", "profit")


def evaluate(
    policies: Mapping[str, Policy],
    *,
    truth: Stock | World | Sequence[World],
    survey: Survey,
    economy: Economy,
    initial_biomass: float | Array | None = None,
    years: int = 50,
    replicates: int = 1000,
    seed: int = 1,
    implementation_cv: float = 0.0,
    first_survey: bool = True,
    first: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Simulate what each policy does to a stock and earns from it, in one world or several.

    Parameters
    ----------
    policies
        Policies by name.
    truth
        The stock as it really is, or worlds (`ecodecide.World`), each with a stock and more.
    survey, economy
        What is observed, and what a catch is worth.
    initial_biomass
        Biomass before the first harvest: a number, or one per replicate. None takes it from the drawn stock. It holds
        for the worlds that have none of their own, and so do `survey` and `implementation_cv`.
    years
        Number of decisions.
    replicates
        Number of simulated futures.
    seed
        A whole number of at least 0.
    implementation_cv
        The catch is the quota times a lognormal of median 1 and this CV, where the stock allows.
    first_survey
        Whether a survey precedes the first quota. Without, the value of a belief policy is that of its
        solver's bounds.
    first
        Number of the first replicate: a run may be simulated in parts, which together are the same as the whole.
    progress
        Called with a policy's name and the share of all work done.

    Returns
    -------
    xarray.Dataset
        Dimensions (policy, world, replicate, year): `biomass` before harvest, `observed`, `quota`, `catch` and
        `profit`; `final_biomass`, `carrying_capacity`, `b_msy`, `msy` and `allee_threshold` of each replicate; `draw`,
        a number that replicates share which live in the same of several draws of the stock.

    Raises
    ------
    EvaluationError
        When an argument means nothing.
    PolicyError
        When a policy sets a quota that is negative or not a number.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
    >>> problem = eco.HarvestProblem(stock=stock, survey=eco.PerfectSurvey())
    >>> runs = evaluate(
    ...     {"tac": eco.Precautionary("tac").solve(problem).policy},
    ...     truth=stock, survey=problem.survey, economy=problem.economy, initial_biomass=0.5,
    ...     years=10, replicates=5, seed=1,
    ... )
    >>> runs.biomass.sizes["year"], bool((runs.catch <= runs.biomass).all())
    (10, True)
    """
    check_settings(years, replicates, seed, implementation_cv, first)
    if not policies:
        raise EvaluationError("no policies to evaluate: give at least one, as {'name': policy}")
    for name, policy in policies.items():
        if not hasattr(policy, "decide"):
            kind = type(policy).__name__
            raise EvaluationError(f"{name!r} is a {kind}, not a policy: of a solution, give its .policy")
    worlds = as_worlds(truth)
    _check_worlds(worlds, years)
    chance = _Luck(seed, replicates, years, first)
    shape = (len(policies), len(worlds), replicates)
    series = {key: np.empty((*shape, years)) for key in _SERIES} | {"final_biomass": np.empty(shape)}
    drawn = [w.drawn(replicates, first, np.random.SeedSequence(seed, spawn_key=(_WORLDS,))) for w in worlds]
    points = [reference_points(eras[0][1], replicates) for eras, _ in drawn]
    with threadpool_limits(limits=1):
        for w, (world, (eras, _)) in enumerate(zip(worlds, drawn, strict=True)):
            if world.initial_biomass is None:
                world = replace(world, initial_biomass=initial_biomass)
            loop = _Loop(
                eras,
                world.survey or survey,
                economy,
                world.start(eras[0][1], chance.start),
                chance,
                implementation_cv if world.implementation_cv is None else world.implementation_cv,
                first_survey,
                world.autocorrelation,
                world.path("productivity", years),
                world.path("prices", years),
            )
            for p, (name, policy) in enumerate(policies.items()):

                def report(share: float, name: str = name, done: int = w * len(policies) + p) -> None:
                    if progress is not None:
                        progress(name, (done + share) / (len(worlds) * len(policies)))

                for key, values in loop.run(name, policy, report).items():
                    series[key][p, w] = values
    dims = ("policy", "world", "replicate", "year")
    dataset = xr.Dataset(
        {key: (dims[: values.ndim], values) for key, values in series.items()},
        coords={
            "policy": list(policies),
            "world": [world.name for world in worlds],
            "replicate": np.arange(first, first + replicates),
            "year": np.arange(years),
        },
    )
    for key in points[0]:
        dataset[key] = (("world", "replicate"), np.stack([one[key] for one in points]))
    _number_draws(dataset, [numbers for _, numbers in drawn])
    settings = {
        "economy": vars(economy),
        "survey": repr(survey),
        "implementation_cv": implementation_cv,
        "first_survey": first_survey,
        "order_of_events": "observe, set quota, catch, recruit",
        "worlds": [world.describe() for world in worlds],
    }
    return _annotate(dataset, drawn[0][0][0][1].unit, economy, seed, settings)


def _check_worlds(worlds: Sequence[World], years: int) -> None:
    """Refuse worlds that do not go together, or with the number of years, before any work."""
    units = {stock.unit for world in worlds for _, stock in world.eras if hasattr(stock, "unit")}
    if len(units) > 1:
        raise EvaluationError(f"worlds must share one unit of biomass, got {', '.join(sorted(units))}")
    for world in worlds:
        world.check(years)


def check_settings(years: int, replicates: int, seed: int, implementation_cv: float, first: int = 0) -> None:
    """Refuse settings that mean nothing, before any work.

    Raises
    ------
    EvaluationError
        For the first of them.
    """
    least = (("years", years, 1), ("replicates", replicates, 1), ("seed", seed, 0), ("first", first, 0))
    for name, value, low in least:
        if not isinstance(value, int | np.integer) or value < low:
            raise EvaluationError(f"{name} must be a whole number of at least {low}, got {value!r}")
    check_implementation(implementation_cv)


@dataclass(frozen=True)
class _Luck:
    """The luck of a run: that of all years is drawn when a policy needs it that is not compiled."""

    seed: int
    replicates: int
    years: int
    first: int

    @cached_property
    def all(self) -> Array:
        """Shape (replicates, years, purposes)."""
        return luck(self.seed, self.replicates, self.years, self.first)

    @cached_property
    def start(self) -> Array:
        """Shape (replicates,): that of the biomass before the first harvest."""
        return luck(self.seed, self.replicates, 1, self.first)[:, 0, PURPOSES.index("start")]


@dataclass(frozen=True, eq=False)
class _Loop:
    """One world with its luck, in which any policy can be run."""

    eras: list[tuple[int, Any]]
    survey: Survey
    economy: Economy
    start: Array
    luck: _Luck
    implementation_cv: float
    first_survey: bool
    autocorrelation: float
    productivity: Array | None
    prices: Array | None

    def run(self, name: str, policy: Policy, report: Callable[[float], None]) -> dict[str, Array]:
        """Return the series of a policy, shape (replicates, years), and the biomass after the last."""
        compiled = self._compiled(name, policy)
        if compiled is not None:
            report(1.0)
            return compiled
        replicates, years, luck = self.luck.replicates, self.luck.years, self.luck.all
        implementation = np.exp(np.sqrt(np.log1p(self.implementation_cv**2)) * luck[..., 2])
        series = {key: np.empty((replicates, years)) for key in _SERIES}
        biomass, caught = self.start, None
        memories = [policy.start(_BLOCK) for _ in range(0, replicates, _BLOCK)]
        for year in range(years):
            observed = self.survey.sample(biomass, luck[:, year, 1])
            if year == 0 and not self.first_survey:
                observed = np.full(replicates, np.nan)
            quota = np.empty(replicates)
            for i in range(len(memories)):
                block = slice(i * _BLOCK, (i + 1) * _BLOCK)
                last = None if caught is None else _padded(caught[block])
                decided, memories[i] = policy.decide(memories[i], _padded(observed[block]), last)
                if np.shape(decided) != (_BLOCK,):
                    raise PolicyError(
                        f"policy {name!r} decided quotas of shape {np.shape(decided)}: expected one per "
                        f"observation, ({_BLOCK},)"
                    )
                quota[block] = decided[: len(quota[block])]
            good = np.isfinite(quota) & (quota >= 0.0)
            if not good.all():
                raise PolicyError(
                    f"policy {name!r} set the quota {quota[~good][0]} in year {year}: expected a number of at least 0"
                )
            caught = np.minimum(quota * implementation[:, year], biomass)
            profit = self._economy(year).profit(caught, biomass)
            for key, value in zip(_SERIES, (biomass, observed, quota, caught, profit), strict=True):
                series[key][:, year] = value
            biomass = self._grown(biomass - caught, year)
            report((year + 1) / years)
        return {**series, "final_biomass": biomass}

    def _compiled(self, name: str, policy: Policy) -> dict[str, Array] | None:
        """Return the same of a policy that is a table on stocks and surveys that the kernel knows, else None."""
        return table_futures(
            policy,
            self.eras,
            self.survey,
            self.economy,
            self.start,
            seed=self.luck.seed,
            years=self.luck.years,
            first=self.luck.first,
            implementation_cv=self.implementation_cv,
            first_survey=self.first_survey,
            autocorrelation=self.autocorrelation,
            productivity=self.productivity,
            prices=self.prices,
            name=name,
        )

    @cached_property
    def _recruitment(self) -> Array:
        """Recruitment deviations, shape (replicates, years), each with its correlation to the one before."""
        deviations = self.luck.all[..., 0].copy()
        for year in range(1, deviations.shape[1]):
            deviations[:, year] *= np.sqrt(1.0 - self.autocorrelation**2)
            deviations[:, year] += self.autocorrelation * deviations[:, year - 1]
        return deviations

    def _grown(self, escapement: Array, year: int) -> Array:
        stock = next(stock for begin, stock in reversed(self.eras) if begin <= year)
        if self.productivity is None or self.productivity[year] == 1.0:
            return np.asarray(stock.step(escapement, self._recruitment[:, year]))
        surplus = self.productivity[year] * (stock.growth(escapement) - escapement)
        return np.asarray(
            stock.noise.apply(np.maximum(escapement + surplus, 0.0), self._recruitment[:, year])
        )

    def _economy(self, year: int) -> Economy:
        if self.prices is None:
            return self.economy
        return replace(self.economy, price=self.economy.price * float(self.prices[year]))


def _padded(values: Array) -> Array:
    """Return a block of full size that is the policy's own; what is decided for the padding is dropped."""
    return np.pad(values, (0, _BLOCK - len(values)), mode="edge")


def reference_points(worlds: Stock, replicates: int) -> dict[str, Array]:
    """Return carrying capacity, B_MSY, MSY and Allee threshold (NaN: none, or not known) of each replicate's world.

    Raises
    ------
    EvaluationError
        When there are not as many worlds as replicates.
    """
    points = getattr(worlds, "worlds", None)
    nothing = np.array([np.nan])
    if points is None:
        columns = {
            "carrying_capacity": np.atleast_1d(np.asarray(worlds.carrying_capacity, dtype=float)),
            "b_msy": nothing,
            "msy": nothing,
            "allee_threshold": nothing,
        }
    else:
        columns = {
            "carrying_capacity": np.array([p.carrying_capacity for p in points]),
            "b_msy": np.array([p.b_msy for p in points]),
            "msy": np.array([p.msy for p in points]),
            "allee_threshold": np.array([p.allee_threshold for p in points], dtype=float),
        }
    given = len(columns["carrying_capacity"])
    if given not in (1, replicates):
        raise EvaluationError(
            f"the truth is {given} worlds and replicates is {replicates}: ask for as many replicates as worlds, or "
            "give a stock that draws its own"
        )
    return {key: np.broadcast_to(values, (replicates,)) for key, values in columns.items()}


def _number_draws(dataset: xr.Dataset, numbers: Sequence[Any]) -> None:
    """Tell which replicates live in the same draw of a stock; those of a stock that is known share one."""
    if all(one is None for one in numbers):
        return
    alike = np.zeros(dataset.sizes["replicate"], dtype=np.int64)
    dataset["draw"] = (
        ("world", "replicate"),
        np.stack([alike if one is None else np.asarray(one) for one in numbers]),
    )
    dataset["draw"].attrs = {
        "long_name": "the first replicate that lives in the same draw of the stock",
        "units": "1",
    }


def _annotate(
    dataset: xr.Dataset, unit: str, economy: Economy, seed: int, settings: dict[str, Any]
) -> xr.Dataset:
    names = {
        "biomass": "biomass before harvest",
        "observed": "observed biomass before harvest (NaN: no survey)",
        "quota": "quota",
        "catch": "catch",
        "final_biomass": "biomass after the last catch and growth",
        "carrying_capacity": "largest stable unfished equilibrium of the replicate's world",
        "b_msy": "biomass before harvest at maximum sustainable yield",
        "msy": "maximum sustainable yield per year",
        "allee_threshold": "biomass below which the stock dies out (NaN: none)",
    }
    for key, words in names.items():
        dataset[key].attrs = {"long_name": words, "units": unit}
    dataset["profit"].attrs = {"long_name": "profit of the year", "units": "price x unit of catch"}
    dataset["year"].attrs = {"long_name": "years from the first decision"}
    dataset.attrs = {
        "schema": SCHEMA,
        "ecodecide_version": __version__,
        "seed": seed,
        "settings": json.dumps(settings),
        "unit": unit,
        "discount": economy.discount,
        "years": dataset.sizes["year"],
    }
    return dataset
