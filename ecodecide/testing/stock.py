"""A check of the laws of a stock, which solvers and simulations rely on."""

from __future__ import annotations

import numpy as np

from ecodecide.stock.growth import Array
from ecodecide.stock.protocol import Stock
from ecodecide.testing.require import require, require_methods, require_numbers

_DRAWS = 20_000
_DOUBT = 1e-6
"""The chance that a stock which is right is refused, for each comparison of what it draws with what it says."""


def check_stock(stock: Stock, seed: int = 0) -> None:
    """Check that a stock of your own conforms to `ecodecide.stock.protocol.Stock`.

    Nothing grows from nothing; probabilities add up; `step` depends on its own replicate and its own z alone; `draw`
    gives the same world r however many are drawn; and what `step` draws is distributed as `kernel` and `mean` say.

    Parameters
    ----------
    stock
        The stock.
    seed
        Of the draws.

    Raises
    ------
    ConformanceError
        For the first law that it breaks.

    Notes
    -----
    The distribution of the draws is held against the kernel by the inequality of Dvoretzky, Kiefer & Wolfowitz with
    Massart's constant (1990, Ann. Probab. 18:1269): the two differ by less than sqrt(log(2/a) / 2n) but for a share a
    of all tries.

    Examples
    --------
    >>> import ecodecide as eco
    >>> from ecodecide.testing import check_stock
    >>> check_stock(eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.2)))
    """
    require_methods(stock, "stock", ("reference_points", "mean", "kernel", "draw", "step"))
    require(
        isinstance(stock.unit, str) and stock.unit, f"unit is {stock.unit!r}, expected a word such as 'kt'"
    )
    capacity = np.asarray(stock.carrying_capacity, dtype=float)
    require(
        capacity.ndim == 0 and np.isfinite(capacity) and capacity > 0.0,
        f"carrying_capacity is {stock.carrying_capacity!r}, expected one positive number: the largest stable "
        "equilibrium without fishing",
    )
    scale = float(capacity)
    _check_mean(stock, scale)
    _check_kernel(stock, scale)
    _check_worlds(stock, scale, seed)
    _check_distribution(stock, scale, seed)


def _check_mean(stock: Stock, scale: float) -> None:
    left = scale * np.array([0.0, 0.1, 0.5, 1.0, 1.5])
    kept = left.copy()
    mean = require_numbers(stock.mean(left), left.shape, "mean(escapements)")
    require(left == kept, "mean changed the array it was given: compute on a copy")
    require(
        mean[0] == 0.0,
        f"mean(0) is {mean[0]:g}, expected 0: an extinct stock stays so; let growth be 0 at an escapement of 0",
    )


def _check_kernel(stock: Stock, scale: float) -> None:
    left = scale * np.array([0.0, 0.05, 0.3, 0.8, 1.2])
    edges = np.concatenate([[-np.inf], np.linspace(0.0, 3.0 * scale, 40), [np.inf]])
    rows = require_numbers(
        stock.kernel(left, edges), (len(left), len(edges) - 1), "kernel(escapements, edges)"
    )
    total = rows.sum(axis=1)
    require(
        np.abs(total - 1.0) < 1e-9,
        f"rows of kernel over all biomass sum to {total[np.abs(total - 1.0).argmax()]:.12g}, expected 1: take "
        "differences of the distribution function at the edges",
    )
    require(
        rows[0, 0] > 1.0 - 1e-12,
        f"after an escapement of 0 the kernel leaves {1.0 - rows[0, 0]:.3g} of the probability above 0, expected none: "
        "the lowest cell, up to and with 0, is extinction",
    )
    finer = stock.kernel(left, np.concatenate([edges[:20], (edges[19:20] + edges[20:21]) / 2.0, edges[20:]]))
    joined = np.column_stack([finer[:, :19], finer[:, 19] + finer[:, 20], finer[:, 21:]])
    require(
        np.abs(joined - rows) < 1e-9,
        "kernel gives a cell another probability than its two halves together: take differences of the distribution "
        "function at the edges, not densities at points",
    )


def _check_worlds(stock: Stock, scale: float, seed: int) -> None:
    many, few = (stock.draw(n, np.random.default_rng(seed)) for n in (20, 7))
    rng = np.random.default_rng(seed + 1)
    left, z = scale * rng.uniform(0.0, 1.2, 20), rng.standard_normal(20)
    left[3] = 0.0
    kept = left.copy(), z.copy()
    first = require_numbers(many.step(left, z), (20,), "step(escapements, z) of 20 drawn worlds")
    require((left == kept[0]) & (z == kept[1]), "step changed an array it was given: compute on a copy")
    require(
        first[3] == 0.0, f"step gave {first[3]:g} from an escapement of 0, expected 0: extinction is for good"
    )
    again = np.asarray(many.step(left, z))
    require(
        first == again, "step gave other numbers for the same escapements and z: let all chance come from z"
    )
    short = np.asarray(few.step(left[:7], z[:7]))
    require(
        np.abs(short - first[:7]) <= 1e-9 * scale,
        "the first worlds of draw(20, rng) are not those of draw(7, rng) with the same generator: world r must depend "
        "on the first r + 1 draws alone (draw one row of numbers per replicate)",
    )
    other = left.copy()
    other[10:] = 0.5 * scale
    require(
        np.abs(np.asarray(many.step(other, z))[:10] - first[:10]) <= 1e-9 * scale,
        "a replicate's next biomass changed with the escapement of another replicate: step works row by row",
    )


def _check_distribution(stock: Stock, scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    worlds = stock.draw(_DRAWS, rng)
    z = rng.standard_normal(_DRAWS)
    bound = float(np.sqrt(np.log(2.0 / _DOUBT) / (2 * _DRAWS)))
    for share in (0.2, 0.6, 1.0):
        left = share * scale
        grown = np.asarray(worlds.step(np.full(_DRAWS, left), z), dtype=float)
        edges: Array = np.concatenate([[-np.inf], np.unique(np.quantile(grown, np.linspace(0.02, 0.98, 25)))])
        told = np.cumsum(np.asarray(stock.kernel(np.array([left]), edges))[0])
        drawn = np.searchsorted(np.sort(grown), edges[1:], side="right") / _DRAWS
        worst = int(np.abs(told - drawn).argmax())
        require(
            abs(told[worst] - drawn[worst]) < bound,
            f"after an escapement of {left:.4g}, {drawn[worst]:.4f} of what step drew lies at or below "
            f"{edges[worst + 1]:.4g} and kernel says {told[worst]:.4f}, expected the same within {bound:.3f}: step and "
            "kernel must be of one noise",
        )
        mean, error = grown.mean(), grown.std() / np.sqrt(_DRAWS)
        said = float(np.asarray(stock.mean(np.array([left])))[0])
        # five standard errors: a chance below a millionth, where the mean of so many draws is nearly normal
        require(
            abs(mean - said) <= 5.0 * error + 1e-9 * scale,
            f"after an escapement of {left:.4g} what step drew has the mean {mean:.5g} (standard error {error:.2g}) "
            f"and mean says {said:.5g}: mean is E[next biomass], with the noise's own mean (for a lognormal of "
            "median 1 that is exp(sigma^2 / 2))",
        )
