"""What conforms passes, and each law that is broken is named."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.errors import ConformanceError
from ecodecide.testing import check_stock

LAW = eco.Ricker(r=0.8, K=2.0)
GOOD = eco.ParametricStock(LAW, eco.LognormalNoise(sigma=0.3), "kt")


@pytest.mark.parametrize(
    "law", [LAW, eco.Allen(r=2.0, K=8.0, C=3.0), eco.growth(lambda s: s * np.exp(1.0 - s))]
)
@pytest.mark.parametrize(
    "noise",
    [
        eco.LognormalNoise(sigma=0.3, center="mean"),
        eco.LognormalNoise(sigma=0.3),
        eco.NormalNoise(sd=0.3),
        eco.UniformNoise(half_width=0.3),
    ],
    ids=repr,
)
def test_parametric_stocks_conform(law: Any, noise: Any) -> None:
    check_stock(eco.ParametricStock(law, noise))


def test_fitted_stocks_conform() -> None:
    history = eco.load_history("plaice-north-sea")
    check_stock(eco.fit(history, "logistic", draws=40, cells=80))
    check_stock(eco.fit(history, "gp"))


@dataclass(frozen=True, eq=False)
class Stock:
    """A stock that is right, for tests to break in one place."""

    unit: str = "kt"
    carrying_capacity: Any = 2.0
    rows: Any = None

    def reference_points(self) -> Any:
        return GOOD.reference_points()

    def mean(self, escapement: Any) -> Any:
        return GOOD.mean(escapement)

    def kernel(self, escapements: Any, edges: Any) -> Any:
        return GOOD.kernel(escapements, edges)

    def draw(self, replicates: int, rng: Any) -> Any:
        return self

    def step(self, escapement: Any, z: Any) -> Any:
        return GOOD.step(escapement, z)


def test_it_is_right_before_it_is_broken() -> None:
    check_stock(Stock())


class NoMean(Stock):
    def mean(self, escapement: Any) -> Any:
        return LAW(escapement)  # without the noise's own mean, exp(0.3^2 / 2) = 1.046


class Scribbles(Stock):
    def mean(self, escapement: Any) -> Any:
        escapement *= 1.0 + 1e-12
        return GOOD.mean(escapement)


class Springs(Stock):
    def mean(self, escapement: Any) -> Any:
        return GOOD.mean(escapement) + 0.01


class Leaks(Stock):
    def kernel(self, escapements: Any, edges: Any) -> Any:
        return 0.999 * GOOD.kernel(escapements, edges)


class Revives(Stock):
    def kernel(self, escapements: Any, edges: Any) -> Any:
        return GOOD.kernel(np.maximum(escapements, 0.01), edges)


class AtPoints(Stock):
    def kernel(self, escapements: Any, edges: Any) -> Any:
        inner = np.clip(edges, 0.0, 9.0)
        middle = (inner[1:] + inner[:-1]) / 2.0
        grown = np.maximum(LAW(escapements), 1e-9)[:, None]
        with np.errstate(divide="ignore"):
            density = np.exp(-0.5 * (np.log(middle / grown) / 0.3) ** 2) * np.diff(inner)
        density[escapements == 0.0] = np.eye(len(middle))[0]
        return density / density.sum(axis=1, keepdims=True)


class OtherNoise(Stock):
    def step(self, escapement: Any, z: Any) -> Any:
        return LAW(escapement) * np.exp(0.33 * z)


class OwnChance(Stock):
    def step(self, escapement: Any, z: Any) -> Any:
        return LAW(escapement) * np.exp(0.3 * np.random.default_rng().standard_normal(len(z)))


class Together(Stock):
    def step(self, escapement: Any, z: Any) -> Any:
        return GOOD.step(escapement, z) * (1.0 + 0.01 * np.mean(escapement))


class Redraws(Stock):
    def draw(self, replicates: int, rng: Any) -> Any:
        return Rows(rows=np.sort(rng.lognormal(0.0, 0.2, replicates)))


class Rows(Stock):
    def step(self, escapement: Any, z: Any) -> Any:
        return self.rows * GOOD.step(escapement, z)


class Negative(Stock):
    def step(self, escapement: Any, z: Any) -> Any:
        return LAW(escapement) + 0.6 * z * (escapement > 0.0)


class Undead(Stock):
    def step(self, escapement: Any, z: Any) -> Any:
        return GOOD.step(np.maximum(escapement, 1e-6), z)


@pytest.mark.parametrize(
    ("stock", "words"),
    [
        (object(), "no method reference_points, mean, kernel, draw, step"),
        (Stock(unit=""), "unit is ''"),
        (Stock(carrying_capacity=np.ones(3)), "expected one positive number"),
        (Stock(carrying_capacity=0.0), "expected one positive number"),
        (NoMean(), r"mean is E\[next biomass\]"),
        (Scribbles(), "mean changed the array"),
        (Springs(), r"mean\(0\) is 0.01"),
        (Leaks(), "sum to 0.999"),
        (Revives(), "extinction"),
        (AtPoints(), "two halves together"),
        (OtherNoise(), "step and kernel must be of one noise"),
        (OwnChance(), "let all chance come from z"),
        (Together(), "the first worlds of draw|row by row"),
        (Redraws(), "world r must depend"),
        (Negative(), "finite numbers of at least 0"),
        (Undead(), "extinction is for good"),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else "",
)
def test_what_is_broken_is_named(stock: Any, words: str) -> None:
    with pytest.raises(ConformanceError, match=words):
        check_stock(stock)


def test_a_noise_that_is_wrong_by_little_is_not_refused_by_chance() -> None:
    for seed in range(5):
        check_stock(replace(Stock(), unit="t"), seed)
