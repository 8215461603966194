"""What went wrong in a world for want of replicas or routes; ordinary errors do not count."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microglia.model.kinds import BY_NAME
from microglia.model.objects import at, name_of
from microglia.world.activity import Truth
from microglia.world.demand import DAY, SLOT, SLOTS
from microglia.world.flows import Day
from microglia.world.layout import Layout
from microglia.world.memory import MemoryCluster
from microglia.world.sight import by_workload


@dataclass(frozen=True, slots=True)
class Loss:
    """``requests`` wanted and how many were ``lost``: over capacity, without a server, or stopped at a cut route.

    ``hosts`` says which calls, by host asked for.
    """

    requests: int
    lost: int
    hosts: Mapping[str, int]

    @property
    def share(self) -> float:
        """Lost per wanted, 0 where nothing was wanted."""
        return self.lost / self.requests if self.requests else 0.0


def loss(truth: Truth, start: float, end: float) -> Loss:
    """Count ``[start, end)``, epoch seconds."""
    requests, hosts = 0, Counter[str]()
    for number in range(int(start // DAY), -int(-end // DAY)):
        day = truth.flow(number)
        edges = day.start + np.arange(SLOTS) * SLOT
        inside = (edges >= start) & (edges < end)
        requests += _count(truth.layout, day, inside, hosts)
    return Loss(requests, sum(hosts.values()), dict(sorted(hosts.items())))


def _count(layout: Layout, day: Day, inside: np.ndarray, hosts: Counter[str]) -> int:
    """Adds what was lost in the slots ``inside`` to ``hosts``; returns what was wanted."""
    wanted = 0
    full = _overloaded(layout, day)
    for row, lane in enumerate(layout.lanes):
        if not layout.calls[lane.call].stream:
            wanted += int((day.good[row] + day.bad[row])[inside].sum())
            if lane.server >= 0:
                hosts[layout.hosts[lane.call]] += int(day.bad[row][inside & full[lane.server]].sum())
    for number, call in enumerate(layout.calls):
        if not call.stream:
            gone = int((day.unserved[number] + day.stopped[number] + day.refused[number])[inside].sum())
            wanted += gone
            hosts[layout.hosts[number]] += gone
    for host in [host for host, count in hosts.items() if not count]:
        del hosts[host]
    return wanted


def _overloaded(layout: Layout, day: Day) -> np.ndarray:
    """Where a workload got more than its serving pods can do (W, S)."""
    load = np.zeros((len(layout.keys), SLOTS))
    for row, lane in enumerate(layout.lanes):
        call = layout.calls[lane.call]
        if lane.server >= 0 and call.protocol != "tcp" and not call.stream:
            load[lane.server] += day.good[row] + day.bad[row]
    serving = by_workload(layout, day, day.serving)
    room = np.where(np.isfinite(layout.capacity), layout.capacity, 1e12)[:, None] * serving * SLOT
    return np.asarray((load > room) & (serving > 0))


def broken(cluster: MemoryCluster) -> tuple[str, ...]:
    """What is missing though no request shows it: callbacks without a ready pod behind them, work that nobody does."""
    ready = {
        (at(raw, "metadata", "namespace"), at(raw, "metadata", "labels", "kubernetes.io/service-name"))
        for raw in cluster.objects(BY_NAME["EndpointSlice"])
        if any(at(each, "conditions", "ready") for each in raw["endpoints"])
    }
    found = _idle_hands(cluster)
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for raw in cluster.objects(BY_NAME[kind]):
            for hook in at(raw, "webhooks", default=[]):
                service = at(hook, "clientConfig", "service", default={})
                place = (service.get("namespace"), service.get("name"))
                if service and place not in ready:
                    found.append(f"{kind} {name_of(raw)}: nothing answers at {place[0]}/{place[1]}")
    return tuple(sorted(found))


def _idle_hands(cluster: MemoryCluster) -> list[str]:
    """Workloads without a pod that had calls of their own to make: importers, schedulers, relays."""
    layout, found = cluster.layout, []
    for key, workload in zip(layout.keys, layout.workloads, strict=True):
        callees = sorted({call.host for call in layout.calls if call.client == key})
        if callees and workload.kind != "CronJob" and not cluster.record.alive(key, cluster.time):
            found.append(f"{key}: no pod is left that would call {', '.join(callees)}")
    return found
