"""Profit by hand, and the discount that is a factor."""

import numpy as np
import pytest

from ecodecide.decision.economy import Economy
from ecodecide.errors import ProblemError


def test_profit_by_hand():
    # 3 * 0.4 - 0.5 * 0.4/0.8 - 0.1 = 1.2 - 0.25 - 0.1
    economy = Economy(price=3.0, effort_cost=0.5, fixed_cost=0.1)
    assert float(economy.profit(0.4, 0.8)) == pytest.approx(0.85, rel=1e-15)


def test_no_catch_costs_nothing_and_an_extinct_stock_divides_nothing():
    economy = Economy(price=3.0, effort_cost=0.5, fixed_cost=0.1)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(economy.profit(np.zeros(3), np.array([0.0, 0.5, 2.0])), 0.0)


def test_profit_broadcasts():
    economy = Economy(effort_cost=1.0)
    # 0.2 - 0.2/x
    np.testing.assert_allclose(economy.profit(0.2, np.array([[1.0], [2.0]])), [[0.0], [0.1]], atol=1e-16)


@pytest.mark.parametrize("discount", [0.0, 1.0, 1.05, -0.1, np.nan])
def test_a_discount_is_a_factor_and_the_message_tells_how_to_make_one(discount):
    with pytest.raises(
        ProblemError, match=r"factor in \(0, 1\), got .* d per year is the factor 1/\(1 \+ d\)"
    ):
        Economy(discount=discount)


@pytest.mark.parametrize("name", ["price", "effort_cost", "fixed_cost"])
@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_negative_and_missing_prices_are_refused(name, value):
    with pytest.raises(ProblemError, match=f"{name} must be a number of at least 0"):
        Economy(**{name: value})
