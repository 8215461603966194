"""Replicas of every workload: evidence, capacity, need, risk, and what holds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F64
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec, Resource
from microglia.score.criticality import criticality
from microglia.score.load import Load, read_load
from microglia.score.locality import locality_aware
from microglia.score.measures import Measure
from microglia.score.need import Required, copies, needs
from microglia.score.panel import Ints, Panel
from microglia.score.presence import hours_a_week, hours_short
from microglia.score.reasons import Case, explain, hold
from microglia.score.risk import ladder, risks
from microglia.score.routes import rate_bounds
from microglia.score.scores import Evidence, ReplicaScore, TailFit
from microglia.score.stretch import reaches
from microglia.score.survivors import Shape, read_shape
from microglia.score.tail import fit_tail
from microglia.topology.nodes import Workload

HOURS_PER_MONTH = 730
GIB = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Everything that depends on a count, per workload: the ``bounds`` of its counts 0 .. current among ``survivors``
    and ``risk``, which is times its ``criticality``; survivors ``required`` for requests, for CPU, in each zone; the
    ``demand`` that need covers, requests per second, cores, requests per second of the busiest zone, and ``told`` which
    peak that is; ``need``, -1 where there is none; ``floors`` by stretch, by failureStretch, by memory; ``lowest`` the
    first two together; ``highest`` the peak in the window; ``firm`` the least count for CPU and zones alone,
    ``tails`` what risk was computed from. ``short`` hours and what they are worth (``present``) where the rule counts
    them, else nothing."""

    bounds: list[int]
    survivors: list[int]
    risk: list[float]
    criticality: list[float]
    required: list[tuple[int, int, int]]
    demand: list[tuple[float, float, float]]
    need: list[int]
    floors: list[tuple[int, int, int]]
    lowest: list[int]
    highest: list[float]
    firm: list[int]
    tails: list[TailFit]
    told: list[str]
    short: list[int]
    present: list[float]


def score_replicas(panel: Panel, measure: Measure) -> dict[WorkloadId, ReplicaScore]:
    """Score every workload by ``measure``."""
    load, shape = read_load(panel), read_shape(panel)
    counts = _count(panel, load, shape, measure)
    return {one: _score(panel, load, shape, counts, row) for row, one in enumerate(panel.ids)}


def unit_cost(workload: Workload, policy: PolicySpec) -> Mapping[Resource, float]:
    """What one replica takes: cores and bytes requested, itself, and money per month of 730 hours."""
    prices = policy.prices
    cpu, memory = workload.cpu, workload.memory
    hourly = cpu * prices.cpu_hour + memory / GIB * prices.memory_gi_hour
    return {"cpu": cpu, "memory": memory, "replicas": 1.0, "money": hourly * HOURS_PER_MONTH}


def _count(panel: Panel, load: Load, shape: Shape, measure: Measure) -> _Counts:
    each = np.array([capacity.rps or np.nan for capacity in load.capacities], dtype=np.float64)
    idle, unknown = load.having(Evidence.IDLE), load.having(Evidence.UNKNOWN)
    asked = measure.asked(panel, load)
    demand = np.stack((asked.peak, asked.busy, _zone_peak(panel)), axis=1)
    required = _required(panel, load, each, demand)
    rungs = ladder(panel.current)
    survivors = shape.survivors(rungs.rows, rungs.counts)
    days = panel.topology.activity.window.starts // (24 * 3600)
    tail = fit_tail(load.demand.values, days, idle | unknown)
    risk = np.zeros(rungs.rows.size)
    judged = np.flatnonzero((np.isfinite(each) & ~unknown)[rungs.rows])
    rows = rungs.rows[judged]
    served = survivors[judged] * each[rows]
    risk[judged] = risks(load.demand.values, tail, rows, served)
    short = np.zeros(rungs.rows.size if measure.by_hours else 0, dtype=np.int64)
    if measure.by_hours:
        short[judged] = hours_short(load.demand.values, rows, served)
    reach = reaches(panel, load, rungs, survivors)
    weights = np.array([criticality(workload, panel.policy) for workload in panel.workloads], dtype=np.float64)
    return _Counts(
        bounds=rungs.starts.tolist(),
        survivors=survivors.tolist(),
        risk=(risk * weights[rungs.rows]).tolist(),
        criticality=weights.tolist(),
        required=_rows(required.requests, required.cpu, required.local),
        demand=_rows(demand[:, 0], demand[:, 1], demand[:, 2]),
        need=np.where(unknown, -1, needs(shape, required)).tolist(),
        floors=_rows(reach.stretch, reach.failure, reach.memory),
        lowest=reach.lowest.tolist(),
        highest=load.demand.values.max(axis=1, initial=0.0).tolist(),
        firm=needs(shape, _firm(load, required)).tolist(),
        tails=list(tail.fits()),
        told=asked.told,
        short=short.tolist(),
        present=(_present(panel, short) * weights[rungs.rows[: short.size]]).tolist(),
    )


def _present(panel: Panel, short: Ints) -> F64:
    """What ``short`` (m,) hours of the window are worth, in hours a week."""
    span = np.full(short.size, float(panel.topology.activity.window.hours))
    return hours_a_week(rate_bounds(short.astype(np.float64), span))


def _rows(*columns: NDArray[Any]) -> list[Any]:
    """One tuple of plain numbers per row."""
    return list(zip(*(column.tolist() for column in columns), strict=True))


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


def _firm(load: Load, required: Required) -> Required:
    """What risk says nothing of: zones that calls do not leave, and CPU where no model ties it to requests. Where one
    does, capacity is at most what CPU allows, so what CPU falls short of is among the requests at risk."""
    told = np.array([model.rps is not None for model in load.cpu.models], dtype=np.bool_) & load.having(Evidence.USED)
    return Required(np.zeros_like(required.requests), np.where(told, 0, required.cpu), required.local)


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
    workload, peak = panel.workloads[row], float(load.peak[row])
    rungs = slice(counts.bounds[row], counts.bounds[row + 1])
    case = Case(
        panel=panel,
        load=load,
        row=row,
        need=counts.need[row],
        required=counts.required[row],
        demand=counts.demand[row],
        survivors=tuple(counts.survivors[rungs]),
        failures=shape.words(row),
        told=counts.told[row],
        floors=counts.floors[row],
    )
    return ReplicaScore(
        workload=workload.id,
        judged=load.judged[row],
        current=workload.replicas,
        need=case.need if case.need >= 0 else None,
        peak=peak,
        peak_at=int(load.peak_at[row]) if peak <= counts.highest[row] else -1,
        capacity=load.capacities[row],
        placement=shape.placement(row),
        survivors=case.survivors,
        risk=tuple(counts.risk[rungs]),
        reach=counts.lowest[row],
        holds=hold(case),
        unit=unit_cost(workload, panel.policy),
        criticality=counts.criticality[row],
        arithmetic=explain(case),
        firm=max(counts.firm[row], 0),
        tail=counts.tails[row],
        short=tuple(counts.short[rungs]),
        present=tuple(counts.present[rungs]),
    )
