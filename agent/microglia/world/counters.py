"""Counters that go on over successive spans: born on first use, reset by restarts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np

from microglia.model.activity import F64
from microglia.world.demand import DAY, SLOT


@dataclass(slots=True)
class Counters:
    """What every counter showed at the end of the last span, by its key."""

    totals: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """How something accumulates over whole days from epoch day ``day``: ``amounts`` per slot, evenly within each.

    ``events`` are (epoch seconds, amount) that happen at once. ``whole``: the counter shows whole numbers; those that
    share a ``seed`` are rounded alike.
    """

    day: int
    amounts: F64
    events: Sequence[tuple[float, float]] = ()
    whole: bool = True
    seed: str = ""

    def at(self, seconds: F64, offset: float) -> F64:
        """The accumulated amount at ``seconds``, rounded down after adding ``offset`` where it counts whole things."""
        edges = self.day * DAY + np.arange(len(self.amounts) + 1.0) * SLOT
        found = np.interp(seconds, edges, np.concatenate([[0.0], np.cumsum(self.amounts)]))
        if self.whole:
            # Rounding errors of the interpolation must not tear a whole number down.
            found = np.floor(found + offset + 1e-6)
        for moment, amount in self.events:
            found = found + amount * (seconds >= moment)
        return np.asarray(found)


def counted(
    counters: Counters, key: str, curve: Curve, span: tuple[float, float, F64], resets: Iterable[float] = ()
) -> F64:
    """The values of counter ``key`` at the seconds of ``span`` (start, end, seconds), which later spans continue.

    ``resets`` are the epoch seconds at which it starts again from nothing. Zero means: not born yet.
    """
    start, end, seconds = span
    offset = crc32((curve.seed or key).encode()) % 9973 / 9974 if curve.whole else 0.0
    marks = np.append(seconds, [start, end])
    risen = curve.at(marks, offset)
    values = counters.totals.get(key, 0.0) + risen - risen[-2]
    for moment in sorted(resets):
        if start <= moment < end:
            level = curve.at(np.array([moment]), offset)[0]
            values = np.where(marks >= moment, risen - level, values)
    if values[-1] > 0:
        counters.totals[key] = float(values[-1])
    else:
        counters.totals.pop(key, None)
    return np.asarray(values[:-2])
