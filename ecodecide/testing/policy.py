"""A check of the laws of a policy, which simulations rely on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecodecide.policy.protocol import Policy
from ecodecide.stock.growth import Array
from ecodecide.testing.require import require, require_methods, require_numbers

_ROWS = 12
_YEARS = 4


def check_policy(policy: Policy, scale: float = 1.0, seed: int = 0) -> None:
    """Check that a policy of your own conforms to `ecodecide.policy.protocol.Policy`.

    It decides for a batch of replicates at once, each by itself and without chance; it changes nothing that it is
    given; years without a survey, surveys of nothing and catches short of the quota do not stop it.

    Parameters
    ----------
    policy
        The policy.
    scale
        A usual biomass, in the policy's unit: such as the carrying capacity.
    seed
        Of the surveys that it is shown.

    Raises
    ------
    ConformanceError
        For the first law that it breaks.

    Examples
    --------
    >>> import numpy as np
    >>> from ecodecide.testing import check_policy
    >>> class Tenth:
    ...     def start(self, replicates):
    ...         return np.zeros(replicates)
    ...     def decide(self, memory, observed, caught):
    ...         seen = np.where(np.isnan(observed), memory, observed)
    ...         return 0.1 * seen, seen
    >>> check_policy(Tenth())
    """
    require_methods(policy, "policy", ("start", "decide"))
    rng = np.random.default_rng(seed)
    surveys = scale * rng.uniform(0.02, 1.5, (_YEARS, _ROWS))
    surveys[0, 0] = np.nan
    surveys[1, :3] = np.nan
    surveys[2, 4] = 0.0
    surveys[3, 5] = 20.0 * scale
    shares = rng.uniform(0.3, 1.0, (_YEARS, _ROWS))
    shares[:, 6] = 1.0
    whole = _decisions(policy, surveys, shares)
    again = _decisions(policy, surveys, shares)
    require(
        np.array_equal(whole, again),
        "it decided otherwise when shown the same again: a policy has no chance in it, and keeps what it remembers in "
        "the memory it returns, not in itself",
    )
    for row in range(_ROWS):
        alone = _decisions(policy, surveys[:, [row]], shares[:, [row]])
        require(
            np.abs(alone[:, 0] - whole[:, row]) <= 1e-9 * scale,
            f"replicate {row} alone was given the quotas {alone[:, 0].round(6).tolist()} and among others "
            f"{whole[:, row].round(6).tolist()}: decide for each replicate by itself",
        )


def _decisions(policy: Policy, surveys: Array, shares: Array) -> Array:
    """Return the quotas of some years, shape (years, rows); of each a share is caught."""
    rows = surveys.shape[1]
    memory: Any = policy.start(rows)
    _require_memory(memory, rows, f"start({rows})")
    caught: Array | None = None
    quotas = []
    for year, observed in enumerate(surveys):
        given = observed.copy()
        before = None if memory is None else np.array(memory, copy=True)
        taken: Array | None = None if caught is None else caught.copy()
        quota, after = policy.decide(memory, given, taken)
        what = f"decide in year {year + 1}" + (" (with a missing survey)" if np.isnan(observed).any() else "")
        quota = require_numbers(quota, (rows,), what).copy()
        require(
            np.array_equal(given, observed, equal_nan=True), "decide changed `observed`: compute on a copy"
        )
        require(
            taken is None or caught is None or np.array_equal(taken, caught),
            "decide changed `caught`: compute on a copy",
        )
        same = before is None or np.array_equal(
            np.asarray(memory), before, equal_nan=before.dtype.kind == "f"
        )
        require(same, "decide changed the memory it was given: return a new one")
        _require_memory(after, rows, what)
        memory, caught = after, quota * shares[year]
        quotas.append(quota)
    return np.array(quotas)


def _require_memory(memory: Any, rows: int, what: str) -> None:
    require(
        memory is None or (isinstance(memory, np.ndarray) and memory.shape[:1] == (rows,)),
        f"{what} returned the memory {type(memory).__name__} of shape {np.shape(memory)}, expected None or an array "
        f"whose first axis has {rows} replicates",
    )
