"""Has a shrunken workload carried the load that it must be able to carry?"""

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from microglia.guard.hours import since
from microglia.model.activity import Activity
from microglia.model.window import HOUR
from microglia.policy.observing import Cycles


@dataclass(frozen=True, slots=True)
class Exposure:
    """Load per replica, requests per second: what is ``expected`` and the highest ``reached`` since the cut."""

    expected: float
    reached: float

    @property
    def idle(self) -> bool:
        """Whether there is no load to be exposed to."""
        return self.expected <= 0

    def enough(self, share: float) -> bool:
        """Whether ``share`` of the expected load was reached."""
        return self.reached >= share * self.expected


def exposure(activity: Activity, row: int, count: int, at: datetime, cycles: Cycles) -> Exposure:
    """How far workload ``row`` with ``count`` replicas was exposed since ``at``.

    Expected is the lowest of the window's weekly maxima over the new count: counted back from the window's end in whole
    cycles, so that demand which really fell is accepted after one cycle of it.
    """
    peak = activity.workloads.peak[row]
    length = max(1, math.ceil(cycles.length.total_seconds() / HOUR))
    weeks = [peak[end - length : end] for end in range(peak.size, length - 1, -length)] or [peak]
    highest = [float(np.nanmax(week)) for week in weeks if np.isfinite(week).any()]
    after = peak[since(activity, at)]
    reached = float(np.nanmax(after)) if np.isfinite(after).any() else 0.0
    return Exposure(min(highest, default=0.0) / max(count, 1), reached / max(count, 1))
