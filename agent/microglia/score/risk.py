"""What fewer copies risk, in requests per hour, and the steps in which copies compete."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from microglia.model.activity import F64
from microglia.score.panel import Ints
from microglia.score.scores import ReplicaScore
from microglia.score.tail import Tail

LASTING = 300.0
"""Seconds of one bucket for which its peak lasts."""
_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """Every count 0 .. current of every workload, flat: ``rows`` and ``counts`` (m,), workload i has the entries
    ``starts[i]`` to ``starts[i + 1]``."""

    rows: Ints
    counts: Ints
    starts: Ints


def ladder(current: Ints) -> Ladder:
    """All counts up to ``current`` (n,)."""
    starts = np.concatenate(([0], np.cumsum(current + 1))).astype(np.int64)
    rows = np.repeat(np.arange(current.size), current + 1)
    return Ladder(rows, np.arange(starts[-1]) - starts[rows], starts)


def risks(peaks: F64, tail: Tail, rows: Ints, served: F64) -> F64:
    """``300 s x max(observed, tail)`` while only ``served`` (m,) requests per second can be answered, for the workloads
    ``rows`` (m,): requests per hour. observed = mean over buckets of (peak - served)+; ``peaks`` is (n, H)."""
    observed = np.empty(rows.size)
    for first in range(0, rows.size, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        observed[part] = np.maximum(peaks[rows[part]] - served[part, None], 0.0).mean(axis=1)
    return LASTING * np.maximum(observed, tail.beyond(rows, served))


def steps(score: ReplicaScore, base: int) -> tuple[tuple[int, int, float], ...]:
    """(low, high, value) of each step from ``base`` to the present count: the vertices of the convex minorant of what
    fewer copies lose.

    Where one more copy adds no survivor nothing falls, so such copies only compete together. Values fall from
    step to step per copy; equal ones stay apart, so that a step is as small as it can be.
    """
    risk, found = score.worth, [base]
    for count in range(base + 1, score.current + 1):
        while len(found) > 1 and _above(risk, found[-2], found[-1], count):
            found.pop()
        found.append(count)
    return tuple((low, high, max(risk[low] - risk[high], 0.0)) for low, high in pairwise(found))


def _above(risk: tuple[float, ...], low: int, middle: int, high: int) -> bool:
    """Whether ``middle`` lies above the line from ``low`` to ``high``."""
    line = risk[low] * (high - middle) + risk[high] * (middle - low)
    return risk[middle] * (high - low) > line * (1 + 1e-12)
