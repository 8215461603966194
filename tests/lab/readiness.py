"""Waiting until the controllers have done what the manifests ask for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.lab.api import Api, Document
from tests.lab.waiting import until

_WORKLOADS = ("deployments", "statefulsets", "daemonsets")
_SHOWN = 5


def wait_ready(api: Api, timeout: float = 120.0) -> None:
    """Wait until every workload has all its pods ready and every Service with a selector knows them.

    Raises LabError after ``timeout`` seconds, naming what is not ready.
    """
    until("all workloads get ready", lambda: _shown(_unready(api)), timeout, interval=0.2)
    until("all Services know their pods", lambda: _shown(_unserved(api)), timeout, interval=0.2)


def wait_nodes(api: Api, timeout: float = 120.0) -> None:
    """Wait until every node takes pods: the scheduler heaps them up on those that come first.

    Raises LabError after ``timeout`` seconds, naming the nodes that do not.
    """
    until("all nodes take pods", lambda: _shown(_closed(api)), timeout, interval=0.2)


def _closed(api: Api) -> Iterator[str]:
    for node in api.get("/api/v1/nodes")["items"]:
        if not _is_ready(node) or node["spec"].get("taints"):
            yield str(node["metadata"]["name"])


def _shown(pending: Iterator[str]) -> str:
    names = list(pending)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _unready(api: Api) -> Iterator[str]:
    for plural in _WORKLOADS:
        for item in api.get(f"/apis/apps/v1/{plural}")["items"]:
            wanted, there = _wanted(item), _there(item)
            seen = item.get("status", {}).get("observedGeneration", 0) >= item["metadata"]["generation"]
            if not seen or any(count != wanted for count in there):
                name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
                yield f"{plural} {name} ({min(there)} of {wanted} ready)"


def _wanted(item: Document) -> int:
    # Only a DaemonSet has no spec.replicas: the server fills in the others'.
    return int(item["spec"].get("replicas", item.get("status", {}).get("desiredNumberScheduled", 0)))


def _there(item: Document) -> tuple[int, ...]:
    status = item.get("status", {})
    if "replicas" not in item["spec"]:
        names = ("currentNumberScheduled", "updatedNumberScheduled", "numberReady")
    else:
        names = ("replicas", "updatedReplicas", "readyReplicas")
    return tuple(int(status.get(name, 0)) for name in names)


def _unserved(api: Api) -> Iterator[str]:
    known: defaultdict[str, set[str]] = defaultdict(set)
    for piece in api.get("/apis/discovery.k8s.io/v1/endpointslices")["items"]:
        service = piece["metadata"].get("labels", {}).get("kubernetes.io/service-name", "")
        ready = (one for one in piece.get("endpoints") or [] if one.get("conditions", {}).get("ready"))
        known[f"{piece['metadata']['namespace']}/{service}"].update(
            one["targetRef"]["name"] for one in ready if "targetRef" in one
        )
    pods = [pod for pod in api.get("/api/v1/pods")["items"] if _is_ready(pod)]
    for service in api.get("/api/v1/services")["items"]:
        selector = service["spec"].get("selector")
        if selector and service["spec"]["type"] != "ExternalName":
            name = f"{service['metadata']['namespace']}/{service['metadata']['name']}"
            chosen = {pod["metadata"]["name"] for pod in pods if _selects(service, selector, pod)}
            if known[name] != chosen:
                yield f"service {name} ({len(known[name] & chosen)} of {len(chosen)} pods)"


def _is_ready(item: Document) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in item["metadata"]


def _selects(service: Document, selector: dict[str, str], pod: Document) -> bool:
    labels = pod["metadata"].get("labels", {})
    same = service["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and all(labels.get(key) == value for key, value in selector.items())
