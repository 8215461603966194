"""Peaks that people know of must have been seen, or nobody knows the demand."""

from datetime import timedelta
from fnmatch import fnmatchcase

import numpy as np

from microglia.model.activity import Bools
from microglia.model.window import Window
from microglia.policy.schema import KnownPeak
from microglia.policy.times import starts
from microglia.score.panel import Panel


def unseen_peaks(panel: Panel, whole: Bools) -> dict[int, KnownPeak]:
    """Row of each workload with a known peak that the window does not hold -> the first such peak.

    A peak was seen when one of its occurrences lies in the window as a whole and ``whole`` (n, H) covers it as far as
    ``observation.coverage`` asks.
    """
    policy = panel.policy.observation
    found: dict[int, KnownPeak] = {}
    for peak in policy.peaks:
        spans = occurrences(peak, panel.topology.activity.window)
        seen = np.zeros(len(panel.ids), dtype=np.bool_)
        for first, last in spans:
            seen |= whole[:, first:last].mean(axis=1) >= policy.coverage
        for row in np.flatnonzero(~seen):
            namespace = panel.ids[row].namespace
            if any(fnmatchcase(namespace, pattern) for pattern in peak.namespaces):
                found.setdefault(int(row), peak)
    return found


def occurrences(peak: KnownPeak, window: Window) -> tuple[tuple[int, int], ...]:
    """Bucket ranges ``[first, last)`` of every occurrence that lies in ``window`` from start to end."""
    hour = timedelta(hours=1)
    found = []
    for start in starts(peak.cron, peak.time_zone, window.start - timedelta(seconds=1), window.end):
        end = start + peak.lasts
        if end <= window.end:
            found.append(((start - window.start) // hour, -((window.start - end) // hour)))
    return tuple(found)
