"""Catch histories: the type, the CSV reader and the shipped ones."""

from ecodecide.history.catch_history import CatchHistory
from ecodecide.history.foreign import read_foreign
from ecodecide.history.library import HistorySummary, load_history, shipped_histories
from ecodecide.history.read_csv import read_history_csv
from ecodecide.history.write_csv import write_history_csv

__all__ = [
    "CatchHistory",
    "HistorySummary",
    "load_history",
    "read_foreign",
    "read_history_csv",
    "shipped_histories",
    "write_history_csv",
]
