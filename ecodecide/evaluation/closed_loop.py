"""Policies in closed loop with a stock, all meeting the same luck.

One year: observe, set the quota, catch h = min(quota * implementation error, x), and the escapement x - h grows
to the next biomass. Every replicate lives in one fixed world and has its own stream of random numbers, drawn
by year and purpose: so all policies meet the same recruitment, surveys and implementation errors, and
replicate 17 is the same in a run of 100 and of 10,000, of 20 years and of 50.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ecodecide import __version__
from ecodecide.decision.economy import Economy
from ecodecide.errors import EvaluationError, PolicyError
from ecodecide.policy.protocol import Policy
from ecodecide.stock.growth import Array
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import Survey

SCHEMA = "ecodecide-evaluation-1"
"""The version of the layout of an evaluation's Dataset and file."""

_BLOCK = 256
"""Policies decide for this many replicates at a time, always: the last digits of a matrix product can depend
on its size, and must not depend on how many replicates were asked for."""

_WORLDS, _LUCK = 0, 1
_PURPOSES = ("recruitment", "survey", "implementation")


def evaluate(
    policies: Mapping[str, Policy],
    *,
    truth: Stock,
    survey: Survey,
    economy: Economy,
    initial_biomass: float | Array | None = None,
    years: int = 50,
    replicates: int = 1000,
    seed: int = 1,
    implementation_cv: float = 0.0,
    first_survey: bool = True,
    world: str = "truth",
    progress: Callable[[str, float], None] | None = None,
) -> xr.Dataset:
    """Simulate what each policy does to a stock and earns from it.

    Parameters
    ----------
    policies
        Policies by name.
    truth
        The stock as it really is. It is drawn once per replicate (`Stock.draw`): a fitted stock gives each
        replicate one joint draw of parameters and present biomass, for good.
    survey, economy
        What is observed, and what a catch is worth.
    initial_biomass
        Biomass before the first harvest: a number, or one per replicate. None takes it from the drawn worlds.
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
    world
        A name for this truth in the result.
    progress
        Called with a policy's name and the share of all work done.

    Returns
    -------
    xarray.Dataset
        Dimensions (policy, world, replicate, year): `biomass` before harvest, `observed`, `quota`, `catch` and
        `profit`; `final_biomass`, `carrying_capacity`, `b_msy` and `allee_threshold` of each replicate; `draw`, a
        number that replicates share which live in the same of several worlds.

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
    check_settings(years, replicates, seed, implementation_cv)
    if not policies:
        raise EvaluationError("no policies to evaluate: give at least one, as {'name': policy}")
    for name, policy in policies.items():
        if not hasattr(policy, "decide"):
            kind = type(policy).__name__
            raise EvaluationError(f"{name!r} is a {kind}, not a policy: of a solution, give its .policy")
    worlds = truth.draw(replicates, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_WORLDS,))))
    points = reference_points(worlds, replicates)
    start = _start(worlds, initial_biomass, replicates)
    luck = _luck(seed, replicates, years)
    runs: dict[str, dict[str, Array]] = {}
    with threadpool_limits(limits=1):
        for number, (name, policy) in enumerate(policies.items()):

            def report(share: float, name: str = name, number: int = number) -> None:
                if progress is not None:
                    progress(name, (number + share) / len(policies))

            runs[name] = _run(
                name, policy, worlds, survey, economy, start, luck, implementation_cv, first_survey, report
            )
    data = {
        key: (
            ("policy", "world", "replicate", "year")[: 2 + values.ndim],
            np.stack([run[key] for run in runs.values()])[:, None],
        )
        for key, values in runs[next(iter(runs))].items()
    }
    dataset = xr.Dataset(
        data,
        coords={
            "policy": list(policies),
            "world": [world],
            "replicate": np.arange(replicates),
            "year": np.arange(years),
        },
    )
    for key, values in points.items():
        dataset[key] = (("world", "replicate"), values[None, :])
    numbers = getattr(worlds, "world_numbers", None)
    if numbers is not None:
        dataset["draw"] = (("world", "replicate"), np.asarray(numbers)[None, :])
        dataset["draw"].attrs = {
            "long_name": "number of the fixed world; replicates may share one",
            "units": "1",
        }
    return _annotate(dataset, worlds.unit, economy, survey, seed, implementation_cv, first_survey)


def check_settings(years: int, replicates: int, seed: int, implementation_cv: float) -> None:
    """Refuse settings that mean nothing, before any work.

    Raises
    ------
    EvaluationError
        For the first of them.
    """
    for name, value, least in (("years", years, 1), ("replicates", replicates, 1), ("seed", seed, 0)):
        if not isinstance(value, int | np.integer) or value < least:
            raise EvaluationError(f"{name} must be a whole number of at least {least}, got {value!r}")
    if not (np.isfinite(implementation_cv) and implementation_cv >= 0.0):
        raise EvaluationError(f"implementation_cv must be a number of at least 0, got {implementation_cv}")


def _start(worlds: Stock, given: float | Array | None, replicates: int) -> Array:
    if given is None:
        given = getattr(worlds, "initial_biomass", None)
        if given is None:
            raise EvaluationError("this truth has no present biomass of its own: give initial_biomass")
    value = np.asarray(given, dtype=float)
    if value.shape not in ((), (replicates,)):
        raise EvaluationError(
            f"initial_biomass must be one number or one per replicate ({replicates}), got shape {value.shape}"
        )
    if not (np.isfinite(value).all() and (value >= 0.0).all()):
        raise EvaluationError("initial_biomass must be finite and at least 0 everywhere")
    return np.full(replicates, value)


def _luck(seed: int, replicates: int, years: int) -> Array:
    """Return standard normals, shape (replicates, years, purposes), from one stream per replicate."""
    luck = np.empty((replicates, years, len(_PURPOSES)))
    for r in range(replicates):
        stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_LUCK, r)))
        stream.standard_normal(out=luck[r])
    return luck


def _run(
    name: str,
    policy: Policy,
    worlds: Stock,
    survey: Survey,
    economy: Economy,
    start: Array,
    luck: Array,
    implementation_cv: float,
    first_survey: bool,
    report: Callable[[float], None],
) -> dict[str, Array]:
    replicates, years, _ = luck.shape
    spread = float(np.sqrt(np.log1p(implementation_cv**2)))
    series = {
        key: np.empty((replicates, years)) for key in ("biomass", "observed", "quota", "catch", "profit")
    }
    biomass, caught = start, None
    memories = [policy.start(_BLOCK) for _ in range(0, replicates, _BLOCK)]
    for year in range(years):
        recruitment, seen, implementation = luck[:, year].T
        observed = survey.sample(biomass, seen)
        if year == 0 and not first_survey:
            observed = np.full(replicates, np.nan)
        quota = np.empty(replicates)
        for i in range(len(memories)):
            block = slice(i * _BLOCK, (i + 1) * _BLOCK)
            last = None if caught is None else _padded(caught[block])
            decided, memories[i] = policy.decide(memories[i], _padded(observed[block]), last)
            if np.shape(decided) != (_BLOCK,):
                raise PolicyError(
                    f"policy {name!r} decided quotas of shape {np.shape(decided)}: expected one per observation, "
                    f"({_BLOCK},)"
                )
            quota[block] = decided[: len(quota[block])]
        good = np.isfinite(quota) & (quota >= 0.0)
        if not good.all():
            raise PolicyError(
                f"policy {name!r} set the quota {quota[~good][0]} in year {year}: expected a number of at least 0"
            )
        caught = np.minimum(quota * np.exp(spread * implementation), biomass)
        profit = economy.profit(caught, biomass)
        for key, value in zip(series, (biomass, observed, quota, caught, profit), strict=True):
            series[key][:, year] = value
        biomass = worlds.step(biomass - caught, recruitment)
        report((year + 1) / years)
    return {**series, "final_biomass": biomass}


def _padded(values: Array) -> Array:
    """Return a block of full size that is the policy's own; what is decided for the padding is dropped."""
    return np.pad(values, (0, _BLOCK - len(values)), mode="edge")


def reference_points(worlds: Stock, replicates: int) -> dict[str, Array]:
    """Return the carrying capacity, B_MSY and Allee threshold (NaN: none, or not known) of each replicate's world.

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
            "allee_threshold": nothing,
        }
    else:
        columns = {
            "carrying_capacity": np.array([p.carrying_capacity for p in points]),
            "b_msy": np.array([p.b_msy for p in points]),
            "allee_threshold": np.array([p.allee_threshold for p in points], dtype=float),
        }
    given = len(columns["carrying_capacity"])
    if given not in (1, replicates):
        raise EvaluationError(
            f"the truth is {given} worlds and replicates is {replicates}: ask for as many replicates as worlds, or "
            "give a stock that draws its own"
        )
    return {key: np.broadcast_to(values, (replicates,)) for key, values in columns.items()}


def _annotate(
    dataset: xr.Dataset,
    unit: str,
    economy: Economy,
    survey: Survey,
    seed: int,
    implementation_cv: float,
    first_survey: bool,
) -> xr.Dataset:
    names = {
        "biomass": "biomass before harvest",
        "observed": "observed biomass before harvest (NaN: no survey)",
        "quota": "quota",
        "catch": "catch",
        "final_biomass": "biomass after the last catch and growth",
        "carrying_capacity": "largest stable unfished equilibrium of the replicate's world",
        "b_msy": "biomass before harvest at maximum sustainable yield",
        "allee_threshold": "biomass below which the stock dies out (NaN: none)",
    }
    for key, words in names.items():
        dataset[key].attrs = {"long_name": words, "units": unit}
    dataset["profit"].attrs = {"long_name": "profit of the year", "units": "price x unit of catch"}
    dataset["year"].attrs = {"long_name": "years from the first decision"}
    settings = {
        "economy": vars(economy),
        "survey": repr(survey),
        "implementation_cv": implementation_cv,
        "first_survey": first_survey,
        "order_of_events": "observe, set quota, catch, recruit",
    }
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
