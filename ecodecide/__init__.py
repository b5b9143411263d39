"""Ecological decisions under uncertainty: catch quotas for a stock that may have a tipping point.

The names below are the whole public interface; each is imported when it is first used.

Examples
--------
>>> import ecodecide as eco
>>> stock = eco.ParametricStock(eco.Logistic(r=0.75, K=1.0), eco.NormalNoise(sd=0.15))
>>> float(stock.mean(0.5).round(4))
0.6875
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ecodecide.catalog import load_model
    from ecodecide.decision.discretize import discretize
    from ecodecide.decision.economy import Economy
    from ecodecide.decision.finite_pomdp import FinitePomdp
    from ecodecide.decision.grid import Grid
    from ecodecide.decision.problem import HarvestProblem
    from ecodecide.evaluation import World, compare, evaluate, score
    from ecodecide.evaluation.advice import recommend
    from ecodecide.evaluation.comparison_file import load_comparison
    from ecodecide.evaluation.exact import exact_scores
    from ecodecide.evaluation.hindcast import hindcast
    from ecodecide.evaluation.managed_stock import manage
    from ecodecide.evaluation.rare_collapse import rare_collapse
    from ecodecide.fitting import fit
    from ecodecide.fitting.laws import fit_laws
    from ecodecide.fitting.priors import read_prior
    from ecodecide.fitting.stock_file import load_stock
    from ecodecide.history import CatchHistory, load_history
    from ecodecide.policy.rules import RulePolicy
    from ecodecide.solvers.best_ramp import BestRamp
    from ecodecide.solvers.gpdp import Gpdp
    from ecodecide.solvers.optimal_control import OptimalControl
    from ecodecide.solvers.pomdp import Pomdp
    from ecodecide.solvers.precautionary import Precautionary
    from ecodecide.solvers.solution import Solution
    from ecodecide.solvers.solution_file import load_solution
    from ecodecide.stock.growth import (
        Allen,
        BevertonHolt,
        Logistic,
        May,
        Myers,
        PellaTomlinson,
        Ricker,
        growth,
    )
    from ecodecide.stock.noise import LognormalNoise, NormalNoise, UniformNoise
    from ecodecide.stock.parametric import ParametricStock
    from ecodecide.stock.survey import LognormalSurvey, NormalSurvey, PerfectSurvey

__all__ = [
    "Allen",
    "BestRamp",
    "BevertonHolt",
    "CatchHistory",
    "Economy",
    "FinitePomdp",
    "Gpdp",
    "Grid",
    "HarvestProblem",
    "Logistic",
    "LognormalNoise",
    "LognormalSurvey",
    "May",
    "Myers",
    "NormalNoise",
    "NormalSurvey",
    "OptimalControl",
    "ParametricStock",
    "PellaTomlinson",
    "PerfectSurvey",
    "Pomdp",
    "Precautionary",
    "Ricker",
    "RulePolicy",
    "Solution",
    "UniformNoise",
    "World",
    "compare",
    "discretize",
    "evaluate",
    "exact_scores",
    "fit",
    "fit_laws",
    "growth",
    "hindcast",
    "load_comparison",
    "load_history",
    "load_model",
    "load_solution",
    "load_stock",
    "manage",
    "rare_collapse",
    "read_prior",
    "recommend",
    "score",
]

_PLACES = {
    "ecodecide.stock.growth": (
        "Allen",
        "BevertonHolt",
        "Logistic",
        "May",
        "Myers",
        "PellaTomlinson",
        "Ricker",
        "growth",
    ),
    "ecodecide.stock.noise": ("LognormalNoise", "NormalNoise", "UniformNoise"),
    "ecodecide.stock.survey": ("LognormalSurvey", "NormalSurvey", "PerfectSurvey"),
    "ecodecide.stock.parametric": ("ParametricStock",),
    "ecodecide.catalog": ("load_model",),
    "ecodecide.history": ("CatchHistory", "load_history"),
    "ecodecide.decision.economy": ("Economy",),
    "ecodecide.decision.finite_pomdp": ("FinitePomdp",),
    "ecodecide.decision.grid": ("Grid",),
    "ecodecide.decision.problem": ("HarvestProblem",),
    "ecodecide.decision.discretize": ("discretize",),
    "ecodecide.fitting": ("fit",),
    "ecodecide.fitting.laws": ("fit_laws",),
    "ecodecide.fitting.priors": ("read_prior",),
    "ecodecide.fitting.stock_file": ("load_stock",),
    "ecodecide.solvers.solution": ("Solution",),
    "ecodecide.solvers.solution_file": ("load_solution",),
    "ecodecide.policy.rules": ("RulePolicy",),
    "ecodecide.solvers.precautionary": ("Precautionary",),
    "ecodecide.solvers.best_ramp": ("BestRamp",),
    "ecodecide.solvers.optimal_control": ("OptimalControl",),
    "ecodecide.solvers.gpdp": ("Gpdp",),
    "ecodecide.solvers.pomdp": ("Pomdp",),
    "ecodecide.evaluation.exact": ("exact_scores",),
    "ecodecide.evaluation.comparison_file": ("load_comparison",),
    "ecodecide.evaluation.hindcast": ("hindcast",),
    "ecodecide.evaluation.managed_stock": ("manage",),
    "ecodecide.evaluation.advice": ("recommend",),
    "ecodecide.evaluation.rare_collapse": ("rare_collapse",),
    "ecodecide.evaluation": ("World", "compare", "evaluate", "score"),
}
"""Where each name lives; a test holds this against `__all__`."""

_PLACE = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _PLACE:
        raise AttributeError(f"ecodecide has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_PLACE[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
