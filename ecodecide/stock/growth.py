"""Growth laws: the biomass that a year of growth makes of what the harvest left.

Every law maps the escapement s (biomass after harvest) to f(s), the next biomass before harvest and before
noise, clipped at zero. A law is a frozen dataclass of its parameters; a parameter is a number, or an array
with one value per replicate, and then so is the answer. Biomass, K and C share one unit; f is per year.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ecodecide.errors import StockError

Array = NDArray[np.float64]
Parameter = Any  # a float, or an array with one value per replicate


class GrowthLaw(Protocol):
    """What every growth law offers."""

    name: ClassVar[str]

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return the next biomass before noise, f(escapement) >= 0."""
        ...

    @property
    def scale(self) -> Parameter:
        """A biomass of the order of the carrying capacity: where a search for equilibria starts."""
        ...


def parameters(law: GrowthLaw) -> dict[str, Parameter]:
    """Return a law's parameters by name (none for a user's function, which ones for a mixture of laws).

    Examples
    --------
    >>> parameters(Logistic(r=0.75, K=1.0))
    {'r': 0.75, 'K': 1.0}
    """
    if hasattr(law, "parameters"):
        return dict(law.parameters())
    return {one.name: getattr(law, one.name) for one in fields(law)}  # type: ignore[arg-type]


def taken(value: Parameter, places: Any) -> Parameter:
    """Return the values of some replicates; a number, which is that of all, as it is."""
    if not np.ndim(value):
        return value
    found = np.asarray(value)[places]
    return found if np.ndim(found) else float(found)


def take(law: GrowthLaw, places: Any) -> GrowthLaw:
    """Return a batch of laws at some places, as a batch; at one place, with scalar parameters."""
    if hasattr(law, "take"):
        found: GrowthLaw = law.take(places)
        return found
    return replace(law, **{name: taken(value, places) for name, value in parameters(law).items()})  # type: ignore[type-var]


def _require(law: object, **rules: str) -> None:
    """Check each named parameter against 'positive' or 'finite'."""
    for name, rule in rules.items():
        value = np.asarray(getattr(law, name), dtype=float)
        good = np.isfinite(value) & (value > 0 if rule == "positive" else True)
        if not good.all():
            bad = float(value[~good].flat[0])
            raise StockError(f"{type(law).__name__}: {name} must be {rule}, got {bad}")


def _clip(values: ArrayLike) -> Array:
    clipped: Array = np.maximum(np.asarray(values, dtype=float), 0.0)
    return clipped


@dataclass(frozen=True, eq=False)
class Logistic:
    """Logistic growth, the Gordon-Schaefer model: f(s) = s + r s (1 - s/K).

    MSY = r K / 4 at the escapement K / 2.

    Parameters
    ----------
    r
        Intrinsic growth rate per year.
    K
        Carrying capacity, in units of biomass.

    Raises
    ------
    StockError
        When a parameter is not positive, or not a number.

    References
    ----------
    Schaefer 1954, Bulletin of the Inter-American Tropical Tuna Commission 1:27.

    Examples
    --------
    >>> float(Logistic(r=0.75, K=1.0)(0.5))
    0.6875
    """

    r: Parameter
    K: Parameter
    name: ClassVar[str] = "logistic"

    def __post_init__(self) -> None:
        _require(self, r="positive", K="positive")

    @property
    def scale(self) -> Parameter:
        """The carrying capacity."""
        return self.K

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return f(escapement), clipped at zero."""
        s = np.asarray(escapement, dtype=float)
        return _clip(s + self.r * s * (1.0 - s / self.K))


@dataclass(frozen=True, eq=False)
class PellaTomlinson:
    """Pella-Tomlinson growth: f(s) = s + (r/p) s (1 - (s/K)^p).

    The escapement of MSY is K (1/(p+1))^(1/p); p = 1 is the logistic, p -> 0 is Fox's model, with
    f(s) = s - r s log(s/K), which p = 0 gives exactly.

    Parameters
    ----------
    r
        Growth rate per year.
    p
        Shape, above -1; 0 is Fox's model.
    K
        Carrying capacity, in units of biomass.

    Raises
    ------
    StockError
        When r or K is not positive, or p not above -1.

    References
    ----------
    Pella & Tomlinson 1969, Bulletin of the Inter-American Tropical Tuna Commission 13:416;
    Fox 1970, Transactions of the American Fisheries Society 99:80.

    Examples
    --------
    >>> float(PellaTomlinson(r=0.75, p=1.0, K=1.0)(0.5))  # the logistic
    0.6875
    """

    r: Parameter
    p: Parameter
    K: Parameter
    name: ClassVar[str] = "pella-tomlinson"

    def __post_init__(self) -> None:
        _require(self, r="positive", p="finite", K="positive")
        if np.any(np.asarray(self.p) <= -1.0):
            raise StockError(f"PellaTomlinson: p must be above -1, got {float(np.min(self.p))}")

    @property
    def scale(self) -> Parameter:
        """The carrying capacity."""
        return self.K

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return f(escapement), clipped at zero."""
        s = np.asarray(escapement, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            log_depletion = np.log(s / self.K)
            # (1 - u^p)/p = -expm1(p log u)/p, whose limit at p = 0 is -log u
            p = np.asarray(self.p, dtype=float)
            fox = np.abs(p) < 1e-100  # below, p log u has lost its digits
            safe = np.where(fox, 1.0, p)
            surplus = np.where(fox, -log_depletion, -np.expm1(safe * log_depletion) / safe)
            return _clip(np.where(s > 0.0, s + self.r * s * surplus, 0.0))


@dataclass(frozen=True, eq=False)
class BevertonHolt:
    """Beverton-Holt growth: f(s) = A s / (1 + B s); the carrying capacity is (A - 1)/B.

    Parameters
    ----------
    A
        Growth factor per year at low biomass; above 1 for a stock that persists.
    B
        Density dependence, per unit of biomass.

    Raises
    ------
    StockError
        When a parameter is not positive, or not a number.

    References
    ----------
    Beverton & Holt 1957, On the Dynamics of Exploited Fish Populations.

    Examples
    --------
    >>> float(BevertonHolt(A=3.0, B=2.0)(1.0))  # in equilibrium at (A - 1)/B = 1
    1.0
    """

    A: Parameter
    B: Parameter
    name: ClassVar[str] = "beverton-holt"

    def __post_init__(self) -> None:
        _require(self, A="positive", B="positive")

    @property
    def scale(self) -> Parameter:
        """The asymptote A/B, above every equilibrium."""
        return self.A / self.B

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return f(escapement)."""
        s = np.asarray(escapement, dtype=float)
        return _clip(self.A * s / (1.0 + self.B * s))


@dataclass(frozen=True, eq=False)
class Ricker:
    """Ricker growth: f(s) = s exp(r (1 - s/K)).

    Parameters
    ----------
    r
        Growth rate per year at low biomass.
    K
        Carrying capacity, in units of biomass.

    Raises
    ------
    StockError
        When a parameter is not positive, or not a number.

    References
    ----------
    Ricker 1954, Journal of the Fisheries Research Board of Canada 11:559.

    Examples
    --------
    >>> float(Ricker(r=0.8, K=1.0)(1.0)), float(Ricker(r=0.8, K=1.0)(0.5).round(4))
    (1.0, 0.7459)
    """

    r: Parameter
    K: Parameter
    name: ClassVar[str] = "ricker"

    def __post_init__(self) -> None:
        _require(self, r="positive", K="positive")

    @property
    def scale(self) -> Parameter:
        """The carrying capacity."""
        return self.K

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return f(escapement)."""
        s = np.asarray(escapement, dtype=float)
        return _clip(s * np.exp(self.r * (1.0 - s / self.K)))


@dataclass(frozen=True, eq=False)
class Allen:
    """Ricker growth with an Allee threshold C: f(s) = s exp(r (1 - s/K) (s - C)/K).

    Below C the stock dies out; C <= 0 is a law without a threshold.

    Parameters
    ----------
    r
        Growth rate per year.
    K
        Carrying capacity, in units of biomass.
    C
        Allee threshold, in units of biomass.

    Raises
    ------
    StockError
        When r or K is not positive, or C not a number.

    References
    ----------
    Allen, Fagan, Hognas & Fagerholm 2005, Journal of Difference Equations and Applications 11:273;
    in this form Boettiger, Mangel & Munch 2015, doi:10.1098/rspb.2014.1631.

    Examples
    --------
    >>> law = Allen(r=2.0, K=8.0, C=5.0)
    >>> float(law(5.0)), bool(law(4.9) < 4.9), bool(law(5.1) > 5.1)
    (5.0, True, True)
    """

    r: Parameter
    K: Parameter
    C: Parameter
    name: ClassVar[str] = "allen"

    def __post_init__(self) -> None:
        _require(self, r="positive", K="positive", C="finite")

    @property
    def scale(self) -> Parameter:
        """The larger of K and C, above which the stock shrinks."""
        return np.maximum(self.K, self.C)

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return f(escapement)."""
        s = np.asarray(escapement, dtype=float)
        exponent = self.r * (1.0 - s / self.K) * (s - self.C) / self.K
        return _clip(s * np.exp(np.minimum(exponent, 700.0)))


@dataclass(frozen=True, eq=False)
class Myers:
    """Depensatory growth: f(s) = r s^theta / (1 + s^theta / K).

    With theta > 1 there is an Allee threshold wherever a positive equilibrium exists. K is the asymptote
    divided by r, not the carrying capacity.

    Parameters
    ----------
    r
        Scale of growth.
    theta
        Depensation; 1 is Beverton-Holt.
    K
        Asymptote f(infinity) / r.

    Raises
    ------
    StockError
        When a parameter is not positive, or not a number.

    References
    ----------
    Myers, Barrowman, Hutchings & Rosenberg 1995, Science 269:1106.

    Examples
    --------
    >>> float(Myers(r=1.5, theta=2.0, K=10.0)(2.0).round(4))  # 1.5 * 4 / (1 + 4 / 10)
    4.2857
    """

    r: Parameter
    theta: Parameter
    K: Parameter
    name: ClassVar[str] = "myers"

    def __post_init__(self) -> None:
        _require(self, r="positive", theta="positive", K="positive")

    @property
    def scale(self) -> Parameter:
        """The asymptote r K, above every equilibrium."""
        return self.r * self.K

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return f(escapement)."""
        s = np.asarray(escapement, dtype=float)
        # r K / (1 + K s^-theta): the same law, which does not overflow at large s
        with np.errstate(divide="ignore", over="ignore"):
            return _clip(self.r * self.K / (1.0 + self.K * np.power(s, -np.asarray(self.theta, dtype=float))))


@dataclass(frozen=True, eq=False)
class May:
    """Logistic growth under saturating consumption: f(s) = s + r s (1 - s/K) - a s^q / (s^q + b^q).

    Two stable states and a fold between them where consumption is strong: a regime shift. K is not the
    carrying capacity, because the consumer takes its share.

    Parameters
    ----------
    r
        Growth rate per year.
    K
        Where growth without consumption would end, in units of biomass.
    a
        Greatest consumption per year, in units of biomass.
    b
        Biomass of half the greatest consumption.
    q
        Steepness of consumption.

    Raises
    ------
    StockError
        When a parameter is not positive, or not a number.

    References
    ----------
    May 1977, Nature 269:471.

    Examples
    --------
    >>> float(May(r=0.8, K=1.5, a=0.2, b=0.2)(0.2).round(4))  # 0.2 + 0.8 * 0.2 * (1 - 0.2/1.5) - 0.1
    0.2387
    """

    r: Parameter
    K: Parameter
    a: Parameter
    b: Parameter
    q: Parameter = 2.0
    name: ClassVar[str] = "may"

    def __post_init__(self) -> None:
        _require(self, r="positive", K="positive", a="positive", b="positive", q="positive")

    @property
    def scale(self) -> Parameter:
        """The biomass K, above every equilibrium."""
        return self.K

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return f(escapement), clipped at zero."""
        s = np.asarray(escapement, dtype=float)
        with np.errstate(divide="ignore", over="ignore"):
            consumed = self.a / (1.0 + np.power(self.b / s, self.q))
        return _clip(s + self.r * s * (1.0 - s / self.K) - consumed)


@dataclass(frozen=True, eq=False)
class FunctionGrowth:
    """A user's own growth law; made by `growth`."""

    function: Callable[..., ArrayLike]
    scale: Parameter
    numbers: Mapping[str, Parameter] = field(default_factory=dict)
    name: ClassVar[str] = "custom"

    def parameters(self) -> dict[str, Parameter]:
        """Return the numbers that the function was given by name; what else it is made of is the user's."""
        return dict(self.numbers)

    def take(self, places: Any) -> FunctionGrowth:
        """Return the law at some places of a batch."""
        numbers = {name: taken(value, places) for name, value in self.numbers.items()}
        return FunctionGrowth(self.function, taken(self.scale, places), numbers)

    def __call__(self, escapement: ArrayLike) -> Array:
        """Return the user's f(escapement), clipped at zero."""
        s = np.asarray(escapement, dtype=float)
        s = np.broadcast_to(s, np.broadcast_shapes(s.shape, *(np.shape(v) for v in self.numbers.values())))
        result = np.asarray(self.function(s, **self.numbers), dtype=float)
        if result.shape != s.shape or not np.isfinite(result).all():
            raise StockError(
                f"the growth function must return one finite number per escapement: given an array of shape "
                f"{s.shape}, it returned shape {result.shape}"
                f"{' with values that are not finite' if result.shape == s.shape else ''}"
            )
        if np.any(result[s == 0.0] > 0.0):
            raise StockError(
                f"the growth function must return 0 at an escapement of 0, for extinction is for ever; "
                f"it returned {float(np.max(result[s == 0.0])):g}"
            )
        return _clip(result)


def growth(
    function: Callable[..., ArrayLike], scale: Parameter | None = None, **numbers: Parameter
) -> FunctionGrowth:
    """Make a growth law of a plain NumPy function of the escapement.

    Parameters
    ----------
    function
        Takes an array of escapements, returns the next biomass of each, before noise. It is called on the
        grid once and never in an inner loop, so it need not be fast.
    scale
        A biomass of the order of the carrying capacity. Without it, escapements from 1e-12 to 1e12 are
        tried, a hundred to a decade.
    numbers
        What the function is given besides the escapement, by name: numbers, or arrays with one value per replicate,
        which need a scale.

    Returns
    -------
    FunctionGrowth

    Raises
    ------
    StockError
        When the function returns another shape than it was given, values that are not finite, or anything but
        0 at 0; when no escapement up to 1e12 is found above which the stock always shrinks; when the scale is
        not positive.

    Examples
    --------
    >>> law = growth(lambda s: s * np.exp(1.0 - s))
    >>> float(law(1.0))
    1.0
    """
    if scale is not None:
        if not np.all(np.isfinite(scale) & (np.asarray(scale) > 0.0)):
            raise StockError(f"growth: scale must be positive and finite, got {scale}")
        return FunctionGrowth(function, scale if np.ndim(scale) else float(scale), numbers)
    if any(np.ndim(value) for value in numbers.values()):
        raise StockError(
            "growth: numbers that are arrays need a scale; give growth(function, scale=..., ...)"
        )
    law = FunctionGrowth(function, 1.0, numbers)
    trial = np.geomspace(1e-12, 1e12, 2401)
    rising = trial[law(trial) >= trial]
    if rising.size == 0 or rising[-1] == trial[-1]:
        raise StockError(
            "the growth function has no carrying capacity between 1e-12 and 1e12: "
            "give one with growth(function, scale=...), or check that it returns the next biomass, "
            "not the gain"
        )
    return FunctionGrowth(function, float(rising[-1]), numbers)


LAWS: dict[str, type[Any]] = {
    law.name: law for law in (Logistic, PellaTomlinson, BevertonHolt, Ricker, Allen, Myers, May)
}
