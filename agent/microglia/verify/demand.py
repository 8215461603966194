"""What the window asked of workloads, and what a number of copies would have left unanswered."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.score.panel import Ints, Panel, fill, whole_week
from microglia.score.risk import LASTING
from microglia.score.scores import Scores
from microglia.topology.graph import Topology

_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What was asked.

    ``peaks`` (n, H + 1): the bucket peaks of each workload in requests per second, holes filled with the highest peak
    of that hour of the week or its neighbours, and last the peak from before the window that is still in force.
    ``each`` (n,): what one replica can answer; ``row`` finds a workload.
    """

    row: dict[WorkloadId, int]
    peaks: F64
    each: F64

    def unanswered(self, rows: Ints, copies: Ints, extra: F64 | None = None) -> F64:
        """Requests that ``copies`` (m,) of the workloads ``rows`` (m,) leave unanswered, in the busiest five minutes of
        every bucket together, shape (m,). ``extra`` (m, H + 1) is what they must answer for others."""
        lost = np.empty(rows.size)
        for first in range(0, rows.size, _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            asked = self.peaks[rows[part]] if extra is None else self.peaks[rows[part]] + extra[part]
            served = (copies[part] * self.each[rows[part]])[:, None]
            lost[part] = np.maximum(asked - served, 0.0).sum(axis=1)
        return LASTING * lost


def read_demand(topology: Topology, spec: PolicySpec, scores: Scores, targets: Iterable[WorkloadId]) -> Demand:
    """The demand of ``targets``, those that exist.

    Where nobody knows what one replica can answer, it is taken to be the highest peak shared by the present replicas:
    then every copy fewer shows as a loss.
    """
    ids = tuple(sorted(set(targets) & set(topology.workloads)))
    rows = np.array([topology.rows.get(one, -1) for one in ids], dtype=np.int64)
    panel = Panel(topology, spec, ids, tuple(topology.workloads[one] for one in ids), rows)
    hours = topology.activity.window.hour_of_week
    seen = fill(panel.series("peak"), panel.whole(), hours, whole_week=whole_week(spec)).values
    peaks = np.concatenate((seen, np.nan_to_num(panel.per_workload("old_peak"))[:, None]), axis=1)
    each = np.array([_each(scores, one) for one in ids], dtype=np.float64)
    shared = peaks.max(axis=1) / np.maximum(panel.current, 1)
    return Demand({one: row for row, one in enumerate(ids)}, peaks, np.where(np.isnan(each), shared, each))


def _each(scores: Scores, target: WorkloadId) -> float:
    score = scores.replicas.get(target)
    return np.nan if score is None or score.capacity.rps is None else score.capacity.rps
