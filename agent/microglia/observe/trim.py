"""Raw objects down to what rooms read of them. Environment and argument values never get past here."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeAlias

from microglia.model.objects import Raw, at
from microglia.observe.found import found_files, found_hosts
from microglia.observe.trim_alerts import receivers
from microglia.observe.trim_parts import endpoints, part
from microglia.observe.trim_pod import pod_spec, pod_status
from microglia.topology.claims.applied import APPLIED, sets_replicas
from microglia.topology.levers import MINIMA

_METADATA = (
    "name", "namespace", "uid", "resourceVersion", "generation", "labels", "ownerReferences", "creationTimestamp",
    "deletionTimestamp",
)  # fmt: skip
_TEMPLATED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "Rollout"})
_PERIODIC = frozenset({"Job", "CronJob"})
_SCALED = ("scaleTargetRef", "minReplicaCount", "idleReplicaCount", "maxReplicaCount", "fallback")
_LEASE = ("holderIdentity", "leaseDurationSeconds", "renewTime", "strategy", "preferredHolder")

Trim: TypeAlias = Callable[[Raw], dict[str, Any]]


def trimmed(kind: str, raw: Raw, namespaces: Collection[str] = ()) -> Raw:
    """One listed object of ``kind`` without what no room reads.

    Added: ``found.hosts`` for pod templates and ``found.files`` for those of Jobs (see ``found``), and
    ``found.appliedReplicas`` where the content that kubectl last applied sets ``replicas``.
    ``metadata.managedFields`` keeps the entries that own ``spec.replicas``, and that Helm applied the object, and when.
    Of an autoscaler, the field is that of its minimum.
    """
    belonging = part(kind, raw)
    if belonging is not None:
        return belonging
    count = MINIMA.get(kind, "replicas")
    kept = {"metadata": _metadata(raw, count), **_SHAPES.get(kind, _whole)(raw)}
    found: dict[str, Any] = {}
    if sets_replicas(str(at(raw, "metadata", "annotations", APPLIED, default="")), count):
        found["appliedReplicas"] = True
    template = _template(kind, raw)
    if template is not None:
        found["hosts"] = found_hosts(at(template, "spec"), str(at(raw, "metadata", "namespace")), namespaces)
    files = found_files(at(template, "spec")) if kind in _PERIODIC else []
    if files:
        found["files"] = files
    return {**kept, "found": found} if found else kept


def _metadata(raw: Raw, count: str) -> dict[str, Any]:
    source = at(raw, "metadata", default={})
    kept = {key: source[key] for key in _METADATA if source.get(key) is not None}
    annotations = {key: value for key, value in at(source, "annotations", default={}).items() if key != APPLIED}
    if annotations:
        kept["annotations"] = annotations
    entries = at(source, "managedFields", default=())
    managers = [_manager(entry, count) for entry in entries if _counts(entry, count) or _by_helm(entry)]
    if managers:
        kept["managedFields"] = managers
    return kept


def _counts(entry: Mapping[str, Any], count: str) -> bool:
    return at(entry, "fieldsV1", "f:spec", f"f:{count}") is not None


def _by_helm(entry: Mapping[str, Any]) -> bool:
    return (entry.get("manager"), entry.get("operation")) == ("helm", "Apply")


def _manager(entry: Mapping[str, Any], count: str) -> dict[str, Any]:
    named = {key: entry[key] for key in ("manager", "operation", "subresource", "time") if entry.get(key)}
    return {**named, "fieldsV1": {"f:spec": {f"f:{count}": {}}}} if _counts(entry, count) else named


def _template(kind: str, raw: Raw) -> Any:
    if kind == "CronJob":
        return at(raw, "spec", "jobTemplate", "spec", "template")
    return at(raw, "spec", "template") if kind in _TEMPLATED else None


def _whole(raw: Raw) -> dict[str, Any]:
    """All but what the API server itself fills in."""
    return {key: value for key, value in raw.items() if key not in {"metadata", "apiVersion", "kind"}}


def _workload(raw: Raw) -> dict[str, Any]:
    spec = dict(at(raw, "spec", default={}))
    if "template" in spec:
        spec["template"] = _pod_template(spec["template"])
    return {"spec": spec, "status": at(raw, "status", default={})}


def _pod_template(template: Any) -> dict[str, Any]:
    meta = at(template, "metadata", default={})
    kept = {key: meta[key] for key in ("labels", "annotations") if meta.get(key)}
    return {"metadata": kept, "spec": pod_spec(at(template, "spec", default={}))}


def _cron_job(raw: Raw) -> dict[str, Any]:
    spec = dict(at(raw, "spec", default={}))
    job = dict(at(spec, "jobTemplate", "spec", default={}))
    if "template" in job:
        job["template"] = _pod_template(job["template"])
    labels = {"metadata": {"labels": at(spec, "jobTemplate", "metadata", "labels", default={})}}
    return {"spec": {**spec, "jobTemplate": {**labels, "spec": job}}, "status": at(raw, "status", default={})}


def _replica_set(raw: Raw) -> dict[str, Any]:
    spec = at(raw, "spec", default={})
    status = at(raw, "status", default={})
    return {
        "spec": {key: spec[key] for key in ("replicas", "selector", "minReadySeconds") if key in spec},
        "status": {key: status[key] for key in ("replicas", "readyReplicas", "availableReplicas") if key in status},
    }


def _pod(raw: Raw) -> dict[str, Any]:
    spec = pod_spec(at(raw, "spec", default={}))
    return {"spec": {**spec, "nodeName": at(raw, "spec", "nodeName", default="")}, "status": pod_status(raw)}


def _node(raw: Raw) -> dict[str, Any]:
    spec, status = at(raw, "spec", default={}), at(raw, "status", default={})
    ready = [one for one in at(status, "conditions", default=()) if one.get("type") == "Ready"]
    return {
        "spec": {key: spec[key] for key in ("unschedulable", "taints", "providerID") if key in spec},
        "status": {
            "allocatable": at(status, "allocatable", default={}),
            "conditions": [{key: one[key] for key in ("type", "status") if key in one} for one in ready],
        },
    }


def _lease(raw: Raw) -> dict[str, Any]:
    spec = at(raw, "spec", default={})
    return {"spec": {key: spec[key] for key in _LEASE if spec.get(key) is not None}}


def _webhooks(raw: Raw) -> dict[str, Any]:
    return {"webhooks": [_uncertified(one) for one in at(raw, "webhooks", default=())]}


def _uncertified(value: Any) -> Any:
    """Without certificate bundles, which are long and say nothing about who is called."""
    if isinstance(value, Mapping):
        return {key: _uncertified(item) for key, item in value.items() if key != "caBundle"}
    return [_uncertified(item) for item in value] if isinstance(value, list | tuple) else value


def _api_service(raw: Raw) -> dict[str, Any]:
    return {"spec": _uncertified(at(raw, "spec", default={}))}


def _definition(raw: Raw) -> dict[str, Any]:
    spec = at(raw, "spec", default={})
    kept = {key: spec[key] for key in ("group", "names", "scope") if key in spec}
    return {"spec": {**kept, "conversion": _uncertified(at(spec, "conversion", default={"strategy": "None"}))}}


def _scaled_object(raw: Raw) -> dict[str, Any]:
    """Without triggers, whose metadata may hold connection strings."""
    spec = at(raw, "spec", default={})
    return {"spec": {key: spec[key] for key in _SCALED if key in spec}}


def _application(raw: Raw) -> dict[str, Any]:
    """What it leaves alone; its sources may carry values that are nobody's business."""
    spec = at(raw, "spec", default={})
    kept = {"ignoreDifferences": spec["ignoreDifferences"]} if spec.get("ignoreDifferences") else {}
    options = at(spec, "syncPolicy", "syncOptions")
    return {"spec": {**kept, **({"syncPolicy": {"syncOptions": options}} if options else {})}}


def _prometheus(raw: Raw) -> dict[str, Any]:
    """Where it sends alerts; its scrapes and remote writes may carry credentials."""
    alerting = [
        {key: one[key] for key in ("name", "namespace", "port") if one.get(key)}
        for one in at(raw, "spec", "alerting", "alertmanagers", default=())
    ]
    return {"spec": {"alerting": {"alertmanagers": alerting}}} if alerting else {"spec": {}}


def _helm_release(raw: Raw) -> dict[str, Any]:
    """What it does about drift; its values are nobody's business."""
    drift = at(raw, "spec", "driftDetection")
    return {"spec": {"driftDetection": drift} if drift else {}}


def _fallbacks(raw: Raw) -> dict[str, Any]:
    """Only its references that are fallbacks: the rest may carry environment and credentials."""
    kept = [{"field": field, **_reference(one)} for field, one in _references(raw.get("spec"), "spec")]
    return {"found": {"fallbacks": kept}} if kept else {}


def _references(value: Any, field: str) -> Iterator[tuple[str, Raw]]:
    if isinstance(value, Mapping):
        if value.get("fallback") is True and value.get("name"):
            yield field, value
        for key in sorted(value):
            yield from _references(value[key], f"{field}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _references(item, f"{field}[{i}]")


def _reference(one: Raw) -> dict[str, str]:
    return {key: str(one[key]) for key in ("group", "kind", "name", "namespace") if one.get(key)}


_SHAPES: dict[str, Trim] = {
    "Deployment": _workload, "StatefulSet": _workload, "DaemonSet": _workload, "Job": _workload,
    "CronJob": _cron_job, "ReplicaSet": _replica_set, "Pod": _pod, "Node": _node, "EndpointSlice": endpoints,
    "Lease": _lease, "ValidatingWebhookConfiguration": _webhooks, "MutatingWebhookConfiguration": _webhooks,
    "APIService": _api_service, "CustomResourceDefinition": _definition,
    "Rollout": _workload, "ScaledObject": _scaled_object, "AlertmanagerConfig": receivers,
    "Application": _application, "HelmRelease": _helm_release, "Prometheus": _prometheus, "SecurityPolicy": _fallbacks,
    "EnvoyExtensionPolicy": _fallbacks, "EnvoyProxy": _fallbacks,
}  # fmt: skip
