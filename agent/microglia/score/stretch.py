"""How far one step may go: capacity is a guess until it has been seen."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import Bools
from microglia.policy.schema import Retention
from microglia.score.load import Load
from microglia.score.need import ROUNDING
from microglia.score.panel import Ints, Panel
from microglia.score.risk import Ladder
from microglia.topology.nodes import Workload

MEMORY = 0.8
"""Share of the memory limit that no projection may pass."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """The lowest count that each rule allows in the next step, arrays of shape (n,); ``memory`` binds for good."""

    stretch: Ints
    failure: Ints
    memory: Ints

    @property
    def lowest(self) -> Ints:
        """The lowest count that ``stretch`` and ``failureStretch`` allow."""
        return np.maximum(self.stretch, self.failure)


def memory_limit(workload: Workload) -> float:
    """Bytes that one pod may take, 0 when some container of its own has no limit."""
    own = [container for container in workload.containers if not container.sidecar]
    if not own or any(container.memory_limit <= 0 for container in own):
        return 0.0
    return sum(container.memory_limit for container in workload.containers)


def reaches(panel: Panel, load: Load, rungs: Ladder, survivors: Ints) -> Reach:
    """What each rule allows; ``survivors`` (m,) belong to the counts of ``rungs``.

    ``stretch``: peak / k <= stretch x demonstrated. ``failureStretch``: peak / survivors(k) <= failureStretch x
    demonstrated, or no more than it would be at the present count. ``memory``: the largest pod plus slope x (peak /
    survivors(k) - the highest load seen) stays within ``MEMORY`` of the limit.
    """
    retention, rows = panel.policy.retention, rungs.rows
    demonstrated = np.array([capacity.demonstrated for capacity in load.capacities])
    present = survivors[rungs.starts[1:] - 1][rows]
    peak = load.peak[rows] * (1 - ROUNDING)
    allowed = peak <= retention.stretch * demonstrated[rows] * rungs.counts
    failed = (peak <= retention.failure_stretch * demonstrated[rows] * survivors) | (survivors >= present)
    return Reach(
        _least(rungs, allowed), _least(rungs, failed), _least(rungs, _within_memory(panel, load, rungs, survivors))
    )


def _within_memory(panel: Panel, load: Load, rungs: Ladder, survivors: Ints) -> Bools:
    limit = np.array([memory_limit(workload) for workload in panel.workloads])[rungs.rows]
    slope, known = load.memory_slope[rungs.rows], np.nan_to_num(load.memory)[rungs.rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        after = np.where(survivors > 0, load.peak[rungs.rows] / survivors, np.inf)
        more = np.where(slope > 0, slope * np.maximum(after - load.health.loudest[rungs.rows], 0.0), 0.0)
    within: Bools = (limit <= 0) | (known + more <= MEMORY * limit)
    return within


def _least(rungs: Ladder, allowed: Bools) -> Ints:
    """Per workload the least allowed count; the present one where none below it is."""
    current = rungs.counts[rungs.starts[1:] - 1]
    if not current.size:
        return current
    found: Ints = np.minimum.reduceat(np.where(allowed, rungs.counts, current[rungs.rows]), rungs.starts[:-1])
    return found


def release(retention: Retention, peak: float, count: int, survivors: int) -> float:
    """Requests per second per replica that must have been seen healthy before ``count``, which leaves ``survivors``, is
    allowed; where none are left, before ``stretch`` alone allows it."""
    alone = peak / count / retention.stretch
    return max(alone, peak / survivors / retention.failure_stretch) if survivors else alone
