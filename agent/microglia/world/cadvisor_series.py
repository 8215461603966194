"""What the kubelets' cAdvisor exports of the world's containers."""

from collections.abc import Iterator

import numpy as np

from microglia.model.activity import F64
from microglia.world.activity import Truth
from microglia.world.counters import Counters, Curve, counted
from microglia.world.demand import DAY, SLOT
from microglia.world.flows import Day
from microglia.world.layout import Layout
from microglia.world.record import Pod, restarts
from microglia.world.resources import PROXY_MEMORY, app_cores, proxy_cores, throttled, working
from microglia.world.scraping import Scrapes, Series, kubelet_scrapes, sampled
from microglia.world.sight import look

PERIODS = 10.0
"""CFS periods per second: the kernel's default of 100 ms."""


class CadvisorSeries:
    """The kubelets' part of one span ``[start, end)``; ``counters`` go on from the span before."""

    def __init__(self, truth: Truth, counters: Counters, interval: float, span: tuple[float, float]) -> None:
        self._truth = truth
        self._layout: Layout = truth.layout
        self._counters = counters
        self._interval = interval
        self._span = span
        self._first = int(span[0] // DAY)
        days = [truth.flow(day) for day in range(self._first, -int(-span[1] // DAY))]
        self._app, self._proxy, self._held, self._throttled = self._per_pod(days)

    def _per_pod(self, days: list[Day]) -> tuple[F64, F64, F64, F64]:
        """Cores of app and proxy, memory of the app, throttled share of periods: of one serving pod (W, slots)."""
        found: list[list[F64]] = [[], [], [], []]
        for day in days:
            sight = look(self._layout, self._truth.record, day)
            share = np.divide(1.0, sight.serving, out=np.zeros_like(sight.serving), where=sight.serving > 0)
            app = app_cores(self._layout, day, sight) * share
            proxy = proxy_cores(self._layout, day, sight) * share
            held = working(self._layout, app + proxy)
            for part, values in zip(found, (app, proxy, held, throttled(self._layout, app)), strict=True):
                part.append(values)
        app, proxy, held, squeezed = (np.concatenate(parts, axis=1) for parts in found)
        return app, proxy, held, squeezed

    def all(self) -> Iterator[Series]:
        """Every container of every pod."""
        start, end = self._span
        for pod in self._truth.record.pods:
            if pod.start < end and pod.end > start and pod.workload in self._layout.index:
                yield from self._pod(pod)

    def _pod(self, pod: Pod) -> Iterator[Series]:
        number = self._layout.index[pod.workload]
        scrapes = kubelet_scrapes(self._truth.record, pod, self._interval, self._span)
        if not len(scrapes.times):
            return
        yield from self._container(pod, scrapes, "app", self._app[number])
        yield from self._memory(pod, scrapes, "app", self._held[number])
        if self._layout.workloads[number].cpu_limit:
            periods = np.full(len(self._app[number]), PERIODS)
            name = "container_cpu_cfs_periods_total"
            yield from self._counter(pod, scrapes, "app", (name, periods))
            squeezed = periods * self._throttled[number]
            yield from self._counter(pod, scrapes, "app", ("container_cpu_cfs_throttled_periods_total", squeezed))
        if self._layout.meshed[number]:
            yield from self._container(pod, scrapes, "istio-proxy", self._proxy[number])
            held = np.full(len(self._held[number]), float(PROXY_MEMORY))
            yield from self._memory(pod, scrapes, "istio-proxy", held)

    def _container(self, pod: Pod, scrapes: Scrapes, container: str, cores: F64) -> Iterator[Series]:
        yield from self._counter(pod, scrapes, container, ("container_cpu_usage_seconds_total", cores))

    def _counter(self, pod: Pod, scrapes: Scrapes, container: str, rate: tuple[str, F64]) -> Iterator[Series]:
        name, values = rate
        curve = Curve(self._first, values * SLOT, whole=False)
        resets = restarts(self._truth.record, pod) if container == "istio-proxy" else []
        key = f"{name}|{pod.workload}|{pod.name}|{pod.uid}|{container}"
        risen = counted(self._counters, key, curve, (*self._span, scrapes.seconds), resets)
        yield from self._series(pod, scrapes, {"__name__": name, "container": container}, risen)

    def _memory(self, pod: Pod, scrapes: Scrapes, container: str, held: F64) -> Iterator[Series]:
        slots = ((scrapes.seconds - self._first * DAY) // SLOT).astype(np.int64).clip(0, len(held) - 1)
        labels = {"__name__": "container_memory_working_set_bytes", "container": container}
        yield from self._series(pod, scrapes, labels, np.round(held[slots]))

    def _series(self, pod: Pod, scrapes: Scrapes, labels: dict[str, str], values: F64) -> Iterator[Series]:
        place = {"namespace": pod.namespace, "pod": pod.name, "node": pod.node}
        job = {"job": "kubelet", "metrics_path": "/metrics/cadvisor", "instance": f"{pod.node}:10250"}
        which = {"id": f"/kubepods/pod{pod.uid}/{labels['container']}", "image": labels["container"]}
        series = sampled({**labels, **place, **job, **which}, scrapes.times, values, scrapes.up)
        if series is not None:
            yield series
