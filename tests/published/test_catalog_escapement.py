"""Logistic models of the catalog: growth, escapement and quotas, written out from the papers.

S* maximizes delta f(s) - s for f(s) = s + r s (1 - s/K), hence S* = K/2 (1 - (1/delta - 1)/r).
"""

import numpy as np
import pytest

from ecodecide import load_model
from ecodecide.stock.reference_points import best_escapement

# r, K and the discount factor, copied from the papers; None where none is published
PAPER = {
    "memarzadeh2019": (0.75, 1.0, 0.95),
    "memarzadeh2019-hake": (1.038, 1.198, 0.95),
    "memarzadeh2019-plaice": (0.906, 1.777, 0.95),
    "boettiger2022-model-1": (2.0, 16.0, 0.99),
    "boettiger2022-model-2": (0.5, 10.0, 0.99),
    "lapeyrolerie2022": (0.3, 1.0, None),
}


def grown(id, s):
    r, capacity, _ = PAPER[id]
    return s + r * s - r * s**2 / capacity


def best(id):
    r, capacity, discount = PAPER[id]
    return capacity / 2 * (1 - (1 / discount - 1) / r)


def settled(id, quota):
    """The biomass before harvest that a rule ends at, without noise."""
    biomass = 8 * 2 / 99
    for _ in range(2000):
        biomass = grown(id, biomass - min(max(quota(biomass), 0.0), biomass))
    return biomass


def fraction(id):
    """The share of the biomass before harvest that constant escapement takes in the long run."""
    return 1 - best(id) / grown(id, best(id))


FIGURES = {
    "settled biomass, constant escapement": lambda id, at: settled(id, lambda y: y - best(id)),
    "settled biomass, MSY rule": lambda id, at: settled(id, lambda y: fraction(id) * y),
    "settled biomass, TAC rule": lambda id, at: settled(id, lambda y: 0.8 * fraction(id) * y),
    "quota, constant escapement": lambda id, at: max(at - best(id), 0.0),
    "discounted escapement": lambda id, at: best(id),
    "optimal escapement": lambda id, at: best(id),
    "escapement at MSY": lambda id, at: PAPER[id][1] / 2,
}


@pytest.mark.parametrize(("id", "check"), [(id, check) for id in PAPER for check in load_model(id).checks])
def test_the_published_figure_follows(id, check):
    assert FIGURES[check.quantity](id, check.at) == pytest.approx(check.value, abs=check.tolerance)


@pytest.mark.parametrize("id", PAPER)
def test_law_and_reference_points_are_those_of_the_paper(id):
    r, capacity, discount = PAPER[id]
    model = load_model(id)
    s = np.linspace(0.0, capacity, 41)
    np.testing.assert_allclose(model.growth(s), grown(id, s), rtol=1e-13)
    assert model.discount == discount
    if discount is not None:
        assert best_escapement(model.growth, discount, capacity) == pytest.approx(best(id), rel=1e-7)
    if model.noise is not None:
        points = model.stock.reference_points()
        assert points.escapement_msy == pytest.approx(capacity / 2, rel=1e-12)
        assert points.msy == pytest.approx(r * capacity / 4, rel=1e-12)
        assert points.carrying_capacity == pytest.approx(capacity, rel=1e-12)
