"""Every exception and warning that ecodecide raises.

A message says what is wrong, what was found, what was expected and what to do, in one line.
"""

from __future__ import annotations


class EcodecideError(Exception):
    """The base of all errors of ecodecide: catch it to catch them all."""


class StockError(EcodecideError, ValueError):
    """A stock, growth law, noise or survey was given values that mean nothing."""


class HistoryError(EcodecideError, ValueError):
    """A catch history cannot be read, or what it says cannot be true."""


class CatalogError(EcodecideError, ValueError):
    """A published stock model cannot be found or its file is broken."""


class ProblemError(EcodecideError, ValueError):
    """A harvest problem is incomplete or contradicts itself."""


class GridError(ProblemError):
    """The grid does not hold the stock: too much probability falls off it."""


class PolicyError(EcodecideError, ValueError):
    """A policy was given observations or catches that it cannot act on."""


class FitError(EcodecideError, RuntimeError):
    """A history cannot be fitted, or the fit did not succeed."""


class FormatError(EcodecideError, ValueError):
    """A file of another program's format is not what its format says; the message gives the line."""


class DependencyError(EcodecideError, ImportError):
    """A package that only part of ecodecide needs is not installed; the message says how to get it."""


class SolverError(EcodecideError, RuntimeError):
    """A solver cannot solve this problem."""


class EvaluationError(EcodecideError, ValueError):
    """An evaluation or a score was asked for in a way that has no answer."""


class ConformanceError(EcodecideError, AssertionError):
    """A stock, policy or solver of the user's own breaks a law that the rest relies on."""


class EcodecideWarning(UserWarning):
    """The base of all warnings of ecodecide."""


class HistoryWarning(EcodecideWarning):
    """A history can be used, but says something that its user should know."""


class ConvergenceWarning(EcodecideWarning):
    """A search stopped before it reached what it was asked for."""


class FewDataWarning(EcodecideWarning):
    """What was learned rests on a prior more than on data."""


class CacheWarning(EcodecideWarning):
    """No folder is writable for compiled kernels: they are compiled again in each process."""


class QuotaWarning(EcodecideWarning):
    """A quota advised is more than the stock is believed to hold."""
