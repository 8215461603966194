"""What controllers write: ReplicaSets, Pods, EndpointSlices and the status of everything that counts pods."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from microglia.model.objects import at, maps, selects
from microglia.model.units import quantity
from microglia.world.record import Pod
from microglia.world.templates import Manifest


def stamp(moment: float) -> str:
    """Epoch seconds as the API server writes them."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(*parts: str, length: int = 10) -> str:
    """A short name part that only depends on ``parts``, in the letters that controllers use."""
    letters = "bcdfghjklmnpqrstvwxz2456789"
    raw = sha256("/".join(parts).encode()).digest()
    return "".join(letters[byte % len(letters)] for byte in raw[:length])


def uid(*parts: str) -> str:
    """A uid that only depends on ``parts``."""
    text = sha256("/".join(parts).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def owned_by(owner: Manifest) -> list[Manifest]:
    """``ownerReferences`` to a controller."""
    meta = owner["metadata"]
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def replica_set(deployment: Manifest, name: str) -> Manifest:
    """The only ReplicaSet of a Deployment, without status."""
    meta, spec = deployment["metadata"], deployment["spec"]
    mark = name.removeprefix(f"{meta['name']}-")
    labels = {**at(spec, "template", "metadata", "labels", default={}), "pod-template-hash": mark}
    template = {**spec["template"], "metadata": {**spec["template"]["metadata"], "labels": labels}}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": {"deployment.kubernetes.io/revision": "1"},
            "ownerReferences": owned_by(deployment),
        },
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": {**spec["selector"]["matchLabels"], "pod-template-hash": mark}},
            "template": template,
        },
    }


def counts(replicas: int, ready: int, *, pods: int | None = None) -> Manifest:
    """The status of a Deployment, ReplicaSet or StatefulSet."""
    total = replicas if pods is None else pods
    return {
        "replicas": total,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "updatedReplicas": total,
        "unavailableReplicas": max(0, replicas - ready),
    }


def deployment_conditions(replicas: int, ready: int, since: float) -> list[Manifest]:
    """A Deployment whose last rollout is complete; available while no more than a quarter is missing."""
    available = "True" if ready >= replicas - replicas // 4 else "False"
    return [
        {"type": "Available", "status": available, "lastTransitionTime": stamp(since)},
        {
            "type": "Progressing",
            "status": "True",
            "reason": "NewReplicaSetAvailable",
            "lastTransitionTime": stamp(since),
        },
    ]


def pod(life: Pod, owner: Manifest, *, ready: bool, annotations: Mapping[str, str]) -> Manifest:
    """A running pod of ``owner`` (a ReplicaSet, StatefulSet or DaemonSet)."""
    template = owner["spec"]["template"]
    labels = dict(at(template, "metadata", "labels", default={}))
    if owner["kind"] == "StatefulSet":
        labels["statefulset.kubernetes.io/pod-name"] = life.name
    meta: Manifest = {
        "name": life.name,
        "namespace": life.namespace,
        "uid": life.uid,
        "labels": labels,
        "ownerReferences": owned_by(owner),
        "creationTimestamp": stamp(life.start),
    }
    marks = {**at(template, "metadata", "annotations", default={}), **annotations}
    if marks:
        meta["annotations"] = marks
    state = "True" if ready else "False"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {**template["spec"], "nodeName": life.node},
        "status": {
            "phase": "Running",
            "podIP": address(life.uid),
            "startTime": stamp(life.start),
            "conditions": [
                {"type": kind, "status": state, "lastTransitionTime": stamp(life.start)}
                for kind in ("Ready", "ContainersReady")
            ],
        },
    }


def address(mark: str, prefix: str = "10.244") -> str:
    """An IP that only depends on ``mark``."""
    first, second = sha256(mark.encode()).digest()[:2]
    return f"{prefix}.{first}.{second}"


def slice_of(service: Manifest, pods: Sequence[tuple[Manifest, str]]) -> Manifest:
    """The EndpointSlice of a Service over (pod, zone) pairs."""
    meta = service["metadata"]
    endpoints = []
    for raw, zone in pods:
        ready = at(raw, "status", "conditions", 0, "status") == "True"
        endpoints.append(
            {
                "addresses": [raw["status"]["podIP"]],
                "conditions": {"ready": ready, "serving": ready, "terminating": False},
                "nodeName": raw["spec"]["nodeName"],
                "zone": zone,
                "targetRef": {
                    "kind": "Pod",
                    "namespace": meta["namespace"],
                    "name": raw["metadata"]["name"],
                    "uid": raw["metadata"]["uid"],
                },
            }
        )
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{meta['name']}-{digest(meta['namespace'], meta['name'], length=5)}",
            "namespace": meta["namespace"],
            "labels": {
                "kubernetes.io/service-name": meta["name"],
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            "ownerReferences": owned_by(service),
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [
            {"name": port["name"], "port": port["port"], "protocol": "TCP"} for port in service["spec"].get("ports", [])
        ],
    }


def selected(service: Manifest, raw: Manifest) -> bool:
    """Whether the Service selects the pod."""
    same = service["metadata"]["namespace"] == raw["metadata"]["namespace"]
    return same and maps(at(service, "spec", "selector", default={}), raw["metadata"]["labels"])


def budget_status(budget: Manifest, pods: Sequence[Manifest]) -> Manifest:
    """The status of a PodDisruptionBudget over the pods of its namespace."""
    mine = [raw for raw in pods if selects(at(budget, "spec", "selector"), raw["metadata"]["labels"])]
    healthy = sum(at(raw, "status", "conditions", 0, "status") == "True" for raw in mine)
    spec: Mapping[str, Any] = budget["spec"]
    if "maxUnavailable" in spec:
        desired = len(mine) - _amount(spec["maxUnavailable"], len(mine))
    else:
        desired = _amount(spec.get("minAvailable", 0), len(mine))
    return {
        "expectedPods": len(mine),
        "currentHealthy": healthy,
        "desiredHealthy": max(0, desired),
        "disruptionsAllowed": max(0, healthy - desired),
    }


def _amount(value: int | str, total: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return -int(-float(value[:-1]) * total // 100)
    return int(quantity(value))


def node_conditions(ready: str, since: float) -> list[Manifest]:
    """A node's Ready condition: True, or Unknown while its zone is away."""
    return [{"type": "Ready", "status": ready, "lastTransitionTime": stamp(since)}]
