"""Every controller of pods, joined with its pods, its owner and the state of its rollout.

Objects are read in the trimmed form: the paths of the Kubernetes API, and ``found.hosts``, the host names that the
template's arguments, environment and mounted configuration mention.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from microglia.model.ids import WorkloadId
from microglia.model.objects import Objects, Raw, annotations_of, at, labels_of, name_of, namespace_of
from microglia.topology.claims.delivery import Deliverers, read_deliverers
from microglia.topology.containers import read_containers, template_of
from microglia.topology.flight import in_flight
from microglia.topology.nodes import Workload
from microglia.topology.owners import resolve
from microglia.topology.pods import Pods, controller, lasting_labels, moment
from microglia.topology.scalers import Scalers, read_scalers

_ALWAYS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout")
_TOPMOST = ("ReplicaSet", "Job")
"""Kinds that are a workload only when nothing controls them."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What every workload is joined with."""

    pods: Pods
    scalers: Scalers
    deliverers: Deliverers
    blind: bool


def read_workloads(objects: Objects, pods: Pods) -> dict[WorkloadId, Workload]:
    """All workloads, sorted by id. Pods whose controller is not listed (an operator's own kind) make one as well."""
    seen = _Seen(pods, read_scalers(objects), read_deliverers(objects), objects.blind("Pod"))
    listed = dict(_listed(objects))
    for target in pods.by_workload:
        if target not in listed:
            listed[target] = pods.samples[target] if target.kind == "Pod" else _implied(target, pods)
    return {target: _workload(target, listed[target], seen) for target in sorted(listed)}


def _listed(objects: Objects) -> Iterator[tuple[WorkloadId, Raw]]:
    for kind in _ALWAYS:
        for raw in objects.of(kind):
            yield WorkloadId(namespace_of(raw), name_of(raw), kind), raw
    for kind in _TOPMOST:
        for raw in objects.of(kind):
            if controller(raw) is None:
                yield WorkloadId(namespace_of(raw), name_of(raw), kind), raw


def _implied(target: WorkloadId, pods: Pods) -> Raw:
    """All that is known of a controller which no list shows."""
    metadata = {"name": target.name, "namespace": target.namespace, "uid": pods.uids[target]}
    return {"kind": target.kind, "apiVersion": pods.versions[target], "metadata": metadata}


def _workload(target: WorkloadId, raw: Raw, seen: _Seen) -> Workload:
    pods = seen.pods.by_workload.get(target, ())
    sample = seen.pods.samples.get(target)
    template = template_of(target.kind, raw)
    return Workload(
        id=target,
        uid=str(at(raw, "metadata", "uid", default="")),
        replicas=_replicas(target.kind, raw, len(pods)),
        ready=int(at(raw, "status", "readyReplicas", default=0)) if seen.blind else sum(pod.ready for pod in pods),
        labels=dict(labels_of(raw)),
        annotations=dict(annotations_of(raw)),
        pod_labels=_pod_labels(template, sample),
        containers=read_containers(template, sample),
        pods=pods,
        owner=resolve(target, raw, seen.scalers, seen.deliverers),
        in_flight=in_flight(target.kind, raw),
        created=moment(at(raw, "metadata", "creationTimestamp")),
        hosts=tuple(sorted(at(raw, "found", "hosts", default=()))),
        raw=raw,
    )


def _replicas(kind: str, raw: Raw, existing: int) -> int:
    if kind in {"Deployment", "StatefulSet", "ReplicaSet", "Rollout"}:
        return int(at(raw, "spec", "replicas", default=1))
    return existing


def _pod_labels(template: Mapping[str, object], sample: Raw | None) -> dict[str, str]:
    labels = at(template, "metadata", "labels")
    if labels is not None:
        return lasting_labels(template)
    return lasting_labels(sample) if sample is not None else {}
