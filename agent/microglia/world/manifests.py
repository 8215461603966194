"""Face one: the world as manifests that a real API server accepts, nodes for kwok included."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from microglia.model.objects import at
from microglia.world.layout import Layout, pod_labels
from microglia.world.record import Pod
from microglia.world.schema import Service, Workload, World
from microglia.world.templates import Manifest, controller

CREATOR = "kubectl-client-side-apply"
"""The field manager of everything whose description names no other."""


def manifests(layout: Layout) -> list[Manifest]:
    """Everything to create, in an order in which it can be: namespaces, nodes, Services, controllers, the rest.

    Leases are not among them: they name pods, which only exist afterwards (see ``leases``).
    """
    world = layout.world
    return [
        *(_namespace(world, name) for name in sorted(world.namespaces)),
        *nodes(world),
        *(_service(*place, service) for place, service in layout.services.items()),
        *(controller(world, key) for key in layout.keys),
        *(one for key in layout.keys for one in _policies(key, world.workloads[key])),
        *(deepcopy(raw) for raw in world.objects),
    ]


def manager_of(world: World, raw: Manifest) -> str:
    """The field manager that should create ``raw``, so that ownership reads as the description says."""
    key = f"{at(raw, 'metadata', 'namespace', default='')}/{at(raw, 'metadata', 'name')}"
    workload = world.workloads.get(key)
    return workload.manager if workload is not None and raw.get("kind") == workload.kind else CREATOR


def node_names(world: World) -> dict[str, tuple[str, ...]]:
    """The nodes of each zone."""
    return {zone.name: tuple(f"{zone.name}-n{number}" for number in range(1, zone.nodes + 1)) for zone in world.zones}


def nodes(world: World) -> list[Manifest]:
    """Nodes with their zones, as kwok takes them."""
    room = {"cpu": world.node.cpu, "memory": world.node.memory, "pods": str(world.node.pods)}
    names = node_names(world)
    found = []
    for zone in world.zones:
        for name in names[zone.name]:
            labels = {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": zone.region,
                "topology.kubernetes.io/zone": zone.name,
            }
            meta = {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
            status = {"allocatable": dict(room), "capacity": dict(room)}
            found.append({"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": {}, "status": status})
    return found


def leases(layout: Layout, pods: Iterable[Pod]) -> list[Manifest]:
    """A Lease held by the first living pod of each workload that elects a leader."""
    first: dict[str, Pod] = {}
    for pod in sorted(pods, key=lambda pod: (pod.workload, pod.name)):
        first.setdefault(pod.workload, pod)
    found = []
    for key, workload in zip(layout.keys, layout.workloads, strict=True):
        if workload.lease and key in first:
            namespace, name = key.split("/")
            spec = {"holderIdentity": f"{first[key].name}_{name}-1", "leaseDurationSeconds": 15}
            meta = {"name": f"{name}-leader", "namespace": namespace}
            found.append({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec})
    return found


def _namespace(world: World, name: str) -> Manifest:
    own = world.namespaces[name]
    meta: Manifest = {"name": name, "labels": {"kubernetes.io/metadata.name": name, **own.labels}}
    if own.annotations:
        meta["annotations"] = dict(own.annotations)
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}


def _service(namespace: str, name: str, service: Service) -> Manifest:
    meta: Manifest = {"name": name, "namespace": namespace}
    if service.labels:
        meta["labels"] = dict(service.labels)
    if service.annotations:
        meta["annotations"] = dict(service.annotations)
    ports = [{"name": port.name, "port": port.port, "targetPort": port.port} for port in service.ports]
    spec: Manifest = {"ports": ports, **deepcopy(service.spec)}
    if service.selector:
        spec["selector"] = dict(service.selector)
    if service.headless:
        spec["clusterIP"] = "None"
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def _policies(key: str, workload: Workload) -> list[Manifest]:
    namespace, name = key.split("/")
    meta = {"name": name, "namespace": namespace}
    found: list[Manifest] = []
    if workload.pdb is not None:
        selector = {"matchLabels": {"app": pod_labels(key, workload)["app"]}}
        spec: dict[str, Any] = {"selector": selector}
        spec |= {str(field): value for field, value in workload.pdb.items()}
        found.append({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta, "spec": spec})
    if workload.hpa is not None:
        target = {"apiVersion": "apps/v1", "kind": workload.kind, "name": name}
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
        spec = {
            "scaleTargetRef": target,
            "minReplicas": workload.hpa.minimum,
            "maxReplicas": workload.hpa.maximum,
            "metrics": [{"type": "Resource", "resource": cpu}],
        }
        found.append(
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": spec}
        )
    return found
