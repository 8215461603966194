"""What Istio's agents export: traffic by both reporters, heartbeats, failed Envoy sub-scrapes, and ``up``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from microglia.model.activity import F64
from microglia.world.activity import Truth
from microglia.world.counters import Counters, Curve, counted
from microglia.world.dealing import Dealer, Tally
from microglia.world.demand import DAY, SLOT
from microglia.world.facts import above
from microglia.world.istio_labels import target
from microglia.world.record import Pod, restarts
from microglia.world.scraping import Scrapes, Series, pod_scrapes, sampled

Span = tuple[float, float]
Events = tuple[tuple[float, float], ...]
NOTHING: Mapping[str, str] = MappingProxyType({})
SENT, RECEIVED = 8192, 1024
"""Bytes of an ordinary TCP connection, and per unit of a stream."""


@dataclass(slots=True)
class Memory:
    """What goes on from span to span: how high counters stood, and which of them exist."""

    counters: Counters = field(default_factory=Counters)
    tallies: dict[str, Tally] = field(default_factory=dict)


class IstioSeries:
    """The agents' part of one span ``[start, end)``; ``counters`` and ``tallies`` go on from the span before."""

    def __init__(self, truth: Truth, memory: Memory, interval: float, span: Span) -> None:
        self._truth = truth
        self._layout = truth.layout
        self._counters = memory.counters
        self._tallies = memory.tallies
        self._interval = interval
        self._span = span
        self._first = int(span[0] // DAY)
        self._scrapes: dict[tuple[str, str], Scrapes] = {}
        self._resets: dict[tuple[str, str], list[float]] = {}
        self._meet()

    def all(self) -> Iterator[Series]:
        """Heartbeats of every agent, then all that they counted."""
        for pod in self._pods:
            yield from self._beats(pod)
        dealer = Dealer(self._truth, self._first, -int(-self._span[1] // DAY))
        found = dict(dealer.tallies())
        # What was counted before stays on show, though nothing was added, as long as its pod lives.
        for key, tally in self._tallies.items():
            found.setdefault(key, dealer.still(tally))
        self._tallies.clear()
        for key, tally in sorted(found.items()):
            if (tally.pod.workload, tally.pod.name) in self._scrapes:
                yield from self._traffic(key, tally)
                self._tallies[key] = dealer.still(tally)

    def _meet(self) -> None:
        start, end = self._span
        living = [pod for pod in self._truth.record.pods if pod.start < end and pod.end > start]
        living.sort(key=lambda pod: (pod.workload, pod.name))
        known = [pod for pod in living if pod.workload in self._layout.index]
        self._pods = [pod for pod in known if self._layout.meshed[self._layout.index[pod.workload]] or _pilot(pod)]
        for pod in self._pods:
            mine = restarts(self._truth.record, pod)
            self._scrapes[pod.workload, pod.name] = pod_scrapes(
                self._truth.record, pod, self._interval, self._span, first=bool(mine)
            )
            self._resets[pod.workload, pod.name] = mine

    def _beats(self, pod: Pod) -> Iterator[Series]:
        scrapes, labels = self._scrapes[pod.workload, pod.name], target(pod)
        ones = np.ones(len(scrapes.times))
        up = {"__name__": "up", **labels}
        alive = ones.astype(np.bool_)
        if scrapes.over:
            alive[-1] = False
        yield from _some(sampled(up, scrapes.times, scrapes.up.astype(np.float64), alive))
        build = {"__name__": "istio_build", "component": "pilot" if _pilot(pod) else "proxy", **labels}
        build["tag"] = self._layout.world.istio
        yield from _some(sampled(build, scrapes.times, ones, scrapes.envoy))
        if scrapes.up.any() and not _pilot(pod):
            yield from self._failed(pod, scrapes, labels)

    def _failed(self, pod: Pod, scrapes: Scrapes, labels: Mapping[str, str]) -> Iterator[Series]:
        key = f"failures|{pod.workload}|{pod.name}|{pod.uid}"
        total = self._counters.totals.get(key, 0.0) + np.cumsum(scrapes.up & ~scrapes.envoy).astype(np.float64)
        if total[-1] > 0:
            self._counters.totals[key] = float(total[-1])
        name = {"__name__": "istio_agent_scrape_failures_total", "type": "envoy", **labels}
        yield from _some(sampled(name, scrapes.times, total, scrapes.up & (total > 0)))

    def _traffic(self, key: str, tally: Tally) -> Iterator[Series]:
        amounts, events, nothing = tally.amounts, tuple(tally.events), np.zeros_like(tally.amounts)
        match tally.protocol, tally.stream:
            case "tcp", False:
                yield from self._counter("istio_tcp_connections_opened_total", key, tally, self._curve(amounts, events))
                yield from self._bytes(key, tally, amounts, events)
            case "tcp", True:
                # One connection, open since its pod was born.
                born = ((max(tally.pod.start, self._layout.start), 1.0),)
                yield from self._counter("istio_tcp_connections_opened_total", key, tally, self._curve(nothing, born))
                yield from self._bytes(key, tally, amounts / 8, ())
            case _, True:
                for way in ("request", "response"):
                    yield from self._counter(f"istio_{way}_messages_total", key, tally, self._curve(amounts, ()))
            case _:
                yield from self._counter("istio_requests_total", key, tally, self._curve(amounts, events))
                if tally.labels["reporter"] == "destination":
                    name, spent = "istio_request_duration_milliseconds", Curve(self._first, tally.spent, whole=False)
                    counts = Curve(self._first, amounts, events, seed=key)
                    yield from self._counter(f"{name}_count", key, tally, counts)
                    yield from self._counter(f"{name}_sum", key, tally, spent)
                    yield from self._buckets(f"{name}_bucket", key, tally)

    def _buckets(self, name: str, key: str, tally: Tally) -> Iterator[Series]:
        """How many were no slower than each bound of the world, and than none at all."""
        slots = [int((moment - self._first * DAY) // SLOT) for moment, _ in tally.events]
        total = tally.amounts.copy()
        np.add.at(total, slots, [count for _, count in tally.events])
        mean = np.divide(tally.spent, total, out=np.ones_like(total), where=(total > 0) & (tally.spent > 0))
        for bound in (*self._layout.world.latency_bounds, np.inf) if self._layout.world.latency_bounds else ():
            share = 1 - above(mean, bound)
            events = tuple((at, count * share[slot]) for (at, count), slot in zip(tally.events, slots, strict=True))
            curve = Curve(self._first, tally.amounts * share, events, seed=key)
            le = "+Inf" if np.isinf(bound) else f"{bound:g}"
            yield from self._counter(name, f"{le}|{key}", tally, curve, {"le": le})

    def _curve(self, amounts: F64, events: Events) -> Curve:
        return Curve(self._first, amounts, events)

    def _bytes(self, key: str, tally: Tally, amounts: F64, events: Events) -> Iterator[Series]:
        for name, size in (("sent", SENT), ("received", RECEIVED)):
            moved = tuple((moment, count * size) for moment, count in events)
            yield from self._counter(f"istio_tcp_{name}_bytes_total", key, tally, self._curve(amounts * size, moved))

    def _counter(
        self, name: str, key: str, tally: Tally, curve: Curve, more: Mapping[str, str] = NOTHING
    ) -> Iterator[Series]:
        place = (tally.pod.workload, tally.pod.name)
        scrapes = self._scrapes[place]
        span = (*self._span, scrapes.seconds)
        values = counted(self._counters, f"{name}|{key}", curve, span, self._resets[place])
        labels = {"__name__": name, **tally.labels, **target(tally.pod), **more}
        yield from _some(sampled(labels, scrapes.times, values, scrapes.envoy & (values > 0)))


def _some(series: Series | None) -> Iterator[Series]:
    if series is not None:
        yield series


def _pilot(pod: Pod) -> bool:
    return pod.workload.endswith("/istiod")
