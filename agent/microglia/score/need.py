"""The least count that is safe: what survives the worst named failure still carries the peak, with headroom."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64
from microglia.score.panel import Ints
from microglia.score.survivors import Shape

LARGEST = 10_000
"""Counts above this are not looked at: no such count is a remedy."""
ROUNDING = 1e-6
"""Shares of a replica below this are rounding errors of 32-bit activity, not demand."""


@dataclass(frozen=True, slots=True, eq=False)
class Required:
    """Replicas that must survive, arrays of shape (n,): for the ``requests``, for the ``cpu``, and for the busiest zone
    in each zone (``local``; 0 where calls do not stay in their zone). All 0 for what is idle."""

    requests: Ints
    cpu: Ints
    local: Ints

    @property
    def survivors(self) -> Ints:
        """The larger of what requests and CPU ask for."""
        return np.maximum(self.requests, self.cpu)


def copies(demand: F64, each: F64) -> Ints:
    """Replicas of ``each`` that carry ``demand``, rounded up; 0 where ``each`` is not a positive number. Shape (n,)."""
    usable = np.isfinite(each) & (each > 0)
    share = np.where(usable, demand, 0.0) / np.where(usable, each, 1.0)
    return np.minimum(np.ceil(share * (1 - ROUNDING)), LARGEST + 1).astype(np.int64)


def needs(shape: Shape, required: Required) -> Ints:
    """Per workload the least k up to ``LARGEST`` with survivors(k) >= required, in every zone too; -1 where none is."""
    wanted, local = required.survivors, required.local
    found = np.full(wanted.size, -1, dtype=np.int64)
    open_rows = np.flatnonzero((wanted <= LARGEST) & (local <= LARGEST))
    count = 0
    while open_rows.size and count <= LARGEST:
        counts = np.full(open_rows.size, count, dtype=np.int64)
        enough = shape.survivors(open_rows, counts) >= wanted[open_rows]
        enough &= shape.local(open_rows, counts) >= local[open_rows]
        found[open_rows[enough]] = count
        open_rows = open_rows[~enough]
        count += 1
    return found
