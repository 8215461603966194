"""Face three: an API server in memory, with its preconditions, its controllers and its time."""

from datetime import timedelta

import pytest

from microglia.model.kinds import BY_NAME
from microglia.model.objects import at
from microglia.model.ports import AbsentError, ConflictError, ForbiddenError, GoneError, UnreadableError
from microglia.model.window import Window
from microglia.world.load import load
from microglia.world.memory import MemoryCluster
from microglia.world.record import Trouble
from microglia.world.scheduling import COST
from microglia.world.traffic import MemoryTraffic

DEPLOYMENT, POD, SIDECAR = BY_NAME["Deployment"], BY_NAME["Pod"], BY_NAME["Sidecar"]


@pytest.fixture
def cluster(bend) -> MemoryCluster:
    """The small world, two days old."""
    return MemoryCluster(bend(), bend().start + timedelta(days=2))


def pods(cluster: MemoryCluster, name: str) -> list:
    """The pods of a workload of the shop."""
    return list(cluster.pods("shop", {"matchLabels": {"app": name}}))


def zones(cluster: MemoryCluster, name: str) -> list[str]:
    """The zones of its pods."""
    return sorted(raw["spec"]["nodeName"][0] for raw in pods(cluster, name))


def sidecar(hosts: list[str], app: str = "front") -> dict:
    """A Sidecar for one workload."""
    spec = {"workloadSelector": {"labels": {"app": app}}, "egress": [{"hosts": hosts}]}
    return {"metadata": {"name": "microglia-front", "namespace": "shop"}, "spec": spec}


def test_pods_are_owned_placed_ready_and_endpoints(cluster: MemoryCluster) -> None:
    """Pods hang below a ReplicaSet of their Deployment, spread over zones, and stand in their Service's slice."""
    front = cluster.read(DEPLOYMENT, "shop", "front")
    assert zones(cluster, "front") == ["a", "b", "c"]
    pod = pods(cluster, "front")[0]
    owner = cluster.read(BY_NAME["ReplicaSet"], "shop", pod["metadata"]["ownerReferences"][0]["name"])
    assert owner["metadata"]["ownerReferences"][0]["uid"] == front["metadata"]["uid"]
    assert front["status"]["readyReplicas"] == 3
    assert front["status"]["observedGeneration"] == front["metadata"]["generation"]
    slices = [raw for raw in cluster.objects(BY_NAME["EndpointSlice"]) if "front" in raw["metadata"]["name"]]
    assert {each["targetRef"]["name"] for each in slices[0]["endpoints"]} == {
        raw["metadata"]["name"] for raw in pods(cluster, "front")
    }


def test_scaling_down_takes_marked_pods_first(cluster: MemoryCluster) -> None:
    """The pod of lowest deletion cost goes, whatever zone it is in; generation and owner of the count change."""
    victim = pods(cluster, "back")[3]
    cluster.annotate_pod(victim, {COST: "-5", "note": "x"})
    raw = cluster.read(DEPLOYMENT, "shop", "back")
    scale = cluster.scale(raw, 4)
    left = pods(cluster, "back")
    assert scale["spec"]["replicas"] == 4
    assert victim["metadata"]["name"] not in {one["metadata"]["name"] for one in left}
    assert len(left) == 4
    after = cluster.read(DEPLOYMENT, "shop", "back")
    assert after["metadata"]["generation"] == raw["metadata"]["generation"] + 1
    assert after["metadata"]["managedFields"][0]["manager"] == "microglia"
    assert after["status"]["replicas"] == 4


def test_scaling_up_fills_the_emptiest_zone(cluster: MemoryCluster) -> None:
    """New pods go where the fewest of their kind are, never to another region."""
    cluster.scale(cluster.read(DEPLOYMENT, "shop", "back"), 6)
    assert zones(cluster, "back") == ["a", "a", "b", "b", "c", "c"]


def test_a_stale_or_replaced_object_is_not_written(cluster: MemoryCluster) -> None:
    """Another resourceVersion or uid conflicts, a missing object is gone, and nothing changes."""
    raw = cluster.read(DEPLOYMENT, "shop", "back")
    cluster.edit(DEPLOYMENT, "shop", "back", lambda body: body["metadata"].update(labels={"new": "yes"}))
    with pytest.raises(ConflictError, match="resourceVersion"):
        cluster.scale(raw, 1)
    with pytest.raises(ConflictError, match="uid"):
        cluster.scale({**raw, "metadata": {**raw["metadata"], "uid": "other"}}, 1)
    with pytest.raises(GoneError):
        cluster.scale({**raw, "metadata": {**raw["metadata"], "name": "nobody"}}, 1)
    assert cluster.read(DEPLOYMENT, "shop", "back")["spec"]["replicas"] == 5


def test_a_write_can_be_made_to_fail_or_to_find_another_world(cluster: MemoryCluster) -> None:
    """``before_write`` sees each write with its number and may refuse it or change the world first."""
    told = []

    def refuse_second(number: int, what: str) -> None:
        told.append((number, what))
        if number == 2:
            raise ForbiddenError("no")

    cluster.before_write = refuse_second
    cluster.scale(cluster.read(DEPLOYMENT, "shop", "back"), 4)
    with pytest.raises(ForbiddenError):
        cluster.scale(cluster.read(DEPLOYMENT, "shop", "back"), 3)
    assert told == [(1, "scale Deployment shop/back"), (2, "scale Deployment shop/back")]
    assert cluster.read(DEPLOYMENT, "shop", "back")["spec"]["replicas"] == 4


def test_changes_show_in_traffic_from_then_on(cluster: MemoryCluster) -> None:
    """History keeps its replicas; hours after a change have the new ones, and the hour of the change is rolling."""
    traffic = MemoryTraffic(cluster)
    before = traffic.activity({}, Window.ending(cluster.now, timedelta(days=1)), cluster.now)
    cluster.scale(cluster.read(DEPLOYMENT, "shop", "back"), 3)
    cluster.advance(cluster.now + timedelta(days=1))
    after = traffic.activity({}, Window.ending(cluster.now, timedelta(days=2)), cluster.now)
    row = after.workloads.keys.index("shop/back")
    assert after.workloads.ready[row].tolist() == [5.0] * 25 + [3.0] * 23
    assert after.workloads.rolling[row].nonzero()[0].tolist() == [25]
    assert after.workloads.requests[row][:24].tolist() == before.workloads.requests[row].tolist()


def test_a_sidecar_cuts_from_its_creation_to_its_deletion(cluster: MemoryCluster) -> None:
    """An exclusion hides the host from exactly that client, past calls become passthrough, and deletion undoes it."""
    host = "back.shop.svc.cluster.local"
    made = cluster.create(SIDECAR, sidecar(["*/*", f"~shop/{host}"]))
    with pytest.raises(ConflictError, match="already exists"):
        cluster.create(SIDECAR, sidecar(["*/*"]))
    cluster.advance(cluster.now + timedelta(hours=3))
    cluster.delete(SIDECAR, cluster.read(SIDECAR, "shop", "microglia-front"))
    cluster.advance(cluster.now + timedelta(hours=3))
    cut = cluster.record.cuts
    assert [(one.client, one.host, one.blocked) for one in cut] == [("shop/front", host, False)]
    assert cut[0].end - cut[0].start == 10800
    found = MemoryTraffic(cluster).activity({}, Window.ending(cluster.now, timedelta(hours=5)), cluster.now)
    edges = {(edge.client, edge.host): n for edge, n in zip(found.edges.keys, found.edges.requests, strict=True)}
    assert edges["shop/front", "PassthroughCluster"] > 0
    assert edges["unknown", host] > edges["shop/front", "PassthroughCluster"] - 1
    assert made["metadata"]["uid"]


def test_a_replaced_sidecar_changes_what_is_hidden(cluster: MemoryCluster) -> None:
    """Replacing needs the version that was read, and moves the cut to the new hosts."""
    cluster.create(SIDECAR, sidecar(["*/*", "~shop/back.shop.svc.cluster.local"]))
    raw = cluster.read(SIDECAR, "shop", "microglia-front")
    spec = {**raw["spec"], "egress": [{"hosts": ["*/*", "~old/*"]}], "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
    cluster.replace(SIDECAR, {**raw, "spec": spec})
    with pytest.raises(ConflictError):
        cluster.replace(SIDECAR, raw)
    open_cuts = [(one.host, one.blocked) for one in cluster.record.cuts if one.end == float("inf")]
    assert open_cuts == [("ledger.old.svc.cluster.local", True)]


def test_a_failed_workload_is_not_ready_for_as_long(cluster: MemoryCluster) -> None:
    """While it fails, its pods, endpoints and status say so; resourceVersion moves, generation does not."""
    before = cluster.read(DEPLOYMENT, "shop", "back")
    cluster.strike(Trouble("workload", "shop/back", cluster.time + 60, cluster.time + 3600))
    cluster.advance(cluster.now + timedelta(minutes=30))
    during = cluster.read(DEPLOYMENT, "shop", "back")
    assert during["status"]["readyReplicas"] == 0
    assert during["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
    assert during["metadata"]["generation"] == before["metadata"]["generation"]
    cluster.advance(cluster.now + timedelta(hours=1))
    assert cluster.read(DEPLOYMENT, "shop", "back")["status"]["readyReplicas"] == 5


def test_a_lost_zone_shows_on_its_nodes(bend) -> None:
    """Nodes of a zone that is away are not Ready, and pods that start meanwhile go elsewhere."""
    gone = {"kind": "zone", "target": "a", "day": 2, "start": "00:00", "end": "04:00"}
    cluster = MemoryCluster(bend(accidents=[gone]), bend().start + timedelta(days=2, hours=1))
    nodes = cluster.objects(BY_NAME["Node"])
    states = {raw["metadata"]["name"]: at(raw, "status", "conditions", 0, "status") for raw in nodes}
    assert {name for name, state in states.items() if state == "Unknown"} == {"a-n1", "a-n2"}
    cluster.scale(cluster.read(DEPLOYMENT, "shop", "front"), 5)
    assert zones(cluster, "front") == ["a", "b", "b", "c", "c"]


def test_what_may_not_be_read_and_what_is_not_installed(cluster: MemoryCluster) -> None:
    """A forbidden kind is unreadable, a kind without its CRD is absent, and time does not run back."""
    cluster.forbidden = frozenset({"Node"})
    with pytest.raises(UnreadableError, match="nodes is forbidden"):
        cluster.objects(BY_NAME["Node"])
    with pytest.raises(AbsentError):
        cluster.objects(BY_NAME["HTTPRoute"])
    with pytest.raises(ValueError, match="does not run back"):
        cluster.advance(cluster.now - timedelta(hours=1))


def test_a_deleted_deployment_takes_its_pods_along(cluster: MemoryCluster) -> None:
    """Nothing of it is left, and whoever deletes it twice hears that it is gone."""
    raw = cluster.read(DEPLOYMENT, "shop", "back")
    cluster.delete(DEPLOYMENT, raw)
    assert pods(cluster, "back") == []
    assert not [one for one in cluster.objects(BY_NAME["ReplicaSet"]) if one["metadata"]["name"].startswith("back-")]
    with pytest.raises(GoneError):
        cluster.delete(DEPLOYMENT, raw)


def test_pod_marks_come_and_go(cluster: MemoryCluster) -> None:
    """Annotations merge, None removes one, and a pod that is gone says so."""
    pod = pods(cluster, "back")[0]
    cluster.annotate_pod(pod, {"one": "1", "two": "2"})
    cluster.annotate_pod(pod, {"one": None})
    marks = cluster.read(POD, "shop", pod["metadata"]["name"])["metadata"]["annotations"]
    assert "one" not in marks
    assert marks["two"] == "2"
    with pytest.raises(GoneError):
        cluster.annotate_pod({"metadata": {"namespace": "shop", "name": "nobody"}}, {"one": "1"})


def test_the_shop_comes_to_life() -> None:
    """StatefulSets count up, a DaemonSet is on every node, budgets and leases have their status and holders."""
    cluster = MemoryCluster(load("shop"))
    names = {raw["metadata"]["name"] for raw in cluster.objects(POD)}
    assert {"orders-db-0", "orders-db-1", "orders-db-2"} <= names
    agents = [raw for raw in cluster.objects(POD) if raw["metadata"]["labels"]["app"] == "log-agent"]
    assert len({raw["spec"]["nodeName"] for raw in agents}) == len(agents) == 13
    lease = cluster.objects(BY_NAME["Lease"])[0]
    assert lease["spec"]["holderIdentity"].split("_")[0] in names
    budget = cluster.read(BY_NAME["PodDisruptionBudget"], "shop", "checkout")
    assert budget["status"] == {
        "expectedPods": 10, "currentHealthy": 10, "desiredHealthy": 9, "disruptionsAllowed": 1,
    }  # fmt: skip
    standby = [raw for raw in cluster.objects(POD) if raw["metadata"]["name"].startswith("ledger-standby")]
    assert {raw["spec"]["nodeName"][:4] for raw in standby} == {"east"}


def test_the_same_world_comes_to_life_the_same(bend) -> None:
    """Two clusters of one description are equal, object by object."""
    one, two = (MemoryCluster(bend(), bend().start + timedelta(days=1)) for _ in range(2))
    for kind in ("Deployment", "Pod", "EndpointSlice"):
        assert list(one.objects(BY_NAME[kind])) == list(two.objects(BY_NAME[kind]))


def test_a_down_prometheus_fails_every_reading(cluster: MemoryCluster) -> None:
    """While metrics are down nothing is told; a window that is not over is refused."""
    traffic = MemoryTraffic(cluster)
    assert traffic.describe(cluster.facts(), cluster.now).istiod == ("1.31.1",)
    with pytest.raises(UnreadableError, match="closed hours"):
        traffic.activity({}, Window(cluster.now, cluster.now + timedelta(hours=1)), cluster.now)
    traffic.down = "Prometheus does not answer; try again"
    with pytest.raises(UnreadableError, match="does not answer"):
        traffic.describe(cluster.facts(), cluster.now)


def test_a_sidecar_without_selector_hides_from_its_namespace(cluster: MemoryCluster) -> None:
    """It takes every meshed client of its own namespace that calls the host, and nobody else."""
    body = {"metadata": {"name": "default", "namespace": "shop"}, "spec": {"egress": [{"hosts": ["*/*", "~/*"]}]}}
    cluster.create(SIDECAR, body)
    assert [(cut.client, cut.host.split(".")[0]) for cut in cluster.record.cuts] == [
        ("shop/front", "back"),
        ("shop/front", "ledger"),
    ]
    with pytest.raises(GoneError, match="namespaces"):
        cluster.create(SIDECAR, {"metadata": {"name": "default", "namespace": "nowhere"}})


def test_somebody_else_s_edit_of_a_count_is_carried_out(cluster: MemoryCluster) -> None:
    """An edit or a replacement that changes the count has the controllers follow, like a scale does."""
    cluster.edit(DEPLOYMENT, "shop", "back", lambda body: body["spec"].update(replicas=2))
    assert len(pods(cluster, "back")) == 2
    raw = cluster.read(DEPLOYMENT, "shop", "back")
    assert raw["metadata"]["generation"] == 2
    cluster.replace(DEPLOYMENT, {**raw, "spec": {**raw["spec"], "replicas": 3}})
    assert len(pods(cluster, "back")) == 3
    with pytest.raises(GoneError):
        cluster.edit(DEPLOYMENT, "shop", "nobody", lambda body: None)


@pytest.mark.parametrize(
    ("spec", "desired", "allowed"),
    [({"minAvailable": 2}, 2, 3), ({"minAvailable": "50%"}, 3, 2), ({"maxUnavailable": "20%"}, 4, 1)],
)
def test_budgets_are_counted_as_the_controller_does(bend, spec: dict, desired: int, allowed: int) -> None:
    """Numbers stand for themselves and percentages are rounded up, of the pods that the budget selects."""
    back = {"replicas": 5, "region": "west", "pdb": spec}
    cluster = MemoryCluster(bend(workloads={"shop/back": back}))
    status = cluster.read(BY_NAME["PodDisruptionBudget"], "shop", "back")["status"]
    assert status == {
        "expectedPods": 5, "currentHealthy": 5, "desiredHealthy": desired, "disruptionsAllowed": allowed,
    }  # fmt: skip


def test_objects_of_our_own_kinds_have_a_status_of_their_own(cluster) -> None:
    """As on a real API server: creating and replacing leave it alone, and only its own verb writes it."""
    kind = BY_NAME["PruningPolicy"]
    cluster.create(kind, {"metadata": {"name": "ours"}, "spec": {"a": 1}, "status": {"phase": "x"}})
    first = cluster.read(kind, "", "ours")
    assert "status" not in first
    told = cluster.replace_status(kind, {**first, "spec": {"a": 2}, "status": {"phase": "Pruning"}})
    assert (told["spec"], told["status"]) == ({"a": 1}, {"phase": "Pruning"})
    changed = cluster.replace(kind, {**told, "spec": {"a": 3}, "status": {}})
    assert (changed["spec"], changed["status"]) == ({"a": 3}, {"phase": "Pruning"})
    with pytest.raises(ConflictError):
        cluster.replace_status(kind, {**first, "status": {}})


def test_a_kind_may_be_absent(cluster) -> None:
    """Its CRD was not installed: neither listed nor read."""
    kind = BY_NAME["PruningPolicy"]
    assert cluster.serves(kind)
    cluster.absent = frozenset({"PruningPolicy"})
    assert not cluster.serves(kind)
    with pytest.raises(AbsentError):
        cluster.objects(kind)
    with pytest.raises(AbsentError):
        cluster.read(kind, "", "ours")
