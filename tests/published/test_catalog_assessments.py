"""Assessed stocks of the catalog, written out from the assessments: yields, a fit and a recovery.

All let the stock grow first and take the catch from what has grown: B' = B + surplus(B) - C.
"""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize

from ecodecide import load_model
from ecodecide.stock.reference_points import law_reference_points

# Namibian hake, Hilborn & Mangel 1997: catch per effort in t per standard trawler hour, catch in thousand t
CATCH_PER_EFFORT = [1.78, 1.31, 0.91, 0.96, 0.88, 0.90, 0.87, 0.72, 0.57, 0.45, 0.42, 0.42]
CATCH_PER_EFFORT += [0.49, 0.43, 0.40, 0.45, 0.55, 0.53, 0.58, 0.64, 0.66, 0.65, 0.63]
CATCH = [94, 212, 195, 383, 320, 402, 366, 606, 378, 319, 309, 389, 277, 254, 170, 97, 91, 177, 216]
CATCH += [229, 211, 231, 223]


def hake_surplus(b, r=0.39, capacity=2709.0):
    return r * b * (1 - b / capacity)


def hake_error(numbers):
    """The standard deviation of log(catch per effort) about log(q B), with the best q, from B = K in 1965."""
    r, capacity = numbers
    biomass = [capacity]
    for catch in CATCH[:-1]:
        biomass.append(biomass[-1] + hake_surplus(biomass[-1], r, capacity) - catch)
    if min(biomass) <= 0:
        return np.inf
    return float(np.std(np.log(CATCH_PER_EFFORT) - np.log(biomass)))


def hake_figures():
    fit = minimize(hake_error, (0.3, 3000.0), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12})
    return {
        "fitted r": lambda at: fit.x[0],
        "fitted K": lambda at: fit.x[1],
        "fitted observation error": lambda at: fit.fun,
    }


def swordfish_shape():
    """JABBA's shape m, of the depletion at MSY: m^(-1/(m - 1)) = 0.4."""
    return brentq(lambda m: m ** (-1 / (m - 1)) - 0.4, 1.05, 1.9, xtol=1e-14)


def swordfish_surplus(b, r=0.404, capacity=104452.1):
    """JABBA's r/(m - 1) B (1 - (B/K)^(m - 1))."""
    m = swordfish_shape()
    return r / (m - 1) * b * (1 - (b / capacity) ** (m - 1))


def swordfish_figures():
    biomass = 104452.1 * swordfish_shape() ** (-1 / (swordfish_shape() - 1))
    return {
        "biomass at MSY": lambda at: biomass,
        "MSY": lambda at: swordfish_surplus(biomass),
        "harvest rate at MSY": lambda at: swordfish_surplus(biomass) / biomass,
    }


def humpback_surplus(n, greatest=0.069, capacity=24558.0, z=2.39):
    return greatest * n * (1 - (n / capacity) ** z)


def humpback_share(year):
    """The share of K in a year, unharvested from 27.4 % of it in 2006."""
    whales = 0.274 * 24558.0
    for _ in range(year - 2006):
        whales += humpback_surplus(whales)
    return whales / 24558.0


HUMPBACK = {
    "share of K, from 0.274 in 2006": humpback_share,
    # where d/dN of N - N (N/K)^z is zero
    "share of K at MSY": lambda at: 3.39 ** (-1 / 2.39),
}
FIGURES = {
    "hilborn1997-namibian-hake": hake_figures(),
    "winker2018-swordfish": swordfish_figures(),
    "zerbini2011-humpback": HUMPBACK,
}
SURPLUS = {
    "hilborn1997-namibian-hake": (hake_surplus, 2709.0, 1 / 2),
    "winker2018-swordfish": (swordfish_surplus, 104452.1, 0.4),
    "zerbini2011-humpback": (humpback_surplus, 24558.0, 3.39 ** (-1 / 2.39)),
}


@pytest.mark.parametrize(("id", "check"), [(id, check) for id in FIGURES for check in load_model(id).checks])
def test_the_published_figure_follows(id, check):
    assert FIGURES[id][check.quantity](check.at) == pytest.approx(check.value, abs=check.tolerance)


@pytest.mark.parametrize("id", SURPLUS)
def test_law_and_reference_points_are_those_of_the_assessment(id):
    surplus, capacity, share = SURPLUS[id]
    law = load_model(id).growth
    # the catalog's p of the swordfish has nine digits, its r of the whales five that are all
    b = np.linspace(0.01, 1.2, 60) * capacity
    np.testing.assert_allclose(law(b), b + surplus(b), rtol=1e-8)
    points = law_reference_points(law)
    assert points.carrying_capacity == pytest.approx(capacity, rel=1e-8)
    assert points.escapement_msy == pytest.approx(share * capacity, rel=1e-8)
    assert points.msy == pytest.approx(surplus(share * capacity), rel=1e-8)


def test_without_noise_both_orders_are_one_stock():
    """The biomass of the assessments, after growth and catch, is the escapement of ecodecide."""
    law = load_model("hilborn1997-namibian-hake").growth
    assessed, before_harvest = 2709.0, float(law(2709.0))
    for catch in CATCH:
        assessed = assessed + hake_surplus(assessed) - catch
        escapement = before_harvest - catch
        assert escapement == pytest.approx(assessed, rel=1e-12)
        before_harvest = float(law(escapement))
