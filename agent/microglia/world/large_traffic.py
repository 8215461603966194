"""The hours of the generated cluster: every workload's own level on a daily and weekly wave."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from microglia.model.activity import (
    F32,
    F64,
    Activity,
    ContainerActivity,
    Edge,
    EdgeActivity,
    Slowness,
    WorkloadActivity,
)
from microglia.model.objects import Raw
from microglia.model.ports import ClusterFacts
from microglia.model.snapshot import Source
from microglia.model.window import Window
from microglia.world.large import ZONES, LargeCluster

BURST = 1.15
"""How much the busiest 5 minutes of an hour exceed its mean."""
SECONDS = 0.004
"""CPU of the app per request."""
PROXY_SECONDS = 0.0004


class LargeTraffic:
    """The generated cluster's metrics behind the ``Traffic`` port. The same window always gives the same arrays."""

    def __init__(self, cluster: LargeCluster) -> None:
        self._cluster = cluster

    def describe(self, facts: ClusterFacts, now: datetime) -> Source:
        """What answers."""
        return Source(
            cluster=facts.uid,
            cluster_name=facts.name,
            server_version=facts.version,
            prometheus=f"world large at {now:%Y-%m-%d %H:%M}",
            prometheus_version="3.14.0",
            scrape_seconds=30.0,
            retention="60d",
            istiod=("1.31.1",),
            dialects=("istio", "kube-state-metrics", "cadvisor"),
        )

    def activity(self, objects: Mapping[str, Sequence[Raw]], window: Window, now: datetime) -> Activity:
        """Everything about ``window``; ``objects`` and ``now`` change nothing."""
        del objects, now
        cluster = self._cluster
        clients, servers, rates = cluster.edges
        count, hours = len(cluster.keys), window.hours
        rng = np.random.default_rng((cluster.seed, int(window.start.timestamp())))
        wave = _wave(window)
        busy = wave * (1 + 0.05 * rng.standard_normal((count, hours), dtype=np.float32))
        level = np.bincount(servers, rates, count).astype(np.float32)[:, None]
        requests = np.rint(level * busy * 3600).clip(min=0)
        sent = np.rint(np.bincount(clients, rates, count).astype(np.float32)[:, None] * wave * 3600)
        births = window.start.timestamp() - 86400.0 * 90
        return Activity(
            window=window,
            workloads=self._workloads(requests, sent, births),
            containers=self._containers(requests, sent),
            edges=self._edges(window, wave),
            known=np.ones(hours, dtype=np.bool_),
            away=np.zeros(hours, dtype=np.bool_),
            hosts=dict.fromkeys(cluster.hosts, births),
        )

    def slowness(self, workloads: Sequence[str], window: Window, now: datetime, above: float) -> Slowness:
        """Nothing: this world has no histograms; ``now`` changes nothing."""
        del now
        unknown = np.full((len(workloads), window.hours), np.nan, dtype=np.float32)
        return Slowness(above, tuple(sorted(workloads)), unknown, unknown.copy())

    def _workloads(self, requests: F32, sent: F32, births: float) -> WorkloadActivity:
        cluster = self._cluster
        count = len(cluster.keys)
        replicas = cluster.replicas.astype(np.float32)[:, None]
        peak = (requests / 3600 * BURST).astype(np.float32)
        cpu = peak * SECONDS + (requests + sent) / 3600 * PROXY_SECONDS * BURST + replicas * 0.014
        first = (np.cumsum(cluster.replicas) - cluster.replicas) % len(ZONES)
        share = np.stack(
            [_in_zone(cluster.replicas, first, zone) / cluster.replicas for zone in range(len(ZONES))], axis=1
        )
        full = _flat(np.ceil(cluster.replicas / len(ZONES)), requests)
        on_node = -(-cluster.replicas // (len(ZONES) * cluster.size.nodes_per_zone))
        return WorkloadActivity(
            keys=cluster.keys,
            zones=ZONES,
            requests=requests,
            failures=np.floor(requests * 0.0005),
            unserved=np.zeros_like(requests),
            sent=sent,
            peak=peak,
            imbalance=_flat(np.full(count, 1.02), requests),
            latency=np.where(requests > 0, np.float32(12), np.float32(np.nan)),
            cpu_peak=cpu,
            memory=_flat(np.full(count, 200.0 * 2**20), requests),
            throttled=np.zeros_like(requests),
            ready=_flat(cluster.replicas, requests),
            placed=_flat(cluster.replicas, requests),
            fullest_zone=full,
            fullest_node=_flat(on_node, requests),
            rolling=np.zeros(requests.shape, dtype=np.bool_),
            seen=np.ones_like(requests),
            zone_peak=(peak[:, None, :] * share[:, :, None].astype(np.float32)).astype(np.float32, copy=False),
            born=np.full(count, births),
            old_peak=np.zeros(count),
            old_load=np.zeros(count),
        )

    def _containers(self, requests: F32, sent: F32) -> ContainerActivity:
        cluster = self._cluster
        replicas = cluster.replicas.astype(np.float32)[:, None]
        cpu = np.empty((2 * len(cluster.keys), requests.shape[1]), dtype=np.float32)
        cpu[0::2] = requests / 3600 * SECONDS + replicas * 0.01
        cpu[1::2] = (requests + sent) / 3600 * PROXY_SECONDS + replicas * 0.004
        return ContainerActivity(tuple((key, name) for key in cluster.keys for name in ("app", "istio-proxy")), cpu)

    def _edges(self, window: Window, wave: F32) -> EdgeActivity:
        cluster = self._cluster
        clients, servers, rates = cluster.edges
        total = np.rint(rates * float(wave.sum()) * 3600).clip(min=1)
        keys = tuple(
            Edge(cluster.keys[client], cluster.hosts[server], cluster.keys[server], "http")
            for client, server in zip(clients.tolist(), servers.tolist(), strict=True)
        )
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return EdgeActivity(
            keys=tuple(keys[row] for row in order),
            used=np.ones(len(keys), dtype=np.bool_),
            requests=total[order],
            failures=np.floor(total[order] * 0.0005),
            last=np.full(len(keys), window.end.timestamp()),
            flowing=np.zeros(len(keys), dtype=np.bool_),
        )


def _wave(window: Window) -> F32:
    """Share of the peak (H,): a day's cosine, quieter at weekends."""
    hours = window.hour_of_week
    day = 0.3 + 0.35 * (1 + np.cos((hours % 24 - 14) * (2 * np.pi / 24)))
    return np.asarray(np.where(hours >= 120, 0.7 * day, day), dtype=np.float32)


def _in_zone(replicas: np.ndarray, first: np.ndarray, zone: int) -> F64:
    """How many pods round-robin puts into ``zone`` when it starts at ``first``."""
    return np.asarray((replicas + (len(ZONES) - 1) - (zone - first) % len(ZONES)) // len(ZONES), dtype=np.float64)


def _flat(values: np.ndarray, like: F32) -> F32:
    """The same value in every hour, without taking the memory of all of them."""
    return np.broadcast_to(values.astype(np.float32)[:, None], like.shape)
