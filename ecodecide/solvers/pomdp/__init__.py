"""Planning over beliefs: point-based value iteration between two bounds."""

from ecodecide.solvers.pomdp.solver import Pomdp

__all__ = ["Pomdp"]
