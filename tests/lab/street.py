"""Three clients on the lab that see hosts too many: laps over them, and what their real proxies make of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from microglia import cycle
from microglia.act.apply import Conduct
from microglia.act.cluster import ApiCluster
from microglia.act.write import ClusterWriter
from microglia.model.window import floor_hour
from microglia.observe.kube import connect
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.traffic import PrometheusTraffic
from microglia.plan.change import SidecarChange
from microglia.policy.load import parse
from microglia.policy.schema import RouteForm
from microglia.store.buckets import FileBuckets
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.world.load import load, moved
from microglia.world.schema import Port, Service, World
from tests.lab import Lab
from tests.lab.proxy import Envoy, Istiod, Pod
from tests.lab.remote_write import Series, write
from tests.lab.stage import Stage, put
from tests.lab.waiting import until
from tests.lab.ward import WORLDS

IDLE = tuple(f"s{number}.depot.svc.cluster.local" for number in range(12))
ATTIC = tuple(f"a{number}.attic.svc.cluster.local" for number in range(3))
"""The hosts of a namespace in which everything is idle."""
CALLED = IDLE[3]
LEAD, AFTER = timedelta(days=9), timedelta(hours=4)
WITHIN = 60.0
COUNTS = r"^(envoy_(?:cluster_upstream_(?:rq_total|cx_total|cx_none_healthy)|http_rq_direct_response)\{.*\}) (\S+)$"


@dataclass(slots=True)
class Wires:
    """What happened to three clients: laps by the hours since the cut, and what the proxies of two of them did."""

    laps: dict[int, cycle.Lap] = field(default_factory=dict)
    hosts: dict[str, frozenset[str]] = field(default_factory=dict)
    replies: dict[str, int] = field(default_factory=dict)
    counts: dict[str, tuple[Mapping[str, float], Mapping[str, float]]] = field(default_factory=dict)

    def cut(self, hours: int) -> dict[str, tuple[str, ...]]:
        """Which hosts the lap hid, by client."""
        changes = self.laps[hours].rehearsal.plan.changes
        return {one.id.name: one.cut for one in changes if isinstance(one, SidecarChange) and one.cut}

    def rose(self, client: str) -> set[str]:
        """Which of the proxy's counters rose by the call."""
        before, after = self.counts[client]
        return {name for name, value in after.items() if value > before.get(name, 0.0)}


class Street:
    """The stage, the proxies, and the laps over them."""

    def __init__(self, lab: Lab, home: Path, form: Literal["exclusion", "allowList"] = "exclusion") -> None:
        self.lab, self.home, self.seen = lab, home, Wires()
        self.policy = parse((WORLDS / "mesh-policy.yaml").read_bytes(), "mesh-policy.yaml").policies[0]
        spec = self.policy.spec.model_copy(update={"routes": RouteForm(form=form)})
        self.policy = self.policy.model_copy(update={"spec": spec})
        self.url = lab.another_prometheus(f"prometheus-of-{home.name}")
        self.port = lab.processes.free_port()
        self.cut_at = floor_hour(datetime.now(UTC)) - AFTER
        self.stage: Stage = put(lab, _world(home / "wires.yaml", self.port, self.cut_at - LEAD), self.url)
        cluster, kept = connect(kubeconfig=lab.kubeconfig), Folder(home / "state")
        facts = cluster.facts()
        traffic = PrometheusTraffic(PrometheusServer(self.url), FileBuckets(kept.buckets, lambda _: None))
        journal = FileJournal(kept.cluster(facts.uid, facts.name))
        self.world = cycle.World(cluster, traffic, ClusterWriter(ApiCluster(cluster.api)), journal)

    def lap(self, hours: int) -> None:
        """A whole lap, so many hours after the first cut."""
        now = self.cut_at + timedelta(hours=hours)
        self.stage.play(now)
        conduct = Conduct(clock=lambda: now, stop=lambda: None, say=lambda _: None)
        self.seen.laps[hours] = cycle.lap(self.world, (self.policy,), cycle.Case(self.policy, now), conduct)

    def calls(self, istiod: Istiod, client: str, otherwise: str) -> None:
        """Call a hidden host through the proxy of ``client``, and let Prometheus have what the proxy counted."""
        pod = _pod(self.lab, client)
        envoy = Envoy(istiod, pod, f"envoy-of-{client}", self.port)
        until("the proxy forgets hosts", lambda: str(len({*IDLE} & envoy.hosts()) or ""), WITHIN)
        until("istiod reads its policy", lambda: str({otherwise} ^ envoy.otherwise() or ""), WITHIN)
        before = _counts(envoy)
        self.seen.replies[client] = envoy.call(CALLED)
        until("the proxy counts the call", lambda: "" if _counts(envoy) != before else "nothing yet", WITHIN)
        self.seen.counts[client] = (before, _counts(envoy))
        envoy.close()
        write(self.url, self._scraped(pod, *self.seen.counts[client]))

    def sees(self, istiod: Istiod, client: str, name: str = "") -> None:
        """Ask the proxy of ``client`` which hosts it has, and keep them by the client's name or another."""
        envoy = Envoy(istiod, _pod(self.lab, client), f"envoy-of-{client}", self.port)
        self.seen.hosts[name or client] = envoy.hosts()
        envoy.close()

    def service(self, namespace: str, name: str) -> dict[str, Any]:
        """One more Service that nobody stands behind."""
        spec = {"ports": [{"name": "http", "port": self.port}]}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}

    def _scraped(self, pod: Pod, before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[Series]:
        """Every minute of a day before the cut as it was, and of two hours from an hour after it as it is."""
        start, turn = (self.cut_at.timestamp() + hours * 3600 for hours in (-24, 1))
        times = np.arange(start, turn + 2 * 3600, 60)
        for name, value in after.items():
            labels = {**dict(re.findall(r'(\w+)="([^"]*)"', name)), "__name__": name.partition("{")[0]}
            there = {"job": "envoy-stats", "instance": pod.address, "namespace": pod.namespace, "pod": pod.name}
            values = np.where(times < turn, before.get(name, 0.0), value)
            yield Series({**labels, **there}, (times * 1000).astype(np.int64), values)


def _world(file: Path, port: int, start: datetime) -> World:
    text = (WORLDS / "wires.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("28080", str(port)), encoding="utf-8")
    world = moved(load(file), start)
    one = Service(selector={"app": "store"}, ports=(Port(name="http", port=port),))
    depot = {f"depot/s{number}": one for number in range(len(IDLE))}
    attic = {f"attic/a{number}": one for number in range(len(ATTIC))}
    return world.model_copy(update={"services": {**world.services, **depot, **attic}})


def _counts(envoy: Envoy) -> dict[str, float]:
    """The counters that tell of calls to unknown hosts, and their neighbours, as the exposition writes them."""
    return {name: float(value) for name, value in re.findall(COUNTS, envoy.exported(), re.MULTILINE)}


def _pod(lab: Lab, client: str) -> Pod:
    (raw, *_) = lab.api.get("/api/v1/namespaces/shop/pods", labelSelector=f"app={client}")["items"]
    return Pod(raw["metadata"]["name"], "shop", raw["status"]["podIP"], raw["metadata"]["labels"])
