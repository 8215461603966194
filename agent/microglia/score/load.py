"""Everything that metrics say about the load of every workload, read once."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.score.capacity import capacities, imbalance
from microglia.score.cpu import Cpu, read_cpu
from microglia.score.demonstrated import Health, memory_slope, read_health
from microglia.score.evidence import judge
from microglia.score.known_peaks import unknown, unseen_peaks
from microglia.score.panel import Demand, Ints, Panel, fill, whole_week
from microglia.score.scores import Capacity, Evidence, Judged
from microglia.score.week import named


@dataclass(frozen=True, slots=True, eq=False)
class Load:
    """Per workload, in the panel's order.

    ``demand`` bucket peaks without holes, requests per second; ``peak`` (n,) the highest of them or the one still in
    force from before the window, ``peak_at`` (n,) the bucket of the highest in the window (-1 when it is 0). ``memory``
    (n,) bytes of the largest pod, NaN unknown; ``memory_slope`` (n,) bytes per further request per second per replica.
    """

    judged: tuple[Judged, ...]
    demand: Demand
    peak: F64
    peak_at: Ints
    cpu: Cpu
    health: Health
    memory: F64
    memory_slope: F64
    capacities: tuple[Capacity, ...]

    def having(self, evidence: Evidence) -> Bools:
        """Which workloads are judged so, shape (n,)."""
        return np.array([one.evidence is evidence for one in self.judged], dtype=np.bool_)


def read_load(panel: Panel) -> Load:
    """Read demand, CPU, health, memory and capacity of every workload."""
    whole = panel.whole()
    hours = panel.topology.activity.window.hour_of_week
    demand = fill(panel.series("peak"), whole, hours, whole_week=whole_week(panel.policy))
    highest = demand.values.max(axis=1, initial=0.0)
    peak_at = np.where(highest > 0, demand.values.argmax(axis=1), -1)
    cpu, health = read_cpu(panel), read_health(panel, whole)
    memory = panel.series("memory")
    largest = np.where(np.isfinite(memory), memory, -np.inf).max(axis=1, initial=-np.inf).astype(np.float64)
    return Load(
        judged=_judge(panel, demand, whole),
        demand=demand,
        peak=np.maximum(highest, np.nan_to_num(panel.per_workload("old_peak"))),
        peak_at=peak_at,
        cpu=cpu,
        health=health,
        memory=np.where(np.isfinite(largest), largest, np.nan),
        memory_slope=memory_slope(panel, health),
        capacities=capacities(panel, cpu, imbalance(panel, peak_at), health.demonstrated),
    )


def _judge(panel: Panel, demand: Demand, whole: Bools) -> tuple[Judged, ...]:
    """Evidence; UNKNOWN where the demand is not known, used or not."""
    missing, known = unseen_peaks(panel, whole), demand.known
    found = []
    for row, judged in enumerate(judge(panel)):
        why = ""
        if row in missing:
            why = unknown(missing[row])
        elif judged.evidence is not Evidence.UNKNOWN and not known[row]:
            hours = np.flatnonzero(demand.never[row])
            why = (
                f"{hours.size} h of the week were never seen, the first is {named(int(hours[0]))}; what it needs then"
                " is not known, wait until a window holds them"
            )
        found.append(Judged(Evidence.UNKNOWN, judged.coverage, why) if why else judged)
    return tuple(found)
