"""Simulated futures: closed loop, scores and comparison."""

from ecodecide.evaluate.closed_loop import evaluate
from ecodecide.evaluate.compare import compare
from ecodecide.evaluate.scores import score

__all__ = ["compare", "evaluate", "score"]
