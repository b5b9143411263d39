"""The pest of Boettiger 2020 in the catalog: two stable states, or one and the ghost of another."""

import numpy as np
import pytest
from numpy.polynomial import Polynomial

from ecodecide import load_model

CONSUMPTION = {"boettiger2020-bistable": 28.0, "boettiger2020-ghost": 27.2}


def grown(id, x):
    """X + r X (1 - X/K) - a X^Q / (X^Q + H^Q) with r = 0.8, K = 153, Q = 2 and H = 20."""
    return x + 0.8 * x * (1 - x / 153) - CONSUMPTION[id] * x**2 / (x**2 + 400)


def equilibria(id):
    """Stable and unstable ones: divided by X, growth without noise is zero at the roots of a cubic."""
    balance = 0.8 * Polynomial([1, -1 / 153]) * Polynomial([400, 0, 1]) - CONSUMPTION[id] * Polynomial([0, 1])
    roots = sorted(root.real for root in balance.roots() if abs(root.imag) < 1e-9 and root.real > 0)
    stable = [root for root in roots if abs(derivative(id, root)) < 1]
    return stable, [root for root in roots if root not in stable]


def derivative(id, x):
    return (grown(id, x + 1e-5) - grown(id, x - 1e-5)) / 2e-5


@pytest.mark.parametrize(
    ("id", "check"), [(id, check) for id in CONSUMPTION for check in load_model(id).checks]
)
def test_the_published_figure_follows(id, check):
    assert {"number of stable equilibria": len(equilibria(id)[0])}[check.quantity] == check.value


@pytest.mark.parametrize("id", CONSUMPTION)
def test_law_and_reference_points_are_those_of_the_paper(id):
    model = load_model(id)
    x = np.linspace(0.0, 153.0, 103)
    np.testing.assert_allclose(model.growth(x), grown(id, x), rtol=1e-12, atol=1e-12)
    points = model.stock.reference_points()
    stable, unstable = equilibria(id)
    assert points.carrying_capacity == pytest.approx(stable[-1], rel=1e-10)
    if unstable:
        assert points.allee_threshold == pytest.approx(unstable[-1], rel=1e-10)
    else:
        assert points.allee_threshold is None


def test_the_ghost_lingers_where_the_other_settles():
    """From 20 both stay between 15 and 30 for a while, and only the ghost leaves for the outbreak."""
    reached = {}
    for id in CONSUMPTION:
        growth, biomass, slow = load_model(id).growth, 20.0, 0
        for _ in range(400):
            biomass = float(growth(biomass))
            slow += 15 < biomass < 30
        reached[id] = (biomass > 100, slow)
    assert reached["boettiger2020-bistable"] == (False, 400)
    assert reached["boettiger2020-ghost"][0]
    assert 10 < reached["boettiger2020-ghost"][1] < 200
