"""Reed's constant escapement (Reed 1979, doi:10.1016/0095-0696(79)90014-7), on a grid and by hand."""

import numpy as np
import pytest

import ecodecide as eco
from ecodecide.stock.reference_points import best_escapement

DISCOUNT = 0.95

# First-order condition g m f'(S) = 1 with m = E[z], solved by hand where that is possible.
LAWS = {
    # f' = 1 + r - 2 r s / K
    "logistic": (eco.Logistic(r=0.75, K=1.0), lambda gm: (1.75 - 1.0 / gm) / 1.5),
    # f = A s / (1 + B s), f' = A / (1 + B s)^2; K = (A - 1)/B = 1
    "beverton-holt": (eco.BevertonHolt(A=2.5, B=1.5), lambda gm: (np.sqrt(gm * 2.5) - 1.0) / 1.5),
    # f' = (1 - r s) exp(r (1 - s)): no closed form, so Newton's method below
    "ricker": (eco.Ricker(r=1.0, K=1.0), lambda gm: newton_ricker(gm)),
}
NOISES = {
    "lognormal .02": eco.LognormalNoise(sigma=0.02),
    "lognormal .05": eco.LognormalNoise(sigma=0.05),
    "lognormal .1": eco.LognormalNoise(sigma=0.1),
    "lognormal .1, mean": eco.LognormalNoise(sigma=0.1, center="mean"),
    "uniform .2": eco.UniformNoise(half_width=0.2),
}


def newton_ricker(gm):
    """Solve gm (1 - s) exp(1 - s) = 1 for r = K = 1."""
    s = 0.4
    for _ in range(50):
        value = gm * (1.0 - s) * np.exp(1.0 - s) - 1.0
        slope = -gm * np.exp(1.0 - s) * (2.0 - s)
        s -= value / slope
    return s


def mean_of(noise):
    """E[z], by hand: exp(sigma^2 / 2) where f is the median, 1 otherwise."""
    return np.exp(0.5 * noise.sigma**2) if getattr(noise, "center", "") == "median" else 1.0


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("law", LAWS)
def test_escapement_solves_the_first_order_condition(law, noise):
    growth, by_hand = LAWS[law]
    stock = eco.ParametricStock(growth, NOISES[noise])
    # Brent's method finds a maximum to about the square root of the rounding, 1.5e-8
    expected = by_hand(DISCOUNT * mean_of(NOISES[noise]))
    assert best_escapement(stock.mean, DISCOUNT, 1.0) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("law", LAWS)
def test_policy_keeps_that_escapement(law, noise):
    """Within one grid cell, for every biomass above it.

    Reed's theorem needs S* to be self-sustaining: growth from S* must not fall short of S*. With uniform
    noise (1 - w) f(S*) >= S* holds exactly; with the lognormals here a shortfall is rarer than 3 sd.
    """
    growth, by_hand = LAWS[law]
    stock = eco.ParametricStock(growth, NOISES[noise])
    target = by_hand(DISCOUNT * mean_of(NOISES[noise]))
    grown = float(growth(np.asarray(target)))
    if noise.startswith("uniform"):
        assert (1.0 - NOISES[noise].half_width) * grown >= target
    else:
        assert np.log(grown / target) > 3.0 * NOISES[noise].sigma
    problem = eco.HarvestProblem(
        stock=stock, economy=eco.Economy(discount=DISCOUNT), grid=eco.Grid(upper=2.0, cells=100)
    )
    policy = eco.OptimalControl().solve(problem).policy
    step = problem.grid.step
    above = policy.points > target + step
    kept = policy.points[above] - policy.quotas[above]
    assert np.abs(kept - target).max() <= step
    # Below it nothing is caught. The lowest cell is left out: with little noise f(step/2) = .0174 stays
    # within (0, .02], so on this grid that cell never recovers, and taking what it holds is right.
    below = (policy.points < target - step) & (policy.points > step)
    assert (policy.quotas[below] == 0.0).all()
    # a constant: the same escapement state everywhere, to rounding
    assert np.ptp(kept) <= 1e-12


def test_risk_of_falling_short_raises_the_escapement():
    """Where S* is not self-sustaining, biomass below it is worth more than its price: keep more, not less."""
    stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.LognormalNoise(sigma=0.5, center="mean"))
    problem = eco.HarvestProblem(stock=stock, grid=eco.Grid(upper=6.0, cells=300))
    policy = eco.OptimalControl().solve(problem).policy
    target = LAWS["logistic"][1](DISCOUNT)
    middle = (policy.points > 1.0) & (policy.points < 2.0)
    kept = policy.points[middle] - policy.quotas[middle]
    assert kept.min() > target + problem.grid.step


def test_a_stock_slower_than_the_bank_is_liquidated():
    """S* = 0 where g (1 + r) <= 1: r = .04 earns less than 1/.95 - 1 = .0526."""
    stock = eco.ParametricStock(eco.Logistic(r=0.04, K=1.0), eco.LognormalNoise(sigma=0.02, center="mean"))
    assert best_escapement(stock.mean, DISCOUNT, 1.0) == 0.0
    problem = eco.HarvestProblem(stock=stock, grid=eco.Grid(upper=2.0, cells=50))
    policy = eco.OptimalControl().solve(problem).policy
    # everything in every cell: the quota is the upper edge of the cell or more
    assert (policy.quotas >= policy.points).all()
