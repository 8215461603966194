"""Which hours since a cut are compared with which hours before it."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F32, Activity
from microglia.model.window import HOUR, HOURS_OF_WEEK

SIGHT = 0.9
"""Least share of scrapes seen in an hour that is compared: well inside any tolerance."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """``since`` (n,) are the whole hours after a cut, ``before`` (n, weeks) the same hours of week before it; -1 marks
    one that cannot be compared. Every hour in ``since`` has at least one partner."""

    since: Indices
    before: Indices

    def values(self, series: F32) -> tuple[F32, F32]:
        """``series`` (H,) at the hours since, shape (n,), and before, shape (n, weeks) with NaN for no partner."""
        before = np.where(self.before >= 0, series[np.maximum(self.before, 0)], np.float32(np.nan))
        return series[self.since], before.astype(np.float32)


def since(activity: Activity, at: datetime) -> Indices:
    """The buckets that began at or after ``at`` and were read whole, oldest first."""
    found: Indices = np.flatnonzero((activity.window.starts >= at.timestamp()) & activity.known)
    return found


def flowing(activity: Activity) -> NDArray[np.bool_]:
    """The buckets in which anything at all was called, shape (H,); all of them where nothing ever was."""
    facts = activity.workloads
    found = np.asarray(((facts.requests > 0) | (facts.sent > 0) | (facts.unserved > 0)).any(axis=0), dtype=np.bool_)
    return found if found.any() else ~found


def quiet(activity: Activity) -> int:
    """How many of the newest buckets saw no traffic at all, though earlier ones did; 0 where there never was any."""
    return activity.window.hours - 1 - int(np.flatnonzero(flowing(activity))[-1])


def heard(activity: Activity, row: int, at: datetime) -> float:
    """The share of the hours closed since ``at`` in which workload ``row`` was seen well enough to be compared; 1 while
    none has closed."""
    after = activity.window.starts >= at.timestamp()
    seen = (np.nan_to_num(activity.workloads.seen[row]) >= SIGHT) & activity.known
    return float(seen[after].mean()) if after.any() else 1.0


def pairs(activity: Activity, row: int, at: datetime) -> Hours:
    """The hours since ``at`` in which workload ``row`` was seen, with the same hours of week before.

    Hours before in which a zone was away or the count was changing do not count: they are nobody's normal. Nor does an
    hour without any traffic at all, before or since: nothing can be told from it.
    """
    seen = (np.nan_to_num(activity.workloads.seen[row]) >= SIGHT) & flowing(activity)
    after = since(activity, at)
    after = after[seen[after]]
    weeks = activity.window.hours // HOURS_OF_WEEK
    before = after[:, None] - HOURS_OF_WEEK * np.arange(1, weeks + 1)[None, :]
    normal = seen & activity.known & ~activity.away & ~activity.workloads.rolling[row]
    normal &= activity.window.starts + HOUR <= at.timestamp()
    before = np.where((before >= 0) & normal[np.maximum(before, 0)], before, -1)
    compared = (before >= 0).any(axis=1)
    return Hours(after[compared], before[compared])
