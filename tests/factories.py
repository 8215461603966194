"""Small worlds with safe defaults: objects as Kubernetes would give them, activity without surprises, snapshots."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from microglia.model.activity import Activity, ContainerActivity, Edge, EdgeActivity, WorkloadActivity
from microglia.model.ids import WorkloadId
from microglia.model.objects import BlindSpot, Objects, Raw, sorted_objects
from microglia.model.snapshot import Snapshot, Source
from microglia.model.window import Window
from microglia.policy.schema import RESOURCES
from microglia.score.scores import Capacity, Evidence, Hold, Judged, Placement, ReplicaScore, Scores

NOW = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)
BORN = "2026-01-01T00:00:00Z"
ZONES = ("a", "b", "c")
WINDOW = Window.ending(NOW, timedelta(days=14))

Json = dict[str, Any]


def thing(kind: str, name: str, namespace: str = "shop", **parts: Any) -> Json:
    """Any object: ``labels``, ``annotations`` and other ``metadata`` go into its metadata, the rest beside it."""
    metadata = {"name": name, "namespace": namespace, "uid": f"{kind}-{namespace}-{name}", "creationTimestamp": BORN}
    for key in ("labels", "annotations"):
        if key in parts:
            metadata[key] = parts.pop(key)
    metadata |= parts.pop("metadata", {})
    return {"kind": kind, "metadata": {key: value for key, value in metadata.items() if value != ""}, **parts}


def deployment(name: str, namespace: str = "shop", replicas: int = 3, **parts: Any) -> Json:
    """A Deployment at rest. ``pod_labels`` (default ``app: name``), ``requests``, ``pod`` (more of the pod's spec),
    ``pod_annotations`` and ``spec`` (more of its own) are filled in; the rest as in ``thing``."""
    return _workload("Deployment", name, namespace, replicas, parts)


def stateful_set(name: str, namespace: str = "shop", replicas: int = 3, **parts: Any) -> Json:
    """A StatefulSet at rest, otherwise as ``deployment``."""
    return _workload("StatefulSet", name, namespace, replicas, parts)


def _workload(kind: str, name: str, namespace: str, replicas: int, parts: Json) -> Json:
    labels = parts.pop("pod_labels", {"app": name})
    container = {"name": "app", "resources": {"requests": parts.pop("requests", {"cpu": "500m", "memory": "256Mi"})}}
    template = {
        "metadata": {"labels": labels, "annotations": parts.pop("pod_annotations", {})},
        "spec": {"containers": [container], **parts.pop("pod", {})},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **parts.pop("spec", {})}
    status = {"observedGeneration": 1, **dict.fromkeys(_COUNTS, replicas), **parts.pop("status", {})}
    metadata = {"generation": 1, **parts.pop("metadata", {})}
    return thing(kind, name, namespace, spec=spec, status=status, metadata=metadata, **parts)


_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


def service(name: str, namespace: str = "shop", selector: Mapping[str, str] | None = None, **spec: Any) -> Json:
    """A Service on port 80 that selects ``app: name`` unless told otherwise."""
    chosen = {"app": name} if selector is None else dict(selector)
    beside = {key: spec.pop(key) for key in ("labels", "annotations", "metadata") if key in spec}
    return thing("Service", name, namespace, spec={"selector": chosen, "ports": [{"port": 80}], **spec}, **beside)


def node(name: str, zone: str | None, region: str = "home") -> Json:
    """A Node with its zone and region."""
    labels = {"topology.kubernetes.io/region": region}
    if zone is not None:
        labels["topology.kubernetes.io/zone"] = zone
    return thing("Node", name, "", labels=labels)


def nodes(zones: Sequence[str] = ZONES, region: str = "home") -> list[Json]:
    """One node per zone, called ``node-<zone>``."""
    return [node(f"node-{zone}", zone, region) for zone in zones]


def pod(name: str, namespace: str = "shop", on: str = "node-a", **parts: Any) -> Json:
    """A ready pod. ``owner`` is (kind, name) of its controller; ``meshed`` (default True) adds the proxy."""
    owner = parts.pop("owner", None)
    references = [{"kind": owner[0], "name": owner[1], "controller": True, "uid": "u"}] if owner else []
    containers: list[Json] = [{"name": "app"}]
    if parts.pop("meshed", True):
        requests = {"cpu": "100m", "memory": "128Mi"}
        containers.append({"name": "istio-proxy", "resources": {"requests": requests}})
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": BORN}
    spec = {"nodeName": on, "containers": containers, **parts.pop("spec", {})}
    status = {"phase": "Running", "conditions": [ready], **parts.pop("status", {})}
    metadata = {"ownerReferences": references, **parts.pop("metadata", {})}
    return thing("Pod", name, namespace, spec=spec, status=status, metadata=metadata, **parts)


def running(raw: Raw, on: Sequence[str] = ("node-a", "node-b", "node-c"), *, meshed: bool = True) -> list[Json]:
    """The controller together with its ready pods, spread over ``on`` in turn (and its ReplicaSet)."""
    kind, meta, template = raw["kind"], raw["metadata"], raw["spec"]["template"]
    name, namespace = meta["name"], meta["namespace"]
    parent, extra = (kind, name), []
    if kind in {"Deployment", "Rollout"}:
        parent = ("ReplicaSet", f"{name}-5d4f")
        reference = {"kind": kind, "name": name, "controller": True, "uid": meta["uid"]}
        extra = [thing("ReplicaSet", parent[1], namespace, metadata={"ownerReferences": [reference]})]
    labels = {**template["metadata"]["labels"], "pod-template-hash": "5d4f"}
    pods = [
        pod(f"{parent[1]}-{i}", namespace, on[i % len(on)], owner=parent, labels=labels, meshed=meshed)
        for i in range(raw["spec"]["replicas"])
    ]
    return [dict(raw), *extra, *pods]


def objects(*raws: Raw, faults: Iterable[BlindSpot] = ()) -> Objects:
    """Objects by their ``kind``."""
    kinds: dict[str, list[Raw]] = {}
    for raw in raws:
        kinds.setdefault(raw["kind"], []).append(raw)
    return Objects({kind: sorted_objects(found) for kind, found in kinds.items()}, tuple(faults))


def edges(*called: tuple[str, str, str], requests: float = 100.0) -> EdgeActivity:
    """Used HTTP edges (client, host, server)."""
    keys = tuple(sorted(Edge(client, host, server, "http") for client, host, server in called))
    counts = np.full(len(keys), requests)
    last = np.full(len(keys), NOW.timestamp())
    none = np.zeros(len(keys), dtype=bool)
    return EdgeActivity(keys, np.ones(len(keys), dtype=bool), counts, np.zeros(len(keys)), last, none)


def workload_activity(keys: Iterable[str], window: Window = WINDOW, zones: Sequence[str] = ZONES) -> WorkloadActivity:
    """Workloads seen throughout, even and idle; replace what a test is about."""
    names = tuple(sorted(keys))
    count, hours = len(names), window.hours

    def full(value: float) -> np.ndarray:
        return np.full((count, hours), value, dtype=np.float32)

    return WorkloadActivity(
        keys=names, zones=tuple(zones), requests=full(0), failures=full(0), unserved=full(0), sent=full(0),
        peak=full(0), imbalance=full(1), latency=full(np.nan), cpu_peak=full(0), memory=full(0), throttled=full(0),
        ready=full(3), placed=full(3), fullest_zone=full(1), fullest_node=full(1),
        rolling=np.zeros((count, hours), dtype=bool), seen=full(1),
        zone_peak=np.zeros((count, len(zones), hours), dtype=np.float32), born=np.full(count, 0.0),
        old_peak=np.zeros(count), old_load=np.zeros(count),
    )  # fmt: skip


def activity(
    workloads: WorkloadActivity, calls: EdgeActivity | None = None, window: Window = WINDOW, **parts: Any
) -> Activity:
    """Activity in which every bucket is known and nothing was away."""
    defaults: Json = {
        "containers": ContainerActivity((), np.zeros((0, window.hours), dtype=np.float32)),
        "known": np.ones(window.hours, dtype=bool),
        "away": np.zeros(window.hours, dtype=bool),
    }
    return Activity(window=window, workloads=workloads, edges=calls or edges(), **{**defaults, **parts})


SOURCE = Source("cluster-uid", "test", "v1.34.0", "prometheus", "3.14.0", 60.0, "15d", ("1.31.0",), ("istio",))


def snapshot(*raws: Raw, calls: EdgeActivity | None = None, faults: Iterable[BlindSpot] = (), **parts: Any) -> Snapshot:
    """One look at ``raws``; metrics know every Deployment, StatefulSet and DaemonSet among them, as idle."""
    keys = {
        f"{raw['metadata'].get('namespace', '')}/{raw['metadata']['name']}"
        for raw in raws
        if raw["kind"] in {"Deployment", "StatefulSet", "DaemonSet"}
    }
    seen = parts.pop("activity", None) or activity(workload_activity(keys), calls)
    return Snapshot(
        NOW, parts.pop("source", SOURCE), objects(*raws, faults=faults), seen, parts.pop("digest", "0" * 64)
    )


def replica_score(target: WorkloadId, current: int = 3, need: int | None = 2, **parts: Any) -> ReplicaScore:
    """A score with a known capacity; ``evidence`` and ``holds`` (codes) may be told."""
    holds = tuple(Hold(code, current, code) for code in parts.pop("holds", ()))
    evidence = Evidence(parts.pop("evidence", "USED"))
    defaults: Json = {
        "peak": 100.0, "peak_at": 0, "capacity": Capacity(100.0, "declared", 1.0, 50.0, ""),
        "placement": Placement(3, 3, 0, 0), "survivors": tuple(max(0, k - 1) for k in range(current + 1)),
        "risk": (0.0,) * (current + 1), "reach": 0, "criticality": 1.0, "arithmetic": "",
        "unit": dict.fromkeys(RESOURCES, 1.0),
    }  # fmt: skip
    judged = Judged(evidence, 1.0, "seen all along")
    return ReplicaScore(target, judged, current, need, holds=holds, **{**defaults, **parts})


def scores(*replicas: ReplicaScore, routes: Iterable[Any] = ()) -> Scores:
    """Scores by workload."""
    return Scores({one.workload: one for one in sorted(replicas, key=lambda one: one.workload)}, tuple(routes))
