"""When Prometheus scrapes a target, what it gets, and how a series ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F64, Bools
from microglia.world.record import Pod, Record
from microglia.world.sight import RESTARTING

Times = NDArray[np.int64]
STALE = float(np.array([0x7FF0000000000002], dtype=np.uint64).view(np.float64)[0])
"""The staleness marker: the NaN by which Prometheus ends a series."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series: labels with ``__name__``, ascending times in ms since 1970, and as many values."""

    labels: Mapping[str, str]
    times: Times
    values: F64


@dataclass(frozen=True, slots=True, eq=False)
class Scrapes:
    """The scrapes of one target in one span. ``times`` in ms; ``up`` it answered; ``envoy`` its Envoy part did too.

    ``over``: the target vanished within the span, at ``times``' last entry, which only carries staleness markers.
    """

    times: Times
    up: Bools
    envoy: Bools
    over: bool = False

    @property
    def seconds(self) -> F64:
        """``times`` in epoch seconds."""
        return self.times / 1000.0


def ticks(name: str, interval: float, start: float, end: float) -> Times:
    """Scrape times in ms within ``[start, end)`` of a target, at the phase that its name gives it."""
    step = round(interval * 1000)
    phase = crc32(name.encode()) % step
    first = -(-(round(start * 1000) - phase) // step) * step + phase
    return np.arange(first, round(end * 1000), step, dtype=np.int64)


def pod_scrapes(record: Record, pod: Pod, interval: float, span: tuple[float, float], *, first: bool) -> Scrapes:
    """The scrapes of a pod's agent. ``first``: it is the pod that a ``restart`` of its workload takes."""
    times = ticks(f"{pod.namespace}/{pod.name}", interval, max(span[0], pod.start), min(span[1], pod.end))
    times, up = awake(record, times)
    envoy = up.copy()
    for trouble in record.troubles:
        if not trouble.hits(pod):
            continue
        end = trouble.start + RESTARTING if trouble.kind == "restart" else trouble.end
        inside = (times >= trouble.start * 1000) & (times < end * 1000)
        if trouble.kind in {"zone", "gap"} or (trouble.kind == "restart" and first):
            up &= ~inside
        if trouble.kind == "envoy":
            envoy &= ~inside
    return _ended(Scrapes(times, up, envoy & up), pod, interval, span)


def kubelet_scrapes(record: Record, pod: Pod, interval: float, span: tuple[float, float]) -> Scrapes:
    """The scrapes of the kubelet that runs a pod, as long as the pod lives."""
    times = ticks(pod.node, interval, max(span[0], pod.start), min(span[1], pod.end))
    times, up = awake(record, times)
    for trouble in record.troubles:
        if trouble.kind == "zone" and trouble.hits(pod):
            up &= ~((times >= trouble.start * 1000) & (times < trouble.end * 1000))
    return _ended(Scrapes(times, up, up), pod, interval, span)


def awake(record: Record, times: Times) -> tuple[Times, Bools]:
    """The times at which Prometheus itself was running, and a True for each."""
    for trouble in record.troubles:
        if trouble.kind == "gap" and not trouble.target:
            times = times[(times < trouble.start * 1000) | (times >= trouble.end * 1000)]
    return times, np.ones(len(times), dtype=np.bool_)


def _ended(scrapes: Scrapes, pod: Pod, interval: float, span: tuple[float, float]) -> Scrapes:
    if not span[0] < pod.end <= span[1] - interval or not len(scrapes.times):
        return scrapes
    last = np.append(scrapes.times, scrapes.times[-1] + round(interval * 1000))
    return Scrapes(last, np.append(scrapes.up, False), np.append(scrapes.envoy, False), over=True)


def sampled(labels: Mapping[str, str], times: Times, values: F64, present: Bools) -> Series | None:
    """The series of the values that are ``present``, with a staleness marker at each first scrape without one."""
    lost = np.zeros(len(times), dtype=np.bool_)
    lost[1:] = present[:-1] & ~present[1:]
    kept = present | lost
    if not kept.any():
        return None
    return Series(labels, times[kept], np.where(lost, STALE, values)[kept])
