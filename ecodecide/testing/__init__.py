"""Checks of the laws that stocks, policies and solvers of your own have to keep.

Each returns nothing where all is well, and raises a `ConformanceError` that says what was found, what was expected and
what to do. Call them in the tests of your own package.
"""

from ecodecide.testing.policy import check_policy
from ecodecide.testing.solver import check_solver
from ecodecide.testing.stock import check_stock

__all__ = ["check_policy", "check_solver", "check_stock"]
