"""Face two: series as Istio, kube-state-metrics and cAdvisor would have exported them."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from microglia.model.kinds import BY_NAME
from microglia.model.window import Window
from microglia.world.activity import Truth
from microglia.world.layout import build
from microglia.world.load import load
from microglia.world.memory import MemoryCluster
from microglia.world.record import Pod, Record, troubles
from microglia.world.series import Exporter, Series

DAY = 86400.0
BACK = "back.shop.svc.cluster.local"


class Store:
    """Series by labels, appended to as Prometheus would: the newest samples last."""

    def __init__(self) -> None:
        self.found: dict[tuple, list[Series]] = defaultdict(list)

    def write(self, series) -> "Store":
        for one in series:
            self.found[tuple(sorted(one.labels.items()))].append(one)
        return self

    def of(self, name: str, **labels: str) -> list[tuple[dict, np.ndarray, np.ndarray]]:
        """(labels, times, values) of the matching series."""
        chosen = []
        for key, parts in self.found.items():
            own = dict(key)
            if own["__name__"] == name and all(own.get(label) == value for label, value in labels.items()):
                times = np.concatenate([part.times for part in parts])
                chosen.append((own, times, np.concatenate([part.values for part in parts])))
        return chosen

    def one(self, name: str, **labels: str) -> tuple[np.ndarray, np.ndarray]:
        """The only matching series."""
        chosen = self.of(name, **labels)
        assert len(chosen) == 1, [own for own, _, _ in chosen]
        return chosen[0][1], chosen[0][2]

    def total(self, name: str, **labels: str) -> float:
        """What the matching counters show last, together, staleness markers aside."""
        return sum(float(values[~np.isnan(values)][-1]) for _, _, values in self.of(name, **labels))


def told(world, days: float = 1, interval: float = 60) -> tuple[MemoryCluster, Store]:
    """The first days of a world, exported at once."""
    cluster = MemoryCluster(world)
    start = cluster.layout.start
    return cluster, Store().write(Exporter(cluster.truth, interval).series(start, start + days * DAY))


def test_both_reporters_count_what_was_called(bend) -> None:
    """Client and server sidecars count the same calls, within what happened after their last scrape."""
    cluster, store = told(bend())
    window = Window(cluster.layout.world.start, cluster.layout.world.start + timedelta(days=1))
    found = cluster.truth.activity(window)
    wanted = {
        (edge.client, edge.server): count for edge, count in zip(found.edges.keys, found.edges.requests, strict=True)
    }
    for reporter in ("source", "destination"):
        total = store.total(
            "istio_requests_total", reporter=reporter, source_workload="front", destination_service=BACK
        )
        assert total == pytest.approx(wanted["shop/front", "shop/back"], rel=1e-3)


def test_durations_fall_into_buckets(bend) -> None:
    """Servers tell how many were no slower than each bound, never more than there were; a single call as well. A world
    without bounds has no buckets."""
    once = {"client": "shop/idle", "host": "back.shop", "at": [{"day": 0, "clock": "10:59:59.5", "count": 300}]}
    _, store = told(bend(calls=[once], latencyBounds=[5, 500]))
    name = "istio_request_duration_milliseconds"
    for source in ("front", "idle"):
        who = {"source_workload": source, "destination_workload": "back"}
        count = store.total(f"{name}_count", **who)
        for le in ("500", "+Inf"):
            assert store.total(f"{name}_bucket", le=le, **who) == pytest.approx(count, abs=1e-6)
        assert store.total(f"{name}_bucket", le="5", **who) / count == pytest.approx(1 - np.exp(-5 / 20), rel=0.05)
    assert {own["reporter"] for own, _, _ in store.of(f"{name}_bucket")} == {"destination"}
    assert not told(bend(latencyBounds=[]))[1].of(f"{name}_bucket")


def test_each_side_knows_only_what_it_can(bend) -> None:
    """Strangers call as unknown and only servers tell of them; of a server without sidecar only its clients tell."""
    _, store = told(bend())
    strangers = store.of("istio_requests_total", destination_workload="front")
    assert {own["reporter"] for own, _, _ in strangers} == {"destination"}
    assert {own["source_workload"] for own, _, _ in strangers} == {"unknown"}
    assert {own["connection_security_policy"] for own, _, _ in strangers} == {"none"}
    outside = store.of("istio_requests_total", destination_workload="ledger")
    assert {(own["reporter"], own["namespace"]) for own, _, _ in outside} == {("source", "shop")}
    assert not store.of("istio_build", namespace="old")


def test_counters_are_born_with_their_first_use(bend) -> None:
    """A single call makes a series that begins with its value at the next scrape, in one pod on each side."""
    once = {"client": "shop/idle", "host": "back.shop", "at": [{"day": 0, "clock": "10:59:59.5", "count": 3}]}
    cluster, store = told(bend(calls=[once]), interval=30)
    seam = (cluster.layout.start + 11 * 3600) * 1000
    for reporter in ("source", "destination"):
        found = store.of("istio_requests_total", reporter=reporter, source_workload="idle")
        assert sum(values[0] for _, _, values in found) == 3
        for _, times, values in found:
            assert seam - 500 <= times[0] < seam + 30_000
            assert (values == values[0]).all()


def test_counters_never_fall_but_by_a_restart(bend) -> None:
    """A restarted proxy counts from nothing again, and only its own pod does."""
    world = bend(accidents=[{"kind": "restart", "target": "shop/back", "day": 0, "start": "12:00"}])
    cluster, store = told(world)
    noon = (cluster.layout.start + 43200) * 1000
    fell = {}
    for own, times, values in store.of("istio_requests_total", reporter="destination", destination_workload="back"):
        kept = ~np.isnan(values)
        drops = np.flatnonzero(np.diff(values[kept]) < 0)
        if len(drops):
            fell[own["pod"]] = times[kept][drops + 1].tolist()
    first = min(raw["metadata"]["name"] for raw in cluster.pods("shop", {"matchLabels": {"app": "back"}}))
    assert set(fell) == {first}
    assert all(noon <= when <= noon + 121_000 for times in fell.values() for when in times)
    beats = store.one("istio_build", pod=first)
    assert np.isnan(beats[1]).sum() == 1
    app = store.one("container_cpu_usage_seconds_total", pod=first, container="app")[1]
    proxy = store.one("container_cpu_usage_seconds_total", pod=first, container="istio-proxy")[1]
    assert (np.diff(app) >= 0).all()
    assert (np.diff(proxy) < 0).sum() == 1


def test_successive_spans_continue_the_same_counters(bend) -> None:
    """Written in three pieces or in one, history is the same sample by sample."""
    world = bend(
        calls=[{"client": "shop/idle", "host": "back.shop", "at": [{"day": 0, "clock": "05:00:10"}]}],
        accidents=[{"kind": "restart", "target": "shop/back", "day": 0, "start": "12:00"}],
    )
    _, whole = told(world)
    cluster = MemoryCluster(world)
    start, pieces = cluster.layout.start, Store()
    exporter = Exporter(cluster.truth, 60)
    for first, last in ((0, 3.5), (3.5, 14), (14, 24)):
        pieces.write(exporter.series(start + first * 3600, start + last * 3600))
    assert whole.found.keys() == pieces.found.keys()
    for key in whole.found:
        own = dict(key)
        name = own.pop("__name__")
        one, two = whole.one(name, **own), pieces.one(name, **own)
        assert np.array_equal(one[0], two[0]), key
        assert np.allclose(one[1], two[1], equal_nan=True), key
    with pytest.raises(ValueError, match="go on from there"):
        next(exporter.series(start, start + 1))


def test_a_gap_is_down_and_stale_and_then_counts_on(bend) -> None:
    """While a target is not scraped it is down and its series are stale; what happened meanwhile is counted after."""
    gap = {"kind": "gap", "target": "shop/back", "day": 0, "start": "12:00", "end": "12:30"}
    cluster, store = told(bend(accidents=[gap]))
    noon = (cluster.layout.start + 43200) * 1000
    for _, times, values in store.of("up", namespace="shop"):
        inside = (times >= noon) & (times < noon + 1_800_000)
        assert set(values[~inside]) == {1.0}
        assert set(values[inside]) <= {0.0, 1.0}
    for own, times, values in store.of("istio_requests_total", reporter="destination", destination_workload="back"):
        inside = (times >= noon) & (times < noon + 1_800_000)
        assert inside.sum() == 1, own
        assert np.isnan(values[inside]).all()
        assert np.nanmax(np.diff(values[~inside])) > 20 * np.nanmedian(np.diff(values[~inside]))


def test_a_failed_envoy_part_hides_behind_up(bend) -> None:
    """The target is up, heartbeat and traffic are missing, and the agent's failure counter tells."""
    bad = {"kind": "envoy", "target": "shop/back", "day": 0, "start": "12:00", "end": "12:10"}
    _, store = told(bend(accidents=[bad]))
    assert all((values == 1).all() for _, _, values in store.of("up", namespace="shop"))
    failures = store.of("istio_agent_scrape_failures_total")
    assert len(failures) == 5
    assert all(values[0] == 1 and values[-1] == 10 for _, _, values in failures)
    assert all(own["pod"].startswith("back-") for own, _, _ in failures)


def test_when_prometheus_sleeps_nothing_is_written(bend) -> None:
    """A gap of everything leaves no sample, not even a staleness marker."""
    cluster, store = told(bend(accidents=[{"kind": "gap", "day": 0, "start": "12:00", "end": "12:30"}]))
    noon = (cluster.layout.start + 43200) * 1000
    for name in ("up", "kube_pod_info", "istio_build", "container_memory_working_set_bytes"):
        for _, times, values in store.of(name):
            assert not ((times >= noon) & (times < noon + 1_800_000)).any()
            assert not np.isnan(values).any()


def test_a_pod_that_ends_leaves_stale_series(bend) -> None:
    """After a scale-down the pod's series end with a marker, its siblings take over, and the count falls."""
    cluster = MemoryCluster(bend())
    start, store, exporter = cluster.layout.start, Store(), Exporter(cluster.truth, 60)
    store.write(exporter.series(start, start + 43200))
    cluster.advance(datetime.fromtimestamp(start + 43200, UTC))
    before = {raw["metadata"]["name"] for raw in cluster.pods("shop", {"matchLabels": {"app": "back"}})}
    cluster.scale(cluster.read(BY_NAME["Deployment"], "shop", "back"), 3)
    after = {raw["metadata"]["name"] for raw in cluster.pods("shop", {"matchLabels": {"app": "back"}})}
    cluster.advance(datetime.fromtimestamp(start + DAY, UTC))
    store.write(exporter.series(start + 43200, start + DAY))
    for pod in before:
        times, _ = store.one("kube_pod_info", pod=pod)
        assert (times[-1] > (start + 43260) * 1000) == (pod in after)
    assert set(store.one("kube_deployment_spec_replicas", deployment="back")[1]) == {5.0, 3.0}
    ready = store.one("kube_deployment_status_replicas_ready", deployment="back")[1]
    assert ready[-1] == 3


def test_what_kubernetes_says_of_the_world(bend) -> None:
    """Births, owners, nodes and their zones are told under the names that objects have."""
    cluster, store = told(bend(), days=0.1)
    start = cluster.layout.start
    assert store.one("kube_deployment_created", deployment="back")[1][0] == start - 90 * DAY
    assert store.one("kube_service_created", service="back", namespace="shop")[1][0] == start - 90 * DAY
    info = store.of("kube_pod_info", namespace="shop")
    sets = {raw["metadata"]["name"] for raw in cluster.objects(BY_NAME["ReplicaSet"])}
    assert {own["created_by_kind"] for own, _, _ in info} == {"ReplicaSet"}
    assert {own["created_by_name"] for own, _, _ in info} <= sets
    owners = {own["replicaset"]: own["owner_name"] for own, _, _ in store.of("kube_replicaset_owner")}
    assert set(owners) == sets
    nodes = {raw["metadata"]["name"] for raw in cluster.objects(BY_NAME["Node"])}
    assert {own["node"] for own, _, _ in store.of("kube_node_created")} == nodes


def test_a_lost_zone_is_told_by_its_nodes(bend) -> None:
    """While a zone is away its nodes are not Ready, its kubelets silent, and fewer replicas ready."""
    gone = {"kind": "zone", "target": "a", "day": 0, "start": "12:00", "end": "13:00"}
    cluster, store = told(bend(accidents=[gone]))
    noon = (cluster.layout.start + 43200) * 1000
    times, values = store.one("kube_node_status_condition", node="a-n1", status="true")
    inside = (times >= noon) & (times < noon + 3_600_000)
    assert set(values[inside]) == {0.0}
    assert set(values[~inside]) == {1.0}
    for _, scraped, memory in store.of("container_memory_working_set_bytes", node="a-n1"):
        dark = (scraped >= noon) & (scraped < noon + 3_600_000)
        assert np.isnan(memory[dark]).all()


def test_cpu_and_memory_are_what_the_truth_says(bend) -> None:
    """A day's CPU seconds of all pods are the truth's mean cores times a day; throttling needs a limit."""
    cluster, store = told(
        bend(
            workloads={
                "shop/back": {"replicas": 5, "cpuLimit": "1", "region": "west", "ports": [{"name": "http", "port": 80}]}
            }
        )
    )
    window = Window(cluster.layout.world.start, cluster.layout.world.start + timedelta(days=1))
    found = cluster.truth.activity(window).containers
    cores = found.cpu[found.keys.index(("shop/back", "app"))].mean()
    spent = 0.0
    for own, _, values in store.of("container_cpu_usage_seconds_total", container="app", namespace="shop"):
        if own["pod"].startswith("back-"):
            spent += values[-1]
    assert spent == pytest.approx(cores * DAY, rel=5e-3)
    limited = {own["pod"].split("-")[0] for own, _, _ in store.of("container_cpu_cfs_periods_total")}
    assert limited == {"back"}


def test_streams_and_connections_have_their_own_counters(bend) -> None:
    """TCP counts connections and bytes, an endless connection only bytes, an endless gRPC stream only messages."""
    calls = [
        {"client": "shop/front", "host": "idle.shop", "protocol": "tcp", "rate": 1},
        {"client": "shop/idle", "host": "back.shop", "protocol": "grpc", "rate": 2, "stream": True},
        {"client": "shop/back", "host": "idle.shop", "protocol": "tcp", "rate": 8, "stream": True},
    ]
    _, store = told(bend(calls=calls))
    opened = store.of("istio_tcp_connections_opened_total", source_workload="front")
    assert {own["reporter"] for own, _, _ in opened} == {"source", "destination"}
    assert all("response_code" not in own for own, _, _ in opened)
    held = store.of("istio_tcp_connections_opened_total", source_workload="back", reporter="source")
    assert all((values == 1).all() for _, _, values in held)
    assert store.total("istio_tcp_sent_bytes_total", source_workload="back", reporter="source") > 1e8
    assert not store.of("istio_requests_total", source_workload="idle")
    asked = store.total("istio_request_messages_total", source_workload="idle", reporter="source")
    answered = store.total("istio_response_messages_total", source_workload="idle", reporter="source")
    assert asked == pytest.approx(answered, abs=2)
    assert asked > 90_000


def test_failures_carry_their_codes_and_flags(bend) -> None:
    """Overload is a 503 of the server, gRPC errors travel in a 200, nobody there is UH without a workload."""
    calls = [
        {"client": "shop/front", "host": "idle.shop", "protocol": "grpc", "rate": 9, "errors": 0.5},
        {"client": "shop/front", "host": "empty.shop", "rate": 1},
    ]
    world = bend(
        calls=calls,
        workloads={"shop/back": {"replicas": 1, "capacity": 10, "ports": [{"name": "http", "port": 80}]},
                   "shop/empty": {"replicas": 0, "ports": [{"name": "http", "port": 80}]}},
    )  # fmt: skip
    _, store = told(world)
    assert (
        store.total("istio_requests_total", reporter="destination", response_code="503", destination_workload="back")
        > 0
    )
    broken = store.of("istio_requests_total", destination_workload="idle", grpc_response_status="14")
    assert {(own["response_code"], own["response_flags"]) for own, _, _ in broken} == {("200", "-")}
    nobody = store.of("istio_requests_total", destination_service="empty.shop.svc.cluster.local")
    assert {(own["reporter"], own["destination_workload"], own["response_flags"]) for own, _, _ in nobody} == {
        ("source", "unknown", "UH")
    }


@pytest.mark.parametrize(
    ("mtls", "mode", "name", "code"),
    [
        ("permissive", "ALLOW_ANY", "PassthroughCluster", "200"),
        ("strict", "ALLOW_ANY", "PassthroughCluster", "503"),
        ("permissive", "REGISTRY_ONLY", "BlackHoleCluster", "502"),
    ],
)
def test_a_cut_route_is_seen_as_a_pseudo_destination(bend, mtls: str, mode: str, name: str, code: str) -> None:
    """Past a cut the client names a pseudo host, and a server without mTLS no longer knows who called."""
    cluster = MemoryCluster(bend(mtls=mtls))
    spec = {
        "workloadSelector": {"labels": {"app": "front"}},
        "egress": [{"hosts": ["*/*", f"~shop/{BACK}"]}],
        "outboundTrafficPolicy": {"mode": mode},
    }
    cluster.create(BY_NAME["Sidecar"], {"metadata": {"name": "s", "namespace": "shop"}, "spec": spec})
    start = cluster.layout.start
    store = Store().write(Exporter(cluster.truth, 60).series(start, start + 7200))
    found = store.of("istio_requests_total", destination_service_name=name, source_workload="front")
    assert {own["response_code"] for own, _, _ in found} == {code}
    assert {own["destination_service"] for own, _, _ in found} == {"back.shop"}
    callers = {own["source_workload"] for own, _, _ in store.of("istio_requests_total", destination_workload="back")}
    assert callers == {"unknown"}
    known = store.total("istio_requests_total", destination_workload="back", reporter="destination")
    assert (known > 100_000) == (code == "200")


def test_the_shop_as_prometheus_sees_it() -> None:
    """Served hosts, externals, pseudo hosts, jobs, DaemonSets and the control plane, under the labels Istio gives."""
    world = load("shop")
    cluster, store = told(world, days=0.25, interval=120)
    hosts = {own["destination_service"]: own for own, _, _ in store.of("istio_requests_total")}
    assert "reviews.catalog.svc.cluster.local" not in hosts
    assert hosts["reviews-primary.catalog.svc.cluster.local"]["destination_service_namespace"] == "catalog"
    assert hosts["api.cards.example"]["destination_service_name"] == "api.cards.example"
    assert hosts["smtp.relay.example"]["destination_service_name"] == "PassthroughCluster"
    pilots = {own["namespace"] for own, _, _ in store.of("istio_build", component="pilot")}
    assert pilots == {"istio-system"}
    assert {own["tag"] for own, _, _ in store.of("istio_build")} == {world.istio}
    assert store.one("kube_daemonset_status_number_ready", daemonset="log-agent")[1][0] == 13
    assert store.one("kube_statefulset_replicas", statefulset="orders-db")[1][0] == 3
    assert not store.of("kube_pod_info", pod="invoice-run")
    names = {own["pod"] for own, _, _ in store.of("kube_pod_info")}
    assert names == {raw["metadata"]["name"] for raw in cluster.objects(BY_NAME["Pod"])}


def test_a_real_cluster_s_pods_are_followed(bend) -> None:
    """History written for pods that others control ends those that went away and begins those that came."""
    layout = build(bend())
    record = Record(troubles=troubles(layout))
    start = layout.start
    one, two = (Pod("shop/front", f"front-x-{n}", f"{zone}-n1", zone, start) for n, zone in ((1, "a"), (2, "b")))
    three = Pod("shop/front", "front-x-3", "c-n1", "c", start + 7200)
    record.follow([one, two], start)
    exporter, store = Exporter(Truth(layout, record), 60), Store()
    store.write(exporter.series(start, start + 7200))
    record.follow([two, three], start + 7200)
    store.write(exporter.series(start + 7200, start + 14400))
    spans = {pod.name: (pod.start - start, pod.end - start) for pod in record.pods}
    assert spans == {"front-x-1": (0, 7200), "front-x-2": (0, float("inf")), "front-x-3": (7200, float("inf"))}
    first = store.one("kube_pod_info", pod="front-x-1")[0]
    third = store.one("kube_pod_info", pod="front-x-3")[0]
    assert first[-1] <= (start + 7200) * 1000 + 60_000
    assert third[0] >= (start + 7200) * 1000
    whole = store.one("istio_requests_total", pod="front-x-2", source_workload="unknown")[1]
    assert (np.diff(whole) >= 0).all()
