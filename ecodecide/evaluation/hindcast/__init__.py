"""What each policy would have advised in the past, and what would have come of it."""

from ecodecide.evaluation.hindcast.result import Hindcast
from ecodecide.evaluation.hindcast.run import hindcast

__all__ = ["Hindcast", "hindcast"]
