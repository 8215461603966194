"""The wire across a cut route: a real call through a real Envoy to a host that is hidden from it, and what follows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

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
from microglia.store.buckets import FileBuckets
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.world.load import load, moved
from microglia.world.schema import Port, Service, World
from tests.lab import Lab
from tests.lab.binaries import ensure_mesh
from tests.lab.proxy import Envoy, Istiod, Pod
from tests.lab.remote_write import Series, write
from tests.lab.stage import Stage, put
from tests.lab.waiting import until
from tests.lab.ward import WORLDS

pytestmark = pytest.mark.timeout(300)

IDLE = tuple(f"s{number}.depot.svc.cluster.local" for number in range(12))
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

    def __init__(self, lab: Lab, home: Path) -> None:
        self.lab, self.home, self.seen = lab, home, Wires()
        self.policy = parse((WORLDS / "mesh-policy.yaml").read_bytes(), "mesh-policy.yaml").policies[0]
        self.url = lab.another_prometheus("prometheus-of-wires")
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

    def sees(self, istiod: Istiod, client: str) -> None:
        """Ask the proxy of ``client`` which hosts it has."""
        envoy = Envoy(istiod, _pod(self.lab, client), f"envoy-of-{client}", self.port)
        self.seen.hosts[client] = envoy.hosts()
        envoy.close()

    def _scraped(self, pod: Pod, before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[Series]:
        """Every minute of a day before the cut as it was, and of two hours from an hour after it as it is."""
        start, turn = (self.cut_at.timestamp() + hours * 3600 for hours in (-24, 1))
        times = np.arange(start, turn + 2 * 3600, 60)
        for name, value in after.items():
            labels = {**dict(re.findall(r'(\w+)="([^"]*)"', name)), "__name__": name.partition("{")[0]}
            there = {"job": "envoy-stats", "instance": pod.address, "namespace": pod.namespace, "pod": pod.name}
            values = np.where(times < turn, before.get(name, 0.0), value)
            yield Series({**labels, **there}, (times * 1000).astype(np.int64), values)


@pytest.fixture(scope="module")
def wires(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wires]:
    """Cut, call under both policies of outbound traffic, and two laps later."""
    binaries, home = ensure_mesh(print), tmp_path_factory.mktemp("wires")
    try:
        street = Street(lab, home)
        street.lap(0)
        (home / "walled").mkdir()
        istiod = Istiod(lab, binaries, home)
        street.calls(istiod, "open", "allow_any")
        istiod.close()
        istiod = Istiod(lab, binaries, home / "walled", "REGISTRY_ONLY")
        street.calls(istiod, "walled", "block_all")
        street.lap(3)
        for client in ("open", "walled", "calm"):
            street.sees(istiod, client)
        street.lap(4)
        yield street.seen
    finally:
        for name in ("envoy-of-open", "envoy-of-walled", "envoy-of-calm", "istiod", "prometheus-of-wires"):
            lab.processes.stop(name)
        lab.wipe()


def test_a_call_to_a_hidden_host_is_counted_by_a_proxy(wires: Wires) -> None:
    """ALLOW_ANY passes it through, where nothing tells an Envoy of the lab the address that was meant; REGISTRY_ONLY
    answers it with a 502 of its own, which no cluster counts."""
    assert wires.cut(0).keys() == {"open", "walled", "calm"}
    assert all({*IDLE} <= {*cut} for cut in wires.cut(0).values())
    assert wires.rose("open") == {'envoy_cluster_upstream_cx_none_healthy{cluster_name="PassthroughCluster"}'}
    assert wires.replies["walled"] == 502
    prefix = 'envoy_http_rq_direct_response{http_conn_manager_prefix="outbound_'
    assert any(one.startswith(prefix) for one in wires.rose("walled"))
    assert not any("Cluster" in one for one in wires.rose("walled"))


def test_one_hit_shows_every_hidden_host_again(wires: Wires) -> None:
    """Nobody can tell which host was meant: the next lap gives all of them back, to these two clients alone, and the
    proxies have their clusters again."""
    lap = wires.laps[3]
    assert lap.rehearsal.plan.purpose == "regrow"
    why = {one.element: one.why for one in lap.rehearsal.verdicts if one.verdict == "Regrow"}
    assert sorted(name.rpartition("/")[2] for name in why) == ["open", "walled"]
    assert "calls to PassthroughCluster since" in next(text for name, text in why.items() if "open" in name)
    assert "calls to BlackHoleCluster since" in next(text for name, text in why.items() if "walled" in name)
    assert lap.record is not None
    assert {step.state for step in lap.record.steps} == {"done"}
    assert {*IDLE} <= wires.hosts["open"] & wires.hosts["walled"]
    assert not {*IDLE} & wires.hosts["calm"]


def test_what_was_hit_is_left_alone(wires: Wires) -> None:
    """The routes are shielded for two windows, and the lap after hides none of them again."""
    state = wires.laps[3].rehearsal.state
    shielded = {(one.element.split()[0].rpartition("/")[2], one.element.split()[-1]) for one in state.shields}
    assert {(client, host) for client in ("open", "walled") for host in IDLE} <= shielded
    assert not {client for client, _ in shielded} & {"calm"}
    spans = {one.until - wires.laps[3].rehearsal.plan.made_at for one in state.shields}
    assert spans == {2 * wires.laps[3].rehearsal.policy.spec.observation.window}
    assert wires.cut(4) == {}


def _world(file: Path, port: int, start: datetime) -> World:
    text = (WORLDS / "wires.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("28080", str(port)), encoding="utf-8")
    world = moved(load(file), start)
    one = Service(selector={"app": "store"}, ports=(Port(name="http", port=port),))
    idle = {f"depot/s{number}": one for number in range(len(IDLE))}
    return world.model_copy(update={"services": {**world.services, **idle}})


def _counts(envoy: Envoy) -> dict[str, float]:
    """The counters that tell of calls to unknown hosts, and their neighbours, as the exposition writes them."""
    return {name: float(value) for name, value in re.findall(COUNTS, envoy.exported(), re.MULTILINE)}


def _pod(lab: Lab, client: str) -> Pod:
    (raw, *_) = lab.api.get("/api/v1/namespaces/shop/pods", labelSelector=f"app={client}")["items"]
    return Pod(raw["metadata"]["name"], "shop", raw["status"]["podIP"], raw["metadata"]["labels"])
