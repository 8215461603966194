"""Who is who: pods to workloads, whatever a reporter calls a host to its FQDN, nodes to zones."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from microglia.model.activity import EXTERNAL, UNKNOWN_PEER
from microglia.model.ids import service_host
from microglia.model.objects import Raw, at, labels_of, maps, name_of, namespace_of
from microglia.observe.routes import Routes, read_routes

ZONE = "topology.kubernetes.io/zone"
CONTROLLERS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
_RS_HASH = re.compile(r"-[a-z0-9]{6,10}$")
_POD_HASH = re.compile(r"-[a-z0-9]{5}$")
_CRON_RUN = re.compile(r"-\d{8,}$")
_ORDINAL = re.compile(r"-\d+$")
_ENDED = frozenset({"Succeeded", "Failed"})
_PORT = re.compile(r":\d+$")


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """What objects say.

    * ``workloads``: sorted keys of all controllers, ``namespace/name``.
    * ``pods``: (namespace, pod) -> workload key; ``made``: when each of them was created, epoch seconds; ``ended``: the
      pods whose containers have all exited.
    * ``parents``: (kind, namespace, name) of ReplicaSets and Jobs -> workload key.
    * ``nodes``: node -> zone, empty when it has no such label; ``since``: node -> epoch seconds of its creation.
    * ``services``: host -> keys of the workloads that it selects; ``addresses``: cluster IP -> host.
    * ``routes``: route objects of the Gateway API -> hosts behind each of their rules.
    """

    workloads: tuple[str, ...]
    pods: Mapping[tuple[str, str], str]
    made: Mapping[tuple[str, str], float]
    ended: frozenset[tuple[str, str]]
    parents: Mapping[tuple[str, str, str], str]
    nodes: Mapping[str, str]
    since: Mapping[str, float]
    places: Mapping[tuple[str, str], str]
    services: Mapping[str, tuple[str, ...]]
    addresses: Mapping[str, str]
    routes: Routes

    def workload(self, labels: Mapping[str, str]) -> str:
        """The workload of the pod that ``labels`` name (``namespace``, ``pod``, perhaps ``created_by_*``): by its
        object, by its controller's, by its controller's name, and only then by its own name. Empty without a pod."""
        namespace, pod = labels.get("namespace", ""), labels.get("pod", "")
        if not pod:
            return ""
        known = self.pods.get((namespace, pod))
        if known:
            return known
        kind, name = labels.get("created_by_kind", ""), labels.get("created_by_name", "")
        if name and name != "<none>":
            return self.parents.get((kind, namespace, name)) or f"{namespace}/{_top(kind, name)}"
        return f"{namespace}/{self._guess(namespace, pod)}"

    def host(self, labels: Mapping[str, str]) -> str:
        """The FQDN that served, or one of ``EXTERNAL``. Where a proxy knew no Service it repeats the Host header."""
        name = labels.get("destination_service_name", "")
        pseudo = next((each for each in EXTERNAL if name.startswith(each)), "")
        if pseudo:
            return pseudo
        host = _PORT.sub("", (labels.get("destination_service") or name).lower().rstrip("."))
        if host in self.services or not host or host == UNKNOWN_PEER:
            return host or UNKNOWN_PEER
        if host in self.addresses:
            return self.addresses[host]
        namespaces = [labels.get("destination_service_namespace", ""), labels.get("source_workload_namespace", "")]
        return next((each for each in _longer(host, namespaces) if each in self.services), host)

    def zone(self, node: str) -> str:
        """The zone of ``node``, empty when not known."""
        return self.nodes.get(node, "")

    def _guess(self, namespace: str, pod: str) -> str:
        for name in (_RS_HASH.sub("", _POD_HASH.sub("", pod)), _POD_HASH.sub("", pod), _ORDINAL.sub("", pod)):
            if f"{namespace}/{name}" in self._keys:
                return name
        return _RS_HASH.sub("", _POD_HASH.sub("", pod))

    @property
    def _keys(self) -> frozenset[str]:
        return frozenset(self.workloads)


def _hidden_top(raw: Raw, kind: str, name: str) -> str:
    """The name above a controller that may not be listed: its pods carry the hash that a ReplicaSet's name ends in."""
    suffix = "-" + labels_of(raw).get("pod-template-hash", "")
    return name.removesuffix(suffix) if kind == "ReplicaSet" and len(suffix) > 1 else _top(kind, name)


def _top(kind: str, name: str) -> str:
    if kind == "ReplicaSet":
        return _RS_HASH.sub("", name)
    return _CRON_RUN.sub("", name) if kind == "Job" else name


def _longer(host: str, namespaces: Iterable[str]) -> list[str]:
    parts = host.split(".")
    if len(parts) >= 2:
        return [service_host(parts[1], parts[0])] if len(parts) == 2 or parts[2] == "svc" else []
    return [service_host(namespace, host) for namespace in namespaces if namespace]


def read_names(objects: Mapping[str, Sequence[Raw]]) -> Names:
    """Join trimmed objects by name."""
    parents = _parents(objects)
    pods: dict[tuple[str, str], str] = {}
    for raw in objects.get("Pod", ()):
        owner = _controller(raw)
        namespace, name = namespace_of(raw), name_of(raw)
        if owner is None or owner[0] == "Node":
            pods[namespace, name] = f"{namespace}/{name}"
        else:
            known = parents.get((owner[0], namespace, owner[1]))
            pods[namespace, name] = known or f"{namespace}/{_hidden_top(raw, *owner)}"
    keys = {f"{namespace_of(raw)}/{name_of(raw)}" for kind in CONTROLLERS for raw in objects.get(kind, ())}
    services = tuple(objects.get("Service", ()))
    addresses = {str(at(raw, "spec", "clusterIP")): _host(raw) for raw in services if at(raw, "spec", "clusterIP")}
    return Names(
        workloads=tuple(sorted(keys | set(pods.values()))),
        pods=pods,
        made={_id(raw): _epoch(at(raw, "metadata", "creationTimestamp")) for raw in objects.get("Pod", ())},
        ended=frozenset(_id(raw) for raw in objects.get("Pod", ()) if at(raw, "status", "phase") in _ENDED),
        parents=parents,
        nodes={name_of(raw): labels_of(raw).get(ZONE, "") for raw in objects.get("Node", ())},
        since={name_of(raw): _epoch(at(raw, "metadata", "creationTimestamp")) for raw in objects.get("Node", ())},
        places={_id(raw): str(at(raw, "spec", "nodeName", default="")) for raw in objects.get("Pod", ())},
        services=_selected(services, objects.get("Pod", ()), pods),
        addresses=addresses,
        routes=read_routes(objects, addresses),
    )


def _id(raw: Raw) -> tuple[str, str]:
    return namespace_of(raw), name_of(raw)


def _host(raw: Raw) -> str:
    return service_host(namespace_of(raw), name_of(raw))


def _epoch(text: Any) -> float:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return float("nan")


def _controller(raw: Raw) -> tuple[str, str] | None:
    for owner in at(raw, "metadata", "ownerReferences", default=()):
        if owner.get("controller"):
            return str(owner.get("kind", "")), str(owner.get("name", ""))
    return None


def _parents(objects: Mapping[str, Sequence[Raw]]) -> dict[tuple[str, str, str], str]:
    found = {}
    for kind in ("ReplicaSet", "Job"):
        for raw in objects.get(kind, ()):
            owner = _controller(raw)
            found[kind, namespace_of(raw), name_of(raw)] = f"{namespace_of(raw)}/{owner[1] if owner else name_of(raw)}"
    return found


def _selected(
    services: Iterable[Raw], pods: Iterable[Raw], owners: Mapping[tuple[str, str], str]
) -> dict[str, tuple[str, ...]]:
    """Host -> workloads whose living pods the Service selects."""
    by_namespace: dict[str, dict[tuple[str, str], Mapping[str, str]]] = {}
    for raw in pods:
        # The pods of one workload carry the same labels but for their hashes: one per label set is enough to ask.
        key = (owners[_id(raw)], str(sorted(labels_of(raw).items())))
        by_namespace.setdefault(namespace_of(raw), {})[key] = labels_of(raw)
    found = {}
    for raw in services:
        selector = at(raw, "spec", "selector")
        choices = by_namespace.get(namespace_of(raw), {})
        hits = {owner for (owner, _), labels in choices.items() if maps(selector, labels)}
        found[_host(raw)] = tuple(sorted(hits))
    return found
