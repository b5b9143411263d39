"""Published studies, simulated again with our own solvers, and their claims held against the outcome."""

from ecodecide.reproduction.studies import STUDIES, reproduce, save

__all__ = ["STUDIES", "reproduce", "save"]
