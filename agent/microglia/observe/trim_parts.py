"""Pods, ReplicaSets and EndpointSlices of a listed controller: that one says what they are, so only where and how they
are is kept. There are more of them than of all other objects together."""

from collections.abc import Callable, Mapping
from typing import Any

from microglia.model.objects import Raw, at

_LISTED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Service"})
_METADATA = ("name", "namespace", "labels", "deletionTimestamp")
_OWNER = ("kind", "name", "uid", "controller")
_MARKS = ("controller.kubernetes.io/pod-deletion-cost", "microglia.dev/")
_CONTAINER = ("name", "restartPolicy", "resources")
_CONDITION = ("type", "status", "lastTransitionTime")


def part(kind: str, raw: Raw) -> dict[str, Any] | None:
    """What is kept of an object of ``kind`` that a listed controller owns; None for any other object."""
    shape = _SHAPES.get(kind)
    if shape is None:
        return None
    owners: list[Raw] = [one for one in at(raw, "metadata", "ownerReferences", default=()) if one.get("controller")]
    return shape(raw, owners[0]) if owners and owners[0].get("kind") in _LISTED else None


def endpoints(raw: Raw) -> dict[str, Any]:
    """Which pods are behind an EndpointSlice; whether they are ready, and where, they say themselves."""
    own, pods = at(raw, "metadata", "namespace"), []
    for one in at(raw, "endpoints", default=()):
        name, namespace = (at(one, "targetRef", key) for key in ("name", "namespace"))
        if name:
            pods.append({"targetRef": {"name": name, **({} if namespace in {None, own} else {"namespace": namespace})}})
    return {"endpoints": pods}


def _slice(raw: Raw, owner: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": _metadata(raw, owner), **endpoints(raw)}


def _pod(raw: Raw, owner: Mapping[str, Any]) -> dict[str, Any]:
    spec, status = at(raw, "spec", default={}), at(raw, "status", default={})
    kept: dict[str, Any] = {"nodeName": spec.get("nodeName") or ""}
    for group in ("initContainers", "containers"):
        if spec.get(group):
            kept[group] = [_picked(one, _CONTAINER) for one in spec[group]]
    ready = [_picked(one, _CONDITION) for one in status.get("conditions") or () if one.get("type") == "Ready"]
    told = {"phase": status.get("phase", ""), "conditions": ready}
    restarts = [_picked(one, ("restartCount",)) for one in status.get("containerStatuses") or ()]
    if any(restarts):
        told["containerStatuses"] = restarts
    return {"metadata": _metadata(raw, owner), "spec": kept, "status": told}


def _replica_set(raw: Raw, owner: Mapping[str, Any]) -> dict[str, Any]:
    return {"metadata": _metadata(raw, owner)}


def _metadata(raw: Raw, owner: Mapping[str, Any]) -> dict[str, Any]:
    kept = {**_picked(at(raw, "metadata"), _METADATA), "ownerReferences": [_picked(owner, _OWNER)]}
    annotations = at(raw, "metadata", "annotations", default={})
    marks = {key: value for key, value in annotations.items() if key.startswith(_MARKS)}
    return {**kept, "annotations": marks} if marks else kept


def _picked(source: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: source[name] for name in names if source.get(name)}


_SHAPES: dict[str, Callable[[Raw, Mapping[str, Any]], dict[str, Any]]] = {
    "Pod": _pod,
    "ReplicaSet": _replica_set,
    "EndpointSlice": _slice,
}
