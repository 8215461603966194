"""The truth of a window as the model's arrays: what a perfect reader of a healthy Prometheus would hand over."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from microglia.model.activity import (
    F32,
    F64,
    Activity,
    ContainerActivity,
    Slowness,
    WorkloadActivity,
)
from microglia.model.window import HOUR, Window
from microglia.world.demand import DAY
from microglia.world.edges import EdgeLedger, Part
from microglia.world.facts import DayFacts, facts, slower
from microglia.world.flows import Day, flow
from microglia.world.layout import Layout
from microglia.world.record import Record

_HOURLY = (
    "requests", "failures", "unserved", "sent", "peak", "imbalance", "latency", "cpu_peak", "memory", "throttled",
    "ready", "placed", "fullest_zone", "fullest_node", "seen",
)  # fmt: skip
_FLOWS_KEPT = 3


class Truth:
    """The days of one world, played once and remembered; what changes from ``now`` on is played again."""

    def __init__(self, layout: Layout, record: Record) -> None:
        self.layout = layout
        self.record = record
        self._facts: dict[int, DayFacts] = {}
        self._flows: OrderedDict[int, Day] = OrderedDict()

    def flow(self, day: int) -> Day:
        """Epoch day ``day``, slot by slot."""
        found = self._flows.pop(day, None) or flow(self.layout, self.record, day)
        self._flows[day] = found
        while len(self._flows) > _FLOWS_KEPT:
            self._flows.popitem(last=False)
        return found

    def facts(self, day: int) -> DayFacts:
        """Epoch day ``day``, hour by hour."""
        if day not in self._facts:
            self._facts[day] = facts(self.layout, self.record, self.flow(day))
        return self._facts[day]

    def forget(self, now: float) -> None:
        """The world changed at ``now``: what was played of that day and later no longer holds."""
        for kept in (self._facts, self._flows):
            for day in [day for day in kept if day >= int(now // DAY)]:
                del kept[day]

    def activity(self, window: Window, since: float | None = None) -> Activity:
        """Everything about ``window``; what was seen from ``since`` (epoch seconds) to its start is remembered."""
        span = _Span(self, int(window.start.timestamp()), int(window.end.timestamp()))
        before = _Span(self, int(since), span.start) if since is not None and since < span.start else None
        edges = EdgeLedger(self.layout)
        for each in (before, span):
            if each is not None:
                for first, last, day in each.days:
                    edges.add(day, Part(first, last, day.start + last * HOUR, within=each is span))
        return Activity(
            window=window,
            workloads=self._workloads(span, before),
            containers=self._containers(span),
            edges=edges.activity(),
            known=np.ones(window.hours, dtype=np.bool_),
            away=np.concatenate([day.away[first:last] for first, last, day in span.days]),
            hosts={
                f"{name}.{namespace}.svc.cluster.local": self.layout.start + service.created * DAY
                for (namespace, name), service in self.layout.services.items()
            },
        )

    def slowness(self, workloads: Sequence[str], window: Window, bound: float) -> Slowness:
        """Requests slower than ``bound`` milliseconds; NaN where the world has no such bucket."""
        span = _Span(self, int(window.start.timestamp()), int(window.end.timestamp()))
        keys = tuple(sorted(set(workloads)))
        slow, timed = (np.full((len(keys), window.hours), np.nan, dtype=np.float32) for _ in range(2))
        if bound in self.layout.world.latency_bounds:
            whole, all_timed = (
                span.joined([day.hours[name] for _, _, day in span.days]) for name in (slower(bound), "timed")
            )
            for row, key in enumerate(keys):
                if key in self.layout.index:
                    slow[row], timed[row] = whole[self.layout.index[key]], all_timed[self.layout.index[key]]
        return Slowness(bound, keys, slow, timed)

    def _workloads(self, span: "_Span", before: "_Span | None") -> WorkloadActivity:
        layout = self.layout
        hourly = {name: span.joined([day.hours[name] for _, _, day in span.days]) for name in _HOURLY}
        none = np.zeros(len(layout.keys))
        zones, zone_peak = self._zone_peak(span)
        return WorkloadActivity(
            keys=layout.keys,
            zones=zones,
            rolling=np.concatenate([day.rolling[:, first:last] for first, last, day in span.days], axis=1),
            zone_peak=zone_peak,
            born=np.array([layout.start + workload.created * DAY for workload in layout.workloads]),
            old_peak=before.highest(["peak"]) if before else none,
            old_load=before.highest(["peak", "ready"]) if before else none,
            **hourly,
        )

    def _zone_peak(self, span: "_Span") -> tuple[tuple[str, ...], F32]:
        """The zones in which anybody served, sorted, and the peaks in them."""
        peaks = span.joined([day.zone_peak for _, _, day in span.days])
        names = [zone.name for zone in self.layout.world.zones]
        used = np.nan_to_num(peaks).max(axis=(0, 2)) > 0
        order = sorted((number for number in range(len(names)) if used[number]), key=names.__getitem__)
        return tuple(names[number] for number in order), peaks[:, order]

    def _containers(self, span: "_Span") -> ContainerActivity:
        app = span.joined([day.app for _, _, day in span.days])
        proxy = span.joined([day.proxy for _, _, day in span.days])
        rows = {
            (key, name): values[number]
            for number, key in enumerate(self.layout.keys)
            for name, values in (("app", app), ("istio-proxy", proxy))
            if not np.isnan(values[number]).all()
        }
        width = app.shape[1]
        return ContainerActivity(tuple(rows), np.array(list(rows.values()), dtype=np.float32).reshape(len(rows), width))


class _Span:
    """The days between two hours, each with the first and last hour of it that counts."""

    def __init__(self, truth: Truth, start: int, end: int) -> None:
        self.start = start
        self.days = [
            (max(0, (start - day * DAY) // HOUR), min(24, (end - day * DAY) // HOUR), truth.facts(day))
            for day in range(start // DAY, -(-end // DAY))
        ]

    def joined(self, daily: Sequence[F64]) -> F32:
        """Arrays whose last axis is 24 hours, cut to the span and joined."""
        parts = [values[..., first:last] for (first, last, _), values in zip(self.days, daily, strict=True)]
        return np.concatenate(parts, axis=-1).astype(np.float32)

    def highest(self, names: list[str]) -> F64:
        """The highest hourly value (W,) of the first name, over the second where there is one; 0 where unknown."""
        top = self.joined([day.hours[names[0]] for _, _, day in self.days]).astype(np.float64)
        if len(names) > 1:
            under = self.joined([day.hours[names[1]] for _, _, day in self.days])
            top = np.divide(top, under, out=np.zeros_like(top), where=under > 0)
        return np.asarray(np.nan_to_num(top).max(axis=1), dtype=np.float64)
