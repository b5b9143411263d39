"""The protocol that every policy obeys."""

from __future__ import annotations

from typing import Any, Protocol

from ecodecide.stock.growth import Array


class Policy(Protocol):
    """A way of setting quotas, for a batch of replicates at once, and without chance.

    Memory is None or an array with the replicate axis first; it is never changed in place.
    """

    def start(self, replicates: int) -> Any:
        """Return the memory before the first year."""
        ...

    def decide(self, memory: Any, observed: Array, caught: Array | None) -> tuple[Array, Any]:
        """Set the quotas of a year.

        Parameters
        ----------
        memory
            What the policy returned last year, or `start`.
        observed
            Shape (replicates,): this year's survey, in units of biomass; NaN where there was none.
        caught
            Shape (replicates,): last year's catch; None in the first year.

        Returns
        -------
        quota
            Shape (replicates,), at least 0.
        memory
            For next year.
        """
        ...
