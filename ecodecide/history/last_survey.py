"""Whether the last survey of a history is heard already when the first quota is set."""

from __future__ import annotations

import numpy as np

from ecodecide.history.catch_history import CatchHistory


def ends_with_a_survey(history: CatchHistory) -> bool:
    """Return whether the history ends before a catch but after a survey, which the fit has then heard already."""
    seen = any(np.isfinite(values[-1]) for values in history.observations.values())
    return bool(np.isnan(history.catch[-1])) and seen
