"""A stock as its managers know it: its history, what they believe of it, their problem, and the policies for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from ecodecide.decision.economy import Economy
from ecodecide.decision.problem import HarvestProblem
from ecodecide.errors import EcodecideError, EvaluationError, PolicyError
from ecodecide.evaluation.decision_grid import decision_grid
from ecodecide.fitting.laws import DEFAULT_LAWS, FittedLaws, fit_laws
from ecodecide.fitting.posterior import Posterior
from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.library import load_history
from ecodecide.policy.protocol import Policy
from ecodecide.solvers.registry import solver_named
from ecodecide.solvers.solution import Solution, Solver
from ecodecide.stock.survey import Survey, parse_survey

Progress = Callable[[str, float], None]

DEFAULT_SOLVERS = ("pomdp", "gpdp", "tac", "optimal-control", "no-fishing")
"""The three kinds of solver, and the two references: full observation, and no fishing at all."""


@dataclass(frozen=True)
class CodePolicy:
    """What is left of a policy of the user's own in a file: it refuses to decide.

    Parameters
    ----------
    why
        In words.
    """

    why: str

    def start(self, replicates: int) -> NoReturn:
        """Refuse.

        Raises
        ------
        PolicyError
            Always.
        """
        raise PolicyError(self.why)

    def decide(self, memory: Any, observed: Any, caught: Any) -> NoReturn:
        """Refuse; see `start`."""
        raise PolicyError(self.why)


@dataclass(frozen=True, eq=False)
class ManagedStock:
    """What managers have before they decide.

    Attributes
    ----------
    history
        The catch history.
    posterior
        The stock fitted to it: what managers believe in, and solvers plan for.
    problem
        The decision problem that the solvers were given.
    solutions
        By name.
    failures
        Reasons, in one line, of the solvers that failed, by name.
    """

    history: CatchHistory
    posterior: Posterior
    problem: HarvestProblem
    solutions: Mapping[str, Solution] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def policies(self) -> dict[str, Policy]:
        """The policies by name; those whose code is not in a file, and those of solvers that failed, are left out."""
        return {
            name: solution.policy
            for name, solution in self.solutions.items()
            if not isinstance(solution.policy, CodePolicy)
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write history, fit, problem and policies to a NetCDF file, whole or not at all; `load` gives them back.

        Raises
        ------
        EvaluationError
            When the file cannot be written, or survey or growth law are of the user's own.
        """
        from ecodecide.evaluation.managed_stock_file import save_managed_stock

        save_managed_stock(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ManagedStock:
        """Return the managed stock of a file that `save`, or `Comparison.save`, wrote.

        Raises
        ------
        EvaluationError
            When the file cannot be read, or holds none.
        """
        from ecodecide.evaluation.managed_stock_file import load_managed_stock

        return load_managed_stock(path)

    def solved(self, solvers: Mapping[str, Solver], progress: Progress) -> ManagedStock:
        """Return the stock with a policy of each solver; one that fails does not stop the others.

        Raises
        ------
        EvaluationError
            When every solver fails.
        """
        solutions: dict[str, Solution] = {}
        failures: dict[str, str] = {}
        for number, (name, solver) in enumerate(solvers.items()):
            progress(f"solve {name}", number / len(solvers))
            try:
                solutions[name] = solver.solve(self.problem)
            except EcodecideError as problem_met:
                failures[name] = str(problem_met)
        if not solutions:
            raise EvaluationError(
                "every solver failed: " + "; ".join(f"{n}: {w}" for n, w in failures.items())
            )
        progress("solve", 1.0)
        return replace(self, solutions=solutions, failures=failures)


def manage(
    stock: str | os.PathLike[str] | CatchHistory,
    solvers: Sequence[str] | Mapping[str, Solver] = DEFAULT_SOLVERS,
    *,
    growth: str | Sequence[str] = DEFAULT_LAWS,
    survey: Survey | str | None = None,
    economy: Economy | None = None,
    seed: int = 1,
    implementation_cv: float = 0.0,
    cells: int = 100,
    gap: float = 0.01,
    progress: Progress | None = None,
) -> ManagedStock:
    """Fit a stock to its history and solve for ways of managing it: `ecodecide.compare` without its futures.

    Parameters
    ----------
    stock, solvers, growth, survey, economy, seed, implementation_cv, cells, gap, progress
        As in `ecodecide.compare`.

    Returns
    -------
    ManagedStock
        With `history`, the `posterior` that managers believe in, the `problem` that was solved, and `policies` by name.

    Raises
    ------
    EcodecideError
        When the history cannot be used or every solver fails.

    Examples
    --------
    >>> import ecodecide as eco
    >>> managed = eco.manage("hake-argentina-north", ["tac"], growth="logistic")
    >>> managed.posterior.law, list(managed.policies)
    ('logistic', ['tac'])
    """
    tell = progress or (lambda words, share: None)
    named = solvers_by_name(solvers, gap)
    history = stock if isinstance(stock, CatchHistory) else load_history(stock)
    managed, _ = fitted_stock(history, growth, survey, economy, seed, implementation_cv, cells, tell)
    return managed.solved(named, tell)


def fitted_stock(
    history: CatchHistory,
    growth: str | Sequence[str],
    survey: Survey | str | None,
    economy: Economy | None,
    seed: int,
    implementation_cv: float,
    cells: int,
    progress: Progress,
) -> tuple[ManagedStock, FittedLaws]:
    """Return a stock with its problem and no policies yet, and the fits of which it is the average."""
    error = parse_survey(survey) if isinstance(survey, str) else survey
    laws = (growth,) if isinstance(growth, str) else tuple(growth)
    fitted = fit_laws(history, laws, survey=error, seed=seed, progress=progress)
    posterior = fitted.average
    problem = HarvestProblem(
        stock=posterior,
        survey=posterior.survey if error is None else error,
        economy=Economy() if economy is None else economy,
        grid=decision_grid(posterior, history, cells),
        history=history,
        implementation_cv=implementation_cv,
    )
    return ManagedStock(history, posterior, problem), fitted


def fitted_law(
    history: CatchHistory, law: str, survey: Survey | None, seed: int, progress: Progress
) -> Posterior:
    """Return the fit of one law, in which managers need not believe.

    Raises
    ------
    FitError
        When it cannot be fitted.
    """
    return fit_laws(history, (law,), survey=survey, seed=seed, progress=progress).posteriors[law]


def solvers_by_name(solvers: str | Sequence[str] | Mapping[str, Solver], gap: float) -> dict[str, Solver]:
    """Return solvers by names, or refuse what is none before any long work.

    Raises
    ------
    EvaluationError
        When one does not solve, or there is none.
    SolverError
        For an unknown name.
    """
    names = (solvers,) if isinstance(solvers, str) else solvers
    named = dict(names) if isinstance(names, Mapping) else {name: solver_named(name, gap) for name in names}
    for name, solver in named.items():
        if not hasattr(solver, "solve"):
            raise EvaluationError(f"the solver {name!r} is a {type(solver).__name__} without a method solve")
    if not named:
        raise EvaluationError("no solvers: give at least one")
    return named
