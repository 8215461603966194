"""Pod specs and statuses: names, sizes and placement rules, never what a container is told."""

from collections.abc import Mapping
from typing import Any

from microglia.model.objects import Raw, at

_SPEC = (
    "priorityClassName", "affinity", "topologySpreadConstraints", "nodeSelector", "hostNetwork", "serviceAccountName",
    "restartPolicy", "terminationGracePeriodSeconds", "schedulerName", "runtimeClassName", "subdomain", "hostname",
    "tolerations", "schedulingGates", "dnsPolicy", "overhead",
)  # fmt: skip
_CONTAINER = ("name", "image", "resources", "ports", "restartPolicy")
_HOOKS = ("readinessProbe", "livenessProbe", "startupProbe", "lifecycle")
_CLAIMS = ("persistentVolumeClaim", "hostPath")
_CONDITION = ("type", "status", "reason", "lastTransitionTime")


def pod_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a pod or a template; init containers only where they are sidecars or ask for resources."""
    kept = {key: spec[key] for key in _SPEC if spec.get(key) not in (None, {}, [], "")}
    kept["containers"] = [_container(one) for one in at(spec, "containers", default=())]
    sidecars = [_container(one) for one in at(spec, "initContainers", default=())]
    if sidecars:
        kept["initContainers"] = sidecars
    volumes = [_volume(one) for one in at(spec, "volumes", default=())]
    if volumes:
        kept["volumes"] = volumes
    return kept


def _container(one: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: one[key] for key in _CONTAINER if one.get(key) not in (None, {}, [])}
    return {**kept, **{key: {} for key in _HOOKS if one.get(key)}}


def _volume(one: Mapping[str, Any]) -> dict[str, Any]:
    kind = next((key for key in sorted(one) if key != "name"), "emptyDir")
    return {"name": one.get("name", ""), kind: one[kind] if kind in _CLAIMS and one.get(kind) else {}}


def pod_status(raw: Raw) -> dict[str, Any]:
    """Phase, readiness and restarts."""
    status = at(raw, "status", default={})
    kept = {key: status[key] for key in ("phase", "reason", "startTime", "podIP", "qosClass") if status.get(key)}
    ready = [one for one in at(status, "conditions", default=()) if one.get("type") in {"Ready", "PodScheduled"}]
    kept["conditions"] = [{key: one[key] for key in _CONDITION if one.get(key) is not None} for one in ready]
    kept["containerStatuses"] = [
        {key: one[key] for key in ("name", "ready", "restartCount") if key in one}
        for one in at(status, "containerStatuses", default=())
    ]
    return kept
