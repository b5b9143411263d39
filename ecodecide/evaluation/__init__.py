"""Simulated futures: closed loop, scores and comparison."""

from ecodecide.evaluation.closed_loop import evaluate
from ecodecide.evaluation.comparison import compare
from ecodecide.evaluation.scores import score
from ecodecide.evaluation.world import World

__all__ = ["World", "compare", "evaluate", "score"]
