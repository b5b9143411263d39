"""Next year's quota, and why."""

from ecodecide.evaluation.advice.recommendation import Advice, Recommendation
from ecodecide.evaluation.advice.run import recommend

__all__ = ["Advice", "Recommendation", "recommend"]
