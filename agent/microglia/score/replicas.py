"""Replicas of every workload: evidence, capacity, need, risk, and what holds them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec, Resource
from microglia.score.criticality import criticality
from microglia.score.load import Load, read_load
from microglia.score.locality import locality_aware
from microglia.score.need import Required, copies, needs
from microglia.score.panel import Ints, Panel
from microglia.score.reasons import Case, explain, hold
from microglia.score.risk import Ladder, ladder, risks
from microglia.score.scores import Evidence, ReplicaScore
from microglia.score.stretch import Reach, reaches
from microglia.score.survivors import Shape, read_shape
from microglia.score.tail import fit_tail
from microglia.topology.nodes import Workload

HOURS_PER_MONTH = 730
GIB = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Everything that depends on a count: ``survivors`` and ``risk`` (m,) over the rungs of the ladder;
    ``demand`` (n, 3) what need covers: requests per second, cores, requests per second of the busiest zone; ``lowest``
    (n,) the lowest count that the next step may reach."""

    rungs: Ladder
    survivors: Ints
    risk: F64
    reach: Reach
    required: Required
    demand: F64
    need: Ints
    lowest: Ints


def score_replicas(panel: Panel, quantile: float) -> dict[WorkloadId, ReplicaScore]:
    """Score every workload; need covers the ``quantile`` of its bucket peaks (1: the highest ever)."""
    load, shape = read_load(panel), read_shape(panel)
    counts = _count(panel, load, shape, quantile)
    return {one: _score(panel, load, shape, counts, row) for row, one in enumerate(panel.ids)}


def unit_cost(workload: Workload, policy: PolicySpec) -> Mapping[Resource, float]:
    """What one replica takes: cores and bytes requested, itself, and money per month of 730 hours."""
    prices = policy.prices
    hourly = workload.cpu * prices.cpu_hour + workload.memory / GIB * prices.memory_gi_hour
    return {"cpu": workload.cpu, "memory": workload.memory, "replicas": 1.0, "money": hourly * HOURS_PER_MONTH}


def _count(panel: Panel, load: Load, shape: Shape, quantile: float) -> _Counts:
    each = np.array([capacity.rps or np.nan for capacity in load.capacities], dtype=np.float64)
    idle, unknown = load.having(Evidence.IDLE), load.having(Evidence.UNKNOWN)
    demand = _demand(panel, load, quantile)
    required = _required(panel, load, each, demand)
    rungs = ladder(panel.current)
    survivors = shape.survivors(rungs.rows, rungs.counts)
    days = panel.topology.activity.window.starts // (24 * 3600)
    tail = fit_tail(load.demand.values, days, idle | unknown)
    risk = np.zeros(rungs.rows.size)
    judged = np.flatnonzero((np.isfinite(each) & ~unknown)[rungs.rows])
    rows = rungs.rows[judged]
    risk[judged] = risks(load.demand.values, tail, rows, survivors[judged] * each[rows])
    reach = reaches(panel, load, rungs, survivors)
    return _Counts(
        rungs=rungs,
        survivors=survivors,
        risk=risk,
        reach=reach,
        required=required,
        demand=demand,
        need=np.where(unknown, -1, needs(shape, required)),
        lowest=reach.lowest,
    )


def _demand(panel: Panel, load: Load, quantile: float) -> F64:
    peak, busy = load.peak, load.cpu.values.max(axis=1, initial=0.0)
    if quantile < 1 and len(panel.ids):
        peak = np.quantile(load.demand.values, quantile, axis=1)
        busy = np.quantile(load.cpu.values, quantile, axis=1)
    return np.stack((peak, busy, _zone_peak(panel)), axis=1)


def _required(panel: Panel, load: Load, each: F64, demand: F64) -> Required:
    retention = panel.policy.retention
    used = load.having(Evidence.USED)
    allowed = np.array([retention.utilisation * workload.cpu for workload in panel.workloads], dtype=np.float64)
    # What is idle and works no more than one replica could is held by its floor alone.
    working = used | (demand[:, 1] > allowed)
    margin = 1 + retention.headroom
    return Required(
        requests=np.where(used, np.maximum(copies(margin * demand[:, 0], each), 1), 0),
        cpu=np.where(working, copies(demand[:, 1], allowed), 0),
        local=np.where(used, copies(margin * np.nan_to_num(demand[:, 2]), each), 0),
    )


def _zone_peak(panel: Panel) -> F64:
    """Highest peak of any one zone where calls stay in their zone, NaN where it was not seen; 0 elsewhere. Shape
    (n,)."""
    local = locality_aware(panel.topology)
    rows = [row for row, one in enumerate(panel.ids) if one in local]
    found = np.zeros(len(panel.ids))
    if rows and len(panel.topology.zones) > 1:
        seen = panel.series("zone_peak")[rows].astype(np.float64).reshape(len(rows), -1)
        highest = np.where(np.isfinite(seen), seen, -np.inf).max(axis=1, initial=-np.inf)
        found[rows] = np.where(np.isfinite(highest), highest, np.nan)
    return found


def _score(panel: Panel, load: Load, shape: Shape, counts: _Counts, row: int) -> ReplicaScore:
    workload = panel.workloads[row]
    rungs = slice(counts.rungs.starts[row], counts.rungs.starts[row + 1])
    weight = criticality(workload, panel.policy)
    case = Case(
        panel=panel,
        load=load,
        row=row,
        need=int(counts.need[row]),
        required=(int(counts.required.requests[row]), int(counts.required.cpu[row]), int(counts.required.local[row])),
        demand=(float(counts.demand[row, 0]), float(counts.demand[row, 1]), float(counts.demand[row, 2])),
        survivors=tuple(counts.survivors[rungs].tolist()),
        failures=shape.words(row),
        floors=(int(counts.reach.stretch[row]), int(counts.reach.failure[row]), int(counts.reach.memory[row])),
    )
    return ReplicaScore(
        workload=workload.id,
        judged=load.judged[row],
        current=workload.replicas,
        need=case.need if case.need >= 0 else None,
        peak=float(load.peak[row]),
        peak_at=int(load.peak_at[row]) if load.peak[row] <= load.demand.values[row].max(initial=0.0) else -1,
        capacity=load.capacities[row],
        placement=shape.placement(row),
        survivors=case.survivors,
        risk=tuple((counts.risk[rungs] * weight).tolist()),
        reach=int(counts.lowest[row]),
        holds=hold(case),
        unit=unit_cost(workload, panel.policy),
        criticality=weight,
        arithmetic=explain(case),
    )
