"""A small comparison for the tests of the report, made once."""

from typing import Any

import pytest

import ecodecide as eco


@pytest.fixture(scope="session")
def odd_name() -> str:
    """Return the name of a policy that HTML and plotly would both take for something else, and no line would hold."""
    return '<i>own</i> "50 %{x}" of-the-ministry-with-a-delay-of-a-year-and-a-cap'


@pytest.fixture(scope="session")
def small_run(odd_name: str) -> Any:
    solvers = {
        "pomdp": eco.Pomdp(gap=0.1),
        "tac": eco.Precautionary("tac"),
        odd_name: eco.Precautionary("no-fishing"),
    }
    return eco.compare(
        "hake-argentina-north", solvers, growth="logistic", worlds=["fitted", "fitted,trend=-0.05"], cells=30,
        replicates=60, years=12,
    )  # fmt: skip
