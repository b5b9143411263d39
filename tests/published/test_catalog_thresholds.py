"""Ricker and Allee models of the catalog: equilibria and decline, written out from the papers."""

import numpy as np
import pytest
from scipy.optimize import brentq

from ecodecide import load_model


def herring(s):
    """Appendix A, model B of Boettiger 2022, without bass and cormorants."""
    return s * np.exp(1.60 - 2.00 * s)


def allen(s):
    """The state of nature of Boettiger, Mangel & Munch 2015."""
    return s * np.exp(2.0 / 8.0 * (1 - s / 8.0) * (s - 5.0))


PAPER = {"boettiger2022-herring": herring, "boettiger2015-allen": allen}


def equilibrium(f, low, high):
    return brentq(lambda s: f(s) / s - 1, low, high, xtol=1e-14)


def years_of_decline(f, biomass):
    """In how many of the seven years that the figure shows the stock shrinks."""
    path = [biomass]
    for _ in range(7):
        path.append(f(path[-1]))
    return int(np.sum(np.diff(path) < 0))


FIGURES = {
    "unfished equilibrium": lambda f, at: equilibrium(f, 0.1, 2.0),
    "carrying capacity": lambda f, at: equilibrium(f, 6.5, 12.0),
    "Allee threshold": lambda f, at: equilibrium(f, 1.0, 6.5),
    "years of decline without harvest": years_of_decline,
}


@pytest.mark.parametrize(("id", "check"), [(id, check) for id in PAPER for check in load_model(id).checks])
def test_the_published_figure_follows(id, check):
    assert FIGURES[check.quantity](PAPER[id], check.at) == pytest.approx(check.value, abs=check.tolerance)


@pytest.mark.parametrize("id", PAPER)
def test_the_law_is_that_of_the_paper(id):
    s = np.linspace(0.0, 12.0, 61)
    np.testing.assert_allclose(load_model(id).growth(s), PAPER[id](s), rtol=1e-12)


def test_reference_points_of_the_papers_formulas():
    points = load_model("boettiger2022-herring").stock.reference_points()
    assert points.carrying_capacity == pytest.approx(equilibrium(herring, 0.1, 2.0), rel=1e-12)
    # where the surplus is greatest a further unit of escapement grows into one unit: f'(s) = 1
    best = brentq(lambda s: np.exp(1.60 - 2.00 * s) * (1 - 2.00 * s) - 1, 0.1, 0.5, xtol=1e-14)
    assert points.escapement_msy == pytest.approx(best, rel=1e-6)
    assert points.msy == pytest.approx(herring(best) - best, rel=1e-12)
    points = load_model("boettiger2015-allen").stock.reference_points()
    assert points.carrying_capacity == pytest.approx(equilibrium(allen, 6.5, 12.0), rel=1e-12)
    assert points.allee_threshold == pytest.approx(equilibrium(allen, 1.0, 6.5), rel=1e-12)
