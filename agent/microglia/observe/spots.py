"""Moments to buckets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F64
from microglia.observe.dialects.expressions import HOUR, SLOT, Spans


@dataclass(frozen=True, slots=True)
class Spots:
    """Buckets of ``step`` seconds from ``start``: the one that ends at ``t`` is evaluated at ``t + late``.

    ``share`` times a value is what belongs to its bucket alone.
    """

    start: float
    step: float
    count: int
    late: float = 0.0
    share: float = 1.0

    @property
    def first(self) -> float:
        """When the first bucket is evaluated."""
        return self.start + self.step + self.late

    @property
    def last(self) -> float:
        """When the last bucket is evaluated."""
        return self.start + self.step * self.count + self.late

    def of(self, times: F64) -> NDArray[np.int64]:
        """The bucket of each evaluation."""
        if np.shape(times) == (self.count,) and times[0] == self.first and times[-1] == self.last:
            return np.arange(self.count)
        return np.rint((times - self.first) / self.step).astype(np.int64)


def hourly(start: int, hours: int, spans: Spans) -> Spots:
    """One bucket an hour; values are increases over an hour and a scrape."""
    return Spots(start, HOUR, hours, share=spans.hour_share)


def slots(start: int, hours: int, spans: Spans) -> Spots:
    """Twelve buckets an hour; values are rates around them. Whole seconds, as the server's range steps are."""
    return Spots(start, SLOT, hours * HOUR // SLOT, late=round(spans.peak_late), share=spans.peak_share)
