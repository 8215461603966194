"""Peaks that people know of must have been seen, or nobody knows the demand."""

from datetime import timedelta
from fnmatch import fnmatchcase

import numpy as np

from microglia.model.activity import Bools
from microglia.model.window import Window
from microglia.policy.observing import KnownPeak
from microglia.policy.scope import matches
from microglia.policy.times import midnights, starts
from microglia.score.panel import Panel
from microglia.topology.nodes import Workload


def unseen_peaks(panel: Panel, whole: Bools) -> dict[int, KnownPeak]:
    """Row of each workload with a known peak that the window does not hold -> the first such peak.

    A peak was seen when one of its occurrences lies in the window as a whole and ``whole`` (n, H) covers it as far as
    ``observation.coverage`` asks.
    """
    policy = panel.policy.observation
    found: dict[int, KnownPeak] = {}
    for peak in policy.schedule:
        spans = occurrences(peak, panel.topology.activity.window)
        seen = np.zeros(len(panel.ids), dtype=np.bool_)
        for first, last in spans:
            seen |= whole[:, first:last].mean(axis=1) >= policy.coverage
        for row in np.flatnonzero(~seen):
            if names(peak, panel.workloads[row]):
                found.setdefault(int(row), peak)
    return found


def unknown(peak: KnownPeak) -> str:
    """What it means that a window does not hold a known peak, and the way out."""
    return f"no {peak.told} lies in the window; wait for one, or lengthen spec.observation.window"


def names(peak: KnownPeak, workload: Workload) -> bool:
    """Whether ``peak`` is one of ``workload``."""
    namespace = any(fnmatchcase(workload.id.namespace, pattern) for pattern in peak.namespaces)
    name = any(fnmatchcase(workload.id.name, pattern) for pattern in peak.workloads)
    return namespace and name and matches(peak.selector, workload.labels)


def occurrences(peak: KnownPeak, window: Window) -> tuple[tuple[int, int], ...]:
    """Bucket ranges ``[first, last)`` of every occurrence that lies in ``window`` from start to end."""
    hour = timedelta(hours=1)
    found = []
    if peak.cron is None:
        begun = [start for start in midnights(peak.days, peak.time_zone) if start >= window.start]
    else:
        begun = list(starts(peak.cron, peak.time_zone, window.start - timedelta(seconds=1), window.end))
    for start in begun:
        end = start + peak.lasts
        if end <= window.end:
            found.append(((start - window.start) // hour, -((window.start - end) // hour)))
    return tuple(found)
