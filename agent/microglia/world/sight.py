"""What telemetry could see of a day: scrapes fail, Envoys restart, zones go dark."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.world.demand import DAY, SLOT, SLOTS, Ints
from microglia.world.flows import Day
from microglia.world.layout import Layout
from microglia.world.record import Record, Trouble

RESTARTING = 60.0
"""Seconds that a restarting proxy answers no scrape."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """``pods``, ``beats``, ``serving`` (W, S): pods alive, heartbeats of them seen, pods that serve.
    ``kube`` (S,): share of scrapes of kube-state-metrics and kubelets. ``lanes`` (L, S), ``calls`` (K, S): share seen
    by either reporter, and by the client's own. ``away`` (24,). ``seen`` (W, 24) as in ``WorkloadActivity``."""

    pods: F64
    beats: F64
    serving: F64
    kube: F64
    lanes: F64
    calls: F64
    away: Bools
    seen: F64


def look(layout: Layout, record: Record, day: Day) -> Sight:
    """What could be seen of ``day``."""
    pods = by_workload(layout, day, day.alive)
    heard = heartbeats(layout, record, day)
    beats = by_workload(layout, day, heard)
    share = np.divide(beats, pods, out=np.zeros_like(pods), where=pods > 0)
    share = np.vstack([share, np.zeros(SLOTS)])
    clients = np.array([layout.index.get(call.client, -1) for call in layout.calls], dtype=np.int64)
    servers = np.array([lane.server for lane in layout.lanes], dtype=np.int64)
    of_call = np.array([lane.call for lane in layout.lanes], dtype=np.int64)
    calls = share[clients]
    return Sight(
        pods=pods,
        beats=beats,
        serving=by_workload(layout, day, day.serving),
        kube=kubernetes(record, day),
        lanes=np.maximum(share[servers], calls[of_call]),
        calls=calls,
        away=away(record, day),
        seen=_seen(layout, record, day, heard),
    )


def _seen(layout: Layout, record: Record, day: Day, heard: F64) -> F64:
    """The worst pod's share of its heartbeats (W, 24). One scrape short is a matter of phase; an hour in which an Envoy
    was not scraped does not count at all."""
    due, missed = hourly(day.alive.astype(np.float64)), hourly(day.alive - heard)
    slack = layout.world.scrape / SLOT
    share = np.where(missed <= slack, 1.0, 1 - np.divide(missed, due, out=np.zeros_like(due), where=due > 0))
    for trouble in _today(record, day):
        if trouble.kind == "envoy":
            hit = np.array([trouble.hits(pod) for pod in day.pods], dtype=np.bool_)
            touched = covered(trouble.start, trouble.end, day).reshape(24, -1).sum(axis=1) > 0
            share[np.ix_(hit, touched)] = 0.0
    worst = np.ones((len(layout.keys), 24))
    np.minimum.at(worst, day.owner, np.where(due > 0, share, 1.0))
    there = np.zeros_like(worst)
    np.add.at(there, day.owner, due)
    return np.where((there > 0) & layout.meshed[:, None], worst, 0.0)


def by_workload(layout: Layout, day: Day, values: F64 | Bools) -> F64:
    """Sum pods (P, S) into workloads (W, S)."""
    total = np.zeros((len(layout.keys), values.shape[1]))
    np.add.at(total, day.owner, values)
    return total


def hourly(values: F64 | Ints) -> F64:
    """Sums of the twelve slots of each hour, (n, S) to (n, 24)."""
    return np.asarray(values.reshape(values.shape[0], 24, SLOTS // 24).sum(axis=2), dtype=np.float64)


def first_pods(day: Day) -> Bools:
    """The first pod (P,) of each workload: the one that a ``restart`` takes."""
    return np.asarray(np.diff(day.owner, prepend=-1) != 0)


def covered(start: float, end: float, day: Day) -> F64:
    """The share (S,) of each slot that ``[start, end)`` covers."""
    edges = day.start + np.arange(SLOTS) * SLOT
    return np.asarray((np.minimum(end, edges + SLOT) - np.maximum(start, edges)).clip(min=0) / SLOT)


def heartbeats(layout: Layout, record: Record, day: Day) -> F64:
    """The share (P, S) of each slot in which a pod's proxy told Prometheus of itself and its traffic."""
    seen = np.asarray(day.alive * layout.meshed[day.owner][:, None], dtype=np.float64)
    for trouble in _today(record, day):
        if trouble.kind == "workload":
            continue
        end = trouble.start + RESTARTING if trouble.kind == "restart" else trouble.end
        hit = np.array([trouble.hits(pod) for pod in day.pods], dtype=np.bool_)
        if trouble.kind == "restart":
            hit &= first_pods(day)
        seen[hit] = seen[hit] * (1 - covered(trouble.start, end, day))
    return seen


def kubernetes(record: Record, day: Day) -> F64:
    """The share (S,) of each slot in which kube-state-metrics and the kubelets were scraped at all."""
    seen = np.ones(SLOTS)
    for trouble in _today(record, day):
        if trouble.kind == "gap" and not trouble.target:
            seen *= 1 - covered(trouble.start, trouble.end, day)
    return seen


def away(record: Record, day: Day) -> Bools:
    """The hours (24,) in which a zone was away."""
    found = np.zeros(24, dtype=np.bool_)
    for trouble in _today(record, day):
        if trouble.kind == "zone":
            found |= (covered(trouble.start, trouble.end, day) > 0).reshape(24, -1).any(axis=1)
    return found


def _today(record: Record, day: Day) -> list[Trouble]:
    return [each for each in record.troubles if each.start < day.start + DAY and each.end > day.start]
