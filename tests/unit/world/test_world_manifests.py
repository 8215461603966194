"""Face one: manifests that a real API server would take."""

import pytest

from microglia.model.objects import at, maps, selects
from microglia.world.layout import build
from microglia.world.load import load
from microglia.world.manifests import leases, manager_of, manifests
from microglia.world.placement import placement
from microglia.world.record import Pod


@pytest.fixture(params=["boutique", "shop"])
def layout(request: pytest.FixtureRequest):
    """Each shipped world."""
    return build(load(request.param))


def of(layout, *kinds: str) -> list:
    """The manifests of some kinds."""
    return [raw for raw in manifests(layout) if raw["kind"] in kinds]


def test_every_object_is_named_once(layout) -> None:
    """No two manifests have the same kind, namespace and name, and all namespaces are created first."""
    every = manifests(layout)
    names = [(raw["kind"], at(raw, "metadata", "namespace"), raw["metadata"]["name"]) for raw in every]
    assert len(names) == len(set(names))
    made = {name for kind, _, name in names if kind == "Namespace"}
    assert {namespace for _, namespace, _ in names if namespace} <= made
    assert every[0]["kind"] == "Namespace"


def test_selectors_select_their_templates(layout) -> None:
    """Each controller selects the pods of its own template, and of no other in its namespace."""
    controllers = of(layout, "Deployment", "StatefulSet", "DaemonSet")
    for raw in controllers:
        mine = [
            other["metadata"]["name"]
            for other in controllers
            if other["metadata"]["namespace"] == raw["metadata"]["namespace"]
            and selects(raw["spec"]["selector"], other["spec"]["template"]["metadata"]["labels"])
        ]
        assert mine == [raw["metadata"]["name"]]


def test_services_have_backends_and_named_ports(layout) -> None:
    """Each Service selects a template of its namespace, and its ports have names."""
    templates = of(layout, "Deployment", "StatefulSet")
    for raw in of(layout, "Service"):
        assert all(port["name"] for port in raw["spec"]["ports"])
        assert any(
            maps(raw["spec"]["selector"], one["spec"]["template"]["metadata"]["labels"])
            for one in templates
            if one["metadata"]["namespace"] == raw["metadata"]["namespace"]
        )


def test_sidecars_are_where_the_mesh_is(layout) -> None:
    """Pods of the mesh carry an istio-proxy with requests of its own, the others do not."""
    for raw in of(layout, "Deployment"):
        key = f"{raw['metadata']['namespace']}/{raw['metadata']['name']}"
        containers = [one["name"] for one in raw["spec"]["template"]["spec"]["containers"]]
        assert ("istio-proxy" in containers) == bool(layout.meshed[layout.index[key]])


def test_nodes_say_their_zone_and_their_room(layout) -> None:
    """Every zone has its nodes, labelled, with allocatable resources."""
    nodes = of(layout, "Node")
    assert len(nodes) == sum(zone.nodes for zone in layout.world.zones)
    assert {raw["metadata"]["labels"]["topology.kubernetes.io/zone"] for raw in nodes} == {
        zone.name for zone in layout.world.zones
    }
    assert all(set(raw["status"]["allocatable"]) == {"cpu", "memory", "pods"} for raw in nodes)


def test_the_shop_has_one_of_each_trap() -> None:
    """Autoscaled, budgeted, spread, led, owned by Helm and by Argo, called back, failed over to, and periodic."""
    layout = build(load("shop"))
    kinds = {raw["kind"] for raw in manifests(layout)}
    assert {
        "HorizontalPodAutoscaler", "PodDisruptionBudget", "CronJob", "DaemonSet", "StatefulSet", "DestinationRule",
        "VirtualService", "ServiceEntry", "ValidatingWebhookConfiguration",
    } <= kinds  # fmt: skip
    owners = {manager_of(layout.world, raw) for raw in manifests(layout)}
    assert owners == {"kubectl-client-side-apply", "helm", "argocd-controller"}
    spread = [raw for raw in of(layout, "Deployment") if "DoNotSchedule" in str(raw)]
    assert [raw["metadata"]["name"] for raw in spread] == ["sso"]


def test_a_lease_is_held_by_a_living_pod() -> None:
    """The Lease of a workload that elects a leader names one of its pods."""
    layout = build(load("shop"))
    found = leases(layout, [Pod("platform/scheduler", "scheduler-x-2", "n", "a", 0), Pod("shop/ads", "y", "n", "a", 0)])
    assert [(raw["metadata"]["name"], raw["spec"]["holderIdentity"]) for raw in found] == [
        ("scheduler-leader", "scheduler-x-2_scheduler-1")
    ]


def test_placement_is_read_back_by_owner_and_node(bend) -> None:
    """Pods of a real cluster are matched to workloads by their controller and to zones by their node."""

    def pod(name: str, kind: str, owner: str, **more) -> dict:
        reference = {"kind": kind, "name": owner, "controller": True}
        meta = {"name": name, "namespace": "shop", "uid": name, "ownerReferences": [reference], **more.get("meta", {})}
        return {
            "metadata": meta,
            "spec": {"nodeName": more.get("node", "n1")},
            "status": {"phase": more.get("phase", "Running")},
        }

    nodes = [{"metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "b"}}}]
    pods = [
        pod("front-abc-2", "ReplicaSet", "front-abc"),
        pod("front-abc-1", "ReplicaSet", "front-abc"),
        pod("front-abc-3", "ReplicaSet", "front-abc", node=""),
        pod("front-abc-4", "ReplicaSet", "front-abc", phase="Failed"),
        pod("front-abc-5", "ReplicaSet", "front-abc", meta={"deletionTimestamp": "now"}),
        pod("stranger-1", "ReplicaSet", "stranger-abc"),
        {"metadata": {"name": "bare", "namespace": "shop"}, "spec": {"nodeName": "n1"}},
    ]
    found = placement(build(bend()), pods, nodes, 100.0)
    assert found == [
        Pod("shop/front", f"front-abc-{number}", "n1", "b", 100.0, owner="front-abc", uid=f"front-abc-{number}")
        for number in (1, 2)
    ]
