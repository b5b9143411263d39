"""The truth that policies meet, apart from what their managers believed when they were solved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ecodecide.errors import EvaluationError
from ecodecide.stock.growth import Array
from ecodecide.stock.protocol import Stock
from ecodecide.stock.survey import Survey


@runtime_checkable
class Distribution(Protocol):
    """Any distribution of SciPy with its parameters fixed, such as ``scipy.stats.lognorm(0.3, scale=2e5)``."""

    def ppf(self, q: Array) -> Array:
        """Return the quantiles of some probabilities."""
        ...


@dataclass(frozen=True, eq=False)
class World:
    """A truth: how the stock really grows, is seen and is fished.

    One year: observe, set the quota, catch h = min(quota * error, x), and the escapement s = x - h grows to

        x' = noise(max(s + productivity[t] (f(s) - s), 0), z_t),
        z_t = rho z_{t-1} + sqrt(1 - rho^2) e_t,    z_0 = e_0,

    f and noise being those of the stock, and e_t independent and standard normal: the luck that all policies share.

    Parameters
    ----------
    stock
        The stock. It is drawn once per replicate (`Stock.draw`): a fitted stock gives each replicate one joint draw
        of parameters and present biomass, for good.
    name
        What results call this world.
    survey
        What is observed of the biomass; None takes that of the evaluation.
    initial_biomass
        Before the first harvest: a number, one per replicate, or a `Distribution`. None takes it from the stock that
        was drawn.
    implementation_cv
        The catch is the quota times a lognormal of median 1 and this CV, where the stock allows; None takes that of
        the evaluation.
    autocorrelation
        rho, in (-1, 1): that of one year's recruitment deviation with the next. Their spread stays what the stock
        says.
    productivity
        Shape (years,): a factor on the surplus production f(s) - s of each year, the environment's; of logistic growth
        it multiplies r. A trend of -1 % a year is ``0.99 ** np.arange(years)``. It does not move where f(s) = s, the
        carrying capacity and a threshold. For stocks with a growth law.
    prices
        Shape (years,): a factor on the price of each year.
    shift
        A regime shift: the year from which the stock grows as another does, and that other stock. Limits and
        reference points stay those of the first.

    Raises
    ------
    EvaluationError
        When a value means nothing.

    References
    ----------
    Autocorrelated recruitment deviations: Thorson, Jensen & Zipkin 2014, Canadian Journal of Fisheries and Aquatic
    Sciences 71:973.

    Examples
    --------
    >>> import ecodecide as eco
    >>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.15))
    >>> World(stock, "persistent", autocorrelation=0.6).eras
    [(0, ParametricStock(...))]
    """

    stock: Stock
    name: str = "truth"
    survey: Survey | None = None
    initial_biomass: float | ArrayLike | Distribution | None = None
    implementation_cv: float | None = None
    autocorrelation: float = 0.0
    productivity: ArrayLike | None = None
    prices: ArrayLike | None = None
    shift: tuple[int, Stock] | None = None

    def __post_init__(self) -> None:
        if not hasattr(self.stock, "draw"):
            raise EvaluationError(
                f"a world needs a stock, got {type(self.stock).__name__}; see ecodecide.ParametricStock"
            )
        if self.survey is not None and not hasattr(self.survey, "sample"):
            raise EvaluationError(f"world {self.name!r}: {self.survey!r} is no survey; see LognormalSurvey")
        if self.implementation_cv is not None:
            check_implementation(self.implementation_cv)
            object.__setattr__(self, "implementation_cv", float(self.implementation_cv))
        object.__setattr__(self, "autocorrelation", float(self.autocorrelation))
        if not -1.0 < self.autocorrelation < 1.0:
            raise EvaluationError(
                f"world {self.name!r}: autocorrelation must be in (-1, 1), got {self.autocorrelation}"
            )
        for key in ("productivity", "prices"):
            path = getattr(self, key)
            values = np.ones(1) if path is None else np.asarray(path, dtype=float)
            if values.ndim != 1 or not (np.isfinite(values) & (values >= 0.0)).all():
                raise EvaluationError(
                    f"world {self.name!r}: {key} must be one factor of at least 0 per year, got {path!r}"
                )
        if self.shift is not None:
            year, after = self.shift
            if not (isinstance(year, int | np.integer) and year > 0 and hasattr(after, "draw")):
                raise EvaluationError(
                    f"world {self.name!r}: shift must be a year from 1 on and the stock from then on, such as "
                    f"(20, stock), got {self.shift!r}"
                )
            object.__setattr__(self, "shift", (int(year), after))

    @property
    def eras(self) -> list[tuple[int, Stock]]:
        """The stocks by the year from which each is the truth."""
        return [(0, self.stock), *([] if self.shift is None else [self.shift])]

    def drawn(
        self, replicates: int, first: int, seed: np.random.SeedSequence
    ) -> tuple[list[tuple[int, Any]], Any]:
        """Draw the stocks of replicates ``first`` to ``first + replicates - 1``.

        Returns
        -------
        eras
            With the stocks drawn.
        numbers
            Shape (replicates,): the first replicate that lives in the same draw of a stock, of the era with the fewest
            draws, the same in whatever parts replicates are drawn; None of stocks that are not drawn.

        Raises
        ------
        EvaluationError
            When a later part of the replicates is asked for of a stock whose draws cannot be taken apart, or there is
            no growth law for `productivity` to change.
        """
        drawn = [self._drawn(stock, replicates, first, seed) for _, stock in self.eras]
        for one, _ in drawn:
            if self.productivity is not None and not (hasattr(one, "growth") and hasattr(one, "noise")):
                raise EvaluationError(
                    f"world {self.name!r}: productivity changes a growth law, which a {type(one).__name__} has not"
                )
        numbers = [one for _, one in drawn if one is not None and len(set(one)) > 1]
        eras = [(year, one) for (year, _), (one, _) in zip(self.eras, drawn, strict=True)]
        return eras, min(numbers, key=lambda one: len(set(one)), default=drawn[0][1])

    def _drawn(self, stock: Stock, replicates: int, first: int, seed: np.random.SeedSequence) -> Any:
        worlds: Any = stock.draw(first + replicates, np.random.default_rng(seed))
        numbers = getattr(worlds, "world_numbers", None)
        if first == 0 or (worlds is stock and numbers is None):
            return worlds, numbers
        if numbers is None or not hasattr(worlds, "take"):
            raise EvaluationError(
                f"world {self.name!r}: replicates of a {type(worlds).__name__} can only be simulated from the first on"
            )
        part = np.arange(first, first + replicates)
        if len(numbers) <= part[-1]:
            raise EvaluationError(
                f"world {self.name!r}: replicates {first} to {part[-1]} were asked for, and its stock is a batch of "
                f"{len(numbers)} worlds"
            )
        return worlds.take(part), numbers[part]

    def start(self, worlds: Any, luck: Array) -> Array:
        """Return the biomass before the first harvest, shape (replicates,).

        Parameters
        ----------
        worlds
            The stock drawn for the first year.
        luck
            Shape (replicates,): standard normals.

        Raises
        ------
        EvaluationError
            When there is none, or it means nothing.
        """
        given: Any = self.initial_biomass
        if given is None:
            given = getattr(worlds, "initial_biomass", None)
        if given is None:
            raise EvaluationError("this truth has no present biomass of its own: give initial_biomass")
        if isinstance(given, Distribution):
            given = given.ppf(ndtr(luck))
        value = np.asarray(given, dtype=float)
        if value.shape not in ((), luck.shape):
            raise EvaluationError(
                f"initial_biomass must be one number or one per replicate ({luck.size}), got shape {value.shape}"
            )
        if not (np.isfinite(value).all() and (value >= 0.0).all()):
            raise EvaluationError("initial_biomass must be finite and at least 0 everywhere")
        return np.full(luck.shape, value)

    def path(self, key: str, years: int) -> Array | None:
        """Return the factors of `productivity` or `prices` for a number of years, None where there are none.

        Raises
        ------
        EvaluationError
            When there are fewer than years.
        """
        given = getattr(self, key)
        if given is None:
            return None
        values = np.asarray(given, dtype=float)
        if len(values) < years:
            raise EvaluationError(
                f"world {self.name!r}: {key} has {len(values)} years and {years} are simulated: give one factor a year"
            )
        return values[:years]

    def check(self, years: int) -> None:
        """Refuse a world that does not go with a number of years.

        Raises
        ------
        EvaluationError
            When a path is shorter, or the regime shifts after the last.
        """
        for key in ("productivity", "prices"):
            self.path(key, years)
        if self.shift is not None:
            check_shift(self.name, self.shift[0], years)

    def describe(self) -> dict[str, Any]:
        """Return what makes this world, as plain values."""
        told: dict[str, Any] = {"name": self.name, "stock": _words(self.stock)}
        if self.survey is not None:
            told["survey"] = repr(self.survey)
        if self.implementation_cv is not None:
            told["implementation_cv"] = self.implementation_cv
        if self.autocorrelation:
            told["autocorrelation"] = self.autocorrelation
        for key in ("productivity", "prices"):
            if getattr(self, key) is not None:
                told[key] = np.asarray(getattr(self, key), dtype=float).tolist()
        given: Any = self.initial_biomass
        if isinstance(given, Distribution):
            frozen = getattr(given, "dist", given)
            arguments = [*getattr(given, "args", ()), *getattr(given, "kwds", {}).items()]
            told["initial_biomass"] = f"{getattr(frozen, 'name', type(given).__name__)} {arguments}"
        elif given is not None:
            told["initial_biomass"] = np.asarray(given, dtype=float).tolist()
        if self.shift is not None:
            told["shift"] = [self.shift[0], _words(self.shift[1])]
        return told


def _words(stock: Any) -> str:
    """Return what a stock is, in words: its fitted law, its numbers where it is one world, else its kind."""
    if hasattr(stock, "law"):
        return str(stock.law)
    if hasattr(stock, "growth") and getattr(stock, "world_numbers", 0) is None:
        return f"{stock.growth!r}, {stock.noise!r}"
    return type(stock).__name__


def check_shift(name: str, year: int, years: int) -> None:
    """Refuse a regime shift that no simulated year sees.

    Raises
    ------
    EvaluationError
        When it comes after the last.
    """
    if year >= years:
        raise EvaluationError(
            f"world {name!r}: the regime shifts in year {year} and {years} years are simulated, from 0 on: let it "
            "shift sooner, or simulate more years"
        )


def check_implementation(cv: float) -> None:
    """Refuse an implementation error that means nothing.

    Raises
    ------
    EvaluationError
        When it is negative or no number.
    """
    if not (np.isfinite(cv) and cv >= 0.0):
        raise EvaluationError(f"implementation_cv must be a number of at least 0, got {cv}")


def as_worlds(truth: Stock | World | Sequence[Stock | World]) -> list[World]:
    """Return truths as worlds, with names of their own.

    Raises
    ------
    EvaluationError
        When there is none, or two share a name.
    """
    given = list(truth) if isinstance(truth, Sequence) else [truth]
    worlds = [one if isinstance(one, World) else World(one) for one in given]
    names = [world.name for world in worlds]
    if not worlds or len(set(names)) < len(names):
        raise EvaluationError(
            f"worlds must be at least one, each with a name of its own, got {', '.join(names) or 'none'}"
        )
    return worlds
